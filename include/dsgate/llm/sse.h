/* sse.h - server-sent events (WHATWG HTML section 9.2), read from a byte stream however it is cut.
 *
 * Lines end in LF, CR LF or CR; ':' starts a comment; several data lines are joined by LF; a leading byte order mark is
 * ignored, and so are `id` and `retry`; UTF-8 is not checked. Events are returned with their raw bytes, so that a relay
 * can pass them on untouched. One reader a stream, used by one thread at a time; of an input it keeps nothing but
 * copies.
 */
#ifndef DSGATE_LLM_SSE_H
#define DSGATE_LLM_SSE_H

#include "dsgate/base/buf.h"

struct sse_reader {
    struct buf partial;      /* raw bytes of the event that is not complete yet */
    struct buf joined;       /* data lines of an event with more than one */
    size_t limit;            /* bytes an event may have */
    size_t lines;            /* line ends of this event so far */
    uint8_t mark;            /* bytes of the byte order mark seen */
    bool began;              /* past the place where a byte order mark may be */
    bool in_line, lone;      /* the current line has bytes; it is a comment outside of an event */
    bool after_cr, closing;  /* the last byte was a CR: an LF may belong to it; the line it ended ends the event */
    bool bare_cr;            /* this stream has used a CR as a line end */
    bool returned;           /* the last event lies in `partial` */
    bool too_large;
};

struct sse_event {     /* all of it lies in the input or the reader, and is valid until the next call */
    struct text raw;   /* all its bytes, blank line included */
    struct text name;  /* of the last `event:` line; empty = none */
    struct text data;  /* the data lines' values, joined by LF */
    bool has_data;     /* false: only comments, blank lines, or other fields */
};

void sse_reader_init(struct sse_reader *r, size_t limit); /* limit 0 = 1 MiB */
void sse_reader_free(struct sse_reader *r);

/* The next complete event of *input, which is advanced past it; false when the input is used up (its tail is then kept
 * inside) or r->too_large has been set (the stream can't be read any further). Feed a piece, then call until false.
 *
 * Keep-alives must not be held back: a comment line or blank line outside of an event is an event of its own without
 * data, each line for itself, so that the events do not depend on how the stream is cut. A CR that ends an event waits
 * for the next byte, which may be its LF; once the stream has used a bare CR it waits no more, and such an LF is a
 * blank line. */
bool sse_next(struct sse_reader *r, struct text *input, struct sse_event *event);

/* Raw bytes of an unfinished event that are still held, once sse_next() has said false (end of stream). */
static inline struct text sse_leftover(const struct sse_reader *r) { return buf_text(&r->partial); }

#endif
