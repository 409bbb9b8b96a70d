/* One answer for clients that want it whole and for clients that want it as a stream, with its usage or without. */
#include "cache.h"

/* ---- each API ---- */

#define COMPLETIONS "/v1/completions"
#define MESSAGES    "/v1/messages"
#define RESPONSES   "/v1/responses"
#define EVERYWHERE  CACHE("mode: always") "upstreams:\n" UPSTREAM(a, ", anthropic_path: /v1")

#define USAGE "\"usage\":{\"input_tokens\":3,\"output_tokens\":2}"

/* Each as the other form gives it back, so that it can be turned over and over. */
static const struct {
    const char *path, *members; /* of the request, beside model and stream */
    const char *plain;
    const char *signs[3]; /* what the stream must have in it */
} apis[] = {
    {CHAT,
     "\"messages\":[" QUESTION "]",
     "{\"id\":\"1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":\"fp\","
     "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hello\",\"reasoning_content\":"
     "\"Hm\",\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}}]},\"logprobs\":null,\"finish_reason\":\"tool_calls\"}],\"usage\":{\"prompt_tokens\":3,"
     "\"completion_tokens\":2,\"total_tokens\":5}}",
     {"\"content\":\"Hello\"", "\"name\":\"f\"", "data: [DONE]\n\n"}},
    {COMPLETIONS,
     "\"prompt\":\"Say\"",
     "{\"id\":\"1\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"text\":"
     "\"Hello\",\"logprobs\":null,\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":3,"
     "\"completion_tokens\":2,\"total_tokens\":5}}",
     {"\"text\":\"Hello\"", "\"finish_reason\":\"length\"", "data: [DONE]\n\n"}},
    {MESSAGES,
     "\"max_tokens\":9,\"messages\":[" QUESTION "]",
     "{\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"s\"},{\"type\":\"text\",\"text\":"
     "\"Hello\"},{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1}}]," USAGE ",\"id\":\"msg_1\","
     "\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"stop_reason\":\"tool_use\",\"stop_sequence\":null}",
     {"event: message_start\n", "\"text\":\"Hello\"", "event: message_stop\n"}},
    {RESPONSES,
     "\"input\":\"hi\"",
     "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"status\":\"completed\",\"model\":\"m\",\"output\":["
     "{"
     "\"id\":\"msg_1\",\"type\":\"message\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":"
     "\"output_text\",\"text\":\"Hello\",\"annotations\":[]}]}]," USAGE "}",
     {"event: response.created\n", "\"delta\":\"Hello\"", "event: response.completed\n"}},
};

/* `nth` tells requests apart that are otherwise alike. */
static struct wire *ask_api(int api, int nth, const char *form)
{
    char *body = mem_printf("{\"model\":\"m\",\"temperature\":%d,%s%s}", nth, apis[api].members, form);
    struct wire *client = post(apis[api].path, "", body);
    mem_free(body);
    return client;
}

/* The stream that a plain answer becomes; the caller frees it. */
static char *get_stream(int api, const char *form)
{
    struct client_answer got = client_read(ask_api(api, 0, form));
    ck_assert_uint_eq(got.status, 200);
    ck_assert(got.complete);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "hit-memory");
    ck_assert_str_eq(client_field("content-type"), "text/event-stream");
    ck_assert_str_eq(client_field("cache-control"), "no-cache");
    for (int i = 0; i < COUNT(apis[api].signs); i++)
        ck_assert_msg(strstr(got.body, apis[api].signs[i]) != NULL, "no %s in %s", apis[api].signs[i], got.body);
    return got.body;
}

START_TEST(each_form_gives_the_other)
{
    begin(EVERYWHERE);
    ck_miss(ask_api(_i, 0, ""), apis[_i].plain);
    char *stream = get_stream(_i, TELLS_USAGE);
    ck_hit(ask_api(_i, 0, ""), apis[_i].plain);
    struct wire *client = ask_api(_i, 1, TELLS_USAGE);
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    upstream_chunk(w, stream);
    upstream_stream_end(w);
    ck_given(client, "miss", stream);
    ck_hit(ask_api(_i, 1, ""), apis[_i].plain);
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_int_eq(atoi(client_field("content-length")), (int)strlen(apis[_i].plain));
    ck_hit(ask_api(_i, 1, TELLS_USAGE), stream);
    ck_assert_uint_eq(calls(), 2);
    mem_free(stream);
    gateway_end();
}
END_TEST

/* ---- with usage, or without ---- */

#define CHUNK(choices, usage) \
    "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[" choices \
    "]" usage "}\n\n"
#define ENDING(usage) CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}", usage)
#define SAYS          CHUNK("{\"index\":0,\"delta\":{\"content\":\"Hello\"},\"finish_reason\":null}", "")
#define COUNTED       ",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}"
#define DONE          "data: [DONE]\n\n"

/* As OpenAI streams to who has not asked for the usage, and to who has; and as DeepSeek does to everybody. */
#define BARE   SAYS ENDING("") DONE
#define APART  SAYS ENDING("") CHUNK("", COUNTED) DONE
#define WITHIN SAYS ENDING(COUNTED) DONE

/* What comes of what is kept: its very bytes, or nothing, or the other form without usage or with it. */
enum made { AS_IT_IS, MISS, WITHOUT, WITH };

static const struct {
    const char *kept_for, *kept; /* in what form it was asked for, and what came */
    const char *asked_for;
    enum made made;
    const char *given; /* unless it is made */
} usages[] = {
    {STREAMED, BARE, STREAMED, AS_IT_IS, BARE},
    {STREAMED, BARE, TELLS_USAGE, MISS, APART},
    {STREAMED, BARE, "", MISS, hello},
    {STREAMED, WITHIN, STREAMED, AS_IT_IS, WITHIN},
    {STREAMED, WITHIN, TELLS_USAGE, AS_IT_IS, WITHIN},
    {STREAMED, WITHIN, "", WITH, NULL},
    {TELLS_USAGE, APART, STREAMED, AS_IT_IS, BARE},
    {TELLS_USAGE, APART, TELLS_USAGE, AS_IT_IS, APART},
    {TELLS_USAGE, APART, "", WITH, NULL},
    {TELLS_USAGE, WITHIN, STREAMED, AS_IT_IS, WITHIN},
    {"", hello, STREAMED, WITHOUT, NULL},
    {"", hello, TELLS_USAGE, WITH, NULL},
    {"", hello, "", AS_IT_IS, hello},
};

static void give(const char *form, const char *said)
{
    if (*form)
        answer_stream(&a, said);
    else
        answer(&a, 200, said);
}

static void ck_made(struct wire *client, bool usage)
{
    struct client_answer got = client_read(client);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(got.complete);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "hit-memory");
    ck_assert_ptr_nonnull(strstr(got.body, "\"content\":\"Hello\""));
    ck_assert_msg((strstr(got.body, "\"total_tokens\":5") != NULL) == usage, "%s", got.body);
    mem_free(got.body);
}

START_TEST(usage_is_for_who_asks)
{
    begin(ALWAYS);
    struct wire *client = chat("", usages[_i].kept_for);
    give(usages[_i].kept_for, usages[_i].kept);
    ck_given(client, "miss", usages[_i].kept);
    client = chat("", usages[_i].asked_for);
    switch (usages[_i].made) {
    case AS_IT_IS: ck_hit(client, usages[_i].given); break;
    case WITHOUT: ck_made(client, false); break;
    case WITH: ck_made(client, true); break;
    case MISS:
        give(usages[_i].asked_for, usages[_i].given);
        ck_given(client, "miss", usages[_i].given);
        ck_hit(chat("", usages[_i].asked_for), usages[_i].given); /* it has replaced the other */
        ck_assert_uint_eq(gateway_memory().entries, 1);
    }
    gateway_end();
}
END_TEST

/* ---- with others ---- */

/* Whoever wants the usage does not wait for an answer that may not tell it. */
START_TEST(who_wants_usage_joins_who_gets_it)
{
    begin(ALWAYS);
    struct wire *bare = chat("", STREAMED);
    struct wire *w = upstream_take(busy_wire(&a));
    struct wire *whole = chat("", TELLS_USAGE);
    struct wire *second = upstream_take(busy_wire(&a));
    struct wire *plain = chat("", ""), *late = chat("", STREAMED);
    ck_assert_ptr_null(busy_wire(&a));
    upstream_stream_head(second);
    upstream_chunk(second, APART);
    upstream_stream_end(second);
    ck_given(whole, "miss", APART);
    ck_given(late, "joined", BARE);
    struct client_answer got = client_read(plain);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "joined");
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_ptr_nonnull(strstr(got.body, "\"total_tokens\":5"));
    mem_free(got.body);
    upstream_stream_head(w);
    upstream_chunk(w, BARE);
    upstream_stream_end(w);
    ck_given(bare, "miss", BARE);
    gateway_end();
}
END_TEST

/* A stream of what is fetched plainly comes all at once. */
START_TEST(streams_join_plain_calls)
{
    begin(ALWAYS);
    struct wire *plain = chat("", ""), *stream = chat("", STREAMED), *whole = chat("", TELLS_USAGE);
    answer(&a, 200, hello);
    ck_given(plain, "miss", hello);
    for (int usage = 0; usage < 2; usage++) {
        struct client_answer got = client_read(usage ? whole : stream);
        ck_assert_str_eq(client_field("x-dsgate-cache"), "joined");
        ck_assert_str_eq(client_field("content-type"), "text/event-stream");
        ck_assert(got.complete && strstr(got.body, "\"content\":\"Hello\"") && strstr(got.body, DONE));
        ck_assert_int_eq(strstr(got.body, "\"total_tokens\":5") != NULL, usage);
        mem_free(got.body);
    }
    ck_assert_uint_eq(calls(), 1);
    gateway_end();
}
END_TEST

/* ---- what has no other form ---- */

/* Events that nobody knows might mean something. */
#define STRANGE "data: {\"progress\":\"searching\"}\n\n"

START_TEST(what_cannot_be_told_otherwise_is_fetched)
{
    begin(ALWAYS);
    struct wire *client = chat("", TELLS_USAGE);
    answer_stream(&a, STRANGE APART);
    ck_given(client, "miss", STRANGE APART);
    ck_hit(chat("", TELLS_USAGE), STRANGE APART);
    ck_miss(chat("", ""), hello);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* Whoever has waited for it asks alone then. */
START_TEST(what_cannot_be_told_otherwise_is_not_waited_for_twice)
{
    begin(ALWAYS);
    struct wire *stream = chat("", TELLS_USAGE), *plain = chat("", "");
    ck_assert_uint_eq(a.wire_count, 1);
    answer_stream(&a, STRANGE APART);
    ck_given(stream, "miss", STRANGE APART);
    answer(&a, 200, hello);
    ck_given(plain, "miss", hello);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, each_form_gives_the_other, 0, COUNT(apis));
    tcase_add_loop_test(tests, usage_is_for_who_asks, 0, COUNT(usages));
    tcase_add_test(tests, who_wants_usage_joins_who_gets_it);
    tcase_add_test(tests, streams_join_plain_calls);
    tcase_add_test(tests, what_cannot_be_told_otherwise_is_fetched);
    tcase_add_test(tests, what_cannot_be_told_otherwise_is_not_waited_for_twice);
}

TEST_MAIN_ADDING("cache_forms", add_tests)
