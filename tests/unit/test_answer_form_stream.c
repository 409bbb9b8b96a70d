/* Streams that are made of plain answers, event by event, and the chunk of a stream that has only usage. */
#include "../suite.h"
#include "dsgate/llm/answer_form.h"

#define CHUNK(choices, more) \
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"choices\":[" choices "]" more "}\n\n"
#define SAYS(delta, logprobs) "{\"index\":0,\"delta\":" delta ",\"logprobs\":" logprobs ",\"finish_reason\":null}"
#define ENDS                  "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\",\"y\":2}"
#define EVENT(name, more)     "event: " name "\ndata: {\"type\":\"" name "\"" more "}\n\n"
#define NULL_USAGE            ",\"usage\":null"
#define DONE                  "data: [DONE]\n\n"

/* ---- messages ---- */

#define MESSAGE \
    "{\"id\":\"m\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"s\"}," \
    "{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{\"a\":\"\\n\"}},{\"type\":\"text\",\"text\":\"\"}]," \
    "\"stop_reason\":\"end_turn\",\"stop_sequence\":null,\"usage\":{\"input_tokens\":2,\"output_tokens\":1}}"
#define OPEN(index, block) EVENT("content_block_start", ",\"index\":" index ",\"content_block\":" block)
#define FILL(index, delta) EVENT("content_block_delta", ",\"index\":" index ",\"delta\":" delta)
#define CLOSE(index)       EVENT("content_block_stop", ",\"index\":" index)

/* clang-format off */
static const char message_events[] =
    EVENT("message_start", ",\"message\":{\"id\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,"
                           "\"usage\":{\"input_tokens\":2,\"output_tokens\":0}}")
    OPEN("0", "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
    FILL("0", "{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}")
    FILL("0", "{\"type\":\"signature_delta\",\"signature\":\"s\"}")
    CLOSE("0")
    OPEN("1", "{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{}}")
    FILL("1", "{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\\\"\\\\n\\\"}\"}")
    CLOSE("1")
    OPEN("2", "{\"type\":\"text\",\"text\":\"\"}")
    CLOSE("2")
    EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
                           "\"usage\":{\"input_tokens\":2,\"output_tokens\":1}")
    EVENT("message_stop", "");
/* clang-format on */

/* ---- responses ---- */

#define NUMBERED(name, number, more) EVENT("response." name, ",\"sequence_number\":" number more)
#define OUTPUT(index)                ",\"output_index\":" index
#define INNER(id, index)             ",\"item_id\":\"" id "\"" OUTPUT(index)
#define PART(index)                  INNER("m", "0") ",\"content_index\":" index

#define SPOKEN          "{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[7]}"
#define SAID            "{\"type\":\"message\",\"id\":\"m\",\"status\":\"completed\",\"content\":[" SPOKEN "]}"
#define CALL(arguments) "{\"type\":\"function_call\",\"id\":\"f\",\"name\":\"n\",\"arguments\":\"" arguments "\"}"
#define COMPLETED       "{\"id\":\"r\",\"status\":\"completed\",\"output\":[" SAID "," CALL("{}") "],\"usage\":{}}"
#define BEGINS          ",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[],\"usage\":null}"

/* clang-format off */
static const char completed_events[] =
    NUMBERED("created", "0", BEGINS)
    NUMBERED("in_progress", "1", BEGINS)
    NUMBERED("output_item.added", "2", OUTPUT("0")
             ",\"item\":{\"type\":\"message\",\"id\":\"m\",\"status\":\"in_progress\",\"content\":[]}")
    NUMBERED("content_part.added", "3", PART("0")
             ",\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}")
    NUMBERED("output_text.delta", "4", PART("0") ",\"delta\":\"Hi\",\"logprobs\":[]")
    NUMBERED("output_text.annotation.added", "5", PART("0") ",\"annotation_index\":0,\"annotation\":7")
    NUMBERED("output_text.done", "6", PART("0") ",\"text\":\"Hi\",\"logprobs\":[]")
    NUMBERED("content_part.done", "7", PART("0") ",\"part\":" SPOKEN)
    NUMBERED("output_item.done", "8", OUTPUT("0") ",\"item\":" SAID)
    NUMBERED("output_item.added", "9", OUTPUT("1") ",\"item\":" CALL(""))
    NUMBERED("function_call_arguments.delta", "10", INNER("f", "1") ",\"delta\":\"{}\"")
    NUMBERED("function_call_arguments.done", "11", INNER("f", "1") ",\"name\":\"n\",\"arguments\":\"{}\"")
    NUMBERED("output_item.done", "12", OUTPUT("1") ",\"item\":" CALL("{}"))
    NUMBERED("completed", "13", ",\"response\":" COMPLETED);
/* clang-format on */

/* What there is nothing to say of is not said. */
#define NO_TEXT    "{\"type\":\"output_text\",\"text\":null}"
#define NO_REFUSAL "{\"type\":\"refusal\",\"refusal\":\"\",\"annotations\":null}"
#define PARTS      "{\"type\":\"message\",\"id\":\"m\",\"content\":[" NO_TEXT "," NO_REFUSAL "]}"
#define CUSTOM(i)  "{\"type\":\"custom_tool_call\",\"id\":\"c\",\"input\":\"" i "\"}"
#define MCP        "{\"type\":\"mcp_call\",\"id\":\"p\",\"name\":\"n\",\"arguments\":\"\"}"
#define NOT_FILLED "{\"type\":\"function_call\",\"arguments\":null}"
#define INCOMPLETE \
    "{\"id\":\"r\",\"status\":\"incomplete\",\"completed_at\":5,\"output\":[" PARTS \
    "," CUSTOM("i") "," MCP "," NOT_FILLED "]}"
#define IN_PROGRESS ",\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"completed_at\":null,\"output\":[]}"

/* clang-format off */
static const char incomplete_events[] =
    NUMBERED("created", "0", IN_PROGRESS)
    NUMBERED("in_progress", "1", IN_PROGRESS)
    NUMBERED("output_item.added", "2", OUTPUT("0") ",\"item\":{\"type\":\"message\",\"id\":\"m\",\"content\":[]}")
    NUMBERED("content_part.added", "3", PART("0") ",\"part\":" NO_TEXT)
    NUMBERED("content_part.done", "4", PART("0") ",\"part\":" NO_TEXT)
    NUMBERED("content_part.added", "5", PART("1") ",\"part\":" NO_REFUSAL)
    NUMBERED("refusal.done", "6", PART("1") ",\"refusal\":\"\"")
    NUMBERED("content_part.done", "7", PART("1") ",\"part\":" NO_REFUSAL)
    NUMBERED("output_item.done", "8", OUTPUT("0") ",\"item\":" PARTS)
    NUMBERED("output_item.added", "9", OUTPUT("1") ",\"item\":" CUSTOM(""))
    NUMBERED("custom_tool_call_input.delta", "10", INNER("c", "1") ",\"delta\":\"i\"")
    NUMBERED("custom_tool_call_input.done", "11", INNER("c", "1") ",\"input\":\"i\"")
    NUMBERED("output_item.done", "12", OUTPUT("1") ",\"item\":" CUSTOM("i"))
    NUMBERED("output_item.added", "13", OUTPUT("2") ",\"item\":" MCP)
    NUMBERED("mcp_call_arguments.done", "14", INNER("p", "2") ",\"name\":\"n\",\"arguments\":\"\"")
    NUMBERED("output_item.done", "15", OUTPUT("2") ",\"item\":" MCP)
    NUMBERED("output_item.added", "16", OUTPUT("3") ",\"item\":" NOT_FILLED)
    NUMBERED("output_item.done", "17", OUTPUT("3") ",\"item\":" NOT_FILLED)
    NUMBERED("incomplete", "18", ",\"response\":" INCOMPLETE);
/* clang-format on */

/* ---- all families ---- */

static const struct made {
    enum endpoint_family family;
    bool usage;
    const char *plain, *stream;
} made[] = {
    {FAMILY_CHAT, true,
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"x\":1,\"choices\":[{\"index\":0,\"message\":{"
     "\"role\":"
     "\"assistant\",\"content\":\"Hi\",\"z\":3,\"reasoning_content\":\"Hm\",\"tool_calls\":[{\"id\":\"t\"}]},"
     "\"logprobs\":"
     "[],\"finish_reason\":\"stop\",\"y\":2}],\"usage\":{\"n\":1}}",
     CHUNK(SAYS("{\"role\":\"assistant\",\"content\":\"\",\"z\":3}", "null"), NULL_USAGE ",\"x\":1")
         CHUNK(SAYS("{\"reasoning_content\":\"Hm\"}", "null"), NULL_USAGE)
             CHUNK(SAYS("{\"content\":\"Hi\"}", "[]"), NULL_USAGE)
                 CHUNK(SAYS("{\"tool_calls\":[{\"index\":0,\"id\":\"t\"}]}", "null"), NULL_USAGE)
                     CHUNK(ENDS, NULL_USAGE) CHUNK("", ",\"usage\":{\"n\":1}") DONE},
    {FAMILY_CHAT, false,
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"choices\":[{\"message\":{\"role\":\"assistant\","
     "\"content\":null},\"finish_reason\":\"stop\",\"y\":2}],\"usage\":{\"n\":1}}",
     CHUNK(SAYS("{\"role\":\"assistant\",\"content\":null}", "null"), "") CHUNK(ENDS, "") DONE},
    {FAMILY_CHAT, true,
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"choices\":[{\"message\":{\"role\":\"assistant\","
     "\"content\":null},\"finish_reason\":\"stop\",\"y\":2}]}",
     CHUNK(SAYS("{\"role\":\"assistant\",\"content\":null}", "null"), "") CHUNK(ENDS, "") DONE},
    {FAMILY_CHAT, true,
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"created\":1,\"choices\":[{\"message\":{\"role\":\"assistant\","
     "\"content\":null},\"finish_reason\":\"stop\",\"y\":2}],\"usage\":null}",
     CHUNK(SAYS("{\"role\":\"assistant\",\"content\":null}", "null"), NULL_USAGE) CHUNK(ENDS, NULL_USAGE) DONE},
    {FAMILY_COMPLETION, true,
     "{\"choices\":[{\"text\":\"Hi\",\"logprobs\":{},\"finish_reason\":\"stop\"}],\"usage\":{}}",
     "data: {\"choices\":[{\"index\":0,\"text\":\"Hi\",\"logprobs\":{},\"finish_reason\":null}],\"usage\":null}\n\n"
     "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
     "data: {\"choices\":[],\"usage\":{}}\n\n" DONE},
    {FAMILY_MESSAGES, false, MESSAGE, message_events},
    {FAMILY_RESPONSES, false, COMPLETED, completed_events},
    {FAMILY_RESPONSES, false, INCOMPLETE, incomplete_events},
};

START_TEST(streams_have_every_event_that_clients_expect)
{
    struct buf out = {0};
    BUF_ADD(&out, "before");
    ck_assert(answer_to_stream(&out, made[_i].family, text_of(made[_i].plain), made[_i].usage));
    ck_assert(text_starts(buf_text(&out), TEXT("before")));
    buf_consume(&out, strlen("before"));
    buf_add_byte(&out, '\0');
    ck_assert_str_eq(out.data + out.head, made[_i].stream);
    buf_free(&out);
}
END_TEST

/* ---- the chunk that has only usage ---- */

static const struct {
    enum endpoint_family family;
    const char *data;
    bool usage_only;
} events[] = {
    {FAMILY_CHAT, "{\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}", true},
    {FAMILY_COMPLETION, "{ \"choices\" : [ ] , \"usage\" : { } , \"obfuscation\":\"x\" }", true},
    {FAMILY_CHAT, "{\"choices\":[{\"index\":0,\"delta\":{}}],\"usage\":{\"prompt_tokens\":1}}", false},
    {FAMILY_CHAT, "{\"choices\":[],\"usage\":null}", false},
    {FAMILY_CHAT, "{\"choices\":[],\"prompt_filter_results\":[]}", false},
    {FAMILY_CHAT, "{\"usage\":{}}", false},
    {FAMILY_CHAT, "[DONE]", false},
    {FAMILY_CHAT, "", false},
    {FAMILY_MESSAGES, "{\"choices\":[],\"usage\":{}}", false},
    {FAMILY_RESPONSES, "{\"choices\":[],\"usage\":{}}", false},
    {FAMILY_EMBEDDING, "{\"choices\":[],\"usage\":{}}", false},
    {FAMILY_OPAQUE, "{\"choices\":[],\"usage\":{}}", false},
};

START_TEST(chunks_with_only_usage_are_known)
{
    ck_assert_msg(answer_is_usage_event(events[_i].family, text_of(events[_i].data)) == events[_i].usage_only, "%s",
                  events[_i].data);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, streams_have_every_event_that_clients_expect, 0, COUNT(made));
    tcase_add_loop_test(tests, chunks_with_only_usage_are_known, 0, COUNT(events));
}

TEST_MAIN_ADDING("answer_form_stream", add_tests)
