/* stages.c - an answer as it should be: head, keep-alives, beats. */
#include "hash.h"
#include "player_private.h"

enum { BATCH = 16 * 1024 /* bytes made in one turn when there is no pace to keep */ };

/* ---- head and bytes ---- */

static const char *content_type(const struct player *p)
{
    if (p->scenario.wrong_type) return p->plan.stream ? "application/json" : "text/plain; charset=utf-8";
    return p->plan.stream ? "text/event-stream; charset=utf-8" : "application/json";
}

struct outlet_head stage_head(struct player *p)
{
    struct buf *b = &p->worker->fields;
    const struct scenario *s = &p->scenario;
    buf_clear(b);
    answer_fields(b, content_type(p), p->plan.id_seed);
    if (p->plan.stream) http_put(b, TEXT("Cache-Control"), TEXT("no-cache"));
    struct outlet_head head = {.fields = buf_text(b), .endless = s->head == HEAD_ENDLESS};
    if (s->head == HEAD_GARBAGE)
        head.garbage = TEXT("this line is no header\r\nBad Name: 1\r\n: nameless\r\nX-Control: a\x01\r\n");
    head.has_length = s->head == HEAD_BAD_LENGTH;
    head.length = p->length;
    return head;
}

void stage_send(struct player *p, struct text piece, enum ending ending)
{
    struct outlet_head head = {0};
    if (!p->outlet.begun) {
        head = stage_head(p);
        record_status(p->worker->sim->record, 200);
    }
    record_count(p->worker->sim->record, RECORD_BYTES, piece.n);
    outlet_send(&p->outlet, &head, piece, ending);
}

void stage_send_keep_alive(struct player *p)
{
    bool comment = p->plan.stream && p->scenario.opening == OPENING_COMMENTS;
    stage_send(p, comment ? TEXT(": keep-alive\n\n") : TEXT("\n"), ENDING_NONE);
}

/* ---- streams ---- */

static const struct dialect *dialect_of_player(const struct player *p) { return dialect_of(p->plan.api); }

static void make_beat(struct player *p, struct buf *out)
{
    struct beat b = plan_beat(&p->plan, p->beat++);
    dialect_of_player(p)->beat(&p->plan, b, out);
    if (b.kind == BEAT_DONE && p->scenario.two_done) dialect_of_player(p)->beat(&p->plan, b, out);
    if (p->plan.alias) p->plan.alias++;
    p->tokens += plan_beat_tokens(&p->plan, b);
}

static usec_t play_beats(struct player *p)
{
    struct buf *b = &p->worker->scratch;
    bool one_by_one = p->interval || p->outlet.drip;
    unsigned all = plan_beats(&p->plan);
    if (p->beat == p->fault_at) return strike(p);
    buf_clear(b);
    do
        make_beat(p, b);
    while (!one_by_one && p->beat < all && p->beat != p->fault_at && buf_len(b) < BATCH);
    stage_send(p, buf_text(b), p->beat == all ? ENDING_LAST : ENDING_NONE);
    return p->interval;
}

/* ---- answers in one piece ---- */

static struct text make_whole(struct player *p)
{
    struct buf *b = &p->worker->scratch;
    buf_clear(b);
    dialect_of_player(p)->whole(&p->plan, b);
    return buf_text(b);
}

/* Where a fault's position lies in a body. What happens inside a text needs one. */
static size_t byte_position(const struct scenario *s, struct text all)
{
    size_t n = all.n;
    if (s->fault == FAULT_BAD_UTF8 || s->fault == FAULT_HUGE_EVENT) return strike_text_place(all);
    switch (s->at) {
    case AT_BEFORE_HEADERS:
    case AT_DURING_HEADERS:
    case AT_AFTER_HEADERS: return 0;
    case AT_FIRST_EVENT: return 1;
    case AT_LAST_CHUNK: return n - 1;
    case AT_BEFORE_DONE: return n;
    case AT_EVENT: return s->event < n ? s->event : n;
    case AT_RANDOM: return hash_pick(s->draw, 0, n);
    case AT_MID_REASONING:
    case AT_MID_CONTENT:
    case AT_MID_TOOL_CALL:
    case POSITIONS: break;
    }
    return n / 2;
}

static usec_t play_whole(struct player *p)
{
    bool fault = p->fault_at != FAULT_NEVER;
    if (fault && (p->scenario.fault == FAULT_ERROR || p->scenario.fault == FAULT_ERROR_DONE))
        return strike_whole_error(p);
    struct text all = make_whole(p);
    size_t end = fault ? byte_position(&p->scenario, all) : all.n;
    stage_send(p, text_make(all.p + p->sent, end - p->sent), fault ? ENDING_NONE : ENDING_LAST);
    p->sent = end;
    p->tokens = p->plan.usage.completion;
    if (fault) p->stage = strike;
    if (p->worker->scratch.capacity > LOOP_SCRATCH) buf_free(&p->worker->scratch);
    return 0;
}

struct text stage_make_next(struct player *p)
{
    if (!p->plan.stream) return text_from(make_whole(p), p->sent);
    buf_clear(&p->worker->scratch);
    make_beat(p, &p->worker->scratch);
    return buf_text(&p->worker->scratch);
}

usec_t stage_body(struct player *p) { return p->plan.stream ? play_beats(p) : play_whole(p); }

/* ---- before the body ---- */

static usec_t play_keep_alives(struct player *p)
{
    stage_send_keep_alive(p);
    if (--p->keep_alives == 0) p->stage = stage_body;
    return p->keep_alive;
}

/* An answer that is no stream takes as long as its tokens. */
static usec_t time_to_body(const struct player *p)
{
    usec_t tokens = p->plan.stream ? 0 : p->interval * p->plan.usage.completion;
    return p->first_token + tokens;
}

/* The true length of the body, by making it. */
static uint64_t measure(struct player *p)
{
    uint64_t length = 0;
    unsigned all = plan_beats(&p->plan);
    if (!p->plan.stream) return make_whole(p).n;
    while (p->beat < all)
        length += stage_make_next(p).n;
    p->beat = p->plan.sequence = 0;
    p->tokens = 0;
    if (p->plan.alias) p->plan.alias = 1;
    return length;
}

usec_t stage_start(struct player *p)
{
    const struct scenario *s = &p->scenario;
    uint64_t length = s->head == HEAD_BAD_LENGTH ? measure(p) + s->length_error : 0;
    p->length = length > s->length_short ? length - s->length_short : 0;
    if (s->head) strike_count(p);
    if (s->head == HEAD_INTERIM) return strike_interims(p);
    return stage_first(p);
}

usec_t stage_first(struct player *p)
{
    if (strike_wants_head(&p->scenario)) return strike_head(p);
    p->stage = p->keep_alives ? play_keep_alives : stage_body;
    return p->keep_alives ? 0 : time_to_body(p);
}
