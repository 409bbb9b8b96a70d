/* worker.h - everything a request needs on one loop: client connections, upstream connections, counters, log.
 *
 * Requests live and die on one worker. All calls are made on the thread that runs its loop; worker_thread.h is how
 * other threads reach it. What a worker opens it also closes: its thread may have a descriptor table of its own.
 */
#ifndef DSGATE_GATE_WORKER_H
#define DSGATE_GATE_WORKER_H

#include "dsgate/base/random.h"
#include "dsgate/cache/flight.h"
#include "dsgate/cache/memory.h"
#include "dsgate/cache/remote.h"
#include "dsgate/gate/request.h"
#include "dsgate/meter/access_log.h"
#include "dsgate/meter/metrics.h"
#include "dsgate/net/client.h"
#include "dsgate/net/server.h"
#include "dsgate/relay/budget.h"
#include "dsgate/sched/sched.h"

/* What all workers share; owned by the gate. */
struct shared {
    struct sched *sched;
    struct dns *dns;
    struct metrics *metrics;
    struct access_file *access_file;
    atomic_uint_fast64_t *bodies; /* bytes of long request bodies under way */
    struct budget *retries, *hedges; /* calls beyond the first, of all requests */
    struct cache_memory *memory;
    struct flights *flights; /* what is fetched now, for all who ask for it */
    struct remote_shared *redis; /* NULL: the config names none */
    struct remote *purger;   /* the main thread's own connection to it, for purges; NULL likewise */
    unsigned upstream_connections; /* a worker has at most so many before it keeps none; set before workers begin */
};

struct worker {
    const struct shared *shared;
    struct loop *loop;
    struct server *server;
    struct client *client;
    struct sched_inbox inbox;
    struct flight_inbox flights;
    struct remote *remote;   /* NULL: there is no Redis */
    struct list ghosts;      /* requests without a client: gate/ghost.c */
    struct metrics_shard *metrics;
    struct access_log *log;
    struct random_source random;
    struct pool *pool;       /* for requests from now on */
    struct buf scratch;      /* for composing answers; empty between uses */
    struct timer gauges;
    bool at_rest;            /* no call was under way at the last look */
    bool draining;
    atomic_uint connections; /* any thread may read; whoever accepts a connection adds, the worker subtracts */
    bool drained;            /* `on_drained` was called */
    void (*on_drained)(void *arg);
    void *on_drained_arg;
};

/* A worker on that loop; the pool is referenced. `drained` is called, once, when worker_drain() was called and no
 * connection is left; not from inside worker_open(). */
struct worker *worker_open(const struct shared *shared, struct loop *loop, struct pool *pool,
                           void (*drained)(void *arg), void *arg);

/* Opens what a thread has to open for itself, and begins with the regular upkeep. Once. */
void worker_begin(struct worker *w);

/* Takes over an accepted connection, which w->connections counts already. The descriptor becomes the worker's; `tls`
 * (NULL: plain) is only borrowed. */
void worker_serve(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls);

/* A connection that w->connections counts will not come. */
void worker_miss(struct worker *w);

/* Requests from now on use this pool, which is referenced, and its config's limits. */
void worker_use_pool(struct worker *w, struct pool *pool);

/* No new work: connections end with the request they are serving. */
void worker_drain(struct worker *w);

/* Ends everything that is under way (clients are told) and closes all descriptors; the memory stays until
 * worker_free(), which any thread may call after this. */
void worker_close(struct worker *w);
void worker_free(struct worker *w);

#endif
