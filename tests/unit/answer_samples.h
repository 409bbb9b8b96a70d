/* answer_samples.h - answers as vendors send them. What is to be read of each is written as one line: flags, finish,
 * then prompt/completion/cached/reasoning tokens ("-" when unknown).
 */
#ifndef DSGATE_TESTS_ANSWER_SAMPLES_H
#define DSGATE_TESTS_ANSWER_SAMPLES_H

#include "dsgate/llm/answer.h"

/* ---- streams ---- */

#define DS(choices, more)                                                                                              \
    "data: "                                                                                                           \
    "{\"id\":\"945b\",\"object\":\"chat.completion.chunk\",\"created\":1764660903,\"model\":\"deepseek-v4-pro\","      \
    "\"system_fingerprint\":\"fp_eaab8d114b\",\"choices\":[" choices "]" more "}\n\n"
#define DELTA(delta)        "{\"index\":0,\"delta\":" delta ",\"logprobs\":null,\"finish_reason\":null}"
#define LAST(delta, finish) "{\"index\":0,\"delta\":" delta ",\"logprobs\":null,\"finish_reason\":\"" finish "\"}"
#define DONE                "data: [DONE]\n\n"

static const struct sample {
    const char *name;
    enum endpoint_family family;
    const char *bytes, *facts;
} streams[] = {
    {"deepseek: role only", FAMILY_CHAT, DS(DELTA("{\"role\":\"assistant\",\"content\":\"\"}"), ""), "none -"},
    {"deepseek: thinking mode, role only", FAMILY_CHAT,
     DS(DELTA("{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"}"), ",\"usage\":null"), "none -"},
    {"deepseek: thinking", FAMILY_CHAT, DS(DELTA("{\"content\":null,\"reasoning_content\":\"Hm\"}"), ""),
     "token none -"},
    {"deepseek: usage on the last chunk", FAMILY_CHAT,
     DS(DELTA("{\"role\":\"assistant\",\"content\":\"\"}"), "") DS(DELTA("{\"content\":\"Hi\"}"), "") DS(
         LAST("{\"content\":\"\"}", "stop"),
         ",\"usage\":{\"prompt_tokens\":18,\"completion_tokens\":345,\"total_tokens\":363,\"prompt_tokens_details\":{"
         "\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":315},\"prompt_cache_hit_tokens\":16,"
         "\"prompt_cache_miss_tokens\":2}") DONE,
     "token done stop 18/345/16/315"},
    {"ark: usage in its own chunk, null before", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), ",\"usage\":null") DS(LAST("{}", "length"), ",\"usage\":null")
         DS("", ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2,\"total_tokens\":9}") DONE,
     "token done length 7/2/0/0"},
    {"white space as python's json writes it", FAMILY_CHAT,
     "data: {\"id\": \"1\", \"choices\": [{\"index\": 0, \"delta\": {\"content\": \"Hi\"}, \"finish_reason\": null}], "
     "\"usage\": null}\n\n"
     "data: {\"id\": \"1\", \"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}], "
     "\"usage\" :\t{\"prompt_tokens\": 3, \"completion_tokens\": 1}}\n\n" DONE,
     "token done stop 3/1/0/0"},
    {"vllm: reasoning", FAMILY_CHAT, DS(DELTA("{\"reasoning\":\"Hm\"}"), ""), "token none -"},
    {"refusal", FAMILY_CHAT, DS(DELTA("{\"refusal\":\"No.\"}"), ""), "token none -"},
    {"tool call", FAMILY_CHAT,
     DS(DELTA("{\"tool_calls\":[{\"index\":0,\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\","
              "\"arguments\":"
              "\"\"}}]}"),
        "") DS(LAST("{}", "tool_calls"), "") DONE,
     "token done tool_calls -"},
    {"no tool calls", FAMILY_CHAT,
     DS(DELTA("{\"content\":null,\"tool_calls\":[],\"function_call\":null,\"audio\":{}}"), ""), "none -"},
    {"old function call", FAMILY_CHAT, DS(LAST("{\"function_call\":{\"name\":\"f\"}}", "function_call"), ""),
     "token tool_calls -"},
    {"overloaded", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), "") DS(LAST("{}", "insufficient_system_resource"), "") DONE,
     "token done insufficient_system_resource -"},
    {"aborted", FAMILY_CHAT, DS(LAST("{\"content\":\"\"}", "aborted"), ""), "aborted -"},
    {"vllm: abort", FAMILY_CHAT, DS(DELTA("{\"content\":\"Hi\"}"), "") DS(LAST("{}", "abort"), ""), "token aborted -"},
    {"siliconflow: eos", FAMILY_CHAT, DS(LAST("{\"content\":\"Hi\"}", "eos"), ""), "token stop -"},
    {"filter", FAMILY_CHAT, DS(LAST("{\"content\":\"Hi\"}", "content_filter"), ""), "token content_filter -"},
    {"an empty finish_reason is none", FAMILY_CHAT, DS(LAST("{\"content\":\"Hi\"}", ""), ""), "token none -"},
    {"a new finish_reason", FAMILY_CHAT, DS(LAST("{\"content\":\"Hi\"}", "bored"), ""), "token other -"},
    {"of two choices the worse counts", FAMILY_CHAT,
     DS(LAST("{\"content\":\"a\"}", "aborted") "," LAST("{\"content\":\"b\"}", "stop"), ""), "token aborted -"},
    {"openrouter: late error", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), "")
         DS(LAST("{\"content\":\"\"}", "error"), ",\"error\":{\"code\":502,\"message\":\"Provider disconnected\"}"),
     "token error error -"},
    {"error null", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), ",\"error\":null") DS(DELTA("{}"), ",\"error\": null"), "token none -"},
    {"vllm: error, then DONE", FAMILY_CHAT,
     "data: {\"error\": {\"object\": \"error\", \"message\": \"engine died\", \"type\": \"InternalServerError\", "
     "\"code\": "
     "500}}\n\n" DONE,
     "error done none -"},
    {"error after tokens", FAMILY_CHAT, DS(DELTA("{\"content\":\"Hi\"}"), "") "data: {\"error\":\"x\"}\n\n",
     "token error none -"},
    {"flat error after tokens", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), "") "data: {\"code\":336501,\"msg\":\"rpm\"}\n\n", "token error none -"},
    {"sglang's error after tokens", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), "") "data: {\"object\" : \"error\", \"message\":\"x\"}\n\n",
     "token error none -"},
    {"an error by its type, after tokens", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), "") "data: {\"type\":\"error\",\"message\":\"x\"}\n\n", "token error none -"},
    {"a string after tokens", FAMILY_CHAT, DS(DELTA("{\"content\":\"Hi\"}"), "") "data: \"Internal Server Error\"\n\n",
     "token error none -"},
    {"words in the text are no signs", FAMILY_CHAT,
     DS(DELTA("{\"content\":\"Hi\"}"), "") DS(DELTA("{\"content\":\"{\\\"usage\\\":{\\\"prompt_tokens\\\":1},"
                                                    "\\\"error\\\":1,\\\"finish_reason\\\":\\\"x\\\"}\"}"),
                                              ""),
     "token none -"},
    {"garbage is passed over", FAMILY_CHAT, "data: {\"choices\":\n\ndata: x\n\ndata: {}\n\ndata: []\n\ndata: 7\n\n",
     "none -"},
    {"DONE with spaces", FAMILY_CHAT, "data:  [DONE] \n\n", "done none -"},
    {"not DONE", FAMILY_CHAT, "data: [DONE]]\n\ndata: [\n\n", "none -"},
    {"fim", FAMILY_COMPLETION,
     "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":\"\",\"index\":0,\"finish_reason\":null}]}\n\n",
     "none -"},
    {"fim text", FAMILY_COMPLETION,
     "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":\"a\",\"index\":0,\"finish_reason\":null}]}\n\n"
     "data: {\"object\":\"text_completion\",\"choices\":[{\"text\":\"\",\"index\":0,\"finish_reason\":\"length\"}],"
     "\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\n" DONE,
     "token done length 5/1/0/0"},
    {"opaque", FAMILY_OPAQUE, DS(LAST("{\"content\":\"Hi\"}", "stop"), ""), "none -"},

    {"anthropic: nothing yet", FAMILY_MESSAGES,
     "event: message_start\ndata: "
     "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":"
     "\"assistant\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":90,"
     "\"cache_creation_input_tokens\":5,\"output_tokens\":1}}}\n\n"
     "event: content_block_start\ndata: "
     "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\","
     "\"text\":\"\"}}\n\n"
     "event: ping\ndata: {\"type\":\"ping\"}\n\n",
     "none 105/1/90/0"},
    {"anthropic: a whole stream", FAMILY_MESSAGES,
     "event: message_start\ndata: "
     "{\"type\":\"message_start\",\"message\":{\"type\":\"message\",\"content\":[],\"stop_reason\":"
     "null,\"usage\":{\"input_tokens\":10,\"cache_read_input_tokens\":90,\"output_tokens\":1}}}\n\n"
     "event: content_block_delta\ndata: "
     "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\","
     "\"text\":\"Hi\"}}\n\n"
     "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
     "event: message_delta\ndata: "
     "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},"
     "\"usage\":{\"output_tokens\":15}}\n\n"
     "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
     "token done stop 100/15/90/0"},
    {"anthropic: later input counts replace", FAMILY_MESSAGES,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1}}}\n\n"
     "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":{"
     "\"input_tokens\":20,\"cache_read_input_tokens\":4,\"output_tokens\":2}}\n\n",
     "length 24/2/4/0"},
    {"anthropic: cached input told before", FAMILY_MESSAGES,
     "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,"
     "\"cache_read_input_tokens\":9}}}\n\n"
     "event: message_delta\ndata: "
     "{\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"input_tokens\":2,\"output_tokens\":3}}\n\n",
     "none 11/3/9/0"},
    {"anthropic: thinking", FAMILY_MESSAGES,
     "event: content_block_delta\ndata: "
     "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":"
     "\"Hm\"}}\n\n",
     "token none -"},
    {"anthropic: a signature is no token", FAMILY_MESSAGES,
     "event: content_block_delta\ndata: "
     "{\"type\":\"content_block_delta\",\"delta\":{\"type\":\"signature_delta\",\"signature\":"
     "\"abc\"}}\n\n",
     "none -"},
    {"anthropic: a tool", FAMILY_MESSAGES,
     "event: content_block_start\ndata: "
     "{\"type\":\"content_block_start\",\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\","
     "\"name\":\"f\",\"input\":{}}}\n\n"
     "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n",
     "token tool_calls -"},
    {"anthropic: a tool's arguments, no event names", FAMILY_MESSAGES,
     "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\"}}\n\n"
     "data: {\"type\":\"message_stop\"}\n\n",
     "token done none -"},
    {"anthropic: refusal", FAMILY_MESSAGES,
     "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}\n\n",
     "content_filter -"},
    {"anthropic: error", FAMILY_MESSAGES,
     "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"Hi\"}}\n\n"
     "event: error\ndata: "
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
     "token error none -"},

    {"responses: a whole stream", FAMILY_RESPONSES,
     "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"object\":\"response\",\"status\":"
     "\"in_progress\",\"error\":null,\"output\":[],\"usage\":null}}\n\n"
     "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\n\n"
     "event: response.completed\ndata: "
     "{\"type\":\"response.completed\",\"response\":{\"object\":\"response\",\"status\":"
     "\"completed\",\"error\":null,\"incomplete_details\":null,\"output\":[],\"usage\":{\"input_tokens\":30,"
     "\"input_tokens_details\":{\"cached_tokens\":12},\"output_tokens\":9,\"output_tokens_details\":{\"reasoning_"
     "tokens\":4},"
     "\"total_tokens\":39}}}\n\n",
     "token done stop 30/9/12/4"},
    {"responses: nothing yet", FAMILY_RESPONSES,
     "event: response.created\ndata: "
     "{\"type\":\"response.created\",\"response\":{\"status\":\"in_progress\",\"error\":null}}\n\n"
     "event: response.output_item.added\ndata: "
     "{\"type\":\"response.output_item.added\",\"item\":{\"type\":\"message\"}}\n\n"
     "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"delta\":\"\"}\n\n",
     "none -"},
    {"responses: incomplete", FAMILY_RESPONSES,
     "event: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\","
     "\"incomplete_details\":{\"reason\":\"max_output_tokens\"}}}\n\n",
     "done length -"},
    {"responses: filtered", FAMILY_RESPONSES,
     "data: "
     "{\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{\"reason\":"
     "\"content_filter\"}}}\n\n",
     "done content_filter -"},
    {"responses: failed", FAMILY_RESPONSES,
     "event: response.function_call_arguments.delta\ndata: "
     "{\"type\":\"response.function_call_arguments.delta\",\"delta\":\"{\"}\n\n"
     "event: response.failed\ndata: "
     "{\"type\":\"response.failed\",\"response\":{\"status\":\"failed\",\"error\":{\"code\":"
     "\"server_error\",\"message\":\"x\"},\"usage\":null}}\n\n",
     "token error done error -"},
    {"responses: error", FAMILY_RESPONSES,
     "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"x\",\"param\":null}\n\n",
     "error none -"},
};

/* ---- whole answers ---- */

static const struct sample bodies[] = {
    {"deepseek", FAMILY_CHAT,
     "\n\n\n{\"id\":\"945bb10c\",\"object\":\"chat.completion\",\"created\":1764660903,\"model\":\"deepseek-v4-pro\","
     "\"choices\":[{"
     "\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi\",\"reasoning_content\":\"Hm\"},\"logprobs\":"
     "null,"
     "\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":18,\"completion_tokens\":345,\"total_tokens\":363,"
     "\"prompt_tokens_details\":{\"cached_tokens\":0},\"completion_tokens_details\":{\"reasoning_tokens\":315},"
     "\"prompt_cache_hit_tokens\":0,\"prompt_cache_miss_tokens\":18},\"system_fingerprint\":\"fp\"}",
     "token stop 18/345/0/315"},
    {"empty content", FAMILY_CHAT,
     "{\"choices\":[{\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\"}]}", "stop -"},
    {"no choices", FAMILY_CHAT, "{\"choices\":[],\"usage\":{\"prompt_tokens\":1}}", "none 1/0/0/0"},
    {"failed under 200", FAMILY_CHAT,
     "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"insufficient_system_resource\"}]}",
     "token insufficient_system_resource -"},
    {"wrong types", FAMILY_CHAT,
     "{\"choices\":[7,null,{\"message\":\"x\",\"delta\":[1],\"finish_reason\":5,\"text\":null}],\"usage\":[1],"
     "\"error\":false}",
     "none -"},
    {"choices is no array", FAMILY_CHAT, "{\"choices\":{\"message\":{\"content\":\"a\"}}}", "none -"},
    {"fim", FAMILY_COMPLETION,
     "{\"object\":\"text_completion\",\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}]}", "token stop -"},
    {"embedding", FAMILY_EMBEDDING,
     "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"embedding\":[0.1]}],\"usage\":{\"prompt_tokens\":8,"
     "\"total_tokens\":8}}",
     "token none 8/0/0/0"},
    {"anthropic", FAMILY_MESSAGES,
     "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"Hi\"}],"
     "\"stop_reason\":\"end_turn\",\"usage\":{\"input_tokens\":12,\"cache_creation_input_tokens\":3,\"cache_read_input_"
     "tokens\":"
     "20,\"output_tokens\":6}}",
     "token stop 35/6/20/0"},
    {"anthropic: empty", FAMILY_MESSAGES,
     "{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":\"\"}],\"stop_reason\":\"end_turn\"}", "stop -"},
    {"anthropic: count_tokens", FAMILY_MESSAGES, "{\"input_tokens\":2095}", "token none -"},
    {"responses", FAMILY_RESPONSES,
     "{\"id\":\"resp_1\",\"object\":\"response\",\"status\":\"completed\",\"error\":null,\"output\":[{\"type\":"
     "\"message\","
     "\"content\":[{\"type\":\"output_text\",\"text\":\"Hi\"}]}],\"usage\":{\"input_tokens\":3,\"output_tokens\":2}}",
     "token stop 3/2/0/0"},
    {"responses: a tool call", FAMILY_RESPONSES,
     "{\"status\":\"completed\",\"output\":[{\"type\":\"function_call\",\"name\":\"f\",\"arguments\":\"{}\"}]}",
     "token stop -"},
    {"responses: empty", FAMILY_RESPONSES,
     "{\"status\":\"incomplete\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"output_text\",\"text\":"
     "\"\"}]}]}",
     "length -"},
    {"responses: failed", FAMILY_RESPONSES,
     "{\"status\":\"failed\",\"error\":{\"code\":\"server_error\"},\"output\":[]}", "error error -"},

    {"openai's error", FAMILY_CHAT,
     "{\"error\":{\"message\":\"x\",\"type\":\"rate_limit_error\",\"param\":null,\"code\":\"rate_limit_error\"}}",
     "error none -"},
    {"integer code", FAMILY_CHAT, "{\"error\":{\"code\":429,\"message\":\"x\"},\"user_id\":\"u\"}", "error none -"},
    {"string error", FAMILY_CHAT, "{\"error\":\"Unauthorized\"}", "error none -"},
    {"siliconflow", FAMILY_CHAT, "{\"code\":50508,\"message\":\"System is too busy now.\",\"data\":null}",
     "error none -"},
    {"siliconflow's bare string", FAMILY_CHAT, "\"404 page not found\"", "error none -"},
    {"sglang", FAMILY_CHAT,
     "{\"object\":\"error\",\"message\":\"x\",\"type\":\"BadRequest\",\"param\":null,\"code\":400}", "error none -"},
    {"sglang without a code", FAMILY_CHAT, "{\"object\": \"error\", \"message\": \"x\"}", "error none -"},
    {"huawei", FAMILY_CHAT, "{\"error_code\":\"ModelArts.81101\",\"error_msg\":\"x\"}", "error none -"},
    {"qianfan under 200", FAMILY_CHAT, "{\"code\":336501,\"msg\":\"Rate limit reached\"}", "error none -"},
    {"qianfan, older", FAMILY_CHAT, "{\"error_code\":17,\"error_msg\":\"Open api daily request limit reached\"}",
     "error none -"},
    {"anthropic's error", FAMILY_MESSAGES,
     "{\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}", "error none -"},
    {"openai's error for messages", FAMILY_MESSAGES, "{\"error\":{\"message\":\"x\"}}", "error none -"},
    {"error for embeddings", FAMILY_EMBEDDING, "{\"code\":20012,\"message\":\"x\",\"data\":null}", "error none -"},
    {"an answer with a code is an answer", FAMILY_CHAT,
     "{\"code\":0,\"message\":\"ok\",\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\"}]}",
     "token stop -"},
    {"empty errors are none", FAMILY_CHAT, "{\"error\":\"\",\"choices\":[]}", "none -"},
    {"a code alone", FAMILY_CHAT, "{\"code\":1}", "none -"},

    /* the walk through an answer */
    {"white space everywhere", FAMILY_CHAT,
     " \r\n{\t\"choices\" : [ { \"message\" : { \"content\" : \"Hi\" } , \"finish_reason\" : \"stop\" } ] ,\n"
     "\"usage\" : { \"prompt_tokens\" : 1\r, \"prompt_tokens_details\" : { \"cached_tokens\" : 1\n} , "
     "\"completion_tokens\" : 2\t} }",
     "token stop 1/2/1/0"},
    {"only white space inside", FAMILY_CHAT,
     "{\"choices\":[ { \"message\" : { \"content\" : [ ] , \"audio\" : { } } } , [ ] , { } ],\"usage\":{ }}", "none -"},
    {"brackets, quotes and backslashes in strings", FAMILY_CHAT,
     "{\"id\":\"}],\\\"\",\"choices\":[{\"message\":{\"content\":\"\\\\\\\"}]}\\\\\",\"role\":\"{[\\\\\"},"
     "\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":1}}",
     "token length 1/0/0/0"},
    {"odd keys", FAMILY_CHAT,
     "{\"\":1,\"\\\"\":\"\\\\\",\"usage\\\\\":2,\"choices\":[{\"\":{},\"a\\\"finish_reason\":\"abort\",\"text\":\"a\","
     "\"finish_reason\":\"stop\"}]}",
     "token stop -"},
    {"unknown containers are passed whole", FAMILY_CHAT,
     "{\"x\":{\"usage\":{\"prompt_tokens\":9},\"error\":[{\"}\":\"]\"},[[]]]},"
     "\"choices\":[[{\"text\":\"a\"}],{\"logprobs\":{\"content\":[{\"token\":\"]}\",\"bytes\":[93,125],"
     "\"finish_reason\":\"abort\"}]},\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":1,\"x\":{\"completion_tokens\":9}}}",
     "stop 1/0/0/0"},
    {"an end told elsewhere is none", FAMILY_CHAT,
     "{\"finish_reason\":\"abort\",\"choices\":[{\"message\":{\"content\":\"a\",\"finish_reason\":\"error\"},"
     "\"finish_reason\":\"stop\"}]}",
     "token stop -"},
    {"of a whole answer's choices the worst end counts", FAMILY_CHAT,
     "{\"choices\":[{\"finish_reason\":\"stop\"},{\"finish_reason\":\"abort\"},{\"finish_reason\":null},"
     "{\"finish_reason\":\"length\"}]}",
     "aborted -"},
    {"members twice are both read", FAMILY_CHAT,
     "{\"choices\":[{\"text\":\"a\"}],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":3},"
     "\"choices\":[],\"usage\":{\"prompt_tokens\":2},\"error\":null,\"error\":{\"code\":1}}",
     "token error none 2/3/0/0"},
    {"not the type of an error", FAMILY_CHAT,
     "{\"type\":\"errors\",\"object\":\"error \",\"type\":\"\",\"object\":[\"error\"],\"type\":null}", "none -"},
    {"responses: the type comes last", FAMILY_RESPONSES,
     "{\"response\":{\"status\":\"completed\",\"usage\":{\"input_tokens\":1}},\"type\":\"response.completed\"}",
     "done stop 1/0/0/0"},
};

static const struct text invalid_bodies[] = {
    TEXT(""),
    TEXT(" \r\n"),
    TEXT("Authentication Fails"),
    TEXT("{\"error\":"),
    TEXT("{} {}"),
    TEXT("<html></html>"),
    TEXT("{\"error\":\"\xFF\"}"),
    TEXT("{\"choices\":[{\"text\":\"a\"}]"),
    TEXT("{'a':1}"),
    TEXT("\0"),
    TEXT("\xEF\xBB\xBF{\"error\":1}"),
};

/* ---- counts that make no sense ---- */

static const struct sample usages[] = {
    {"negative", FAMILY_CHAT, "{\"usage\":{\"prompt_tokens\":-1,\"completion_tokens\":2}}", "none 0/2/0/0"},
    {"absurd", FAMILY_CHAT, "{\"usage\":{\"prompt_tokens\":1000000001,\"completion_tokens\":1000000000}}",
     "none 0/1000000000/0/0"},
    {"huge", FAMILY_CHAT, "{\"usage\":{\"prompt_tokens\":99999999999999999999999}}", "none -"},
    {"fractions", FAMILY_CHAT, "{\"usage\":{\"prompt_tokens\":1.5,\"completion_tokens\":1e3}}", "none -"},
    {"strings", FAMILY_CHAT, "{\"usage\":{\"prompt_tokens\":\"5\",\"prompt_tokens_details\":null}}", "none -"},
    {"empty", FAMILY_CHAT, "{\"usage\":{}}", "none -"},
    {"cached, told twice", FAMILY_CHAT,
     "{\"usage\":{\"prompt_tokens\":12,\"prompt_cache_hit_tokens\":9,\"prompt_tokens_details\":{\"cached_tokens\":0}}}",
     "none 12/0/9/0"},
    {"more cached than there was", FAMILY_CHAT, "{\"usage\":{\"prompt_cache_hit_tokens\":9,\"prompt_tokens\":5}}",
     "none 5/0/5/0"},
    {"more reasoning than output", FAMILY_CHAT,
     "{\"usage\":{\"completion_tokens\":5,\"completion_tokens_details\":{\"reasoning_tokens\":7}}}", "none 0/5/0/5"},
    {"a string that looks like counts", FAMILY_CHAT,
     "{\"usage\":{\"prompt_tokens\":\"1,\\\"completion_tokens\\\":9\",\"completion_tokens\":2}}", "none 0/2/0/0"},
    {"containers instead of counts", FAMILY_CHAT,
     "{\"usage\":{\"prompt_tokens\":{\"completion_tokens\":9},\"cached_tokens\":[7,8],\"completion_tokens\":2}}",
     "none 0/2/0/0"},
    {"white space behind", FAMILY_CHAT, "{\"usage\":{\"prompt_tokens\":5 \n} } \r\n\t ", "none 5/0/0/0"},
    {"details of details", FAMILY_CHAT,
     "{\"usage\":{\"prompt_tokens\":5,\"prompt_tokens_details\":{\"x_tokens_details\":{\"cached_tokens\":4}}}}",
     "none 5/0/0/0"},
    {"anthropic: no count of input", FAMILY_MESSAGES, "{\"input_tokens\":\"7\",\"usage\":{\"input_tokens\":-0}}",
     "none -"},
    {"zero", FAMILY_CHAT, "{\"usage\":{\"prompt_tokens\":0}}", "none 0/0/0/0"},
};

#endif
