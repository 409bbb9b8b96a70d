/* pace.h - how fast an upstream gives first tokens, and how often it fails: moving averages over time; pure.
 *
 * Each sample counts half as much after PACE_HALF_LIFE, however many came since: an upstream that is hardly asked is
 * not judged by its past for ever, and of a burst no sample counts more than another. The share of failures has
 * PACE_TRUST imaginary successes in it, which do not fade: one failure after a long time says little, and no news is
 * good news. A time to the first token is forgotten after PACE_MEMORY without another one.
 *
 * An all-zero struct is an upstream of which nothing is known. `now` may step back a little.
 */
#ifndef DSGATE_SCHED_PACE_H
#define DSGATE_SCHED_PACE_H

#include "dsgate/sched/outcome.h"
#include <stdint.h>

#define PACE_HALF_LIFE (20 * USEC_PER_SEC)
#define PACE_MEMORY    (120 * USEC_PER_SEC)
#define PACE_TRUST     2.0
#define PACE_UNSEEN    (10.0 * USEC_PER_SEC) /* for one that fails and has never given a token */

struct pace {
    double first_token; /* average in microseconds */
    double tokens;      /* samples in it, as far as they have not faded */
    double bad, all;    /* results, likewise */
    usec_t at;          /* of the last sample: all of the above are as they were then */
    usec_t token_at;    /* of the last first token; meaningful while tokens > 0 */
};

/* SUCCESS, with or without a first token, FAULT, BUSY and KEY count; NEUTRAL does not, but for result->waited, which is
 * a time to the first token whatever the outcome. */
void pace_note(struct pace *p, const struct result *r, usec_t now);

/* The expected time to the first token in microseconds, failures included (a failure costs what another try would);
 * 0 = unknown, which is worth finding out. One that has done nothing but fail is not unknown, but slow. */
double pace_first_token(const struct pace *p, usec_t now);

/* Share of failures, 0 … 1, fading towards 0 when nothing is heard. */
double pace_failing(const struct pace *p, usec_t now);

#endif
