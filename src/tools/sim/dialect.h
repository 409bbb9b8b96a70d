/* dialect.h - how a plan's beats look on the wire: DeepSeek's chat and completion shapes, Anthropic's, and OpenAI's
 * Responses.
 */
#ifndef DSGATE_SIM_DIALECT_H
#define DSGATE_SIM_DIALECT_H

#include "plan.h"

struct dialect {
    /* One beat of a stream: no, one or several events. */
    void (*beat)(struct plan *p, struct beat b, struct buf *out);
    /* The answer without a stream: one JSON object. */
    void (*whole)(struct plan *p, struct buf *out);
    /* An error as an event of the stream. */
    void (*failure)(struct plan *p, struct text message, const char *type, struct buf *out);
    const char *done; /* what says that the stream is complete, if it is not an event like the others */
};

extern const struct dialect dialect_chat, dialect_text, dialect_anthropic, dialect_responses;
const struct dialect *dialect_of(enum api api);

/* ---- pieces for the dialects ---- */

/* A string with its quotes. */
void put_beat_text(const struct plan *p, struct beat b, struct buf *out);
void put_whole_text(const struct plan *p, enum beat_kind kind, struct buf *out); /* of the first choice */
void put_choice_text(const struct plan *p, enum beat_kind kind, unsigned choice, struct buf *out);

/* The member `logprobs` of a chunk's choice, and of a whole choice; null where there is none (dialect_logprobs.c). */
void put_beat_logprobs(const struct plan *p, struct beat b, struct buf *out);
void put_choice_logprobs(const struct plan *p, unsigned choice, struct buf *out);

/* Identifiers made from the plan's seed: a UUID, and PREFIX followed by 24 hexadecimal digits (`n` tells several
 * apart). */
void put_uuid(const struct plan *p, struct buf *out);
void put_id(const struct plan *p, const char *prefix, unsigned n, struct buf *out);

/* Completion tokens as they are told: a lie where the scenario says so. */
static inline int64_t put_completion(const struct plan *p)
{
    return p->usage_negative ? -(int64_t)p->usage.completion - 1 : p->usage.completion;
}

/* The usage object of DeepSeek's own shapes; and `,"usage":…` as a stream's chunk has it. */
void put_usage(const struct plan *p, struct buf *out);
void put_chunk_usage(const struct plan *p, struct beat b, struct buf *out);

/* `data: {"id":…,"object":…,"created":…,"model":…,"system_fingerprint":…` of DeepSeek's own shapes, without "data: ".
 */
void put_envelope(const struct plan *p, const char *object, struct buf *out);

/* An event of DeepSeek's own shapes: the envelope, one choice (none in a chunk that has only usage), usage; or [DONE].
 */
void put_chunk(const struct plan *p, struct beat b, const char *object,
               void (*put_choice)(const struct plan *p, struct beat b, struct buf *out), struct buf *out);

/* How their choices end: `,"logprobs":…,"finish_reason":…}`. */
void put_choice_end(const struct plan *p, struct beat b, struct buf *out);

/* In DeepSeek's own shapes, or with the provider's kind of code: `data: {"error":{…}}`. */
void put_failure(struct plan *p, struct text message, const char *type, struct buf *out);

#endif
