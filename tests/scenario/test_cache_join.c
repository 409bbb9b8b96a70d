/* Identical calls at the same time cost one: who leads, who follows, and what becomes of each when the other leaves,
 * fails or is slow. */
#include "cache.h"

#define RULES(more) QUIET ROUTE("hedge: off, retry: {jitter: 0%}, cache: {mode: always}" more)
#define ONE         RULES("") ALONE
#define TWO         RULES("") A_THEN_B

START_TEST(a_late_one_gets_all_from_the_beginning)
{
    begin(ONE);
    struct wire *first = ask_stream("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    struct wire *second = ask_stream("");
    ck_assert_uint_eq(a.wire_count, 1);
    upstream_chunk(w, delta_text("1", "lo"));
    struct wire *third = ask_stream("");
    upstream_stream_finish(w);
    ck_given(first, "miss", STREAM("Hel", "lo"));
    ck_given(second, "joined", STREAM("Hel", "lo"));
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "0");
    ck_assert_str_eq(client_field("content-type"), "text/event-stream");
    ck_answer(third, 200, STREAM("Hel", "lo"));
    ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_requests_total{result=\"joined\"}"), 2);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_saved_tokens_total{kind=\"completion\"}"), 4);
    ck_given(ask_stream(""), "hit-memory", STREAM("Hel", "lo"));
    gateway_end();
}
END_TEST

/* Whoever it is that the token is for. */
START_TEST(first_tokens_are_counted_for_each)
{
    begin(ONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    fake_run(100 * MS);
    struct wire *w = begin_stream(&a, "1", "Hel");
    upstream_stream_finish(w);
    ck_given(first, "miss", STREAM("Hel"));
    ck_given(second, "joined", STREAM("Hel"));
    ck_assert_uint_eq(gateway_metric("dsgate_first_token_seconds_count"), 2);
    gateway_end();
}
END_TEST

/* Also one that joins before there is anything to get. */
START_TEST(an_early_one_gets_each_event_as_it_comes)
{
    begin(ONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    ck_assert(has_received(first, "Hel") && has_received(second, "Hel"));
    upstream_chunk(w, delta_text("1", "lo"));
    ck_assert(has_received(second, "lo"));
    upstream_stream_finish(w);
    ck_answer(second, 200, STREAM("Hel", "lo"));
    gateway_end();
}
END_TEST

START_TEST(plain_ones_join_too)
{
    begin(ONE);
    struct wire *first = ask("");
    struct wire *second = ask("");
    answer(&a, 200, hello);
    ck_given(first, "miss", hello);
    ck_given(second, "joined", hello);
    ck_assert_uint_eq(a.wire_count, 1);
    gateway_end();
}
END_TEST

/* The upstream does not hear of it, and the others miss nothing. */
START_TEST(who_leads_may_leave)
{
    begin(ONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    wire_reset(first);
    fake_settle();
    ck_assert(!wire_program_closed(w));
    upstream_chunk(w, delta_text("1", "lo"));
    upstream_stream_finish(w);
    ck_answer(second, 200, STREAM("Hel", "lo"));
    ck_answer(ask_stream(""), 200, STREAM("Hel", "lo"));
    ck_assert_uint_eq(calls(), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
    gateway_end();
}
END_TEST

/* … before it had its turn, too. */
START_TEST(who_leads_may_leave_the_queue)
{
    begin(RULES("") "upstreams:\n" UPSTREAM(a, ", max_concurrency: 1"));
    struct wire *other = gateway_connect();
    client_post_chat(other, ",\"n\":1");
    struct wire *w = upstream_take(busy_wire(&a));
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    wire_reset(first);
    fake_settle();
    ck_assert_uint_eq(gateway_waiting(), 1);
    upstream_json(w, 500, "{\"error\":{\"message\":\"x\"}}");
    begin_stream(&a, "1", "Hello");
    ck_assert(has_received(second, "Hello"));
    gateway_end();
}
END_TEST

/* When the last one has left, nobody wants the answer. */
START_TEST(when_all_have_left_the_upstream_hears_of_it)
{
    begin(ONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    wire_reset(first);
    fake_settle();
    wire_reset(second);
    fake_settle();
    ck_assert(wire_program_closed(w));
    ck_assert_uint_eq(gateway_in_flight("a"), 0);
    gateway_end();
}
END_TEST

START_TEST(who_follows_may_leave)
{
    begin(ONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    wire_reset(second);
    fake_settle();
    upstream_stream_finish(w);
    ck_answer(first, 200, STREAM("Hel"));
    gateway_end();
}
END_TEST

/* The lead's attempts are everybody's. */
START_TEST(a_retry_of_the_lead_serves_all)
{
    begin(TWO);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    answer(&a, 503, busy);
    struct wire *w = begin_stream(&b, "1", "Hello");
    upstream_stream_finish(w);
    ck_answer(first, 200, STREAM("Hello"));
    ck_answer(second, 200, STREAM("Hello"));
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    ck_assert_uint_eq(gateway_attempts("b", "success"), 1);
    gateway_end();
}
END_TEST

/* … and when they are used up they are everybody's, too. */
START_TEST(attempts_are_not_made_again_for_each)
{
    begin(QUIET ROUTE("retry: {attempts: 2, jitter: 0%}, hedge: off, cache: {mode: always}") A_THEN_B);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    ck_error(second, 503, "upstream_busy");
    ck_answer(first, 503, busy);
    ck_assert(!busy_wire(&a) && !busy_wire(&b));
    gateway_end();
}
END_TEST

/* … also where the upstream has said nothing that could be shown. */
START_TEST(a_connection_is_not_lost_again_by_each)
{
    begin(QUIET ROUTE("retry: {attempts: 1}, hedge: off, cache: {mode: always}") ALONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    upstream_close(upstream_take(busy_wire(&a)));
    ck_error(first, 502, "upstream_unreachable");
    ck_error(second, 502, "upstream_unreachable");
    ck_assert_uint_eq(a.dials, 1);
    gateway_end();
}
END_TEST

/* A client that is in a hurry gives up for itself alone. */
START_TEST(a_lead_without_patience_is_not_followed)
{
    begin(ONE);
    struct wire *first = ask_stream("X-Dsgate-Timeout: 1s\r\n");
    struct wire *second = ask_stream("");
    ck_assert_uint_eq(a.wire_count, 2);
    struct wire *third = ask_stream("X-Dsgate-Timeout: 1s\r\n");
    ck_assert_uint_eq(a.wire_count, 2);
    fake_run(1000 * MS);
    ck_error(first, 504, "deadline_exceeded");
    ck_error(third, 504, "deadline_exceeded");
    ck_assert_uint_eq(wire_received(second).n, 0);
    gateway_end();
}
END_TEST

START_TEST(a_mistake_of_the_clients_is_told_to_all)
{
    begin(TWO);
    static const char mistake[] = "{\"error\":{\"message\":\"messages is empty\",\"type\":\"invalid_request_error\"}}";
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    answer(&a, 400, mistake);
    ck_answer(first, 400, mistake);
    ck_answer(second, 400, mistake);
    ck_assert(!busy_wire(&a) && !busy_wire(&b));
    ask_stream(""); /* and not remembered */
    ck_assert(busy_wire(&a) || busy_wire(&b));
    gateway_end();
}
END_TEST

/* What has been given can't be taken back: each is told. */
START_TEST(a_stream_that_breaks_is_told_to_all)
{
    begin(QUIET ROUTE("continue: false, cache: {mode: always}") "upstreams:\n" UPSTREAM(a, ""));
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    upstream_close(w);
    for (unsigned i = 0; i < 2; i++) {
        struct wire *client = i ? second : first;
        ck_assert(has_received(client, "Hel") && has_received(client, "upstream_cut"));
        ck_assert(!has_received(client, "[DONE]"));
        struct client_answer got = client_read(client);
        ck_assert(!got.complete);
        mem_free(got.body);
    }
    gateway_end();
}
END_TEST

/* The more urgent one would wait behind the other for its turn. */
START_TEST(an_urgent_one_does_not_follow_who_waits)
{
    begin(RULES("") "upstreams:\n" UPSTREAM(a, ", max_concurrency: 1"));
    struct wire *other = gateway_connect();
    client_post_chat(other, ",\"n\":1");
    struct wire *w = upstream_take(busy_wire(&a));
    ask_stream("X-Dsgate-Priority: P2\r\n");
    ck_assert_uint_eq(gateway_waiting(), 1);
    struct wire *urgent = ask_stream("X-Dsgate-Priority: P1\r\n");
    ck_assert_uint_eq(gateway_waiting(), 2);
    ask_stream("X-Dsgate-Priority: P2\r\n");
    ck_assert_uint_eq(gateway_waiting(), 2);
    upstream_json(w, 400, busy);
    begin_stream(&a, "1", "Hello");
    ck_assert(has_received(urgent, "Hello"));
    gateway_end();
}
END_TEST

/* Those whose upstream is late get signs of life, whoever's upstream it is. */
START_TEST(who_waits_along_gets_signs_of_life)
{
    begin(ONE);
    ask_stream("");
    struct wire *second = ask_stream("");
    fake_run(15 * USEC_PER_SEC);
    ck_assert(has_received(second, ": keep-alive\n\n"));
    struct wire *w = begin_stream(&a, "1", "Hello");
    upstream_stream_finish(w);
    ck_assert(has_received(second, "Hello") && has_received(second, "[DONE]"));
    gateway_end();
}
END_TEST

/* … also when whoever asked for it gets none any more. */
START_TEST(who_waits_along_gets_signs_of_life_from_nobody)
{
    begin(ONE);
    struct wire *first = ask_stream(""), *second = ask_stream("");
    wire_reset(first);
    fake_run(15 * SEC);
    ck_assert(has_received(second, ": keep-alive\n\n"));
    struct wire *w = begin_stream(&a, "1", "Hello");
    upstream_stream_finish(w);
    ck_assert(has_received(second, "Hello") && has_received(second, "[DONE]"));
    gateway_end();
}
END_TEST

/* A drain waits for what somebody waits for. */
START_TEST(a_drain_lets_them_finish)
{
    for (int left = 0; left < 2; left++) {
        begin(ONE);
        struct wire *first = ask_stream(""), *second = ask_stream("");
        struct wire *w = begin_stream(&a, "1", "Hel");
        if (left) wire_reset(first);
        fake_settle();
        gateway_drain();
        upstream_stream_finish(w);
        ck_given(second, "joined", STREAM("Hel"));
        gateway_end();
    }
}
END_TEST

START_TEST(an_end_of_the_gateway_is_told_to_all)
{
    begin(ONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    begin_stream(&a, "1", "Hel");
    gateway_stop();
    fake_settle();
    ck_assert(has_received(first, "shutting_down") && has_received(second, "shutting_down"));
    gateway_end();
}
END_TEST

START_TEST(a_thousand_cost_one)
{
    enum { MANY = 1000 };
    static struct wire *clients[MANY];
    begin(ONE);
    for (unsigned i = 0; i < MANY; i++)
        clients[i] = ask_stream("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    upstream_chunk(w, delta_text("1", "lo"));
    upstream_stream_finish(w);
    for (unsigned i = 0; i < MANY; i++)
        ck_answer(clients[i], 200, STREAM("Hel", "lo"));
    ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    ck_assert_uint_eq(a.wire_count, 1);
    gateway_end();
}
END_TEST

/* Who has had a part of it gets no other answer instead. */
START_TEST(after_a_token_nobody_climbs)
{
    begin(QUIET ROUTE("continue: false, cache: {mode: always}, fallback: [{answer: Later.}]") ALONE);
    struct wire *first = ask_stream("");
    struct wire *second = ask_stream("");
    upstream_close(begin_stream(&a, "1", "Hel"));
    for (unsigned i = 0; i < 2; i++) {
        struct wire *client = i ? second : first;
        ck_assert(has_received(client, "Hel") && has_received(client, "upstream_cut"));
        ck_assert(!has_received(client, "Later."));
    }
    gateway_end();
}
END_TEST

TEST_MAIN("cache_join", a_late_one_gets_all_from_the_beginning, an_early_one_gets_each_event_as_it_comes,
          first_tokens_are_counted_for_each, plain_ones_join_too, who_leads_may_leave, who_leads_may_leave_the_queue,
          when_all_have_left_the_upstream_hears_of_it, who_follows_may_leave, a_retry_of_the_lead_serves_all,
          attempts_are_not_made_again_for_each, a_connection_is_not_lost_again_by_each,
          a_lead_without_patience_is_not_followed, a_mistake_of_the_clients_is_told_to_all,
          a_stream_that_breaks_is_told_to_all, after_a_token_nobody_climbs, an_urgent_one_does_not_follow_who_waits,
          who_waits_along_gets_signs_of_life, who_waits_along_gets_signs_of_life_from_nobody, a_drain_lets_them_finish,
          an_end_of_the_gateway_is_told_to_all, a_thousand_cost_one)
