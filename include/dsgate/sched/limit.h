/* limit.h - how many calls at once an account takes for one model, found out from its answers; pure.
 *
 * Under a fixed maximum (0 = none) moves an adaptive limit: back-pressure (OUTCOME_BUSY) sets it to 3/4 of what was in
 * flight, and successes while it is in use add to it, one for each round of as many successes as it allows. It starts
 * from what was in flight and not from the limit itself, as TCP does (RFC 5681, section 3.1): a limit that is not in
 * use has not caused anything, and a part of it would not be felt. Several 429 of one burst count once: after a cut
 * only calls that began later cut again, or add to it.
 *
 * A 503 is about the load that all customers make, of which ours is a small part: fewer calls at once would be refused
 * as often. So it cuts only while more than half of the calls are refused, when asking is hardly worth it.
 *
 * Retry-After, capped, is a time in which nothing is begun at all. Without a maximum there is no limit until the first
 * back-pressure, and none again once it has grown to twice what was in flight at that time without any more of it.
 *
 * An all-zero struct is a limit that was never lowered. Times are monotonic and > 0.
 */
#ifndef DSGATE_SCHED_LIMIT_H
#define DSGATE_SCHED_LIMIT_H

#include "dsgate/sched/outcome.h"
#include <stdint.h>

#define LIMIT_NONE     UINT32_MAX
#define LIMIT_CALM     (30 * USEC_PER_SEC) /* without back-pressure; from then on it grows by time as well */
#define LIMIT_STEP     (5 * USEC_PER_SEC)  /* between two steps of a quarter */
#define LIMIT_COOL_MAX (60 * USEC_PER_SEC) /* no Retry-After keeps an account away longer than that */

struct limit {
    unsigned value;    /* the adaptive limit; 0 = not lowered: the maximum counts */
    unsigned credit;   /* successes towards the next +1 */
    unsigned refused;  /* share of back-pressure among the last results, in 1/65536 */
    unsigned relieved; /* without a maximum: from this value on the limit goes away */
    usec_t cut_at;     /* of the last decrease; 0 = never */
    usec_t grown_at;   /* of the last step up */
    usec_t cool_until; /* nothing is begun before */
};

/* Calls that may be in flight now: at least 1, at most `max` (0 = none: LIMIT_NONE when it was never lowered). A new
 * `max` counts at once. */
unsigned limit_value(const struct limit *l, unsigned max);

/* A call that began at `began` has ended; `in_flight` with it. The later of two cool-downs counts. */
void limit_note(struct limit *l, unsigned max, const struct result *r, unsigned in_flight, usec_t began, usec_t now);

#endif
