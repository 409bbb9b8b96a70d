/* attempt.h - one try of one request at one upstream.
 *
 * An attempt belongs to a worker's loop. It sends the request, reads the answer (reading.h) under the upstream's
 * timers, and either shows data, beginning with the commit, or fails. After the data with `end`, after `failed`, or
 * after attempt_free() nothing more comes. A kept connection that was dead already is tried again on a fresh one, once,
 * if the endpoint may be replayed.
 */
#ifndef DSGATE_RELAY_ATTEMPT_H
#define DSGATE_RELAY_ATTEMPT_H

#include "dsgate/llm/failure.h"
#include "dsgate/net/client.h"
#include "dsgate/relay/reading.h"
#include "dsgate/relay/upstream_request.h"

struct attempt;

/* What a failure says about the upstream. */
enum verdict {
    VERDICT_FAULT, /* it is broken, or can't be reached */
    VERDICT_BUSY,  /* it works, and has too much to do */
    VERDICT_KEY,   /* it refuses the gateway's key */
    VERDICT_NONE   /* nothing: the reason is ours or the client's */
};

struct attempt_failure {
    enum verdict verdict;
    enum failure failure; /* what the client is told if nothing else helps */
    const char *reason;   /* "busy", "connect", "cut", "error_event", … */
    bool committed;       /* the client has seen a part */
    bool may_replay;      /* another attempt is allowed by the endpoint, or nothing was sent */
    bool shown;           /* the upstream answered with an error that can be passed on: attempt_error_body() */
    char detail[160];
};

struct attempt_answer {
    unsigned status;
    struct buf fields; /* end-to-end fields, ready to be sent on */
    bool has_date, has_length;
    uint64_t content_length;
    uint64_t retry_after; /* the Retry-After in it, in seconds from its arrival; 0: none */
    char should_retry[6]; /* x-should-retry, which is not in `fields`: "true", "false" or "" */
    bool is_stream;       /* server-sent events */
    char trace[64];       /* the upstream's x-ds-trace-id or x-request-id */
};

struct attempt_ops {
    /* Bytes for the client; the first call commits. */
    void (*data)(struct attempt *a, const struct iovec *iov, int n, bool end);
    void (*failed)(struct attempt *a, const struct attempt_failure *why);
};

struct attempt_options {
    usec_t deadline;          /* of the request, monotonic; the upstream's own total time is counted from the start */
    bool deadline_is_neutral; /* to miss it is not the upstream's fault */
    size_t hold_limit, event_limit;
    usec_t commit_after; /* 0 = never: commit only at a token */
};

/* source and target are copied, what they point to is not. No callback comes from inside. NULL when the upstream does
 * not serve the endpoint. */
struct attempt *attempt_start(struct loop *loop, struct client *client, const struct relay_source *from,
                              const struct relay_target *to, const struct attempt_options *o,
                              const struct attempt_ops *ops, void *context);
void *attempt_context(const struct attempt *a);
struct attempt_answer *attempt_answer(struct attempt *a); /* once there is one */
const struct answer_facts *attempt_facts(const struct attempt *a);
usec_t attempt_started(const struct attempt *a);
uint64_t attempt_events(const struct attempt *a); /* of a stream, with data, so far */
usec_t attempt_first_token(const struct attempt *a); /* 0 = none yet */
usec_t attempt_retry_after(const struct attempt *a); /* that the answer asked for; 0 = it did not. A day at most */

/* Whether the upstream has not taken all of the request yet, though its answer may have begun: what relay_source points
 * to must stay. */
bool attempt_is_sending(const struct attempt *a);

/* After a failure with `shown`: the error answer's body. */
struct text attempt_error_body(const struct attempt *a);

/* Ends the call, if one is under way, so that the upstream stops working; nothing comes any more. What is known of the
 * answer stays. */
void attempt_cancel(struct attempt *a);

/* Back-pressure. */
void attempt_pause(struct attempt *a);
void attempt_resume(struct attempt *a);

/* Ends it, whatever its state: an unfinished call is cancelled. */
void attempt_free(struct attempt *a);

#endif
