/* Who gets what: the choice among the upstreams that could take a call. */
#include "sched_fixture.h"

/* ---- granting ---- */

START_TEST(test_grants_by_weight)
{
    use(FREE);
    static const char *const order[] = {"a", "b", "a", "a", "b", "a"};
    for (int i = 0; i < 6; i++) {
        expect(i, SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[i]), order[i]);
    }
    ck_assert_uint_eq(view(0).in_flight, 4);
    ck_assert_uint_eq(view(1).in_flight, 2);
    release_range(0, 6);
    ck_assert_ptr_null(t[0].lease.upstream);
    ck_assert_uint_eq(view(0).in_flight, 0);
    ck_assert_uint_eq(atomic_load(&pool->upstreams[0].state->outcomes[OUTCOME_SUCCESS]), 4);
    ck_assert_uint_eq(atomic_load(&pool->upstreams[1].state->outcomes[OUTCOME_SUCCESS]), 2);
    release(&t[0], OUTCOME_FAULT); /* twice is harmless */
    ck_assert_uint_eq(atomic_load(&pool->upstreams[0].state->outcomes[OUTCOME_FAULT]), 0);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].granted, 6);
    ck_assert_uint_eq(queue().picks[POLICY_WEIGHTED], 6);
}
END_TEST

START_TEST(test_the_lease_tells_the_model)
{
    use("- {name: a, " AT ", models: {chat: flash}}\n");
    ck_assert_int_eq(ask_model(&t[0], "chat"), SCHED_GRANTED);
    ck_assert_str_eq(t[0].lease.candidate->model->name, "flash");
    ck_assert_int_eq(t[0].lease.priority, PRIORITY_P2);
    ck_assert_int_eq(t[0].lease.began, now);
    ck_assert(!t[0].lease.trial);
    ck_assert_ptr_null(t[0].lease.key);
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_tried_upstreams_are_left_out)
{
    use(TWO);
    upstream_set_add(&t[0].tried, 0);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "b");
    upstream_set_add(&t[1].tried, 0);
    expect(1, SCHED_WAITING); /* for b, although a is free */
    upstream_set_add(&t[2].tried, 0);
    upstream_set_add(&t[2].tried, 1);
    expect(2, SCHED_NONE);
    expect(3, SCHED_GRANTED); /* passes t[1] by */
    ck_assert_str_eq(upstream_of(&t[3]), "a");
    release(&t[3], OUTCOME_SUCCESS);
    ck_assert_int_eq(t[1].state, TICKET_WAITING);
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_str_eq(upstream_of(&t[1]), "b");
    release(&t[1], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_roots)
{
    use("- {name: plain, " AT ", weight: 100}\n- {name: rich, " AT ", beta_path: /beta}\n");
    static const struct {
        const char *path;
        enum sched_answer answer;
        const char *upstream;
    } rows[] = {{"/v1/chat/completions", SCHED_GRANTED, "plain"},
                {"/beta/completions", SCHED_GRANTED, "rich"},
                {"/user/balance", SCHED_NONE, "none"}};
    for (int i = 0; i < COUNT(rows); i++) {
        t[i].endpoint = endpoint_find(text_of(rows[i].path));
        expect(i, rows[i].answer);
        ck_assert_str_eq(upstream_of(&t[i]), rows[i].upstream);
        release(&t[i], OUTCOME_SUCCESS);
    }
}
END_TEST

/* What lives in one upstream is always looked for there: in the first. */
START_TEST(test_stateful_endpoints_stay_with_the_first_upstream)
{
    use(TWO);
    for (int i = 0; i < 3; i++)
        t[i].endpoint = endpoint_find(TEXT("/v1/files"));
    ck_assert(!t[0].endpoint->any_upstream);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "a");
    expect(1, SCHED_WAITING);
    upstream_set_add(&t[2].tried, 0);
    expect(2, SCHED_NONE);
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_str_eq(upstream_of(&t[1]), "a");
    release(&t[1], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_empty_row)
{
    use(ONE);
    struct model_row none = {.name = "none", .pool = pool};
    ck_assert_int_eq(ask_row(&t[0], &none), SCHED_NONE);
}
END_TEST

/* ---- tiers, zones, canaries, weights ---- */

#define TIERS "- {name: p, " AT ", max_concurrency: 1}\n- {name: b, " AT ", max_concurrency: 1, tier: backup}\n"

START_TEST(test_backups_are_for_those_who_may_not_wait)
{
    use(TIERS "queue: {classes: {P1: {max_wait: 500ms}}}\n");
    ck_assert_int_eq(ask_as(&t[0], PRIORITY_P2), SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "p");
    ck_assert_int_eq(ask_as(&t[1], PRIORITY_P2), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[2], PRIORITY_P1), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[3], PRIORITY_P0), SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[3]), "b");
    release(&t[3], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "");
    pass(499 * USEC_PER_MS);
    ck_assert_str_eq(deliveries(), "");
    pass(2 * USEC_PER_MS);
    ck_assert_str_eq(deliveries(), "c");
    ck_assert_str_eq(upstream_of(&t[2]), "b");
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_str_eq(upstream_of(&t[1]), "p");
    release_range(1, 3);
}
END_TEST

START_TEST(test_backups_take_over_while_no_primary_is_open)
{
    use(TIERS);
    take_down(0);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "b");
    expect(1, SCHED_WAITING);
    bring_up(0);
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_str_eq(upstream_of(&t[1]), "p");
    release(&t[0], OUTCOME_SUCCESS); /* the backup is free, and nobody goes there any more */
    expect(2, SCHED_WAITING);
    sched_set_draining(sched, &pool->upstreams[0], true, now);
    ck_assert_str_eq(deliveries(), "c");
    ck_assert_str_eq(upstream_of(&t[2]), "b");
    release_range(1, 3);
}
END_TEST

START_TEST(test_backups_serve_whose_primaries_are_tried)
{
    use(TIERS);
    upstream_set_add(&t[0].tried, 0);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "b");
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

/* It joins when more than two wait, and leaves some time after nobody needs it. */
START_TEST(test_a_standby_joins_and_leaves)
{
    use("- {name: p, " AT ", max_concurrency: 1}\n"
        "- {name: s, " AT ", max_concurrency: 4, tier: standby, activate: {queue: 2}}\n");
    ck_assert(view(1).standing_by);
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_WAITING);
    expect(2, SCHED_WAITING);
    pass(20 * USEC_PER_MS);
    ck_assert_str_eq(deliveries(), "");
    expect(3, SCHED_WAITING);
    pass(20 * USEC_PER_MS);
    ck_assert_str_eq(deliveries(), "bcd");
    ck_assert(!view(1).standing_by);
    ck_assert_uint_eq(view(1).in_flight, 3);
    release_range(0, 4);
    sched_upkeep(sched, now, now);
    ck_assert(!view(1).standing_by); /* not at once */
    for (int second = 0; second < 600; second++) {
        now += USEC_PER_SEC;
        sched_upkeep(sched, now, now);
    }
    ck_assert(view(1).standing_by);
    expect(4, SCHED_GRANTED);
    expect(5, SCHED_WAITING);
    sched_cancel(sched, &t[5], now);
    release(&t[4], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_a_standby_serves_when_nobody_else_is_there)
{
    use("- {name: p, " AT "}\n- {name: s, " AT ", tier: standby, activate: {queue: 100}}\n");
    take_down(0);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "s");
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_the_own_zone_comes_first)
{
    use("- {name: far, " AT ", weight: 100, zone: west}\n- {name: near, " AT ", max_concurrency: 1, zone: east}\n"
        "zone: east\n");
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "near");
    expect(1, SCHED_GRANTED); /* near is full: far is better than waiting */
    ck_assert_str_eq(upstream_of(&t[1]), "far");
    release_range(0, 2);
}
END_TEST

START_TEST(test_a_canary_gets_its_share_whatever_the_weights)
{
    use("- {name: old, " AT ", weight: 1000}\n- {name: new, " AT ", weight: 1, canary: 10%}\n");
    for (int i = 0; i < 1000; i++) {
        expect(0, SCHED_GRANTED);
        release(&t[0], OUTCOME_SUCCESS);
    }
    ck_assert_uint_eq(atomic_load(&pool->upstreams[1].state->outcomes[OUTCOME_SUCCESS]), 100);
}
END_TEST

START_TEST(test_an_operator_sets_weights)
{
    use(FREE);
    sched_set_weight(sched, &pool->upstreams[1], 6, now);
    ck_assert_uint_eq(view(1).weight, 6);
    for (int i = 0; i < 400; i++) {
        expect(0, SCHED_GRANTED);
        release(&t[0], OUTCOME_SUCCESS);
    }
    ck_assert_uint_eq(atomic_load(&pool->upstreams[1].state->outcomes[OUTCOME_SUCCESS]), 300);
    sched_set_weight(sched, &pool->upstreams[1], 0, now);
    ck_assert_uint_eq(view(1).weight, 1);
}
END_TEST

START_TEST(test_draining)
{
    use(FREE);
    expect(0, SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "a");
    sched_set_draining(sched, &pool->upstreams[0], true, now);
    ck_assert(view(0).draining);
    for (int i = 1; i < 4; i++) {
        expect(i, SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[i]), "b");
    }
    use(FREE); /* a reload does not forget it */
    ck_assert(view(0).draining);
    ck_assert_uint_eq(view(0).in_flight, 1);
    sched_set_draining(sched, &pool->upstreams[0], false, now);
    ck_assert(!view(0).draining);
    release_range(0, 4);
}
END_TEST

/* ---- policies ---- */

START_TEST(test_policies)
{
    static const struct {
        enum conf_policy policy;
        const char *first, *second;
    } rows[] = {{POLICY_COST, "cheap", "cheap"}, {POLICY_LATENCY, "fast", "fast"}};
    use("- {name: slow, " AT ", models: {m: {name: m, price: {cache_hit: 1, cache_miss: 1, output: 1}}}}\n"
        "- {name: fast, " AT ", models: {m: {name: m, price: {cache_hit: 2, cache_miss: 2, output: 2}}}}\n"
        "- {name: cheap, " AT ", models: {m: {name: m, price: {cache_hit: 0.1, cache_miss: 0.1, output: 0.1}}}}\n");
    static const usec_t first_tokens[] = {900, 100, 500};
    for (unsigned i = 0; i < 3; i++) { /* each is tried once, so that its pace is known */
        for (unsigned k = 0; k < 3; k++)
            if (k != i) upstream_set_add(&t[i].tried, k);
        ck_assert_int_eq(ask_model(&t[i], "m"), SCHED_GRANTED);
        release_result(&t[i],
                       (struct result){.outcome = OUTCOME_SUCCESS, .first_token = first_tokens[i] * USEC_PER_MS});
    }
    for (int i = 0; i < COUNT(rows); i++) {
        t[5].policy = t[6].policy = rows[i].policy;
        ck_assert_int_eq(ask_model(&t[5], "m"), SCHED_GRANTED);
        ck_assert_int_eq(ask_model(&t[6], "m"), SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[5]), rows[i].first);
        ck_assert_str_eq(upstream_of(&t[6]), rows[i].second);
        release(&t[5], OUTCOME_NEUTRAL);
        release(&t[6], OUTCOME_NEUTRAL);
        ck_assert_uint_eq(queue().picks[rows[i].policy], 2);
    }
}
END_TEST

START_TEST(test_a_conversation_stays_where_it_is)
{
    use(FREE "- {name: c, " AT "}\n- {name: d, " AT "}\n");
    unsigned seen = 0;
    for (uint64_t conversation = 1; conversation <= 64; conversation++) {
        t[0].policy = POLICY_AFFINITY;
        t[0].conversation = conversation;
        expect(0, SCHED_GRANTED);
        unsigned index = t[0].lease.upstream->index;
        seen |= 1u << index;
        for (int again = 0; again < 3; again++) {
            release(&t[0], OUTCOME_SUCCESS);
            expect(0, SCHED_GRANTED);
            ck_assert_uint_eq(t[0].lease.upstream->index, index);
        }
        release(&t[0], OUTCOME_SUCCESS);
    }
    ck_assert_uint_eq(seen, 15);
}
END_TEST

TEST_MAIN_WITH("sched", set_up, tear_down, test_grants_by_weight, test_the_lease_tells_the_model,
               test_tried_upstreams_are_left_out, test_roots, test_stateful_endpoints_stay_with_the_first_upstream,
               test_empty_row, test_backups_are_for_those_who_may_not_wait,
               test_backups_take_over_while_no_primary_is_open, test_backups_serve_whose_primaries_are_tried,
               test_a_standby_joins_and_leaves, test_a_standby_serves_when_nobody_else_is_there,
               test_the_own_zone_comes_first, test_a_canary_gets_its_share_whatever_the_weights,
               test_an_operator_sets_weights, test_draining, test_policies, test_a_conversation_stays_where_it_is)
