/* entry.h - a cached answer: immutable but for its place in memory, refcounted, served to many
 * at once without being copied.
 *
 * Times are wall-clock microseconds, as replicas share entries through Redis. Any thread may read an entry that it
 * holds a reference to.
 */
#ifndef DSGATE_CACHE_ENTRY_H
#define DSGATE_CACHE_ENTRY_H

#include "dsgate/base/clock.h"
#include "dsgate/base/iov.h"
#include "dsgate/base/list.h"
#include "dsgate/cache/key.h"
#include <stdatomic.h>

#define CACHE_MODEL_MAX 256 /* bytes of a model's name, with its NUL */
#define CACHE_TYPE_MAX  128 /* … of a Content-Type */

/* What is known of an answer. No time is negative. Strings are printable (or tabs), without NUL, each shorter than its
 * CACHE_…_MAX; an entry's own lie in its block, others' where whoever has made the facts says. */
struct cache_facts {
    struct cache_key key;
    unsigned status;      /* 200, or 400…499 of a remembered mistake */
    bool stream;          /* server-sent events; else a plain body */
    bool has_usage;       /* it tells its usage (mistakes and embeddings count as telling it) */
    usec_t created;       /* when it was complete */
    usec_t fresh;         /* after `created` it is given to everybody for so long, */
    usec_t stale;         /* … and beyond that for so long to who has nothing better */
    uint64_t prompt, completion; /* tokens that it has cost, as far as is known; below 2^32 */
    struct text tenant;
    struct text model;    /* as its client named it */
    struct text type;     /* Content-Type */
};

/* Where it is in the memory level, under whose lock it is read and changed. */
struct cache_place {
    struct cache_entry *next; /* in its bucket */
    struct list node;         /* in its segment, the latest in front */
    unsigned segment;         /* memory_table.h */
    bool taken;               /* it has had a place; it gets no other one */
};

/* What a lookup and an eviction touch comes first, up to facts.stale: most entries lie cold, and each line of the
 * processor's cache costs more than all that is done with it. */
struct cache_entry {
    atomic_uint refs;
    struct cache_place place;
    size_t size;          /* bytes of memory that it takes, all included */
    struct cache_facts facts;
    struct text body;     /* inside the same block */
};

/* A new entry with one reference, never NULL: one block with copies of the facts, their strings and the pieces. How
 * large bodies may be is the caller's to limit. */
struct cache_entry *cache_entry_new(const struct cache_facts *facts, const struct iovec *pieces, int n);
struct cache_entry *cache_entry_ref(struct cache_entry *e);
void cache_entry_unref(struct cache_entry *e); /* NULL is fine */

/* How old it is; 0 where clocks disagree. */
usec_t cache_entry_age(const struct cache_entry *e, usec_t now);

/* Replicas' clocks may be ahead of each other by so much, and their answers are still shared. */
#define CACHE_CLOCK_SKEW (10 * USEC_PER_SEC)

/* An entry is no longer fresh at the age of `fresh` (RFC 9111 section 4.2). One that was made later than `now` by more
 * than CACHE_CLOCK_SKEW is dead: that of a clock that is wrong, or was set back since, and who knows how old it is. */
enum cache_freshness { CACHE_FRESH, CACHE_STALE, CACHE_DEAD /* of no use to anybody */ };
enum cache_freshness cache_entry_freshness(const struct cache_entry *e, usec_t now);

#endif
