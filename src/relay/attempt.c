/* attempt.c - see attempt.h.
 *
 * Here the client's callbacks meet the reading of the answer. The difficulty is who may still be alive after a
 * callback: whatever is told to the owner is the last thing done, because the owner may free the attempt in it.
 */
#include "dsgate/relay/attempt.h"
#include "dsgate/base/mem.h"
#include <stdio.h>

struct attempt {
    struct loop *loop;
    struct client *client;
    struct client_call *call; /* NULL once it has ended */
    struct relay_source from;
    struct relay_target to;
    struct attempt_options options;
    const struct attempt_ops *ops;
    void *context;
    struct buf bytes[2]; /* the request's own bytes, until they are sent and the answer begins */
    struct attempt_answer answer;
    struct reading reading;
    struct timer timer; /* commit, then first token, then progress */
    usec_t started, first_byte, first_token;
    usec_t progress; /* when the last event came, or the client was ready for more */
    uint64_t events; /* that came until then */
    bool restarted, paused;
    bool kept_alive; /* bytes of an answer came: without a token among them, comments or blank lines */
};

void *attempt_context(const struct attempt *a) { return a->context; }
struct attempt_answer *attempt_answer(struct attempt *a) { return &a->answer; }
const struct answer_facts *attempt_facts(const struct attempt *a) { return &a->reading.facts; }
usec_t attempt_started(const struct attempt *a) { return a->started; }
uint64_t attempt_events(const struct attempt *a) { return a->reading.events; }
usec_t attempt_first_token(const struct attempt *a) { return a->first_token; }

usec_t attempt_retry_after(const struct attempt *a)
{
    enum { DAY = 24 * 3600 };
    return (usec_t)(a->answer.retry_after < DAY ? a->answer.retry_after : DAY) * USEC_PER_SEC;
}

struct text attempt_error_body(const struct attempt *a) { return buf_text(&a->reading.held); }
bool attempt_is_sending(const struct attempt *a) { return a->call && !client_call_sent(a->call); }

void attempt_pause(struct attempt *a)
{
    if (a->call) client_pause(a->call);
    a->paused = true;
}

void attempt_resume(struct attempt *a)
{
    a->paused = false;
    a->progress = loop_now(a->loop);
    if (a->call) client_resume(a->call);
}

void attempt_cancel(struct attempt *a)
{
    timer_cancel(a->loop, &a->timer);
    if (a->call) client_cancel(a->call);
    a->call = NULL;
}

void attempt_free(struct attempt *a)
{
    attempt_cancel(a);
    relay_request_free(a->bytes);
    buf_free(&a->answer.fields);
    reading_free(&a->reading);
    mem_free(a);
}

/* ---- failing ---- */

static void fail(struct attempt *a, struct attempt_failure *why)
{
    attempt_cancel(a);
    why->committed = a->reading.committed;
    a->ops->failed(a, why);
}

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
    return e == NET_TOTAL_TIMEOUT && a->options.deadline_is_neutral && loop_now(a->loop) >= a->options.deadline;
}

/* Whoever falls silent meets another time-out before. That an answer has no end says more about what was asked for, and
 * about how slowly the client takes it. */
static bool is_endless(const struct attempt *a, enum net_error e)
{
    return e == NET_TOTAL_TIMEOUT && (a->answer.is_stream ? a->first_token > 0 : a->reading.committed);
}

static void fail_transport(struct attempt *a, const struct client_failure *f)
{
    bool late = is_past_neutral_deadline(a, f->error);
    bool neutral = late || f->error == NET_NO_DESCRIPTORS || is_endless(a, f->error);
    struct attempt_failure why = {.verdict = neutral ? VERDICT_NONE : VERDICT_FAULT,
                                  .failure = late ? FAIL_DEADLINE : failure_of_net_error(f->error),
                                  .reason = late ? "deadline" : net_error_name(f->error),
                                  .may_replay = a->from.endpoint->replayable || !f->sent};
    snprintf(why.detail, sizeof why.detail, "%s", f->detail);
    fail(a, &why);
}

/* An upstream that says nothing but that it is alive has too much to do (DeepSeek's way of queueing). */
static enum verdict verdict_on(const struct attempt *a, enum reading_reason reason)
{
    bool empty = reason == READING_EMPTY_ANSWER || reason == READING_EMPTY_STREAM;
    bool mistake = reason == READING_ERROR_UNDER_200 && a->reading.facts.mistake;
    unsigned status = a->answer.status;
    if (mistake) return VERDICT_NONE;
    if (empty && a->kept_alive) return VERDICT_BUSY;
    if (a->reading.mode != READ_ERROR) return VERDICT_FAULT;
    if (status == 429 || status == 503) return VERDICT_BUSY;
    return status == 401 || status == 402 || status == 403 ? VERDICT_KEY : VERDICT_FAULT;
}

static const char *reason_for(enum verdict v, enum reading_reason reason)
{
    if (v == VERDICT_BUSY) return "busy";
    return v == VERDICT_KEY ? "key" : reading_reason_name(reason);
}

static void fail_answer(struct attempt *a, enum reading_reason reason)
{
    bool is_status = a->reading.mode == READ_ERROR;
    bool is_cut = reason == READING_CUT || reason == READING_EMPTY_STREAM;
    enum verdict verdict = verdict_on(a, reason);
    struct attempt_failure why = {.verdict = verdict,
                                  .failure = is_cut ? FAIL_UPSTREAM_CUT : FAIL_UPSTREAM_BAD_ANSWER,
                                  .reason = reason_for(verdict, reason),
                                  .may_replay = a->from.endpoint->replayable,
                                  .shown = is_status || reason == READING_ERROR_UNDER_200};
    snprintf(why.detail, sizeof why.detail, "HTTP %u, %s", a->answer.status, reading_reason_name(reason));
    fail(a, &why);
}

static void fail_late(struct attempt *a, const char *reason, const char *detail)
{
    bool waiting = !a->first_token && a->kept_alive;
    struct attempt_failure why = {.verdict = waiting ? VERDICT_BUSY : VERDICT_FAULT,
                                  .failure = FAIL_UPSTREAM_TIMEOUT,
                                  .reason = reason,
                                  .may_replay = a->from.endpoint->replayable};
    snprintf(why.detail, sizeof why.detail, "%s", detail);
    fail(a, &why);
}

/* ---- the answer ---- */

/* Seconds, or a date; what can't be read is none. */
static uint64_t read_retry_after(struct text value, usec_t wall)
{
    uint64_t seconds = 0;
    usec_t date;
    if (text_to_u64(value, &seconds)) return seconds;
    if (!clock_parse_http(value, &date) || date <= wall) return 0;
    return (uint64_t)((date - wall + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

/* What the upstream says about another try. true: the gateway passes it on in its own way. */
static bool keep_advice(struct attempt_answer *answer, struct text name, struct text value, usec_t wall)
{
    if (text_eq_nocase(name, TEXT("retry-after"))) answer->retry_after = read_retry_after(value, wall);
    if (!text_eq_nocase(name, TEXT("x-should-retry"))) return false;
    text_copy(value, answer->should_retry, sizeof answer->should_retry);
    return true;
}

/* Copies the end-to-end fields. x-request-id, which Anthropic calls request-id, is the gateway's own towards the
 * client; x-dsgate-* must not be forged by upstreams. */
static void keep_fields(struct attempt_answer *answer, const struct http_head *head, usec_t wall)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        const struct http_field *f = &head->fields[i];
        struct text name = http_field_name(head, f), value = http_field_value(head, f);
        bool id = f->id == HTTP_X_REQUEST_ID || text_eq_nocase(name, TEXT("request-id"));
        bool trace = id || text_eq_nocase(name, TEXT("x-ds-trace-id"));
        if (trace && value.n) text_copy(value, answer->trace, sizeof answer->trace);
        if (f->hop || id || f->id == HTTP_CONTENT_LENGTH) continue;
        if (text_starts_nocase(name, TEXT("x-dsgate-"))) continue;
        if (keep_advice(answer, name, value, wall)) continue;
        if (f->id == HTTP_DATE) answer->has_date = true;
        http_put(&answer->fields, name, value);
    }
}

static void on_timer(struct timer *timer);

static void watch_first_token(struct attempt *a)
{
    usec_t token = a->started + a->to.upstream->timeouts.first_token;
    usec_t commit = a->options.commit_after ? a->started + a->options.commit_after : USEC_NEVER;
    timer_set(a->loop, &a->timer, !a->reading.committed && commit < token ? commit : token, on_timer);
}

static void on_head(struct client_call *call, const struct http_head *head)
{
    struct attempt *a = client_call_context(call);
    if (!attempt_is_sending(a)) relay_request_free(a->bytes);
    a->first_byte = loop_now(a->loop);
    a->answer.status = head->status;
    a->answer.has_length = head->framing == HTTP_LENGTH ||
                           (a->from.head->method == HTTP_HEAD && head->content_length) || head->framing == HTTP_NO_BODY;
    a->answer.content_length = head->content_length;
    keep_fields(&a->answer, head, loop_wall(a->loop));
    reading_init(&a->reading, a->from.endpoint->family, head->status, http_value(head, HTTP_CONTENT_TYPE),
                 http_value(head, HTTP_CONTENT_ENCODING), a->options.hold_limit, a->options.event_limit);
    a->reading.key_is_ours = a->to.key != NULL;
    a->answer.is_stream = a->reading.mode == READ_EVENTS;
    if (a->answer.is_stream) watch_first_token(a);
}

/* The connection's own idle time is renewed by any byte, this one by events only. The timer is not
 * moved by each of them: it looks, when it fires, how long the silence has been. */
static void watch_progress(struct attempt *a)
{
    usec_t since = a->paused ? loop_now(a->loop) : a->progress;
    timer_set(a->loop, &a->timer, since + a->to.upstream->timeouts.idle, on_timer);
}

static void note_progress(struct attempt *a)
{
    if (a->reading.events == a->events) return;
    a->events = a->reading.events;
    a->progress = loop_now(a->loop);
}

static void show(struct attempt *a, const struct reading_step *step, bool end)
{
    bool token_now = a->reading.facts.token && a->first_token == 0;
    if (token_now) {
        a->first_token = loop_now(a->loop);
        if (a->call && a->answer.is_stream) watch_progress(a);
    }
    a->ops->data(a, step->out, step->n, end);
}

static void on_data(struct client_call *call, struct text bytes, bool end)
{
    struct attempt *a = client_call_context(call);
    if (end) {
        a->call = NULL;
        timer_cancel(a->loop, &a->timer);
    }
    struct reading_step step = reading_feed(&a->reading, bytes, end);
    note_progress(a);
    a->kept_alive |= bytes.n > 0;
    if (step.verdict == READING_REFUSE)
        fail_answer(a, step.reason);
    else if (step.verdict == READING_PASS && (step.n || end || !a->answer.is_stream))
        show(a, &step, end);
}

/* The connection broke. A stream that has said its end is whole all the same. */
static void on_failed(struct client_call *call, const struct client_failure *why);

static const struct client_ops call_ops = {on_head, on_data, on_failed};

static bool start_call(struct attempt *a, bool fresh)
{
    struct iovec iov[RELAY_PIECES];
    const struct conf_timeouts *t = &a->to.upstream->timeouts;
    usec_t total = usec_earlier(a->options.deadline, a->started + t->total);
    int n = relay_request_write(&a->from, &a->to, a->bytes, iov);
    if (n == 0) return false;
    struct client_request request = {.origin = a->to.origin,
                                     .iov = iov,
                                     .iov_count = n,
                                     .to_head = a->from.head->method == HTTP_HEAD,
                                     .fresh = fresh,
                                     .timeouts = {t->connect, t->first_byte, t->idle, total}};
    a->call = client_start(a->client, &request, &call_ops, a);
    return true;
}

static void on_failed(struct client_call *call, const struct client_failure *why)
{
    struct attempt *a = client_call_context(call);
    bool stale = why->reused && !a->restarted && (a->from.endpoint->replayable || !why->sent);
    a->call = NULL;
    if (stale) {
        a->restarted = true;
        start_call(a, true);
    } else if (a->first_byte && reading_is_complete(&a->reading)) {
        struct reading_step step = reading_commit(&a->reading);
        timer_cancel(a->loop, &a->timer);
        show(a, &step, true);
    } else {
        fail_transport(a, why);
    }
}

static bool is_silent(const struct attempt *a)
{
    return !a->paused && loop_now(a->loop) >= a->progress + a->to.upstream->timeouts.idle;
}

static void on_timer(struct timer *timer)
{
    struct attempt *a = CONTAINER_OF(timer, struct attempt, timer);
    if (a->first_token && is_silent(a)) {
        fail_late(a, net_error_name(NET_IDLE_TIMEOUT), "no event within the idle time");
    } else if (a->first_token) {
        watch_progress(a);
    } else if (loop_now(a->loop) >= a->started + a->to.upstream->timeouts.first_token) {
        fail_late(a, "first_token_timeout", "no token within the first-token time");
    } else {
        struct reading_step step = reading_commit(&a->reading);
        watch_first_token(a);
        show(a, &step, false);
    }
}

struct attempt *attempt_start(struct loop *loop, struct client *client, const struct relay_source *from,
                              const struct relay_target *to, const struct attempt_options *o,
                              const struct attempt_ops *ops, void *context)
{
    struct attempt *a = MEM_NEW(struct attempt);
    a->loop = loop;
    a->client = client;
    a->from = *from;
    a->to = *to;
    a->options = *o;
    a->ops = ops;
    a->context = context;
    a->started = loop_clock(loop);
    if (start_call(a, false)) return a;
    attempt_free(a);
    return NULL;
}
