/* answer_fixed.c - answers of the gateway's own, as an upstream that says nothing but this text would give them.
 *
 * Clients' libraries put a stream together event by event and rely on each of them, so every family has all of its own,
 * though a text in one piece would need few. Ids have the families' prefixes, by which clients tell them apart. Texts
 * go through buf_add_json_string(): no byte of theirs can end a line or an event.
 */
#include "answer_private.h"

struct fixed {
    struct text id, model, message;
    int64_t created;
    unsigned events; /* of a responses stream, so far */
};

static void put_id(struct buf *out, const char *prefix, struct text id)
{
    struct buf whole = {0};
    buf_add(&whole, text_of(prefix));
    buf_add(&whole, id);
    buf_add_json_string(out, buf_text(&whole));
    buf_free(&whole);
}

/* ---- chat completions and legacy completions ---- */

#define CHAT_USAGE "\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}"

static void open_completion(struct buf *out, const struct fixed *f, const char *object)
{
    BUF_ADD(out, "{\"id\":");
    buf_add_json_string(out, f->id);
    buf_printf(out, ",\"object\":\"%s\",\"created\":%lld,\"model\":", object, (long long)f->created);
    buf_add_json_string(out, f->model);
    BUF_ADD(out, ",\"choices\":[{\"index\":0,");
}

static void close_completion(struct buf *out)
{
    BUF_ADD(out, ",\"logprobs\":null,\"finish_reason\":\"stop\"}]," CHAT_USAGE "}");
}

static void close_chunk(struct buf *out) { BUF_ADD(out, ",\"logprobs\":null,\"finish_reason\":null}]}\n\n"); }

static void close_stream(struct buf *out)
{
    close_completion(out);
    BUF_ADD(out, "\n\ndata: [DONE]\n\n");
}

static void put_chat_message(struct buf *out, const struct fixed *f)
{
    BUF_ADD(out, "{\"role\":\"assistant\",\"content\":");
    buf_add_json_string(out, f->message);
    BUF_ADD(out, "}");
}

static void put_chat(struct buf *out, struct fixed *f)
{
    open_completion(out, f, "chat.completion");
    BUF_ADD(out, "\"message\":");
    put_chat_message(out, f);
    close_completion(out);
}

static void stream_chat(struct buf *out, struct fixed *f)
{
    BUF_ADD(out, "data: ");
    open_completion(out, f, "chat.completion.chunk");
    BUF_ADD(out, "\"delta\":");
    put_chat_message(out, f);
    close_chunk(out);
    BUF_ADD(out, "data: ");
    open_completion(out, f, "chat.completion.chunk");
    BUF_ADD(out, "\"delta\":{}");
    close_stream(out);
}

static void put_completion(struct buf *out, struct fixed *f)
{
    open_completion(out, f, "text_completion");
    BUF_ADD(out, "\"text\":");
    buf_add_json_string(out, f->message);
    close_completion(out);
}

static void stream_completion(struct buf *out, struct fixed *f)
{
    BUF_ADD(out, "data: ");
    open_completion(out, f, "text_completion");
    BUF_ADD(out, "\"text\":");
    buf_add_json_string(out, f->message);
    close_chunk(out);
    BUF_ADD(out, "data: ");
    open_completion(out, f, "text_completion");
    BUF_ADD(out, "\"text\":\"\"");
    close_stream(out);
}

/* ---- Anthropic's messages ---- */

static void open_message(struct buf *out, const struct fixed *f)
{
    BUF_ADD(out, "{\"id\":");
    put_id(out, "msg_", f->id);
    BUF_ADD(out, ",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    buf_add_json_string(out, f->model);
    BUF_ADD(out, ",\"content\":[");
}

static void close_message(struct buf *out, const char *stop_reason)
{
    buf_printf(out,
               "],\"stop_reason\":%s,\"stop_sequence\":null,\"usage\":{\"input_tokens\":0,"
               "\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":0,\"output_tokens\":0}}",
               stop_reason);
}

static void put_message(struct buf *out, struct fixed *f)
{
    open_message(out, f);
    BUF_ADD(out, "{\"type\":\"text\",\"text\":");
    buf_add_json_string(out, f->message);
    BUF_ADD(out, "}");
    close_message(out, "\"end_turn\"");
}

static void stream_block(struct buf *out, const struct fixed *f)
{
    answer_open_event(out, "content_block_start");
    BUF_ADD(out, ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}");
    answer_close_event(out);
    answer_open_event(out, "content_block_delta");
    BUF_ADD(out, ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":");
    buf_add_json_string(out, f->message);
    BUF_ADD(out, "}");
    answer_close_event(out);
    answer_open_event(out, "content_block_stop");
    BUF_ADD(out, ",\"index\":0");
    answer_close_event(out);
}

static void stream_message(struct buf *out, struct fixed *f)
{
    answer_open_event(out, "message_start");
    BUF_ADD(out, ",\"message\":");
    open_message(out, f);
    close_message(out, "null");
    answer_close_event(out);
    stream_block(out, f);
    answer_open_event(out, "message_delta");
    BUF_ADD(out, ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":0}");
    answer_close_event(out);
    answer_open_event(out, "message_stop");
    answer_close_event(out);
}

/* ---- OpenAI's responses: each part is opened, filled and closed, and the last event repeats the whole ---- */

static void put_part(struct buf *out, struct text message)
{
    BUF_ADD(out, "{\"type\":\"output_text\",\"text\":");
    buf_add_json_string(out, message);
    BUF_ADD(out, ",\"annotations\":[]}");
}

static void put_item(struct buf *out, const struct fixed *f, bool whole)
{
    BUF_ADD(out, "{\"type\":\"message\",\"id\":");
    put_id(out, "msg_", f->id);
    buf_printf(out, ",\"status\":\"%s\",\"role\":\"assistant\",\"content\":[", whole ? "completed" : "in_progress");
    if (whole) put_part(out, f->message);
    BUF_ADD(out, "]}");
}

static void put_response_as(struct buf *out, const struct fixed *f, bool whole)
{
    BUF_ADD(out, "{\"id\":");
    put_id(out, "resp_", f->id);
    buf_printf(out, ",\"object\":\"response\",\"created_at\":%lld,\"status\":\"%s\"", (long long)f->created,
               whole ? "completed" : "in_progress");
    BUF_ADD(out, ",\"error\":null,\"incomplete_details\":null,\"model\":");
    buf_add_json_string(out, f->model);
    BUF_ADD(out, ",\"output\":[");
    if (whole) put_item(out, f, true);
    BUF_ADD(out, "],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[],\"usage\":");
    if (whole)
        BUF_ADD(out, "{\"input_tokens\":0,\"input_tokens_details\":{\"cached_tokens\":0},\"output_tokens\":0,"
                     "\"output_tokens_details\":{\"reasoning_tokens\":0},\"total_tokens\":0}}");
    else
        BUF_ADD(out, "null}");
}

static void put_response(struct buf *out, struct fixed *f) { put_response_as(out, f, true); }

static void open_numbered(struct buf *out, struct fixed *f, const char *name)
{
    answer_open_event(out, name);
    buf_printf(out, ",\"sequence_number\":%u", f->events++);
}

static void response_event(struct buf *out, struct fixed *f, const char *name, bool whole)
{
    open_numbered(out, f, name);
    BUF_ADD(out, ",\"response\":");
    put_response_as(out, f, whole);
    answer_close_event(out);
}

static void item_event(struct buf *out, struct fixed *f, const char *name, bool whole)
{
    open_numbered(out, f, name);
    BUF_ADD(out, ",\"output_index\":0,\"item\":");
    put_item(out, f, whole);
    answer_close_event(out);
}

/* Events below the item name it. */
static void open_inner(struct buf *out, struct fixed *f, const char *name)
{
    open_numbered(out, f, name);
    BUF_ADD(out, ",\"item_id\":");
    put_id(out, "msg_", f->id);
    BUF_ADD(out, ",\"output_index\":0,\"content_index\":0");
}

static void part_event(struct buf *out, struct fixed *f, const char *name, struct text message)
{
    open_inner(out, f, name);
    BUF_ADD(out, ",\"part\":");
    put_part(out, message);
    answer_close_event(out);
}

static void text_event(struct buf *out, struct fixed *f, const char *name, const char *member)
{
    open_inner(out, f, name);
    buf_printf(out, ",\"%s\":", member);
    buf_add_json_string(out, f->message);
    BUF_ADD(out, ",\"logprobs\":[]");
    answer_close_event(out);
}

static void stream_response(struct buf *out, struct fixed *f)
{
    response_event(out, f, "response.created", false);
    response_event(out, f, "response.in_progress", false);
    item_event(out, f, "response.output_item.added", false);
    part_event(out, f, "response.content_part.added", TEXT(""));
    text_event(out, f, "response.output_text.delta", "delta");
    text_event(out, f, "response.output_text.done", "text");
    part_event(out, f, "response.content_part.done", f->message);
    item_event(out, f, "response.output_item.done", true);
    response_event(out, f, "response.completed", true);
}

/* ---- the families ---- */

static const struct {
    void (*whole)(struct buf *out, struct fixed *f);
    void (*stream)(struct buf *out, struct fixed *f);
} shapes[] = {
    [FAMILY_CHAT] = {put_chat, stream_chat},
    [FAMILY_COMPLETION] = {put_completion, stream_completion},
    [FAMILY_MESSAGES] = {put_message, stream_message},
    [FAMILY_RESPONSES] = {put_response, stream_response},
    [FAMILY_OPAQUE] = {NULL, NULL},
};

bool answer_put_fixed(struct buf *out, enum endpoint_family family, bool stream, struct text id, struct text model,
                      int64_t created, struct text message)
{
    struct fixed f = {.id = id, .model = model, .message = message, .created = created};
    if (!shapes[family].whole) return false;
    (stream ? shapes[family].stream : shapes[family].whole)(out, &f);
    return true;
}
