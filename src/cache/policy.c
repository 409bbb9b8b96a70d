#include "dsgate/cache/policy.h"

/* ---- before it is looked for ---- */

struct cache_wishes cache_wishes_join(const struct cache_wishes *head, const struct cache_wishes *body)
{
    bool both = head->ttl && body->ttl;
    return (struct cache_wishes){.no_cache = head->no_cache || body->no_cache,
                                 .no_store = head->no_store || body->no_store,
                                 .only_if_cached = head->only_if_cached || body->only_if_cached,
                                 .max_age = usec_earlier(head->max_age, body->max_age),
                                 .ttl = both ? usec_earlier(head->ttl, body->ttl) : usec_later(head->ttl, body->ttl)};
}

/* Counts of tokens are told for nothing. */
struct cache_request cache_request_of(const struct endpoint *e, const struct chat_traits *t, bool thinks)
{
    bool embedding = e->family == FAMILY_EMBEDDING;
    return (struct cache_request){.cacheable = e->needs_model && (e->says_text || embedding) && !t->stored,
                                  .embedding = embedding,
                                  .zero_temperature = t->zero_temperature,
                                  .has_seed = t->has_seed,
                                  .thinks = thinks,
                                  .searches = t->searches};
}

static bool is_steady(const struct cache_request *r)
{
    return r->embedding || (!r->searches && (r->has_seed || (r->zero_temperature && !r->thinks)));
}

static bool takes_part(const struct conf_cache_route *route, const struct cache_request *r)
{
    switch (route->mode) {
    case CACHE_DETERMINISTIC: return r->cacheable && is_steady(r);
    case CACHE_ALWAYS: return r->cacheable;
    case CACHE_OFF: break;
    }
    return false;
}

static usec_t ttl_of(const struct conf_cache_route *route, const struct cache_wishes *w)
{
    if (w->ttl == 0) return route->ttl;
    return usec_earlier(w->ttl, route->shared ? route->ttl : CACHE_TTL_MAX);
}

struct cache_plan cache_plan(const struct conf_cache_route *route, const struct cache_request *request,
                             const struct cache_wishes *wishes)
{
    struct cache_plan plan = {.only_if_cached = wishes->only_if_cached, .max_age = wishes->max_age};
    if (!takes_part(route, request)) return plan;
    plan.reads = !wishes->no_cache && wishes->max_age > 0;
    plan.stores = !wishes->no_store;
    plan.fresh = ttl_of(route, wishes);
    plan.stale = usec_later(route->revalidate, route->stale);
    return plan;
}

/* ---- when something was found ---- */

/* The route may have come to remember mistakes for a shorter time, or no more. */
static bool is_remembered(const struct conf_cache_route *route, const struct cache_entry *e, usec_t age)
{
    return e->facts.status < 400 || age < route->negative;
}

static enum cache_use judge_stale(const struct cache_plan *plan, const struct conf_cache_route *route, usec_t over)
{
    if (over < route->revalidate && plan->stores && plan->max_age == USEC_NEVER) return CACHE_USE_AND_RENEW;
    return over < route->stale && !plan->only_if_cached ? CACHE_KEEP : CACHE_IGNORE;
}

enum cache_use cache_judge(const struct cache_plan *plan, const struct conf_cache_route *route,
                           const struct cache_entry *e, usec_t now)
{
    usec_t age = cache_entry_age(e, now);
    if (!plan->reads || age > plan->max_age || !is_remembered(route, e, age)) return CACHE_IGNORE;
    switch (cache_entry_freshness(e, now)) {
    case CACHE_FRESH: return CACHE_USE;
    case CACHE_STALE: return judge_stale(plan, route, age - e->facts.fresh);
    case CACHE_DEAD: break;
    }
    return CACHE_IGNORE;
}
