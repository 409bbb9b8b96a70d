/* dispatch.c - DISPATCH: attempts at leased upstreams until one of them has a token. What fails before that goes back
 * to QUEUE, unseen by the client; what fails later does so too where another upstream can go on with it. */
#include "dsgate/base/log.h"
#include "dsgate/gate/cached.h"
#include "dsgate/gate/reply.h"
#include "dsgate/gate/worker.h"
#include "dsgate/relay/retry.h"

/* ---- what an attempt has come to ---- */

static void add_reason(struct request *r, const char *reason)
{
    if (buf_len(&r->reasons)) BUF_ADD(&r->reasons, ",");
    buf_add(&r->reasons, text_of(reason));
}

/* A key that is refused is not used for a while, and the next one may do. */
static bool may_have_another_key(const struct runner *run)
{
    return run->failed.verdict == VERDICT_KEY && run->has_other_keys;
}

/* What an upstream does not know (a model, how to go on) it will not know after a while either, and a key that it has
 * refused it refuses for longer than anybody waits. */
static bool is_in_vain(const struct attempt_failure *why)
{
    return why->verdict == VERDICT_KEY || (why->elsewhere && !why->empty);
}

/* For log and metrics, for the scheduler, and for the choice of the next one. */
static void note_failure(struct request *r, struct runner *run)
{
    const struct attempt_failure *why = &run->failed;
    add_reason(r, why->reason);
    log_debug("request %s: attempt %u at %s: %s: %s", r->id, r->attempts, run->upstream->name, why->reason,
              why->detail);
    metrics_attempt_failed(r->worker->metrics, why->reason);
    r->empties += why->empty;
    runner_release(run, runner_outcome(run));
    if (may_have_another_key(run)) return;
    upstream_set_add(&r->ticket.tried, run->upstream->index);
    if (is_in_vain(why))
        upstream_set_add(&r->barred, run->upstream->index);
    else
        r->rest = usec_earlier(r->rest, attempt_retry_after(run->attempt));
}

/* What an upstream has said is worth more than that the next one could not be reached. */
static void set_aside(struct request *r, struct runner *run)
{
    if (run && run->failed.showable) {
        runner_free(r->last_word);
        r->last_word = run;
    } else {
        runner_free(run);
    }
}

/* ---- what attempts tell ---- */

/* The first token decides the race: only one goes on. */
static void take_lead(struct request *r, struct runner *run)
{
    hedge_stop(r);
    if (run == r->rival) {
        metrics_count(r->worker->metrics, METRICS_HEDGES_WON);
        r->rival = r->lead;
        r->lead = run;
    }
    if (!r->rival) return;
    runner_lose(r->rival);
    runner_free(r->rival);
    r->rival = NULL;
}

void dispatch_on_token(struct runner *run)
{
    struct request *r = run->request;
    usec_t now = loop_now(r->worker->loop);
    take_lead(r, run);
    if (!r->first_token) r->first_token = now - r->began;
    sched_note_token(r->worker->shared->sched, &run->lease, now);
}

/* A race is won by tokens alone: what a rival says without any (an error of the client's, perhaps, which the first one
 * does not see) is as good as nothing. */
static void drop_rival(struct request *r)
{
    runner_release(r->rival, OUTCOME_NEUTRAL);
    set_aside(r, r->rival);
    r->rival = NULL;
}

void dispatch_on_data(struct runner *run, const struct iovec *iov, int n, bool end)
{
    struct request *r = run->request;
    if (run == r->rival) {
        drop_rival(r);
        return;
    }
    take_lead(r, run);
    pulse_stop(r); /* they fit between events, and not into what else an upstream may answer */
    r->news = NEWS_DATA;
    memcpy(r->out.pieces, iov, (size_t)n * sizeof *iov);
    r->out.n = n;
    r->out.last = end;
    request_run(r);
}

/* While another one runs, it is the only hope, and enough of one. */
void dispatch_on_failed(struct runner *run)
{
    struct request *r = run->request;
    r->failed = run->failed;
    if (!r->rival) {
        r->news = NEWS_FAILED;
        request_run(r);
        return;
    }
    if (run == r->lead) {
        r->lead = r->rival;
        r->rival = run;
    }
    note_failure(r, r->rival);
    set_aside(r, r->rival);
    r->rival = NULL;
}

/* ---- the end of all attempts ---- */

static void recall_last_word(struct request *r)
{
    if (!r->last_word || (r->lead && r->lead->failed.showable)) return;
    runner_free(r->lead);
    r->lead = r->last_word;
    r->failed = r->lead->failed;
    r->last_word = NULL;
}

bool dispatch_may_try(const struct request *r)
{
    return loop_now(r->worker->loop) < r->deadline && r->model_attempts < r->route->retry.attempts;
}

/* Where nobody can go on with an answer that the client has not seen yet, somebody may begin it anew; not at once who
 * has failed just now. */
static bool begin_anew(struct request *r)
{
    if (!r->resume.sent || r->shown || !dispatch_may_try(r)) return false;
    resume_abandon(r);
    if (r->lead) upstream_set_add(&r->ticket.tried, r->lead->upstream->index);
    record_wait(r);
    return true;
}

/* What the client has done wrong nobody can mend; but who has asked for too much may be served by a model that takes
 * more. */
static bool climb(struct request *r)
{
    const struct runner *lead = r->lead;
    bool own_fault = lead && lead->failed.showable && lead->failed.verdict == VERDICT_NONE && !lead->failed.elsewhere;
    bool too_long = own_fault && attempt_complaint(lead->attempt)->context_length;
    if (r->shown || (own_fault && !too_long)) return false;
    return fallback_climb(r, too_long);
}

/* An upstream's own words, without the status that they came with. They may still be about what only this request says.
 */
static void quote_last_word(struct request *r, enum failure f)
{
    reply_quote(r, attempt_body(r->lead->attempt));
    if (!r->shown) record_head(r, failure_row(f)->status);
}

enum flow dispatch_give_up(struct request *r, enum failure f)
{
    r->failed.failure = f;
    if (begin_anew(r)) return request_jump(r, STEP_QUEUE);
    if (climb(r)) return request_jump(r, r->fallback->model ? STEP_QUEUE : STEP_STREAM);
    recall_last_word(r);
    bool showable = r->lead && r->lead->failed.showable;
    if (showable && r->head_sent) quote_last_word(r, f);
    if (!showable || r->head_sent) return request_fail(r, f);
    r->out.pieces[0] = iov_of(attempt_body(r->lead->attempt));
    r->out.n = r->out.pieces[0].iov_len ? 1 : 0;
    r->out.last = r->exhausted = true;
    return request_jump(r, STEP_STREAM);
}

static bool is_anybody_left(const struct request *r)
{
    for (size_t i = 0; i < r->row->n; i++) {
        const struct upstream *u = r->row->candidates[i].upstream;
        if (!upstream_set_has(&r->barred, u->index) && upstream_serves(u, r->admission.endpoint)) return true;
    }
    return false;
}

static bool take_retry(struct request *r)
{
    const struct worker *w = r->worker;
    usec_t now = loop_now(w->loop);
    bool in_time = now < r->deadline && is_anybody_left(r);
    if (!in_time || !retry_allowed(&r->route->retry, &r->failed, r->model_attempts)) return false;
    if (budget_spend(w->shared->retries, r->pool->config->retries.floor, now)) return true;
    metrics_count(w->metrics, METRICS_RETRIES_DENIED);
    add_reason(r, "retry_budget");
    return false;
}

/* Nobody gets what the lead has given, and what it has added to an answer of which nothing has been shown spoils it. */
static void write_off(struct request *r)
{
    uint64_t tokens = attempt_tokens(r->lead->attempt);
    bool added = tokens > 0 || attempt_transcript(r->lead->attempt)->closed;
    if (tokens) metrics_count(r->worker->metrics, METRICS_NOT_CONTINUED);
    if (r->shown || !added) return;
    r->wasted += tokens;
    if (r->resume.sent) resume_abandon(r);
}

enum flow dispatch_failed(struct request *r)
{
    r->news = NEWS_NONE;
    hedge_stop(r);
    bool resumes = resume_prepare(r);
    if (!resumes) write_off(r);
    note_failure(r, r->lead);
    if (resumes || take_retry(r)) {
        record_wait(r);
        return request_jump(r, STEP_QUEUE);
    }
    if (r->shown) stream_show(r, attempt_unshown(r->lead->attempt)); /* what was good is the client's */
    return dispatch_give_up(r, r->failed.failure);
}

/* ---- the step ---- */

static enum flow start(struct request *r)
{
    const struct shared *shared = r->worker->shared;
    set_aside(r, r->lead);
    r->lead = NULL;
    if (r->attempts == 0) {
        budget_earn(shared->retries, r->pool->config->retries.budget);
        budget_earn(shared->hedges, r->route->hedge.budget);
    }
    r->lead = runner_start(r, &r->ticket.lease);
    if (!r->lead) return dispatch_give_up(r, r->resume.sent ? FAIL_UPSTREAM_CUT : FAIL_NOT_SERVED);
    record_turn(r);
    pulse_begin(r);
    hedge_watch(r);
    return FLOW_WAIT;
}

enum flow dispatch_run(struct request *r)
{
    switch (r->news) {
    case NEWS_NONE: return start(r);
    case NEWS_DATA: return FLOW_NEXT;
    case NEWS_FAILED: break;
    }
    return dispatch_failed(r);
}

void dispatch_cancel(struct request *r)
{
    hedge_stop(r);
    pulse_stop(r);
    if (r->lead) attempt_cancel(r->lead->attempt);
    if (r->rival) attempt_cancel(r->rival->attempt);
}
