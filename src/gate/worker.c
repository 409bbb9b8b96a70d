/* worker.c - what the server and the scheduler tell, and the parts that are opened and closed together. */
#include "dsgate/gate/worker.h"
#include "dsgate/base/log.h"
#include "dsgate/gate/cached.h"
#include "dsgate/gate/reply.h"
#include <malloc.h>

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

static void on_ending(struct exchange *x)
{
    struct request *r = exchange_context(x);
    if (r) request_shut_down(r);
}

static void on_drained(struct exchange *x)
{
    struct request *r = exchange_context(x);
    if (r) stream_drained(r);
}

static void tell_if_drained(struct worker *w)
{
    if (!w->draining || w->drained || atomic_load(&w->connections)) return;
    w->drained = true;
    w->on_drained(w->on_drained_arg);
}

void worker_miss(struct worker *w)
{
    atomic_fetch_sub_explicit(&w->connections, 1, memory_order_relaxed);
    tell_if_drained(w);
}

static void on_disconnected(struct server *s)
{
    struct worker *w = server_arg(s);
    worker_miss(w);
}

static const struct server_ops server_callbacks = {
    .request = on_request,
    .malformed = on_malformed,
    .gone = on_gone,
    .ending = on_ending,
    .drained = on_drained,
    .disconnected = on_disconnected,
};

static void on_settled(struct ticket *ticket) { request_run(CONTAINER_OF(ticket, struct request, ticket)); }

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

static void open_parts(struct worker *w)
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
    sched_inbox_open(w->shared->sched, &w->inbox, w->loop, on_settled);
    flight_inbox_open(w->shared->flights, &w->flights, w->loop);
    list_init(&w->ghosts);
    random_seed_fresh(&w->random);
}

struct worker *worker_open(const struct shared *shared, struct loop *loop, struct pool *pool,
                           void (*drained)(void *arg), void *arg)
{
    struct worker *w = MEM_NEW(struct worker);
    w->shared = shared;
    w->loop = loop;
    w->pool = pool_ref(pool);
    w->on_drained = drained;
    w->on_drained_arg = arg;
    open_parts(w);
    return w;
}

void worker_begin(struct worker *w)
{
    access_log_open(w->log);
    client_limit(w->client, w->shared->upstream_connections);
    if (w->shared->redis) w->remote = remote_new(w->shared->redis, w->loop, w->shared->dns);
    on_gauges(&w->gauges);
}

void worker_close(struct worker *w)
{
    w->draining = true;
    server_free(w->server); /* its callbacks end every request that has a client */
    ghosts_end(w);
    timer_cancel(w->loop, &w->gauges);
    sched_inbox_close(&w->inbox);
    flight_inbox_close(&w->flights);
    remote_free(w->remote);
    client_free(w->client);
    access_log_free(w->log);
}

void worker_free(struct worker *w)
{
    buf_free(&w->scratch);
    pool_unref(w->pool);
    mem_free(w);
}

/* ---- what its thread is told ---- */

void worker_serve(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls)
{
    server_adopt(w->server, fd, peer, tls);
    if (w->draining) server_drain(w->server);
}

static void keep_only(struct worker *w, const struct pool *pool)
{
    struct origin *origins[POOL_UPSTREAMS_MAX];
    for (size_t i = 0; i < pool->upstream_count; i++)
        origins[i] = pool->upstreams[i].origin;
    client_keep_only(w->client, origins, pool->upstream_count);
}

void worker_use_pool(struct worker *w, struct pool *pool)
{
    struct server_options o = server_options_of(w, pool->config);
    keep_only(w, pool);
    pool_ref(pool);
    pool_unref(w->pool);
    w->pool = pool;
    server_set_options(w->server, &o);
}

void worker_drain(struct worker *w)
{
    w->draining = true;
    ghosts_drain(w);
    server_drain(w->server);
    tell_if_drained(w);
}
