/* buf.h - a growable byte queue: append at the tail, consume at the head.
 *
 * All zeros is a valid empty buffer. An emptied buffer keeps its storage until buf_free(), so that a busy connection
 * does not allocate; owners that must be small while idle call buf_free() themselves.
 *
 * Ownership: the buffer owns its bytes; a text from buf_text() is valid until the next call that changes the buffer.
 */
#ifndef DSGATE_BASE_BUF_H
#define DSGATE_BASE_BUF_H

#include "dsgate/base/text.h"

struct buf {
    char *data;
    size_t head, tail, capacity;
};

static inline size_t buf_len(const struct buf *b) { return b->tail - b->head; }
static inline struct text buf_text(const struct buf *b)
{
    return b->data ? text_make(b->data + b->head, b->tail - b->head) : TEXT_NONE;
}

/* Room for n more bytes at the returned address; buf_commit() then says how many were written. */
char *buf_reserve(struct buf *b, size_t n);
static inline void buf_commit(struct buf *b, size_t n) { b->tail += n; }

/* Inline: heads and log lines are made of many small appends. */
static inline void buf_append(struct buf *b, const void *p, size_t n)
{
    if (n == 0) return;
    char *to = b->capacity - b->tail >= n ? b->data + b->tail : buf_reserve(b, n);
    memcpy(to, p, n);
    b->tail += n;
}
static inline void buf_add(struct buf *b, struct text t) { buf_append(b, t.p, t.n); }
#define BUF_ADD(b, literal) buf_append((b), "" literal, sizeof(literal) - 1)
static inline void buf_add_byte(struct buf *b, char c) { buf_append(b, &c, 1); }
void buf_add_u64(struct buf *b, uint64_t value);
/* Microseconds as milliseconds: "12.034"; "0.000" when negative. */
void buf_add_ms(struct buf *b, int64_t us);
void buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string literal with its quotes: control bytes, quote and backslash escaped; bytes that are not valid UTF-8
 * become U+FFFD, so the output is always valid JSON. */
void buf_add_json_string(struct buf *b, struct text t);

/* The escape of one UTF-16 code unit in a JSON string: the short one where there is one, else \u00xx in lower case. */
void buf_add_json_escape(struct buf *b, uint16_t unit);

/* Drops n bytes at the head (n <= buf_len). */
void buf_consume(struct buf *b, size_t n);

/* Empties it and keeps the storage. */
static inline void buf_clear(struct buf *b) { b->head = b->tail = 0; }

/* Gives the storage back; the buffer is empty and usable afterwards. */
void buf_free(struct buf *b);

#endif
