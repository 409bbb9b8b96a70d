/* attempt_head.c - of the fields of an upstream's head, which go on to the client, and what the others say. */
#include "attempt_private.h"

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

/* A plain answer that is put together from a stream is described otherwise than the stream was. */
static bool describes_stream(const struct attempt *a, const struct http_field *f, struct text name)
{
    if (!a->from.plain_stream || a->reading.mode != READ_EVENTS) return false;
    return f->id == HTTP_CONTENT_TYPE || text_eq_nocase(name, TEXT("cache-control")) ||
           text_eq_nocase(name, TEXT("x-accel-buffering"));
}

/* x-request-id, which Anthropic calls request-id, is the gateway's own towards the client; x-dsgate-* must not be
 * forged by upstreams. */
static void keep_field(struct attempt *a, const struct http_head *head, const struct http_field *f)
{
    struct attempt_answer *answer = &a->answer;
    struct text name = http_field_name(head, f), value = http_field_value(head, f);
    bool id = f->id == HTTP_X_REQUEST_ID || text_eq_nocase(name, TEXT("request-id"));
    bool trace = id || text_eq_nocase(name, TEXT("x-ds-trace-id"));
    if (trace && value.n) text_copy(value, answer->trace, sizeof answer->trace);
    if (f->hop || id || f->id == HTTP_CONTENT_LENGTH) return;
    if (text_starts_nocase(name, TEXT("x-dsgate-")) || describes_stream(a, f, name)) return;
    if (keep_advice(answer, name, value, loop_wall(a->loop))) return;
    if (f->id == HTTP_DATE) answer->has_date = true;
    http_put(&answer->fields, name, value);
}

void attempt_keep_fields(struct attempt *a, const struct http_head *head)
{
    for (unsigned i = 0; i < head->field_count; i++)
        keep_field(a, head, &head->fields[i]);
    if (a->from.plain_stream && a->reading.mode == READ_EVENTS)
        http_put(&a->answer.fields, TEXT("Content-Type"), TEXT("application/json"));
}
