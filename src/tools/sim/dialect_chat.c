/* dialect_chat.c - /chat/completions. */
#include "dialect.h"

static const char *reasoning_field(const struct plan *p)
{
    return p->reasoning_field ? "reasoning" : "reasoning_content";
}

/* ---- stream ---- */

/* The delta of a thinking answer names both texts, one of them null; vLLM and its like leave the null one out. */
static void put_delta_text(const struct plan *p, struct beat b, struct buf *out)
{
    bool thinks = b.kind == BEAT_REASONING, both = p->thinking && !p->reasoning_field;
    if (thinks) {
        buf_printf(out, both ? "\"content\":null,\"%s\":" : "\"%s\":", reasoning_field(p));
        put_beat_text(p, b, out);
        return;
    }
    BUF_ADD(out, "\"content\":");
    put_beat_text(p, b, out);
    if (both) BUF_ADD(out, ",\"reasoning_content\":null");
}

static void put_delta_begin(const struct plan *p, struct buf *out)
{
    BUF_ADD(out, "\"role\":\"assistant\",\"content\":");
    if (p->thinking && !p->reasoning_field)
        BUF_ADD(out, "null,\"reasoning_content\":\"\"");
    else
        BUF_ADD(out, "\"\"");
}

static void put_delta_tool(const struct plan *p, struct beat b, struct buf *out)
{
    const struct tool_call *t = &p->calls[b.call];
    buf_printf(out, "\"tool_calls\":[{\"index\":%u,", b.call);
    if (b.kind == BEAT_TOOL) {
        buf_printf(out, "\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":%s,\"arguments\":\"\"}}]", t->id,
                   t->name);
        return;
    }
    BUF_ADD(out, "\"function\":{\"arguments\":");
    buf_add_json_string(out, tool_call_piece(t, b.index));
    BUF_ADD(out, "}}]");
}

static void put_delta_finish(const struct plan *p, struct buf *out)
{
    BUF_ADD(out, "\"content\":\"\"");
    if (p->thinking && !p->reasoning_field) BUF_ADD(out, ",\"reasoning_content\":null");
}

static void put_delta(const struct plan *p, struct beat b, struct buf *out)
{
    switch (b.kind) {
    case BEAT_BEGIN: put_delta_begin(p, out); break;
    case BEAT_REASONING:
    case BEAT_CONTENT: put_delta_text(p, b, out); break;
    case BEAT_TOOL:
    case BEAT_ARGUMENTS: put_delta_tool(p, b, out); break;
    case BEAT_FINISH: put_delta_finish(p, out); break;
    case BEAT_USAGE:
    case BEAT_DONE: break;
    }
}

static void put_choice(const struct plan *p, struct beat b, struct buf *out)
{
    BUF_ADD(out, "{\"index\":0,\"delta\":{");
    put_delta(p, b, out);
    BUF_ADD(out, "}");
    put_choice_end(p, b, out);
}

static void chat_beat(struct plan *p, struct beat b, struct buf *out)
{
    put_chunk(p, b, "chat.completion.chunk", put_choice, out);
}

/* ---- whole ---- */

static void put_calls(const struct plan *p, struct buf *out)
{
    BUF_ADD(out, ",\"tool_calls\":[");
    for (unsigned i = 0; i < p->call_count; i++) {
        const struct tool_call *t = &p->calls[i];
        buf_printf(out, "%s{\"index\":%u,\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":%s,\"arguments\":",
                   i ? "," : "", i, t->id, t->name);
        buf_add_json_string(out, buf_text(&t->arguments));
        BUF_ADD(out, "}}");
    }
    BUF_ADD(out, "]");
}

static void put_message(const struct plan *p, struct buf *out)
{
    BUF_ADD(out, "{\"role\":\"assistant\",\"content\":");
    put_whole_text(p, BEAT_CONTENT, out);
    if (p->thinking) {
        buf_printf(out, ",\"%s\":", reasoning_field(p));
        put_whole_text(p, BEAT_REASONING, out);
    }
    if (p->call_count) put_calls(p, out);
    BUF_ADD(out, "}");
}

static void chat_whole(struct plan *p, struct buf *out)
{
    put_envelope(p, "chat.completion", out);
    BUF_ADD(out, ",\"choices\":[{\"index\":0,\"message\":");
    put_message(p, out);
    BUF_ADD(out, ",\"logprobs\":null,\"finish_reason\":");
    buf_add_json_string(out, text_of(p->finish));
    BUF_ADD(out, "}]");
    if (!p->usage_none) {
        BUF_ADD(out, ",\"usage\":");
        put_usage(p, out);
    }
    BUF_ADD(out, "}");
}

const struct dialect dialect_chat = {chat_beat, chat_whole, put_failure, "data: [DONE]\n\n"};
