/* finish.c - FINISH: the lease goes back, the counters move, one line is logged. */
#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"

/* Whatever failed has been judged when it did. Others may have wanted the answer to its end when the client did not. */
static enum outcome judge(const struct request *r)
{
    if (r->cut || (r->client_gone && !r->out.last)) return OUTCOME_NEUTRAL;
    return r->status < 400 && !attempt_facts(r->lead->attempt)->error ? OUTCOME_SUCCESS : OUTCOME_NEUTRAL;
}

static void release(struct request *r)
{
    if (r->lead) runner_release(r->lead, judge(r));
    if (r->rival) runner_release(r->rival, OUTCOME_NEUTRAL);
}

/* The class is settled together with who asks. */
static enum conf_priority class_of(const struct request *r)
{
    return r->caller.id ? r->ticket.priority : PRIORITY_COUNT;
}

/* What was generated only to hear the end of an answer that was at its limit. */
static void count_surplus(struct request *r)
{
    if (r->lead && attempt_is_spent(r->lead->attempt))
        r->wasted += (uint64_t)attempt_facts(r->lead->attempt)->usage.completion;
}

/* As the client has seen it. */
static enum finish finish_of(const struct attempt *a)
{
    enum finish finish = attempt_facts(a)->finish;
    return finish && attempt_is_spent(a) ? FINISH_LENGTH : finish;
}

/* It is nobody's request. */
static bool is_renewal(const struct request *r) { return r->cache && r->cache->renews; }

static void count_savings(const struct request *r)
{
    if (!r->cache) return;
    metrics_add(r->worker->metrics, METRICS_CACHE_SAVED_PROMPT, r->cache->saved.prompt);
    metrics_add(r->worker->metrics, METRICS_CACHE_SAVED_COMPLETION, r->cache->saved.completion);
}

static void count(struct request *r, usec_t duration)
{
    struct metrics_request m = {.endpoint = r->admission.endpoint,
                                .status = r->status,
                                .failure = r->failure,
                                .priority = class_of(r),
                                .streamed = r->streamed,
                                .model_slot = r->row ? r->row->metric_slot : 0,
                                .duration = duration,
                                .first_token = r->first_token,
                                .queued = r->spent[STEP_QUEUE],
                                .attempts = r->attempts,
                                .cache = cached_result(r)};
    if (r->lead && r->shown) m.usage = attempt_usage(r->lead->attempt);
    if (!is_renewal(r)) metrics_request_ended(r->worker->metrics, &m);
    if (r->client_gone) metrics_count(r->worker->metrics, METRICS_CLIENT_GONE);
    if (r->cut) metrics_count(r->worker->metrics, METRICS_STREAMS_CUT);
    if (r->wasted) metrics_add(r->worker->metrics, METRICS_WASTED_TOKENS, r->wasted);
    count_savings(r);
}

static size_t list_steps(const struct request *r, struct access_step *out)
{
    size_t n = 0;
    for (unsigned s = 0; s < STEP_COUNT; s++)
        if (r->spent[s]) out[n++] = (struct access_step){step_name((enum step)s), r->spent[s]};
    return n;
}

static const char *error_of(const struct request *r)
{
    if (r->failure) return failure_row(r->failure)->code;
    return r->cut ? r->failed.reason : NULL;
}

/* In the worker's scratch. */
static const char *fallback_of(const struct request *r)
{
    struct buf *name = &r->worker->scratch;
    if (!r->fallback) return NULL;
    buf_clear(name);
    fallback_put_name(name, r->fallback);
    buf_add_byte(name, '\0');
    return buf_text(name).p;
}

/* What it took to get the answer. */
static void describe_attempts(struct request *r, struct access_entry *e)
{
    buf_add_byte(&r->reasons, '\0');
    e->attempts = r->attempts;
    e->reasons = buf_len(&r->reasons) > 1 ? r->reasons.data : NULL;
    e->detail = r->failed.detail[0] ? r->failed.detail : NULL;
    e->fallback = fallback_of(r);
    e->hedges = r->hedges;
    e->continued = r->resume.times;
    e->wasted = r->wasted;
    e->plain_stream = r->plain_stream;
    if (!r->lead) return;
    e->upstream = r->lead->upstream->name;
    e->upstream_trace = text_of(attempt_answer(r->lead->attempt)->trace);
    if (!r->shown) return; /* it is not what the client got */
    e->usage = attempt_usage(r->lead->attempt);
    e->finish = finish_of(r->lead->attempt);
    e->oddity = attempt_oddity(r->lead->attempt);
}

static void describe_cache(const struct request *r, struct access_entry *e)
{
    const struct request_cache *c = r->cache;
    e->cache = cached_result(r);
    if (!c) return;
    if (c->entry) e->cache_age = cache_entry_age(c->entry, loop_wall(r->worker->loop));
    e->saved = c->saved.prompt + c->saved.completion;
    e->renewal = c->renews;
}

static void write_log(struct request *r, usec_t duration)
{
    struct access_step spent[STEP_COUNT];
    struct worker *w = r->worker;
    struct access_entry e = {.wall = loop_wall(w->loop) - duration,
                             .request_id = text_of(r->id),
                             .trace_id = text_of(r->admission.hints.trace_id),
                             .peer = text_of(r->peer),
                             .method = text_of(http_method_name(r->method)),
                             .path = text_of(r->path),
                             .model = text_of(r->admission.chat.model),
                             .class = conf_priority_names[class_of(r)],
                             .caller = r->caller.known ? r->caller.known->name : NULL,
                             .endpoint = r->admission.endpoint ? r->admission.endpoint->label : "unknown",
                             .status = r->status,
                             .error = error_of(r),
                             .client_gone = r->client_gone,
                             .cut = r->cut,
                             .bytes_in = r->bytes_in,
                             .bytes_out = r->bytes_out,
                             .duration = duration,
                             .first_token = r->first_token,
                             .steps = spent,
                             .step_count = list_steps(r, spent),
                             .streamed = r->streamed};
    describe_attempts(r, &e);
    describe_cache(r, &e);
    access_log_add(w->log, &e);
}

enum flow finish_run(struct request *r)
{
    struct worker *w = r->worker;
    usec_t duration = loop_now(w->loop) - r->began;
    record_stop(r);
    release(r);
    count_surplus(r);
    count(r, duration);
    write_log(r, duration);
    request_free(r);
    return FLOW_DONE;
}
