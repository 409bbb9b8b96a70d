/* dialect_text.c - /completions: fill in the middle, and completion of a prompt. */
#include "dialect.h"

static void put_choice(const struct plan *p, struct beat b, struct buf *out)
{
    BUF_ADD(out, "{\"text\":");
    if (b.kind == BEAT_CONTENT)
        put_beat_text(p, b, out);
    else
        BUF_ADD(out, "\"\"");
    BUF_ADD(out, ",\"index\":0");
    put_choice_end(p, b, out);
}

static void text_beat(struct plan *p, struct beat b, struct buf *out)
{
    put_chunk(p, b, "text_completion", put_choice, out);
}

static void text_whole(struct plan *p, struct buf *out)
{
    put_envelope(p, "text_completion", out);
    BUF_ADD(out, ",\"choices\":[{\"text\":");
    put_whole_text(p, BEAT_CONTENT, out);
    BUF_ADD(out, ",\"index\":0,\"logprobs\":null,\"finish_reason\":");
    buf_add_json_string(out, text_of(p->finish));
    BUF_ADD(out, "}]");
    if (!p->usage_none) {
        BUF_ADD(out, ",\"usage\":");
        put_usage(p, out);
    }
    BUF_ADD(out, "}");
}

const struct dialect dialect_text = {text_beat, text_whole, put_failure, "data: [DONE]\n\n"};
