/* client.c - one request to an upstream and its answer.
 *
 * The difficulty: every callback may cancel the call, or start others, and a call may end in any of its states. So each
 * step below ends with its callback, and a call that has told its end (or was cancelled) is freed by whoever ended it
 * and never looked at again.
 */
#include "client_private.h"

#define INTERIM_MAX 8 /* 1xx answers before one loses patience */

void *client_call_context(const struct client_call *call) { return call->context; }
bool client_call_sent(const struct client_call *call) { return call->request_sent; }

/* The phase's own limit, cut by the call's deadline. */
static usec_t call_deadline(const struct client_call *call)
{
    usec_t now = loop_now(call->client->loop), total = call->timeouts.total;
    switch (call->state) {
    case CALL_DIALLING:
    case CALL_HANDSHAKE: return usec_earlier(call->connect_by, total);
    case CALL_WAITING: return usec_earlier(now + call->timeouts.first_byte, total);
    case CALL_SENDING:
    case CALL_BODY: break;
    }
    return call->paused ? total : usec_earlier(now + call->timeouts.idle, total);
}

static void call_enter(struct client_call *call, enum call_state state)
{
    call->state = state;
    conn_set_deadline(&call->uc->conn, call_deadline(call));
}

/* ---- ends ---- */

static void call_free(struct client_call *call)
{
    struct client *c = call->client;
    if (call->dial) dial_cancel(call->dial);
    timer_cancel(c->loop, &call->dial_timer);
    loop_after_cancel(&call->deferred_failure);
    c->counts.busy--;
    conn_pool_unref(call->pool);
    mem_free(call);
}

static void call_fail(struct client_call *call, enum net_error error, const char *detail)
{
    struct client_failure why;
    call_describe_failure(call, error, detail, &why);
    if (call->uc) upstream_conn_end(call->uc);
    call->ops->failed(call, &why);
    call_free(call);
}

void client_cancel(struct client_call *call)
{
    if (call->uc) upstream_conn_end(call->uc);
    call_free(call);
}

/* The answer is complete. The connection goes back first, so that what the callback starts can use it. */
static void call_done(struct client_call *call, struct text bytes, bool leftover)
{
    struct upstream_conn *uc = call->uc;
    struct buf in = uc->in; /* `bytes` may lie in it */
    uc->in = (struct buf){0};
    call->uc = NULL;
    if (call->keep_alive && call->request_sent && !leftover)
        upstream_conn_keep(uc);
    else
        upstream_conn_end(uc);
    call->ops->data(call, bytes, true);
    call_free(call);
    buf_free(&in);
}

/* ---- sending ---- */

static bool all_sent(const struct client_call *call) { return call->iov_at == call->iov_count; }

static void advance(struct client_call *call, size_t n)
{
    while (n && !all_sent(call)) {
        struct iovec *v = &call->iov[call->iov_at];
        size_t step = n < v->iov_len ? n : v->iov_len;
        v->iov_base = (char *)v->iov_base + step;
        v->iov_len -= step;
        n -= step;
        if (v->iov_len == 0) call->iov_at++;
    }
}

/* false: the connection is broken. */
static bool send_more(struct client_call *call)
{
    ssize_t n = conn_write_some(&call->uc->conn, call->iov + call->iov_at, (int)(call->iov_count - call->iov_at));
    if (n == CONN_FAILED) return false;
    advance(call, (size_t)n);
    call->request_sent = all_sent(call);
    if (call->state == CALL_SENDING) call_enter(call, call->request_sent ? CALL_WAITING : CALL_SENDING);
    return true;
}

void call_ready(struct client_call *call)
{
    call->state = CALL_SENDING;
    if (!send_more(call)) call_fail(call, NET_RESET, NULL);
}

/* A peer that stops reading our request may have said why: what it sent is read before the failure is told. */
void call_writable(struct client_call *call)
{
    if (call->request_sent || call->state < CALL_SENDING) return;
    if (!send_more(call)) call_readable(call);
}

/* ---- receiving ---- */

static void body_bytes(struct client_call *call, char *p, size_t n)
{
    size_t payload, used;
    enum http_error error = http_body_feed(&call->body, p, n, &payload, &used);
    if (error != HTTP_FINE) {
        call_fail(call, NET_BAD_ANSWER, http_error_text(error));
    } else if (call->body.done) {
        call_done(call, text_make(p, payload), used < n);
    } else if (payload) { /* what is no payload is no progress */
        call_enter(call, CALL_BODY);
        call->ops->data(call, text_make(p, payload), false);
    }
}

/* The head has been parsed out of [p, p + n). */
static void head_complete(struct client_call *call, char *p, size_t n)
{
    struct client *c = call->client;
    struct upstream_conn *uc = call->uc;
    call->keep_alive = c->head.keep_alive;
    http_body_init(&call->body, &c->head, c->options.limits.body);
    size_t length = c->head.length;
    call_enter(call, CALL_BODY);
    call->ops->head(call, &c->head);
    if (uc->call != call) return; /* cancelled: `call` is gone; the connection stays in memory until the turn ends */
    if (call->body.done)
        call_done(call, TEXT(""), n > length);
    else if (n > length)
        body_bytes(call, p + length, n - length);
}

/* What is wrong with one more interim answer; NULL: nothing. */
static const char *judge_interim(struct client_call *call, unsigned status)
{
    if (status == 101) return "an answer 101, though no upgrade was asked for";
    return ++call->interim > INTERIM_MAX ? "too many interim answers" : NULL;
}

/* Bytes of a head: true when one was complete and dealt with. *used: bytes of interim heads that were skipped. */
static bool head_bytes(struct client_call *call, char *p, size_t n, size_t *used)
{
    struct client *c = call->client;
    enum http_error error = HTTP_FINE;
    for (*used = 0;;) {
        struct text in = text_make(p + *used, n - *used);
        switch (http_parse_answer(in, &c->options.limits, &call->scanned, call->to_head, &c->head, &error)) {
        case HTTP_PARSE_MORE: return false;
        case HTTP_PARSE_BAD: call_fail(call, NET_BAD_ANSWER, http_error_text(error)); return true;
        case HTTP_PARSE_DONE: break;
        }
        call->scanned = 0;
        if (c->head.status >= 200) break;
        const char *wrong = judge_interim(call, c->head.status);
        if (wrong) {
            call_fail(call, NET_BAD_ANSWER, wrong);
            return true;
        }
        *used += c->head.length;
    }
    head_complete(call, p + *used, n - *used);
    return true;
}

static void first_bytes(struct client_call *call, char *p, size_t n)
{
    struct upstream_conn *uc = call->uc;
    size_t used;
    if (buf_len(&uc->in)) {
        buf_append(&uc->in, p, n);
        p = uc->in.data + uc->in.head;
        n = buf_len(&uc->in);
        if (!head_bytes(call, p, n, &used))
            buf_consume(&uc->in, used);
        else if (!uc->dead) /* a dead one is freed with its buffer after the turn */
            buf_free(&uc->in);
    } else if (!head_bytes(call, p, n, &used)) {
        buf_append(&uc->in, p + used, n - used);
    }
}

static void peer_ended(struct client_call *call, bool clean)
{
    if (call->state == CALL_BODY && clean && call->body.framing == HTTP_UNTIL_CLOSE)
        call_done(call, TEXT(""), true);
    else
        call_fail(call, call_was_answered(call) ? NET_CUT : NET_RESET, NULL);
}

void call_readable(struct client_call *call)
{
    char *to = loop_scratch(call->client->loop);
    ssize_t n = conn_read(&call->uc->conn, to, LOOP_SCRATCH);
    if (n == CONN_AGAIN) return;
    if (n <= 0)
        peer_ended(call, n == 0);
    else if (call->state == CALL_BODY)
        body_bytes(call, to, (size_t)n);
    else
        first_bytes(call, to, (size_t)n);
}

void call_lost(struct client_call *call, enum net_error why, const char *detail)
{
    if (call->state >= CALL_SENDING) why = call_was_answered(call) ? NET_CUT : NET_RESET;
    call_fail(call, why, detail);
}

void call_expired(struct client_call *call)
{
    static const enum net_error by_state[] = {[CALL_DIALLING] = NET_CONNECT_TIMEOUT,
                                              [CALL_HANDSHAKE] = NET_CONNECT_TIMEOUT,
                                              [CALL_SENDING] = NET_IDLE_TIMEOUT,
                                              [CALL_WAITING] = NET_FIRST_BYTE_TIMEOUT,
                                              [CALL_BODY] = NET_IDLE_TIMEOUT};
    bool total = loop_now(call->client->loop) >= call->timeouts.total;
    call_fail(call, total ? NET_TOTAL_TIMEOUT : by_state[call->state], NULL);
}

/* ---- back-pressure ---- */

void client_pause(struct client_call *call)
{
    if (call->paused || !call->uc) return;
    call->paused = true;
    conn_hold_read(&call->uc->conn);
    conn_set_deadline(&call->uc->conn, call_deadline(call));
}

void client_resume(struct client_call *call)
{
    if (!call->paused || !call->uc) return;
    call->paused = false;
    conn_resume_read(&call->uc->conn);
    conn_set_deadline(&call->uc->conn, call_deadline(call));
}

/* ---- starting ---- */

static void dial(struct client_call *call);

static void on_dialled(void *arg, const struct dial_result *result)
{
    struct client_call *call = arg;
    struct client *c = call->client;
    call->dial = NULL;
    if (result->error == NET_NO_DESCRIPTORS && c->counts.idle) { /* idle connections make way for busy ones */
        client_close_idle(c);
        dial(call);
        return;
    }
    timer_cancel(c->loop, &call->dial_timer);
    if (result->fd < 0) {
        call_fail(call, result->error, result->detail);
        return;
    }
    call->uc = upstream_conn_open(c, call->pool, result->fd);
    call->uc->call = call;
    if (call->uc->conn.tls)
        call_enter(call, CALL_HANDSHAKE);
    else
        call_ready(call);
}

static void on_dial_timer(struct timer *timer) { call_expired(CONTAINER_OF(timer, struct client_call, dial_timer)); }

static void on_deferred_failure(struct loop_after *after)
{
    struct client_call *call = CONTAINER_OF(after, struct client_call, deferred_failure);
    call_fail(call, NET_RESET, NULL);
}

static void start_on_kept(struct client_call *call, struct upstream_conn *uc)
{
    call->uc = uc;
    call->reused = true;
    uc->call = call;
    call->state = CALL_SENDING;
    if (!send_more(call)) loop_after_turn(call->client->loop, &call->deferred_failure);
}

static void dial(struct client_call *call)
{
    struct client *c = call->client;
    call->dial = dial_start(c->loop, c->dns, call->pool->origin, on_dialled, call);
}

static void start_dialling(struct client_call *call)
{
    struct client *c = call->client;
    call->connect_by = loop_now(c->loop) + call->timeouts.connect;
    call->state = CALL_DIALLING;
    timer_set(c->loop, &call->dial_timer, call_deadline(call), on_dial_timer);
    dial(call);
}

struct client_call *client_start(struct client *c, const struct client_request *r, const struct client_ops *ops,
                                 void *context)
{
    struct client_call *call = MEM_NEW(struct client_call);
    call->client = c;
    call->ops = ops;
    call->context = context;
    call->pool = client_pool(c, r->origin);
    call->to_head = r->to_head;
    call->timeouts = r->timeouts;
    call->deferred_failure.run = on_deferred_failure;
    for (int i = 0; i < r->iov_count; i++)
        if (r->iov[i].iov_len) call->iov[call->iov_count++] = r->iov[i];
    c->counts.busy++;
    struct upstream_conn *kept = r->fresh ? NULL : conn_pool_take(call->pool);
    if (kept)
        start_on_kept(call, kept);
    else
        start_dialling(call);
    return call;
}
