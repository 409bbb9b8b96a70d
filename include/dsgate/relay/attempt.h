/* attempt.h - one try of one request at one upstream.
 *
 * An attempt belongs to a worker's loop. It sends the request, reads the answer (reading.h) under the upstream's
 * timers, and either shows data, beginning with the commit, or fails. After the data with `end`, after `failed`, or
 * after attempt_free() nothing more comes. A kept connection that was dead already is tried again on a fresh one, once,
 * if the endpoint may be replayed.
 *
 * The timers are apart: connecting, the first byte, the first token, silence between tokens, and the whole. Bytes prove
 * only that a socket lives, so no keep-alive renews the last three. Of a plain answer nothing can be seen before it is
 * whole: it has a first byte and an end.
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
    VERDICT_NONE   /* nothing: the reason is ours, the client's, or not known */
};

struct attempt_failure {
    enum verdict verdict;
    enum failure failure; /* what the client is told if nothing else helps */
    const char *reason;   /* "busy", "connect", "cut", "error_event", …: see attempt_list_reasons() */
    bool committed;       /* a part has been shown */
    bool may_replay;      /* another attempt is allowed by the endpoint, or nothing was sent */
    bool elsewhere;       /* nobody is to blame, but another upstream may do better */
    bool empty;           /* a whole answer that says nothing: it may be one after all */
    bool showable;        /* the upstream answered with an error (or `empty`) that can be passed on: attempt_body() */
    char detail[160];
};

/* Every `reason` there is, then NULL: for metrics. */
enum { ATTEMPT_REASONS = 64 };
void attempt_list_reasons(const char *reasons[ATTEMPT_REASONS]);

struct attempt_answer {
    unsigned status;
    struct buf fields; /* end-to-end fields, ready to be sent on */
    bool has_date, has_length;
    uint64_t content_length;
    uint64_t retry_after; /* the Retry-After in it, in seconds from its arrival; 0: none */
    char should_retry[6]; /* x-should-retry, which is not in `fields`: "true", "false" or "" */
    bool is_stream;       /* server-sent events, for the client too */
    char trace[64];       /* the upstream's x-ds-trace-id or x-request-id */
};

struct attempt_ops {
    /* The first token of a stream has come; its data come next, or, where they are put together, at the end. The owner
     * must not free the attempt in it. */
    void (*token)(struct attempt *a);
    /* Bytes for the client; the first call commits. */
    void (*data)(struct attempt *a, const struct iovec *iov, int n, bool end);
    void (*failed)(struct attempt *a, const struct attempt_failure *why);
};

struct attempt_options {
    usec_t deadline;          /* of the request, monotonic; the upstream's own total time is counted from the start */
    bool deadline_is_neutral; /* to miss it is not the upstream's fault */
    struct reading_options reading; /* family, dialect, key_is_ours, more_choices, assembles, sent and spent are filled
                                     * in from source and target */
};

/* source and target are copied, what they point to is not. No callback comes from inside. NULL when the upstream does
 * not serve the endpoint, or can't go on from source->sent. */
struct attempt *attempt_start(struct loop *loop, struct client *client, const struct relay_source *from,
                              const struct relay_target *to, const struct attempt_options *o,
                              const struct attempt_ops *ops, void *context);
void *attempt_context(const struct attempt *a);
struct attempt_answer *attempt_answer(struct attempt *a); /* once there is one */
const struct answer_facts *attempt_facts(const struct attempt *a);
/* Of the whole answer, where others have given its beginning; attempt_facts() tells what this one has cost. */
struct usage attempt_usage(const struct attempt *a);
usec_t attempt_started(const struct attempt *a);
uint64_t attempt_tokens(const struct attempt *a); /* events with content so far; 0 for plain answers */
usec_t attempt_first_token(const struct attempt *a); /* 0 = none yet */
usec_t attempt_retry_after(const struct attempt *a); /* that the answer asked for; 0 = it did not. A day at most */
bool attempt_has_kept_alive(const struct attempt *a); /* bytes of an answer have come, and no token among them */
bool attempt_is_spent(const struct attempt *a); /* it only tells the end: reading_options.spent */
bool attempt_is_stream(const struct attempt *a); /* the upstream was asked for a stream: a first token can be seen */

/* What was wrong with the answer though it was good enough: "ended_twice", "changed_id", "odd_usage"; NULL: nothing. */
const char *attempt_oddity(const struct attempt *a);

/* Whether the upstream has not taken all of the request yet, though its answer may have begun: what relay_source points
 * to must stay. */
bool attempt_is_sending(const struct attempt *a);

/* After a failure with `showable`: the whole answer's body. */
struct text attempt_body(const struct attempt *a);

/* What the failure means in the provider's words; zeroed where there were none. */
const struct complaint *attempt_complaint(const struct attempt *a);

/* After a failure in the middle of a stream: what it has given (of itself alone), good bytes of it that were not shown
 * any more, the error event that ended it (empty: another end), and, of a plain call made as a stream, what was put
 * together (the caller's from now on). */
const struct transcript *attempt_transcript(const struct attempt *a);
struct text attempt_unshown(const struct attempt *a);
struct text attempt_offence(const struct attempt *a);
struct assembly *attempt_take_partial(struct attempt *a);

/* Ends the call, if one is under way, so that the upstream stops working; nothing comes any more. What is known of the
 * answer stays. */
void attempt_cancel(struct attempt *a);

/* Back-pressure. */
void attempt_pause(struct attempt *a);
void attempt_resume(struct attempt *a);

/* Ends it, whatever its state: an unfinished call is cancelled. */
void attempt_free(struct attempt *a);

#endif
