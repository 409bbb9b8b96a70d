/* memory_shard.h - W-TinyLFU over the entries of one shard.
 *
 * Not thread-safe: memory.c holds the shard's lock. Nothing is freed here: what goes is put on a list, to be freed when
 * the lock is free again; and no call does more than a few evictions.
 *
 * Sizes: the window's oldest comes into a full main part if its key was asked for more often than all those together
 * that would have to go for it ("aggregated victims" in Einziger, Eytan, Friedman and Manes, "Lightweight Robust Size
 * Aware Cache Management", 2021). Entries that are dead count nothing there.
 */
#ifndef DSGATE_CACHE_MEMORY_SHARD_H
#define DSGATE_CACHE_MEMORY_SHARD_H

#include "dsgate/cache/memory.h"
#include "memory_table.h"
#include "sketch.h"

struct memory_segment_state {
    struct list entries;
    size_t bytes;
};

struct memory_shard {
    struct memory_table table;
    struct sketch sketch;
    struct memory_segment_state segments[SEGMENT_COUNT];
    size_t room;                     /* bytes of all entries; */
    size_t window_room;              /* … of the window, */
    size_t protected_room;           /* … of what is protected, */
    size_t largest;                  /* … of one entry */
    usec_t now;                      /* wall time, as last heard */
    struct cache_memory_stats stats; /* without entries, bytes, limit */
};

/* share: bytes of all, the sketch included. */
void memory_shard_init(struct memory_shard *s, size_t share);
void memory_shard_free(struct memory_shard *s); /* nothing is left in it */

/* Another share: `sketch` is the one that is used from now on (sketch_init() with memory_shard_sketch_size()), and
 * comes back as the one that was. */
size_t memory_shard_sketch_size(size_t share);
void memory_shard_resize(struct memory_shard *s, size_t share, struct sketch *sketch);

size_t memory_shard_bytes(const struct memory_shard *s);

/* NULL: there is none that is not dead. Without a reference. */
struct cache_entry *memory_shard_get(struct memory_shard *s, const struct cache_key *key, usec_t now,
                                     struct list *dropped);

/* Takes a reference, unless it had been taken before; false: it is too large. */
bool memory_shard_put(struct memory_shard *s, struct cache_entry *e, struct list *dropped);

/* Makes room, a few entries at a time. True: there is more to do. */
bool memory_shard_settle(struct memory_shard *s, struct list *dropped);

/* The entry goes; the reference is the list's. */
void memory_shard_drop(struct memory_shard *s, struct cache_entry *e, struct list *dropped);

#endif
