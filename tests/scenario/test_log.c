/* What a line of the access log tells of what it took to get an answer. */
#include "scenario.h"

#define MS USEC_PER_MS

#define RULES(rules) ROUTE("retry: {attempts: 2, jitter: 0%}, " rules)
#define TWO          "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, "")

#define USAGE(prompt, completion, cached) \
    "\"usage\":{\"prompt_tokens\":" #prompt ",\"completion_tokens\":" #completion \
    ",\"prompt_cache_hit_tokens\":" #cached "}"
/* A last chunk, and the end of the message. */
#define ENDS(reason, usage) \
    "data: {\"id\":\"B\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]," usage "}\n\n"

static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";

static void begin_logged(const char *yaml)
{
    gateway_keep_log();
    begin(yaml);
}

static void end_stream(struct wire *w, const char *last_event)
{
    upstream_chunk(w, last_event);
    upstream_chunk(w, done_event);
    upstream_stream_end(w);
}

/* The one line that there is says so, or it does not. */
#define ck_logged(members)     ck_assert_msg(strstr(gateway_log(), members) != NULL, "%s", gateway_log())
#define ck_not_logged(members) ck_assert_msg(strstr(gateway_log(), members) == NULL, "%s", gateway_log())

/* What has been sent on to b was prompt for it and is answer for the client, and no more of a prompt can have been in a
 * cache than there is of it. */
START_TEST(an_answer_of_two_is_one)
{
    begin_logged(RULES("hedge: off") TWO);
    ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    end_stream(begin_stream(&b, "B", "lo"), ENDS("stop", USAGE(9, 2, 9)));
    ck_logged("\"status\":200,\"upstream\":\"b\",\"attempts\":2,\"continued\":1,\"reasons\":\"cut\",\"detail\":\"");
    ck_logged("\"plain_stream\":true,\"bytes_in\":");
    ck_logged("\"tokens\":{\"prompt\":8,\"completion\":3,\"cached\":8,\"reasoning\":0},\"finish\":\"stop\"}\n");
    ck_not_logged("wasted_tokens");
    gateway_end();
}
END_TEST

/* As the client has seen it, whatever the one who was asked for the end has said. */
START_TEST(an_end_at_the_limit_is_that)
{
    begin_logged(RULES("hedge: off") TWO);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true,\"max_tokens\":1");
    upstream_close(begin_stream(&a, "A", "Hel"));
    end_stream(begin_stream(&b, "B", "lo"), ENDS("stop", USAGE(9, 1, 0)));
    ck_logged("\"continued\":1,\"reasons\":\"cut\",");
    ck_logged("\"wasted_tokens\":1,\"stream\":true,");
    ck_logged("\"tokens\":{\"prompt\":8,\"completion\":1,\"cached\":0,\"reasoning\":0},\"finish\":\"length\"}\n");
    gateway_end();
}
END_TEST

/* The loser has read its prompt: four bytes of it are about a token. */
START_TEST(a_race_is_told)
{
    begin_logged(ROUTE("hedge: {after: 1s}") A_THEN_B);
    ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    size_t prompt = strlen(taken_body) / 4;
    fake_run(1000 * MS);
    struct wire *rival = begin_stream(&b, "1", "Hello");
    ck_assert(wire_program_closed(lead));
    end_stream(rival, finish_event);
    char *members = mem_printf("\"attempts\":2,\"hedges\":1,\"wasted_tokens\":%zu,\"stream\":true,", prompt);
    ck_logged(members);
    mem_free(members);
    gateway_end();
}
END_TEST

START_TEST(falling_back_is_told)
{
    begin_logged(ROUTE("retry: {attempts: 1}, fallback: [{model: spare}, {answer: later}]") "upstreams:\n" UPSTREAM(
        a, ", models: {m: m}") UPSTREAM(b, ", models: {spare: s}"));
    ask("");
    upstream_json(upstream_take(busy_wire(&a)), 503, busy);
    upstream_json(upstream_take(busy_wire(&b)), 200, "{}");
    ck_logged(
        "\"attempts\":2,\"fallback\":\"model:spare\",\"reasons\":\"busy\",\"detail\":\"HTTP 503, error_status\",");
    ask("");
    upstream_json(upstream_take(busy_wire(&a)), 503, busy);
    upstream_json(upstream_take(busy_wire(&b)), 503, busy);
    ck_logged("\"attempts\":2,\"fallback\":\"answer\",\"reasons\":\"busy,busy\",");
    gateway_end();
}
END_TEST

/* What an upstream has told of an answer that nobody got is not told of the error. */
START_TEST(an_answer_that_was_not_shown_is_none)
{
    begin_logged(RULES("hedge: off") "upstreams:\n" DEEPSEEK(a, ""));
    ask("X-Dsgate-Timeout: 1s\r\n");
    struct wire *w = begin_stream(&a, "A", "Hel");
    fake_run(900 * MS);
    upstream_chunk(w, ENDS("insufficient_system_resource", USAGE(9, 1, 0)));
    ck_logged("\"status\":502,\"error\":\"upstream_cut\",\"upstream\":\"a\",");
    ck_not_logged("\"tokens\"");
    ck_not_logged("\"finish\"");
    gateway_end();
}
END_TEST

/* Whoever has written them. */
START_TEST(all_bytes_are_counted)
{
    begin_logged("timeouts: {commit: 5s}\n" ROUTE("hedge: off") A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    fake_run(6000 * MS);
    upstream_stream_head(w);
    upstream_chunk(w, delta("Hello"));
    upstream_stream_finish(w);
    struct client_answer got = client_read(client);
    ck_assert(text_starts(text_of(got.body), TEXT(": keep-alive\n\n")));
    char *members = mem_printf("\"bytes_out\":%zu,", got.length);
    ck_logged(members);
    mem_free(members);
    mem_free(got.body);
    gateway_end();
}
END_TEST

TEST_MAIN("log", an_answer_of_two_is_one, an_end_at_the_limit_is_that, a_race_is_told, falling_back_is_told,
          an_answer_that_was_not_shown_is_none, all_bytes_are_counted)
