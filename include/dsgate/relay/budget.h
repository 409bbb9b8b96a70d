/* budget.h - how many calls beyond the first the whole gateway may make: retries and hedges must not become the storm
 * that they are to survive.
 *
 * Each request earns a share of a call, each further call spends a whole one. Savings are bounded, so that a quiet hour
 * does not pay for a storm, and so are debts, so that a storm is not paid for by the hours after it. Beside that a few
 * calls a second are free, without which a gateway with little to do could never retry; they are used before savings.
 *
 * Lock-free: any thread. Pure otherwise.
 */
#ifndef DSGATE_RELAY_BUDGET_H
#define DSGATE_RELAY_BUDGET_H

#include "dsgate/base/clock.h"
#include <stdatomic.h>
#include <stdbool.h>

#define BUDGET_SAVINGS 100 /* calls that may be saved up, or owed, at most */

struct budget {
    atomic_int_fast64_t savings; /* hundredths of a call; may be below 0 */
    atomic_int_fast64_t free_at; /* monotonic: when the free calls so far are paid off */
};

/* `savings`: calls to begin with; more than BUDGET_SAVINGS count as these. */
void budget_init(struct budget *b, unsigned savings);

/* A request has come. percent: of a call. */
void budget_earn(struct budget *b, unsigned percent);

/* Whether one more call may be made; it is counted then. free: calls a second that need no savings, 0…1000 (a second's
 * worth may come at once). */
bool budget_spend(struct budget *b, unsigned free, usec_t now);

/* Counts a call that is made in any case. */
void budget_charge(struct budget *b);

#endif
