/* remote.h - the Redis level: what replicas share, and what outlives a restart. It helps when it is there, and never
 * hurts: each question has a hard deadline, and while the server is slow or away it is not asked at all.
 *
 * One connection a worker (struct remote); all of them share what is known of the server (struct remote_shared), so
 * that its going and coming is logged once. The breaker opens when 5 calls in a row of all workers have timed out, and
 * lets one through a second later, or twice as long after each that is in vain, up to 10 s. A worker without a
 * connection does not ask, and net/redis makes a new one.
 *
 * Names in Redis: PREFIX:1:TENANT:MODEL:KEY, where 1 is the format, and tenant and model are 16 hexadecimal digits each
 * of a digest, so that purging finds them; values: envelope.h, with EX for as long as they are of use.
 */
#ifndef DSGATE_CACHE_REMOTE_H
#define DSGATE_CACHE_REMOTE_H

#include "dsgate/cache/envelope.h"
#include "dsgate/cache/memory.h"
#include "dsgate/config/config.h"
#include "dsgate/net/redis.h"

struct remote_shared; /* any thread */
struct remote;        /* one worker's; on its loop */

/* NULL when the config names no server, or it can't be used (TLS files, a path that is too long): then why is appended
 * to *error. The config is copied. */
struct remote_shared *remote_shared_new(const struct conf_redis *c, struct buf *error);
void remote_shared_free(struct remote_shared *s); /* when no struct remote is left; NULL is fine */

/* Begins to connect at once. The first one of a gateway that is connected looks how the server evicts, and logs a
 * warning where that is bad for a cache. */
struct remote *remote_new(struct remote_shared *s, struct loop *loop, struct dns *dns);
/* What is under way ends without `done`. NULL is fine. */
void remote_free(struct remote *r);

/* A question under way; embedded, zeroed before. */
struct remote_call {
    struct redis_call call;
    struct remote *remote;
    usec_t asked;
    const struct cache_key *key;
    struct text tenant;
    /* Once, never from inside remote_get(). The entry (with a reference for the callee), or NULL: it is not there, or
     * nobody knows. */
    void (*done)(struct remote_call *call, struct cache_entry *e);
};
/* Key and tenant stay where they are until `done` or remote_forget(). False: it is not asked (away, breaker open), and
 * `done` does not come. */
bool remote_get(struct remote *r, struct remote_call *call, const struct cache_key *key, struct text tenant,
                struct text model, void (*done)(struct remote_call *call, struct cache_entry *e));
void remote_forget(struct remote_call *call); /* harmless when it is not under way */

/* Writes the entry, if the server is there; nobody waits for it. */
void remote_put(struct remote *r, const struct cache_entry *e);

/* Drops what is meant, in the background, by SCAN and UNLINK in steps; `done` with how many, or -1 when the server went
 * away, refused, or was not through after 5 minutes, perhaps with some of them dropped. Without SCAN where key, tenant
 * and model are all known. False: it is not connected, and `done` does not come; a slow server is asked all the same,
 * with more patience. One at a time: false while another one is under way. */
bool remote_purge(struct remote *r, const struct cache_selection *s, void (*done)(void *arg, long long dropped),
                  void *arg);

struct remote_stats {
    bool up;                     /* as far as is known */
    uint64_t hits, misses;
    uint64_t timeouts;           /* questions without an answer by the deadline */
    uint64_t errors;             /* commands that the server refused; questions that were lost with the connection */
    uint64_t skipped;            /* not asked: away or breaker open */
    uint64_t stored, dropped;    /* entries written; not written because it was away or too slow */
    uint64_t ignored[ENVELOPE_FAULT_COUNT]; /* values that were none of ours */
};
void remote_read_stats(struct remote_shared *s, struct remote_stats *out);

/* Is what `CONFIG GET maxmemory*` says bad for a cache? Then the rest of a sentence that begins with the server's name
 * is appended. policy: empty = not known; maxmemory: bytes, 0 = no limit. Pure. */
bool remote_policy_advice(struct text policy, uint64_t maxmemory, struct buf *advice);

/* Connects to the server that the config names, if it names one, and appends what an operator should know, a sentence
 * on a line of its own: it can't be used, or would not do well. Takes 5 s at most, on a loop of its own. For `dsgate
 * check`. */
void remote_check(const struct conf_redis *c, struct buf *warnings);

#endif
