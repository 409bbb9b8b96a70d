/* admin_private.h - the pages of the admin port, which admin.c leads to. Each sends one whole answer. */
#ifndef GATE_ADMIN_PRIVATE_H
#define GATE_ADMIN_PRIVATE_H

#include "dsgate/gate/admin.h"

struct admin {
    const struct shared *shared;
    struct loop *loop;
    struct server *server;
    struct pool *pool;
    struct sched_upstream_view *view; /* room to look at one upstream: it is a few kilobytes */
    struct admin_purge *purge;        /* of Redis, under way or the last one */
    bool draining;
};

/* `rest`: what stands for the '*' of the page's path, percent-decoded. */
typedef void admin_page(struct admin *a, struct exchange *x, struct text rest);

admin_page admin_show_ready, admin_show_model_ready;                         /* GET /readyz, /readyz/{model} */
admin_page admin_list_upstreams, admin_show_upstream, admin_change_upstream; /* GET, GET and POST /upstreams/{name} */
admin_page admin_show_queue, admin_show_waiting;                             /* GET /queue, /queue/{request id} */
admin_page admin_show_cache, admin_show_entry, admin_purge;                  /* GET /cache, /cache/{key}; POST /cache */

/* What the cache tells Prometheus. */
struct metrics_cache admin_describe_cache(const struct admin *a);

/* Whether this may be more than a web page in somebody's browser; false: it has been refused. */
bool admin_may_change(struct exchange *x);

/* A refusal in words; the message is freed. */
void admin_refuse(struct exchange *x, enum failure f, struct buf *message);

/* The upstream with that name; NULL: there is none, and the answer that says so has been sent. */
struct upstream *admin_find_upstream(struct admin *a, struct exchange *x, struct text name);

#endif
