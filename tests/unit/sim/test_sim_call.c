/* Reading and checking requests: what is understood, and what is refused in DeepSeek's words. */
#include "../../../src/tools/sim/call.h"
#include "../../suite.h"
#include <stdio.h>

static const char *const names[] = {"deepseek-flash"};
static const struct known_models models = {names, 1, false};

static const struct provider *deepseek(void) { return provider_find(TEXT("deepseek")); }

static struct call read_from(const char *provider, enum api api, bool beta, const char *body)
{
    struct call call;
    struct refusal r = {0};
    bool fine = call_read(&call, provider_find(text_of(provider)), api, beta, text_of(body), &r);
    ck_assert_msg(fine, "%s: " TEXT_FORMAT, body, TEXT_ARGS(buf_text(&r.message)));
    return call;
}

static struct call read_it(enum api api, bool beta, const char *body) { return read_from("deepseek", api, beta, body); }
static struct call chat(const char *body) { return read_it(API_CHAT, false, body); }

#define M     "\"model\":\"deepseek-flash\""
#define HELLO "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"}]"
#define TOOLS "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}]"

/* ---- what is refused ---- */

#define SHAPE "Failed to deserialize the JSON body into the target type: "

static const struct {
    enum api api;
    bool beta;
    const char *body;
    unsigned status; /* 0: accepted */
    const char *message;
} checks[] = {
    {API_CHAT, false, "{" M "," HELLO "}", 0, NULL},
    {API_CHAT, false, "", 400, "Failed to parse the request body as JSON: nothing but white space at line 1 column 0"},
    {API_CHAT, false, "{\"a\"\n:x}", 400,
     "Failed to parse the request body as JSON: unexpected byte at line 2 column 1"},
    {API_CHAT, false, "[]", 422, SHAPE "invalid type, expected a struct at line 1 column 2"},
    {API_CHAT, false, "{}", 422, SHAPE "missing field `model` at line 1 column 2"},
    {API_CHAT, false, "{\"model\":7}", 422, SHAPE "model: invalid type, expected a string at line 1 column 11"},
    {API_CHAT, false, "{\"model\":\"gpt-4\"," HELLO "}", 400, "Model Not Exist"},
    {API_CHAT, false, "{\"model\":\"deepseek-flash@busy\"," HELLO "}", 0, NULL},
    {API_CHAT, false, "{\"model\":\"sim:busy\"," HELLO "}", 0, NULL},
    {API_CHAT, false, "{" M "}", 422, SHAPE "missing field `messages` at line 1 column 26"},
    {API_CHAT, false, "{" M ",\"messages\":null}", 422, SHAPE "missing field `messages` at line 1 column 42"},
    {API_CHAT, false, "{" M ",\"messages\":\"x\"}", 422,
     SHAPE "messages: invalid type, expected a sequence at line 1 column 41"},
    {API_CHAT, false, "{" M ",\"messages\":[]}", 400, "Empty input messages"},
    {API_CHAT, false, "{" M ",\"messages\":[{}]}", 422, SHAPE "messages[0]: missing field `role` at line 1 column 42"},
    {API_CHAT, false, "{" M ",\"messages\":[1]}", 422, SHAPE "messages[0]: missing field `role` at line 1 column 41"},
    {API_CHAT, false, "{" M ",\"messages\":[{\"role\":\"developer\"}]}", 422,
     SHAPE "messages[0].role: unknown variant `developer`, expected one of `system`, `user`, `assistant`, `tool` at "
           "line 1 column "
           "60"},
    {API_ANTHROPIC, false, "{" M ",\"max_tokens\":9,\"messages\":[{\"role\":\"system\"}]}", 422,
     SHAPE "messages[0].role: unknown variant `system`, expected one of `user`, `assistant` at line 1 column 72"},
    {API_ANTHROPIC, false, "{" M "," HELLO "}", 422, SHAPE "missing field `max_tokens` at line 1 column 73"},
    {API_CHAT, false, "{" M "," HELLO ",\"stream\":1}", 422,
     SHAPE "stream: invalid type, expected a boolean at line 1 column 84"},
    {API_CHAT, false, "{" M "," HELLO ",\"stream_options\":{}}", 400,
     "stream_options should be set along with stream = true"},
    {API_CHAT, false, "{" M "," HELLO ",\"stream\":true,\"stream_options\":{}}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"stream\":null,\"stream_options\":null}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"max_tokens\":393216}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"max_tokens\":393217}", 400,
     "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"},
    {API_CHAT, false, "{" M "," HELLO ",\"max_tokens\":0}", 400,
     "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"},
    {API_CHAT, false, "{" M "," HELLO ",\"max_completion_tokens\":-5}", 400,
     "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"},
    {API_CHAT, false, "{" M "," HELLO ",\"max_tokens\":\"x\"}", 400,
     "Invalid max_tokens value, the valid range of max_tokens is [1, 393216]"},
    {API_TEXT, true, "{" M ",\"prompt\":\"x\",\"max_tokens\":4096}", 0, NULL},
    {API_TEXT, true, "{" M ",\"prompt\":\"x\",\"max_tokens\":4097}", 400,
     "Invalid max_tokens value, the valid range of max_tokens is [1, 4096]"},
    {API_TEXT, true, "{" M "}", 422, SHAPE "missing field `prompt` at line 1 column 26"},
    {API_RESPONSES, false, "{" M "}", 422, SHAPE "missing field `input` at line 1 column 26"},
    {API_EMBEDDINGS, false, "{\"model\":\"any\",\"input\":\"x\"}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"temperature\":2}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"temperature\":2.01}", 400,
     "Invalid temperature value, the valid range of temperature is [0, 2.0]"},
    {API_CHAT, false, "{" M "," HELLO ",\"top_p\":\"x\"}", 400,
     "Invalid top_p value, the valid range of top_p is [0, 1.0]"},
    {API_CHAT, false, "{" M "," HELLO ",\"stop\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"n\":16,\"logprobs\":true,\"top_logprobs\":20}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"n\":null,\"logprobs\":null,\"top_logprobs\":null}", 0, NULL},
    {API_CHAT, false, "{" M "," HELLO ",\"n\":0}", 400, "Invalid n value, the valid range of n is [1, 16]"},
    {API_CHAT, false, "{" M "," HELLO ",\"n\":17}", 400, "Invalid n value, the valid range of n is [1, 16]"},
    {API_CHAT, false, "{" M "," HELLO ",\"n\":1.5}", 400, "Invalid n value, the valid range of n is [1, 16]"},
    {API_CHAT, false, "{" M "," HELLO ",\"logprobs\":true,\"top_logprobs\":21}", 400,
     "Invalid top_logprobs value, the valid range of top_logprobs is [0, 20]"},
    {API_CHAT, false, "{" M "," HELLO ",\"top_logprobs\":1}", 400,
     "Invalid top_logprobs value, top_logprobs should be set along with logprobs = true"},
    {API_CHAT, false, "{" M "," HELLO ",\"stop\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}", 400,
     "Invalid stop value, at most 16 stop sequences are supported"},
    {API_CHAT, false, "{" M ",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"prefix\":true}]}", 400,
     "prefix is only available when using beta api (set base_url=\"https://api.deepseek.com/beta\")"},
    {API_CHAT, true, "{" M ",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"prefix\":true}]}", 0, NULL},
    {API_CHAT, false, "{" M "," TOOLS ",\"messages\":[{\"role\":\"user\"},{\"role\":\"assistant\",\"tool_calls\":[]}]}",
     400, "Missing `reasoning_content` field in the assistant message at message index 1"},
    {API_CHAT, false,
     "{" M "," TOOLS ",\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[],\"reasoning_content\":\"hm\"}]}", 0,
     NULL},
    {API_CHAT, false,
     "{" M "," TOOLS ",\"thinking\":{\"type\":\"disabled\"},\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[]}]}",
     0, NULL},
};

START_TEST(requests_are_checked)
{
    struct call call;
    struct refusal r = {0};
    bool fine = call_read(&call, deepseek(), checks[_i].api, checks[_i].beta, text_of(checks[_i].body), &r) &&
                call_check(&call, &models, &r);
    buf_add_byte(&r.message, '\0');
    ck_assert_msg(fine == (checks[_i].status == 0), "%s: %s", checks[_i].body, r.message.data);
    ck_assert_uint_eq(r.status, checks[_i].status);
    if (!fine) ck_assert_str_eq(r.message.data, checks[_i].message);
    refusal_free(&r);
}
END_TEST

START_TEST(a_prompt_beyond_the_context_is_refused)
{
    struct buf body = {0};
    struct call call;
    struct refusal r = {0};
    BUF_ADD(&body, "{" M ",\"max_tokens\":1000,\"messages\":[{\"role\":\"user\",\"content\":\"");
    memset(buf_reserve(&body, 4200000), 'x', 4200000);
    buf_commit(&body, 4200000);
    BUF_ADD(&body, "\"}]}");
    ck_assert(call_read(&call, deepseek(), API_CHAT, false, buf_text(&body), &r) && !call_check(&call, &models, &r));
    buf_add_byte(&r.message, '\0');
    ck_assert_str_eq(
        r.message.data,
        "This model's maximum context length is 1048576 tokens. However, you requested 1051008 tokens (1050008 in the "
        "messages, 1000 in the completion). Please reduce the length of the messages or completion.");
    refusal_free(&r);
    buf_free(&body);
}
END_TEST

/* ---- what is understood ---- */

START_TEST(model_names_carry_scenarios)
{
    struct call c = chat("{\"model\":\"deepseek-flash@eof@mid-content\"," HELLO "}");
    ck_assert(text_is(c.base, "deepseek-flash") && text_is(c.spec, "eof@mid-content"));
    ck_assert_str_eq(c.model, "deepseek-flash@eof@mid-content");
    c = chat("{\"model\":\"sim:stall@mid-reasoning\"," HELLO "}");
    ck_assert(text_is(c.base, "sim") && text_is(c.spec, "stall@mid-reasoning"));
    c = chat("{\"model\":\"mod\\u0065l\"," HELLO "}");
    ck_assert(text_is(c.base, "model") && c.spec.n == 0);
}
END_TEST

START_TEST(a_model_name_that_is_too_long_does_not_exist)
{
    char body[600];
    struct call call;
    struct refusal r = {0};
    snprintf(body, sizeof body, "{\"model\":\"%0300d\"}", 0);
    ck_assert(!call_read(&call, deepseek(), API_CHAT, false, text_of(body), &r));
    ck_assert(text_is(buf_text(&r.message), "Model Not Exist"));
    refusal_free(&r);
}
END_TEST

static const struct {
    enum api api;
    const char *more;
    bool thinking, wants_tool;
    const char *tool;
} wishes[] = {
    {API_CHAT, HELLO, true, false, ""},
    {API_CHAT, HELLO ",\"thinking\":{\"type\":\"disabled\"}", false, false, ""},
    {API_CHAT, HELLO ",\"thinking\":{\"type\":\"enabled\"}", true, false, ""},
    {API_TEXT, "\"prompt\":\"x\"", false, false, ""},
    {API_CHAT, HELLO ",\"tool_choice\":\"auto\"", true, false, ""},
    {API_CHAT, HELLO ",\"tool_choice\":\"required\"", true, true, ""},
    {API_CHAT, HELLO ",\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}}", true, true, "f"},
    {API_ANTHROPIC, HELLO ",\"tool_choice\":{\"type\":\"any\"}", true, true, ""},
    {API_ANTHROPIC, HELLO ",\"tool_choice\":{\"type\":\"tool\",\"name\":\"g\"}", true, true, "g"},
    {API_ANTHROPIC, HELLO ",\"tool_choice\":{\"type\":\"auto\"}", true, false, ""},
    {API_RESPONSES, "\"input\":\"please USE Tool\"", true, true, ""},
    {API_RESPONSES, "\"input\":[{\"role\":\"user\",\"content\":\"use tool\"}]", true, true, ""},
    {API_CHAT, "\"messages\":[{\"role\":\"user\",\"content\":\"use tool\"}]", true, true, ""},
    {API_CHAT,
     "\"messages\":[{\"role\":\"user\",\"content\":\"use tool\"},{\"role\":\"tool\",\"content\":\"use tool\"}]", true,
     false, ""},
};

START_TEST(wishes_are_understood)
{
    char body[512];
    snprintf(body, sizeof body, "{" M "," TOOLS ",%s}", wishes[_i].more);
    struct call c = read_it(wishes[_i].api, false, body);
    ck_assert_int_eq(c.thinking, wishes[_i].thinking);
    ck_assert_int_eq(c.wants_tool, wishes[_i].wants_tool);
    ck_assert(text_is(c.tool_name, wishes[_i].tool));
    ck_assert_uint_gt(c.tools.n, 0);
}
END_TEST

START_TEST(tool_choice_none_hides_the_tools)
{
    struct call c = chat("{" M "," TOOLS "," HELLO ",\"tool_choice\":\"none\"}");
    ck_assert_uint_eq(c.tools.n, 0);
}
END_TEST

/* ---- texts to be continued ---- */

#define SAID "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":\"assistant\",\"content\":\"x\""

static const struct {
    const char *provider, *more, *content, *reasoning;
    bool continues;
} givens[] = {
    {"deepseek", SAID "}]", "", "", false},
    {"deepseek", SAID ",\"prefix\":false}]", "", "", false},
    {"deepseek", SAID ",\"prefix\":true}]", "x", "", true},
    {"deepseek", "\"messages\":[{\"role\":\"user\",\"content\":\"x\",\"prefix\":true}]", "", "", false},
    {"deepseek",
     "\"messages\":[{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":\"hm\",\"prefix\":true}]", "", "hm",
     true},
    {"deepseek", SAID "}],\"continue_final_message\":true,\"add_generation_prompt\":false", "", "", false},
    {"deepseek", HELLO ",\"prefix\":\"y\"", "", "", false},
    {"huawei", SAID ",\"reasoning_content\":\"hm\",\"prefix\":true}]", "x", "", true},
    {"siliconflow", HELLO ",\"prefix\":\"y\"", "y", "", true},
    {"siliconflow", HELLO ",\"prefix\":\"\"", "", "", false},
    {"siliconflow", SAID ",\"prefix\":true}]", "", "", false},
    {"vllm", SAID "}],\"continue_final_message\":true", "x", "", true},
    {"vllm", SAID "}]", "", "", false},
    {"vllm", HELLO ",\"continue_final_message\":true", "", "", false},
    {"vllm", SAID ",\"prefix\":true}]", "", "", false},
    {"sglang", SAID "}],\"continue_final_message\":true", "x", "", true},
    {"llamacpp", SAID "}]", "x", "", true},
    {"llamacpp", HELLO, "", "", false},
    {"ollama", SAID ",\"prefix\":true}],\"continue_final_message\":true,\"prefix\":\"y\"", "", "", false},
};

START_TEST(given_texts_are_found)
{
    char body[512];
    snprintf(body, sizeof body, "{" M ",%s}", givens[_i].more);
    struct call c = read_from(givens[_i].provider, API_CHAT, true, body);
    ck_assert_int_eq(c.continues, givens[_i].continues);
    ck_assert(text_is(c.given_content, givens[_i].content));
    ck_assert(text_is(c.given_reasoning, givens[_i].reasoning));
}
END_TEST

static const struct {
    const char *provider, *more, *message; /* message NULL: accepted */
} resumes[] = {
    {"vllm", SAID "}],\"continue_final_message\":true,\"add_generation_prompt\":false", NULL},
    {"vllm", SAID "}],\"continue_final_message\":true,\"add_generation_prompt\":true",
     "Cannot set both `continue_final_message` and `add_generation_prompt` to True."},
    {"vllm", SAID "}],\"continue_final_message\":true",
     "Cannot set both `continue_final_message` and `add_generation_prompt` to True."},
    {"sglang", SAID "}],\"continue_final_message\":true", NULL},
    {"huawei", SAID ",\"prefix\":true}]", NULL},
    {"llamacpp", SAID "}]", "Assistant response prefill is incompatible with enable_thinking."},
    {"llamacpp", SAID "}],\"thinking\":{\"type\":\"disabled\"}", NULL},
    {"llamacpp", SAID "}],\"chat_template_kwargs\":{\"enable_thinking\":false}", NULL},
};

START_TEST(who_is_asked_in_another_s_way_refuses)
{
    char body[512];
    struct refusal r = {0};
    snprintf(body, sizeof body, "{" M ",%s}", resumes[_i].more);
    struct call c = read_from(resumes[_i].provider, API_CHAT, false, body);
    ck_assert_int_eq(call_check(&c, &models, &r), resumes[_i].message == NULL);
    buf_add_byte(&r.message, '\0');
    ck_assert_str_eq(r.message.data, resumes[_i].message ? resumes[_i].message : "");
    refusal_free(&r);
}
END_TEST

static uint64_t hash_of(const char *provider, const char *more)
{
    char body[512];
    snprintf(body, sizeof body, "{" M ",%s}", more);
    struct call c = read_from(provider, API_CHAT, true, body);
    return call_hash(&c, 1);
}

START_TEST(the_text_does_not_depend_on_what_is_to_be_continued_and_how_it_is_sent)
{
    static const struct {
        const char *provider, *more;
    } same[] = {
        {"deepseek", SAID ",\"prefix\":true}]"},
        {"deepseek", "\"messages\" : [{\"role\":\"user\",\"content\":\"Hello\"} , "
                     "{\"role\":\"assistant\",\"content\":\"x\",\"prefix\":true}]"},
        {"deepseek", HELLO ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":9"},
        {"huawei", SAID ",\"prefix\":true}]"},
        {"siliconflow", HELLO ",\"prefix\":\"y\""},
        {"vllm", SAID "}],\"continue_final_message\":true,\"add_generation_prompt\":false"},
        {"llamacpp", SAID "}]"},
        {"ollama", HELLO},
    };
    uint64_t plain = hash_of("deepseek", HELLO);
    struct call c = chat("{" M "," HELLO "}");
    for (size_t i = 0; i < COUNT(same); i++)
        ck_assert_uint_eq(hash_of(same[i].provider, same[i].more), plain);
    ck_assert(hash_of("deepseek", SAID "}]") != plain);
    ck_assert(call_hash(&c, 2) != plain);
}
END_TEST

START_TEST(the_prompt_ends_where_the_given_text_begins)
{
    struct text parts[CALL_PARTS], more[CALL_PARTS];
    struct call c = chat("{" M "," HELLO "}");
    struct call d = read_it(API_CHAT, true, "{" M "," SAID ",\"prefix\":true}]}");
    ck_assert_uint_eq(call_prompt(&c, parts), 1);
    ck_assert_uint_eq(call_prompt(&d, more), 1);
    ck_assert(text_eq(parts[0], more[0]));
}
END_TEST

START_TEST(prompts_grow_at_their_end)
{
    struct text parts[CALL_PARTS], more[CALL_PARTS];
    struct call c = chat("{" M "," TOOLS "," HELLO "}");
    struct call d =
        chat("{" M ",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":\"user\"}]," TOOLS "}");
    ck_assert_uint_eq(call_prompt(&c, parts), 2);
    ck_assert_uint_eq(call_prompt(&d, more), 2);
    ck_assert(text_eq(parts[0], more[0]));
    ck_assert(text_starts(more[1], parts[1]));
    ck_assert(text_starts(parts[0], TEXT("[{\"type\"")));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, requests_are_checked, 0, COUNT(checks));
    tcase_add_test(tests, a_prompt_beyond_the_context_is_refused);
    tcase_add_test(tests, model_names_carry_scenarios);
    tcase_add_test(tests, a_model_name_that_is_too_long_does_not_exist);
    tcase_add_loop_test(tests, wishes_are_understood, 0, COUNT(wishes));
    tcase_add_test(tests, tool_choice_none_hides_the_tools);
    tcase_add_loop_test(tests, given_texts_are_found, 0, COUNT(givens));
    tcase_add_loop_test(tests, who_is_asked_in_another_s_way_refuses, 0, COUNT(resumes));
    tcase_add_test(tests, the_text_does_not_depend_on_what_is_to_be_continued_and_how_it_is_sent);
    tcase_add_test(tests, the_prompt_ends_where_the_given_text_begins);
    tcase_add_test(tests, prompts_grow_at_their_end);
}

TEST_MAIN_ADDING("sim_call", add_tests)
