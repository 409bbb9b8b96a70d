/* pool.h - the upstreams of one configuration, ready to be chosen from.
 *
 * A pool belongs to one config snapshot and is refcounted: a request keeps the pool it began with. What must outlive a
 * reload sits in struct upstream_state (calls in flight, health, counters), which the next pool takes over by name and
 * address, and in struct account (calls in flight of all its upstreams), taken over by name.
 *
 * Threading: the pool itself is immutable; the members marked [sched] are guarded by the scheduler's mutex; counters
 * are atomic. References may be taken and given back on any thread.
 */
#ifndef DSGATE_SCHED_POOL_H
#define DSGATE_SCHED_POOL_H

#include "dsgate/base/list.h"
#include "dsgate/config/config.h"
#include "dsgate/llm/endpoint.h"
#include "dsgate/net/origin.h"
#include "dsgate/sched/balance.h"
#include "dsgate/sched/health.h"

/* Upstreams that share one concurrency limit. */
struct account {
    atomic_uint refs;
    unsigned in_flight;           /* [sched] */
    unsigned wanted;              /* [sched] waiting tickets that may go to its upstreams, once for each of these */
};

struct upstream_state {
    atomic_uint refs;
    char *name, *base_url;
    unsigned in_flight;           /* [sched] */
    struct health health;         /* [sched] */
    atomic_uint_fast64_t outcomes[OUTCOME_COUNT]; /* attempts by outcome */
};

struct upstream {
    const struct conf_upstream *conf;
    struct origin *origin;
    struct upstream_state *state;
    struct account *account;      /* of this pool: a reload may move an upstream to another one */
    unsigned cap;                 /* of the account: the largest max_concurrency set among its upstreams; 0 = none */
    unsigned index;               /* in the pool */
};

/* Does it have a path for this endpoint? */
bool upstream_serves(const struct upstream *u, const struct endpoint *e);

struct candidate {
    struct upstream *upstream;
    const struct conf_model *model; /* NULL: the client's name goes through */
};

/* The upstreams that serve one model name, in config order. */
struct model_row {
    const char *name;             /* "*": the row for names that no map knows */
    unsigned metric_slot;         /* for the pool's owner; 0 = other */
    size_t n;
    struct candidate *candidates;
    struct balance_entry *balance; /* [sched] */
    struct list waiting;          /* [sched] tickets, first come first */
    struct list node;             /* [sched] among the rows that tickets wait for */
    bool passed;                  /* [sched] nobody here can be served in this pass */
};

struct pool {
    atomic_uint refs;
    const struct config *config;
    struct upstream *upstreams;
    size_t upstream_count;
    struct model_row *rows;       /* sorted by name */
    size_t row_count;
    struct model_row any;         /* upstreams without a model list or with "*"; n may be 0 */
    struct model_row all;         /* every upstream: endpoints without a model */
};

#define POOL_UPSTREAMS_MAX 64     /* a ticket marks tried upstreams in 64 bits; config_load refuses more */

/* Refs `config`; `previous` (may be NULL) hands over states, accounts, and origins that are the same, so that their
 * connections stay in use. TLS contexts that were made from files are always made anew: the files may have been
 * renewed. NULL with sentences (one a line) in *error when a certificate, CA file or pinned address is unusable, or
 * there are too many upstreams or addresses. */
struct pool *pool_new(const struct config *config, const struct pool *previous, struct buf *error);
struct pool *pool_ref(struct pool *p);
void pool_unref(struct pool *p); /* NULL is fine */

/* The row for a model name: its own, else `any` when some upstream takes every model, else NULL (unknown model). */
struct model_row *pool_find_model(struct pool *p, struct text model);

/* Appends the names nearest to an unknown one, at most three, comma separated and quoted: "'deepseek-flash',
 * 'deepseek-v4-flash'"; nothing when none is near. */
void pool_near_models(const struct pool *p, struct text model, struct buf *out);

#endif
