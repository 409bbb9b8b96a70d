/* The window is a ring of slices with their sums kept beside it, and a slice is left only when its end has come: a
 * success of an upstream that works costs a comparison and two additions, and no division. */
#include "dsgate/sched/breaker.h"
#include "dsgate/base/random.h"
#include <string.h>

enum { WHOLE = 1000 };

const char *breaker_state_name(enum breaker_state s)
{
    static const char *const names[BREAKER_STATES] = {
        [BREAKER_CLOSED] = "closed", [BREAKER_OPEN] = "open", [BREAKER_HALF_OPEN] = "half_open"};
    return names[s];
}

enum breaker_change breaker_tick(struct breaker *b, usec_t now)
{
    if (b->state != BREAKER_OPEN || now < b->open_until) return BREAKER_SAME;
    b->state = BREAKER_HALF_OPEN;
    b->successes = 0;
    return BREAKER_HALF_OPENED;
}

bool breaker_admits(const struct breaker *b, const struct conf_breaker *rules)
{
    return b->state == BREAKER_CLOSED || (b->state == BREAKER_HALF_OPEN && b->trials < rules->trials);
}

usec_t breaker_due(const struct breaker *b) { return b->state == BREAKER_OPEN ? b->open_until : USEC_NEVER; }

bool breaker_begin(struct breaker *b)
{
    if (b->state == BREAKER_CLOSED) return false;
    b->trials++;
    return true;
}

static usec_t open_time(const struct breaker *b, const struct conf_breaker *rules, uint64_t random)
{
    unsigned doublings = b->opened < 32 ? b->opened : 32;
    usec_t time = rules->open > rules->open_max >> doublings ? rules->open_max : rules->open << doublings;
    return time + (usec_t)random_scale(random, (uint64_t)time / 5 + 1);
}

static enum breaker_change open_up(struct breaker *b, const struct conf_breaker *rules, usec_t now, uint64_t random)
{
    b->state = BREAKER_OPEN;
    b->open_until = now + open_time(b, rules, random);
    b->since = now;
    b->opened++;
    return BREAKER_OPENED;
}

static enum breaker_change close_again(struct breaker *b, usec_t now)
{
    b->state = BREAKER_CLOSED;
    b->failures = b->opened = 0;
    b->since = now;
    memset(&b->window, 0, sizeof b->window);
    return BREAKER_CLOSED_AGAIN;
}

static enum breaker_change note_trial(struct breaker *b, const struct conf_breaker *rules, enum outcome o, usec_t now,
                                      uint64_t random)
{
    if (o == OUTCOME_FAULT) return open_up(b, rules, now, random);
    return ++b->successes < rules->trials ? BREAKER_SAME : close_again(b, now);
}

/* Leaves the slices that have ended, and forgets those that fall out of the window. */
static void turn_window(struct breaker *b, usec_t slice, usec_t now)
{
    usec_t ended = (now - b->window.ends) / slice + 1;
    if (ended >= BREAKER_BUCKETS) {
        memset(&b->window, 0, sizeof b->window);
        b->window.ends = now + slice;
        return;
    }
    b->window.ends += ended * slice;
    while (ended-- > 0) {
        unsigned at = b->window.at = (b->window.at + 1) % BREAKER_BUCKETS;
        b->window.good -= b->window.slices[at].good;
        b->window.bad -= b->window.slices[at].bad;
        b->window.slices[at].good = b->window.slices[at].bad = 0;
    }
}

static bool fails_too_often(const struct breaker *b, const struct conf_breaker *rules)
{
    uint64_t all = (uint64_t)b->window.good + b->window.bad;
    return rules->failure_rate && all >= rules->volume && b->window.bad * UINT64_C(100) >= all * rules->failure_rate;
}

static enum breaker_change note_call(struct breaker *b, const struct conf_breaker *rules, enum outcome o, usec_t now,
                                     uint64_t random)
{
    if (now >= b->window.ends) turn_window(b, rules->window / BREAKER_BUCKETS, now);
    if (o == OUTCOME_SUCCESS) {
        b->window.slices[b->window.at].good++;
        b->window.good++;
        b->failures = 0;
        return BREAKER_SAME;
    }
    b->window.slices[b->window.at].bad++;
    b->window.bad++;
    b->failures++;
    bool opens = (rules->failures && b->failures >= rules->failures) || fails_too_often(b, rules);
    return opens ? open_up(b, rules, now, random) : BREAKER_SAME;
}

enum breaker_change breaker_note(struct breaker *b, const struct conf_breaker *rules, enum outcome o, bool trial,
                                 usec_t began, usec_t now, uint64_t random)
{
    b->trials -= trial;
    if ((o != OUTCOME_SUCCESS && o != OUTCOME_FAULT) || began < b->since) return BREAKER_SAME;
    if (b->state == BREAKER_CLOSED) return note_call(b, rules, o, now, random);
    return b->state == BREAKER_HALF_OPEN && trial ? note_trial(b, rules, o, now, random) : BREAKER_SAME;
}

enum breaker_change breaker_recover(struct breaker *b, usec_t now)
{
    if (b->state == BREAKER_CLOSED) close_again(b, now);
    b->opened = 0;
    return breaker_tick(b, b->open_until);
}

static unsigned half_open_share(const struct conf_breaker *rules)
{
    return rules->half_open ? rules->half_open * (WHOLE / 100) : 1;
}

unsigned breaker_share(const struct breaker *b, const struct conf_breaker *rules, usec_t slow_start, usec_t now)
{
    if (b->state != BREAKER_CLOSED) return half_open_share(rules);
    if (b->since == 0 || now - b->since >= slow_start) return WHOLE;
    unsigned least = half_open_share(rules);
    usec_t past = now > b->since ? now - b->since : 0;
    return least + (unsigned)((WHOLE - least) * past / slow_start);
}
