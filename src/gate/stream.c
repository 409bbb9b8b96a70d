/* stream.c - STREAM: from the commit to the last byte.
 *
 * Entered for each piece the attempt shows. Once the head has gone out the status is fixed; what fails later is told
 * inside the stream, and the connection ends without the proper end of an answer, so that nobody takes a part for the
 * whole.
 */
#include "dsgate/gate/models.h"
#include "dsgate/gate/reply.h"
#include "dsgate/gate/worker.h"

#define UNSENT_HIGH ((size_t)64 * 1024) /* bytes a slow client may leave with us before its upstream is held back */

static size_t bytes_of_pieces(const struct request *r) { return iov_total(r->pieces, r->piece_count); }

/* An upstream's error that came under a status of success, and that nothing better could replace, is not shown as one.
 */
static unsigned shown_status(const struct request *r, const struct attempt_answer *answer)
{
    bool mistake = attempt_facts(r->attempt)->mistake;
    if (!r->exhausted || answer->status >= 400) return answer->status;
    return failure_row(mistake ? FAIL_BAD_REQUEST : FAIL_UPSTREAM_BAD_ANSWER)->status;
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
    struct attempt_answer *answer = attempt_answer(r->attempt);
    reply_put_fields(&answer->fields, r);
    put_advice(r, answer);
    r->status = shown_status(r, answer);
    r->head_sent = true;
    *head = (struct reply_head){.status = r->status,
                                .fields = buf_text(&answer->fields),
                                .has_date = answer->has_date,
                                .has_length = (answer->has_length && !answer->is_stream) || r->ended,
                                .content_length =
                                    r->ended && r->method != HTTP_HEAD ? bytes_of_pieces(r) : answer->content_length};
}

/* An upstream that repeats the gateway's key in its complaint must not tell it to the client. Error bodies come whole,
 * but for those that are too long to be held. `head` NULL: it has been sent. */
static void redact_key(const struct request *r, const struct reply_head *head)
{
    struct text key = text_of(r->key);
    if (head) text_redact((char *)head->fields.p, head->fields.n, key);
    for (int i = 0; i < r->piece_count; i++)
        text_redact(r->pieces[i].iov_base, r->pieces[i].iov_len, key);
}

/* A long stream keeps nothing of its request and head, unless the upstream answers before it has heard all. */
static void release_request(struct request *r)
{
    if (!attempt_is_sending(r->attempt)) exchange_forget_request(r->exchange);
    buf_free(&attempt_answer(r->attempt)->fields);
}

static void note_token(struct request *r)
{
    usec_t at = attempt_first_token(r->attempt);
    if (!at || r->first_token) return;
    r->first_token = at - r->began;
    sched_note_token(r->worker->shared->sched, &r->ticket.lease, loop_now(r->worker->loop));
}

static enum flow send_pieces(struct request *r)
{
    struct reply_head head;
    bool first = !r->head_sent;
    if (first) open_head(r, &head);
    if (r->status >= 400) redact_key(r, first ? &head : NULL);
    note_token(r);
    r->bytes_out += bytes_of_pieces(r);
    r->news = NEWS_NONE;
    if (!exchange_send(r->exchange, first ? &head : NULL, r->pieces, r->piece_count, r->ended)) return FLOW_WAIT;
    if (r->ended) {
        r->exchange = NULL;
        return FLOW_NEXT;
    }
    if (first) release_request(r);
    if (exchange_unsent(r->exchange) > UNSENT_HIGH && !r->paused) {
        r->paused = true;
        attempt_pause(r->attempt);
    }
    return FLOW_WAIT;
}

/* The upstream broke off after the commit. */
static enum flow cut(struct request *r)
{
    const struct failure_row *row = failure_row(r->failed.failure);
    r->cut = true;
    if (attempt_answer(r->attempt)->is_stream) {
        struct buf event = {0};
        answer_put_error_event(&event, r->admission.endpoint->family, row->type, row->code, text_of(row->text));
        struct iovec iov = iov_of(buf_text(&event));
        if (exchange_send(r->exchange, NULL, &iov, 1, false)) r->bytes_out += iov.iov_len;
        buf_free(&event);
        exchange_cut(r->exchange);
    } else {
        exchange_abort(r->exchange);
    }
    r->exchange = NULL;
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
    if (r->failure) return reply_failure(r) ? FLOW_NEXT : FLOW_WAIT;
    if (r->models) return send_models(r) ? FLOW_NEXT : FLOW_WAIT;
    return r->news == NEWS_FAILED ? cut(r) : send_pieces(r);
}

void stream_drained(struct request *r)
{
    if (!r->paused) return;
    r->paused = false;
    attempt_resume(r->attempt);
}

void stream_cancel(struct request *r) { dispatch_cancel(r); }
