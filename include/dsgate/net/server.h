/* server.h - the side that faces clients: connections in, exchanges out.
 *
 * A server belongs to one loop. It reads a request whole (head and body, within limits and under total deadlines),
 * hands it over as an exchange, and sends the answer. Requests that come in early (pipelining) wait their turn on the
 * same connection, so answers keep the order of their requests (RFC 9112 section 9.3.2). A client that leaves is
 * noticed at any time.
 */
#ifndef DSGATE_NET_SERVER_H
#define DSGATE_NET_SERVER_H

#include "dsgate/net/address.h"
#include "dsgate/net/conn.h"
#include "dsgate/net/http.h"
#include <stdatomic.h>

struct server;
struct exchange; /* one request and its answer */

struct server_options {
    struct http_limits limits;
    usec_t head_timeout;       /* from a request's first byte (or the connection's start) to the end of its head */
    usec_t body_timeout;       /* total, from the end of the head to the end of the body */
    usec_t keep_alive_timeout; /* idle between requests */
    uint64_t bodies_max;       /* bytes of long request bodies at once, over all servers that share `bodies` */
    atomic_uint_fast64_t *bodies; /* how many there are; NULL: not counted */
    usec_t write_timeout;      /* no byte of an answer taken by the client for so long */
};

struct server_ops {
    /* A whole request has arrived. The handler now owes one answer: exchange_send(…, last) or exchange_abort(). */
    void (*request)(struct server *s, struct exchange *x);
    /* Bytes that are no acceptable request: answer with this error's status (exchange_head() is NULL); the connection
     * closes after the answer. */
    void (*malformed)(struct server *s, struct exchange *x, enum http_error error);
    /* The client left before the answer was complete. The exchange is gone when this returns. */
    void (*gone)(struct exchange *x);
    /* The server ends while an answer is owed (NULL: not told). The handler may still end the answer; what the socket
     * takes at once is sent. If it does not, `gone` follows. */
    void (*ending)(struct exchange *x);
    /* What exchange_send() left unsent has been taken by the client (back-pressure ends). */
    void (*drained)(struct exchange *x);
    /* A connection has ended (after its exchange's callbacks): for connection counts. NULL: not told. */
    void (*disconnected)(struct server *s);
};

/* Options are copied. `arg` is for server_arg(). */
struct server *server_new(struct loop *loop, const struct server_options *o, const struct server_ops *ops, void *arg);
void *server_arg(const struct server *s);

/* For connections and requests from now on. */
void server_set_options(struct server *s, const struct server_options *o);

/* Takes over an accepted descriptor. tls NULL: plain. */
void server_adopt(struct server *s, int fd, const struct address *peer, struct tls_ctx *tls);

/* No new requests: idle connections close now, busy ones after their answer (told by Connection: close). */
void server_drain(struct server *s);
unsigned server_connections(const struct server *s);

/* Closes a connection to make room: the oldest that is idle, else the oldest whose request is not whole yet. false: all
 * of them are being served. */
bool server_evict(struct server *s);

/* Closes everything (exchanges get `ending`, then `gone`) and frees. */
void server_free(struct server *s);

/* ---- an exchange ---- */

/* The request: valid until exchange_forget_request(), at the latest until the answer is complete. NULL after
 * `malformed`. */
const struct http_head *exchange_head(const struct exchange *x);
struct text exchange_body(const struct exchange *x);
/* Gives the request's memory back early (long streams): head and body are gone. */
void exchange_forget_request(struct exchange *x);

/* Takes the request away from the exchange, which has none from then on, as if forgotten, so that it can outlive answer
 * and connection; also while the answer is under way, and in `gone` and `ending`. Its bytes stay where they are in
 * memory. NULL: it has been forgotten or taken, or was malformed. It counts as a body under way until
 * server_request_free(), which any thread may call; only the counter, server_options.bodies, must still be there. */
struct server_request;
struct server_request *exchange_take_request(struct exchange *x);
const struct http_head *server_request_head(const struct server_request *q);
struct text server_request_body(const struct server_request *q);
void server_request_free(struct server_request *q); /* NULL is fine */

void *exchange_context(const struct exchange *x); /* the handler's own; NULL at first */
void exchange_set_context(struct exchange *x, void *context);
struct server *exchange_server(const struct exchange *x);
const char *exchange_peer(const struct exchange *x);           /* "127.0.0.1:40412" */
usec_t exchange_began(const struct exchange *x);               /* first byte of the request, monotonic */
usec_t exchange_arrived(const struct exchange *x);             /* last byte of the request */

/* The answer's head: status line and fields without framing, Connection, Keep-Alive and Date; the server adds those. */
struct reply_head {
    unsigned status;
    struct text fields;   /* "name: value\r\n"…, as http_put() writes them */
    bool has_length;      /* content_length is known; else chunked (HTTP/1.0: until close) */
    uint64_t content_length;
    bool has_date;        /* fields hold a Date already */
    bool close;           /* close the connection after this answer */
};

/* Sends a piece of the answer: `head` with the first piece, NULL with later ones; `last` with the last. Everything
 * given goes out in one write. The bytes are copied if the socket does not take them. Answers to HEAD and with 1xx, 204
 * or 304 carry no body bytes whatever is passed (RFC 9110 section 6.4.1). After `last` the exchange is gone. false: the
 * client is gone, `gone` comes or has come; stop. The handler must send exactly content_length bytes when it announced
 * them. */
bool exchange_send(struct exchange *x, const struct reply_head *head, const struct iovec *iov, int n, bool last);

/* Sends bytes as they are, without head or framing: for a simulator that must break the rules. End with exchange_cut()
 * or exchange_abort(). */
bool exchange_send_raw(struct exchange *x, const struct iovec *iov, int n);

/* Bytes of the answer that the client has not taken yet: above a mark, stop producing until `drained`. */
size_t exchange_unsent(const struct exchange *x);

/* Ends the answer without its end, so that the client sees a broken one (connection reset, never a clean close). The
 * exchange is gone. */
void exchange_abort(struct exchange *x);
/* As exchange_abort(), but what was sent so far is still delivered before the connection is closed without the last
 * chunk: for streams that have told their failure in an event. */
void exchange_cut(struct exchange *x);

#endif
