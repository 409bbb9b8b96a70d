/* http_scan.c - where does the head end?
 *
 * A head may come byte by byte, so the search goes on where it stopped. It judges what needs no understanding on the
 * way: line ends, control bytes, and the two sizes. Errors are found in the order of the bytes, so that the same bytes
 * get the same verdict however they were cut.
 */
#include "http_private.h"

/* Moves *at on to the first byte that is wrong, to the head's end (sets *length), or as far as `in` goes. A last CR is
 * left for the next time. */
static enum http_error walk_lines(struct text in, size_t *at, size_t *length)
{
    const char *p = in.p + *at, *end = in.p + in.n;
    for (;;) {
        p = http_find_control(p, end);
        *at = (size_t)(p - in.p);
        if (p == end) return HTTP_FINE;
        if (*p == '\t') {
            p++;
            continue;
        }
        if (*p != '\r') return *p == '\n' ? HTTP_BAD_LINE_END : HTTP_BAD_BYTE;
        if (p + 1 == end) return HTTP_FINE;
        if (p[1] != '\n') return HTTP_BAD_LINE_END;
        if (p == in.p || p[-1] == '\n') {
            *length = *at + 2;
            return HTTP_FINE;
        }
        p += 2;
    }
}

/* The walk has just passed the last byte where the first line may end. */
static bool first_line_too_long(struct text in, uint32_t limit) { return !memchr(in.p, '\r', (size_t)limit + 1); }

enum http_error http_find_end(struct text in, const struct http_limits *limits, size_t *scanned, size_t *length)
{
    size_t before = *scanned;
    *length = 0;
    if (in.n == 0) return HTTP_FINE;
    struct text allowed = text_make(in.p, in.n < limits->head ? in.n : limits->head);
    enum http_error error = walk_lines(allowed, scanned, length);
    bool passed = before <= limits->line && *scanned > limits->line;
    if (passed && first_line_too_long(in, limits->line)) return HTTP_LINE_TOO_LONG;
    if (error != HTTP_FINE || *length) return error;
    return in.n > limits->head ? HTTP_HEAD_TOO_LARGE : HTTP_FINE;
}
