/* Attempts that fail before the client has seen anything: who is asked next, when, how often, and when no more. */
#include "retry.h"

/* ---- who, and when ---- */

START_TEST(another_upstream_is_asked_at_once)
{
    begin(QUIET A_THEN_B);
    struct wire *client = ask("");
    usec_t asked = fake_now();
    answer(&a, 503, busy);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "busy");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "b");
    ck_assert_int_eq(fake_now(), asked);
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    ck_assert_uint_eq(gateway_attempts("b", "success"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_attempt_failures_total{reason=\"busy\"}"), 1);
    gateway_end();
}
END_TEST

/* Five attempts, and between them 500 ms, 1 s, 2 s and 4 s. Then the upstream has the last word. */
START_TEST(a_lone_upstream_is_given_time)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    for (usec_t wait = 500 * MS; wait <= 4000 * MS; wait *= 2) {
        answer(&a, 503, busy);
        ck_assert_uint_eq(wire_received(client).n, 0);
        ck_asked_after(&a, wait);
    }
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("5", "busy,busy,busy,busy,busy");
    ck_assert_str_eq(client_field("x-should-retry"), "false");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 5);
    ck_assert_uint_eq(gateway_metric("dsgate_retries_total"), 4);
    gateway_end();
}
END_TEST

START_TEST(a_lone_upstream_that_recovers_answers)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    reset(&a);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "reset");
    gateway_end();
}
END_TEST

START_TEST(base_factor_and_cap_are_the_routes)
{
    begin(EXACTLY(", base: 4s, factor: 1.5, cap: 7s") ALONE);
    struct wire *client = ask("");
    static const usec_t waits[] = {4000 * MS, 6000 * MS, 7000 * MS, 7000 * MS};
    for (int i = 0; i < COUNT(waits); i++) {
        answer(&a, 503, busy);
        ck_asked_after(&a, waits[i]);
    }
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Not all come back at once: some sooner and some later, and none by more than a fifth. */
START_TEST(waits_are_not_all_the_same)
{
    enum { CLIENTS = 32 };
    begin(QUIET "retries: {floor: 1000}\nupstreams:\n" UPSTREAM(a, PATIENT));
    for (int i = 0; i < CLIENTS; i++)
        ask("");
    while (busy_wire(&a))
        reset(&a);
    fake_run(399 * MS);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(101 * MS);
    unsigned sooner = gateway_in_flight("a");
    ck_assert_uint_gt(sooner, 0);
    ck_assert_uint_lt(sooner, CLIENTS);
    fake_run(101 * MS);
    ck_assert_uint_eq(gateway_in_flight("a"), CLIENTS);
    gateway_end();
}
END_TEST

/* With two upstreams each round asks both, without a wait between them. */
START_TEST(rounds_go_through_all_of_them)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    ck_asked_after(&a, 1000 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("5", "busy,busy,busy,busy");
    gateway_end();
}
END_TEST

START_TEST(attempts_are_counted)
{
    begin(QUIET ROUTE("retry: {attempts: 3, jitter: 0%}") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    fake_run(500 * MS);
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("3", "busy,busy,busy");
    ck_assert_uint_eq(a.dials + b.dials, 2);
    gateway_end();
}
END_TEST

/* ---- deadlines ---- */

/* Nobody is kept waiting for an attempt that would come too late. */
START_TEST(who_has_no_time_for_another_try_hears_it_at_once)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("X-Dsgate-Timeout: 500ms\r\n");
    usec_t asked = fake_now();
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_attempts("1", "busy");
    ck_assert_int_eq(fake_now(), asked);
    gateway_end();
}
END_TEST

START_TEST(who_has_time_for_another_try_gets_it)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("X-Dsgate-Timeout: 501ms\r\n");
    answer(&a, 503, busy);
    ck_asked_after(&a, 500 * MS);
    fake_run(MS);
    ck_answer(client, 503, busy);
    ck_attempts("2", "busy,deadline");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* ---- what is no fault of the upstream ---- */

START_TEST(what_one_does_not_know_another_may_know)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 404, busy);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "model");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* And it will not know it after a while: it is not asked again, and no retry is spent. */
START_TEST(what_nobody_knows_is_told_at_once)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 404, busy);
    answer(&b, 404, busy);
    ck_answer(client, 404, busy);
    ck_attempts("2", "model,model");
    gateway_end();
    begin(EXACTLY("") A_THEN_B);
    client = ask("");
    answer(&a, 404, busy);
    answer(&b, 503, busy);
    fake_run(USEC_PER_SEC);
    answer(&b, 200, good); /* which was only busy */
    ck_answer(client, 200, good);
    ck_attempts("3", "model,busy");
    gateway_end();
}
END_TEST

START_TEST(a_refused_key_goes_elsewhere)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 401, busy);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "key");
    ck_assert_uint_eq(gateway_attempts("a", "key"), 1);
    gateway_end();
}
END_TEST

/* An upstream with another key is asked with that one, at once. */
START_TEST(a_second_key_is_used_at_once)
{
    begin(EXACTLY("") "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-one, sk-two]}]\n");
    struct wire *client = ask("");
    usec_t asked = fake_now();
    ck_assert(has_received(busy_wire(&a), "Bearer sk-one\r\n"));
    answer(&a, 401, busy);
    ck_assert(has_received(busy_wire(&a), "Bearer sk-two\r\n"));
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "key");
    ck_assert_int_eq(fake_now(), asked);
    gateway_end();
}
END_TEST

START_TEST(each_key_is_used_once)
{
    begin(EXACTLY("") "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-one, sk-two]}]\n");
    struct wire *client = ask("");
    answer(&a, 401, busy);
    answer(&a, 401, busy);
    ck_answer(client, 401, busy);
    ck_attempts("2", "key,key");
    client = ask(""); /* both rest: what one of them is told now is for the client */
    answer(&a, 401, busy);
    ck_answer(client, 401, busy);
    ck_attempts("1", "key");
    gateway_end();
}
END_TEST

/* It may be what the model has to say: so one more is asked, and what it says counts. */
START_TEST(an_empty_answer_is_doubted_once)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 200, empty);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "empty_content");
    client = ask("");
    answer(&a, 200, empty);
    answer(&b, 200, empty);
    ck_answer(client, 200, empty);
    ck_attempts("2", "empty_content");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 2);
    ck_assert_uint_eq(gateway_attempts("b", "success"), 2);
    gateway_end();
}
END_TEST

START_TEST(an_empty_answer_may_be_believed_at_once)
{
    begin(EXACTLY(", empty: 0") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 200, empty);
    ck_answer(client, 200, empty);
    ck_attempts("1", "");
    gateway_end();
}
END_TEST

/* With nobody else the same one is asked again, after a while; and when nothing comes of it, it was an answer. */
START_TEST(an_empty_answer_is_an_answer_in_the_end)
{
    begin(EXACTLY("") ALONE);
    struct wire *client = ask("");
    char *bytes =
        mem_printf("HTTP/1.1 200 X\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(empty), empty);
    wire_send(upstream_take(busy_wire(&a)), text_of(bytes));
    fake_settle();
    mem_free(bytes);
    for (usec_t wait = 500 * MS; wait <= 4000 * MS; wait *= 2) {
        ck_asked_after(&a, wait);
        reset(&a);
    }
    ck_answer(client, 200, empty);
    ck_attempts("5", "empty_content,reset,reset,reset,reset");
    gateway_end();
}
END_TEST

/* The same of a stream that says nothing but its role and its end. */
START_TEST(an_empty_stream_is_doubted_once)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask_stream("");
    for (int i = 0; i < 2; i++) {
        struct wire *w = upstream_take(busy_wire(i ? &b : &a));
        upstream_stream_head(w);
        upstream_chunk(w, delta_of("1", "{\"role\":\"assistant\",\"content\":\"\"}"));
        ck_assert_uint_eq(wire_received(client).n, 0);
        upstream_stream_finish(w);
    }
    char *expected =
        mem_printf("%s%s%s", delta_of("1", "{\"role\":\"assistant\",\"content\":\"\"}"), finish_event, done_event);
    ck_answer(client, 200, expected);
    ck_attempts("2", "empty_content");
    mem_free(expected);
    gateway_end();
}
END_TEST

/* An error that is encoded, though nobody has asked for that, is one by its status. */
START_TEST(an_error_that_cannot_be_read_goes_elsewhere)
{
    begin(QUIET A_THEN_B);
    struct wire *client = ask("");
    say_busy(&a, "Content-Encoding: gzip\r\n");
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("2", "busy");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    gateway_end();
}
END_TEST

/* It would say the same again, for longer than anybody waits. */
START_TEST(what_does_not_pass_is_told_at_once)
{
    static const unsigned statuses[] = {401, 402, 403, 404};
    for (size_t i = 0; i < COUNT(statuses); i++) {
        begin(EXACTLY("") ALONE);
        struct wire *client = ask("");
        answer(&a, statuses[i], busy);
        ck_answer(client, statuses[i], busy);
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
        gateway_end();
    }
}
END_TEST

/* … unless somebody else may have recovered by then. */
START_TEST(a_refusal_does_not_keep_from_asking_who_was_busy)
{
    begin(EXACTLY("") A_THEN_B);
    struct wire *client = ask("");
    answer(&a, 503, busy);
    answer(&b, 401, busy);
    ck_asked_after(&a, 500 * MS);
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_attempts("3", "busy,key");
    gateway_end();
}
END_TEST

TEST_MAIN("retry", another_upstream_is_asked_at_once, a_lone_upstream_is_given_time,
          a_lone_upstream_that_recovers_answers, base_factor_and_cap_are_the_routes, waits_are_not_all_the_same,
          rounds_go_through_all_of_them, attempts_are_counted, who_has_no_time_for_another_try_hears_it_at_once,
          who_has_time_for_another_try_gets_it, what_one_does_not_know_another_may_know,
          what_nobody_knows_is_told_at_once, a_refused_key_goes_elsewhere, a_second_key_is_used_at_once,
          each_key_is_used_once, an_empty_answer_is_doubted_once, an_empty_answer_may_be_believed_at_once,
          an_empty_answer_is_an_answer_in_the_end, an_empty_stream_is_doubted_once,
          an_error_that_cannot_be_read_goes_elsewhere, what_does_not_pass_is_told_at_once,
          a_refusal_does_not_keep_from_asking_who_was_busy)
