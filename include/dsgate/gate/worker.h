/* worker.h - one thread with everything a request needs: loop, client connections, upstream connections, counters, log.
 *
 * Other threads only use the functions marked "any thread"; they post to the worker's loop. A worker may even have a
 * descriptor table of its own, so that the limit of descriptors counts for it alone: whatever it opens it also closes,
 * and connections come to it by net/handover.h.
 */
#ifndef DSGATE_GATE_WORKER_H
#define DSGATE_GATE_WORKER_H

#include "dsgate/base/random.h"
#include "dsgate/gate/request.h"
#include "dsgate/meter/access_log.h"
#include "dsgate/meter/metrics.h"
#include "dsgate/net/client.h"
#include "dsgate/net/handover.h"
#include "dsgate/net/server.h"
#include "dsgate/sched/sched.h"
#include <pthread.h>
#include <semaphore.h>

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

    /* Of workers with a thread: */
    pthread_t thread;
    bool running;
    bool own_descriptors;           /* settled when worker_start() returns */
    sem_t settled;
    struct handover *handover;      /* from the accepting thread */
};

/* A worker on a loop that somebody else runs (tests); the pool is referenced. What is unfinished is aborted. */
struct worker *worker_open(const struct shared *shared, unsigned index, struct loop *loop, struct pool *pool);
void worker_close(struct worker *w);

/* On the worker's own thread: takes over an accepted connection, which w->connections counts already. */
void worker_serve(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls);

/* A worker with a loop and, once worker_start() is called, a thread of its own; `pool` is referenced. `drained` is
 * delivered on `notify`, the loop of the accepting thread, once worker_drain() has come to its end. NULL when the
 * kernel refuses. All workers are made before the first one is started, since they must know each other's wake-ups. */
struct worker *worker_new(const struct shared *shared, unsigned index, struct pool *pool, struct loop *notify,
                          void (*drained)(struct loop_post *post), void *notify_arg);

/* own_descriptors: the thread asks for a descriptor table of its own, with what is open so far; whether it got one is
 * then in w->own_descriptors. Nothing that is opened later is known to it. false: no thread can be had. */
bool worker_start(struct worker *w, bool own_descriptors);

/* On the accepting thread: the descriptor is given away. */
void worker_adopt(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls);

/* Any thread. worker_use_pool() references the pool. */
void worker_use_pool(struct worker *w, struct pool *pool);
void worker_drain(struct worker *w);

/* Ends the thread, if it was started, with everything it has under way. From another thread. */
void worker_stop(struct worker *w);
/* Frees a stopped worker. Its last message may still be in the mail of `notify`, where later messages are linked to it:
 * so first all workers are stopped, and then all are freed. */
void worker_free(struct worker *w);

#endif
