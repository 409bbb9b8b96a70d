#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/limit.h"

static const struct result success = {.outcome = OUTCOME_SUCCESS}, busy = {.outcome = OUTCOME_BUSY};

static void succeed(struct limit *l, unsigned max, unsigned times, unsigned in_flight, usec_t now)
{
    for (unsigned i = 0; i < times; i++)
        limit_note(l, max, &success, in_flight, now, now);
}

START_TEST(test_the_maximum_counts_as_long_as_nothing_lowers_it)
{
    struct limit l = {0};
    ck_assert_uint_eq(limit_value(&l, 0), LIMIT_NONE);
    ck_assert_uint_eq(limit_value(&l, 7), 7);
    static const enum outcome others[] = {OUTCOME_SUCCESS, OUTCOME_FAULT, OUTCOME_KEY, OUTCOME_NEUTRAL};
    for (int i = 0; i < COUNT(others); i++)
        limit_note(&l, 7, &(struct result){.outcome = others[i], .retry_after = 50}, 7, 10, 20);
    ck_assert_uint_eq(limit_value(&l, 7), 7);
    ck_assert_int_eq(l.cool_until, 0);
}
END_TEST

START_TEST(test_cuts)
{
    static const struct {
        unsigned max, in_flight, limit;
    } rows[] = {{100, 100, 75}, {100, 20, 15}, {0, 20, 15}, {10, 10, 7}, {10, 20, 7}, {5, 5, 3}, {3, 3, 2},
                {2, 2, 1},      {1, 1, 1},     {0, 1, 1},   {0, 2, 1},   {9, 0, 1},   {0, 3, 2}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct limit l = {0};
        limit_note(&l, rows[i].max, &busy, rows[i].in_flight, 10, 20);
        ck_assert_msg(limit_value(&l, rows[i].max) == rows[i].limit, "row %d: %u", i, limit_value(&l, rows[i].max));
    }
}
END_TEST

START_TEST(test_a_burst_cuts_once)
{
    struct limit l = {0};
    for (usec_t began = 1; began <= 100; began++)
        limit_note(&l, 100, &busy, 100, began, 100 + began);
    ck_assert_uint_eq(l.value, 75);
    ck_assert_int_eq(l.cut_at, 101);
    limit_note(&l, 100, &busy, 75, 101, 300);
    ck_assert_uint_eq(l.value, 75);
    limit_note(&l, 100, &busy, 75, 102, 301);
    ck_assert_uint_eq(l.value, 56);
    for (usec_t now = 400; now < 500; now++)
        limit_note(&l, 100, &busy, 50, now - 1, now);
    ck_assert_uint_eq(l.value, 1);
}
END_TEST

START_TEST(test_growth_takes_a_round_of_successes_in_use)
{
    struct limit l = {0};
    limit_note(&l, 12, &busy, 11, 10, 20);
    ck_assert_uint_eq(l.value, 8);
    succeed(&l, 12, 100, 5, 30); /* less than 3/4 of it in use */
    ck_assert_uint_eq(l.value, 8);
    limit_note(&l, 12, &success, 8, 20, 30); /* began before the cut */
    succeed(&l, 12, 7, 6, 30);
    ck_assert_uint_eq(l.value, 8);
    succeed(&l, 12, 1, 6, 30);
    ck_assert_uint_eq(l.value, 9);
    succeed(&l, 12, 8, 9, 30);
    limit_note(&l, 12, &busy, 9, 31, 40); /* what was on account is lost */
    ck_assert_uint_eq(l.value, 6);
    succeed(&l, 12, 5, 6, 50);
    ck_assert_uint_eq(l.value, 6);
    succeed(&l, 12, 1 + 7 + 8 + 9 + 10, 11, 50);
    ck_assert_uint_eq(l.value, 11);
    succeed(&l, 12, 11, 11, 50); /* the maximum again */
    ck_assert_uint_eq(l.value, 0);
    ck_assert_uint_eq(limit_value(&l, 12), 12);
}
END_TEST

START_TEST(test_without_a_maximum_it_goes_away_at_twice_what_was_in_flight)
{
    struct limit l = {0};
    limit_note(&l, 0, &busy, 8, 10, 20);
    ck_assert_uint_eq(limit_value(&l, 0), 6);
    for (unsigned value = 6; value < 15; value++) {
        succeed(&l, 0, value, value, 30);
        ck_assert_uint_eq(limit_value(&l, 0), value + 1);
    }
    succeed(&l, 0, 15, 15, 30);
    ck_assert_uint_eq(limit_value(&l, 0), LIMIT_NONE);
}
END_TEST

START_TEST(test_a_new_maximum_counts_at_once)
{
    struct limit l = {0};
    limit_note(&l, 100, &busy, 40, 10, 20);
    ck_assert_uint_eq(limit_value(&l, 100), 30);
    ck_assert_uint_eq(limit_value(&l, 10), 10);
    ck_assert_uint_eq(limit_value(&l, 0), 30);
    limit_note(&l, 10, &busy, 10, 30, 40);
    ck_assert_uint_eq(limit_value(&l, 10), 7);
    succeed(&l, 5, 7, 7, 50);
    ck_assert_uint_eq(limit_value(&l, 5), 5);
    ck_assert_uint_eq(l.value, 0);
}
END_TEST

START_TEST(test_retry_after)
{
    struct limit l = {0};
    limit_note(&l, 0, &(struct result){.outcome = OUTCOME_BUSY, .retry_after = 500}, 8, 10, 100);
    ck_assert_int_eq(l.cool_until, 600);
    limit_note(&l, 0, &(struct result){.outcome = OUTCOME_BUSY, .retry_after = 100}, 8, 10, 200);
    limit_note(&l, 0, &busy, 8, 10, 300);
    ck_assert_int_eq(l.cool_until, 600);
    limit_note(&l, 0, &(struct result){.outcome = OUTCOME_BUSY, .retry_after = 500}, 8, 10, 200);
    ck_assert_int_eq(l.cool_until, 700);
    limit_note(&l, 0, &(struct result){.outcome = OUTCOME_BUSY, .retry_after = USEC_NEVER}, 8, 10, 300);
    ck_assert_int_eq(l.cool_until, 300 + LIMIT_COOL_MAX);
}
END_TEST

START_TEST(test_any_sequence)
{
    struct random_source random;
    random_seed(&random, 5);
    for (int round = 0; round < 40; round++) {
        struct limit l = {0};
        unsigned max = round % 4 ? 1 + (unsigned)random_below(&random, 50) : 0;
        usec_t now = 1, cool = 0;
        for (int i = 0; i < 2000; i++) {
            struct result r = {.outcome = (enum outcome)random_below(&random, OUTCOME_COUNT)};
            r.retry_after = (usec_t)random_below(&random, 3) * 40 * USEC_PER_SEC;
            if (random_below(&random, 8)) r.outcome = OUTCOME_SUCCESS;
            now += (usec_t)random_below(&random, 1000);
            unsigned before = limit_value(&l, max), in_flight = 1 + (unsigned)random_below(&random, 60);
            limit_note(&l, max, &r, in_flight, now - (usec_t)random_below(&random, (uint64_t)now), now);
            unsigned value = limit_value(&l, max);
            ck_assert_uint_ge(value, 1);
            ck_assert_uint_le(value, max ? max : LIMIT_NONE);
            if (r.outcome == OUTCOME_BUSY) ck_assert_uint_le(value, before);
            if (r.outcome == OUTCOME_SUCCESS && value < LIMIT_NONE) ck_assert(value == before || value == before + 1);
            if (r.outcome > OUTCOME_BUSY || r.outcome == OUTCOME_FAULT) ck_assert_uint_eq(value, before);
            ck_assert_int_ge(l.cool_until, cool);
            ck_assert(l.cool_until == cool || l.cool_until <= now + LIMIT_COOL_MAX);
            cool = l.cool_until;
        }
    }
}
END_TEST

/* An account that takes 20 calls at once, used by somebody who always has more: rounds of as many calls as the limit
 * lets through, of which those beyond the twentieth are refused. */
static unsigned play_round(struct limit *l, unsigned max, usec_t *now)
{
    enum { CAPACITY = 20, DURATION = 1000 };
    unsigned calls = limit_value(l, max) < 200 ? limit_value(l, max) : 200, in_flight = calls;
    usec_t began = *now += 10;
    for (unsigned i = CAPACITY; i < calls; i++)
        limit_note(l, max, &busy, in_flight--, began, *now += 1);
    *now += DURATION;
    unsigned served = in_flight;
    for (unsigned i = 0; i < served; i++)
        limit_note(l, max, &success, served, began, *now);
    return calls;
}

START_TEST(test_it_finds_the_capacity)
{
    static const unsigned maxima[] = {0, 30, 100, 500};
    for (int m = 0; m < COUNT(maxima); m++) {
        struct limit l = {0};
        usec_t now = 1;
        unsigned sum = 0, most = 0;
        for (int i = 0; i < 50; i++)
            play_round(&l, maxima[m], &now);
        for (int i = 0; i < 200; i++) {
            unsigned calls = play_round(&l, maxima[m], &now);
            sum += calls;
            most = calls > most ? calls : most;
        }
        ck_assert_uint_le(most, 21);
        ck_assert_uint_ge(sum, 200 * 16);
    }
}
END_TEST

/* A provider that refuses one call in three is as good with all our calls as with a few. */
START_TEST(overload_cuts_only_what_is_mostly_refused)
{
    static const struct result overloaded = {.outcome = OUTCOME_BUSY, .overloaded = true};
    struct limit l = {0};
    usec_t now = 1000;
    for (int i = 0; i < 300; i++, now += 10)
        limit_note(&l, 20, i % 3 ? &success : &overloaded, 20, now - 5, now);
    ck_assert_uint_eq(limit_value(&l, 20), 20);
    int refusals = 0;
    for (; limit_value(&l, 20) == 20; refusals++, now += 10)
        limit_note(&l, 20, &overloaded, 20, now - 5, now);
    ck_assert_int_ge(refusals, 8);
    ck_assert_int_le(refusals, 24);
    for (int i = 0; i < 30; i++, now += 10)
        limit_note(&l, 20, &overloaded, limit_value(&l, 20), now - 5, now);
    ck_assert_uint_eq(limit_value(&l, 20), 1);
}
END_TEST

/* What says nothing about whether calls are let through does not count as one that was. */
START_TEST(other_results_do_not_hide_an_overload)
{
    static const struct result overloaded = {.outcome = OUTCOME_BUSY, .overloaded = true};
    static const enum outcome others[] = {OUTCOME_FAULT, OUTCOME_KEY, OUTCOME_NEUTRAL};
    struct limit l = {0};
    for (usec_t now = 1000; now < 1300; now++) {
        limit_note(&l, 20, &overloaded, 20, now - 5, now);
        for (int i = 0; i < COUNT(others); i++)
            limit_note(&l, 20, &(struct result){.outcome = others[i]}, 20, now - 5, now);
    }
    ck_assert_uint_lt(limit_value(&l, 20), 20);
}
END_TEST

TEST_MAIN("limit", test_the_maximum_counts_as_long_as_nothing_lowers_it, test_cuts, test_a_burst_cuts_once,
          test_growth_takes_a_round_of_successes_in_use,
          test_without_a_maximum_it_goes_away_at_twice_what_was_in_flight, test_a_new_maximum_counts_at_once,
          test_retry_after, test_any_sequence, test_it_finds_the_capacity, overload_cuts_only_what_is_mostly_refused,
          other_results_do_not_hide_an_overload)
