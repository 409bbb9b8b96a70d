/* visit.h - one request to the API on its way to an answer: who it is, which scenario it meets. */
#ifndef DSGATE_SIM_VISIT_H
#define DSGATE_SIM_VISIT_H

#include "call.h"
#include "player.h"

struct visit {
    struct exchange *x;
    struct sim *sim;
    const struct http_head *head;
    struct text path; /* without /v1 and /beta */
    bool beta, generates, broke;
    enum api api;
    uint64_t serial, account; /* account: the key's hash */
    struct call call;         /* zeroed where no body is read */
    struct scenario scenario;
    struct refusal refusal;
    unsigned lane;
};

/* Each returns false with visit.refusal filled. */
bool visit_authenticate(struct visit *v);
bool visit_find_scenario(struct visit *v);
bool visit_find_pace(struct visit *v, struct pace *pace);

/* Answers with the refusal. */
void visit_end_refused(struct visit *v);
void visit_refuse(struct visit *v, unsigned status, const char *message);

/* true: the scenario is an error answer, which has been sent. */
bool visit_plays_refusal(struct visit *v);
/* true: on endpoints without a player, the scenario's fault before the answer (silence, close, reset) has been played.
 */
bool visit_plays_silence(struct visit *v);

#endif
