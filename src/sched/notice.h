/* notice.h - what has changed and is to be logged, kept until the mutex is free: writing a line may take long. */
#ifndef SCHED_NOTICE_H
#define SCHED_NOTICE_H

#include "dsgate/base/clock.h"

struct candidate;
struct upstream;

enum notice_kind {
    NOTICE_BREAKER_OPENED, NOTICE_BREAKER_HALF_OPENED, NOTICE_BREAKER_CLOSED,
    NOTICE_WENT_DOWN, NOTICE_CAME_UP,
    NOTICE_LIMIT_LOWERED, NOTICE_LIMIT_RESTORED,
    NOTICE_KEY_REFUSED, NOTICE_QUOTA_SPENT, NOTICE_STANDBY_JOINED, NOTICE_STANDBY_LEFT
};

struct notice {
    enum notice_kind kind;
    char upstream[128], model[64]; /* copies: they may be gone when they are told */
    usec_t time;     /* how long, where that belongs to the kind */
    unsigned number; /* the limit; the key, from 1 */
};

enum { NOTICES_MAX = 8 }; /* of one hold; more are counted */

struct notices {
    unsigned count, dropped;
    struct notice list[NOTICES_MAX];
};

void notice_add(struct notices *n, enum notice_kind kind, const char *upstream, const char *model, usec_t time,
                unsigned number);
void notices_log(const struct notices *n);

#endif
