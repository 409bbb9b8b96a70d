#include "sched_fixture.h"

/* ---- cancelling ---- */

START_TEST(test_cancel_in_every_state)
{
    struct pool *p = make_pool(ONE, NULL);
    sched_cancel(sched, &t[7]); /* never asked */
    ask(&t[0], p);
    sched_cancel(sched, &t[0]); /* granted at once: the lease is the asker's */
    ck_assert_str_eq(upstream_of(&t[0]), "a");
    ck_assert_int_eq(ask(&t[1], p), SCHED_WAITING);
    ck_assert_int_eq(ask(&t[2], p), SCHED_WAITING);
    ck_assert_int_eq(ask(&t[3], p), SCHED_WAITING);
    sched_cancel(sched, &t[1]); /* waiting */
    sched_cancel(sched, &t[1]); /* twice */
    ck_assert_uint_eq(waiting(p), 2);
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_int_eq(t[2].state, TICKET_GRANTED);
    sched_cancel(sched, &t[2]); /* granted, in the inbox: the next one gets the lease */
    ck_assert_ptr_null(t[2].lease.upstream);
    ck_assert_int_eq(t[2].state, TICKET_IDLE);
    ck_assert_int_eq(t[3].state, TICKET_GRANTED);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "3");
    release(&t[3], OUTCOME_SUCCESS);
    ck_assert_uint_eq(view(p, 0).in_flight, 0);
    for (int o = 0; o < OUTCOME_COUNT; o++) /* a cancelled ticket was no attempt */
        ck_assert_uint_eq(atomic_load(&p->upstreams[0].state->outcomes[o]), o == OUTCOME_SUCCESS ? 2 : 0);
    pool_unref(p);
}
END_TEST

START_TEST(test_a_cancelled_grant_leaves_an_empty_inbox)
{
    struct pool *p = make_pool(ONE, NULL);
    ask(&t[0], p), ask(&t[1], p);
    release(&t[0], OUTCOME_SUCCESS);
    sched_cancel(sched, &t[1]);
    run_turns(loop, 2);
    ck_assert_str_eq(delivered, "");
    ask(&t[0], p), ask(&t[1], p);
    release(&t[0], OUTCOME_SUCCESS); /* the inbox is woken again */
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "1");
    release(&t[1], OUTCOME_SUCCESS);
    pool_unref(p);
}
END_TEST

/* A callback may cancel a ticket that stands behind its own. */
static void cancel_next(struct ticket *ticket)
{
    on_granted(ticket);
    sched_cancel(sched, &t[2]);
}

START_TEST(test_cancel_from_a_callback)
{
    struct pool *p = make_pool(TWO, NULL);
    inbox.granted_one = cancel_next;
    ask(&t[0], p), ask(&t[3], p), ask(&t[1], p), ask(&t[2], p);
    release(&t[0], OUTCOME_SUCCESS);
    release(&t[3], OUTCOME_SUCCESS);
    ck_assert_int_eq(t[2].state, TICKET_GRANTED);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "1");
    ck_assert_ptr_null(t[2].lease.upstream);
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_uint_eq(view(p, 0).in_flight + view(p, 1).in_flight, 0);
    pool_unref(p);
}
END_TEST

/* ---- accounts and reloads ---- */

START_TEST(test_an_account_has_one_cap)
{
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', account: x, max_concurrency: 2}\n"
                               "- {name: b, base_url: 'http://127.0.0.1:2', account: x, max_concurrency: 3}\n",
                               NULL);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(ask(&t[i], p), SCHED_GRANTED);
    ck_assert_int_eq(ask(&t[3], p), SCHED_WAITING);
    ck_assert_uint_eq(view(p, 0).in_flight + view(p, 1).in_flight, 3);
    t[4].tried = 1;
    ck_assert_int_eq(ask(&t[4], p), SCHED_WAITING);
    for (int i = 0; i < 3; i++)
        release(&t[i], OUTCOME_SUCCESS);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "34");
    release(&t[3], OUTCOME_SUCCESS);
    release(&t[4], OUTCOME_SUCCESS);
    ck_assert_uint_eq(p->upstreams[0].account->wanted, 0);
    pool_unref(p);
}
END_TEST

/* Calls of the old pool count against the new pool's cap, and what is released there serves tickets here, and the other
 * way round. */
START_TEST(test_reload_with_tickets_waiting)
{
    struct pool *old = make_pool(ONE, NULL);
    ask(&t[0], old);
    ck_assert_int_eq(ask(&t[1], old), SCHED_WAITING);
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', max_concurrency: 2}\n", old);
    ck_assert_uint_eq(view(p, 0).in_flight, 1);
    ck_assert_int_eq(ask(&t[2], p), SCHED_GRANTED); /* the new cap is 2 */
    ck_assert_int_eq(ask(&t[3], p), SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS); /* one is in flight: too many for the old cap, not for the new one */
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "3");
    release(&t[2], OUTCOME_SUCCESS);
    release(&t[3], OUTCOME_SUCCESS);
    run_turns(loop, 1);
    ck_assert_str_eq(delivered, "31");
    ck_assert_ptr_eq(t[1].lease.upstream, &old->upstreams[0]);
    release(&t[1], OUTCOME_SUCCESS);
    pool_unref(old);
    ck_assert_uint_eq(view(p, 0).in_flight, 0);
    ck_assert_uint_eq(p->upstreams[0].account->wanted, 0);
    pool_unref(p);
}
END_TEST

/* Tickets of different models wait in different rows; who came first goes first all the same, and nobody bars another's
 * way. */
START_TEST(test_turns_across_rows)
{
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', max_concurrency: 1, models: {x: x, y: y}}\n"
                               "- {name: b, base_url: 'http://127.0.0.1:2', max_concurrency: 1, models: {z: z}}\n",
                               NULL);
    static const char models[] = "xzyxyz"; /* 0 and 1 are granted */
    for (int i = 0; i < 6; i++) {
        t[i] = (struct ticket){.row = pool_find_model(p, text_make(&models[i], 1)), .endpoint = chat, .inbox = &inbox};
        ck_assert_int_eq(sched_ask(sched, &t[i]), i < 2 ? SCHED_GRANTED : SCHED_WAITING);
    }
    for (int i = 0; i < 6; i++) {
        static const int order[] = {0, 2, 1, 3, 5, 4};
        release(&t[order[i]], OUTCOME_SUCCESS);
        run_turns(loop, 1);
    }
    ck_assert_str_eq(delivered, "2354");
    ck_assert_uint_eq(waiting(p), 0);
    pool_unref(p);
}
END_TEST

TEST_MAIN_WITH("sched_queue", set_up, tear_down, test_cancel_in_every_state,
               test_a_cancelled_grant_leaves_an_empty_inbox, test_cancel_from_a_callback, test_an_account_has_one_cap,
               test_reload_with_tickets_waiting, test_turns_across_rows)
