/* How much an upstream gets: limits, keys, quotas. */
#include "sched_fixture.h"

/* ---- limits ---- */

/* Four of five for everybody; the last one is P0's. */
START_TEST(test_a_part_is_kept_for_p0)
{
    use("- {name: a, " AT ", max_concurrency: 5}\nqueue: {reserve_p0: 20%}\n");
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(ask_as(&t[i], PRIORITY_P1), SCHED_GRANTED);
    ck_assert_int_eq(ask_as(&t[4], PRIORITY_P1), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[5], PRIORITY_P0), SCHED_GRANTED);
    ck_assert_int_eq(ask_as(&t[6], PRIORITY_P0), SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS); /* four are in flight, three of them common: either could go */
    ck_assert_str_eq(deliveries(), "g");
    release(&t[1], OUTCOME_SUCCESS); /* P0 has two, the others have two */
    ck_assert_str_eq(deliveries(), "e");
    release_range(2, 7);
}
END_TEST

START_TEST(test_p3_starts_below_a_part_of_the_limit)
{
    use("- {name: a, " AT ", max_concurrency: 10}\nqueue: {classes: {P3: {start_below: 50%}}}\n");
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(ask_as(&t[i], PRIORITY_P3), SCHED_GRANTED);
    ck_assert_int_eq(ask_as(&t[5], PRIORITY_P3), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[6], PRIORITY_P2), SCHED_GRANTED);
    release(&t[0], OUTCOME_SUCCESS); /* five again */
    ck_assert_str_eq(deliveries(), "");
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "f");
    release_range(2, 7);
}
END_TEST

START_TEST(test_p3_starts_off_peak)
{
    use("- {name: a, " AT ", max_concurrency: 2}\nqueue: {classes: {P3: {start_below: 50%, max_wait: 24h, off_peak: "
        "['02:00-03:00']}}}\n");
    const usec_t hour = 3600 * USEC_PER_SEC;
    sched_upkeep(sched, now, hour);
    ck_assert_int_eq(ask_as(&t[0], PRIORITY_P3), SCHED_GRANTED);
    ck_assert_int_eq(ask_as(&t[1], PRIORITY_P3), SCHED_WAITING);
    now += hour;
    sched_upkeep(sched, now, 2 * hour);
    sched_tick(sched, now);
    ck_assert_str_eq(deliveries(), "b");
    release_range(0, 2);
}
END_TEST

START_TEST(test_an_account_has_one_cap)
{
    use("- {name: a, " AT ", account: x, max_concurrency: 2}\n- {name: b, " AT ", account: x, max_concurrency: 3}\n");
    for (int i = 0; i < 3; i++)
        expect(i, SCHED_GRANTED);
    expect(3, SCHED_WAITING);
    ck_assert_uint_eq(view(0).in_flight + view(1).in_flight, 3);
    upstream_set_add(&t[4].tried, 0);
    expect(4, SCHED_WAITING);
    release_range(0, 3);
    ck_assert_str_eq(deliveries(), "de");
    release_range(3, 5);
}
END_TEST

START_TEST(test_models_have_caps_of_their_own)
{
    use("- {name: a, " AT ", models: {x: x, y: y}, max_concurrency: {'*': 3, x: 1}}\n");
    ck_assert_int_eq(ask_model(&t[0], "x"), SCHED_GRANTED);
    ck_assert_int_eq(ask_model(&t[1], "x"), SCHED_WAITING);
    ck_assert_int_eq(ask_model(&t[2], "y"), SCHED_GRANTED);
    ck_assert_int_eq(ask_model(&t[3], "y"), SCHED_GRANTED);
    ck_assert_int_eq(ask_model(&t[4], "y"), SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "b");
    release(&t[2], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "e");
    release_range(1, 5);
}
END_TEST

START_TEST(test_back_pressure_lowers_the_limit)
{
    use("- {name: a, " AT "}\n");
    for (int i = 0; i < 8; i++)
        expect(i, SCHED_GRANTED);
    ck_assert_uint_eq(view(0).targets[0].limit, LIMIT_NONE);
    release(&t[7], OUTCOME_BUSY);
    unsigned limit = view(0).targets[0].limit;
    ck_assert_uint_lt(limit, 8);
    ck_assert_uint_ge(limit, 1);
    release_result(&t[6], (struct result){.outcome = OUTCOME_BUSY, .retry_after = 3 * USEC_PER_SEC});
    ck_assert_uint_eq(view(0).targets[0].limit, limit); /* one burst counts once */
    ck_assert_int_eq(view(0).targets[0].cools_for, 3 * USEC_PER_SEC);
    release_range(0, 6);
    expect(0, SCHED_WAITING); /* nothing begins while it cools */
    pass(3 * USEC_PER_SEC - 1);
    ck_assert_str_eq(deliveries(), "");
    pass(1);
    ck_assert_str_eq(deliveries(), "a");
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

/* ---- keys and quotas ---- */

#define KEYS "- {name: a, " AT ", api_keys: [k0, k1, k2]}\n"

START_TEST(test_keys_take_turns)
{
    use(KEYS);
    for (unsigned i = 0; i < 6; i++) {
        expect(0, SCHED_GRANTED);
        ck_assert_uint_eq(t[0].lease.key_index, i % 3);
        ck_assert_str_eq(t[0].lease.key, conf_key(pool->upstreams[0].conf, i % 3));
        release(&t[0], OUTCOME_SUCCESS);
    }
    ck_assert_uint_eq(view(0).keys, 3);
    ck_assert_uint_eq(view(0).keys_cooling, 0);
}
END_TEST

START_TEST(test_a_refused_key_cools_down)
{
    use(KEYS);
    expect(0, SCHED_GRANTED);
    release(&t[0], OUTCOME_KEY); /* k0 */
    ck_assert_uint_eq(view(0).keys_cooling, 1);
    for (int i = 0; i < 4; i++) {
        expect(0, SCHED_GRANTED);
        ck_assert_uint_ne(t[0].lease.key_index, 0);
        release(&t[0], OUTCOME_SUCCESS);
    }
    for (int i = 0; i < 2; i++) {
        expect(0, SCHED_GRANTED);
        release(&t[0], OUTCOME_KEY);
    }
    ck_assert_uint_eq(view(0).keys_cooling, 3);
    expect(0, SCHED_GRANTED);                   /* nobody else is there: the upstream's refusal tells more than ours */
    ck_assert_uint_eq(t[0].lease.key_index, 0); /* the one that was refused first */
    release(&t[0], OUTCOME_NEUTRAL);
    use(KEYS "- {name: b, " AT ", tier: backup}\n");
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "b");
    release(&t[0], OUTCOME_SUCCESS);
    pass(60 * USEC_PER_SEC);
    ck_assert_uint_eq(view(0).keys_cooling, 0);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "a");
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

static void refuse_key(bool forbidden)
{
    expect(0, SCHED_GRANTED);
    release_result(&t[0], (struct result){.outcome = OUTCOME_KEY, .forbidden = forbidden});
}

/* A minute at first, twice as long each time, half an hour at most; and a minute again once it has been good. */
START_TEST(test_refusals_in_a_row_last_longer)
{
    static const usec_t minutes[] = {1, 2, 4, 8, 16, 30, 30, 1, 2};
    use("- {name: a, " AT ", api_key: k}\n");
    for (int i = 0; i < COUNT(minutes); i++) {
        if (i == 7) {
            expect(0, SCHED_GRANTED);
            release(&t[0], OUTCOME_SUCCESS);
        }
        refuse_key(false);
        pass(minutes[i] * 60 * USEC_PER_SEC - 1);
        ck_assert_uint_eq(view(0).keys_cooling, 1);
        pass(1);
        ck_assert_uint_eq(view(0).keys_cooling, 0);
    }
}
END_TEST

/* For a minute a key that has been good is good, whatever it is that it may not ask for. */
START_TEST(test_what_is_forbidden_refuses_no_good_key)
{
    use("- {name: a, " AT ", api_key: k}\n");
    expect(0, SCHED_GRANTED);
    release(&t[0], OUTCOME_SUCCESS);
    pass(60 * USEC_PER_SEC - 1);
    refuse_key(true);
    ck_assert_uint_eq(view(0).keys_cooling, 0);
    pass(1);
    refuse_key(true);
    ck_assert_uint_eq(view(0).keys_cooling, 1);
}
END_TEST

START_TEST(test_a_quota_of_requests)
{
    const usec_t wall = 86400 * USEC_PER_SEC;
    use("- {name: a, " AT ", quota: {requests_per_minute: 2}}\n- {name: b, " AT ", tier: backup}\n");
    sched_upkeep(sched, now, wall);
    for (int i = 0; i < 3; i++) {
        expect(i, SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[i]), i < 2 ? "a" : "b");
        release(&t[i], OUTCOME_SUCCESS);
    }
    ck_assert_int_gt(view(0).spent_for, 0);
    ck_assert_int_le(view(0).spent_for, 61 * USEC_PER_SEC);
    ck_assert_uint_eq(view(0).today.requests, 2);
    now += 61 * USEC_PER_SEC;
    sched_upkeep(sched, now, wall + 61 * USEC_PER_SEC);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "a");
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_a_spent_day_is_told)
{
    const usec_t wall = 10 * 86400 * USEC_PER_SEC - 3600 * USEC_PER_SEC; /* an hour before midnight */
    use("- {name: a, " AT ", quota: {tokens_per_day: 100}}\n");
    sched_upkeep(sched, now, wall);
    expect(0, SCHED_GRANTED);
    release_result(&t[0],
                   (struct result){.outcome = OUTCOME_SUCCESS, .first_token = 1, .prompt = 60, .completion = 60});
    t[1].latest = now + 60 * USEC_PER_SEC;
    expect(1, SCHED_CLOSED);
    ck_assert_int_le(t[1].retry_after, 3600 * USEC_PER_SEC);
    ck_assert_int_gt(t[1].retry_after, 3590 * USEC_PER_SEC);
    struct quota_day today = sched_quota_today(sched, &pool->upstreams[0]);
    ck_assert_uint_eq(today.tokens, 120);
    now += 3601 * USEC_PER_SEC;
    sched_upkeep(sched, now, wall + 3601 * USEC_PER_SEC);
    t[1].latest = USEC_NEVER;
    expect(1, SCHED_GRANTED);
    release(&t[1], OUTCOME_SUCCESS);
    sched_restore_quota(sched, &pool->upstreams[0], &today); /* of yesterday */
    ck_assert_uint_eq(sched_quota_today(sched, &pool->upstreams[0]).tokens, 0);
}
END_TEST

TEST_MAIN_WITH("sched_limits", set_up, tear_down, test_a_part_is_kept_for_p0, test_p3_starts_below_a_part_of_the_limit,
               test_p3_starts_off_peak, test_an_account_has_one_cap, test_models_have_caps_of_their_own,
               test_back_pressure_lowers_the_limit, test_keys_take_turns, test_a_refused_key_cools_down,
               test_refusals_in_a_row_last_longer, test_what_is_forbidden_refuses_no_good_key, test_a_quota_of_requests,
               test_a_spent_day_is_told)
