/* worker_thread.h - a worker on a thread of its own, and how the main thread reaches it.
 *
 * All calls are the main thread's. The thread may have a descriptor table of its own, so that the limit of descriptors
 * counts for it alone; that is why connections travel to it by net/handover.h.
 */
#ifndef DSGATE_GATE_WORKER_THREAD_H
#define DSGATE_GATE_WORKER_THREAD_H

#include "dsgate/gate/worker.h"

struct worker_thread;

/* Makes the worker and its loop; `pool` is referenced. `drained` is called on `main_loop` once worker_thread_drain()
 * has come to its end. NULL when the kernel refuses. All are made before the first one is started, since they must know
 * each other's wake-ups. */
struct worker_thread *worker_thread_new(const struct shared *shared, unsigned index, struct pool *pool,
                                        struct loop *main_loop, void (*drained)(void *arg), void *arg);

/* Starts the thread. own_descriptors: it asks for a descriptor table of its own, with what is open so far; nothing that
 * is opened later is known to it. false: no thread can be had. */
bool worker_thread_start(struct worker_thread *t, bool own_descriptors);

/* Whether it got one: a filter of system calls may forbid it. */
bool worker_thread_has_own_descriptors(const struct worker_thread *t);

/* Hands over an accepted connection. The descriptor is given away; `tls` is referenced. */
void worker_thread_adopt(struct worker_thread *t, int fd, const struct address *peer, struct tls_ctx *tls);

/* Connections that it has, or that are on their way to it. */
unsigned worker_thread_connections(const struct worker_thread *t);

/* As worker_use_pool() and worker_drain(). */
void worker_thread_use_pool(struct worker_thread *t, struct pool *pool);
void worker_thread_drain(struct worker_thread *t);
bool worker_thread_has_drained(const struct worker_thread *t); /* `drained` was called */

/* Ends the thread, if it was started, with everything it has under way. */
void worker_thread_stop(struct worker_thread *t);

/* Frees a stopped one. Its last message may still be in the mail of the main loop, where later messages are linked to
 * it: so first all are stopped, and then all are freed. */
void worker_thread_free(struct worker_thread *t);

#endif
