/* steps.h - the journey of a request: one table that yields the enum, the order, the names and times in the log.
 *
 * A step's run() returns what happens next. FLOW_WAIT promises exactly one later request_run(), which calls run() of
 * the same step again. A step that can wait has a cancel(), called when the client leaves meanwhile; after it nothing
 * comes.
 */
#ifndef DSGATE_GATE_STEPS_H
#define DSGATE_GATE_STEPS_H

struct request;

#define STEPS(X) \
    X(READ,     read)     /* net/     head and body are complete, within limits */ \
    X(ADMIT,    admit)    /* admit/   endpoint, hints, well-formed body, required members; is there such a model */ \
    X(LOOKUP,   lookup)   /* cache/   a cached answer, or one under way for an identical call, jumps to STREAM */ \
    X(QUEUE,    queue)    /* sched/   wait for a turn; the turn comes with a lease on one upstream */ \
    X(DISPATCH, dispatch) /* relay/   one attempt, or two that race; failover goes back to QUEUE for another lease */ \
    X(STREAM,   stream)   /* gate/    commit: bytes to the client and meters, or the one error answer */ \
    X(FINISH,   finish)   /* gate/    give the lease back, metrics, one log line, free */

enum step {
#define X(id, name) STEP_##id,
    STEPS(X)
#undef X
        STEP_COUNT
};

enum flow {
    FLOW_NEXT, /* the step after this one */
    FLOW_JUMP, /* the step that request_jump() named */
    FLOW_WAIT, /* request_run() will be called */
    FLOW_DONE  /* the request is gone */
};

const char *step_name(enum step s); /* "admit" */

/* Runs steps until one waits or the request is done: called at first, and whenever what a step waited for has come. */
void request_run(struct request *r);

/* The client is gone: cancels the step and finishes. */
void request_cancel(struct request *r);
/* The gateway ends at once: the client is told, in whatever way is left, and the request finishes. */
void request_shut_down(struct request *r);

#endif
