/* discovery.h - upstreams that are a name for many endpoints: keeps track of which there are.
 *
 * A name is asked for when its records' time to live is over, but not before 1 s and not after 5 min. An answer that is
 * empty or fails changes nothing: the last good endpoints stay, and the name is asked for again after 1 s, 2 s, 4 s …
 * 60 s. Where only a part was answered (say A but not AAAA) the endpoints of the other part stay for five answers.
 *
 * Endpoints are sorted, so that neither the order of an answer nor a cut at max_endpoints makes them come and go. Of
 * services the lowest priority is primary and the others are backups; weights are 1…1000.
 *
 * Lives on the main loop. What came and went, and each change between well and failing, is logged.
 */
#ifndef DSGATE_GATE_DISCOVERY_H
#define DSGATE_GATE_DISCOVERY_H

#include "dsgate/net/loop.h"
#include "dsgate/sched/pool.h"

struct discovery;

/* `changed`: some upstream's endpoints are others than before, and a new pool is wanted. Comes at most once a second
 * for all of them, always from the loop. */
struct discovery *discovery_new(struct loop *loop, void (*changed)(void *arg), void *arg);

/* References `config`, and asks for its names. What is known of an upstream stays if it still asks the same question;
 * of the others nothing is known until they are answered. */
void discovery_use_config(struct discovery *d, const struct config *config);

/* The upstreams whose endpoints are known, for pool_new(); *n of them. Valid until the next call or turn. */
const struct discovered *discovery_found(const struct discovery *d, size_t *n);

void discovery_free(struct discovery *d); /* NULL is fine; the loop may not run again */

#endif
