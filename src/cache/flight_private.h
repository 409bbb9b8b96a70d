/* flight_private.h - what the files of single-flight share.
 *
 * flight.c        leads
 * flight_follow.c followers
 * flight_table.c  which flight has which key
 * flight_chunk.c  bytes that have come
 * flight_inbox.c  news, and one hold of a shard's lock
 */
#ifndef CACHE_FLIGHT_PRIVATE_H
#define CACHE_FLIGHT_PRIVATE_H

#include "dsgate/cache/flight.h"

/* A chunk is full before the next one begins, and bytes in it never move: who has been given some reads them without a
 * lock, while the lead writes behind them. */
struct flight_chunk {
    struct list node;       /* in its flight; on no list when that has dropped it */
    unsigned readers;       /* followers that are at it: it stays for them */
    size_t start, capacity; /* where in the answer it begins */
    char data[];
};

struct flight_group {
    struct list node;       /* in its flight */
    struct flight_inbox *inbox;
    struct list hungry;     /* followers that have read all there was; the others need not be told of more */
    size_t followers;
};

struct flight {
    struct flight_shard *shard;
    struct flight *next;    /* in its bucket */
    struct flight_lead *lead; /* NULL when it has ended */
    struct flight_terms terms;
    uint64_t generation;
    size_t limit;
    enum { FLIGHT_FLIES, FLIGHT_LANDED, FLIGHT_CRASHED } phase;
    bool listed;            /* in the table */
    bool started, watched;
    bool outgrown;          /* more was written than can be kept; changed by the lead only, as are: */
    size_t written;
    struct list chunks;     /* an empty one first, where everybody begins; followers drop what is in front */
    struct list groups;
    size_t followers;
    bool has_head;
    struct flight_head head;
    struct cache_entry *entry;
    void *failure;
    size_t failure_size;
};

enum { FLIGHT_SHARDS = 64, FLIGHT_BUCKETS = 256 }; /* powers of two */

struct flight_shard {
    pthread_mutex_t mutex;
    struct flight *buckets[FLIGHT_BUCKETS];
    struct flights_stats stats;
};

struct flights {
    atomic_size_t limit;
    _Atomic uint64_t generation;
    struct flight_shard shards[FLIGHT_SHARDS];
};

/* ---- flight_inbox.c ---- */

/* The lock is held once from flight_hold_begin() to flight_hold_end(). What is decided meanwhile but may take long is
 * noted here and done when the lock is free. */
struct flight_hold {
    struct flight_shard *shard;
    struct list wake;       /* inboxes that are to be posted to */
    struct list garbage;    /* chunks */
    struct flight *gone;    /* nobody is left */
};
void flight_hold_begin(struct flight_hold *h, struct flight_shard *shard);
void flight_hold_end(struct flight_hold *h);

/* These followers, all of that inbox, have news; the list is empty then. */
void flight_give_news(struct flight_hold *h, struct flight_inbox *inbox, struct list *followers);
/* All of the flight's that are hungry have some. */
void flight_tell_all(struct flight_hold *h, struct flight *f);
/* The lead of it has news if it wants to know that nobody follows. */
void flight_tell_lead(struct flight_hold *h, struct flight *f);
/* It has none (any more). */
void flight_drop_news(struct flight_inbox *inbox, struct list *node);

/* ---- flight_table.c; the shard is held ---- */

struct flight_shard *flight_shard_of(struct flights *f, const struct cache_key *key);
struct flight *flight_find(const struct flight_shard *shard, const struct cache_key *key);
void flight_list(struct flight *f);
void flight_unlist(struct flight *f); /* harmless when it is in no table */

/* ---- flight.c ---- */

void flight_begin_held(struct flight_hold *h, struct flights *all, struct flight_lead *lead, struct flight_inbox *inbox,
                       const struct flight_terms *terms);

/* ---- flight_chunk.c ---- */

static inline struct flight_chunk *flight_first_chunk(const struct flight *f)
{
    return CONTAINER_OF(f->chunks.next, struct flight_chunk, node);
}

/* For the lead, without the lock: appends copies of the pieces, and puts the chunks that are new on `fresh`. Nobody
 * else looks at any of it before `written` says so and the new chunks are the flight's. */
void flight_chunks_fill(const struct flight *f, struct list *fresh, const struct iovec *pieces, int n);
/* The bytes at that place, of the chunk *at, which may be moved on to the next one. */
struct text flight_chunks_read(struct flight_hold *h, const struct flight *f, struct flight_chunk **at, size_t offset);
/* All that was written, for the lead of one that can be kept; the caller frees the array. */
struct iovec *flight_chunks_all(const struct flight *f, int *n);
void flight_chunk_release(struct flight_hold *h, struct flight_chunk *c); /* by one of its readers */
void flight_chunks_drop(struct flight_hold *h, struct flight *f);         /* all of them */
/* Of one that can't be kept: what everybody has read, and what only those would read who are lost. */
void flight_chunks_trim(struct flight_hold *h, struct flight *f);
void flight_chunks_begin(struct flight *f);
void flight_chunks_free(struct list *chunks);

static inline bool flight_is_too_far_behind(const struct flight *f, size_t offset)
{
    return f->written - offset > f->limit;
}

#endif
