/* What is kept of a stream: tables of chunks, each noted as the gateway does it: what does not repeat is read. */
#include "../suite.h"
#include "dsgate/llm/json.h"
#include "dsgate/llm/transcript.h"
#include <stdio.h>

#define HEAD \
    "{\"id\":\"945b\",\"object\":\"chat.completion.chunk\",\"created\":1764660903,\"model\":\"deepseek-v4-pro\"," \
    "\"system_fingerprint\":\"fp_1\",\"choices\":["
#define CHOICE(delta)      "{\"index\":0,\"delta\":{" delta "},\"logprobs\":null,\"finish_reason\":null}"
#define CHUNK(delta)       HEAD CHOICE(delta) "]}"
#define CHUNK0(delta)      HEAD CHOICE(delta) "],\"usage\":null}"
#define LAST(delta, usage) HEAD "{\"index\":0,\"delta\":{" delta "},\"finish_reason\":\"stop\"}]" usage "}"
#define ROLE               CHUNK("\"role\":\"assistant\",\"content\":\"\"")
#define ROLE_THINKING      CHUNK("\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"")
#define THINK(text)        CHUNK("\"content\":null,\"reasoning_content\":\"" text "\"")
#define SAY(text)          CHUNK("\"content\":\"" text "\",\"reasoning_content\":null")
#define HI                 CHUNK("\"content\":\"Hi\"")
#define HO                 CHUNK("\"content\":\" ho\"")
#define FIM(text)          "{\"id\":\"1\",\"choices\":[{\"text\":\"" text "\",\"index\":0,\"finish_reason\":null}]}"
#define USAGE              ",\"usage\":{\"prompt_tokens\":1}"

enum { LIMIT = 64 };

/* "open 2/1 content|reasoning", with the tokens of either; "nothing …" where there is nothing to go on from. */
static const char *summary(const struct transcript *t)
{
    static char line[256];
    struct text content = buf_text(&t->texts[TRANSCRIPT_CONTENT]),
                reasoning = buf_text(&t->texts[TRANSCRIPT_REASONING]);
    if (t->closed) {
        ck_assert(!transcript_is_open(t) && !content.p && !reasoning.p && !t->identity.data);
        return "closed";
    }
    snprintf(line, sizeof line, "%s %llu/%llu " TEXT_FORMAT "|" TEXT_FORMAT, transcript_is_open(t) ? "open" : "nothing",
             (unsigned long long)t->tokens[TRANSCRIPT_CONTENT], (unsigned long long)t->tokens[TRANSCRIPT_REASONING],
             TEXT_ARGS(content), TEXT_ARGS(reasoning));
    return line;
}

/* Chunks lie alone in memory and are gone afterwards. */
static bool give(struct transcript *t, const char *chunk)
{
    size_t n = strlen(chunk);
    char *alone = malloc(n);
    memcpy(alone, chunk, n);
    struct text data = text_make(alone, n);
    ck_assert_msg(json_scan(data, NULL, 0, NULL, JSON_DEPTH).error == JSON_FINE, "no JSON: %.200s", chunk);
    bool repeats = transcript_repeats(t, data);
    if (!repeats) transcript_note(t, data);
    free(alone);
    return repeats;
}

static const struct sample {
    const char *name;
    enum endpoint_family family;
    const char *chunks[8];
    const char *repeats; /* a letter a chunk: R = it repeats */
    const char *kept;
} samples[] = {
    {"nothing", FAMILY_CHAT, {NULL}, "", "nothing 0/0 |"},
    {"role only", FAMILY_CHAT, {ROLE, ROLE}, "--", "nothing 0/0 |"},
    {"tokens", FAMILY_CHAT, {ROLE, HI, HO, HI}, "--RR", "open 3/0 Hi hoHi|"},
    {"an empty token is none", FAMILY_CHAT, {HI, CHUNK("\"content\":\"\""), HO}, "--R", "open 2/0 Hi ho|"},
    {"thinking, then text",
     FAMILY_CHAT,
     {ROLE_THINKING, THINK("a"), THINK("b"), SAY("c"), SAY("d")},
     "--R-R",
     "open 2/2 cd|ab"},
    {"vllm",
     FAMILY_CHAT,
     {ROLE, CHUNK("\"reasoning\":\"a\""), CHUNK("\"reasoning\":\"b\""), HI},
     "--R-",
     "open 1/2 Hi|ab"},
    {"vllm, both names",
     FAMILY_CHAT,
     {CHUNK("\"reasoning\":\"a\",\"reasoning_content\":\"a\""),
      CHUNK("\"reasoning\":\"b\",\"reasoning_content\":\"b\"")},
     "--",
     "open 0/2 |ab"},
    {"both texts in one chunk",
     FAMILY_CHAT,
     {CHUNK("\"content\":\"a\",\"reasoning_content\":\"b\""), CHUNK("\"content\":\"c\",\"reasoning_content\":\"b\""),
      CHUNK("\"content\":\"c\",\"reasoning_content\":\"d\"")},
     "---",
     "open 3/3 acc|bbd"},
    {"an index of null",
     FAMILY_CHAT,
     {"{\"choices\":[{\"index\":null,\"delta\":{\"content\":\"a\"}}]}"},
     "-",
     "open 1/0 a|"},
    {"role with each token",
     FAMILY_CHAT,
     {CHUNK("\"role\":\"assistant\",\"content\":\"a\""), CHUNK("\"role\":\"assistant\",\"content\":\"b\"")},
     "-R",
     "open 2/0 ab|"},
    {"the end",
     FAMILY_CHAT,
     {HI, LAST("\"content\":\" ho\"", ""), LAST("\"content\":\"x\"", "")},
     "---",
     "open 3/0 Hi hox|"},
    {"the end with usage", FAMILY_CHAT, {HI, LAST("", USAGE), HEAD "]" USAGE "}"}, "---", "open 1/0 Hi|"},
    {"usage with each token",
     FAMILY_CHAT,
     {HEAD CHOICE("\"content\":\"a\"") "]" USAGE "}", HEAD CHOICE("\"content\":\"b\"") "]" USAGE "}"},
     "--",
     "open 2/0 ab|"},
    {"usage null",
     FAMILY_CHAT,
     {CHUNK0("\"content\":\"a\""), CHUNK0("\"content\":\"b\""), HEAD "],\"usage\":null}"},
     "-R-",
     "open 2/0 ab|"},
    {"empty finish_reason",
     FAMILY_CHAT,
     {"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":\"\"}]}",
      "{\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"\"}]}"},
     "-R",
     "open 2/0 ab|"},
    {"escapes stay, halves meet",
     FAMILY_CHAT,
     {CHUNK("\"content\":\"\\n\\ud83d\""), CHUNK("\"content\":\"\\ude00\\\"\"")},
     "-R",
     "open 2/0 \\n\\ud83d\\ude00\\\"|"},
    {"half a character can't be gone on from",
     FAMILY_CHAT,
     {CHUNK("\"content\":\"a\\uD83D\"")},
     "-",
     "nothing 1/0 a\\uD83D|"},
    {"nor half a thought", FAMILY_CHAT, {THINK("\\\\\\udbff"), SAY("a")}, "--", "nothing 1/1 a|\\\\\\udbff"},
    {"letters that look like a half", FAMILY_CHAT, {CHUNK("\"content\":\"\\\\ud83d\"")}, "-", "open 1/0 \\\\ud83d|"},
    {"a second half", FAMILY_CHAT, {CHUNK("\"content\":\"\\udc00\"")}, "-", "open 1/0 \\udc00|"},
    {"another escape", FAMILY_CHAT, {CHUNK("\"content\":\"\\u4e16\"")}, "-", "open 1/0 \\u4e16|"},
    {"white space and escaped keys",
     FAMILY_CHAT,
     {" { \"choices\" : [ { \"d\\u0065lta\" : { \"c\\u006fntent\" : \"a\" } } ] } ",
      " { \"choices\" : [ { \"d\\u0065lta\" : { \"c\\u006fntent\" : \"b\" } } ] } "},
     "-R",
     "open 2/0 ab|"},
    {"other members of chunk and choice",
     FAMILY_CHAT,
     {"{\"provider\":\"X\",\"choices\":[{\"delta\":{\"content\":\"a\"},\"content_filter_results\":{\"hate\":1}}]}",
      "{\"provider\":\"X\",\"choices\":[{\"delta\":{\"content\":\"b\"},\"content_filter_results\":{\"hate\":1}}]}"},
     "-R",
     "open 2/0 ab|"},
    {"empty members of the delta",
     FAMILY_CHAT,
     {CHUNK("\"content\":\"a\",\"tool_calls\":[],\"function_call\":null,\"audio\":{},\"refusal\":\"\",\"x\":false")},
     "-",
     "open 1/0 a|"},
    {"an error event says nothing",
     FAMILY_CHAT,
     {HI, "{\"error\":{\"message\":\"x\"}}", "\"x\"", "[]", "{}", "null"},
     "------",
     "open 1/0 Hi|"},
    {"a text beside an error is no stencil",
     FAMILY_CHAT,
     {"{\"error\":\"x\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
      "{\"error\":\"x\",\"choices\":[{\"delta\":{\"content\":\"b\"}}]}",
      "{\"object\":\"error\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
      "{\"object\":\"error\",\"choices\":[{\"delta\":{\"content\":\"b\"}}]}",
      "{\"type\":\"error\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
      "{\"type\":\"error\",\"choices\":[{\"delta\":{\"content\":\"b\"}}]}"},
     "------",
     "open 6/0 ababab|"},
    {"changing ids",
     FAMILY_CHAT,
     {"{\"id\":\"1\",\"choices\":[{\"delta\":{\"content\":\"a\"}}]}",
      "{\"id\":\"2\",\"choices\":[{\"delta\":{\"content\":\"b\"}}]}"},
     "--",
     "open 2/0 ab|"},
    {"legacy", FAMILY_COMPLETION, {FIM(""), FIM("a"), FIM("b")}, "--R", "open 2/0 ab|"},
    {"no text, no choice, no delta",
     FAMILY_CHAT,
     {"{\"choices\":null}", "{\"choices\":[null]}", "{\"choices\":[{}]}", "{\"choices\":[{\"delta\":null}]}"},
     "----",
     "nothing 0/0 |"},

    /* what closes; tokens that repeat are recognised all the same */
    {"tool call",
     FAMILY_CHAT,
     {HI, CHUNK("\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]"),
      CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"{\"}}]"),
      CHUNK("\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"}\"}}]"), HO, HI},
     "---R-R",
     "closed"},
    {"two tool calls in one chunk",
     FAMILY_CHAT,
     {CHUNK("\"tool_calls\":[{\"function\":{\"arguments\":\"a\"}},{\"function\":{\"arguments\":\"b\"}}]"),
      CHUNK("\"tool_calls\":[{\"function\":{\"arguments\":\"c\"}},{\"function\":{\"arguments\":\"b\"}}]")},
     "--",
     "closed"},
    {"a text beside a tool call",
     FAMILY_CHAT,
     {CHUNK("\"content\":\"a\",\"tool_calls\":[{\"function\":{\"arguments\":\"a\"}}]"),
      CHUNK("\"content\":\"b\",\"tool_calls\":[{\"function\":{\"arguments\":\"a\"}}]")},
     "--",
     "closed"},
    {"function call", FAMILY_CHAT, {HI, CHUNK("\"function_call\":{\"name\":\"f\"}"), HO}, "--R", "closed"},
    {"audio", FAMILY_CHAT, {CHUNK("\"audio\":{\"id\":\"a\"}")}, "-", "closed"},
    {"refusal", FAMILY_CHAT, {CHUNK("\"refusal\":\"No\"")}, "-", "closed"},
    {"member nobody knows", FAMILY_CHAT, {CHUNK("\"content\":\"a\",\"thought\":\"x\"")}, "-", "closed"},
    {"… a number", FAMILY_CHAT, {CHUNK("\"content\":\"a\",\"thought\":0")}, "-", "closed"},
    {"another choice",
     FAMILY_CHAT,
     {HI, "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"a\"}}]}", HO},
     "--R",
     "closed"},
    {"two choices",
     FAMILY_CHAT,
     {HEAD CHOICE("\"content\":\"a\"") "," CHOICE("\"content\":\"b\"") "]}"},
     "-",
     "closed"},
    {"logprobs",
     FAMILY_CHAT,
     {"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[]}}]}"},
     "-",
     "closed"},
    {"content in parts", FAMILY_CHAT, {CHUNK("\"content\":[{\"type\":\"text\",\"text\":\"a\"}]")}, "-", "closed"},
    {"content is a number", FAMILY_CHAT, {CHUNK("\"content\":1")}, "-", "closed"},
    {"two different thoughts", FAMILY_CHAT, {CHUNK("\"reasoning\":\"a\",\"reasoning_content\":\"b\"")}, "-", "closed"},
    {"content twice", FAMILY_CHAT, {CHUNK("\"content\":\"a\",\"content\":\"a\"")}, "-", "closed"},
    {"delta twice", FAMILY_CHAT, {"{\"choices\":[{\"delta\":{\"content\":\"a\"},\"d\\u0065lta\":{}}]}"}, "-", "closed"},
    {"choices twice", FAMILY_CHAT, {"{\"choices\":[],\"choices\":[{\"delta\":{\"content\":\"a\"}}]}"}, "-", "closed"},
    {"id twice", FAMILY_CHAT, {"{\"id\":\"1\",\"id\":\"2\"}"}, "-", "closed"},
    {"choices are an object", FAMILY_CHAT, {"{\"choices\":{\"0\":1}}"}, "-", "closed"},
    {"a choice is a string", FAMILY_CHAT, {"{\"choices\":[\"a\"]}"}, "-", "closed"},
    {"delta is a string", FAMILY_CHAT, {"{\"choices\":[{\"delta\":\"a\"}]}"}, "-", "closed"},
    {"delta is an array", FAMILY_CHAT, {"{\"choices\":[{\"delta\":[\"a\"]}]}"}, "-", "closed"},
    {"chat with a legacy text", FAMILY_CHAT, {FIM("a")}, "-", "closed"},
    {"chat with a message", FAMILY_CHAT, {"{\"choices\":[{\"message\":{\"content\":\"a\"}}]}"}, "-", "closed"},
    {"legacy with a delta", FAMILY_COMPLETION, {HI}, "-", "closed"},
    {"responses", FAMILY_RESPONSES, {HI, HI}, "--", "closed"},
    {"opaque", FAMILY_OPAQUE, {HI, HI}, "--", "closed"},
};

START_TEST(notes)
{
    const struct sample *s = &samples[_i];
    struct transcript t;
    char repeats[sizeof s->chunks / sizeof *s->chunks + 1] = "";
    transcript_begin(&t, s->family, LIMIT);
    for (size_t i = 0; i < sizeof repeats - 1 && s->chunks[i]; i++)
        repeats[i] = give(&t, s->chunks[i]) ? 'R' : '-';
    ck_assert_msg(!strcmp(repeats, s->repeats), "%s: repeats %s", s->name, repeats);
    ck_assert_msg(!strcmp(summary(&t), s->kept), "%s: %s", s->name, summary(&t));
    transcript_free(&t);
}
END_TEST

/* ---- the limit ---- */

START_TEST(texts_are_bounded)
{
    struct transcript t;
    transcript_begin(&t, FAMILY_CHAT, 5);
    give(&t, THINK("ab"));
    give(&t, SAY("c"));
    give(&t, SAY("de"));
    ck_assert_str_eq(summary(&t), "open 2/1 cde|ab");
    ck_assert(give(&t, SAY("f")));
    ck_assert_str_eq(summary(&t), "closed");
    ck_assert(give(&t, SAY("g")));
    transcript_free(&t);
}
END_TEST

START_TEST(a_read_text_is_bounded_too)
{
    struct transcript t;
    transcript_begin(&t, FAMILY_CHAT, 2);
    give(&t, SAY("abc"));
    ck_assert_str_eq(summary(&t), "closed");
    transcript_free(&t);
}
END_TEST

/* ---- marks and names ---- */

#define MARKED(marks) "{" marks "\"choices\":[{\"delta\":{\"content\":\"a\"}}]}"

static const struct {
    const char *chunks[4];
    const char *marks[TRANSCRIPT_MARKS]; /* NULL: never given */
} marks[] = {
    {{HI}, {"\"945b\"", "1764660903", "\"deepseek-v4-pro\"", "\"fp_1\""}},
    {{MARKED("")}, {NULL}},
    {{MARKED("\"id\":\"1\","), MARKED("\"id\":\"2\",\"created\":3,")}, {"\"1\"", "3"}},
    {{MARKED("\"id\":\"a\\\"\","), MARKED("\"mod\\u0065l\":\"m\",")}, {"\"a\\\"\"", NULL, "\"m\""}},
    {{MARKED("\"system_fingerprint\":null,")}, {NULL, NULL, NULL, "null"}},
    {{MARKED("\"system_fingerprint\":null,"), MARKED("\"system_fingerprint\":\"f\","),
      MARKED("\"system_fingerprint\":\"g\",")},
     {NULL, NULL, NULL, "\"f\""}},
    {{"{\"choices\":[],\"id\":\"\",\"model\":\"\",\"created\":0}", HI}, /* Azure */
     {"\"945b\"", "1764660903", "\"deepseek-v4-pro\"", "\"fp_1\""}},
    {{HI, MARKED("\"id\":\"\",\"model\":null,")}, {"\"945b\"", "1764660903", "\"deepseek-v4-pro\"", "\"fp_1\""}},
    {{MARKED("\"id\":{\"a\":[1]},\"created\":\"now\",")}, {"{\"a\":[1]}", "\"now\""}},
};

static void expect_marks(const struct transcript *t, const char *const *wanted)
{
    for (int mark = 0; mark < TRANSCRIPT_MARKS; mark++)
        ck_assert_msg(text_eq(t->marks[mark], text_of(wanted[mark])), "mark %d: " TEXT_FORMAT, mark,
                      TEXT_ARGS(t->marks[mark]));
}

START_TEST(the_first_marks_are_kept)
{
    struct transcript t;
    transcript_begin(&t, FAMILY_CHAT, LIMIT);
    for (int i = 0; i < 4 && marks[_i].chunks[i]; i++)
        give(&t, marks[_i].chunks[i]);
    expect_marks(&t, marks[_i].marks);
    transcript_free(&t);
}
END_TEST

START_TEST(marks_are_bounded)
{
    for (int longer = 0; longer < 2; longer++) {
        struct transcript t;
        char chunk[1200];
        snprintf(chunk, sizeof chunk, "{\"id\":\"%0*d\"}", 1022 + longer, 7);
        transcript_begin(&t, FAMILY_CHAT, LIMIT);
        give(&t, chunk);
        ck_assert_int_eq(t.closed, longer);
        transcript_free(&t);
    }
}
END_TEST

static const struct {
    const char *chunks[3];
    enum reasoning_name name;
} names[] = {
    {{HI}, REASONING_UNSEEN},
    {{ROLE_THINKING}, REASONING_CONTENT},
    {{CHUNK("\"reasoning\":null,\"content\":\"a\"")}, REASONING_SHORT},
    {{THINK("a"), CHUNK("\"reasoning\":\"b\"")}, REASONING_CONTENT},
    {{CHUNK("\"reasoning\":null"), THINK("a")}, REASONING_CONTENT},
    {{CHUNK("\"reasoning_content\":null,\"reasoning\":\"a\"")}, REASONING_SHORT},
    {{CHUNK("\"reasoning\":\"a\",\"reasoning_content\":null")}, REASONING_SHORT},
    {{CHUNK("\"reasoning\":\"a\",\"reasoning_content\":\"a\"")}, REASONING_SHORT},
    {{CHUNK("\"reasoning_content\":\"a\",\"reasoning\":\"a\"")}, REASONING_CONTENT},
};

START_TEST(the_reasonings_name_is_kept)
{
    struct transcript t;
    transcript_begin(&t, FAMILY_CHAT, LIMIT);
    for (int i = 0; i < 3 && names[_i].chunks[i]; i++)
        give(&t, names[_i].chunks[i]);
    ck_assert_int_eq(t.reasoning_name, names[_i].name);
    transcript_free(&t);
}
END_TEST

/* ---- one after the other ---- */

static void begin_with(struct transcript *t, const char *const *chunks)
{
    transcript_begin(t, FAMILY_CHAT, LIMIT);
    for (; *chunks; chunks++)
        give(t, *chunks);
}

#define FIFTY "01234567890123456789012345678901234567890123456789"
#define CALL  CHUNK("\"tool_calls\":[{\"index\":0}]")

static const struct {
    const char *first[4], *second[4];
    const char *kept;
    const char *marks[TRANSCRIPT_MARKS];
    enum reasoning_name name;
} appended[] = {
    {{THINK("a"), THINK("b"), SAY("c")},
     {MARKED("\"id\":\"2\",")},
     "open 2/2 ca|ab",
     {"\"945b\"", "1764660903", "\"deepseek-v4-pro\"", "\"fp_1\""},
     REASONING_CONTENT},
    {{MARKED("\"id\":\"1\",\"model\":null,")},
     {MARKED("\"id\":\"2\",\"model\":\"m\",\"created\":4,")},
     "open 2/0 aa|",
     {"\"1\"", "4", "null"},
     REASONING_UNSEEN},
    {{NULL},
     {HI, CHUNK("\"reasoning\":\"b\"")},
     "open 1/1 Hi|b",
     {"\"945b\"", "1764660903", "\"deepseek-v4-pro\"", "\"fp_1\""},
     REASONING_SHORT},
    {{MARKED("")}, {NULL}, "open 1/0 a|", {NULL}, REASONING_UNSEEN},
    {{SAY(FIFTY)},
     {SAY("0123456789abcd")},
     "open 2/0 " FIFTY "0123456789abcd|",
     {"\"945b\"", "1764660903", "\"deepseek-v4-pro\"", "\"fp_1\""},
     REASONING_CONTENT},
    {{SAY(FIFTY)}, {SAY("0123456789abcde")}, "closed", {NULL}, REASONING_CONTENT},
    {{CALL}, {HI}, "closed", {NULL}, REASONING_UNSEEN},
    {{HI}, {CALL}, "closed", {NULL}, REASONING_UNSEEN},
};

START_TEST(appends)
{
    struct transcript first, second;
    begin_with(&first, appended[_i].first);
    begin_with(&second, appended[_i].second);
    transcript_append(&first, &second);
    transcript_free(&second);
    ck_assert_str_eq(summary(&first), appended[_i].kept);
    expect_marks(&first, appended[_i].marks);
    ck_assert_int_eq(first.reasoning_name, appended[_i].name);
    transcript_free(&first);
}
END_TEST

/* ---- hostile chunks ---- */

static const struct {
    const char *head, *tail; /* each so many times */
    int times;
    const char *core;
    int core_times;
    const char *kept;
} hostile[] = {
    {"[", "]", JSON_DEPTH, "", 0, "nothing 0/0 |"},
    {"{\"choices\":", "}", JSON_DEPTH, "7", 1, "closed"},
    {"{\"choices\":[{\"delta\":", "}]}", 40, "{}", 1, "closed"},
    {"{\"usage\":", "}", JSON_DEPTH, "null", 1, "nothing 0/0 |"},
    {"\"", "\"", 1, "\\\"", 5000000, "nothing 0/0 |"},
    {"{\"choices\":[{\"delta\":{\"content\":\"", "\"}}]}", 1, "\\\\", 5000000, "closed"},
    {"{\"", "\":1}", 1, "\\u0069", 2000000, "nothing 0/0 |"},
    {"[1", "]", 1, ",1", 5000000, "nothing 0/0 |"},
    {"{\"id\":1", "}", 1, ",\"id\":1", 1000000, "closed"},
};

static void add_times(struct buf *out, const char *piece, int times)
{
    struct text t = text_of(piece);
    for (int i = 0; i < times; i++)
        buf_add(out, t);
}

START_TEST(deep_and_long_chunks_are_harmless)
{
    struct transcript t;
    struct buf json = {0};
    add_times(&json, hostile[_i].head, hostile[_i].times);
    add_times(&json, hostile[_i].core, hostile[_i].core_times);
    add_times(&json, hostile[_i].tail, hostile[_i].times);
    buf_add_byte(&json, '\0');
    transcript_begin(&t, FAMILY_CHAT, LIMIT);
    give(&t, json.data);
    ck_assert_str_eq(summary(&t), hostile[_i].kept);
    transcript_free(&t);
    buf_free(&json);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, notes, 0, COUNT(samples));
    tcase_add_test(tests, texts_are_bounded);
    tcase_add_test(tests, a_read_text_is_bounded_too);
    tcase_add_loop_test(tests, the_first_marks_are_kept, 0, COUNT(marks));
    tcase_add_test(tests, marks_are_bounded);
    tcase_add_loop_test(tests, the_reasonings_name_is_kept, 0, COUNT(names));
    tcase_add_loop_test(tests, appends, 0, COUNT(appended));
    tcase_add_loop_test(tests, deep_and_long_chunks_are_harmless, 0, COUNT(hostile));
}

TEST_MAIN_ADDING("transcript", add_tests)
