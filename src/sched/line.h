/* line.h - tickets that could use the same upstreams wait in one line.
 *
 * What makes waiting cheap: whatever opens up concerns an account, and each account knows the lines that could use it.
 * So whoever has the next turn is found by looking at the heads of those lines, however many tickets wait behind them.
 * A line exists while somebody waits in it.
 *
 * Called with the scheduler's mutex held.
 */
#ifndef SCHED_LINE_H
#define SCHED_LINE_H

#include "heap.h"

/* A line waits for a candidate, and so for its account: each account has a list of those who want it. */
struct wish {
    struct list node; /* in its account's wishes */
    struct line *line;
    struct candidate *candidate;
};

struct line {
    struct list node;               /* in its bucket, or among the spare ones */
    struct model_row *row;
    const struct endpoint *endpoint; /* of the first ticket: lines are for endpoints that the same upstreams serve */
    enum conf_policy policy;
    struct upstream_set tried;
    unsigned mask;                  /* bit per lane: somebody is in it */
    struct heap lanes[LANE_COUNT];
    struct wish *wishes;
    size_t wish_count, wish_capacity;
};

enum { LINE_BUCKETS = 256, LINE_SPARE_MAX = 64 };

struct lines {
    struct list buckets[LINE_BUCKETS];
    struct list spare;
    unsigned spare_count;
    struct list wanted; /* accounts with wishes */
};

void lines_init(struct lines *l);
void lines_free(struct lines *l); /* nobody waits */

/* The ticket joins the line that is its own, in ticket->lane. */
void line_join(struct lines *l, struct ticket *t, const struct turn_key *key);
void line_leave(struct lines *l, struct ticket *t);

/* It goes on waiting in another lane of its line. */
void line_change(struct ticket *t, enum lane lane, const struct turn_key *key);

static inline const struct heap_entry *line_first(const struct line *l, enum lane lane)
{
    return &l->lanes[lane].entries[0];
}
static inline struct heap_entry *line_entry(const struct ticket *t)
{
    return &t->line->lanes[t->lane].entries[t->position];
}

#endif
