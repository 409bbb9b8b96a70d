/* What opens and closes an upstream: breakers, probes. */
#include "sched_fixture.h"

static void fault_at(const char *name, int times)
{
    for (int i = 0; i < times; i++) {
        expect(0, SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[0]), name);
        release(&t[0], OUTCOME_FAULT);
    }
}

START_TEST(test_a_breaker_opens_and_lets_trials_through)
{
    use("- {name: a, " AT ", weight: 1000}\n- {name: b, " AT ", tier: backup}\n");
    fault_at("a", 5);
    ck_assert_int_eq(view(0).targets[0].breaker, BREAKER_OPEN);
    ck_assert_uint_eq(view(0).targets[0].opened, 1);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "b");
    release(&t[0], OUTCOME_SUCCESS);
    usec_t opens_in = view(0).targets[0].opens_in;
    ck_assert_int_ge(opens_in, 30 * USEC_PER_SEC);
    ck_assert_int_le(opens_in, 36 * USEC_PER_SEC);
    pass(opens_in);
    ck_assert_int_eq(view(0).targets[0].opens_in, 0);
    expect(0, SCHED_GRANTED);
    ck_assert(t[0].lease.trial);
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_int_eq(view(0).targets[0].breaker, BREAKER_HALF_OPEN);
    for (int i = 0; i < 100 && view(0).targets[0].breaker == BREAKER_HALF_OPEN; i++) {
        expect(0, SCHED_GRANTED);
        release(&t[0], OUTCOME_SUCCESS);
    }
    ck_assert_int_eq(view(0).targets[0].breaker, BREAKER_CLOSED);
    ck_assert_uint_eq(view(0).targets[0].closed, 1);
}
END_TEST

/* A trial has succeeded with its first token, which is all that is heard of a long answer for minutes: then it is one
 * no more, and who waited for it is served. */
START_TEST(test_a_token_ends_a_trial)
{
    use("- {name: a, " AT ", breaker: {trials: 1}}\n");
    for (int round = 0; round < 2; round++) {
        fault_at("a", 5);
        pass(view(0).targets[0].opens_in);
        expect(0, SCHED_GRANTED);
        ck_assert(t[0].lease.trial);
        expect(1, SCHED_WAITING);
        sched_note_token(sched, &t[0].lease, now);
        ck_assert(!t[0].lease.trial);
        ck_assert_int_eq(view(0).targets[0].breaker, BREAKER_CLOSED);
        ck_assert_str_eq(deliveries(), "b");
        release_range(0, 2);
    }
}
END_TEST

/* Who has got the place of a trial and leaves without having used it makes room for another one. */
START_TEST(test_a_trial_that_is_not_made_is_given_back)
{
    use("- {name: a, " AT ", breaker: {trials: 1}}\n");
    fault_at("a", 5);
    expect(0, SCHED_WAITING);
    pass(view(0).targets[0].opens_in);
    ck_assert(t[0].lease.trial);
    sched_cancel(sched, &t[0], now);
    ck_assert_str_eq(deliveries(), "");
    expect(1, SCHED_GRANTED);
    ck_assert(t[1].lease.trial);
    release(&t[1], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_breakers_are_one_for_each_model)
{
    use("- {name: a, " AT ", models: {x: x, y: y}}\n");
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(ask_model(&t[0], "x"), SCHED_GRANTED);
        release(&t[0], OUTCOME_FAULT);
    }
    t[0].latest = now + USEC_PER_SEC;
    ck_assert_int_eq(ask_model(&t[0], "x"), SCHED_CLOSED);
    ck_assert_int_eq(ask_model(&t[1], "y"), SCHED_GRANTED);
    release(&t[1], OUTCOME_SUCCESS);
}
END_TEST

/* Who can wait so long waits for the first that comes back; who can't hears when it makes sense to come again. */
START_TEST(test_waiting_for_the_earliest_recovery)
{
    use(ONE);
    fault_at("a", 5);
    usec_t opens_in = view(0).targets[0].opens_in;
    t[1].latest = now + opens_in - 1;
    expect(1, SCHED_CLOSED);
    ck_assert_int_eq(t[1].retry_after, opens_in);
    t[2].latest = now + opens_in + USEC_PER_SEC;
    expect(2, SCHED_WAITING);
    pass(opens_in - 1);
    ck_assert_str_eq(deliveries(), "");
    pass(1);
    ck_assert_str_eq(deliveries(), "c");
    ck_assert(t[2].lease.trial);
    release(&t[2], OUTCOME_SUCCESS);
}
END_TEST

/* Nobody knows when an operator changes their mind: each waits until its latest, when its asker takes it back. */
START_TEST(test_who_waits_already_waits_on_while_all_is_closed)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    t[1].latest = now + USEC_PER_SEC;
    expect(1, SCHED_WAITING);
    expect(2, SCHED_WAITING);
    sched_set_draining(sched, &pool->upstreams[0], true, now);
    release(&t[0], OUTCOME_SUCCESS);
    pass(USEC_PER_SEC);
    ck_assert_str_eq(deliveries(), "");
    ck_assert_uint_eq(waiting(), 2);
    sched_cancel(sched, &t[1], now);
    sched_set_draining(sched, &pool->upstreams[0], false, now);
    ck_assert_str_eq(deliveries(), "c");
    release(&t[2], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_down_upstreams_get_nothing)
{
    use(FREE);
    take_down(0);
    ck_assert(view(0).down);
    ck_assert_int_ne(view(0).probe_due, USEC_NEVER);
    ck_assert_int_eq(view(1).probe_due, USEC_NEVER);
    for (int i = 0; i < 3; i++) {
        expect(i, SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[i]), "b");
    }
    take_down(1);
    t[3].latest = now + USEC_PER_MS;
    expect(3, SCHED_CLOSED);
    t[3].latest = now + 60 * USEC_PER_SEC;
    expect(3, SCHED_WAITING);
    bring_up(1);
    ck_assert_str_eq(deliveries(), "d");
    ck_assert_str_eq(upstream_of(&t[3]), "b");
    for (int i = 0; i < 4; i++)
        release(&t[i], OUTCOME_NEUTRAL);
}
END_TEST

START_TEST(test_a_failed_call_makes_a_probe_due)
{
    use(FREE);
    ck_assert_int_eq(view(0).probe_due, USEC_NEVER);
    fault_at("a", 1);
    ck_assert_int_le(view(0).probe_due, now);
    bring_up(0);
    ck_assert_int_eq(view(0).probe_due, USEC_NEVER);
}
END_TEST

START_TEST(test_coming_up_serves_all_who_can_go_there)
{
    use(ONE "- {name: b, " AT ", max_concurrency: 2}\n");
    take_down(1);
    expect(0, SCHED_GRANTED);
    for (int i = 1; i < 5; i++)
        expect(i, SCHED_WAITING);
    bring_up(1);
    ck_assert_str_eq(deliveries(), "bc");
    ck_assert_uint_eq(waiting(), 2);
    cancel_range(3, 5);
    release_range(0, 3);
}
END_TEST

TEST_MAIN_WITH("sched_health", set_up, tear_down, test_a_breaker_opens_and_lets_trials_through,
               test_a_token_ends_a_trial, test_a_trial_that_is_not_made_is_given_back,
               test_breakers_are_one_for_each_model, test_waiting_for_the_earliest_recovery,
               test_who_waits_already_waits_on_while_all_is_closed, test_down_upstreams_get_nothing,
               test_a_failed_call_makes_a_probe_due, test_coming_up_serves_all_who_can_go_there)
