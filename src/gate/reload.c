/* reload.c - what changes while the daemon runs: the config, endpoints that are discovered, and what needs a look from
 * time to time. */
#include "dsgate/base/log.h"
#include "gate_private.h"

#define SAVE_INTERVAL (5 * USEC_PER_SEC)

/* ---- pools ---- */

struct pool *gate_make_pool(struct gate *g, const struct config *config, struct buf *error)
{
    size_t n;
    const struct discovered *found = discovery_found(g->discovery, &n);
    return pool_new(config, g->pool, found, n, error);
}

static void label_models(struct gate *g, struct pool *pool)
{
    for (size_t i = 0; i < pool->row_count; i++)
        pool->rows[i].metric_slot = metrics_model_slot(g->shared.metrics, pool->rows[i].name);
}

static void tell_others(struct gate *g)
{
    admin_use_pool(g->admin, g->pool);
    prober_use_pool(g->prober, g->pool);
    sched_use_pool(g->shared.sched, g->pool, loop_now(g->options.loop));
    ledger_restore(g->ledger, g->shared.sched, g->pool);
    sched_upkeep(g->shared.sched, loop_now(g->options.loop), loop_wall(g->options.loop));
}

void gate_begin_pool(struct gate *g)
{
    label_models(g, g->pool);
    tell_others(g);
}

void gate_set_capacity(struct gate *g)
{
    capacity_set(g->capacity, g->config->limits.connections, g->own_tables ? g->worker_count : 1);
}

void gate_announce(struct gate *g, const char *what)
{
    struct buf where = {0};
    listeners_describe(g->listeners, &where);
    log_info("dsgate %s %slistens on " TEXT_FORMAT "; %u worker%s; %zu upstream%s; config: %s", DSGATE_VERSION, what,
             TEXT_ARGS(buf_text(&where)), g->worker_count, g->worker_count == 1 ? "" : "s", g->pool->upstream_count,
             g->pool->upstream_count == 1 ? "" : "s", g->config->source);
    buf_free(&where);
}

/* ---- reload ---- */

static void log_lines(struct text lines)
{
    for (struct text line; text_cut(&lines, '\n', &line);)
        log_error(TEXT_FORMAT, TEXT_ARGS(line));
}

/* The workers hear of it first: what waits is sent back to them, to ask in the new pool. Takes `pool`. */
static void use_pool(struct gate *g, struct pool *pool)
{
    label_models(g, pool);
    for (unsigned i = 0; i < g->worker_count; i++)
        worker_thread_use_pool(g->workers[i], pool);
    pool_unref(g->pool);
    g->pool = pool;
    tell_others(g);
}

static void use(struct gate *g, const struct config *config, struct pool *pool)
{
    use_pool(g, pool);
    config_unref(g->config);
    g->config = config_ref(config);
    gate_set_capacity(g);
    cache_memory_limit(g->shared.memory, (size_t)config->cache.memory);
    flights_limit(g->shared.flights, (size_t)config->cache.entry);
}

/* Everything that can fail comes first; then nothing can. Discovery comes before it, since nothing that was found for
 * another question may be in the new pool; if the old config stays, what is no longer known is asked for again. */
static bool try_reload(struct gate *g, const struct config *config, struct buf *error)
{
    discovery_use_config(g->discovery, config);
    struct pool *pool = gate_make_pool(g, config, error);
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
    if (!text_eq(text_of(old->state.file), text_of(new->state.file)))
        log_warn("a changed state.file takes effect at the next start");
    if (gate_cache_shards(&old->cache) != gate_cache_shards(&new->cache))
        log_warn("the changed cache.memory and cache.entry take full effect at the next start");
    if (!conf_redis_same(&old->cache.redis, &new->cache.redis))
        log_warn("a changed cache.redis takes effect at the next start");
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
        gate_announce(g, "has reloaded its config and ");
    } else {
        if (config) discovery_use_config(g->discovery, g->config);
        log_error("reload refused, the old config stays:");
        log_lines(buf_text(&errors.text));
        log_lines(buf_text(&error));
    }
    config_unref(config);
    config_errors_free(&errors);
    buf_free(&error);
    return fine;
}

/* ---- discovery ---- */

void gate_on_discovered(void *gate)
{
    struct gate *g = gate;
    struct buf error = {0};
    if (g->draining) return;
    struct pool *pool = gate_make_pool(g, g->config, &error);
    if (pool) {
        use_pool(g, pool);
    } else {
        log_error("the endpoints that were found can't be used, the old ones stay:");
        log_lines(buf_text(&error));
    }
    buf_free(&error);
}

/* ---- from time to time ---- */

static void save(struct gate *g, usec_t now)
{
    if (now - g->saved < SAVE_INTERVAL) return;
    g->saved = now;
    ledger_save(g->ledger, g->shared.sched, g->pool);
}

static void on_upkeep(struct timer *timer)
{
    struct gate *g = CONTAINER_OF(timer, struct gate, upkeep_timer);
    usec_t now = loop_now(g->options.loop);
    sched_upkeep(g->shared.sched, now, loop_wall(g->options.loop));
    save(g, now);
    timer_set(g->options.loop, timer, now + USEC_PER_SEC, on_upkeep);
}

void gate_begin_upkeep(struct gate *g) { on_upkeep(&g->upkeep_timer); }
