/* cache_policies.h - LRU, LFU and W-TinyLFU written down as plainly as can be, to compare the memory level with.
 *
 * Each knows all keys by their numbers, counts exactly and without bounds, has no shards, and pays for no bookkeeping.
 */
#ifndef DSGATE_TESTS_UNIT_CACHE_POLICIES_H
#define DSGATE_TESTS_UNIT_CACHE_POLICIES_H

#include "cache_test.h"

enum { SIM_QUEUES = 16384 }; /* LFU: one for each count */

struct sim_item {
    struct list node; /* in its queue, the latest in front */
    size_t cost;
    unsigned count, queue;
};

struct sim {
    struct sim_item *items; /* by number */
    size_t item_count, limit, entries;
    size_t bytes[SIM_QUEUES];
    struct list queues[SIM_QUEUES];
    unsigned lowest;    /* LFU: no queue below has anything */
    uint64_t additions; /* W-TinyLFU: since counts were halved */
};

static inline struct sim *sim_new(size_t items, size_t limit)
{
    struct sim *s = MEM_NEW(struct sim);
    *s = (struct sim){.items = mem_zalloc(items * sizeof *s->items), .item_count = items, .limit = limit};
    for (int i = 0; i < SIM_QUEUES; i++)
        list_init(&s->queues[i]);
    return s;
}

static inline void sim_free(struct sim *s)
{
    mem_free(s->items);
    mem_free(s);
}

static inline void sim_remove(struct sim *s, struct sim_item *item)
{
    list_remove(&item->node);
    s->bytes[item->queue] -= item->cost;
    s->entries--;
}

static inline void sim_place(struct sim *s, struct sim_item *item, unsigned queue)
{
    if (list_linked(&item->node)) sim_remove(s, item);
    item->queue = queue;
    list_push_front(&s->queues[queue], &item->node);
    s->bytes[queue] += item->cost;
    s->entries++;
}

static inline struct sim_item *sim_oldest(struct sim *s, unsigned queue)
{
    return CONTAINER_OF(s->queues[queue].prev, struct sim_item, node);
}

/* ---- each is asked for an item, and says whether it was there; if not, it may keep it now ---- */

static inline bool sim_lru(struct sim *s, struct sim_item *item)
{
    bool hit = list_linked(&item->node);
    sim_place(s, item, 0);
    while (s->bytes[0] > s->limit)
        sim_remove(s, sim_oldest(s, 0));
    return hit;
}

/* Counts are kept for ever, also of what was evicted. */
static inline bool sim_lfu(struct sim *s, struct sim_item *item)
{
    bool hit = list_linked(&item->node);
    if (++item->count == SIM_QUEUES) abort();
    if (item->count < s->lowest) s->lowest = item->count;
    if (!hit) s->bytes[0] += item->cost; /* all, as nothing has a count of 0 */
    sim_place(s, item, item->count);
    while (s->bytes[0] > s->limit) {
        while (list_empty(&s->queues[s->lowest]))
            s->lowest++;
        struct sim_item *victim = sim_oldest(s, s->lowest);
        s->bytes[0] -= victim->cost;
        sim_remove(s, victim);
    }
    return hit;
}

enum { SIM_WINDOW, SIM_PROBATION, SIM_PROTECTED };

static inline void sim_count(struct sim *s, struct sim_item *item)
{
    item->count++;
    if (++s->additions < 10 * (s->entries + 64)) return;
    s->additions = 0;
    for (size_t i = 0; i < s->item_count; i++)
        s->items[i].count /= 2;
}

/* Which have to go for the candidate, and are they asked for less often, all together? */
static inline void sim_admit(struct sim *s, struct sim_item *candidate, size_t room)
{
    struct list victims;
    unsigned count = 0;
    list_init(&victims);
    sim_remove(s, candidate);
    while (s->bytes[SIM_PROBATION] + s->bytes[SIM_PROTECTED] + candidate->cost > room) {
        bool on_probation = !list_empty(&s->queues[SIM_PROBATION]);
        struct sim_item *victim = sim_oldest(s, on_probation ? SIM_PROBATION : SIM_PROTECTED);
        count += victim->count;
        sim_remove(s, victim);
        list_push_front(&victims, &victim->node);
    }
    if (list_empty(&victims) || candidate->count > count) {
        while (list_pop_front(&victims)) {
        }
        sim_place(s, candidate, SIM_PROBATION);
        return;
    }
    for (struct list *node; (node = list_pop_front(&victims));) {
        struct sim_item *victim = CONTAINER_OF(node, struct sim_item, node);
        list_push_back(&s->queues[victim->queue], &victim->node);
        s->bytes[victim->queue] += victim->cost;
        s->entries++;
    }
}

static inline bool sim_w_tiny_lfu(struct sim *s, struct sim_item *item)
{
    bool hit = list_linked(&item->node);
    size_t window = s->limit / 100, room = s->limit - window;
    sim_count(s, item);
    sim_place(s, item, !hit || item->queue == SIM_WINDOW ? SIM_WINDOW : SIM_PROTECTED);
    while (s->bytes[SIM_PROTECTED] > room / 10 * 8)
        sim_place(s, sim_oldest(s, SIM_PROTECTED), SIM_PROBATION);
    while (s->bytes[SIM_WINDOW] > window)
        sim_admit(s, item->cost > window && item->queue == SIM_WINDOW ? item : sim_oldest(s, SIM_WINDOW), room);
    return hit;
}

#endif
