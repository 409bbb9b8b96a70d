/* A connection's owner is freed from its own callbacks, and a failure can show itself inside any call. So callbacks
 * come from the loop only, at most one an event and as the last step; calls report failures by their result. */
#include "dsgate/net/conn.h"
#include "conn_io.h"
#include <errno.h>
#include <unistd.h>

/* ---- what to wait for ---- */

static bool has_to_send(const struct conn *c) { return conn_unsent(c) > 0 || c->wants_writable; }

/* After the peer's end there is nothing to read, and its leaving is no news. */
static int wanted(const struct conn *c)
{
    if (c->handshake_wants) return c->handshake_wants;
    bool reads = !c->read_paused && !c->ended;
    int wants = reads ? LOOP_READ : 0;
    if (has_to_send(c)) wants |= c->write_wants_read ? LOOP_READ : LOOP_WRITE;
    if (c->read_wants_write && reads) wants |= LOOP_WRITE;
    return wants & LOOP_READ || c->ended || c->held ? wants : wants | LOOP_HANGUP;
}

static void update(struct conn *c) { loop_io_want(&c->io, wanted(c)); }

/* ---- events ---- */

static void lose(struct conn *c, enum net_error why, const char *detail)
{
    c->failed = true;
    loop_io_want(&c->io, 0);
    c->ops->lost(c, why, detail);
}

/* Whatever else comes from a peer that took the TLS port for a plain one is dropped until it leaves or the deadline
 * comes: closing at once would reset the connection under the answer. */
static void tell_plain_http(struct conn *c)
{
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 59\r\nConnection: close\r\n\r\n"
        "This port speaks HTTPS: the address must begin with https.\n";
    ssize_t sent = send(c->io.fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    (void)sent; /* a fresh socket always takes it */
    shutdown(c->io.fd, SHUT_WR);
    c->handshake_wants = LOOP_READ;
}

static void drop_plain_http(struct conn *c)
{
    ssize_t got = recv(c->io.fd, loop_scratch(c->loop), LOOP_SCRATCH, 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) lose(c, NET_TLS, tls_failure(c->tls));
}

static void shake_hands(struct conn *c)
{
    if (tls_met_plain_http(c->tls)) {
        drop_plain_http(c);
        return;
    }
    enum tls_status status = tls_handshake(c->tls);
    c->handshake_wants = status == TLS_WANT_READ ? LOOP_READ : status == TLS_WANT_WRITE ? LOOP_WRITE : 0;
    if (tls_met_plain_http(c->tls)) tell_plain_http(c);
    if (c->handshake_wants) {
        update(c);
    } else if (status == TLS_DONE) {
        update(c);
        if (tls_pending(c->tls)) loop_after_turn(c->loop, &c->again);
        c->ops->ready(c);
    } else {
        lose(c, NET_TLS, tls_failure(c->tls));
    }
}

/* The peer that does not take our bytes may have said why before it left (an early answer to a large request), so the
 * reader is asked to look; conn_read() tells it of the failure after the last byte. */
static void sending_failed(struct conn *c)
{
    c->failed = true;
    buf_free(&c->unsent);
    c->wants_writable = false;
    if (c->read_paused && !c->held) {
        lose(c, NET_RESET, "the peer takes no more bytes");
        return;
    }
    update(c);
    if (!c->held) c->ops->readable(c);
}

/* Whether TLS can say "that was all": only if it was. */
static bool can_notify(const struct conn *c)
{
    return c->tls && !c->failed && !c->handshake_wants && conn_unsent(c) == 0;
}

static void send_end(struct conn *c)
{
    if (can_notify(c)) tls_shutdown(c->tls);
    shutdown(c->io.fd, SHUT_WR);
}

/* true: a callback was made. */
static bool go_on_sending(struct conn *c)
{
    if (conn_unsent(c) > 0 && !conn_io_flush(c)) {
        sending_failed(c);
        return true;
    }
    if (conn_unsent(c) > 0) return false;
    buf_free(&c->unsent);
    c->wants_writable = false;
    if (c->finishing) send_end(c);
    update(c);
    c->ops->writable(c);
    return true;
}

/* Pausing leaves the descriptor as it is until an event proves that it matters: most pauses end before that. */
static void io_ready(struct loop_io *io, int what)
{
    struct conn *c = CONTAINER_OF(io, struct conn, io);
    if (c->handshake_wants) {
        shake_hands(c);
        return;
    }
    int sends_on = c->write_wants_read ? LOOP_READ : LOOP_WRITE;
    if (has_to_send(c) && (what & sends_on) && go_on_sending(c)) return;
    if (c->read_paused && !c->held && (what & LOOP_HANGUP)) {
        lose(c, NET_CUT, "the peer closed the connection");
    } else if (!c->read_paused && (what & (c->read_wants_write ? LOOP_READ | LOOP_WRITE : LOOP_READ))) {
        c->read_wants_write = false;
        c->ops->readable(c);
    } else {
        update(c);
    }
}

static void look_again(struct loop_after *after)
{
    struct conn *c = CONTAINER_OF(after, struct conn, again);
    if (c->handshake_wants)
        shake_hands(c);
    else if (!c->read_paused)
        c->ops->readable(c);
}

static void deadline_passed(struct timer *timer)
{
    struct conn *c = CONTAINER_OF(timer, struct conn, timer);
    c->ops->expired(c);
}

/* ---- calls ---- */

void conn_open(struct conn *c, struct loop *loop, int fd, struct tls *tls, const struct conn_ops *ops)
{
    *c = (struct conn){.loop = loop, .ops = ops, .tls = tls, .open = true};
    c->again.run = look_again;
    c->handshake_wants = tls ? LOOP_READ : 0;
    loop_io_start(loop, &c->io, fd, LOOP_READ, io_ready);
    if (tls) loop_after_turn(loop, &c->again);
}

/* A socket whose failure was already told to a writer looks as if the peer had ended cleanly. */
ssize_t conn_read(struct conn *c, void *p, size_t cap)
{
    if (!c->open) return CONN_FAILED;
    if (c->handshake_wants || cap == 0) return CONN_AGAIN;
    ssize_t got = conn_io_receive(c, p, cap);
    if (got > 0) return got;
    if (got == CONN_FAILED) c->failed = true;
    if (got == 0) c->ended = true;
    if (c->ended || c->read_wants_write) update(c);
    return c->failed ? CONN_FAILED : got;
}

static void keep_rest(struct conn *c, const struct iovec *iov, int n, size_t sent)
{
    for (int i = 0; i < n; i++) {
        size_t skipped = sent < iov[i].iov_len ? sent : iov[i].iov_len;
        buf_append(&c->unsent, (const char *)iov[i].iov_base + skipped, iov[i].iov_len - skipped);
        sent -= skipped;
    }
}

bool conn_write(struct conn *c, const struct iovec *iov, int n)
{
    if (!c->open || c->failed || c->finishing) return false;
    bool must_wait = c->handshake_wants || conn_unsent(c) > 0;
    ssize_t sent = must_wait ? 0 : conn_io_send(c, iov, n);
    if (sent == CONN_FAILED) {
        c->failed = true;
        return false;
    }
    keep_rest(c, iov, n, (size_t)sent);
    update(c);
    return true;
}

ssize_t conn_write_some(struct conn *c, const struct iovec *iov, int n)
{
    if (!c->open || c->failed || c->finishing) return CONN_FAILED;
    ssize_t sent = c->handshake_wants ? 0 : conn_io_send(c, iov, n);
    if (sent == CONN_FAILED) {
        c->failed = true;
        return CONN_FAILED;
    }
    c->wants_writable = (size_t)sent < iov_total(iov, n);
    update(c);
    return sent;
}

void conn_pause_read(struct conn *c) { c->read_paused = true; }

void conn_hold_read(struct conn *c) { c->read_paused = c->held = true; }

void conn_resume_read(struct conn *c)
{
    if (!c->open || !c->read_paused) return;
    c->read_paused = c->held = false;
    update(c);
    if (c->tls && !c->handshake_wants && tls_pending(c->tls)) loop_after_turn(c->loop, &c->again);
}

void conn_set_deadline(struct conn *c, usec_t due)
{
    if (c->open) timer_set(c->loop, &c->timer, due, deadline_passed);
}

void conn_finish(struct conn *c)
{
    if (!c->open || c->failed || c->finishing) return;
    c->finishing = true;
    if (!has_to_send(c)) send_end(c);
}

static void end(struct conn *c, bool whole)
{
    if (!c->open) return;
    int fd = c->io.fd;
    bool notify = whole && !c->finishing && can_notify(c);
    c->open = false;
    loop_io_stop(&c->io);
    timer_cancel(c->loop, &c->timer);
    loop_after_cancel(&c->again);
    if (notify) tls_shutdown(c->tls);
    tls_free(c->tls);
    c->tls = NULL;
    close(fd);
    buf_free(&c->unsent);
}

void conn_close(struct conn *c) { end(c, true); }

void conn_reset(struct conn *c)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    if (c->open) setsockopt(c->io.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    end(c, false);
}
