/* Streams that break in ways that nobody should break them: what the client gets is still one stream, and no more than
 * was meant for it. */
#include "resume.h"

#define KEY   "sk-0123456789abcdef"
#define STARS "*******************"
#define KEYED "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_key: " KEY "}]\n"

static char *repeat(char letter, size_t n)
{
    char *bytes = mem_alloc(n + 1);
    memset(bytes, letter, n);
    bytes[n] = '\0';
    return bytes;
}

/* The first token and the break come together, so that nothing has been shown. Whoever goes on needs the client's
 * request, also where memory for bodies is scarce. */
START_TEST(a_request_is_kept_for_who_goes_on)
{
    begin(RULES "limits: {bodies: 1MB}\n" TWO);
    struct wire *client = gateway_connect();
    char *question = repeat('x', 700000);
    char *body =
        mem_printf("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"stream\":true}", question);
    client_post(client, "/v1/chat/completions", "", body);
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    char *piece = mem_printf("%sdata: {\"error\":{\"message\":\"no\"}}\n\n", delta_text("A", "Hel"));
    upstream_chunk(w, piece);
    ck_assert(has_received(client, "Hel"));
    w = busy_wire(&b);
    ck_assert(has_received(w, question) && has_received(w, "\"content\":\"Hel\",\"prefix\":true"));
    upstream_take(w);
    upstream_stream_head(w);
    upstream_chunk(w, delta_text("B", "lo"));
    upstream_stream_finish(w);
    struct client_answer got = client_read(client);
    ck_assert(got.complete && strstr(got.body, "\"content\":\"lo\""));
    mem_free(got.body);
    mem_free(piece);
    mem_free(body);
    mem_free(question);
    gateway_end();
}
END_TEST

/* Unless it is long itself and all of them are: then it is not, and nobody goes on. */
START_TEST(a_long_request_is_not_kept)
{
    begin(RULES "limits: {bodies: 1MB}\n" TWO);
    struct wire *client = gateway_connect();
    char *question = repeat('x', 700000);
    char *body =
        mem_printf("{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],\"stream\":true}", question);
    client_post(client, "/v1/chat/completions", "", body);
    wire_clear(busy_wire(&a));
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta_text("A", "Hel"));
    upstream_close(a.wires[0]);
    ck_assert(has_received(client, "\"code\":\"upstream_cut\""));
    ck_assert_uint_eq(b.dials, 0);
    mem_free(body);
    mem_free(question);
    gateway_end();
}
END_TEST

/* However long its error is. */
START_TEST(an_error_of_who_was_to_go_on_is_not_shown)
{
    begin(RULES "limits: {answer_hold: 4KB}\n" TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    char *half = repeat('x', 5000);
    char *error = mem_printf("HTTP/1.1 500 X\r\nContent-Type: text/html\r\nContent-Length: 10000\r\n\r\n%s", half);
    struct wire *w = upstream_take(busy_wire(&b));
    wire_send(w, text_of(error));
    fake_settle();
    ck_assert(has_received(client, "Hel") && !has_received(client, "xxx"));
    ck_assert(wire_program_closed(w));
    ck_assert_uint_eq(gateway_attempts("b", "fault"), 1);
    mem_free(error);
    mem_free(half);
    gateway_end();
}
END_TEST

/* Nor where nobody is left to ask: it would stand in the way of the event that tells the end. */
START_TEST(a_last_error_of_who_was_to_go_on_is_not_shown)
{
    static const char *const answers[] = {"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}",
                                          "HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\n{}"};
    for (int half = 0; half < 2; half++) {
        begin(QUIET ROUTE("hedge: off, retry: {attempts: 2}") TWO);
        struct wire *client = ask_stream("");
        upstream_close(begin_stream(&a, "A", "Hel"));
        struct wire *w = upstream_take(busy_wire(&b));
        wire_send(w, text_of(answers[half]));
        upstream_close(w);
        char *shown = mem_printf("%s%sdata: {\"error\":{", delta_of("A", ROLE), delta_text("A", "Hel"));
        struct client_answer got = client_read(client);
        ck_assert_msg(!got.complete && text_starts(text_of(got.body), text_of(shown)), "%s", got.body);
        mem_free(got.body);
        mem_free(shown);
        gateway_end();
    }
}
END_TEST

/* Whose key the client's own is: one upstream has taken it, the next one does not know it, another one may. */
START_TEST(who_refuses_the_clients_key_does_not_go_on)
{
#define KEYLESS(name, more) \
    "  - {name: " #name ", base_url: 'http://" #name ".test:80/v1', dialect: deepseek, beta_path: /beta" more "}\n"
    static const unsigned statuses[] = {401, 402, 403};
    for (int i = 0; i < COUNT(statuses); i++) {
        begin(RULES "upstreams:\n" KEYLESS(a, ", weight: 90") KEYLESS(b, ", weight: 9") KEYLESS(c, ""));
        struct wire *client = ask_stream("Authorization: Bearer sk-client\r\n");
        upstream_close(begin_stream(&a, "A", "Hel"));
        upstream_json(upstream_take(busy_wire(&b)), statuses[i], "{\"error\":{\"message\":\"no\"}}");
        struct wire *w = begin_stream(&c, "C", "lo");
        upstream_stream_finish(w);
        struct client_answer got = client_read(client);
        ck_assert(got.complete && strstr(got.body, "\"content\":\"lo\""));
        ck_assert_ptr_null(strstr(got.body, "\"error\""));
        ck_assert_uint_eq(gateway_attempts("b", "neutral"), 1);
        mem_free(got.body);
        gateway_end();
    }
}
END_TEST

/* Nor is one in its stream that would be the client's to read, had it asked for that. */
START_TEST(an_error_event_of_who_was_to_go_on_is_not_shown)
{
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *w = upstream_take(busy_wire(&b));
    upstream_stream_head(w);
    upstream_chunk(w, "data: {\"error\":{\"message\":\"no such role\",\"code\":400}}\n\n");
    ck_assert(has_received(client, "Hel") && !has_received(client, "no such role"));
    ck_assert(wire_program_closed(w));
    gateway_end();
}
END_TEST

/* An end without its blank line is the end of a stream that was gone on with, too. */
START_TEST(the_end_may_miss_its_blank_line)
{
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *w = begin_stream(&b, "B", "lo");
    upstream_chunk(w, finish_event);
    upstream_chunk(w, "data: [DONE]");
    upstream_stream_end(w);
    struct client_answer got = client_read(client);
    ck_assert(got.complete && text_ends(text_of(got.body), TEXT("data: [DONE]")));
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* Who is too busy to go on is busy, as with any request. */
START_TEST(who_is_too_busy_to_go_on_is_no_liar)
{
    begin(RULES TWO);
    ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    upstream_json(upstream_take(busy_wire(&b)), 503, "{\"error\":{\"message\":\"busy\"}}");
    ck_assert_uint_eq(gateway_attempts("b", "busy"), 1);
    ck_assert_uint_eq(gateway_attempts("b", "fault"), 0);
    gateway_end();
}
END_TEST

/* ---- how events are written ---- */

/* White space before its JSON hides no chunk. */
START_TEST(white_space_before_a_chunk_is_nothing)
{
    static const char *const spaces[] = {"data: ", "data:\t", "data:\ndata:"};
    for (int i = 0; i < COUNT(spaces); i++) {
        char *event = mem_printf("%s%s", spaces[i], delta_text("A", "lo") + strlen("data:"));
        begin(RULES TWO);
        struct wire *client = ask_stream("");
        struct wire *w = begin_stream(&a, "A", "Hel");
        upstream_chunk(w, event);
        upstream_close(w);
        upstream_take(busy_wire(&b));
        ck_assert_msg(strstr(taken_body, "\"content\":\"Hello\",\"prefix\":true"), "%s", taken_body);
        client = ask(""); /* a plain call */
        w = begin_stream(&a, "A", "Hel");
        upstream_chunk(w, event);
        upstream_stream_finish(w);
        ck_assert(has_received(client, "\"content\":\"Hello\""));
        gateway_end();
        mem_free(event);
    }
}
END_TEST

/* A chunk in several lines stays one, and one event. */
START_TEST(a_mended_chunk_keeps_its_lines)
{
    static const char rest[] = "\ndata: \ndata: \"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n";
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *w = upstream_take(busy_wire(&b));
    upstream_stream_head(w);
    char *came = mem_printf("data: {\"id\":\"B\",%s", rest), *mended = mem_printf("data: {\"id\":\"A\",%s", rest);
    upstream_chunk(w, came);
    ck_assert(has_received(client, mended));
    mem_free(mended);
    mem_free(came);
    gateway_end();
}
END_TEST

/* What could be written into no request, nor into a plain answer, breaks a stream; what came before is gone on from. */
START_TEST(bytes_that_are_no_text_break_a_stream)
{
    begin(RULES TWO);
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "A", "Hel");
    upstream_chunk(w, delta_text("A", "\xFF"));
    upstream_close(w);
    w = begin_stream(&b, "C", "lo");
    ck_assert_ptr_nonnull(strstr(taken_body, "\"content\":\"Hel\""));
    upstream_stream_finish(w);
    ck_assert(has_received(client, "\"content\":\"Hello\""));
    ck_assert(has_received(client, "x-dsgate-reasons: bad_event\r\n"));
    gateway_end();
}
END_TEST

/* ---- how it ends ---- */

/* Who says twice that one choice has ended has not ended the other. */
START_TEST(two_ends_of_one_choice_are_one)
{
    static const char end[] = "data: {\"choices\":[{\"index\":%d,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    for (int other = 0; other < 2; other++) {
        begin(RULES TWO);
        struct wire *client = gateway_connect();
        client_post_chat(client, ",\"stream\":true,\"n\":2");
        struct wire *w = begin_stream(&a, "A", "Hel");
        char *first = mem_printf(end, 0), *second = mem_printf(end, other);
        upstream_chunk(w, first);
        upstream_chunk(w, second);
        upstream_close(w);
        struct client_answer got = client_read(client);
        ck_assert_int_eq(got.complete, other == 1);
        ck_assert_int_eq(strstr(got.body, "upstream_cut") != NULL, other == 0);
        mem_free(got.body);
        mem_free(second);
        mem_free(first);
        gateway_end();
    }
}
END_TEST

/* ---- the gateway's key ---- */

START_TEST(a_key_in_a_streams_error_is_redacted)
{
    begin(RULES KEYED);
    struct wire *client = ask_stream("");
    upstream_chunk(begin_stream(&a, "A", "Hel"), "data: {\"error\":{\"message\":\"no " KEY "\"}}\n\n");
    ck_assert(has_received(client, "data: {\"error\":{\"message\":\"no " STARS "\"}}\n\n"));
    client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    upstream_chunk(w, "data: {\"error\":{\"message\":\"no " KEY "\",\"code\":\"context_length_exceeded\"}}\n\n");
    upstream_stream_end(w);
    ck_assert(has_received(client, "data: {\"error\":{\"message\":\"no " STARS "\",\"code\":\"context_length"));
    gateway_end();
}
END_TEST

TEST_MAIN("streams that break oddly", a_request_is_kept_for_who_goes_on, a_long_request_is_not_kept,
          an_error_of_who_was_to_go_on_is_not_shown, a_last_error_of_who_was_to_go_on_is_not_shown,
          who_refuses_the_clients_key_does_not_go_on, an_error_event_of_who_was_to_go_on_is_not_shown,
          the_end_may_miss_its_blank_line, who_is_too_busy_to_go_on_is_no_liar, white_space_before_a_chunk_is_nothing,
          a_mended_chunk_keeps_its_lines, bytes_that_are_no_text_break_a_stream, two_ends_of_one_choice_are_one,
          a_key_in_a_streams_error_is_redacted)
