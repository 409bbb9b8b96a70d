/* priority.h - which class of the queue a request is in; pure. */
#ifndef DSGATE_ADMIT_PRIORITY_H
#define DSGATE_ADMIT_PRIORITY_H

#include "dsgate/config/config.h"

/* Who may say it, in the order in which they are asked. PRIORITY_COUNT, or NULL: says nothing. */
struct priority_voices {
    enum conf_priority header;       /* X-Dsgate-Priority */
    enum conf_priority service_tier; /* chat_priority() */
    const struct conf_caller *caller;
    const struct conf_route *route;
    const struct conf_queue *queue; /* has the last word; never NULL */
};

/* The first one's answer, but never more urgent than the caller's ceiling, or queue.ceiling for callers that are not
 * listed, allows: neither a header nor a default lifts a key above it. */
enum conf_priority priority_settle(const struct priority_voices *v);

#endif
