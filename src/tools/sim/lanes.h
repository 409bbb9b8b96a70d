/* lanes.h - what is counted per account and model: requests under way against a concurrency limit, and how often a
 * fail-first scenario has struck. Any thread; bounded (see LANES_MOST).
 */
#ifndef DSGATE_SIM_LANES_H
#define DSGATE_SIM_LANES_H

#include "dsgate/base/text.h"

enum { LANES_MOST = 4096 /* the ones that idle longest make room; when all are busy newcomers share one */ };

struct lanes;

struct lanes *lanes_new(unsigned limit);
void lanes_free(struct lanes *l);

/* 0 = unlimited. `model` empty: for all models that have no limit of their own. false: too many models with a limit of
 * their own. */
bool lanes_set_limit(struct lanes *l, struct text model, unsigned limit);
/* Back to the first limit for all; the counts of requests under way stay. */
void lanes_reset(struct lanes *l, unsigned limit);

struct lane_result {
    unsigned lane; /* for lanes_leave() */
    unsigned busy; /* this request included */
    unsigned limit;
    bool admitted;
};

/* A request begins, or is refused because the account would exceed its limit for the model. */
struct lane_result lanes_enter(struct lanes *l, uint64_t account, struct text model);
void lanes_leave(struct lanes *l, unsigned lane);

/* Counts one more strike of `what` for that account and model: whether it is among the first `most`. */
bool lanes_strike(struct lanes *l, uint64_t account, struct text model, uint64_t what, unsigned most);

#endif
