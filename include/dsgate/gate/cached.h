/* cached.h - what a request has to do with the response cache. Those that have nothing to do with it carry none of
 * this.
 *
 * cached.c  what is asked for: plan, tenant, key
 * lookup.c  LOOKUP: memory, an identical call under way, Redis
 * record.c  what an upstream answers is written down: for who follows, and to be kept
 * serve.c   STREAM without an upstream: out of an entry,
 * along.c   … or along with somebody else's answer
 * ghost.c   requests that nobody waits for any more but others, or the cache itself
 */
#ifndef DSGATE_GATE_CACHED_H
#define DSGATE_GATE_CACHED_H

#include "dsgate/cache/flight.h"
#include "dsgate/cache/policy.h"
#include "dsgate/cache/remote.h"
#include "dsgate/gate/request.h"
#include "dsgate/llm/sse.h"
#include "dsgate/meter/cache_result.h"

/* Why an answer that others wait for does not come. */
struct flight_word {
    enum failure failure;          /* of no meaning with is_own_mistake, else one */
    const char *reason;            /* static; NULL: none */
    unsigned attempts;             /* that were made for all of them */
    bool is_own_mistake;           /* … or for the lead alone: what others ask may be better */
    usec_t retry_after;            /* as in struct request */
};

/* Where STREAM has its bytes from. */
enum cached_source { SOURCE_UPSTREAM, SOURCE_ENTRY, SOURCE_FLIGHT };

struct request_cache {
    struct request *request;
    enum cache_result result;

    /* what is asked for */
    bool planned;                  /* the rest of these is known */
    bool wants_stream, wants_usage; /* of the answer: its form, and that it must tell what it has cost */
    struct cache_plan plan;
    struct cache_key key;
    char tenant[CACHE_TENANT_MAX];

    /* what is found */
    struct remote_call call;
    bool asked;                    /* Redis, which has answered or does still */
    struct cache_entry *heard;     /* its answer */
    struct cache_entry *spare;     /* too old; good enough when nothing else helps */
    bool turned_away;              /* by an error that was its lead's own */
    bool alone;                    /* it follows nobody any more */

    /* the answer that it fetches, for others too */
    struct flight_lead lead;
    struct flight_head head;       /* of what has been shown, */
    bool written;                  /* … a part of which has been written down; */
    bool is_own_mistake;           /* … an error that may have to do with what only this request says */

    /* the answer that it is given */
    enum cached_source source;
    struct cache_entry *entry;
    struct follower follower;
    struct buf made;               /* in the other form */
    struct text rest;              /* that has not been sent, of the entry or of what was made */
    struct sse_reader events;
    bool by_event;                 /* they are looked at one by one: some are left out, or all are paced */
    bool held;                     /* until the client has taken what is unsent, */
    bool paced;                    /* … or it is time for the next event */
    struct timer pace;
    uint64_t sent;                 /* bytes */
    struct {
        uint64_t prompt, completion; /* tokens that it did not cost again */
    } saved;

    /* without a client */
    struct server_request *kept;   /* its request */
    bool renews;                   /* it never had a client: an entry is to be renewed */
    struct list ghost;             /* in its worker's list; unlinked: it has a client */
    struct loop_after begins;
};

/* Puts the entry into memory, for one that leads. False, and it is not there: a purge has come since it began to, and
 * meant this answer, too. */
bool cached_put(const struct request *r, struct cache_entry *e);

/* Finds out what the cache could do for the request. False: nothing. */
bool cached_begin(struct request *r);
void cached_free(struct request_cache *c); /* NULL is fine */
static inline bool cached_serves(const struct request *r) { return r->cache && r->cache->source != SOURCE_UPSTREAM; }
enum cache_result cached_result(const struct request *r);
/* Does it say to the upstream what all say that have its key, but for the form of the answer? Then they would get the
 * same complaint. Before its body goes. */
bool cached_asks_as_others(const struct request *r);
/* As whom it leads others, or follows. */
struct flight_terms cached_terms(const struct request *r);

/* The steps' parts. */
enum flow lookup_run(struct request *r);
void lookup_cancel(struct request *r);
enum flow serve_run(struct request *r);
void serve_cancel(struct request *r);  /* harmless when nothing is served */
void serve_drained(struct request *r);

/* The entry is the answer from now on: its reference is taken over. False, and nothing is: it can't be brought into the
 * form that is wanted. */
bool serve_entry(struct request *r, struct cache_entry *e, enum cache_result result);
/* The spare one is. False: there is none that could be. */
bool serve_spare(struct request *r);
/* Along with an identical call under way. False: there is none to join; this one leads then, if its answer may be kept.
 */
bool serve_along(struct request *r);

/* Harmless where nothing is written down. */
bool record_begin(struct request *r); /* others may follow; false: none can */
void record_turn(struct request *r);  /* it has its turn, */
void record_wait(struct request *r);  /* … or waits for another one */
void record_head(struct request *r, unsigned status); /* of the answer that is shown next */
void record_out(struct request *r);   /* what r->out shows; with the last of it the answer is kept, if it is good */
bool record_close(struct request *r); /* nobody follows, and nobody can any more; false: somebody does */
void record_stop(struct request *r);  /* nobody is to follow any more, and it is not kept */
void record_fail(struct request *r);  /* it has failed, in whole or midway; once r->failed says how */

/* The client has left, and others want the answer: the request goes on without. False: nobody does. */
bool ghost_stay(struct request *r);
/* Begins to fetch the answer anew, after this turn, while the client is given the old one; takes its request. Harmless
 * where somebody fetches it already, or the worker drains. */
void ghost_renew(struct request *r);
/* The worker drains: renewals end, but for those that somebody has joined. */
void ghosts_drain(struct worker *w);
/* Ends all of them. */
void ghosts_end(struct worker *w);

#endif
