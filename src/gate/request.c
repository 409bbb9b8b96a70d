/* What a request owns, and gives back, is listed here and nowhere else. */
#include "dsgate/gate/request.h"
#include "dsgate/gate/models.h"
#include "dsgate/gate/worker.h"

struct request *request_new(struct worker *w, struct exchange *x)
{
    struct request *r = MEM_NEW(struct request);
    r->worker = w;
    r->exchange = x;
    r->pool = pool_ref(w->pool);
    r->began = exchange_began(x);
    r->entered = r->began;
    r->ticket.inbox = &w->inbox;
    exchange_set_context(x, r);
    metrics_request_began(w->metrics);
    return r;
}

void request_free(struct request *r)
{
    timer_cancel(r->worker->loop, &r->queue_timer);
    request_end_attempt(r);
    if (r->told.attempt) attempt_free(r->told.attempt);
    models_free(r->models);
    admission_free(&r->admission);
    buf_free(&r->reasons);
    pool_unref(r->pool);
    mem_free(r);
}

void request_set_attempt_aside(struct request *r)
{
    if (r->attempt && r->failed.shown) {
        if (r->told.attempt) attempt_free(r->told.attempt);
        r->told.attempt = r->attempt;
        r->told.failed = r->failed;
        r->told.upstream = r->upstream;
        r->told.key = r->key;
        r->attempt = NULL;
    }
    request_end_attempt(r);
}

static uint64_t tokens(int64_t n) { return n > 0 ? (uint64_t)n : 0; }

/* Many streams tell their usage only to who asks for it, and a client may leave before the end. What was generated is
 * paid for all the same: an event is about a token, and so are four bytes of a request. */
static void estimate_tokens(const struct request *r, struct result *result)
{
    enum { BYTES_PER_TOKEN = 4 };
    result->prompt = r->bytes_in / BYTES_PER_TOKEN;
    result->completion = attempt_events(r->attempt);
}

static void tell_tokens(const struct request *r, struct result *result)
{
    const struct usage *usage = &attempt_facts(r->attempt)->usage;
    if (!usage->known && attempt_first_token(r->attempt)) estimate_tokens(r, result);
    if (!usage->known) return;
    result->prompt = tokens(usage->prompt);
    result->cached = tokens(usage->cached);
    result->completion = tokens(usage->completion);
}

static struct result result_of(const struct request *r, enum outcome o)
{
    struct result result = {.outcome = o};
    if (!r->attempt) return result;
    usec_t first_token = attempt_first_token(r->attempt);
    result.first_token = first_token ? first_token - attempt_started(r->attempt) : 0;
    result.retry_after = attempt_retry_after(r->attempt);
    result.forbidden = attempt_answer(r->attempt)->status == 403;
    tell_tokens(r, &result);
    return result;
}

void request_release(struct request *r, enum outcome o)
{
    if (!r->ticket.lease.upstream) return;
    struct result result = result_of(r, o);
    sched_release(r->worker->shared->sched, &r->ticket.lease, &result, loop_now(r->worker->loop));
}

void request_end_attempt(struct request *r)
{
    if (r->attempt) attempt_free(r->attempt);
    r->attempt = NULL;
}
