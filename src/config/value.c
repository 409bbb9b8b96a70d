#include "value.h"
#include "dsgate/base/calendar.h"

static bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

static bool is_alnum_or(char c, const char *others) { return is_alnum(c) || (c && strchr(others, c)); }

static bool all_alnum_or(struct text t, const char *others)
{
    for (size_t i = 0; i < t.n; i++)
        if (!is_alnum_or(t.p[i], others)) return false;
    return true;
}

/* All bytes from `first` to '~', and none of `except`. */
static bool all_ascii_from(struct text t, char first, const char *except)
{
    for (size_t i = 0; i < t.n; i++)
        if (t.p[i] < first || t.p[i] > '~' || strchr(except, t.p[i])) return false;
    return true;
}

const char *value_line(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if ((unsigned char)t.p[i] < 0x20 || t.p[i] == 0x7F) return "has a control character; expected one line of text";
    return NULL;
}

const char *value_file(struct text t)
{
    return value_line(t) ? "has a control character; expected the path of a file" : NULL;
}

const char *value_name(struct text t)
{
    if (t.n >= 1 && t.n <= 64 && all_alnum_or(t, "._-")) return NULL;
    return "is not a name; expected 1 to 64 of A-Z a-z 0-9 . _ -";
}

const char *value_model(struct text t)
{
    if (t.n >= 1 && t.n <= 256 && all_ascii_from(t, '!', "\"\\")) return NULL;
    return "is not a model's name; expected 1 to 256 visible ASCII characters, no quotes or backslashes";
}

const char *value_key(struct text t)
{
    if (t.n <= 8192 && all_ascii_from(t, '!', "")) return NULL;
    return "would break a header; expected at most 8192 visible ASCII characters without spaces";
}

const char *value_header_name(struct text t)
{
    static const char *const refused[] = {"host",
                                          "content-length",
                                          "transfer-encoding",
                                          "connection",
                                          "keep-alive",
                                          "proxy-connection",
                                          "proxy-authorization",
                                          "te",
                                          "trailer",
                                          "upgrade",
                                          "expect",
                                          "http2-settings",
                                          "proxy-authenticate"};
    if (t.n == 0 || t.n > 128 || !all_alnum_or(t, "!#$%&'*+-.^_`|~"))
        return "is not a header's name; expected 1 to 128 of A-Z a-z 0-9 ! # $ % & ' * + - . ^ _ ` | ~";
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (text_eq_nocase(t, text_of(refused[i]))) return "frames the message or belongs to one connection; remove it";
    return NULL;
}

const char *value_header_value(struct text t)
{
    if (t.n <= 8192 && all_ascii_from(t, ' ', "") && text_trim(t).n == t.n) return NULL;
    return "would break a header; expected at most 8192 visible ASCII characters and spaces between them";
}

const char *value_path(struct text t)
{
    static const char bad[] = "is not a path; expected '/' and then A-Z a-z 0-9 - . _ ~ ! $ & ' ( ) * + , ; = : @ /, "
                              "without '//', '.', '..' or a '/' at the end";
    struct text rest = text_from(t, 1), segment;
    if (t.n < 2 || t.n > 1024 || t.p[0] != '/' || t.p[t.n - 1] == '/') return bad;
    if (!all_alnum_or(t, "-._~!$&'()*+,;=:@/")) return bad;
    while (text_cut(&rest, '/', &segment))
        if (segment.n == 0 || text_is(segment, ".") || text_is(segment, "..")) return bad;
    return NULL;
}

const char *value_pattern(struct text t)
{
    if (!value_model(t)) return NULL;
    return "is not a pattern of models' names; expected one such as deepseek-*, without quotes or backslashes";
}

/* Names are looked for by patterns, in which * ? [ ] and \ mean something. */
const char *value_prefix(struct text t)
{
    if (t.n >= 1 && t.n <= 64 && all_alnum_or(t, "._-:/{}")) return NULL;
    return "is not the beginning of a name; expected 1 to 64 of A-Z a-z 0-9 . _ - : / { }";
}

const char *value_sha256(struct text t)
{
    bool digits = t.n == 64;
    for (size_t i = 0; i < t.n && digits; i++)
        digits = is_alnum(t.p[i]) && (t.p[i] | 0x20) <= 'f';
    return digits ? NULL : "is not a SHA-256; expected the 64 digits that printf %s \"$KEY\" | sha256sum prints";
}

/* Only the form is told: the reason would name parts of what may have come from a variable. */
const char *value_window(struct text t)
{
    struct window w;
    struct buf reason = {0};
    bool good = window_parse(t, &w, &reason);
    buf_free(&reason);
    if (good) window_free(&w);
    return good ? NULL
                : "is not a window of the week; expected one such as \"Mon-Fri 01:00-04:00\" or \"Sat,Sun 00:00-24:00 "
                  "Asia/Shanghai\", in a time zone that this system knows";
}

const char *value_time_zone(struct text t)
{
    struct buf reason = {0};
    struct zone *zone = zone_open(t, &reason);
    buf_free(&reason);
    zone_close(zone);
    return zone ? NULL : "is not a time zone that this system knows; expected UTC, +08:00 or one such as Asia/Shanghai";
}

const char *value_answer(struct text t)
{
    enum { ANSWER_MAX = 65536 };
    struct text rest = t;
    while (rest.n && text_utf8_length(rest)) {
        unsigned char c = (unsigned char)rest.p[0];
        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7F) break;
        rest = text_from(rest, text_utf8_length(rest));
    }
    if (rest.n == 0 && t.n <= ANSWER_MAX) return NULL;
    return "is not an answer; expected at most 64KB of UTF-8 without control characters but tabs and line ends";
}

char *value_lower(struct text t)
{
    char *copy = text_dup(t);
    for (char *c = copy; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + ('a' - 'A'));
    return copy;
}
