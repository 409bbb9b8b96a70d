#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/relay/retry.h"

enum { DAY = 24 * 3600, ATTEMPTS_MAX = 20 };

static const struct conf_retry seconds_doubled = {
    .base = USEC_PER_SEC, .cap = 16 * USEC_PER_SEC, .factor = 2, .retry_after = 30 * USEC_PER_SEC};

/* ---- is there to be another one ---- */

static const struct {
    struct attempt_failure why;
    bool allowed;
} failures[] = {
    {{.verdict = VERDICT_FAULT, .may_replay = true}, true},
    {{.verdict = VERDICT_BUSY, .may_replay = true}, true},
    {{.verdict = VERDICT_KEY, .may_replay = true}, true},
    {{.verdict = VERDICT_NONE, .may_replay = true}, false},
    {{.verdict = VERDICT_NONE, .may_replay = true, .elsewhere = true}, true},
    {{.verdict = VERDICT_FAULT, .may_replay = true, .elsewhere = true}, true},
    {{.verdict = VERDICT_FAULT}, false},
    {{.verdict = VERDICT_NONE, .elsewhere = true}, false},
    {{.verdict = VERDICT_FAULT, .may_replay = true, .committed = true}, false},
    {{.verdict = VERDICT_NONE, .may_replay = true, .elsewhere = true, .committed = true}, false},
};

START_TEST(test_failures_that_another_attempt_could_mend)
{
    const struct conf_retry rules = {.attempts = 5};
    for (int i = 0; i < COUNT(failures); i++)
        ck_assert_msg(retry_allowed(&rules, &failures[i].why, 1) == failures[i].allowed, "row %d", i);
}
END_TEST

START_TEST(test_attempts_are_bounded)
{
    const struct attempt_failure busy = {.verdict = VERDICT_BUSY, .may_replay = true};
    for (unsigned most = 1; most <= ATTEMPTS_MAX; most++) {
        const struct conf_retry rules = {.attempts = most};
        for (unsigned attempts = 1; attempts <= ATTEMPTS_MAX; attempts++)
            ck_assert_int_eq(retry_allowed(&rules, &busy, attempts), attempts < most);
    }
}
END_TEST

/* ---- when ---- */

static const struct {
    usec_t base, cap;
    double factor;
    usec_t delays[6]; /* after the first failure, the second, … */
} sequences[] = {
    {4000000, 60000000, 1.5, {4000000, 6000000, 9000000, 13500000, 20250000, 30375000}},
    {4000000, 10000000, 1.5, {4000000, 6000000, 9000000, 10000000, 10000000, 10000000}},
    {1000000, 16000000, 2, {1000000, 2000000, 4000000, 8000000, 16000000, 16000000}},
    {250000, 9000000, 1, {250000, 250000, 250000, 250000, 250000, 250000}},
    {1000000, 9000000, 1.1, {1000000, 1100000, 1210000, 1331000, 1464100, 1610510}},
    {9000000, 1000000, 3, {1000000, 1000000, 1000000, 1000000, 1000000, 1000000}},
    {1, 1000000, 10, {1, 10, 100, 1000, 10000, 100000}},
    {0, 1000000, 10, {0, 0, 0, 0, 0, 0}},
    {1000000, 0, 10, {0, 0, 0, 0, 0, 0}},
};

START_TEST(test_delays_grow_up_to_the_cap)
{
    for (int i = 0; i < COUNT(sequences); i++) {
        const struct conf_retry rules = {
            .base = sequences[i].base, .cap = sequences[i].cap, .factor = sequences[i].factor};
        for (unsigned n = 1; n <= 6; n++)
            ck_assert_msg(retry_delay(&rules, n, 0, UINT64_MAX) == sequences[i].delays[n - 1], "row %d, failure %u", i,
                          n);
    }
}
END_TEST

START_TEST(test_jitter_goes_both_ways)
{
    static const struct {
        unsigned jitter;
        uint64_t random;
        usec_t delay; /* of 2 s, the second failure */
    } rows[] = {{20, 0, 1600000},
                {20, UINT64_MAX, 2400000},
                {20, UINT64_MAX / 2, 2000000},
                {20, UINT64_MAX / 4, 1800000},
                {100, 0, 0},
                {100, UINT64_MAX, 4000000},
                {1, 0, 1980000},
                {0, 0, 2000000},
                {0, UINT64_MAX, 2000000}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct conf_retry rules = seconds_doubled;
        rules.jitter = rows[i].jitter;
        ck_assert_int_eq(retry_delay(&rules, 2, 0, rows[i].random), rows[i].delay);
    }
}
END_TEST

START_TEST(test_jitter_is_even)
{
    enum { THROWS = 100000 };
    struct conf_retry rules = seconds_doubled;
    struct random_source random;
    double sum = 0;
    unsigned below = 0;
    rules.jitter = 20;
    random_seed(&random, 5);
    for (int i = 0; i < THROWS; i++) {
        usec_t delay = retry_delay(&rules, 1, 0, random_next(&random));
        ck_assert(delay >= 800000 && delay <= 1200000);
        sum += (double)delay;
        below += delay < 900000;
    }
    ck_assert_double_eq_tol(sum / THROWS, 1000000, 2000);
    ck_assert_double_eq_tol(below / (double)THROWS, 0.25, 0.01);
}
END_TEST

START_TEST(test_retry_after)
{
    static const struct {
        unsigned failures;
        usec_t retry_after, delay; /* in seconds; 30 count at most */
    } rows[] = {{1, 0, 1},   {1, 1, 1},   {1, 7, 7},    {3, 3, 4}, {3, 5, 5},
                {1, 30, 30}, {1, 31, 30}, {1, DAY, 30}, {5, 9, 16}};
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert_int_eq(retry_delay(&seconds_doubled, rows[i].failures, rows[i].retry_after * USEC_PER_SEC, 0),
                         rows[i].delay * USEC_PER_SEC);
}
END_TEST

/* Jitter never makes it come sooner than it was asked to. */
START_TEST(test_jitter_respects_retry_after)
{
    struct conf_retry rules = seconds_doubled;
    rules.jitter = 100;
    ck_assert_int_eq(retry_delay(&rules, 2, USEC_PER_SEC, 0), USEC_PER_SEC);
    ck_assert_int_eq(retry_delay(&rules, 2, USEC_PER_SEC, UINT64_MAX), 4 * USEC_PER_SEC);
    rules.retry_after = 0;
    ck_assert_int_eq(retry_delay(&rules, 2, USEC_PER_SEC, 0), 0);
}
END_TEST

START_TEST(test_the_largest_values)
{
    const struct conf_retry rules = {
        .base = DAY * USEC_PER_SEC, .cap = DAY * USEC_PER_SEC, .factor = 10, .jitter = 100, .retry_after = USEC_NEVER};
    for (unsigned n = 1; n <= ATTEMPTS_MAX; n++) {
        ck_assert_int_eq(retry_delay(&rules, n, 0, 0), 0);
        ck_assert_int_eq(retry_delay(&rules, n, 0, UINT64_MAX), 2 * DAY * USEC_PER_SEC);
        ck_assert_int_eq(retry_delay(&rules, n, USEC_NEVER, UINT64_MAX), USEC_NEVER);
    }
}
END_TEST

TEST_MAIN("retry", test_failures_that_another_attempt_could_mend, test_attempts_are_bounded,
          test_delays_grow_up_to_the_cap, test_jitter_goes_both_ways, test_jitter_is_even, test_retry_after,
          test_jitter_respects_retry_after, test_the_largest_values)
