/* The simulator answers one plan in both forms: each, made from the other, equals what it says itself.
 *
 * Two things differ by nature, and nothing else does: a stream of messages that never tells the usage has told that of
 * the prompt, where the plain answer has none, so such a stream has no plain form; and an answer that has failed has no
 * other form in responses, whose events call it an error. */
#include "../json_same.h"
#include "dsgate/llm/answer_form.h"
#include "plans.h"

#define ASKS(text) \
    "\"input\":\"" text "\",\"prompt\":\"" text "\",\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]," \
    "\"stream\":true,\"stream_options\":{\"include_usage\":true}"
#define THINKING ",\"thinking\":{\"type\":\"enabled\"}"
#define SILENT   ",\"thinking\":{\"type\":\"disabled\"}"
#define LOGPROBS ",\"logprobs\":true,\"top_logprobs\":2"
#define TOOL(name) \
    "{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"parameters\":{\"type\":\"object\",\"properties\":{" \
    "\"city\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"},\"x\":{\"type\":\"number\"}}}}}"
#define TOOLS ",\"tools\":[" TOOL("weather") "," TOOL("ti\\u006de") "," TOOL("news") "]"

enum { IN_CHAT = 1, IN_TEXT = 2, IN_MESSAGES = 4, IN_RESPONSES = 8, IN_ALL = 15 };

static const struct {
    enum api api;
    enum endpoint_family family;
} apis[] = {
    {API_CHAT, FAMILY_CHAT},
    {API_TEXT, FAMILY_COMPLETION},
    {API_ANTHROPIC, FAMILY_MESSAGES},
    {API_RESPONSES, FAMILY_RESPONSES},
};

static const struct {
    const char *more, *spec;
    unsigned tokens;
    unsigned both; /* the APIs with both forms */
} answers[] = {
    {THINKING, "", 40, IN_ALL},
    {SILENT, "", 40, IN_ALL},
    {THINKING, "", 1, IN_ALL},
    {THINKING, "", 0, IN_ALL},
    {THINKING, "empty-content", 9, IN_ALL},
    {THINKING ",\"max_tokens\":3,\"max_output_tokens\":3", "", 40, IN_ALL},
    {SILENT ",\"response_format\":{\"type\":\"json_object\"}", "", 40, IN_ALL},
    {THINKING TOOLS, "tool-call=1", 9, IN_ALL},
    {SILENT TOOLS, "tool-call=8", 9, IN_ALL},
    {THINKING TOOLS, "tool-call=2+reasoning-field+usage-separate", 9, IN_ALL},
    {THINKING, "usage-separate", 9, IN_ALL},
    {SILENT, "usage-none", 9, IN_ALL - IN_MESSAGES},
    {THINKING, "reasoning-field", 9, IN_ALL},
    {THINKING, "filtered", 9, IN_ALL},
    {THINKING, "exhausted", 9, IN_ALL - IN_RESPONSES},
    {SILENT, "finish=eos", 9, IN_ALL - IN_RESPONSES},
    {THINKING, "huge=2", 9, IN_ALL},
    {THINKING ",\"n\":3", "", 9, IN_ALL},
    {THINKING ",\"n\":2" TOOLS, "tool-call=2", 9, IN_ALL},
    {THINKING ",\"n\":2" LOGPROBS, "usage-separate", 9, IN_ALL},
    {SILENT LOGPROBS, "", 9, IN_ALL},
    {THINKING LOGPROBS, "reasoning-field", 9, IN_ALL},
};

static const char *const questions[] = {ASKS("Hello"), ASKS("Wie geht's?"), ASKS("\\u4f60\\u597d"), ASKS("a")};

/* ---- one plan in both forms ---- */

struct answer {
    struct buf stream, plain;
};

static struct answer answer_of(enum api api, const char *asks, const char *more, const char *spec, unsigned tokens)
{
    struct answer a = {0};
    const struct dialect *dialect = dialect_of(api);
    char *all = mem_printf("%s%s", asks, more);
    struct plan p = plan_of(api, all, spec, tokens);
    for (unsigned i = 0; i < plan_beats(&p); i++)
        dialect->beat(&p, plan_beat(&p, i), &a.stream);
    dialect->whole(&p, &a.plain);
    plan_free(&p);
    mem_free(all);
    return a;
}

static void free_answer(struct answer *a)
{
    buf_free(&a->stream);
    buf_free(&a->plain);
}

static void check_plain(struct text made, struct text expected)
{
    ck_assert_msg(same_json(made, expected), TEXT_FORMAT "\n" TEXT_FORMAT, TEXT_ARGS(made), TEXT_ARGS(expected));
}

static void check_to_plain(enum endpoint_family family, struct text stream, struct text expected)
{
    struct buf made = {0};
    ck_assert_msg(answer_to_plain(&made, family, stream), TEXT_FORMAT, TEXT_ARGS(stream));
    check_plain(buf_text(&made), expected);
    buf_free(&made);
}

static void check_both(enum endpoint_family family, const struct answer *a)
{
    struct text plain = buf_text(&a->plain);
    struct buf stream = {0};
    ck_assert_msg(answer_to_stream(&stream, family, plain, true), TEXT_FORMAT, TEXT_ARGS(plain));
    check_to_plain(family, buf_text(&stream), plain);
    check_to_plain(family, buf_text(&a->stream), plain);
    buf_free(&stream);
}

static void check_none(enum endpoint_family family, const struct answer *a)
{
    struct buf out = {0};
    ck_assert(!answer_to_plain(&out, family, buf_text(&a->stream)));
    ck_assert(!answer_to_stream(&out, family, buf_text(&a->plain), true));
    ck_assert_uint_eq(buf_len(&out), 0);
}

START_TEST(each_form_says_what_the_other_says)
{
    for (int api = 0; api < COUNT(apis); api++) {
        for (int i = 0; i < COUNT(questions); i++) {
            struct answer a =
                answer_of(apis[api].api, questions[i], answers[_i].more, answers[_i].spec, answers[_i].tokens);
            (answers[_i].both >> api & 1 ? check_both : check_none)(apis[api].family, &a);
            free_answer(&a);
        }
    }
}
END_TEST

/* ---- streams that are not whole ---- */

START_TEST(a_stream_cut_anywhere_has_no_plain_form)
{
    struct answer a = answer_of(apis[_i].api, questions[0], THINKING TOOLS, "tool-call=1", 3);
    struct text whole = buf_text(&a.stream);
    struct buf out = {0};
    for (size_t n = 0; n < whole.n; n++)
        ck_assert_msg(!answer_to_plain(&out, apis[_i].family, text_make(whole.p, n)), "%zu", n);
    ck_assert_uint_eq(buf_len(&out), 0);
    free_answer(&a);
}
END_TEST

START_TEST(two_streams_in_one_have_no_plain_form)
{
    struct answer a = answer_of(apis[_i].api, questions[0], SILENT, "", 3);
    struct buf twice = {0}, out = {0};
    buf_add(&twice, buf_text(&a.stream));
    buf_add(&twice, buf_text(&a.stream));
    ck_assert(!answer_to_plain(&out, apis[_i].family, buf_text(&twice)));
    ck_assert_uint_eq(buf_len(&out), 0);
    buf_free(&twice);
    free_answer(&a);
}
END_TEST

START_TEST(an_error_in_the_stream_leaves_no_plain_form)
{
    struct buf stream = {0}, out = {0};
    const struct dialect *dialect = dialect_of(apis[_i].api);
    struct plan p = plan_of(apis[_i].api, questions[0], "", 3);
    for (unsigned i = 0; i < plan_beats(&p); i++) {
        if (i == 2) dialect->failure(&p, TEXT("overloaded"), "server_error", &stream);
        dialect->beat(&p, plan_beat(&p, i), &stream);
    }
    ck_assert(!answer_to_plain(&out, apis[_i].family, buf_text(&stream)));
    ck_assert_uint_eq(buf_len(&out), 0);
    buf_free(&stream);
    plan_free(&p);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, each_form_says_what_the_other_says, 0, COUNT(answers));
    tcase_add_loop_test(tests, a_stream_cut_anywhere_has_no_plain_form, 0, COUNT(apis));
    tcase_add_loop_test(tests, two_streams_in_one_have_no_plain_form, 0, COUNT(apis));
    tcase_add_loop_test(tests, an_error_in_the_stream_leaves_no_plain_form, 0, COUNT(apis));
}

TEST_MAIN_ADDING("answer_form_equality", add_tests)
