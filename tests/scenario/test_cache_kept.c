/* What is never kept: whatever is not whole and good. And mistakes of the client's, which are, by choice. */
#include "cache.h"

/* Nothing is: whoever asks the same has it asked anew. */
static void ck_not_kept(const char *members)
{
    ck_assert_uint_eq(gateway_memory().entries, 0);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_stored_total"), 0);
    chat("", members);
    ck_assert_msg(busy_wire(&a) != NULL, "the answer was kept");
    gateway_end();
}

/* ---- plain answers ---- */

#define CHOICE(content, finish) \
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":" content "},\"finish_reason\":" finish \
    "}]"

static const struct {
    unsigned status;
    const char *answer;
} plain[] = {
    {400, "{\"error\":{\"message\":\"messages is empty\",\"type\":\"invalid_request_error\"}}"},
    {401, busy},
    {402, busy},
    {403, busy},
    {404, busy},
    {413, busy},
    {422, busy},
    {429, busy},
    {500, busy},
    {503, busy},
    {201, hello},
    {202, hello},
    {203, hello},
    {200, busy},
    {200, "{\"error\":\"busy\"," CHOICE("\"Hello\"", "\"stop\"") "}"},
    {200, "{}"},
    {200, "[]"},
    {200, "null"},
    {200, "Hello"},
    {200, ""},
    {200, "<html></html>"},
    {200, "{" CHOICE("\"Hello\"", "\"stop\"")}, /* it was whole, as HTTP goes */
    {200, "{\"choices\":[]}"},
    {200, "{" CHOICE("\"\"", "\"stop\"") "}"},
    {200, "{" CHOICE("null", "\"stop\"") "}"},
    {200, "{" CHOICE("\"Hello\"", "null") "}"},
    {200, "{" CHOICE("\"Hello\"", "\"content_filter\"") "}"},
    {200, "{" CHOICE("\"Hello\"", "\"insufficient_system_resource\"") "}"},
    {200, "{" CHOICE("\"Hello\"", "\"abort\"") "}"},
    {200, "{" CHOICE("\"Hello\"", "\"a_new_reason\"") "}"},
    {200, "{" CHOICE("\"Hello\"", "\"stop\"") ",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":-2}}"},
};

START_TEST(no_such_answer_is_kept)
{
    begin(ALWAYS);
    chat("", "");
    answer(&a, plain[_i].status, plain[_i].answer);
    ck_not_kept("");
}
END_TEST

START_TEST(a_part_of_an_answer_is_not_kept)
{
    begin(ALWAYS);
    chat("", "");
    struct wire *w = upstream_take(busy_wire(&a));
    wire_send(w, TEXT("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"));
    wire_send(w, text_of(hello));
    upstream_close(w);
    ck_not_kept("");
}
END_TEST

START_TEST(an_encoded_answer_is_not_kept)
{
    begin(ALWAYS);
    chat("", "");
    wire_send(upstream_take(busy_wire(&a)), TEXT("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                                                 "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nbytes"));
    fake_settle();
    ck_not_kept("");
}
END_TEST

/* ---- streams ---- */

#define CHUNK(id, delta, finish, more) \
    "data: {\"id\":\"" id "\",\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":" finish "}]" more "}\n" \
    "\n"
#define HEL          CHUNK("1", "{\"content\":\"Hel\"}", "null", "")
#define LO           CHUNK("1", "{\"content\":\"lo\"}", "null", "")
#define ENDS(reason) CHUNK("1", "{}", "\"" reason "\"", "")
#define STOP         ENDS("stop")
#define DONE         "data: [DONE]\n\n"

static const char *const streams[] = {
    HEL LO,
    HEL LO STOP,
    HEL LO DONE,
    HEL LO "data: {\"error\":{\"message\":\"no\"}}\n\n",
    HEL LO "data: {\"error\":{\"message\":\"no\"}}\n\n" DONE,
    HEL LO STOP "data: {\"error\":{\"message\":\"no\"}}\n\n" DONE,
    "data: {\"error\":{\"message\":\"no\"}}\n\n" DONE,
    CHUNK("1", ROLE, "null", "") STOP DONE,
    STOP DONE,
    DONE,
    "",
    ": keep-alive\n\n",
    HEL LO ENDS("content_filter") DONE,
    HEL LO ENDS("insufficient_system_resource") DONE,
    HEL LO ENDS("a_new_reason") DONE,
    HEL CHUNK("2", "{\"content\":\"lo\"}", "null", "") STOP DONE,
    HEL STOP DONE LO STOP DONE,
    HEL STOP DONE LO,
    HEL CHUNK("1", "{}", "\"stop\"", ",\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":1}") DONE,
    HEL CHUNK("1", "{\"content\":\"lo\"}", "\"stop\"", "") "data: [DO",
};

START_TEST(no_such_stream_is_kept)
{
    for (int cut = 0; cut < 2; cut++) {
        begin(ALWAYS);
        chat("", STREAMED);
        struct wire *w = upstream_take(busy_wire(&a));
        upstream_stream_head(w);
        if (*streams[_i]) upstream_chunk(w, streams[_i]);
        if (cut)
            upstream_close(w);
        else
            upstream_stream_end(w);
        ck_not_kept(STREAMED);
    }
}
END_TEST

/* Nobody waits for it any more. */
START_TEST(a_client_that_leaves_leaves_nothing)
{
    for (int before_token = 0; before_token < 2; before_token++) {
        begin(ALWAYS);
        struct wire *client = chat("", STREAMED);
        struct wire *w = before_token ? upstream_take(busy_wire(&a)) : begin_stream(&a, "1", "Hel");
        wire_reset(client);
        fake_settle();
        ck_assert(wire_program_closed(w));
        ck_assert_uint_eq(gateway_in_flight("a"), 0);
        ck_not_kept(STREAMED);
    }
}
END_TEST

/* ---- what somebody else has said ---- */

#define LADDER(rungs) \
    QUIET ROUTE("hedge: off, retry: {attempts: 1}, cache: {mode: always}, fallback: [" rungs \
                "]") "upstreams:\n" UPSTREAM(a, ", models: {m: m}") UPSTREAM(b, ", models: {spare: s}")

/* It was asked for another model. */
START_TEST(another_models_answer_is_not_kept)
{
    begin(LADDER("{model: spare}"));
    struct wire *client = chat("", "");
    answer(&a, 503, busy);
    answer(&b, 200, hello);
    ck_given(client, "miss", hello);
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "model:spare");
    ck_not_kept("");
}
END_TEST

/* … but that is what it is for who asks for that model. */
START_TEST(each_model_has_its_own)
{
    begin(LADDER("{model: spare}"));
    struct wire *client = post(CHAT, "", "{\"model\":\"spare\",\"messages\":[" QUESTION "]}");
    answer(&b, 200, hello);
    ck_given(client, "miss", hello);
    client = chat("", "");
    answer(&a, 503, busy);
    answer(&b, 200, SAYING("Again"));
    ck_given(client, "miss", SAYING("Again"));
    gateway_end();
}
END_TEST

START_TEST(a_fixed_answer_is_not_kept)
{
    begin(LADDER("{answer: later}"));
    chat("", "");
    answer(&a, 503, busy);
    ck_not_kept("");
}
END_TEST

/* ---- what is too large ---- */

START_TEST(the_limit_is_exact)
{
    for (size_t more = 0; more < 2; more++) {
        begin("cache: {entry: 1KB}\n" ALWAYS);
        char *text = long_text(1024 - strlen(SAYING("")) + more), *said = mem_printf(SAYING("%s"), text);
        ck_miss(chat("", ""), said);
        if (!more) ck_hit(chat("", ""), said);
        ck_assert_uint_eq(gateway_memory().entries, 1 - more);
        mem_free(said);
        mem_free(text);
        gateway_end();
    }
}
END_TEST

/* ---- mistakes ---- */

static const char mistake[] = "{\"error\":{\"message\":\"messages is empty\",\"type\":\"invalid_request_error\"}}";

#define REMEMBERS CACHE("mode: always, negative: 5s") ALONE

/* The client is told again what is wrong, in whichever form it asks, and whoever has asked first. */
START_TEST(mistakes_are_remembered_by_choice)
{
    static const char *const forms[] = {"", STREAMED, TELLS_USAGE};
    begin(REMEMBERS);
    struct wire *client = chat("", forms[_i]);
    answer(&a, 400, mistake);
    ck_answer(client, 400, mistake);
    fake_run(5 * SEC - 1);
    for (int i = 0; i < COUNT(forms); i++) {
        ck_answer(chat("", forms[i]), 400, mistake);
        ck_assert_str_eq(client_field("x-dsgate-cache"), "hit-memory");
        ck_assert_str_eq(client_field("content-type"), "application/json");
        ck_assert_str_eq(client_field("age"), "4");
    }
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    fake_run(1);
    chat("", "");
    ck_assert_ptr_nonnull(busy_wire(&a));
    gateway_end();
}
END_TEST

/* Only what an upstream takes for malformed; not what is too much, too often, or unknown. */
START_TEST(other_refusals_are_not_remembered)
{
    static const unsigned statuses[] = {401, 402, 403, 404, 413, 429, 500, 503};
    for (int i = 0; i < COUNT(statuses); i++) {
        begin(REMEMBERS);
        chat("", "");
        answer(&a, statuses[i], busy);
        ck_not_kept("");
    }
}
END_TEST

/* A reload may shorten it. */
START_TEST(mistakes_are_forgotten_by_choice)
{
    begin(REMEMBERS);
    chat("", "");
    answer(&a, 422, mistake);
    ck_answer(chat("", ""), 422, mistake);
    gateway_reload(CACHE("mode: always, negative: 1s") ALONE);
    ck_answer(chat("", ""), 422, mistake);
    fake_run(1 * SEC);
    ck_miss(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* Who says it right after all is not told of it, and a good answer takes its place. */
START_TEST(a_good_answer_replaces_a_mistake)
{
    begin(REMEMBERS);
    chat("", "");
    answer(&a, 400, mistake);
    ck_fetched(chat("Cache-Control: no-cache\r\n", ""), "bypass", hello);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, no_such_answer_is_kept, 0, COUNT(plain));
    tcase_add_test(tests, a_part_of_an_answer_is_not_kept);
    tcase_add_test(tests, an_encoded_answer_is_not_kept);
    tcase_add_loop_test(tests, no_such_stream_is_kept, 0, COUNT(streams));
    tcase_add_test(tests, a_client_that_leaves_leaves_nothing);
    tcase_add_test(tests, another_models_answer_is_not_kept);
    tcase_add_test(tests, each_model_has_its_own);
    tcase_add_test(tests, a_fixed_answer_is_not_kept);
    tcase_add_test(tests, the_limit_is_exact);
    tcase_add_loop_test(tests, mistakes_are_remembered_by_choice, 0, 3);
    tcase_add_test(tests, other_refusals_are_not_remembered);
    tcase_add_test(tests, mistakes_are_forgotten_by_choice);
    tcase_add_test(tests, a_good_answer_replaces_a_mistake);
}

TEST_MAIN_ADDING("cache_kept", add_tests)
