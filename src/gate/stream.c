/* stream.c - STREAM: from the commit to the last byte.
 *
 * Entered for each piece the attempt shows. Once the head has gone out the status is fixed; what fails later, and can't
 * be gone on with, is told inside the stream, and the connection ends without the proper end of an answer, so that
 * nobody takes a part for the whole.
 */
#include "dsgate/gate/cached.h"
#include "dsgate/gate/models.h"
#include "dsgate/gate/reply.h"
#include "dsgate/gate/worker.h"

#define UNSENT_HIGH ((size_t)64 * 1024) /* bytes a slow client may leave with us before its upstream is held back */

static size_t bytes_of_pieces(const struct request *r) { return iov_total(r->out.pieces, r->out.n); }

/* An upstream's error that came under a status of success, and that nothing better could replace, is not shown as one.
 */
static unsigned shown_status(const struct request *r, const struct attempt_answer *answer)
{
    bool mistake = attempt_complaint(r->lead->attempt)->blame == BLAME_CLIENT;
    if (!r->exhausted || answer->status >= 400 || r->lead->failed.empty) return answer->status;
    return failure_row(mistake ? FAIL_BAD_REQUEST : r->lead->failed.failure)->status;
}

/* When the gateway has tried everything it says so, unless the upstream itself has named a time that client libraries
 * wait for; else the upstream's advice goes on. */
static void put_advice(const struct request *r, struct attempt_answer *answer)
{
    bool may_wait = answer->retry_after > 0 && answer->retry_after <= RETRY_AFTER_MAX;
    bool tried_all = r->exhausted && reply_advice(r, ADVISE_NO_RETRY) == ADVISE_NO_RETRY;
    if (tried_all && !may_wait)
        BUF_ADD(&answer->fields, "x-should-retry: false\r\n");
    else if (answer->should_retry[0] && !tried_all)
        http_put(&answer->fields, TEXT("x-should-retry"), text_of(answer->should_retry));
}

/* The answer's head: the upstream's end-to-end fields and ours. A stream's length is never promised, since an error
 * event may have to follow. */
static void open_head(struct request *r, struct reply_head *head)
{
    struct attempt_answer *answer = attempt_answer(r->lead->attempt);
    bool all_here = r->out.last && r->method != HTTP_HEAD;
    reply_put_fields(&answer->fields, r, r->lead);
    put_advice(r, answer);
    r->head_sent = true;
    *head = (struct reply_head){.status = r->status,
                                .fields = buf_text(&answer->fields),
                                .has_date = answer->has_date,
                                .has_length = (answer->has_length && !answer->is_stream) || r->out.last,
                                .content_length = all_here ? bytes_of_pieces(r) : answer->content_length};
}

/* An upstream that repeats the gateway's key in its complaint must not tell it to the client. Error bodies come whole,
 * but for those that are too long to be held, and so do error events. `head` NULL: it has been sent. */
static void redact_key(const struct request *r, const struct reply_head *head)
{
    struct text key = text_of(r->lead->key);
    if (head) text_redact((char *)head->fields.p, head->fields.n, key);
    for (int i = 0; i < r->out.n; i++)
        text_redact(r->out.pieces[i].iov_base, r->out.pieces[i].iov_len, key);
}

/* A long stream keeps nothing of its request and head, unless the upstream answers before it has heard all, or another
 * one may have to go on. */
static void release_request(struct request *r)
{
    struct attempt *a = r->lead->attempt;
    if (!attempt_is_sending(a) && !resume_needs_request(r)) exchange_forget_request(r->exchange);
    buf_free(&attempt_answer(a)->fields);
}

/* What the answer is, once it has begun; signs of life have perhaps told its status before. */
static void begin_answer(struct request *r)
{
    const struct attempt_answer *answer = attempt_answer(r->lead->attempt);
    unsigned status = shown_status(r, answer);
    if (!r->head_sent) {
        r->status = status;
        r->streamed = answer->is_stream;
    }
    record_head(r, status);
}

/* False: the client is gone, or there is none; what others want of it they have. */
static bool show(struct request *r)
{
    struct reply_head head;
    bool first = !r->head_sent && r->exchange;
    if (!r->shown) begin_answer(r);
    if (first) open_head(r, &head);
    if (r->status >= 400 || attempt_facts(r->lead->attempt)->error) redact_key(r, first ? &head : NULL);
    r->shown = true;
    record_out(r);
    if (!r->exchange) return false;
    r->bytes_out += bytes_of_pieces(r);
    return exchange_send(r->exchange, first ? &head : NULL, r->out.pieces, r->out.n, r->out.last);
}

/* Whoever goes on needs the client's request, so it stays. */
bool stream_show(struct request *r, struct text bytes)
{
    r->out.pieces[0] = iov_of(bytes);
    r->out.n = bytes.n > 0;
    r->out.last = false;
    return bytes.n == 0 || show(r);
}

/* Who else gets the answer is not held back by this client: of what can be kept, all may lie with us. Where nobody else
 * does, a slow client is one like others, and nobody is to join whom it would hold back. */
static bool holds_back(struct request *r)
{
    size_t unsent = exchange_unsent(r->exchange);
    if (r->paused || unsent <= UNSENT_HIGH) return false;
    if (!record_close(r)) return unsent > UNSENT_HIGH + (size_t)r->pool->config->cache.entry;
    record_stop(r);
    return true;
}

static enum flow send_pieces(struct request *r)
{
    bool first = !r->shown;
    r->news = NEWS_NONE;
    if (!show(r)) return r->exchange || !r->out.last ? FLOW_WAIT : FLOW_NEXT;
    if (r->out.last) {
        r->exchange = NULL;
        return FLOW_NEXT;
    }
    if (first) release_request(r);
    if (holds_back(r)) {
        r->paused = true;
        attempt_pause(r->lead->attempt);
    }
    return FLOW_WAIT;
}

/* The gateway has begun a stream, and the answer is none. */
static bool is_misfit(const struct request *r)
{
    return r->streamed && !r->shown && !attempt_answer(r->lead->attempt)->is_stream;
}

/* An error that came in one piece can still be told; and who waits for the same answer gets it as it is. */
static void share_misfit(struct request *r, unsigned status)
{
    const struct request_out *out = &r->out;
    if (out->n != 1 || !out->last) return;
    if (status >= 400) {
        redact_key(r, NULL);
        reply_quote(r, text_make(out->pieces[0].iov_base, out->pieces[0].iov_len));
    }
    record_head(r, status);
    record_out(r);
}

static enum flow refuse_misfit(struct request *r)
{
    unsigned status = attempt_answer(r->lead->attempt)->status;
    share_misfit(r, status);
    attempt_cancel(r->lead->attempt);
    buf_printf(&r->admission.message, "The upstream answered with status %u, after the stream had begun.", status);
    r->failed = (struct attempt_failure){.failure = FAIL_UPSTREAM_BAD_ANSWER, .reason = "late_answer"};
    return request_fail(r, FAIL_UPSTREAM_BAD_ANSWER);
}

/* After the head has been sent only the stream itself can tell. */
static enum flow fail(struct request *r)
{
    if (!r->exchange) return FLOW_NEXT;
    if (!r->head_sent) return reply_failure(r) ? FLOW_NEXT : FLOW_WAIT;
    reply_break(r);
    r->failure = FAIL_NONE;
    return FLOW_NEXT;
}

/* GET /models and GET /models/{id}. */
static bool send_models(struct request *r)
{
    struct text id = exchange_head(r->exchange)->path, prefix = TEXT("/models/");
    size_t at = text_find(id, prefix);
    struct buf *body = &r->worker->scratch;
    buf_clear(body);
    if (!models_known(r->models)) {
        BUF_ADD(&r->admission.message, "No upstream could say which models it serves.");
        r->failure = FAIL_UPSTREAM_UNREACHABLE;
        return reply_failure(r);
    }
    if (at == id.n) {
        models_write_list(r->models, body);
    } else if (!models_write_one(r->models, text_from(id, at + prefix.n), body)) {
        r->failure = FAIL_MODEL_NOT_FOUND;
        return reply_failure(r);
    }
    return reply_json(r, buf_text(body));
}

enum flow stream_run(struct request *r)
{
    if (r->failure) return fail(r);
    if (r->models) return send_models(r) ? FLOW_NEXT : FLOW_WAIT;
    if (r->fallback && r->fallback->answer) return reply_fixed(r, r->fallback->answer) ? FLOW_NEXT : FLOW_WAIT;
    if (cached_serves(r)) return serve_run(r);
    if (r->news == NEWS_FAILED) return dispatch_failed(r);
    return is_misfit(r) ? refuse_misfit(r) : send_pieces(r);
}

/* What is served may be all sent now, and the request gone. */
void stream_drained(struct request *r)
{
    if (cached_serves(r)) {
        serve_drained(r);
    } else if (r->paused) {
        r->paused = false;
        attempt_resume(r->lead->attempt);
    }
}

void stream_cancel(struct request *r)
{
    dispatch_cancel(r);
    serve_cancel(r);
}
