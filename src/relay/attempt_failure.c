/* attempt_failure.c - what a failed attempt says about its upstream, and what its client would be told. */
#include "attempt_private.h"
#include <stdio.h>

/* An error as a whole: what it complains of is a better word for it. */
static bool is_error_answer(enum reading_reason reason)
{
    return reason == READING_ERROR_STATUS || reason == READING_ERROR_UNDER_200;
}

void attempt_list_reasons(const char *reasons[ATTEMPT_REASONS])
{
    unsigned n = 0;
    for (int e = NET_OK + 1; e < NET_ERROR_COUNT; e++)
        reasons[n++] = net_error_name((enum net_error)e);
    for (int r = 0; r < READING_REASON_COUNT; r++)
        if (!is_error_answer((enum reading_reason)r)) reasons[n++] = reading_reason_name((enum reading_reason)r);
    reasons[n++] = ATTEMPT_TOKEN_LATE;
    reasons[n++] = ATTEMPT_DEADLINE;
    for (unsigned i = 0; complaint_reasons[i] && n < ATTEMPT_REASONS - 1; i++)
        reasons[n++] = complaint_reasons[i];
    reasons[n] = NULL;
}

static void fail(struct attempt *a, struct attempt_failure *why)
{
    attempt_cancel(a);
    why->committed = a->reading.committed;
    a->ops->failed(a, why);
}

/* ---- the connection ---- */

/* What the client is told about a transport error. */
static enum failure failure_of_net_error(enum net_error e)
{
    switch (e) {
    case NET_CONNECT_TIMEOUT:
    case NET_FIRST_BYTE_TIMEOUT:
    case NET_IDLE_TIMEOUT:
    case NET_TOTAL_TIMEOUT: return FAIL_UPSTREAM_TIMEOUT;
    case NET_BAD_ANSWER: return FAIL_UPSTREAM_BAD_ANSWER;
    case NET_CUT: return FAIL_UPSTREAM_CUT;
    case NET_NO_DESCRIPTORS: return FAIL_INTERNAL;
    default: return FAIL_UPSTREAM_UNREACHABLE;
    }
}

static bool is_past_neutral_deadline(const struct attempt *a, enum net_error e)
{
    return e == NET_TOTAL_TIMEOUT && a->deadline_is_neutral && loop_now(a->loop) >= a->deadline;
}

/* Whoever falls silent meets another time-out before. That an answer has no end says more about what was asked for, and
 * about how slowly the client takes it. */
static bool is_endless(const struct attempt *a, enum net_error e)
{
    bool is_stream = a->reading.mode == READ_EVENTS;
    return e == NET_TOTAL_TIMEOUT && (is_stream ? a->first_token > 0 : a->reading.committed);
}

/* Whom DeepSeek has no time for, it lets wait with signs of life, and closes the connection in the end. */
static bool was_left_waiting(const struct attempt *a, enum net_error e)
{
    return e == NET_CUT && a->kept_alive && reading_says_nothing(&a->reading);
}

static enum verdict verdict_on_transport(const struct attempt *a, enum net_error e)
{
    bool neutral = is_past_neutral_deadline(a, e) || e == NET_NO_DESCRIPTORS || is_endless(a, e);
    if (was_left_waiting(a, e)) return VERDICT_BUSY;
    return neutral ? VERDICT_NONE : VERDICT_FAULT;
}

static const char *reason_on_transport(const struct attempt *a, enum net_error e)
{
    if (was_left_waiting(a, e)) return "busy";
    return is_past_neutral_deadline(a, e) ? ATTEMPT_DEADLINE : net_error_name(e);
}

void attempt_fail_transport(struct attempt *a, const struct client_failure *f)
{
    bool late = is_past_neutral_deadline(a, f->error);
    struct attempt_failure why = {.verdict = verdict_on_transport(a, f->error),
                                  .failure = late ? FAIL_DEADLINE : failure_of_net_error(f->error),
                                  .reason = reason_on_transport(a, f->error),
                                  .may_replay = a->from.endpoint->replayable || !f->sent};
    snprintf(why.detail, sizeof why.detail, "%s", f->detail);
    fail(a, &why);
}

/* ---- the answer ---- */

static enum verdict verdict_of_blame(enum blame b)
{
    switch (b) {
    case BLAME_UPSTREAM: return VERDICT_FAULT;
    case BLAME_BUSY: return VERDICT_BUSY;
    case BLAME_KEY: return VERDICT_KEY;
    case BLAME_CLIENT:
    case BLAME_UNKNOWN: break;
    }
    return VERDICT_NONE;
}

static bool is_complaint(enum reading_reason reason)
{
    return is_error_answer(reason) || reason == READING_ERROR_EVENT;
}

static bool is_nothing(enum reading_reason reason)
{
    return reason == READING_EMPTY_ANSWER || reason == READING_EMPTY_STREAM;
}

/* An upstream that says nothing but that it is alive has too much to do (DeepSeek's way of queueing), and so has one
 * that says so in mid-answer. That an answer says nothing may be due to the question. */
static enum verdict verdict_on(const struct attempt *a, enum reading_reason reason)
{
    if (is_complaint(reason)) return verdict_of_blame(a->reading.complaint.blame);
    if (reason == READING_EXHAUSTED || (is_nothing(reason) && a->kept_alive)) return VERDICT_BUSY;
    return reason == READING_EMPTY_CONTENT ? VERDICT_NONE : VERDICT_FAULT;
}

static const char *reason_for(const struct attempt *a, enum verdict v, enum reading_reason reason)
{
    if (is_error_answer(reason)) return a->reading.complaint.reason;
    return v == VERDICT_BUSY && is_nothing(reason) ? "busy" : reading_reason_name(reason);
}

/* What the client is told about it. */
static enum failure failure_of_answer(enum verdict v, enum reading_reason reason)
{
    bool is_cut = reason == READING_CUT || reason == READING_EMPTY_STREAM || reason == READING_EXHAUSTED ||
                  reason == READING_ABORTED;
    if (is_complaint(reason) && v == VERDICT_BUSY) return FAIL_UPSTREAM_BUSY;
    return is_cut ? FAIL_UPSTREAM_CUT : FAIL_UPSTREAM_BAD_ANSWER;
}

void attempt_fail_answer(struct attempt *a, enum reading_reason reason)
{
    bool empty = reason == READING_EMPTY_CONTENT, complains = is_complaint(reason);
    enum verdict verdict = verdict_on(a, reason);
    enum blame blame = a->reading.complaint.blame;
    bool ours = blame == BLAME_CLIENT && a->from.sent; /* it refuses to go on, which the client has not asked for */
    struct attempt_failure why = {.verdict = verdict,
                                  .failure = failure_of_answer(verdict, reason),
                                  .reason = reason_for(a, verdict, reason),
                                  .may_replay = a->from.endpoint->replayable,
                                  .elsewhere = empty || (complains && (blame == BLAME_UNKNOWN || ours)),
                                  .empty = empty,
                                  .showable = empty || (is_error_answer(reason) && !ours)};
    snprintf(why.detail, sizeof why.detail, "HTTP %u, %s", a->answer.status, reading_reason_name(reason));
    fail(a, &why);
}

void attempt_fail_late(struct attempt *a, const char *reason, const char *detail)
{
    bool waiting = !a->first_token && a->kept_alive;
    struct attempt_failure why = {.verdict = waiting ? VERDICT_BUSY : VERDICT_FAULT,
                                  .failure = FAIL_UPSTREAM_TIMEOUT,
                                  .reason = reason,
                                  .may_replay = a->from.endpoint->replayable};
    snprintf(why.detail, sizeof why.detail, "%s", detail);
    fail(a, &why);
}
