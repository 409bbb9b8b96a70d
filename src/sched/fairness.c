#include "fairness.h"

#define TURN UINT64_C(1000000) /* of a caller with weight 1 */

enum { SMALLEST = 64 };

struct caller {
    struct list node, idle, tickets;
    uint64_t id, clock;
    unsigned waiting, weight; /* weight: while anybody waits */
};

static struct list *new_buckets(unsigned n)
{
    struct list *buckets = mem_alloc(n * sizeof *buckets);
    for (unsigned i = 0; i < n; i++)
        list_init(&buckets[i]);
    return buckets;
}

void fairness_init(struct fairness *f)
{
    *f = (struct fairness){.buckets = new_buckets(SMALLEST), .bucket_count = SMALLEST};
    list_init(&f->idle);
}

void fairness_free(struct fairness *f) { mem_free(f->buckets); }

static struct list *bucket_of(const struct fairness *f, uint64_t id) { return &f->buckets[id & (f->bucket_count - 1)]; }

static void grow(struct fairness *f)
{
    struct list *old = f->buckets;
    unsigned old_count = f->bucket_count;
    f->bucket_count *= 2;
    f->buckets = new_buckets(f->bucket_count);
    for (unsigned i = 0; i < old_count; i++)
        for (struct list *node; (node = list_pop_front(&old[i]));)
            list_push_back(bucket_of(f, CONTAINER_OF(node, struct caller, node)->id), node);
    mem_free(old);
}

static struct caller *find(const struct fairness *f, uint64_t id)
{
    LIST_FOREACH(node, bucket_of(f, id)) {
        struct caller *c = CONTAINER_OF(node, struct caller, node);
        if (c->id == id) return c;
    }
    return NULL;
}

static struct caller *add(struct fairness *f, uint64_t id)
{
    struct caller *c = MEM_NEW(struct caller);
    if (++f->caller_count > f->bucket_count) grow(f);
    c->id = id;
    list_init(&c->tickets);
    list_push_back(bucket_of(f, id), &c->node);
    return c;
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

static uint64_t tag_of_last(const struct caller *c)
{
    return list_empty(&c->tickets) ? 0 : CONTAINER_OF(c->tickets.prev, struct ticket, turn.node)->turn.tag;
}

void fairness_join(struct fairness *f, struct ticket *t)
{
    struct caller *c = find(f, t->caller);
    if (!c) c = add(f, t->caller);
    uint64_t from = later(c->clock, f->now);
    t->turn.caller = c;
    t->turn.tag = later(from, tag_of_last(c));
    c->clock = from + TURN / t->caller_weight;
    list_push_back(&c->tickets, &t->turn.node);
    list_remove(&c->idle);
    if (c->waiting++ == 0) f->weights += c->weight = t->caller_weight;
    f->waiting++;
}

static void forget(struct fairness *f, struct caller *c)
{
    list_remove(&c->idle);
    list_remove(&c->node);
    f->caller_count--;
    mem_free(c);
}

/* Those that time has caught up with, as far as they stand in front; all of them when nobody waits any more. */
static void forget_idle(struct fairness *f)
{
    while (!list_empty(&f->idle)) {
        struct caller *c = CONTAINER_OF(f->idle.next, struct caller, idle);
        if (f->waiting > 0 && c->clock > f->now) return;
        forget(f, c);
    }
}

static void rest(struct fairness *f, struct caller *c)
{
    f->weights -= c->weight;
    if (c->clock > f->now)
        list_push_back(&f->idle, &c->idle);
    else
        forget(f, c);
}

static void leave(struct fairness *f, struct ticket *t)
{
    struct caller *c = t->turn.caller;
    f->waiting--;
    list_remove(&t->turn.node);
    if (--c->waiting == 0) rest(f, c);
    forget_idle(f);
}

void fairness_turn(struct fairness *f, struct ticket *t)
{
    f->now = later(f->now, t->turn.tag);
    leave(f, t);
}

void fairness_give_up(struct fairness *f, struct ticket *t)
{
    t->turn.caller->clock -= TURN / t->caller_weight;
    leave(f, t);
}

/* While its own tickets have their turns, the others have theirs by weight; and half a round until the first. */
unsigned fairness_ahead(const struct fairness *f, const struct ticket *t)
{
    const struct caller *c = find(f, t->caller);
    double rounds = (c ? c->waiting : 0) + 0.5, ahead = rounds * f->weights / t->caller_weight;
    return ahead < f->waiting ? (unsigned)ahead : f->waiting;
}
