/* Answers of the gateway's own: complete for whoever puts their events together, and nothing but the text in them. */
#include "../suite.h"
#include "dsgate/base/mem.h"
#include "dsgate/llm/answer.h"
#include "dsgate/llm/json.h"
#include "dsgate/llm/sse.h"

static const enum endpoint_family families[] = {FAMILY_CHAT, FAMILY_COMPLETION, FAMILY_MESSAGES, FAMILY_RESPONSES};

static struct buf out;

static void set_up(void) { out = (struct buf){0}; }
static void tear_down(void) { buf_free(&out); }

static void put(enum endpoint_family family, bool stream, struct text message)
{
    ck_assert(answer_put_fixed(&out, family, stream, TEXT("7f3"), TEXT("a \"model\""), 1764660903, message));
}

static void check_bytes(const char *expected)
{
    ck_assert_msg(text_is(buf_text(&out), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&out)));
}

/* A whole answer with a text, ended as models end, and no token counted. */
static void check_facts(const struct answer_facts *f, bool token, bool done)
{
    ck_assert_int_eq(f->token, token);
    ck_assert_int_eq(f->done, done);
    ck_assert_int_eq(f->finish, FINISH_STOP);
    ck_assert(f->usage.known);
    ck_assert_int_eq(f->usage.prompt + f->usage.completion + f->usage.cached + f->usage.reasoning, 0);
}

/* ---- exact bytes ---- */

#define CHUNK(choice) \
    "data: {\"id\":\"7f3\",\"object\":\"chat.completion.chunk\",\"created\":1764660903,\"model\":\"a \\\"model\\\"\"," \
    "\"choices\":[{\"index\":0," choice "}]"
#define TEXT_CHUNK(choice) \
    "data: {\"id\":\"7f3\",\"object\":\"text_completion\",\"created\":1764660903,\"model\":\"a \\\"model\\\"\"," \
    "\"choices\":[{\"index\":0," choice "}]"
#define USAGE ",\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}"
#define MESSAGE(content, stop_reason) \
    "{\"id\":\"msg_7f3\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"a " \
    "\\\"model\\\"\",\"content\":[" content "],\"stop_reason\":" stop_reason \
    ",\"stop_sequence\":null,\"usage\":{\"input_tokens\":0," \
    "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":0}}"
#define EVENT(name, members) "event: " name "\ndata: {\"type\":\"" name "\"" members "}\n\n"

static const struct {
    enum endpoint_family family;
    bool stream;
    const char *bytes;
} exact[] = {
    {FAMILY_CHAT, false,
     "{\"id\":\"7f3\",\"object\":\"chat.completion\",\"created\":1764660903,\"model\":\"a \\\"model\\\"\",\"choices\":"
     "[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Later,\\nplease\"},\"logprobs\":null,"
     "\"finish_reason\":\"stop\"}]" USAGE},
    {FAMILY_CHAT, true,
     CHUNK("\"delta\":{\"role\":\"assistant\",\"content\":\"Later,\\nplease\"},\"logprobs\":null,"
           "\"finish_reason\":null") "}\n\n" CHUNK("\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"") USAGE
     "\n\ndata: [DONE]\n\n"},
    {FAMILY_COMPLETION, false,
     "{\"id\":\"7f3\",\"object\":\"text_completion\",\"created\":1764660903,\"model\":\"a \\\"model\\\"\",\"choices\":"
     "[{\"index\":0,\"text\":\"Later,\\nplease\",\"logprobs\":null,\"finish_reason\":\"stop\"}]" USAGE},
    {FAMILY_COMPLETION, true,
     TEXT_CHUNK("\"text\":\"Later,\\nplease\",\"logprobs\":null,\"finish_reason\":null") "}\n\n" TEXT_CHUNK(
         "\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"") USAGE "\n\ndata: [DONE]\n\n"},
    {FAMILY_MESSAGES, false, MESSAGE("{\"type\":\"text\",\"text\":\"Later,\\nplease\"}", "\"end_turn\"")},
    {FAMILY_MESSAGES, true,
     EVENT("message_start", ",\"message\":" MESSAGE("", "null"))
         EVENT("content_block_start", ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}") EVENT(
             "content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"Later,\\nplease\"}")
             EVENT("content_block_stop", ",\"index\":0")
                 EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                                        "\"usage\":{\"output_tokens\":0}") EVENT("message_stop", "")},
    {FAMILY_RESPONSES, false,
     "{\"id\":\"resp_7f3\",\"object\":\"response\",\"created_at\":1764660903,\"status\":\"completed\",\"error\":null,"
     "\"incomplete_details\":null,\"model\":\"a \\\"model\\\"\",\"output\":[{\"type\":\"message\",\"id\":\"msg_7f3\","
     "\"status\":\"completed\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":"
     "\"Later,\\nplease\",\"annotations\":[]}]}],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[],"
     "\"usage\":{\"input_tokens\":0,\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":0,"
     "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":0}}"},
};

START_TEST(bytes_of_answers)
{
    put(exact[_i].family, exact[_i].stream, TEXT("Later,\nplease"));
    check_bytes(exact[_i].bytes);
}
END_TEST

START_TEST(answers_are_appended)
{
    BUF_ADD(&out, "before");
    put(FAMILY_CHAT, false, TEXT("Later,\nplease"));
    buf_consume(&out, strlen("before"));
    check_bytes(exact[0].bytes);
}
END_TEST

START_TEST(families_without_texts)
{
    static const enum endpoint_family none[] = {FAMILY_EMBEDDING, FAMILY_OPAQUE};
    for (int stream = 0; stream < 2; stream++)
        for (int i = 0; i < COUNT(none); i++)
            ck_assert(!answer_put_fixed(&out, none[i], stream, TEXT("1"), TEXT("m"), 1, TEXT("text")));
    ck_assert_uint_eq(buf_len(&out), 0);
}
END_TEST

/* ---- responses: what each event says ---- */

/* The value at a path of keys and array positions, "response.output.0.id"; the test fails when there is none. */
static struct text value_at(struct text json, const char *path)
{
    struct text rest = text_of(path), step, value;
    while (text_cut(&rest, '.', &step)) {
        uint64_t n;
        if (text_to_u64(step, &n)) {
            struct json_iter it = json_iter(json);
            for (uint64_t i = 0; i <= n; i++)
                ck_assert_msg(json_next(&it), "no %s", path);
            value = it.value;
        } else {
            ck_assert_msg(json_get(json, step, &value) != JSON_ABSENT, "no %s", path);
        }
        json = value;
    }
    return json;
}

static const struct {
    const char *name, *path, *value;
} responses_events[] = {
    {"response.created", "response.status", "\"in_progress\""},
    {"response.in_progress", "response.output", "[]"},
    {"response.output_item.added", "item.content", "[]"},
    {"response.content_part.added", "part.text", "\"\""},
    {"response.output_text.delta", "delta", "\"\\\"yes\\\"\""},
    {"response.output_text.done", "text", "\"\\\"yes\\\"\""},
    {"response.content_part.done", "part.text", "\"\\\"yes\\\"\""},
    {"response.output_item.done", "item.content.0.text", "\"\\\"yes\\\"\""},
    {"response.completed", "response.output.0.content.0.text", "\"\\\"yes\\\"\""},
};

/* Each is numbered, and names the item or the response that the others name. */
static void check_responses_event(struct text data, int i)
{
    char number[12];
    snprintf(number, sizeof number, "%d", i);
    ck_assert(text_is(value_at(data, "sequence_number"), number));
    ck_assert(text_is(value_at(data, responses_events[i].path), responses_events[i].value));
    struct text id;
    bool whole = json_get(data, TEXT("response"), &id) != JSON_ABSENT;
    bool item = json_get(data, TEXT("item"), &id) != JSON_ABSENT;
    const char *path = whole ? "response.id" : item ? "item.id" : "item_id";
    ck_assert(text_is(value_at(data, path), whole ? "\"resp_7f3\"" : "\"msg_7f3\""));
}

START_TEST(events_of_responses)
{
    struct sse_reader r;
    struct sse_event e;
    int n = 0;
    sse_reader_init(&r, 0);
    put(FAMILY_RESPONSES, true, TEXT("\"yes\""));
    for (struct text bytes = buf_text(&out); sse_next(&r, &bytes, &e); n++) {
        char type[64];
        ck_assert_int_lt(n, COUNT(responses_events));
        snprintf(type, sizeof type, "\"%s\"", responses_events[n].name);
        ck_assert_msg(text_is(e.name, responses_events[n].name), TEXT_FORMAT, TEXT_ARGS(e.name));
        ck_assert(text_is(value_at(e.data, "type"), type));
        check_responses_event(e.data, n);
    }
    ck_assert_int_eq(n, COUNT(responses_events));
    sse_reader_free(&r);
}
END_TEST

/* The last event repeats what a plain answer would have been. */
START_TEST(the_last_event_is_the_plain_answer)
{
    put(FAMILY_RESPONSES, true, TEXT("a"));
    size_t stream = buf_len(&out);
    put(FAMILY_RESPONSES, false, TEXT("a"));
    struct text events = text_make(out.data, stream), plain = text_from(buf_text(&out), stream);
    char *end = mem_printf("\"response\":" TEXT_FORMAT "}\n\n", TEXT_ARGS(plain));
    ck_assert(text_ends(events, text_of(end)));
    mem_free(end);
}
END_TEST

/* ---- any text ---- */

static const struct {
    struct text message, escaped;
} texts[] = {
    {TEXT("plain"), TEXT("\"plain\"")},
    {TEXT("a \"b\" \\ c"), TEXT("\"a \\\"b\\\" \\\\ c\"")},
    {TEXT("one\ntwo\r\n\n\ndata: [DONE]\n\n"), TEXT("\"one\\ntwo\\r\\n\\n\\ndata: [DONE]\\n\\n\"")},
    {TEXT("\xF0\x9F\x90\x8B \xE7\xA8\x8D\xE5\x90\x8E"), TEXT("\"\xF0\x9F\x90\x8B \xE7\xA8\x8D\xE5\x90\x8E\"")},
    {TEXT("a\xFF\xC3"), TEXT("\"a\xEF\xBF\xBD\xEF\xBF\xBD\"")},
    {TEXT("NUL \0 ESC \x1B"), TEXT("\"NUL \\u0000 ESC \\u001b\"")},
    {TEXT(""), TEXT("\"\"")},
};

static void check_json(struct text json)
{
    struct json_result result = json_scan(json, NULL, 0, NULL, JSON_DEPTH);
    ck_assert_msg(result.error == JSON_FINE, "%s: " TEXT_FORMAT, json_error_text(result.error), TEXT_ARGS(json));
    ck_assert_int_eq(result.top, JSON_OBJECT);
}

static void check_plain(enum endpoint_family family, int i)
{
    struct answer_facts facts = {0};
    buf_clear(&out);
    put(family, false, texts[i].message);
    check_json(buf_text(&out));
    ck_assert_uint_lt(text_find(buf_text(&out), texts[i].escaped), buf_len(&out));
    answer_read_body(&facts, family, buf_text(&out));
    ck_assert(facts.valid);
    check_facts(&facts, texts[i].message.n > 0, false);
}

/* With and without the fast path for events behind a token. */
static void check_stream(enum endpoint_family family, int i, bool skip_seen)
{
    struct answer_facts facts = {0};
    struct sse_reader r;
    struct sse_event e;
    bool ended = false;
    buf_clear(&out);
    put(family, true, texts[i].message);
    ck_assert_uint_lt(text_find(buf_text(&out), texts[i].escaped), buf_len(&out));
    sse_reader_init(&r, 0);
    for (struct text bytes = buf_text(&out); sse_next(&r, &bytes, &e);) {
        ck_assert(e.has_data && !ended);
        if (!text_is(e.data, "[DONE]")) check_json(e.data);
        answer_read_event(&facts, family, e.name, e.data, skip_seen && facts.token);
        ended = facts.done;
    }
    ck_assert_uint_eq(sse_leftover(&r).n, 0);
    check_facts(&facts, texts[i].message.n > 0, true);
    sse_reader_free(&r);
}

START_TEST(any_text_in_any_family)
{
    for (int i = 0; i < COUNT(families); i++) {
        check_plain(families[i], _i);
        check_stream(families[i], _i, false);
        check_stream(families[i], _i, true);
    }
}
END_TEST

/* Names come from clients and configs; they can't break out either. */
START_TEST(any_id_and_model)
{
    for (int i = 0; i < COUNT(families); i++) {
        buf_clear(&out);
        ck_assert(answer_put_fixed(&out, families[i], false, TEXT("\"\\\n"), TEXT("\"}\xFF\n"), -1, TEXT("a")));
        check_json(buf_text(&out));
        ck_assert_uint_lt(text_find(buf_text(&out), TEXT("\\\"\\\\\\n\"")), buf_len(&out));
        ck_assert_uint_lt(text_find(buf_text(&out), TEXT("\"\\\"}\xEF\xBF\xBD\\n\"")), buf_len(&out));
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, bytes_of_answers, 0, COUNT(exact));
    tcase_add_test(tests, answers_are_appended);
    tcase_add_test(tests, families_without_texts);
    tcase_add_test(tests, events_of_responses);
    tcase_add_test(tests, the_last_event_is_the_plain_answer);
    tcase_add_loop_test(tests, any_text_in_any_family, 0, COUNT(texts));
    tcase_add_test(tests, any_id_and_model);
}

TEST_MAIN_ADDING("answer_fixed", add_tests)
