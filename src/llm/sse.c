/* The same stream may come in one piece or byte by byte, and must give the same events. So a small state machine looks
 * for the end of an event and remembers across pieces what it has seen of the current line; only when a whole event is
 * at hand are its fields read. An event that lies inside one piece is never copied.
 */
#include "dsgate/llm/sse.h"

enum {
    DEFAULT_LIMIT = 1 << 20,
    KEEP = 4096 /* storage an idle stream may hold on to */
};

static const char byte_order_mark[3] = "\xEF\xBB\xBF";

void sse_reader_init(struct sse_reader *r, size_t limit)
{
    *r = (struct sse_reader){.limit = limit ? limit : DEFAULT_LIMIT};
}

void sse_reader_free(struct sse_reader *r)
{
    buf_free(&r->partial);
    buf_free(&r->joined);
}

/* Bytes before the next CR or LF. Two searches with memchr beat a loop, but would be quadratic in a stream of CRs; with
 * `bare_cr` the loop it is. */
static size_t line_length(struct text rest, bool bare_cr)
{
    if (!bare_cr) return text_find_byte(text_make(rest.p, text_find_byte(rest, '\n')), '\r');
    size_t n = 0;
    while (n < rest.n && rest.p[n] != '\r' && rest.p[n] != '\n')
        n++;
    return n;
}

/* Past the byte order mark, which may be cut. What only begins like one belongs to the first line. */
static size_t skip_mark(struct sse_reader *r, struct text in)
{
    size_t at = 0;
    while (!r->began && at < in.n) {
        if (in.p[at] == byte_order_mark[r->mark]) {
            at++;
            r->began = ++r->mark == sizeof byte_order_mark;
        } else {
            r->began = true;
            r->in_line = r->mark > 0;
            r->mark = 0;
        }
    }
    return at;
}

/* The current line up to its end or the end of the input; *ended and r->closing say what was found. */
static size_t scan_line(struct sse_reader *r, struct text in, size_t at, bool *ended)
{
    size_t length = line_length(text_from(in, at), r->bare_cr);
    if (length && !r->in_line) {
        r->in_line = true;
        r->lone = r->lines == 0 && in.p[at] == ':';
    }
    *ended = at + length < in.n;
    if (*ended) {
        r->closing = r->lone || !r->in_line;
        r->in_line = r->lone = false;
        r->lines++;
    }
    return at + length;
}

/* Whether the current event ends inside `in`, and where. */
static bool find_end(struct sse_reader *r, struct text in, size_t *end)
{
    size_t at = skip_mark(r, in);
    while (at < in.n) {
        if (r->after_cr) {
            r->after_cr = false;
            if (in.p[at] == '\n')
                at++;
            else
                r->bare_cr = true;
        } else {
            bool ended;
            at = scan_line(r, in, at, &ended);
            if (!ended) return false;
            r->after_cr = in.p[at++] == '\r' && !(r->closing && r->bare_cr);
            if (r->after_cr) continue;
        }
        *end = at;
        if (r->closing) return true;
    }
    return false;
}

static void empty(struct buf *b)
{
    if (b->capacity > KEEP)
        buf_free(b);
    else
        buf_clear(b);
}

static void add_data(struct sse_reader *r, struct sse_event *event, struct text value)
{
    if (!event->has_data) {
        event->has_data = true;
        event->data = value;
        return;
    }
    if (buf_len(&r->joined) == 0) buf_add(&r->joined, event->data);
    buf_add_byte(&r->joined, '\n');
    buf_add(&r->joined, value);
    event->data = buf_text(&r->joined);
}

static void read_line(struct sse_reader *r, struct sse_event *event, struct text line)
{
    size_t colon = text_find_byte(line, ':');
    struct text name = text_make(line.p, colon), value = text_from(line, colon + 1);
    if (value.n && value.p[0] == ' ') value = text_from(value, 1);
    if (text_eq(name, TEXT("data")))
        add_data(r, event, value);
    else if (text_eq(name, TEXT("event")))
        event->name = value;
}

static struct text strip_line_ends(struct text t)
{
    while (t.n && (t.p[t.n - 1] == '\n' || t.p[t.n - 1] == '\r'))
        t.n--;
    return t;
}

static void read_fields(struct sse_reader *r, struct text raw, struct sse_event *event)
{
    *event = (struct sse_event){.raw = raw};
    struct text rest = strip_line_ends(text_from(raw, r->mark));
    empty(&r->joined);
    if (r->lines == 2) {
        read_line(r, event, rest); /* the common case: the one line needs no search */
    } else if (r->lines > 2) {
        while (rest.n) {
            size_t n = line_length(rest, r->bare_cr);
            if (n) read_line(r, event, text_make(rest.p, n)); /* n == 0: the LF of a CR LF */
            rest = text_from(rest, n + 1);
        }
    }
    r->lines = r->mark = 0;
}

bool sse_next(struct sse_reader *r, struct text *input, struct sse_event *event)
{
    if (r->returned) empty(&r->partial);
    r->returned = false;
    if (r->too_large) return false;
    size_t take = input->n;
    bool complete = find_end(r, *input, &take);
    if (!complete) take = input->n;
    r->too_large = take > r->limit - buf_len(&r->partial);
    if (r->too_large) return false;
    struct text raw = text_make(input->p, take);
    *input = text_from(*input, take);
    if (!complete || buf_len(&r->partial)) {
        buf_add(&r->partial, raw);
        raw = buf_text(&r->partial);
        r->returned = complete;
    }
    if (complete) read_fields(r, raw, event);
    return complete;
}
