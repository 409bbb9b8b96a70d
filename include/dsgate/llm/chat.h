/* chat.h - what the gateway wants to know of a request body. How it is changed on the way out: chat_edit.h.
 *
 * Nothing is copied but the model's name: a chat_request points into the body, which must outlive it. No state of its
 * own: any thread.
 */
#ifndef DSGATE_LLM_CHAT_H
#define DSGATE_LLM_CHAT_H

#include "dsgate/llm/endpoint.h"
#include "dsgate/llm/json.h"

/* Members that are looked for; also the ones that may not appear twice. */
enum chat_member {
    CHAT_MODEL, CHAT_STREAM, CHAT_STREAM_OPTIONS, CHAT_MESSAGES, CHAT_PROMPT, CHAT_INPUT, CHAT_THINKING,
    CHAT_SERVICE_TIER, CHAT_N, CHAT_TEMPERATURE, CHAT_SEED, CHAT_CACHE, CHAT_MEMBER_COUNT
};

#define CHAT_MODEL_MAX 256 /* bytes of a model's name, with its NUL */

struct chat_request {
    struct text body;
    struct json_member members[CHAT_MEMBER_COUNT];
    char model[CHAT_MODEL_MAX]; /* escapes resolved, printable, NUL-terminated; "" when absent or refused */
};

enum chat_error { CHAT_FINE, CHAT_BAD_JSON, CHAT_MISSING, CHAT_BAD_TYPE };

/* Reads `body` as the endpoint wants it; for an endpoint that needs no model nothing is read. A `cache` that says
 * nothing sensible is an error, too (llm/chat_cache.h). On error a sentence for the client (with the position for JSON
 * errors) is appended to *message; *param is the name (static) of the member to blame, else NULL. */
enum chat_error chat_read(struct chat_request *r, const struct endpoint *e, struct text body, struct buf *message,
                          const char **param);

/* Whether the client has asked for a stream. */
static inline bool chat_wants_stream(const struct chat_request *r) { return r->members[CHAT_STREAM].type == JSON_TRUE; }

/* Whether the client has asked for the usage in a stream of chunks (OpenAI's stream_options.include_usage). */
bool chat_wants_usage(const struct chat_request *r);

/* The class that the body asks for by `service_tier`: "priority" is P1, "default" P2, "flex" P3; PRIORITY_COUNT: it
 * says nothing of the kind. The member goes on to the upstream as it is. */
enum conf_priority chat_priority(const struct chat_request *r);

/* How many choices beside the first the answer has: by `n`, and by `prompt`, where each of several has its own; more
 * than there can be where that is not known. */
unsigned chat_more_choices(const struct chat_request *r);

/* A number that all turns of one conversation share, in every process; 0 = there is nothing to go by. The client's own
 * name for it counts: prompt_cache_key, conversation, user, user_id, safety_identifier, metadata.user_id, in that order
 * (OpenAI's, DeepSeek's and Anthropic's). Else how the conversation begins: system or instructions, then `messages` or
 * `input` up to the first one of the user, or what `prompt` or `input` begins with; 4 KB at most. Reads the body once
 * more: for who needs it, not for every request. */
uint64_t chat_conversation(const struct chat_request *r);

#endif
