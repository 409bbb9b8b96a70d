/* beats.c - the beats of a plan by their number, and which number a scenario's position is. */
#include "hash.h"
#include "plan.h"
#include "prefix_cache.h"

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

/* Each choice has the same number of beats, the finish its last. */
static unsigned choice_beats(const struct plan *p) { return (beats_before_finish(p) + 1) * p->choices; }

unsigned plan_beats(const struct plan *p) { return choice_beats(p) + has_usage_beat(p) + has_done_beat(p); }

static struct beat call_beat(const struct plan *p, unsigned n)
{
    for (unsigned i = 0; i < p->call_count; i++) {
        unsigned pieces = tool_call_pieces(&p->calls[i]);
        if (n == 0) return (struct beat){BEAT_TOOL, 0, i, false, 0};
        if (n <= pieces) return (struct beat){BEAT_ARGUMENTS, n - 1, i, n == pieces, 0};
        n -= 1 + pieces;
    }
    return (struct beat){BEAT_FINISH, 0, 0, true, 0};
}

static struct beat beat_of_choice(const struct plan *p, unsigned number)
{
    unsigned reasoning = span_beats(p, &p->reasoning), content = span_beats(p, &p->content);
    if (number == 0) return (struct beat){BEAT_BEGIN, 0, 0, true, 0};
    number--;
    if (number < reasoning) return (struct beat){BEAT_REASONING, number, 0, number + 1 == reasoning, 0};
    number -= reasoning;
    if (number < content) return (struct beat){BEAT_CONTENT, number, 0, number + 1 == content, 0};
    return call_beat(p, number - content);
}

struct beat plan_beat(const struct plan *p, unsigned number)
{
    unsigned choices = choice_beats(p);
    if (number >= choices) {
        unsigned kind = BEAT_USAGE + number - choices + !has_usage_beat(p);
        return (struct beat){(enum beat_kind)kind, 0, 0, true, 0};
    }
    struct beat b = beat_of_choice(p, number / p->choices);
    b.choice = number % p->choices;
    return b;
}

unsigned plan_beat_tokens(const struct plan *p, struct beat b)
{
    unsigned first, last;
    switch (b.kind) {
    case BEAT_REASONING:
    case BEAT_CONTENT: return plan_run(p, b, &first);
    case BEAT_TOOL: return TOOL_CALL_TOKENS;
    case BEAT_ARGUMENTS:
        first = prefix_tokens(tool_call_offset(&p->calls[b.call], b.index));
        last = prefix_tokens(tool_call_offset(&p->calls[b.call], b.index + 1));
        return last - first;
    case BEAT_BEGIN:
    case BEAT_FINISH:
    case BEAT_USAGE:
    case BEAT_DONE: break;
    }
    return 0;
}

/* ---- positions ---- */

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
    case AT_MID_TOOL_CALL: return middle(p, s->at) * p->choices;
    case AT_LAST_CHUNK: return beats_before_finish(p) * p->choices;
    case AT_BEFORE_DONE: return all - 1;
    case AT_EVENT: return s->event < all ? s->event : all;
    case AT_RANDOM: return 1 + (unsigned)hash_pick(s->draw, 0, all - 1);
    case AT_BEFORE_HEADERS:
    case AT_DURING_HEADERS:
    case AT_AFTER_HEADERS:
    case POSITIONS: break;
    }
    return 0;
}
