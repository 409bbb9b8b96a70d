/* What an operator sees of the upstreams: what is configured, what the scheduler thinks of them, and nothing secret. */
#include "admin_json.h"
#include "admin_private.h"
#include <limits.h>

static void put_today(struct admin_json *j, const struct quota_day *today)
{
    admin_json_open(j, "today", '{');
    admin_json_u64(j, "requests", today->requests);
    admin_json_u64(j, "tokens", today->tokens);
    admin_json_double(j, "cost_usd", today->cost);
    admin_json_close(j, '}');
}

/* Where nothing is limited nothing is counted: zeros would look as if nothing had been used. */
static void put_quota(struct admin_json *j, const struct conf_quota *rules, const struct sched_upstream_view *v)
{
    if (quota_is_limited(rules))
        put_today(j, &v->today);
    else
        admin_json_null(j, "today");
    admin_json_ms(j, "spent_for_ms", v->spent_for);
}

static void put_attempts(struct admin_json *j, const struct upstream_state *state)
{
    admin_json_open(j, "attempts", '{');
    for (unsigned o = 0; o < OUTCOME_COUNT; o++)
        admin_json_u64(j, outcome_name((enum outcome)o),
                       atomic_load_explicit(&state->outcomes[o], memory_order_relaxed));
    admin_json_close(j, '}');
}

static void put_target(struct admin_json *j, const struct sched_target_view *t)
{
    admin_json_open(j, NULL, '{');
    admin_json_text(j, "model", text_of(t->model));
    admin_json_text(j, "breaker", text_of(breaker_state_name(t->breaker)));
    if (t->breaker == BREAKER_OPEN) admin_json_ms(j, "trials_in_ms", t->opens_in);
    admin_json_u64(j, "in_flight", t->in_flight);
    if (t->limit == LIMIT_NONE)
        admin_json_null(j, "limit");
    else
        admin_json_u64(j, "limit", t->limit);
    admin_json_ms(j, "cools_for_ms", t->cools_for);
    if (t->first_token)
        admin_json_ms(j, "first_token_ms", t->first_token);
    else
        admin_json_null(j, "first_token_ms");
    admin_json_double(j, "failing", t->failing);
    admin_json_u64(j, "picks", t->picks);
    admin_json_u64(j, "opened", t->opened);
    admin_json_u64(j, "half_opened", t->half_opened);
    admin_json_u64(j, "closed", t->closed);
    admin_json_close(j, '}');
}

static void put_config(struct admin_json *j, const struct upstream *u)
{
    admin_json_text(j, "name", text_of(u->name));
    admin_json_text(j, "base_url", text_of(u->conf->base_url));
    admin_json_text(j, "tier", text_of(conf_tier_names[u->conf->tier]));
    admin_json_text(j, "zone", text_of(u->conf->zone));
    admin_json_text(j, "account", text_of(u->conf->account));
    if (u->cap)
        admin_json_u64(j, "max_concurrency", u->cap);
    else
        admin_json_null(j, "max_concurrency");
    admin_json_u64(j, "configured_weight", u->weight);
}

static void put_state(struct admin_json *j, const struct sched_upstream_view *v, usec_t now)
{
    admin_json_u64(j, "weight", v->weight);
    admin_json_flag(j, "up", !v->down);
    admin_json_flag(j, "draining", v->draining);
    admin_json_flag(j, "standing_by", v->standing_by);
    admin_json_flag(j, "peak", v->peak);
    admin_json_u64(j, "in_flight", v->in_flight);
    admin_json_u64(j, "keys", v->keys);
    admin_json_u64(j, "keys_cooling", v->keys_cooling);
    if (v->probe_due == USEC_NEVER)
        admin_json_null(j, "next_probe_ms");
    else
        admin_json_ms(j, "next_probe_ms", v->probe_due - now);
}

static void put_upstream(struct admin *a, struct admin_json *j, const struct upstream *u)
{
    const struct sched_upstream_view *view = a->view;
    usec_t now = loop_now(a->loop);
    sched_look(a->shared->sched, u, now, a->view);
    admin_json_open(j, NULL, '{');
    put_config(j, u);
    put_state(j, view, now);
    put_quota(j, &u->conf->quota, view);
    put_attempts(j, u->state);
    admin_json_open(j, "models", '[');
    for (unsigned i = 0; i < view->target_count; i++)
        put_target(j, &view->targets[i]);
    admin_json_close(j, ']');
    admin_json_close(j, '}');
}

void admin_list_upstreams(struct admin *a, struct exchange *x, struct text rest)
{
    struct admin_json j = {0};
    (void)rest;
    admin_json_open(&j, NULL, '{');
    admin_json_open(&j, "upstreams", '[');
    for (size_t i = 0; i < a->pool->upstream_count; i++)
        put_upstream(a, &j, &a->pool->upstreams[i]);
    admin_json_close(&j, ']');
    admin_json_close(&j, '}');
    admin_json_send(&j, x);
}

static const char *nearest(const struct pool *p, struct text name)
{
    const char *best = NULL;
    unsigned least = UINT_MAX, distance;
    for (size_t i = 0; i < p->upstream_count; i++) {
        if (!text_is_near(name, text_of(p->upstreams[i].name), &distance) || distance >= least) continue;
        best = p->upstreams[i].name;
        least = distance;
    }
    return best;
}

struct upstream *admin_find_upstream(struct admin *a, struct exchange *x, struct text name)
{
    struct upstream *u = pool_find_upstream(a->pool, name);
    if (u) return u;
    const char *near = nearest(a->pool, name);
    struct buf message = {0};
    BUF_ADD(&message, "There is no upstream '");
    buf_add(&message, name);
    if (near)
        buf_printf(&message, "'; did you mean '%s'?", near);
    else
        BUF_ADD(&message, "'; GET /upstreams lists them.");
    admin_refuse(x, FAIL_NO_ENDPOINT, &message);
    return NULL;
}

void admin_show_upstream(struct admin *a, struct exchange *x, struct text rest)
{
    struct upstream *u = admin_find_upstream(a, x, rest);
    if (!u) return;
    struct admin_json j = {0};
    put_upstream(a, &j, u);
    admin_json_send(&j, x);
}
