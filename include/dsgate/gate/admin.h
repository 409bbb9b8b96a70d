/* admin.h - the admin port: /healthz, /readyz, /metrics, /version. Never on the API port.
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
