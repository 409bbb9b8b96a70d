/* reading_events.c - streams.
 *
 * Events are passed on as ranges of the piece they came in; bytes are copied only while they are held, when an event
 * was cut in two, and when the client gets something else than what came: a mended chunk, or a whole plain answer.
 */
#include "reading_private.h"

static bool inside(struct text whole, const char *p) { return p >= whole.p && p <= whole.p + whole.n; }

static bool is_chat(const struct reading *r) { return r->o.family == FAMILY_CHAT || r->o.family == FAMILY_COMPLETION; }

/* ---- one event: is it good? ---- */

static bool looks_like_json(struct text data)
{
    data = reading_skip_blank(data);
    return data.n && (data.p[0] == '{' || data.p[0] == '[');
}

/* What the client did wrong is for the client to read, if it comes before any token: nobody else could mend it. */
static bool judge_error_event(struct reading *r, const struct sse_event *e)
{
    r->complaint = complaint_read(r->o.dialect, r->status, e->data);
    if (r->complaint.blame == BLAME_CLIENT && !r->facts.token && !r->o.assembles && !r->o.sent) return true;
    buf_add(&r->offence, e->raw);
    return false;
}

/* Signs of life have a name in Anthropic's shape. */
static bool is_ping(const struct sse_event *e) { return text_eq(e->name, TEXT("ping")); }

/* Adds what the event says to the facts. False: it should be JSON, and is broken. */
static bool read_event(struct reading *r, const struct sse_event *e, bool *error)
{
    struct answer_facts *f = &r->facts, before = *f;
    bool skimmed = before.token && !is_chat(r);
    f->token = f->error = false;
    bool read = answer_read_event(f, r->o.family, e->name, e->data, skimmed);
    *error = f->error;
    if (r->o.spent) f->token = false;
    r->tokens += f->token || (skimmed && !is_ping(e));
    f->token |= before.token;
    f->error |= before.error;
    return read || !looks_like_json(e->data);
}

static bool judge_event(struct reading *r, const struct sse_event *e, enum reading_reason *why)
{
    bool error;
    *why = READING_BAD_EVENT;
    if (!read_event(r, e, &error)) return false;
    *why = READING_ERROR_EVENT;
    if (error && !judge_error_event(r, e)) return false;
    if (reading_finish_is_bad(r, why)) return false;
    if (is_chat(r) && looks_like_json(e->data) && !r->o.spent) transcript_note(&r->transcript, e->data);
    return true;
}

/* ---- one event: what the client gets of it ---- */

/* What comes after the end is none of its answer; before the commit, signs of life are the gateway's to give. */
static bool is_dropped(const struct reading *r, const struct sse_event *e)
{
    bool speaks = r->committed || r->facts.token;
    return e->has_data ? r->facts.done : !speaks || r->o.assembles;
}

static struct text mend(struct reading *r, struct text data)
{
    if (!r->seam || r->facts.done) return data;
    buf_clear(&r->seam->mended);
    seam_mend(&r->seam->seam, data, &r->seam->mended);
    return buf_text(&r->seam->mended);
}

/* JSON may be written in several lines. */
static void put_event(struct buf *b, struct text data)
{
    for (struct text line; text_cut(&data, '\n', &line);) {
        BUF_ADD(b, "data: ");
        buf_add(b, line);
        BUF_ADD(b, "\n");
    }
    BUF_ADD(b, "\n");
}

/* On a sheet that is spoilt nobody can go on. */
static bool assemble(struct reading *r, struct text data)
{
    if (r->facts.done || !looks_like_json(data) || assembly_add(r->assembly, data)) return true;
    r->transcript.closed = true;
    return false;
}

/* For a client that gets something else than the bytes that came. */
static bool add_changed(struct reading *r, const struct sse_event *e)
{
    struct text data = mend(r, e->data);
    if (data.n == 0) return true;
    if (r->o.assembles) return assemble(r, data);
    put_event(&r->held, data);
    return true;
}

/* ---- a piece of the stream ---- */

/* The range of the piece that is to be shown as it came, so far. */
struct range {
    struct text piece, shown;
};

static void add_as_it_came(struct reading *r, struct range *range, const struct sse_event *e)
{
    struct text *shown = &range->shown;
    bool follows = shown->n && shown->p + shown->n == e->raw.p;
    if (!follows) {
        buf_add(&r->held, *shown);
        *shown = TEXT_NONE;
    }
    if (!inside(range->piece, e->raw.p))
        buf_add(&r->held, e->raw);
    else if (follows)
        shown->n += e->raw.n;
    else
        *shown = e->raw;
}

/* An answer that has said its end is not spoilt by what comes after. */
static bool end_before(struct reading *r, const struct answer_facts *before)
{
    buf_clear(&r->offence);
    r->complaint = (struct complaint){0};
    r->facts = *before;
    r->facts.done = true;
    return true;
}

/* False: an event is no good, because of *why. */
static bool take_event(struct reading *r, struct range *range, const struct sse_event *e, enum reading_reason *why)
{
    r->spoke |= e->has_data;
    r->ended_twice |= e->has_data && r->facts.done;
    if (is_dropped(r, e)) return true;
    if (e->has_data && transcript_repeats(&r->transcript, e->data)) {
        r->facts.token = true;
        r->tokens++;
    } else if (e->has_data) {
        struct answer_facts before = r->facts;
        bool complete = reading_is_complete(r);
        if (!judge_event(r, e, why)) return complete && end_before(r, &before);
    }
    *why = READING_ANSWER_TOO_LARGE;
    if (e->has_data && (r->seam || r->o.assembles)) return add_changed(r, e);
    add_as_it_came(r, range, e);
    return true;
}

static bool read_piece(struct reading *r, struct range *range, enum reading_reason *why)
{
    struct text in = range->piece;
    struct sse_event e;
    while (sse_next(&r->sse, &in, &e))
        if (!take_event(r, range, &e, why)) return false;
    *why = READING_EVENT_TOO_LARGE;
    return !r->sse.too_large;
}

/* ---- what is to be done ---- */

/* The last event may miss its blank line; half an event is none. */
static struct text unfinished_done(const struct reading *r)
{
    struct text rest = sse_leftover(&r->sse), prefix = TEXT("data:");
    bool done = text_starts(rest, prefix) && text_eq(text_trim(text_from(rest, prefix.n)), TEXT("[DONE]"));
    return done ? rest : TEXT_NONE;
}

static bool ended_well(struct reading *r, enum reading_reason *why)
{
    *why = r->facts.token ? READING_CUT : READING_EMPTY_STREAM;
    if (!reading_is_complete(r)) return false;
    *why = READING_EMPTY_CONTENT;
    if (r->facts.error || !reading_is_empty(r)) return true;
    if (r->o.assembles && !assembly_write(r->assembly, &r->held)) *why = READING_BAD_JSON; /* it may yet be shown */
    return false;
}

static struct reading_step show_whole(struct reading *r)
{
    buf_clear(&r->held);
    if (!assembly_write(r->assembly, &r->held)) return reading_refuse(READING_BAD_JSON);
    return reading_pass(r, TEXT_NONE);
}

struct reading_step reading_feed_events(struct reading *r, struct text in, bool end)
{
    struct range range = {.piece = in};
    enum reading_reason why;
    bool good = read_piece(r, &range, &why);
    bool over = end || r->facts.done || r->facts.error;
    if (good && over) good = ended_well(r, &why);
    if (good && end && r->o.assembles) return show_whole(r);
    bool speaks = r->committed || r->facts.token || over || buf_len(&r->held) + range.shown.n > r->o.hold_limit;
    if (good && speaks && !r->o.assembles) {
        struct reading_step step = reading_pass(r, range.shown);
        struct text rest = end ? unfinished_done(r) : TEXT_NONE;
        if (rest.n) step.out[step.n++] = iov_of(rest);
        return step;
    }
    buf_add(&r->held, range.shown);
    return good ? (struct reading_step){.verdict = READING_HOLD} : reading_refuse(why);
}
