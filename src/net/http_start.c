/* http_start.c - the first line of a message (RFC 9112 sections 3 and 4). */
#include "http_private.h"

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* `malformed`: what to say when it is no version at all. */
static enum http_error read_version(struct http_head *head, struct text v, enum http_error malformed)
{
    if (v.n != 8 || memcmp(v.p, "HTTP/", 5) != 0 || !is_digit(v.p[5]) || v.p[6] != '.' || !is_digit(v.p[7]))
        return malformed;
    if (v.p[5] != '1' || v.p[7] > '1') return HTTP_BAD_VERSION;
    head->minor = (uint8_t)(v.p[7] - '0');
    return HTTP_FINE;
}

/* ---- targets ---- */

static bool is_port(struct text t)
{
    uint64_t port;
    return t.n == 0 || (t.n <= 5 && text_to_u64(t, &port) && port <= UINT16_MAX);
}

/* An IPv6 address in brackets; whether it is one that exists is nobody's business here. */
static bool is_bracketed(struct text t)
{
    if (t.n < 4 || t.p[0] != '[' || t.p[t.n - 1] != ']') return false;
    for (size_t i = 1; i < t.n - 1; i++) {
        char c = (char)(t.p[i] | 0x20);
        if (!is_digit(t.p[i]) && t.p[i] != ':' && t.p[i] != '.' && (c < 'a' || c > 'f')) return false;
    }
    return true;
}

/* RFC 3986 would also allow commas, quotes and the like in names. No host has them, and programs differ in what they
 * make of them. */
bool http_is_authority(struct text t)
{
    size_t name = t.n && t.p[0] == '[' ? text_find_byte(t, ']') + 1 : text_find_byte(t, ':');
    if (name == 0 || name > t.n) return false;
    struct text host = text_make(t.p, name), rest = text_from(t, name);
    if (rest.n && (rest.p[0] != ':' || !is_port(text_from(rest, 1)))) return false;
    return t.p[0] == '[' ? is_bracketed(host) : http_all(host, HTTP_IN_HOST);
}

static void set_path(struct http_head *head, struct text path_and_query)
{
    size_t mark = text_find_byte(path_and_query, '?');
    head->path = text_make(path_and_query.p, mark);
    head->query = text_from(path_and_query, mark + 1);
}

/* `rest` is what follows "http:" or "https:". The authority is dropped (dsgate serves every name alike); an absent path
 * means "/", and the head has such a byte in "//". */
static enum http_error read_absolute(struct http_head *head, struct text rest)
{
    if (!text_starts(rest, TEXT("//"))) return HTTP_BAD_TARGET;
    struct text slash = text_make(rest.p + 1, 1);
    rest = text_from(rest, 2);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    if (!http_is_authority(text_make(rest.p, n))) return HTTP_BAD_TARGET;
    set_path(head, text_from(rest, n));
    if (head->path.n == 0) head->path = slash;
    return HTTP_FINE;
}

static enum http_error read_target(struct http_head *head)
{
    struct text t = head->target;
    if (text_find_byte(t, ' ') < t.n || t.n == 0) return HTTP_BAD_REQUEST_LINE;
    if (!http_all(t, HTTP_IN_TARGET) || text_is(head->method_text, "CONNECT")) return HTTP_BAD_TARGET;
    if (t.p[0] == '/') {
        set_path(head, t);
        return HTTP_FINE;
    }
    if (text_is(t, "*")) return head->method == HTTP_OPTIONS ? HTTP_FINE : HTTP_BAD_TARGET;
    if (text_starts_nocase(t, TEXT("http:"))) return read_absolute(head, text_from(t, 5));
    if (text_starts_nocase(t, TEXT("https:"))) return read_absolute(head, text_from(t, 6));
    return HTTP_BAD_TARGET;
}

/* ---- lines ---- */

/* The version is judged first: who speaks another HTTP should hear that. */
enum http_error http_read_request_line(struct http_head *head, struct text line)
{
    size_t first = text_find_byte(line, ' ');
    const char *last = line.n ? memrchr(line.p, ' ', line.n) : NULL;
    if (!last || first == 0 || last == line.p + first) return HTTP_BAD_REQUEST_LINE;
    head->method_text = text_make(line.p, first);
    head->target = text_make(line.p + first + 1, (size_t)(last - line.p) - first - 1);
    if (!http_all(head->method_text, HTTP_IN_TOKEN)) return HTTP_BAD_REQUEST_LINE;
    struct text version = text_from(line, (size_t)(last - line.p) + 1);
    enum http_error error = read_version(head, version, HTTP_BAD_REQUEST_LINE);
    if (error != HTTP_FINE) return error;
    head->method = http_method_id(head->method_text);
    return read_target(head);
}

/* The space before an empty reason is often forgotten, and nothing can be read differently without it. */
enum http_error http_read_status_line(struct http_head *head, struct text line)
{
    enum { VERSION = 8, STATUS = VERSION + 1, END = STATUS + 3 };
    enum http_error error =
        read_version(head, text_make(line.p, line.n < VERSION ? line.n : VERSION), HTTP_BAD_STATUS_LINE);
    if (error != HTTP_FINE) return error;
    if (line.n < END || line.p[VERSION] != ' ' || (line.n > END && line.p[END] != ' ')) return HTTP_BAD_STATUS_LINE;
    uint64_t status;
    if (!text_to_u64(text_make(line.p + STATUS, 3), &status) || status < 100 || status > 599)
        return HTTP_BAD_STATUS_LINE;
    head->status = (unsigned)status;
    head->reason = text_from(line, END + 1);
    return HTTP_FINE;
}
