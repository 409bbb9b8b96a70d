/* fake_conn.c - conn.h on wires of memory. */
#include "../../assertions.h"
#include "fake.h"

enum { WIRES = 4096, SPLITS = 65536 };

struct wire {
    struct conn *conn;   /* NULL until conn_open() and after the program closed it */
    struct buf incoming; /* towards the program */
    size_t *splits;      /* lengths after which a read ends, in order */
    size_t split_count, split_at;
    struct buf received;
    size_t window;
    bool ended, reset, lost_told;
    bool program_closed, program_reset, program_finished, wants_finish, write_stalled;
};

static struct wire *wires[WIRES];
static int wire_count;
static int first_open; /* those before it are closed for good */

void fake_conns_begin(void) { wire_count = first_open = 0; }

unsigned fake_conns_end(void)
{
    unsigned open = 0;
    for (int i = 0; i < wire_count; i++) {
        open += wires[i]->conn != NULL;
        buf_free(&wires[i]->incoming);
        buf_free(&wires[i]->received);
        mem_free(wires[i]->splits);
        mem_free(wires[i]);
    }
    wire_count = first_open = 0;
    return open;
}

/* ---- from outside ---- */

struct wire *wire_new(void)
{
    ck_assert_int_lt(wire_count, WIRES);
    struct wire *w = MEM_NEW(struct wire);
    w->window = SIZE_MAX;
    wires[wire_count++] = w;
    return w;
}

int wire_fd(const struct wire *w)
{
    for (int i = 0; i < wire_count; i++)
        if (wires[i] == w) return i;
    return -1;
}

void wire_send_pieces(struct wire *w, struct text bytes, size_t piece)
{
    for (size_t at = 0; at < bytes.n; at += piece) {
        w->splits = mem_realloc(w->splits, (w->split_count + 1) * sizeof *w->splits);
        w->splits[w->split_count++] = bytes.n - at < piece ? bytes.n - at : piece;
    }
    buf_add(&w->incoming, bytes);
}

void wire_send(struct wire *w, struct text bytes) { wire_send_pieces(w, bytes, SIZE_MAX); }
void wire_close(struct wire *w) { w->ended = true; }
void wire_reset(struct wire *w) { w->reset = true; }
void wire_window(struct wire *w, size_t bytes) { w->window = bytes; }
struct text wire_received(const struct wire *w) { return buf_text(&w->received); }
void wire_clear(struct wire *w) { buf_clear(&w->received); }
void wire_give_back(struct wire *w, struct text bytes) { buf_add(&w->received, bytes); }
bool wire_program_closed(const struct wire *w) { return w->program_closed; }
bool wire_program_reset(const struct wire *w) { return w->program_reset; }
bool wire_program_finished(const struct wire *w) { return w->program_finished; }
bool wire_reading_paused(const struct wire *w) { return w->conn && w->conn->read_paused; }
size_t wire_unsent(const struct wire *w) { return w->conn ? conn_unsent(w->conn) : 0; }

/* ---- what is ready ---- */

static size_t take(struct wire *w, const char *p, size_t n)
{
    size_t taken = n < w->window ? n : w->window;
    buf_append(&w->received, p, taken);
    if (w->window != SIZE_MAX) w->window -= taken;
    return taken;
}

static bool serve_writing(struct wire *w)
{
    struct conn *c = w->conn;
    if (w->window == 0 || (conn_unsent(c) == 0 && !w->write_stalled)) return false;
    if (conn_unsent(c)) buf_consume(&c->unsent, take(w, c->unsent.data + c->unsent.head, conn_unsent(c)));
    if (conn_unsent(c)) return true;
    w->write_stalled = false;
    if (w->wants_finish) w->program_finished = true;
    c->ops->writable(c);
    return true;
}

static bool serve_reading(struct wire *w)
{
    struct conn *c = w->conn;
    bool over = w->ended || w->reset;
    if (c->read_paused) {
        if (!over || w->lost_told || c->held) return false;
        w->lost_told = true;
        c->ops->lost(c, NET_CUT, "closed");
        return true;
    }
    if (buf_len(&w->incoming) == 0 && !over) return false;
    if (over && buf_len(&w->incoming) == 0 && w->lost_told) return false;
    if (over && buf_len(&w->incoming) == 0) w->lost_told = true;
    c->ops->readable(c);
    return true;
}

bool fake_conns_step(void)
{
    while (first_open < wire_count && wires[first_open]->program_closed)
        first_open++;
    for (int i = first_open; i < wire_count; i++)
        if (wires[i]->conn && (serve_writing(wires[i]) || (wires[i]->conn && serve_reading(wires[i])))) return true;
    return false;
}

/* ---- conn.h ---- */

static struct wire *wire_of(const struct conn *c) { return wires[c->io.fd]; }

void conn_open(struct conn *c, struct loop *loop, int fd, struct tls *tls, const struct conn_ops *ops)
{
    *c = (struct conn){.loop = loop, .ops = ops, .open = true};
    ck_assert_msg(!tls, "TLS is not played in scenarios");
    c->io.fd = fd;
    wires[fd]->conn = c;
}

ssize_t conn_read(struct conn *c, void *p, size_t cap)
{
    struct wire *w = wire_of(c);
    size_t n = buf_len(&w->incoming);
    if (w->reset) return CONN_FAILED;
    if (n == 0) return w->ended ? 0 : CONN_AGAIN;
    if (n > cap) n = cap;
    size_t *split = &w->splits[w->split_at];
    if (n > *split) n = *split;
    *split -= n;
    if (*split == 0) w->split_at++;
    memcpy(p, w->incoming.data + w->incoming.head, n);
    buf_consume(&w->incoming, n);
    return (ssize_t)n;
}

ssize_t conn_write_some(struct conn *c, const struct iovec *iov, int n)
{
    struct wire *w = wire_of(c);
    size_t sent = 0;
    if (w->reset) return CONN_FAILED;
    for (int i = 0; i < n; i++)
        sent += take(w, iov[i].iov_base, iov[i].iov_len);
    w->write_stalled = sent < iov_total(iov, n);
    return (ssize_t)sent;
}

bool conn_write(struct conn *c, const struct iovec *iov, int n)
{
    struct wire *w = wire_of(c);
    if (w->reset) return false;
    for (int i = 0; i < n; i++) {
        size_t sent = conn_unsent(c) ? 0 : take(w, iov[i].iov_base, iov[i].iov_len);
        buf_append(&c->unsent, (const char *)iov[i].iov_base + sent, iov[i].iov_len - sent);
    }
    return true;
}

void conn_finish(struct conn *c)
{
    struct wire *w = wire_of(c);
    if (conn_unsent(c))
        w->wants_finish = true;
    else
        w->program_finished = true;
}

void conn_pause_read(struct conn *c) { c->read_paused = true; }
void conn_hold_read(struct conn *c) { c->read_paused = c->held = true; }
void conn_resume_read(struct conn *c) { c->read_paused = c->held = false; }

static void deadline_passed(struct timer *timer)
{
    struct conn *c = CONTAINER_OF(timer, struct conn, timer);
    c->ops->expired(c);
}

void conn_set_deadline(struct conn *c, usec_t due)
{
    if (c->open) timer_set(c->loop, &c->timer, due, deadline_passed);
}

static void end(struct conn *c, bool reset)
{
    if (!c->open) return;
    struct wire *w = wire_of(c);
    c->open = false;
    timer_cancel(c->loop, &c->timer);
    buf_free(&c->unsent);
    w->conn = NULL;
    w->program_closed = true;
    w->program_reset = reset;
}

void conn_close(struct conn *c) { end(c, false); }
void conn_reset(struct conn *c) { end(c, true); }
