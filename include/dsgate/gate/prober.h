/* prober.h - active health checks: they alone take an upstream down, and bring it back.
 *
 * With health.when: suspected, an upstream that serves well is never probed: calls say more and cost nothing, and an
 * idle gateway stays silent. After a call that failed GET base_path + health.path is asked, and again every
 * health.interval until sched says that no probe is wanted; with always, from the start on. A suspicion is noticed
 * within a second, or within health.interval where that is shorter. health_is_alive() tells which
 * answers are good. Upstreams whose endpoints DNS is still to tell are not probed.
 *
 * A probe goes the way that requests go, because what stops only one of them would keep a healthy upstream down: with
 * the same Host, key, `headers:`, TLS settings and server name, over HTTP/1.1, and to the first pinned address that
 * takes a connection. Each address has health.timeout for itself. Lives on the main loop.
 */
#ifndef DSGATE_GATE_PROBER_H
#define DSGATE_GATE_PROBER_H

#include "dsgate/net/loop.h"
#include "dsgate/sched/sched.h"

struct prober;

/* Both must outlive it. It does nothing before it has a pool. */
struct prober *prober_new(struct loop *loop, struct sched *sched);

/* Probes this pool's upstreams from now on; references it. Probes under way go on where the upstream is
 * still there, with what it was asked; the others end without a result. */
void prober_use_pool(struct prober *p, struct pool *pool);
void prober_free(struct prober *p); /* ends probes under way */

#endif
