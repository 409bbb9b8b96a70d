/* memory.h - the memory level: entries by key, bounded by bytes.
 *
 * W-TinyLFU (Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017): new entries
 * live in a small window; what falls out of it is taken into the main part only if its key was asked for more often,
 * lately, than the keys that would have to go, all together. So a scan, each key of which is asked for once, cannot
 * wash out what is used, nor can a large entry take the place of many small ones that are used more. The main part is a
 * segmented LRU: what is used again is protected from what is not.
 *
 * Shards by key, each with its own lock, held for well under a microsecond as a rule: what takes longer is done in
 * slices, and nothing is freed meanwhile. Any thread.
 */
#ifndef DSGATE_CACHE_MEMORY_H
#define DSGATE_CACHE_MEMORY_H

#include "dsgate/cache/entry.h"

struct cache_memory;

/* limit: bytes of all entries together, of what is kept beside each of them (about 50), and of how often keys were
 * asked for (1/64 of the limit); 0: nothing is ever kept. shards: a power of two. An entry may take a quarter of its
 * shard. */
struct cache_memory *cache_memory_new(size_t limit, unsigned shards);
/* How many are good for that limit and entries of up to `largest` bytes, which fit if they are no more than a sixth of
 * the limit: up to 64, and more than one only of 16 MB each at least. */
unsigned cache_memory_shards(size_t limit, size_t largest);
void cache_memory_free(struct cache_memory *m);
/* From now on; what is too much goes at once. The number of shards stays as it was. */
void cache_memory_limit(struct cache_memory *m, size_t limit);

/* The entry of that key with a reference for the caller, or NULL. Either way the key is noted as asked for. An entry
 * that is dead by `now` (wall) is dropped, and not found. */
struct cache_entry *cache_memory_get(struct cache_memory *m, const struct cache_key *key, usec_t now);

/* The same for somebody who only wants to see it: nothing is noted, and a dead one is found, too. */
struct cache_entry *cache_memory_peek(struct cache_memory *m, const struct cache_key *key);

/* Offers an entry, which is referenced if it is taken; one of the same key goes. False: it was too large for a shard.
 * Whether it stays is decided when others come. An entry is taken into one memory level, and once: for one that was
 * taken before, be it there still or gone, nothing is done. */
bool cache_memory_put(struct cache_memory *m, struct cache_entry *e);

/* Which entries are meant; NULL = any. */
struct cache_selection {
    const struct cache_key *key;
    const char *model, *tenant;
};
bool cache_selection_matches(const struct cache_selection *s, const struct cache_facts *facts);

/* Drops them; returns how many. Goes through all entries unless a key is given, a few at a time: what others put
 * meanwhile may stay. */
size_t cache_memory_purge(struct cache_memory *m, const struct cache_selection *s);

struct cache_memory_stats {
    size_t entries, bytes, limit;
    uint64_t hits, misses;        /* of cache_memory_get() */
    uint64_t added, replaced;     /* … of cache_memory_put(), */
    uint64_t too_large;           /* … which took the others */
    uint64_t evicted, rejected;   /* made room; came from the window and were not taken into the main part */
    uint64_t expired, purged;     /* added = entries + evicted + rejected + expired + purged */
};
void cache_memory_read_stats(struct cache_memory *m, struct cache_memory_stats *out);

#endif
