#include "dsgate/sched/quota.h"

/* Wall times are read before a lock is taken and used after it, so that they may be a little out of order; only what
 * goes back further is a clock that was set. */
#define DISORDER USEC_PER_SEC

bool quota_is_limited(const struct conf_quota *r)
{
    return r->requests_per_minute || r->tokens_per_minute || r->requests_per_day || r->tokens_per_day ||
           r->cost_per_day > 0;
}

static void add(uint64_t *sum, uint64_t n)
{
    if (__builtin_add_overflow(*sum, n, sum)) *sum = UINT64_MAX;
}

static void add_cost(double *sum, double cost)
{
    if (cost > 0) *sum += cost; /* which also refuses what is no number */
}

/* ---- days ---- */

/* A day before the last one that is not remembered: the clock had run ahead for longer, and what was used meanwhile is
 * taken along. */
static void turn_to_day(struct quota *q, int64_t day)
{
    struct quota_day was = q->today;
    if (day == was.day) return;
    if (day == q->other.day) {
        q->today = q->other;
        q->other = was;
    } else if (day > was.day) {
        q->today = (struct quota_day){.day = day};
        q->other = was;
    } else {
        q->today.day = day;
    }
}

static size_t index_of(int64_t second) { return (size_t)(second - floor_div(second, QUOTA_SLICES) * QUOTA_SLICES); }

/* What was used in the last minute stays in the last minute. Used slices are one for each remainder: none meets
 * another. */
static void set_slices_back(struct quota *q, int64_t seconds)
{
    struct quota_slice old[QUOTA_SLICES];
    memcpy(old, q->slices, sizeof old);
    memset(q->slices, 0, sizeof q->slices);
    for (int i = 0; i < QUOTA_SLICES; i++) {
        old[i].second -= seconds;
        if (old[i].requests || old[i].tokens) q->slices[index_of(old[i].second)] = old[i];
    }
}

void quota_tick(struct quota *q, const struct zone *zone, usec_t wall)
{
    bool set_back = wall < q->ticked && q->ticked - wall > DISORDER;
    if (wall < q->next_day && !set_back) {
        if (wall > q->ticked) q->ticked = wall;
        return;
    }
    if (set_back) set_slices_back(q, floor_div(q->ticked, USEC_PER_SEC) - floor_div(wall, USEC_PER_SEC));
    turn_to_day(q, zone_day(zone, wall));
    q->ticked = wall;
    q->next_day = zone_next_day(zone, wall);
}

/* ---- using ---- */

static struct quota_slice *slice_of(struct quota *q, usec_t wall)
{
    int64_t second = floor_div(wall, USEC_PER_SEC);
    struct quota_slice *s = &q->slices[index_of(second)];
    if (s->second != second) *s = (struct quota_slice){.second = second};
    return s;
}

void quota_begin(struct quota *q, usec_t wall)
{
    add(&slice_of(q, wall)->requests, 1);
    add(&q->today.requests, 1);
}

void quota_spend(struct quota *q, uint64_t tokens, double cost, usec_t wall)
{
    add(&slice_of(q, wall)->tokens, tokens);
    add(&q->today.tokens, tokens);
    add_cost(&q->today.cost, cost);
}

void quota_restore(struct quota *q, const struct quota_day *used)
{
    if (used->day != q->today.day) {
        q->other = *used;
        return;
    }
    add(&q->today.requests, used->requests);
    add(&q->today.tokens, used->tokens);
    add_cost(&q->today.cost, used->cost);
}

/* ---- asking ---- */

static bool reached(uint64_t used, uint64_t limit) { return limit && used >= limit; }

/* From the newest slice back: with the one that reaches a limit, and all newer ones, there is no room. */
static usec_t minute_full_until(const struct quota *q, const struct conf_quota *rules, usec_t wall)
{
    uint64_t requests = 0, tokens = 0;
    int64_t now = floor_div(wall, USEC_PER_SEC);
    for (int64_t second = now; second > now - QUOTA_SLICES; second--) {
        const struct quota_slice *s = &q->slices[index_of(second)];
        if (s->second != second) continue;
        add(&requests, s->requests);
        add(&tokens, s->tokens);
        if (reached(requests, rules->requests_per_minute) || reached(tokens, rules->tokens_per_minute))
            return (second + QUOTA_SLICES) * USEC_PER_SEC;
    }
    return 0;
}

usec_t quota_full_until(const struct quota *q, const struct conf_quota *rules, usec_t wall)
{
    bool day = reached(q->today.requests, rules->requests_per_day) || reached(q->today.tokens, rules->tokens_per_day) ||
               (rules->cost_per_day > 0 && q->today.cost >= rules->cost_per_day);
    usec_t minute = rules->requests_per_minute || rules->tokens_per_minute ? minute_full_until(q, rules, wall) : 0;
    return day && q->next_day > minute ? q->next_day : minute;
}

/* ---- prices ---- */

const struct conf_price *price_at(const struct conf_model *m, bool peak)
{
    const struct conf_price *p = &m->peak_price;
    return peak && (p->cache_hit > 0 || p->cache_miss > 0 || p->output > 0) ? p : &m->price;
}

double price_cost(const struct conf_price *p, uint64_t prompt, uint64_t cached, uint64_t completion)
{
    uint64_t hit = cached < prompt ? cached : prompt;
    return ((double)hit * p->cache_hit + (double)(prompt - hit) * p->cache_miss + (double)completion * p->output) / 1e6;
}

double price_blend(const struct conf_price *p) { return (3 * p->cache_miss + p->output) / 4; }
