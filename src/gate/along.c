/* along.c - STREAM along with the answer that an identical call gets: event by event where both are streams, else as
 * soon as it is whole. What fails fails for each by its own rules. */
#include "serve_private.h"

static void on_news(struct follower *follower)
{
    request_run(CONTAINER_OF(follower, struct request_cache, follower)->request);
}

void along_leave(struct request *r)
{
    struct request_cache *c = r->cache;
    timer_cancel(r->worker->loop, &r->wait.timer);
    pulse_stop(r);
    flight_leave(&c->follower);
    sse_reader_free(&c->events);
    c->by_event = false;
    c->source = SOURCE_UPSTREAM;
}

/* The others can't be hurried. What is whole is not waited for any more, however slowly it is taken. */
static void on_deadline(struct timer *timer)
{
    struct request *r = CONTAINER_OF(timer, struct request, wait.timer);
    if (flight_has_landed(&r->cache->follower)) return;
    BUF_ADD(&r->admission.message, "The request's deadline passed while it waited for the answer of an identical one.");
    along_leave(r);
    request_fail(r, FAIL_DEADLINE);
    request_run(r);
}

/* Of many that ask at once, on whichever workers, one leads. */
static bool join(struct request *r)
{
    struct request_cache *c = r->cache;
    struct worker *w = r->worker;
    struct flights *all = w->shared->flights;
    struct flight_terms terms = cached_terms(r);
    if (c->plan.stores) return flight_join(all, &c->follower, &c->lead, &w->flights, &terms, on_news);
    return flight_follow(all, &c->follower, &w->flights, &terms, on_news);
}

bool serve_along(struct request *r)
{
    struct request_cache *c = r->cache;
    struct worker *w = r->worker;
    if (!join(r)) return false;
    c->source = SOURCE_FLIGHT;
    c->result = CACHE_RESULT_JOINED;
    timer_set(w->loop, &r->wait.timer, r->deadline, on_deadline);
    pulse_begin(r);
    return true;
}

/* Events that are under way can be passed on as they come; anything else is waited for until it is whole. */
static bool is_live(const struct request *r)
{
    const struct flight_head *head = flight_head(&r->cache->follower);
    return head->stream && r->cache->wants_stream;
}

static void send_all(struct request *r, struct text bytes)
{
    while (bytes.n) {
        struct text piece = serve_next_piece(r, &bytes); /* none while an event's end is still to come */
        if (piece.n && !serve_send(r, piece, false)) return;
    }
    r->cache->held = exchange_unsent(r->exchange) > SERVE_SLICE;
}

static void pass_on(struct request *r, struct text bytes)
{
    struct request_cache *c = r->cache;
    if (!is_live(r)) return;
    if (c->follower.offset == bytes.n) { /* the first of them */
        pulse_stop(r);
        serve_look_at_events(r, flight_head(&c->follower)->usage);
    }
    send_all(r, bytes);
}

/* Once more from the beginning; with nobody else, if it can't be given what others get. */
static enum flow ask_again(struct request *r, bool alone)
{
    along_leave(r);
    r->cache->alone |= alone;
    return request_jump(r, STEP_LOOKUP);
}

/* Who can't pass on what comes waits for an entry, and there will be none. */
static bool waits_in_vain(const struct request *r) { return !is_live(r) && flight_is_outgrown(&r->cache->follower); }

static enum flow end_along(struct request *r)
{
    struct request_cache *c = r->cache;
    struct cache_entry *e = c->follower.entry;
    if (is_live(r)) {
        if (e) serve_note_savings(c, e);
        if (!serve_send(r, sse_leftover(&c->events), true)) return FLOW_WAIT;
        along_leave(r);
        return FLOW_NEXT;
    }
    if (!e) return ask_again(r, true);
    cache_entry_ref(e);
    along_leave(r);
    if (serve_entry(r, e, CACHE_RESULT_JOINED)) return serve_run(r);
    cache_entry_unref(e);
    return ask_again(r, true);
}

/* Once it may join somebody else. Those who all get errors of their own would wait for one after the other. */
static enum flow turn_away(struct request *r)
{
    bool again = r->cache->turned_away;
    r->cache->turned_away = true;
    return ask_again(r, again);
}

/* The lead has found it, and takes older ones. */
static bool is_too_old(const struct request *r)
{
    const struct request_cache *c = r->cache;
    const struct cache_entry *e = c->follower.entry;
    return e && c->sent == 0 && cache_entry_age(e, loop_wall(r->worker->loop)) > c->plan.max_age;
}

/* Nothing has failed, but here the others' answer ends. */
static enum flow part(struct request *r, bool alone, struct text why)
{
    if (r->cache->sent == 0) return ask_again(r, alone);
    buf_add(&r->admission.message, why);
    along_leave(r);
    return request_fail(r, FAIL_UPSTREAM_CUT);
}

static enum flow be_left(struct request *r)
{
    return part(r, false, TEXT("The answer was shared with an identical request, which has ended."));
}

static enum flow lose(struct request *r)
{
    return part(r, true, TEXT("The answer was shared with identical requests and read too slowly."));
}

/* Who was refused without one counts as one, or all would be refused one after the other; but a deadline is the lead's
 * own. */
static unsigned attempts_of(const struct flight_word *word)
{
    return word->attempts || word->failure == FAIL_DEADLINE ? word->attempts : 1;
}

/* Attempts that were made for it count as its own; what is left of them it may make itself, or join somebody who does.
 */
static enum flow fail_along(struct request *r)
{
    struct flight_word word;
    size_t n;
    const void *said = flight_failure(&r->cache->follower, &n);
    if (n != sizeof word) return be_left(r);
    memcpy(&word, said, n);
    if (word.is_own_mistake) return turn_away(r);
    r->failed = (struct attempt_failure){.verdict = VERDICT_NONE, .failure = word.failure, .reason = word.reason};
    r->model_attempts += attempts_of(&word);
    if (r->cache->sent == 0 && dispatch_may_try(r)) return ask_again(r, false);
    along_leave(r);
    r->retry_after = word.retry_after;
    if (r->cache->sent) return request_fail(r, word.failure);
    r->cache->result = CACHE_RESULT_MISS;
    return dispatch_give_up(r, word.failure);
}

enum flow along_run(struct request *r)
{
    struct request_cache *c = r->cache;
    struct text bytes;
    while (!c->held && r->exchange) {
        enum flight_state state = flight_read(&c->follower, &bytes);
        if (is_too_old(r)) return turn_away(r);
        switch (state) {
        case FLIGHT_WAIT: return FLOW_WAIT;
        case FLIGHT_BYTES:
            if (waits_in_vain(r)) return ask_again(r, true);
            pass_on(r, bytes);
            break;
        case FLIGHT_END: return end_along(r);
        case FLIGHT_FAILED: return fail_along(r);
        case FLIGHT_LOST: return lose(r);
        }
    }
    return FLOW_WAIT;
}
