/* exchange.c - answers: head, framing, back-pressure, and the ways an answer ends.
 *
 * Whatever is known at once goes out in one write: head, chunk size, payload and the end of the body.
 */
#include "server_private.h"

const struct http_head *exchange_head(const struct exchange *x) { return server_request_head(&x->request); }
struct text exchange_body(const struct exchange *x) { return server_request_body(&x->request); }
void exchange_forget_request(struct exchange *x) { server_request_clear(&x->request); }
void *exchange_context(const struct exchange *x) { return x->context; }
void exchange_set_context(struct exchange *x, void *context) { x->context = context; }
struct server *exchange_server(const struct exchange *x) { return conn_of_exchange(x)->server; }
usec_t exchange_began(const struct exchange *x) { return x->began; }
usec_t exchange_arrived(const struct exchange *x) { return x->arrived; }
size_t exchange_unsent(const struct exchange *x) { return conn_unsent(&conn_of_exchange(x)->conn); }
const char *exchange_peer(const struct exchange *x) { return conn_of_exchange(x)->peer; }

struct server_request *exchange_take_request(struct exchange *x)
{
    if (!x->request.head) return NULL;
    struct server_request *taken = mem_dup(&x->request, sizeof x->request);
    x->request = (struct server_request){0};
    return taken;
}

void exchange_reset(struct exchange *x)
{
    exchange_forget_request(x);
    *x = (struct exchange){.began = x->began};
}

/* ---- the head ---- */

static struct text date_now(struct server *s)
{
    usec_t second = loop_wall(s->loop) / USEC_PER_SEC;
    if (second != s->date_second) {
        clock_format_http(second * USEC_PER_SEC, s->date);
        s->date_second = second;
    }
    return text_make(s->date, sizeof s->date - 1);
}

static bool status_is_bodiless(unsigned status) { return status < 200 || status == 204 || status == 304; }

static void decide_framing(struct exchange *x, const struct reply_head *head)
{
    struct server_conn *sc = conn_of_exchange(x);
    x->bodiless = x->to_head || status_is_bodiless(head->status);
    x->chunked = !head->has_length && !x->minor_0 && !status_is_bodiless(head->status);
    bool until_close = !head->has_length && x->minor_0 && !x->bodiless;
    x->close = x->close || head->close || until_close || sc->server->draining || sc->peer_done;
    x->announced = head->has_length && !x->bodiless ? head->content_length : 0;
}

static struct text write_head(struct exchange *x, const struct reply_head *head)
{
    struct server *s = exchange_server(x);
    struct buf *b = &s->reply;
    decide_framing(x, head);
    buf_clear(b);
    http_put_status(b, head->status);
    buf_add(b, head->fields);
    if (!head->has_date) http_put(b, TEXT("Date"), date_now(s));
    if (x->chunked)
        BUF_ADD(b, "Transfer-Encoding: chunked\r\n");
    else if (head->has_length && !status_is_bodiless(head->status))
        http_put_u64(b, TEXT("Content-Length"), head->content_length);
    if (x->close)
        BUF_ADD(b, "Connection: close\r\n");
    else if (x->minor_0)
        BUF_ADD(b, "Connection: keep-alive\r\n");
    http_put_end(b);
    return buf_text(b);
}

/* ---- the pieces ---- */

enum { PIECES = 24 }; /* head, size, payload, line end, last chunk */

static void add_piece(struct iovec *iov, int *n, struct text t)
{
    if (t.n) iov[(*n)++] = iov_of(t);
}

static bool send_pieces(struct exchange *x, const struct iovec *iov, int n)
{
    struct server_conn *sc = conn_of_exchange(x);
    if (n && !conn_write(&sc->conn, iov, n)) {
        x->broken = true;
        loop_after_turn(sc->server->loop, &sc->later);
        return false;
    }
    if (conn_unsent(&sc->conn) && sc->unsent_before == 0) phase_enter(sc, PHASE_SERVING);
    return true;
}

bool exchange_send(struct exchange *x, const struct reply_head *head, const struct iovec *iov, int n, bool last)
{
    struct iovec out[PIECES];
    char size[18];
    int count = 0;
    if (x->broken) return false;
    if (head) add_piece(out, &count, write_head(x, head));
    size_t payload = x->bodiless ? 0 : iov_total(iov, n);
    if (payload) {
        if (x->chunked) add_piece(out, &count, text_make(size, http_chunk_size(size, payload)));
        for (int i = 0; i < n && count < PIECES - 2; i++)
            out[count++] = iov[i];
        if (x->chunked) add_piece(out, &count, last ? TEXT("\r\n0\r\n\r\n") : TEXT("\r\n"));
        x->announced -= payload < x->announced ? payload : x->announced;
    } else if (last && x->chunked && !x->bodiless) {
        add_piece(out, &count, TEXT("0\r\n\r\n"));
    }
    if (!send_pieces(x, out, count)) return false;
    if (last) exchange_finish(x);
    return true;
}

bool exchange_send_raw(struct exchange *x, const struct iovec *iov, int n)
{
    return !x->broken && send_pieces(x, iov, n);
}

/* ---- the end ---- */

/* All bytes of the answer are with the kernel: the next request, or the end of the connection. */
void exchange_flushed(struct server_conn *sc)
{
    bool close = sc->x.close || sc->server->draining;
    exchange_reset(&sc->x);
    if (close) {
        buf_free(&sc->in);
        phase_enter(sc, PHASE_CLOSING);
        if (sc->peer_done) {
            server_conn_end(sc, false);
        } else {
            conn_finish(&sc->conn);
            conn_resume_read(&sc->conn);
        }
        return;
    }
    phase_enter(sc, PHASE_IDLE);
    if (buf_len(&sc->in)) loop_after_turn(sc->server->loop, &sc->later);
}

/* After fewer bytes than were announced the client must not wait for the rest, nor take the next answer for it. */
void exchange_finish(struct exchange *x)
{
    struct server_conn *sc = conn_of_exchange(x);
    if (x->announced) {
        exchange_abort(x);
        return;
    }
    phase_enter(sc, PHASE_FLUSHING);
    if (conn_unsent(&sc->conn) == 0) exchange_flushed(sc);
}

void exchange_abort(struct exchange *x)
{
    struct server_conn *sc = conn_of_exchange(x);
    sc->phase = PHASE_CLOSING;
    server_conn_end(sc, true);
}

void exchange_cut(struct exchange *x)
{
    struct server_conn *sc = conn_of_exchange(x);
    if (x->broken) {
        sc->phase = PHASE_CLOSING;
        server_conn_end(sc, false);
        return;
    }
    x->close = true;
    phase_enter(sc, PHASE_FLUSHING);
    if (conn_unsent(&sc->conn) == 0) exchange_flushed(sc);
}
