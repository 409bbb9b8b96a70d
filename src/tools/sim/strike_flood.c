/* strike_flood.c - faults that are too much of something, made piece by piece as fast as the client takes them, and
 * bytes in the middle of an event.
 */
#include "player_private.h"

enum { MEGABYTE = 1000 * 1000, FLOOD_STEP = 64 * 1024, FLOOD_MOST = 64 * 1024 * 1024 };

static void fill(struct buf *b, struct text line, size_t n)
{
    buf_clear(b);
    while (buf_len(b) < n)
        buf_add(b, line);
}

/* ---- before the body ---- */

usec_t strike_headers(struct player *p)
{
    struct buf *b = &p->worker->scratch;
    struct outlet_head head = {0};
    if (!p->outlet.begun) {
        head = stage_head(p);
        outlet_send(&p->outlet, &head, TEXT_NONE, ENDING_NONE);
    }
    fill(b, TEXT("X-Filler: 0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n"), FLOOD_STEP);
    outlet_send_bytes(&p->outlet, buf_text(b));
    p->filler += (uint32_t)buf_len(b);
    if (p->filler >= FLOOD_MOST) outlet_finish(&p->outlet, ENDING_CUT);
    return p->interval;
}

static usec_t play_interims(struct player *p)
{
    static const struct text interim = {"HTTP/1.1 100 Continue\r\n\r\n", 25};
    bool endless = p->scenario.interims == 0;
    uint32_t most = FLOOD_STEP / (uint32_t)interim.n, n = !endless && p->interims < most ? p->interims : most;
    fill(&p->worker->scratch, interim, n * interim.n);
    outlet_send_bytes(&p->outlet, buf_text(&p->worker->scratch));
    p->interims -= endless ? 0 : n;
    p->filler += (uint32_t)buf_len(&p->worker->scratch);
    if (endless && p->filler >= FLOOD_MOST) outlet_finish(&p->outlet, ENDING_CUT);
    if (endless || p->interims) return 0;
    p->filler = 0;
    p->stage = stage_first;
    return 0;
}

usec_t strike_interims(struct player *p)
{
    p->interims = p->scenario.interims;
    p->stage = play_interims;
    return play_interims(p);
}

/* ---- inside the body ---- */

usec_t strike_blank(struct player *p)
{
    p->stage = strike_blank;
    fill(&p->worker->scratch, TEXT("\n"), FLOOD_STEP);
    p->filler += FLOOD_STEP;
    stage_send(p, buf_text(&p->worker->scratch), p->filler >= FLOOD_MOST ? ENDING_CUT : ENDING_NONE);
    return 0;
}

size_t strike_text_place(struct text event)
{
    static const char *const members[] = {
        "\"content\":\"", "\"reasoning_content\":\"", "\"reasoning\":\"",   "\"arguments\":\"", "\"text\":\"",
        "\"delta\":\"",   "\"thinking\":\"",          "\"partial_json\":\""};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        size_t at = text_find(event, text_of(members[i]));
        if (at < event.n) return at + strlen(members[i]);
    }
    return 0;
}

/* Sends what comes before the text of the next event, keeps the rest. A whole answer has come to its text already. */
static void open_event(struct player *p)
{
    if (!p->plan.stream) return;
    struct text event = stage_make_next(p);
    size_t at = strike_text_place(event);
    buf_add(&p->rest, text_from(event, at));
    stage_send(p, text_make(event.p, at), ENDING_NONE);
}

static void close_event(struct player *p)
{
    if (p->plan.stream) stage_send(p, buf_text(&p->rest), p->beat == plan_beats(&p->plan) ? ENDING_LAST : ENDING_NONE);
    buf_free(&p->rest);
    p->stage = stage_body;
}

usec_t strike_bad_utf8(struct player *p)
{
    open_event(p);
    stage_send(p, TEXT("\xC3(\xFF\xED\xA0\x80"), ENDING_NONE);
    close_event(p);
    return p->interval;
}

static usec_t play_huge_event(struct player *p)
{
    uint32_t all = p->scenario.event_mb * MEGABYTE, left = all - p->filler;
    uint32_t n = left < FLOOD_STEP ? left : FLOOD_STEP;
    fill(&p->worker->scratch, TEXT("x"), n);
    stage_send(p, buf_text(&p->worker->scratch), ENDING_NONE);
    p->filler += n;
    if (p->filler == all) close_event(p);
    return 0;
}

usec_t strike_huge_event(struct player *p)
{
    open_event(p);
    p->stage = play_huge_event;
    return 0;
}
