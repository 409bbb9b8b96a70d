#include "dsgate/admit/priority.h"

static enum conf_priority first_said(const struct priority_voices *v)
{
    const enum conf_priority said[] = {v->header, v->service_tier, v->caller ? v->caller->priority : PRIORITY_COUNT,
                                       v->route ? v->route->priority : PRIORITY_COUNT};
    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (said[i] != PRIORITY_COUNT) return said[i];
    return v->queue->priority;
}

/* The more urgent, the smaller. */
enum conf_priority priority_settle(const struct priority_voices *v)
{
    enum conf_priority wanted = first_said(v), ceiling = v->caller ? v->caller->ceiling : v->queue->ceiling;
    return wanted > ceiling ? wanted : ceiling;
}
