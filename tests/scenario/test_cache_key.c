/* Who asks the same: what of a request matters for that, and whose answers are given to whom. */
#include "cache.h"

/* ---- what is asked ---- */

#define HI        "[{\"role\":\"user\",\"content\":\"hi\"}]"
#define BASE      "{\"model\":\"m\",\"messages\":" HI ",\"max_tokens\":100,\"temperature\":0.5}"
#define AND(more) "{\"model\":\"m\",\"messages\":" HI ",\"max_tokens\":100,\"temperature\":0.5," more "}"

struct variant {
    const char *headers, *body;
};

/* How it is written, by whom it is said to be, and how it is to be delivered. */
static const struct variant alike[] = {
    {"", BASE},
    {"", "{\"temperature\":0.5,\"messages\":" HI ",\"max_tokens\":100,\"model\":\"m\"}"},
    {"",
     "{\"model\":\"m\",\"messages\":[{\"content\":\"hi\",\"role\":\"user\"}],\"max_tokens\":100,\"temperature\":0.5}"},
    {"", "\r\n{ \"model\" : \"m\",\t\"messages\": [ {\"role\": \"user\", \"content\": \"hi\"} ], \"max_tokens\": 100,\n"
         "\"temperature\": 0.5 }\n"},
    {"", "{\"model\":\"m\",\"messages\":" HI ",\"max_tokens\":1e2,\"temperature\":5.0E-1}"},
    {"", "{\"model\":\"\\u006d\",\"messages\":[{\"role\":\"user\",\"content\":\"h\\u0069\"}],\"max_tokens\":100,"
         "\"temperat\\u0075re\":0.50}"},
    {"", AND("\"user\":\"u1\"")},
    {"",
     AND("\"metadata\":{\"trace\":\"1\"},\"safety_identifier\":\"s\",\"prompt_cache_key\":\"p\",\"user_id\":\"u\"")},
    {"", AND("\"stream\":false,\"stream_options\":null")},
    {"", AND("\"cache\":{\"ttl\":60}")},
    {"", AND("\"cache\":null")},
    {"User-Agent: other\r\nX-Dsgate-Priority: P0\r\nX-Request-Id: 7\r\nX-Stainless-Timeout: 60\r\n", BASE},
    {"Accept: text/event-stream\r\nTraceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n", BASE},
};

/* All else: nobody knows what an upstream makes of it. */
static const struct variant others[] = {
    {"",
     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi \"}],\"max_tokens\":100,\"temperature\":0.5}"},
    {"", "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"hi\"}],\"max_tokens\":100,\"temperature\":"
         "0.5}"},
    {"", "{\"model\":\"m\",\"messages\":" HI ",\"max_tokens\":101,\"temperature\":0.5}"},
    {"", "{\"model\":\"m\",\"messages\":" HI ",\"max_tokens\":\"100\",\"temperature\":0.5}"},
    {"", "{\"model\":\"m\",\"messages\":" HI ",\"max_tokens\":100,\"temperature\":0.50000000000000001}"},
    {"", "{\"model\":\"n\",\"messages\":" HI ",\"max_tokens\":100,\"temperature\":0.5}"},
    {"", "{\"model\":\"m\",\"messages\":" HI ",\"max_tokens\":100}"},
    {"", AND("\"seed\":1")},
    {"", AND("\"seed\":null")},
    {"", AND("\"thinking\":{\"type\":\"enabled\"}")},
    {"", AND("\"thinking\":{\"type\":\"disabled\"}")},
    {"", AND("\"nobody_knows_it\":true")},
    {"", AND("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]")},
    {"", AND("\"extra\":{\"user\":\"u1\"}")},
    {"", AND("\"cache\":{\"namespace\":\"mine\"}")},
    {"Anthropic-Version: 2023-06-01\r\n", BASE},
    {"Anthropic-Beta: files-api-2025-04-14\r\n", BASE},
    {"OpenAI-Organization: org-1\r\n", BASE},
};

START_TEST(asks_the_same)
{
    begin(ALWAYS);
    ck_miss(post(CHAT, "", BASE), hello);
    ck_hit(post(CHAT, alike[_i].headers, alike[_i].body), hello);
    gateway_end();
}
END_TEST

START_TEST(asks_something_else)
{
    begin(ALWAYS);
    ck_miss(post(CHAT, "", BASE), hello);
    ck_miss(post(CHAT, others[_i].headers, others[_i].body), SAYING("Other"));
    ck_hit(post(CHAT, "", BASE), hello);
    ck_hit(post(CHAT, others[_i].headers, others[_i].body), SAYING("Other"));
    gateway_end();
}
END_TEST

/* One path has several spellings; another endpoint is something else. */
START_TEST(endpoints_are_told_apart)
{
    begin(CACHE("mode: always") "upstreams:\n" UPSTREAM(a, ", beta_path: /beta, anthropic_path: /v1"));
    ck_miss(post(CHAT, "", BASE), hello);
    ck_hit(post("/chat/completions", "", BASE), hello);
    ck_hit(post("/v1/v1/chat/completions/", "", BASE), hello);
    ck_miss(post("/v1/chat/completions?a=b", "", BASE), SAYING("Query"));
    ck_miss(post("/beta/chat/completions", "", BASE), SAYING("Beta"));
    struct wire *client = post("/v1/messages", "", BASE);
    ck_assert_ptr_nonnull(busy_wire(&a));
    wire_reset(client);
    gateway_end();
}
END_TEST

/* ---- whose it is ---- */

#define KEY_OF_A     "Authorization: Bearer sk-of-a-listed-caller\r\n"
#define KEY_OF_B     "Authorization: Bearer sk-of-another-caller\r\n"
#define PASSED_KEY   "Authorization: Bearer sk-of-somebody-else\r\n"
#define PASSED_OTHER "Authorization: Bearer sk-of-a-third-party\r\n"

/* "%s" twice: the digests of the listed callers' keys. */
#define CALLERS "callers: [{name: a, key_sha256: %s}, {name: b, key_sha256: %s}]\n"

static void begin_with_callers(const char *rules)
{
    char of_a[DIGEST_HEX + 1], of_b[DIGEST_HEX + 1];
    digest_sha256_hex(TEXT("sk-of-a-listed-caller"), of_a);
    digest_sha256_hex(TEXT("sk-of-another-caller"), of_b);
    char *callers = mem_printf(CALLERS, of_a, of_b);
    char *yaml = mem_printf("%s%s%s", callers, rules, ALONE);
    begin(yaml);
    mem_free(callers);
    mem_free(yaml);
}

static const char *const tenants[] = {KEY_OF_A, KEY_OF_B, PASSED_KEY, PASSED_OTHER, "X-Api-Key: sk-of-a-fifth-one\r\n",
                                      ""};

START_TEST(everybody_has_answers_of_their_own)
{
    begin_with_callers(CACHE("mode: always"));
    for (int i = 0; i < COUNT(tenants); i++) {
        char said[] = SAYING("Hello 0");
        *strchr(said, '0') = (char)('0' + i);
        ck_miss(chat(tenants[i], ""), said);
    }
    for (int i = 0; i < COUNT(tenants); i++) {
        char said[] = SAYING("Hello 0");
        *strchr(said, '0') = (char)('0' + i);
        ck_hit(chat(tenants[i], ""), said);
    }
    gateway_end();
}
END_TEST

/* Nor do they wait for each other's. */
START_TEST(nobody_joins_others)
{
    begin_with_callers(CACHE("mode: always"));
    struct wire *first = chat(KEY_OF_A, "");
    struct wire *w = upstream_take(busy_wire(&a));
    ck_miss(chat(KEY_OF_B, ""), SAYING("Not yours"));
    upstream_json(w, 200, hello);
    ck_given(first, "miss", hello);
    gateway_end();
}
END_TEST

START_TEST(by_choice_everybody_shares)
{
    begin_with_callers(CACHE("mode: always, scope: shared"));
    ck_miss(chat(KEY_OF_A, ""), hello);
    for (int i = 0; i < COUNT(tenants); i++)
        ck_hit(chat(tenants[i], ""), hello);
    gateway_end();
}
END_TEST

/* A caller is known by its key, wherever that stands; others' keys are told apart by all that could be one. */
START_TEST(a_caller_is_the_same_by_any_header)
{
    begin_with_callers(CACHE("mode: always"));
    ck_miss(chat(KEY_OF_A, ""), hello);
    ck_hit(chat("X-Api-Key: sk-of-a-listed-caller\r\n", ""), hello);
    ck_hit(chat("Api-Key: sk-of-a-listed-caller\r\n", ""), hello);
    ck_miss(chat(PASSED_KEY, ""), hello);
    ck_miss(chat(PASSED_KEY "X-Api-Key: sk-of-a-third-party\r\n", ""), hello);
    gateway_end();
}
END_TEST

/* They may be passed on to an upstream that takes them. */
START_TEST(short_keys_are_keys)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), hello);
    ck_miss(chat("Authorization: Bearer abc12\r\n", ""), hello);
    ck_miss(chat("Authorization: Bearer abc13\r\n", ""), hello);
    gateway_end();
}
END_TEST

/* … and stand in other fields at some providers: such an upstream gets them, too. */
START_TEST(other_fields_are_keys)
{
    static const char *const fields[] = {"X-Goog-Api-Key",        "Ocp-Apim-Subscription-Key",
                                         "X-Dashscope-Workspace", "X-Goog-User-Project",
                                         "OpenAI-Project",        "Cookie"};
    char *one = mem_printf("%s: one\r\n", fields[_i]), *other = mem_printf("%s: other\r\n", fields[_i]);
    begin(ALWAYS);
    ck_miss(chat("", ""), hello);
    ck_miss(chat(one, ""), SAYING("One"));
    ck_miss(chat(other, ""), SAYING("Other"));
    ck_hit(chat(one, ""), SAYING("One"));
    ck_hit(chat("", ""), hello);
    mem_free(one);
    mem_free(other);
    gateway_end();
}
END_TEST

/* What a CDN has set is nobody's name. */
START_TEST(a_cookie_beside_a_key_is_none)
{
    begin(ALWAYS);
    ck_miss(chat(PASSED_KEY "Cookie: a=1\r\n", ""), hello);
    ck_hit(chat(PASSED_KEY "Cookie: a=2\r\n", ""), hello);
    ck_miss(chat("Cookie: a=1\r\nCookie: b=1\r\n", ""), SAYING("One"));
    ck_miss(chat("Cookie: a=2\r\nCookie: b=1\r\n", ""), SAYING("Other"));
    ck_hit(chat("Authorization:\r\n" PASSED_KEY, ""), hello);
    gateway_end();
}
END_TEST

/* Nobody gets into another's answers by a namespace, and each may have several. */
START_TEST(namespaces_are_within_a_tenant)
{
    begin_with_callers(CACHE("mode: always"));
    ck_miss(chat(KEY_OF_A, ",\"cache\":{\"namespace\":\"x\"}"), hello);
    ck_miss(chat(KEY_OF_B, ",\"cache\":{\"namespace\":\"x\"}"), SAYING("Of b"));
    ck_miss(chat(KEY_OF_A, ",\"cache\":{\"namespace\":\"y\"}"), SAYING("Of y"));
    ck_hit(chat(KEY_OF_A, ",\"cache\":{\"namespace\":\"\\u0078\"}"), hello);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, asks_the_same, 0, COUNT(alike));
    tcase_add_loop_test(tests, asks_something_else, 0, COUNT(others));
    tcase_add_test(tests, endpoints_are_told_apart);
    tcase_add_test(tests, everybody_has_answers_of_their_own);
    tcase_add_test(tests, nobody_joins_others);
    tcase_add_test(tests, by_choice_everybody_shares);
    tcase_add_test(tests, a_caller_is_the_same_by_any_header);
    tcase_add_test(tests, short_keys_are_keys);
    tcase_add_loop_test(tests, other_fields_are_keys, 0, 6);
    tcase_add_test(tests, a_cookie_beside_a_key_is_none);
    tcase_add_test(tests, namespaces_are_within_a_tenant);
}

TEST_MAIN_ADDING("cache_key", add_tests)
