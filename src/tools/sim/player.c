#include "dsgate/base/mem.h"
#include "player_private.h"

#define LATE_MOST  USEC_PER_SEC       /* a player that is later than this does not try to catch up */
#define LAST_WORDS (10 * USEC_PER_MS) /* between the last byte and a reset, so that the client has it */

/* A plain answer that the client did not wait for was generated up to here all the same. */
static unsigned tokens_generated(const struct player *p)
{
    usec_t left = p->due - loop_now(p->worker->loop);
    bool waits = !p->plan.stream && p->stage == stage_body && p->sent == 0;
    if (!waits || !p->interval || left < 0) return p->tokens;
    uint64_t missing = (uint64_t)((left + p->interval - 1) / p->interval);
    return missing < p->plan.usage.completion ? (unsigned)(p->plan.usage.completion - missing) : 0;
}

static bool is_complete(const struct player *p)
{
    return !p->struck && !p->scenario.cut_short && !p->scenario.empty_content;
}

static void count_end(const struct player *p, enum record_counter how)
{
    struct record *r = p->worker->sim->record;
    record_count(r, how, 1);
    if (how == RECORD_FINISHED && is_complete(p)) record_count(r, RECORD_COMPLETE, 1);
    record_count(r, RECORD_TOKENS, tokens_generated(p));
    record_move(r, RECORD_OPEN_ANSWERS, -1);
    if (p->plan.stream) record_move(r, RECORD_OPEN_STREAMS, -1);
}

static void end(struct player *p, enum record_counter how)
{
    count_end(p, how);
    lanes_leave(p->worker->sim->lanes, p->lane);
    timer_cancel(p->worker->loop, &p->timer);
    outlet_free(&p->outlet);
    buf_free(&p->rest);
    plan_free(&p->plan);
    mem_free(p);
}

/* ---- pace ---- */

static void play(struct player *p);
static void on_timer(struct timer *timer) { play(CONTAINER_OF(timer, struct player, timer)); }

/* The next part is due `wait` after the last one was due, so that a loop under load keeps the pace on average. */
static void wait_for(struct player *p, usec_t wait)
{
    usec_t now = loop_now(p->worker->loop);
    if (wait == USEC_NEVER) return;
    if (p->due < now - LATE_MOST) p->due = now;
    p->due += wait;
    timer_set(p->worker->loop, &p->timer, p->due, on_timer);
}

static usec_t outlet_pace(const struct player *p)
{
    if (p->outlet.slow) return p->scenario.slow_head_ms * USEC_PER_MS;
    return p->outlet.drip ? p->interval : LAST_WORDS;
}

/* Goes on as far as is possible now. */
static void play(struct player *p)
{
    usec_t wait = 0;
    enum outlet_state state = outlet_flush(&p->outlet);
    if (state == OUTLET_READY) {
        wait = p->stage(p);
        state = outlet_flush(&p->outlet);
    }
    p->full = state == OUTLET_FULL;
    if (state == OUTLET_READY) wait_for(p, wait);
    if (state == OUTLET_PACED) wait_for(p, outlet_pace(p));
    if (state == OUTLET_OVER) end(p, RECORD_FINISHED);
}

/* ---- the server's callbacks ---- */

void player_drained(struct exchange *x)
{
    struct player *p = exchange_context(x);
    if (p && p->full) play(p);
}

void player_gone(struct exchange *x)
{
    struct player *p = exchange_context(x);
    if (p) end(p, RECORD_ABORTED);
}

/* ---- beginning ---- */

static struct player *player_new(struct worker *w, const struct scenario *s, const struct pace *pace)
{
    struct player *p = MEM_NEW(struct player);
    p->worker = w;
    p->scenario = *s;
    p->stage = stage_start;
    p->due = loop_now(w->loop);
    p->interval = s->huge_mb ? 0 : pace->token_ms * USEC_PER_MS;
    p->keep_alive = pace->keep_alive_ms * USEC_PER_MS;
    p->first_token = pace->first_token_ms * USEC_PER_MS;
    p->keep_alives = s->keep_alives;
    return p;
}

static void make_plan(struct player *p, const struct call *call, unsigned tokens, unsigned hit)
{
    const struct options *o = &p->worker->sim->options;
    struct plan_wishes wishes = {.seed = o->seed, .tokens = tokens, .hit = hit};
    wishes.created = o->created ? (int64_t)o->created : loop_wall(p->worker->loop) / USEC_PER_SEC;
    plan_make(&p->plan, call, &p->scenario, &wishes);
    p->fault_at = p->scenario.fault ? plan_position(&p->plan, &p->scenario) : FAULT_NEVER;
}

static void count_begin(const struct player *p)
{
    struct record *r = p->worker->sim->record;
    record_move(r, RECORD_OPEN_ANSWERS, 1);
    if (!p->plan.stream) return;
    record_count(r, RECORD_STREAMS, 1);
    record_move(r, RECORD_OPEN_STREAMS, 1);
}

void player_start(struct exchange *x, const struct call *call, const struct scenario *s, const struct pace *pace,
                  unsigned hit, unsigned lane)
{
    struct player *p = player_new(worker_of(x), s, pace);
    p->lane = lane;
    make_plan(p, call, pace->tokens, hit);
    outlet_init(&p->outlet, x, strike_needs_raw(s));
    p->outlet.drip = s->drip;
    p->outlet.slow = s->slow_head_ms > 0;
    exchange_set_context(x, p);
    exchange_forget_request(x);
    count_begin(p);
    play(p);
}
