#include "../suite.h"
#include "dsgate/sched/pace.h"
#include <math.h>

static struct result token_after(usec_t first_token)
{
    return (struct result){.outcome = OUTCOME_SUCCESS, .first_token = first_token};
}

static void note(struct pace *p, enum outcome o, unsigned times, usec_t now)
{
    for (unsigned i = 0; i < times; i++)
        pace_note(p, &(struct result){.outcome = o, .first_token = o == OUTCOME_SUCCESS ? 1000 : 0}, now);
}

START_TEST(test_nothing_is_known_at_first)
{
    struct pace p = {0};
    ck_assert_double_eq(pace_first_token(&p, 5), 0);
    ck_assert_double_eq(pace_failing(&p, 5), 0);
    note(&p, OUTCOME_NEUTRAL, 9, 5);
    ck_assert_double_eq(pace_first_token(&p, 5), 0);
    ck_assert_double_eq(pace_failing(&p, 5), 0);
}
END_TEST

START_TEST(test_samples_of_one_moment_count_alike)
{
    struct pace p = {0};
    for (usec_t i = 1; i <= 9; i++)
        pace_note(&p, &(struct result){.outcome = OUTCOME_SUCCESS, .first_token = i * 100}, 1000);
    ck_assert_double_eq_tol(pace_first_token(&p, 1000), 500, 1e-6);
}
END_TEST

START_TEST(test_old_samples_fade)
{
    struct pace p = {0};
    struct result slow = token_after(9000), fast = token_after(3000);
    pace_note(&p, &slow, 1000);
    ck_assert_double_eq(pace_first_token(&p, 1000), 9000);
    pace_note(&p, &fast, 1000 + PACE_HALF_LIFE); /* (9000 / 2 + 3000) / (1 / 2 + 1) */
    ck_assert_double_eq_tol(pace_first_token(&p, 1000 + PACE_HALF_LIFE), 5000, 1);
    for (int i = 0; i < 20; i++)
        pace_note(&p, &fast, 1000 + 3 * PACE_HALF_LIFE);
    ck_assert_double_le(pace_first_token(&p, 1000 + 3 * PACE_HALF_LIFE), 3100);
}
END_TEST

/* The half-lives of the averages against the real power. */
START_TEST(test_fading_is_exact_enough)
{
    for (usec_t age = 0; age < 30 * PACE_HALF_LIFE; age += PACE_HALF_LIFE / 37) {
        struct pace p = {0};
        note(&p, OUTCOME_FAULT, 1000, 7);
        double left = 1000 * exp2(-(double)age / (double)PACE_HALF_LIFE);
        ck_assert_double_eq_tol(pace_failing(&p, 7 + age) / (left / (left + PACE_TRUST)), 1, 1.1e-4);
    }
    struct pace p = {0};
    note(&p, OUTCOME_FAULT, 1000, 7);
    ck_assert_double_eq(pace_failing(&p, 7 + 100 * PACE_HALF_LIFE), 0);
    ck_assert_double_eq(pace_failing(&p, USEC_NEVER), 0);
}
END_TEST

START_TEST(test_shares_of_failures)
{
    static const struct {
        unsigned success, fault, busy, key, neutral;
        double failing;
    } rows[] = {{0, 1, 0, 0, 0, 1 / 3.0},  {0, 0, 1, 0, 0, 1 / 3.0},  {0, 0, 0, 1, 0, 1 / 3.0}, {1, 0, 0, 0, 9, 0},
                {8, 2, 0, 0, 3, 2 / 12.0}, {2, 2, 2, 2, 2, 6 / 10.0}, {0, 98, 0, 0, 0, 0.98}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct pace p = {0};
        note(&p, OUTCOME_FAULT, rows[i].fault, 10);
        note(&p, OUTCOME_SUCCESS, rows[i].success, 10);
        note(&p, OUTCOME_BUSY, rows[i].busy, 10);
        note(&p, OUTCOME_KEY, rows[i].key, 10);
        note(&p, OUTCOME_NEUTRAL, rows[i].neutral, 10);
        ck_assert_double_eq_tol(pace_failing(&p, 10), rows[i].failing, 1e-9);
    }
}
END_TEST

/* A failure after a long silence is not drowned, nor does it drown the successes that come right after it. */
START_TEST(test_a_burst_after_a_silence)
{
    struct pace p = {0};
    note(&p, OUTCOME_SUCCESS, 1000, 0);
    note(&p, OUTCOME_FAULT, 1, 30 * PACE_HALF_LIFE);
    ck_assert_double_eq_tol(pace_failing(&p, 30 * PACE_HALF_LIFE), 1 / 3.0, 1e-3);
    for (usec_t i = 1; i <= 47; i++)
        note(&p, OUTCOME_SUCCESS, 1, 30 * PACE_HALF_LIFE + i);
    ck_assert_double_eq_tol(pace_failing(&p, 30 * PACE_HALF_LIFE + 47), 1 / 50.0, 1e-3);
}
END_TEST

START_TEST(test_no_news_is_good_news)
{
    struct pace p = {0};
    note(&p, OUTCOME_FAULT, 20, 0);
    double before = 1;
    for (usec_t now = 0; now < 20 * PACE_HALF_LIFE; now += USEC_PER_SEC) {
        double failing = pace_failing(&p, now);
        ck_assert_double_lt(failing, before);
        before = failing;
    }
    ck_assert_double_lt(before, 1e-4);
}
END_TEST

START_TEST(test_failures_look_slow)
{
    struct pace p = {0};
    note(&p, OUTCOME_SUCCESS, 4, 10);
    ck_assert_double_eq_tol(pace_first_token(&p, 10), 1000, 1e-6);
    note(&p, OUTCOME_FAULT, 6, 10); /* every other try fails, so it takes two */
    ck_assert_double_eq_tol(pace_first_token(&p, 10), 2000, 1e-6);
    note(&p, OUTCOME_FAULT, 1000, 10);
    ck_assert_double_gt(pace_first_token(&p, 10), 100000);
}
END_TEST

START_TEST(test_who_only_fails_is_slow_until_that_is_forgotten)
{
    struct pace p = {0};
    note(&p, OUTCOME_FAULT, 1, 10);
    ck_assert_double_eq_tol(pace_first_token(&p, 10), PACE_UNSEEN * 1.5, 1);
    note(&p, OUTCOME_FAULT, 9, 10);
    ck_assert_double_eq_tol(pace_first_token(&p, 10), PACE_UNSEEN * 6, 1);
    ck_assert_double_gt(pace_first_token(&p, 10 + 5 * PACE_HALF_LIFE), PACE_UNSEEN);
    ck_assert_double_eq(pace_first_token(&p, 10 + 12 * PACE_HALF_LIFE), 0);
}
END_TEST

START_TEST(test_what_is_not_heard_of_becomes_unknown)
{
    struct pace p = {0};
    note(&p, OUTCOME_SUCCESS, 1000, 10);
    ck_assert_double_eq_tol(pace_first_token(&p, 9 + PACE_MEMORY), 1000, 1e-6);
    ck_assert_double_eq(pace_first_token(&p, 10 + PACE_MEMORY), 0);
    note(&p, OUTCOME_SUCCESS, 1, 20);
    ck_assert_double_gt(pace_first_token(&p, 19 + PACE_MEMORY), 0);
    note(&p, OUTCOME_FAULT, 50, 20 + PACE_MEMORY); /* a token of long ago excuses nothing */
    ck_assert_double_gt(pace_first_token(&p, 20 + PACE_MEMORY), PACE_UNSEEN);
}
END_TEST

START_TEST(test_a_success_without_a_token_is_no_failure)
{
    struct pace p = {0};
    struct result plain = token_after(0);
    note(&p, OUTCOME_FAULT, 1, 10);
    pace_note(&p, &plain, 10);
    ck_assert_double_eq_tol(pace_failing(&p, 10), 1 / 4.0, 1e-9);
    ck_assert_double_eq(p.tokens, 0);
}
END_TEST

/* Who was given up because another one was faster: slow, but not failing. */
START_TEST(test_what_was_waited_for_is_slow)
{
    struct pace p = {0};
    pace_note(&p, &(struct result){.outcome = OUTCOME_NEUTRAL, .waited = 7000}, 10);
    ck_assert_double_eq(pace_first_token(&p, 10), 7000);
    ck_assert_double_eq(pace_failing(&p, 10), 0);
    ck_assert_double_eq(p.all, 0);
    note(&p, OUTCOME_SUCCESS, 2, 10);
    ck_assert_double_eq_tol(pace_first_token(&p, 10), 3000, 1e-6); /* (7000 + 2 × 1000) / 3 */
    ck_assert_double_eq(p.all, 2);
}
END_TEST

START_TEST(test_what_was_waited_for_counts_whatever_the_outcome)
{
    static const struct {
        enum outcome outcome;
        double failing;
    } rows[] = {{OUTCOME_SUCCESS, 0}, {OUTCOME_FAULT, 1 / 3.0}, {OUTCOME_BUSY, 1 / 3.0}, {OUTCOME_KEY, 1 / 3.0}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct pace p = {0};
        pace_note(&p, &(struct result){.outcome = rows[i].outcome, .waited = 7000}, 10);
        ck_assert_double_eq_tol(pace_failing(&p, 10), rows[i].failing, 1e-9);
        ck_assert_double_eq_tol(pace_first_token(&p, 10), 7000 / (1 - rows[i].failing), 1e-6);
    }
}
END_TEST

/* Only successes have a first token that counts. */
START_TEST(test_a_first_token_of_a_failure_does_not_count)
{
    struct pace p = {0};
    pace_note(&p, &(struct result){.outcome = OUTCOME_FAULT, .first_token = 7000}, 10);
    pace_note(&p, &(struct result){.outcome = OUTCOME_NEUTRAL, .first_token = 7000}, 10);
    ck_assert_double_eq(p.tokens, 0);
    ck_assert_double_eq(p.all, 1);
}
END_TEST

START_TEST(test_time_that_steps_back)
{
    struct pace p = {0};
    note(&p, OUTCOME_FAULT, 1, 1000);
    note(&p, OUTCOME_FAULT, 1, 900);
    ck_assert_int_eq(p.at, 1000);
    ck_assert_double_eq_tol(pace_failing(&p, 800), 2 / 4.0, 1e-9);
}
END_TEST

TEST_MAIN("pace", test_nothing_is_known_at_first, test_samples_of_one_moment_count_alike, test_old_samples_fade,
          test_fading_is_exact_enough, test_shares_of_failures, test_a_burst_after_a_silence, test_no_news_is_good_news,
          test_failures_look_slow, test_who_only_fails_is_slow_until_that_is_forgotten,
          test_what_is_not_heard_of_becomes_unknown, test_a_success_without_a_token_is_no_failure,
          test_what_was_waited_for_is_slow, test_what_was_waited_for_counts_whatever_the_outcome,
          test_a_first_token_of_a_failure_does_not_count, test_time_that_steps_back)
