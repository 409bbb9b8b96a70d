/* The first byte says what the rest is (a request, an answer, an answer to HEAD, a chunked body) and how it is cut. It
 * is read once whole and once in pieces, with the same result; and what was accepted holds what the parser promises.
 */
#include "dsgate/net/http.h"
#include <stdlib.h>

enum side { REQUEST, ANSWER, ANSWER_TO_HEAD, CHUNKS };

static const struct http_limits limits = {.line = 200, .head = 2000, .fields = 40, .body = 1000};

struct outcome {
    enum http_parse parse;
    enum http_error error;
    char *bytes; /* what the head points into */
    struct http_head head;
    struct buf payload;
    size_t used; /* of the body */
    bool done;
};

static void require(bool condition)
{
    if (!condition) abort();
}

/* Each piece lies alone in memory, so that the sanitizer sees every byte read outside. */
static char *alone(struct text t)
{
    char *copy = malloc(t.n ? t.n : 1);
    if (t.n) memcpy(copy, t.p, t.n);
    return copy;
}

static void parse(struct outcome *o, enum side side, struct text t, size_t *scanned)
{
    free(o->bytes);
    o->bytes = alone(t);
    struct text in = text_make(o->bytes, t.n);
    if (side == REQUEST)
        o->parse = http_parse_request(in, &limits, scanned, &o->head, &o->error);
    else
        o->parse = http_parse_answer(in, &limits, scanned, side == ANSWER_TO_HEAD, &o->head, &o->error);
}

static void feed(struct outcome *o, struct text t, size_t step)
{
    struct http_body b;
    http_body_init(&b, &o->head, limits.body);
    for (size_t at = 0; at < t.n && !b.done && o->error == HTTP_FINE; at += step) {
        size_t payload, used, n = t.n - at < step ? t.n - at : step;
        char *piece = alone(text_make(t.p + at, n));
        o->error = http_body_feed(&b, piece, n, &payload, &used);
        require(payload <= used && used <= n && (used == n || b.done || o->error != HTTP_FINE));
        buf_append(&o->payload, piece, payload);
        o->used += used;
        free(piece);
    }
    require(b.received == buf_len(&o->payload) && b.received <= limits.body);
    o->done = b.done;
}

static struct outcome read_message(enum side side, struct text t, size_t step)
{
    struct outcome o = {0};
    size_t scanned = 0, before = 0, n = 0;
    if (side == CHUNKS) {
        o.head.framing = HTTP_CHUNKED;
        feed(&o, t, step);
        return o;
    }
    while (o.parse == HTTP_PARSE_MORE && n < t.n) {
        n = t.n - n < step ? t.n : n + step;
        parse(&o, side, text_make(t.p, n), &scanned);
        require(before <= scanned && scanned <= n);
        require(o.parse != HTTP_PARSE_MORE || scanned + 1 >= n);
        before = scanned;
    }
    if (o.parse == HTTP_PARSE_DONE) feed(&o, text_from(t, o.head.length), step);
    return o;
}

static void outcome_free(struct outcome *o)
{
    free(o->bytes);
    buf_free(&o->payload);
}

static void require_same_head(const struct http_head *a, const struct http_head *b)
{
    require(a->length == b->length && a->framing == b->framing && a->content_length == b->content_length);
    require(a->keep_alive == b->keep_alive && a->field_count == b->field_count && a->status == b->status);
    require(text_eq(a->path, b->path) && text_eq(a->query, b->query) && text_eq(a->reason, b->reason));
    for (unsigned i = 0; i < a->field_count; i++)
        require(a->fields[i].id == b->fields[i].id && a->fields[i].hop == b->fields[i].hop &&
                text_eq(http_field_value(a, &a->fields[i]), http_field_value(b, &b->fields[i])));
}

static unsigned count_of(const struct http_head *head, enum http_name id)
{
    unsigned n = 0;
    for (unsigned i = 0; i < head->field_count; i++)
        n += head->fields[i].id == id;
    return n;
}

static void require_promises(const struct http_head *head)
{
    require(text_ends(text_make(head->base, head->length), TEXT("\r\n\r\n")));
    require(count_of(head, HTTP_CONTENT_LENGTH) + count_of(head, HTTP_TRANSFER_ENCODING) <= 1);
    require(head->field_count <= limits.fields && head->length <= limits.head);
    require(http_value_is_clean(head->target) && http_value_is_clean(head->reason));
    for (unsigned i = 0; i < head->field_count; i++) {
        struct text value = http_field_value(head, &head->fields[i]), name = http_field_name(head, &head->fields[i]);
        require(http_value_is_clean(value) && text_eq(value, text_trim(value)) && name.n);
        require(name.p > head->base && value.p + value.n < head->base + head->length);
    }
}

/* What is written from a head is read as the same head. */
static void require_round_trip(const struct http_head *head, enum side side)
{
    struct buf b = {0};
    struct outcome o = {0};
    size_t scanned = 0;
    if (side == REQUEST)
        http_put_request(&b, head->method_text, head->target);
    else
        http_put_status(&b, head->status);
    for (unsigned i = 0; i < head->field_count; i++)
        http_put(&b, http_field_name(head, &head->fields[i]), http_field_value(head, &head->fields[i]));
    http_put_end(&b);
    if (head->minor == 1 && buf_len(&b) <= head->length) {
        parse(&o, side, buf_text(&b), &scanned);
        require(o.parse == HTTP_PARSE_DONE && o.head.field_count == head->field_count);
        require(o.head.framing == head->framing && o.head.content_length == head->content_length);
    }
    outcome_free(&o);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    enum side side = (enum side)(data[0] % 4);
    struct text t = text_make((const char *)data + 1, size - 1);
    struct outcome whole = read_message(side, t, t.n), cut = read_message(side, t, 1 + data[0] / 4);
    require(whole.parse == cut.parse && whole.error == cut.error && whole.done == cut.done);
    require(text_eq(buf_text(&whole.payload), buf_text(&cut.payload)) || whole.error != HTTP_FINE);
    require(whole.used == cut.used || whole.error != HTTP_FINE);
    if (whole.parse == HTTP_PARSE_DONE) {
        require_same_head(&whole.head, &cut.head);
        require_promises(&whole.head);
        require_round_trip(&whole.head, side);
    }
    outcome_free(&whole);
    outcome_free(&cut);
    return 0;
}
