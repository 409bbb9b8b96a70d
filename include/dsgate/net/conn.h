/* conn.h - one byte stream to a peer: TCP or Unix socket, with or without TLS.
 *
 * A conn is embedded in its owner (server.c's and client.c's connections) and knows nothing about it but the callbacks.
 * Writes go straight to the socket; only what the socket refuses is kept. Reads go to where the caller says, normally
 * the loop's scratch block, so an idle connection holds no buffer.
 *
 * Callbacks: each is the last thing conn does in a turn for this connection, so a callback may close the conn and free
 * its owner. After conn_close() none comes any more.
 */
#ifndef DSGATE_NET_CONN_H
#define DSGATE_NET_CONN_H

#include "dsgate/base/buf.h"
#include "dsgate/base/iov.h"
#include "dsgate/net/loop.h"
#include "dsgate/net/net_error.h"
#include "dsgate/net/tls.h"
#include <sys/types.h>

struct conn;

struct conn_ops {
    /* The TLS handshake is done; never called without TLS. */
    void (*ready)(struct conn *c);
    /* Bytes, the end or a failure can be read: call conn_read(). With TLS it may come for nothing (session tickets):
     * then conn_read() says CONN_AGAIN. */
    void (*readable)(struct conn *c);
    /* After a short conn_write_some(), or once kept bytes are all sent. */
    void (*writable)(struct conn *c);
    /* Handshake or socket failed, or (while reading is paused) the peer closed. */
    void (*lost)(struct conn *c, enum net_error why, const char *detail);
    /* The deadline of conn_set_deadline() passed. */
    void (*expired)(struct conn *c);
};

struct conn {
    struct loop *loop;
    const struct conn_ops *ops;
    struct loop_io io;
    struct timer timer;
    struct loop_after again; /* look at it once more this turn: TLS holds bytes of which epoll knows nothing */
    struct tls *tls;         /* NULL: plain */
    struct buf unsent;
    int handshake_wants; /* LOOP_READ or LOOP_WRITE while handshaking, else 0 */
    bool open, failed;
    bool ended;     /* the peer's end has been read */
    bool finishing; /* conn_finish() was called */
    bool read_paused, held, wants_writable; /* held: by conn_hold_read() */
    bool read_wants_write, write_wants_read; /* TLS waits for the other direction */
};

/* Takes over fd (connected, non-blocking) and tls (may be NULL; handshake starts at once, server or client side as the
 * context says). Reading is on. */
void conn_open(struct conn *c, struct loop *loop, int fd, struct tls *tls, const struct conn_ops *ops);

/* > 0 bytes read; 0 the peer's clean end, after which `readable` comes no more; CONN_AGAIN nothing now; CONN_FAILED
 * broken. A result smaller than cap means there is nothing more at the moment. What is left is told by `readable`. */
#define CONN_AGAIN  ((ssize_t)-1)
#define CONN_FAILED ((ssize_t)-2)
ssize_t conn_read(struct conn *c, void *p, size_t cap);

/* Sends what it can, keeps a copy of the rest and sends it when possible. false: the connection is broken: nothing will
 * be sent any more, though what the peer sent before it left can still be read. When kept bytes can't be sent,
 * `readable` comes (`lost` while paused, nothing while held), and conn_read() gives what the peer had to say, then
 * CONN_FAILED. `iov` is not changed. */
bool conn_write(struct conn *c, const struct iovec *iov, int n);

/* Sends what it can and keeps nothing (with TLS at most one record, counted as sent): how many bytes went, or
 * CONN_FAILED. After less than all, `writable` comes; before that it must not be called again, nor while conn_unsent()
 * > 0. */
ssize_t conn_write_some(struct conn *c, const struct iovec *iov, int n);

/* Bytes that conn_write() has kept. */
static inline size_t conn_unsent(const struct conn *c) { return buf_len(&c->unsent); }

/* While reading is paused no bytes are taken from the peer (it feels back-pressure), but its leaving is still told
 * (`lost` with NET_CUT) unless conn_read() has told of its end before. Resuming calls `readable` by itself when bytes
 * wait. */
void conn_pause_read(struct conn *c);
void conn_resume_read(struct conn *c);

/* Paused as above, but what the peer does waits like its bytes, so that an answer is read whole although its sender has
 * left: nothing is told before conn_resume_read(). */
void conn_hold_read(struct conn *c);

/* One deadline, monotonic; USEC_NEVER = none. Cheap to move. */
void conn_set_deadline(struct conn *c, usec_t due);

/* Nothing will be written any more: once the kept bytes are sent the peer sees a clean end (close_notify, FIN), while
 * reading goes on. For closing without a reset under bytes that are still coming in. */
void conn_finish(struct conn *c);

/* Closes at once; unsent bytes are dropped (TLS: close_notify if possible, unless bytes were dropped). Harmless when
 * closed or zeroed. */
void conn_close(struct conn *c);
/* As conn_close() with a TCP reset instead of a normal end: the peer can't take a cut answer for a whole one. */
void conn_reset(struct conn *c);

#endif
