/* The difficulty is what the two threads have in common: nothing that is opened after the worker's thread has begun,
 * and no memory but what is sent. Connections come by the handover, the rest by posts to the other's loop. */
#include "dsgate/gate/worker_thread.h"
#include "dsgate/base/log.h"
#include "dsgate/net/handover.h"
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/prctl.h>

/* What the main thread wants done. */
struct orders {
    bool given; /* the worker's loop has been told */
    struct pool *pool;
    bool drain;
};

struct worker_thread {
    struct worker *worker;
    unsigned index;
    struct loop *loop;
    struct handover *handover; /* from the main thread */

    pthread_t thread;
    bool running;
    bool own_descriptors; /* settled when worker_thread_start() returns */
    sem_t settled;

    pthread_mutex_t mutex; /* guards `orders` */
    struct orders orders;
    struct loop_post orders_post;

    struct loop *main_loop;
    void (*drained)(void *arg);
    void *drained_arg;
    struct loop_post drained_post;
    bool has_drained;
};

/* ---- connections ---- */

/* On its way from the main thread. */
struct arrival {
    struct handover_item item;
    struct address peer;
    struct tls_ctx *tls;
};

/* Connections that are kept for nobody make way for the next one. After the worker's end nobody is told any more. */
static void lose_connection(struct worker_thread *t)
{
    if (!t->running) return;
    log_warn("worker %u has no descriptor left: a connection is lost", t->index);
    client_close_idle(t->worker->client);
    worker_miss(t->worker);
}

static void on_arrival(void *arg, struct handover_item *item)
{
    struct worker_thread *t = arg;
    struct arrival *a = CONTAINER_OF(item, struct arrival, item);
    if (item->fd >= 0)
        worker_serve(t->worker, item->fd, &a->peer, a->tls);
    else
        lose_connection(t);
    tls_ctx_unref(a->tls);
    mem_free(a);
}

void worker_thread_adopt(struct worker_thread *t, int fd, const struct address *peer, struct tls_ctx *tls)
{
    struct arrival a = {.item.fd = fd, .peer = *peer, .tls = tls ? tls_ctx_ref(tls) : NULL};
    struct arrival *copy = mem_dup(&a, sizeof a);
    atomic_fetch_add_explicit(&t->worker->connections, 1, memory_order_relaxed);
    handover_send(t->handover, &copy->item);
}

unsigned worker_thread_connections(const struct worker_thread *t)
{
    return atomic_load_explicit(&t->worker->connections, memory_order_relaxed);
}

/* ---- orders ---- */

/* On the worker's thread. */
static void take_orders(struct loop_post *post)
{
    struct worker_thread *t = CONTAINER_OF(post, struct worker_thread, orders_post);
    pthread_mutex_lock(&t->mutex);
    struct orders orders = t->orders;
    t->orders = (struct orders){0};
    pthread_mutex_unlock(&t->mutex);
    if (orders.pool) worker_use_pool(t->worker, orders.pool);
    if (orders.drain) worker_drain(t->worker);
    pool_unref(orders.pool);
}

/* Adds to what has not been taken yet; takes the pool. Of two pools only the newer one matters. */
static void give_orders(struct worker_thread *t, struct pool *pool, bool drain)
{
    pthread_mutex_lock(&t->mutex);
    struct pool *outdated = pool ? t->orders.pool : NULL;
    bool on_its_way = t->orders.given;
    t->orders.given = true;
    t->orders.drain |= drain;
    if (pool) t->orders.pool = pool;
    pthread_mutex_unlock(&t->mutex);
    if (!on_its_way) loop_post(t->loop, &t->orders_post);
    pool_unref(outdated);
}

void worker_thread_use_pool(struct worker_thread *t, struct pool *pool) { give_orders(t, pool_ref(pool), false); }
void worker_thread_drain(struct worker_thread *t) { give_orders(t, NULL, true); }

/* ---- the end of a drain ---- */

/* On the worker's thread. */
static void on_drained(void *arg)
{
    struct worker_thread *t = arg;
    loop_post(t->main_loop, &t->drained_post);
}

static void deliver_drained(struct loop_post *post)
{
    struct worker_thread *t = CONTAINER_OF(post, struct worker_thread, drained_post);
    t->has_drained = true;
    t->drained(t->drained_arg);
}

bool worker_thread_has_drained(const struct worker_thread *t) { return t->has_drained; }

/* ---- the thread ---- */

struct worker_thread *worker_thread_new(const struct shared *shared, unsigned index, struct pool *pool,
                                        struct loop *main_loop, void (*drained)(void *arg), void *arg)
{
    struct worker_thread *t = MEM_NEW(struct worker_thread);
    t->index = index;
    t->main_loop = main_loop;
    t->drained = drained;
    t->drained_arg = arg;
    t->drained_post.deliver = deliver_drained;
    t->orders_post.deliver = take_orders;
    pthread_mutex_init(&t->mutex, NULL);
    t->loop = loop_new();
    if (t->loop) t->worker = worker_open(shared, t->loop, pool, on_drained, t);
    if (t->loop) t->handover = handover_new(main_loop, t->loop, on_arrival, t);
    if (t->handover) return t;
    worker_thread_stop(t);
    worker_thread_free(t);
    return NULL;
}

static void set_thread_name(const struct worker_thread *t)
{
    char name[16];
    snprintf(name, sizeof name, "worker-%u", t->index % 1000);
    prctl(PR_SET_NAME, name);
}

static void settle_descriptors(struct worker_thread *t)
{
    if (t->own_descriptors && unshare(CLONE_FILES) < 0) t->own_descriptors = false;
    if (t->own_descriptors) metrics_own_descriptors(t->worker->metrics);
    sem_post(&t->settled);
}

static void *thread_main(void *arg)
{
    struct worker_thread *t = arg;
    set_thread_name(t);
    settle_descriptors(t);
    worker_begin(t->worker);
    loop_run(t->loop);
    worker_close(t->worker);
    return NULL;
}

bool worker_thread_start(struct worker_thread *t, bool own_descriptors)
{
    t->own_descriptors = own_descriptors;
    sem_init(&t->settled, 0, 0);
    t->running = pthread_create(&t->thread, NULL, thread_main, t) == 0;
    while (t->running && sem_wait(&t->settled) < 0)
        continue; /* a signal came */
    sem_destroy(&t->settled);
    return t->running;
}

bool worker_thread_has_own_descriptors(const struct worker_thread *t) { return t->own_descriptors; }

void worker_thread_stop(struct worker_thread *t)
{
    if (t->running) {
        loop_stop(t->loop);
        pthread_join(t->thread, NULL);
        t->running = false;
    } else if (t->worker) {
        worker_close(t->worker);
    }
}

void worker_thread_free(struct worker_thread *t)
{
    handover_free(t->handover);
    if (t->worker) worker_free(t->worker);
    if (t->loop) loop_free(t->loop);
    pool_unref(t->orders.pool);
    pthread_mutex_destroy(&t->mutex);
    mem_free(t);
}
