#include "plan.h"
#include "dsgate/base/mem.h"
#include "hash.h"
#include "prefix_cache.h"
#include "prose.h"
#include <stdio.h>

enum { TOKEN_BYTES = 7 /* of prose, about */, HUGE_STRIDE = 1024, BYTES_A_TOKEN = 4 /* of arguments */ };

static const char json_opening[] = "{\"answer\": \"", json_closing[] = "\"}";

/* ---- making ---- */

static uint64_t seed_of(const struct plan *p, enum beat_kind kind)
{
    return kind == BEAT_REASONING ? hash_mix(p->text_seed) : p->text_seed;
}

static void make_calls(struct plan *p, const struct call *call, const struct scenario *s)
{
    bool asked = call->wants_tool || s->tool_calls;
    if (call->tools.n <= 2 || !asked || s->empty_content) return;
    p->call_count = s->tool_calls ? s->tool_calls : 1;
    p->calls = mem_zalloc(p->call_count * sizeof *p->calls);
    for (unsigned i = 0; i < p->call_count; i++)
        tool_call_make(&p->calls[i], call, i, p->id_seed);
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
}

/* Goes on behind `given`, when that is how our own text begins; other texts are followed by the whole of ours. */
static bool go_on(struct plan *p, struct span *span, enum beat_kind kind, struct text given)
{
    size_t n = 0;
    unsigned token, skip;
    char *plain = mem_alloc(given.n + 2);
    bool found = json_to_text(text_make(given.p - 1, given.n + 2), plain, given.n + 2, &n) &&
                 prose_find(seed_of(p, kind), text_make(plain, n), &token, &skip) && token <= span->count;
    if (found) *span = (struct span){token, span->count - token, span->count > token ? skip : 0};
    mem_free(plain);
    return found;
}

static void continue_given(struct plan *p, const struct call *call)
{
    if (!call->continues) return;
    p->json_object = false;
    if (call->given_reasoning.n) go_on(p, &p->reasoning, BEAT_REASONING, call->given_reasoning);
    if (!call->given_content.n) return;
    p->reasoning.count = 0;
    go_on(p, &p->content, BEAT_CONTENT, call->given_content);
}

static unsigned argument_tokens(const struct plan *p)
{
    unsigned tokens = 0;
    for (unsigned i = 0; i < p->call_count; i++)
        tokens += prefix_tokens(buf_len(&p->calls[i].arguments)) + BYTES_A_TOKEN;
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

static struct usage count_usage(const struct plan *p, const struct call *call, unsigned hit)
{
    struct text parts[CALL_PARTS];
    size_t bytes = 0;
    unsigned n = call_prompt(call, parts);
    for (unsigned i = 0; i < n; i++)
        bytes += parts[i].n;
    return (struct usage){.prompt = prefix_tokens(bytes),
                          .hit = hit,
                          .completion = p->reasoning.count + p->content.count + argument_tokens(p),
                          .reasoning = p->reasoning.count};
}

void plan_make(struct plan *p, const struct call *call, const struct scenario *s, const struct plan_wishes *w)
{
    *p = (struct plan){.api = call->api,
                       .stream = call->stream,
                       .thinking = call->thinking,
                       .include_usage = call->include_usage,
                       .json_object = call->json_object,
                       .usage_separate = s->usage_separate,
                       .usage_none = s->usage_none,
                       .reasoning_field = s->reasoning_field,
                       .text_seed = call_seed(call, w->seed),
                       .id_seed = hash_mix(hash_text(HASH_START ^ hash_mix(w->seed), call->body)),
                       .created = w->created,
                       .model = mem_strdup(call->model)};
    make_calls(p, call, s);
    make_lengths(p, s, w->tokens);
    continue_given(p, call);
    apply_limit(p, call->max_tokens);
    apply_finish(p, s);
    p->usage = count_usage(p, call, w->hit);
}

void plan_free(struct plan *p)
{
    drop_calls(p);
    mem_free(p->model);
}

/* ---- beats ---- */

static unsigned span_beats(const struct plan *p, const struct span *span)
{
    return (span->count + p->stride - 1) / p->stride;
}

static unsigned call_beats(const struct plan *p)
{
    unsigned beats = 0;
    for (unsigned i = 0; i < p->call_count; i++)
        beats += 1 + tool_call_pieces(&p->calls[i]);
    return beats;
}

/* Only the chat dialects know a chunk with usage alone, and only Responses ends without an event of its own for the
 * end. */
static bool has_usage_beat(const struct plan *p)
{
    return p->usage_separate && p->include_usage && (p->api == API_CHAT || p->api == API_TEXT);
}
static bool has_done_beat(const struct plan *p) { return p->api != API_RESPONSES; }

static unsigned beats_before_finish(const struct plan *p)
{
    return 1 + span_beats(p, &p->reasoning) + span_beats(p, &p->content) + call_beats(p);
}

unsigned plan_beats(const struct plan *p) { return beats_before_finish(p) + 1 + has_usage_beat(p) + has_done_beat(p); }

static struct beat call_beat(const struct plan *p, unsigned n)
{
    for (unsigned i = 0; i < p->call_count; i++) {
        unsigned pieces = tool_call_pieces(&p->calls[i]);
        if (n == 0) return (struct beat){BEAT_TOOL, 0, i, false};
        if (n <= pieces) return (struct beat){BEAT_ARGUMENTS, n - 1, i, n == pieces};
        n -= 1 + pieces;
    }
    n += BEAT_FINISH + (n > 0 && !has_usage_beat(p));
    return (struct beat){(enum beat_kind)n, 0, 0, true};
}

struct beat plan_beat(const struct plan *p, unsigned number)
{
    unsigned reasoning = span_beats(p, &p->reasoning), content = span_beats(p, &p->content);
    if (number == 0) return (struct beat){BEAT_BEGIN, 0, 0, true};
    number--;
    if (number < reasoning) return (struct beat){BEAT_REASONING, number, 0, number + 1 == reasoning};
    number -= reasoning;
    if (number < content) return (struct beat){BEAT_CONTENT, number, 0, number + 1 == content};
    return call_beat(p, number - content);
}

static unsigned half(unsigned n) { return (n + 1) / 2; }

/* The middle of a part that the answer has not is the middle of the nearest part it has. */
static unsigned middle(const struct plan *p, enum position at)
{
    unsigned reasoning = span_beats(p, &p->reasoning), content = span_beats(p, &p->content), calls = call_beats(p);
    if (at == AT_MID_REASONING && reasoning) return 1 + half(reasoning);
    if (content && !(at == AT_MID_TOOL_CALL && calls)) return 1 + reasoning + half(content);
    if (calls) return 1 + reasoning + content + half(calls);
    return 1 + half(reasoning);
}

unsigned plan_position(const struct plan *p, const struct scenario *s)
{
    unsigned all = plan_beats(p);
    switch (s->at) {
    case AT_FIRST_EVENT: return 1;
    case AT_MID_REASONING:
    case AT_MID_CONTENT:
    case AT_MID_TOOL_CALL: return middle(p, s->at);
    case AT_LAST_CHUNK: return beats_before_finish(p);
    case AT_BEFORE_DONE: return all - 1;
    case AT_EVENT: return s->event < all ? s->event : all;
    case AT_BEFORE_HEADERS:
    case AT_DURING_HEADERS:
    case AT_AFTER_HEADERS:
    case POSITIONS: break;
    }
    return 0;
}

/* ---- text ---- */

static void add_tokens(const struct plan *p, enum beat_kind kind, unsigned first, unsigned count, struct buf *out)
{
    const struct span *span = kind == BEAT_REASONING ? &p->reasoning : &p->content;
    if (first == 0 && span->skip && count) {
        struct buf token = {0};
        prose_token(seed_of(p, kind), span->from, &token);
        buf_add(out, text_from(buf_text(&token), span->skip));
        buf_free(&token);
        first++;
        count--;
    }
    for (unsigned i = 0; i < count; i++)
        prose_token(seed_of(p, kind), span->from + first + i, out);
}

/* JSON mode: prose is put into a member, its own quotes and controls escaped. */
static void add_json_tokens(const struct plan *p, unsigned first, unsigned count, struct buf *out)
{
    struct buf plain = {0}, quoted = {0};
    add_tokens(p, BEAT_CONTENT, first, count, &plain);
    buf_add_json_string(&quoted, buf_text(&plain));
    if (first == 0) buf_add(out, text_of(json_opening));
    buf_append(out, quoted.data + 1, buf_len(&quoted) - 2);
    if (first + count == p->content.count && strcmp(p->finish, "length")) buf_add(out, text_of(json_closing));
    buf_free(&plain);
    buf_free(&quoted);
}

static void add_part(const struct plan *p, enum beat_kind kind, unsigned first, unsigned count, struct buf *out)
{
    if (kind == BEAT_CONTENT && p->json_object)
        add_json_tokens(p, first, count, out);
    else
        add_tokens(p, kind, first, count, out);
}

void plan_text(const struct plan *p, struct beat b, struct buf *out)
{
    unsigned all = b.kind == BEAT_REASONING ? p->reasoning.count : p->content.count;
    unsigned first = b.index * p->stride, left = all - first;
    add_part(p, b.kind, first, left < p->stride ? left : p->stride, out);
}

void plan_whole_text(const struct plan *p, enum beat_kind kind, struct buf *out)
{
    unsigned all = kind == BEAT_REASONING ? p->reasoning.count : p->content.count;
    if (all) add_part(p, kind, 0, all, out);
}
