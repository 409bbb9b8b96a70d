/* gate_private.h - the daemon's parts.
 *
 * gate.c   opening, accepting, draining, closing
 * reload.c what changes while it runs: the config, endpoints that are discovered, the clock
 */
#ifndef GATE_GATE_PRIVATE_H
#define GATE_GATE_PRIVATE_H

#include "dsgate/gate/admin.h"
#include "dsgate/gate/capacity.h"
#include "dsgate/gate/discovery.h"
#include "dsgate/gate/gate.h"
#include "dsgate/gate/ledger.h"
#include "dsgate/gate/listeners.h"
#include "dsgate/gate/prober.h"
#include "dsgate/gate/worker_thread.h"

enum { WORKERS_MAX = 256 };

struct gate {
    struct gate_options options;
    const struct config *config;
    struct pool *pool;
    struct shared shared;
    atomic_uint_fast64_t bodies;
    struct budget retries, hedges;
    const char *reasons[ATTEMPT_REASONS]; /* for the metrics */
    struct listeners *listeners;
    struct admin *admin;
    struct prober *prober;
    struct ledger *ledger;
    struct discovery *discovery;
    struct worker_thread *workers[WORKERS_MAX];
    unsigned worker_count;
    bool own_tables; /* each worker has a descriptor table of its own */
    struct capacity *capacity;
    bool draining, stopped;
    struct timer drain_timer, upkeep_timer;
    usec_t saved; /* when the ledger was last brought up to date */
};

/* The pool for a config, with the endpoints that are known; NULL with sentences in *error. */
struct pool *gate_make_pool(struct gate *g, const struct config *config, struct buf *error);

/* Before workers begin: g->pool, new, is the current one. */
void gate_begin_pool(struct gate *g);

/* discovery.h's: other endpoints, and so another pool. */
void gate_on_discovered(void *gate);

/* The regular work, from now on. */
void gate_begin_upkeep(struct gate *g);

/* Into how many parts the memory for answers is divided, from the start to the end. */
unsigned gate_cache_shards(const struct conf_cache *c);

void gate_set_capacity(struct gate *g);
void gate_announce(struct gate *g, const char *what);

#endif
