/* strike.c - an answer as it should not be: what happens when a scenario's position is reached. */
#include "player_private.h"

bool strike_needs_raw(const struct scenario *s)
{
    return s->drip || s->head || s->fault == FAULT_BAD_CHUNK || (s->fault && s->at == AT_DURING_HEADERS);
}

bool strike_wants_head(const struct scenario *s)
{
    return s->head == HEAD_ENDLESS || (s->fault && (s->at == AT_BEFORE_HEADERS || s->at == AT_DURING_HEADERS));
}

void strike_count(struct player *p)
{
    record_count(p->worker->sim->record, RECORD_FAULTS, 1);
    p->struck = true;
}

/* ---- silence ---- */

/* Comments have no place inside a JSON body. */
static bool speaks(const struct player *p)
{
    return p->scenario.fault == FAULT_STALL_COMMENTS && (p->plan.stream || p->sent == 0);
}

static usec_t play_stall(struct player *p)
{
    usec_t now = loop_now(p->worker->loop), left = p->resume - now;
    if (left <= 0) {
        p->stage = stage_body;
        return 0;
    }
    if (speaks(p)) {
        stage_send_keep_alive(p);
        return p->keep_alive < left ? p->keep_alive : left;
    }
    return p->resume == USEC_NEVER ? USEC_NEVER : left;
}

static usec_t begin_stall(struct player *p)
{
    usec_t length = p->scenario.fault_value * USEC_PER_MS;
    p->resume = length && p->scenario.at != AT_DURING_HEADERS ? loop_now(p->worker->loop) + length : USEC_NEVER;
    p->stage = play_stall;
    return play_stall(p);
}

/* ---- before the body ---- */

usec_t strike_head(struct player *p)
{
    if (p->scenario.head == HEAD_ENDLESS) {
        p->stage = strike_headers;
        return 0;
    }
    strike_count(p);
    p->fault_at = FAULT_NEVER;
    if (p->scenario.at == AT_DURING_HEADERS) {
        struct outlet_head head = stage_head(p);
        outlet_halve_head(&p->outlet, &head);
    }
    if (p->scenario.fault == FAULT_STALL || p->scenario.fault == FAULT_STALL_COMMENTS) return begin_stall(p);
    outlet_finish(&p->outlet, p->scenario.fault == FAULT_RESET ? ENDING_RESET : ENDING_CUT);
    return 0;
}

/* ---- inside the body ---- */

static usec_t send_failure(struct player *p)
{
    struct buf *b = &p->worker->scratch;
    const struct dialect *dialect = dialect_of(p->plan.api);
    buf_clear(b);
    dialect->failure(&p->plan, text_of(error_find(TEXT("busy"))->message), "service_unavailable_error", b);
    if (p->scenario.fault == FAULT_ERROR_DONE) buf_add(b, text_of(dialect->done));
    stage_send(p, buf_text(b), ENDING_LAST);
    return 0;
}

usec_t strike_whole_error(struct player *p)
{
    struct buf *b = &p->worker->scratch;
    struct refusal r = {0};
    strike_count(p);
    refuse_row(&r, error_find(TEXT("busy")));
    r.shape = p->worker->sim->options.provider->errors;
    buf_clear(b);
    refusal_body(&r, b);
    refusal_free(&r);
    stage_send(p, buf_text(b), ENDING_LAST);
    return 0;
}

static usec_t send_half(struct player *p)
{
    struct text next = stage_make_next(p);
    stage_send(p, text_make(next.p, next.n / 2), ENDING_CUT);
    return 0;
}

/* The event ends as events do, only its JSON does not. */
static usec_t send_bad_json(struct player *p)
{
    struct text next = stage_make_next(p);
    bool stream = p->plan.stream;
    stage_send(p, text_make(next.p, next.n / 2), stream ? ENDING_NONE : ENDING_LAST);
    if (stream) stage_send(p, TEXT("\n\n"), p->beat == plan_beats(&p->plan) ? ENDING_LAST : ENDING_NONE);
    return p->interval;
}

static usec_t send_bad_chunk(struct player *p)
{
    stage_send(p, TEXT_NONE, ENDING_CUT);
    outlet_send_bytes(&p->outlet, TEXT("zz\r\nthis chunk's size is no number\r\n"));
    return 0;
}

static usec_t finish(struct player *p, enum ending ending)
{
    stage_send(p, TEXT_NONE, ending);
    return 0;
}

usec_t strike(struct player *p)
{
    strike_count(p);
    p->fault_at = FAULT_NEVER;
    p->stage = stage_body;
    switch (p->scenario.fault) {
    case FAULT_NONE: break;
    case FAULT_EOF: return finish(p, ENDING_CUT);
    case FAULT_RESET: return finish(p, ENDING_RESET);
    case FAULT_END: return finish(p, ENDING_LAST);
    case FAULT_STALL:
    case FAULT_STALL_COMMENTS: stage_send(p, TEXT_NONE, ENDING_NONE); return begin_stall(p);
    case FAULT_HALF_EVENT: return send_half(p);
    case FAULT_BAD_JSON: return send_bad_json(p);
    case FAULT_ERROR:
    case FAULT_ERROR_DONE: return send_failure(p);
    case FAULT_BAD_CHUNK: return send_bad_chunk(p);
    case FAULT_BAD_UTF8: return strike_bad_utf8(p);
    case FAULT_HUGE_EVENT: return strike_huge_event(p);
    case FAULT_BLANK: return strike_blank(p);
    }
    return 0;
}
