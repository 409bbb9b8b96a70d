/* A reload must not forget what is going on: calls in flight count against their limits, an upstream that is down stays
 * down, warm connections stay warm. So a new pool looks for each part in its own earlier upstreams (to share it) and
 * then in the pool before it (to take it over), and makes it only if neither has it. */
#include "dsgate/base/mem.h"
#include "pool_private.h"

static bool same(const char *a, const char *b) { return text_eq(text_of(a), text_of(b)); }

/* ---- states and accounts ---- */

static struct upstream_state *state_ref(struct upstream_state *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

static void state_unref(struct upstream_state *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    mem_free(s->name);
    mem_free(s->base_url);
    mem_free(s);
}

static struct account *account_ref(struct account *a)
{
    atomic_fetch_add_explicit(&a->refs, 1, memory_order_relaxed);
    return a;
}

static void account_unref(struct account *a)
{
    if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) == 1) mem_free(a);
}

/* The same upstream in the pool before. */
static const struct upstream *find_upstream(const struct pool *p, const struct conf_upstream *conf)
{
    for (size_t i = 0; p && i < p->upstream_count; i++)
        if (same(p->upstreams[i].conf->name, conf->name) && same(p->upstreams[i].conf->base_url, conf->base_url))
            return &p->upstreams[i];
    return NULL;
}

static struct account *find_account(const struct pool *p, const char *name)
{
    for (size_t i = 0; p && i < p->upstream_count; i++)
        if (p->upstreams[i].conf->account && same(p->upstreams[i].conf->account, name)) return p->upstreams[i].account;
    return NULL;
}

static struct upstream_state *state_for(const struct upstream *before, const struct conf_upstream *conf)
{
    if (before) return state_ref(before->state);
    struct upstream_state *s = MEM_NEW(struct upstream_state);
    atomic_init(&s->refs, 1);
    s->name = mem_strdup(conf->name);
    s->base_url = mem_strdup(conf->base_url);
    return s;
}

static struct account *account_for(const struct pool *p, const struct pool *previous, const struct upstream *before,
                                   const struct conf_upstream *conf)
{
    struct account *found = NULL;
    if (conf->account) {
        found = find_account(p, conf->account);
        if (!found) found = find_account(previous, conf->account);
    } else if (before && !before->conf->account) {
        found = before->account;
    }
    if (found) return account_ref(found);
    found = MEM_NEW(struct account);
    atomic_init(&found->refs, 1);
    return found;
}

static void set_caps(struct pool *p)
{
    for (size_t i = 0; i < p->upstream_count; i++) {
        struct upstream *u = &p->upstreams[i];
        for (size_t j = 0; j < p->upstream_count; j++) {
            unsigned cap = p->upstreams[j].conf->max_concurrency;
            if (p->upstreams[j].account == u->account && cap > u->cap) u->cap = cap;
        }
    }
}

/* ---- origins ---- */

static bool same_tls(const struct conf_upstream *a, const struct conf_upstream *b)
{
    return a->https && b->https && a->tls.insecure == b->tls.insecure && same(a->tls.ca_file, b->tls.ca_file) &&
           same(a->tls.cert_file, b->tls.cert_file) && same(a->tls.key_file, b->tls.key_file);
}

static struct tls_ctx *find_tls(const struct pool *p, const struct conf_upstream *conf)
{
    for (size_t i = 0; p && i < p->upstream_count; i++)
        if (p->upstreams[i].origin && same_tls(p->upstreams[i].conf, conf)) return p->upstreams[i].origin->tls;
    return NULL;
}

static struct tls_ctx *tls_for(const struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                               struct buf *why)
{
    bool from_files = conf->tls.ca_file || conf->tls.cert_file || conf->tls.key_file;
    struct tls_ctx *found = find_tls(p, conf);
    if (!found && !from_files) found = find_tls(previous, conf);
    if (found) return tls_ctx_ref(found);
    struct tls_client_options options = {.ca_file = conf->tls.ca_file,
                                         .cert_file = conf->tls.cert_file,
                                         .key_file = conf->tls.key_file,
                                         .insecure = conf->tls.insecure};
    return tls_client_new(&options, why);
}

static bool read_pins(const struct conf_upstream *conf, struct address_list *pins, struct buf *why)
{
    if (conf->resolve_count > ADDRESS_MAX) {
        buf_printf(why, "has more than %d pinned addresses", ADDRESS_MAX);
        return false;
    }
    for (; pins->count < conf->resolve_count; pins->count++)
        if (!address_parse(text_of(conf->resolve[pins->count]), conf->port, &pins->at[pins->count], why)) return false;
    return true;
}

static struct origin *find_origin(const struct pool *p, const struct origin *wanted)
{
    for (size_t i = 0; p && i < p->upstream_count; i++)
        if (p->upstreams[i].origin && origin_same(p->upstreams[i].origin, wanted)) return p->upstreams[i].origin;
    return NULL;
}

static struct origin *origin_for(const struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                                 struct buf *why)
{
    struct address_list pins = {.count = 0};
    if (!read_pins(conf, &pins, why)) return NULL;
    struct tls_ctx *tls = conf->https ? tls_for(p, previous, conf, why) : NULL;
    if (conf->https && !tls) return NULL;
    struct origin *fresh = origin_new(conf->host, conf->port, tls, conf->tls.server_name, &pins);
    tls_ctx_unref(tls);
    struct origin *found = find_origin(p, fresh);
    if (!found) found = find_origin(previous, fresh);
    if (!found) return fresh;
    origin_unref(fresh);
    return origin_ref(found);
}

/* ---- upstreams ---- */

static void add_upstream(struct pool *p, const struct pool *previous, const struct conf_upstream *conf,
                         struct buf *error)
{
    struct buf why = {0};
    struct upstream *u = &p->upstreams[p->upstream_count];
    const struct upstream *before = find_upstream(previous, conf);
    u->conf = conf;
    u->index = (unsigned)p->upstream_count;
    u->state = state_for(before, conf);
    u->account = account_for(p, previous, before, conf);
    u->origin = origin_for(p, previous, conf, &why);
    if (!u->origin) buf_printf(error, "upstream '%s': " TEXT_FORMAT "\n", conf->name, TEXT_ARGS(buf_text(&why)));
    p->upstream_count++;
    buf_free(&why);
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

struct pool *pool_new(const struct config *config, const struct pool *previous, struct buf *error)
{
    if (config->upstream_count > POOL_UPSTREAMS_MAX) {
        buf_printf(error, "There are more than %d upstreams.\n", POOL_UPSTREAMS_MAX);
        return NULL;
    }
    size_t errors_before = buf_len(error);
    struct pool *p = MEM_NEW(struct pool);
    atomic_init(&p->refs, 1);
    p->config = config_ref(config);
    p->upstreams = mem_zalloc(config->upstream_count * sizeof *p->upstreams);
    for (size_t i = 0; i < config->upstream_count; i++)
        add_upstream(p, previous, &config->upstreams[i], error);
    set_caps(p);
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
    for (size_t i = 0; i < p->upstream_count; i++) {
        origin_unref(p->upstreams[i].origin);
        state_unref(p->upstreams[i].state);
        account_unref(p->upstreams[i].account);
    }
    pool_free_rows(p);
    mem_free(p->upstreams);
    config_unref(p->config);
    mem_free(p);
}
