/* request.h - one request on its journey; lives and dies on one worker.
 */
#ifndef DSGATE_GATE_REQUEST_H
#define DSGATE_GATE_REQUEST_H

#include "dsgate/admit/admit.h"
#include "dsgate/admit/callers.h"
#include "dsgate/gate/steps.h"
#include "dsgate/net/server.h"
#include "dsgate/gate/runner.h"
#include "dsgate/relay/attempt.h"
#include "dsgate/sched/sched.h"

struct models;
struct request_cache;
struct worker;

enum { RESUME_TEXT_MAX = 1024 * 1024 }; /* bytes of text that are kept of a stream, for going on with it */

/* What DISPATCH and STREAM have heard of the leading attempt. */
enum news { NEWS_NONE, NEWS_DATA, NEWS_FAILED };

/* What QUEUE waits for. */
struct request_wait {
    struct timer timer;
    bool queued;                     /* a turn, */
    bool backing_off;                /* … or a while after a failure, */
    bool timed_out;                  /* … and that time is over */
};

/* What STREAM gives to the client next; valid during the call. */
struct request_out {
    struct iovec pieces[3];
    int n;
    bool last;                       /* they end the answer */
};

/* What is needed to go on with a stream that broke. */
struct request_resume {
    struct transcript *sent;         /* what broken attempts have given, and the next one goes on with; NULL: none */
    struct assembly *partial;        /* … and the plain answer as far as it has been put together; NULL: none */
    uint64_t tokens;                 /* of attempts that were gone on with, until all of it is abandoned */
    struct buf offence;              /* the upstream's own word on why it broke off */
    unsigned times;                  /* that another attempt has gone on */
};

struct request {
    struct worker *worker;
    struct exchange *exchange;       /* NULL once the answer is complete, or where there is no client (any more) */
    struct pool *pool;               /* and with it the config this request began with */
    enum step step;
    unsigned rungs;                  /* bit set: of the fallback ladder, that have been tried */
    usec_t began, deadline;
    usec_t entered, spent[STEP_COUNT]; /* the step that it is in; in each */

    /* who asks, and for what */
    char id[129];                    /* the client's x-request-id, or our own */
    char peer[56];                   /* "127.0.0.1:40412" */
    char path[96];                   /* for the log, after the head is gone */
    enum http_method method;
    struct admission admission;
    struct caller_identity caller;
    const struct conf_route *route;  /* of the model that the client named */
    struct model_row *row;           /* of the model that is asked for now */
    const struct conf_rung *fallback; /* the rung of the ladder that says which; NULL: the client has */
    struct models *models;           /* GET /models */
    struct request_cache *cache;     /* gate/cached.h; NULL: the cache takes no part */

    /* its turns */
    struct ticket ticket;
    struct request_wait wait;

    /* its attempts */
    struct runner *lead;             /* the attempt under way, or the last one; NULL: none */
    struct runner *rival;            /* one that runs beside it until either has a token; NULL: none */
    struct runner *last_word;        /* the last failed one with an answer that could be shown; NULL: none */
    struct timer hedge_timer;        /* the lead's first token is late then */
    enum news news;
    bool paused;                     /* the lead is held back until the client has taken what is unsent */
    struct attempt_failure failed;   /* the last attempt's that failed */
    struct request_resume resume;
    struct upstream_set barred;      /* can't go on from there, or has said that it can't serve this at all */
    usec_t rest;                     /* the shortest that any of this round's others asks for; USEC_NEVER: none has */
    unsigned attempts;               /* in all */
    unsigned model_attempts;         /* … for the model that is asked for now */
    unsigned rounds;                 /* times that all of them had been tried, and were waited for */
    unsigned empties;                /* answers without content */
    unsigned hedges;
    struct buf reasons;              /* of failed attempts: "busy,connect" */
    uint64_t wasted;                 /* tokens that nobody got */

    /* its answer */
    struct request_out out;
    struct timer pulse_timer;        /* the client is given a sign of life then */
    bool head_sent;                  /* the client has a status, */
    bool streamed;                   /* … and gets server-sent events */
    bool shown;                      /* … and a part of an upstream's answer */
    bool plain_stream;               /* its plain call was made as a stream */
    bool exhausted;                  /* an upstream's own error is passed on because nothing better was to be had */
    bool cut;                        /* it has no end */
    bool client_gone;
    enum failure failure;            /* the gateway's own answer, FAIL_NONE = an upstream's */
    usec_t retry_after;              /* with `failure`: when another try makes sense; 0 = as its row says */
    unsigned status;                 /* sent to the client */
    uint64_t bytes_in, bytes_out;
    usec_t first_token;              /* since `began`, 0 = none */
};

/* A new request for an exchange (NULL: the gateway's own); the journey begins with request_run(). */
struct request *request_new(struct worker *w, struct exchange *x);
void request_free(struct request *r);
/* What was asked, wherever it is kept now; NULL and empty: it has been forgotten. */
const struct http_head *request_head(const struct request *r);
struct text request_body(const struct request *r);
/* Sets the step for FLOW_JUMP:  return request_jump(r, STEP_QUEUE); */
enum flow request_jump(struct request *r, enum step to);
/* Ends in the one error answer:  return request_fail(r, FAIL_MODEL_NOT_FOUND); */
enum flow request_fail(struct request *r, enum failure f);

/* The steps with a file of their own. */
enum flow queue_run(struct request *r);
void queue_cancel(struct request *r);
/* Settles class, caller, policy and route once the row is known, while the client's request is still there. */
void queue_classify(struct request *r);
enum flow dispatch_run(struct request *r);
void dispatch_cancel(struct request *r);
/* Whether there is time for one more attempt, and the route allows it. */
bool dispatch_may_try(const struct request *r);
/* The leading attempt has failed: to QUEUE for another one, or the end. */
enum flow dispatch_failed(struct request *r);
/* No further attempt: the next rung of the fallback ladder, or the upstream's own error answer, if it gave one, or
 * `failure`. */
enum flow dispatch_give_up(struct request *r, enum failure f);
enum flow stream_run(struct request *r);
void stream_cancel(struct request *r);
void stream_drained(struct request *r);
/* Good bytes of a stream that broke, before another one goes on with it. false: the client is gone. */
bool stream_show(struct request *r, struct text bytes);
enum flow finish_run(struct request *r);

/* hedge.c: a second attempt beside one whose first token is late. */
void hedge_watch(struct request *r); /* the lead has just begun */
void hedge_stop(struct request *r);  /* no further one; a rival under way stays */

/* pulse.c: signs of life for streams whose next token is late. */
void pulse_begin(struct request *r); /* harmless where it has begun */
void pulse_stop(struct request *r);

/* resume.c: a stream that broke is gone on with. */
/* Whether the lead's answer, which has just failed, can be gone on with; then all that this needs is kept, and QUEUE is
 * next. */
bool resume_prepare(struct request *r);
/* Whether the client's request must be kept for that, though its answer has begun. */
bool resume_needs_request(const struct request *r);
/* Nobody goes on: what the client has not seen yet may begin anew. */
void resume_abandon(struct request *r);
/* Frees what has been given so far; harmless without. */
void resume_forget(struct request *r);

/* fallback.c: the ladder of what is done when nothing else helps. */
/* The next rung that fits; false: there is none. True: r->fallback is it; where it names a model, QUEUE is next, else
 * STREAM. context_length: the request was too long for its model. */
bool fallback_climb(struct request *r, bool context_length);
/* Whether the next rung would give an old answer, and there is one: then a new one is not waited for long. */
bool fallback_has_old_answer(const struct request *r);
/* Appends what is done instead, for headers and logs: "model:NAME", "stale" or "answer". */
void fallback_put_name(struct buf *b, const struct conf_rung *rung);
/* The name of the model that is asked for now; NULL: the client's. */
static inline const char *fallback_model(const struct request *r) { return r->fallback ? r->fallback->model : NULL; }

#endif
