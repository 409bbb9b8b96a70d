#include "pool_private.h"

/* ---- upstreams ---- */

/* The same upstream in the pool before. */
static const struct upstream *find_same(const struct pool *p, const struct conf_upstream *conf, const char *name)
{
    for (size_t i = 0; p && i < p->upstream_count; i++)
        if (!strcmp(p->upstreams[i].name, name) && !strcmp(p->upstreams[i].conf->base_url, conf->base_url))
            return &p->upstreams[i];
    return NULL;
}

static void read_windows(char **texts, size_t n, struct window **windows, size_t *count, struct buf *why)
{
    *windows = mem_zalloc(n * sizeof **windows);
    for (*count = 0; *count < n; ++*count)
        if (!window_parse(text_of(texts[*count]), &(*windows)[*count], why)) return;
}

static void free_windows(struct window *windows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        window_free(&windows[i]);
    mem_free(windows);
}

static void read_times(struct upstream *u, struct buf *why)
{
    const struct conf_upstream *conf = u->conf;
    read_windows(conf->peak, conf->peak_count, &u->peak, &u->peak_count, why);
    if (quota_is_limited(&conf->quota)) u->quota_zone = zone_open(text_of(conf->quota.zone), why);
}

static void free_upstream(struct upstream *u)
{
    origin_unref(u->origin);
    free_windows(u->peak, u->peak_count);
    zone_close(u->quota_zone);
    pool_state_unref(u->state);
    pool_account_unref(u->account);
}

/* "NAME@ADDRESS" of an endpoint that was found. */
static char *name_of(const struct conf_upstream *conf, const struct discovered_endpoint *found)
{
    struct buf name = {0};
    buf_add(&name, text_of(conf->name));
    if (found) {
        BUF_ADD(&name, "@");
        address_format(&found->address, &name);
    }
    char *copy = text_dup(buf_text(&name));
    buf_free(&name);
    return copy;
}

static void add_upstream(struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                         const struct discovered_endpoint *found, struct buf *error)
{
    struct buf why = {0};
    char *name = name_of(conf, found);
    struct upstream *u = &p->upstreams[p->upstream_count];
    const struct upstream *before = find_same(previous, conf, name);
    *u = (struct upstream){.conf = conf, .pool = p, .index = (unsigned)p->upstream_count};
    u->state = pool_state(before, name);
    u->name = u->state->name;
    u->account = pool_account(p, previous, before, conf);
    u->origin = pool_origin(p, previous, conf, found ? &found->address : NULL, &why);
    u->weight = found && found->weight ? found->weight : conf->weight;
    u->tier = found && found->backup && conf->tier == TIER_PRIMARY ? TIER_BACKUP : conf->tier;
    u->near = conf->zone && p->config->zone && !strcmp(conf->zone, p->config->zone);
    u->unknown = conf->discover.records && !found;
    read_times(u, &why);
    if (buf_len(&why)) buf_printf(error, "upstream '%s': " TEXT_FORMAT "\n", name, TEXT_ARGS(buf_text(&why)));
    p->upstream_count++;
    mem_free(name);
    buf_free(&why);
}

/* Endpoints that are not known yet have one in their place, so that requests can wait for them. */
static void add_endpoints(struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                          const struct discovered *found, struct buf *error)
{
    for (unsigned i = 0; found && i < found->count; i++)
        add_upstream(p, previous, conf, &found->endpoints[i], error);
    if (!found || found->count == 0) add_upstream(p, previous, conf, NULL, error);
}

static const struct discovered *find_found(const struct conf_upstream *conf, const struct discovered *found, size_t n)
{
    for (size_t i = 0; conf->discover.records && i < n; i++)
        if (!strcmp(found[i].upstream, conf->name)) return &found[i];
    return NULL;
}

static void add_all(struct pool *p, const struct pool *previous, const struct discovered *found, size_t found_count,
                    struct buf *error)
{
    for (size_t i = 0; i < p->config->upstream_count; i++) {
        const struct conf_upstream *conf = &p->config->upstreams[i];
        add_endpoints(p, previous, conf, find_found(conf, found, found_count), error);
    }
    for (size_t i = 0; i < p->upstream_count; i++)
        p->upstreams[i].cap = pool_cap(p, p->upstreams[i].account, "*");
}

bool upstream_serves(const struct upstream *u, const struct endpoint *e)
{
    switch (e->root) {
    case ROOT_BASE: return true;
    case ROOT_BETA: return u->conf->beta_path != NULL;
    case ROOT_ANTHROPIC: return u->conf->anthropic_path != NULL;
    case ROOT_BALANCE: return u->conf->balance_path != NULL;
    }
    return false;
}

/* ---- the pool ---- */

static size_t count_upstreams(const struct config *config, const struct discovered *found, size_t found_count)
{
    size_t n = config->upstream_count;
    for (size_t i = 0; i < found_count; i++)
        n += found[i].count ? found[i].count - 1 : 0; /* they stand in its place */
    return n;
}

static void read_off_peak(struct pool *p, struct buf *error)
{
    const struct conf_class *batch = &p->config->queue.classes[PRIORITY_P3];
    struct buf why = {0};
    read_windows(batch->off_peak, batch->off_peak_count, &p->off_peak, &p->off_peak_count, &why);
    if (buf_len(&why)) buf_printf(error, "queue: off_peak: " TEXT_FORMAT "\n", TEXT_ARGS(buf_text(&why)));
    buf_free(&why);
}

struct pool *pool_new(const struct config *config, const struct pool *previous, const struct discovered *found,
                      size_t found_count, struct buf *error)
{
    size_t most = count_upstreams(config, found, found_count), errors_before = buf_len(error);
    if (most > POOL_UPSTREAMS_MAX) {
        buf_printf(error, "There are more than %d upstreams and endpoints of theirs.\n", POOL_UPSTREAMS_MAX);
        return NULL;
    }
    struct pool *p = MEM_NEW(struct pool);
    atomic_init(&p->refs, 1);
    p->config = config_ref(config);
    p->upstreams = mem_zalloc(most * sizeof *p->upstreams);
    add_all(p, previous, found, found_count, error);
    read_off_peak(p, error);
    pool_build_rows(p);
    if (buf_len(error) == errors_before) return p;
    pool_unref(p);
    return NULL;
}

struct pool *pool_ref(struct pool *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void pool_unref(struct pool *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    for (size_t i = 0; i < p->upstream_count; i++)
        free_upstream(&p->upstreams[i]);
    free_windows(p->off_peak, p->off_peak_count);
    pool_free_rows(p);
    mem_free(p->upstreams);
    config_unref(p->config);
    mem_free(p);
}

struct upstream *pool_find_upstream(const struct pool *p, struct text name)
{
    for (size_t i = 0; i < p->upstream_count; i++)
        if (text_is(name, p->upstreams[i].name)) return &p->upstreams[i];
    return NULL;
}
