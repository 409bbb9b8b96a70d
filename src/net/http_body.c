/* http_body.c - the body, taken apart where it lies.
 *
 * The difficulty: a read may end anywhere, inside a size, between CR and LF, in a trailer. So the lines of the chunked
 * coding are read by a machine that takes one byte at a time, and the payload between them is moved in one piece.
 */
#include "http_private.h"

enum { SIZE_DIGITS_MAX = 16, SIZE_LINE_MAX = 256, TRAILERS_MAX = 8192, EXTENSIONS_FREE = 16384 };

enum state {
    SIZE_START,
    SIZE,
    EXTENSION,
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    TRAILER_START,
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF
};

void http_body_init(struct http_body *b, const struct http_head *head, uint64_t limit)
{
    *b = (struct http_body){.framing = head->framing, .limit = limit, .state = SIZE_START};
    if (head->framing == HTTP_LENGTH) b->left = head->content_length;
    if (head->framing == HTTP_UNTIL_CLOSE) b->left = UINT64_MAX;
    b->done = head->framing == HTTP_NO_BODY || (head->framing == HTTP_LENGTH && b->left == 0);
}

static enum http_error check_limit(const struct http_body *b, uint64_t more)
{
    return more > b->limit - b->received ? HTTP_BODY_TOO_LARGE : HTTP_FINE;
}

static enum http_error feed_plain(struct http_body *b, size_t n, size_t *payload, size_t *used)
{
    size_t take = n < b->left ? n : (size_t)b->left;
    enum http_error error = check_limit(b, take);
    if (error != HTTP_FINE) return error;
    *payload = *used = take;
    b->received += take;
    if (b->framing == HTTP_LENGTH) {
        b->left -= take;
        b->done = b->left == 0;
    }
    return HTTP_FINE;
}

/* ---- lines of the chunked coding ---- */

static void begin_line(struct http_body *b, enum state state)
{
    b->state = (uint8_t)state;
    b->line = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static enum http_error expect(struct http_body *b, char c, char expected, enum state next)
{
    if (c != expected) return HTTP_BAD_CHUNK;
    b->state = (uint8_t)next;
    return HTTP_FINE;
}

static enum http_error size_byte(struct http_body *b, char c)
{
    int digit = hex_digit(c);
    if (digit >= 0 && b->line < SIZE_DIGITS_MAX) {
        b->left = (b->line++ ? b->left << 4 : 0) | (uint64_t)digit;
        b->state = SIZE;
        return HTTP_FINE;
    }
    if (b->state == SIZE_START) return HTTP_BAD_CHUNK;
    if (c != ';') return expect(b, c, '\r', SIZE_LF);
    b->line++;
    b->state = EXTENSION;
    return HTTP_FINE;
}

static bool is_printable(char c) { return (unsigned char)c >= 0x20 && c != 0x7f; }

/* Nobody needs more of them than payload: without that, tiny chunks could carry them for ever. */
static enum http_error extension_byte(struct http_body *b, char c)
{
    if (!is_printable(c)) return expect(b, c, '\r', SIZE_LF);
    bool bounded = ++b->line <= SIZE_LINE_MAX && ++b->extensions <= EXTENSIONS_FREE + b->received;
    return bounded ? HTTP_FINE : HTTP_BAD_CHUNK;
}

/* The size is known: what would become too much is refused before it comes. */
static enum http_error end_size(struct http_body *b, char c)
{
    if (c != '\n') return HTTP_BAD_CHUNK;
    begin_line(b, b->left ? DATA : TRAILER_START);
    return check_limit(b, b->left);
}

/* A trailer is a field like others, and dropped: "name: value". */
static enum http_error trailer_byte(struct http_body *b, char c)
{
    if (++b->line > TRAILERS_MAX) return HTTP_HEAD_TOO_LARGE;
    switch ((enum state)b->state) {
    case TRAILER_START:
        if (c == '\r') return expect(b, c, '\r', LAST_LF);
        b->state = TRAILER_NAME;
        return http_is(c, HTTP_IN_TOKEN) ? HTTP_FINE : HTTP_BAD_CHUNK;
    case TRAILER_NAME: return http_is(c, HTTP_IN_TOKEN) ? HTTP_FINE : expect(b, c, ':', TRAILER_VALUE);
    case TRAILER_VALUE: return is_printable(c) || c == '\t' ? HTTP_FINE : expect(b, c, '\r', TRAILER_LF);
    case TRAILER_LF: return expect(b, c, '\n', TRAILER_START);
    default: b->done = c == '\n'; return b->done ? HTTP_FINE : HTTP_BAD_CHUNK;
    }
}

static enum http_error line_byte(struct http_body *b, char c)
{
    switch ((enum state)b->state) {
    case SIZE_START:
    case SIZE: return size_byte(b, c);
    case EXTENSION: return extension_byte(b, c);
    case SIZE_LF: return end_size(b, c);
    case DATA_CR: return expect(b, c, '\r', DATA_LF);
    case DATA_LF: begin_line(b, SIZE_START); return c == '\n' ? HTTP_FINE : HTTP_BAD_CHUNK;
    default: return trailer_byte(b, c);
    }
}

static size_t move_data(struct http_body *b, char *to, const char *from, size_t n)
{
    size_t take = n < b->left ? n : (size_t)b->left;
    if (to != from) memmove(to, from, take);
    b->left -= take;
    b->received += take;
    if (b->left == 0) b->state = DATA_CR;
    return take;
}

static enum http_error feed_chunked(struct http_body *b, char *p, size_t n, size_t *payload, size_t *used)
{
    enum http_error error = HTTP_FINE;
    while (*used < n && !b->done && error == HTTP_FINE) {
        if (b->state == DATA) {
            size_t take = move_data(b, p + *payload, p + *used, n - *used);
            *payload += take;
            *used += take;
        } else {
            error = line_byte(b, p[(*used)++]);
        }
    }
    return error;
}

enum http_error http_body_feed(struct http_body *b, char *p, size_t n, size_t *payload, size_t *used)
{
    *payload = *used = 0;
    switch (b->framing) {
    case HTTP_NO_BODY: return HTTP_FINE;
    case HTTP_LENGTH:
    case HTTP_UNTIL_CLOSE: return feed_plain(b, n, payload, used);
    case HTTP_CHUNKED: break;
    }
    return feed_chunked(b, p, n, payload, used);
}
