/* Who is next: the order of turns, and who is refused. */
#include "sched_fixture.h"

/* ---- order ---- */

/* All turns of one call at a time, in order; after the last one nobody holds a lease. */
static const char *turns_of(struct ticket *holder)
{
    static char order[TICKETS + 1];
    size_t n = 0;
    while (holder) {
        release(holder, OUTCOME_SUCCESS);
        const char *came = deliveries();
        ck_assert_uint_le(strlen(came), 1);
        if (*came) order[n++] = *came;
        holder = *came ? &t[*came - 'a'] : NULL;
    }
    order[n] = '\0';
    return order;
}

START_TEST(test_first_come_first_served)
{
    use(TWO);
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_GRANTED);
    for (int i = 2; i < 6; i++) {
        expect(i, SCHED_WAITING);
        ck_assert_int_eq(t[i].state, TICKET_WAITING);
    }
    ck_assert_uint_eq(waiting(), 4);
    release(&t[1], OUTCOME_SUCCESS);
    ck_assert_uint_eq(waiting(), 3);
    ck_assert_int_eq(t[2].state, TICKET_SETTLED);
    ck_assert_str_eq(upstream_of(&t[2]), "b");
    ck_assert_str_eq(delivered, ""); /* before the loop has had a turn */
    ck_assert_str_eq(deliveries(), "c");
    release(&t[0], OUTCOME_SUCCESS);
    ck_assert_str_eq(deliveries(), "d");
    release(&t[3], OUTCOME_NEUTRAL);
    release(&t[2], OUTCOME_NEUTRAL);
    ck_assert_str_eq(deliveries(), "ef");
    release_range(4, 6);
    ck_assert_uint_eq(view(0).in_flight + view(1).in_flight + waiting(), 0);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].queued, 4);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].granted, 6);
}
END_TEST

START_TEST(test_p0_goes_before_all)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    static const enum conf_priority classes[] = {0, PRIORITY_P3, PRIORITY_P2, PRIORITY_P1, PRIORITY_P0, PRIORITY_P0};
    for (int i = 1; i < 6; i++)
        ck_assert_int_eq(ask_as(&t[i], classes[i]), SCHED_WAITING);
    const char *order = turns_of(&t[0]);
    ck_assert_int_eq(order[0], 'e');
    ck_assert_int_eq(order[1], 'f');
    ck_assert_int_eq(order[2], 'd');
    ck_assert_uint_eq(strlen(order), 5);
}
END_TEST

START_TEST(test_p1_that_has_waited_too_long_goes_before_all_but_p0)
{
    use(ONE "queue: {classes: {P1: {max_wait: 500ms}, P2: {max_wait: 5s}}}\n");
    expect(0, SCHED_GRANTED);
    for (int i = 1; i < 9; i++)
        ck_assert_int_eq(ask_as(&t[i], i % 2 ? PRIORITY_P2 : PRIORITY_P1), SCHED_WAITING);
    now += 501 * USEC_PER_MS;
    ck_assert_int_eq(ask_as(&t[9], PRIORITY_P1), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[10], PRIORITY_P0), SCHED_WAITING);
    pass(0);
    ck_assert_uint_eq(queue().classes[PRIORITY_P1].late, 4);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].late, 0);
    const char *order = turns_of(&t[0]);
    ck_assert_int_eq(strncmp(order, "kcegi", 5), 0);
    ck_assert_int_eq(order[5], 'j');
}
END_TEST

/* Tickets of P1, P2 and P3, four each, of which each asks again as soon as it was served; who has how many turns. */
static void take_turns(int rounds, unsigned turns[static PRIORITY_COUNT])
{
    expect(0, SCHED_GRANTED);
    for (int i = 1; i < 13; i++)
        ck_assert_int_eq(ask_as(&t[i], PRIORITY_P1 + (unsigned)i % 3), SCHED_WAITING);
    struct ticket *holder = &t[0];
    for (int round = 0; round < rounds; round++) {
        pass(0);
        release(holder, OUTCOME_SUCCESS);
        if (holder != &t[0]) ck_assert_int_eq(ask(holder), SCHED_WAITING);
        holder = &t[deliveries()[0] - 'a'];
        turns[holder->priority]++;
    }
    cancel_range(0, TICKETS);
    release(holder, OUTCOME_SUCCESS);
}

/* Of 16 turns 15 are P1's; of the others three of four are P2's; the rest P3's. */
START_TEST(test_late_ones_of_lower_classes_get_a_part_of_the_turns)
{
    unsigned turns[PRIORITY_COUNT] = {0};
    use(ONE "queue: {classes: {P1: {max_wait: 24h}, P2: {max_wait: 0s}, P3: {max_wait: 0s}}}\n");
    take_turns(6400, turns);
    ck_assert_uint_eq(turns[PRIORITY_P1], 6000);
    ck_assert_uint_eq(turns[PRIORITY_P2], 300);
    ck_assert_uint_eq(turns[PRIORITY_P3], 100);
}
END_TEST

START_TEST(test_until_they_are_late_lower_classes_wait)
{
    unsigned turns[PRIORITY_COUNT] = {0};
    use(ONE "queue: {classes: {P3: {start_below: 100%}}}\n");
    take_turns(100, turns);
    ck_assert_uint_eq(turns[PRIORITY_P1], 100);
}
END_TEST

START_TEST(test_the_earliest_deadline_first)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    static const usec_t deadlines[] = {0, USEC_NEVER, 30, 10, USEC_NEVER, 20};
    for (int i = 1; i < 6; i++) {
        t[i].deadline = deadlines[i] == USEC_NEVER ? USEC_NEVER : now + deadlines[i] * USEC_PER_SEC;
        expect(i, SCHED_WAITING);
    }
    ck_assert_str_eq(turns_of(&t[0]), "dfcbe");
}
END_TEST

START_TEST(test_callers_take_turns_by_weight)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    for (int i = 1; i < 13; i++) { /* caller 1 came with all of its tickets before caller 2; it has weight 2 */
        t[i].caller = i < 7 ? 1 : 2;
        t[i].caller_weight = i < 7 ? 2 : 1;
        expect(i, SCHED_WAITING);
    }
    const char *order = turns_of(&t[0]);
    ck_assert_uint_eq(strlen(order), 12);
    for (int round = 0; round < 3; round++) {
        int first = 0;
        for (int i = 0; i < 3; i++)
            first += order[round * 3 + i] < 'h';
        ck_assert_int_eq(first, 2);
    }
}
END_TEST

/* Who gives up gives its caller time back, but those that come then stay behind those that are there. */
START_TEST(test_newcomers_do_not_overtake_their_own_caller)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    for (int i = 1; i < 9; i++)
        expect(i, SCHED_WAITING);
    cancel_range(1, 5);
    for (int i = 9; i < 12; i++)
        expect(i, SCHED_WAITING);
    ck_assert_str_eq(turns_of(&t[0]), "fghijkl");
}
END_TEST

/* Tickets of different models wait in different lines; who came first goes first all the same, and nobody bars
 * another's way. */
START_TEST(test_turns_across_lines)
{
    use("- {name: a, " AT ", max_concurrency: 1, models: {x: x, y: y}, account: one}\n"
        "- {name: b, " AT ", max_concurrency: 1, models: {z: z}}\n");
    static const char *const models[] = {"x", "z", "y", "x", "y", "z"}; /* 0 and 1 are granted */
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(ask_model(&t[i], models[i]), i < 2 ? SCHED_GRANTED : SCHED_WAITING);
    static const int order[] = {0, 2, 1, 3, 5, 4};
    char all[TICKETS + 1] = "";
    for (int i = 0; i < 6; i++) {
        release(&t[order[i]], OUTCOME_SUCCESS);
        strcat(all, deliveries());
    }
    ck_assert_str_eq(all, "cdfe");
    ck_assert_uint_eq(waiting(), 0);
}
END_TEST

START_TEST(test_tickets_that_cannot_be_served_are_passed_over)
{
    use(TWO);
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_GRANTED);
    upstream_set_add(&t[2].tried, 0); /* only b */
    upstream_set_add(&t[3].tried, 1); /* only a */
    expect(2, SCHED_WAITING);
    expect(3, SCHED_WAITING);
    release(&t[0], OUTCOME_SUCCESS); /* a */
    ck_assert_str_eq(deliveries(), "d");
    release(&t[1], OUTCOME_SUCCESS); /* b */
    ck_assert_str_eq(deliveries(), "c");
    release_range(2, 4);
}
END_TEST

/* ---- refusing ---- */

START_TEST(test_full)
{
    use(ONE "queue: {max_waiting: 2}\n");
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_WAITING);
    expect(2, SCHED_WAITING);
    expect(3, SCHED_FULL);
    ck_assert_int_eq(t[3].state, TICKET_IDLE);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].refused[SCHED_FULL], 1);
    sched_cancel(sched, &t[1], now);
    expect(3, SCHED_WAITING);
    use(ONE "queue: {max_waiting: 0}\n"); /* a reload */
    ck_assert_str_eq(deliveries(), "CD");
    expect(4, SCHED_FULL);
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

/* The last of the lowest class makes room for a higher one, and hears why. */
START_TEST(test_lower_classes_make_room)
{
    use(ONE "queue: {max_waiting: 3}\n");
    expect(0, SCHED_GRANTED);
    ck_assert_int_eq(ask_as(&t[1], PRIORITY_P3), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[2], PRIORITY_P3), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[3], PRIORITY_P2), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[4], PRIORITY_P3), SCHED_FULL);
    ck_assert_int_eq(ask_as(&t[5], PRIORITY_P2), SCHED_WAITING);
    ck_assert_str_eq(deliveries(), "C");
    ck_assert_int_eq(t[2].answer, SCHED_FULL);
    ck_assert_int_eq(ask_as(&t[6], PRIORITY_P1), SCHED_WAITING);
    ck_assert_str_eq(deliveries(), "B");
    ck_assert_int_eq(ask_as(&t[7], PRIORITY_P2), SCHED_FULL);
    ck_assert_int_eq(ask_as(&t[8], PRIORITY_P0), SCHED_WAITING);
    ck_assert_str_eq(deliveries(), "F"); /* the later one of the two P2 */
    ck_assert_uint_eq(waiting(), 3);
    ck_assert_uint_eq(queue().classes[PRIORITY_P3].refused[SCHED_FULL], 3);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].refused[SCHED_FULL], 2);
    ck_assert_str_eq(turns_of(&t[0]), "igd");
}
END_TEST

START_TEST(test_each_class_has_a_limit)
{
    use(ONE "queue: {max_waiting: 10, classes: {P2: {max_waiting: 1}}}\n");
    expect(0, SCHED_GRANTED);
    expect(1, SCHED_WAITING);
    expect(2, SCHED_FULL);
    ck_assert_int_eq(ask_as(&t[3], PRIORITY_P3), SCHED_WAITING);
    ck_assert_int_eq(ask_as(&t[4], PRIORITY_P1), SCHED_WAITING);
    sched_cancel(sched, &t[1], now);
    expect(2, SCHED_WAITING);
    cancel_range(2, 5);
    release(&t[0], OUTCOME_SUCCESS);
}
END_TEST

/* One turn a second; then who can wait for less than its turn is told at once, and when to come again. */
START_TEST(test_who_would_come_too_late_is_told_at_once)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    for (int i = 1; i < 16; i++)
        expect(i, SCHED_WAITING);
    struct ticket *holder = &t[0];
    for (int i = 1; i < 8; i++) {
        pass(USEC_PER_SEC);
        release(holder, OUTCOME_SUCCESS);
        holder = &t[deliveries()[0] - 'a'];
    }
    struct sched_queue_view seen = queue();
    ck_assert_double_eq_tol(seen.classes[PRIORITY_P2].rate, 1.0, 0.1);
    ck_assert_uint_eq(seen.classes[PRIORITY_P2].waiting, 8);
    ck_assert_int_ge(seen.classes[PRIORITY_P2].wait, 8 * USEC_PER_SEC);
    ck_assert_int_le(seen.classes[PRIORITY_P2].wait, 10 * USEC_PER_SEC);
    t[20].latest = now + 4 * USEC_PER_SEC;
    expect(20, SCHED_LATE);
    ck_assert_int_gt(t[20].retry_after, USEC_PER_SEC);
    ck_assert_int_le(t[20].retry_after, 10 * USEC_PER_SEC);
    ck_assert_uint_eq(queue().classes[PRIORITY_P2].refused[SCHED_LATE], 1);
    t[21].latest = now + 20 * USEC_PER_SEC;
    expect(21, SCHED_WAITING);
    cancel_range(0, TICKETS);
    release(holder, OUTCOME_SUCCESS);
}
END_TEST

/* The long queue of one caller does not make another one's turn late. */
START_TEST(test_lateness_is_the_callers_own)
{
    use(ONE);
    expect(0, SCHED_GRANTED);
    for (int i = 1; i < 24; i++)
        expect(i, SCHED_WAITING);
    struct ticket *holder = &t[0];
    for (int i = 1; i < 8; i++) {
        pass(USEC_PER_SEC);
        release(holder, OUTCOME_SUCCESS);
        holder = &t[deliveries()[0] - 'a'];
    }
    t[24].latest = t[25].latest = now + 4 * USEC_PER_SEC;
    expect(24, SCHED_LATE);
    t[25].caller = 1;
    expect(25, SCHED_WAITING);
    cancel_range(0, TICKETS);
    release(holder, OUTCOME_SUCCESS);
}
END_TEST

TEST_MAIN_WITH("sched_queue", set_up, tear_down, test_first_come_first_served, test_p0_goes_before_all,
               test_p1_that_has_waited_too_long_goes_before_all_but_p0,
               test_late_ones_of_lower_classes_get_a_part_of_the_turns, test_until_they_are_late_lower_classes_wait,
               test_the_earliest_deadline_first, test_callers_take_turns_by_weight,
               test_newcomers_do_not_overtake_their_own_caller, test_turns_across_lines,
               test_tickets_that_cannot_be_served_are_passed_over, test_full, test_lower_classes_make_room,
               test_each_class_has_a_limit, test_who_would_come_too_late_is_told_at_once,
               test_lateness_is_the_callers_own)
