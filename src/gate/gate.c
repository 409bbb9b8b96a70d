/* gate.c - the daemon as a whole: what is opened at start, changed by a reload, and closed by a drain.
 *
 * The main thread accepts and hands each connection to the worker with the fewest; requests never come here.
 */
#include "dsgate/base/log.h"
#include "gate_private.h"
#include <sched.h>
#include <unistd.h>

static unsigned count_workers(const struct config *c)
{
    cpu_set_t cpus;
    if (c->workers) return c->workers < WORKERS_MAX ? c->workers : WORKERS_MAX;
    if (sched_getaffinity(0, sizeof cpus, &cpus) < 0) return 1;
    int n = CPU_COUNT(&cpus);
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

/* ---- accepting ---- */

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

static void accept_admin(struct gate *g, int fd, const struct address *peer, struct tls_ctx *tls)
{
    if (!admin_adopt(g->admin, fd, peer, tls)) close(fd);
}

static void on_accepted(void *arg, bool admin, int fd, const struct address *peer, struct tls_ctx *tls)
{
    struct gate *g = arg;
    unsigned total;
    struct worker_thread *w = least_loaded(g, &total);
    if (admin) {
        accept_admin(g, fd, peer, tls);
    } else if (capacity_admits(g->capacity, total)) {
        worker_thread_adopt(w, fd, peer, tls);
    } else {
        metrics_refused_connection(g->shared.metrics);
        capacity_refuse(g->capacity, fd, tls != NULL);
    }
}

/* ---- opening ---- */

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
static void divide_descriptors(struct gate *g)
{
    capacity_note_open(g->capacity);
    unsigned room = capacity_of_table(g->capacity);
    g->own_tables = g->worker_count > 1 && room < g->config->limits.connections;
    g->shared.upstream_connections = g->own_tables ? room : room / g->worker_count;
    if (g->own_tables) dns_start(g->shared.dns); /* not in one worker's table, for all of them */
}

static bool start_workers(struct gate *g, struct buf *error)
{
    bool fine = make_workers(g);
    if (fine) divide_descriptors(g);
    for (unsigned i = 0; fine && i < g->worker_count; i++) {
        fine = worker_thread_start(g->workers[i], g->own_tables);
        g->own_tables = worker_thread_has_own_descriptors(g->workers[i]);
    }
    if (!fine) BUF_ADD(error, "a worker thread can't be started\n");
    return fine;
}

static bool open_ledger(struct gate *g, struct buf *error)
{
    struct buf why = {0};
    g->ledger = ledger_open(g->config->state.file, &why);
    if (!g->ledger) buf_printf(error, "state.file: " TEXT_FORMAT "\n", TEXT_ARGS(buf_text(&why)));
    buf_free(&why);
    return g->ledger != NULL;
}

unsigned gate_cache_shards(const struct conf_cache *c)
{
    return cache_memory_shards((size_t)c->memory, (size_t)c->entry);
}

static bool open_cache(struct gate *g, struct buf *error)
{
    const struct conf_cache *c = &g->config->cache;
    struct buf why = {0};
    g->shared.memory = cache_memory_new((size_t)c->memory, gate_cache_shards(c));
    g->shared.flights = flights_new((size_t)c->entry);
    g->shared.redis = remote_shared_new(&c->redis, &why);
    if (g->shared.redis) g->shared.purger = remote_new(g->shared.redis, g->options.loop, g->shared.dns);
    bool fine = buf_len(&why) == 0;
    if (!fine) buf_printf(error, "cache.redis: " TEXT_FORMAT "\n", TEXT_ARGS(buf_text(&why)));
    buf_free(&why);
    return fine;
}

static bool open_parts(struct gate *g, struct buf *error)
{
    if (!open_cache(g, error)) return false;
    if (!open_ledger(g, error)) return false;
    g->pool = gate_make_pool(g, g->config, error);
    if (!g->pool) return false;
    g->shared.access_file = access_file_open(g->config->log.access, error);
    if (!g->shared.access_file) return false;
    gate_begin_pool(g);
    return start_workers(g, error) && listeners_update(g->listeners, g->config, error);
}

/* What a gateway that has just begun may spend before it has earned anything. */
static void open_budgets(struct gate *g)
{
    enum { SAVINGS = 10 };
    budget_init(&g->retries, SAVINGS);
    budget_init(&g->hedges, SAVINGS);
    g->shared.retries = &g->retries;
    g->shared.hedges = &g->hedges;
}

struct gate *gate_open(const struct config *config, const struct gate_options *o, struct buf *error)
{
    struct gate *g = MEM_NEW(struct gate);
    g->options = *o;
    g->config = config_ref(config);
    g->shared.sched = sched_new();
    g->shared.dns = dns_new();
    attempt_list_reasons(g->reasons);
    g->shared.metrics = metrics_new(g->reasons);
    g->shared.bodies = &g->bodies;
    open_budgets(g);
    g->listeners = listeners_new(o->loop, on_accepted, g);
    g->admin = admin_new(o->loop, &g->shared);
    g->prober = prober_new(o->loop, g->shared.sched);
    g->discovery = discovery_new(o->loop, gate_on_discovered, g);
    sched_run_clock(g->shared.sched, o->loop);
    g->capacity = capacity_new();
    if (open_parts(g, error)) {
        gate_set_capacity(g);
        gate_announce(g, "");
        gate_begin_upkeep(g);
        discovery_use_config(g->discovery, config);
        return g;
    }
    gate_close(g);
    return NULL;
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
    timer_cancel(g->options.loop, &g->upkeep_timer);
    listeners_free(g->listeners);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_thread_stop(g->workers[i]);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_thread_free(g->workers[i]);
    sched_stop_clock(g->shared.sched);
    if (g->ledger && g->pool) ledger_save(g->ledger, g->shared.sched, g->pool);
    ledger_close(g->ledger);
    discovery_free(g->discovery);
    prober_free(g->prober);
    admin_free(g->admin);
    remote_free(g->shared.purger);
    remote_shared_free(g->shared.redis);
    flights_free(g->shared.flights);
    cache_memory_free(g->shared.memory);
    dns_free(g->shared.dns);
    pool_unref(g->pool);
    sched_free(g->shared.sched);
    access_file_close(g->shared.access_file);
    metrics_free(g->shared.metrics);
    config_unref(g->config);
    capacity_free(g->capacity);
    mem_free(g);
}
