/* Which upstream a ticket gets. Each question narrows the row's candidates down a little further: what is left to try,
 * what of that is open, which tier, what has room, what is near; then a canary that is due, else the route's policy. */
#include "sched_private.h"

/* State that lives in one upstream is not in any other: such a ticket has one candidate, whatever its state. */
static bool is_first_to_serve(const struct ticket *t, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (upstream_serves(t->row->candidates[j].upstream, t->endpoint)) return false;
    return true;
}

bool choice_is_left(const struct ticket *t, size_t i)
{
    const struct upstream *u = t->row->candidates[i].upstream;
    if (upstream_set_has(&t->tried, u->index) || !upstream_serves(u, t->endpoint)) return false;
    return t->endpoint->any_upstream || is_first_to_serve(t, i);
}

/* ---- what there is ---- */

static uint32_t weight_of(const struct hold *h, const struct candidate *c)
{
    enum { WHOLE = 1000 };
    const struct upstream *u = c->upstream;
    const struct breaker *b = &c->target->breaker;
    bool whole = b->state == BREAKER_CLOSED && !b->since;
    return upstream_weight(u) * (whole ? WHOLE : breaker_share(b, &u->conf->breaker, u->conf->slow_start, h->now));
}

static void describe(const struct hold *h, const struct candidate *c, enum conf_policy policy, struct contender *to)
{
    to->eligible = true;
    to->weight = weight_of(h, c);
    if (policy == POLICY_WEIGHTED) return;
    to->in_flight = c->upstream->state->in_flight;
    to->failing = pace_failing(&c->target->pace, h->now);
    to->first_token = pace_first_token(&c->target->pace, h->now);
    to->price = c->upstream->state->peak ? c->peak_price : c->price;
}

/* What was found while looking at the row's candidates. */
struct look {
    size_t left;
    unsigned open, roomy;       /* tiers with somebody open, and with somebody that has room; bit per tier */
    usec_t opens_at;            /* the earliest of what is shut */
    unsigned char tier[POOL_UPSTREAMS_MAX]; /* of the eligible ones */
};

static void look_at(struct hold *h, const struct ticket *t, enum lane lane, size_t i, struct look *look)
{
    const struct candidate *c = &t->row->candidates[i];
    usec_t opens_at = t->endpoint->any_upstream ? candidate_opens_at(h, c) : 0;
    look->left++;
    if (opens_at) {
        look->opens_at = usec_earlier(look->opens_at, opens_at);
        return;
    }
    look->tier[i] = (unsigned char)candidate_tier(h, c);
    look->open |= 1u << look->tier[i];
    if (!((slot_lanes(h, c->slot) & account_lanes(h, c->upstream->account)) >> lane & 1)) return;
    look->roomy |= 1u << look->tier[i];
    describe(h, c, t->policy, &t->row->contenders[i]);
}

static void look_around(struct hold *h, const struct ticket *t, enum lane lane, struct look *look)
{
    look->left = look->open = look->roomy = 0;
    look->opens_at = USEC_NEVER;
    for (size_t i = 0; i < t->row->n; i++) {
        t->row->contenders[i].eligible = false;
        if (choice_is_left(t, i)) look_at(h, t, lane, i, look);
    }
}

/* The lowest tier with somebody open serves; who may overflow also goes to a backup when that is full. An idle standby
 * is for when nobody else is left. false: no room. */
static bool keep_tier(const struct model_row *row, enum lane lane, const struct look *look)
{
    unsigned allowed = look->open & -look->open;
    if (lane_may_overflow(lane)) allowed |= look->open & (1u << TIER_PRIMARY | 1u << TIER_BACKUP);
    allowed &= look->roomy;
    if (!allowed) return false;
    unsigned tier = (unsigned)__builtin_ctz(allowed);
    if (look->roomy == 1u << tier) return true;
    for (size_t i = 0; i < row->n; i++)
        if (row->contenders[i].eligible) row->contenders[i].eligible = look->tier[i] == tier;
    return true;
}

/* Keeps the eligible ones that `belongs` picks, if there are any. */
static void prefer(const struct model_row *row, bool (*belongs)(const struct candidate *c))
{
    bool any = false;
    for (size_t i = 0; i < row->n; i++)
        any |= row->contenders[i].eligible && belongs(&row->candidates[i]);
    for (size_t i = 0; any && i < row->n; i++)
        row->contenders[i].eligible &= belongs(&row->candidates[i]);
}

static bool is_near(const struct candidate *c) { return c->upstream->near; }
static bool is_settled(const struct candidate *c) { return c->upstream->conf->canary == 0; }

/* A canary's share is exact, and not more than that while others can serve. -1: none is due. */
static int pick_canary(const struct model_row *row)
{
    enum { WHOLE = 100 };
    int due = -1;
    for (size_t i = 0; i < row->n; i++) {
        struct candidate *c = &row->candidates[i];
        if (!row->contenders[i].eligible || !c->upstream->conf->canary) continue;
        if (c->canary_credit < WHOLE) c->canary_credit += (int)c->upstream->conf->canary;
        if (c->canary_credit >= WHOLE && due < 0) due = (int)i;
    }
    if (due >= 0) row->candidates[due].canary_credit -= WHOLE;
    return due;
}

/* ---- the policy ---- */

static int pick(struct hold *h, const struct ticket *t)
{
    const struct model_row *row = t->row;
    struct contender *c = row->contenders;
    switch (t->policy) {
    case POLICY_LEAST_BUSY: return balance_least_busy(c, row->n, &h->s->random);
    case POLICY_LATENCY: return balance_latency(c, row->n, &h->s->random);
    case POLICY_COST: return balance_cost(c, row->n);
    case POLICY_AFFINITY:
        if (t->conversation) return balance_affinity(c, row->n, t->conversation);
        break;
    default: break;
    }
    return balance_weighted(c, row->n);
}

enum choice choice_take(struct hold *h, struct ticket *t, enum lane lane, usec_t *opens_at)
{
    struct look look;
    look_around(h, t, lane, &look);
    *opens_at = look.opens_at;
    if (look.left == 0) return CHOICE_NONE;
    if (look.open == 0) return CHOICE_SHUT;
    if (!keep_tier(t->row, lane, &look)) return CHOICE_FULL;
    int i = t->row->has_canary ? pick_canary(t->row) : -1;
    if (i < 0) {
        if (t->row->has_canary) prefer(t->row, is_settled);
        if (h->s->pool->config->zone) prefer(t->row, is_near);
        i = pick(h, t);
    }
    candidate_take(h, &t->row->candidates[i], t);
    h->s->picks[t->policy]++;
    return CHOICE_TAKEN;
}

/* ---- without need ---- */

/* Trials are for calls that would be made anyway, and last resorts for those that have no other. */
static bool is_spare(struct hold *h, const struct candidate *c)
{
    return c->target->breaker.state == BREAKER_CLOSED && candidate_tier(h, c) <= TIER_BACKUP;
}

enum choice choice_take_spare(struct hold *h, struct ticket *t)
{
    const struct upstream_set tried = t->tried;
    usec_t opens_at;
    for (size_t i = 0; i < t->row->n; i++) {
        const struct candidate *c = &t->row->candidates[i];
        if (!is_spare(h, c)) upstream_set_add(&t->tried, c->upstream->index);
    }
    enum choice choice = choice_take(h, t, lane_of(t->priority), &opens_at);
    t->tried = tried;
    return choice;
}
