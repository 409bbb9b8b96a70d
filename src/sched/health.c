#include "dsgate/sched/health.h"
#include "dsgate/base/random.h"

enum { HURRY = 5 };

struct health_rules health_rules_of(const struct conf_upstream *u)
{
    return (struct health_rules){u->health.when, u->health.interval, u->health.down_after, u->health.up_after};
}

void health_suspect(struct health *h, usec_t now)
{
    if (h->suspected || h->down) return;
    h->suspected = true;
    h->due = usec_later(now, h->soonest);
}

bool health_is_alive(unsigned status) { return status >= 200 && status < 500; }

static enum health_change succeeded(struct health *h, const struct health_rules *r)
{
    h->suspected = false;
    h->faults = 0;
    if (!h->down || ++h->successes < r->up_after) return HEALTH_SAME;
    h->down = false;
    return HEALTH_CAME_UP;
}

static enum health_change failed(struct health *h, const struct health_rules *r)
{
    h->suspected = true;
    h->successes = 0;
    if (h->down || ++h->faults < r->down_after) return HEALTH_SAME;
    h->down = true;
    return HEALTH_WENT_DOWN;
}

static usec_t with_jitter(usec_t interval, uint64_t random)
{
    return interval * 4 / 5 + (usec_t)random_scale(random, (uint64_t)interval * 2 / 5 + 1);
}

enum health_change health_note(struct health *h, const struct health_rules *r, bool alive, usec_t now, uint64_t random)
{
    if (r->when == PROBES_NEVER) return HEALTH_SAME;
    enum health_change change = alive ? succeeded(h, r) : failed(h, r);
    usec_t pause = with_jitter(r->interval, random);
    h->due = now + (alive && h->down ? pause / HURRY : pause);
    h->soonest = now + r->interval / HURRY;
    return change;
}

usec_t health_probe_due(const struct health *h, const struct health_rules *r)
{
    bool wanted = r->when == PROBES_ALWAYS || (r->when == PROBES_SUSPECTED && (h->suspected || h->down));
    return wanted ? h->due : USEC_NEVER;
}
