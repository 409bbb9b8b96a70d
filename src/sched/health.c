#include "dsgate/sched/health.h"

struct health_rules health_rules_of(const struct conf_upstream *u)
{
    return (struct health_rules){u->health.interval, u->health.down_after, u->health.up_after};
}

static enum health_change succeeded(struct health *h, const struct health_rules *r)
{
    h->faults = 0;
    if (!h->down || ++h->successes < r->up_after) return HEALTH_SAME;
    h->down = false;
    return HEALTH_CAME_UP;
}

static enum health_change failed(struct health *h, const struct health_rules *r)
{
    h->successes = 0;
    if (h->down || ++h->faults < r->down_after) return HEALTH_SAME;
    h->down = true;
    return HEALTH_WENT_DOWN;
}

enum health_change health_note(struct health *h, const struct health_rules *r, enum outcome o, usec_t now)
{
    if (o != OUTCOME_SUCCESS && o != OUTCOME_FAULT) return HEALTH_SAME;
    h->last = now;
    return o == OUTCOME_SUCCESS ? succeeded(h, r) : failed(h, r);
}

usec_t health_probe_due(const struct health *h, const struct health_rules *r)
{
    return h->down || h->faults ? h->last + r->interval : USEC_NEVER;
}
