/* Minutes, days and money of one upstream, on a clock that is set by hand. */
#include "dsgate/base/random.h"
#include "dsgate/sched/quota.h"
#include "zone_test.h"
#include <math.h>

#define SEC    USEC_PER_SEC
#define MINUTE (60 * SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static struct zone *zone;
static struct quota q;
static usec_t noon;

static void set_up(void)
{
    zone = open_zone("UTC");
    q = (struct quota){0};
    noon = utc("2026-11-26 12:00:00");
}

static void tear_down(void) { zone_close(zone); }

static usec_t full_until(const struct conf_quota *rules, usec_t wall)
{
    quota_tick(&q, zone, wall);
    return quota_full_until(&q, rules, wall);
}

static void begin(usec_t wall, unsigned times)
{
    quota_tick(&q, zone, wall);
    while (times-- > 0)
        quota_begin(&q, wall);
}

static void spend(usec_t wall, uint64_t tokens, double cost)
{
    quota_tick(&q, zone, wall);
    quota_spend(&q, tokens, cost, wall);
}

START_TEST(test_any_limit_is_one)
{
    const struct conf_quota none = {0};
    const struct conf_quota rows[] = {{.requests_per_minute = 1},
                                      {.tokens_per_minute = 1},
                                      {.requests_per_day = 1},
                                      {.tokens_per_day = 1},
                                      {.cost_per_day = 0.01}};
    ck_assert(!quota_is_limited(&none));
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert(quota_is_limited(&rows[i]));
    begin(noon, 1000);
    spend(noon, UINT64_MAX, 1e9);
    ck_assert_int_eq(full_until(&none, noon), 0);
}
END_TEST

/* ---- minutes ---- */

START_TEST(test_requests_of_a_minute)
{
    const struct conf_quota rules = {.requests_per_minute = 3};
    begin(noon + 900 * USEC_PER_MS, 1);
    begin(noon + 20 * SEC, 1);
    ck_assert_int_eq(full_until(&rules, noon + 20 * SEC), 0);
    begin(noon + 30 * SEC, 1);
    ck_assert_int_eq(full_until(&rules, noon + 30 * SEC), noon + 61 * SEC);
    ck_assert_int_eq(full_until(&rules, noon + 61 * SEC - 1), noon + 61 * SEC);
    ck_assert_int_eq(full_until(&rules, noon + 61 * SEC), 0);
    begin(noon + 61 * SEC, 1);
    ck_assert_int_eq(full_until(&rules, noon + 62 * SEC), noon + 81 * SEC);
    ck_assert_int_eq(full_until(&rules, noon + 500 * SEC), 0);
}
END_TEST

START_TEST(test_tokens_of_a_minute)
{
    const struct conf_quota rules = {.tokens_per_minute = 100};
    spend(noon, 99, 0);
    ck_assert_int_eq(full_until(&rules, noon), 0);
    spend(noon + 10 * SEC, 1000, 0); /* overdrawn: only this one counts for the time */
    ck_assert_int_eq(full_until(&rules, noon + 11 * SEC), noon + 71 * SEC);
    spend(noon + 12 * SEC, 1, 0);
    ck_assert_int_eq(full_until(&rules, noon + 12 * SEC), noon + 71 * SEC);
    ck_assert_int_eq(full_until(&rules, noon + 71 * SEC), 0);
    begin(noon + 71 * SEC, 50);
    ck_assert_int_eq(full_until(&rules, noon + 71 * SEC), 0);
}
END_TEST

START_TEST(test_the_later_of_two_limits)
{
    const struct conf_quota rules = {.requests_per_minute = 1, .tokens_per_minute = 10, .requests_per_day = 3};
    spend(noon, 10, 0);
    begin(noon + 5 * SEC, 1);
    ck_assert_int_eq(full_until(&rules, noon + 6 * SEC), noon + 66 * SEC);
    begin(noon + 100 * SEC, 2);
    ck_assert_int_eq(full_until(&rules, noon + 100 * SEC), noon + 12 * HOUR);
    begin(noon + 12 * HOUR - SEC, 1);
    ck_assert_int_eq(full_until(&rules, noon + 12 * HOUR - SEC), noon + 12 * HOUR + 60 * SEC);
}
END_TEST

/* Whenever there is room one begins; no sixty seconds have more than the limit, and no room is wasted for long. */
START_TEST(test_no_minute_has_more)
{
    enum { LIMIT = 7, STEPS = 20000 };
    static usec_t began[STEPS];
    const struct conf_quota rules = {.requests_per_minute = LIMIT};
    struct random_source random;
    int n = 0;
    usec_t now = noon;
    random_seed(&random, 7);
    for (int i = 0; i < STEPS; i++, now += (usec_t)random_below(&random, 8 * SEC)) {
        usec_t until = full_until(&rules, now);
        if (until) {
            ck_assert_msg(until > now && n >= LIMIT && until <= began[n - LIMIT] + 61 * SEC, "step %d", i);
            if (random_below(&random, 2)) now = until - 1;
            continue;
        }
        begin(now, 1);
        began[n++] = now;
        if (n > LIMIT) ck_assert_int_gt(now - began[n - 1 - LIMIT], MINUTE);
    }
    ck_assert_int_gt(n, 1000);
}
END_TEST

/* ---- days ---- */

START_TEST(test_limits_of_a_day)
{
    const struct conf_quota requests = {.requests_per_day = 2}, tokens = {.tokens_per_day = 50},
                            cost = {.cost_per_day = 1.5};
    usec_t midnight = noon + 12 * HOUR;
    begin(noon, 1);
    spend(noon, 49, 1.49);
    ck_assert_int_eq(full_until(&requests, noon), 0);
    ck_assert_int_eq(full_until(&tokens, noon), 0);
    ck_assert_int_eq(full_until(&cost, noon), 0);
    begin(noon, 1);
    spend(noon, 1, 0.01);
    ck_assert_int_eq(full_until(&requests, noon), midnight);
    ck_assert_int_eq(full_until(&tokens, noon), midnight);
    ck_assert_int_eq(full_until(&cost, midnight - 1), midnight);
    ck_assert_int_eq(full_until(&requests, midnight), 0);
    ck_assert_int_eq(full_until(&tokens, midnight), 0);
    ck_assert_int_eq(full_until(&cost, midnight), 0);
    ck_assert_int_eq(q.today.day, zone_day(zone, midnight));
    ck_assert_uint_eq(q.today.requests + q.today.tokens, 0);
}
END_TEST

START_TEST(test_days_of_a_zone)
{
    static const char *const rows[][3] = {
        {"+08:00", "2026-11-26 15:59:59", "2026-11-26 16:00:00"},
        {"America/New_York", "2026-03-08 05:00:00", "2026-03-09 04:00:00"},
        {"America/New_York", "2026-11-01 04:00:00", "2026-11-02 05:00:00"},
        {"America/Sao_Paulo", "2018-11-03 12:00:00", "2018-11-04 03:00:00"},
    };
    const struct conf_quota rules = {.requests_per_day = 1};
    for (int i = 0; i < COUNT(rows); i++) {
        if (strchr(rows[i][0], '/') && !has_database()) continue;
        zone_close(zone);
        zone = open_zone(rows[i][0]);
        q = (struct quota){0};
        begin(utc(rows[i][1]), 1);
        ck_assert_int_eq(full_until(&rules, utc(rows[i][1])), utc(rows[i][2]));
        ck_assert_int_eq(full_until(&rules, utc(rows[i][2]) - 1), utc(rows[i][2]));
        ck_assert_int_eq(full_until(&rules, utc(rows[i][2])), 0);
    }
}
END_TEST

/* In Newfoundland one minute after midnight became one minute after eleven of the day before. */
START_TEST(test_a_midnight_that_comes_twice)
{
    const struct conf_quota rules = {.requests_per_day = 1};
    if (!has_database()) return;
    zone_close(zone);
    zone = open_zone("America/St_Johns");
    begin(utc("2005-10-30 02:29:59"), 1);
    ck_assert_int_eq(full_until(&rules, utc("2005-10-30 02:30:00")), 0);
    begin(utc("2005-10-30 02:30:00"), 1);
    ck_assert_int_eq(full_until(&rules, utc("2005-10-30 02:45:00")), utc("2005-10-31 03:30:00"));
    ck_assert_int_eq(full_until(&rules, utc("2005-10-30 03:30:00")), utc("2005-10-31 03:30:00"));
}
END_TEST

START_TEST(test_another_zone_does_not_give_a_day_again)
{
    const struct conf_quota rules = {.requests_per_day = 1};
    begin(noon + 7 * HOUR, 1);
    zone_close(zone);
    zone = open_zone("+08:00"); /* where it is tomorrow */
    ck_assert_int_eq(full_until(&rules, noon + 7 * HOUR), noon + 12 * HOUR);
    ck_assert_int_eq(full_until(&rules, noon + 12 * HOUR), 0);
    begin(noon + 12 * HOUR, 1);
    ck_assert_int_eq(full_until(&rules, noon + 12 * HOUR), noon + 28 * HOUR);
}
END_TEST

/* ---- clocks that are set ---- */

static void expect_day(usec_t wall, uint64_t requests)
{
    quota_tick(&q, zone, wall);
    ck_assert_msg(q.today.requests == requests && q.today.day == zone_day(zone, wall), "day %lld: %llu",
                  (long long)q.today.day, (unsigned long long)q.today.requests);
}

START_TEST(test_set_back_over_midnight)
{
    usec_t midnight = noon + 12 * HOUR;
    begin(noon, 100);
    begin(midnight + 5 * MINUTE, 50);
    expect_day(midnight - 5 * MINUTE, 100);
    begin(midnight - 4 * MINUTE, 3);
    expect_day(midnight - 1, 103);
    ck_assert_int_eq(q.next_day, midnight);
    expect_day(midnight, 50);
    expect_day(midnight + DAY, 0);
}
END_TEST

START_TEST(test_a_clock_that_had_run_ahead)
{
    const struct conf_quota rules = {.requests_per_day = 10};
    begin(noon, 10);
    begin(noon + 100 * DAY, 5);
    expect_day(noon + MINUTE, 10);
    ck_assert_int_eq(full_until(&rules, noon + MINUTE), noon + 12 * HOUR);
    expect_day(noon + DAY, 0);
}
END_TEST

START_TEST(test_set_back_to_a_day_that_is_forgotten)
{
    begin(noon, 10);
    begin(noon + DAY, 20);
    begin(noon + 2 * DAY, 30);
    expect_day(noon - 10 * DAY, 30);
    ck_assert_int_eq(q.next_day, noon - 10 * DAY + 12 * HOUR);
    expect_day(noon - 9 * DAY, 0);
    expect_day(noon - 10 * DAY, 30);
}
END_TEST

/* Times that are read before a lock was taken. */
START_TEST(test_a_little_disorder_is_no_set_clock)
{
    usec_t midnight = noon + 12 * HOUR;
    const struct conf_quota rules = {.requests_per_minute = 2};
    begin(midnight - SEC, 1);
    begin(midnight + SEC / 2, 1);
    quota_tick(&q, zone, midnight - SEC / 2);
    ck_assert_int_eq(q.today.day, zone_day(zone, midnight));
    begin(midnight - 1, 1);
    ck_assert_uint_eq(q.today.requests, 2);
    ck_assert_int_eq(full_until(&rules, midnight + 59 * SEC), midnight + 60 * SEC);
    ck_assert_int_eq(full_until(&rules, midnight + 60 * SEC), 0);
}
END_TEST

START_TEST(test_minutes_of_a_clock_that_is_set_back)
{
    static const usec_t back[] = {2 * SEC, 61 * SEC, 100 * SEC, HOUR + 17 * SEC, 100 * DAY};
    const struct conf_quota rules = {.requests_per_minute = 2};
    for (int i = 0; i < COUNT(back); i++) {
        q = (struct quota){0};
        begin(noon, 1);
        begin(noon + 20 * SEC, 1);
        begin(noon + 40 * SEC, 0);
        usec_t now = noon + 40 * SEC - back[i];
        ck_assert_int_eq(full_until(&rules, now), now + 21 * SEC); /* the first of them was 40 s ago */
        ck_assert_int_eq(full_until(&rules, now + 21 * SEC), 0);
        begin(now + 21 * SEC, 1);
        ck_assert_int_eq(full_until(&rules, now + 21 * SEC), now + 41 * SEC);
    }
}
END_TEST

START_TEST(test_set_forward_the_minute_is_over)
{
    const struct conf_quota rules = {.requests_per_minute = 1};
    begin(noon, 1);
    ck_assert_int_ne(full_until(&rules, noon), 0);
    ck_assert_int_eq(full_until(&rules, noon + HOUR), 0);
}
END_TEST

/* ---- restarts ---- */

START_TEST(test_restored_days)
{
    struct quota_day used = {zone_day(zone, noon), 7, 70, 0.5};
    begin(noon, 2);
    spend(noon, 20, 0.25);
    quota_restore(&q, &used);
    ck_assert_uint_eq(q.today.requests, 9);
    ck_assert_uint_eq(q.today.tokens, 90);
    ck_assert_double_eq(q.today.cost, 0.75);
    expect_day(noon + DAY, 0);
}
END_TEST

START_TEST(test_a_restored_day_waits_for_its_turn)
{
    struct quota_day used = {zone_day(zone, noon), 7, 70, 0.5};
    begin(utc("2000-01-01 00:00:10"), 1); /* a machine without a battery for its clock */
    quota_restore(&q, &used);
    ck_assert_uint_eq(q.today.requests, 1);
    expect_day(noon, 7);
    q = (struct quota){0};
    begin(noon + DAY, 1);
    quota_restore(&q, &used);
    expect_day(noon + DAY, 1);
    expect_day(noon + 2 * DAY, 0);
    q = (struct quota){0};
    quota_restore(&q, &used);
    expect_day(noon, 7);
}
END_TEST

START_TEST(test_sums_stay_at_the_largest)
{
    const struct conf_quota rules = {.tokens_per_minute = UINT64_MAX, .tokens_per_day = UINT64_MAX};
    struct quota_day used = {zone_day(zone, noon), UINT64_MAX, UINT64_MAX, INFINITY};
    spend(noon, UINT64_MAX - 1, -5);
    spend(noon, 0, NAN);
    ck_assert_double_eq(q.today.cost, 0);
    ck_assert_int_eq(full_until(&rules, noon), 0);
    spend(noon + SEC, 3, 0.5);
    ck_assert_uint_eq(q.today.tokens, UINT64_MAX);
    ck_assert_int_eq(full_until(&rules, noon + SEC), noon + 12 * HOUR);
    begin(noon, 1);
    quota_restore(&q, &used);
    ck_assert_uint_eq(q.today.requests, UINT64_MAX);
    ck_assert(isinf(q.today.cost));
    begin(noon + SEC, 1);
    ck_assert_uint_eq(q.today.requests, UINT64_MAX);
}
END_TEST

/* ---- prices ---- */

START_TEST(test_a_price_at_all_hours)
{
    const struct conf_price usual = {.cache_miss = 2}, dear = {.output = 8};
    const struct conf_model same = {.price = usual}, both = {.price = usual, .peak_price = dear};
    const struct conf_model sometimes = {.peak_price = dear};
    ck_assert_ptr_eq(price_at(&same, false), &same.price);
    ck_assert_ptr_eq(price_at(&same, true), &same.price);
    ck_assert_ptr_eq(price_at(&both, false), &both.price);
    ck_assert_ptr_eq(price_at(&both, true), &both.peak_price);
    ck_assert_ptr_eq(price_at(&sometimes, false), &sometimes.price);
    ck_assert_ptr_eq(price_at(&sometimes, true), &sometimes.peak_price);
}
END_TEST

START_TEST(test_costs)
{
    const struct conf_price price = {.cache_hit = 0.5, .cache_miss = 2, .output = 8}, unknown = {0};
    static const struct {
        uint64_t prompt, cached, completion;
        double cost;
    } rows[] = {{0, 0, 0, 0},
                {1000000, 0, 0, 2},
                {1000000, 1000000, 0, 0.5},
                {1000000, 400000, 0, 1.4},
                {0, 0, 500000, 4},
                {2000000, 1000000, 1000000, 10.5},
                {1000000, 5000000, 0, 0.5}}; /* more cached than there was: all of it */
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert_double_eq_tol(price_cost(&price, rows[i].prompt, rows[i].cached, rows[i].completion), rows[i].cost,
                                1e-12);
    ck_assert_double_eq(price_cost(&unknown, 1000, 0, 1000), 0);
    ck_assert_double_eq_tol(price_cost(&price, UINT64_MAX, 0, UINT64_MAX), 10 * 18446744073709.551615, 1);
}
END_TEST

START_TEST(test_blends)
{
    const struct conf_price price = {.cache_hit = 0.5, .cache_miss = 2, .output = 8}, unknown = {0};
    ck_assert_double_eq(price_blend(&price), 3.5);
    ck_assert_double_eq(price_blend(&unknown), 0);
}
END_TEST

TEST_MAIN_WITH("quota", set_up, tear_down, test_any_limit_is_one, test_requests_of_a_minute, test_tokens_of_a_minute,
               test_the_later_of_two_limits, test_no_minute_has_more, test_limits_of_a_day, test_days_of_a_zone,
               test_a_midnight_that_comes_twice, test_another_zone_does_not_give_a_day_again,
               test_set_back_over_midnight, test_a_clock_that_had_run_ahead, test_set_back_to_a_day_that_is_forgotten,
               test_a_little_disorder_is_no_set_clock, test_minutes_of_a_clock_that_is_set_back,
               test_set_forward_the_minute_is_over, test_restored_days, test_a_restored_day_waits_for_its_turn,
               test_sums_stay_at_the_largest, test_a_price_at_all_hours, test_costs, test_blends)
