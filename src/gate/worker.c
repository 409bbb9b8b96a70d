/* worker.c - a thread and what it owns; how the rest of the process talks to it.
 */
#include "dsgate/gate/worker.h"
#include "dsgate/base/log.h"
#include "dsgate/gate/reply.h"
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <sys/prctl.h>

#define UPSTREAM_IDLE_KEEP (55 * USEC_PER_SEC) /* below the 60 s that most servers keep a connection */
#define UPSTREAM_IDLE_MAX  512
#define UPSTREAM_HEAD_MAX  (64 * 1024)
#define GAUGE_INTERVAL     (5 * USEC_PER_SEC)

/* ---- what the server tells ---- */

static void on_request(struct server *s, struct exchange *x) { request_run(request_new(server_arg(s), x)); }

/* There is no request, but whoever reads the log wants to know that somebody was refused, and why. */
static void log_malformed(struct worker *w, struct exchange *x, enum failure f, const char *id, enum http_error error)
{
    struct access_entry e = {.wall = loop_wall(w->loop),
                             .request_id = text_of(id),
                             .peer = text_of(exchange_peer(x)),
                             .endpoint = "unknown",
                             .status = failure_row(f)->status,
                             .error = failure_row(f)->code,
                             .reasons = http_error_name(error),
                             .duration = loop_now(w->loop) - exchange_began(x)};
    access_log_add(w->log, &e);
    metrics_count(w->metrics, METRICS_MALFORMED);
}

static void on_malformed(struct server *s, struct exchange *x, enum http_error error)
{
    struct worker *w = server_arg(s);
    enum failure f = admit_http_failure(error);
    char id[33];
    random_hex(&w->random, id, 32);
    log_malformed(w, x, f, id, error);
    reply_error(x, f, id, f == FAIL_BAD_REQUEST ? http_error_text(error) : NULL);
}

static void on_gone(struct exchange *x)
{
    struct request *r = exchange_context(x);
    if (r) request_cancel(r);
}

static void on_drained(struct exchange *x)
{
    struct request *r = exchange_context(x);
    if (r) stream_drained(r);
}

/* Connections that are still on their way are counted, too. */
static void tell_if_drained(struct worker *w)
{
    if (!w->draining || atomic_load(&w->connections) || atomic_load(&w->drained)) return;
    atomic_store(&w->drained, true);
    loop_post(w->notify, &w->drained_post);
}

static void on_disconnected(struct server *s)
{
    struct worker *w = server_arg(s);
    atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
    tell_if_drained(w);
}

static const struct server_ops server_callbacks = {on_request, on_malformed, on_gone, on_drained, on_disconnected};

static void on_granted(struct ticket *ticket) { request_run(CONTAINER_OF(ticket, struct request, ticket)); }

/* What the allocator has kept goes back to the kernel once nothing is under way any more. */
static void return_memory(struct worker *w, bool at_rest)
{
    if (at_rest && !w->at_rest) malloc_trim(0);
    w->at_rest = at_rest;
}

static void on_gauges(struct timer *timer)
{
    struct worker *w = CONTAINER_OF(timer, struct worker, gauges);
    struct client_counts counts = client_counts(w->client);
    metrics_set(w->metrics, METRICS_CONNECTIONS, server_connections(w->server));
    metrics_set(w->metrics, METRICS_UPSTREAM_CONNECTIONS_BUSY, counts.busy);
    metrics_set(w->metrics, METRICS_UPSTREAM_CONNECTIONS_IDLE, counts.idle);
    metrics_set(w->metrics, METRICS_LOG_LINES_LOST, access_log_lost(w->log));
    return_memory(w, counts.busy == 0);
    timer_set(w->loop, timer, loop_now(w->loop) + GAUGE_INTERVAL, on_gauges);
}

/* ---- making and ending ---- */

/* A line that leaves no room for headers is told as such, with 414: so a line may be one byte shorter than the head. */
static struct server_options server_options_of(const struct worker *w, const struct config *c)
{
    return (struct server_options){.limits = {.line = (uint32_t)c->limits.headers - 1,
                                              .head = (uint32_t)c->limits.headers,
                                              .fields = c->limits.header_count,
                                              .body = c->limits.body},
                                   .bodies_max = c->limits.bodies,
                                   .bodies = w->shared->bodies,
                                   .head_timeout = c->timeouts.request_head,
                                   .body_timeout = c->timeouts.request_body,
                                   .keep_alive_timeout = c->timeouts.keep_alive,
                                   .write_timeout = c->timeouts.write};
}

static void furnish(struct worker *w)
{
    struct server_options server = server_options_of(w, w->pool->config);
    struct client_options client = {
        .idle_keep = UPSTREAM_IDLE_KEEP,
        .idle_per_origin = UPSTREAM_IDLE_MAX,
        .limits = {
            .line = UPSTREAM_HEAD_MAX, .head = UPSTREAM_HEAD_MAX, .fields = HTTP_FIELDS_MAX, .body = UINT64_MAX}};
    w->server = server_new(w->loop, &server, &server_callbacks, w);
    w->client = client_new(w->loop, w->shared->dns, &client);
    w->metrics = metrics_shard_new(w->shared->metrics);
    w->log = access_log_new(w->shared->access_file, w->loop);
    sched_inbox_open(w->shared->sched, &w->inbox, w->loop, on_granted);
    random_seed_fresh(&w->random);
}

struct worker *worker_open(const struct shared *shared, unsigned index, struct loop *loop, struct pool *pool)
{
    struct worker *w = MEM_NEW(struct worker);
    w->shared = shared;
    w->index = index;
    w->loop = loop;
    w->pool = pool_ref(pool);
    furnish(w);
    return w;
}

/* Everything that has descriptors; on the worker's own thread. */
static void end_service(struct worker *w)
{
    server_free(w->server); /* its `gone` callbacks end every request */
    timer_cancel(w->loop, &w->gauges);
    sched_inbox_close(&w->inbox);
    client_free(w->client);
    access_log_free(w->log);
}

static void dispose(struct worker *w)
{
    handover_free(w->handover);
    buf_free(&w->scratch);
    pool_unref(w->pool);
    mem_free(w);
}

void worker_close(struct worker *w)
{
    end_service(w);
    dispose(w);
}

/* ---- connections ---- */

/* On its way from the accepting thread. */
struct arrival {
    struct handed handed;
    struct address peer;
    struct tls_ctx *tls;
};

void worker_serve(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls)
{
    server_adopt(w->server, fd, peer, tls);
    if (w->draining) server_drain(w->server);
}

/* A connection that found no descriptor is lost; those that are kept for nobody make way for the next one. */
static void lose_connection(struct worker *w)
{
    atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
    if (!w->running) return;
    log_warn("worker %u has no descriptor left: a connection is lost", w->index);
    client_close_idle(w->client);
    tell_if_drained(w);
}

static void on_arrival(void *arg, struct handed *handed)
{
    struct worker *w = arg;
    struct arrival *a = CONTAINER_OF(handed, struct arrival, handed);
    if (handed->fd >= 0)
        worker_serve(w, handed->fd, &a->peer, a->tls);
    else
        lose_connection(w);
    tls_ctx_unref(a->tls);
    mem_free(a);
}

void worker_adopt(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls)
{
    struct arrival a = {.handed.fd = fd, .peer = *peer, .tls = tls ? tls_ctx_ref(tls) : NULL};
    struct arrival *copy = mem_dup(&a, sizeof a);
    atomic_fetch_add_explicit(&w->connections, 1, memory_order_relaxed);
    handover_send(w->handover, &copy->handed);
}

/* ---- the thread ---- */

struct worker *worker_new(const struct shared *shared, unsigned index, struct pool *pool, struct loop *notify,
                          void (*drained)(struct loop_post *post), void *notify_arg)
{
    struct loop *loop = loop_new();
    if (!loop) return NULL;
    struct worker *w = worker_open(shared, index, loop, pool);
    w->notify = notify;
    w->notify_arg = notify_arg;
    w->drained_post.deliver = drained;
    w->handover = handover_new(notify, loop, on_arrival, w);
    if (w->handover) return w;
    worker_stop(w);
    worker_free(w);
    return NULL;
}

static void take_name(const struct worker *w)
{
    char name[16];
    snprintf(name, sizeof name, "worker-%u", w->index % 1000);
    prctl(PR_SET_NAME, name);
}

/* A system call filter may forbid it: then the worker goes on with the common table. */
static void settle(struct worker *w)
{
    if (w->own_descriptors && unshare(CLONE_FILES) < 0) w->own_descriptors = false;
    if (w->own_descriptors) metrics_own_descriptors(w->metrics);
    sem_post(&w->settled);
}

static void *thread_main(void *arg)
{
    struct worker *w = arg;
    take_name(w);
    settle(w);
    access_log_open(w->log);
    on_gauges(&w->gauges);
    loop_run(w->loop);
    end_service(w);
    return NULL;
}

bool worker_start(struct worker *w, bool own_descriptors)
{
    w->own_descriptors = own_descriptors;
    sem_init(&w->settled, 0, 0);
    w->running = pthread_create(&w->thread, NULL, thread_main, w) == 0;
    while (w->running && sem_wait(&w->settled) < 0)
        continue; /* a signal came */
    sem_destroy(&w->settled);
    return w->running;
}

void worker_stop(struct worker *w)
{
    if (w->running) {
        loop_stop(w->loop);
        pthread_join(w->thread, NULL);
        w->running = false;
    } else {
        end_service(w);
    }
}

void worker_free(struct worker *w)
{
    struct loop *loop = w->loop;
    dispose(w);
    loop_free(loop);
}

/* ---- messages from the main thread ---- */

struct message {
    struct loop_post post;
    struct worker *worker;
    struct pool *pool;
};

static void post(struct worker *w, struct message m, void (*deliver)(struct loop_post *))
{
    struct message *copy = mem_dup(&m, sizeof m);
    copy->worker = w;
    copy->post.deliver = deliver;
    loop_post(w->loop, &copy->post);
}

static void deliver_pool(struct loop_post *p)
{
    struct message *m = CONTAINER_OF(p, struct message, post);
    struct server_options o = server_options_of(m->worker, m->pool->config);
    pool_unref(m->worker->pool);
    m->worker->pool = m->pool;
    server_set_options(m->worker->server, &o);
    mem_free(m);
}

void worker_use_pool(struct worker *w, struct pool *pool)
{
    post(w, (struct message){.pool = pool_ref(pool)}, deliver_pool);
}

static void deliver_drain(struct loop_post *p)
{
    struct message *m = CONTAINER_OF(p, struct message, post);
    struct worker *w = m->worker;
    mem_free(m);
    w->draining = true;
    server_drain(w->server);
    tell_if_drained(w);
}

void worker_drain(struct worker *w) { post(w, (struct message){0}, deliver_drain); }
