/* breaker.h - stop asking who keeps failing: a circuit breaker, as a pure function of results and time.
 *
 * There is one for each upstream and model. It opens after so many failures in a row, or when a failure finds the share
 * of failures in a sliding window too high. Open, it lets nothing through for a while that grows, with jitter, each
 * time a trial fails. Then it is half open: a few trials at once, and as many successes in a row close it.
 *
 * Only successes and faults count. Back-pressure, refused keys and neutral outcomes count for nothing, but give a
 * trial's place back. Nor does the result of a call that began before the breaker last opened or closed: it tells of a
 * time that has been judged, and a crowd of calls that hang must not open a breaker again that trials have closed.
 *
 * An all-zero struct is a breaker that was never open. `now` may step back a little: callers read the clock before they
 * take the lock.
 */
#ifndef DSGATE_SCHED_BREAKER_H
#define DSGATE_SCHED_BREAKER_H

#include "dsgate/config/config.h"
#include "dsgate/sched/outcome.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN, BREAKER_STATES };
const char *breaker_state_name(enum breaker_state s); /* "closed", "open", "half_open" */

enum { BREAKER_BUCKETS = 10 };

struct breaker {
    enum breaker_state state;
    unsigned failures;  /* in a row, while closed */
    unsigned trials;    /* under way, those included that an earlier half-open time has left */
    unsigned successes; /* of trials in a row, while half open */
    unsigned opened;    /* times in a row without having been closed: the time grows with it */
    usec_t open_until;  /* while open */
    usec_t since;       /* when it last opened or closed; 0 = never */
    struct {
        usec_t ends;        /* the slice that is being counted */
        unsigned at;        /* that slice */
        unsigned good, bad; /* of all slices */
        struct {
            unsigned good, bad;
        } slices[BREAKER_BUCKETS];
    } window;
};

enum breaker_change { BREAKER_SAME, BREAKER_OPENED, BREAKER_HALF_OPENED, BREAKER_CLOSED_AGAIN };

/* Lets time pass: from open to half open when its time has come. Call it before asking anything else. */
enum breaker_change breaker_tick(struct breaker *b, usec_t now);

/* May a call begin now? rules->trials >= 1. */
bool breaker_admits(const struct breaker *b, const struct conf_breaker *rules);

/* When breaker_admits() may change by time alone: open_until; USEC_NEVER when closed or half open. */
usec_t breaker_due(const struct breaker *b);

/* A call begins; true: it is a trial. Each call that began is to be told to breaker_note(), once. */
bool breaker_begin(struct breaker *b);

/* A call that began at `began` has ended. `random` is any number, for the jitter of 20% upwards, which may go beyond
 * rules->open_max. rules->window >= BREAKER_BUCKETS µs. */
enum breaker_change breaker_note(struct breaker *b, const struct conf_breaker *rules, enum outcome o, bool trial,
                                 usec_t began, usec_t now, uint64_t random);

/* Active probes say that the whole upstream has come back after having been down: trials may begin at once, and the
 * time that has grown is forgotten. A closed one begins anew, as after trials: its share grows from little, and results
 * of calls that began before do not count. */
enum breaker_change breaker_recover(struct breaker *b, usec_t now);

/* The part of its weight that an upstream gets, in 1/1000 and at least 1: half_open percent until it is closed, 1000
 * when closed, and growing in a straight line between the two for slow_start after it has closed. */
unsigned breaker_share(const struct breaker *b, const struct conf_breaker *rules, usec_t slow_start, usec_t now);

#endif
