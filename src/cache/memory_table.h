/* memory_table.h - a shard's entries by key: a chained hash table that grows without a stall.
 *
 * When half as many entries as buckets are there, a table of twice the size takes over, and each addition moves a few
 * buckets from the old one: most chains are one entry long, as each further one is cold memory. Not thread-safe: the
 * shard's lock is held.
 */
#ifndef DSGATE_CACHE_MEMORY_TABLE_H
#define DSGATE_CACHE_MEMORY_TABLE_H

#include "dsgate/cache/entry.h"

enum memory_segment { SEGMENT_WINDOW, SEGMENT_PROBATION, SEGMENT_PROTECTED, SEGMENT_COUNT };

struct memory_table {
    struct cache_entry **buckets;
    struct cache_entry **old; /* half as many, those from `moved` on not empty yet; NULL: all are moved */
    size_t size, moved, count;
};

void memory_table_init(struct memory_table *t);
void memory_table_free(struct memory_table *t); /* not what is in it */

struct cache_entry *memory_table_find(const struct memory_table *t, const struct cache_key *key);
void memory_table_add(struct memory_table *t, struct cache_entry *e); /* no other one of its key is there */
void memory_table_remove(struct memory_table *t, struct cache_entry *e);

/* For going through all of them with pauses: those of one class. Classes are 0…classes - 1, where `classes` was the
 * size when it began: however the table grows meanwhile, what stays in it stays in its class. `visit` may remove. */
void memory_table_visit(struct memory_table *t, size_t classes, size_t class,
                        void (*visit)(struct cache_entry *e, void *arg), void *arg);

#endif
