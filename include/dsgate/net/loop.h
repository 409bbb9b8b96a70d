/* loop.h - one thread's event loop: readiness, timers, posts from other threads, signals.
 *
 * The only door to libevent. Each worker owns one loop; everything here is called on the loop's own thread unless a
 * comment says "any thread". Callbacks run one after the other and may call anything here, including stopping the very
 * io or timer that is being served.
 *
 * Timers live in a heap beside libevent and are lazy: moving a deadline later only stores it (the old entry fires,
 * sees the later deadline and goes back), because connections move theirs on every read.
 */
#ifndef DSGATE_NET_LOOP_H
#define DSGATE_NET_LOOP_H

#include "dsgate/base/clock.h"
#include "dsgate/base/list.h"
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>
#include <stddef.h>

struct loop;

/* NULL only when the kernel refuses (no descriptors left); the reason is logged. */
struct loop *loop_new(void);
void loop_free(struct loop *loop); /* when not running; pending posts are dropped */

/* Serves events until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop); /* any thread; takes effect after the current turn */

/* Monotonic time of this turn: cheap, and the same for all that happens in one turn. */
usec_t loop_now(const struct loop *loop);
/* The clock itself, for measuring what happens within a turn. */
usec_t loop_clock(const struct loop *loop);
/* Wall time of this turn. */
usec_t loop_wall(const struct loop *loop);

/* A shared block for reading into: valid until the callback returns, never kept. */
#define LOOP_SCRATCH ((size_t)64 * 1024)
char *loop_scratch(struct loop *loop);

/* ---- readiness: one io per descriptor, level-triggered, stays until changed ---- */

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 /* peer closed its side, although nobody reads (EPOLLRDHUP) */ };

struct loop_io {
    struct loop *loop;
    struct event ev;
    int fd;
    int wants; /* LOOP_* asked for; 0 while parked */
    void (*ready)(struct loop_io *io, int what);
};

/* Starts watching; the fd stays the caller's. The io must stay in place until loop_io_stop(). */
void loop_io_start(struct loop *loop, struct loop_io *io, int fd, int wants,
                   void (*ready)(struct loop_io *io, int what));
void loop_io_want(struct loop_io *io, int wants); /* no system call when unchanged */
void loop_io_stop(struct loop_io *io);            /* harmless when not started (zeroed) */

/* ---- timers ---- */

struct timer {
    usec_t due;      /* what the owner wants; USEC_NEVER = off */
    usec_t filed;    /* where the heap has it, <= due */
    size_t position; /* in the heap, 1-based; 0 = not in it */
    void (*fire)(struct timer *timer);
};

/* Sets or moves the one deadline of a timer (zeroed before first use). Moving it later costs a store. */
void timer_set(struct loop *loop, struct timer *timer, usec_t due, void (*fire)(struct timer *timer));
void timer_cancel(struct loop *loop, struct timer *timer); /* harmless when not set */
static inline bool timer_is_set(const struct timer *timer) { return timer->position && timer->due != USEC_NEVER; }

/* ---- work from elsewhere ---- */

/* A message for another loop. The struct is the sender's and must live until `deliver` has begun. */
struct loop_post {
    struct loop_post *next;
    void (*deliver)(struct loop_post *post);
};
void loop_post(struct loop *loop, struct loop_post *post); /* any thread; delivered in order of arrival */

/* Called at the end of each turn in which it was asked for: batching of writes, freeing what callbacks may still
 * be looking at. The struct is the caller's; asking twice in a turn runs it once. */
struct loop_after {
    struct list node;
    void (*run)(struct loop_after *after);
};
void loop_after_turn(struct loop *loop, struct loop_after *after);
void loop_after_cancel(struct loop_after *after);

/* Signals, delivered on this loop as ordinary callbacks (main thread only). */
void loop_on_signal(struct loop *loop, int signal, void (*arrived)(int signal, void *arg), void *arg);

#endif
