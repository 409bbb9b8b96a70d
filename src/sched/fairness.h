/* fairness.h - turns shared fairly between callers: start-time fair queueing.
 *
 * Each caller has a clock of its own that a ticket moves on by 1 ÷ weight; a ticket's tag is what the clock shows when
 * it joins, but never less than the tag of the last turn that was given. So who asks ten times as often waits behind
 * its own tickets, not before those of others, and nobody gains by having been idle. Nor does who asks for one turn
 * after another instead of for all at once: a clock that is ahead is kept until time has caught up with it, or nobody
 * waits. (Goyal, Vin and Cheng, SIGCOMM 1996.)
 *
 * Called with the scheduler's mutex held.
 */
#ifndef SCHED_FAIRNESS_H
#define SCHED_FAIRNESS_H

#include "dsgate/sched/sched.h"

struct fairness {
    struct list *buckets; /* by the low bits of the callers' ids, which are hashes */
    unsigned bucket_count, caller_count;
    struct list idle;     /* callers without tickets whose clocks are ahead, in the order in which they became so */
    unsigned waiting, weights; /* tickets; the sum of their callers' weights */
    uint64_t now;         /* tag of the last turn */
};

void fairness_init(struct fairness *f);
void fairness_free(struct fairness *f); /* nobody waits */

/* One more ticket of its caller waits: ticket->turn is filled in. Its tag is never below that of an older one. */
void fairness_join(struct fairness *f, struct ticket *t);

/* A ticket leaves: it has got its turn, or given up, which gives the caller its time back. */
void fairness_turn(struct fairness *f, struct ticket *t);
void fairness_give_up(struct fairness *f, struct ticket *t);

/* About how many of those that wait have their turn before one that joins now. */
unsigned fairness_ahead(const struct fairness *f, const struct ticket *t);

#endif
