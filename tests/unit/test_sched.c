#include "sched_fixture.h"

/* ---- granting ---- */

START_TEST(test_grants_by_weight)
{
    struct pool *p = make_pool(FREE, NULL);
    static const char *const order[] = {"a", "b", "a", "a", "b", "a"};
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(ask(&t[i], p), SCHED_GRANTED);
        ck_assert_str_eq(upstream_of(&t[i]), order[i]);
    }
    ck_assert_uint_eq(view(p, 0).in_flight, 4);
    ck_assert_uint_eq(view(p, 1).in_flight, 2);
    for (int i = 0; i < 6; i++) {
        release(&t[i], OUTCOME_SUCCESS);
        ck_assert_ptr_null(t[i].lease.upstream);
    }
    ck_assert_uint_eq(view(p, 0).in_flight, 0);
    ck_assert_uint_eq(atomic_load(&p->upstreams[0].state->outcomes[OUTCOME_SUCCESS]), 4);
    ck_assert_uint_eq(atomic_load(&p->upstreams[1].state->outcomes[OUTCOME_SUCCESS]), 2);
    release(&t[0], OUTCOME_FAULT); /* twice is harmless */
    ck_assert_uint_eq(atomic_load(&p->upstreams[0].state->outcomes[OUTCOME_FAULT]), 0);
    pool_unref(p);
}
END_TEST

START_TEST(test_the_lease_tells_the_model)
{
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', models: {chat: flash}}\n", NULL);
    t[0] = (struct ticket){.row = pool_find_model(p, TEXT("chat")), .endpoint = chat, .inbox = &inbox};
    ck_assert_int_eq(sched_ask(sched, &t[0]), SCHED_GRANTED);
    ck_assert_str_eq(t[0].lease.model->name, "flash");
    release(&t[0], OUTCOME_SUCCESS);
    pool_unref(p);
}
END_TEST

START_TEST(test_cap_and_first_come_first_served)
{
    struct pool *p = make_pool(TWO, NULL);
    ck_assert_int_eq(ask(&t[0], p), SCHED_GRANTED);
    ck_assert_int_eq(ask(&t[1], p), SCHED_GRANTED);
    for (int i = 2; i < 6; i++) {
        ck_assert_int_eq(ask(&t[i], p), SCHED_WAITING);
        ck_assert_int_eq(t[i].state, TICKET_WAITING);
    }
    ck_assert_uint_eq(waiting(p), 4);
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_uint_eq(waiting(p), 3);
    ck_assert_int_eq(t[2].state, TICKET_GRANTED);
    ck_assert_str_eq(upstream_of(&t[2]), "b");
    ck_assert_str_eq(delivered, "");
    release(&t[0], OUTCOME_SUCCESS);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "23");
    release(&t[3], OUTCOME_NEUTRAL);
    release(&t[2], OUTCOME_BUSY);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "2345");
    release(&t[4], OUTCOME_SUCCESS);
    release(&t[5], OUTCOME_SUCCESS);
    ck_assert_uint_eq(view(p, 0).in_flight + view(p, 1).in_flight + waiting(p), 0);
    pool_unref(p);
}
END_TEST

START_TEST(test_full)
{
    struct pool *p = make_pool(ONE, NULL);
    sched_set_waiting_max(sched, 2);
    ck_assert_int_eq(ask(&t[0], p), SCHED_GRANTED);
    ck_assert_int_eq(ask(&t[1], p), SCHED_WAITING);
    ck_assert_int_eq(ask(&t[2], p), SCHED_WAITING);
    ck_assert_int_eq(ask(&t[3], p), SCHED_FULL);
    ck_assert_int_eq(t[3].state, TICKET_IDLE);
    sched_cancel(sched, &t[1]);
    ck_assert_int_eq(ask(&t[3], p), SCHED_WAITING);
    sched_set_waiting_max(sched, 0);
    ck_assert_int_eq(ask(&t[4], p), SCHED_FULL);
    sched_cancel(sched, &t[2]);
    sched_cancel(sched, &t[3]);
    release(&t[0], OUTCOME_SUCCESS);
    pool_unref(p);
}
END_TEST

/* ---- who may get what ---- */

START_TEST(test_tried_upstreams_are_left_out)
{
    struct pool *p = make_pool(TWO, NULL);
    t[0].tried = 1;
    ck_assert_int_eq(ask(&t[0], p), SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "b");
    t[1].tried = 1;
    ck_assert_int_eq(ask(&t[1], p), SCHED_WAITING); /* for b, although a is free */
    t[2].tried = 3;
    ck_assert_int_eq(ask(&t[2], p), SCHED_NONE);
    ck_assert_int_eq(ask(&t[3], p), SCHED_GRANTED); /* passes t[1] by */
    ck_assert_str_eq(upstream_of(&t[3]), "a");
    release(&t[3], OUTCOME_SUCCESS);
    ck_assert_int_eq(t[1].state, TICKET_WAITING);
    release(&t[0], OUTCOME_SUCCESS);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "1");
    ck_assert_str_eq(upstream_of(&t[1]), "b");
    release(&t[1], OUTCOME_SUCCESS);
    pool_unref(p);
}
END_TEST

START_TEST(test_tickets_that_cannot_be_served_are_passed_over)
{
    struct pool *p = make_pool(TWO, NULL);
    ask(&t[0], p), ask(&t[1], p);
    t[2].tried = 1; /* only b */
    t[3].tried = 2; /* only a */
    ck_assert_int_eq(ask(&t[2], p), SCHED_WAITING);
    ck_assert_int_eq(ask(&t[3], p), SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS); /* a */
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "3");
    release(&t[1], OUTCOME_SUCCESS); /* b */
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "32");
    release(&t[2], OUTCOME_SUCCESS);
    release(&t[3], OUTCOME_SUCCESS);
    pool_unref(p);
}
END_TEST

START_TEST(test_roots)
{
    struct pool *p = make_pool("- {name: plain, base_url: 'http://127.0.0.1:1', weight: 100}\n"
                               "- {name: rich, base_url: 'http://127.0.0.1:2', beta_path: /beta}\n",
                               NULL);
    static const struct {
        const char *path;
        enum sched_answer answer;
        const char *upstream;
    } rows[] = {{"/v1/chat/completions", SCHED_GRANTED, "plain"},
                {"/beta/completions", SCHED_GRANTED, "rich"},
                {"/user/balance", SCHED_NONE, "none"}};
    for (size_t i = 0; i < 3; i++) {
        t[i] = (struct ticket){.row = &p->all, .endpoint = endpoint_find(text_of(rows[i].path)), .inbox = &inbox};
        ck_assert_int_eq(sched_ask(sched, &t[i]), rows[i].answer);
        ck_assert_str_eq(upstream_of(&t[i]), rows[i].upstream);
        release(&t[i], OUTCOME_SUCCESS);
    }
    pool_unref(p);
}
END_TEST

/* What lives in one upstream is always looked for there: in the first. */
START_TEST(test_stateful_endpoints_stay_with_the_first_upstream)
{
    struct pool *p = make_pool(TWO, NULL);
    chat = endpoint_find(TEXT("/v1/files"));
    ck_assert(!chat->any_upstream);
    take_down(p, 0);
    ck_assert_int_eq(ask(&t[0], p), SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[0]), "a");
    ck_assert_int_eq(ask(&t[1], p), SCHED_WAITING);
    t[2].tried = 1;
    ck_assert_int_eq(ask(&t[2], p), SCHED_NONE);
    release(&t[0], OUTCOME_SUCCESS);
    run_turns(loop, 1);
    ck_assert_str_eq(upstream_of(&t[1]), "a");
    release(&t[1], OUTCOME_SUCCESS);
    pool_unref(p);
}
END_TEST

START_TEST(test_empty_row)
{
    struct pool *p = make_pool(ONE, NULL);
    struct model_row none = {.name = "none"};
    t[0] = (struct ticket){.row = &none, .endpoint = chat, .inbox = &inbox};
    ck_assert_int_eq(sched_ask(sched, &t[0]), SCHED_NONE);
    pool_unref(p);
}
END_TEST

/* ---- health ---- */

START_TEST(test_down_upstreams_get_nothing_unless_all_are_down)
{
    struct pool *p = make_pool(FREE, NULL);
    take_down(p, 0);
    ck_assert(view(p, 0).down);
    ck_assert_int_eq(view(p, 0).probe_due, 1 + 10 * USEC_PER_SEC); /* by the config's interval */
    ck_assert_int_eq(view(p, 1).probe_due, USEC_NEVER);
    for (int i = 0; i < 3; i++) {
        ask(&t[i], p);
        ck_assert_str_eq(upstream_of(&t[i]), "b");
    }
    t[3].tried = 2;
    ck_assert_int_eq(ask(&t[3], p), SCHED_GRANTED); /* only the one that is down is left */
    ck_assert_str_eq(upstream_of(&t[3]), "a");
    take_down(p, 1);
    ck_assert_int_eq(ask(&t[4], p), SCHED_GRANTED);
    ck_assert_str_eq(upstream_of(&t[4]), "a");
    for (int i = 0; i < 5; i++)
        release(&t[i], OUTCOME_NEUTRAL);
    pool_unref(p);
}
END_TEST

START_TEST(test_results_take_upstreams_down_and_up)
{
    struct pool *p =
        make_pool("- {name: a, base_url: 'http://127.0.0.1:1', health: {down_after: 2, up_after: 2}}\n", NULL);
    static const struct {
        enum outcome outcome;
        bool down;
    } rows[] = {{OUTCOME_FAULT, false},  {OUTCOME_BUSY, false}, {OUTCOME_FAULT, true},   {OUTCOME_SUCCESS, true},
                {OUTCOME_NEUTRAL, true}, {OUTCOME_FAULT, true}, {OUTCOME_SUCCESS, true}, {OUTCOME_SUCCESS, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(ask(&t[0], p), SCHED_GRANTED);
        release(&t[0], rows[i].outcome);
        ck_assert_int_eq(view(p, 0).down, rows[i].down);
    }
    pool_unref(p);
}
END_TEST

START_TEST(test_coming_up_serves_all_who_can_go_there)
{
    struct pool *p = make_pool(ONE "- {name: b, base_url: 'http://127.0.0.1:2', max_concurrency: 2}\n", NULL);
    take_down(p, 1);
    ask(&t[0], p);
    for (int i = 1; i < 5; i++)
        ck_assert_int_eq(ask(&t[i], p), SCHED_WAITING);
    bring_up(p, 1);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "12");
    ck_assert_uint_eq(waiting(p), 2);
    sched_cancel(sched, &t[3]);
    sched_cancel(sched, &t[4]);
    for (int i = 0; i < 3; i++)
        release(&t[i], OUTCOME_SUCCESS);
    pool_unref(p);
}
END_TEST

/* a is full, b is down: the ticket waits for a; when a goes down too, b is as good as a. */
START_TEST(test_going_down_can_serve_too)
{
    struct pool *p = make_pool(TWO, NULL);
    take_down(p, 1);
    ask(&t[0], p);
    ck_assert_int_eq(ask(&t[1], p), SCHED_WAITING);
    take_down(p, 0);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "1");
    ck_assert_str_eq(upstream_of(&t[1]), "b");
    release(&t[0], OUTCOME_NEUTRAL);
    release(&t[1], OUTCOME_NEUTRAL);
    pool_unref(p);
}
END_TEST

TEST_MAIN_WITH("sched", set_up, tear_down, test_grants_by_weight, test_the_lease_tells_the_model,
               test_cap_and_first_come_first_served, test_full, test_tried_upstreams_are_left_out,
               test_tickets_that_cannot_be_served_are_passed_over, test_roots,
               test_stateful_endpoints_stay_with_the_first_upstream, test_empty_row,
               test_down_upstreams_get_nothing_unless_all_are_down, test_results_take_upstreams_down_and_up,
               test_coming_up_serves_all_who_can_go_there, test_going_down_can_serve_too)
