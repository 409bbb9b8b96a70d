/* runner.h - one attempt of a request, in the race for the first token, and the lease that it is made under.
 *
 * Mostly one runs alone. When its first token is late a second one may run beside it, on another account (hedge.c);
 * when one fails, the other goes on. Belongs to its request, on its worker.
 */
#ifndef DSGATE_GATE_RUNNER_H
#define DSGATE_GATE_RUNNER_H

#include "dsgate/relay/attempt.h"
#include "dsgate/sched/sched.h"

struct request;

struct runner {
    struct request *request;
    struct attempt *attempt;
    struct lease lease;               /* cleared once it has been given back */
    const struct upstream *upstream;
    const char *key;                  /* the upstream's; NULL: the client's own */
    bool has_other_keys;              /* that have not been refused */
    struct attempt_failure failed;    /* once it has */
    bool is_late;                     /* its first token; the scheduler knows */
    bool goes_on;                     /* with what a broken attempt has given */
};

/* Begins an attempt under the lease, which is taken over (and cleared). NULL: the upstream does not serve it after all;
 * the lease has been given back. */
struct runner *runner_start(struct request *r, struct lease *lease);

/* Gives the lease back, if it was not yet, with what is known of the attempt. */
void runner_release(struct runner *run, enum outcome o);

/* Another one was faster: cancelled, and given back. Counted as waste. */
void runner_lose(struct runner *run);

/* Ends it, whatever its state. The lease must have been given back. NULL is fine. */
void runner_free(struct runner *run);

/* The outcome that a failed attempt has for the scheduler. */
enum outcome runner_outcome(const struct runner *run);

/* What attempts tell, in dispatch.c. */
void dispatch_on_token(struct runner *run);
void dispatch_on_data(struct runner *run, const struct iovec *iov, int n, bool end);
void dispatch_on_failed(struct runner *run); /* run->failed says why */

#endif
