/* Every policy reads its contenders once or twice from the first to the last. That is faster than any structure which
 * would have to be kept up to date, since they are few, and what is known of them changes with every call. */
#include "dsgate/sched/balance.h"
#include <math.h>

/* ---- weighted, cost ---- */

static inline double price_of(const struct contender *c) { return c->price > 0 ? c->price : INFINITY; }

static inline bool takes_part(const struct contender *c, bool by_price, double most)
{
    return c->eligible && (!by_price || price_of(c) <= most);
}

/* One call, in the unit of contender.current: large, so that even a light contender's part of it is a whole number. */
static const uint64_t call = UINT64_C(1) << 48;

/* Smooth weighted round robin among those that cost at most `most`. Inlined, so that weighted pays nothing for prices.
 * What the chosen one pays is what all have gained, to the last unit: nothing adds up over the years. */
static inline __attribute__((always_inline)) int richest(struct contender *c, size_t n, bool by_price, double most)
{
    uint64_t weights = 0;
    for (size_t i = 0; i < n; i++)
        weights += takes_part(&c[i], by_price, most) ? c[i].weight : 0;
    if (weights == 0) return -1;
    int64_t gain = (int64_t)(call / weights), top = INT64_MIN;
    int best = -1;
    for (size_t i = 0; i < n; i++) {
        if (!takes_part(&c[i], by_price, most)) continue;
        c[i].current += gain * c[i].weight;
        if (c[i].current > top) top = c[i].current, best = (int)i;
    }
    c[best].current -= gain * (int64_t)weights;
    return best;
}

int balance_weighted(struct contender *c, size_t n) { return richest(c, n, false, 0); }

int balance_cost(struct contender *c, size_t n)
{
    double least = INFINITY;
    for (size_t i = 0; i < n; i++)
        if (c[i].eligible && price_of(&c[i]) < least) least = price_of(&c[i]);
    return richest(c, n, true, least * 1.01);
}

/* ---- least_busy, latency ---- */

static uint64_t weight_of_all(const struct contender *c, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += c[i].eligible ? c[i].weight : 0;
    return sum;
}

/* One by weight, but not `except` (-1: anyone); `sum` is the weight of those that are meant. -1: there is none. */
static int draw(const struct contender *c, size_t n, int except, uint64_t sum, struct random_source *random)
{
    if (sum == 0) return -1;
    uint64_t point = random_below(random, sum);
    for (size_t i = 0; i < n; i++) {
        if (!c[i].eligible || (int)i == except) continue;
        if (point < c[i].weight) return (int)i;
        point -= c[i].weight;
    }
    return -1;
}

static bool happens(double probability, struct random_source *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53 < probability;
}

/* The first choice, or the second (-1: there is none) as often as the first one fails. */
static int pass_over(const struct contender *c, int first, int second, struct random_source *random)
{
    if (second < 0 || c[first].failing <= c[second].failing) return first;
    return happens(c[first].failing, random) ? second : first;
}

int balance_least_busy(const struct contender *c, size_t n, struct random_source *random)
{
    uint64_t sum = weight_of_all(c, n);
    int first = draw(c, n, -1, sum, random);
    int second = first < 0 ? -1 : draw(c, n, first, sum - c[first].weight, random);
    if (second < 0) return first;
    const struct contender *a = &c[first], *b = &c[second];
    bool moves = (uint64_t)a->in_flight * b->weight >= (b->in_flight + UINT64_C(1)) * a->weight;
    return moves ? pass_over(c, second, first, random) : pass_over(c, first, second, random);
}

/* One of those that are to be found out about, by weight; -1: none. */
static int draw_unknown(const struct contender *c, size_t n, struct random_source *random)
{
    uint64_t sum = 0;
    int drawn = -1;
    for (size_t i = 0; i < n; i++) {
        if (!c[i].eligible || c[i].first_token > 0 || c[i].in_flight > 0) continue;
        sum += c[i].weight;
        if (random_below(random, sum) < c[i].weight) drawn = (int)i;
    }
    return drawn;
}

static double slowest_known(const struct contender *c, size_t n)
{
    double slowest = 0;
    for (size_t i = 0; i < n; i++)
        if (c[i].eligible && c[i].first_token > slowest) slowest = c[i].first_token;
    return slowest > 0 ? slowest : 1;
}

int balance_latency(const struct contender *c, size_t n, struct random_source *random)
{
    int unknown = draw_unknown(c, n, random);
    if (unknown >= 0) return unknown;
    double slowest = slowest_known(c, n), least = INFINITY, next = INFINITY;
    int first = -1, second = -1;
    for (size_t i = 0; i < n; i++) {
        if (!c[i].eligible) continue;
        double time = (c[i].first_token > 0 ? c[i].first_token : slowest) * (c[i].in_flight + 1.0) / c[i].weight;
        if (time < least) {
            second = first, next = least;
            first = (int)i, least = time;
        } else if (time < next) {
            second = (int)i, next = time;
        }
    }
    return first < 0 ? -1 : pass_over(c, first, second, random);
}

/* ---- affinity ---- */

static bool has_room(const struct contender *c, uint64_t calls, uint64_t weights)
{
    return c->in_flight < BALANCE_AFFINITY_FREE || c->in_flight * UINT64_C(4) * weights < 5 * calls * c->weight;
}

/* ln of a number that is uniform in (0, 1), divided by the weight: minus the exponential variable. */
static double score(const struct contender *c, uint64_t key)
{
    uint64_t hash = random_mix(random_mix(key) ^ c->identity);
    return log(((double)(hash >> 11) + 0.5) * 0x1p-53) / c->weight;
}

int balance_affinity(const struct contender *c, size_t n, uint64_t key)
{
    uint64_t calls = 1, weights = weight_of_all(c, n);
    for (size_t i = 0; i < n; i++)
        calls += c[i].eligible ? c[i].in_flight : 0;
    double top = -INFINITY;
    int best = -1;
    for (size_t i = 0; i < n; i++) {
        if (!c[i].eligible || !has_room(&c[i], calls, weights)) continue;
        double s = score(&c[i], key);
        if (s > top) top = s, best = (int)i;
    }
    return best;
}
