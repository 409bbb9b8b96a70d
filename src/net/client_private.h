/* client_private.h - what client.c and client_failure.c (calls) and client_pool.c (connections to upstreams)
 * share. */
#ifndef DSGATE_SRC_NET_CLIENT_PRIVATE_H
#define DSGATE_SRC_NET_CLIENT_PRIVATE_H

#include "dsgate/net/client.h"

/* Kept connections to one origin. */
struct conn_pool {
    struct list node; /* client.pools */
    struct origin *origin;
    unsigned refs; /* the client's, while it keeps connections here, and one of each call and connection */
    bool dropped;  /* nothing is kept any more */
    struct list idle; /* last in, first out: the others may grow old and be closed */
    unsigned idle_count;
};

/* A connection to an upstream: idle in its pool, or with a call. */
struct upstream_conn {
    struct conn conn;
    struct client *client;
    struct conn_pool *pool;
    struct list node;      /* pool.idle or client.dead */
    struct client_call *call;
    struct buf in;         /* an answer's head that came in pieces */
    bool dead;
};

struct client {
    struct loop *loop;
    struct dns *dns;
    struct client_options options;
    struct list pools, dead;
    struct loop_after free_later;
    struct client_counts counts;
    unsigned most_connections;
    struct http_head head; /* being parsed */
};

enum call_state { CALL_DIALLING, CALL_HANDSHAKE, CALL_SENDING, CALL_WAITING, CALL_BODY };

struct client_call {
    struct client *client;
    const struct client_ops *ops;
    void *context;
    struct conn_pool *pool;
    struct upstream_conn *uc;    /* NULL while dialling */
    struct dial *dial;
    struct timer dial_timer;
    struct loop_after deferred_failure;    /* tells a failure that was found inside client_start() */
    enum call_state state;
    bool to_head, reused, paused, keep_alive, request_sent;
    unsigned interim;            /* 1xx answers seen */
    size_t scanned;
    struct http_body body;
    struct client_timeouts timeouts;
    usec_t connect_by;
    unsigned iov_at, iov_count;
    struct iovec iov[CLIENT_IOV];
};

/* Found or made; referenced for the caller. */
struct conn_pool *client_pool(struct client *c, struct origin *origin);
void conn_pool_unref(struct conn_pool *p);

/* The newest idle connection, taken out; NULL if there is none. */
struct upstream_conn *conn_pool_take(struct conn_pool *p);

/* A fresh connection around a descriptor; TLS begins at once. */
struct upstream_conn *upstream_conn_open(struct client *c, struct conn_pool *p, int fd);
void upstream_conn_keep(struct upstream_conn *uc); /* back into the pool, or closed when the pool is full */
void upstream_conn_end(struct upstream_conn *uc);  /* closed now, freed after the turn */

/* What happens to a connection while it serves a call (client.c). */
void call_ready(struct client_call *call);
void call_readable(struct client_call *call);
void call_writable(struct client_call *call);
void call_lost(struct client_call *call, enum net_error why, const char *detail);
void call_expired(struct client_call *call);

/* Any byte of an answer has come (client_failure.c); and what is told of a failure: `detail` in the error's own words
 * when NULL or empty. */
bool call_was_answered(const struct client_call *call);
void call_describe_failure(const struct client_call *call, enum net_error error, const char *detail,
                           struct client_failure *why);

#endif
