#include "plan.h"
#include "dsgate/base/mem.h"
#include "hash.h"
#include "prefix_cache.h"
#include <stdio.h>

enum { TOKEN_BYTES = 7 /* of prose, about */, HUGE_STRIDE = 1024 };

/* ---- making ---- */

static unsigned count_calls(const struct call *call, const struct scenario *s)
{
    bool asked = call->wants_tool || s->tool_calls;
    if (call->tools.n <= 2 || !asked || s->empty_content) return 0;
    return s->tool_calls ? s->tool_calls : 1;
}

/* From the texts' seed: streamed or not, calls are the same. */
static void make_calls(struct plan *p, const struct call *call)
{
    if (!p->call_count) return;
    p->calls = mem_zalloc(p->call_count * sizeof *p->calls);
    for (unsigned i = 0; i < p->call_count; i++)
        tool_call_make(&p->calls[i], call, i, hash_mix(~p->text_seed));
}

static void drop_calls(struct plan *p)
{
    for (unsigned i = 0; i < p->call_count; i++)
        tool_call_free(&p->calls[i]);
    mem_free(p->calls);
    p->calls = NULL;
    p->call_count = 0;
}

static void make_lengths(struct plan *p, const struct scenario *s, unsigned tokens)
{
    p->stride = s->huge_mb ? HUGE_STRIDE : 1;
    p->content.count = s->huge_mb ? s->huge_mb * 1000000u / TOKEN_BYTES : tokens;
    p->reasoning.count = p->thinking ? (tokens + 1) / 2 : 0;
    if (p->call_count) p->content.count = 0;
    if (s->empty_content) p->content.count = p->reasoning.count = 0;
    p->content.whole = p->content.count;
    p->reasoning.whole = p->reasoning.count;
}

static unsigned argument_tokens(const struct plan *p)
{
    unsigned tokens = 0;
    for (unsigned i = 0; i < p->call_count; i++)
        tokens += prefix_tokens(buf_len(&p->calls[i].arguments)) + TOOL_CALL_TOKENS;
    return tokens;
}

static bool keep_within(unsigned *count, unsigned *room)
{
    bool fits = *count <= *room;
    if (!fits) *count = *room;
    *room -= *count;
    return fits;
}

/* max_tokens covers thinking, content and calls. A call that does not fit is left out whole. */
static void apply_limit(struct plan *p, int64_t max_tokens)
{
    unsigned room = max_tokens ? (unsigned)max_tokens : UINT32_MAX, calls = argument_tokens(p);
    bool fits = keep_within(&p->reasoning.count, &room);
    fits = keep_within(&p->content.count, &room) && fits;
    if (calls > room) {
        drop_calls(p);
        fits = false;
    }
    snprintf(p->finish, sizeof p->finish, "%s", !fits ? "length" : p->call_count ? "tool_calls" : "stop");
}

static void apply_finish(struct plan *p, const struct scenario *s)
{
    if (!*s->finish) return;
    memcpy(p->finish, s->finish, sizeof p->finish);
    if (s->cut_short) p->content.count = (p->content.count + 1) / 2;
}

static struct usage count_usage(const struct plan *p, unsigned prompt, unsigned hit)
{
    unsigned completion = p->reasoning.count + p->content.count + argument_tokens(p);
    return (struct usage){.prompt = prompt + p->given,
                          .hit = hit < prompt ? hit : prompt,
                          .completion = completion * p->choices,
                          .reasoning = p->reasoning.count * p->choices};
}

/* What the provider and the scenario say of an answer's shape. */
static void make_shape(struct plan *p, const struct call *call, const struct scenario *s)
{
    p->usage_separate = s->usage_separate || call->provider->usage_separate;
    p->reasoning_field = s->reasoning_field || call->provider->reasoning_field;
    p->error_shape = call->provider->errors == ERROR_INTEGER_CODE ? ERROR_INTEGER_CODE : ERROR_NESTED;
    p->usage_none = s->usage_none;
    p->usage_negative = s->usage_negative;
    p->alias = s->changing_ids;
    p->choices = (unsigned)call->n;
    p->logprobs = call->logprobs;
    p->top_logprobs = (unsigned)call->top_logprobs;
}

void plan_make(struct plan *p, const struct call *call, const struct scenario *s, const struct plan_wishes *w)
{
    *p = (struct plan){.api = call->api,
                       .stream = call->stream,
                       .thinking = call->thinking,
                       .include_usage = call->include_usage,
                       .json_object = call->json_object && call->api != API_TEXT,
                       .id_seed = hash_mix(hash_text(HASH_START ^ hash_mix(w->seed), call->body)),
                       .created = w->created,
                       .model = mem_strdup(call->model)};
    make_shape(p, call, s);
    p->call_count = count_calls(call, s);
    make_lengths(p, s, w->tokens);
    unsigned prompt = plan_resume(p, call, w->seed);
    make_calls(p, call);
    apply_limit(p, call->max_tokens);
    apply_finish(p, s);
    p->usage = count_usage(p, prompt, w->hit);
}

void plan_free(struct plan *p)
{
    drop_calls(p);
    mem_free(p->model);
}
