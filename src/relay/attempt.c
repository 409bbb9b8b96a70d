/* attempt.c - see attempt.h.
 *
 * Here the client's callbacks meet the reading of the answer. The difficulty is who may still be alive after a
 * callback: whatever is told to the owner is the last thing done, because the owner may free the attempt in it.
 */
#include "attempt_private.h"
#include "dsgate/base/mem.h"

void *attempt_context(const struct attempt *a) { return a->context; }
struct attempt_answer *attempt_answer(struct attempt *a) { return &a->answer; }
const struct answer_facts *attempt_facts(const struct attempt *a) { return &a->reading.facts; }
const struct complaint *attempt_complaint(const struct attempt *a) { return &a->reading.complaint; }
const struct transcript *attempt_transcript(const struct attempt *a) { return &a->reading.transcript; }
usec_t attempt_started(const struct attempt *a) { return a->started; }
uint64_t attempt_tokens(const struct attempt *a) { return a->reading.tokens; }
usec_t attempt_first_token(const struct attempt *a) { return a->first_token; }
bool attempt_has_kept_alive(const struct attempt *a) { return a->kept_alive && !a->first_token; }
bool attempt_is_spent(const struct attempt *a) { return a->reading.o.spent; }
bool attempt_is_stream(const struct attempt *a) { return a->asked_for_stream; }
bool attempt_is_sending(const struct attempt *a) { return a->call && !client_call_sent(a->call); }
struct text attempt_body(const struct attempt *a) { return buf_text(&a->reading.held); }
struct text attempt_unshown(const struct attempt *a) { return reading_unshown(&a->reading); }
struct text attempt_offence(const struct attempt *a) { return buf_text(&a->reading.offence); }
struct assembly *attempt_take_partial(struct attempt *a) { return reading_take_partial(&a->reading); }

struct usage attempt_usage(const struct attempt *a)
{
    struct usage usage = a->reading.facts.usage;
    if (usage.known && a->reading.seam) seam_correct_usage(&a->reading.seam->seam, &usage);
    return usage;
}

const char *attempt_oddity(const struct attempt *a)
{
    const struct reading *r = &a->reading;
    if (r->ended_twice) return "ended_twice";
    if (r->transcript.changed) return "changed_id";
    return r->facts.odd_usage ? "odd_usage" : NULL;
}

usec_t attempt_retry_after(const struct attempt *a)
{
    enum { DAY = 24 * 3600 };
    uint64_t wanted = a->answer.retry_after ? a->answer.retry_after : a->reading.complaint.clears_in;
    return (usec_t)(wanted < DAY ? wanted : DAY) * USEC_PER_SEC;
}

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

/* ---- time ---- */

#define END_GRACE (1 * USEC_PER_SEC) /* for the end of a message whose stream has said its end */

static void on_timer(struct timer *timer);

/* The connection's own idle time is renewed by any byte, this one by tokens only. The timer is not moved by each of
 * them: it looks, when it fires, how long the silence has been. */
static void watch_progress(struct attempt *a)
{
    usec_t since = a->paused ? loop_now(a->loop) : a->progress;
    timer_set(a->loop, &a->timer, since + a->to.upstream->timeouts.idle, on_timer);
}

static void watch_first_token(struct attempt *a)
{
    timer_set(a->loop, &a->timer, a->started + a->to.upstream->timeouts.first_token, on_timer);
}

static bool is_silent(const struct attempt *a)
{
    return !a->paused && loop_now(a->loop) >= a->progress + a->to.upstream->timeouts.idle;
}

static void note_progress(struct attempt *a)
{
    if (a->reading.tokens == a->tokens) return;
    a->tokens = a->reading.tokens;
    a->progress = loop_now(a->loop);
}

/* ---- the answer ---- */

static void on_head(struct client_call *call, const struct http_head *head)
{
    struct attempt *a = client_call_context(call);
    if (!attempt_is_sending(a)) relay_request_free(a->bytes);
    a->answer.status = head->status;
    reading_begin(&a->reading, head->status, http_value(head, HTTP_CONTENT_TYPE),
                  http_value(head, HTTP_CONTENT_ENCODING));
    bool is_stream = a->reading.mode == READ_EVENTS, to_head = a->from.head->method == HTTP_HEAD;
    a->answer.is_stream = is_stream && !a->from.plain_stream;
    a->answer.has_length =
        head->framing == HTTP_LENGTH || (to_head && head->content_length) || head->framing == HTTP_NO_BODY;
    a->answer.content_length = head->content_length;
    attempt_keep_fields(a, head);
    if (is_stream && !a->asked_for_stream) watch_first_token(a);
    if (!is_stream) timer_cancel(a->loop, &a->timer);
}

static void show(struct attempt *a, const struct reading_step *step, bool end)
{
    a->ops->data(a, step->out, step->n, end);
}

static void finish(struct attempt *a)
{
    struct reading_step step = reading_finish(&a->reading);
    attempt_cancel(a);
    if (step.verdict == READING_REFUSE)
        attempt_fail_answer(a, step.reason);
    else
        show(a, &step, true);
}

static void note_first_token(struct attempt *a)
{
    if (!a->reading.facts.token || a->first_token || a->reading.mode != READ_EVENTS) return;
    a->first_token = loop_now(a->loop);
    if (a->call) watch_progress(a);
    a->ops->token(a);
}

/* Streams that have said their end need no more: who waits for a whole answer is not kept waiting for the rest of the
 * message, nor for a [DONE] that some never send. */
static bool is_over(const struct attempt *a)
{
    const struct answer_facts *facts = &a->reading.facts;
    return facts->done || facts->error || (a->from.plain_stream && reading_is_complete(&a->reading));
}

static void watch_end(struct attempt *a)
{
    if (!is_over(a) || !a->call || a->ending) return;
    a->ending = true;
    timer_set(a->loop, &a->timer, loop_now(a->loop) + END_GRACE, on_timer);
}

static void on_data(struct client_call *call, struct text bytes, bool end)
{
    struct attempt *a = client_call_context(call);
    if (end) {
        a->call = NULL;
        timer_cancel(a->loop, &a->timer);
    }
    struct reading_step step = reading_feed(&a->reading, bytes, end);
    a->kept_alive |= bytes.n > 0;
    note_progress(a);
    note_first_token(a);
    if (step.verdict == READING_REFUSE) {
        attempt_fail_answer(a, step.reason);
        return;
    }
    watch_end(a);
    if (step.verdict == READING_PASS && (step.n || end || a->reading.mode != READ_EVENTS)) show(a, &step, end);
}

/* ---- the call ---- */

static void on_failed(struct client_call *call, const struct client_failure *why);

static const struct client_ops call_ops = {on_head, on_data, on_failed};

_Static_assert(RELAY_PIECES <= CLIENT_IOV, "a request in pieces fits into a call");

static bool start_call(struct attempt *a, bool fresh)
{
    struct iovec iov[RELAY_PIECES];
    const struct conf_timeouts *t = &a->to.upstream->timeouts;
    usec_t total = usec_earlier(a->deadline, a->started + t->total);
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

/* The connection broke. A stream that has said its end is whole all the same. */
static void on_failed(struct client_call *call, const struct client_failure *why)
{
    struct attempt *a = client_call_context(call);
    bool stale = why->reused && (a->from.endpoint->replayable || !why->sent);
    a->call = NULL;
    if (stale)
        start_call(a, true);
    else if (reading_is_complete(&a->reading))
        finish(a);
    else
        attempt_fail_transport(a, why);
}

static void on_timer(struct timer *timer)
{
    struct attempt *a = CONTAINER_OF(timer, struct attempt, timer);
    if (!a->ending && a->first_token && !is_silent(a))
        watch_progress(a);
    else if (reading_is_complete(&a->reading))
        finish(a);
    else if (!a->first_token)
        attempt_fail_late(a, ATTEMPT_TOKEN_LATE, "no token within the first-token time");
    else
        attempt_fail_late(a, net_error_name(NET_IDLE_TIMEOUT), "no token within the idle time");
}

/* What the reading has to know of the request. */
static void complete_options(struct attempt *a)
{
    struct reading_options *o = &a->reading.o;
    o->family = a->from.endpoint->family;
    o->dialect = a->to.upstream->dialect;
    o->key_is_ours = a->to.key != NULL;
    o->assembles = a->from.plain_stream;
    o->more_choices = chat_more_choices(a->from.chat);
    o->sent = a->from.sent;
    o->spent = o->sent && chat_is_spent(a->from.chat, o->sent);
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
    a->deadline = o->deadline;
    a->deadline_is_neutral = o->deadline_is_neutral;
    a->reading.o = o->reading;
    a->ops = ops;
    a->context = context;
    a->started = loop_clock(loop);
    a->asked_for_stream = from->plain_stream || (from->endpoint->says_text && chat_wants_stream(from->chat));
    complete_options(a);
    if (start_call(a, false)) {
        if (a->asked_for_stream) watch_first_token(a);
        return a;
    }
    attempt_free(a);
    return NULL;
}
