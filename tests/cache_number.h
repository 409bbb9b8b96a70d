/* cache_number.h - keys and facts of entries by a number, for tests and benchmarks of the memory level. */
#ifndef DSGATE_TESTS_CACHE_NUMBER_H
#define DSGATE_TESTS_CACHE_NUMBER_H

#include "dsgate/base/random.h"
#include "dsgate/cache/entry.h"

/* Keys are digests, so these are evenly spread, too. */
static inline struct cache_key cache_key_of_number(uint64_t n)
{
    struct cache_key key;
    for (size_t i = 0; i < CACHE_KEY_BYTES; i += sizeof n) {
        n = random_mix(n);
        memcpy(key.bytes + i, &n, sizeof n);
    }
    return key;
}

/* Facts of an entry that is fresh for ever. */
static inline struct cache_facts cache_facts_of_number(uint64_t n)
{
    return (struct cache_facts){.key = cache_key_of_number(n), .status = 200, .fresh = USEC_NEVER};
}

#endif
