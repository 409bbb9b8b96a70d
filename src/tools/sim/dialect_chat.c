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

/* Choices call the same tools; no two calls of an answer have one id. */
static void put_call_id(const struct plan *p, unsigned call, unsigned choice, struct buf *out)
{
    buf_printf(out, choice ? "\"%s_%u\"" : "\"%s\"", p->calls[call].id, choice);
}

static void put_delta_tool(const struct plan *p, struct beat b, struct buf *out)
{
    const struct tool_call *t = &p->calls[b.call];
    buf_printf(out, "\"tool_calls\":[{\"index\":%u,", b.call);
    if (b.kind == BEAT_TOOL) {
        BUF_ADD(out, "\"id\":");
        put_call_id(p, b.call, b.choice, out);
        buf_printf(out, ",\"type\":\"function\",\"function\":{\"name\":%s,\"arguments\":\"\"}}]", t->name);
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
    buf_printf(out, "{\"index\":%u,\"delta\":{", b.choice);
    put_delta(p, b, out);
    BUF_ADD(out, "}");
    put_choice_end(p, b, out);
}

static void chat_beat(struct plan *p, struct beat b, struct buf *out)
{
    put_chunk(p, b, "chat.completion.chunk", put_choice, out);
}

/* ---- whole ---- */

static void put_calls(const struct plan *p, unsigned choice, struct buf *out)
{
    BUF_ADD(out, ",\"tool_calls\":[");
    for (unsigned i = 0; i < p->call_count; i++) {
        const struct tool_call *t = &p->calls[i];
        buf_printf(out, "%s{\"index\":%u,\"id\":", i ? "," : "", i);
        put_call_id(p, i, choice, out);
        buf_printf(out, ",\"type\":\"function\",\"function\":{\"name\":%s,\"arguments\":", t->name);
        buf_add_json_string(out, buf_text(&t->arguments));
        BUF_ADD(out, "}}");
    }
    BUF_ADD(out, "]");
}

static void put_message(const struct plan *p, unsigned choice, struct buf *out)
{
    BUF_ADD(out, "{\"role\":\"assistant\",\"content\":");
    put_choice_text(p, BEAT_CONTENT, choice, out);
    if (p->thinking) {
        buf_printf(out, ",\"%s\":", reasoning_field(p));
        put_choice_text(p, BEAT_REASONING, choice, out);
    }
    if (p->call_count) put_calls(p, choice, out);
    BUF_ADD(out, "}");
}

static void put_whole_choice(const struct plan *p, unsigned choice, struct buf *out)
{
    buf_printf(out, "%s{\"index\":%u,\"message\":", choice ? "," : "", choice);
    put_message(p, choice, out);
    BUF_ADD(out, ",\"logprobs\":");
    put_choice_logprobs(p, choice, out);
    BUF_ADD(out, ",\"finish_reason\":");
    buf_add_json_string(out, text_of(p->finish));
    BUF_ADD(out, "}");
}

static void chat_whole(struct plan *p, struct buf *out)
{
    put_envelope(p, "chat.completion", out);
    BUF_ADD(out, ",\"choices\":[");
    for (unsigned i = 0; i < p->choices; i++)
        put_whole_choice(p, i, out);
    BUF_ADD(out, "]");
    if (!p->usage_none) {
        BUF_ADD(out, ",\"usage\":");
        put_usage(p, out);
    }
    BUF_ADD(out, "}");
}

const struct dialect dialect_chat = {chat_beat, chat_whole, put_failure, "data: [DONE]\n\n"};
