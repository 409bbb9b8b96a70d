/* worker.h - one thread with everything a request needs: loop, client connections, upstream connections, counters, log.
 *
 * Other threads only use the functions marked "any thread"; they post to the worker's loop.
 */
#ifndef DSGATE_GATE_WORKER_H
#define DSGATE_GATE_WORKER_H

#include "dsgate/base/random.h"
#include "dsgate/gate/request.h"
#include "dsgate/meter/access_log.h"
#include "dsgate/meter/metrics.h"
#include "dsgate/net/client.h"
#include "dsgate/net/server.h"
#include "dsgate/sched/sched.h"
#include <pthread.h>

/* What all workers share; owned by the gate. */
struct shared {
    struct sched *sched;
    struct dns *dns;
    struct metrics *metrics;
    struct access_file *access_file;
    atomic_uint_fast64_t *bodies; /* bytes of long request bodies under way */
};

struct worker {
    const struct shared *shared;
    unsigned index;
    pthread_t thread;
    struct loop *loop;
    struct server *server;
    struct client *client;
    struct sched_inbox inbox;
    struct metrics_shard *metrics;
    struct access_log *log;
    struct random_source random;
    struct pool *pool;              /* for requests from now on */
    struct buf scratch;             /* for composing answers; empty between uses */
    struct timer gauges;
    bool draining;
    bool at_rest;                   /* no call was under way at the last look */
    atomic_uint connections;        /* any thread may read; the accepting thread adds, the worker subtracts */
    atomic_bool drained;            /* draining and no connection is left */
    struct loop *notify;            /* told when drained */
    void *notify_arg;
    struct loop_post drained_post;
};

/* A worker on a loop that somebody else runs (tests); the pool is referenced. What is unfinished is aborted. */
struct worker *worker_open(const struct shared *shared, unsigned index, struct loop *loop, struct pool *pool);
void worker_close(struct worker *w);

/* A worker with a loop and thread of its own; `pool` is referenced. `drained` is delivered on `notify` once
 * worker_drain() has come to its end. NULL when the thread can't be had. */
struct worker *worker_start(const struct shared *shared, unsigned index, struct pool *pool, struct loop *notify,
                            void (*drained)(struct loop_post *post), void *notify_arg);

/* Any thread. worker_use_pool() references the pool. */
void worker_adopt(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls);
void worker_use_pool(struct worker *w, struct pool *pool);
void worker_drain(struct worker *w);

/* Ends the thread and the worker. From another thread. */
void worker_stop(struct worker *w);

#endif
