/* Answers are given again: which ones, for how long, and what is told of it. */
#include "cache.h"

/* ---- which ones ---- */

#define CHAT_OF(members) "{\"model\":\"m\",\"messages\":[" QUESTION "]" members "}"
#define SEEDED           CHAT_OF(",\"seed\":7")
#define COLD             CHAT_OF(",\"temperature\":0")
#define SEARCHES         ",\"web_search_options\":{}"
#define DETERMINISTIC    CACHE("")
#define OPENAI(more)     UPSTREAM(a, more)
#define DIALECT(name)    UPSTREAM(a, ", dialect: " name)
#define RESPONSES        "/v1/responses"

static const char vectors[] = "{\"data\":[{\"embedding\":[1]}],\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}";
static const char count[] = "{\"input_tokens\":3}";
static const char response[] = "{\"id\":\"r\",\"object\":\"response\",\"status\":\"completed\",\"output\":[{\"type\":"
                               "\"message\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hello\"}]}],"
                               "\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}";

static const struct {
    bool kept;
    const char *rules, *upstreams, *path, *body, *answer;
} kinds[] = {
    /* what is the same each time, as far as can be seen */
    {true, DETERMINISTIC, OPENAI(""), CHAT, SEEDED, hello},
    {true, DETERMINISTIC, DIALECT("deepseek"), CHAT, SEEDED, hello},
    {true, DETERMINISTIC, OPENAI(""), CHAT, COLD, hello},
    {true, DETERMINISTIC, OPENAI(""), CHAT, CHAT_OF(",\"temperature\":0.0e5"), hello},
    {true, DETERMINISTIC, OPENAI(""), "/v1/embeddings", "{\"model\":\"m\",\"input\":\"hi\"}", vectors},
    {false, DETERMINISTIC, OPENAI(""), CHAT, CHAT_OF(""), hello},
    {false, DETERMINISTIC, OPENAI(""), CHAT, CHAT_OF(",\"temperature\":0.1"), hello},
    {false, DETERMINISTIC, OPENAI(""), CHAT, CHAT_OF(",\"seed\":null"), hello},
    {false, DETERMINISTIC, OPENAI(""), CHAT, CHAT_OF(",\"seed\":7" SEARCHES), hello},
    /* who thinks does not heed the temperature */
    {false, DETERMINISTIC, DIALECT("deepseek"), CHAT, COLD, hello},
    {false, DETERMINISTIC, DIALECT("ark"), CHAT, COLD, hello},
    {true, DETERMINISTIC, DIALECT("vllm"), CHAT, COLD, hello},
    {true, DETERMINISTIC, DIALECT("deepseek"), CHAT, CHAT_OF(",\"temperature\":0,\"thinking\":{\"type\":\"disabled\"}"),
     hello},
    {true, DETERMINISTIC, DIALECT("dashscope"), CHAT, CHAT_OF(",\"temperature\":0,\"enable_thinking\":false"), hello},
    {true, DETERMINISTIC, DIALECT("deepseek, models: {m: {name: m, thinking: disabled}}"), CHAT, COLD, hello},
    {false, DETERMINISTIC, DIALECT("deepseek, models: {m: {name: m, thinking: disabled}}"), CHAT,
     CHAT_OF(",\"temperature\":0,\"thinking\":{\"type\":\"enabled\"}"), hello},
    {false, DETERMINISTIC, UPSTREAM(a, ", weight: 9") UPSTREAM(b, ", dialect: deepseek"), CHAT, COLD, hello},
    /* by the route's choice */
    {true, CACHE("mode: always"), OPENAI(""), CHAT, CHAT_OF(""), hello},
    {true, CACHE("mode: always"), OPENAI(""), CHAT, CHAT_OF(SEARCHES), hello},
    {true, CACHE("mode: always"), OPENAI(""), RESPONSES, "{\"model\":\"m\",\"input\":\"hi\"}", response},
    {false, CACHE("mode: off"), OPENAI(""), CHAT, SEEDED, hello},
    {false, QUIET ROUTE("cache: off"), OPENAI(""), CHAT, SEEDED, hello},
    /* what depends on more than the request, or costs nothing */
    {false, CACHE("mode: always"), OPENAI(""), RESPONSES,
     "{\"model\":\"m\",\"input\":\"hi\",\"previous_response_id\":\"r\"}", response},
    {false, CACHE("mode: always"), OPENAI(", anthropic_path: /v1"), "/v1/messages/count_tokens",
     "{\"model\":\"m\",\"messages\":[" QUESTION "]}", count},
};

START_TEST(is_the_same_each_time)
{
    char *yaml = mem_printf("%supstreams:\n%s", kinds[_i].rules, kinds[_i].upstreams);
    begin(yaml);
    const char *path = kinds[_i].path, *body = kinds[_i].body, *said = kinds[_i].answer;
    ck_fetched(post(path, "", body), kinds[_i].kept ? "miss" : "bypass", said);
    ck_assert_int_eq(*client_field("x-dsgate-cache-key") != '\0', kinds[_i].kept);
    if (kinds[_i].kept)
        ck_hit(post(path, "", body), said);
    else
        ck_fetched(post(path, "", body), "bypass", said);
    gateway_end();
    mem_free(yaml);
}
END_TEST

/* ---- for how long ---- */

START_TEST(after_its_time_it_is_fetched_anew)
{
    begin(CACHE("mode: always, ttl: 60s") ALONE);
    ck_miss(chat("", ""), hello);
    fake_run(60 * SEC - 1);
    ck_hit(chat("", ""), hello);
    ck_assert_str_eq(client_field("age"), "59");
    fake_run(1);
    ck_miss(chat("", ""), SAYING("Hello again"));
    ck_hit(chat("", ""), SAYING("Hello again"));
    ck_assert_str_eq(client_field("age"), "0");
    gateway_end();
}
END_TEST

/* Models may have routes of their own. */
START_TEST(each_route_has_its_rules)
{
    begin(QUIET
          "routes: [{match: {models: [m]}, cache: {mode: always}}, {match: {models: ['*']}, cache: off}]\n" ALONE);
    ck_miss(chat("", ""), hello);
    ck_hit(chat("", ""), hello);
    for (int i = 0; i < 2; i++)
        ck_fetched(post(CHAT, "", "{\"model\":\"other\",\"messages\":[]}"), "bypass", hello);
    gateway_end();
}
END_TEST

/* What is kept outlives a reload, and what the new rules do not want is not given any more. */
START_TEST(a_reload_keeps_it)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), hello);
    gateway_reload(ALWAYS);
    ck_hit(chat("", ""), hello);
    gateway_reload(CACHE("mode: off") ALONE);
    ck_fetched(chat("", ""), "bypass", hello);
    gateway_reload(ALWAYS);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* ---- what is told ---- */

START_TEST(the_client_is_told)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), hello);
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "a");
    char key[CACHE_KEY_HEX + 1];
    snprintf(key, sizeof key, "%s", client_field("x-dsgate-cache-key"));
    ck_assert_uint_eq(strlen(key), CACHE_KEY_HEX);
    fake_run(10 * SEC);
    ck_hit(chat("X-Request-Id: mine\r\n", ""), hello);
    ck_assert_str_eq(client_field("x-dsgate-cache-key"), key);
    ck_assert_str_eq(client_field("age"), "10");
    ck_assert_str_eq(client_field("x-request-id"), "mine");
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_str_eq(client_field("cache-control"), "");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "");
    ck_assert_int_eq(atoi(client_field("content-length")), (int)strlen(hello));
    gateway_end();
}
END_TEST

START_TEST(a_stream_is_told_as_one)
{
    begin(ALWAYS);
    struct wire *client = chat("", STREAMED);
    answer_stream(&a, STREAM("Hello"));
    ck_given(client, "miss", STREAM("Hello"));
    ck_hit(chat("", STREAMED), STREAM("Hello"));
    ck_assert_str_eq(client_field("content-type"), "text/event-stream");
    ck_assert_str_eq(client_field("cache-control"), "no-cache");
    ck_assert_str_eq(client_field("age"), "0");
    gateway_end();
}
END_TEST

/* A connection that is kept open serves many. */
START_TEST(one_connection_may_ask_often)
{
    begin(ALWAYS);
    struct wire *client = chat("", "");
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    for (int i = 0; i < 3; i++) {
        client_post_chat(client, "");
        ck_hit(client, hello);
    }
    ck_assert(!wire_program_closed(client));
    gateway_end();
}
END_TEST

#define ck_logged(members) ck_assert_msg(strstr(gateway_log(), members) != NULL, "%s", gateway_log())

START_TEST(the_log_tells)
{
    gateway_keep_log();
    begin(ROUTE("cache: {mode: always}") ALONE);
    ck_miss(chat("", ""), hello);
    ck_logged("\"attempts\":1,\"cache\":\"miss\",\"bytes_in\":");
    fake_run(10 * SEC);
    ck_hit(chat("", ""), hello);
    ck_logged("\"status\":200,\"cache\":\"hit-memory\",\"cache_age\":10,\"saved_tokens\":5,\"bytes_in\":");
    ck_assert_ptr_null(strstr(strstr(gateway_log(), "hit-memory"), "\"tokens\"")); /* it has cost none */
    ck_fetched(chat("Cache-Control: no-cache, no-store\r\n", ""), "bypass", hello);
    ck_assert_ptr_null(strstr(gateway_log(), "\"cache\":\"bypass\""));
    gateway_end();
}
END_TEST

#define RESULT(name) gateway_metric("dsgate_cache_requests_total{result=\"" name "\"}")

START_TEST(metrics_tell)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), hello);
    ck_hit(chat("", ""), hello);
    ck_hit(chat("", ""), hello);
    ck_fetched(chat("Cache-Control: no-cache, no-store\r\n", ""), "bypass", hello);
    ck_assert_uint_eq(RESULT("miss"), 1);
    ck_assert_uint_eq(RESULT("hit-memory"), 2);
    ck_assert_uint_eq(RESULT("bypass"), 1);
    ck_assert_uint_eq(RESULT("hit-redis") + RESULT("joined") + RESULT("stale"), 0);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_stored_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_saved_tokens_total{kind=\"prompt\"}"), 6);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_saved_tokens_total{kind=\"completion\"}"), 4);
    ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"completion\"}"), 4);
    ck_assert_uint_eq(gateway_memory().entries, 1);
    ck_assert_uint_eq(gateway_memory().hits, 2);
    ck_assert_uint_eq(calls(), 2);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, is_the_same_each_time, 0, COUNT(kinds));
    tcase_add_test(tests, after_its_time_it_is_fetched_anew);
    tcase_add_test(tests, each_route_has_its_rules);
    tcase_add_test(tests, a_reload_keeps_it);
    tcase_add_test(tests, the_client_is_told);
    tcase_add_test(tests, a_stream_is_told_as_one);
    tcase_add_test(tests, one_connection_may_ask_often);
    tcase_add_test(tests, the_log_tells);
    tcase_add_test(tests, metrics_tell);
}

TEST_MAIN_ADDING("cache", add_tests)
