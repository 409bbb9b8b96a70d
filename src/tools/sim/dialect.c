#include "dialect.h"
#include "dsgate/base/mem.h"
#include "hash.h"

const struct dialect *dialect_of(enum api api)
{
    switch (api) {
    case API_TEXT: return &dialect_text;
    case API_ANTHROPIC: return &dialect_anthropic;
    case API_RESPONSES: return &dialect_responses;
    case API_CHAT:
    case API_EMBEDDINGS: break;
    }
    return &dialect_chat;
}

void put_beat_text(const struct plan *p, struct beat b, struct buf *out)
{
    struct buf plain = {0};
    plan_text(p, b, &plain);
    buf_add_json_string(out, buf_text(&plain));
    buf_free(&plain);
}

void put_whole_text(const struct plan *p, enum beat_kind kind, struct buf *out) { put_choice_text(p, kind, 0, out); }

void put_choice_text(const struct plan *p, enum beat_kind kind, unsigned choice, struct buf *out)
{
    struct buf plain = {0};
    plan_whole_text(p, kind, choice, &plain);
    buf_add_json_string(out, buf_text(&plain));
    buf_free(&plain);
}

void put_uuid(const struct plan *p, struct buf *out)
{
    uint64_t a = p->alias ? hash_mix(p->id_seed + p->alias) : p->id_seed, b = hash_mix(a);
    buf_printf(out, "%08x-%04x-4%03x-%04x-%012llx", (unsigned)(a >> 32), (unsigned)(a >> 16 & 0xFFFF),
               (unsigned)(a & 0xFFF), (unsigned)(b >> 48 & 0x3FFF) | 0x8000, (unsigned long long)(b & 0xFFFFFFFFFFFFu));
}

void put_id(const struct plan *p, const char *prefix, unsigned n, struct buf *out)
{
    uint64_t a = hash_mix(p->id_seed + n), b = hash_mix(a);
    buf_printf(out, "%s%016llx%08x", prefix, (unsigned long long)a, (unsigned)b);
}

void put_usage(const struct plan *p, struct buf *out)
{
    const struct usage *u = &p->usage;
    int64_t completion = put_completion(p);
    buf_printf(out,
               "{\"prompt_tokens\":%u,\"completion_tokens\":%lld,\"total_tokens\":%lld,\"prompt_tokens_details\":{"
               "\"cached_tokens\":%u}",
               u->prompt, (long long)completion, (long long)(u->prompt + completion), u->hit);
    if (p->thinking) buf_printf(out, ",\"completion_tokens_details\":{\"reasoning_tokens\":%u}", u->reasoning);
    buf_printf(out, ",\"prompt_cache_hit_tokens\":%u,\"prompt_cache_miss_tokens\":%u}", u->hit, u->prompt - u->hit);
}

/* DeepSeek puts usage on the chunk with finish_reason, others on one of its own that must be asked for. With
 * include_usage the other chunks say null. */
void put_chunk_usage(const struct plan *p, struct beat b, struct buf *out)
{
    enum beat_kind place = p->usage_separate ? BEAT_USAGE : BEAT_FINISH;
    if (p->usage_none) return;
    if (b.kind == place && (b.kind == BEAT_USAGE || b.choice + 1 == p->choices)) {
        BUF_ADD(out, ",\"usage\":");
        put_usage(p, out);
    } else if (p->include_usage) {
        BUF_ADD(out, ",\"usage\":null");
    }
}

static void put_model(const struct plan *p, struct buf *out)
{
    char *alias = p->alias ? mem_printf("%s-%u", p->model, p->alias) : NULL;
    buf_add_json_string(out, text_of(alias ? alias : p->model));
    mem_free(alias);
}

void put_envelope(const struct plan *p, const char *object, struct buf *out)
{
    BUF_ADD(out, "{\"id\":\"");
    put_uuid(p, out);
    buf_printf(out, "\",\"object\":\"%s\",\"created\":%lld,\"model\":", object, (long long)p->created);
    put_model(p, out);
    BUF_ADD(out, ",\"system_fingerprint\":\"fp_eaab8d114b_prod0820_fp8_kvcache\"");
}

void put_chunk(const struct plan *p, struct beat b, const char *object,
               void (*put_choice)(const struct plan *p, struct beat b, struct buf *out), struct buf *out)
{
    BUF_ADD(out, "data: ");
    if (b.kind == BEAT_DONE) {
        BUF_ADD(out, "[DONE]\n\n");
        return;
    }
    put_envelope(p, object, out);
    BUF_ADD(out, ",\"choices\":[");
    if (b.kind != BEAT_USAGE) put_choice(p, b, out);
    BUF_ADD(out, "]");
    put_chunk_usage(p, b, out);
    BUF_ADD(out, "}\n\n");
}

void put_choice_end(const struct plan *p, struct beat b, struct buf *out)
{
    BUF_ADD(out, ",\"logprobs\":");
    put_beat_logprobs(p, b, out);
    BUF_ADD(out, ",\"finish_reason\":");
    if (b.kind == BEAT_FINISH)
        buf_add_json_string(out, text_of(p->finish));
    else
        BUF_ADD(out, "null");
    BUF_ADD(out, "}");
}

void put_failure(struct plan *p, struct text message, const char *type, struct buf *out)
{
    struct refusal r = {.status = 503, .type = type, .code = type, .shape = p->error_shape};
    buf_add(&r.message, message);
    BUF_ADD(out, "data: ");
    refusal_body(&r, out);
    BUF_ADD(out, "\n\n");
    refusal_free(&r);
}
