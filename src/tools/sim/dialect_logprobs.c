/* dialect_logprobs.c - the member `logprobs` of chat choices: an object for each token, with its bytes, because a token
 * need not be whole characters elsewhere.
 */
#include "dialect.h"
#include "hash.h"
#include "prose.h"

static void put_number_list(struct text bytes, struct buf *out)
{
    BUF_ADD(out, "[");
    for (size_t i = 0; i < bytes.n; i++)
        buf_printf(out, "%s%u", i ? "," : "", (unsigned char)bytes.p[i]);
    BUF_ADD(out, "]");
}

/* The three members of a token, without braces. */
static void put_token(struct text token, uint64_t thousandths, struct buf *out)
{
    BUF_ADD(out, "\"token\":");
    buf_add_json_string(out, token);
    buf_printf(out, ",\"logprob\":-%llu.%03llu,\"bytes\":", (unsigned long long)thousandths / 1000,
               (unsigned long long)thousandths % 1000);
    put_number_list(token, out);
}

/* The likeliest tokens: the one that was chosen, then others that are less and less likely. */
static void put_alternatives(const struct plan *p, struct text token, uint64_t chosen, uint64_t seed, struct buf *out)
{
    struct buf other = {0};
    BUF_ADD(out, ",\"top_logprobs\":[");
    for (unsigned i = 0; i < p->top_logprobs; i++) {
        buf_clear(&other);
        prose_token(seed, i + 1, &other);
        buf_add(out, i ? TEXT(",{") : TEXT("{"));
        put_token(i ? buf_text(&other) : token, chosen + i * 250, out);
        BUF_ADD(out, "}");
    }
    BUF_ADD(out, "]");
    buf_free(&other);
}

static void put_entry(const struct plan *p, struct text token, uint64_t seed, struct buf *out)
{
    uint64_t chosen = 1 + hash_pick(seed, 0, 2000);
    BUF_ADD(out, "{");
    put_token(token, chosen, out);
    put_alternatives(p, token, chosen, seed, out);
    BUF_ADD(out, "}");
}

static void put_entries(const struct plan *p, struct beat b, unsigned first, unsigned count, struct buf *out)
{
    struct buf token = {0};
    uint64_t text = hash_mix(p->text_seed + b.choice) + b.kind;
    for (unsigned i = 0; i < count; i++) {
        if (i) BUF_ADD(out, ",");
        buf_clear(&token);
        plan_token(p, b.kind, b.choice, first + i, &token);
        put_entry(p, buf_text(&token), hash_mix(text + plan_span(p, b.kind)->from + first + i), out);
    }
    buf_free(&token);
}

/* DeepSeek lists the tokens of the two texts apart; vLLM and its like have one list for both. */
static bool lists_apart(const struct plan *p) { return p->thinking && !p->reasoning_field; }

void put_beat_logprobs(const struct plan *p, struct beat b, struct buf *out)
{
    unsigned first, count;
    bool thinks = b.kind == BEAT_REASONING;
    if (!p->logprobs || (!thinks && b.kind != BEAT_CONTENT)) {
        BUF_ADD(out, "null");
        return;
    }
    count = plan_run(p, b, &first);
    buf_add(out, thinks && lists_apart(p) ? TEXT("{\"content\":null,\"reasoning_content\":[") : TEXT("{\"content\":["));
    put_entries(p, b, first, count, out);
    buf_add(out, !thinks && lists_apart(p) ? TEXT("],\"reasoning_content\":null}") : TEXT("]}"));
}

static void put_list(const struct plan *p, struct beat b, struct buf *out)
{
    unsigned count = plan_span(p, b.kind)->count;
    if (!count) {
        BUF_ADD(out, "null");
        return;
    }
    BUF_ADD(out, "[");
    put_entries(p, b, 0, count, out);
    BUF_ADD(out, "]");
}

static void put_joint_list(const struct plan *p, struct beat reasoning, struct beat content, struct buf *out)
{
    BUF_ADD(out, "[");
    put_entries(p, reasoning, 0, p->reasoning.count, out);
    if (p->reasoning.count && p->content.count) BUF_ADD(out, ",");
    put_entries(p, content, 0, p->content.count, out);
    BUF_ADD(out, "]");
}

void put_choice_logprobs(const struct plan *p, unsigned choice, struct buf *out)
{
    struct beat reasoning = {.kind = BEAT_REASONING, .choice = choice},
                content = {.kind = BEAT_CONTENT, .choice = choice};
    if (!p->logprobs || p->reasoning.count + p->content.count == 0) {
        BUF_ADD(out, "null");
        return;
    }
    BUF_ADD(out, "{\"content\":");
    if (lists_apart(p)) {
        put_list(p, content, out);
        BUF_ADD(out, ",\"reasoning_content\":");
        put_list(p, reasoning, out);
    } else {
        put_joint_list(p, reasoning, content, out);
    }
    BUF_ADD(out, "}");
}
