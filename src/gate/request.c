/* What a request owns, and gives back, is listed here and nowhere else. */
#include "dsgate/gate/request.h"
#include "dsgate/gate/cached.h"
#include "dsgate/gate/models.h"
#include "dsgate/gate/worker.h"

struct request *request_new(struct worker *w, struct exchange *x)
{
    struct request *r = MEM_NEW(struct request);
    r->worker = w;
    r->exchange = x;
    r->pool = pool_ref(w->pool);
    r->began = x ? exchange_began(x) : loop_now(w->loop);
    r->entered = r->began;
    r->ticket.inbox = &w->inbox;
    r->rest = USEC_NEVER;
    if (!x) return r;
    exchange_set_context(x, r);
    metrics_request_began(w->metrics);
    return r;
}

const struct http_head *request_head(const struct request *r)
{
    if (r->exchange) return exchange_head(r->exchange);
    return r->cache && r->cache->kept ? server_request_head(r->cache->kept) : NULL;
}

struct text request_body(const struct request *r)
{
    if (r->exchange) return exchange_body(r->exchange);
    return r->cache && r->cache->kept ? server_request_body(r->cache->kept) : TEXT_NONE;
}

void request_free(struct request *r)
{
    struct loop *loop = r->worker->loop;
    timer_cancel(loop, &r->wait.timer);
    timer_cancel(loop, &r->hedge_timer);
    timer_cancel(loop, &r->pulse_timer);
    runner_free(r->lead);
    runner_free(r->rival);
    runner_free(r->last_word);
    models_free(r->models);
    cached_free(r->cache);
    admission_free(&r->admission);
    buf_free(&r->reasons);
    buf_free(&r->resume.offence);
    resume_forget(r);
    pool_unref(r->pool);
    mem_free(r);
}
