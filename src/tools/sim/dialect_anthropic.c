/* dialect_anthropic.c - /anthropic/v1/messages: named events, and content as a row of blocks (thinking, text,
 * tool_use). */
#include "dialect.h"

static const char *stop_reason(const struct plan *p)
{
    static const struct {
        const char *finish, *stop;
    } rows[] = {
        {"stop", "end_turn"}, {"length", "max_tokens"}, {"tool_calls", "tool_use"}, {"content_filter", "refusal"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (!strcmp(p->finish, rows[i].finish)) return rows[i].stop;
    return p->finish;
}

static void put_usage_anthropic(const struct plan *p, int64_t output, struct buf *out)
{
    buf_printf(
        out,
        "{\"input_tokens\":%u,\"cache_creation_input_tokens\":0,\"cache_read_input_tokens\":%u,\"output_tokens\":%lld,"
        "\"service_tier\":\"standard\"}",
        p->usage.prompt - p->usage.hit, p->usage.hit, (long long)output);
}

static void put_signature(const struct plan *p, struct buf *out)
{
    BUF_ADD(out, "\"signature\":\"");
    put_uuid(p, out);
    BUF_ADD(out, "\"");
}

/* ---- blocks ---- */

static unsigned block_of(const struct plan *p, struct beat b)
{
    unsigned thinking = p->reasoning.count > 0, text = p->content.count > 0;
    if (b.kind == BEAT_REASONING) return 0;
    return b.kind == BEAT_CONTENT ? thinking : thinking + text + b.call;
}

static void open_event(const char *name, struct buf *out)
{
    buf_printf(out, "event: %s\ndata: {\"type\":\"%s\"", name, name);
}
static void close_event(struct buf *out) { BUF_ADD(out, "}\n\n"); }

static void open_block_event(const struct plan *p, struct beat b, const char *name, struct buf *out)
{
    open_event(name, out);
    buf_printf(out, ",\"index\":%u", block_of(p, b));
}

static void start_block(const struct plan *p, struct beat b, struct buf *out)
{
    open_block_event(p, b, "content_block_start", out);
    BUF_ADD(out, ",\"content_block\":");
    if (b.kind == BEAT_REASONING)
        BUF_ADD(out, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
    else if (b.kind == BEAT_CONTENT)
        BUF_ADD(out, "{\"type\":\"text\",\"text\":\"\"}");
    else
        buf_printf(out, "{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":%s,\"input\":{}}", p->calls[b.call].id,
                   p->calls[b.call].name);
    close_event(out);
}

static void stop_block(const struct plan *p, struct beat b, struct buf *out)
{
    if (b.kind == BEAT_REASONING) {
        open_block_event(p, b, "content_block_delta", out);
        BUF_ADD(out, ",\"delta\":{\"type\":\"signature_delta\",");
        put_signature(p, out);
        BUF_ADD(out, "}");
        close_event(out);
    }
    open_block_event(p, b, "content_block_stop", out);
    close_event(out);
}

static void put_delta(const struct plan *p, struct beat b, struct buf *out)
{
    open_block_event(p, b, "content_block_delta", out);
    if (b.kind == BEAT_ARGUMENTS) {
        BUF_ADD(out, ",\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":");
        buf_add_json_string(out, tool_call_piece(&p->calls[b.call], b.index));
    } else {
        buf_add(out, b.kind == BEAT_REASONING ? TEXT(",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":")
                                              : TEXT(",\"delta\":{\"type\":\"text_delta\",\"text\":"));
        put_beat_text(p, b, out);
    }
    BUF_ADD(out, "}");
    close_event(out);
}

/* ---- stream ---- */

static void open_message(const struct plan *p, struct buf *out)
{
    BUF_ADD(out, "{\"id\":\"");
    put_uuid(p, out);
    BUF_ADD(out, "\",\"type\":\"message\",\"role\":\"assistant\",\"model\":");
    buf_add_json_string(out, text_of(p->model));
    BUF_ADD(out, ",\"content\":[");
}

static void put_start(const struct plan *p, struct buf *out)
{
    open_event("message_start", out);
    BUF_ADD(out, ",\"message\":");
    open_message(p, out);
    BUF_ADD(out, "],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":");
    put_usage_anthropic(p, 0, out);
    BUF_ADD(out, "}");
    close_event(out);
}

static void put_finish(const struct plan *p, struct buf *out)
{
    open_event("message_delta", out);
    BUF_ADD(out, ",\"delta\":{\"stop_reason\":");
    buf_add_json_string(out, text_of(stop_reason(p)));
    BUF_ADD(out, ",\"stop_sequence\":null}");
    if (!p->usage_none) {
        BUF_ADD(out, ",\"usage\":");
        put_usage_anthropic(p, put_completion(p), out);
    }
    close_event(out);
}

static void anthropic_beat(struct plan *p, struct beat b, struct buf *out)
{
    bool is_delta = b.kind == BEAT_REASONING || b.kind == BEAT_CONTENT || b.kind == BEAT_ARGUMENTS;
    bool starts = b.kind == BEAT_TOOL || (is_delta && b.kind != BEAT_ARGUMENTS && b.index == 0);
    if (b.kind == BEAT_BEGIN) put_start(p, out);
    if (starts) start_block(p, b, out);
    if (is_delta) put_delta(p, b, out);
    if (is_delta && b.last) stop_block(p, b, out);
    if (b.kind == BEAT_FINISH) put_finish(p, out);
    if (b.kind == BEAT_DONE) BUF_ADD(out, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

/* ---- whole ---- */

static void put_blocks(const struct plan *p, struct buf *out)
{
    const char *comma = "";
    if (p->reasoning.count) {
        BUF_ADD(out, "{\"type\":\"thinking\",\"thinking\":");
        put_whole_text(p, BEAT_REASONING, out);
        BUF_ADD(out, ",");
        put_signature(p, out);
        BUF_ADD(out, "}");
        comma = ",";
    }
    if (p->content.count) {
        buf_printf(out, "%s{\"type\":\"text\",\"text\":", comma);
        put_whole_text(p, BEAT_CONTENT, out);
        BUF_ADD(out, "}");
        comma = ",";
    }
    for (unsigned i = 0; i < p->call_count; i++, comma = ",") {
        const struct tool_call *t = &p->calls[i];
        buf_printf(out, "%s{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":%s,\"input\":" TEXT_FORMAT "}", comma, t->id,
                   t->name, TEXT_ARGS(buf_text(&t->arguments)));
    }
}

static void anthropic_whole(struct plan *p, struct buf *out)
{
    open_message(p, out);
    put_blocks(p, out);
    BUF_ADD(out, "],\"stop_reason\":");
    buf_add_json_string(out, text_of(stop_reason(p)));
    BUF_ADD(out, ",\"stop_sequence\":null");
    if (!p->usage_none) {
        BUF_ADD(out, ",\"usage\":");
        put_usage_anthropic(p, put_completion(p), out);
    }
    BUF_ADD(out, "}");
}

static void anthropic_failure(struct plan *p, struct text message, const char *type, struct buf *out)
{
    open_event("error", out);
    BUF_ADD(out, ",\"error\":");
    error_object(out, message, type, type);
    close_event(out);
}

const struct dialect dialect_anthropic = {anthropic_beat, anthropic_whole, anthropic_failure,
                                          "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"};
