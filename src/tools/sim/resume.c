/* resume.c - answers that have begun already: a request that brings the first part of its own answer along gets the
 * rest of it, from whichever simulator with the same seed it asks.
 *
 * A text that is not the beginning of our own is followed by the whole of ours.
 */
#include "dsgate/base/mem.h"
#include "hash.h"
#include "plan.h"
#include "prefix_cache.h"
#include "prose.h"

/* The tokens that a given text counts for: as when they were generated, if they are ours. */
static unsigned tokens_before(const struct span *span) { return span->from + (span->skip > 0); }

/* `raw`: a JSON string without its quotes, which stand around it. */
static char *decode(struct text raw, size_t *n)
{
    char *plain = mem_alloc(raw.n + 2);
    *n = 0;
    json_to_text(text_make(raw.p - 1, raw.n + 2), plain, raw.n + 2, n);
    return plain;
}

static void go_on(struct plan *p, enum beat_kind kind, struct text raw)
{
    size_t n;
    char *plain = decode(raw, &n);
    bool ours = plan_skip(p, kind, text_make(plain, n));
    p->given += ours ? tokens_before(plan_span(p, kind)) : prefix_tokens(n);
    mem_free(plain);
}

static void go_on_message(struct plan *p, const struct call *call)
{
    if (call->given_reasoning.n) go_on(p, BEAT_REASONING, call->given_reasoning);
    if (!call->given_content.n) return;
    p->reasoning.count = 0;
    go_on(p, BEAT_CONTENT, call->given_content);
}

/* ---- legacy completions: nothing tells where the prompt ends and its completion begins ---- */

/* The first place of the prompt from which on it is the answer to what stands before, or its end. The first, so that
 * the place is the same whatever of that answer has been appended. Sets the seed. */
static size_t find_place(struct plan *p, uint64_t hash, struct text prompt)
{
    size_t longest = (size_t)p->content.whole * PROSE_TOKEN_MOST;
    size_t at = prompt.n > longest ? prompt.n - longest : 0;
    hash = hash_text(hash, text_make(prompt.p, at));
    for (;; at++) {
        p->text_seed = hash_mix(hash);
        if (at == prompt.n || plan_skip(p, BEAT_CONTENT, text_from(prompt, at))) return at;
        hash = hash_text(hash, text_make(prompt.p + at, 1));
    }
}

/* Returns how many bytes of the prompt are the prompt. */
static size_t go_on_prompt(struct plan *p, uint64_t hash, struct text prompt)
{
    size_t n, at;
    char *plain = decode(json_inside(prompt), &n);
    at = find_place(p, hash, text_make(plain, n));
    p->given = tokens_before(&p->content);
    mem_free(plain);
    return at;
}

/* ---- the whole ---- */

unsigned plan_resume(struct plan *p, const struct call *call, uint64_t seed)
{
    struct text parts[CALL_PARTS];
    const struct json_member *prompt = call_get(call, CALL_PROMPT);
    uint64_t hash = call_hash(call, seed);
    size_t bytes = 0;
    unsigned n = call_prompt(call, parts);
    for (unsigned i = 0; i < n; i++)
        bytes += parts[i].n;
    if (call->api == API_TEXT && prompt->type == JSON_STRING) {
        bytes = bytes - prompt->value.n + 2 + go_on_prompt(p, hash, prompt->value);
    } else {
        p->text_seed = hash_mix(hash_text(hash, prompt->value));
        if (call->continues) go_on_message(p, call);
    }
    return prefix_tokens(bytes);
}
