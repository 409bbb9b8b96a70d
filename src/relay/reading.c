/* reading.c - see reading.h: what kind of answer it is, and whole documents. Streams are in reading_events.c. */
#include "dsgate/base/mem.h"
#include "dsgate/llm/dialect.h"
#include "reading_private.h"

static bool mentions(struct text value, struct text word) { return text_find(value, word) < value.n; }

static enum reading_mode choose_mode(enum endpoint_family family, unsigned status, struct text type,
                                     struct text encoding)
{
    if (status >= 400) return READ_ERROR; /* where it can't be read, the status tells */
    if (encoding.n && !text_eq_nocase(encoding, TEXT("identity"))) return READ_OPAQUE;
    if (family == FAMILY_OPAQUE || status != 200) return READ_OPAQUE;
    return mentions(type, TEXT("event-stream")) ? READ_EVENTS : READ_PLAIN;
}

static void begin_stream(struct reading *r)
{
    enum { ASSEMBLY_MAX = 32 * 1024 * 1024 }; /* many times what a model's longest answer takes */
    sse_reader_init(&r->sse, r->o.event_limit);
    transcript_begin(&r->transcript, r->o.family, r->o.transcript_limit);
    if (r->o.sent) {
        r->seam = MEM_NEW(struct reading_seam);
        seam_begin(&r->seam->seam, r->o.sent, dialect_row(r->o.dialect)->continues_reasoning, r->o.spent);
    }
    if (r->o.assembles) r->assembly = r->o.partial ? r->o.partial : assembly_new(FAMILY_CHAT, ASSEMBLY_MAX);
}

void reading_begin(struct reading *r, unsigned status, struct text content_type, struct text encoding)
{
    r->status = status;
    r->mode = choose_mode(r->o.family, status, content_type, encoding);
    r->unreadable = r->mode == READ_OPAQUE && status == 200 && mentions(content_type, TEXT("event-stream"));
    if (r->mode == READ_EVENTS) begin_stream(r);
}

static void free_seam(struct reading_seam *s)
{
    if (!s) return;
    seam_free(&s->seam);
    buf_free(&s->mended);
    mem_free(s);
}

void reading_free(struct reading *r)
{
    buf_free(&r->held);
    if (r->mode != READ_EVENTS) return; /* the rest is for streams */
    buf_free(&r->offence);
    sse_reader_free(&r->sse);
    transcript_free(&r->transcript);
    free_seam(r->seam);
    assembly_free(reading_take_partial(r));
}

struct assembly *reading_take_partial(struct reading *r)
{
    struct assembly *own = r->assembly == r->o.partial ? NULL : r->assembly;
    r->assembly = NULL;
    return own;
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

/* Each choice has an end of its own. A plain answer that is put together misses its usage when it ends between the two,
 * and is none without a finish_reason. A mistake of the client's is all that will come. */
bool reading_is_complete(const struct reading *r)
{
    bool finished = r->facts.ends > r->o.more_choices && (!r->o.assembles || r->facts.usage.known);
    bool done = r->facts.done && (!r->o.assembles || r->facts.ends > 0);
    return r->mode == READ_EVENTS && (done || finished || r->facts.error);
}

bool reading_says_nothing(const struct reading *r)
{
    if (r->mode != READ_EVENTS) return r->mode == READ_PLAIN && buf_len(&r->held) == 0;
    struct text half = text_trim(sse_leftover(&r->sse));
    return !r->spoke && (half.n == 0 || half.p[0] == ':');
}

/* A document that does not even say that it is an answer is none of ours to judge. */
bool reading_is_empty(const struct reading *r)
{
    enum finish least = r->mode == READ_EVENTS ? FINISH_NONE : FINISH_STOP;
    bool ended = r->facts.finish >= least && r->facts.finish <= FINISH_STOP;
    return ended && !r->facts.token && !r->o.takes_empty && !r->o.sent;
}

bool reading_finish_is_bad(const struct reading *r, enum reading_reason *why)
{
    *why = r->facts.finish == FINISH_EXHAUSTED ? READING_EXHAUSTED : READING_ABORTED;
    return r->facts.finish >= FINISH_EXHAUSTED;
}

struct reading_step reading_pass(struct reading *r, struct text more)
{
    struct reading_step step = {.verdict = READING_PASS};
    if (buf_len(&r->held)) step.out[step.n++] = iov_of(buf_text(&r->held));
    if (more.n) step.out[step.n++] = iov_of(more);
    r->committed = r->passed = true;
    return step;
}

/* What was passed last time is with the client now. */
static void drop_passed(struct reading *r)
{
    if (r->passed) buf_free(&r->held);
    r->passed = false;
}

/* What is held of a document is an error, or half of it. */
struct text reading_unshown(const struct reading *r)
{
    return r->passed || r->mode != READ_EVENTS ? TEXT_NONE : buf_text(&r->held);
}

struct reading_step reading_finish(struct reading *r)
{
    drop_passed(r);
    return r->mode == READ_EVENTS ? reading_feed_events(r, TEXT_NONE, true) : reading_pass(r, TEXT_NONE);
}

/* ---- whole documents ---- */

struct text reading_skip_blank(struct text t)
{
    size_t n = 0;
    while (n < t.n && strchr(" \t\r\n", t.p[n]) && t.p[n])
        n++;
    return text_from(t, n);
}

/* Could it be another upstream that mends the error? Another model takes more, perhaps; and what goes on from a text is
 * our request, not the client's. */
static bool is_mendable(const struct reading *r)
{
    const struct complaint *c = &r->complaint;
    return c->blame != BLAME_CLIENT || c->context_length || r->o.sent;
}

/* Whose key it is answers for it. */
static void read_complaint(struct reading *r, struct text body)
{
    r->complaint = complaint_read(r->o.dialect, r->status, body);
    if (r->complaint.blame == BLAME_KEY && !r->o.key_is_ours) r->complaint.blame = BLAME_CLIENT;
}

static bool judge_error(struct reading *r, struct text body, enum reading_reason *why)
{
    *why = READING_ERROR_STATUS;
    read_complaint(r, body);
    return !is_mendable(r);
}

static bool judge_object(struct reading *r, struct text body, enum reading_reason *why)
{
    *why = READING_ERROR_UNDER_200;
    if (r->facts.error) {
        read_complaint(r, body);
        return false;
    }
    if (reading_finish_is_bad(r, why)) return false;
    *why = READING_EMPTY_CONTENT;
    return !reading_is_empty(r);
}

/* false: it is no good, because of *why. */
static bool judge(struct reading *r, struct text body, enum reading_reason *why)
{
    if (r->mode != READ_PLAIN) return judge_error(r, body, why);
    body = reading_skip_blank(body);
    *why = READING_EMPTY_ANSWER;
    if (body.n == 0) return false;
    *why = body.p[0] == '<' ? READING_HTML : READING_BAD_JSON;
    answer_read_body(&r->facts, r->o.family, body);
    return r->facts.valid && judge_object(r, body, why);
}

static struct reading_step feed_document(struct reading *r, struct text in, bool end)
{
    enum reading_reason why;
    /* Blank lines are a sign of life, and may have no end. */
    if (buf_len(&r->held) == 0 && r->mode == READ_PLAIN) in = reading_skip_blank(in);
    bool all_here = end && buf_len(&r->held) == 0; /* the usual answer comes in one piece and is never copied */
    if (!all_here) buf_add(&r->held, in);
    bool too_long = buf_len(&r->held) > r->o.hold_limit;
    if (too_long && !r->o.sent) {
        r->mode = READ_OPAQUE; /* from here on it is passed as it comes */
        return reading_pass(r, TEXT_NONE);
    }
    if (!end && !too_long) return (struct reading_step){.verdict = READING_HOLD};
    if (judge(r, all_here ? in : buf_text(&r->held), &why)) return reading_pass(r, all_here ? in : TEXT_NONE);
    if (all_here) buf_add(&r->held, in); /* an error answer may still be shown, if nothing better comes */
    return reading_refuse(why);
}

/* Of which nothing can be made for this client. */
static bool is_no_stream(const struct reading *r)
{
    return (r->o.sent && r->mode != READ_ERROR) || (r->o.assembles && r->unreadable);
}

struct reading_step reading_feed(struct reading *r, struct text in, bool end)
{
    drop_passed(r);
    if (r->mode == READ_EVENTS) return reading_feed_events(r, in, end);
    if (is_no_stream(r)) return reading_refuse(READING_NO_STREAM);
    if (r->mode == READ_OPAQUE) return reading_pass(r, in);
    return feed_document(r, in, end);
}
