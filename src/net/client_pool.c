/* client_pool.c - connections to upstreams, while no call needs them.
 *
 * The difficulty: an idle connection may die at any moment. It is watched, so that the peer's end or unasked-for bytes
 * close it at once; what slips through (the end is on its way while we write) shows up as a failed call with `reused`
 * set.
 */
#include "client_private.h"
#include <limits.h>

static void free_dead(struct loop_after *after)
{
    struct client *c = CONTAINER_OF(after, struct client, free_later);
    for (struct list *node; (node = list_pop_front(&c->dead));) {
        struct upstream_conn *uc = CONTAINER_OF(node, struct upstream_conn, node);
        conn_pool_unref(uc->pool);
        buf_free(&uc->in);
        mem_free(uc);
    }
}

static struct upstream_conn *conn_owner(struct conn *c) { return CONTAINER_OF(c, struct upstream_conn, conn); }

static void on_ready(struct conn *c)
{
    struct upstream_conn *uc = conn_owner(c);
    if (uc->call) call_ready(uc->call);
}

/* Session tickets of TLS 1.3 make an idle connection readable without a byte for us. */
static void on_readable(struct conn *c)
{
    struct upstream_conn *uc = conn_owner(c);
    char byte;
    if (uc->call)
        call_readable(uc->call);
    else if (conn_read(c, &byte, 1) != CONN_AGAIN)
        upstream_conn_end(uc);
}

static void on_writable(struct conn *c)
{
    struct upstream_conn *uc = conn_owner(c);
    if (uc->call) call_writable(uc->call);
}

static void on_lost(struct conn *c, enum net_error why, const char *detail)
{
    struct upstream_conn *uc = conn_owner(c);
    if (uc->call)
        call_lost(uc->call, why, detail);
    else
        upstream_conn_end(uc);
}

static void on_expired(struct conn *c)
{
    struct upstream_conn *uc = conn_owner(c);
    if (uc->call)
        call_expired(uc->call);
    else
        upstream_conn_end(uc);
}

static const struct conn_ops conn_callbacks = {on_ready, on_readable, on_writable, on_lost, on_expired};

static struct conn_pool *conn_pool_ref(struct conn_pool *p)
{
    p->refs++;
    return p;
}

void conn_pool_unref(struct conn_pool *p)
{
    if (--p->refs) return;
    origin_unref(p->origin);
    mem_free(p);
}

static struct conn_pool *find_pool(const struct client *c, const struct origin *origin)
{
    LIST_FOREACH(node, &c->pools) {
        struct conn_pool *p = CONTAINER_OF(node, struct conn_pool, node);
        if (origin_same(p->origin, origin)) return p;
    }
    return NULL;
}

/* Few upstreams, so a short list; requests to one upstream find it by the pointer they share. */
struct conn_pool *client_pool(struct client *c, struct origin *origin)
{
    struct conn_pool *p = find_pool(c, origin);
    if (p) return conn_pool_ref(p);
    p = MEM_NEW(struct conn_pool);
    p->origin = origin_ref(origin);
    p->refs = 1;
    list_init(&p->idle);
    list_push_back(&c->pools, &p->node);
    return conn_pool_ref(p);
}

struct upstream_conn *conn_pool_take(struct conn_pool *p)
{
    struct list *node = list_pop_front(&p->idle);
    if (!node) return NULL;
    struct upstream_conn *uc = CONTAINER_OF(node, struct upstream_conn, node);
    p->idle_count--;
    uc->client->counts.idle--;
    return uc;
}

struct upstream_conn *upstream_conn_open(struct client *c, struct conn_pool *p, int fd)
{
    struct upstream_conn *uc = MEM_NEW(struct upstream_conn);
    uc->client = c;
    uc->pool = conn_pool_ref(p);
    struct tls *tls = p->origin->tls ? tls_new(p->origin->tls, fd, p->origin->server_name) : NULL;
    conn_open(&uc->conn, c->loop, fd, tls, &conn_callbacks);
    return uc;
}

void upstream_conn_keep(struct upstream_conn *uc)
{
    struct client *c = uc->client;
    struct conn_pool *p = uc->pool;
    uc->call = NULL;
    bool full = p->idle_count >= c->options.idle_per_origin || c->counts.idle + c->counts.busy >= c->most_connections;
    if (p->dropped || full) {
        upstream_conn_end(uc);
        return;
    }
    conn_resume_read(&uc->conn);
    conn_set_deadline(&uc->conn, loop_now(c->loop) + c->options.idle_keep);
    list_push_front(&p->idle, &uc->node);
    p->idle_count++;
    c->counts.idle++;
}

void upstream_conn_end(struct upstream_conn *uc)
{
    struct client *c = uc->client;
    if (uc->dead) return;
    uc->dead = true;
    uc->call = NULL;
    conn_close(&uc->conn);
    if (list_linked(&uc->node)) {
        uc->pool->idle_count--;
        c->counts.idle--;
    }
    list_remove(&uc->node);
    list_push_back(&c->dead, &uc->node);
    loop_after_turn(c->loop, &c->free_later);
}

/* ---- the client ---- */

struct client *client_new(struct loop *loop, struct dns *dns, const struct client_options *o)
{
    struct client *c = MEM_NEW(struct client);
    c->loop = loop;
    c->dns = dns;
    c->options = *o;
    c->most_connections = UINT_MAX;
    c->free_later.run = free_dead;
    list_init(&c->pools);
    list_init(&c->dead);
    return c;
}

struct client_counts client_counts(const struct client *c) { return c->counts; }

static void conn_pool_close_idle(struct conn_pool *p)
{
    LIST_FOREACH_SAFE(node, &p->idle)
        upstream_conn_end(CONTAINER_OF(node, struct upstream_conn, node));
}

void client_close_idle(struct client *c)
{
    LIST_FOREACH(node, &c->pools)
        conn_pool_close_idle(CONTAINER_OF(node, struct conn_pool, node));
}

void client_limit(struct client *c, unsigned most_connections) { c->most_connections = most_connections; }

static void drop_pool(struct conn_pool *p)
{
    conn_pool_close_idle(p);
    p->dropped = true;
    list_remove(&p->node);
    conn_pool_unref(p);
}

static bool is_among(const struct origin *o, struct origin *const *origins, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (origin_same(o, origins[i])) return true;
    return false;
}

void client_keep_only(struct client *c, struct origin *const *origins, size_t n)
{
    LIST_FOREACH_SAFE(node, &c->pools) {
        struct conn_pool *p = CONTAINER_OF(node, struct conn_pool, node);
        if (!is_among(p->origin, origins, n)) drop_pool(p);
    }
}

void client_free(struct client *c)
{
    client_keep_only(c, NULL, 0);
    loop_after_cancel(&c->free_later);
    free_dead(&c->free_later);
    mem_free(c);
}
