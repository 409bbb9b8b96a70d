/* timers.h - the heap behind loop.h's timers, as plain data: the real loop and the tests' virtual one share it. */
#ifndef DSGATE_NET_TIMERS_H
#define DSGATE_NET_TIMERS_H

#include "dsgate/net/loop.h"

struct timers {
    struct timer **heap; /* 1-based */
    size_t count, capacity;
};

void timers_set(struct timers *t, struct timer *timer, usec_t due);
void timers_cancel(struct timers *t, struct timer *timer);

/* When the earliest entry is filed, USEC_NEVER when there is none. It may prove to be early (lazy timers). */
usec_t timers_next(const struct timers *t);

/* The next timer that is really due at `now`, in the order of their deadlines, taken out and off; NULL when there is
 * none. Early ones are filed again. */
struct timer *timers_pop_due(struct timers *t, usec_t now);

void timers_free(struct timers *t);

#endif
