/* Which requests can go on from a text, at which upstreams, and what is sent then. */
#include "chat_test.h"
#include "dsgate/base/mem.h"

/* ---- going on ---- */

static const struct {
    enum conf_dialect dialect;
    const char *path, *content, *reasoning, *body, *sent; /* NULL: it can't be done */
} goes_on[] = {
    {DIALECT_DEEPSEEK, CHAT, "a\\n\\u4e2d\xE4\xB8\xAD", "", HEAD USER "]}",
     HEAD USER ",{\"role\":\"assistant\",\"content\":\"a\\n\\u4e2d\xE4\xB8\xAD\",\"prefix\":true}]}"},
    {DIALECT_DEEPSEEK, CHAT, "a", "r", HEAD USER "]}",
     HEAD USER ",{\"role\":\"assistant\",\"content\":\"a\",\"reasoning_content\":\"r\",\"prefix\":true}]}"},
    {DIALECT_DEEPSEEK, CHAT, "", "r", HEAD USER "]}",
     HEAD USER ",{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":\"r\",\"prefix\":true}]}"},
    {DIALECT_DEEPSEEK, CHAT, "a", "", HEAD "]}", HEAD "{\"role\":\"assistant\",\"content\":\"a\",\"prefix\":true}]}"},
    {DIALECT_DEEPSEEK, CHAT, "a", "", HEAD " \n ],\"x\":[1]}",
     HEAD " \n {\"role\":\"assistant\",\"content\":\"a\",\"prefix\":true}],\"x\":[1]}"},
    {DIALECT_DEEPSEEK, "/beta/chat/completions", "a", "", "{\"messages\":[" USER " ], \"model\":\"m\"}",
     "{\"messages\":[" USER " ,{\"role\":\"assistant\",\"content\":\"a\",\"prefix\":true}], \"model\":\"m\"}"},
    {DIALECT_HUAWEI, CHAT, "a", "r", HEAD USER "]}",
     HEAD USER ",{\"role\":\"assistant\",\"content\":\"a\",\"prefix\":true}]}"},
    {DIALECT_SILICONFLOW, CHAT, "a\\\"b", "r", HEAD USER "]}",
     "{\"model\":\"m\",\"prefix\":\"a\\\"b\",\"messages\":[" USER "]}"},
    {DIALECT_VLLM, CHAT, "a", "r", HEAD USER "]}",
     "{\"model\":\"m\",\"continue_final_message\":true,\"add_generation_prompt\":false,\"messages\":[" USER
     ",{\"role\":\"assistant\",\"content\":\"a\"}]}"},
    {DIALECT_SGLANG, CHAT, "a", "", HEAD "]}",
     "{\"model\":\"m\",\"continue_final_message\":true,\"add_generation_prompt\":false,\"messages\":["
     "{\"role\":\"assistant\",\"content\":\"a\"}]}"},
    {DIALECT_LLAMACPP, CHAT, "a", "", HEAD USER "]}", HEAD USER ",{\"role\":\"assistant\",\"content\":\"a\"}]}"},
    /* A longer prompt, anywhere. */
    {DIALECT_DEEPSEEK, FIM, "b\\n", "", "{\"model\":\"m\",\"prompt\":\"a\\\"\",\"suffix\":\"c\"}",
     "{\"model\":\"m\",\"prompt\":\"a\\\"b\\n\",\"suffix\":\"c\"}"},
    {DIALECT_OPENAI, FIM, "b", "", "{\"model\":\"m\",\"prompt\":\"\"}", "{\"model\":\"m\",\"prompt\":\"b\"}"},
    {DIALECT_VLLM, FIM, "b", "", "{\"model\":\"m\",\"prompt\":\"a\"}", "{\"model\":\"m\",\"prompt\":\"ab\"}"},
    {DIALECT_SILICONFLOW, FIM, "b", "", "{\"model\":\"m\",\"prompt\":\"a\"}", "{\"model\":\"m\",\"prompt\":\"ab\"}"},
    {DIALECT_VLLM, FIM, "b", "", "{\"model\":\"m\",\"prompt\":[1,2]}", NULL},
    /* Nobody knows how, or not from that. */
    {DIALECT_OPENAI, CHAT, "a", "", HEAD USER "]}", NULL},
    {DIALECT_DEEPSEEK, CHAT, "", "", HEAD USER "]}", NULL},
    {DIALECT_VLLM, CHAT, "", "r", HEAD USER "]}", NULL},
    {DIALECT_LLAMACPP, CHAT, "a", "r", HEAD USER "]}", NULL},
    /* Not this request. */
    {DIALECT_DEEPSEEK, CHAT, "a", "", HEAD USER "],\"n\":2}", NULL},
    {DIALECT_DEEPSEEK, CHAT, "a", "", HEAD USER ",{\"role\":\"assistant\",\"content\":\"\"}]}", NULL},
    {DIALECT_SILICONFLOW, CHAT, "a", "", HEAD USER "],\"prefix\":null}", NULL},
    {DIALECT_VLLM, CHAT, "a", "", HEAD USER "],\"add_generation_prompt\":true}", NULL},
    {DIALECT_DEEPSEEK, CHAT, "a", "", HEAD USER "],\"max_tokens\":5,\"max_tokens\":6}", NULL},
};

START_TEST(requests_go_on)
{
    struct transcript t;
    enum endpoint_family family = endpoint_find(text_of(goes_on[_i].path))->family;
    speak(&t, family, goes_on[_i].content, goes_on[_i].reasoning);
    struct chat_changes changes = {.sent = &t, .dialect = goes_on[_i].dialect};
    check(goes_on[_i].path, goes_on[_i].body, &changes, goes_on[_i].sent);
    forget(&t);
}
END_TEST

/* What is no inside of a JSON string would break out of it, or make the request invalid. */
static const char *const unfit[] = {
    "a\xFF", "\xE4\xB8", "a\"", "a\",\"x\":\"b", "a\\", "\\x", "\\u12", "a\nb", "\x01",
};

START_TEST(texts_that_are_no_json)
{
    struct transcript t;
    struct chat_changes changes = {.sent = &t, .dialect = DIALECT_DEEPSEEK};
    speak(&t, FAMILY_CHAT, unfit[_i], "");
    check(CHAT, HEAD USER "]}", &changes, NULL);
    forget(&t);
    speak(&t, FAMILY_CHAT, "a", unfit[_i]);
    check(CHAT, HEAD USER "]}", &changes, NULL);
    forget(&t);
    speak(&t, FAMILY_COMPLETION, unfit[_i], "");
    check(FIM, "{\"model\":\"m\",\"prompt\":\"a\"}", &changes, NULL);
    forget(&t);
}
END_TEST

/* 3 tokens of content and 4 of reasoning have been sent. */
static const struct {
    const char *limits, *lowered;
} limits[] = {
    {"\"max_tokens\":100", "\"max_tokens\":93"},
    {"\"max_completion_tokens\": 100 ", "\"max_completion_tokens\": 93 "},
    {"\"max_completion_tokens\":20,\"max_tokens\":10", "\"max_completion_tokens\":13,\"max_tokens\":3"},
    {"\"max_tokens\":8", "\"max_tokens\":1"},
    {"\"max_tokens\":7", "\"max_tokens\":1"},
    {"\"max_tokens\":2", "\"max_tokens\":1"},
    {"\"max_tokens\":1", "\"max_tokens\":1"},
    {"\"max_tokens\":0", "\"max_tokens\":0"},
    {"\"max_tokens\":-5", "\"max_tokens\":-5"},
    {"\"max_tokens\":100.0", "\"max_tokens\":100.0"},
    {"\"max_tokens\":\"100\"", "\"max_tokens\":\"100\""},
    {"\"max_tokens\":null", "\"max_tokens\":null"},
    {"\"max_tokens\":9223372036854775807", "\"max_tokens\":9223372036854775800"},
    {"\"max_tokens\":9223372036854775808", "\"max_tokens\":9223372036854775808"},
    {"\"x\":{\"max_tokens\":100}", "\"x\":{\"max_tokens\":100}"},
};

START_TEST(limits_are_lowered)
{
    struct transcript t;
    struct buf body = {0}, sent = {0};
    speak(&t, FAMILY_COMPLETION, "b", "");
    buf_printf(&body, "{\"model\":\"m\",\"prompt\":\"a\",%s}", limits[_i].limits);
    buf_printf(&sent, "{\"model\":\"m\",\"prompt\":\"ab\",%s}", limits[_i].lowered);
    buf_add_byte(&body, '\0');
    buf_add_byte(&sent, '\0');
    check(FIM, body.data, &(struct chat_changes){.sent = &t}, sent.data);
    forget(&t);
    buf_free(&body);
    buf_free(&sent);
}
END_TEST

/* 7 tokens have been sent. */
static const struct {
    const char *limits;
    bool spent;
} spendings[] = {
    {"\"max_tokens\":7", true},
    {"\"max_tokens\":6", true},
    {"\"max_tokens\":1", true},
    {"\"max_tokens\":8", false},
    {"\"max_completion_tokens\":7", true},
    {"\"max_completion_tokens\":8", false},
    {"\"max_completion_tokens\":7,\"max_tokens\":8", true},
    {"\"max_completion_tokens\":8,\"max_tokens\":7", true},
    {"\"max_completion_tokens\":null,\"max_tokens\":7", true},
    {"\"max_tokens\":0", false},
    {"\"max_tokens\":-1", false},
    {"\"max_tokens\":7.0", false},
    {"\"max_tokens\":\"7\"", false},
    {"\"max_tokens\":null", false},
    {"\"max_tokens\":9223372036854775807", false},
    {"\"max_tokens\":7,\"max_tokens\":7", false}, /* nobody goes on with this one */
    {"\"max_tokens\":7,\"n\":2", false},
    {"\"x\":{\"max_tokens\":7}", false},
};

START_TEST(when_a_limit_is_spent)
{
    static const struct {
        const char *path, *question;
        enum endpoint_family family;
    } kinds[] = {{FIM, "\"prompt\":\"a\"", FAMILY_COMPLETION}, {CHAT, "\"messages\":[" USER "]", FAMILY_CHAT}};
    for (int i = 0; i < COUNT(kinds); i++) {
        struct transcript t;
        char *body = mem_printf("{\"model\":\"m\",%s,%s}", kinds[i].question, spendings[_i].limits);
        struct chat_request r = read_chat(kinds[i].path, body);
        speak(&t, kinds[i].family, "b", "");
        ck_assert_msg(chat_is_spent(&r, &t) == spendings[_i].spent, "%s", body);
        t.tokens[TRANSCRIPT_CONTENT] = t.tokens[TRANSCRIPT_REASONING] = 0;
        ck_assert_msg(!chat_is_spent(&r, &t), "%s", body);
        forget(&t);
        mem_free(body);
    }
}
END_TEST

START_TEST(nothing_spent_lowers_nothing)
{
    struct transcript t;
    speak(&t, FAMILY_COMPLETION, "b", "");
    t.tokens[TRANSCRIPT_CONTENT] = t.tokens[TRANSCRIPT_REASONING] = 0;
    check(FIM, "{\"model\":\"m\",\"prompt\":\"a\",\"max_tokens\":1e2}", &(struct chat_changes){.sent = &t},
          "{\"model\":\"m\",\"prompt\":\"ab\",\"max_tokens\":1e2}");
    check(FIM, "{\"model\":\"m\",\"prompt\":\"a\",\"max_tokens\":100}", &(struct chat_changes){.sent = &t},
          "{\"model\":\"m\",\"prompt\":\"ab\",\"max_tokens\":100}");
    forget(&t);
}
END_TEST

/* Every change at once, members in the order that cuts the body most: no more pieces than are promised. */
START_TEST(everything_at_once)
{
    struct transcript t;
    char name[] = "n", thinking[] = "enabled";
    struct conf_model model = {.name = name, .thinking = thinking};
    struct chat_changes changes = {
        .model = &model, .name = "f", .stream = true, .sent = &t, .dialect = DIALECT_DEEPSEEK};
    speak(&t, FAMILY_CHAT, "a", "r");
    check(CHAT,
          "{\"max_tokens\":50,\"messages\":[" USER "],\"stream_options\":null,\"model\":\"m\","
          "\"max_completion_tokens\":60,\"user\":\"u\",\"cache\":{},\"stream\":false}",
          &changes,
          "{\"max_tokens\":43,\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\"a\","
          "\"reasoning_content\":\"r\",\"prefix\":true}],"
          "\"stream_options\":{\"include_usage\":true}"
          ",\"model\":\"n\","
          "\"thinking\":{\"type\":\"enabled\"},\"max_completion_tokens\":53,\"user\":\"u\",\"stream\":true}");
    forget(&t);
}
END_TEST

/* What was sent may be long: it is never copied. */
START_TEST(pieces_point_into_the_transcript)
{
    struct transcript t;
    struct chat_request r = read_chat(CHAT, HEAD USER "]}");
    struct buf extra = {0};
    struct iovec iov[CHAT_PIECES];
    size_t total;
    speak(&t, FAMILY_CHAT, "a", "r");
    struct chat_changes changes = {.sent = &t, .dialect = DIALECT_DEEPSEEK};
    ck_assert_int_eq(chat_pieces(&r, &changes, &extra, iov, &total), 7);
    ck_assert_ptr_eq(iov[2].iov_base, t.texts[TRANSCRIPT_CONTENT].data);
    ck_assert_ptr_eq(iov[4].iov_base, t.texts[TRANSCRIPT_REASONING].data);
    forget(&t);
    buf_free(&extra);
}
END_TEST

/* ---- whether it can be gone on with ---- */

static const struct {
    const char *path, *member; /* beside the model, and messages or a prompt */
    bool can;
} rooms[] = {
    {CHAT, "\"messages\":[" USER "]", true},
    {CHAT, "\"messages\":[]", true},
    {CHAT, "\"messages\":[" USER "],\"n\":1,\"best_of\":null,\"logprobs\":false,\"top_logprobs\":null", true},
    {CHAT, "\"messages\":[" USER "],\"n\":null,\"logprobs\":null,\"tools\":[{}],\"max_tokens\":5", true},
    {CHAT, "\"messages\":[" USER "],\"response_format\":null", true},
    {CHAT, "\"messages\":[" USER "],\"response_format\":{\"type\":\"text\"}", true},
    {CHAT, "\"messages\":[" USER "],\"guided_json\":null", true},
    {CHAT, "\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}," USER "]", true},
    {CHAT, "\"messages\":[" USER ",{\"role\":\"tool\"}]", true},
    {CHAT, "\"messages\":[" USER ",{\"role\":7}, 7]", true},
    {CHAT, "\"messages\":[" USER "],\"n\":2", false},
    {CHAT, "\"messages\":[" USER "],\"n\":1.0", false},
    {CHAT, "\"messages\":[" USER "],\"n\":\"1\"", false},
    {CHAT, "\"messages\":[" USER "],\"best_of\":1,\"best_of\":1", false},
    {CHAT, "\"messages\":[" USER "],\"logprobs\":true", false},
    {CHAT, "\"messages\":[" USER "],\"top_logprobs\":0", false},
    {CHAT, "\"messages\":[" USER "],\"response_format\":{\"type\":\"json_object\"}", false},
    {CHAT, "\"messages\":[" USER "],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}", false},
    {CHAT, "\"messages\":[" USER "],\"response_format\":{}", false},
    {CHAT, "\"messages\":[" USER "],\"response_format\":\"text\"", false},
    {CHAT, "\"messages\":[" USER "],\"guided_regex\":\"a+\"", false},
    {CHAT, "\"messages\":[" USER "],\"structured_outputs\":{\"json\":{}}", false},
    {CHAT, "\"messages\":[" USER "],\"grammar\":\"root ::= \\\"a\\\"\"", false},
    {CHAT, "\"messages\":[" USER "],\"prefix\":\"\"", false},
    {CHAT, "\"messages\":[" USER "],\"continue_final_message\":false", false},
    {CHAT, "\"messages\":[" USER "],\"add_generation_prompt\":true", false},
    {CHAT, "\"messages\":[" USER ",{\"role\":\"assistant\",\"content\":\"x\",\"prefix\":true}]", false},
    {CHAT, "\"messages\":[" USER ",{\"content\":\"x\",\"role\":\"\\u0061ssistant\"} ]", false},
    {FIM, "\"prompt\":\"x\"", true},
    {FIM, "\"prompt\":\"\",\"echo\":false,\"best_of\":1,\"logprobs\":null,\"suffix\":\"y\"", true},
    {FIM, "\"prompt\":\"x\",\"echo\":true", false},
    {FIM, "\"prompt\":\"x\",\"best_of\":2", false},
    {FIM, "\"prompt\":\"x\",\"logprobs\":0", false},
    {FIM, "\"prompt\":[\"x\"]", false},
    {FIM, "\"prompt\":[1,2]", false},
    {"/v1/messages", "\"messages\":[" USER "]", false},
    {"/v1/responses", "\"input\":\"x\"", false},
    {"/v1/embeddings", "\"input\":\"x\"", false},
};

START_TEST(which_requests_can_be_gone_on_with)
{
    struct buf body = {0};
    buf_printf(&body, "{\"model\":\"m\",%s}", rooms[_i].member);
    buf_add_byte(&body, '\0');
    struct chat_request r = read_chat(rooms[_i].path, body.data);
    ck_assert_msg(chat_can_continue(&r, endpoint_find(text_of(rooms[_i].path))->family) == rooms[_i].can, "%s",
                  body.data);
    buf_free(&body);
}
END_TEST

static const struct {
    enum conf_dialect dialect;
    bool has_beta;
    enum endpoint_family family;
    const char *content, *reasoning;
    bool can;
} places[] = {
    {DIALECT_DEEPSEEK, true, FAMILY_CHAT, "a", "", true},
    {DIALECT_DEEPSEEK, true, FAMILY_CHAT, "a", "r", true},
    {DIALECT_DEEPSEEK, true, FAMILY_CHAT, "", "r", true},
    {DIALECT_DEEPSEEK, true, FAMILY_CHAT, "", "", false},
    {DIALECT_DEEPSEEK, false, FAMILY_CHAT, "a", "", false},
    {DIALECT_DEEPSEEK, false, FAMILY_COMPLETION, "a", "", true},
    {DIALECT_HUAWEI, false, FAMILY_CHAT, "a", "", true},
    {DIALECT_SILICONFLOW, false, FAMILY_CHAT, "a", "r", true},
    {DIALECT_SILICONFLOW, false, FAMILY_CHAT, "", "r", false},
    {DIALECT_VLLM, false, FAMILY_CHAT, "a", "", true},
    {DIALECT_VLLM, true, FAMILY_CHAT, "", "r", false},
    {DIALECT_LLAMACPP, false, FAMILY_CHAT, "a", "", true},
    {DIALECT_LLAMACPP, false, FAMILY_CHAT, "a", "r", false}, /* refused by models that think */
    {DIALECT_OPENAI, true, FAMILY_CHAT, "a", "", false},
    {DIALECT_OLLAMA, true, FAMILY_CHAT, "a", "", false},
    {DIALECT_OPENAI, false, FAMILY_COMPLETION, "a", "", true},
    {DIALECT_OPENAI, false, FAMILY_COMPLETION, "", "", false},
};

START_TEST(where_it_can_go_on)
{
    struct transcript t;
    speak(&t, places[_i].family, places[_i].content, places[_i].reasoning);
    ck_assert(chat_continues_at(places[_i].dialect, places[_i].has_beta, &t) == places[_i].can);
    forget(&t);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, requests_go_on, 0, COUNT(goes_on));
    tcase_add_loop_test(tests, texts_that_are_no_json, 0, COUNT(unfit));
    tcase_add_loop_test(tests, limits_are_lowered, 0, COUNT(limits));
    tcase_add_loop_test(tests, when_a_limit_is_spent, 0, COUNT(spendings));
    tcase_add_test(tests, nothing_spent_lowers_nothing);
    tcase_add_test(tests, everything_at_once);
    tcase_add_test(tests, pieces_point_into_the_transcript);
    tcase_add_loop_test(tests, which_requests_can_be_gone_on_with, 0, COUNT(rooms));
    tcase_add_loop_test(tests, where_it_can_go_on, 0, COUNT(places));
}

TEST_MAIN_ADDING("chat_continue", add_tests)
