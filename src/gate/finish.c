/* finish.c - FINISH: the lease goes back, the counters move, one line is logged. */
#include "dsgate/gate/worker.h"

static enum outcome judge(const struct request *r)
{
    if (r->cut) return r->failed.verdict == VERDICT_NONE ? OUTCOME_NEUTRAL : OUTCOME_FAULT;
    if (r->client_gone || !r->attempt) return OUTCOME_NEUTRAL;
    return r->status < 400 && !attempt_facts(r->attempt)->error ? OUTCOME_SUCCESS : OUTCOME_NEUTRAL;
}

/* The class is settled together with who asks. */
static enum conf_priority class_of(const struct request *r)
{
    return r->caller.id ? r->ticket.priority : PRIORITY_COUNT;
}

static void count(struct request *r, usec_t duration)
{
    const struct answer_facts *facts = r->attempt ? attempt_facts(r->attempt) : NULL;
    struct metrics_request m = {.endpoint = r->admission.endpoint,
                                .status = r->status,
                                .failure = r->failure,
                                .priority = class_of(r),
                                .streamed = r->attempt && attempt_answer(r->attempt)->is_stream,
                                .model_slot = r->row ? r->row->metric_slot : 0,
                                .duration = duration,
                                .first_token = r->first_token,
                                .queued = r->spent[STEP_QUEUE],
                                .attempts = r->attempts};
    if (facts) m.usage = facts->usage;
    metrics_request_ended(r->worker->metrics, &m);
    if (r->client_gone) metrics_count(r->worker->metrics, METRICS_CLIENT_GONE);
    if (r->cut) metrics_count(r->worker->metrics, METRICS_STREAMS_CUT);
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

static void write_log(struct request *r, usec_t duration)
{
    struct access_step spent[STEP_COUNT];
    struct worker *w = r->worker;
    struct attempt *a = r->attempt;
    buf_add_byte(&r->reasons, '\0');
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
                             .upstream = r->upstream ? r->upstream->name : NULL,
                             .attempts = r->attempts,
                             .client_gone = r->client_gone,
                             .cut = r->cut,
                             .bytes_in = r->bytes_in,
                             .bytes_out = r->bytes_out,
                             .duration = duration,
                             .first_token = r->first_token,
                             .steps = spent,
                             .step_count = list_steps(r, spent),
                             .reasons = buf_len(&r->reasons) > 1 ? r->reasons.data : NULL,
                             .detail = r->failed.detail[0] ? r->failed.detail : NULL};
    if (a) {
        e.upstream_trace = text_of(attempt_answer(a)->trace);
        e.streamed = attempt_answer(a)->is_stream;
        e.usage = attempt_facts(a)->usage;
        e.finish = attempt_facts(a)->finish;
    }
    access_log_add(w->log, &e);
}

enum flow finish_run(struct request *r)
{
    struct worker *w = r->worker;
    usec_t duration = loop_now(w->loop) - r->began;
    request_release(r, judge(r));
    count(r, duration);
    write_log(r, duration);
    request_free(r);
    return FLOW_DONE;
}
