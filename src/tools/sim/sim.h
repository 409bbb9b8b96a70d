/* sim.h - the simulator's parts, and what one thread owns. */
#ifndef DSGATE_SIM_SIM_H
#define DSGATE_SIM_SIM_H

#include "dsgate/net/listen.h"
#include "dsgate/net/server.h"
#include "errors.h"
#include "lanes.h"
#include "options.h"
#include "prefix_cache.h"
#include "record.h"
#include "rules.h"
#include <pthread.h>

struct sim {
    struct options options;
    struct rules *rules;
    struct lanes *lanes;
    struct prefix_cache *cache;
    struct record *record;
    struct worker *workers;  /* options.workers of them */
    _Atomic uint64_t serial; /* requests so far, for ratio */
};

struct worker {
    struct sim *sim;
    struct loop *loop;
    struct server *server;
    pthread_t thread;
    struct buf scratch, fields; /* for one callback: a body, and header fields */
};

/* Threads. worker_open() says why when it returns false. */
bool worker_open(struct worker *w, struct sim *sim);
bool worker_start(struct worker *w);
void worker_adopt(struct worker *w, int fd, const struct address *peer, struct tls_ctx *tls);
void worker_stop(struct worker *w);  /* joins the thread */
void worker_close(struct worker *w); /* frees what worker_open() made */

/* The rules have changed: every worker looks whether responses shall now be early. Any thread. */
void sim_rules_changed(struct sim *sim);

/* ---- answering in one piece (answer.c) ---- */

static inline struct worker *worker_of(const struct exchange *x) { return server_arg(exchange_server(x)); }

void answer_json(struct exchange *x, unsigned status, struct text body);
/* Frees the refusal. `fields`: further header lines or empty. */
void answer_refusal(struct exchange *x, struct refusal *r, struct text fields);
/* DeepSeek's header fields of an answer. */
void answer_fields(struct buf *out, const char *content_type, uint64_t trace);

/* ---- endpoints ---- */

/* Everything below the API's paths. */
void endpoint_serve(struct exchange *x);
/* Everything below /_sim/. */
void control_serve(struct exchange *x);
/* A plain answer to POST /embeddings. */
struct call;
void embeddings_answer(struct exchange *x, const struct call *call, uint64_t seed);

#endif
