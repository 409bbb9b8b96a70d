#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/relay/budget.h"
#include <pthread.h>

enum { SECOND = USEC_PER_SEC, NOW = 1000 * SECOND };

static struct budget budget;

static void earn(unsigned times, unsigned percent)
{
    for (unsigned i = 0; i < times; i++)
        budget_earn(&budget, percent);
}

/* How many calls may be made at one moment. */
static unsigned spend_all(unsigned free, usec_t now)
{
    unsigned n = 0;
    while (budget_spend(&budget, free, now))
        n++;
    return n;
}

START_TEST(test_each_request_earns_its_share)
{
    static const struct {
        unsigned savings, requests, percent, calls;
    } rows[] = {{0, 0, 20, 0},     {0, 4, 20, 0},     {0, 5, 20, 1},    {0, 100, 20, 20},       {0, 3, 33, 0},
                {0, 100, 1, 1},    {0, 99, 1, 0},     {0, 7, 100, 7},   {0, 1000, 0, 0},        {10, 0, 20, 10},
                {10, 100, 20, 30}, {100, 0, 20, 100}, {101, 0, 0, 100}, {4000000000, 0, 0, 100}};
    for (int i = 0; i < COUNT(rows); i++) {
        budget_init(&budget, rows[i].savings);
        earn(rows[i].requests, rows[i].percent);
        ck_assert_uint_eq(spend_all(0, NOW), rows[i].calls);
    }
}
END_TEST

START_TEST(test_parts_of_a_call_are_kept)
{
    budget_init(&budget, 0);
    earn(9, 20);
    ck_assert_uint_eq(spend_all(0, NOW), 1);
    earn(1, 20);
    ck_assert_uint_eq(spend_all(0, NOW), 1);
    earn(4, 20);
    ck_assert_uint_eq(spend_all(0, NOW), 0);
}
END_TEST

/* A quiet hour does not pay for a storm. */
START_TEST(test_savings_are_bounded)
{
    budget_init(&budget, 0);
    earn(1000000, 20);
    ck_assert_uint_eq(spend_all(0, NOW), BUDGET_SAVINGS);
    budget_init(&budget, BUDGET_SAVINGS);
    earn(1, 99);
    ck_assert_uint_eq(spend_all(0, NOW), BUDGET_SAVINGS);
}
END_TEST

START_TEST(test_charges_are_paid_by_later_requests)
{
    budget_init(&budget, 1);
    budget_charge(&budget);
    budget_charge(&budget);
    budget_charge(&budget);
    earn(14, 20);
    ck_assert_uint_eq(spend_all(0, NOW), 0);
    earn(1, 20);
    ck_assert_uint_eq(spend_all(0, NOW), 1);
    ck_assert(budget_spend(&budget, 1, NOW)); /* debts do not touch what is free */
}
END_TEST

START_TEST(test_debts_are_bounded)
{
    budget_init(&budget, BUDGET_SAVINGS);
    for (int i = 0; i < 1000000; i++)
        budget_charge(&budget);
    earn(BUDGET_SAVINGS, 100);
    ck_assert_uint_eq(spend_all(0, NOW), 0);
    earn(1, 100);
    ck_assert_uint_eq(spend_all(0, NOW), 1);
}
END_TEST

/* ---- free calls ---- */

START_TEST(test_a_second_of_free_calls_may_come_at_once)
{
    static const unsigned rows[] = {0, 1, 2, 3, 7, 10, 99, 333, 997, 999, 1000};
    for (int i = 0; i < COUNT(rows); i++) {
        budget_init(&budget, 0);
        ck_assert_uint_eq(spend_all(rows[i], NOW), rows[i]);
        unsigned next = spend_all(rows[i], NOW + SECOND); /* pauses are whole microseconds */
        ck_assert(next == rows[i] || (next + 1 == rows[i] && SECOND % rows[i]));
        ck_assert_uint_eq(spend_all(rows[i], NOW + 60 * (usec_t)SECOND), rows[i]);
    }
}
END_TEST

/* Whoever asks all the time gets as many a second as are free, and the burst at the beginning. */
START_TEST(test_free_calls_come_at_their_rate)
{
    static const unsigned rows[] = {1, 3, 10, 999, 1000};
    for (int i = 0; i < COUNT(rows); i++) {
        unsigned n = 0, least = rows[i] * 10;
        budget_init(&budget, 0);
        for (usec_t now = NOW; now < NOW + 10 * (usec_t)SECOND; now += USEC_PER_MS / 4)
            n += budget_spend(&budget, rows[i], now);
        ck_assert_uint_le(n, least + rows[i]);
        ck_assert_uint_ge(n, least);
    }
}
END_TEST

START_TEST(test_free_calls_go_before_savings)
{
    budget_init(&budget, 3);
    for (int i = 0; i < 2; i++)
        ck_assert(budget_spend(&budget, 2, NOW));
    ck_assert_uint_eq(spend_all(0, NOW), 3);
    budget_init(&budget, 3);
    ck_assert_uint_eq(spend_all(2, NOW), 5);
    ck_assert_uint_eq(spend_all(2, NOW + SECOND / 2), 1);
}
END_TEST

/* Threads read their clocks before they come here. */
START_TEST(test_time_that_steps_back)
{
    budget_init(&budget, 0);
    ck_assert_uint_eq(spend_all(10, NOW), 10);
    ck_assert_uint_eq(spend_all(10, NOW - SECOND), 0);
    ck_assert_uint_eq(spend_all(10, NOW + SECOND / 10), 1);
}
END_TEST

/* ---- many threads ---- */

enum { THREADS = 4, ROUNDS = 50000, FREE = 50, SAVINGS = 30, PERCENT = 20 };

static atomic_uint spent, earned;
static _Atomic usec_t clock_now;

static void *spend_only(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++)
        spent += budget_spend(&budget, FREE, NOW);
    return NULL;
}

static void *earn_and_spend(void *arg)
{
    struct random_source random;
    random_seed(&random, (uintptr_t)arg);
    for (int i = 0; i < ROUNDS; i++) {
        if (random_below(&random, 2) == 0) {
            earned += PERCENT; /* before it is: never less than what can be spent */
            budget_earn(&budget, PERCENT);
        }
        usec_t now = random_below(&random, 8) ? atomic_load(&clock_now) : atomic_fetch_add(&clock_now, USEC_PER_MS);
        spent += budget_spend(&budget, FREE, now);
    }
    return NULL;
}

static void *earn_and_charge(void *arg)
{
    (void)arg;
    for (int i = 0; i < BUDGET_SAVINGS / THREADS; i++) {
        budget_charge(&budget);
        for (int k = 0; k < 2; k++)
            budget_earn(&budget, 50);
    }
    return NULL;
}

static void run(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)(i + 1)), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
}

START_TEST(test_no_call_is_given_twice)
{
    spent = 0;
    budget_init(&budget, SAVINGS);
    run(spend_only);
    ck_assert_uint_eq(spent, SAVINGS + FREE);
}
END_TEST

START_TEST(test_threads_never_spend_more_than_there_is)
{
    spent = earned = 0;
    clock_now = NOW;
    budget_init(&budget, SAVINGS);
    run(earn_and_spend);
    unsigned free = FREE + (unsigned)(((clock_now - NOW) * FREE + SECOND - 1) / SECOND);
    ck_assert_uint_le(spent, SAVINGS + earned / 100 + free);
    ck_assert_uint_ge(spent, earned / 100);
}
END_TEST

START_TEST(test_nothing_is_lost_between_threads)
{
    budget_init(&budget, BUDGET_SAVINGS / 2);
    run(earn_and_charge);
    ck_assert_uint_eq(spend_all(0, NOW), BUDGET_SAVINGS / 2);
}
END_TEST

TEST_MAIN("budget", test_each_request_earns_its_share, test_parts_of_a_call_are_kept, test_savings_are_bounded,
          test_charges_are_paid_by_later_requests, test_debts_are_bounded, test_a_second_of_free_calls_may_come_at_once,
          test_free_calls_come_at_their_rate, test_free_calls_go_before_savings, test_time_that_steps_back,
          test_no_call_is_given_twice, test_threads_never_spend_more_than_there_is,
          test_nothing_is_lost_between_threads)
