/* server.c - client connections: their phases, deadlines and end.
 *
 * The difficulty: a handler may end an exchange, and with it the connection, in the middle of our own callbacks. So a
 * connection that ends is closed at once, but its memory is freed only after the turn; whoever called out looks at
 * `dead` afterwards.
 */
#include "dsgate/base/log.h"
#include "server_private.h"

#define CLOSING_TIME (2 * USEC_PER_SEC) /* how long late bytes of a client are dropped before the connection is cut */

static void free_dead(struct loop_after *after)
{
    struct server *s = CONTAINER_OF(after, struct server, free_later);
    for (struct list *node; (node = list_pop_front(&s->dead));) {
        struct server_conn *sc = CONTAINER_OF(node, struct server_conn, node);
        loop_after_cancel(&sc->later);
        exchange_reset(&sc->x);
        buf_free(&sc->in);
        mem_free(sc);
    }
}

void server_conn_end(struct server_conn *sc, bool reset)
{
    struct server *s = sc->server;
    if (sc->dead) return;
    sc->dead = true;
    if (reset)
        conn_reset(&sc->conn);
    else
        conn_close(&sc->conn);
    list_remove(&sc->node);
    list_push_back(&s->dead, &sc->node);
    loop_after_turn(s->loop, &s->free_later);
    s->count--;
    if (s->ops->disconnected) s->ops->disconnected(s);
}

void server_conn_gone(struct server_conn *sc)
{
    if (sc->dead) return;
    bool owed = sc->phase == PHASE_SERVING;
    sc->phase = PHASE_CLOSING;
    if (owed) sc->server->ops->gone(&sc->x);
    server_conn_end(sc, false);
}

/* The one deadline that each phase has. All are totals: if bytes renewed them, a slow sender would live for ever. */
static usec_t phase_deadline(const struct server_conn *sc)
{
    const struct server_options *o = &sc->server->options;
    usec_t now = loop_now(sc->server->loop);
    switch (sc->phase) {
    case PHASE_IDLE: return now + o->keep_alive_timeout;
    case PHASE_HEAD: return sc->x.began + o->head_timeout;
    case PHASE_BODY: return now + o->body_timeout;
    case PHASE_SERVING: return conn_unsent(&sc->conn) ? now + o->write_timeout : USEC_NEVER;
    case PHASE_FLUSHING: return now + o->write_timeout;
    case PHASE_CLOSING: return now + CLOSING_TIME;
    }
    return USEC_NEVER;
}

void phase_enter(struct server_conn *sc, enum phase phase)
{
    sc->phase = phase;
    sc->unsent_before = conn_unsent(&sc->conn);
    conn_set_deadline(&sc->conn, phase_deadline(sc));
}

/* ---- callbacks of the connection ---- */

static struct server_conn *conn_owner(struct conn *c) { return CONTAINER_OF(c, struct server_conn, conn); }

static void on_ready(struct conn *c) { server_read(conn_owner(c)); }
static void on_readable(struct conn *c) { server_read(conn_owner(c)); }

static void on_writable(struct conn *c)
{
    struct server_conn *sc = conn_owner(c);
    if (sc->phase == PHASE_FLUSHING) {
        exchange_flushed(sc);
    } else if (sc->phase == PHASE_SERVING) {
        phase_enter(sc, PHASE_SERVING);
        sc->server->ops->drained(&sc->x);
    }
}

static void on_lost(struct conn *c, enum net_error why, const char *detail)
{
    struct server_conn *sc = conn_owner(c);
    log_debug("client %s: %s: %s", sc->peer, net_error_name(why), detail ? detail : "");
    server_conn_gone(sc);
}

/* A writer that makes progress, however slowly, gets another term; one that takes nothing is gone. */
static void on_write_term(struct server_conn *sc)
{
    size_t unsent = conn_unsent(&sc->conn);
    if (unsent == 0 || unsent < sc->unsent_before)
        phase_enter(sc, sc->phase);
    else
        server_conn_gone(sc);
}

static void on_expired(struct conn *c)
{
    struct server_conn *sc = conn_owner(c);
    bool fresh = sc->phase == PHASE_HEAD && buf_len(&sc->in) == 0;
    switch (sc->phase) {
    case PHASE_HEAD:
    case PHASE_BODY:
        if (fresh)
            server_conn_end(sc, false);
        else
            server_refuse(sc, HTTP_TIMEOUT);
        break;
    case PHASE_SERVING:
    case PHASE_FLUSHING: on_write_term(sc); break;
    case PHASE_IDLE:
    case PHASE_CLOSING: server_conn_end(sc, false); break;
    }
}

static const struct conn_ops conn_callbacks = {on_ready, on_readable, on_writable, on_lost, on_expired};

/* What had to wait until the handler's calls are over. */
static void go_on(struct loop_after *after)
{
    struct server_conn *sc = CONTAINER_OF(after, struct server_conn, later);
    if (sc->dead) return;
    if (sc->x.broken)
        server_conn_gone(sc);
    else if (sc->phase == PHASE_IDLE || sc->phase == PHASE_HEAD)
        server_read_pending(sc);
}

/* ---- the server ---- */

struct server *server_new(struct loop *loop, const struct server_options *o, const struct server_ops *ops, void *arg)
{
    struct server *s = MEM_NEW(struct server);
    s->loop = loop;
    s->options = *o;
    s->ops = ops;
    s->arg = arg;
    s->free_later.run = free_dead;
    list_init(&s->conns);
    list_init(&s->dead);
    return s;
}

void *server_arg(const struct server *s) { return s->arg; }
unsigned server_connections(const struct server *s) { return s->count; }
void server_set_options(struct server *s, const struct server_options *o) { s->options = *o; }

void server_adopt(struct server *s, int fd, const struct address *peer, struct tls_ctx *tls)
{
    struct server_conn *sc = MEM_NEW(struct server_conn);
    struct buf name = {0};
    address_format(peer, &name);
    text_copy(buf_text(&name), sc->peer, sizeof sc->peer);
    buf_free(&name);
    sc->server = s;
    sc->later.run = go_on;
    sc->x.began = loop_now(s->loop);
    list_push_back(&s->conns, &sc->node);
    s->count++;
    conn_open(&sc->conn, s->loop, fd, tls ? tls_new(tls, fd, NULL) : NULL, &conn_callbacks);
    phase_enter(sc, PHASE_HEAD); /* a fresh connection owes a request within the head's time */
}

/* Nobody waits for anything. */
static bool is_resting(const struct server_conn *sc)
{
    return sc->phase == PHASE_IDLE || (sc->phase == PHASE_HEAD && buf_len(&sc->in) == 0);
}

void server_drain(struct server *s)
{
    s->draining = true;
    LIST_FOREACH_SAFE(node, &s->conns) {
        struct server_conn *sc = CONTAINER_OF(node, struct server_conn, node);
        if (is_resting(sc)) server_conn_end(sc, false);
    }
}

/* Nobody has been promised an answer. */
static bool is_asking(const struct server_conn *sc) { return sc->phase < PHASE_SERVING; }

static struct server_conn *oldest(const struct server *s, bool (*is_it)(const struct server_conn *sc))
{
    LIST_FOREACH(node, &s->conns) {
        struct server_conn *sc = CONTAINER_OF(node, struct server_conn, node);
        if (is_it(sc)) return sc;
    }
    return NULL;
}

bool server_evict(struct server *s)
{
    struct server_conn *victim = oldest(s, is_resting);
    if (!victim) victim = oldest(s, is_asking);
    if (victim) server_conn_end(victim, false);
    return victim != NULL;
}

void server_free(struct server *s)
{
    while (!list_empty(&s->conns)) {
        struct server_conn *sc = CONTAINER_OF(s->conns.next, struct server_conn, node);
        if (sc->phase == PHASE_SERVING && s->ops->ending) s->ops->ending(&sc->x);
        server_conn_gone(sc);
    }
    loop_after_cancel(&s->free_later);
    free_dead(&s->free_later);
    buf_free(&s->reply);
    mem_free(s);
}
