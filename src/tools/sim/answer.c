/* answer.c - answers in one piece: errors, lists, the control endpoints. */
#include "hash.h"
#include "sim.h"
#include <stdio.h>

void answer_fields(struct buf *out, const char *content_type, uint64_t trace)
{
    char id[33];
    snprintf(id, sizeof id, "%016llx%016llx", (unsigned long long)hash_mix(trace),
             (unsigned long long)hash_mix(~trace));
    http_put(out, TEXT("Content-Type"), text_of(content_type));
    http_put(out, TEXT("Vary"), TEXT("origin, access-control-request-method, access-control-request-headers"));
    http_put(out, TEXT("X-Content-Type-Options"), TEXT("nosniff"));
    http_put(out, TEXT("x-ds-trace-id"), text_of(id));
}

/* Bytes that are no request are answered, too; what tests ask is not counted. */
static bool is_control(const struct exchange *x)
{
    return exchange_head(x) && text_starts(exchange_head(x)->path, TEXT("/_sim"));
}

static void answer(struct exchange *x, unsigned status, const char *content_type, struct text more_fields,
                   struct text body)
{
    struct worker *w = worker_of(x);
    struct iovec iov = {(void *)(uintptr_t)body.p, body.n};
    uint64_t serial = atomic_load_explicit(&w->sim->serial, memory_order_relaxed);
    buf_clear(&w->fields);
    answer_fields(&w->fields, content_type, w->sim->options.seed ^ hash_mix(serial));
    buf_add(&w->fields, more_fields);
    struct reply_head head = {
        .status = status, .fields = buf_text(&w->fields), .has_length = true, .content_length = body.n};
    record_count(w->sim->record, RECORD_BYTES, body.n);
    if (!is_control(x)) record_status(w->sim->record, status);
    exchange_send(x, &head, &iov, body.n ? 1 : 0, true);
}

void answer_json(struct exchange *x, unsigned status, struct text body)
{
    answer(x, status, "application/json", TEXT_NONE, body);
}

void answer_refusal(struct exchange *x, struct refusal *r, struct text fields)
{
    struct buf body = {0};
    refusal_body(r, &body);
    record_count(worker_of(x)->sim->record, RECORD_REFUSED, 1);
    answer(x, r->status, r->content_type, fields, buf_text(&body));
    buf_free(&body);
    refusal_free(r);
}
