/* Whatever goes wrong, a client's library must be able to read it: an error has the shape of the API that was called,
 * and says whether another try makes sense. */
#include "dsgate/gate/reply.h"
#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"

/* ---- header fields ---- */

/* What the gateway itself added: the time until the upstream was asked, less the queue, and the time since it gave what
 * is being sent. After a failover the first part can't be told from the failed attempts, and is left out. */
static usec_t overhead(const struct request *r)
{
    usec_t arrived = exchange_arrived(r->exchange), now = loop_clock(r->worker->loop);
    if (!r->lead) return now - arrived - r->spent[STEP_QUEUE];
    usec_t before = r->attempts == 1 ? attempt_started(r->lead->attempt) - arrived - r->spent[STEP_QUEUE] : 0;
    return before + (now - loop_now(r->worker->loop));
}

/* Anthropic's SDKs look for the id under another name. */
static bool is_messages(const struct endpoint *e) { return e && e->family == FAMILY_MESSAGES; }

/* The key is what a purge wants. */
static void put_cache(struct buf *b, const struct request *r)
{
    BUF_ADD(b, "\r\nx-dsgate-cache: ");
    buf_add(b, text_of(cache_result_name(cached_result(r))));
    if (!r->cache || !r->cache->planned) return;
    char hex[CACHE_KEY_HEX + 1];
    cache_key_format(&r->cache->key, hex);
    BUF_ADD(b, "\r\nx-dsgate-cache-key: ");
    buf_append(b, hex, CACHE_KEY_HEX);
}

void reply_put_fields(struct buf *b, const struct request *r, const struct runner *whose)
{
    BUF_ADD(b, "x-request-id: ");
    buf_add(b, text_of(r->id));
    if (is_messages(r->admission.endpoint)) {
        BUF_ADD(b, "\r\nrequest-id: ");
        buf_add(b, text_of(r->id));
    }
    if (whose) {
        BUF_ADD(b, "\r\nx-dsgate-upstream: ");
        buf_add(b, text_of(whose->upstream->name));
    }
    BUF_ADD(b, "\r\nx-dsgate-attempts: ");
    buf_add_u64(b, r->attempts);
    if (buf_len(&r->reasons)) {
        BUF_ADD(b, "\r\nx-dsgate-reasons: ");
        buf_add(b, buf_text(&r->reasons));
    }
    if (r->fallback) {
        BUF_ADD(b, "\r\nx-dsgate-fallback: ");
        fallback_put_name(b, r->fallback);
    }
    BUF_ADD(b, "\r\nx-dsgate-queue-ms: ");
    buf_add_ms(b, r->spent[STEP_QUEUE]);
    put_cache(b, r);
    BUF_ADD(b, "\r\nx-dsgate-overhead-ms: ");
    buf_add_ms(b, overhead(r));
    BUF_ADD(b, "\r\n");
}

/* In whole seconds for everybody, and in milliseconds for OpenAI's libraries, which look there first. Both are rounded
 * up: whoever waits exactly that long must not come too early. */
static void put_retry_after(struct buf *b, usec_t time)
{
    usec_t seconds = (time + USEC_PER_SEC - 1) / USEC_PER_SEC, ms = (time + USEC_PER_MS - 1) / USEC_PER_MS;
    http_put_u64(b, TEXT("Retry-After"), seconds < RETRY_AFTER_MAX ? (uint64_t)seconds : RETRY_AFTER_MAX);
    if (seconds <= RETRY_AFTER_MAX) http_put_u64(b, TEXT("retry-after-ms"), (uint64_t)ms);
}

/* Who should not try again is not told when. `measured` is better than the row's guess; 0 = there is none. */
static void put_advice(struct buf *b, const struct failure_row *row, enum advice advice, usec_t measured)
{
    if (measured && advice != ADVISE_NO_RETRY)
        put_retry_after(b, measured);
    else if (row->retry_after && advice != ADVISE_NO_RETRY)
        http_put_u64(b, TEXT("Retry-After"), row->retry_after);
    if (advice == ADVISE_RETRY) BUF_ADD(b, "x-should-retry: true\r\n");
    if (advice == ADVISE_NO_RETRY) BUF_ADD(b, "x-should-retry: false\r\n");
}

/* Where there was only one upstream to try, the client's own retries are still worth something. */
enum advice reply_advice(const struct request *r, enum advice advice)
{
    return r->attempts == 1 ? ADVISE_NOTHING : advice;
}

/* ---- error answers ---- */

/* Takes `fields`; false: the client is gone. */
static bool send_whole(struct exchange *x, unsigned status, struct buf *fields, struct text body)
{
    struct reply_head head = {
        .status = status, .fields = buf_text(fields), .has_length = true, .content_length = body.n};
    struct iovec iov = iov_of(body);
    bool sent = exchange_send(x, &head, &iov, 1, true);
    buf_free(fields);
    return sent;
}

/* `fields` are those of this answer alone. */
static bool answer_request(struct request *r, const struct runner *whose, unsigned status, struct buf *fields,
                           struct text body)
{
    BUF_ADD(fields, "Content-Type: application/json\r\n");
    reply_put_fields(fields, r, whose);
    if (!send_whole(r->exchange, status, fields, body)) return false;
    r->exchange = NULL;
    r->status = status;
    r->bytes_out = body.n;
    return true;
}

bool reply_json(struct request *r, struct text body)
{
    struct buf fields = {0};
    return answer_request(r, NULL, 200, &fields, body);
}

static void put_allow(struct buf *fields, const struct endpoint *e)
{
    const char *separator = "Allow: ";
    for (unsigned m = 0; m < HTTP_METHOD_OTHER; m++) {
        if (!(e->methods & 1u << m)) continue;
        buf_add(fields, text_of(separator));
        buf_add(fields, text_of(http_method_name((enum http_method)m)));
        separator = ", ";
    }
    BUF_ADD(fields, "\r\n");
}

bool reply_failure(struct request *r)
{
    const struct failure_row *row = failure_row(r->failure);
    const struct admission *a = &r->admission;
    struct text message = buf_len(&a->message) ? buf_text(&a->message) : text_of(row->text);
    struct buf fields = {0}, body = {0};
    put_advice(&fields, row, reply_advice(r, row->advice), r->retry_after);
    if (r->failure == FAIL_METHOD) put_allow(&fields, a->endpoint);
    answer_put_error_body(&body, a->endpoint ? a->endpoint->family : FAMILY_CHAT, row->type, row->code, message,
                          a->param);
    bool sent = answer_request(r, r->lead, row->status, &fields, buf_text(&body));
    buf_free(&body);
    return sent;
}

void reply_error(struct exchange *x, enum failure f, const char *request_id, const char *message)
{
    const struct failure_row *row = failure_row(f);
    struct buf fields = {0}, body = {0};
    BUF_ADD(&fields, "Content-Type: application/json\r\n");
    if (request_id) http_put(&fields, TEXT("x-request-id"), text_of(request_id));
    put_advice(&fields, row, row->advice, 0);
    answer_put_error_body(&body, FAMILY_CHAT, row->type, row->code, text_of(message ? message : row->text), NULL);
    send_whole(x, row->status, &fields, buf_text(&body));
    buf_free(&body);
}

void reply_body(struct exchange *x, unsigned status, struct text content_type, struct text body)
{
    struct buf fields = {0};
    http_put(&fields, TEXT("Content-Type"), content_type);
    send_whole(x, status, &fields, body);
}
