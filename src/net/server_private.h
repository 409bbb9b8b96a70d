/* server_private.h - what server.c (connections), server_read.c (requests in), server_request.c (their memory) and
 * exchange.c (answers out) share.
 *
 * A connection is always in one phase, and phase_enter() is the only place that sets its deadline:
 *
 *   IDLE → HEAD → BODY → SERVING → FLUSHING → IDLE …
 *                                      └────→ CLOSING
 *
 * CLOSING: our last bytes go out, late ones of the client are read and dropped, so that no reset destroys the answer.
 */
#ifndef DSGATE_SRC_NET_SERVER_PRIVATE_H
#define DSGATE_SRC_NET_SERVER_PRIVATE_H

#include "dsgate/net/server.h"

enum phase { PHASE_IDLE, PHASE_HEAD, PHASE_BODY, PHASE_SERVING, PHASE_FLUSHING, PHASE_CLOSING };

struct server_request {
    struct http_head *head; /* one block: head record, head bytes, body of a declared length; NULL: there is none */
    char *body;             /* where a body of a declared length grows */
    size_t body_length;
    struct buf chunks;      /* a chunked body */
    uint64_t claimed;       /* of the memory for bodies, */
    atomic_uint_fast64_t *bodies; /* … which is counted here */
};

struct exchange {
    void *context;
    usec_t began, arrived;
    struct server_request request;
    bool to_head, minor_0;  /* of the request, kept when it is forgotten or taken */
    bool chunked, bodiless, close;
    bool broken;            /* the client is gone, the handler will be told after this turn */
    uint64_t announced;     /* Content-Length bytes still owed */
};

struct server_conn {
    struct conn conn;
    struct server *server;
    struct list node;        /* server.conns, or server.dead */
    struct loop_after later; /* goes on with pipelined bytes, or tells `gone`, outside of the handler's calls */
    enum phase phase;
    bool dead, peer_done;
    struct buf in;           /* bytes received and not yet taken apart */
    size_t scanned;          /* in the head, see http_parse_request() */
    uint64_t last_body;      /* declared length of the latest one */
    size_t unsent_before;    /* at the last look of the write timer */
    struct http_body framing;
    struct exchange x;
    char peer[56];
};

struct server {
    struct loop *loop;
    struct server_options options;
    const struct server_ops *ops;
    void *arg;
    struct list conns, dead;
    struct loop_after free_later;
    unsigned count;
    bool draining;
    struct http_head head;   /* being parsed */
    struct buf reply;        /* head being written */
    char date[30];
    usec_t date_second;
};

static inline struct server_conn *conn_of_exchange(const struct exchange *x)
{
    return CONTAINER_OF((struct exchange *)(uintptr_t)x, struct server_conn, x);
}

void phase_enter(struct server_conn *sc, enum phase phase);

/* Ends the connection; the memory stays until the end of the turn. */
void server_conn_end(struct server_conn *sc, bool reset);

/* The client left: tells the handler if it owes an answer, then ends the connection. */
void server_conn_gone(struct server_conn *sc);

/* Reads and hands over requests (server_read.c). */
void server_read(struct server_conn *sc);
void server_read_pending(struct server_conn *sc); /* what is in sc->in already */
void server_refuse(struct server_conn *sc, enum http_error error);

/* A request's memory (server_request.c): claims `total` bytes of all that is for bodies. False: there is less left. */
bool server_request_claim(struct server_request *q, const struct server_options *o, uint64_t total);
/* Gives back what was claimed for more than has come. */
void server_request_trim_claim(struct server_request *q);
/* Gives back all of it: there is no request any more. */
void server_request_clear(struct server_request *q);

/* The answer is complete and sent, or the rest is kept by conn (exchange.c). */
void exchange_finish(struct exchange *x);
void exchange_flushed(struct server_conn *sc);
void exchange_reset(struct exchange *x);

#endif
