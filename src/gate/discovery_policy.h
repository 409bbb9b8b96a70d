/* discovery_policy.h - the decisions of discovery: what an answer means, whether it is new, when to ask again.
 *
 * Pure. A set of endpoints is sorted (primaries first, then by address) and holds no endpoint twice.
 */
#ifndef DSGATE_GATE_DISCOVERY_POLICY_H
#define DSGATE_GATE_DISCOVERY_POLICY_H

#include "dsgate/net/records.h"
#include "dsgate/sched/pool.h"

struct endpoint_set {
    struct discovered_endpoint *at;
    unsigned count;
};

void endpoint_set_free(struct endpoint_set *s); /* and empties it */

/* What an answer holds. Of one address with several services the best counts: the lowest priority, then the highest
 * weight. */
struct endpoint_set endpoints_of(const struct records_answer *answer, enum records_kind kind);

/* Adds those of `known` that are of a family that was not answered (RECORDS_MISSED_…). */
void endpoints_keep(struct endpoint_set *s, const struct endpoint_set *known, unsigned missed);

/* Down to the first `max`; how many were dropped. */
unsigned endpoints_cut(struct endpoint_set *s, unsigned max);

/* Also in weights and backups. */
bool endpoints_same(const struct endpoint_set *a, const struct endpoint_set *b);

/* Appends the addresses of those in `a` that are not in `b`, whatever their weights, comma separated; after some of
 * them only how many more there are. How many in all. */
unsigned endpoints_describe_missing(const struct endpoint_set *a, const struct endpoint_set *b, struct buf *out);

usec_t discovery_next_ask(usec_t now, usec_t ttl);
usec_t discovery_next_wait(usec_t wait); /* after a failure; `wait` was the one before, 0 the first time */

/* When `changed` may be called for a change now; `told`: the last time, 0 = never. */
usec_t discovery_next_tell(usec_t now, usec_t told);

#endif
