/* What is kept is kept as its client got it, byte for byte: whatever it says, and however it came about. */
#include "cache.h"

/* ---- every field ---- */

#define REASONING "\"reasoning_content\":\"Hm, \\u00fc\\n\""
#define TOOL      "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}"

/* With white space, unknown members and numbers in any spelling. */
static const char *const plain[] = {
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":null," REASONING
    ",\"tool_calls\":[" TOOL "]},\"logprobs\":null,\"finish_reason\":\"tool_calls\"}]}",
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"," REASONING
    "},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,"
    "\"completion_tokens_details\":{\"reasoning_tokens\":1}}}",
    "{ \"x-nobody\" : [ 1.50, -0 , {} ] ,\t\"choices\" : [ { \"message\" : { \"content\" : \"Hello\" } ,"
    " \"finish_reason\" : \"stop\" } ] }\r\n",
    "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"},{\"index\":1,\"message\":{"
    "\"content\":\"b\"},\"finish_reason\":\"length\"}],\"system_fingerprint\":\"fp\"}",
    "{\"choices\":[{\"message\":{\"content\":null,\"refusal\":\"No.\"},\"finish_reason\":\"stop\"}]}",
};

START_TEST(plain_answers_are_kept_as_they_are)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), plain[_i]);
    ck_hit(chat("", ""), plain[_i]);
    gateway_end();
}
END_TEST

#define CHUNK(delta, finish) \
    "data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]}\n\n"
#define DONE "data: [DONE]\n\n"

static const char *const streams[] = {
    CHUNK("{" REASONING "}", "null") CHUNK("{\"content\":\"Hello\"}", "null") CHUNK("{}", "\"stop\"") DONE,
    CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"call_1\",\"type\":\"function\",\"function\":{\"name\":\"f\","
          "\"arguments\":\"\"}}]}",
          "null") CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\\\"a\\\":1}\"}}]}", "null")
        CHUNK("{}", "\"tool_calls\"") DONE,
    CHUNK("{\"content\":\"Hello\"}", "\"length\"") ": a comment\n\n" DONE,
    "event: message\nid: 7\nretry: 10\n" CHUNK("{\"content\":\"Hello\"}", "\"stop\"") "data:[DONE]\n\n",
    "data: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\r\n\r\ndata: [DONE]\r\n\r\n",
};

START_TEST(streams_are_kept_as_they_are)
{
    begin(ALWAYS);
    struct wire *client = chat("", STREAMED);
    answer_stream(&a, streams[_i]);
    ck_given(client, "miss", streams[_i]);
    ck_hit(chat("", STREAMED), streams[_i]);
    gateway_end();
}
END_TEST

/* Of the head only what says how the body is to be read: the rest was about that call. */
START_TEST(of_the_head_the_type_is_kept)
{
    begin(ALWAYS);
    struct wire *client = chat("", "");
    char *said = mem_printf("HTTP/1.1 200 OK\r\nX-Ratelimit-Remaining: 7\r\nSet-Cookie: a=b\r\n"
                            "content-TYPE:  application/json; charset=utf-8 \r\nX-Request-Id: theirs\r\n"
                            "Content-Length: %zu\r\n\r\n%s",
                            strlen(hello), hello);
    wire_send(upstream_take(busy_wire(&a)), text_of(said));
    mem_free(said);
    fake_settle();
    ck_given(client, "miss", hello);
    ck_assert_str_eq(client_field("x-ratelimit-remaining"), "7");
    ck_hit(chat("", ""), hello);
    ck_assert_str_eq(client_field("content-type"), "application/json; charset=utf-8");
    ck_assert_str_eq(client_field("x-ratelimit-remaining"), "");
    ck_assert_str_eq(client_field("set-cookie"), "");
    gateway_end();
}
END_TEST

/* In however many pieces it comes. */
START_TEST(pieces_make_one)
{
    begin(ALWAYS);
    struct wire *client = chat("", STREAMED);
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    char *chunk = mem_printf("%zx\r\n%s\r\n0\r\n\r\n", strlen(streams[1]), streams[1]);
    wire_send_pieces(w, text_of(chunk), 7);
    mem_free(chunk);
    fake_settle();
    ck_given(client, "miss", streams[1]);
    ck_hit(chat("", STREAMED), streams[1]);
    gateway_end();
}
END_TEST

/* ---- after all ---- */

#define TWO_TRIES(more) QUIET ROUTE("retry: {attempts: 2, jitter: 0%}, cache: {mode: always}" more)

START_TEST(a_second_attempts_answer_is_kept)
{
    begin(TWO_TRIES(", hedge: off") A_THEN_B);
    struct wire *client = chat("", "");
    answer(&a, 503, busy);
    answer(&b, 200, hello);
    ck_given(client, "miss", hello);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* a's stream breaks, and b goes on with it, to its end. */
static void break_and_go_on(void)
{
    upstream_close(begin_stream(&a, "1", "Hel"));
    struct wire *w = begin_stream(&b, "2", "lo");
    upstream_chunk(w, "data: {\"id\":\"2\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    upstream_chunk(w, done_event);
    upstream_stream_end(w);
}

/* A stream that broke and was gone on with is one whole. */
START_TEST(what_two_have_said_is_kept_whole)
{
    begin(TWO_TRIES(", hedge: off") "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, ""));
    struct wire *client = chat("", STREAMED);
    break_and_go_on();
    struct client_answer got = client_read(client);
    ck_assert(got.complete && strstr(got.body, delta_text("1", "lo")) && strstr(got.body, "[DONE]"));
    ck_hit(chat("", STREAMED), got.body);
    ck_assert_uint_eq(gateway_memory().entries, 1);
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* A plain call of which a part had come. */
START_TEST(a_plain_call_that_was_gone_on_with_is_kept_whole)
{
    begin(TWO_TRIES(", hedge: off") "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, ""));
    struct wire *client = chat("", "");
    break_and_go_on();
    struct client_answer got = client_read(client);
    ck_assert(got.complete && strstr(got.body, "\"content\":\"Hello\""));
    ck_hit(chat("", ""), got.body);
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* Of two attempts that race one has an answer, and that is kept, once. */
START_TEST(a_race_is_kept_once)
{
    for (int rival_wins = 0; rival_wins < 2; rival_wins++) {
        begin(TWO_TRIES(", hedge: {after: 1s}") A_THEN_B);
        struct wire *client = chat("", STREAMED);
        struct wire *lead = upstream_take(busy_wire(&a));
        fake_run(1000 * MS);
        struct wire *rival = upstream_take(busy_wire(&b)), *winner = rival_wins ? rival : lead;
        upstream_stream_head(winner);
        upstream_chunk(winner, streams[0]);
        upstream_stream_end(winner);
        ck_given(client, "miss", streams[0]);
        ck_hit(chat("", STREAMED), streams[0]);
        ck_assert_uint_eq(gateway_metric("dsgate_cache_stored_total"), 1);
        ck_assert_uint_eq(gateway_memory().added, 1);
        gateway_end();
    }
}
END_TEST

/* What was put together from a stream is kept as its client got it: as a plain answer. */
START_TEST(a_plain_call_that_was_made_as_a_stream_is_kept_plain)
{
    begin(CACHE("mode: always") "upstreams:\n" DEEPSEEK(a, ""));
    struct wire *client = chat("", "");
    upstream_stream_finish(begin_stream(&a, "1", "Hello"));
    struct client_answer got = client_read(client);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "miss");
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_hit(chat("", ""), got.body);
    ck_assert_str_eq(client_field("content-type"), "application/json");
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* It is whole already, though the client has not taken all of it yet, or ever does. */
START_TEST(a_slow_client_does_not_keep_it_from_others)
{
    begin(ALWAYS);
    struct wire *client = gateway_connect();
    wire_window(client, 10);
    client_post_chat(client, STREAMED);
    answer_stream(&a, streams[0]);
    ck_hit(chat("", STREAMED), streams[0]);
    wire_reset(client);
    fake_settle();
    ck_hit(chat("", STREAMED), streams[0]);
    gateway_end();
}
END_TEST

/* An end of the message that the upstream never tells is not waited for. */
START_TEST(done_is_an_end)
{
    begin(ALWAYS);
    struct wire *client = chat("", STREAMED);
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    upstream_chunk(w, streams[0]);
    upstream_close(w);
    ck_given(client, "miss", streams[0]);
    ck_hit(chat("", STREAMED), streams[0]);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, plain_answers_are_kept_as_they_are, 0, COUNT(plain));
    tcase_add_loop_test(tests, streams_are_kept_as_they_are, 0, COUNT(streams));
    tcase_add_test(tests, of_the_head_the_type_is_kept);
    tcase_add_test(tests, pieces_make_one);
    tcase_add_test(tests, a_second_attempts_answer_is_kept);
    tcase_add_test(tests, what_two_have_said_is_kept_whole);
    tcase_add_test(tests, a_plain_call_that_was_gone_on_with_is_kept_whole);
    tcase_add_test(tests, a_race_is_kept_once);
    tcase_add_test(tests, a_plain_call_that_was_made_as_a_stream_is_kept_plain);
    tcase_add_test(tests, a_slow_client_does_not_keep_it_from_others);
    tcase_add_test(tests, done_is_an_end);
}

TEST_MAIN_ADDING("cache_whole", add_tests)
