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
    r->rest = USEC_NEVER;
    exchange_set_context(x, r);
    metrics_request_began(w->metrics);
    return r;
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
    admission_free(&r->admission);
    buf_free(&r->reasons);
    buf_free(&r->resume.offence);
    resume_forget(r);
    pool_unref(r->pool);
    mem_free(r);
}
