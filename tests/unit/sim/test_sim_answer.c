/* Plans and dialects: the order of beats, where faults strike, and that every byte of every dialect is well-formed. */
#include "plans.h"

#define INPUT "\"input\":\"Hello\",\"prompt\":\"Hello\"," HELLO
#define TOOLS                                                                                                          \
    "\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"wea\\u0074her\","         \
    "\"parameters\":{"                                                                                                 \
    "\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"n\":{\"type\":\"integer\"},\"x\":{\"type\":" \
    "\"number\"},"                                                                                                     \
    "\"on\":{\"type\":\"boolean\"},\"unit\":{\"enum\":[\"C\",\"F\"]},\"list\":{\"type\":\"array\",\"items\":{"         \
    "\"type\":\"string\"}},"                                                                                           \
    "\"in\":{\"type\":\"object\",\"properties\":{\"z\":{\"type\":\"null\"}}},\"any\":{}}}}}]"

static unsigned position_of(struct plan *p, const char *spec)
{
    struct scenario s;
    struct buf error = {0};
    ck_assert(scenario_parse_one(text_of(spec), &s, &error));
    return plan_position(p, &s);
}

/* ---- beats ---- */

static const struct {
    enum api api;
    const char *more, *spec;
    unsigned tokens;
    const char *beats, *finish;
    unsigned completion;
} plans[] = {
    {API_CHAT, HELLO, "", 4, "BrrccccFD", "stop", 6},
    {API_CHAT, HELLO, "", 0, "BFD", "stop", 0},
    {API_CHAT, HELLO ",\"thinking\":{\"type\":\"disabled\"}", "", 3, "BcccFD", "stop", 3},
    {API_TEXT, "\"prompt\":\"x\"", "", 2, "BccFD", "stop", 2},
    {API_RESPONSES, INPUT, "", 2, "BrccF", "stop", 3},
    {API_ANTHROPIC, HELLO, "", 2, "BrccFD", "stop", 3},
    {API_CHAT, HELLO ",\"max_tokens\":1", "", 4, "BrFD", "length", 1},
    {API_CHAT, HELLO ",\"max_tokens\":3", "", 4, "BrrcFD", "length", 3},
    {API_CHAT, HELLO ",\"max_tokens\":6", "", 4, "BrrccccFD", "stop", 6},
    {API_CHAT, HELLO, "empty-content", 4, "BFD", "stop", 0},
    {API_CHAT, HELLO, "exhausted", 4, "BrrccFD", "insufficient_system_resource", 4},
    {API_CHAT, HELLO, "finish=eos", 2, "BrccFD", "eos", 3},
    {API_CHAT, HELLO ",\"stream\":true,\"stream_options\":{\"include_usage\":true}", "usage-separate", 1, "BrcFUD",
     "stop", 2},
    {API_CHAT, HELLO, "usage-separate", 1, "BrcFD", "stop", 2},
    {API_RESPONSES, INPUT ",\"stream_options\":{\"include_usage\":true}", "usage-separate", 1, "BrcF", "stop", 2},
    {API_CHAT, HELLO, "tool-call", 2, "BrccFD", "stop", 3}, /* nothing to call */
    {API_CHAT, HELLO ",\"tool_choice\":\"required\",\"tools\":[{\"function\":{\"name\":\"f\"}}]", "", 2, "BrTaFD",
     "tool_calls", 6},
    {API_CHAT, HELLO ",\"tools\":[{\"function\":{\"name\":\"f\"}}]", "tool-call=2", 2, "BrTaTaFD", "tool_calls", 11},
    {API_CHAT, HELLO ",\"max_tokens\":2,\"tool_choice\":\"required\",\"tools\":[{\"function\":{\"name\":\"f\"}}]", "",
     2, "BrFD", "length", 1},
};

START_TEST(beats_come_in_order)
{
    struct plan p = plan_of(plans[_i].api, plans[_i].more, plans[_i].spec, plans[_i].tokens);
    ck_assert_str_eq(p.finish, plans[_i].finish);
    ck_assert_uint_eq(p.usage.completion, plans[_i].completion);
    check_beats(&p, plans[_i].beats);
}
END_TEST

static const struct {
    const char *more, *spec;
    unsigned before; /* beats */
} positions[] = {
    {HELLO, "eof@after-headers", 0},
    {HELLO, "eof@first-event", 1},
    {HELLO, "eof@mid-reasoning", 1 + 2},
    {HELLO, "eof@mid-content", 1 + 4 + 4},
    {HELLO, "eof@mid-tool-call", 1 + 4 + 4}, /* no call: the middle of the content */
    {HELLO, "eof@last-chunk", 1 + 12},
    {HELLO, "eof@before-done", 1 + 12 + 1},
    {HELLO, "eof@event-7", 7},
    {HELLO, "eof@event-99", 15}, /* never */
    {HELLO ",\"thinking\":{\"type\":\"disabled\"}", "eof@mid-reasoning", 1 + 4},
    {HELLO ",\"tool_choice\":\"required\",\"tools\":[{\"function\":{\"name\":\"f\"}}]", "eof@mid-tool-call", 1 + 4 + 1},
    {HELLO ",\"tool_choice\":\"required\",\"tools\":[{\"function\":{\"name\":\"f\"}}]", "eof@mid-content", 1 + 4 + 1},
    {HELLO ",\"max_tokens\":4", "eof@mid-content", 1 + 2}, /* nothing but reasoning */
    {HELLO ",\"n\":3", "eof@first-event", 1},
    {HELLO ",\"n\":3", "eof@mid-content", 3 * (1 + 4 + 4)},
    {HELLO ",\"n\":3", "eof@last-chunk", 3 * (1 + 12)},
    {HELLO ",\"n\":3", "eof@before-done", 3 * (1 + 12 + 1)},
};

START_TEST(positions_count_beats)
{
    struct plan p = plan_of(API_CHAT, positions[_i].more, positions[_i].spec, 8);
    ck_assert_uint_eq(position_of(&p, positions[_i].spec), positions[_i].before);
    plan_free(&p);
}
END_TEST

START_TEST(a_random_position_is_inside_the_stream_and_anywhere_there)
{
    struct plan p = plan_of(API_CHAT, HELLO, "", 4);
    bool seen[16] = {false};
    for (uint64_t draw = 0; draw < 500; draw++) {
        struct scenario s = {.fault = FAULT_EOF, .at = AT_RANDOM, .draw = draw};
        unsigned at = plan_position(&p, &s);
        ck_assert_uint_lt(at, plan_beats(&p));
        seen[at] = true;
    }
    ck_assert(!seen[0]);
    for (unsigned i = 1; i < plan_beats(&p); i++)
        ck_assert(seen[i]);
    plan_free(&p);
}
END_TEST

START_TEST(tokens_of_all_beats_are_the_completion)
{
    static const char *const wishes[] = {HELLO, HELLO "," TOOLS, HELLO ",\"n\":3", HELLO ",\"max_tokens\":7"};
    for (size_t i = 0; i < COUNT(wishes); i++) {
        struct plan p = plan_of(API_CHAT, wishes[i], "", 30);
        unsigned tokens = 0;
        for (unsigned b = 0; b < plan_beats(&p); b++)
            tokens += plan_beat_tokens(&p, plan_beat(&p, b));
        ck_assert_uint_eq(tokens, p.usage.completion);
        plan_free(&p);
    }
}
END_TEST

START_TEST(choices_take_turns_and_each_has_its_own_text)
{
    struct plan p = plan_of(API_CHAT, HELLO ",\"n\":2", "", 6), alone = plan_of(API_CHAT, HELLO, "", 6);
    struct buf first = {0}, second = {0};
    plan_whole_text(&p, BEAT_CONTENT, 0, &first);
    plan_whole_text(&p, BEAT_CONTENT, 1, &second);
    char *single = text_in(&alone, BEAT_CONTENT);
    ck_assert(text_is(buf_text(&first), single));
    ck_assert(!text_eq(buf_text(&first), buf_text(&second)));
    for (unsigned i = 0; i + 1 < plan_beats(&p); i++) {
        struct beat b = plan_beat(&p, i);
        ck_assert_uint_eq(b.choice, i % 2);
        ck_assert_int_eq(b.kind, plan_beat(&alone, i / 2).kind);
    }
    ck_assert_uint_eq(p.usage.completion, 2 * alone.usage.completion);
    mem_free(single);
    buf_free(&first);
    buf_free(&second);
    plan_free(&p);
    plan_free(&alone);
}
END_TEST

START_TEST(huge_answers_have_long_beats)
{
    struct plan p = plan_of(API_CHAT, HELLO, "huge=2", 8);
    struct buf text = {0};
    plan_whole_text(&p, BEAT_CONTENT, 0, &text);
    ck_assert(buf_len(&text) > 1500000 && buf_len(&text) < 2500000);
    ck_assert_uint_lt(plan_beats(&p), 400);
    buf_free(&text);
    plan_free(&p);
}
END_TEST

/* ---- dialects ---- */

static void check_json(struct text t)
{
    struct json_result r = json_scan(t, NULL, 0, NULL, JSON_DEPTH);
    ck_assert_msg(r.error == JSON_FINE && r.top == JSON_OBJECT, "%s at %zu: " TEXT_FORMAT, json_error_text(r.error),
                  r.position, TEXT_ARGS(t));
}

/* Each event is [event: NAME] data: JSON, ended by an empty line. Returns how many there are. */
static unsigned check_events(struct text t)
{
    unsigned count = 0;
    while (t.n) {
        size_t end = text_find(t, TEXT("\n\n")), data = text_find(t, TEXT("data: ")) + 6;
        ck_assert_uint_lt(end, t.n);
        struct text json = text_make(t.p + data, end - data);
        if (!text_is(json, "[DONE]")) check_json(json);
        t = text_from(t, end + 2);
        count++;
    }
    return count;
}

static const struct {
    enum api api;
    const char *more, *spec;
    unsigned events;
} dialects[] = {
    {API_CHAT, INPUT, "", 9},
    {API_CHAT, INPUT, "reasoning-field+usage-none", 9},
    {API_CHAT, INPUT ",\"response_format\":{\"type\":\"json_object\"}", "", 9},
    {API_CHAT, INPUT ",\"n\":3", "", 3 * 8 + 1},
    {API_CHAT, INPUT ",\"n\":2,\"logprobs\":true,\"top_logprobs\":2", "usage-negative+changing-ids", 2 * 8 + 1},
    {API_CHAT, INPUT ",\"logprobs\":true", "reasoning-field", 9},
    {API_CHAT, INPUT ",\"logprobs\":true,\"max_tokens\":1", "", 4},
    {API_CHAT, INPUT ",\"logprobs\":true", "empty-content", 3},
    {API_CHAT, INPUT "," TOOLS, "tool-call=3", 0},
    {API_CHAT, INPUT, "empty-content", 3},
    {API_TEXT, INPUT, "", 7},
    {API_ANTHROPIC, INPUT, "", 3 + 2 + 4 + 2 * 2 + 1},
    {API_ANTHROPIC, INPUT "," TOOLS, "tool-call=3", 0},
    {API_ANTHROPIC, INPUT, "empty-content+usage-none", 3},
    {API_RESPONSES, INPUT, "", 2 + 2 + 2 + 3 + 2 + 4 + 3 + 1},
    {API_RESPONSES, INPUT "," TOOLS, "tool-call=3", 0},
    {API_RESPONSES, INPUT ",\"max_output_tokens\":3", "", 2 + 2 + 2 + 3 + 2 + 1 + 3 + 1},
    {API_RESPONSES, INPUT, "exhausted", 2 + 2 + 2 + 3 + 2 + 2 + 3 + 1},
    {API_RESPONSES, INPUT, "filtered+usage-none", 2 + 2 + 2 + 3 + 2 + 2 + 3 + 1},
};

START_TEST(every_event_is_json)
{
    struct plan p = plan_of(dialects[_i].api, dialects[_i].more, dialects[_i].spec, 4);
    const struct dialect *d = dialect_of(p.api);
    struct buf out = {0}, whole = {0};
    for (unsigned i = 0; i < plan_beats(&p); i++)
        d->beat(&p, plan_beat(&p, i), &out);
    unsigned events = check_events(buf_text(&out));
    if (dialects[_i].events) ck_assert_uint_eq(events, dialects[_i].events);
    d->whole(&p, &whole);
    check_json(buf_text(&whole));
    buf_clear(&out);
    d->failure(&p, TEXT("it's \"over\""), "server_error", &out);
    ck_assert_uint_eq(check_events(buf_text(&out)), 1);
    buf_free(&out);
    buf_free(&whole);
    plan_free(&p);
}
END_TEST

START_TEST(the_first_and_last_chunk_of_a_chat_to_the_byte)
{
    static const char envelope[] =
        "\",\"object\":\"chat.completion.chunk\",\"created\":1764660903,\"model\":\"deepseek-flash\","
        "\"system_fingerprint\":\"fp_eaab8d114b_prod0820_fp8_kvcache\",\"choices\":[";
    struct plan p = plan_of(API_CHAT, HELLO ",\"stream\":true,\"stream_options\":{\"include_usage\":true}", "", 2);
    struct buf out = {0};
    dialect_chat.beat(&p, plan_beat(&p, 0), &out);
    ck_assert(text_starts(buf_text(&out), TEXT("data: {\"id\":\"")));
    struct text rest = text_from(buf_text(&out), sizeof "data: {\"id\":\"" - 1 + 36);
    ck_assert(text_starts(rest, text_of(envelope)));
    ck_assert(text_is(text_from(rest, sizeof envelope - 1),
                      "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"},"
                      "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n"));
    buf_clear(&out);
    dialect_chat.beat(&p, plan_beat(&p, plan_beats(&p) - 2), &out);
    rest = text_from(buf_text(&out), sizeof "data: {\"id\":\"" - 1 + 36 + sizeof envelope - 1);
    ck_assert(text_is(rest, "{\"index\":0,\"delta\":{\"content\":\"\",\"reasoning_content\":null},\"logprobs\":null,"
                            "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":3,"
                            "\"total_tokens\":12,\"prompt_tokens_details\":{\"cached_tokens\":0},"
                            "\"completion_tokens_details\":{\"reasoning_tokens\":1},\"prompt_cache_hit_tokens\":0,"
                            "\"prompt_cache_miss_tokens\":9}}\n\n"));
    buf_free(&out);
    plan_free(&p);
}
END_TEST

START_TEST(beats_join_to_the_whole)
{
    struct plan p = plan_of(API_CHAT, HELLO, "", 50);
    static const enum beat_kind kinds[] = {BEAT_REASONING, BEAT_CONTENT};
    for (size_t k = 0; k < 2; k++) {
        struct buf joined = {0}, whole = {0};
        for (unsigned i = 0; i < plan_beats(&p); i++)
            if (plan_beat(&p, i).kind == kinds[k]) plan_text(&p, plan_beat(&p, i), &joined);
        plan_whole_text(&p, kinds[k], 0, &whole);
        ck_assert(buf_len(&whole) > 0 && text_eq(buf_text(&joined), buf_text(&whole)));
        buf_free(&joined);
        buf_free(&whole);
    }
    plan_free(&p);
}
END_TEST

/* ---- tools ---- */

START_TEST(arguments_follow_the_schema)
{
    struct plan p = plan_of(API_CHAT, HELLO "," TOOLS, "", 4);
    const struct tool_call *t = &p.calls[0];
    struct text args = buf_text(&t->arguments), value;
    check_json(args);
    ck_assert_str_eq(t->name, "\"wea\\u0074her\""); /* as it was sent */
    ck_assert_int_eq(json_get(args, TEXT("city"), &value), JSON_STRING);
    ck_assert_int_eq(json_get(args, TEXT("n"), &value), JSON_NUMBER);
    ck_assert_int_eq(json_get(args, TEXT("x"), &value), JSON_NUMBER);
    ck_assert_int_eq(json_get(args, TEXT("list"), &value), JSON_ARRAY);
    ck_assert_int_eq(json_get(args, TEXT("in"), &value), JSON_OBJECT);
    ck_assert_int_eq(json_get(value, TEXT("z"), &value), JSON_NULL);
    ck_assert_int_eq(json_get(args, TEXT("unit"), &value), JSON_STRING);
    ck_assert(text_is(value, "\"C\"") || text_is(value, "\"F\""));
    plan_free(&p);
}
END_TEST

START_TEST(pieces_of_arguments_join_and_are_whole_characters)
{
    for (unsigned seed = 0; seed < 20; seed++) {
        char more[2048];
        struct buf joined = {0};
        snprintf(more, sizeof more, HELLO "," TOOLS ",\"x\":%u", seed);
        struct plan p = plan_of(API_CHAT, more, "", 4);
        const struct tool_call *t = &p.calls[0];
        for (unsigned i = 0; i < tool_call_pieces(t); i++) {
            struct text piece = tool_call_piece(t, i);
            ck_assert(piece.n == 0 || ((unsigned char)piece.p[0] & 0xC0) != 0x80);
            buf_add(&joined, piece);
        }
        ck_assert(text_eq(buf_text(&joined), buf_text(&t->arguments)));
        buf_free(&joined);
        plan_free(&p);
    }
}
END_TEST

START_TEST(a_schema_nested_too_deeply_ends)
{
    struct buf more = {0};
    BUF_ADD(&more, HELLO ",\"tool_choice\":\"required\",\"tools\":[{\"function\":{\"name\":\"f\",\"parameters\":");
    for (int i = 0; i < 30; i++)
        BUF_ADD(&more, "{\"type\":\"object\",\"properties\":{\"a\":");
    BUF_ADD(&more, "{}");
    for (int i = 0; i < 30; i++)
        BUF_ADD(&more, "}}");
    BUF_ADD(&more, "}}]\0");
    struct plan p = plan_of(API_CHAT, more.data, "", 4);
    ck_assert(text_is(buf_text(&p.calls[0].arguments), "{\"a\": {\"a\": {\"a\": {\"a\": {\"a\": {}}}}}}"));
    plan_free(&p);
    buf_free(&more);
}
END_TEST

START_TEST(the_named_tool_is_called)
{
    struct plan p = plan_of(API_CHAT,
                            HELLO ",\"tools\":[{\"function\":{\"name\":\"a\"}},{\"function\":{\"name\":\"b\"}}],"
                                  "\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"b\"}}",
                            "", 4);
    ck_assert_str_eq(p.calls[0].name, "\"b\"");
    plan_free(&p);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, beats_come_in_order, 0, COUNT(plans));
    tcase_add_loop_test(tests, positions_count_beats, 0, COUNT(positions));
    tcase_add_test(tests, huge_answers_have_long_beats);
    tcase_add_loop_test(tests, every_event_is_json, 0, COUNT(dialects));
    tcase_add_test(tests, the_first_and_last_chunk_of_a_chat_to_the_byte);
    tcase_add_test(tests, beats_join_to_the_whole);
    tcase_add_test(tests, a_random_position_is_inside_the_stream_and_anywhere_there);
    tcase_add_test(tests, tokens_of_all_beats_are_the_completion);
    tcase_add_test(tests, choices_take_turns_and_each_has_its_own_text);
    tcase_add_test(tests, arguments_follow_the_schema);
    tcase_add_test(tests, pieces_of_arguments_join_and_are_whole_characters);
    tcase_add_test(tests, a_schema_nested_too_deeply_ends);
    tcase_add_test(tests, the_named_tool_is_called);
}

TEST_MAIN_ADDING("sim_answer", add_tests)
