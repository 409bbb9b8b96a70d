/* The response cache: what it did for requests, and how its two levels fare. */
#include "metrics_private.h"
#include <stddef.h>

/* A number of struct metrics_cache. */
struct row {
    struct metrics_sample sample;
    size_t at;
};
#define AT(member) offsetof(struct metrics_cache, member)

static const struct row memory[] = {
    {{"dsgate_cache_memory_entries", "", "Answers in memory."}, AT(memory.entries)},
    {{"dsgate_cache_memory_bytes", "", "Memory that they take."}, AT(memory.bytes)},
    {{"dsgate_cache_memory_limit_bytes", "", "Memory that they may take."}, AT(memory.limit)},
    {{"dsgate_cache_memory_lookups_total", "{result=\"hit\"}", "Times that an answer was looked for in memory."},
     AT(memory.hits)},
    {{"dsgate_cache_memory_lookups_total", "{result=\"miss\"}", NULL}, AT(memory.misses)},
    {{"dsgate_cache_memory_added_total", "", "Answers that were taken into memory."}, AT(memory.added)},
    {{"dsgate_cache_memory_removed_total", "{reason=\"evicted\"}",
      "Answers that left memory: for others, for being asked for less than others when they were new, by their age, or "
      "by an operator."},
     AT(memory.evicted)},
    {{"dsgate_cache_memory_removed_total", "{reason=\"rejected\"}", NULL}, AT(memory.rejected)},
    {{"dsgate_cache_memory_removed_total", "{reason=\"expired\"}", NULL}, AT(memory.expired)},
    {{"dsgate_cache_memory_removed_total", "{reason=\"purged\"}", NULL}, AT(memory.purged)},
    {{"dsgate_cache_flights", "", "Answers under way that identical requests may join."}, AT(flights)},
    {{"dsgate_cache_followers", "", "Requests that have joined one."}, AT(followers)},
};

static const struct row redis[] = {
    {{"dsgate_cache_redis_up", "", "1 when Redis answers."}, AT(redis.up)},
    {{"dsgate_cache_redis_lookups_total", "{result=\"hit\"}",
      "Times that an answer was wanted of Redis; skipped: it was away or too slow, and not asked."},
     AT(redis.hits)},
    {{"dsgate_cache_redis_lookups_total", "{result=\"miss\"}", NULL}, AT(redis.misses)},
    {{"dsgate_cache_redis_lookups_total", "{result=\"timeout\"}", NULL}, AT(redis.timeouts)},
    {{"dsgate_cache_redis_lookups_total", "{result=\"error\"}", NULL}, AT(redis.errors)},
    {{"dsgate_cache_redis_lookups_total", "{result=\"skipped\"}", NULL}, AT(redis.skipped)},
    {{"dsgate_cache_redis_ignored_total", "{reason=\"foreign\"}",
      "Values in Redis that were not used: not dsgate's, of another version, damaged, or under another's name."},
     AT(redis.foreign)},
    {{"dsgate_cache_redis_ignored_total", "{reason=\"version\"}", NULL}, AT(redis.version_unknown)},
    {{"dsgate_cache_redis_ignored_total", "{reason=\"damaged\"}", NULL}, AT(redis.damaged)},
    {{"dsgate_cache_redis_ignored_total", "{reason=\"misplaced\"}", NULL}, AT(redis.misplaced)},
    {{"dsgate_cache_redis_stored_total", "", "Answers that were written to Redis."}, AT(redis.stored)},
    {{"dsgate_cache_redis_dropped_total", "", "Answers that were not, since it was away or too slow."},
     AT(redis.dropped)},
};

static void write_rows(const struct row *rows, size_t n, const struct metrics_cache *cache, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t *value = (const void *)((const char *)cache + rows[i].at);
        metrics_write_sample(out, &rows[i].sample, *value);
    }
}

static void write_results(const struct metrics_counts *sum, struct buf *out)
{
    metrics_write_head(out, "dsgate_cache_requests_total", "counter", "Requests by what the cache did for them.");
    for (unsigned r = 0; r < CACHE_RESULT_COUNT; r++) {
        buf_printf(out, "dsgate_cache_requests_total{result=\"%s\"}", cache_result_name((enum cache_result)r));
        metrics_write_value(out, sum->cache[r]);
    }
}

void metrics_write_cache(const struct metrics_counts *sum, const struct metrics_cache *cache, struct buf *out)
{
    write_results(sum, out);
    if (!cache) return;
    write_rows(memory, sizeof memory / sizeof *memory, cache, out);
    if (cache->has_redis) write_rows(redis, sizeof redis / sizeof *redis, cache, out);
}
