#include "cache.h"
#include "check.h"
#include "reader.h"
#include "redis_url.h"

/* One answer must not empty the memory level of all the others. */
static void check_entry(struct reader *r, struct node *section, struct conf_cache *c)
{
    struct node *given = node_given(section, "entry");
    uint64_t most = c->memory / CONF_CACHE_SHARE;
    if (c->memory == 0 || c->entry <= most) return;
    if (given)
        reader_error(r, given, "entry: it is more than a sixteenth of memory; expected at most %zuKB",
                     (size_t)most / 1024);
    c->entry = most;
}

/* ---- Redis ---- */

static bool has_password(const struct node *url)
{
    struct conf_redis c = {0};
    redis_url_parse(text_of(url->value), &c);
    bool has = c.password != NULL;
    redis_url_release(&c);
    return has;
}

static bool says_nothing(const struct node *section)
{
    for (size_t i = 0; i < section->count; i++)
        if (!node_is_null(section->entries[i].value)) return false;
    return true;
}

static void check_redis(struct reader *r, struct node *section, const struct conf_redis *c)
{
    bool alone = section->kind != NODE_MAP; /* it is the URL itself */
    struct node *url = alone ? section : node_given(section, "url"), *file = node_given(section, "password_file");
    if (!url && !says_nothing(section))
        reader_error(r, section, "url is missing; expected a URL such as redis://127.0.0.1:6379/0");
    if (!url || !c->url) return;
    if (file && has_password(url))
        reader_error(r, file, "password_file: the URL has a password too; expected one of them");
    else if (c->user && !c->password)
        reader_error(r, url, "url: it has a user without a password; expected both, or password_file");
    check_client_tls(r, node_given(section, "tls"), &c->tls, c->uses_tls ? NULL : "url is not rediss; expected rediss");
}

/* ---- routes ---- */

#define NOWHERE "there is nothing to keep answers in; expected memory or redis in the top level's cache"

/* Whoever says what is to be kept, or given when all else fails, relies on it. */
static void refuse_route(struct reader *r, struct node *n, const struct conf_route *route)
{
    struct node *cache = node_given(n, "cache"), *list = node_place(n, "fallback");
    if (cache && route->cache.mode != CACHE_OFF) reader_error(r, cache, "cache: " NOWHERE);
    for (size_t i = 0; i < route->fallback_count; i++)
        if (route->fallback[i].stale) reader_error(r, node_entry(list, i), "stale: " NOWHERE);
}

void cache_check(struct reader *r, struct node *root)
{
    struct config *c = r->config;
    struct node *section = node_given(root, "cache"), *routes = node_place(root, "routes");
    if (!section || node_has_mistake(section)) return;
    struct node *redis = node_given(section, "redis");
    check_entry(r, section, &c->cache);
    if (redis) check_redis(r, redis, &c->cache.redis);
    if (c->cache.memory || c->cache.redis.url || node_has_mistake(routes)) return;
    for (size_t i = 0; i < c->route_count; i++)
        refuse_route(r, node_entry(routes, i), &c->routes[i]);
}

static bool same(const char *a, const char *b) { return text_eq(text_of(a), text_of(b)); }

static bool same_tls(const struct conf_client_tls *a, const struct conf_client_tls *b)
{
    return same(a->ca_file, b->ca_file) && same(a->cert_file, b->cert_file) && same(a->key_file, b->key_file) &&
           same(a->server_name, b->server_name) && a->insecure == b->insecure;
}

bool conf_redis_same(const struct conf_redis *a, const struct conf_redis *b)
{
    return same(a->url, b->url) && same(a->user, b->user) && same(a->password, b->password) &&
           same(a->prefix, b->prefix) && a->timeout == b->timeout && same_tls(&a->tls, &b->tls);
}
