/* prober.h - active health checks: brings upstreams that are down, or under suspicion, back.
 *
 * An upstream that serves well is never probed: passive results say more and cost nothing, and an idle gateway stays
 * silent. After a fault GET base_path + health.path is asked every health.interval, with the upstream's key and TLS
 * settings, until sched says that no probe is wanted. Any answer below 500 other than 429 counts as alive. Lives on the
 * main loop.
 */
#ifndef DSGATE_GATE_PROBER_H
#define DSGATE_GATE_PROBER_H

#include "dsgate/net/loop.h"
#include "dsgate/sched/sched.h"

struct prober;

struct prober *prober_new(struct loop *loop, struct sched *sched);
void prober_use_pool(struct prober *p, struct pool *pool); /* references it */
void prober_free(struct prober *p);                        /* ends probes under way */

#endif
