/* health.h - is an upstream there at all, judged by active probes; pure.
 *
 * Breakers judge each model by its calls; probes judge the whole upstream, and cost nothing (GET /models). A failed
 * call makes it suspected, and the first probe is due at once; by default a working upstream is never probed. It goes
 * down after `down_after` failed probes in a row and comes back after `up_after` good ones; those that confirm a good
 * one come after a fifth of the interval. While it is down nothing but probes goes there. Intervals have a jitter of
 * 20%, so that many gateways do not ask at one time.
 *
 * With PROBES_NEVER no probe is wanted and none counts, so that it never goes down. An all-zero struct is an upstream
 * that nothing is known of; it is what one must be given back when a reload switches its probes off, or it would stay
 * down for ever.
 */
#ifndef DSGATE_SCHED_HEALTH_H
#define DSGATE_SCHED_HEALTH_H

#include "dsgate/config/config.h"

struct health_rules {
    enum conf_probes when;
    usec_t interval;
    unsigned down_after, up_after; /* results in a row; >= 1 */
};

struct health_rules health_rules_of(const struct conf_upstream *u);

struct health {
    bool down;
    bool suspected;             /* a call failed, or a probe, and no probe has been good since */
    unsigned faults, successes; /* of probes in a row */
    usec_t due;                 /* of the next probe; meaningful while one is wanted */
    usec_t soonest;             /* not even a suspicion brings the next probe before that */
};

enum health_change { HEALTH_SAME, HEALTH_WENT_DOWN, HEALTH_CAME_UP };

/* A call has failed. Harmless when it is suspected already or down. Probes that a suspicion asks for have a fifth of
 * the interval between them, so that calls which fail where probes do not can't cause a flood of these. */
void health_suspect(struct health *h, usec_t now);

/* Does a probe's answer show that somebody is there? By its HTTP status, 0: none came. Who refuses a path, a key or the
 * next request (429) is there; an interim answer (1xx) that no other one follows is none. */
bool health_is_alive(unsigned status);

/* The result of a probe. `random` is any number, for the jitter. */
enum health_change health_note(struct health *h, const struct health_rules *r, bool alive, usec_t now, uint64_t random);

/* When the next probe is due; USEC_NEVER when none is wanted. */
usec_t health_probe_due(const struct health *h, const struct health_rules *r);

#endif
