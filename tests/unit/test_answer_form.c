#include "../suite.h"
#include "answer_samples.h"
#include "dsgate/llm/answer_form.h"
#include "json_same.h"

/* ---- answers as vendors give them, and what a way there and back adds ---- */

#define CHAT(choices) \
    "{\"id\":\"c1\",\"object\":\"chat.completion\",\"created\":1764660903,\"model\":\"m\",\"choices\":[" choices "]," \
    "\"usage\":{\"prompt_tokens\":18,\"completion_tokens\":3,\"total_tokens\":21,\"prompt_tokens_details\":{" \
    "\"cached_tokens\":16}},\"system_fingerprint\":\"fp\"}"
#define CHOICE(index, message, finish) \
    "{\"index\":" index ",\"message\":" message ",\"logprobs\":null,\"finish_reason\":\"" finish "\"}"
#define MESSAGE(content) \
    "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[" content "]," \
    "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":12,\"cache_creation\":{" \
    "\"ephemeral_5m_input_tokens\":0},\"cache_read_input_tokens\":20,\"output_tokens\":6,\"service_tier\":" \
    "\"standard\"}}"
#define RESPONSE(output) \
    "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1764660903,\"status\":\"completed\",\"error\":null," \
    "\"incomplete_details\":null,\"model\":\"m\",\"output\":[" output "],\"usage\":{\"input_tokens\":3," \
    "\"output_tokens\":2,\"total_tokens\":5},\"temperature\":1.0,\"metadata\":{}}"

static const struct {
    const char *what;
    enum endpoint_family family;
    const char *plain, *back; /* NULL: the same */
} answers[] = {
    {"a text", FAMILY_CHAT,
     CHAT(CHOICE("0", "{\"role\":\"assistant\",\"content\":\"Hi \\\"you\\\"\\n\\ud83d\\ude00\"}", "stop")), NULL},
    {"nulls and empty lists", FAMILY_CHAT,
     CHAT(CHOICE("0",
                 "{\"role\":\"assistant\",\"content\":\"Hi\",\"refusal\":null,\"annotations\":[],\"audio\":null,"
                 "\"tool_calls\":[],\"function_call\":null,\"reasoning_content\":\"\"}",
                 "stop")),
     NULL},
    {"a refusal", FAMILY_CHAT,
     CHAT(CHOICE("0", "{\"role\":\"assistant\",\"content\":null,\"refusal\":\"No.\"}", "stop")), NULL},
    {"reasoning by both names", FAMILY_CHAT,
     CHAT(CHOICE("0", "{\"role\":\"assistant\",\"content\":\"a\",\"reasoning\":\"r\",\"reasoning_content\":\"r\"}",
                 "stop")),
     NULL},
    {"calls with an index", FAMILY_CHAT,
     CHAT(CHOICE("0",
                 "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"type\":"
                 "\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"x\\\":1.50}\"}},{\"index\":3,\"id\":"
                 "\"b\",\"type\":\"custom\",\"custom\":{\"name\":\"g\",\"input\":\"i\"}}]}",
                 "tool_calls")),
     NULL},
    {"calls without an index, and no content", FAMILY_CHAT,
     CHAT(CHOICE("0", "{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\"},{\"id\":\"b\",\"index\":null}]}",
                 "tool_calls")),
     CHAT(CHOICE("0",
                 "{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{\"index\":0,\"id\":\"a\"},{\"index\":1,"
                 "\"id\":\"b\"}]}",
                 "tool_calls"))},
    {"calls beside a content of null", FAMILY_CHAT,
     CHAT(CHOICE("0", "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[{\"index\":0,\"id\":\"a\"}]}",
                 "tool_calls")),
     NULL},
    {"an old function call", FAMILY_CHAT,
     CHAT(CHOICE("0",
                 "{\"role\":\"assistant\",\"content\":null,\"function_call\":{\"name\":\"f\",\"arguments\":\"{}\"}}",
                 "function_call")),
     NULL},
    {"several choices", FAMILY_CHAT,
     CHAT(CHOICE("0", "{\"role\":\"assistant\",\"content\":\"a\"}", "stop") "," CHOICE(
         "1", "{\"role\":\"assistant\",\"content\":\"b\"}", "length") "," CHOICE("7",
                                                                                 "{\"role\":\"assistant\",\"content\":"
                                                                                 "\"\"}",
                                                                                 "stop")),
     NULL},
    {"logprobs", FAMILY_CHAT,
     CHAT("{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"logprobs\":{\"content\":[{\"token\":"
          "\"a\",\"logprob\":-1.0e-5,\"bytes\":[97],\"top_logprobs\":[{\"index\":0},{\"index\":0}]}],\"refusal\":null},"
          "\"finish_reason\":\"stop\"}"),
     NULL},
    {"logprobs without a text", FAMILY_CHAT,
     CHAT("{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":{\"content\":[{\"index\":0},"
          "{\"index\":0}]},\"finish_reason\":\"stop\"}"),
     NULL},
    {"members that nobody knows, everywhere", FAMILY_CHAT,
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"x\":{\"a\":[1.10,\"b\"]},"
     "\"choices\":"
     "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"a\"}],\"y\":"
     "\"text\","
     "\"z\":1e2},\"logprobs\":null,\"finish_reason\":\"stop\",\"stop_reason\":128009,\"ids\":[1,2]}],\"usage\":null,"
     "\"service_tier\":\"default\",\"citations\":[\"u\"]}",
     NULL},
    {"as little as there can be", FAMILY_CHAT,
     "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}",
     "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"logprobs\":null,"
     "\"finish_reason\":\"stop\"}]}"},
    {"on many lines", FAMILY_CHAT,
     "{\n \"id\": \"c\",\r\n \"choices\": [ {\n\"index\":0, \"message\": {\n\"role\": \"assistant\", \"content\":\n "
     "\"a\","
     " \"x\": {\n\"y\":\n1 } }, \"logprobs\": null,\r \"finish_reason\": \"stop\" } ],\n \"usage\": {\n\"a\": "
     "1\n}\n}\n",
     "{\"id\":\"c\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\",\"x\":{\"y\":1}},"
     "\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{\"a\":1}}"},

    {"a legacy completion", FAMILY_COMPLETION,
     "{\"id\":\"c\",\"object\":\"text_completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"text\":\"a\","
     "\"index\":0,"
     "\"logprobs\":{\"tokens\":[\"a\"],\"token_logprobs\":[-0.10],\"top_logprobs\":[{\"index\":0},{\"index\":0}],"
     "\"text_offset\":[0]},\"finish_reason\":\"length\",\"stop_reason\":null},{\"text\":\"\",\"index\":1,\"logprobs\":"
     "null,\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}",
     NULL},

    {"all kinds of blocks", FAMILY_MESSAGES,
     MESSAGE(
         "{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"abc==\"},{\"type\":\"redacted_thinking\","
         "\"data\":\"xyz\"},{\"type\":\"text\",\"text\":\"Hi\",\"citations\":[{\"type\":\"char_location\",\"n\":1.0},"
         "{\"type\":\"page_location\"}]},{\"type\":\"text\",\"text\":\"\",\"citations\":null},{\"type\":\"tool_use\","
         "\"id\":\"t\",\"name\":\"f\",\"input\":{\"a\":1.50,\"b\":\"\\u00e9\\n\\ud83d \\\\ \\\"\xC3\xA9\"}},"
         "{\"type\":\"tool_use\",\"id\":\"u\",\"name\":\"g\",\"input\":{}},{\"type\":\"server_tool_use\",\"id\":\"s\","
         "\"name\":\"web_search\",\"input\":{\"query\":\"q\"}},{\"type\":\"web_search_tool_result\",\"tool_use_id\":"
         "\"s\",\"content\":[{\"type\":\"web_search_result\",\"index\":1},{\"index\":1}]},{\"type\":\"new\",\"text\":"
         "\"t\",\"input\":\"i\",\"list\":[ ]}"),
     NULL},
    {"no blocks", FAMILY_MESSAGES, MESSAGE(""), NULL},
    {"members of a message that nobody knows", FAMILY_MESSAGES,
     "{\"type\":\"message\",\"content\":[],\"container\":{\"id\":\"c\"},\"x\":[1.0],\"stop_reason\":\"refusal\","
     "\"stop_sequence\":\"S\",\"stop_details\":{\"type\":\"refusal\"},\"usage\":{\"output_tokens\":1,\"x\":null}}",
     NULL},

    {"all kinds of items", FAMILY_RESPONSES,
     RESPONSE(
         "{\"type\":\"reasoning\",\"id\":\"rs\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"S\"}],\"content\":"
         "[{\"type\":\"reasoning_text\",\"text\":\"Hm\"}],\"encrypted_content\":\"e\"},{\"type\":\"message\",\"id\":"
         "\"msg\",\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
         "\"Hi\","
         "\"annotations\":[{\"type\":\"url_citation\"}],\"logprobs\":[{\"token\":\"Hi\",\"logprob\":-0.10}]},"
         "{\"type\":\"refusal\",\"refusal\":\"No\"},{\"type\":\"new\",\"text\":\"t\"}]},{\"type\":\"function_call\","
         "\"id\":\"fc\",\"call_id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\",\"status\":\"completed\"},{\"type\":"
         "\"custom_tool_call\",\"id\":\"ct\",\"name\":\"g\",\"input\":\"i\"},{\"type\":\"web_search_call\",\"status\":"
         "\"completed\",\"action\":{}}"),
     NULL},
    {"no items", FAMILY_RESPONSES, RESPONSE(""), NULL},
    {"incomplete", FAMILY_RESPONSES,
     "{\"id\":\"r\",\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":\"max_output_tokens\"},\"output\":[]}",
     NULL},
};

static void check_there_and_back(enum endpoint_family family, struct text plain, struct text expected)
{
    struct buf stream = {0}, back = {0};
    ck_assert_msg(answer_to_stream(&stream, family, plain, true), TEXT_FORMAT, TEXT_ARGS(plain));
    ck_assert_msg(answer_to_plain(&back, family, buf_text(&stream)), TEXT_FORMAT, TEXT_ARGS(buf_text(&stream)));
    ck_assert_msg(same_json(buf_text(&back), expected), TEXT_FORMAT "\n" TEXT_FORMAT, TEXT_ARGS(buf_text(&back)),
                  TEXT_ARGS(expected));
    buf_free(&stream);
    buf_free(&back);
}

START_TEST(a_way_there_and_back_loses_nothing)
{
    struct text plain = text_of(answers[_i].plain), back = answers[_i].back ? text_of(answers[_i].back) : plain;
    check_there_and_back(answers[_i].family, plain, back);
    check_there_and_back(answers[_i].family, back, back);
}
END_TEST

/* What other tests have of answers: where there is a way, it loses nothing but what was never said. */
START_TEST(samples_go_there_and_back)
{
    struct text plain = text_of(bodies[_i].bytes);
    struct buf stream = {0}, back = {0};
    if (answer_to_stream(&stream, bodies[_i].family, plain, true)) {
        ck_assert(answer_to_plain(&back, bodies[_i].family, buf_text(&stream)));
        check_there_and_back(bodies[_i].family, buf_text(&back), buf_text(&back));
    }
    buf_free(&stream);
    buf_free(&back);
}
END_TEST

START_TEST(sampled_streams_go_back_and_there)
{
    struct buf plain = {0};
    if (answer_to_plain(&plain, streams[_i].family, text_of(streams[_i].bytes)))
        check_there_and_back(streams[_i].family, buf_text(&plain), buf_text(&plain));
    buf_free(&plain);
}
END_TEST

/* ---- where there is no way ---- */

START_TEST(families_with_texts_have_both_forms)
{
    static const bool has[] = {[FAMILY_CHAT] = true,     [FAMILY_COMPLETION] = true, [FAMILY_EMBEDDING] = false,
                               [FAMILY_MESSAGES] = true, [FAMILY_RESPONSES] = true,  [FAMILY_OPAQUE] = false};
    struct buf out = {0};
    ck_assert(answer_has_forms((enum endpoint_family)_i) == has[_i]);
    if (has[_i]) return;
    ck_assert(!answer_to_stream(&out, (enum endpoint_family)_i, TEXT("{}"), true));
    ck_assert(!answer_to_plain(&out, (enum endpoint_family)_i, TEXT(DONE)));
}
END_TEST

/* ---- answers from anybody ---- */

/* Who is speaking stands in each chunk: there must be no way to make much of little. */
START_TEST(what_is_made_has_a_bound)
{
    enum { NAME = 20000, CHOICES = 20000, MIB = 1 << 20 };
    struct buf plain = {0}, out = {0};
    BUF_ADD(&plain, "{\"model\":\"");
    memset(buf_reserve(&plain, NAME), 'x', NAME);
    buf_commit(&plain, NAME);
    BUF_ADD(&plain, "\",\"choices\":[");
    for (int i = 0; i < CHOICES; i++)
        buf_printf(&plain, "%s{\"message\":{},\"finish_reason\":\"x\"}", i ? "," : "");
    BUF_ADD(&plain, "]}");
    ck_assert(!answer_to_stream(&out, FAMILY_CHAT, buf_text(&plain), true));
    ck_assert_uint_eq(buf_len(&out), 0);
    ck_assert_uint_lt(out.capacity, 2 * (MIB + 9 * buf_len(&plain)));
    buf_free(&plain);
    buf_free(&out);
}
END_TEST

/* Answers of the smallest parts that become events, and how many each of them makes, and all that is around them. Calls
 * share one, but there are not more of them. */
static const struct {
    enum endpoint_family family;
    const char *before, *part, *behind;
    int each, around;
} crowds[] = {
    {FAMILY_CHAT, "{\"choices\":[", "{\"message\":{},\"finish_reason\":\"x\"}", "]}", 2, 0},
    {FAMILY_COMPLETION, "{\"choices\":[", "{\"text\":\"\",\"finish_reason\":\"x\"}", "]}", 1, 0},
    {FAMILY_CHAT, "{\"choices\":[{\"message\":{\"tool_calls\":[", "{}", "]},\"finish_reason\":\"x\"}]}", 1, 0},
    {FAMILY_MESSAGES, "{\"content\":[", "{\"type\":\"x\"}", "],\"stop_reason\":\"x\",\"usage\":{\"output_tokens\":1}}",
     2, 3},
    {FAMILY_RESPONSES, "{\"status\":\"completed\",\"output\":[", "{}", "]}", 2, 3},
    {FAMILY_RESPONSES, "{\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"id\":\"i\",\"content\":[", "{}",
     "]}]}", 2, 5},
};

static bool becomes_a_stream(int row, int parts)
{
    struct buf plain = {0}, out = {0};
    buf_add(&plain, text_of(crowds[row].before));
    for (int i = 0; i < parts; i++)
        buf_printf(&plain, "%s%s", i ? "," : "", crowds[row].part);
    buf_add(&plain, text_of(crowds[row].behind));
    bool made = answer_to_stream(&out, crowds[row].family, buf_text(&plain), true);
    buf_free(&plain);
    buf_free(&out);
    return made;
}

START_TEST(parts_are_bounded)
{
    int most = (ANSWER_EVENTS - crowds[_i].around) / crowds[_i].each;
    ck_assert(becomes_a_stream(_i, most));
    ck_assert(!becomes_a_stream(_i, most + 1));
}
END_TEST

/* Told five times, it still has its room. */
START_TEST(a_long_text_goes_there_and_back)
{
    enum { LENGTH = 2 << 20 };
    struct buf plain = {0};
    BUF_ADD(&plain,
            "{\"id\":\"r\",\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"id\":\"m\",\"content\":["
            "{\"type\":\"output_text\",\"text\":\"");
    memset(buf_reserve(&plain, LENGTH), 'x', LENGTH);
    buf_commit(&plain, LENGTH);
    BUF_ADD(&plain, "\"}]}]}");
    check_there_and_back(FAMILY_RESPONSES, buf_text(&plain), buf_text(&plain));
    buf_free(&plain);
}
END_TEST

/* `open` and `close`, n times. */
static void nest(struct buf *out, const char *before, const char *open, const char *close, int n, const char *behind)
{
    buf_add(out, text_of(before));
    for (int i = 0; i < n; i++)
        buf_add(out, text_of(open));
    for (int i = 0; i < n; i++)
        buf_add(out, text_of(close));
    buf_add(out, text_of(behind));
}

START_TEST(deep_answers_go_there_and_back_or_nowhere)
{
    for (int depth = 1; depth < JSON_DEPTH + 2; depth++) {
        struct buf plain = {0}, out = {0};
        nest(&plain, "{\"content\":[],\"stop_reason\":\"x\",\"usage\":{\"output_tokens\":1},\"x\":", "[", "]", depth,
             "}");
        if (depth < JSON_DEPTH - 1)
            check_there_and_back(FAMILY_MESSAGES, buf_text(&plain), buf_text(&plain));
        else
            ck_assert(!answer_to_stream(&out, FAMILY_MESSAGES, buf_text(&plain), false));
        buf_free(&plain);
        buf_free(&out);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_way_there_and_back_loses_nothing, 0, COUNT(answers));
    tcase_add_loop_test(tests, samples_go_there_and_back, 0, COUNT(bodies));
    tcase_add_loop_test(tests, sampled_streams_go_back_and_there, 0, COUNT(streams));
    tcase_add_loop_test(tests, families_with_texts_have_both_forms, 0, FAMILY_OPAQUE + 1);
    tcase_add_test(tests, what_is_made_has_a_bound);
    tcase_add_loop_test(tests, parts_are_bounded, 0, COUNT(crowds));
    tcase_add_test(tests, a_long_text_goes_there_and_back);
    tcase_add_test(tests, deep_answers_go_there_and_back_or_nowhere);
}

TEST_MAIN_ADDING("answer_form", add_tests)
