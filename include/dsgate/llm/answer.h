/* answer.h - what an answer says: tokens, usage, end, errors; for each family and dialect.
 *
 * The readers look, they never change or keep bytes. Numbers that make no sense (negative, absurdly large) count as
 * absent. Of FAMILY_OPAQUE nothing is read. Nothing here has a state of its own: any thread.
 */
#ifndef DSGATE_LLM_ANSWER_H
#define DSGATE_LLM_ANSWER_H

#include "dsgate/llm/endpoint.h"

struct usage {
    bool known;
    int64_t prompt, completion, cached, reasoning; /* tokens; cached is a part of prompt, reasoning of completion */
};
/* One of them as a count: what is absent or makes no sense counts nothing. */
static inline uint64_t usage_count(int64_t tokens) { return tokens > 0 ? (uint64_t)tokens : 0; }

/* clang-format off */
enum finish {         /* the worse, the higher: of several choices' ends the worst counts */
    FINISH_NONE,      /* not said (yet) */
    FINISH_STOP,
    FINISH_LENGTH,
    FINISH_FILTER,
    FINISH_TOOL,
    FINISH_OTHER,     /* a word that we don't know */
    FINISH_EXHAUSTED, /* insufficient_system_resource */
    FINISH_ABORTED,   /* aborted, abort, cancelled */
    FINISH_ERROR,     /* error, failed */
    FINISH_COUNT
};
/* clang-format on */
const char *finish_name(enum finish f); /* for logs: "stop", "insufficient_system_resource", … */

struct answer_facts {
    struct usage usage;
    enum finish finish;
    unsigned ends; /* choices that have said how they ended */
    uint64_t ended; /* … which: bit per index, of the first 64 */
    bool token; /* some real content: text, reasoning or a tool call. Role-only and empty deltas are none */
    bool odd_usage; /* it counts something as less than nothing */
    bool error; /* it is an error object, whatever the status: providers have several shapes */
    bool valid; /* answer_read_body() only: the body is one whole JSON value */
    bool done;  /* the stream's own end: [DONE], message_stop, response.completed/incomplete/failed/cancelled */
};

/* One stream event; event_name is empty where the family names none. `facts` accumulates: zeroed at first, then call it
 * for each event with the same struct. False: it is no JSON (nor [DONE]), and says nothing. `seen_token`: the caller
 * knows that a token was there before, so only usage, finish, error and done still matter (the fast path: most events
 * cost one search, and are taken for JSON). */
bool answer_read_event(struct answer_facts *facts, enum endpoint_family family, struct text event_name,
                       struct text data, bool seen_token);

/* A whole plain answer; `facts` is zeroed before. */
void answer_read_body(struct answer_facts *facts, enum endpoint_family family, struct text body);

/* Appends a whole answer of the gateway's own: one message with this text, as a plain body or as the events of a
 * stream, in the family's shape, finished normally, with no token used. id: of the answer, printable; created: seconds
 * since 1970. false: this family has no texts (embeddings, opaque), nothing is appended. */
bool answer_put_fixed(struct buf *out, enum endpoint_family family, bool stream, struct text id, struct text model,
                      int64_t created, struct text message);

/* An error of the gateway's own: type and code are those of its row in llm/failure.h. Anthropic's shape knows no code,
 * and has types of its own, which are found by the code; an unknown code counts as a fault of the gateway. */

/* Appends the in-stream error event in the family's own shape, ending with a blank line: {"error":{…}} for OpenAI
 * families, `event: error` for messages and responses. */
void answer_put_error_event(struct buf *out, enum endpoint_family family, const char *type, const char *code,
                            struct text message);

/* Appends the body of an error answer in the family's own shape (OpenAI's {"error":{message,type,param,code}}, or
 * Anthropic's {"type":"error","error":{message,type}}). param: the member to blame, NULL = none. */
void answer_put_error_body(struct buf *out, enum endpoint_family family, const char *type, const char *code,
                           struct text message, const char *param);

#endif
