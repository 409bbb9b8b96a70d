/* outcome.h - how a call at an upstream went, as far as scheduling is concerned. */
#ifndef DSGATE_SCHED_OUTCOME_H
#define DSGATE_SCHED_OUTCOME_H

#include "dsgate/base/clock.h"
#include <stdbool.h>

enum outcome {
    OUTCOME_SUCCESS,
    OUTCOME_FAULT,   /* it is broken, hangs, or can't be reached */
    OUTCOME_BUSY,    /* back-pressure: 429, 503, or nothing but keep-alives; see `overloaded` */
    OUTCOME_KEY,     /* it refuses the key: 401, 402, 403 */
    OUTCOME_NEUTRAL, /* says nothing about it: the client's own mistake, a cancelled call */
    OUTCOME_COUNT
};
const char *outcome_name(enum outcome o); /* "success", "fault", "busy", "key", "neutral" */

struct result {
    enum outcome outcome;
    usec_t first_token;     /* from the start of the call; 0 = none came */
    usec_t waited;          /* without a first token so long, when another upstream was faster; 0 = not so. Counts as a
                             * time to the first token, whatever the outcome: the true one would be longer */
    usec_t retry_after;     /* that the upstream asked for; 0 = it did not */
    uint64_t prompt, cached, completion; /* tokens, as far as they are known; cached is a part of prompt */
    bool overloaded;        /* with OUTCOME_BUSY: 503 and the like, which is about the calls of all customers and not
                             * about how many are ours */
    bool forbidden;         /* with OUTCOME_KEY: 403, which may be about what the client asked for, and not the key */
};

/* What it says of the time to the first token; 0 = nothing. */
static inline usec_t result_first_token(const struct result *r)
{
    if (r->waited > 0) return r->waited;
    return r->outcome == OUTCOME_SUCCESS && r->first_token > 0 ? r->first_token : 0;
}

#endif
