#include "dsgate/base/random.h"
#include "dsgate/net/timers.h"
#include "net_test.h"

START_TEST(test_empty_heap_has_no_next)
{
    struct timers t = {0};
    ck_assert_int_eq(timers_next(&t), USEC_NEVER);
    ck_assert_ptr_null(timers_pop_due(&t, USEC_NEVER - 1));
    timers_free(&t);
}
END_TEST

START_TEST(test_due_timers_come_in_order)
{
    static const usec_t dues[] = {50, 10, 40, 20, 30, 60, 0, -5};
    static const usec_t order[] = {-5, 0, 10, 20, 30, 40, 50};
    struct timers t = {0};
    struct timer timers[8] = {0};
    for (int i = 0; i < 8; i++)
        timers_set(&t, &timers[i], dues[i]);
    for (int i = 0; i < 7; i++) {
        struct timer *due = timers_pop_due(&t, 50);
        ck_assert_ptr_nonnull(due);
        ck_assert_int_eq(due->filed, order[i]);
    }
    ck_assert_ptr_null(timers_pop_due(&t, 50));
    ck_assert_int_eq(timers_next(&t), 60);
    timers_free(&t);
}
END_TEST

START_TEST(test_moving_later_only_stores)
{
    struct timers t = {0};
    struct timer timer = {0};
    timers_set(&t, &timer, 100);
    timers_set(&t, &timer, 300);
    ck_assert_int_eq(timers_next(&t), 100);
    ck_assert_ptr_null(timers_pop_due(&t, 100));
    ck_assert_int_eq(timers_next(&t), 300);
    ck_assert_ptr_null(timers_pop_due(&t, 299));
    ck_assert_ptr_eq(timers_pop_due(&t, 300), &timer);
    timers_free(&t);
}
END_TEST

START_TEST(test_moving_earlier_takes_effect)
{
    struct timers t = {0};
    struct timer a = {0}, b = {0};
    timers_set(&t, &a, 100);
    timers_set(&t, &b, 200);
    timers_set(&t, &b, 50);
    ck_assert_int_eq(timers_next(&t), 50);
    ck_assert_ptr_eq(timers_pop_due(&t, 99), &b);
    ck_assert_ptr_null(timers_pop_due(&t, 99));
    timers_free(&t);
}
END_TEST

START_TEST(test_a_popped_timer_is_off_and_can_be_set_again)
{
    struct timers t = {0};
    struct timer timer = {0};
    timers_set(&t, &timer, 10);
    ck_assert_ptr_eq(timers_pop_due(&t, 10), &timer);
    ck_assert_uint_eq(timer.position, 0);
    ck_assert_int_eq(timer.due, USEC_NEVER);
    ck_assert_ptr_null(timers_pop_due(&t, 1000));
    timers_set(&t, &timer, 5);
    ck_assert_ptr_eq(timers_pop_due(&t, 5), &timer);
    timers_free(&t);
}
END_TEST

START_TEST(test_cancelling)
{
    struct timers t = {0};
    struct timer a = {0}, b = {0}, c = {0}, never_set = {0};
    timers_set(&t, &a, 10);
    timers_set(&t, &b, 20);
    timers_set(&t, &c, 30);
    timers_cancel(&t, &never_set);
    timers_cancel(&t, &a);
    timers_cancel(&t, &a);
    ck_assert_int_eq(timers_next(&t), 20);
    timers_cancel(&t, &c);
    ck_assert_ptr_eq(timers_pop_due(&t, 100), &b);
    ck_assert_ptr_null(timers_pop_due(&t, 100));
    ck_assert_uint_eq(t.count, 0);
    timers_free(&t);
}
END_TEST

START_TEST(test_never_switches_off)
{
    struct timers t = {0};
    struct timer fresh = {0}, set = {0};
    timers_set(&t, &fresh, USEC_NEVER);
    ck_assert_uint_eq(t.count, 0);
    timers_set(&t, &set, 10);
    timers_set(&t, &set, USEC_NEVER);
    ck_assert_ptr_null(timers_pop_due(&t, USEC_NEVER - 1));
    ck_assert_uint_eq(t.count, 0);
    timers_free(&t);
}
END_TEST

/* Many random moves beside a plain array that is searched. */
enum { TIMERS = 200, STEPS = 20000 };

static size_t popped_as_expected(struct timers *t, struct timer *timers, usec_t *due, usec_t now)
{
    size_t popped = 0;
    usec_t last = INT64_MIN;
    for (struct timer *timer; (timer = timers_pop_due(t, now)); popped++) {
        usec_t *was = &due[timer - timers];
        ck_assert_int_le(*was, now);
        ck_assert_int_le(last, *was);
        last = *was;
        *was = USEC_NEVER;
    }
    for (int i = 0; i < TIMERS; i++)
        ck_assert_int_gt(due[i], now);
    return popped;
}

START_TEST(test_random_moves_match_a_plain_array)
{
    static struct timer timers[TIMERS];
    usec_t due[TIMERS], now = 0;
    struct timers t = {0};
    struct random_source random;
    size_t popped = 0;
    random_seed(&random, 7);
    for (int i = 0; i < TIMERS; i++)
        due[i] = USEC_NEVER;
    for (int step = 0; step < STEPS; step++) {
        uint64_t i = random_below(&random, TIMERS), what = random_below(&random, 10);
        if (what < 7) {
            due[i] = now + 1 + (usec_t)random_below(&random, 1000);
            timers_set(&t, &timers[i], due[i]);
        } else if (what < 8) {
            due[i] = USEC_NEVER;
            timers_cancel(&t, &timers[i]);
        } else {
            now += (usec_t)random_below(&random, 20);
            popped += popped_as_expected(&t, timers, due, now);
        }
    }
    ck_assert_uint_gt(popped, STEPS / 10);
    timers_free(&t);
}
END_TEST

TEST_MAIN("timers", test_empty_heap_has_no_next, test_due_timers_come_in_order, test_moving_later_only_stores,
          test_moving_earlier_takes_effect, test_a_popped_timer_is_off_and_can_be_set_again, test_cancelling,
          test_never_switches_off, test_random_moves_match_a_plain_array)
