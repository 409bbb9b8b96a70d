/* sse.h - server-sent events (WHATWG HTML section 9.2), read from a byte stream however it is cut.
 *
 * Lines end in LF, CR LF or CR; ':' starts a comment; several data lines are joined by LF; a leading byte order mark is ignored.
 * Events are returned with their raw bytes, so that a relay can pass them on untouched.
 */
#ifndef DSGATE_LLM_SSE_H
#define DSGATE_LLM_SSE_H

#include "dsgate/base/buf.h"

struct sse_reader {
    struct buf partial; /* raw bytes of the event that is not complete yet */
    struct buf joined;  /* data lines of an event with more than one */
    size_t limit;       /* bytes an event may have; 0 = 1 MiB */
    size_t scanned;
    bool began, last_was_cr, too_large;
};

struct sse_event {
    struct text raw;   /* all its bytes, blank line included; inside the input or the reader: valid until the next call */
    struct text name;  /* of the last `event:` line; empty = none */
    struct text data;  /* joined data; */
    bool has_data;     /* false: only comments, blank lines, or other fields */
};

void sse_reader_init(struct sse_reader *r, size_t limit);
void sse_reader_free(struct sse_reader *r);

/* The next complete event of *input, which is advanced past it; false when the input is used up (its tail is then kept inside) or
 * r->too_large has been set. Feed a piece, then call until false. A run of comment or blank lines before an event is an event of its own
 * without data, returned as soon as its blank line (or, for a lone comment line, its line end) is there: keep-alives must not be
 * held back. */
bool sse_next(struct sse_reader *r, struct text *input, struct sse_event *event);

/* Raw bytes of an unfinished event that are still held (end of stream). */
static inline struct text sse_leftover(const struct sse_reader *r) { return buf_text(&r->partial); }

#endif
