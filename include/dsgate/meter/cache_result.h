/* cache_result.h - what the cache did for a request: one table for x-dsgate-cache, the log and the metric's label.
 */
#ifndef DSGATE_METER_CACHE_RESULT_H
#define DSGATE_METER_CACHE_RESULT_H

#include <stdbool.h>

#define CACHE_RESULTS(X) \
    X(CACHE_RESULT_BYPASS,     "bypass")     /* it took no part: not cacheable, or not wanted */ \
    X(CACHE_RESULT_MISS,       "miss")       /* it was asked, and had nothing */ \
    X(CACHE_RESULT_HIT_MEMORY, "hit-memory") \
    X(CACHE_RESULT_HIT_REDIS,  "hit-redis") \
    X(CACHE_RESULT_JOINED,     "joined")     /* an identical call was under way, and its answer is shared */ \
    X(CACHE_RESULT_STALE,      "stale")      /* older than its time, for want of a better one or until it is renewed */

enum cache_result {
#define X(id, name) id,
    CACHE_RESULTS(X)
#undef X
        CACHE_RESULT_COUNT
};

const char *cache_result_name(enum cache_result r); /* static */

/* The answer was an entry, which has an age: what was joined was being made. */
static inline bool cache_result_is_entry(enum cache_result r)
{
    return r == CACHE_RESULT_HIT_MEMORY || r == CACHE_RESULT_HIT_REDIS || r == CACHE_RESULT_STALE;
}

#endif
