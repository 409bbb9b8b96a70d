/* flight.h - an answer that is under way, and all who wait for it: identical calls at the same time cost one.
 *
 * Whoever asks first leads: it makes the call, for its own client, and writes down here what comes. Who asks for the
 * same meanwhile joins: a follower reads from the beginning what has come, at its own pace, on its own worker. The lead
 * never waits for followers, and copies each byte once however many there are. When the answer is whole, followers read
 * on from the entry that has become of it; what was written down goes as soon as all have changed over.
 *
 * An answer that grows beyond `limit` can't be kept, and nobody joins any more. Those who have joined still get it, as
 * long as they are not more than `limit` bytes behind; who falls back farther is told FLIGHT_LOST.
 *
 * Threading: one struct flights for all workers, a lock for each of its shards. A lead is used on its inbox's loop, a
 * follower on its own. News come through the inbox, never from inside a call here.
 */
#ifndef DSGATE_CACHE_FLIGHT_H
#define DSGATE_CACHE_FLIGHT_H

#include "dsgate/cache/entry.h"
#include "dsgate/config/config.h"
#include "dsgate/net/loop.h"
#include <pthread.h>

struct flights; /* the table of them all */
struct flight;
struct flight_group; /* the followers of one flight on one worker */
struct flight_chunk; /* bytes that have come */

struct flights *flights_new(size_t limit); /* bytes of one answer that are written down */
void flights_free(struct flights *f);      /* no leads and followers left */
/* From now on, for those that begin. Any thread. */
void flights_limit(struct flights *f, size_t limit);
/* What is under way now is not to be kept, and nobody joins it any more. For purges: first this, then the levels of the
 * cache. Any thread. */
void flights_forget(struct flights *f);

/* ---- a worker's followers and leads ---- */

struct flight_inbox {
    struct flights *flights;
    struct loop *loop;
    struct loop_post post;
    pthread_mutex_t mutex;
    struct list news, deserted; /* followers and leads that have some */
    bool posted;                /* the post is under way */
    struct list node;           /* among those that a thread is about to post to */
    atomic_uint posting;        /* threads between deciding that and having done it */
};
void flight_inbox_open(struct flights *f, struct flight_inbox *inbox, struct loop *loop);
/* When no follower and no lead of it is left; its loop may go then, or run on as long as the inbox is there. */
void flight_inbox_close(struct flight_inbox *inbox);

/* ---- what is asked for ---- */

/* A flight may be followed by who asks with the same key, if it tells usage where that is wanted, has its turn or is as
 * urgent, and its lead has at least as much patience. */
struct flight_terms {
    struct cache_key key;
    bool wants_usage;            /* plain answers tell it always, streams to who asks: others' don't do for this one */
    enum conf_priority priority; /* the more urgent one does not wait behind the other for its turn */
    usec_t patience; /* how long it waits in all, from its own beginning on; USEC_NEVER: for ever. A duration, as of two
                      * that are alike the later one gives up later: should the lead's run out first, that is a failure
                      * like others, after which a follower has time left of its own. */
};

/* ---- the lead ---- */

struct flight_lead {
    struct flight *flight;       /* NULL: it leads none */
    struct flight_inbox *inbox;
    struct list node;            /* among the deserted of its inbox */
    uint64_t generation;         /* of flights_forget(), when it began */
    /* Nobody follows it, and nobody can any more; comes only after flight_watch(), which needs it. */
    void (*deserted)(struct flight_lead *lead);
};

/* How an answer begins: what followers need for their own heads. */
struct flight_head {
    unsigned status;
    bool stream;
    bool usage;                /* it tells its usage, perhaps in an event of its own: its client has asked for that */
    char type[CACHE_TYPE_MAX]; /* Content-Type */
};

/* Begins one; later calls find it instead of an older one of that key, whose followers stay with that. Who begins looks
 * into the memory level again afterwards: an answer may have landed there since it last did. */
void flight_begin(struct flights *f, struct flight_lead *lead, struct flight_inbox *inbox,
                  const struct flight_terms *terms);
/* Whether somebody fetches the answer with this key just now. */
bool flight_is_under_way(struct flights *f, const struct cache_key *key);
/* It has its turn: it can be followed by more urgent ones now. */
void flight_starts(struct flight_lead *lead);
/* It waits again, for another one. Those who have joined meanwhile stay. */
void flight_waits(struct flight_lead *lead);
/* The next bytes; `head` with the first. False: nobody reads them, and they can't be kept either. */
bool flight_write(struct flight_lead *lead, const struct flight_head *head, const struct iovec *pieces, int n);
size_t flight_followers(const struct flight_lead *lead);
/* True: nobody follows, and nobody can any more. False: somebody does, and others may. */
bool flight_close(struct flight_lead *lead);
/* From now on it is told when it has no follower: there is nobody else who wants the answer. */
void flight_watch(struct flight_lead *lead);
/* May the answer be kept? Not after flights_forget(). It can be asked of one that has ended, too: whoever asks when the
 * answer is in memory already, and takes it out again if not, leaves no gap for a purge to fall into. */
bool flight_is_current(const struct flight_lead *lead);

/* What was written, as an entry with these facts; the caller's reference. NULL: it has grown too large. */
struct cache_entry *flight_entry(const struct flight_lead *lead, const struct cache_facts *facts);
/* It is whole. e: the answer, from flight_entry() or, when nothing was written yet, found elsewhere; followers read it
 * from now on whatever becomes of it. It should be in the memory level by now, so that whoever comes too late to join
 * finds it there. NULL: there is no entry; followers read the rest of what was written. Ends the lead. */
void flight_land(struct flight_lead *lead, struct cache_entry *e);
/* There will be no answer, or no end of it, for the reason `what`: n bytes of the caller's own kind, copied. Followers
 * that have read nothing hear it at once, others when they have read what there is. Ends the lead. Harmless when it
 * leads none. */
void flight_crash(struct flight_lead *lead, const void *what, size_t n);

/* ---- followers ---- */

struct follower {
    struct flight *flight;     /* NULL: it follows none */
    struct flight_group *group;
    struct flight_chunk *at;   /* where it reads; NULL: in the entry, or it is lost */
    struct cache_entry *entry; /* once there is one; with a reference */
    size_t offset;             /* bytes read so far */
    struct list news_node;     /* among the hungry of its group, or the news of its inbox */
    /* There is something to read, or it has ended: once for each FLIGHT_WAIT. Bytes may have been read meanwhile. */
    void (*news)(struct follower *f);
};

/* Joins a flight of these terms. False: there is none that may be followed. The first `news` comes unasked, as soon as
 * there is something to read. */
bool flight_follow(struct flights *f, struct follower *who, struct flight_inbox *inbox,
                   const struct flight_terms *terms, void (*news)(struct follower *f));
/* flight_follow(), or else flight_begin(), and nobody comes in between: of many that ask at once on different workers
 * one leads. True: it follows. */
bool flight_join(struct flights *f, struct follower *who, struct flight_lead *lead, struct flight_inbox *inbox,
                 const struct flight_terms *terms, void (*news)(struct follower *f));

#define FLIGHT_SLICE ((size_t)64 * 1024) /* bytes that are read at a time, at most */

enum flight_state {
    FLIGHT_WAIT,   /* nothing to read now: news come */
    FLIGHT_BYTES,  /* *bytes is what comes next; valid until the next call here for this follower */
    FLIGHT_END,    /* it was whole, and all of it has been read */
    FLIGHT_FAILED, /* what flight_failure() says */
    FLIGHT_LOST    /* it has fallen too far behind */
};
enum flight_state flight_read(struct follower *f, struct text *bytes);
/* Known from the first bytes on, or the end; NULL before. Valid until flight_leave(). */
const struct flight_head *flight_head(const struct follower *f);
/* After FLIGHT_FAILED: what the lead said; *n bytes, valid until flight_leave(). */
const void *flight_failure(const struct follower *f, size_t *n);
/* All of it has come, be it read or not. */
bool flight_has_landed(const struct follower *f);
/* It has grown too large: there will be no entry. */
bool flight_is_outgrown(const struct follower *f);
/* Harmless when it follows none. Its entry goes too. */
void flight_leave(struct follower *f);

struct flights_stats {
    size_t flights, followers; /* now */
    uint64_t led, followed, lost;
};
void flights_read_stats(struct flights *f, struct flights_stats *out);

#endif
