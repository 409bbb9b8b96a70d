/* Plain answers of streams that others have made, and what has no other form. */
#include "../suite.h"
#include "dsgate/base/mem.h"
#include "dsgate/llm/answer_form.h"
#include "json_same.h"

#define DONE               "data: [DONE]\n\n"
#define CHUNK(members)     "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\"," members "}\n\n"
#define DELTA(delta)       CHUNK("\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}]")
#define STOP               CHUNK("\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]")
#define TEXT_CHUNK(choice) "data: {\"object\":\"text_completion\",\"choices\":[{" choice "}]}\n\n"
#define EVENT(name, more)  "event: " name "\ndata: {\"type\":\"" name "\"" more "}\n\n"
#define START(more) \
    EVENT("message_start", \
          ",\"message\":{\"id\":\"m\",\"content\":[],\"stop_reason\":null,\"usage\":{\"input_tokens\":1," \
          "\"output_tokens\":1}" more "}")
#define OPEN(index, block) EVENT("content_block_start", ",\"index\":" index ",\"content_block\":" block)
#define FILL(index, delta) EVENT("content_block_delta", ",\"index\":" index ",\"delta\":" delta)
#define CLOSE(index)       EVENT("content_block_stop", ",\"index\":" index)
#define SAY(index, text)   FILL(index, "{\"type\":\"text_delta\",\"text\":\"" text "\"}")
#define SPELL(index, json) FILL(index, "{\"type\":\"input_json_delta\",\"partial_json\":\"" json "\"}")
#define EMPTY_TEXT         "{\"type\":\"text\",\"text\":\"\"}"
#define EMPTY_TOOL         "{\"type\":\"tool_use\",\"input\":{}}"
#define COST               EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"x\"},\"usage\":{\"output_tokens\":5}")
#define END                COST EVENT("message_stop", "")
#define BLOCKS(blocks) \
    "{\"id\":\"m\",\"content\":[" blocks "],\"stop_reason\":\"x\",\"usage\":{\"input_tokens\":1,\"output_tokens\":5}}"
#define ITEM      "{\"type\":\"message\",\"id\":\"i\"}"
#define ITEM_DONE EVENT("response.output_item.done", ",\"item\":" ITEM)
#define RESPONSE(id, status, output) \
    ",\"response\":{\"id\":\"" id "\",\"status\":\"" status "\",\"output\":[" output "]}"
#define CREATED           EVENT("response.created", RESPONSE("r", "in_progress", ""))
#define COMPLETED(output) EVENT("response.completed", RESPONSE("r", "completed", output))

/* ---- streams as others make them ---- */

static const struct {
    const char *what;
    enum endpoint_family family;
    const char *stream, *plain;
} told[] = {
    {"comments, an empty id at first, and usage in a chunk of its own", FAMILY_CHAT,
     ": keep-alive\n\n\n"
     "data: {\"id\":\"\",\"choices\":[],\"prompt_filter_results\":[]}\n\n" DELTA(
         "{\"role\":\"assistant\",\"content\":\"\"}")
         DELTA("{\"content\":\"H\"}") ": keep-alive\n\n" DELTA("{\"content\":\"i\"}")
             STOP CHUNK("\"choices\":[],\"usage\":{\"prompt_tokens\":1.0}") DONE,
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"prompt_filter_results\":[],\"choices\":[{\"index\":0,\"message\":{"
     "\"role\":\"assistant\",\"content\":\"Hi\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
     "\"prompt_tokens\":1.0}}"},
    {"an end that is said twice", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") STOP DONE DONE,
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
     "\"content\":\"a\"},\"logprobs\":null,\"finish_reason\":\"stop\"}]}"},
    {"an end between spaces", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") STOP "data:  [DONE] \n\n",
     "{\"id\":\"c\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\","
     "\"content\":\"a\"},\"logprobs\":null,\"finish_reason\":\"stop\"}]}"},
    {"other line ends, and data on two lines", FAMILY_CHAT,
     "data:{\"choices\":[\r\ndata:{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\r\n\r\n"
     "data:[DONE]\r\n\r\n",
     "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"logprobs\":null,"
     "\"finish_reason\":\"stop\"}]}"},
    {"legacy completions take turns", FAMILY_COMPLETION,
     TEXT_CHUNK("\"index\":1,\"text\":\"b\"") TEXT_CHUNK("\"index\":0,\"text\":\"a\",\"logprobs\":{\"tokens\":[\"a\"]}")
         TEXT_CHUNK("\"index\":1,\"text\":\"B\",\"finish_reason\":\"stop\"")
             TEXT_CHUNK("\"index\":0,\"text\":\"A\",\"logprobs\":{\"tokens\":[\"A\"]}")
                 TEXT_CHUNK("\"index\":0,\"text\":null,\"finish_reason\":\"length\"") DONE,
     "{\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"aA\",\"logprobs\":{\"tokens\":[\"a\",\"A\"]}"
     ","
     "\"finish_reason\":\"length\"},{\"index\":1,\"text\":\"bB\",\"logprobs\":null,\"finish_reason\":\"stop\"}]}"},

    {"a text in pieces, between pings", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) EVENT("ping", "") SAY("0", "H") SAY("0", "i\\ud83d") SAY("0", "\\ude00") CLOSE("0")
         END,
     BLOCKS("{\"type\":\"text\",\"text\":\"Hi\\ud83d\\ude00\"}")},
    {"an input in pieces", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TOOL) SPELL("0", "") SPELL("0", "{\\\"a\\\": 1.5")
         SPELL("0", "0, \\\"b\\\": \\\"\\\\u00") SPELL("0", "e9\\ud83d") SPELL("0", "\\ude00\\\"}") CLOSE("0") END,
     BLOCKS("{\"type\":\"tool_use\",\"input\":{\"a\":1.50,\"b\":\"\\u00e9\\ud83d\\ude00\"}}")},
    {"inputs of tools of other kinds", FAMILY_MESSAGES,
     START("") OPEN("0", "{\"type\":\"server_tool_use\",\"input\":{}}") SPELL("0", "{\\\"a\\\":1}") CLOSE("0")
         OPEN("1", "{\"type\":\"mcp_tool_use\",\"input\":{}}") SPELL("1", "{\\\"b\\\":2}") CLOSE("1") END,
     BLOCKS("{\"type\":\"server_tool_use\",\"input\":{\"a\":1}},{\"type\":\"mcp_tool_use\",\"input\":{\"b\":2}}")},
    {"an input that says U+FFFD itself", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TOOL) SPELL("0", "{\\\"a\\\":\\\"\xEF\xBF\xBD\\\"}") CLOSE("0") END,
     BLOCKS("{\"type\":\"tool_use\",\"input\":{\"a\":\"\xEF\xBF\xBD\"}}")},
    {"an input of nothing", FAMILY_MESSAGES, START("") OPEN("0", EMPTY_TOOL) SPELL("0", "") CLOSE("0") END,
     BLOCKS(EMPTY_TOOL)},
    {"a signature and citations that the block did not begin with", FAMILY_MESSAGES,
     START("") OPEN("0", "{\"type\":\"thinking\",\"thinking\":\"\"}")
         FILL("0", "{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}")
             FILL("0", "{\"type\":\"signature_delta\",\"signature\":\"s\"}") CLOSE("0")
                 OPEN("1", "{\"type\":\"text\",\"text\":\"a\",\"citations\":null}")
                     FILL("1", "{\"type\":\"citations_delta\",\"citation\":{\"n\":1}}") FILL(
                         "1", "{\"type\":\"citations_delta\",\"citation\":{\"n\":2}}") SAY("1", "b") CLOSE("1") END,
     BLOCKS("{\"type\":\"thinking\",\"thinking\":\"Hm\",\"signature\":\"s\"},"
            "{\"type\":\"text\",\"text\":\"ab\",\"citations\":[{\"n\":1},{\"n\":2}]}")},
    {"no names but those inside, and members of the message at the end", FAMILY_MESSAGES,
     "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1,\"a\":null,\"b\":2}}}\n\n"
     "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"x\",\"container\":{\"id\":\"k\"}},"
     "\"context_management\":{},\"usage\":{\"output_tokens\":5,\"input_tokens\":null,\"a\":1}}\n\n"
     "data: {\"type\":\"message_stop\"}\n\n",
     "{\"content\":[],\"usage\":{\"input_tokens\":1,\"a\":1,\"b\":2,\"output_tokens\":5},\"stop_reason\":\"x\","
     "\"container\":{\"id\":\"k\"},\"context_management\":{}}"},

    {"a response, and a mark behind its end", FAMILY_RESPONSES, CREATED ITEM_DONE COMPLETED(ITEM) DONE,
     "{\"id\":\"r\",\"status\":\"completed\",\"output\":[" ITEM "]}"},
    {"a response of a kind that has yet to be invented", FAMILY_RESPONSES,
     CREATED EVENT("response.dream.delta", ",\"delta\":\"zzz\"")
         EVENT("response.incomplete", RESPONSE("r", "incomplete", "")),
     "{\"id\":\"r\",\"status\":\"incomplete\",\"output\":[]}"},
};

START_TEST(streams_become_plain_answers)
{
    struct buf plain = {0};
    BUF_ADD(&plain, "before");
    ck_assert_msg(answer_to_plain(&plain, told[_i].family, text_of(told[_i].stream)), "%s", told[_i].what);
    ck_assert(text_starts(buf_text(&plain), TEXT("before")));
    struct text answer = text_from(buf_text(&plain), strlen("before"));
    ck_assert_msg(same_json(answer, text_of(told[_i].plain)), "%s: " TEXT_FORMAT, told[_i].what, TEXT_ARGS(answer));
    buf_free(&plain);
}
END_TEST

/* ---- streams of which nobody knows what they amount to ---- */

static const struct {
    const char *what;
    enum endpoint_family family;
    const char *stream;
} unclear[] = {
    {"nothing", FAMILY_CHAT, ""},
    {"only the end", FAMILY_CHAT, DONE},
    {"no end", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") STOP},
    {"half an end", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") STOP "data: [DONE]\n"},
    {"half an event behind the end", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") STOP DONE "data: x"},
    {"no finish_reason", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") DONE},
    {"an empty finish_reason", FAMILY_CHAT, CHUNK("\"choices\":[{\"index\":0,\"finish_reason\":\"\"}]") DONE},
    {"a finish_reason that is none", FAMILY_CHAT,
     CHUNK("\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":[1]}]") DONE},
    {"one choice without a finish_reason", FAMILY_CHAT, CHUNK("\"choices\":[{\"index\":1,\"delta\":{}}]") STOP DONE},
    {"more behind the end", FAMILY_CHAT, STOP DONE DELTA("{\"content\":\"a\"}")},
    {"two ids", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") "data: {\"id\":\"d\",\"choices\":[]}\n\n" STOP DONE},
    {"an error", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") "data: {\"error\":{\"message\":\"x\"}}\n\n" STOP DONE},
    {"an error by its name", FAMILY_CHAT, "event: error\n" DELTA("{\"content\":\"a\"}") STOP DONE},
    {"an event that is no chunk", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") "data: {\"type\":\"x\"}\n\n" STOP DONE},
    {"an event that is a list", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") "data: []\n\n" STOP DONE},
    {"an event that is no JSON", FAMILY_CHAT, DELTA("{\"content\":\"a\"}") "data: {\"choices\":[}\n\n" STOP DONE},
    {"half a character", FAMILY_CHAT, DELTA("{\"content\":\"\xE4\xBD\"}") DELTA("{\"content\":\"\xA0\"}") STOP DONE},
    {"choices twice", FAMILY_CHAT, CHUNK("\"choices\":[],\"choices\":[]") STOP DONE},
    {"a text that becomes an object", FAMILY_CHAT, DELTA("{\"x\":\"a\"}") DELTA("{\"x\":{}}") STOP DONE},
    {"a message beside deltas", FAMILY_CHAT, CHUNK("\"choices\":[{\"index\":0,\"message\":{}}]") STOP DONE},
    {"a legacy text that is none", FAMILY_COMPLETION, TEXT_CHUNK("\"text\":{},\"finish_reason\":\"stop\"") DONE},

    {"only the end", FAMILY_MESSAGES, EVENT("message_stop", "")},
    {"no beginning", FAMILY_MESSAGES, END},
    {"no end", FAMILY_MESSAGES, START("") COST},
    {"another family's end", FAMILY_MESSAGES, START("") COST DONE},
    {"no usage at the end", FAMILY_MESSAGES,
     START("") EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"x\"}") EVENT("message_stop", "")},
    {"nothing at the end, and a stop_reason at the beginning", FAMILY_MESSAGES,
     EVENT("message_start", ",\"message\":{\"stop_reason\":\"x\",\"usage\":{}}") EVENT("message_stop", "")},
    {"no stop_reason", FAMILY_MESSAGES,
     START("") EVENT("message_delta", ",\"delta\":{\"stop_reason\":null},\"usage\":{}") EVENT("message_stop", "")},
    {"an empty stop_reason", FAMILY_MESSAGES,
     START("") EVENT("message_delta", ",\"delta\":{\"stop_reason\":\"\"},\"usage\":{}") EVENT("message_stop", "")},
    {"an end without a delta", FAMILY_MESSAGES,
     EVENT("message_start", ",\"message\":{\"stop_reason\":\"x\",\"usage\":{}}") EVENT("message_delta", ",\"usage\":{}")
         EVENT("message_stop", "")},
    {"two beginnings", FAMILY_MESSAGES, START("") START("") END},
    {"a beginning with content", FAMILY_MESSAGES,
     EVENT("message_start", ",\"message\":{\"content\":[" EMPTY_TEXT "]}") END},
    {"an error", FAMILY_MESSAGES, START("") EVENT("error", ",\"error\":{\"type\":\"overloaded_error\"}") END},
    {"an event that nobody knows", FAMILY_MESSAGES, START("") EVENT("message_dream", "") END},
    {"two names", FAMILY_MESSAGES, START("") "event: x\ndata: {\"type\":\"ping\"}\n\n" END},
    {"a block that is left open", FAMILY_MESSAGES, START("") OPEN("0", EMPTY_TEXT) END},
    {"a block inside a block", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) OPEN("1", EMPTY_TEXT) CLOSE("1") CLOSE("0") END},
    {"a block that is left open for another one", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) OPEN("1", EMPTY_TEXT) CLOSE("1") END},
    {"a block that was left out", FAMILY_MESSAGES, START("") OPEN("1", EMPTY_TEXT) CLOSE("1") END},
    {"a block behind the end", FAMILY_MESSAGES, START("") COST OPEN("0", EMPTY_TEXT) CLOSE("0") END},
    {"a block without a type", FAMILY_MESSAGES, START("") OPEN("0", "{\"text\":\"\"}") CLOSE("0") END},
    {"a member of a block twice", FAMILY_MESSAGES,
     START("") OPEN("0", "{\"type\":\"x\",\"y\":\"a\",\"y\":\"b\"}") CLOSE("0") END},
    {"a block of nothing", FAMILY_MESSAGES, START("") OPEN("0", "null") CLOSE("0") END},
    {"a delta without a block", FAMILY_MESSAGES, START("") SAY("0", "a") END},
    {"a delta behind its block", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) SAY("0", "a") CLOSE("0") SAY("0", "b") END},
    {"a delta of another block", FAMILY_MESSAGES, START("") OPEN("0", EMPTY_TEXT) SAY("1", "a") CLOSE("0") END},
    {"a delta of another kind of block", FAMILY_MESSAGES, START("") OPEN("0", EMPTY_TOOL) SAY("0", "a") CLOSE("0") END},
    {"a delta that nobody knows", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) FILL("0", "{\"type\":\"dream_delta\",\"text\":\"a\"}") CLOSE("0") END},
    {"a delta with a member that nobody knows", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) FILL("0", "{\"type\":\"text_delta\",\"text\":\"a\",\"x\":1}") CLOSE("0") END},
    {"an event with a member that nobody knows", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT ",\"x\":1") CLOSE("0") END},
    {"a text that is none", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) FILL("0", "{\"type\":\"text_delta\",\"text\":1}") CLOSE("0") END},
    {"a citation that is none", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TEXT) FILL("0", "{\"type\":\"citations_delta\",\"citation\":1}") CLOSE("0") END},
    {"two signatures", FAMILY_MESSAGES,
     START("") OPEN("0", "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"a\"}")
         FILL("0", "{\"type\":\"signature_delta\",\"signature\":\"b\"}") CLOSE("0") END},
    {"an input that is no JSON", FAMILY_MESSAGES, START("") OPEN("0", EMPTY_TOOL) SPELL("0", "{") CLOSE("0") END},
    {"an input that is no object", FAMILY_MESSAGES, START("") OPEN("0", EMPTY_TOOL) SPELL("0", "1") CLOSE("0") END},
    {"an input that was there before", FAMILY_MESSAGES,
     START("") OPEN("0", "{\"type\":\"tool_use\",\"input\":{\"a\":1}}") SPELL("0", "{}") CLOSE("0") END},
    {"an input with half a character", FAMILY_MESSAGES,
     START("") OPEN("0", EMPTY_TOOL) SPELL("0", "{\\\"a\\\":\\\"\\ud83d\\\"}") CLOSE("0") END},

    {"nothing", FAMILY_RESPONSES, ""},
    {"no end", FAMILY_RESPONSES, CREATED ITEM_DONE},
    {"another family's end", FAMILY_RESPONSES, CREATED ITEM_DONE DONE},
    {"an end without a response", FAMILY_RESPONSES, CREATED EVENT("response.completed", "")},
    {"an end whose response is none", FAMILY_RESPONSES, CREATED EVENT("response.completed", ",\"response\":null")},
    {"an end that is none", FAMILY_RESPONSES, CREATED EVENT("response.completed", RESPONSE("r", "in_progress", ""))},
    {"another status than its event's", FAMILY_RESPONSES,
     CREATED EVENT("response.incomplete", RESPONSE("r", "completed", ""))},
    {"failed", FAMILY_RESPONSES, CREATED EVENT("response.failed", RESPONSE("r", "failed", ""))},
    {"cancelled", FAMILY_RESPONSES, CREATED EVENT("response.cancelled", RESPONSE("r", "cancelled", ""))},
    {"an error", FAMILY_RESPONSES, CREATED EVENT("error", ",\"message\":\"x\"") COMPLETED("")},
    {"two ids", FAMILY_RESPONSES, CREATED EVENT("response.completed", RESPONSE("s", "completed", ""))},
    {"items that the end does not have", FAMILY_RESPONSES, CREATED ITEM_DONE COMPLETED("")},
    {"items that were never given", FAMILY_RESPONSES, CREATED COMPLETED(ITEM)},
    {"more behind the end", FAMILY_RESPONSES, CREATED COMPLETED("") CREATED},
    {"two names", FAMILY_RESPONSES, "event: response.created\ndata: {\"type\":\"response.queued\"}\n\n" COMPLETED("")},
};

START_TEST(what_is_unclear_has_no_plain_form)
{
    struct buf out = {0};
    BUF_ADD(&out, "before");
    ck_assert_msg(!answer_to_plain(&out, unclear[_i].family, text_of(unclear[_i].stream)), "%s", unclear[_i].what);
    ck_assert(text_is(buf_text(&out), "before"));
    buf_free(&out);
}
END_TEST

/* ---- bounds ---- */

static bool becomes_plain(struct buf *stream)
{
    struct buf plain = {0};
    bool made = answer_to_plain(&plain, FAMILY_MESSAGES, buf_text(stream));
    buf_free(&plain);
    buf_free(stream);
    return made;
}

/* A stream of blocks with members that are as small as can be. */
static struct buf small_members(int blocks, int members)
{
    struct buf stream = {0};
    BUF_ADD(&stream, START(""));
    for (int block = 0; block < blocks; block++) {
        buf_printf(&stream, "data: {\"type\":\"content_block_start\",\"index\":%d,\"content_block\":{\"type\":\"x\"",
                   block);
        for (int i = 0; i < members; i++)
            buf_printf(&stream, ",\"%d\":1", i);
        buf_printf(&stream, "}}\n\ndata: {\"type\":\"content_block_stop\",\"index\":%d}\n\n", block);
    }
    BUF_ADD(&stream, END);
    return stream;
}

/* They take twelve times as much memory as they are long: small answers may, large ones must not. */
START_TEST(memory_is_bounded)
{
    struct buf small = small_members(2, 200), large = small_members(50, 200);
    ck_assert(becomes_plain(&small));
    ck_assert(!becomes_plain(&large));
}
END_TEST

START_TEST(members_and_blocks_are_bounded)
{
    struct buf blocks = small_members(256, 0), more_blocks = small_members(257, 0);
    struct buf members = small_members(1, 255), more_members = small_members(1, 256);
    ck_assert(becomes_plain(&blocks) && becomes_plain(&members));
    ck_assert(!becomes_plain(&more_blocks) && !becomes_plain(&more_members));
}
END_TEST

/* Alone it would not be too deep. */
static struct buf deep_input(int depth)
{
    struct buf stream = {0};
    BUF_ADD(&stream, START("") OPEN("0", EMPTY_TOOL));
    BUF_ADD(&stream, "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\","
                     "\"partial_json\":\"");
    for (int i = 0; i < depth; i++)
        BUF_ADD(&stream, "{\\\"a\\\":");
    BUF_ADD(&stream, "1");
    for (int i = 0; i < depth; i++)
        BUF_ADD(&stream, "}");
    BUF_ADD(&stream, "\"}}\n\n" CLOSE("0") END);
    return stream;
}

START_TEST(depth_is_bounded)
{
    enum { AROUND = 3 };
    struct buf deepest = deep_input(JSON_DEPTH - AROUND), deeper = deep_input(JSON_DEPTH - AROUND + 1);
    ck_assert(becomes_plain(&deepest));
    ck_assert(!becomes_plain(&deeper));
}
END_TEST

/* ---- plain answers that could have been no stream ---- */

#define CHOICES(choices)     "{\"choices\":" choices "}"
#define SAID(more)           CHOICES("[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"" more "}]")
#define CALLS(calls)         CHOICES("[{\"message\":{\"tool_calls\":[" calls "]},\"finish_reason\":\"tool_calls\"}]")
#define WITH_USAGE(more)     "{\"content\":[],\"stop_reason\":\"x\",\"usage\":{\"output_tokens\":1}" more "}"
#define STATUS(word, output) "{\"status\":\"" word "\",\"output\":" output "}"

static const struct {
    enum endpoint_family family;
    const char *plain;
} strange[] = {
    {FAMILY_CHAT, ""},
    {FAMILY_CHAT, "[]"},
    {FAMILY_CHAT, "\"text\""},
    {FAMILY_CHAT, "{}"},
    {FAMILY_CHAT, SAID("") "x"},
    {FAMILY_CHAT, SAID(",\"x\":\"\xE4\xBD\"")},
    {FAMILY_CHAT, "{\"error\":{\"message\":\"x\"}}"},
    {FAMILY_CHAT, CHOICES("null")},
    {FAMILY_CHAT, CHOICES("[]")},
    {FAMILY_CHAT, CHOICES("[1]")},
    {FAMILY_CHAT, CHOICES("[{\"finish_reason\":\"stop\"}]")},
    {FAMILY_CHAT, CHOICES("[{\"message\":{}}]")},
    {FAMILY_CHAT, CHOICES("[{\"message\":{},\"finish_reason\":null}]")},
    {FAMILY_CHAT, CHOICES("[{\"message\":\"a\",\"finish_reason\":\"stop\"}]")},
    {FAMILY_CHAT, SAID(",\"finish_reason\":\"stop\"")},
    {FAMILY_CHAT, SAID(",\"index\":\"0\"")},
    {FAMILY_CHAT, SAID(",\"index\":-1")},
    {FAMILY_CHAT, SAID(",\"index\":4096")},
    {FAMILY_CHAT, CHOICES("[{\"index\":1,\"message\":{},\"finish_reason\":\"a\"},{\"index\":1,\"message\":{},"
                          "\"finish_reason\":\"a\"}]")},
    {FAMILY_CHAT, CALLS("1")},
    {FAMILY_CHAT, CALLS("{\"index\":\"0\"}")},
    {FAMILY_CHAT, CALLS("{\"index\":1},{\"index\":1}")},
    {FAMILY_CHAT, CALLS("{\"index\":4095},{}")},
    {FAMILY_COMPLETION, SAID("")},
    {FAMILY_COMPLETION, CHOICES("[{\"text\":null,\"finish_reason\":\"stop\"}]")},
    {FAMILY_MESSAGES, "{}"},
    {FAMILY_MESSAGES, "{\"content\":[],\"stop_reason\":\"x\"}"},
    {FAMILY_MESSAGES, "{\"content\":[],\"stop_reason\":\"x\",\"usage\":{}}"},
    {FAMILY_MESSAGES, "{\"content\":[],\"stop_reason\":null,\"usage\":{\"output_tokens\":1}}"},
    {FAMILY_MESSAGES, "{\"content\":[],\"stop_reason\":\"\",\"usage\":{\"output_tokens\":1}}"},
    {FAMILY_MESSAGES, "{\"content\":\"a\",\"stop_reason\":\"x\",\"usage\":{\"output_tokens\":1}}"},
    {FAMILY_MESSAGES, "{\"content\":[1],\"stop_reason\":\"x\",\"usage\":{\"output_tokens\":1}}"},
    {FAMILY_MESSAGES, "{\"content\":[{\"text\":\"a\"}],\"stop_reason\":\"x\",\"usage\":{\"output_tokens\":1}}"},
    {FAMILY_MESSAGES, WITH_USAGE(",\"content\":[]")},
    {FAMILY_RESPONSES, "{}"},
    {FAMILY_RESPONSES, STATUS("failed", "[]")},
    {FAMILY_RESPONSES, STATUS("in_progress", "[]")},
    {FAMILY_RESPONSES, STATUS("completed", "null")},
    {FAMILY_RESPONSES, STATUS("completed", "[1]")},
    {FAMILY_RESPONSES, STATUS("completed", "[{\"type\":\"function_call\",\"arguments\":\"\"}]")},
    {FAMILY_RESPONSES, STATUS("completed", "[{\"type\":\"message\",\"id\":\"i\",\"content\":[1]}]")},
};

START_TEST(what_is_strange_has_no_stream)
{
    struct buf out = {0};
    BUF_ADD(&out, "before");
    ck_assert_msg(!answer_to_stream(&out, strange[_i].family, text_of(strange[_i].plain), true), "%s",
                  strange[_i].plain);
    ck_assert(text_is(buf_text(&out), "before"));
    buf_free(&out);
}
END_TEST

/* The tables of what is refused are worth something only if their rows would pass but for one thing. */
START_TEST(but_for_that_they_would_have_one)
{
    struct buf out = {0};
    ck_assert(answer_to_stream(&out, FAMILY_CHAT, TEXT(SAID("")), true));
    ck_assert(answer_to_stream(&out, FAMILY_CHAT, TEXT(CALLS("{},{}")), true));
    ck_assert(answer_to_stream(&out, FAMILY_MESSAGES, TEXT(WITH_USAGE("")), true));
    ck_assert(answer_to_stream(&out, FAMILY_RESPONSES, TEXT(STATUS("completed", "[]")), true));
    ck_assert(answer_to_plain(&out, FAMILY_CHAT, TEXT(DELTA("{\"content\":\"a\"}") STOP DONE)));
    ck_assert(answer_to_plain(&out, FAMILY_MESSAGES, TEXT(START("") END)));
    ck_assert(answer_to_plain(&out, FAMILY_RESPONSES, TEXT(CREATED COMPLETED(""))));
    buf_free(&out);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, streams_become_plain_answers, 0, COUNT(told));
    tcase_add_loop_test(tests, what_is_unclear_has_no_plain_form, 0, COUNT(unclear));
    tcase_add_test(tests, memory_is_bounded);
    tcase_add_test(tests, members_and_blocks_are_bounded);
    tcase_add_test(tests, depth_is_bounded);
    tcase_add_loop_test(tests, what_is_strange_has_no_stream, 0, COUNT(strange));
    tcase_add_test(tests, but_for_that_they_would_have_one);
}

TEST_MAIN_ADDING("answer_form_plain", add_tests)
