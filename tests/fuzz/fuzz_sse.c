/* The first byte chooses the cuts. The stream is read once whole and once in pieces: same events, and no byte is lost
 * or made up. */
#include "dsgate/llm/sse.h"
#include <stdlib.h>

enum { LIMIT = 4096 };

struct outcome {
    struct buf raw, events;
    bool too_large;
};

static void note_event(struct outcome *o, const struct sse_event *e)
{
    buf_add(&o->raw, e->raw);
    buf_printf(&o->events, "%zu %zu %zu %d:", e->raw.n, e->name.n, e->data.n, e->has_data);
    buf_add(&o->events, e->name);
    buf_add(&o->events, e->data);
}

/* Each piece lies alone in memory, so that the sanitizer sees every byte read outside. */
static void feed(struct sse_reader *r, struct outcome *o, struct text piece)
{
    char *alone = malloc(piece.n);
    memcpy(alone, piece.p, piece.n);
    struct text rest = text_make(alone, piece.n);
    struct sse_event event;
    while (sse_next(r, &rest, &event))
        note_event(o, &event);
    if (!r->too_large && rest.n) abort();
    free(alone);
}

static struct outcome read_stream(struct text stream, size_t step)
{
    struct sse_reader r;
    struct outcome o = {0};
    sse_reader_init(&r, LIMIT);
    for (size_t at = 0; at < stream.n && !r.too_large; at += step)
        feed(&r, &o, text_make(stream.p + at, stream.n - at < step ? stream.n - at : step));
    buf_add(&o.raw, sse_leftover(&r));
    o.too_large = r.too_large;
    sse_reader_free(&r);
    return o;
}

static void outcome_free(struct outcome *o)
{
    buf_free(&o->raw);
    buf_free(&o->events);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    struct text stream = text_make((const char *)data + 1, size - 1);
    struct outcome whole = read_stream(stream, stream.n), cut = read_stream(stream, 1 + data[0] % 64);
    if (whole.too_large != cut.too_large) abort();
    if (!text_eq(buf_text(&whole.events), buf_text(&cut.events))) abort();
    if (!whole.too_large && !text_eq(buf_text(&whole.raw), stream)) abort();
    if (!cut.too_large && !text_eq(buf_text(&cut.raw), stream)) abort();
    outcome_free(&whole);
    outcome_free(&cut);
    return 0;
}
