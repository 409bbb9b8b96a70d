/* pool_private.h - what the files of the pool tell each other.
 *
 * pool.c         a pool as a whole, and its upstreams
 * pool_shared.c  what outlives it: states and their targets, accounts and their slots
 * pool_origins.c where connections go
 * pool_models.c  which upstreams serve a model
 */
#ifndef SCHED_POOL_PRIVATE_H
#define SCHED_POOL_PRIVATE_H

#include "dsgate/sched/pool.h"

/* The origin for an upstream, or for the endpoint of it that was found at an address (NULL: base_url's); NULL with the
 * end of a sentence in *why. */
struct origin *pool_origin(const struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                           const struct address *found, struct buf *why);

/* The state for the upstream of this name: that of `before`, the same one in the pool before, or a new one (NULL).
 * Referenced. */
struct upstream_state *pool_state(const struct upstream *before, const char *name);
void pool_state_unref(struct upstream_state *s);

/* Likewise its account. */
struct account *pool_account(const struct pool *p, const struct pool *previous, const struct upstream *before,
                             const struct conf_upstream *conf);
void pool_account_unref(struct account *a);

/* What is known, and what is counted, of a model; made where there is none yet. They live as long as their owner. */
struct target *pool_target(struct upstream_state *s, const char *model);
struct slot *pool_slot(struct account *a, const char *model);

/* The limit that an account's upstreams set for a model, "*": for all together; the largest counts, 0 = none. */
unsigned pool_cap(const struct pool *p, const struct account *a, const char *model);

/* Fills p->rows, p->any and p->all from p->upstreams. */
void pool_build_rows(struct pool *p);
void pool_free_rows(struct pool *p);

#endif
