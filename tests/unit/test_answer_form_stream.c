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
    {FAMILY_COMPLETION, true,
     "{\"choices\":[{\"text\":\"Hi\",\"logprobs\":{},\"finish_reason\":\"stop\"}],\"usage\":{}}",
     "data: {\"choices\":[{\"index\":0,\"text\":\"Hi\",\"logprobs\":{},\"finish_reason\":null}],\"usage\":null}\n\n"
     "data: {\"choices\":[{\"index\":0,\"text\":\"\",\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}\n\n"
     "data: {\"choices\":[],\"usage\":{}}\n\n" DONE},
    {FAMILY_MESSAGES, false,
     "{\"id\":\"m\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"s\"},{\"type\":\"tool_"
     "use\","
     "\"id\":\"t\",\"input\":{\"a\":\"\\n\"}},{\"type\":\"text\",\"text\":\"\"}],\"stop_reason\":\"end_turn\","
     "\"usage\":{"
     "\"input_tokens\":2,\"output_tokens\":1}}",
     EVENT("message_start",
           ",\"message\":{\"id\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":2,"
           "\"output_tokens\":0}}")
         EVENT("content_block_start",
               ",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}")
             EVENT("content_block_delta", ",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}")
                 EVENT("content_block_delta",
                       ",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"s\"}")
                     EVENT("content_block_stop", ",\"index\":0") EVENT(
                         "content_block_start",
                         ",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"input\":{}}")
                         EVENT("content_block_delta",
                               ",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":"
                               "\\\"\\\\n\\\"}\"}") EVENT("content_block_stop", ",\"index\":1")
                             EVENT("content_block_start",
                                   ",\"index\":2,\"content_block\":{\"type\":\"text\",\"text\":\"\"}")
                                 EVENT("content_block_stop", ",\"index\":2")
                                     EVENT("message_delta",
                                           ",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":2,"
                                           "\"output_tokens\":1}") EVENT("message_stop", "")},
    {FAMILY_RESPONSES, false,
     "{\"id\":\"r\",\"status\":\"completed\",\"output\":[{\"type\":\"message\",\"id\":\"m\",\"status\":\"completed\","
     "\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[7]}]},{\"type\":\"function_call\",\"id\":"
     "\"f\",\"name\":\"n\",\"arguments\":\"{}\"}],\"usage\":{}}",
     EVENT("response.created",
           ",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"status\":\"in_progress\",\"output\":[],"
           "\"usage\":null}") EVENT("response.in_progress",
                                    ",\"sequence_number\":1,\"response\":{\"id\":\"r\",\"status\":\"in_progress\","
                                    "\"output\":[],\"usage\":null}")
         EVENT("response.output_item.added", ",\"sequence_number\":2,\"output_index\":0,\"item\":{\"type\":\"message\","
                                             "\"id\":\"m\",\"status\":\"in_progress\",\"content\":[]}")
             EVENT("response.content_part.added",
                   ",\"sequence_number\":3,\"item_id\":\"m\",\"output_index\":0,\"content_index\":"
                   "0,\"part\":{\"type\":\"output_text\",\"text\":\"\",\"annotations\":[]}")
                 EVENT("response.output_text.delta",
                       ",\"sequence_number\":4,\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,"
                       "\"delta\":\"Hi\",\"logprobs\":[]")
                     EVENT("response.output_text.annotation.added",
                           ",\"sequence_number\":5,\"item_id\":\"m\",\"output_index\":0,"
                           "\"content_index\":0,\"annotation_index\":0,\"annotation\":7")
                         EVENT("response.output_text.done",
                               ",\"sequence_number\":6,\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,"
                               "\"text\":\"Hi\",\"logprobs\":[]")
                             EVENT("response.content_part.done",
                                   ",\"sequence_number\":7,\"item_id\":\"m\",\"output_index\":0,\"content_index\":0,"
                                   "\"part\":{\"type\":\"output_text\",\"text\":\"Hi\",\"annotations\":[7]}")
                                 EVENT(
                                     "response.output_item.done",
                                     ",\"sequence_number\":8,\"output_index\":0,\"item\":{\"type\":\"message\",\"id\":"
                                     "\"m\",\"status\":\"completed\",\"content\":[{\"type\":\"output_text\",\"text\":"
                                     "\"Hi\",\"annotations\":[7]}]}")
                                     EVENT("response.output_item.added",
                                           ",\"sequence_number\":9,\"output_index\":1,\"item\":{\"type\":\"function_"
                                           "call\","
                                           "\"id\":\"f\",\"name\":\"n\",\"arguments\":\"\"}")
                                         EVENT("response.function_call_arguments.delta",
                                               ",\"sequence_number\":10,\"item_id\":\"f\",\"output_index\":1,"
                                               "\"delta\":\"{}\"")
                                             EVENT("response.function_call_arguments.done",
                                                   ",\"sequence_number\":11,\"item_id\":\"f\",\"output_index\":1,"
                                                   "\"name\":\"n\",\"arguments\":\"{}\"")
                                                 EVENT("response.output_item.done",
                                                       ",\"sequence_number\":12,\"output_index\":1,\"item\":{\"type\":"
                                                       "\"function_call\","
                                                       "\"id\":\"f\",\"name\":\"n\",\"arguments\":\"{}\"}")
                                                     EVENT("response.completed",
                                                           ",\"sequence_number\":13,\"response\":{\"id\":\"r\","
                                                           "\"status\":\"completed\",\"output\":[{"
                                                           "\"type\":\"message\",\"id\":\"m\",\"status\":\"completed\","
                                                           "\"content\":[{\"type\":"
                                                           "\"output_text\",\"text\":\"Hi\",\"annotations\":[7]}]},{"
                                                           "\"type\":\"function_call\","
                                                           "\"id\":\"f\",\"name\":\"n\",\"arguments\":\"{}\"}],"
                                                           "\"usage\":{}}")},
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
