/* admin.h - the admin port, for operators and their machines. Never on the API port.
 *
 *   GET  /healthz            alive
 *   GET  /readyz             200 when at least one upstream is neither down nor drained nor still to be found, and the
 *                            gateway does not end; with which models are ready
 *   GET  /readyz/MODEL       200 when calls for it can be given to somebody
 *   GET  /metrics            for Prometheus (meter/metrics.h)
 *   GET  /version
 *   GET  /upstreams          all that is known of each upstream, but for its keys, as JSON; /upstreams/NAME: of one
 *   POST /upstreams/NAME     {"draining": true|false, "weight": 0…1000 (0: the config's)}: what an operator wants of it
 *   GET  /queue              how each class fares, and at most 100 of those that wait, with place and estimated wait
 *   GET  /queue/REQUEST-ID   where one that waits stands
 *   GET  /cache              how the levels of the cache fare
 *   GET  /cache/KEY          what is known of the entry with this key (x-dsgate-cache-key) in memory; never its text
 *   POST /cache              {"purge": {"key": …, "model": …, "tenant": …}}: drops entries to which all of that
 *                            applies, one of them at least; {"purge": "all"}: all entries
 *
 * Nobody is asked for a key, so listeners belong on loopback addresses and Unix sockets, or behind client certificates.
 * Web pages in an operator's browser can't post: Content-Type must be application/json, and Host an IP address or
 * localhost (but on Unix sockets).
 */
#ifndef DSGATE_GATE_ADMIN_H
#define DSGATE_GATE_ADMIN_H

#include "dsgate/gate/worker.h"
#include "dsgate/net/listen.h"

struct admin;

struct admin *admin_new(struct loop *loop, const struct shared *shared);
/* For connections accepted on an admin listener. When there are too many, one that is not being served makes room;
 * false: there is none, and the descriptor is still the caller's. */
bool admin_adopt(struct admin *a, int fd, const struct address *peer, struct tls_ctx *tls);
/* The pool whose upstreams are shown and judged; references it. */
void admin_use_pool(struct admin *a, struct pool *pool);
/* /readyz says 503 from now on. */
void admin_set_draining(struct admin *a);
void admin_free(struct admin *a);

#endif
