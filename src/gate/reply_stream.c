/* What the gateway itself writes into streams: signs of life, the words for a broken one, and fixed answers. */
#include "dsgate/gate/reply.h"
#include "dsgate/gate/worker.h"

static bool write_out(struct request *r, const struct reply_head *head, struct text bytes, bool end)
{
    struct iovec iov = iov_of(bytes);
    if (!exchange_send(r->exchange, head, &iov, 1, end)) return false;
    r->bytes_out += bytes.n;
    if (end) r->exchange = NULL;
    return true;
}

/* With the head, if that has not been sent. Then nobody knows yet whose answer it will be. */
static bool send_events(struct request *r, struct text bytes, bool end)
{
    struct buf fields = {0};
    struct reply_head head = {.status = 200};
    bool first = !r->head_sent;
    if (first) {
        BUF_ADD(&fields, "Content-Type: text/event-stream\r\nCache-Control: no-cache\r\n");
        reply_put_fields(&fields, r, NULL);
        head.fields = buf_text(&fields);
    }
    r->head_sent = r->streamed = true;
    r->status = 200;
    bool sent = write_out(r, first ? &head : NULL, bytes, end);
    buf_free(&fields);
    return sent;
}

bool reply_keep_alive(struct request *r) { return send_events(r, TEXT(": keep-alive\n\n"), false); }

/* ---- a broken stream ---- */

static bool is_line_of_json(struct text t)
{
    struct json_result result = json_scan(t, NULL, 0, NULL, JSON_DEPTH);
    bool one_line = text_find_byte(t, '\n') == t.n && text_find_byte(t, '\r') == t.n;
    return one_line && result.error == JSON_FINE && result.top == JSON_OBJECT;
}

void reply_quote(struct request *r, struct text body)
{
    enum endpoint_family family = r->admission.endpoint->family;
    struct buf *offence = &r->resume.offence;
    if ((family != FAMILY_CHAT && family != FAMILY_COMPLETION) || !is_line_of_json(body)) return;
    buf_clear(offence);
    BUF_ADD(offence, "data: ");
    buf_add(offence, body);
    BUF_ADD(offence, "\n\n");
    if (r->lead) text_redact(offence->data + offence->head, buf_len(offence), text_of(r->lead->key));
}

/* An upstream's own words tell more, but not about what the gateway itself has come to; and client libraries look for a
 * member `error`: other shapes they take for chunks. */
static bool may_quote(const struct request *r)
{
    struct text offence = buf_text(&r->resume.offence);
    bool readable = text_find(offence, TEXT("\"error\":")) < offence.n;
    return readable && r->failure != FAIL_DEADLINE && r->failure != FAIL_SHUTTING_DOWN;
}

static void put_event(struct buf *b, const struct request *r)
{
    const struct failure_row *row = failure_row(r->failure);
    const struct buf *message = &r->admission.message;
    if (may_quote(r))
        buf_add(b, buf_text(&r->resume.offence));
    else
        answer_put_error_event(b, r->admission.endpoint->family, row->type, row->code,
                               buf_len(message) ? buf_text(message) : text_of(row->text));
}

void reply_break(struct request *r)
{
    struct buf event = {0};
    if (r->streamed) {
        put_event(&event, r);
        write_out(r, NULL, buf_text(&event), false);
        exchange_cut(r->exchange);
    } else {
        exchange_abort(r->exchange);
    }
    buf_free(&event);
    r->exchange = NULL;
    r->cut = true;
}

/* ---- a fixed answer ---- */

bool reply_fixed(struct request *r, const char *text)
{
    const struct admission *a = &r->admission;
    struct buf *body = &r->worker->scratch;
    bool stream = chat_wants_stream(&a->chat);
    buf_clear(body);
    answer_put_fixed(body, a->endpoint->family, stream, text_of(r->id), text_of(a->chat.model),
                     loop_wall(r->worker->loop) / USEC_PER_SEC, text_of(text));
    return stream ? send_events(r, buf_text(body), true) : reply_json(r, buf_text(body));
}
