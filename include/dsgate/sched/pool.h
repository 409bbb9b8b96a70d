/* pool.h - the upstreams of one configuration, ready to be chosen from.
 *
 * A pool belongs to one config snapshot and is refcounted: a request keeps the pool it began with. An upstream that is
 * to be discovered stands there once for each of its endpoints. What must outlive a reload is shared with the pool
 * before and taken over by name: struct upstream_state and its targets (health, breakers, averages, quotas, what an
 * operator has set), struct account and its slots (calls in flight against limits).
 *
 * Threading: the pool itself is immutable; the members marked [sched] are guarded by the scheduler's mutex; counters
 * are atomic. References may be taken and given back on any thread.
 */
#ifndef DSGATE_SCHED_POOL_H
#define DSGATE_SCHED_POOL_H

#include "dsgate/base/calendar.h"
#include "dsgate/base/list.h"
#include "dsgate/config/config.h"
#include "dsgate/llm/endpoint.h"
#include "dsgate/net/origin.h"
#include "dsgate/sched/balance.h"
#include "dsgate/sched/breaker.h"
#include "dsgate/sched/drain.h"
#include "dsgate/sched/health.h"
#include "dsgate/sched/lane.h"
#include "dsgate/sched/limit.h"
#include "dsgate/sched/pace.h"
#include "dsgate/sched/quota.h"
#include "dsgate/sched/spread.h"

enum {
    POOL_UPSTREAMS_MAX = CONF_ENDPOINTS_MAX, /* endpoints of all upstreams */
    POOL_KEYS_MAX = 32                       /* keys of one upstream */
};

/* ---- limits: accounts and their slots ---- */

/* Calls of one account for one model: what its concurrency limit counts. */
struct slot {
    struct list node;             /* in account->slots */
    char *model;                  /* the upstream's name; "*": models that no map names */
    struct limit limit;           /* [sched] */
    unsigned cap;                 /* [sched] 0 = none */
    unsigned in_flight;           /* [sched] */
    unsigned common;              /* [sched] of them those that are not P0 */
};

/* Upstreams that share their limits. */
struct account {
    atomic_uint refs;
    struct list slots;            /* filled while a pool is made; they live as long as the account */
    unsigned cap;                 /* [sched] over all models; 0 = none */
    unsigned in_flight, common;   /* [sched] likewise */
    struct list wishes;           /* [sched] of the scheduler: waiting lines that could use it */
    struct list wanted;           /* [sched] among the accounts with wishes */
    unsigned turns[PRIORITY_COUNT]; /* [sched] for lane_choose() */
};

/* ---- what is known of an upstream ---- */

/* One model at one upstream. */
struct target {
    struct list node;             /* in state->targets */
    char *model;                  /* the upstream's name; "*": models that no map names */
    struct breaker breaker;       /* [sched] */
    struct pace pace;             /* [sched] */
    struct spread spread;         /* [sched] */
    unsigned in_flight;           /* [sched] */
    unsigned late;                /* [sched] first tokens in a row that were: see sched_note_late() */
    atomic_uint_fast64_t picks;   /* calls given to it */
    atomic_uint_fast64_t opened, half_opened, closed; /* transitions of the breaker */
};

struct key_state {
    usec_t cool_until;            /* [sched] not used before */
    usec_t good_at;               /* [sched] of its last success; 0 = none */
    unsigned refused;             /* [sched] times in a row: the cool-down grows with it */
};

struct upstream_state {
    atomic_uint refs;
    char *name;
    struct list targets;          /* as account->slots */
    bool draining;                /* [sched] by an operator: gets nothing new */
    bool active;                  /* [sched] a standby that has joined */
    bool peak;                    /* [sched] peak prices count now */
    unsigned weight;              /* [sched] by an operator; 0 = the config's */
    unsigned in_flight;           /* [sched] */
    unsigned next_key;            /* [sched] */
    usec_t quota_until;           /* [sched] monotonic: nothing is begun before */
    usec_t quota_told;            /* [sched] monotonic: until when it was last said to be spent; 0 = never */
    usec_t keys_until;            /* [sched] the last of its keys has cooled down by then */
    usec_t calm_since;            /* [sched] since when a standby is not needed; 0 = it is */
    struct health health;         /* [sched] */
    struct key_state keys[POOL_KEYS_MAX]; /* [sched] */
    struct quota quota;           /* [sched] */
    atomic_uint_fast64_t outcomes[OUTCOME_COUNT]; /* attempts by outcome */
};

/* ---- the pool ---- */

struct upstream {
    const struct conf_upstream *conf;
    const struct pool *pool;
    const char *name;             /* conf->name, or "NAME@ADDRESS" of a discovered endpoint; the state's */
    struct origin *origin;
    struct upstream_state *state;
    struct account *account;      /* of this pool: a reload may move an upstream to another one */
    unsigned cap;                 /* of the account over all models; 0 = none */
    unsigned weight;              /* of the config, or of its SRV record */
    enum conf_tier tier;          /* likewise */
    bool near;                    /* in the gateway's zone */
    bool unknown;                 /* discovery has not found an endpoint yet */
    struct zone *quota_zone;
    struct window *peak;
    size_t peak_count;
    unsigned index;               /* in the pool */
};

/* Does it have a path for this endpoint? */
bool upstream_serves(const struct upstream *u, const struct endpoint *e);

struct candidate {
    struct upstream *upstream;
    const struct conf_model *model; /* NULL: the client's name goes through */
    const struct conf_model *listed; /* its row in the upstream's map, which may be "*"; NULL: there is none */
    struct target *target;
    struct slot *slot;
    unsigned cap;                   /* of the slot; 0 = none */
    double price, peak_price;       /* price_blend(); 0 = not known */
    int canary_credit;              /* [sched] in percent: a canary is due at 100 */
};

/* The upstreams that serve one model name, in config order. */
struct model_row {
    const char *name;             /* "*": the row for names that no map knows */
    unsigned metric_slot;         /* for the pool's owner; 0 = other */
    const struct conf_route *route; /* config->other where none matches; of `any` and `all`: see pool_route() */
    bool has_canary;
    size_t n;
    struct candidate *candidates;
    struct contender *contenders; /* [sched] */
    struct drain drains[PRIORITY_COUNT]; /* [sched] */
    struct pool *pool;
};

/* Upstreams by their index in the pool. */
struct upstream_set {
    uint64_t words[POOL_UPSTREAMS_MAX / 64];
};
static inline bool upstream_set_has(const struct upstream_set *s, unsigned i) { return s->words[i / 64] >> i % 64 & 1; }
static inline void upstream_set_join(struct upstream_set *s, const struct upstream_set *more)
{
    for (unsigned i = 0; i < POOL_UPSTREAMS_MAX / 64; i++)
        s->words[i] |= more->words[i];
}
static inline void upstream_set_add(struct upstream_set *s, unsigned i) { s->words[i / 64] |= UINT64_C(1) << i % 64; }

struct pool {
    atomic_uint refs;
    const struct config *config;
    struct upstream *upstreams;
    size_t upstream_count;
    struct model_row *rows;       /* sorted by name */
    size_t row_count;
    struct model_row any;         /* upstreams without a model list or with "*"; n may be 0 */
    struct model_row all;         /* every upstream: endpoints without a model */
    struct window *off_peak;      /* of P3 */
    size_t off_peak_count;
};

/* What discovery has found for one upstream of the config. */
struct discovered {
    const char *upstream;         /* its name */
    unsigned count;
    struct discovered_endpoint {
        struct address address;
        unsigned weight;          /* of its SRV record, 1…1000; 0: the upstream's */
        bool backup;              /* its SRV record has not the lowest priority */
    } *endpoints;
};

/* Refs `config`; `previous` (may be NULL) hands over states, accounts, and origins that are the same, so that their
 * connections stay in use. TLS contexts that were made from files are always made anew: the files may have been
 * renewed. `found`: of the upstreams with `discover`, those that are known so far (the others have no endpoint yet,
 * and requests wait for one). NULL with sentences (one a line) in *error when a certificate, CA file, pinned address,
 * time zone or window is unusable, or there are too many upstreams or addresses. */
struct pool *pool_new(const struct config *config, const struct pool *previous, const struct discovered *found,
                      size_t found_count, struct buf *error);
struct pool *pool_ref(struct pool *p);
void pool_unref(struct pool *p); /* NULL is fine */

/* The row for a model name: its own, else `any` when some upstream takes every model, else NULL (unknown model). */
struct model_row *pool_find_model(struct pool *p, struct text model);

/* The route for a model name that has no row of its own; config->other where none matches. Never NULL. */
const struct conf_route *pool_route(const struct pool *p, const char *model);

/* The upstream (of any pool before) with this name; NULL: there is none. */
struct upstream *pool_find_upstream(const struct pool *p, struct text name);

/* Appends the names nearest to an unknown one, at most three, comma separated and quoted: "'deepseek-flash',
 * 'deepseek-v4-flash'"; nothing when none is near. */
void pool_near_models(const struct pool *p, struct text model, struct buf *out);

#endif
