/* What all families have in common: values that move as they are, events in and out, and the promise that an answer is
 * appended whole or not at all. */
#include "answer_form_private.h"
#include "dsgate/llm/sse.h"
#include "json_key.h"

/* ---- values ---- */

bool form_members(struct text object, const struct text *names, size_t n, struct json_member *members)
{
    return json_scan(object, names, n, members, JSON_DEPTH).error == JSON_FINE;
}

size_t form_count(struct text container)
{
    struct json_iter it = json_iter(container);
    size_t n = 0;
    while (json_next(&it))
        n++;
    return n;
}

bool form_has_substance(const struct json_member *m)
{
    struct json_iter inner = json_iter(m->value);
    return m->type == JSON_STRING ? m->value.n > 2 : json_next(&inner);
}

static const struct form_swap *find_swap(struct text key, const struct form_swap *swaps, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (json_key_find(key, &swaps[i].name, 1) == 0) return &swaps[i];
    return NULL;
}

void form_put_members(struct buf *out, struct text object, const struct form_swap *swaps, size_t n, bool more)
{
    struct json_iter it = json_iter(object);
    while (json_next(&it)) {
        const struct form_swap *swap = find_swap(it.key, swaps, n);
        struct text value = swap ? swap->value : it.value;
        if (value.n == 0) continue;
        if (more) BUF_ADD(out, ",");
        BUF_ADD(out, "\"");
        buf_add(out, it.key);
        BUF_ADD(out, "\":");
        buf_add(out, value);
        more = true;
    }
}

void form_put_object(struct buf *out, struct text object, const struct form_swap *swaps, size_t n)
{
    BUF_ADD(out, "{");
    form_put_members(out, object, swaps, n, false);
    BUF_ADD(out, "}");
}

/* ---- the families ---- */

static const struct form {
    form_to_plain *to_plain;
    form_to_stream *to_stream;
    bool ends_in_mark; /* [DONE]; otherwise the last event has an end of its own */
} forms[] = {
    [FAMILY_CHAT] = {form_plain_chat, form_stream_chat, true},
    [FAMILY_COMPLETION] = {form_plain_completion, form_stream_completion, true},
    [FAMILY_MESSAGES] = {form_plain_messages, form_stream_messages, false},
    [FAMILY_RESPONSES] = {form_plain_responses, form_stream_responses, false},
    [FAMILY_OPAQUE] = {NULL, NULL, false},
};

bool answer_has_forms(enum endpoint_family family) { return forms[family].to_plain; }

/* ---- stream to plain ---- */

struct stream_reader {
    enum endpoint_family family;
    struct answer_facts facts;
    form_reader *repeats, *read;
    void *state;
};

/* Where events tell their name twice, it must be the same one. */
static bool is_named_well(const struct stream_reader *r, const struct sse_event *e)
{
    struct text type;
    if (e->name.n == 0) return true;
    if (forms[r->family].ends_in_mark) return !text_is(e->name, "error");
    return json_get(e->data, TEXT("type"), &type) == JSON_STRING && text_eq(json_inside(type), e->name);
}

/* Behind the end may only be a [DONE], of those who send one always, or twice. */
static bool read_event(struct stream_reader *r, const struct sse_event *e)
{
    bool is_mark = text_is(text_trim(e->data), "[DONE]");
    if (is_mark && (r->facts.done || !forms[r->family].ends_in_mark)) return r->facts.done;
    if (r->facts.done || (!is_mark && !is_named_well(r, e))) return false;
    if (r->repeats && r->repeats(r->state, e->data)) return true;
    if (!answer_read_event(&r->facts, r->family, e->name, e->data, false) || r->facts.error) return false;
    return is_mark || r->read(r->state, e->data);
}

bool form_read_stream(enum endpoint_family family, struct text stream, form_reader *repeats, form_reader *read,
                      void *state)
{
    struct stream_reader r = {.family = family, .repeats = repeats, .read = read, .state = state};
    struct sse_reader events;
    struct sse_event e;
    bool fine = true;
    sse_reader_init(&events, stream.n + 1);
    while (fine && sse_next(&events, &stream, &e))
        fine = e.data.n == 0 || read_event(&r, &e);
    fine = fine && r.facts.done && sse_leftover(&events).n == 0;
    sse_reader_free(&events);
    return fine;
}

/* A tree's nodes are larger than what they are made of, but a stream says many things more than once. */
size_t form_budget(struct text stream) { return 65536 + 4 * stream.n; }

static bool finish(struct buf *out, size_t before, bool fine)
{
    if (!fine) out->tail = out->head + before;
    return fine;
}

bool answer_to_plain(struct buf *out, enum endpoint_family family, struct text stream)
{
    size_t before = buf_len(out);
    return answer_has_forms(family) && finish(out, before, forms[family].to_plain(out, stream));
}

/* ---- plain to stream ---- */

bool form_close_event(struct form_writer *w)
{
    answer_close_event(w->out);
    w->events++;
    w->failed |= w->events > ANSWER_EVENTS || buf_len(w->out) > w->limit;
    return !w->failed;
}

static bool is_line_end(char c) { return c == '\n' || c == '\r'; }

/* Line ends would end an event; in valid JSON they are white space. One level is left for the event around it. */
static bool make_line(struct buf *line, struct text plain)
{
    if (json_scan(plain, NULL, 0, NULL, JSON_DEPTH - 1).error != JSON_FINE) return false;
    buf_add(line, plain);
    for (size_t i = line->head; i < line->tail; i++)
        if (is_line_end(line->data[i])) line->data[i] = ' ';
    return true;
}

/* A text is told five times at most: of responses in its delta, when it is done, in its part, its item and the whole.
 * PLENTY is for what events say beside that: who is speaking, where it belongs. */
static bool write_stream(struct buf *out, enum endpoint_family family, struct text plain, bool usage)
{
    enum { PLENTY = 1 << 20, TIMES = 8 };
    struct form_writer w = {.out = out, .limit = buf_len(out) + PLENTY + TIMES * plain.n};
    forms[family].to_stream(&w, plain, usage);
    return !w.failed;
}

bool answer_to_stream(struct buf *out, enum endpoint_family family, struct text plain, bool usage)
{
    struct buf line = {0};
    size_t before = buf_len(out);
    bool fine =
        answer_has_forms(family) && make_line(&line, plain) && write_stream(out, family, buf_text(&line), usage);
    buf_free(&line);
    return finish(out, before, fine);
}
