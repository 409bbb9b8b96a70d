#include "balance_test.h"

/* ---- least_busy, latency: upstreams at work ---- */

enum { WORLD = 3, CALLS_MAX = 1024 };

/* Calls take a time at each upstream, or fail at once. Of failures the contenders know what pace.h would tell: a share
 * of the last results, with two successes that are not there. */
struct world {
    struct contender c[WORLD];
    usec_t duration[WORLD];
    double fails[WORLD]; /* share of calls that fail at once */
    double bad[WORLD], all[WORLD];
    unsigned given[WORLD], most[WORLD];
    struct call {
        int at;
        usec_t ends;
    } calls[CALLS_MAX];
    size_t calls_n;
    struct random_source random;
};

typedef int policy(const struct contender *c, size_t n, struct random_source *random);

static void end_calls(struct world *w, usec_t now)
{
    for (size_t i = 0; i < w->calls_n;) {
        if (w->calls[i].ends > now) {
            i++;
            continue;
        }
        w->c[w->calls[i].at].in_flight--;
        w->calls[i] = w->calls[--w->calls_n];
    }
}

static void learn(struct world *w, int at, bool failed)
{
    static const double left = 0.99; /* of what was known, after each result */
    w->bad[at] = w->bad[at] * left + failed;
    w->all[at] = w->all[at] * left + 1;
    w->c[at].failing = w->bad[at] / (w->all[at] + 2);
    w->c[at].first_token = 500 / (1 - w->c[at].failing);
}

static void give(struct world *w, policy *choose, usec_t now)
{
    int at = choose(w->c, WORLD, &w->random);
    ck_assert(at >= 0 && w->calls_n < CALLS_MAX);
    w->given[at]++;
    bool failed = (double)random_below(&w->random, 1000) < w->fails[at] * 1000;
    learn(w, at, failed);
    if (failed) return;
    if (++w->c[at].in_flight > w->most[at]) w->most[at] = w->c[at].in_flight;
    w->calls[w->calls_n++] = (struct call){at, now + w->duration[at]};
}

/* A call each `pause`, with some jitter; those of the first part are not counted. */
static void work(struct world *w, policy *choose, usec_t pause, unsigned calls)
{
    usec_t now = 0;
    for (unsigned i = 0; i < calls; i++) {
        now += pause / 2 + (usec_t)random_below(&w->random, (uint64_t)pause);
        end_calls(w, now);
        give(w, choose, now);
        if (i == calls / 5) memset(w->given, 0, sizeof w->given);
    }
}

static struct world world_of(uint32_t a, uint32_t b, uint32_t c)
{
    struct world w = {.c = {contender_of(a), contender_of(b), contender_of(c)}, .duration = {1000, 1000, 1000}};
    random_seed(&w.random, 4);
    return w;
}

static double share(const struct world *w, int at)
{
    return (double)w->given[at] / (w->given[0] + w->given[1] + w->given[2]);
}

START_TEST(test_least_busy_keeps_to_weights)
{
    static const usec_t pauses[] = {5000, 500, 50, 5}; /* from one call at a time to 200 */
    for (int i = 0; i < COUNT(pauses); i++) {
        struct world w = world_of(3000, 2000, 1000);
        work(&w, balance_least_busy, pauses[i], 50000);
        ck_assert_double_eq_tol(share(&w, 0), 3 / 6.0, 0.06);
        ck_assert_double_eq_tol(share(&w, 1), 2 / 6.0, 0.06);
        ck_assert_double_eq_tol(share(&w, 2), 1 / 6.0, 0.06);
    }
}
END_TEST

START_TEST(test_least_busy_leaves_the_slow_alone)
{
    struct world w = world_of(1000, 1000, 1000);
    w.duration[0] = 10000;
    work(&w, balance_least_busy, 50, 50000);
    ck_assert_double_lt(share(&w, 0), 0.08);
    ck_assert_double_eq_tol(share(&w, 1), share(&w, 2), 0.03);
    ck_assert_uint_le(w.most[0], w.most[1] + 2);
}
END_TEST

/* Ready to take a call at any time, since it is rid of it at once; and yet it gets hardly any. One that has two thirds
 * of the weight (and with it all single calls by latency) and fails with every other call gets clearly less. */
static void check_fast_failures(policy *choose)
{
    static const usec_t pauses[] = {5000, 500, 50, 5};
    for (int i = 0; i < COUNT(pauses); i++) {
        struct world w = world_of(1000, 1000, 1000);
        w.fails[0] = 1;
        work(&w, choose, pauses[i], 50000);
        ck_assert_double_lt(share(&w, 0), 0.04);
        w = world_of(4000, 1000, 1000);
        w.fails[0] = 0.5;
        work(&w, choose, pauses[i], 50000);
        ck_assert_double_lt(share(&w, 0), 0.55);
    }
}

START_TEST(test_failing_fast_attracts_nobody_to_least_busy) { check_fast_failures(balance_least_busy); }
END_TEST

START_TEST(test_failing_fast_attracts_nobody_to_latency) { check_fast_failures(balance_latency); }
END_TEST

START_TEST(test_when_all_fail_all_are_tried)
{
    struct world w = world_of(1000, 1000, 1000);
    for (int i = 0; i < WORLD; i++)
        w.fails[i] = 1;
    work(&w, balance_least_busy, 100, 10000);
    for (int i = 0; i < WORLD; i++)
        ck_assert_double_gt(share(&w, i), 0.2);
}
END_TEST

/* ---- latency ---- */

START_TEST(test_latency)
{
    static const struct {
        double first_token[3];
        unsigned in_flight[3];
        uint32_t weights[3];
        int at;
    } rows[] = {
        {{300, 200, 100}, {0, 0, 0}, {1, 1, 1}, 2}, {{300, 200, 100}, {0, 0, 2}, {1, 1, 1}, 1}, /* 300, 200, 300 */
        {{300, 200, 100}, {0, 1, 3}, {1, 1, 1}, 0},                                             /* 300, 400, 400 */
        {{300, 200, 100}, {0, 0, 0}, {1, 1, 3}, 2}, {{300, 200, 100}, {0, 0, 0}, {4, 1, 1}, 0}, /* 75, 200, 100 */
        {{300, 0, 100}, {9, 0, 0}, {1, 1, 1}, 1}, /* to be found out about */
        {{300, 0, 100}, {9, 1, 0}, {1, 1, 1}, 2}, /* which one call does */
        {{300, 0, 100}, {9, 1, 6}, {1, 1, 1}, 1}, /* 3000, 600 as the slowest one, 700 */
        {{0, 0, 0}, {1, 2, 3}, {1, 1, 1}, 0},       {{0, 0, 0}, {4, 2, 3}, {1, 1, 1}, 1},
    };
    struct random_source random;
    random_seed(&random, 1);
    for (int i = 0; i < COUNT(rows); i++) {
        struct contender c[3];
        for (int k = 0; k < 3; k++) {
            c[k] = contender_of(rows[i].weights[k]);
            c[k].first_token = rows[i].first_token[k];
            c[k].in_flight = rows[i].in_flight[k];
        }
        for (int k = 0; k < 100; k++)
            ck_assert_msg(balance_latency(c, 3, &random) == rows[i].at, "row %d", i);
    }
}
END_TEST

START_TEST(test_latency_finds_out_about_all_by_weight)
{
    struct contender c[3] = {contender_of(3000), contender_of(1000), contender_of(2000)};
    struct random_source random;
    random_seed(&random, 1);
    int counts[3] = {0};
    for (int i = 0; i < 60000; i++)
        counts[balance_latency(c, 3, &random)]++;
    ck_assert_double_eq_tol(counts[0], 30000, 600);
    ck_assert_double_eq_tol(counts[1], 10000, 600);
    ck_assert_double_eq_tol(counts[2], 20000, 600);
}
END_TEST

TEST_MAIN("balance_load", test_least_busy_keeps_to_weights, test_least_busy_leaves_the_slow_alone,
          test_failing_fast_attracts_nobody_to_least_busy, test_failing_fast_attracts_nobody_to_latency,
          test_when_all_fail_all_are_tried, test_latency, test_latency_finds_out_about_all_by_weight)
