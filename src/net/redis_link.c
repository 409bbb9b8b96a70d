/* redis_link.c - the connection: dialled, logged in, read, lost, dialled again. */
#include "redis_private.h"
#include <stdio.h>

#define BACKOFF_LEAST (100 * USEC_PER_MS)
#define BACKOFF_MOST  (10 * USEC_PER_SEC)

/* Somebody who was told may have freed it. The last call of what the loop calls. */
static void leave(struct redis *r)
{
    r->busy = false;
    if (r->gone) redis_destroy(r);
}

/* ---- trying again ---- */

/* Twice as long each time, and between half of that and all of it, so that many gateways do not come back at once. */
usec_t redis_backoff(unsigned failures, uint64_t number)
{
    unsigned doublings = failures < 10 ? failures : 10;
    usec_t longest = usec_earlier(BACKOFF_LEAST << doublings, BACKOFF_MOST);
    return longest / 2 + (usec_t)random_scale(number, (uint64_t)longest / 2 + 1);
}

static void try_again(struct timer *timer) { redis_link_begin(CONTAINER_OF(timer, struct redis, timer)); }

/* A server that comes and goes is not asked more often than one that is away. */
static void rest(struct redis *r)
{
    usec_t now = loop_now(r->loop);
    if (r->state == REDIS_UP && now - r->up_since >= BACKOFF_MOST) r->failures = 0;
    r->failures++;
    timer_set(r->loop, &r->timer, now + redis_backoff(r->failures, random_next(&r->random)), try_again);
}

static void hang_up(struct redis *r)
{
    if (r->dial) dial_cancel(r->dial);
    r->dial = NULL;
    conn_close(&r->conn);
    redis_reader_free(r->reader);
    r->reader = NULL;
    loop_after_cancel(&r->flush);
    buf_free(&r->out);
}

void redis_link_lose(struct redis *r, const char *why)
{
    bool news = r->state != REDIS_DOWN || strcmp(r->why, why) != 0;
    snprintf(r->why, sizeof r->why, "%s", why);
    hang_up(r);
    redis_calls_drop(r);
    rest(r);
    r->state = REDIS_DOWN;
    redis_calls_fail(r);
    if (news && !r->gone) r->options.changed(r->options.arg, REDIS_DOWN, r->why);
}

void redis_link_end(struct redis *r)
{
    hang_up(r);
    timer_cancel(r->loop, &r->timer);
}

/* ---- up ---- */

static void look_at_deadlines(struct timer *timer)
{
    struct redis *r = CONTAINER_OF(timer, struct redis, timer);
    r->busy = true;
    if (!redis_calls_expire(r, loop_now(r->loop)))
        redis_link_lose(r, "no answer for 5 s");
    else if (!r->gone)
        timer_set(r->loop, timer, redis_calls_due(r), look_at_deadlines);
    leave(r);
}

void redis_link_up(struct redis *r)
{
    r->state = REDIS_UP;
    r->up_since = loop_now(r->loop);
    timer_set(r->loop, &r->timer, USEC_NEVER, look_at_deadlines);
    r->options.changed(r->options.arg, REDIS_UP, "");
}

/* ---- sending ---- */

static void flush(struct loop_after *after)
{
    struct redis *r = CONTAINER_OF(after, struct redis, flush);
    struct iovec out = {r->out.data + r->out.head, buf_len(&r->out)};
    bool sent = conn_write(&r->conn, &out, 1);
    buf_clear(&r->out);
    if (r->out.capacity > LOOP_SCRATCH) buf_free(&r->out);
    r->busy = true;
    if (!sent) redis_link_lose(r, "the server takes no more bytes");
    leave(r);
}

static void put_size(struct buf *out, char kind, size_t n)
{
    buf_add_byte(out, kind);
    buf_add_u64(out, n);
    BUF_ADD(out, "\r\n");
}

/* As hiredis' formatter does, which makes one more copy. */
void redis_put(struct redis *r, const struct text *argv, size_t argc)
{
    put_size(&r->out, '*', argc);
    for (size_t i = 0; i < argc; i++) {
        put_size(&r->out, '$', argv[i].n);
        buf_add(&r->out, argv[i]);
        BUF_ADD(&r->out, "\r\n");
    }
    loop_after_turn(r->loop, &r->flush);
}

/* ---- reading ---- */

static void heard(struct redis *r, const struct redis_reply *reply)
{
    if (r->state != REDIS_UP)
        redis_login_heard(r, reply);
    else if (!redis_calls_heard(r, reply))
        redis_link_lose(r, "a reply that nobody asked for");
}

static void not_understood(struct redis *r)
{
    char words[REDIS_WORDS];
    snprintf(words, sizeof words, "cannot read its replies: %s", redis_reader_failure(r->reader));
    redis_link_lose(r, words);
}

static void read_replies(struct redis *r)
{
    char *block = loop_scratch(r->loop);
    ssize_t n = conn_read(&r->conn, block, LOOP_SCRATCH);
    if (n == CONN_AGAIN) return;
    if (n <= 0) {
        redis_link_lose(r, n == 0 ? "the server closed the connection" : "the connection broke");
        return;
    }
    redis_reader_feed(r->reader, text_make(block, (size_t)n));
    for (struct redis_reply *reply; r->reader && (reply = redis_reader_next(r->reader));) {
        heard(r, reply);
        redis_reply_free(reply);
    }
    if (r->reader && redis_reader_failure(r->reader)) not_understood(r);
}

static struct redis *owner(struct conn *c) { return CONTAINER_OF(c, struct redis, conn); }

static void on_ready(struct conn *c) { redis_login_begin(owner(c)); }

static void on_readable(struct conn *c)
{
    struct redis *r = owner(c);
    r->busy = true;
    read_replies(r);
    leave(r);
}

static void on_writable(struct conn *c) { (void)c; }

static void on_lost(struct conn *c, enum net_error why, const char *detail)
{
    struct redis *r = owner(c);
    char words[REDIS_WORDS];
    snprintf(words, sizeof words, "%s%s", why == NET_TLS ? "TLS: " : "", detail);
    r->busy = true;
    redis_link_lose(r, words);
    leave(r);
}

/* No deadline is given to the connection: there is one timer, the link's. */
static const struct conn_ops conn_callbacks = {on_ready, on_readable, on_writable, on_lost, NULL};

/* ---- connecting ---- */

static void took_too_long(struct timer *timer)
{
    struct redis *r = CONTAINER_OF(timer, struct redis, timer);
    r->busy = true;
    redis_link_lose(r, r->dial ? "no connection within the connect time" : "no login within the connect time");
    leave(r);
}

static void connected(struct redis *r, int fd)
{
    const struct origin *o = r->options.origin;
    struct tls *tls = o->tls ? tls_new(o->tls, fd, o->server_name) : NULL;
    conn_open(&r->conn, r->loop, fd, tls, &conn_callbacks);
    r->reader = redis_reader_new(r->options.reply_max);
    if (!tls) redis_login_begin(r);
}

static void dialled(void *arg, const struct dial_result *result)
{
    struct redis *r = arg;
    r->busy = true;
    r->dial = NULL;
    if (result->fd >= 0)
        connected(r, result->fd);
    else
        redis_link_lose(r, result->detail);
    leave(r);
}

void redis_link_begin(struct redis *r)
{
    r->flush.run = flush;
    timer_set(r->loop, &r->timer, loop_now(r->loop) + r->options.connect_timeout, took_too_long);
    r->dial = dial_start(r->loop, r->dns, r->options.origin, dialled, r);
}
