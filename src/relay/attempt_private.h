/* attempt_private.h - an attempt from inside. */
#ifndef DSGATE_SRC_RELAY_ATTEMPT_PRIVATE_H
#define DSGATE_SRC_RELAY_ATTEMPT_PRIVATE_H

#include "dsgate/relay/attempt.h"

struct attempt {
    struct loop *loop;
    struct client *client;
    struct client_call *call; /* NULL once it has ended */
    struct relay_source from;
    struct relay_target to;
    usec_t deadline;
    const struct attempt_ops *ops;
    void *context;
    struct buf bytes[2]; /* the request's own bytes, until they are sent and the answer begins */
    struct attempt_answer answer;
    struct reading reading;
    struct timer timer; /* first token, then progress, then the end */
    usec_t started, first_token;
    usec_t progress; /* when the last token came, or the client was ready for more */
    uint64_t tokens; /* that came until then */
    bool deadline_is_neutral;
    bool paused;
    bool ending; /* the answer is over, its message is not: the timer waits for that */
    bool asked_for_stream;
    bool kept_alive; /* bytes of an answer came: without a token among them, comments or blank lines */
};

/* The end: each cancels what is under way and tells the owner, who may free the attempt in it. */
void attempt_fail_transport(struct attempt *a, const struct client_failure *f);
void attempt_fail_answer(struct attempt *a, enum reading_reason reason);
void attempt_fail_late(struct attempt *a, const char *reason, const char *detail);

#define ATTEMPT_TOKEN_LATE "first_token_timeout"
#define ATTEMPT_DEADLINE   "deadline"

/* The fields of the upstream's head that go on to the client, and what is to be known of the others. */
void attempt_keep_fields(struct attempt *a, const struct http_head *head);

#endif
