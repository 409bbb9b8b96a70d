/* balance.h - who is next: the policies, as pure functions over contenders.
 *
 * A contender is an upstream that could take the call now. The caller fills in what the policy needs; weights are in
 * thousandths, so that a slow start or a half-open breaker can take a part of one. A policy returns the index of its
 * choice; -1 when nobody is eligible.
 *
 * `weighted` and `least_busy` starve nobody: whoever is eligible gets calls sooner or later, unless it fails. The point
 * of the others is to prefer one.
 */
#ifndef DSGATE_SCHED_BALANCE_H
#define DSGATE_SCHED_BALANCE_H

#include "dsgate/base/random.h"
#include <stdbool.h>
#include <stddef.h>

struct contender {
    bool eligible;
    uint32_t weight;    /* thousandths; > 0 */
    int64_t current;    /* memory of balance_weighted(); 0 at first */
    double price;       /* price_blend(); 0 = unknown */
    double first_token; /* pace_first_token(), microseconds; 0 = unknown */
    double failing;     /* pace_failing(), 0 … 1 */
    uint64_t identity;  /* the same for the same upstream in every process */
    unsigned in_flight;
};

/* Smooth weighted round robin: every eligible contender gains its share of a call, by weight, the richest is chosen and
 * pays for a whole one; weights 5, 1, 1 give a a b a c a a (the scheme is nginx's). The others keep what they have.
 * Since all is counted in calls and not in weights, each gets what its shares add up to within a few calls, however
 * weights and eligibility change in between. */
int balance_weighted(struct contender *c, size_t n);

/* Two are drawn by weight, and the second gets the call when it is the less loaded one even with it (in flight ÷
 * weight). Calls that fail fast leave their upstream idle, which must not attract more of them: with the probability of
 * a failure, in which case it would come back to be tried elsewhere, the call goes to the other one at once, if that
 * fails less. */
int balance_least_busy(const struct contender *c, size_t n, struct random_source *random);

/* The least expected time to the first token: the measured one times the load, (in flight + 1) ÷ weight. What fails
 * fast is passed over for the runner-up as with least_busy. One whose time is unknown is tried first, by one call: a
 * crowd at an upstream that turns out to hang would be worse than not to know. While that call is under way it counts
 * for as slow as the slowest known one. */
int balance_latency(const struct contender *c, size_t n, struct random_source *random);

/* The cheapest; those within 1% of it by weighted round robin; unknown prices come last. */
int balance_cost(struct contender *c, size_t n);

enum { BALANCE_AFFINITY_FREE = 4 };

/* Rendezvous hashing by weight (a key's score at each upstream is an exponential variable whose rate is the weight, and
 * the least wins): the same key finds the same upstream in every process, and when one goes only its keys move.
 * Bounded (Mirrokni, Thorup, Zadimoghaddam: Consistent Hashing with Bounded Loads): one that with the call had more
 * than 5/4 of its weighted share of what is in flight, rounded up, passes it on to the key's next, but for the first
 * few calls (BALANCE_AFFINITY_FREE), which are no load that a warm cache should be given up for. */
int balance_affinity(const struct contender *c, size_t n, uint64_t key);

#endif
