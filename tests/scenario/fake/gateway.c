#include "gateway.h"
#include "../../assertions.h"
#include <stdio.h>

static struct shared shared;
static atomic_uint_fast64_t bodies;
static struct budget retries, hedges;
static struct worker *worker;
static struct pool *pool;
static struct text last_head;
static char last_head_bytes[16384];

static struct pool *make_pool(const char *yaml, const struct pool *previous)
{
    struct config_errors errors = {0};
    struct buf error = {0};
    struct config *config = config_parse("test.yaml", text_of(yaml), &errors);
    ck_assert_msg(config != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&errors.text)));
    struct pool *made = pool_new(config, previous, NULL, 0, &error);
    ck_assert_msg(made != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    config_unref(config);
    config_errors_free(&errors);
    buf_free(&error);
    return made;
}

/* As the daemon does once a second. */
static struct timer upkeep;
static void on_upkeep(struct timer *timer)
{
    usec_t now = loop_now(fake_loop());
    sched_upkeep(shared.sched, now, loop_wall(fake_loop()));
    timer_set(fake_loop(), timer, now + USEC_PER_SEC, on_upkeep);
}

static FILE *kept_log;

void gateway_keep_log(void) { kept_log = tmpfile(); }

static struct access_file *open_log(void)
{
    char target[32] = "off";
    struct buf error = {0};
    if (kept_log) snprintf(target, sizeof target, "/dev/fd/%d", fileno(kept_log));
    struct access_file *file = access_file_open(target, &error);
    ck_assert_msg(file != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return file;
}

/* Lines are gathered for a tenth of a second. */
const char *gateway_log(void)
{
    static char lines[65536];
    fake_run(100 * USEC_PER_MS);
    rewind(kept_log);
    lines[fread(lines, 1, sizeof lines - 1, kept_log)] = '\0';
    return lines;
}

static bool drained, stopped;
static void on_drained(void *arg)
{
    (void)arg;
    drained = true;
}

static void open_redis(void)
{
    struct buf error = {0};
    shared.redis = remote_shared_new(&pool->config->cache.redis, &error);
    ck_assert_msg(buf_len(&error) == 0, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    if (shared.redis) worker->remote = remote_new(shared.redis, fake_loop(), shared.dns);
}

void gateway_begin(const char *yaml)
{
    const char *reasons[ATTEMPT_REASONS];
    fake_begin();
    attempt_list_reasons(reasons);
    pool = make_pool(yaml, NULL);
    shared = (struct shared){.sched = sched_new(),
                             .dns = dns_new(),
                             .metrics = metrics_new(reasons),
                             .access_file = open_log(),
                             .bodies = &bodies,
                             .retries = &retries,
                             .hedges = &hedges,
                             .memory = cache_memory_new((size_t)pool->config->cache.memory, 1),
                             .flights = flights_new((size_t)pool->config->cache.entry)};
    budget_init(&retries, 10);
    budget_init(&hedges, 10);
    drained = stopped = false;
    upkeep = (struct timer){0};
    worker = worker_open(&shared, fake_loop(), pool, on_drained, NULL);
    open_redis();
    sched_run_clock(shared.sched, fake_loop());
    sched_use_pool(shared.sched, pool, loop_now(fake_loop()));
    on_upkeep(&upkeep);
}

static void use_pool(struct pool *next)
{
    cache_memory_limit(shared.memory, (size_t)next->config->cache.memory);
    flights_limit(shared.flights, (size_t)next->config->cache.entry);
    sched_use_pool(shared.sched, next, loop_now(fake_loop()));
    pool_unref(pool);
    pool = next;
    fake_settle();
}

void gateway_reload(const char *yaml)
{
    struct pool *next = make_pool(yaml, pool);
    worker_use_pool(worker, next);
    use_pool(next);
}

void gateway_begin_reload(const char *yaml) { use_pool(make_pool(yaml, pool)); }

void gateway_end_reload(void)
{
    worker_use_pool(worker, pool);
    fake_settle();
}

void gateway_drain(void)
{
    worker_drain(worker);
    fake_settle();
}

bool gateway_has_drained(void) { return drained; }

void gateway_stop(void)
{
    worker_close(worker);
    stopped = true;
}

uint64_t gateway_metric(const char *sample)
{
    struct buf page = {0};
    uint64_t value = 0;
    metrics_write(shared.metrics, &(struct metrics_queue){0}, NULL, 0, NULL, &page);
    char *name = mem_printf("\n%s ", sample);
    size_t at = text_find(buf_text(&page), text_of(name));
    struct text rest = text_from(buf_text(&page), at + strlen(name)), line;
    ck_assert_msg(text_cut(&rest, '\n', &line) && text_to_u64(line, &value), "no sample %s", sample);
    mem_free(name);
    buf_free(&page);
    return value;
}

struct cache_memory_stats gateway_memory(void)
{
    struct cache_memory_stats stats;
    cache_memory_read_stats(shared.memory, &stats);
    return stats;
}

struct remote_stats gateway_redis(void)
{
    struct remote_stats stats;
    remote_read_stats(shared.redis, &stats);
    return stats;
}

struct flights *gateway_flights(void) { return shared.flights; }

void gateway_purge(const struct cache_selection *s)
{
    flights_forget(shared.flights);
    cache_memory_purge(shared.memory, s);
}

static struct sched_upstream_view look(const char *upstream)
{
    struct sched_upstream_view view;
    struct upstream *u = pool_find_upstream(pool, text_of(upstream));
    ck_assert_msg(u != NULL, "no upstream %s", upstream);
    sched_look(shared.sched, u, loop_now(fake_loop()), &view);
    return view;
}

unsigned gateway_in_flight(const char *upstream) { return look(upstream).in_flight; }

uint64_t gateway_attempts(const char *upstream, const char *outcome)
{
    const struct upstream *u = pool_find_upstream(pool, text_of(upstream));
    for (enum outcome o = 0; o < OUTCOME_COUNT; o++)
        if (!strcmp(outcome_name(o), outcome)) return atomic_load(&u->state->outcomes[o]);
    ck_abort_msg("no outcome %s", outcome);
}

unsigned gateway_waiting(void)
{
    struct sched_queue_view view;
    sched_look_at_queue(shared.sched, loop_now(fake_loop()), &view);
    return view.waiting;
}

void gateway_end(void)
{
    fake_settle();
    if (!stopped) worker_close(worker);
    worker_free(worker);
    for (size_t i = 0; i < pool->upstream_count; i++)
        ck_assert_uint_eq(gateway_in_flight(pool->upstreams[i].name), 0);
    ck_assert_uint_eq(gateway_waiting(), 0);
    sched_stop_clock(shared.sched);
    timer_cancel(fake_loop(), &upkeep);
    loop_free(fake_loop()); /* what was posted to the worker is dropped, as when its thread ends */
    ck_assert_uint_eq(atomic_load(&bodies), 0);
    remote_shared_free(shared.redis);
    struct flights_stats flights;
    flights_read_stats(shared.flights, &flights);
    ck_assert_uint_eq(flights.flights + flights.followers, 0);
    flights_free(shared.flights);
    cache_memory_free(shared.memory);
    dns_free(shared.dns);
    pool_unref(pool);
    sched_free(shared.sched);
    access_file_close(shared.access_file);
    if (kept_log) fclose(kept_log);
    kept_log = NULL;
    metrics_free(shared.metrics);
    fake_end();
}

/* ---- clients ---- */

struct wire *gateway_connect(void)
{
    struct wire *w = wire_new();
    struct address peer;
    struct buf error = {0};
    ck_assert(address_parse(TEXT("127.0.0.1:40000"), 0, &peer, &error));
    atomic_fetch_add(&worker->connections, 1);
    worker_serve(worker, wire_fd(w), &peer, NULL);
    fake_settle();
    return w;
}

void client_post(struct wire *w, const char *path, const char *headers, const char *body)
{
    char *request = mem_printf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%s"
                               "Content-Length: %zu\r\n\r\n%s",
                               path, headers, strlen(body), body);
    wire_send(w, text_of(request));
    mem_free(request);
    fake_settle();
}

void client_post_chat(struct wire *w, const char *extra)
{
    char *body = mem_printf("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]%s}", extra);
    client_post(w, "/v1/chat/completions", "", body);
    mem_free(body);
}

const char *client_field(const char *lower_name)
{
    static char value[512];
    struct http_head head;
    size_t scanned = 0;
    enum http_error error;
    struct http_limits limits = {.line = 8192, .head = 16384, .fields = HTTP_FIELDS_MAX, .body = UINT64_MAX};
    value[0] = '\0';
    if (http_parse_answer(last_head, &limits, &scanned, false, &head, &error) != HTTP_PARSE_DONE) return value;
    const struct http_field *f = http_find_named(&head, text_of(lower_name));
    for (unsigned i = 0; !f && i < head.field_count; i++)
        if (text_eq_nocase(http_field_name(&head, &head.fields[i]), text_of(lower_name))) f = &head.fields[i];
    if (f) snprintf(value, sizeof value, TEXT_FORMAT, TEXT_ARGS(http_field_value(&head, f)));
    return value;
}

struct client_answer client_read(struct wire *w)
{
    struct client_answer answer = {0};
    struct http_limits limits = {.line = 8192, .head = 16384, .fields = HTTP_FIELDS_MAX, .body = UINT64_MAX};
    struct http_head head;
    struct http_body body;
    struct text in = wire_received(w);
    size_t scanned = 0, payload, used = 0;
    enum http_error error;
    if (in.n == 0) return answer;
    ck_assert_int_eq(http_parse_answer(in, &limits, &scanned, false, &head, &error), HTTP_PARSE_DONE);
    ck_assert_uint_le(head.length, sizeof last_head_bytes);
    memcpy(last_head_bytes, in.p, head.length);
    last_head = text_make(last_head_bytes, head.length);
    http_body_init(&body, &head, UINT64_MAX);
    answer.status = head.status;
    answer.body = mem_alloc(in.n + 1);
    memcpy(answer.body, in.p + head.length, in.n - head.length);
    if (!body.done)
        ck_assert_int_eq(http_body_feed(&body, answer.body, in.n - head.length, &payload, &used), HTTP_FINE);
    else
        payload = 0;
    answer.length = payload;
    answer.body[payload] = '\0';
    answer.complete = body.done;
    answer.has_more = body.done && head.length + used < in.n;
    struct text rest = text_from(in, head.length + used);
    char *kept = mem_dup(rest.p, rest.n);
    wire_clear(w);
    if (rest.n) wire_give_back(w, text_make(kept, rest.n));
    mem_free(kept);
    return answer;
}
