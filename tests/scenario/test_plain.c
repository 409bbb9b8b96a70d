/* Plain calls that are made as streams: what the upstream is asked, what the client gets, and what that is good for. */
#include "scenario.h"

#define MS USEC_PER_MS

#define RULES QUIET ROUTE("hedge: off, retry: {jitter: 0%}")
#define TWO   "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, "")
#define ALONE "upstreams:\n" DEEPSEEK(a, "")

#define STREAMED "\"stream\":true,\"stream_options\":{\"include_usage\":true}"
#define USAGE(prompt, completion, total) \
    "\"usage\":{\"prompt_tokens\":" #prompt ",\"completion_tokens\":" #completion ",\"total_tokens\":" #total "}"

static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";

/* The plain answer that a stream with this id, text and usage becomes. */
#define PLAIN(id, text, usage) \
    "{\"id\":\"" id "\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0," \
    "\"message\":{\"role\":\"assistant\",\"content\":\"" text \
    "\"},\"logprobs\":null,\"finish_reason\":\"stop\"}]," usage "}"

/* ---- one stream ---- */

/* Nobody can tell but the upstream. */
START_TEST(a_plain_call_is_made_as_a_stream)
{
    begin(RULES ALONE);
    struct wire *client = ask("Accept: application/json\r\n");
    ck_assert(has_received(busy_wire(&a), "Accept: text/event-stream\r\n"));
    struct wire *w = begin_stream(&a, "1", "Hel");
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    ck_assert_str_eq(taken_body, "{\"model\":\"m\"," STREAMED ",\"messages\":[" QUESTION "]}");
    upstream_chunk(w, delta_text("1", "lo"));
    ck_assert_uint_eq(wire_received(client).n, 0);
    upstream_stream_finish(w);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_int_eq(atoi(client_field("content-length")), (int)strlen(PLAIN("1", "Hello", USAGE(3, 2, 5))));
    ck_assert_str_eq(client_field("transfer-encoding"), "");
    ck_assert_str_eq(client_field("cache-control"), "");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
    ck_assert_uint_eq(gateway_metric("dsgate_plain_streams_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_request_duration_seconds_count{stream=\"false\"}"), 1);
    ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    gateway_end();
}
END_TEST

START_TEST(a_call_that_says_no_stream_is_made_as_one)
{
    begin(RULES ALONE);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":false,\"max_tokens\":7");
    struct wire *w = begin_stream(&a, "1", "Hello");
    ck_assert(strstr(taken_body, "\"stream\":true") && !strstr(taken_body, "\"stream\":false"));
    ck_assert(strstr(taken_body, "\"include_usage\":true") && strstr(taken_body, "\"max_tokens\":7"));
    upstream_stream_finish(w);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    gateway_end();
}
END_TEST

/* Some proxies never end the message: who waits for a whole answer is kept for a second, no longer. */
START_TEST(the_end_of_the_message_is_not_waited_for)
{
    begin(RULES ALONE);
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "1", "Hello");
    upstream_chunk(w, finish_event);
    upstream_chunk(w, done_event);
    fake_run(1000 * MS - 1);
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(1);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert(wire_program_closed(w));
    ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    gateway_end();
}
END_TEST

/* Nor is a [DONE], which some never send. */
START_TEST(done_is_not_waited_for)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "1", "Hello");
    fake_run(5000 * MS);
    upstream_chunk(w, finish_event);
    fake_run(1000 * MS - 1);
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(1);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    gateway_end();
}
END_TEST

/* Where a [DONE] comes without a finish_reason, it is no end: the client could not tell a part from the whole. */
START_TEST(an_end_without_a_reason_is_a_cut)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "1", "Hel");
    upstream_chunk(w, done_event);
    upstream_stream_end(w);
    ck_assert_uint_eq(wire_received(client).n, 0);
    w = begin_stream(&b, "2", "lo");
    ck_assert(strstr(taken_body, "\"content\":\"Hel\",\"prefix\":true"));
    upstream_stream_finish(w);
    ck_assert(has_received(client, "\"content\":\"Hello\"") && has_received(client, "\"finish_reason\":\"stop\""));
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 1);
    gateway_end();
}
END_TEST

/* What comes after the end puts nothing off. */
START_TEST(comments_after_the_end_are_not_waited_for)
{
    begin(RULES ALONE);
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "1", "Hello");
    upstream_chunk(w, finish_event);
    for (int i = 0; i < 4; i++) {
        ck_assert_uint_eq(wire_received(client).n, 0);
        upstream_chunk(w, ": keep-alive\n\n");
        fake_run(250 * MS);
    }
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    gateway_end();
}
END_TEST

/* What an upstream says of the stream itself is not said of the answer that it becomes. */
START_TEST(fields_about_the_stream_go_no_further)
{
    begin(RULES ALONE);
    struct wire *client = ask("");
    struct wire *w = upstream_take(busy_wire(&a));
    wire_send(w, TEXT("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n"
                      "X-Accel-Buffering: no\r\nX-Other: kept\r\nTransfer-Encoding: chunked\r\n\r\n"));
    fake_settle();
    upstream_chunk(w, delta_of("1", ROLE));
    upstream_chunk(w, delta_text("1", "Hello"));
    upstream_stream_finish(w);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_str_eq(client_field("cache-control"), "");
    ck_assert_str_eq(client_field("x-accel-buffering"), "");
    ck_assert_str_eq(client_field("x-other"), "kept");
    gateway_end();
}
END_TEST

/* A connection that closes instead of ending the message has said all that there is. */
START_TEST(a_close_after_the_last_event_is_an_end)
{
    begin(RULES ALONE);
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "1", "Hello");
    upstream_chunk(w, finish_event);
    upstream_close(w);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    gateway_end();
}
END_TEST

/* ---- what else may come ---- */

START_TEST(an_upstream_may_answer_plainly_all_the_same)
{
    begin(RULES ALONE);
    struct wire *client = ask("");
    upstream_json(upstream_take(busy_wire(&a)), 200, PLAIN("9", "Hello", USAGE(1, 1, 2)));
    ck_answer(client, 200, PLAIN("9", "Hello", USAGE(1, 1, 2)));
    ck_assert_str_eq(client_field("content-type"), "application/json");
    gateway_end();
}
END_TEST

START_TEST(a_mistake_of_the_clients_is_passed_on)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    upstream_json(upstream_take(busy_wire(&a)), 400, busy);
    ck_answer(client, 400, busy);
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

START_TEST(busy_goes_elsewhere)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    upstream_json(upstream_take(busy_wire(&a)), 503, busy);
    upstream_stream_finish(begin_stream(&b, "1", "Hello"));
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "busy");
    gateway_end();
}
END_TEST

/* With nobody left the error is one, though it came in a stream. */
START_TEST(an_error_event_is_told_as_an_error)
{
    begin(QUIET ATTEMPTS(1) ALONE);
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "1", "");
    upstream_chunk(w, "data: {\"error\":{\"message\":\"no\",\"code\":500}}\n\n");
    ck_error(client, 502, "upstream_bad_answer");
    gateway_end();
}
END_TEST

/* Nobody has asked for an encoding, and nothing can be put together from what can't be read. */
START_TEST(an_encoded_stream_goes_elsewhere)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    wire_send(upstream_take(busy_wire(&a)), TEXT("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                                                 "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nbytes"));
    fake_settle();
    upstream_stream_finish(begin_stream(&b, "1", "Hello"));
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "no_stream");
    gateway_end();
}
END_TEST

/* An answer that says nothing is the answer, where nobody else may be asked: all of it. */
START_TEST(an_empty_answer_is_passed_on_whole)
{
    begin(QUIET ATTEMPTS(1) ALONE);
    struct wire *client = ask("");
    upstream_stream_finish(begin_stream(&a, "1", ""));
    ck_answer(client, 200, PLAIN("1", "", USAGE(3, 2, 5)));
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* ---- where ---- */

/* What is not known exactly stays what it is. */
START_TEST(other_dialects_are_asked_plainly)
{
    begin(RULES A_THEN_B);
    struct wire *client = ask("");
    struct wire *w = upstream_take(busy_wire(&a));
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION "]}");
    upstream_json(w, 200, "{\"odd\" : 1}");
    ck_answer(client, 200, "{\"odd\" : 1}");
    ck_assert_uint_eq(gateway_metric("dsgate_plain_streams_total"), 0);
    gateway_end();
}
END_TEST

START_TEST(it_can_be_turned_off)
{
    begin(QUIET ROUTE("plain: off") TWO);
    struct wire *client = ask("");
    struct wire *w = upstream_take(busy_wire(&a));
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION "]}");
    upstream_json(w, 200, "{\"odd\" : 1}");
    ck_answer(client, 200, "{\"odd\" : 1}");
    gateway_end();
}
END_TEST

/* A stream that the client has asked for goes through as ever. */
START_TEST(streams_stay_streams)
{
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION "],\"stream\":true}");
    upstream_stream_head(w);
    upstream_chunk(w, delta("x"));
    upstream_stream_finish(w);
    char *expected = mem_printf("%s%s%s", delta("x"), finish_event, done_event);
    ck_answer(client, 200, expected);
    mem_free(expected);
    ck_assert_uint_eq(gateway_metric("dsgate_plain_streams_total"), 0);
    gateway_end();
}
END_TEST

/* Where the next one can't be asked for a stream it is asked plainly. */
START_TEST(failing_over_may_change_the_way)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9") UPSTREAM(b, ""));
    struct wire *client = ask("");
    upstream_json(upstream_take(busy_wire(&a)), 503, busy);
    struct wire *w = upstream_take(busy_wire(&b));
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION "]}");
    upstream_json(w, 200, "{\"odd\" : 1}");
    ck_answer(client, 200, "{\"odd\" : 1}");
    gateway_end();
}
END_TEST

/* ---- what it is good for ---- */

/* Minutes of signs of life are seen through, as in streams. */
START_TEST(signs_of_life_are_no_answer)
{
    begin(QUIET "timeouts: {first_token: 5s}\n" ROUTE("hedge: off") TWO);
    struct wire *client = ask("");
    struct wire *first = begin_stream(&a, "A", "");
    for (int i = 0; i < 5; i++) {
        upstream_chunk(first, ": keep-alive\n\n");
        fake_run(1000 * MS);
    }
    ck_assert(wire_program_closed(first));
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    upstream_stream_finish(begin_stream(&b, "1", "Hello"));
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "first_token_timeout");
    gateway_end();
}
END_TEST

START_TEST(a_late_first_token_is_hedged)
{
    begin(QUIET ROUTE("hedge: {after: 1s}") TWO);
    struct wire *client = ask("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(1000 * MS);
    struct wire *rival = begin_stream(&b, "1", "Hel");
    ck_assert_str_eq(taken_body, "{\"model\":\"m\"," STREAMED ",\"messages\":[" QUESTION "]}");
    ck_assert(wire_program_closed(lead));
    ck_assert_uint_eq(wire_received(client).n, 0);
    upstream_chunk(rival, delta_text("1", "lo"));
    upstream_stream_finish(rival);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "b");
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_won_total"), 1);
    gateway_end();
}
END_TEST

/* An answer that is cut is gone on with on the same sheet. */
START_TEST(a_cut_is_gone_on_with)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *second = begin_stream(&b, "B", "lo");
    ck_assert_str_eq(taken_path, "/beta/chat/completions");
    ck_assert_str_eq(taken_body, "{\"model\":\"m\"," STREAMED ",\"messages\":[" QUESTION
                                 ",{\"role\":\"assistant\",\"content\":\"Hel\",\"prefix\":true}]}");
    upstream_stream_finish(second);
    ck_answer(client, 200, PLAIN("A", "Hello", USAGE(2, 3, 5)));
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "cut");
    ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"continued\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_plain_streams_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 0);
    gateway_end();
}
END_TEST

START_TEST(it_is_gone_on_with_twice)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    upstream_close(begin_stream(&b, "B", "lo"));
    struct wire *third = begin_stream(&a, "C", "!");
    ck_assert(strstr(taken_body, "{\"role\":\"assistant\",\"content\":\"Hello\",\"prefix\":true}") != NULL);
    upstream_stream_finish(third);
    ck_answer(client, 200, PLAIN("A", "Hello!", USAGE(1, 4, 5)));
    gateway_end();
}
END_TEST

/* Only one can write on a sheet: who goes on is not raced. */
START_TEST(who_goes_on_is_not_hedged)
{
    begin(QUIET ROUTE("hedge: {after: 1s}") "upstreams:\n" DEEPSEEK(a, ", weight: 90") DEEPSEEK(b, ", weight: 9")
              DEEPSEEK(c, ""));
    struct wire *client = ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *second = upstream_take(busy_wire(&b));
    fake_run(10 * USEC_PER_SEC);
    ck_assert_uint_eq(c.dials, 0);
    upstream_stream_head(second);
    upstream_chunk(second, delta_text("B", "lo"));
    upstream_stream_finish(second);
    ck_answer(client, 200, PLAIN("A", "Hello", USAGE(2, 3, 5)));
    gateway_end();
}
END_TEST

static const char call_begins[] = "{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{"
                                  "\"name\":\"f\",\"arguments\":\"{\\\"x\"}}]}";

/* A cut in the middle of a tool's call can't be gone on with; but nobody has seen it, so it begins anew. */
START_TEST(a_cut_inside_a_tool_call_begins_anew)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    struct wire *first = begin_stream(&a, "A", "");
    upstream_chunk(first, delta_of("A", call_begins));
    upstream_close(first);
    struct wire *second = begin_stream(&b, "1", "Hello");
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    ck_assert_str_eq(taken_body, "{\"model\":\"m\"," STREAMED ",\"messages\":[" QUESTION "]}");
    upstream_stream_finish(second);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 1);
    gateway_end();
}
END_TEST

/* Whoever of the two is asked. */
static struct fake_upstream *asked(void)
{
    if (!busy_wire(&a) && !busy_wire(&b)) fake_run(10 * USEC_PER_SEC);
    return busy_wire(&a) ? &a : &b;
}

/* What has been gone on with and given up is wasted once, however often that happens. */
START_TEST(it_may_begin_anew_twice)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    for (int i = 0; i < 2; i++) {
        upstream_close(begin_stream(asked(), "A", "Hel"));
        struct wire *second = begin_stream(asked(), "B", "");
        ck_assert(strstr(taken_body, "\"content\":\"Hel\",\"prefix\":true"));
        upstream_chunk(second, delta_of("B", call_begins));
        upstream_close(second);
        ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 0); /* it is told at the end */
    }
    upstream_stream_finish(begin_stream(asked(), "1", "Hello"));
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 4);
    gateway_end();
}
END_TEST

/* Only its usage was missing; but to go on from its text would add to it. */
START_TEST(a_cut_after_the_end_begins_anew)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    struct wire *first = begin_stream(&a, "A", "Hello");
    upstream_chunk(first,
                   "data: {\"id\":\"A\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    upstream_close(first);
    struct wire *second = begin_stream(&b, "1", "Hi");
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    upstream_stream_finish(second);
    ck_answer(client, 200, PLAIN("1", "Hi", USAGE(3, 2, 5)));
    gateway_end();
}
END_TEST

/* Nor can an answer with two choices, and it begins anew as well. */
START_TEST(a_cut_of_two_choices_begins_anew)
{
    begin(RULES TWO);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"n\":2");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *second = begin_stream(&b, "1", "Hello");
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    upstream_stream_finish(second);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    gateway_end();
}
END_TEST

/* Half of a chunk that nobody understands is on the sheet, whoever has brought it. */
START_TEST(a_spoilt_sheet_is_thrown_away)
{
    static const char odd[] = "data: {\"choices\":[{\"index\":0,\"delta\":{%s}}],\"\\u0061\":1}\n\n";
    static const char *const deltas[] = {"\"content\":\"lo\"", "\"content\":\"\""};
    for (int i = 0; i < 2 * COUNT(deltas); i++) {
        char *event = mem_printf(odd, deltas[i / 2]);
        begin(RULES TWO);
        struct wire *client = ask("");
        struct wire *w = begin_stream(&a, "A", "Hel");
        if (i % 2) {
            upstream_close(w); /* so b goes on with it */
            w = begin_stream(&b, "B", "");
        }
        upstream_chunk(w, event);
        fake_run(500 * MS);
        struct wire *next = begin_stream(i % 2 ? &a : &b, "1", "Hello");
        ck_assert_str_eq(taken_path, "/v1/chat/completions");
        upstream_stream_finish(next);
        ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
        gateway_end();
        mem_free(event);
    }
}
END_TEST

enum { LONG_CHUNKS = 1500 };

/* A good half of the text that is kept of a stream, and then the end of the connection. */
static void say_much_and_close(struct wire *w, const char *id)
{
    char text[400];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (int i = 0; i < LONG_CHUNKS; i++)
        upstream_chunk(w, delta_text(id, text));
    upstream_close(w);
}

/* What two have given together is too long to be kept, so the third one begins the answer, of which nothing is left. */
START_TEST(too_much_to_go_on_from_begins_anew)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    say_much_and_close(begin_stream(&a, "A", ""), "A");
    say_much_and_close(begin_stream(&b, "B", ""), "B");
    fake_run(500 * MS);
    struct wire *third = begin_stream(&a, "1", "Hello");
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    upstream_stream_finish(third);
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 2 * LONG_CHUNKS);
    gateway_end();
}
END_TEST

/* Nobody can go on in time, and it begins anew where that can be at once. */
START_TEST(with_nobody_who_can_go_on_it_begins_anew)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9") UPSTREAM(b, ""));
    struct wire *client = ask("X-Dsgate-Timeout: 400ms\r\n");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *second = upstream_take(busy_wire(&b));
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION "]}");
    upstream_json(second, 200, "{\"odd\" : 1}");
    ck_answer(client, 200, "{\"odd\" : 1}");
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 1);
    gateway_end();
}
END_TEST

/* Nobody could ever go on, so all may be asked to begin, and who has not been asked yet is asked at once. */
START_TEST(with_nobody_who_goes_on_at_all_it_begins_anew_at_once)
{
    begin(RULES "upstreams:\n" UPSTREAM(a, ", weight: 9, dialect: deepseek") UPSTREAM(b, ", dialect: deepseek"));
    struct wire *client = ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    upstream_close(begin_stream(&b, "B", "Hel"));
    fake_run(1 * USEC_PER_SEC);
    upstream_stream_finish(begin_stream(&a, "1", "Hello"));
    ck_answer(client, 200, PLAIN("1", "Hello", USAGE(3, 2, 5)));
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 2);
    gateway_end();
}
END_TEST

/* Nothing begins anew when its time is over: the only one that could have gone on was full until then. */
START_TEST(after_the_deadline_nothing_begins_anew)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, ", max_concurrency: 1"));
    struct wire *other = NULL;
    for (; !busy_wire(&b); other = ask(""))
        if (busy_wire(&a)) upstream_json(upstream_take(busy_wire(&a)), 200, "{}");
    struct wire *client = ask("X-Dsgate-Timeout: 3s\r\n");
    struct wire *first = begin_stream(&a, "A", "Hel");
    fake_run(2600 * MS);
    upstream_close(first);
    ck_assert_uint_eq(gateway_waiting(), 1);
    fake_run(400 * MS);
    ck_error(client, 504, "deadline_exceeded");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
    upstream_json(upstream_take(busy_wire(&b)), 200, "{}");
    ck_answer(other, 200, "{}");
    gateway_end();
}
END_TEST

/* What is refused is our request to go on. The client hears nothing of it. */
START_TEST(a_refusal_to_go_on_is_not_the_clients)
{
    begin(QUIET ROUTE("hedge: off, retry: {attempts: 2}") TWO);
    struct wire *client = ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    upstream_json(upstream_take(busy_wire(&b)), 400, "{\"error\":{\"message\":\"no prefix here\"}}");
    struct client_answer answer = client_read(client);
    ck_assert_uint_eq(answer.status, 502);
    ck_assert_ptr_null(strstr(answer.body, "no prefix here"));
    mem_free(answer.body);
    gateway_end();
}
END_TEST

START_TEST(a_client_that_leaves_ends_it)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *second = begin_stream(&b, "B", "lo");
    wire_close(client);
    fake_settle();
    ck_assert(wire_program_closed(second));
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
    gateway_end();
}
END_TEST

/* A part is never passed off as the whole. */
START_TEST(a_deadline_in_the_middle_is_told)
{
    begin(RULES TWO);
    struct wire *client = ask("X-Dsgate-Timeout: 3s\r\n");
    struct wire *first = begin_stream(&a, "A", "Hel");
    fake_run(3000 * MS);
    ck_error(client, 504, "deadline_exceeded");
    ck_assert(wire_program_closed(first));
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

START_TEST(a_shutdown_in_the_middle_is_told)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    struct wire *first = begin_stream(&a, "A", "Hel");
    gateway_stop();
    ck_error(client, 503, "gateway_shutting_down");
    ck_assert(wire_program_closed(first));
    gateway_end();
}
END_TEST

TEST_MAIN("plain", a_plain_call_is_made_as_a_stream, a_call_that_says_no_stream_is_made_as_one,
          the_end_of_the_message_is_not_waited_for, done_is_not_waited_for, an_end_without_a_reason_is_a_cut,
          comments_after_the_end_are_not_waited_for, fields_about_the_stream_go_no_further,
          a_close_after_the_last_event_is_an_end, an_upstream_may_answer_plainly_all_the_same,
          a_mistake_of_the_clients_is_passed_on, busy_goes_elsewhere, an_error_event_is_told_as_an_error,
          an_encoded_stream_goes_elsewhere, an_empty_answer_is_passed_on_whole, other_dialects_are_asked_plainly,
          it_can_be_turned_off, streams_stay_streams, failing_over_may_change_the_way, signs_of_life_are_no_answer,
          a_late_first_token_is_hedged, a_cut_is_gone_on_with, it_is_gone_on_with_twice, who_goes_on_is_not_hedged,
          a_cut_inside_a_tool_call_begins_anew, it_may_begin_anew_twice, a_cut_after_the_end_begins_anew,
          a_cut_of_two_choices_begins_anew, a_spoilt_sheet_is_thrown_away, too_much_to_go_on_from_begins_anew,
          with_nobody_who_can_go_on_it_begins_anew, with_nobody_who_goes_on_at_all_it_begins_anew_at_once,
          after_the_deadline_nothing_begins_anew, a_refusal_to_go_on_is_not_the_clients, a_client_that_leaves_ends_it,
          a_deadline_in_the_middle_is_told, a_shutdown_in_the_middle_is_told)
