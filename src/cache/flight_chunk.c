/* Bytes that have come: copied once, read by all. */
#include "flight_private.h"

static struct flight_chunk *last_chunk(const struct flight *f)
{
    return CONTAINER_OF(f->chunks.prev, struct flight_chunk, node);
}

static size_t end_of(const struct flight_chunk *c) { return c->start + c->capacity; }

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

static struct flight_chunk *add_chunk(struct list *chunks, size_t start, size_t capacity)
{
    struct flight_chunk *c = mem_alloc(sizeof *c + capacity);
    c->readers = 0;
    c->start = start;
    c->capacity = capacity;
    list_push_back(chunks, &c->node);
    return c;
}

void flight_chunks_begin(struct flight *f)
{
    list_init(&f->chunks);
    add_chunk(&f->chunks, 0, 0);
}

/* Exactly what a plain answer takes that comes in one piece, and twice as much each time for a stream. */
static size_t capacity_for(size_t written, size_t left)
{
    return smaller(written > left ? written : left, FLIGHT_SLICE);
}

void flight_chunks_fill(const struct flight *f, struct list *fresh, const struct iovec *pieces, int n)
{
    struct flight_chunk *c = last_chunk(f);
    size_t at = f->written, left = iov_total(pieces, n);
    for (int i = 0; i < n; i++) {
        struct text rest = text_make(pieces[i].iov_base, pieces[i].iov_len);
        while (rest.n > 0) {
            if (at == end_of(c)) c = add_chunk(fresh, at, capacity_for(f->written, left));
            size_t fits = smaller(rest.n, end_of(c) - at);
            memcpy(c->data + (at - c->start), rest.p, fits);
            rest = text_from(rest, fits);
            at += fits;
            left -= fits;
        }
    }
}

/* Those bytes of a chunk that come from `offset` on. */
static struct text bytes_of(const struct flight *f, const struct flight_chunk *c, size_t offset)
{
    return text_make(c->data + (offset - c->start), smaller(end_of(c), f->written) - offset);
}

struct iovec *flight_chunks_all(const struct flight *f, int *n)
{
    size_t count = 0;
    LIST_FOREACH(node, &f->chunks)
        count++;
    struct iovec *all = mem_alloc(count * sizeof *all);
    *n = 0;
    LIST_FOREACH(node, &f->chunks) {
        const struct flight_chunk *c = CONTAINER_OF(node, struct flight_chunk, node);
        all[(*n)++] = iov_of(bytes_of(f, c, c->start));
    }
    return all;
}

struct text flight_chunks_read(struct flight_hold *h, const struct flight *f, struct flight_chunk **at, size_t offset)
{
    struct flight_chunk *c = *at;
    while (offset == end_of(c))
        c = CONTAINER_OF(c->node.next, struct flight_chunk, node);
    c->readers++;
    flight_chunk_release(h, *at);
    *at = c;
    return bytes_of(f, c, offset);
}

void flight_chunk_release(struct flight_hold *h, struct flight_chunk *c)
{
    if (--c->readers == 0 && !list_linked(&c->node)) list_push_back(&h->garbage, &c->node);
}

static void drop(struct flight_hold *h, struct flight_chunk *c)
{
    list_remove(&c->node);
    if (c->readers == 0) list_push_back(&h->garbage, &c->node);
}

void flight_chunks_drop(struct flight_hold *h, struct flight *f)
{
    while (!list_empty(&f->chunks))
        drop(h, flight_first_chunk(f));
}

/* Not the last one, in which the lead may be writing. */
void flight_chunks_trim(struct flight_hold *h, struct flight *f)
{
    while (f->outgrown && f->chunks.next != f->chunks.prev) {
        struct flight_chunk *c = flight_first_chunk(f);
        if (c->readers > 0 && !flight_is_too_far_behind(f, end_of(c))) return;
        drop(h, c);
    }
}

void flight_chunks_free(struct list *chunks)
{
    for (struct list *node; (node = list_pop_front(chunks));)
        mem_free(CONTAINER_OF(node, struct flight_chunk, node));
}
