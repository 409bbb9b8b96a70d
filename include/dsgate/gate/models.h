/* models.h - GET /v1/models: one list over all upstreams.
 *
 * Upstreams with a model map contribute the names that clients may use. Upstreams that take any model are asked (GET
 * /models, all at once, a few seconds at most); one that does not answer is left out. Names appear once, in config
 * order.
 */
#ifndef DSGATE_GATE_MODELS_H
#define DSGATE_GATE_MODELS_H

#include "dsgate/gate/request.h"

struct models;

/* Begins; true: the list is ready now. false: `done` comes later, once. `from` is the client's request (its key passes
 * to upstreams without one). The struct is the caller's until models_free(), which cancels what is under way. */
struct models *models_start(struct request *r, void (*done)(struct request *r));
bool models_ready(const struct models *m);
/* The answer to GET /models, or to GET /models/{id} (false: no such model). */
void models_write_list(const struct models *m, struct buf *out);
bool models_write_one(const struct models *m, struct text id, struct buf *out);
void models_free(struct models *m); /* NULL is fine */

#endif
