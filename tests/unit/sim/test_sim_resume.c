/* Answers that have begun in the request: what comes behind, and what it counts for. */
#include "plans.h"

/* How each provider is told that its answer began with `given` (a JSON string). */
enum way { BY_MESSAGE, BY_MEMBER, BY_PROMPT };
static const struct {
    const char *provider, *without, *more, *flag; /* flag: a member of the message */
    enum api api;
    enum way way;
} ways[] = {
    {"deepseek", HELLO, "", ",\"prefix\":true", API_CHAT, BY_MESSAGE},
    {"deepseek", HELLO ",\"stream\":true", ",\"stream\":true", ",\"prefix\":true", API_CHAT, BY_MESSAGE},
    {"huawei", HELLO, "", ",\"prefix\":true", API_CHAT, BY_MESSAGE},
    {"vllm", HELLO, ",\"continue_final_message\":true,\"add_generation_prompt\":false", "", API_CHAT, BY_MESSAGE},
    {"sglang", HELLO, ",\"continue_final_message\":true", "", API_CHAT, BY_MESSAGE},
    {"llamacpp", HELLO ",\"thinking\":{\"type\":\"disabled\"}", ",\"thinking\":{\"type\":\"disabled\"}", "", API_CHAT,
     BY_MESSAGE},
    {"siliconflow", HELLO, "", "", API_CHAT, BY_MEMBER},
    {"deepseek", HELLO ",\"response_format\":{\"type\":\"json_object\"}",
     ",\"response_format\":{\"type\":\"json_object\"}", ",\"prefix\":true", API_CHAT, BY_MESSAGE},
    {"deepseek", "\"prompt\":\"Once upon\"", "", "", API_TEXT, BY_PROMPT},
    {"vllm", "\"prompt\":\"Once upon\",\"suffix\":\"end\"", ",\"suffix\":\"end\"", "", API_TEXT, BY_PROMPT},
};

static void tell_given(unsigned way, struct text given, struct buf *out)
{
    struct buf quoted = {0};
    buf_add_json_string(&quoted, given);
    struct text inside = text_make(quoted.data + 1, buf_len(&quoted) - 2);
    if (ways[way].way == BY_PROMPT)
        buf_printf(out, "\"prompt\":\"Once upon" TEXT_FORMAT "\"", TEXT_ARGS(inside));
    else if (ways[way].way == BY_MEMBER)
        buf_printf(out, HELLO ",\"prefix\":\"" TEXT_FORMAT "\"", TEXT_ARGS(inside));
    else
        buf_printf(out,
                   "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":\"assistant\",\"content\":"
                   "\"" TEXT_FORMAT "\"%s}]",
                   TEXT_ARGS(inside), ways[way].flag);
    buf_printf(out, "%s%c", ways[way].more, 0);
    buf_free(&quoted);
}

static struct plan plan_behind(unsigned way, struct text given)
{
    struct buf more = {0};
    tell_given(way, given, &more);
    struct plan p = plan_from(ways[way].provider, ways[way].api, more.data, "", 40);
    buf_free(&more);
    return p;
}

/* Cut before each byte that begins a character; at its end, too. */
START_TEST(an_answer_cut_anywhere_is_continued)
{
    struct plan p = plan_from(ways[_i].provider, ways[_i].api, ways[_i].without, "", 40);
    unsigned content = p.usage.completion - p.usage.reasoning, prompt = p.usage.prompt;
    char *whole = text_in(&p, BEAT_CONTENT);
    plan_free(&p);
    for (size_t cut = 1; cut <= strlen(whole); cut++) {
        if (((unsigned char)whole[cut] & 0xC0) == 0x80) continue; /* inside a character: cannot be said in JSON */
        p = plan_behind(_i, text_make(whole, cut));
        char *rest = text_in(&p, BEAT_CONTENT);
        ck_assert_str_eq(rest, whole + cut);
        ck_assert_uint_eq(p.reasoning.count, 0);
        ck_assert_str_eq(p.finish, "stop");
        ck_assert_uint_eq(p.usage.completion, content - p.content.from);
        ck_assert_uint_eq(p.usage.prompt, prompt + p.content.from + (p.content.skip > 0));
        mem_free(rest);
        plan_free(&p);
    }
    mem_free(whole);
}
END_TEST

START_TEST(behind_the_whole_answer_comes_nothing_but_the_end)
{
    struct plan p = plan_from(ways[_i].provider, ways[_i].api, ways[_i].without, "", 40);
    char *whole = text_in(&p, BEAT_CONTENT);
    plan_free(&p);
    p = plan_behind(_i, text_of(whole));
    ck_assert_uint_eq(p.usage.completion, 0);
    check_beats(&p, "BFD");
    mem_free(whole);
}
END_TEST

static struct plan plan_behind_reasoning(struct text reasoning, const char *content)
{
    struct buf more = {0}, quoted = {0};
    buf_add_json_string(&quoted, reasoning);
    buf_printf(&more,
               "\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":\"assistant\",\"prefix\":true,"
               "\"content\":\"%s\",\"reasoning_content\":" TEXT_FORMAT "}]%c",
               content, TEXT_ARGS(buf_text(&quoted)), 0);
    struct plan p = plan_of(API_CHAT, more.data, "", 40);
    buf_free(&more);
    buf_free(&quoted);
    return p;
}

START_TEST(reasoning_cut_anywhere_is_continued)
{
    struct plan p = plan_of(API_CHAT, HELLO, "", 40);
    unsigned prompt = p.usage.prompt;
    char *thought = text_in(&p, BEAT_REASONING), *answer = text_in(&p, BEAT_CONTENT);
    plan_free(&p);
    for (size_t cut = 1; cut <= strlen(thought); cut++) {
        if (((unsigned char)thought[cut] & 0xC0) == 0x80) continue;
        p = plan_behind_reasoning(text_make(thought, cut), "");
        char *rest = text_in(&p, BEAT_REASONING), *content = text_in(&p, BEAT_CONTENT);
        ck_assert_str_eq(rest, thought + cut);
        ck_assert_str_eq(content, answer);
        ck_assert_uint_eq(p.usage.reasoning, p.reasoning.count);
        ck_assert_uint_eq(p.usage.prompt, prompt + p.reasoning.from + (p.reasoning.skip > 0));
        mem_free(rest);
        mem_free(content);
        plan_free(&p);
    }
    mem_free(thought);
    mem_free(answer);
}
END_TEST

START_TEST(given_reasoning_and_content_both_count_as_prompt)
{
    struct plan p = plan_of(API_CHAT, HELLO, "", 40);
    struct buf first = {0};
    unsigned prompt = p.usage.prompt;
    char *thought = text_in(&p, BEAT_REASONING);
    plan_token(&p, BEAT_CONTENT, 0, 0, &first);
    buf_add_byte(&first, '\0');
    plan_free(&p);
    p = plan_behind_reasoning(text_of(thought), first.data);
    ck_assert_uint_eq(p.usage.prompt, prompt + 20 + 1);
    ck_assert_uint_eq(p.usage.completion, 39);
    ck_assert_uint_eq(p.usage.reasoning, 0);
    plan_free(&p);
    mem_free(thought);
    buf_free(&first);
}
END_TEST

/* The cache counts the prompt as it was sent, with escapes and what was appended to it. */
START_TEST(no_more_of_a_prompt_is_cached_than_it_has)
{
    struct call call;
    struct plan p;
    struct refusal r = {0};
    struct scenario none = {0};
    const struct plan_wishes wishes = {.seed = 1, .tokens = 2, .hit = 64};
    ck_assert(
        call_read(&call, provider_find(TEXT("deepseek")), API_TEXT, true, TEXT("{" M ",\"prompt\":\"\\n\\n\"}"), &r));
    plan_make(&p, &call, &none, &wishes);
    ck_assert_uint_eq(p.usage.prompt, 1);
    ck_assert_uint_eq(p.usage.hit, 1);
    plan_free(&p);
}
END_TEST

START_TEST(max_tokens_limits_the_rest)
{
    struct plan p = plan_of(API_CHAT, HELLO, "", 12), rest;
    struct buf more = {0}, given = {0}, quoted = {0};
    for (unsigned i = 0; i < 5; i++)
        plan_token(&p, BEAT_CONTENT, 0, i, &given);
    buf_add_json_string(&quoted, buf_text(&given));
    buf_printf(&more,
               "\"max_tokens\":3,\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},{\"role\":\"assistant\","
               "\"prefix\":true,\"content\":" TEXT_FORMAT "}]%c",
               TEXT_ARGS(buf_text(&quoted)), 0);
    rest = plan_of(API_CHAT, more.data, "", 12);
    ck_assert_uint_eq(rest.content.from, 5);
    ck_assert_str_eq(rest.finish, "length");
    check_beats(&rest, "BcccFD");
    plan_free(&p);
    buf_free(&more);
    buf_free(&given);
    buf_free(&quoted);
}
END_TEST

START_TEST(a_foreign_beginning_is_followed_by_a_whole_answer)
{
    struct plan p =
        plan_of(API_CHAT, "\"messages\":[{\"role\":\"assistant\",\"prefix\":true,\"content\":\"#foreign\"}]", "", 4);
    ck_assert_uint_eq(p.reasoning.count, 0);
    ck_assert_uint_eq(p.content.count, 4);
    ck_assert_uint_eq(p.content.from, 0);
    ck_assert_uint_eq(p.given, 2);
    plan_free(&p);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, an_answer_cut_anywhere_is_continued, 0, COUNT(ways));
    tcase_add_loop_test(tests, behind_the_whole_answer_comes_nothing_but_the_end, 0, COUNT(ways));
    tcase_add_test(tests, reasoning_cut_anywhere_is_continued);
    tcase_add_test(tests, given_reasoning_and_content_both_count_as_prompt);
    tcase_add_test(tests, no_more_of_a_prompt_is_cached_than_it_has);
    tcase_add_test(tests, max_tokens_limits_the_rest);
    tcase_add_test(tests, a_foreign_beginning_is_followed_by_a_whole_answer);
}

TEST_MAIN_ADDING("sim_resume", add_tests)
