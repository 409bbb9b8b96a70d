/* dispatch.c - DISPATCH: one attempt at the leased upstream; what fails before the first token goes back to QUEUE. */
#include "dsgate/base/log.h"
#include "dsgate/gate/request.h"
#include "dsgate/gate/worker.h"
#include "dsgate/relay/retry.h"

/* Where the client's own key goes through, 429 is about the client's account, whose limits are not those of others. */
static bool is_clients_limit(const struct request *r)
{
    return !r->key && r->caller.own_key && attempt_answer(r->attempt)->status == 429;
}

/* Two upstreams that both answer with an error may well mean the request: it must not count against all that it is
 * shown to. If they are broken, those that ask them first will tell. */
static bool is_suspect(const struct request *r)
{
    return r->failed.shown && r->told.attempt && r->told.failed.verdict == VERDICT_FAULT;
}

static enum outcome outcome_of(const struct request *r)
{
    static const enum outcome table[] = {
        [VERDICT_FAULT] = OUTCOME_FAULT, [VERDICT_BUSY] = OUTCOME_BUSY, [VERDICT_KEY] = OUTCOME_KEY,
        [VERDICT_NONE] = OUTCOME_NEUTRAL};
    enum outcome o = table[r->failed.verdict];
    bool excused = o == OUTCOME_FAULT ? is_suspect(r) : is_clients_limit(r);
    return excused ? OUTCOME_NEUTRAL : o;
}

/* ---- what the attempt tells ---- */

static void on_data(struct attempt *a, const struct iovec *iov, int n, bool end)
{
    struct request *r = attempt_context(a);
    r->news = NEWS_DATA;
    memcpy(r->pieces, iov, (size_t)n * sizeof *iov);
    r->piece_count = n;
    r->ended = end;
    request_run(r);
}

static void on_failed(struct attempt *a, const struct attempt_failure *why)
{
    struct request *r = attempt_context(a);
    r->news = NEWS_FAILED;
    r->failed = *why;
    request_run(r);
}

static const struct attempt_ops attempt_callbacks = {on_data, on_failed};

/* ---- the step ---- */

/* A deadline that the client has set, or that failed attempts or a long wait have used up, says nothing about the
 * upstream. */
static bool deadline_is_neutral(const struct request *r)
{
    usec_t wanted = r->admission.hints.timeout, total = r->pool->config->timeouts.total;
    bool waited_long = r->deadline - loop_now(r->worker->loop) < total / 2;
    return r->attempts > 0 || waited_long || (wanted && wanted < total);
}

static enum flow start(struct request *r)
{
    const struct config *config = r->pool->config;
    const struct lease *lease = &r->ticket.lease;
    struct upstream *u = lease->upstream;
    struct relay_source from = {.endpoint = r->admission.endpoint,
                                .head = exchange_head(r->exchange),
                                .chat = &r->admission.chat,
                                .body = exchange_body(r->exchange),
                                .consumes = hints_consumes};
    struct relay_target to = {
        .upstream = u->conf, .origin = u->origin, .model = lease->candidate->model, .key = lease->key};
    struct attempt_options options = {.deadline = r->deadline,
                                      .deadline_is_neutral = deadline_is_neutral(r),
                                      .hold_limit = (size_t)config->limits.answer_hold,
                                      .event_limit = (size_t)config->limits.event,
                                      .commit_after = config->timeouts.commit};
    request_set_attempt_aside(r);
    r->upstream = u;
    r->key = lease->key;
    r->attempts++;
    r->attempt = attempt_start(r->worker->loop, r->worker->client, &from, &to, &options, &attempt_callbacks, r);
    if (r->attempt) return FLOW_WAIT;
    request_release(r, OUTCOME_NEUTRAL);
    return request_fail(r, FAIL_NOT_SERVED);
}

static void note_reason(struct request *r)
{
    if (buf_len(&r->reasons)) BUF_ADD(&r->reasons, ",");
    buf_add(&r->reasons, text_of(r->failed.reason));
    log_debug("request %s: attempt %u at %s: %s: %s", r->id, r->attempts, r->upstream->name, r->failed.reason,
              r->failed.detail);
}

/* What an upstream has said is worth more than that the next one could not be reached. */
static void recall_told(struct request *r)
{
    if (r->failed.shown || !r->told.attempt) return;
    request_end_attempt(r);
    r->attempt = r->told.attempt;
    r->failed = r->told.failed;
    r->upstream = r->told.upstream;
    r->key = r->told.key;
    r->told.attempt = NULL;
}

enum flow dispatch_give_up(struct request *r)
{
    recall_told(r);
    if (!r->failed.shown || !r->attempt) return request_fail(r, r->failed.failure);
    r->pieces[0] = iov_of(attempt_error_body(r->attempt));
    r->piece_count = r->pieces[0].iov_len ? 1 : 0;
    r->ended = r->exhausted = true;
    return request_jump(r, STEP_STREAM);
}

/* A key that is refused is not used for a while, and the next one may do. */
static bool may_have_another_key(const struct request *r)
{
    return r->failed.verdict == VERDICT_KEY && conf_key_count(r->upstream->conf) > 1;
}

static enum flow after_failure(struct request *r)
{
    usec_t now = loop_now(r->worker->loop);
    r->news = NEWS_NONE;
    note_reason(r);
    request_release(r, outcome_of(r));
    if (!may_have_another_key(r)) upstream_set_add(&r->ticket.tried, r->upstream->index);
    if (!retry_allowed(&r->failed, r->attempts, now, r->deadline)) return dispatch_give_up(r);
    return request_jump(r, STEP_QUEUE);
}

enum flow dispatch_run(struct request *r)
{
    switch (r->news) {
    case NEWS_NONE: return start(r);
    case NEWS_DATA: return FLOW_NEXT;
    case NEWS_FAILED: break;
    }
    return after_failure(r);
}

void dispatch_cancel(struct request *r)
{
    if (r->attempt) attempt_cancel(r->attempt);
}
