/* models.h - GET /v1/models: one list over all upstreams.
 *
 * Upstreams with a model map contribute the names that clients may use. Upstreams that take any model are asked (GET
 * /models, all at once, each once, 3 seconds at most) with the client's key where they have none of their own; one that
 * gives no list is left out. Names appear once, in config order. All on the request's worker.
 */
#ifndef DSGATE_GATE_MODELS_H
#define DSGATE_GATE_MODELS_H

#include "dsgate/gate/request.h"

struct models;

/* Starts collecting; never NULL; freed with models_free(). Check models_ready() at once; if it is false, `done(r)` is
 * called once, later, never from inside. The request, with its head and pool, must outlive the struct. */
struct models *models_start(struct request *r, void (*done)(struct request *r));
bool models_ready(const struct models *m);

/* The others are for when models_ready(). false: no model is mapped and every upstream that was asked failed, so that
 * what the functions below write would not be true. */
bool models_known(const struct models *m);

/* Appends the answer to GET /models, or to GET /models/{id}; false: there is no such model, and nothing is written. */
void models_write_list(const struct models *m, struct buf *out);
bool models_write_one(const struct models *m, struct text id, struct buf *out);

void models_free(struct models *m); /* cancels what is under way, without a callback; NULL is fine */

#endif
