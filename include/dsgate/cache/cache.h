/* cache.h - the response cache's place in the journey.
 *
 * The store comes with its own issue; what a client may say about it is settled now: without a cached answer
 * `only-if-cached` is refused (RFC 9111 section 5.2.1.7), and every answer tells in x-dsgate-cache that the cache took
 * no part.
 */
#ifndef DSGATE_CACHE_CACHE_H
#define DSGATE_CACHE_CACHE_H

#include <stdbool.h>

enum cache_verdict { CACHE_BYPASS, CACHE_MISS_REFUSED /* only-if-cached, and there is nothing */ };

enum cache_verdict cache_lookup(bool only_if_cached);

/* Value of x-dsgate-cache in answers that are not from the cache. */
extern const char cache_bypass[];

#endif
