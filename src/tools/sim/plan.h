/* plan.h - everything about an answer that is decided before its first byte.
 *
 * An answer is a row of beats: the beginning, reasoning, content, tool calls, the finish, … A beat is found by its
 * number, and its text is made when it is sent, so an open stream costs no more than this struct. The dialects
 * (dialect.h) say how a beat looks.
 */
#ifndef DSGATE_SIM_PLAN_H
#define DSGATE_SIM_PLAN_H

#include "call.h"
#include "scenario.h"
#include "tool_call.h"

enum beat_kind {
    BEAT_BEGIN,
    BEAT_REASONING,
    BEAT_CONTENT,
    BEAT_TOOL,
    BEAT_ARGUMENTS,
    BEAT_FINISH,
    BEAT_USAGE,
    BEAT_DONE
};

struct beat {
    enum beat_kind kind;
    unsigned index;  /* within its kind (arguments: within its call) */
    unsigned call;   /* tool call */
    bool last;       /* of its kind (arguments: of its call) */
    unsigned choice; /* the choices of one answer take turns */
};

struct usage {
    unsigned prompt, hit, completion, reasoning;
};

/* A run of tokens of one text. */
struct span {
    unsigned from, count, skip; /* skip: bytes of the first token that were given already */
    unsigned whole;             /* tokens of the text, whatever is left out of it */
};

struct plan {
    enum api api;
    bool stream, thinking, include_usage, json_object;
    bool usage_separate, usage_none, usage_negative, reasoning_field, logprobs;
    unsigned top_logprobs, choices;
    enum error_shape error_shape; /* of errors in the stream */
    uint64_t text_seed, id_seed;
    unsigned alias; /* of id and model in the next chunk, where they change; 0: they do not */
    int64_t created;
    char *model;
    struct span reasoning, content;
    unsigned given; /* tokens that the request brought along to be gone on with */
    unsigned stride; /* tokens a beat */
    struct tool_call *calls;
    unsigned call_count;
    char finish[32]; /* finish_reason in DeepSeek's words */
    struct usage usage;
    unsigned sequence; /* events so far, where a dialect numbers them */
};

struct plan_wishes {
    uint64_t seed;
    int64_t created; /* seconds since 1970 */
    unsigned tokens; /* of the content, if max_tokens allows; reasoning gets half as many */
    unsigned hit;    /* prompt tokens found in the prefix cache */
};

void plan_make(struct plan *p, const struct call *call, const struct scenario *s, const struct plan_wishes *w);
void plan_free(struct plan *p);

/* ---- beats (beats.c) ---- */

unsigned plan_beats(const struct plan *p);
struct beat plan_beat(const struct plan *p, unsigned number);

/* How many tokens a beat brings: those of all beats are usage.completion. */
unsigned plan_beat_tokens(const struct plan *p, struct beat b);

/* How many beats come before the scenario's fault. */
unsigned plan_position(const struct plan *p, const struct scenario *s);

/* ---- texts (plan_text.c) ---- */

static inline const struct span *plan_span(const struct plan *p, enum beat_kind kind)
{
    return kind == BEAT_REASONING ? &p->reasoning : &p->content;
}

/* The tokens of a reasoning or content beat: *first and how many, returned. */
unsigned plan_run(const struct plan *p, struct beat b, unsigned *first);
/* Appends token `i` (0 to span's count) of what is told of a choice's text; raw, not escaped. */
void plan_token(const struct plan *p, enum beat_kind kind, unsigned choice, unsigned i, struct buf *out);
/* Appends the text of a reasoning or content beat, or of all beats of that kind in a choice. */
void plan_text(const struct plan *p, struct beat b, struct buf *out);
void plan_whole_text(const struct plan *p, enum beat_kind kind, unsigned choice, struct buf *out);

/* Whether the first choice's text begins with `given`; its span is what comes behind that then, else as it was. */
bool plan_skip(struct plan *p, enum beat_kind kind, struct text given);

/* ---- texts that begin in the request (resume.c) ---- */

/* Seeds the texts, and leaves out of them what the call brings along. Lengths are known, limits not yet applied.
 * Returns the prompt's tokens without that. */
unsigned plan_resume(struct plan *p, const struct call *call, uint64_t seed);

#endif
