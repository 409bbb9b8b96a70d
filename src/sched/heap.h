/* heap.h - waiting tickets in order of their turn: push, take out from anywhere, see the first; O(log n). */
#ifndef SCHED_HEAP_H
#define SCHED_HEAP_H

#include "dsgate/sched/sched.h"

enum { HEAP_CHILDREN = 4, HEAP_WALK_MAX = 50 /* entries that a walk comes to, at most */ };

/* What decides the order; the smaller, the sooner. */
struct turn_key {
    usec_t deadline;
    uint64_t tag;     /* of fairness between callers */
    uint64_t arrival; /* no two are equal */
};

struct heap_entry {
    struct turn_key key;
    struct ticket *ticket;
};

struct heap {
    struct heap_entry *entries; /* [0] is the first; each ticket knows its position */
    size_t count, capacity;
};

bool turn_before(const struct turn_key *a, const struct turn_key *b);

void heap_push(struct heap *h, struct ticket *t, const struct turn_key *key);
void heap_remove(struct heap *h, struct ticket *t);
void heap_free(struct heap *h); /* empty again */

/* The first entries in their order, while the heap stays as it is. */
struct heap_walk {
    const struct heap *heap;
    size_t steps, edge_count;
    size_t edge[HEAP_WALK_MAX * HEAP_CHILDREN]; /* positions among which the next one is */
};

void heap_walk_begin(struct heap_walk *w, const struct heap *h);
const struct ticket *heap_walk_next(struct heap_walk *w); /* NULL: that was all, or HEAP_WALK_MAX of them */

#endif
