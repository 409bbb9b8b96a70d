/* The admin port has the API's HTTP server, with narrow limits: its pages are small, its askers few, and none of them
 * may keep the main loop busy. */
#include "dsgate/gate/admin.h"
#include "dsgate/gate/reply.h"

/* Operators and their machines are few; more would take descriptors away from callers. */
enum { CONNECTIONS_MAX = 32 };

struct admin {
    const struct shared *shared;
    struct server *server;
    struct pool *pool;
    struct sched_upstream_view *views; /* one an upstream */
    bool draining;
};

static struct metrics_upstream describe(const struct upstream *u, const struct sched_upstream_view *view)
{
    struct metrics_upstream d = {
        .name = u->conf->name, .up = !view->down, .in_flight = view->in_flight, .weight = u->conf->weight};
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        d.outcomes[o] = atomic_load_explicit(&u->state->outcomes[o], memory_order_relaxed);
    return d;
}

static void answer_metrics(struct admin *a, struct exchange *x)
{
    struct metrics_upstream *list = mem_zalloc(a->pool->upstream_count * sizeof *list);
    unsigned waiting = sched_look(a->shared->sched, a->pool, a->views);
    for (size_t i = 0; i < a->pool->upstream_count; i++)
        list[i] = describe(&a->pool->upstreams[i], &a->views[i]);
    struct buf body = {0};
    metrics_write(a->shared->metrics, list, a->pool->upstream_count, waiting, &body);
    reply_body(x, 200, TEXT("text/plain; version=0.0.4; charset=utf-8"), buf_text(&body));
    buf_free(&body);
    mem_free(list);
}

/* Alive: depends on nothing but this thread. */
static void answer_healthz(struct admin *a, struct exchange *x)
{
    (void)a;
    reply_body(x, 200, TEXT("application/json"), TEXT("{\"status\":\"ok\"}\n"));
}

/* Ready: not draining, and at least one upstream is not known to be down. */
static void answer_readyz(struct admin *a, struct exchange *x)
{
    size_t up = 0;
    sched_look(a->shared->sched, a->pool, a->views);
    for (size_t i = 0; i < a->pool->upstream_count; i++)
        up += !a->views[i].down;
    bool ready = up > 0 && !a->draining;
    const char *status = ready ? "ready" : a->draining ? "draining" : "no upstream is up";
    struct buf body = {0};
    buf_printf(&body, "{\"status\":\"%s\",\"upstreams_up\":%zu,\"upstreams\":%zu}\n", status, up,
               a->pool->upstream_count);
    reply_body(x, ready ? 200 : 503, TEXT("application/json"), buf_text(&body));
    buf_free(&body);
}

static void answer_version(struct admin *a, struct exchange *x)
{
    (void)a;
    reply_body(x, 200, TEXT("application/json"), TEXT("{\"name\":\"dsgate\",\"version\":\"" DSGATE_VERSION "\"}\n"));
}

static const struct {
    const char *path;
    void (*answer)(struct admin *a, struct exchange *x);
} pages[] = {{"/healthz", answer_healthz},
             {"/readyz", answer_readyz},
             {"/metrics", answer_metrics},
             {"/version", answer_version}};

static void on_request(struct server *s, struct exchange *x)
{
    const struct http_head *head = exchange_head(x);
    bool reads = head->method == HTTP_GET || head->method == HTTP_HEAD;
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        if (!text_is(head->path, pages[i].path)) continue;
        if (reads)
            pages[i].answer(server_arg(s), x);
        else
            reply_error(x, FAIL_METHOD, NULL, NULL);
        return;
    }
    reply_error(x, FAIL_NO_ENDPOINT, NULL, "The admin port serves /healthz, /readyz, /metrics and /version.");
}

static void on_malformed(struct server *s, struct exchange *x, enum http_error error)
{
    (void)s;
    reply_error(x, admit_http_failure(error), NULL, http_error_text(error));
}

/* Answers are written within the request's call: there is nothing to cancel. */
static void on_gone(struct exchange *x) { (void)x; }

static const struct server_ops admin_callbacks = {
    .request = on_request, .malformed = on_malformed, .gone = on_gone, .drained = on_gone};

struct admin *admin_new(struct loop *loop, const struct shared *shared)
{
    struct admin *a = MEM_NEW(struct admin);
    struct server_options options = {.limits = {.line = 4096, .head = 16384, .fields = 64, .body = 4096},
                                     .head_timeout = 10 * USEC_PER_SEC,
                                     .body_timeout = 10 * USEC_PER_SEC,
                                     .keep_alive_timeout = 75 * USEC_PER_SEC,
                                     .write_timeout = 10 * USEC_PER_SEC};
    a->shared = shared;
    a->server = server_new(loop, &options, &admin_callbacks, a);
    return a;
}

bool admin_adopt(struct admin *a, int fd, const struct address *peer, struct tls_ctx *tls)
{
    if (server_connections(a->server) >= CONNECTIONS_MAX && !server_evict(a->server)) return false;
    server_adopt(a->server, fd, peer, tls);
    return true;
}

void admin_use_pool(struct admin *a, struct pool *pool)
{
    pool_ref(pool);
    pool_unref(a->pool);
    a->pool = pool;
    a->views = mem_realloc(a->views, pool->upstream_count * sizeof *a->views);
}

void admin_set_draining(struct admin *a) { a->draining = true; }

void admin_free(struct admin *a)
{
    server_free(a->server);
    pool_unref(a->pool);
    mem_free(a->views);
    mem_free(a);
}
