/* What can happen while a request waits for another try: turns, clients that leave, reloads, the end. */
#include "retry.h"

#define B_TAKES_ONE "upstreams:\n" UPSTREAM(a, ", weight: 9") UPSTREAM(b, ", max_concurrency: 1")

/* A client whose request has failed at a, while b is full; another one's is under way at b. */
static struct wire *fail_while_b_is_full(struct wire **other)
{
    begin(EXACTLY("") B_TAKES_ONE);
    struct wire *client;
    *other = NULL;
    while (!busy_wire(&b)) {
        *other = ask("");
        if (busy_wire(&a)) answer(&a, 200, good);
    }
    client = ask("");
    answer(&a, 503, busy);
    ck_assert_uint_eq(gateway_waiting(), 1);
    return client;
}

/* Waiting for one that has failed does not mean to miss the turn at one that was full. */
START_TEST(an_untried_upstream_that_becomes_free_takes_over)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    fake_run(200 * MS);
    ck_assert_ptr_null(busy_wire(&a));
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "busy");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "b");
    ck_assert_uint_eq(gateway_waiting(), 0);
    gateway_end();
}
END_TEST

/* Also when the config was read again before it failed. */
START_TEST(a_reload_before_the_failure_changes_nothing)
{
    static const char yaml[] = EXACTLY("") B_TAKES_ONE;
    struct wire *other = NULL;
    begin(yaml);
    while (!busy_wire(&b)) {
        other = ask("");
        if (busy_wire(&a)) answer(&a, 200, good);
    }
    struct wire *client = ask("");
    gateway_reload(yaml);
    answer(&a, 503, busy);
    ck_assert_uint_eq(gateway_waiting(), 1);
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Who loses its place in the queue while it backs off has lost nothing but that. */
START_TEST(a_queue_that_is_full_does_not_end_the_wait)
{
    begin(EXACTLY("") "queue: {max_waiting: 1}\nupstreams:\n" UPSTREAM(a, ", weight: 9, max_concurrency: 1")
              UPSTREAM(b, ", max_concurrency: 1"));
    struct wire *client = ask("X-Dsgate-Priority: P3\r\n");
    struct wire *at_a = upstream_take(busy_wire(&a));
    ask("");
    struct wire *at_b = upstream_take(busy_wire(&b));
    upstream_json(at_a, 503, busy);
    ck_assert_uint_eq(gateway_waiting(), 1);
    ask("X-Dsgate-Priority: P1\r\n"); /* a is free */
    at_a = upstream_take(busy_wire(&a));
    struct wire *urgent = ask("X-Dsgate-Priority: P1\r\n"); /* nobody is: it takes the client's place */
    ck_assert_uint_eq(gateway_waiting(), 1);
    ck_assert_uint_eq(wire_received(client).n, 0);
    upstream_json(at_b, 200, good);
    answer(&b, 200, good);
    ck_answer(urgent, 200, good);
    upstream_json(at_a, 200, good);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

START_TEST(an_untried_upstream_that_stays_full_is_not_waited_for)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    ck_asked_after(&a, 500 * MS);
    ck_assert_uint_eq(gateway_waiting(), 0);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "a");
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    gateway_end();
}
END_TEST

/* A breaker that opens meanwhile is waited for, where there is time. */
START_TEST(a_breaker_that_opens_is_waited_for)
{
    static const char hasty[] = EXACTLY("") "upstreams:\n" UPSTREAM(a, ", breaker: {failures: 1, open: 10s}");
    begin(hasty);
    struct wire *client = ask("");
    answer(&a, 500, busy);
    fake_run(7900 * MS); /* 10 s, give or take a fifth */
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(4200 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "error");
    gateway_end();
    begin(hasty);
    client = ask("X-Dsgate-Timeout: 3s\r\n");
    answer(&a, 500, busy);
    fake_run(500 * MS); /* when it would be asked it can't be */
    ck_answer(client, 500, busy);
    ck_attempts("1", "error");
    gateway_end();
}
END_TEST

START_TEST(a_client_that_leaves_is_not_retried_for)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    wire_close(client);
    fake_settle();
    ck_assert(wire_program_closed(client));
    fake_run(60 * USEC_PER_SEC);
    ck_assert_ptr_null(busy_wire(&a));
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_total"), 0);
    ck_assert_uint_eq(gateway_metric("dsgate_requests_in_flight"), 0);
    gateway_end();
}
END_TEST

START_TEST(a_client_that_leaves_the_queue_while_it_backs_off_leaves_nothing)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    wire_close(client);
    fake_settle();
    ck_assert_uint_eq(gateway_waiting(), 0);
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    ck_assert_ptr_null(busy_wire(&b));
    gateway_end();
}
END_TEST

START_TEST(a_reload_does_not_end_the_wait)
{
    for (int slow = 0; slow < 2; slow++) {
        begin(EXACTLY("") ALONE);
        struct wire *client = ask("");
        answer(&a, 503, busy);
        fake_run(200 * MS);
        if (slow)
            gateway_begin_reload(EXACTLY("") ALONE);
        else
            gateway_reload(EXACTLY("") ALONE);
        ck_asked_after(&a, 300 * MS);
        if (slow) gateway_end_reload();
        answer(&a, 200, good);
        ck_answer(client, 200, good);
        ck_attempts("2", "busy");
        gateway_end();
    }
}
END_TEST

/* What it began with counts to the end, and is not asked by anybody else any more. */
START_TEST(a_reload_that_takes_the_upstream_away_does_not_end_the_wait)
{
    struct wire *other, *client = fail_while_b_is_full(&other);
    gateway_reload(EXACTLY("") "upstreams:\n" UPSTREAM(c, ""));
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    answer(&b, 200, good);
    ck_answer(other, 200, good);
    gateway_end();
}
END_TEST

/* Streams and waits may go on while the gateway drains; its end is told. */
START_TEST(a_shutdown_lets_it_wait_and_then_ends_it)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    gateway_drain();
    ck_assert(!gateway_has_drained());
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    wire_close(client);
    fake_settle();
    ck_assert(gateway_has_drained());
    gateway_end();
    begin(EXACTLY("") ALONE);
    client = ask("");
    answer(&a, 503, busy);
    gateway_stop();
    ck_error(client, 503, "gateway_shutting_down");
    ck_attempts("1", "busy");
    gateway_end();
}
END_TEST

TEST_MAIN("retry_waits", an_untried_upstream_that_becomes_free_takes_over, a_reload_before_the_failure_changes_nothing,
          a_queue_that_is_full_does_not_end_the_wait, an_untried_upstream_that_stays_full_is_not_waited_for,
          a_breaker_that_opens_is_waited_for, a_client_that_leaves_is_not_retried_for,
          a_client_that_leaves_the_queue_while_it_backs_off_leaves_nothing, a_reload_does_not_end_the_wait,
          a_reload_that_takes_the_upstream_away_does_not_end_the_wait, a_shutdown_lets_it_wait_and_then_ends_it)
