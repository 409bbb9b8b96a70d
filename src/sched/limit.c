#include "dsgate/sched/limit.h"

static unsigned smaller(unsigned a, unsigned b) { return a < b ? a : b; }

unsigned limit_value(const struct limit *l, unsigned max)
{
    return smaller(l->value ? l->value : LIMIT_NONE, max ? max : LIMIT_NONE);
}

static void cool_down(struct limit *l, usec_t retry_after, usec_t now)
{
    usec_t until = now + usec_earlier(retry_after, LIMIT_COOL_MAX);
    l->cool_until = usec_later(l->cool_until, until);
}

static void cut(struct limit *l, unsigned max, unsigned in_flight, usec_t now)
{
    uint64_t used = smaller(limit_value(l, max), in_flight);
    l->value = used < 2 ? 1 : (unsigned)(used * 3 / 4);
    l->relieved = used * 2 < LIMIT_NONE ? (unsigned)used * 2 : LIMIT_NONE;
    l->credit = 0;
    l->cut_at = now;
}

/* A round of calls to a model may take minutes: once the reason is likely to be over, a quarter is tried at a time. */
static unsigned step_of(const struct limit *l, usec_t now)
{
    bool calm = now - l->cut_at >= LIMIT_CALM && now - l->grown_at >= LIMIT_STEP;
    if (calm) return l->value < 4 ? 1 : l->value / 4;
    return l->credit >= l->value ? 1 : 0;
}

/* As with TCP, only a limit that is in use grows: otherwise successes of an idle time would undo it. */
static void grow(struct limit *l, unsigned max, unsigned in_flight, usec_t now)
{
    bool in_use = in_flight * UINT64_C(4) >= l->value * UINT64_C(3);
    if (!in_use) return;
    l->credit++;
    unsigned step = step_of(l, now);
    if (!step) return;
    l->credit = 0;
    l->grown_at = now;
    l->value += step;
    if (l->value >= (max ? max : l->relieved)) l->value = 0;
}

/* A moving average over about the last 32 results. */
static void note_refused(struct limit *l, bool refused)
{
    enum { WHOLE = 65536, MEMORY = 32 };
    l->refused += (refused ? WHOLE / MEMORY : 0) - l->refused / MEMORY;
}

static bool is_reason_to_cut(const struct limit *l, const struct result *r)
{
    enum { HALF = 65536 / 2 };
    return !r->overloaded || l->refused > HALF;
}

void limit_note(struct limit *l, unsigned max, const struct result *r, unsigned in_flight, usec_t began, usec_t now)
{
    if (r->outcome == OUTCOME_BUSY || r->outcome == OUTCOME_SUCCESS) note_refused(l, r->outcome == OUTCOME_BUSY);
    bool after_cut = l->cut_at == 0 || began > l->cut_at;
    if (r->outcome == OUTCOME_BUSY) {
        if (r->retry_after > 0) cool_down(l, r->retry_after, now);
        if (after_cut && is_reason_to_cut(l, r)) cut(l, max, in_flight, now);
    } else if (r->outcome == OUTCOME_SUCCESS && l->value && after_cut) {
        grow(l, max, in_flight, now);
    }
}
