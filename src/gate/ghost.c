/* ghost.c - requests without a client: what one has left behind while others want the answer, and what the cache itself
 * asks for, to have a new answer for an old one. They are ended with the worker, and renewals as soon as it drains. */
#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"

static void join_ghosts(struct request *r) { list_push_back(&r->worker->ghosts, &r->cache->ghost); }

/* ---- left behind ---- */

static void on_deserted(struct flight_lead *lead)
{
    request_cancel(CONTAINER_OF(lead, struct request_cache, lead)->request);
}

/* It ends as soon as nobody follows, which may be now. */
static void watch(struct request *r)
{
    r->cache->lead.deserted = on_deserted;
    flight_watch(&r->cache->lead);
}

bool ghost_stay(struct request *r)
{
    struct request_cache *c = r->cache;
    if (!r->exchange || record_close(r)) return false;
    c->kept = exchange_take_request(r->exchange);
    r->exchange = NULL;
    r->client_gone = true;
    join_ghosts(r);
    pulse_stop(r);
    stream_drained(r); /* a slow client does not hold back the others any more */
    watch(r);
    return true;
}

/* ---- renewals ---- */

static void on_begin(struct loop_after *after)
{
    request_run(CONTAINER_OF(after, struct request_cache, begins)->request);
}

/* One that was left behind has no other use for it. */
static struct server_request *take_request(struct request *r)
{
    struct server_request *kept = r->cache->kept;
    if (r->exchange) return exchange_take_request(r->exchange);
    r->cache->kept = NULL;
    return kept;
}

/* One at a time for an answer; whether another worker has begun at this very moment does not matter. */
void ghost_renew(struct request *r)
{
    struct worker *w = r->worker;
    if (w->draining || flight_is_under_way(w->shared->flights, &r->cache->key)) return;
    struct server_request *kept = take_request(r);
    if (!kept) return;
    struct request *ghost = request_new(w, NULL);
    ghost->cache = MEM_NEW(struct request_cache);
    ghost->cache->request = ghost;
    ghost->cache->kept = kept;
    ghost->cache->renews = true;
    join_ghosts(ghost);
    ghost->cache->begins.run = on_begin;
    loop_after_turn(w->loop, &ghost->cache->begins);
    metrics_count(w->metrics, METRICS_CACHE_REVALIDATED);
}

/* ---- their end ---- */

/* Those that have not begun yet, or can't be joined, are of use to nobody. */
static void end_renewal(struct request *r)
{
    if (r->cache->lead.flight)
        watch(r);
    else
        request_cancel(r);
}

void ghosts_drain(struct worker *w)
{
    LIST_FOREACH_SAFE(node, &w->ghosts) {
        struct request_cache *c = CONTAINER_OF(node, struct request_cache, ghost);
        if (c->renews) end_renewal(c->request);
    }
}

/* Who has joined one is told. */
void ghosts_end(struct worker *w)
{
    LIST_FOREACH_SAFE(node, &w->ghosts) {
        request_shut_down(CONTAINER_OF(node, struct request_cache, ghost)->request);
    }
}
