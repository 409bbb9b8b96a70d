#include "dsgate/sched/drain.h"

/* What fewer turns say is mostly chance: of twenty answers under way three may well end within a second. */
enum { TURNS_MIN = 5 };
static const usec_t busy_min = USEC_PER_SEC / 2, window = DRAIN_BUCKETS * DRAIN_SLICE;

static struct drain_bucket *bucket_of(struct drain *d, usec_t when)
{
    int64_t number = when / DRAIN_SLICE;
    struct drain_bucket *b = &d->buckets[number % DRAIN_BUCKETS];
    if (b->number != number) *b = (struct drain_bucket){.number = number};
    return b;
}

/* Counts the time until now. */
static void pass_time(struct drain *d, usec_t now)
{
    if (now <= d->since) return;
    usec_t from = usec_later(d->since, now - window);
    while (d->moving && from < now) {
        usec_t end = usec_earlier(now, (from / DRAIN_SLICE + 1) * DRAIN_SLICE);
        bucket_of(d, from)->busy += end - from;
        from = end;
    }
    d->since = now;
}

void drain_join(struct drain *d, usec_t now)
{
    pass_time(d, now);
    d->waiting++;
}

void drain_leave(struct drain *d, bool turn, usec_t now)
{
    pass_time(d, now);
    if (turn && d->moving) bucket_of(d, d->since)->turns++;
    d->waiting--;
    d->moving = d->waiting > 0 && (d->moving || turn);
}

void drain_inherit(struct drain *d, const struct drain *from)
{
    *d = *from;
    d->waiting = 0;
    d->moving = false;
}

struct measure {
    unsigned turns;
    usec_t busy;
};

/* What the newest buckets hold, as many as there must be for `enough` turns; zeros when all of them are too few. */
static struct measure look_back(const struct drain *d, unsigned enough, usec_t now)
{
    struct measure m = {.busy = d->moving && now > d->since ? now - d->since : 0};
    int64_t newest = usec_later(now, d->since) / DRAIN_SLICE;
    for (int64_t i = newest; i >= 0 && i > newest - DRAIN_BUCKETS; i--) {
        const struct drain_bucket *b = &d->buckets[i % DRAIN_BUCKETS];
        if (b->number != i) continue;
        m.turns += b->turns;
        m.busy += b->busy;
        if (m.turns >= enough && m.busy >= busy_min) break;
    }
    return m.turns >= TURNS_MIN && m.busy >= busy_min ? m : (struct measure){0};
}

double drain_rate(const struct drain *d, usec_t now)
{
    struct measure m = look_back(d, DRAIN_ENOUGH, now);
    return m.turns ? (double)m.turns * USEC_PER_SEC / (double)m.busy : 0;
}

usec_t drain_wait(const struct drain *d, unsigned ahead, usec_t now)
{
    unsigned twice = ahead < UINT32_MAX / 2 ? ahead * 2 : UINT32_MAX;
    struct measure m = look_back(d, twice > DRAIN_ENOUGH ? twice : DRAIN_ENOUGH, now);
    return m.turns ? (usec_t)((ahead + 1.0) * (double)m.busy / m.turns) : 0;
}
