/* chat.h - what the gateway wants to know of a request body, and the few bytes of it that it may change. */
#ifndef DSGATE_LLM_CHAT_H
#define DSGATE_LLM_CHAT_H

#include "dsgate/llm/endpoint.h"
#include "dsgate/llm/json.h"

/* Members that are looked for; also the ones that may not appear twice. */
enum chat_member {
    CHAT_MODEL, CHAT_STREAM, CHAT_MESSAGES, CHAT_PROMPT, CHAT_INPUT, CHAT_THINKING, CHAT_SERVICE_TIER, CHAT_MEMBER_COUNT
};

#define CHAT_MODEL_MAX 256

struct chat_request {
    struct text body;
    struct json_member members[CHAT_MEMBER_COUNT];
    char model[CHAT_MODEL_MAX]; /* resolved and NUL-terminated; "" when absent */
};

enum chat_error { CHAT_FINE, CHAT_BAD_JSON, CHAT_MISSING, CHAT_BAD_TYPE };

/* Reads `body` as the endpoint wants it. On error a sentence for the caller (with the position for JSON errors) goes to
 * *message and the member's name, if one is to blame, to *param. The request points into `body`. */
enum chat_error chat_read(struct chat_request *r, const struct endpoint *e, struct text body, struct buf *message,
                          const char **param);

/* The body for an upstream that calls the model `model->name`: only the model's string is replaced (and a `thinking`
 * member inserted where the map says so and the request is silent). Pieces point into the body and into `extra`, which
 * must both outlive them. Returns the number of iovecs (at most CHAT_PIECES); *total = their length. model NULL: the
 * body as it is. */
#define CHAT_PIECES 5
int chat_pieces(const struct chat_request *r, const struct conf_model *model, struct buf *extra, struct iovec *iov,
                size_t *total);

#endif
