/* dialect_responses.c - /responses: numbered semantic events. Each output item is opened, filled and closed by events
 * of its own, and the last event repeats the whole answer; there is no [DONE].
 */
#include "dialect.h"

enum { ID_RESPONSE, ID_REASONING, ID_MESSAGE, ID_CALL };

static const char *status_of(const struct plan *p)
{
    bool complete = !strcmp(p->finish, "stop") || !strcmp(p->finish, "tool_calls");
    bool incomplete = !strcmp(p->finish, "length") || !strcmp(p->finish, "content_filter");
    return complete ? "completed" : incomplete ? "incomplete" : "failed";
}

/* ---- items ---- */

static void put_item_id(const struct plan *p, struct beat b, struct buf *out)
{
    BUF_ADD(out, "\"");
    if (b.kind == BEAT_REASONING)
        put_id(p, "rs_", ID_REASONING, out);
    else if (b.kind == BEAT_CONTENT)
        put_id(p, "msg_", ID_MESSAGE, out);
    else
        put_id(p, "fc_", ID_CALL + b.call, out);
    BUF_ADD(out, "\"");
}

static unsigned item_index(const struct plan *p, struct beat b)
{
    unsigned thinking = p->reasoning.count > 0, text = p->content.count > 0;
    if (b.kind == BEAT_REASONING) return 0;
    return b.kind == BEAT_CONTENT ? thinking : thinking + text + b.call;
}

/* A content part, whole or still empty. */
static void put_part(const struct plan *p, enum beat_kind kind, bool whole, struct buf *out)
{
    buf_printf(out, "{\"type\":\"%s\",\"text\":", kind == BEAT_REASONING ? "reasoning_text" : "output_text");
    if (whole)
        put_whole_text(p, kind, out);
    else
        BUF_ADD(out, "\"\"");
    if (kind == BEAT_CONTENT) BUF_ADD(out, ",\"annotations\":[]");
    BUF_ADD(out, "}");
}

static void put_call_item(const struct plan *p, struct beat b, bool whole, struct buf *out)
{
    const struct tool_call *t = &p->calls[b.call];
    BUF_ADD(out, "{\"type\":\"function_call\",\"id\":");
    put_item_id(p, b, out);
    buf_printf(out,
               ",\"status\":\"%s\",\"call_id\":\"%s\",\"name\":%s,\"arguments\":", whole ? "completed" : "in_progress",
               t->id, t->name);
    buf_add_json_string(out, whole ? buf_text(&t->arguments) : TEXT(""));
    BUF_ADD(out, "}");
}

static void put_item(const struct plan *p, struct beat b, bool whole, struct buf *out)
{
    if (b.kind != BEAT_REASONING && b.kind != BEAT_CONTENT) {
        put_call_item(p, b, whole, out);
        return;
    }
    buf_printf(out, "{\"type\":\"%s\",\"id\":", b.kind == BEAT_REASONING ? "reasoning" : "message");
    put_item_id(p, b, out);
    if (b.kind == BEAT_REASONING)
        BUF_ADD(out, ",\"summary\":[]");
    else
        buf_printf(out, ",\"status\":\"%s\",\"role\":\"assistant\"", whole ? "completed" : "in_progress");
    BUF_ADD(out, ",\"content\":[");
    if (whole) put_part(p, b.kind, true, out);
    BUF_ADD(out, "]}");
}

/* ---- the response object ---- */

static void put_output(const struct plan *p, struct buf *out)
{
    size_t before = buf_len(out);
    if (p->reasoning.count) put_item(p, (struct beat){.kind = BEAT_REASONING}, true, out);
    if (p->content.count) {
        if (buf_len(out) > before) BUF_ADD(out, ",");
        put_item(p, (struct beat){.kind = BEAT_CONTENT}, true, out);
    }
    for (unsigned i = 0; i < p->call_count; i++) {
        if (buf_len(out) > before) BUF_ADD(out, ",");
        put_item(p, (struct beat){.kind = BEAT_TOOL, .call = i}, true, out);
    }
}

static void put_usage_responses(const struct plan *p, struct buf *out)
{
    const struct usage *u = &p->usage;
    int64_t output = put_completion(p);
    buf_printf(out,
               "{\"input_tokens\":%u,\"input_tokens_details\":{\"cached_tokens\":%u},\"output_tokens\":%lld,"
               "\"output_tokens_details\":{\"reasoning_tokens\":%u},\"total_tokens\":%lld}",
               u->prompt, u->hit, (long long)output, u->reasoning, (long long)(u->prompt + output));
}

static void put_outcome(const struct plan *p, const char *status, struct buf *out)
{
    buf_printf(out, ",\"status\":\"%s\",\"error\":", status);
    if (!strcmp(status, "failed"))
        buf_printf(out, "{\"code\":\"server_error\",\"message\":\"The answer ended early: %s\"}", p->finish);
    else
        BUF_ADD(out, "null");
    BUF_ADD(out, ",\"incomplete_details\":");
    if (!strcmp(status, "incomplete"))
        buf_printf(out, "{\"reason\":\"%s\"}", strcmp(p->finish, "length") ? p->finish : "max_output_tokens");
    else
        BUF_ADD(out, "null");
}

static void put_response(const struct plan *p, const char *status, bool whole, struct buf *out)
{
    BUF_ADD(out, "{\"id\":\"");
    put_id(p, "resp_", ID_RESPONSE, out);
    buf_printf(out, "\",\"object\":\"response\",\"created_at\":%lld", (long long)p->created);
    put_outcome(p, status, out);
    BUF_ADD(out, ",\"model\":");
    buf_add_json_string(out, text_of(p->model));
    BUF_ADD(out, ",\"output\":[");
    if (whole) put_output(p, out);
    BUF_ADD(out, "],\"parallel_tool_calls\":true,\"tool_choice\":\"auto\",\"tools\":[],\"usage\":");
    if (whole && !p->usage_none)
        put_usage_responses(p, out);
    else
        BUF_ADD(out, "null");
    BUF_ADD(out, "}");
}

static void responses_whole(struct plan *p, struct buf *out) { put_response(p, status_of(p), true, out); }

/* ---- events ---- */

static void open_event(struct plan *p, const char *name, struct buf *out)
{
    buf_printf(out, "event: %s\ndata: {\"type\":\"%s\",\"sequence_number\":%u", name, name, p->sequence++);
}
static void close_event(struct buf *out) { BUF_ADD(out, "}\n\n"); }

static void response_event(struct plan *p, const char *name, const char *status, bool whole, struct buf *out)
{
    open_event(p, name, out);
    BUF_ADD(out, ",\"response\":");
    put_response(p, status, whole, out);
    close_event(out);
}

static void item_event(struct plan *p, struct beat b, const char *name, bool whole, struct buf *out)
{
    open_event(p, name, out);
    buf_printf(out, ",\"output_index\":%u,\"item\":", item_index(p, b));
    put_item(p, b, whole, out);
    close_event(out);
}

/* Events below an item: they name it. */
static void open_inner(struct plan *p, struct beat b, const char *name, struct buf *out)
{
    open_event(p, name, out);
    BUF_ADD(out, ",\"item_id\":");
    put_item_id(p, b, out);
    buf_printf(out, ",\"output_index\":%u", item_index(p, b));
    if (b.kind == BEAT_REASONING || b.kind == BEAT_CONTENT) BUF_ADD(out, ",\"content_index\":0");
}

static void part_event(struct plan *p, struct beat b, const char *name, bool whole, struct buf *out)
{
    open_inner(p, b, name, out);
    BUF_ADD(out, ",\"part\":");
    put_part(p, b.kind, whole, out);
    close_event(out);
}

static void text_beat(struct plan *p, struct beat b, struct buf *out)
{
    bool thinks = b.kind == BEAT_REASONING;
    if (b.index == 0) {
        item_event(p, b, "response.output_item.added", false, out);
        part_event(p, b, "response.content_part.added", false, out);
    }
    open_inner(p, b, thinks ? "response.reasoning_text.delta" : "response.output_text.delta", out);
    BUF_ADD(out, ",\"delta\":");
    put_beat_text(p, b, out);
    if (!thinks) BUF_ADD(out, ",\"logprobs\":[]");
    close_event(out);
    if (!b.last) return;
    open_inner(p, b, thinks ? "response.reasoning_text.done" : "response.output_text.done", out);
    BUF_ADD(out, ",\"text\":");
    put_whole_text(p, b.kind, out);
    if (!thinks) BUF_ADD(out, ",\"logprobs\":[]");
    close_event(out);
    part_event(p, b, "response.content_part.done", true, out);
    item_event(p, b, "response.output_item.done", true, out);
}

static void arguments_beat(struct plan *p, struct beat b, struct buf *out)
{
    const struct tool_call *t = &p->calls[b.call];
    open_inner(p, b, "response.function_call_arguments.delta", out);
    BUF_ADD(out, ",\"delta\":");
    buf_add_json_string(out, tool_call_piece(t, b.index));
    close_event(out);
    if (!b.last) return;
    open_inner(p, b, "response.function_call_arguments.done", out);
    buf_printf(out, ",\"name\":%s,\"arguments\":", t->name);
    buf_add_json_string(out, buf_text(&t->arguments));
    close_event(out);
    item_event(p, b, "response.output_item.done", true, out);
}

static void finish_beat(struct plan *p, struct buf *out)
{
    char name[32] = "response.";
    strcat(name, status_of(p));
    response_event(p, name, status_of(p), true, out);
}

static void responses_beat(struct plan *p, struct beat b, struct buf *out)
{
    switch (b.kind) {
    case BEAT_BEGIN:
        response_event(p, "response.created", "in_progress", false, out);
        response_event(p, "response.in_progress", "in_progress", false, out);
        break;
    case BEAT_REASONING:
    case BEAT_CONTENT: text_beat(p, b, out); break;
    case BEAT_TOOL: item_event(p, b, "response.output_item.added", false, out); break;
    case BEAT_ARGUMENTS: arguments_beat(p, b, out); break;
    case BEAT_FINISH: finish_beat(p, out); break;
    case BEAT_USAGE:
    case BEAT_DONE: break;
    }
}

static void responses_failure(struct plan *p, struct text message, const char *type, struct buf *out)
{
    open_event(p, "error", out);
    BUF_ADD(out, ",\"code\":");
    buf_add_json_string(out, text_of(type));
    BUF_ADD(out, ",\"message\":");
    buf_add_json_string(out, message);
    BUF_ADD(out, ",\"param\":null");
    close_event(out);
}

const struct dialect dialect_responses = {responses_beat, responses_whole, responses_failure, ""};
