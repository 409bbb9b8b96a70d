/* Four children a node instead of two: half the levels, and the four share two cache lines. */
#include "heap.h"

enum { SMALLEST = 16, LARGE = 1024 };

bool turn_before(const struct turn_key *a, const struct turn_key *b)
{
    if (a->deadline != b->deadline) return a->deadline < b->deadline;
    return a->tag != b->tag ? a->tag < b->tag : a->arrival < b->arrival;
}

static void put(struct heap *h, size_t at, const struct heap_entry *e)
{
    h->entries[at] = *e;
    e->ticket->position = at;
}

/* Both move a hole until `e` fits into it. */
static void sift_up(struct heap *h, size_t at, const struct heap_entry *e)
{
    for (size_t parent; at > 0; at = parent) {
        parent = (at - 1) / HEAP_CHILDREN;
        if (!turn_before(&e->key, &h->entries[parent].key)) break;
        put(h, at, &h->entries[parent]);
    }
    put(h, at, e);
}

static size_t first_child(const struct heap *h, size_t at)
{
    size_t best = at * HEAP_CHILDREN + 1, end = best + HEAP_CHILDREN < h->count ? best + HEAP_CHILDREN : h->count;
    for (size_t i = best + 1; i < end; i++)
        if (turn_before(&h->entries[i].key, &h->entries[best].key)) best = i;
    return best;
}

static void sift_down(struct heap *h, size_t at, const struct heap_entry *e)
{
    for (size_t child; at * HEAP_CHILDREN + 1 < h->count; at = child) {
        child = first_child(h, at);
        if (!turn_before(&h->entries[child].key, &e->key)) break;
        put(h, at, &h->entries[child]);
    }
    put(h, at, e);
}

void heap_push(struct heap *h, struct ticket *t, const struct turn_key *key)
{
    if (h->count == h->capacity) {
        h->capacity = h->capacity ? h->capacity * 2 : SMALLEST;
        h->entries = mem_realloc(h->entries, h->capacity * sizeof *h->entries);
    }
    struct heap_entry e = {*key, t};
    sift_up(h, h->count++, &e);
}

void heap_remove(struct heap *h, struct ticket *t)
{
    size_t at = t->position;
    struct heap_entry last = h->entries[--h->count];
    if (h->count == 0 && h->capacity > LARGE) heap_free(h);
    if (at == h->count) return;
    if (at > 0 && turn_before(&last.key, &h->entries[(at - 1) / HEAP_CHILDREN].key))
        sift_up(h, at, &last);
    else
        sift_down(h, at, &last);
}

void heap_free(struct heap *h)
{
    mem_free(h->entries);
    *h = (struct heap){0};
}

/* ---- in order, without taking out ---- */

void heap_walk_begin(struct heap_walk *w, const struct heap *h)
{
    w->heap = h;
    w->steps = 0;
    w->edge_count = h->count > 0;
    w->edge[0] = 0;
}

/* The next one is a child of those that were before, or what stood beside them. */
const struct ticket *heap_walk_next(struct heap_walk *w)
{
    const struct heap_entry *entries = w->heap->entries;
    size_t best = 0;
    if (w->edge_count == 0 || w->steps++ == HEAP_WALK_MAX) return NULL;
    for (size_t i = 1; i < w->edge_count; i++)
        if (turn_before(&entries[w->edge[i]].key, &entries[w->edge[best]].key)) best = i;
    size_t at = w->edge[best];
    w->edge[best] = w->edge[--w->edge_count];
    for (size_t c = at * HEAP_CHILDREN + 1; c <= (at + 1) * HEAP_CHILDREN && c < w->heap->count; c++)
        w->edge[w->edge_count++] = c;
    return entries[at].ticket;
}
