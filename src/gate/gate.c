/* gate.c - the daemon as a whole: what is opened at start, changed by a reload, and closed by a drain.
 *
 * The main thread accepts and hands each connection to the worker with the fewest; requests never come here.
 */
#include "dsgate/gate/gate.h"
#include "dsgate/base/log.h"
#include "dsgate/gate/admin.h"
#include "dsgate/gate/listeners.h"
#include "dsgate/gate/prober.h"
#include "dsgate/gate/worker_thread.h"
#include <sched.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define WORKERS_MAX       256
#define DESCRIPTORS_SPARE 64 /* listeners, logs, probes, certificates being read … */

struct gate {
    struct gate_options options;
    const struct config *config;
    struct pool *pool;
    struct shared shared;
    atomic_uint_fast64_t bodies;
    struct listeners *listeners;
    struct admin *admin;
    struct prober *prober;
    struct worker_thread *workers[WORKERS_MAX];
    unsigned worker_count;
    rlim_t descriptor_limit, descriptors_in_use; /* for each table; before anything is served */
    bool own_tables; /* each worker has a descriptor table of its own */
    unsigned connection_limit;
    bool limit_is_descriptors; /* the descriptor limit is what bounds connections, not the config */
    bool limit_told;
    struct buf refusal; /* the answer to a connection above the limit */
    bool draining, stopped;
    struct timer drain_timer;
};

/* ---- limits ---- */

static rlim_t raise_descriptor_limit(void)
{
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
        getrlimit(RLIMIT_NOFILE, &files);
    }
    return files.rlim_cur;
}

/* New descriptors get the lowest number that is free. Each worker has several, and every table has those of all. */
static rlim_t descriptors_in_use(void)
{
    int next = dup(STDERR_FILENO);
    if (next >= 0) close(next);
    return next > 0 ? (rlim_t)next : 0;
}

/* Each request may need two descriptors: its client's and its upstream's. Where there is not even room for the reserve,
 * what there is serves as well as it can. */
static rlim_t connections_per_table(const struct gate *g)
{
    rlim_t reserve = g->descriptors_in_use + DESCRIPTORS_SPARE, limit = g->descriptor_limit;
    if (limit > 2 * reserve) return (limit - reserve) / 2;
    return limit > g->descriptors_in_use + 8 ? (limit - g->descriptors_in_use) / 4 : 1;
}

static void set_connection_limit(struct gate *g)
{
    rlim_t most = connections_per_table(g) * (g->own_tables ? g->worker_count : 1);
    g->limit_is_descriptors = most < g->config->limits.connections;
    g->connection_limit = g->limit_is_descriptors ? (unsigned)most : g->config->limits.connections;
    g->limit_told = false;
    log_info("up to %u client connections (%s; descriptor limit %llu%s)", g->connection_limit,
             g->limit_is_descriptors ? "bounded by the descriptor limit" : "limits.connections",
             (unsigned long long)g->descriptor_limit, g->own_tables ? " for each worker" : "");
}

static unsigned count_workers(const struct config *c)
{
    cpu_set_t cpus;
    if (c->workers) return c->workers < WORKERS_MAX ? c->workers : WORKERS_MAX;
    if (sched_getaffinity(0, sizeof cpus, &cpus) < 0) return 1;
    int n = CPU_COUNT(&cpus);
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

/* ---- accepting ---- */

/* Composed once: a client that is refused must not cost more than one write, which a fresh socket always takes. */
static void compose_refusal(struct buf *out)
{
    const struct failure_row *row = failure_row(FAIL_CONNECTIONS);
    struct buf body = {0};
    answer_put_error_body(&body, FAMILY_CHAT, row->type, row->code, text_of(row->text), NULL);
    http_put_status(out, row->status);
    BUF_ADD(out, "Content-Type: application/json\r\nx-should-retry: true\r\nConnection: close\r\n");
    http_put_u64(out, TEXT("Retry-After"), row->retry_after);
    http_put_u64(out, TEXT("Content-Length"), buf_len(&body));
    http_put_end(out);
    buf_add(out, buf_text(&body));
    buf_free(&body);
}

static void refuse(const struct gate *g, int fd, bool tls)
{
    if (!tls) {
        ssize_t sent = send(fd, g->refusal.data, buf_len(&g->refusal), MSG_NOSIGNAL);
        (void)sent;
        shutdown(fd, SHUT_WR);
    }
    close(fd);
}

static struct worker_thread *least_loaded(const struct gate *g, unsigned *total)
{
    struct worker_thread *best = g->workers[0];
    unsigned fewest = UINT32_MAX;
    *total = 0;
    for (unsigned i = 0; i < g->worker_count; i++) {
        unsigned n = worker_thread_connections(g->workers[i]);
        *total += n;
        if (n >= fewest) continue;
        fewest = n;
        best = g->workers[i];
    }
    return best;
}

static void tell_limit_once(struct gate *g)
{
    if (g->limit_told) return;
    g->limit_told = true;
    log_warn("connection limit of %u reached (%s): further clients are answered 503", g->connection_limit,
             g->limit_is_descriptors ? "raise the descriptor limit, LimitNOFILE= or ulimit -n" : "limits.connections");
}

static void on_accepted(void *arg, bool admin, int fd, const struct address *peer, struct tls_ctx *tls)
{
    struct gate *g = arg;
    unsigned total;
    if (admin) {
        if (!admin_adopt(g->admin, fd, peer, tls)) refuse(g, fd, tls != NULL);
        return;
    }
    struct worker_thread *w = least_loaded(g, &total);
    if (total < g->connection_limit) {
        worker_thread_adopt(w, fd, peer, tls);
        return;
    }
    tell_limit_once(g);
    metrics_refused_connection(g->shared.metrics);
    refuse(g, fd, tls != NULL);
}

/* ---- opening ---- */

static void label_models(struct gate *g, struct pool *pool)
{
    for (size_t i = 0; i < pool->row_count; i++)
        pool->rows[i].metric_slot = metrics_model_slot(g->shared.metrics, pool->rows[i].name);
}

static void on_worker_drained(void *arg);

static bool make_workers(struct gate *g)
{
    unsigned wanted = count_workers(g->config);
    for (unsigned i = 0; i < wanted; i++) {
        struct worker_thread *w = worker_thread_new(&g->shared, i, g->pool, g->options.loop, on_worker_drained, g);
        if (!w) return false;
        g->workers[g->worker_count++] = w;
    }
    return true;
}

/* Where one table of descriptors would be too small for limits.connections, each worker asks for its own. Otherwise
 * they share one, since then tools like ss(8) see whose a connection is. */
static bool start_workers(struct gate *g, struct buf *error)
{
    bool fine = make_workers(g);
    g->descriptors_in_use = descriptors_in_use();
    g->shared.upstream_connections = (unsigned)connections_per_table(g);
    g->own_tables = g->worker_count > 1 && connections_per_table(g) < g->config->limits.connections;
    for (unsigned i = 0; fine && i < g->worker_count; i++) {
        fine = worker_thread_start(g->workers[i], g->own_tables);
        g->own_tables = worker_thread_has_own_descriptors(g->workers[i]);
    }
    if (!fine) BUF_ADD(error, "a worker thread can't be started\n");
    return fine;
}

static void announce(struct gate *g)
{
    struct buf where = {0};
    listeners_describe(g->listeners, &where);
    log_info("dsgate %s listens on " TEXT_FORMAT "; %u worker%s; %zu upstream%s; config: %s", DSGATE_VERSION,
             TEXT_ARGS(buf_text(&where)), g->worker_count, g->worker_count == 1 ? "" : "s", g->pool->upstream_count,
             g->pool->upstream_count == 1 ? "" : "s", g->config->source);
    buf_free(&where);
}

static bool open_parts(struct gate *g, struct buf *error)
{
    g->pool = pool_new(g->config, NULL, error);
    if (!g->pool) return false;
    g->shared.access_file = access_file_open(g->config->log.access, error);
    if (!g->shared.access_file) return false;
    label_models(g, g->pool);
    admin_use_pool(g->admin, g->pool);
    prober_use_pool(g->prober, g->pool);
    return start_workers(g, error) && listeners_update(g->listeners, g->config, error);
}

struct gate *gate_open(const struct config *config, const struct gate_options *o, struct buf *error)
{
    struct gate *g = MEM_NEW(struct gate);
    g->options = *o;
    g->config = config_ref(config);
    g->shared.sched = sched_new(config->limits.waiting);
    g->shared.dns = dns_new();
    g->shared.metrics = metrics_new();
    g->shared.bodies = &g->bodies;
    g->listeners = listeners_new(o->loop, on_accepted, g);
    g->admin = admin_new(o->loop, &g->shared);
    g->prober = prober_new(o->loop, g->shared.sched);
    compose_refusal(&g->refusal);
    g->descriptor_limit = raise_descriptor_limit();
    if (open_parts(g, error)) {
        set_connection_limit(g);
        announce(g);
        return g;
    }
    gate_close(g);
    return NULL;
}

/* ---- reload ---- */

static void log_lines(struct text lines)
{
    for (struct text line; text_cut(&lines, '\n', &line);)
        log_error(TEXT_FORMAT, TEXT_ARGS(line));
}

static void use(struct gate *g, const struct config *config, struct pool *pool)
{
    label_models(g, pool);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_thread_use_pool(g->workers[i], pool);
    admin_use_pool(g->admin, pool);
    prober_use_pool(g->prober, pool);
    sched_set_waiting_max(g->shared.sched, config->limits.waiting);
    pool_unref(g->pool);
    config_unref(g->config);
    g->pool = pool;
    g->config = config_ref(config);
    set_connection_limit(g);
}

/* Everything that can fail comes first; then nothing can. */
static bool try_reload(struct gate *g, const struct config *config, struct buf *error)
{
    struct pool *pool = pool_new(config, g->pool, error);
    if (!pool) return false;
    if (!access_file_reopen(g->shared.access_file, error) || !listeners_update(g->listeners, config, error)) {
        pool_unref(pool);
        return false;
    }
    use(g, config, pool);
    return true;
}

static void warn_of_restart(const struct config *old, const struct config *new)
{
    if (old->workers != new->workers) log_warn("a changed number of workers takes effect at the next start");
    if (strcmp(old->log.access, new->log.access) != 0) log_warn("a changed log.access takes effect at the next start");
}

bool gate_reload(struct gate *g)
{
    struct config_errors errors = {0};
    struct buf error = {0};
    if (g->draining) return false;
    struct config *config = g->options.load(g->options.load_arg, &errors);
    if (config) warn_of_restart(g->config, config);
    bool fine = config && try_reload(g, config, &error);
    if (fine) {
        announce(g);
    } else {
        log_error("reload refused, the old config stays:");
        log_lines(buf_text(&errors.text));
        log_lines(buf_text(&error));
    }
    config_unref(config);
    config_errors_free(&errors);
    buf_free(&error);
    return fine;
}

/* ---- drain and end ---- */

static void tell_stopped(struct gate *g)
{
    if (g->stopped) return;
    g->stopped = true;
    timer_cancel(g->options.loop, &g->drain_timer);
    g->options.stopped(g->options.stopped_arg);
}

static void on_worker_drained(void *arg)
{
    struct gate *g = arg;
    if (g->stopped) return; /* a second signal did not want to wait */
    for (unsigned i = 0; i < g->worker_count; i++)
        if (!worker_thread_has_drained(g->workers[i])) return;
    log_info("drained: the last request has ended");
    tell_stopped(g);
}

static void on_drain_timer(struct timer *timer)
{
    struct gate *g = CONTAINER_OF(timer, struct gate, drain_timer);
    log_warn("drain time is over: unfinished requests are cut");
    tell_stopped(g);
}

void gate_drain(struct gate *g)
{
    if (g->draining) {
        tell_stopped(g);
        return;
    }
    g->draining = true;
    log_info("draining: no new connections, requests under way have %lld s",
             (long long)(g->config->timeouts.drain / USEC_PER_SEC));
    listeners_close_api(g->listeners);
    admin_set_draining(g->admin);
    timer_set(g->options.loop, &g->drain_timer, loop_now(g->options.loop) + g->config->timeouts.drain, on_drain_timer);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_thread_drain(g->workers[i]);
}

void gate_close(struct gate *g)
{
    timer_cancel(g->options.loop, &g->drain_timer);
    listeners_free(g->listeners);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_thread_stop(g->workers[i]);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_thread_free(g->workers[i]);
    prober_free(g->prober);
    admin_free(g->admin);
    dns_free(g->shared.dns);
    pool_unref(g->pool);
    sched_free(g->shared.sched);
    access_file_close(g->shared.access_file);
    metrics_free(g->shared.metrics);
    config_unref(g->config);
    buf_free(&g->refusal);
    mem_free(g);
}
