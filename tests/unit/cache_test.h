/* cache_test.h - entries for tests of the memory level. */
#ifndef DSGATE_TESTS_UNIT_CACHE_TEST_H
#define DSGATE_TESTS_UNIT_CACHE_TEST_H

#include "../cache_number.h"
#include "../suite.h"
#include "dsgate/base/list.h"
#include "dsgate/cache/memory.h"

/* An entry with a body of so many bytes, which are not set. */
static inline struct cache_entry *cache_entry_of_size(const struct cache_facts *facts, size_t size)
{
    void *body = mem_zalloc(size);
    struct iovec piece = {body, size};
    struct cache_entry *e = cache_entry_new(facts, &piece, 1);
    mem_free(body);
    return e;
}

/* Offers one; only the cache keeps it. */
static inline bool cache_put_one(struct cache_memory *m, const struct cache_facts *facts, size_t size)
{
    struct cache_entry *e = cache_entry_of_size(facts, size);
    bool taken = cache_memory_put(m, e);
    cache_entry_unref(e);
    return taken;
}

/* Asks for a key; is it there? */
static inline bool cache_has(struct cache_memory *m, uint64_t n, usec_t now)
{
    struct cache_key key = cache_key_of_number(n);
    struct cache_entry *e = cache_memory_get(m, &key, now);
    cache_entry_unref(e);
    return e != NULL;
}

static inline struct cache_memory_stats cache_stats(struct cache_memory *m)
{
    struct cache_memory_stats stats;
    cache_memory_read_stats(m, &stats);
    return stats;
}

/* What an entry takes beyond its body. */
static inline size_t cache_overhead(void)
{
    struct cache_memory *m = cache_memory_new(1 << 20, 1);
    struct cache_facts facts = cache_facts_of_number(0);
    ck_assert(cache_put_one(m, &facts, 0));
    size_t bytes = cache_stats(m).bytes;
    cache_memory_free(m);
    return bytes;
}

#endif
