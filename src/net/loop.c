/* libevent's loop has no seams, and batching needs them ("once, at the end of the turn"). So a turn is one
 * event_base_loop(EVLOOP_ONCE): first descriptors, signals and the mailbox, then timers (bytes that came in time beat
 * their deadline), then the hooks. */
#include "dsgate/net/loop.h"
#include "dsgate/base/log.h"
#include "dsgate/net/timers.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct loop {
    struct event_base *base;
    atomic_bool stopping;
    usec_t now, wall;
    bool stamped; /* now and wall are this turn's */

    struct timers timers;
    struct event alarm; /* wakes the loop for the heap's earliest entry */
    usec_t alarm_at;

    struct list hooks;   /* of struct loop_after */
    struct list signals; /* of struct signal_watch */

    pthread_mutex_t mail_mutex;
    struct loop_post *mail, **mail_end;
    int wake_fd;
    struct loop_io wake;

    char *scratch;
};

struct signal_watch {
    struct list node;
    struct loop *loop;
    struct event ev;
    void (*arrived)(int signal, void *arg);
    void *arg;
};

/* ---- time ---- */

static void stamp(struct loop *loop)
{
    if (loop->stamped) return;
    loop->now = clock_monotonic();
    loop->wall = clock_wall();
    loop->stamped = true;
}

usec_t loop_now(const struct loop *loop) { return loop->stamped ? loop->now : clock_monotonic(); }
usec_t loop_clock(const struct loop *loop)
{
    (void)loop;
    return clock_monotonic();
}

usec_t loop_wall(const struct loop *loop) { return loop->stamped ? loop->wall : clock_wall(); }
char *loop_scratch(struct loop *loop) { return loop->scratch; }

/* ---- readiness ---- */

/* epoll reports errors unasked, and libevent passes them on as readable and writable only: an event for EV_CLOSED alone
 * would not be told of a reset, and the loop would spin. So who waits for a hang-up alone listens for writability too,
 * edge-triggered so that it does not fire all the time. */
static short events_for(int wants)
{
    if (wants == LOOP_HANGUP) return EV_PERSIST | EV_CLOSED | EV_WRITE | EV_ET;
    return (short)(EV_PERSIST | (wants & LOOP_READ ? EV_READ : 0) | (wants & LOOP_WRITE ? EV_WRITE : 0) |
                   (wants & LOOP_HANGUP ? EV_CLOSED : 0));
}

static bool peer_left(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0;
}

static void io_event(evutil_socket_t fd, short events, void *arg)
{
    struct loop_io *io = arg;
    int what = (events & EV_READ ? LOOP_READ : 0) | (events & EV_WRITE ? LOOP_WRITE : 0) |
               (events & EV_CLOSED ? LOOP_HANGUP : 0);
    stamp(io->loop);
    if (io->wants == LOOP_HANGUP) {
        if (!(what & LOOP_HANGUP) && !peer_left(fd)) return;
        what = LOOP_HANGUP;
    }
    io->ready(io, what);
}

static void io_watch(struct loop_io *io, int wants)
{
    io->wants = wants;
    if (wants == 0) return;
    event_assign(&io->ev, io->loop->base, io->fd, events_for(wants), io_event, io);
    if (event_add(&io->ev, NULL) < 0) log_error("cannot watch descriptor %d: %s", io->fd, strerror(errno));
}

void loop_io_start(struct loop *loop, struct loop_io *io, int fd, int wants,
                   void (*ready)(struct loop_io *io, int what))
{
    io->loop = loop;
    io->fd = fd;
    io->ready = ready;
    io_watch(io, wants);
}

void loop_io_want(struct loop_io *io, int wants)
{
    if (!io->loop || io->wants == wants) return;
    if (io->wants) event_del(&io->ev);
    io_watch(io, wants);
}

void loop_io_stop(struct loop_io *io)
{
    if (!io->loop) return;
    loop_io_want(io, 0);
    io->loop = NULL;
}

/* ---- timers ---- */

static void alarm_event(evutil_socket_t fd, short events, void *arg)
{
    struct loop *loop = arg;
    loop->alarm_at = USEC_NEVER;
}

static void set_alarm(struct loop *loop)
{
    usec_t next = timers_next(&loop->timers);
    if (next >= loop->alarm_at) return;
    usec_t now = clock_monotonic(), delay = next > now ? next - now : 0;
    struct timeval tv = {delay / USEC_PER_SEC, delay % USEC_PER_SEC};
    event_add(&loop->alarm, &tv);
    loop->alarm_at = next;
}

void timer_set(struct loop *loop, struct timer *timer, usec_t due, void (*fire)(struct timer *timer))
{
    timer->fire = fire;
    timers_set(&loop->timers, timer, due);
}

void timer_cancel(struct loop *loop, struct timer *timer) { timers_cancel(&loop->timers, timer); }

/* A timer that sets itself to a time already past must not keep the turn from ending: hence the count. */
static void fire_timers(struct loop *loop)
{
    for (size_t most = loop->timers.count; most > 0; most--) {
        struct timer *timer = timers_pop_due(&loop->timers, loop->now);
        if (!timer) return;
        timer->fire(timer);
    }
}

/* ---- mail from other threads ---- */

static void wake_up(struct loop *loop)
{
    uint64_t one = 1;
    ssize_t written = write(loop->wake_fd, &one, sizeof one);
    (void)written; /* fails only when 2^64 - 1 wake-ups are waiting already */
}

void loop_post(struct loop *loop, struct loop_post *post)
{
    post->next = NULL;
    pthread_mutex_lock(&loop->mail_mutex);
    bool was_empty = loop->mail == NULL;
    *loop->mail_end = post;
    loop->mail_end = &post->next;
    pthread_mutex_unlock(&loop->mail_mutex);
    if (was_empty) wake_up(loop);
}

static struct loop_post *take_mail(struct loop *loop)
{
    pthread_mutex_lock(&loop->mail_mutex);
    struct loop_post *mail = loop->mail;
    loop->mail = NULL;
    loop->mail_end = &loop->mail;
    pthread_mutex_unlock(&loop->mail_mutex);
    return mail;
}

/* The counter is emptied before the mail is taken: a letter that comes in between is delivered now and wakes for
 * nothing later; the other order would lose its wake-up. */
static void wake_ready(struct loop_io *io, int what)
{
    struct loop *loop = CONTAINER_OF(io, struct loop, wake);
    uint64_t count;
    if (read(loop->wake_fd, &count, sizeof count) < 0) return;
    struct loop_post *post = take_mail(loop);
    while (post) {
        struct loop_post *next = post->next;
        post->deliver(post);
        post = next;
    }
}

/* ---- hooks and signals ---- */

void loop_after_turn(struct loop *loop, struct loop_after *after)
{
    if (!list_linked(&after->node)) list_push_back(&loop->hooks, &after->node);
}

void loop_after_cancel(struct loop_after *after) { list_remove(&after->node); }

/* What hooks ask for while they run belongs to the next turn, which then does not wait. */
static void run_hooks(struct loop *loop)
{
    if (list_empty(&loop->hooks)) return;
    struct list now, *node;
    list_insert_before(loop->hooks.next, &now);
    list_remove(&loop->hooks);
    list_init(&loop->hooks);
    while ((node = list_pop_front(&now))) {
        struct loop_after *after = CONTAINER_OF(node, struct loop_after, node);
        after->run(after);
    }
}

static void signal_event(evutil_socket_t signal, short events, void *arg)
{
    struct signal_watch *w = arg;
    stamp(w->loop);
    w->arrived((int)signal, w->arg);
}

void loop_on_signal(struct loop *loop, int signal, void (*arrived)(int signal, void *arg), void *arg)
{
    struct signal_watch *w = MEM_NEW(struct signal_watch);
    w->loop = loop;
    w->arrived = arrived;
    w->arg = arg;
    evsignal_assign(&w->ev, loop->base, signal, signal_event, w);
    if (event_add(&w->ev, NULL) < 0) log_error("cannot watch signal %d", signal);
    list_push_back(&loop->signals, &w->node);
}

/* ---- the loop itself ---- */

static void turn(struct loop *loop)
{
    bool wait = list_empty(&loop->hooks);
    set_alarm(loop);
    event_base_loop(loop->base, wait ? EVLOOP_ONCE : EVLOOP_ONCE | EVLOOP_NONBLOCK);
    stamp(loop);
    fire_timers(loop);
    run_hooks(loop);
    loop->stamped = false;
}

void loop_run(struct loop *loop)
{
    while (!atomic_load_explicit(&loop->stopping, memory_order_acquire))
        turn(loop);
    atomic_store(&loop->stopping, false);
}

void loop_stop(struct loop *loop)
{
    atomic_store(&loop->stopping, true);
    wake_up(loop);
}

/* One thread owns the base, so libevent's locks are left out; the environment must not choose another back end, since
 * only epoll tells of hang-ups. */
static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (!config) return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_require_features(config, EV_FEATURE_EARLY_CLOSE);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct loop *loop_new(void)
{
    int wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct event_base *base = wake_fd >= 0 ? new_base() : NULL;
    if (!base) {
        log_error("cannot make an event loop: %s", strerror(errno));
        if (wake_fd >= 0) close(wake_fd);
        return NULL;
    }
    struct loop *loop = MEM_NEW(struct loop);
    loop->base = base;
    loop->wake_fd = wake_fd;
    loop->alarm_at = USEC_NEVER;
    loop->mail_end = &loop->mail;
    loop->scratch = mem_alloc(LOOP_SCRATCH);
    list_init(&loop->hooks);
    list_init(&loop->signals);
    pthread_mutex_init(&loop->mail_mutex, NULL);
    evtimer_assign(&loop->alarm, base, alarm_event, loop);
    loop_io_start(loop, &loop->wake, wake_fd, LOOP_READ, wake_ready);
    return loop;
}

void loop_free(struct loop *loop)
{
    LIST_FOREACH_SAFE(node, &loop->signals)
    {
        struct signal_watch *w = CONTAINER_OF(node, struct signal_watch, node);
        event_del(&w->ev);
        mem_free(w);
    }
    loop_io_stop(&loop->wake);
    event_del(&loop->alarm);
    event_base_free(loop->base);
    close(loop->wake_fd);
    pthread_mutex_destroy(&loop->mail_mutex);
    timers_free(&loop->timers);
    mem_free(loop->scratch);
    mem_free(loop);
}
