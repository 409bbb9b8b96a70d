#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/spread.h"
#include <math.h>
#include <string.h>

enum { MS = USEC_PER_MS };

static void note(struct spread *s, unsigned times, usec_t time)
{
    for (unsigned i = 0; i < times; i++)
        spread_note(s, time);
}

/* The percentile of a bucket's only time: where the bucket ends. */
static usec_t end_for(usec_t time)
{
    struct spread s = {0};
    note(&s, SPREAD_LEAST, time);
    return spread_p95(&s);
}

START_TEST(test_a_few_samples_say_nothing)
{
    struct spread s = {0};
    ck_assert_int_eq(spread_p95(&s), 0);
    for (int i = 1; i < SPREAD_LEAST; i++) {
        note(&s, 1, (i % 3 + 1) * 100 * MS);
        ck_assert_int_eq(spread_p95(&s), 0);
    }
    note(&s, 1, 100 * MS);
    ck_assert_int_gt(spread_p95(&s), 0);
}
END_TEST

START_TEST(test_buckets)
{
    static const struct {
        usec_t time, end;
    } rows[] = {{0, 1024},
                {1, 1024},
                {1023, 1024},
                {1024, 1195}, /* 1024 × 7/6 */
                {1194, 1195},
                {1195, 1366},
                {2047, 2048},
                {2048, 2390},
                {(1 << 20) - 1, 1 << 20},
                {1 << 20, 1223339},
                {SPREAD_LONGEST - 1, 626349398},
                {SPREAD_LONGEST, 626349398},
                {24 * 3600 * USEC_PER_SEC, 626349398},
                {USEC_NEVER, 626349398}};
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert_msg(end_for(rows[i].time) == rows[i].end, "row %d: %ld", i, (long)end_for(rows[i].time));
}
END_TEST

/* Each time is below the end of its bucket, which is at most 17% away, and ends never go down. */
START_TEST(test_buckets_leave_no_gap)
{
    usec_t before = 0;
    unsigned ends = 0;
    for (usec_t time = 1; time < SPREAD_LONGEST; time += 1 + time / 1000) {
        usec_t end = end_for(time);
        ck_assert_int_gt(end, time);
        if (time >= 1024) ck_assert_int_le(end, time + time / 6 + 1);
        ck_assert_int_ge(end, before);
        ends += end != before;
        before = end;
    }
    ck_assert_uint_eq(ends, SPREAD_BUCKETS);
}
END_TEST

START_TEST(test_one_of_twenty_may_be_slower)
{
    static const struct {
        unsigned fast, slow;
        bool is_slow;
    } rows[] = {{20, 0, false}, {19, 1, false}, {18, 2, true}, {38, 1, false},   {37, 2, true},  {38, 2, false},
                {95, 5, false}, {95, 6, true},  {0, 20, true}, {200, 10, false}, {200, 11, true}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct spread s = {0}, t = {0};
        usec_t expected = end_for(rows[i].is_slow ? 9000 * MS : 100 * MS);
        note(&s, rows[i].fast, 100 * MS);
        note(&s, rows[i].slow, 9000 * MS);
        ck_assert_msg(spread_p95(&s) == expected, "row %d: %ld", i, (long)spread_p95(&s));
        note(&t, rows[i].slow, 9000 * MS); /* in whatever order they come */
        note(&t, rows[i].fast, 100 * MS);
        ck_assert_int_eq(spread_p95(&t), expected);
    }
}
END_TEST

/* ---- against the truth ---- */

static double uniform(struct random_source *r) { return (double)(random_next(r) >> 11) * 0x1p-53; }

static double normal(struct random_source *r)
{
    return sqrt(-2 * log(1 - uniform(r))) * cos(2 * acos(-1) * uniform(r));
}

static usec_t flat(struct random_source *r) { return 100 * MS + (usec_t)random_below(r, 900 * MS); }
static usec_t tailed(struct random_source *r) { return (usec_t)(300000 * exp(0.7 * normal(r))); }
static usec_t two_humps(struct random_source *r)
{
    return random_below(r, 10) ? flat(r) / 10 : 20000 * MS + (usec_t)random_below(r, 9000 * MS);
}
static usec_t any_size(struct random_source *r) { return (usec_t)exp(uniform(r) * log(500e6)); }

static usec_t (*const shapes[])(struct random_source *r) = {flat, tailed, two_humps, any_size};

static int order(const void *a, const void *b)
{
    usec_t x = *(const usec_t *)a, y = *(const usec_t *)b;
    return (x > y) - (x < y);
}

/* As long as nothing is forgotten the answer is exact, but for the bucket: 5% of the samples or less are not below it,
 * and with the next shorter bucket they would be more. */
START_TEST(test_the_percentile_is_exact)
{
    struct random_source random;
    random_seed(&random, 1);
    for (int round = 0; round < 400; round++) {
        struct spread s = {0};
        usec_t samples[UINT8_MAX];
        for (int n = 0; n < UINT8_MAX; n++) {
            samples[n] = shapes[round % COUNT(shapes)](&random);
            spread_note(&s, samples[n]);
            if (n + 1 < SPREAD_LEAST || n % 10) continue;
            usec_t sorted[UINT8_MAX];
            memcpy(sorted, samples, sizeof sorted);
            qsort(sorted, (size_t)n + 1, sizeof *sorted, order);
            ck_assert_int_eq(spread_p95(&s), end_for(sorted[n - (n + 1) / 20]));
        }
    }
}
END_TEST

/* Halving keeps the shape, also of a tail whose samples stand alone in their buckets: over a long time one of twenty
 * is slower, a little less because of the buckets. */
START_TEST(test_halving_keeps_the_tail)
{
    enum { SAMPLES = 100000 };
    struct random_source random;
    random_seed(&random, 2);
    for (int shape = 0; shape < COUNT(shapes); shape++) {
        struct spread s = {0};
        unsigned slower = 0;
        for (int i = 0; i < SAMPLES; i++) {
            usec_t time = shapes[shape](&random);
            slower += i >= SPREAD_MOST && time >= spread_p95(&s);
            spread_note(&s, time);
        }
        double share = slower / (double)(SAMPLES - SPREAD_MOST);
        ck_assert_msg(share > 0.03 && share < 0.052, "shape %d: %f", shape, share);
    }
}
END_TEST

/* ---- what is old ---- */

static unsigned sum(const struct spread *s, unsigned from)
{
    unsigned n = 0;
    for (unsigned i = from; i < SPREAD_BUCKETS; i++)
        n += s->counts[i];
    return n;
}

START_TEST(test_counts_add_up)
{
    struct random_source random;
    struct spread s = {0};
    random_seed(&random, 3);
    for (int i = 0; i < 20000; i++) {
        spread_note(&s, shapes[i / 1000 % COUNT(shapes)](&random));
        ck_assert_uint_eq(s.all, sum(&s, 0));
        ck_assert_uint_eq(s.above, sum(&s, s.at + 1u));
        ck_assert_uint_le(s.all, SPREAD_MOST);
        ck_assert_uint_le(s.above * 20u, s.all);
        ck_assert_uint_gt((s.above + s.counts[s.at]) * 20u, s.all);
    }
}
END_TEST

/* An upstream that becomes slow is known to be so after a few dozens; one that was slow, after a few hundred. */
START_TEST(test_what_is_old_is_forgotten)
{
    struct spread s = {0};
    unsigned n;
    note(&s, 100000, 100 * MS);
    for (n = 0; spread_p95(&s) == end_for(100 * MS); n++)
        spread_note(&s, 9000 * MS);
    ck_assert_uint_le(n, SPREAD_MOST / 20);
    note(&s, 100000, 9000 * MS);
    for (n = 0; spread_p95(&s) == end_for(9000 * MS); n++)
        spread_note(&s, 100 * MS);
    ck_assert_uint_ge(n, SPREAD_MOST);
    ck_assert_uint_le(n, 4 * SPREAD_MOST);
}
END_TEST

TEST_MAIN("spread", test_a_few_samples_say_nothing, test_buckets, test_buckets_leave_no_gap,
          test_one_of_twenty_may_be_slower, test_the_percentile_is_exact, test_halving_keeps_the_tail,
          test_counts_add_up, test_what_is_old_is_forgotten)
