/* health.h - is an upstream up, judged from results alone; pure.
 *
 * Passive results (real attempts) and active probes count alike. An upstream goes down after `down_after` faults in a
 * row and comes back after `up_after` successes in a row. While it is down nothing but probes goes there; a probe is
 * due one interval after the last result that counts. Neutral outcomes (the client's own mistakes, cancellations) and
 * back-pressure count for nothing.
 */
#ifndef DSGATE_SCHED_HEALTH_H
#define DSGATE_SCHED_HEALTH_H

#include "dsgate/config/config.h"

enum outcome { OUTCOME_SUCCESS, OUTCOME_FAULT, OUTCOME_BUSY /* 429, 503 */, OUTCOME_NEUTRAL, OUTCOME_COUNT };

struct health_rules {
    usec_t interval;                /* between probes */
    unsigned down_after, up_after;  /* results in a row; >= 1 */
};

struct health_rules health_rules_of(const struct conf_upstream *u);

struct health {
    bool down;
    unsigned faults, successes; /* in a row */
    usec_t last;                /* when the last result came */
};

enum health_change { HEALTH_SAME, HEALTH_WENT_DOWN, HEALTH_CAME_UP };

enum health_change health_note(struct health *h, const struct health_rules *r, enum outcome o, usec_t now);

/* When the next probe is due; USEC_NEVER while it is up and nothing is suspected (faults == 0). */
usec_t health_probe_due(const struct health *h, const struct health_rules *r);

#endif
