/* How requests end that do not get what they asked for: whose fault it was, what they are told, what is counted. */
#include "scenario.h"

/* ---- deadlines ---- */

/* A client that is in a hurry says nothing about the upstream, and must not take it away from the others. */
START_TEST(a_clients_own_deadline_is_nobodys_fault)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    for (int i = 0; i < 10; i++) {
        client_post(client, "/v1/chat/completions", "X-Dsgate-Timeout: 20ms\r\n", BODY);
        fake_run(30 * USEC_PER_MS);
        ck_error(client, 504, "deadline_exceeded");
    }
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    gateway_end();
}
END_TEST

START_TEST(a_deadline_in_the_queue_is_told_as_such)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n");
    struct wire *first = gateway_connect(), *second = gateway_connect();
    client_post_chat(first, "");
    client_post(second, "/v1/chat/completions", "X-Dsgate-Timeout: 1s\r\n", BODY);
    fake_run(2 * USEC_PER_SEC);
    ck_error(second, 504, "deadline_exceeded");
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(first, 200, "{}");
    gateway_end();
}
END_TEST

/* The time that the config gives an upstream in all is another matter: somebody else may be faster. */
START_TEST(an_upstreams_own_total_time_fails_over)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', weight: 9, timeouts: {total: 500ms}}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1'}\n");
    struct wire *client = gateway_connect();
    usec_t asked = fake_now();
    client_post_chat(client, "");
    ck_assert_uint_eq(a.dials, 1);
    fake_run(600 * USEC_PER_MS);
    ck_assert_uint_eq(b.dials, 1);
    upstream_json(b.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    ck_assert_int_le(fake_now() - asked, 600 * USEC_PER_MS);
    gateway_end();
}
END_TEST

/* Also while a client is in a hurry whose own time has not passed. */
START_TEST(a_clients_deadline_excuses_nothing_before_it)
{
    begin(QUIET ATTEMPTS(1) "upstreams: [{name: a, base_url: 'http://a.test:80/v1', timeouts: {total: 500ms}}]\n");
    struct wire *client = ask("X-Dsgate-Timeout: 5s\r\n");
    fake_run(600 * USEC_PER_MS);
    ck_error(client, 504, "upstream_timeout");
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "total_timeout");
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 1);
    gateway_end();
}
END_TEST

/* ---- the last word ---- */

/* What an upstream has said tells more than that the next one could not be reached, in whichever order. */
START_TEST(an_upstreams_own_words_are_kept)
{
    static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";
    for (int first_speaks = 0; first_speaks < 2; first_speaks++) {
        begin(QUIET ATTEMPTS(2) A_THEN_B);
        *(first_speaks ? &b.refuses : &a.refuses) = NET_CONNECT;
        struct wire *client = gateway_connect();
        client_post_chat(client, "");
        upstream_json(first_speaks ? a.wires[0] : b.wires[0], 429, busy);
        ck_answer(client, 429, busy);
        ck_assert_str_eq(client_field("x-dsgate-upstream"), first_speaks ? "a" : "b");
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
        gateway_end();
    }
}
END_TEST

/* Of several that have spoken the last one has the last word. */
START_TEST(the_last_words_are_kept)
{
    begin(QUIET ATTEMPTS(3) "upstreams:\n" UPSTREAM(a, ", weight: 9") UPSTREAM(b, ", weight: 5") UPSTREAM(c, ""));
    c.refuses = NET_CONNECT;
    struct wire *client = ask("");
    upstream_json(upstream_take(busy_wire(&a)), 503, "{\"error\":{\"message\":\"first\"}}");
    upstream_json(upstream_take(busy_wire(&b)), 429, "{\"error\":{\"message\":\"second\"}}");
    ck_answer(client, 429, "{\"error\":{\"message\":\"second\"}}");
    ck_assert_uint_eq(c.dials, 1);
    gateway_end();
}
END_TEST

static const struct advice_row {
    const char *yaml, *from_upstream, *retry_after, *should_retry;
} advice_rows[] = {
    /* Nobody is left, and nobody has said when it would be better. */
    {two_upstreams, "", "", "false"},
    {two_upstreams, "x-should-retry: true\r\n", "", "false"},
    /* A time that client libraries wait for: they may. */
    {two_upstreams, "Retry-After: 7\r\n", "7", ""},
    {two_upstreams, "Retry-After: 7\r\nx-should-retry: true\r\n", "7", ""},
    /* One that they do not wait for. */
    {two_upstreams, "Retry-After: 7200\r\n", "7200", "false"},
    {two_upstreams, "Retry-After: Wed, 25 Nov 2026 22:00:00 GMT\r\n", "Wed, 25 Nov 2026 22:00:00 GMT", "false"},
    /* A lone upstream was asked once: its own advice stands. */
    {one_upstream, "", "", ""},
    {one_upstream, "Retry-After: 7200\r\nx-should-retry: true\r\n", "7200", "true"},
    {one_upstream, "x-should-retry: false\r\n", "", "false"},
};

static void say_busy(struct wire *w, const char *fields)
{
    char *answer = mem_printf("HTTP/1.1 429 X\r\n%sContent-Length: 2\r\n\r\n{}", fields);
    wire_send(w, text_of(answer));
    fake_settle();
    mem_free(answer);
}

static void expect_advice(const struct advice_row *row)
{
    begin(row->yaml);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    bool a_first = a.wire_count > 0;
    say_busy(a_first ? a.wires[0] : b.wires[0], row->from_upstream);
    if (row->yaml == two_upstreams) say_busy(a_first ? b.wires[0] : a.wires[0], row->from_upstream);
    struct text got = wire_received(client);
    size_t first = text_find(got, TEXT("x-should-retry"));
    ck_assert_uint_eq(text_find(text_from(got, first + 1), TEXT("x-should-retry")), text_from(got, first + 1).n);
    ck_answer(client, 429, "{}");
    ck_assert_str_eq(client_field("retry-after"), row->retry_after);
    ck_assert_str_eq(client_field("x-should-retry"), row->should_retry);
    gateway_end();
}

START_TEST(advice_on_retrying_does_not_contradict_itself)
{
    for (int i = 0; i < COUNT(advice_rows); i++)
        expect_advice(&advice_rows[i]);
}
END_TEST

/* ---- leaving ---- */

/* A stream that was half told is counted as one, with what is known of it. */
START_TEST(a_client_that_leaves_a_stream_is_counted_as_streaming)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta("one"));
    wire_reset(client);
    fake_settle();
    ck_assert(wire_program_closed(a.wires[0]));
    ck_assert_uint_eq(gateway_metric("dsgate_request_duration_seconds_count{stream=\"true\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_requests_total{endpoint=\"chat\",status=\"200\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
    gateway_end();
}
END_TEST

/* What a reload has taken away keeps nothing: idle connections close at once, busy ones after their answer. */
START_TEST(connections_to_upstreams_of_the_past_are_closed)
{
    static const char only_b[] = QUIET "upstreams: [{name: b, base_url: 'http://b.test:80/v1'}]\n";
    begin(one_upstream);
    struct wire *first = gateway_connect(), *second = gateway_connect();
    client_post_chat(first, "");
    client_post_chat(second, "");
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(first, 200, "{}");
    gateway_reload(only_b);
    ck_assert(wire_program_closed(a.wires[0]));
    ck_assert(!wire_program_closed(a.wires[1]));
    upstream_json(a.wires[1], 200, "{}");
    ck_answer(second, 200, "{}");
    ck_assert(wire_program_closed(a.wires[1]));
    gateway_end();
}
END_TEST

START_TEST(connections_to_the_same_upstream_outlive_a_reload)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    for (int i = 0; i < 3; i++) {
        client_post_chat(client, "");
        upstream_json(a.wires[0], 200, "{}");
        wire_clear(a.wires[0]);
        ck_answer(client, 200, "{}");
        gateway_reload(one_upstream);
    }
    ck_assert_uint_eq(a.dials, 1);
    gateway_end();
}
END_TEST

/* ---- the gateway ends at once ---- */

START_TEST(a_stream_that_a_shutdown_cuts_is_told)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta("one"));
    gateway_stop();
    struct client_answer answer = client_read(client);
    ck_assert(!answer.complete);
    ck_assert_ptr_nonnull(strstr(answer.body, "data: {\"error\":{"));
    ck_assert_ptr_nonnull(strstr(answer.body, "gateway_shutting_down"));
    ck_assert_ptr_null(strstr(answer.body, "[DONE]"));
    mem_free(answer.body);
    ck_assert_uint_eq(gateway_metric("dsgate_streams_cut_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 0);
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1); /* what it would have come to nobody knows */
    gateway_end();
}
END_TEST

START_TEST(requests_that_a_shutdown_meets_are_told)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n");
    struct wire *asking = gateway_connect(), *waiting = gateway_connect(), *listing = gateway_connect();
    client_post_chat(asking, "");
    client_post_chat(waiting, "");
    wire_send(listing, TEXT("GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n"));
    fake_settle();
    ck_assert_uint_eq(gateway_waiting(), 1);
    gateway_stop();
    ck_error(asking, 503, "gateway_shutting_down");
    ck_error(waiting, 503, "gateway_shutting_down");
    ck_error(listing, 503, "gateway_shutting_down");
    gateway_end();
}
END_TEST

TEST_MAIN("endings", a_clients_own_deadline_is_nobodys_fault, a_deadline_in_the_queue_is_told_as_such,
          an_upstreams_own_total_time_fails_over, a_clients_deadline_excuses_nothing_before_it,
          an_upstreams_own_words_are_kept, the_last_words_are_kept, advice_on_retrying_does_not_contradict_itself,
          a_client_that_leaves_a_stream_is_counted_as_streaming, connections_to_upstreams_of_the_past_are_closed,
          connections_to_the_same_upstream_outlive_a_reload, a_stream_that_a_shutdown_cuts_is_told,
          requests_that_a_shutdown_meets_are_told)
