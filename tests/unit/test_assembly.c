#include "../suite.h"
#include "dsgate/base/mem.h"
#include "dsgate/llm/assembly.h"
#include "dsgate/llm/json.h"

enum { PLENTY = 1 << 20 };

/* ---- what becomes of chunks, one a line ---- */

#define DELTA(members)  "{\"choices\":[{\"index\":0,\"delta\":{" members "}}]}\n"
#define MESSAGE(more)   "{\"choices\":[{\"index\":0,\"message\":{" more "},\"logprobs\":null}]}"
#define TOOL(members)   DELTA("\"tool_calls\":[{\"index\":0," members "}]")
#define TOOLS(list)     MESSAGE("\"tool_calls\":[" list "],\"role\":\"assistant\",\"content\":\"\"")
#define CHOICE(members) "{\"choices\":[{\"index\":0," members "}]}\n"
#define ANSWER(members) \
    "{\"choices\":[{\"index\":0," members ",\"message\":{\"role\":\"assistant\",\"content\":\"\"}}]}"
#define CHUNK(members) "{" members ",\"choices\":[]}\n"
#define ENVELOPE(members) \
    "{" members ",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\"}," \
    "\"logprobs\":null}]}"
#define LAST            "{\"choices\":[{\"index\":0}]}\n"
#define CONTENT(inside) MESSAGE("\"content\":\"" inside "\",\"role\":\"assistant\"")

static const struct {
    const char *what, *chunks, *answer;
} joined[] = {
    {"texts", DELTA("\"content\":\"Hel\"") DELTA("\"content\":\"\"") DELTA("\"content\":\"lo\""), CONTENT("Hello")},
    {"equal pieces of a text", DELTA("\"content\":\"ha\"") DELTA("\"content\":\"ha\""), CONTENT("haha")},
    {"escapes and halves of characters", DELTA("\"content\":\"\\ud83d\"") DELTA("\"content\":\"\\ude00\\n\""),
     CONTENT("\\ud83d\\ude00\\n")},
    {"null before, between and behind",
     DELTA("\"content\":null") DELTA("\"content\":\"a\"") DELTA("\"content\":null") DELTA("\"content\":\"b\"")
         DELTA("\"content\":null"),
     CONTENT("ab")},
    {"all kinds of texts",
     DELTA("\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"") DELTA("\"reasoning_content\":\"x\"")
         DELTA("\"reasoning_content\":\"y\"") DELTA("\"content\":\"a\",\"reasoning_content\":null")
             DELTA("\"refusal\":\"n\"") DELTA("\"refusal\":\"o\"") DELTA("\"later\":\"1\"") DELTA("\"later\":\"2\""),
     MESSAGE(
         "\"role\":\"assistant\",\"content\":\"a\",\"reasoning_content\":\"xy\",\"refusal\":\"no\",\"later\":\"12\"")},
    {"a role that is said again",
     DELTA("\"role\":\"assistant\",\"content\":\"a\"") DELTA("\"role\":\"assistant\",\"content\":\"b\""),
     MESSAGE("\"role\":\"assistant\",\"content\":\"ab\"")},
    {"objects and lists that nobody knows",
     DELTA("\"x\":{\"a\":\"1\",\"n\":1.50,\"l\":[1]}") DELTA("\"x\":{\"a\":\"2\",\"n\":2e0,\"l\":[],\"b\":true}")
         DELTA("\"x\":{\"l\":[\"two\",{\"3\":3}]}"),
     MESSAGE("\"x\":{\"a\":\"12\",\"n\":2e0,\"l\":[1,\"two\",{\"3\":3}],\"b\":true},\"role\":\"assistant\","
             "\"content\":\"\"")},
    {"white space around everything",
     " { \"choices\" : [ { \"index\" : 0 , \"delta\" : { \"content\" : \"a\" } } ] } \n" DELTA("\"content\":\" b\""),
     CONTENT("a b")},
    /* tool calls */
    {"arguments",
     TOOL("\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}")
         TOOL("\"function\":{\"arguments\":\"{\\\"a\\\":\"}") TOOL("\"function\":{\"arguments\":\"1}\"}"),
     TOOLS("{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}"
           "\"}}")},
    {"id, type and name that are said again",
     TOOL("\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{\"}")
         TOOL("\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"}\"}")
             TOOL("\"id\":\"c2\",\"type\":\"\",\"function\":{\"name\":\"\",\"arguments\":\"\"}"),
     TOOLS("{\"index\":0,\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"get\",\"arguments\":\"{}\"}}")},
    {"an id that comes late, and a name in pieces",
     TOOL("\"id\":\"\",\"function\":{\"name\":\"get_\"}") TOOL("\"id\":\"c1\",\"function\":{\"name\":\"weather\"}")
         TOOL("\"function\":{\"name\":\"get_weather\"}"),
     TOOLS("{\"index\":0,\"id\":\"c1\",\"function\":{\"name\":\"get_weather\"}}")},
    {"calls in order of their index",
     DELTA("\"tool_calls\":[{\"index\":2,\"id\":\"c\"},{\"index\":0,\"id\":\"a\"}]")
         DELTA("\"tool_calls\":[{\"index\":1,\"id\":\"b\"},{\"index\":2,\"more\":\"m\"}]"),
     TOOLS("{\"index\":0,\"id\":\"a\"},{\"index\":1,\"id\":\"b\"},{\"index\":2,\"id\":\"c\",\"more\":\"m\"}")},
    {"whole calls without an index", DELTA("\"tool_calls\":[{\"id\":\"a\"}]") DELTA("\"tool_calls\":[{\"id\":\"b\"}]"),
     TOOLS("{\"id\":\"a\"},{\"id\":\"b\"}")},
    {"no calls after all", DELTA("\"tool_calls\":null,\"content\":\"a\""),
     MESSAGE("\"tool_calls\":null,\"content\":\"a\",\"role\":\"assistant\"")},
    /* choices */
    {"choices in order of their index",
     "{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"b\"}}]}\n{\"choices\":[{\"index\":0,\"delta\":{\"content\":"
     "\"a\"}}]}\n{\"choices\":[{\"index\":1,\"delta\":{\"content\":\"B\"}},{\"index\":0,\"delta\":{\"content\":\"A\"}}]"
     "}",
     "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"aA\",\"role\":\"assistant\"},\"logprobs\":null},"
     "{\"index\":1,\"message\":{\"content\":\"bB\",\"role\":\"assistant\"},\"logprobs\":null}]}"},
    {"choices without an index",
     "{\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n"
     "{\"choices\":[{\"delta\":{\"content\":\"b\"}}]}",
     "{\"choices\":[{\"message\":{\"content\":\"ab\",\"role\":\"assistant\"},\"index\":0,\"logprobs\":null}]}"},
    {"choices that only their places tell apart",
     "{\"choices\":[{\"delta\":{\"content\":\"a\"}},{\"delta\":{\"content\":\"b\"}}]}",
     "{\"choices\":[{\"message\":{\"content\":\"a\",\"role\":\"assistant\"},\"index\":0,\"logprobs\":null},"
     "{\"message\":{\"content\":\"b\",\"role\":\"assistant\"},\"index\":1,\"logprobs\":null}]}"},
    {"indexes of any size", "{\"choices\":[{\"index\":4294967296},{\"index\":-9223372036854775808}]}",
     "{\"choices\":[{\"index\":-9223372036854775808,\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":"
     "null},{\"index\":4294967296,\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null}]}"},
    {"logprobs",
     CHOICE("\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.10}],\"refusal\":null}")
         CHOICE("\"logprobs\":null") CHOICE("\"logprobs\":{\"content\":[],\"refusal\":null}")
             CHOICE("\"logprobs\":{\"content\":[{\"token\":\"b\",\"logprob\":-1e-7}]}"),
     ANSWER("\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.10},{\"token\":\"b\",\"logprob\":-1e-7}],"
            "\"refusal\":null}")},
    {"the last finish reason",
     CHOICE("\"logprobs\":null,\"finish_reason\":null,\"stop_reason\":1")
         CHOICE("\"finish_reason\":\"stop\",\"stop_reason\":\"x\"") CHOICE("\"finish_reason\":\"length\"")
             CHOICE("\"finish_reason\":null"),
     ANSWER("\"logprobs\":null,\"finish_reason\":\"length\",\"stop_reason\":\"x\"")},
    /* around the choices */
    {"identity: what was said first",
     CHUNK("\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":"
           "\"f\"") CHUNK("\"id\":\"b\",\"object\":\"chat.completion.chunk\",\"created\":2,\"model\":\"n\",\"system_"
                          "fingerprint\":\"g\"") LAST,
     ENVELOPE(
         "\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":\"f\"")},
    {"identity: a first chunk without any",
     CHUNK("\"id\":\"\",\"object\":\"\",\"created\":0,\"model\":\"\",\"system_fingerprint\":null") CHUNK(
         "\"id\":\"a\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":\"f\"")
         LAST,
     ENVELOPE(
         "\"id\":\"a\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"system_fingerprint\":\"f\"")},
    {"an object that is no chunk", CHUNK("\"object\":\"chat.completion\"") LAST,
     ENVELOPE("\"object\":\"chat.completion\"")},
    {"usage: the last, whole",
     CHUNK("\"usage\":{\"prompt_tokens\":1,\"x\":1}") CHUNK("\"usage\":{\"prompt_tokens\":1e2}") CHUNK("\"usage\":null")
         LAST,
     ENVELOPE("\"usage\":{\"prompt_tokens\":1e2}")},
    {"members that nobody knows: the last, whole",
     CHUNK("\"tier\":\"a\",\"list\":[1],\"never\":null") CHUNK("\"tier\":\"b\",\"list\":[2],\"never\":null") LAST,
     ENVELOPE("\"tier\":\"b\",\"list\":[2],\"never\":null")},
    {"choices that are null", "{\"choices\":null}\n" LAST,
     "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null}]}"},
    /* chunks that look like the one before */
    {"one more token of the same shape",
     DELTA("\"content\":\"a\"") DELTA("\"content\":\"\"") DELTA("\"content\":\"\\\"b\"")
         DELTA("\"content\":\"\\u00e9\"") DELTA("\"content\":\"\u00e9\""),
     CONTENT("a\\\"b\\u00e9\u00e9")},
    {"the same shape again, with another one between",
     CHOICE("\"delta\":{\"content\":\"a\"},\"note\":1") CHOICE("\"delta\":{\"content\":\"\"},\"note\":2")
         CHOICE("\"delta\":{\"content\":\"b\"},\"note\":1"),
     "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"ab\",\"role\":\"assistant\"},\"note\":1,\"logprobs\":null}]"
     "}"},
    {"two texts at once", DELTA("\"content\":\"a\",\"x\":\"1\"") DELTA("\"content\":\"a\",\"x\":\"2\""),
     MESSAGE("\"content\":\"aa\",\"x\":\"12\",\"role\":\"assistant\"")},
    {"a name that is said again, alone", TOOL("\"function\":{\"name\":\"f\"}") TOOL("\"function\":{\"name\":\"f\"}"),
     TOOLS("{\"index\":0,\"function\":{\"name\":\"f\"}}")},
    {"a text and a list that both go on", DELTA("\"content\":\"a\",\"x\":[1]") DELTA("\"content\":\"b\",\"x\":[1]"),
     MESSAGE("\"content\":\"ab\",\"x\":[1,1],\"role\":\"assistant\"")},
    /* nothing to write */
    {"no chunk", "", NULL},
    {"no choice", "{\"id\":\"a\",\"choices\":[]}", NULL},
    {"bytes that are not UTF-8", DELTA("\"content\":\"\xff\""), NULL},
};

static bool add_lines(struct assembly *a, struct text lines)
{
    struct text line;
    while (text_cut(&lines, '\n', &line))
        if (line.n && !assembly_add(a, line)) return false;
    return true;
}

START_TEST(chunks_become_an_answer)
{
    struct assembly *a = assembly_new(FAMILY_CHAT, PLENTY);
    struct buf out = {0};
    BUF_ADD(&out, "before");
    ck_assert_msg(add_lines(a, text_of(joined[_i].chunks)), "%s", joined[_i].what);
    ck_assert_msg(assembly_write(a, &out) == (joined[_i].answer != NULL), "%s", joined[_i].what);
    struct text answer = text_from(buf_text(&out), strlen("before"));
    ck_assert_msg(text_is(answer, joined[_i].answer ? joined[_i].answer : ""), "%s: " TEXT_FORMAT, joined[_i].what,
                  TEXT_ARGS(answer));
    ck_assert(text_starts(buf_text(&out), TEXT("before")));
    buf_free(&out);
    assembly_free(a);
}
END_TEST

START_TEST(an_answer_can_be_written_twice_and_go_on)
{
    struct assembly *a = assembly_new(FAMILY_CHAT, PLENTY);
    struct buf out = {0};
    ck_assert(add_lines(a, TEXT(DELTA("\"content\":\"a\""))));
    ck_assert(assembly_write(a, &out));
    buf_clear(&out);
    ck_assert(add_lines(a, TEXT(DELTA("\"content\":\"b\""))));
    ck_assert(assembly_write(a, &out));
    ck_assert(text_is(buf_text(&out), CONTENT("ab")));
    buf_free(&out);
    assembly_free(a);
}
END_TEST

/* ---- what is refused ---- */

static const char *const refused[] = {
    "[]",
    "[{\"choices\":[]}]",
    "\"text\"",
    "1",
    "null",
    "true",
    "{\"choices\":1}",
    "{\"choices\":{}}",
    "{\"choices\":\"x\"}",
    "{\"choices\":[1]}",
    "{\"choices\":[null]}",
    "{\"choices\":[[]]}",
    CHOICE("\"delta\":\"x\""),
    CHOICE("\"delta\":[]"),
    CHOICE("\"delta\":1"),
    CHOICE("\"message\":{\"content\":\"whole\"}"),
    DELTA("\"content\":\"a\"") DELTA("\"content\":{}"),
    DELTA("\"content\":\"a\"") DELTA("\"content\":[]"),
    DELTA("\"content\":\"a\"") DELTA("\"content\":1"),
    DELTA("\"content\":1") DELTA("\"content\":\"a\""),
    DELTA("\"x\":{}") DELTA("\"x\":\"a\""),
    DELTA("\"x\":[]") DELTA("\"x\":{}"),
    TOOL("\"function\":{}") TOOL("\"function\":\"f\""),
    DELTA("\"tool_calls\":[]") DELTA("\"tool_calls\":{}"),
    CHOICE("\"logprobs\":{}") CHOICE("\"logprobs\":[]"),
    DELTA("\"cont\\u0065nt\":\"a\""),
};

START_TEST(what_is_no_chunk_or_contradicts_is_refused)
{
    struct assembly *a = assembly_new(FAMILY_CHAT, PLENTY);
    struct buf out = {0};
    ck_assert_msg(!add_lines(a, text_of(refused[_i])), "%s", refused[_i]);
    ck_assert(!assembly_add(a, TEXT("{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}")));
    ck_assert(!assembly_write(a, &out));
    ck_assert_uint_eq(buf_len(&out), 0);
    buf_free(&out);
    assembly_free(a);
}
END_TEST

/* ---- limits ---- */

/* Elements that differ by a number. */
struct series {
    const char *before, *element, *end, *behind;
};

static bool takes(struct series s, unsigned count)
{
    struct assembly *a = assembly_new(FAMILY_CHAT, PLENTY);
    struct buf chunk = {0};
    buf_add(&chunk, text_of(s.before));
    for (unsigned i = 0; i < count; i++)
        buf_printf(&chunk, "%s%s%u%s", i ? "," : "", s.element, i, s.end);
    buf_add(&chunk, text_of(s.behind));
    ck_assert_int_eq(json_scan(buf_text(&chunk), NULL, 0, NULL, JSON_DEPTH).error, JSON_FINE);
    bool taken = assembly_add(a, buf_text(&chunk));
    buf_free(&chunk);
    assembly_free(a);
    return taken;
}

START_TEST(indexes_and_members_are_bounded)
{
    struct series choices = {"{\"choices\":[", "{\"index\":", "}", "]}"};
    struct series members = {"{\"choices\":[{\"delta\":{", "\"m", "\":1", "}}]}"};
    struct series tokens = {"{\"choices\":[{\"logprobs\":{\"content\":[", "{\"token\":\"", "\"}", "]}}]}"};
    ck_assert(takes(choices, 256));
    ck_assert(!takes(choices, 257));
    ck_assert(takes(members, 256));
    ck_assert(!takes(members, 257));
    ck_assert(takes(tokens, 5000));
}
END_TEST

/* Room for all but a little of the text. */
START_TEST(texts_grow_up_to_the_limit)
{
    enum { PIECE = 1000, LIMIT = 200000 };
    struct assembly *a = assembly_new(FAMILY_CHAT, LIMIT);
    struct buf chunk = {0}, out = {0};
    size_t taken = 0;
    BUF_ADD(&chunk, "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"");
    memset(buf_reserve(&chunk, PIECE), 'x', PIECE);
    buf_commit(&chunk, PIECE);
    BUF_ADD(&chunk, "\"}}]}");
    while (assembly_add(a, buf_text(&chunk)))
        taken += PIECE;
    ck_assert_uint_gt(taken, LIMIT - 2 * PIECE);
    ck_assert_uint_lt(taken, LIMIT);
    ck_assert(!assembly_write(a, &out));
    buf_free(&chunk);
    buf_free(&out);
    assembly_free(a);
}
END_TEST

static bool fits(struct text chunks, size_t limit)
{
    struct assembly *a = assembly_new(FAMILY_CHAT, limit);
    struct buf out = {0};
    bool written = add_lines(a, chunks) && assembly_write(a, &out);
    ck_assert_uint_le(buf_len(&out), limit);
    buf_free(&out);
    assembly_free(a);
    return written;
}

/* Each place that takes memory is once the one that finds none left. */
START_TEST(every_limit_is_kept)
{
    struct text chunks = TEXT(CHUNK("\"id\":\"a\",\"object\":\"chat.completion.chunk\"")
                                  TOOL("\"id\":\"c1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}")
                                      TOOL("\"function\":{\"arguments\":\"}\"},\"list\":[1,2]"));
    ck_assert(!fits(chunks, 1000));
    for (size_t limit = 0; limit < 4096; limit++)
        fits(chunks, limit);
    ck_assert(fits(chunks, 4096));
}
END_TEST

START_TEST(huge_strings_and_keys_are_refused_by_the_limit)
{
    enum { HUGE_TEXT = 10 << 20 };
    static const char *const around[][2] = {
        {"{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", "\"}}]}"},
        {"{\"choices\":[{\"index\":0,\"delta\":{\"", "\":1}}]}"},
        {"{\"", "\":1}"},
        {"{\"id\":\"", "\"}"},
    };
    for (int i = 0; i < COUNT(around); i++) {
        struct buf chunk = {0};
        buf_add(&chunk, text_of(around[i][0]));
        memset(buf_reserve(&chunk, HUGE_TEXT), 'x', HUGE_TEXT);
        buf_commit(&chunk, HUGE_TEXT);
        buf_add(&chunk, text_of(around[i][1]));
        struct assembly *small = assembly_new(FAMILY_CHAT, PLENTY);
        struct assembly *large = assembly_new(FAMILY_CHAT, 2 * (size_t)HUGE_TEXT);
        ck_assert(!assembly_add(small, buf_text(&chunk)));
        ck_assert(assembly_add(large, buf_text(&chunk)));
        assembly_free(small);
        assembly_free(large);
        buf_free(&chunk);
    }
}
END_TEST

/* As deep as json_scan() lets a chunk be. */
START_TEST(deep_objects_are_kept)
{
    enum { AROUND = 4 /* chunk, choices, choice, delta */ };
    struct buf chunk = {0}, out = {0};
    struct assembly *a = assembly_new(FAMILY_CHAT, PLENTY);
    BUF_ADD(&chunk, "{\"choices\":[{\"index\":0,\"delta\":{\"x\":");
    for (int i = AROUND; i < JSON_DEPTH; i++)
        BUF_ADD(&chunk, "{\"x\":");
    BUF_ADD(&chunk, "\"a\"");
    for (int i = AROUND; i < JSON_DEPTH; i++)
        BUF_ADD(&chunk, "}");
    BUF_ADD(&chunk, "}}]}");
    ck_assert_int_eq(json_scan(buf_text(&chunk), NULL, 0, NULL, JSON_DEPTH).error, JSON_FINE);
    ck_assert(assembly_add(a, buf_text(&chunk)) && assembly_add(a, buf_text(&chunk)));
    ck_assert(assembly_write(a, &out));
    ck_assert_uint_lt(text_find(buf_text(&out), TEXT("{\"x\":\"aa\"}")), buf_len(&out));
    buf_free(&chunk);
    buf_free(&out);
    assembly_free(a);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, chunks_become_an_answer, 0, COUNT(joined));
    tcase_add_test(tests, an_answer_can_be_written_twice_and_go_on);
    tcase_add_loop_test(tests, what_is_no_chunk_or_contradicts_is_refused, 0, COUNT(refused));
    tcase_add_test(tests, indexes_and_members_are_bounded);
    tcase_add_test(tests, texts_grow_up_to_the_limit);
    tcase_add_test(tests, every_limit_is_kept);
    tcase_add_test(tests, huge_strings_and_keys_are_refused_by_the_limit);
    tcase_add_test(tests, deep_objects_are_kept);
}

TEST_MAIN_ADDING("assembly", add_tests)
