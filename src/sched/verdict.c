/* What a result says about the upstream: to its model's breaker and averages, its account's limit, its key and its
 * quota. */
#include "sched_private.h"

#define KEY_COOL     (60 * USEC_PER_SEC)      /* after the first refusal; doubled with each further one */
#define KEY_COOL_MAX (30 * 60 * USEC_PER_SEC)
#define KEY_BUSY     (1 * USEC_PER_SEC)       /* back-pressure without Retry-After */
#define KEY_TRUST    (60 * USEC_PER_SEC)      /* so long after a success a key is not doubted for a 403 */
#define QUOTA_CALM   (60 * USEC_PER_SEC)      /* so much later than what was told last is worth another line */

static void cool_key(struct upstream_state *s, unsigned i, usec_t until)
{
    s->keys[i].cool_until = usec_later(s->keys[i].cool_until, until);
    s->keys_until = usec_later(s->keys_until, until);
}

/* Not any more where a reload has put another key in its place: what happens to a call that still carries the old one
 * says nothing about that. */
static bool key_is_current(const struct hold *h, const struct lease *l)
{
    const struct pool *now = h->s->pool;
    if (l->upstream->pool == now) return true;
    for (size_t i = 0; i < now->upstream_count; i++) {
        const char *key = conf_key(now->upstreams[i].conf, l->key_index);
        if (now->upstreams[i].state == l->upstream->state) return key && !strcmp(key, l->key);
    }
    return false;
}

/* A key that is refused is tried again sooner or later: accounts get money again, and keys are renewed. 403 is also
 * what a client hears that asks for a model or a content which is not for it: a key that works for others stays. */
static void refuse_key(struct hold *h, const struct lease *l, bool forbidden)
{
    enum { DOUBLINGS = 5 };
    struct key_state *k = &l->upstream->state->keys[l->key_index];
    bool again = k->cool_until > h->now; /* of calls that were under way together, one counts */
    bool is_trusted = forbidden && k->good_at && h->now - k->good_at < KEY_TRUST;
    unsigned n = k->refused < DOUBLINGS ? k->refused : DOUBLINGS;
    if (again || is_trusted) return;
    usec_t time = usec_earlier(KEY_COOL << n, KEY_COOL_MAX);
    k->refused++;
    cool_key(l->upstream->state, l->key_index, h->now + time);
    notice_add(&h->notices, NOTICE_KEY_REFUSED, l->upstream->name, "", time, l->key_index + 1);
}

/* Where another key is left, the busy one alone is spared. */
static bool spare_key(struct hold *h, const struct lease *l, usec_t retry_after)
{
    const struct upstream *u = l->upstream;
    unsigned n = conf_key_count(u->conf);
    usec_t time = retry_after ? usec_earlier(retry_after, LIMIT_COOL_MAX) : KEY_BUSY;
    if (n < 2) return false;
    if (key_is_current(h, l)) cool_key(u->state, l->key_index, h->now + time);
    for (unsigned i = 0; i < n; i++)
        if (u->state->keys[i].cool_until <= h->now) return true;
    return false;
}

static void note_key(struct hold *h, const struct lease *l, const struct result *r)
{
    if (!l->key || !key_is_current(h, l)) return;
    if (r->outcome == OUTCOME_KEY) refuse_key(h, l, r->forbidden);
    if (r->outcome != OUTCOME_SUCCESS) return;
    l->upstream->state->keys[l->key_index].refused = 0;
    l->upstream->state->keys[l->key_index].good_at = h->now;
}

static void note_speed(struct hold *h, struct target *t, const struct result *r)
{
    usec_t first_token = result_first_token(r);
    pace_note(&t->pace, r, h->now);
    if (first_token) spread_note(&t->spread, first_token);
}

static void note_limit(struct hold *h, const struct lease *l, const struct result *r)
{
    const struct candidate *c = l->candidate;
    struct limit *limit = &c->slot->limit;
    unsigned before = limit->value;
    if (r->outcome == OUTCOME_BUSY && spare_key(h, l, r->retry_after)) return;
    if (!c->upstream->conf->adaptive) return;
    limit_note(limit, c->slot->cap, r, c->slot->in_flight, l->began, h->now);
    if (!before && limit->value)
        notice_add(&h->notices, NOTICE_LIMIT_LOWERED, c->upstream->name, c->slot->model, 0, limit->value);
    if (before && !limit->value)
        notice_add(&h->notices, NOTICE_LIMIT_RESTORED, c->upstream->name, c->slot->model, 0, 0);
}

static void count(atomic_uint_fast64_t *n) { atomic_fetch_add_explicit(n, 1, memory_order_relaxed); }

void verdict_breaker_changed(struct hold *h, struct target *t, const char *upstream, enum breaker_change change)
{
    switch (change) {
    case BREAKER_OPENED:
        count(&t->opened);
        notice_add(&h->notices, NOTICE_BREAKER_OPENED, upstream, t->model, t->breaker.open_until - h->now, 0);
        break;
    case BREAKER_HALF_OPENED:
        count(&t->half_opened);
        notice_add(&h->notices, NOTICE_BREAKER_HALF_OPENED, upstream, t->model, 0, 0);
        break;
    case BREAKER_CLOSED_AGAIN:
        count(&t->closed);
        notice_add(&h->notices, NOTICE_BREAKER_CLOSED, upstream, t->model, 0, 0);
        break;
    case BREAKER_SAME: break;
    }
}

static void note_breaker(struct hold *h, const struct lease *l, enum outcome o)
{
    struct target *t = l->candidate->target;
    enum breaker_change change = breaker_note(&t->breaker, &l->upstream->conf->breaker, o, l->trial, l->began, h->now,
                                              random_next(&h->s->random));
    verdict_breaker_changed(h, t, l->upstream->name, change);
}

void verdict_note_trial(struct hold *h, const struct lease *l) { note_breaker(h, l, OUTCOME_SUCCESS); }

void verdict_note_unused(struct hold *h, const struct lease *l) { note_breaker(h, l, OUTCOME_NEUTRAL); }

/* Who asks for more than a minute's quota spends it again with each second of room: that is told once, but not that a
 * day's is spent after it. */
void quota_close(struct hold *h, const struct upstream *u, usec_t wall)
{
    struct upstream_state *s = u->state;
    usec_t until = quota_full_until(&s->quota, &u->conf->quota, wall);
    s->quota_until = until ? until - h->s->wall_offset : 0;
    if (!until) return;
    if (s->quota_until > s->quota_told + QUOTA_CALM)
        notice_add(&h->notices, NOTICE_QUOTA_SPENT, u->name, "", until - wall, 0);
    s->quota_told = s->quota_until;
}

static void note_quota(struct hold *h, const struct lease *l, const struct result *r)
{
    const struct upstream *u = l->upstream;
    const struct conf_model *m = l->candidate->listed;
    uint64_t tokens = r->prompt + r->completion;
    if (!tokens || !quota_is_limited(&u->conf->quota)) return;
    const struct conf_price *price = m ? price_at(m, u->state->peak) : NULL;
    usec_t wall = hold_wall(h);
    quota_tick(&u->state->quota, u->quota_zone, wall);
    quota_spend(&u->state->quota, tokens, price ? price_cost(price, r->prompt, r->cached, r->completion) : 0, wall);
    quota_close(h, u, wall);
}

/* One of twenty first tokens comes later than the others, by chance. Several in a row are no chance: the upstream is
 * busy. */
static bool is_no_chance(const struct target *t) { return t->late > 1; }

static enum outcome settle_lost(struct target *t, const struct result *r)
{
    if (r->outcome == OUTCOME_SUCCESS) t->late = 0;
    bool chance = r->waited && r->outcome == OUTCOME_BUSY && !is_no_chance(t);
    return chance ? OUTCOME_NEUTRAL : r->outcome;
}

/* Its end, which may take a minute to come, will tell the same. */
void verdict_note_late(struct hold *h, const struct lease *l)
{
    struct target *t = l->candidate->target;
    t->late++;
    if (is_no_chance(t)) note_limit(h, l, &(struct result){.outcome = OUTCOME_BUSY});
}

void verdict_note(struct hold *h, const struct lease *l, const struct result *told)
{
    struct result settled = *told;
    const struct result *r = &settled;
    settled.outcome = settle_lost(l->candidate->target, told);
    count(&l->upstream->state->outcomes[r->outcome]);
    note_breaker(h, l, r->outcome);
    note_speed(h, l->candidate->target, r);
    note_limit(h, l, r);
    note_key(h, l, r);
    note_quota(h, l, r);
    if (r->outcome == OUTCOME_FAULT) health_suspect(&l->upstream->state->health, h->now);
}
