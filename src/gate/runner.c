#include "dsgate/gate/runner.h"
#include "dsgate/base/mem.h"
#include "dsgate/gate/worker.h"
#include "dsgate/llm/dialect.h"

/* ---- what it came to ---- */

/* Where the client's own key goes through, 429 is about the client's account, whose limits are not those of others. */
static bool is_clients_limit(const struct runner *run)
{
    return !run->key && run->request->caller.own_key && attempt_answer(run->attempt)->status == 429;
}

/* Two upstreams that both answer with an error, or both break off in mid-answer, may well mean the request: it must not
 * count against all that it is shown to. If they are broken, those that ask them first will tell. */
static bool is_suspect(const struct runner *run)
{
    const struct runner *before = run->request->last_word;
    bool refused = run->failed.showable && before && before->failed.verdict == VERDICT_FAULT;
    return refused || (run->goes_on && attempt_tokens(run->attempt) > 0);
}

enum outcome runner_outcome(const struct runner *run)
{
    static const enum outcome table[] = {[VERDICT_FAULT] = OUTCOME_FAULT,
                                         [VERDICT_BUSY] = OUTCOME_BUSY,
                                         [VERDICT_KEY] = OUTCOME_KEY,
                                         [VERDICT_NONE] = OUTCOME_NEUTRAL};
    enum outcome o = table[run->failed.verdict];
    bool excused = o == OUTCOME_FAULT ? is_suspect(run) : is_clients_limit(run);
    return excused ? OUTCOME_NEUTRAL : o;
}

/* Many streams tell their usage only to who asks for it, and a client may leave before the end. What was generated is
 * paid for all the same: an event with content is about a token, and so are four bytes of a request. */
static void estimate_tokens(const struct runner *run, struct result *result)
{
    enum { BYTES_PER_TOKEN = 4 };
    result->prompt = run->request->bytes_in / BYTES_PER_TOKEN;
    result->completion = attempt_tokens(run->attempt);
}

/* Anthropic's streams begin with a usage, which is only right at their end. */
static void tell_tokens(const struct runner *run, struct result *result)
{
    const struct answer_facts *facts = attempt_facts(run->attempt);
    const struct usage *usage = &facts->usage;
    uint64_t seen = facts->finish ? 0 : attempt_tokens(run->attempt);
    if (!usage->known && attempt_first_token(run->attempt)) estimate_tokens(run, result);
    if (!usage->known) return;
    result->prompt = usage_count(usage->prompt);
    result->cached = usage_count(usage->cached);
    result->completion = usage_count(usage->completion);
    if (result->completion < seen) result->completion = seen;
}

static struct result result_of(const struct runner *run, enum outcome o)
{
    struct result result = {.outcome = o};
    usec_t first_token = attempt_first_token(run->attempt);
    result.first_token = first_token ? first_token - attempt_started(run->attempt) : 0;
    result.retry_after = usec_earlier(attempt_retry_after(run->attempt), run->request->route->retry.retry_after);
    result.overloaded =
        attempt_answer(run->attempt)->status == 503 || attempt_facts(run->attempt)->finish == FINISH_EXHAUSTED;
    result.forbidden = attempt_answer(run->attempt)->status == 403;
    tell_tokens(run, &result);
    return result;
}

static void give_back(struct runner *run, const struct result *result)
{
    const struct worker *w = run->request->worker;
    sched_release(w->shared->sched, &run->lease, result, loop_now(w->loop));
}

void runner_release(struct runner *run, enum outcome o)
{
    if (!run->lease.upstream) return;
    struct result result = result_of(run, o);
    give_back(run, &result);
}

/* One that has only shown that it is alive is busy, as far as anybody can tell; see sched/verdict.c for how often that
 * has to happen before it counts. */
void runner_lose(struct runner *run)
{
    struct request *r = run->request;
    struct result result = result_of(run, attempt_has_kept_alive(run->attempt) ? OUTCOME_BUSY : OUTCOME_NEUTRAL);
    result.waited = loop_now(r->worker->loop) - attempt_started(run->attempt);
    attempt_cancel(run->attempt);
    estimate_tokens(run, &result); /* its prompt has been read all the same */
    r->wasted += result.prompt + result.completion;
    give_back(run, &result);
}

/* ---- from beginning to end ---- */

static void on_token(struct attempt *a) { dispatch_on_token(attempt_context(a)); }

static void on_data(struct attempt *a, const struct iovec *iov, int n, bool end)
{
    dispatch_on_data(attempt_context(a), iov, n, end);
}

static void on_failed(struct attempt *a, const struct attempt_failure *why)
{
    struct runner *run = attempt_context(a);
    run->failed = *why;
    dispatch_on_failed(run);
}

static const struct attempt_ops attempt_callbacks = {on_token, on_data, on_failed};

/* Whether a plain call is to be made as a stream there. What has begun so must go on so. */
static bool wants_plain_stream(const struct request *r, const struct upstream *u)
{
    const struct admission *a = &r->admission;
    bool is_plain = a->endpoint->family == FAMILY_CHAT && !chat_wants_stream(&a->chat);
    return r->resume.partial || (is_plain && r->route->plain_streams && dialect_row(u->conf->dialect)->plain_streams);
}

/* A deadline that the client has set, or that failed attempts or a long wait have used up, says nothing about the
 * upstream. */
static bool deadline_is_neutral(const struct request *r)
{
    usec_t wanted = r->admission.hints.timeout, total = r->pool->config->timeouts.total;
    bool waited_long = r->deadline - loop_now(r->worker->loop) < total / 2;
    return r->attempts > 0 || waited_long || (wanted && wanted < total);
}

static struct attempt_options options_for(const struct request *r)
{
    const struct conf_limits *limits = &r->pool->config->limits;
    return (struct attempt_options){.deadline = r->deadline,
                                    .deadline_is_neutral = deadline_is_neutral(r),
                                    .reading = {.hold_limit = (size_t)limits->answer_hold,
                                                .event_limit = (size_t)limits->event,
                                                .transcript_limit = r->route->continues ? RESUME_TEXT_MAX : 0,
                                                .takes_empty = r->empties >= r->route->retry.empty,
                                                .partial = r->resume.partial}};
}

static struct attempt *begin(struct runner *run, bool plain_stream)
{
    const struct request *r = run->request;
    struct relay_source from = {.endpoint = r->admission.endpoint,
                                .head = request_head(r),
                                .chat = &r->admission.chat,
                                .body = request_body(r),
                                .model = fallback_model(r),
                                .plain_stream = plain_stream,
                                .sent = r->resume.sent,
                                .consumes = hints_consumes};
    struct relay_target to = {.upstream = run->upstream->conf,
                              .origin = run->upstream->origin,
                              .model = run->lease.candidate->model,
                              .key = run->key};
    struct attempt_options options = options_for(r);
    return attempt_start(r->worker->loop, r->worker->client, &from, &to, &options, &attempt_callbacks, run);
}

static void note_plain_stream(struct request *r)
{
    if (!r->plain_stream) metrics_count(r->worker->metrics, METRICS_PLAIN_STREAMS);
    r->plain_stream = true;
}

/* What can't be made a stream stays what it is. */
static struct attempt *start(struct runner *run)
{
    struct request *r = run->request;
    struct attempt *a = wants_plain_stream(r, run->upstream) ? begin(run, true) : NULL;
    if (a) note_plain_stream(r);
    return a || r->resume.partial ? a : begin(run, false);
}

struct runner *runner_start(struct request *r, struct lease *lease)
{
    struct runner *run = MEM_NEW(struct runner);
    run->request = r;
    run->lease = *lease;
    run->upstream = lease->upstream;
    run->key = lease->key;
    run->goes_on = r->resume.sent != NULL;
    run->has_other_keys = lease->key && !lease->is_last_key;
    *lease = (struct lease){0};
    run->attempt = start(run);
    if (run->attempt) {
        r->attempts++;
        r->model_attempts++;
        return run;
    }
    give_back(run, &(struct result){.outcome = OUTCOME_NEUTRAL});
    mem_free(run);
    return NULL;
}

void runner_free(struct runner *run)
{
    if (!run) return;
    attempt_free(run->attempt);
    mem_free(run);
}
