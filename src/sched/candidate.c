/* May an upstream take a call now, and if not, from when on? And what a call under way counts for. */
#include "sched_private.h"

/* ---- is it open ---- */

static unsigned following(unsigned key, unsigned n) { return key + 1 < n ? key + 1 : 0; }

/* The key that can be used first, beginning with the one whose turn it is; its time. */
static usec_t find_key(const struct upstream *u, usec_t now, unsigned *found)
{
    const struct upstream_state *s = u->state;
    unsigned n = conf_key_count(u->conf);
    usec_t earliest = USEC_NEVER;
    unsigned k = s->next_key < n ? s->next_key : 0; /* a reload may have taken keys away */
    for (unsigned i = 0; i < n && earliest > now; i++, k = following(k, n)) {
        if (s->keys[k].cool_until >= earliest) continue;
        earliest = s->keys[k].cool_until;
        *found = k;
    }
    return n ? earliest : 0;
}

/* An open breaker says when; a half-open one on trial has to wait for what is under way. */
static usec_t breaker_opens_at(struct hold *h, const struct candidate *c)
{
    struct breaker *b = &c->target->breaker;
    if (b->state == BREAKER_CLOSED) return 0;
    verdict_breaker_changed(h, c->target, c->upstream->name, breaker_tick(b, h->now));
    return breaker_admits(b, &c->upstream->conf->breaker) ? 0 : breaker_due(b);
}

usec_t candidate_recovers_at(struct hold *h, const struct candidate *c)
{
    const struct upstream *u = c->upstream;
    const struct upstream_state *s = u->state;
    if (s->draining || u->unknown) return USEC_NEVER;
    usec_t at = usec_later(s->quota_until, c->slot->limit.cool_until);
    at = usec_later(at, breaker_opens_at(h, c));
    if (s->health.down) at = usec_later(at, usec_later(s->health.due, h->now + 1));
    return at <= h->now ? 0 : at;
}

/* ---- has it room ---- */

enum { ALL = (1u << LANE_COUNT) - 1, COMMON = ALL & ~(1u << LANE_P0), BATCH = 1u << LANE_P3 };

/* Of a limit, P0 may use all, the others what is not reserved, and P3 starts only while little is in use. */
static unsigned lanes_below(const struct hold *h, unsigned limit, unsigned in_flight, unsigned common)
{
    const struct conf_queue *q = queue_rules(h);
    if (limit == LIMIT_NONE) return ALL;
    if (in_flight >= limit) return 0;
    if (common >= limit - (unsigned)((uint64_t)limit * q->reserve_p0 / 100)) return ALL & ~COMMON;
    bool busy = (uint64_t)in_flight * 100 >= (uint64_t)limit * q->classes[PRIORITY_P3].start_below;
    return busy && !h->s->off_peak ? ALL & ~BATCH : ALL;
}

unsigned account_lanes(const struct hold *h, const struct account *a)
{
    return lanes_below(h, a->cap ? a->cap : LIMIT_NONE, a->in_flight, a->common);
}

unsigned slot_lanes(const struct hold *h, const struct slot *s)
{
    return lanes_below(h, limit_value(&s->limit, s->cap), s->in_flight, s->common);
}

/* Without a key that works it is asked only where nobody else could be: its refusal tells the client more than ours. */
unsigned candidate_tier(const struct hold *h, const struct candidate *c)
{
    const struct upstream *u = c->upstream;
    unsigned key;
    if (u->state->keys_until > h->now && find_key(u, h->now, &key) > h->now) return TIER_COUNT;
    return u->tier == TIER_STANDBY && u->state->active ? TIER_PRIMARY : (unsigned)u->tier;
}

/* ---- taking it ---- */

/* Whether no other one could take its place. */
static bool is_last_key(const struct upstream *u, usec_t now, unsigned key)
{
    for (unsigned k = 0; k < conf_key_count(u->conf); k++)
        if (k != key && u->state->keys[k].cool_until <= now) return false;
    return true;
}

static void use_key(struct hold *h, const struct upstream *u, struct lease *lease)
{
    unsigned n = conf_key_count(u->conf);
    if (n == 0) return;
    find_key(u, h->now, &lease->key_index);
    lease->key = conf_key(u->conf, lease->key_index);
    lease->is_last_key = is_last_key(u, h->now, lease->key_index);
    u->state->next_key = following(lease->key_index, n);
}

/* Where the quota has no room for another one, that is found out now and not with each request that asks. */
static void use_quota(struct hold *h, const struct upstream *u)
{
    struct upstream_state *s = u->state;
    const struct conf_quota *rules = &u->conf->quota;
    if (!quota_is_limited(rules)) return;
    usec_t wall = hold_wall(h);
    quota_tick(&s->quota, u->quota_zone, wall);
    quota_begin(&s->quota, wall);
    quota_close(h, u, wall);
}

void candidate_take(struct hold *h, const struct candidate *c, struct ticket *t)
{
    const struct upstream *u = c->upstream;
    bool common = t->priority != PRIORITY_P0;
    u->state->in_flight++;
    c->target->in_flight++;
    c->slot->in_flight++;
    c->slot->common += common;
    u->account->in_flight++;
    u->account->common += common;
    atomic_fetch_add_explicit(&c->target->picks, 1, memory_order_relaxed);
    t->lease = (struct lease){.upstream = c->upstream,
                              .candidate = c,
                              .priority = t->priority,
                              .trial = breaker_begin(&c->target->breaker),
                              .began = h->now,
                              .slow_after = spread_p95(&c->target->spread)};
    use_key(h, u, &t->lease);
    use_quota(h, u);
}

void candidate_give_back(const struct lease *lease)
{
    const struct candidate *c = lease->candidate;
    const struct upstream *u = c->upstream;
    bool common = lease->priority != PRIORITY_P0;
    u->state->in_flight--;
    c->target->in_flight--;
    c->slot->in_flight--;
    c->slot->common -= common;
    u->account->in_flight--;
    u->account->common -= common;
}
