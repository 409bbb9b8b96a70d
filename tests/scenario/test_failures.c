/* When upstreams fail: what the client gets to see, and what the upstreams are spared. */
#include "scenario.h"

static struct wire *serving(void) { return a.wire_count && upstream_got_request(a.wires[0]) ? a.wires[0] : b.wires[0]; }
static struct wire *other(const struct wire *w) { return w == a.wires[0] ? b.wires[0] : a.wires[0]; }

static const char busy_body[] =
    "{\"error\":{\"message\":\"Service is too busy.\",\"type\":\"service_unavailable_error\","
    "\"param\":null,\"code\":\"service_unavailable_error\"}}";

START_TEST(each_retryable_status_fails_over)
{
    static const unsigned statuses[] = {429, 500, 502, 503, 504};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin(two_upstreams);
        struct wire *client = gateway_connect();
        client_post_chat(client, "");
        struct wire *first = serving();
        upstream_json(first, statuses[i], busy_body);
        upstream_json(other(first), 200, "{\"good\":1}");
        ck_answer(client, 200, "{\"good\":1}");
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
        gateway_end();
    }
}
END_TEST

START_TEST(the_callers_own_mistakes_do_not)
{
    static const unsigned statuses[] = {400, 413, 422};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin(two_upstreams);
        struct wire *client = gateway_connect();
        client_post_chat(client, "");
        upstream_json(serving(), statuses[i], "{\"error\":{\"message\":\"no\"}}");
        ck_answer(client, statuses[i], "{\"error\":{\"message\":\"no\"}}");
        ck_assert_uint_eq(a.dials + b.dials, 1);
        gateway_end();
    }
}
END_TEST

/* Perhaps only this one has no such model. Nobody is blamed, and if none has it, that is the answer. */
START_TEST(what_one_upstream_does_not_know_another_may)
{
    static const char unknown[] = "{\"error\":{\"message\":\"no such model\"}}";
    begin(two_upstreams);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    struct wire *first = serving();
    upstream_json(first, 404, unknown);
    upstream_json(other(first), 200, "{\"good\":1}");
    ck_answer(client, 200, "{\"good\":1}");
    gateway_end();
    begin(two_upstreams);
    client = gateway_connect();
    client_post_chat(client, "");
    first = serving();
    upstream_json(first, 404, unknown);
    upstream_json(other(first), 404, unknown);
    ck_answer(client, 404, unknown);
    ck_assert_uint_eq(gateway_attempts("a", "neutral") + gateway_attempts("b", "neutral"), 2);
    gateway_end();
}
END_TEST

/* Nor does its own key, where the upstream has none from us. */
START_TEST(the_callers_own_key_is_its_own_matter)
{
    static const unsigned statuses[] = {401, 402, 403};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        begin(QUIET "upstreams:\n"
                    "  - {name: a, base_url: 'http://a.test:80/v1'}\n"
                    "  - {name: b, base_url: 'http://b.test:80/v1'}\n");
        struct wire *client = gateway_connect();
        client_post_chat(client, "");
        upstream_json(serving(), statuses[i], "{\"error\":{\"message\":\"no\"}}");
        ck_answer(client, statuses[i], "{\"error\":{\"message\":\"no\"}}");
        ck_assert_uint_eq(a.dials + b.dials, 1);
        gateway_end();
    }
}
END_TEST

/* When all have failed the last upstream's own words are passed on, and the client's library is told to give up. */
START_TEST(the_last_error_is_passed_on)
{
    begin(two_upstreams);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    struct wire *first = serving();
    upstream_json(first, 503, busy_body);
    upstream_json(other(first), 429, busy_body);
    ck_answer(client, 429, busy_body);
    ck_assert_str_eq(client_field("x-should-retry"), "false");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
    gateway_end();
}
END_TEST

/* The client has no right to the key that the gateway called with, wherever an upstream repeats it. */
START_TEST(a_key_in_an_upstreams_error_is_redacted)
{
    begin(QUIET ATTEMPTS(1) "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', api_key: sk-0123456789abcdef}\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    const char *body = "{\"error\":{\"message\":\"sk-0123456789abcdef is no key, nor is sk-0123456789abcdee\"}}";
    char *answer = mem_printf("HTTP/1.1 401 X\r\nx-key: Bearer sk-0123456789abcdef\r\nContent-Length: %zu\r\n\r\n%s",
                              strlen(body), body);
    wire_send_pieces(a.wires[0], text_of(answer), 7);
    fake_settle();
    ck_answer(client, 401, "{\"error\":{\"message\":\"******************* is no key, nor is sk-0123456789abcdee\"}}");
    ck_assert_str_eq(client_field("x-key"), "Bearer *******************");
    mem_free(answer);
    gateway_end();
}
END_TEST

/* Who asks us to come back later is not waited for while somebody else can serve. */
START_TEST(a_long_retry_after_is_not_waited_for)
{
    begin(two_upstreams);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    struct wire *first = serving();
    usec_t asked = fake_now();
    wire_send(first, TEXT("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 3600\r\nContent-Length: 2\r\n\r\n{}"));
    fake_settle();
    upstream_json(other(first), 200, "{\"good\":1}");
    ck_answer(client, 200, "{\"good\":1}");
    ck_assert_int_eq(fake_now(), asked);
    gateway_end();
}
END_TEST

/* A request is kept until its answer is sure, however large it is. */
START_TEST(a_large_request_is_sent_again_whole)
{
    enum { LARGE = 1024 * 1024 };
    char *filler = mem_zalloc(LARGE + 1);
    memset(filler, 'x', LARGE);
    char *body = mem_printf("{\"model\":\"m\",\"messages\":[\"%s\"]}", filler);
    begin(two_upstreams);
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", "", body);
    struct wire *first = serving();
    ck_assert(upstream_got_request(first));
    upstream_json(first, 503, busy_body);
    ck_assert(upstream_got_request(other(first)));
    ck_assert(text_ends(wire_received(other(first)), text_of(body)));
    upstream_json(other(first), 200, "{}");
    ck_answer(client, 200, "{}");
    mem_free(body);
    mem_free(filler);
    gateway_end();
}
END_TEST

/* With one upstream there was nothing else to try, so the client's library is not kept from trying again. */
START_TEST(a_lone_error_leaves_retrying_to_the_client)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    upstream_json(a.wires[0], 503, busy_body);
    ck_answer(client, 503, busy_body);
    ck_assert_str_eq(client_field("x-should-retry"), "");
    gateway_end();
}
END_TEST

START_TEST(refused_connections_fail_over)
{
    begin(two_upstreams);
    a.refuses = NET_CONNECT;
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    upstream_json(b.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    gateway_end();
}
END_TEST

START_TEST(nobody_reachable_is_told)
{
    begin(two_upstreams);
    a.refuses = b.refuses = NET_CONNECT;
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    ck_error(client, 502, "upstream_unreachable");
    ck_assert_str_eq(client_field("x-should-retry"), "false");
    ck_assert_str_eq(client_field("retry-after"), ""); /* who should not come back is not told when */
    client_post_chat(client, ""); /* the connection still serves */
    ck_error(client, 502, "upstream_unreachable");
    gateway_end();
}
END_TEST

/* Every wait has its own timer. */
START_TEST(a_hanging_connect_ends)
{
    begin(one_upstream);
    a.hangs = true;
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    fake_run(4 * USEC_PER_SEC);
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(2 * USEC_PER_SEC);
    ck_error(client, 504, "upstream_timeout");
    gateway_end();
}
END_TEST

START_TEST(a_silent_upstream_ends)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    fake_run(59 * USEC_PER_SEC);
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(2 * USEC_PER_SEC);
    ck_error(client, 504, "upstream_timeout");
    ck_assert(wire_program_closed(a.wires[0]));
    gateway_end();
}
END_TEST

/* Comments prove that the socket lives, not that tokens come. */
START_TEST(keep_alive_comments_do_not_keep_a_stream)
{
    begin(QUIET ATTEMPTS(1) "timeouts: {first_token: 30s, commit: 10m}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    for (int i = 0; i < 29; i++) {
        upstream_chunk(a.wires[0], ": keep-alive\n\n");
        fake_run(USEC_PER_SEC);
    }
    ck_assert_uint_eq(wire_received(client).n, 0);
    upstream_chunk(a.wires[0], ": keep-alive\n\n");
    fake_run(2 * USEC_PER_SEC);
    ck_error(client, 504, "upstream_timeout");
    gateway_end();
}
END_TEST

/* A cut stream is told in the stream, and has no proper end. */
/* A stream that nobody has asked for has no other time-out for its first token. */
START_TEST(nor_do_they_keep_one_that_answers_a_plain_call)
{
    begin(QUIET ATTEMPTS(1) "timeouts: {first_token: 5s}\n"
                            "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = ask("");
    upstream_stream_head(upstream_take(busy_wire(&a)));
    for (int s = 0; s < 5; s++) {
        ck_assert(!wire_program_closed(a.wires[0]));
        upstream_chunk(a.wires[0], ": keep-alive\n\n");
        fake_run(USEC_PER_SEC);
    }
    ck_error(client, 504, "upstream_timeout");
    gateway_end();
}
END_TEST

/* What is no stream has no first token either. */
START_TEST(a_plain_answer_to_a_stream_may_take_longer)
{
    begin(QUIET "timeouts: {first_token: 5s}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = ask_stream("");
    wire_send(upstream_take(busy_wire(&a)), TEXT("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{\"a\""));
    fake_run(10 * USEC_PER_SEC);
    wire_send(a.wires[0], TEXT(":1}"));
    fake_settle();
    ck_answer(client, 200, "{\"a\":1}");
    gateway_end();
}
END_TEST

START_TEST(a_cut_stream_is_told)
{
    for (int how = 0; how < 3; how++) {
        begin(one_upstream);
        struct wire *client = gateway_connect();
        client_post_chat(client, ",\"stream\":true");
        upstream_stream_head(a.wires[0]);
        upstream_chunk(a.wires[0], delta("one"));
        upstream_chunk(a.wires[0], "data: {\"half\":"); /* half an event is never shown */
        if (how == 0) wire_close(a.wires[0]);
        if (how == 1) wire_reset(a.wires[0]);
        if (how == 2) upstream_stream_end(a.wires[0]); /* a clean end of the message is no end of the stream */
        fake_settle();
        struct client_answer answer = client_read(client);
        ck_assert(!answer.complete);
        ck_assert_ptr_nonnull(strstr(answer.body, "\"content\":\"one\""));
        ck_assert_ptr_nonnull(strstr(answer.body, "data: {\"error\":{"));
        ck_assert_ptr_nonnull(strstr(answer.body, "upstream_cut"));
        ck_assert_ptr_null(strstr(answer.body, "half"));
        ck_assert_ptr_null(strstr(answer.body, "[DONE]"));
        ck_assert_str_eq(answer.body + answer.length - 2, "\n\n");
        mem_free(answer.body);
        ck_assert(wire_program_finished(client) || wire_program_closed(client));
        gateway_end();
    }
}
END_TEST

/* An error in the first event is no success. */
START_TEST(an_error_as_first_event_fails_over)
{
    begin(two_upstreams);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    struct wire *first = serving();
    upstream_stream_head(first);
    upstream_chunk(first, "data: {\"error\":{\"message\":\"overloaded\",\"code\":500}}\n\n");
    ck_assert_uint_eq(wire_received(client).n, 0);
    struct wire *second = other(first);
    upstream_stream_head(second);
    upstream_chunk(second, delta("fine"));
    upstream_chunk(second, finish_event);
    upstream_chunk(second, done_event);
    upstream_stream_end(second);
    struct client_answer answer = client_read(client);
    ck_assert(answer.complete);
    ck_assert_ptr_null(strstr(answer.body, "overloaded"));
    mem_free(answer.body);
    gateway_end();
}
END_TEST

START_TEST(garbage_under_200_fails_over)
{
    static const char *const bodies[] = {"<html>sorry</html>",
                                         "",
                                         "  \n\n",
                                         "{\"choices\":[",
                                         "{\"error\":{\"message\":\"x\"}}",
                                         "{\"code\":336501,\"msg\":\"Rate limit\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        begin(two_upstreams);
        struct wire *client = gateway_connect();
        client_post_chat(client, "");
        struct wire *first = serving();
        upstream_json(first, 200, bodies[i]);
        upstream_json(other(first), 200, "{\"good\":1}");
        ck_answer(client, 200, "{\"good\":1}");
        gateway_end();
    }
}
END_TEST

START_TEST(malformed_http_fails_over)
{
    static const char *const answers[] = {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                                          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                                          "HTTP/1.1 200 OK\r\nX: a\nY: b\r\n\r\n", "garbage garbage\r\n\r\n",
                                          "SSH-2.0-OpenSSH\r\n\r\n"};
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        begin(two_upstreams);
        struct wire *client = gateway_connect();
        client_post_chat(client, "");
        struct wire *first = serving();
        wire_send(first, text_of(answers[i]));
        fake_settle();
        ck_assert(wire_program_closed(first));
        upstream_json(other(first), 200, "{}");
        ck_answer(client, 200, "{}");
        gateway_end();
    }
}
END_TEST

/* The client's leaving ends the work upstream at once, in every step. */
START_TEST(a_departed_client_cancels_everything)
{
    for (int stage = 0; stage < 5; stage++) {
        begin(one_upstream);
        a.hangs = stage == 0;
        struct wire *client = gateway_connect();
        client_post_chat(client, ",\"stream\":true");
        struct wire *up = a.wires[0];
        if (stage >= 2) upstream_stream_head(up);
        if (stage >= 3) upstream_chunk(up, delta("x"));
        if (stage == 4)
            wire_reset(client);
        else
            wire_close(client);
        fake_settle();
        if (stage > 0) ck_assert(wire_program_closed(up));
        ck_assert_uint_eq(gateway_in_flight("a"), 0);
        ck_assert(wire_program_closed(client));
        gateway_end();
    }
}
END_TEST

START_TEST(a_departed_client_leaves_the_queue)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n");
    struct wire *first = gateway_connect(), *second = gateway_connect();
    client_post_chat(first, "");
    client_post_chat(second, "");
    ck_assert_uint_eq(gateway_waiting(), 1);
    wire_close(second);
    fake_settle();
    ck_assert_uint_eq(gateway_waiting(), 0);
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(first, 200, "{}");
    gateway_end();
}
END_TEST

/* A wait that was too long has a code of its own. */
START_TEST(waiting_has_an_end)
{
    begin(QUIET "queue: {classes: {P2: {timeout: 5s}}}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n");
    struct wire *first = gateway_connect(), *second = gateway_connect();
    client_post_chat(first, "");
    client_post_chat(second, "");
    fake_run(6 * USEC_PER_SEC);
    ck_error(second, 503, "gateway_queue_timeout");
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(first, 200, "{}");
    gateway_end();
}
END_TEST

START_TEST(a_full_queue_is_told_at_once)
{
    begin(QUIET "queue: {max_waiting: 1}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n");
    struct wire *clients[3];
    for (int i = 0; i < 3; i++)
        client_post_chat(clients[i] = gateway_connect(), "");
    ck_error(clients[2], 503, "gateway_queue_full");
    ck_assert_str_eq(client_field("retry-after"), "5");
    gateway_end();
}
END_TEST

/* A kept connection that the upstream has just closed is not the upstream's failure. */
START_TEST(a_stale_connection_is_replaced)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    wire_clear(a.wires[0]);
    client_post_chat(client, "");
    wire_close(a.wires[0]); /* instead of an answer */
    fake_settle();
    ck_assert_uint_eq(a.dials, 2);
    upstream_json(a.wires[1], 200, "{\"again\":1}");
    ck_answer(client, 200, "{\"again\":1}");
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    gateway_end();
}
END_TEST

/* Unless it may have done already what must not be done twice. */
START_TEST(what_may_have_been_done_is_not_asked_for_again)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    upstream_json(upstream_take(a.wires[0]), 200, "{}");
    ck_answer(client, 200, "{}");
    client_post(client, "/v1/files", "", "{}");
    wire_close(upstream_take(a.wires[0])); /* instead of an answer */
    fake_settle();
    ck_error(client, 502, "upstream_unreachable");
    ck_assert_uint_eq(a.dials, 1);
    gateway_end();
}
END_TEST

/* That the gateway itself has come to its limit is told as its own failure, and is not the upstream's. */
START_TEST(having_no_descriptors_is_nobodys_fault)
{
    begin(one_upstream);
    a.refuses = NET_NO_DESCRIPTORS;
    struct wire *client = ask("");
    ck_error(client, 500, "gateway_internal_error");
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    gateway_end();
}
END_TEST

START_TEST(an_upstream_that_keeps_failing_is_left_alone)
{
    begin(two_upstreams);
    a.refuses = NET_CONNECT;
    struct wire *client = gateway_connect();
    for (int i = 0; i < 20; i++) {
        client_post_chat(client, "");
        upstream_json(b.wires[0], 200, "{}");
        wire_clear(b.wires[0]);
        ck_answer(client, 200, "{}");
    }
    ck_assert_uint_eq(a.dials, 5);
    gateway_end();
}
END_TEST

START_TEST(a_long_plain_answer_that_breaks_is_reset)
{
    begin(QUIET "limits: {answer_hold: 64KB}\nupstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    char *half = mem_alloc(100001);
    memset(half, 'x', 100000);
    half[100000] = '\0';
    wire_send(a.wires[0], TEXT("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500000\r\n\r\n"));
    wire_send(a.wires[0], text_of(half));
    fake_settle();
    ck_assert_uint_gt(wire_received(client).n, 90000);
    wire_close(a.wires[0]);
    fake_settle();
    ck_assert(wire_program_reset(client));
    mem_free(half);
    gateway_end();
}
END_TEST

/* An upstream that answers before it has heard all still gets the rest of the request, with its model's name, and not
 * what lies in that memory later. */
START_TEST(an_answer_may_overtake_its_request)
{
    static const char sent[] = "\"hi\"}],\"stream\":true,\"model\":\"another-name\"}";
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', models: {m: another-name}}]\n");
    a.window = 100;
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", "",
                "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true,\"model\":\"m\"}");
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta("early"));
    ck_assert_uint_gt(wire_received(client).n, 0);
    wire_window(a.wires[0], SIZE_MAX);
    fake_settle();
    ck_assert(upstream_got_request(a.wires[0]));
    ck_assert(text_ends(wire_received(a.wires[0]), text_of(sent)));
    upstream_chunk(a.wires[0], finish_event);
    upstream_stream_end(a.wires[0]);
    struct client_answer answer = client_read(client);
    ck_assert(answer.complete);
    mem_free(answer.body);
    gateway_end();
}
END_TEST

TEST_MAIN("failures", each_retryable_status_fails_over, the_callers_own_mistakes_do_not,
          what_one_upstream_does_not_know_another_may, the_callers_own_key_is_its_own_matter,
          the_last_error_is_passed_on, a_key_in_an_upstreams_error_is_redacted, a_long_retry_after_is_not_waited_for,
          a_large_request_is_sent_again_whole, a_lone_error_leaves_retrying_to_the_client,
          refused_connections_fail_over, nobody_reachable_is_told, a_hanging_connect_ends, a_silent_upstream_ends,
          keep_alive_comments_do_not_keep_a_stream, nor_do_they_keep_one_that_answers_a_plain_call,
          a_plain_answer_to_a_stream_may_take_longer, a_cut_stream_is_told, an_error_as_first_event_fails_over,
          garbage_under_200_fails_over, malformed_http_fails_over, a_departed_client_cancels_everything,
          a_departed_client_leaves_the_queue, waiting_has_an_end, a_full_queue_is_told_at_once,
          a_stale_connection_is_replaced, what_may_have_been_done_is_not_asked_for_again,
          having_no_descriptors_is_nobodys_fault, an_upstream_that_keeps_failing_is_left_alone,
          a_long_plain_answer_that_breaks_is_reset, an_answer_may_overtake_its_request)
