/* remote_private.h - what the files of the Redis level share. */
#ifndef CACHE_REMOTE_PRIVATE_H
#define CACHE_REMOTE_PRIVATE_H

#include "dsgate/cache/remote.h"
#include "remote_health.h"
#include <pthread.h>

struct remote_shared {
    struct origin *origin;
    char *url, *user, *password, *prefix;
    unsigned database;
    usec_t timeout;
    pthread_mutex_t mutex; /* of what follows; lines are logged without it */
    struct remote_health health;
    struct remote_stats stats;
    bool advice_asked;
};

struct remote_purge {
    struct redis_call call;
    struct buf pattern;
    char cursor[24]; /* of the next SCAN; "0" once there is none */
    usec_t end;      /* it is given up */
    long long dropped;
    void (*done)(void *arg, long long dropped); /* NULL: none is under way */
    void *arg;
};

struct remote {
    struct remote_shared *shared;
    struct loop *loop;
    struct redis *redis;
    bool connected;
    char why[160];           /* … not */
    uint64_t errors;         /* of redis_errors(), those that are counted */
    struct buf name;         /* reused */
    struct redis_call write; /* the one whose reply is looked at */
    struct redis_call advice;
    struct remote_purge purge;
};

/* How a connection to the server is made; who takes one adds its callback. */
struct redis_options remote_options(const struct remote_shared *s);

static inline void remote_hold(struct remote_shared *s) { pthread_mutex_lock(&s->mutex); }
/* Ends it, and logs what has changed meanwhile. words: why, or what was said. */
void remote_release(struct remote_shared *s, enum remote_news news, usec_t now, struct text words);

/* Counts those that nobody waited for. */
void remote_count_errors(struct remote *r);
/* Whether a command other than GET was refused: counted, and told once. */
void remote_note_reply(struct remote *r, const struct redis_reply *reply);

/* What a reply to CONFIG GET maxmemory* gives reason to say: remote_policy_advice(). */
extern const struct text remote_advice_question[3];
bool remote_advice(const struct redis_reply *reply, struct buf *advice);

/* Follows the connection: struct redis_options' callback, with a struct remote. */
void remote_link_changed(void *arg, enum redis_state state, const char *why);
void remote_link_ended(struct remote *r); /* it is about to be closed */

#endif
