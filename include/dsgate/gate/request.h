/* request.h - one request on its journey; lives and dies on one worker.
 */
#ifndef DSGATE_GATE_REQUEST_H
#define DSGATE_GATE_REQUEST_H

#include "dsgate/admit/admit.h"
#include "dsgate/admit/callers.h"
#include "dsgate/gate/steps.h"
#include "dsgate/net/server.h"
#include "dsgate/relay/attempt.h"
#include "dsgate/sched/sched.h"

struct models;
struct worker;

/* What DISPATCH and STREAM have heard of the attempt. */
enum news { NEWS_NONE, NEWS_DATA, NEWS_FAILED };

struct request {
    struct worker *worker;
    struct exchange *exchange;       /* NULL once the answer is complete or the client is gone */
    enum step step;
    bool client_gone, cut;
    bool head_sent;                  /* committed to the client */
    bool queued, queue_expired;      /* waits for its turn; has waited for too long */
    bool exhausted;                  /* an upstream's own error is passed on because nothing better was to be had */

    struct pool *pool;               /* and with it the config this request began with */
    struct model_row *row;
    usec_t began, deadline;
    usec_t entered, spent[STEP_COUNT];
    char id[129];                    /* the client's x-request-id, or our own */
    char peer[56];                   /* "127.0.0.1:40412" */
    char path[96];                   /* for the log, after the head is gone */
    enum http_method method;

    struct admission admission;
    struct caller_identity caller;
    struct ticket ticket;
    struct timer queue_timer;

    struct models *models;           /* GET /models */
    struct attempt *attempt;
    struct attempt_failure failed;   /* the last attempt's, with NEWS_FAILED */
    struct {
        struct attempt *attempt;     /* NULL: none */
        struct attempt_failure failed;
        const struct upstream *upstream;
        const char *key;
    } told;                          /* the last failed attempt with an error answer that could be shown */
    enum news news;
    struct iovec pieces[3];          /* with NEWS_DATA, during the call */
    int piece_count;
    bool ended;                      /* `pieces` are the last */
    bool paused;                     /* the attempt is held back until the client has taken what is unsent */
    unsigned attempts;
    struct buf reasons;              /* of failed attempts: "busy,connect" */

    enum failure failure;            /* the gateway's own answer, FAIL_NONE = an upstream's */
    usec_t retry_after;              /* with `failure`: when another try makes sense; 0 = as its row says */
    unsigned status;                 /* sent to the client */
    uint64_t bytes_in, bytes_out;
    usec_t first_token;              /* since `began`, 0 = none */
    const struct upstream *upstream; /* of the last attempt */
    const char *key;                 /* the upstream's key that it was made with; NULL: the client's own */
};

/* A new request for an exchange; the journey begins with request_run(). */
struct request *request_new(struct worker *w, struct exchange *x);
void request_free(struct request *r);
/* Cancels the attempt under way, or forgets the last one; harmless without one. */
void request_end_attempt(struct request *r);
/* The same before the next one; if its error answer could be shown, it is kept in r->told. */
void request_set_attempt_aside(struct request *r);
/* Gives the lease back, if there is one, with what is known of the attempt. */
void request_release(struct request *r, enum outcome o);

/* Sets the step for FLOW_JUMP:  return request_jump(r, STEP_QUEUE); */
enum flow request_jump(struct request *r, enum step to);
/* Ends in the one error answer:  return request_fail(r, FAIL_MODEL_NOT_FOUND); */
enum flow request_fail(struct request *r, enum failure f);

/* The steps with a file of their own. */
enum flow queue_run(struct request *r);
void queue_cancel(struct request *r);
/* Settles class, caller and policy once the row is known, while the client's request is still there. */
void queue_classify(struct request *r);
enum flow dispatch_run(struct request *r);
void dispatch_cancel(struct request *r);
/* No further attempt: ends in the upstream's own error answer, if it gave one, else in the gateway's. */
enum flow dispatch_give_up(struct request *r);
enum flow stream_run(struct request *r);
void stream_cancel(struct request *r);
void stream_drained(struct request *r);
enum flow finish_run(struct request *r);

#endif
