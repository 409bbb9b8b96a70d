/* client.h - the side that faces upstreams: connection pools and calls.
 *
 * A client belongs to one loop. Idle connections are kept per origin (last in, first out), watched for the peer's
 * leaving, and closed after idle_keep. A call is one request and its answer. Nothing is ever replayed here: when a kept
 * connection turns out to be dead, the call fails with `reused` set, and the caller decides.
 */
#ifndef DSGATE_NET_CLIENT_H
#define DSGATE_NET_CLIENT_H

#include "dsgate/net/conn.h"
#include "dsgate/net/dial.h"
#include "dsgate/net/http.h"
#include "dsgate/net/origin.h"

struct client;
struct client_call;

struct client_options {
    usec_t idle_keep;          /* below the servers' own keep-alive time */
    unsigned idle_per_origin;  /* kept at most */
    struct http_limits limits; /* of answers; body = UINT64_MAX for none */
};

struct client *client_new(struct loop *loop, struct dns *dns, const struct client_options *o);
void client_free(struct client *c); /* no calls may be under way */
void client_close_idle(struct client *c);

/* At most so many connections, busy ones included, are open when one is to be kept; default: no limit. */
void client_limit(struct client *c, unsigned most_connections);

/* After a reload: connections to other origins than these n are not kept any more. Idle ones close now, busy ones after
 * their call. */
void client_keep_only(struct client *c, struct origin *const *origins, size_t n);

struct client_timeouts {
    usec_t connect;    /* name, TCP and TLS together */
    usec_t first_byte; /* request sent → the answer's head, whole; interim (1xx) heads don't count */
    usec_t idle;       /* between payload bytes of the answer (not of chunk sizes, extensions and trailers), and for the
                        * peer to take bytes of the request */
    usec_t total;      /* deadline, monotonic; USEC_NEVER = none */
};

struct client_failure {
    enum net_error error;
    bool reused;      /* a kept connection, not a byte of the answer: probably the peer's idle time-out */
    bool sent;        /* some byte of the request may have reached the peer */
    char detail[160]; /* for logs: the cause, and how far the answer had come */
};

struct client_ops {
    /* The final head (1xx ones are swallowed). Valid during the call. */
    void (*head)(struct client_call *call, const struct http_head *head);
    /* Payload bytes as they come, chunk framing removed; `end` with the last (n may be 0). The bytes may be changed by
     * the callee and are valid during the call. After `end` the call is gone. */
    void (*data)(struct client_call *call, struct text bytes, bool end);
    /* It failed; the call is gone. */
    void (*failed)(struct client_call *call, const struct client_failure *why);
};

struct client_request {
    struct origin *origin;
    const struct iovec *iov; /* the whole request, head and body. The array is copied; the BYTES must stay valid */
    int iov_count;           /* until client_call_sent(), the end of the call, or client_cancel(); at most CLIENT_IOV */
    bool to_head;            /* method HEAD */
    bool fresh;              /* don't use a kept connection */
    struct client_timeouts timeouts;
};
#define CLIENT_IOV 20

/* Starts a call. No callback comes from inside. `context` is for client_call_context(). */
struct client_call *client_start(struct client *c, const struct client_request *r, const struct client_ops *ops,
                                 void *context);
void *client_call_context(const struct client_call *call);

/* The request's bytes are needed no more. An answer may well begin before that: sending goes on beside it. */
bool client_call_sent(const struct client_call *call);

/* Back-pressure: paused calls take no bytes and have no idle deadline. */
void client_pause(struct client_call *call);
void client_resume(struct client_call *call);

/* Ends the call now, without callbacks: its connection is closed, so that the upstream stops working. */
void client_cancel(struct client_call *call);

struct client_counts {
    unsigned idle, busy; /* connections kept; calls under way */
};
struct client_counts client_counts(const struct client *c);

#endif
