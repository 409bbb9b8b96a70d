/* Plain sockets are simple; TLS differs in three ways. A record costs 29 bytes and a cipher call, so a small head and
 * its body are gathered into one. A refused record must be offered again unchanged. And OpenSSL reads ahead, so that
 * bytes may wait where epoll does not see them. */
#include "conn_io.h"
#include <errno.h>

enum { RECORD = 16 * 1024, IOV_MOST = 1024 /* IOV_MAX of Linux */ };

/* ---- plain ---- */

static ssize_t plain_send(struct conn *c, const struct iovec *iov, int n)
{
    struct msghdr message = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)(n < IOV_MOST ? n : IOV_MOST)};
    ssize_t sent = sendmsg(c->io.fd, &message, MSG_NOSIGNAL);
    if (sent >= 0) return sent;
    return errno == EAGAIN || errno == EINTR ? 0 : CONN_FAILED;
}

static ssize_t plain_receive(struct conn *c, void *p, size_t cap)
{
    ssize_t got = recv(c->io.fd, p, cap, 0);
    if (got >= 0) return got;
    return errno == EAGAIN || errno == EINTR ? CONN_AGAIN : CONN_FAILED;
}

/* ---- TLS ---- */

struct cursor {
    const struct iovec *iov;
    int n;
    size_t offset; /* in iov[0] */
};

static void skip(struct cursor *at, size_t bytes)
{
    at->offset += bytes;
    while (at->n > 0 && at->offset >= at->iov->iov_len) {
        at->offset -= at->iov->iov_len;
        at->iov++;
        at->n--;
    }
}

/* What goes into the next record: straight from the caller's memory when one piece fills it or nothing follows, else
 * gathered. */
static struct text next_record(struct cursor at)
{
    static _Thread_local char record[RECORD];
    size_t used = 0;
    skip(&at, 0);
    while (at.n > 0 && used < RECORD) {
        const char *p = (const char *)at.iov->iov_base + at.offset;
        size_t left = at.iov->iov_len - at.offset, take = left < RECORD - used ? left : RECORD - used;
        if (used == 0 && (take == RECORD || at.n == 1)) return text_make(p, take);
        memcpy(record + used, p, take);
        used += take;
        skip(&at, take);
    }
    return text_make(record, used);
}

static ssize_t tls_send(struct conn *c, const struct iovec *iov, int n)
{
    struct cursor at = {iov, n, 0};
    ssize_t sent = 0;
    for (;;) {
        struct text record = next_record(at);
        size_t moved = record.n;
        if (record.n == 0) return sent;
        enum tls_status status = tls_write(c->tls, record.p, &moved);
        if (status == TLS_DONE) {
            skip(&at, moved);
            sent += (ssize_t)moved;
            continue;
        }
        if (status != TLS_WANT_READ && status != TLS_WANT_WRITE) return CONN_FAILED;
        c->write_wants_read = status == TLS_WANT_READ;
        buf_add(&c->unsent, record);
        return sent + (ssize_t)record.n;
    }
}

static bool tls_flush(struct conn *c)
{
    c->write_wants_read = false;
    while (conn_unsent(c)) {
        struct text rest = buf_text(&c->unsent);
        enum tls_status status = tls_write(c->tls, rest.p, &rest.n);
        if (status == TLS_DONE) {
            buf_consume(&c->unsent, rest.n);
            continue;
        }
        c->write_wants_read = status == TLS_WANT_READ;
        return status == TLS_WANT_READ || status == TLS_WANT_WRITE;
    }
    return true;
}

static ssize_t verdict(struct conn *c, enum tls_status status)
{
    c->read_wants_write = status == TLS_WANT_WRITE;
    if (status == TLS_CLOSED) return 0;
    return status == TLS_WANT_READ || status == TLS_WANT_WRITE ? CONN_AGAIN : CONN_FAILED;
}

/* Goes on while OpenSSL holds bytes, which costs no system call; for what is in the socket epoll calls again. */
static ssize_t tls_receive(struct conn *c, void *p, size_t cap)
{
    size_t got = 0;
    enum tls_status status;
    do {
        size_t n = cap - got;
        status = tls_read(c->tls, (char *)p + got, &n);
        if (status == TLS_DONE) got += n;
    } while (status == TLS_DONE && got < cap && tls_pending(c->tls));
    ssize_t outcome = status == TLS_DONE ? (ssize_t)got : verdict(c, status);
    bool more = status == TLS_DONE ? tls_pending(c->tls) : got > 0 && outcome != CONN_AGAIN;
    if (more) loop_after_turn(c->loop, &c->again);
    if (got > 0 && outcome == CONN_FAILED) c->failed = true;
    return got > 0 ? (ssize_t)got : outcome;
}

/* ---- either ---- */

ssize_t conn_io_send(struct conn *c, const struct iovec *iov, int n)
{
    return c->tls ? tls_send(c, iov, n) : plain_send(c, iov, n);
}

bool conn_io_flush(struct conn *c)
{
    if (c->tls) return tls_flush(c);
    struct iovec rest = {c->unsent.data + c->unsent.head, conn_unsent(c)};
    ssize_t sent = plain_send(c, &rest, 1);
    if (sent > 0) buf_consume(&c->unsent, (size_t)sent);
    return sent != CONN_FAILED;
}

ssize_t conn_io_receive(struct conn *c, void *p, size_t cap)
{
    return c->tls ? tls_receive(c, p, cap) : plain_receive(c, p, cap);
}
