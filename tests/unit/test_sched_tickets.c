/* What becomes of tickets: taken back in every state, met by a reload, seen by operators. */
#include "sched_fixture.h"

/* ---- cancelling ---- */

START_TEST(test_cancel_in_every_state)
{
    use(ONE);
    sched_cancel(sched, &t[7], now); /* never asked */
    expect(0, SCHED_GRANTED);
    sched_cancel(sched, &t[0], now); /* granted at once: the lease is the asker's */
    ck_assert_str_eq(upstream_of(&t[0]), "a");
    expect(1, SCHED_WAITING);
    expect(2, SCHED_WAITING);
    expect(3, SCHED_WAITING);
    sched_cancel(sched, &t[1], now); /* waiting */
    sched_cancel(sched, &t[1], now); /* twice */
    ck_assert_uint_eq(waiting(), 2);
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_int_eq(t[2].state, TICKET_SETTLED);
    sched_cancel(sched, &t[2], now); /* granted, in the inbox: the next one gets the lease */
    ck_assert_ptr_null(t[2].lease.upstream);
    ck_assert_int_eq(t[2].state, TICKET_IDLE);
    ck_assert_int_eq(t[3].state, TICKET_SETTLED);
    ck_assert_str_eq(deliveries(), "d");
    release(&t[3], OUTCOME_SUCCESS);
    ck_assert_uint_eq(view(0).in_flight, 0);
    for (int o = 0; o < OUTCOME_COUNT; o++) /* a cancelled ticket was no attempt */
        ck_assert_uint_eq(atomic_load(&pool->upstreams[0].state->outcomes[o]), o == OUTCOME_SUCCESS ? 2 : 0);
}
END_TEST

START_TEST(test_cancel_of_a_refusal_in_the_inbox)
{
    use(ONE "queue: {max_waiting: 1}\n");
    expect(0, SCHED_GRANTED);
    ck_assert_int_eq(ask_as(&t[1], PRIORITY_P3), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[2], PRIORITY_P1), SCHED_WAITING);
    ck_assert_int_eq(t[1].state, TICKET_SETTLED);
    sched_cancel(sched, &t[1], now);
    ck_assert_int_eq(t[1].state, TICKET_IDLE);
    ck_assert_str_eq(deliveries(), "");
    sched_cancel(sched, &t[2], now);
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

START_TEST(test_a_cancelled_grant_leaves_an_empty_inbox)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS);
    sched_cancel(sched, &t[1], now);
    run_turns(loop, 1);
    ck_assert_str_eq(deliveries(), "");
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS); /* the inbox is woken again */
    ck_assert_str_eq(deliveries(), "b");
    release(&t[1], OUTCOME_SUCCESS);
}
END_TEST

/* A callback may cancel a ticket that stands behind its own. */
static void cancel_next(struct ticket *ticket)
{
    on_settled(ticket);
    sched_cancel(sched, &t[2], now);
}

START_TEST(test_cancel_from_a_callback)
{
    use(TWO);
    inbox.settled_one = cancel_next;
    expect(0, SCHED_GRANTED);
    expect(3, SCHED_GRANTED);
    expect(1, SCHED_WAITING);
    expect(2, SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS);
    release(&t[3], OUTCOME_SUCCESS);
    ck_assert_int_eq(t[2].state, TICKET_SETTLED);
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_ptr_null(t[2].lease.upstream);
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_uint_eq(view(0).in_flight + view(1).in_flight, 0);
}
END_TEST

/* ---- reloads ---- */

/* Calls of the old pool count against the new pool's cap, and who waits is asked to come to the new one. */
START_TEST(test_reload_with_tickets_waiting)
{
    struct pool *old = use(ONE);
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_WAITING);
    expect(2, SCHED_WAITING);
    usec_t asked = now;
    now += USEC_PER_SEC;
    use("- {name: a, " AT ", max_concurrency: 2}\n");
    ck_assert_str_eq(deliveries(), "BC");
    ck_assert_int_eq(t[1].answer, SCHED_MOVED);
    ck_assert_uint_eq(view(0).in_flight, 1);
    ck_assert_uint_eq(waiting(), 0);
    for (int i = 1; i < 3; i++) {
        t[i].row = &pool->all;
        ck_assert_int_eq(sched_ask(sched, &t[i], now), i == 1 ? SCHED_GRANTED : SCHED_WAITING); /* the new cap is 2 */
        ck_assert_int_eq(t[i].asked, asked);
    }
    ck_assert_ptr_eq(t[1].lease.upstream, &pool->upstreams[0]);
    ck_assert_ptr_eq(t[0].lease.upstream, &old->upstreams[0]);
    release(&t[0], OUTCOME_SUCCESS); /* given back in the old pool, it serves the new one */
    ck_assert_str_eq(deliveries(), "c");
    release_range(1, 3);
    ck_assert_uint_eq(view(0).in_flight, 0);
}
END_TEST

/* Requests go on in the pool they began with when it is the only one that has their model. */
START_TEST(test_waiting_in_an_old_pool)
{
    struct pool *old = use(ONE);
    expect(0, SCHED_GRANTED);
    use(ONE);
    ck_assert_int_eq(ask_row(&t[1], &old->all), SCHED_MOVED);
    ck_assert_int_eq(t[1].state, TICKET_IDLE);
    t[1].stays = true;
    ck_assert_int_eq(sched_ask(sched, &t[1], now), SCHED_WAITING);
    expect(2, SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "b");
    ck_assert_ptr_eq(t[1].lease.upstream, &old->upstreams[0]);
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "c");
    release(&t[2], OUTCOME_SUCCESS);
}
END_TEST

/* ---- looking ---- */

START_TEST(test_waiting_tickets_can_be_seen)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    static const char *const labels[] = {"", "first", "second", "urgent"};
    for (int i = 1; i < 4; i++) {
        t[i].label = labels[i];
        ck_assert_int_eq(ask_as(&t[i], i == 3 ? PRIORITY_P0 : PRIORITY_P2), SCHED_WAITING);
    }
    now += 7 * USEC_PER_MS;
    struct sched_ticket_view seen[4];
    ck_assert_uint_eq(sched_list_waiting(sched, now, seen, 4), 3);
    ck_assert_str_eq(seen[0].label, "urgent");
    ck_assert_int_eq(seen[0].priority, PRIORITY_P0);
    ck_assert_uint_eq(seen[0].position, 1);
    ck_assert_uint_eq(sched_list_waiting(sched, now, seen, 2), 2);
    ck_assert(sched_find_waiting(sched, TEXT("second"), now, seen));
    ck_assert_str_eq(seen[0].label, "second");
    ck_assert_str_eq(seen[0].model, "*");
    ck_assert_int_eq(seen[0].waited, 7 * USEC_PER_MS);
    ck_assert(!seen[0].late);
    ck_assert(!sched_find_waiting(sched, TEXT("third"), now, seen));
    ck_assert_int_eq(queue().classes[PRIORITY_P2].oldest, 7 * USEC_PER_MS);
    cancel_range(1, 4);
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

TEST_MAIN_WITH("sched_tickets", set_up, tear_down, test_cancel_in_every_state, test_cancel_of_a_refusal_in_the_inbox,
               test_a_cancelled_grant_leaves_an_empty_inbox, test_cancel_from_a_callback,
               test_reload_with_tickets_waiting, test_waiting_in_an_old_pool, test_waiting_tickets_can_be_seen)
