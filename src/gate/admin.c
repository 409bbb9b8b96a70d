/* The admin port has the API's HTTP server, with narrow limits: its pages are small, its askers few, and none of them
 * may keep the main loop busy. */
#include "admin_private.h"
#include "dsgate/gate/reply.h"

/* Operators and their machines are few; more would take descriptors away from callers. */
enum { CONNECTIONS_MAX = 32 };

/* ---- /metrics ---- */

static struct metrics_target describe_target(const struct sched_target_view *t)
{
    static const enum metrics_breaker states[BREAKER_STATES] = {
        [BREAKER_CLOSED] = METRICS_CLOSED, [BREAKER_HALF_OPEN] = METRICS_HALF_OPEN, [BREAKER_OPEN] = METRICS_OPEN};
    return (struct metrics_target){
        .model = t->model,
        .breaker = states[t->breaker],
        .transitions = {[METRICS_CLOSED] = t->closed, [METRICS_HALF_OPEN] = t->half_opened, [METRICS_OPEN] = t->opened},
        .picks = t->picks,
        .in_flight = t->in_flight,
        .limit = t->limit == LIMIT_NONE ? 0 : t->limit};
}

/* Its targets are the caller's to free. */
static struct metrics_upstream describe(const struct upstream *u, const struct sched_upstream_view *v)
{
    struct metrics_target *targets = mem_alloc(v->target_count * sizeof *targets);
    struct metrics_upstream d = {.name = u->name,
                                 .up = !v->down,
                                 .draining = v->draining,
                                 .standing_by = v->standing_by,
                                 .has_quota = quota_is_limited(&u->conf->quota),
                                 .spent = v->spent_for > 0,
                                 .in_flight = v->in_flight,
                                 .weight = v->weight,
                                 .keys_cooling = v->keys_cooling,
                                 .limit = u->cap,
                                 .today = {v->today.requests, v->today.tokens, v->today.cost},
                                 .targets = targets,
                                 .target_count = v->target_count};
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        d.outcomes[o] = atomic_load_explicit(&u->state->outcomes[o], memory_order_relaxed);
    for (unsigned i = 0; i < v->target_count; i++)
        targets[i] = describe_target(&v->targets[i]);
    return d;
}

static struct metrics_queue describe_queue(struct admin *a)
{
    struct sched_queue_view v;
    struct metrics_queue d;
    sched_look_at_queue(a->shared->sched, loop_now(a->loop), &v);
    for (unsigned c = 0; c < PRIORITY_COUNT; c++) {
        d.classes[c].waiting = v.classes[c].waiting;
        d.classes[c].late = v.classes[c].late;
        d.classes[c].granted = v.classes[c].granted;
        d.classes[c].queued = v.classes[c].queued;
    }
    memcpy(d.picks, v.picks, sizeof d.picks);
    return d;
}

static void answer_metrics(struct admin *a, struct exchange *x, struct text rest)
{
    size_t n = a->pool->upstream_count;
    struct metrics_upstream *upstreams = mem_zalloc(n * sizeof *upstreams);
    struct metrics_queue queue = describe_queue(a);
    struct metrics_cache cache = admin_describe_cache(a);
    struct buf body = {0};
    (void)rest;
    for (size_t i = 0; i < n; i++) {
        sched_look(a->shared->sched, &a->pool->upstreams[i], loop_now(a->loop), a->view);
        upstreams[i] = describe(&a->pool->upstreams[i], a->view);
    }
    metrics_write(a->shared->metrics, &queue, upstreams, n, &cache, &body);
    reply_body(x, 200, TEXT("text/plain; version=0.0.4; charset=utf-8"), buf_text(&body));
    buf_free(&body);
    for (size_t i = 0; i < n; i++)
        mem_free((void *)upstreams[i].targets);
    mem_free(upstreams);
}

/* ---- the small pages ---- */

/* Alive: depends on nothing but this thread. */
static void answer_healthz(struct admin *a, struct exchange *x, struct text rest)
{
    (void)a, (void)rest;
    reply_body(x, 200, TEXT("application/json"), TEXT("{\"status\":\"ok\"}\n"));
}

static void answer_version(struct admin *a, struct exchange *x, struct text rest)
{
    (void)a, (void)rest;
    reply_body(x, 200, TEXT("application/json"), TEXT("{\"name\":\"dsgate\",\"version\":\"" DSGATE_VERSION "\"}\n"));
}

/* ---- which page ---- */

/* A path that ends in '*' stands for those with a rest in its place. */
static const struct page {
    const char *path;
    admin_page *get, *post; /* post NULL: nothing can be changed there */
} pages[] = {
    {"/healthz", answer_healthz, NULL},
    {"/version", answer_version, NULL},
    {"/readyz", admin_show_ready, NULL},
    {"/readyz/*", admin_show_model_ready, NULL},
    {"/metrics", answer_metrics, NULL},
    {"/upstreams", admin_list_upstreams, NULL},
    {"/upstreams/*", admin_show_upstream, admin_change_upstream},
    {"/queue", admin_show_queue, NULL},
    {"/queue/*", admin_show_waiting, NULL},
    {"/cache", admin_show_cache, admin_purge},
    {"/cache/*", admin_show_entry, NULL},
};

void admin_refuse(struct exchange *x, enum failure f, struct buf *message)
{
    buf_add_byte(message, '\0');
    reply_error(x, f, NULL, buf_text(message).p);
    buf_free(message);
}

/* RFC 9110 section 15.5.6 wants Allow. */
static void refuse_method(struct exchange *x, const struct page *page)
{
    const struct failure_row *row = failure_row(FAIL_METHOD);
    struct buf body = {0};
    answer_put_error_body(&body, FAMILY_CHAT, row->type, row->code, text_of(row->text), NULL);
    struct reply_head head = {.status = row->status,
                              .fields = page->post
                                            ? TEXT("Content-Type: application/json\r\nAllow: GET, HEAD, POST\r\n")
                                            : TEXT("Content-Type: application/json\r\nAllow: GET, HEAD\r\n"),
                              .has_length = true,
                              .content_length = buf_len(&body)};
    struct iovec iov = iov_of(buf_text(&body));
    exchange_send(x, &head, &iov, 1, true);
    buf_free(&body);
}

/* "%2F" is '/'. What is no escape stands for itself. */
static void decode(struct text escaped, struct buf *out)
{
    for (size_t i = 0; i < escaped.n; i++) {
        uint64_t byte;
        bool escape =
            escaped.p[i] == '%' && escaped.n - i > 2 && text_hex_to_u64(text_make(escaped.p + i + 1, 2), &byte);
        buf_add_byte(out, escape ? (char)byte : escaped.p[i]);
        if (escape) i += 2;
    }
}

/* *rest: still with its escapes. */
static bool matches(const struct page *page, struct text path, struct text *rest)
{
    struct text own = text_of(page->path);
    *rest = TEXT_NONE;
    if (!text_ends(own, TEXT("*"))) return text_eq(path, own);
    *rest = text_from(path, own.n - 1);
    return text_starts(path, text_make(own.p, own.n - 1)) && rest->n > 0;
}

static void answer(struct admin *a, struct exchange *x, const struct page *page, struct text escaped)
{
    enum http_method method = exchange_head(x)->method;
    bool reads = method == HTTP_GET || method == HTTP_HEAD;
    admin_page *run = reads ? page->get : method == HTTP_POST ? page->post : NULL;
    struct buf rest = {0};
    if (!run) {
        refuse_method(x, page);
        return;
    }
    decode(escaped, &rest);
    run(a, x, buf_text(&rest));
    buf_free(&rest);
}

static void on_request(struct server *s, struct exchange *x)
{
    for (const struct page *page = pages; page < pages + sizeof pages / sizeof *pages; page++) {
        struct text rest;
        if (!matches(page, exchange_head(x)->path, &rest)) continue;
        answer(server_arg(s), x, page, rest);
        return;
    }
    reply_error(x, FAIL_NO_ENDPOINT, NULL,
                "The admin port serves /healthz, /readyz, /metrics, /version, /upstreams, /queue and /cache.");
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
    a->loop = loop;
    a->view = MEM_NEW(struct sched_upstream_view);
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
}

void admin_set_draining(struct admin *a) { a->draining = true; }

void admin_free(struct admin *a)
{
    server_free(a->server);
    pool_unref(a->pool);
    mem_free(a->view);
    mem_free(a->purge);
    mem_free(a);
}
