/* reading.c - see reading.h.
 *
 * Events are passed on as ranges of the piece they came in; bytes are copied only while they are held and when an event
 * was cut in two.
 */
#include "dsgate/relay/reading.h"

static bool mentions(struct text value, struct text word) { return text_find(value, word) < value.n; }

static enum reading_mode choose_mode(enum endpoint_family family, unsigned status, struct text type,
                                     struct text encoding)
{
    if (encoding.n && !text_eq_nocase(encoding, TEXT("identity"))) return READ_OPAQUE;
    if (status >= 400) return READ_ERROR;
    if (family == FAMILY_OPAQUE || status != 200) return READ_OPAQUE;
    return mentions(type, TEXT("event-stream")) ? READ_EVENTS : READ_PLAIN;
}

void reading_init(struct reading *r, enum endpoint_family family, unsigned status, struct text content_type,
                  struct text encoding, size_t hold_limit, size_t event_limit)
{
    *r = (struct reading){.family = family, .status = status, .hold_limit = hold_limit};
    r->mode = choose_mode(family, status, content_type, encoding);
    sse_reader_init(&r->sse, event_limit);
}

void reading_free(struct reading *r)
{
    buf_free(&r->held);
    sse_reader_free(&r->sse);
}

/* Another upstream is worth trying. */
static bool is_retryable(const struct reading *r)
{
    static const unsigned always[] = {429, 500, 502, 503, 504}, with_our_key[] = {401, 402, 403};
    for (unsigned i = 0; i < sizeof always / sizeof *always; i++)
        if (r->status == always[i]) return true;
    for (unsigned i = 0; r->key_is_ours && i < sizeof with_our_key / sizeof *with_our_key; i++)
        if (r->status == with_our_key[i]) return true;
    return false;
}

bool reading_is_complete(const struct reading *r)
{
    return r->mode == READ_EVENTS && (r->facts.done || r->facts.finish != FINISH_NONE);
}

const char *reading_reason_name(enum reading_reason r)
{
    static const char *const names[] = {
#define X(id, name) [id] = name,
        READING_REASONS(X)
#undef X
    };
    return names[r];
}

static struct reading_step refuse(enum reading_reason reason)
{
    return (struct reading_step){.verdict = READING_REFUSE, .reason = reason};
}

/* Shows what is held and then `more`. */
static struct reading_step pass(struct reading *r, struct text more)
{
    struct reading_step step = {.verdict = READING_PASS};
    if (buf_len(&r->held)) step.out[step.n++] = iov_of(buf_text(&r->held));
    if (more.n) step.out[step.n++] = iov_of(more);
    r->committed = true;
    return step;
}

/* What was passed last time is with the client now. */
static void drop_passed(struct reading *r)
{
    if (r->committed) buf_free(&r->held);
}

struct reading_step reading_commit(struct reading *r)
{
    drop_passed(r);
    return pass(r, TEXT_NONE);
}

/* ---- events ---- */

static bool inside(struct text whole, const char *p) { return p >= whole.p && p <= whole.p + whole.n; }

/* Reads the events of a piece. Returns the range of the piece that whole events cover; events that were put together
 * from several pieces are appended to `held`. *told: an error came before any token. What the client did wrong is for
 * the client to read: no other upstream could mend it. */
static struct text read_events(struct reading *r, struct text in, bool *told)
{
    struct text piece = in, whole = text_make(in.p, 0);
    struct sse_event e;
    while (sse_next(&r->sse, &in, &e)) {
        if (inside(piece, e.raw.p)) {
            if (whole.n == 0) whole.p = e.raw.p;
            whole.n += e.raw.n;
        } else {
            buf_add(&r->held, e.raw);
        }
        if (!e.has_data) continue;
        r->events++;
        answer_read_event(&r->facts, r->family, e.name, e.data, r->facts.token);
        if (r->facts.error && !r->facts.mistake && !r->committed && !r->facts.token) *told = true;
    }
    return whole;
}

static struct reading_step feed_events(struct reading *r, struct text in, bool end)
{
    bool error_told = false;
    struct text whole = read_events(r, in, &error_told);
    if (r->sse.too_large) return refuse(READING_EVENT_TOO_LARGE);
    if (error_told) return refuse(READING_ERROR_EVENT);
    if (end && !reading_is_complete(r) && !r->facts.error)
        return refuse(r->facts.token ? READING_CUT : READING_EMPTY_STREAM);
    bool show = r->committed || r->facts.token || end || r->facts.done || buf_len(&r->held) + whole.n > r->hold_limit;
    if (!show) {
        buf_add(&r->held, whole);
        return (struct reading_step){.verdict = READING_HOLD};
    }
    struct reading_step step = pass(r, whole);
    struct text rest = end ? sse_leftover(&r->sse) : TEXT_NONE; /* e.g. [DONE] without its blank line */
    if (rest.n) step.out[step.n++] = iov_of(rest);
    return step;
}

/* ---- whole documents ---- */

static bool is_blank(struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        if (!strchr(" \t\r\n", t.p[i])) return false;
    return true;
}

/* false: it is no good, because of *why. */
static bool judge(struct reading *r, struct text body, enum reading_reason *why)
{
    if (r->mode != READ_PLAIN) {
        *why = READING_ERROR_STATUS;
        return !is_retryable(r);
    }
    *why = READING_EMPTY_ANSWER;
    if (is_blank(body)) return false;
    answer_read_body(&r->facts, r->family, body);
    *why = r->facts.valid ? READING_ERROR_UNDER_200 : READING_BAD_JSON;
    return r->facts.valid && !r->facts.error;
}

static struct reading_step feed_document(struct reading *r, struct text in, bool end)
{
    enum reading_reason why;
    bool all_here = end && buf_len(&r->held) == 0; /* the usual answer comes in one piece and is never copied */
    if (!all_here) buf_add(&r->held, in);
    if (buf_len(&r->held) > r->hold_limit) {
        r->mode = READ_OPAQUE; /* too long to hold: from here on it is passed as it comes */
        return pass(r, TEXT_NONE);
    }
    if (!end) return (struct reading_step){.verdict = READING_HOLD};
    if (judge(r, all_here ? in : buf_text(&r->held), &why)) return pass(r, all_here ? in : TEXT_NONE);
    if (all_here) buf_add(&r->held, in); /* an error answer may still be shown, if nothing better comes */
    return refuse(why);
}

struct reading_step reading_feed(struct reading *r, struct text in, bool end)
{
    drop_passed(r);
    if (r->mode == READ_EVENTS) return feed_events(r, in, end);
    if (r->mode == READ_OPAQUE) return pass(r, in);
    return feed_document(r, in, end);
}
