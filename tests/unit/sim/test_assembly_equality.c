/* What is put together from the simulator's streams equals what it answers plainly: one plan, both ways. */
#include "../../../src/tools/sim/dialect.h"
#include "../../suite.h"
#include "../json_same.h"
#include "dsgate/llm/assembly.h"
#include "dsgate/llm/sse.h"
#include <stdio.h>

#define THINKING "\"thinking\":{\"type\":\"enabled\"}"
#define SILENT   "\"thinking\":{\"type\":\"disabled\"}"
#define TOOL(name) \
    "{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"parameters\":{\"type\":\"object\",\"properties\":{" \
    "\"city\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"}}}}}"
#define TOOLS "\"tools\":[" TOOL("weather") "," TOOL("ti\\u006de") "," TOOL("news") "]"

/* ---- equality ---- */

static const struct {
    const char *a, *b;
    bool same;
} pairs[] = {
    {"{\"a\":1,\"b\":[1,{\"x\":null}]}", "{\"b\":[1,{\"x\":null}],\"a\":1}", true},
    {"\"\\u0041\"", "\"A\"", true},
    {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
    {"{\"a\":1,\"b\":2}", "{\"a\":1}", false},
    {"{\"a\":1}", "{\"a\":2}", false},
    {"{\"a\":null}", "{\"b\":null}", false},
    {"[1,2]", "[2,1]", false},
    {"[1]", "[1,2]", false},
    {"\"\"", "null", false},
    {"{\"a\":\"x\"}", "{\"a\":\"y\"}", false},
};

START_TEST(equality_is_by_value) { ck_assert(same_json(text_of(pairs[_i].a), text_of(pairs[_i].b)) == pairs[_i].same); }
END_TEST

/* ---- answers ---- */

static const struct {
    const char *more, *spec;
    unsigned tokens;
} answers[] = {
    {THINKING, "", 40},
    {SILENT, "", 40},
    {THINKING, "", 1},
    {THINKING, "", 0},
    {SILENT, "", 0},
    {THINKING, "empty-content", 9},
    {SILENT, "empty-content", 9},
    {THINKING ",\"max_tokens\":3", "", 40},
    {THINKING ",\"max_tokens\":25", "", 40},
    {SILENT ",\"max_tokens\":7", "", 40},
    {THINKING ",\"response_format\":{\"type\":\"json_object\"}", "", 40},
    {THINKING "," TOOLS, "tool-call=1", 9},
    {THINKING "," TOOLS, "tool-call=2", 9},
    {THINKING "," TOOLS, "tool-call=3", 9},
    {SILENT "," TOOLS, "tool-call=1", 9},
    {SILENT "," TOOLS, "tool-call=3", 9},
    {SILENT "," TOOLS, "tool-call=8", 9},
    {SILENT "," TOOLS, "tool-call=2+usage-separate", 9},
    {THINKING "," TOOLS, "tool-call=2+reasoning-field+usage-separate", 9},
    {THINKING ",\"max_tokens\":2," TOOLS, "tool-call=2", 9},
    {THINKING, "usage-separate", 9},
    {SILENT, "usage-separate", 9},
    {THINKING, "usage-none", 9},
    {THINKING, "reasoning-field", 9},
    {SILENT, "reasoning-field", 9},
    {THINKING, "reasoning-field+usage-separate", 9},
    {THINKING, "filtered", 9},
    {SILENT, "filtered", 9},
    {THINKING, "exhausted", 9},
    {SILENT, "aborted", 9},
    {THINKING, "finish=eos", 9},
    {THINKING, "huge=2", 9},
};

static struct plan plan_of(const char *more, const char *spec, unsigned tokens, const char *question)
{
    struct buf body = {0}, error = {0};
    struct plan plan;
    struct call call;
    struct scenario scenario;
    struct refusal r = {0};
    buf_printf(&body,
               "{\"model\":\"deepseek-flash\",\"stream\":true,\"stream_options\":{\"include_usage\":true},"
               "\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}],%s}",
               question, more);
    bool read = call_read(&call, provider_find(TEXT("deepseek")), API_CHAT, false, buf_text(&body), &r);
    ck_assert_msg(read, TEXT_FORMAT, TEXT_ARGS(buf_text(&r.message)));
    ck_assert(scenario_parse_one(text_of(spec), &scenario, &error));
    plan_make(&plan, &call, &scenario,
              &(struct plan_wishes){.seed = 1, .created = 1764660903, .tokens = tokens, .hit = 2});
    buf_free(&body);
    return plan;
}

static void put_stream(struct plan *p, struct buf *out)
{
    for (unsigned i = 0; i < plan_beats(p); i++)
        dialect_chat.beat(p, plan_beat(p, i), out);
}

static void assemble(struct plan *p, struct buf *out)
{
    struct assembly *a = assembly_new(FAMILY_CHAT, 16 << 20);
    struct buf stream = {0};
    struct sse_reader r;
    struct sse_event e;
    put_stream(p, &stream);
    struct text rest = buf_text(&stream);
    sse_reader_init(&r, 0);
    while (sse_next(&r, &rest, &e))
        if (!text_is(e.data, "[DONE]")) ck_assert(assembly_add(a, e.data));
    ck_assert(assembly_write(a, out));
    sse_reader_free(&r);
    buf_free(&stream);
    assembly_free(a);
}

static const char *const questions[] = {"Hello", "Wie geht's?", "\\u4f60\\u597d", "a", "b", "c"};

START_TEST(streams_say_what_plain_answers_say)
{
    for (int i = 0; i < COUNT(questions); i++) {
        struct plan p = plan_of(answers[_i].more, answers[_i].spec, answers[_i].tokens, questions[i]);
        struct buf assembled = {0}, plain = {0};
        assemble(&p, &assembled);
        dialect_chat.whole(&p, &plain);
        ck_assert_msg(same_json(buf_text(&assembled), buf_text(&plain)), "%s %s:\n" TEXT_FORMAT "\n" TEXT_FORMAT,
                      answers[_i].more, answers[_i].spec, TEXT_ARGS(buf_text(&assembled)), TEXT_ARGS(buf_text(&plain)));
        buf_free(&assembled);
        buf_free(&plain);
        plan_free(&p);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, equality_is_by_value, 0, COUNT(pairs));
    tcase_add_loop_test(tests, streams_say_what_plain_answers_say, 0, COUNT(answers));
}

TEST_MAIN_ADDING("assembly_equality", add_tests)
