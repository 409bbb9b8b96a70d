/* redis_private.h - what redis.c (commands and their replies), redis_link.c (the connection) and redis_login.c share.
 */
#ifndef DSGATE_SRC_NET_REDIS_PRIVATE_H
#define DSGATE_SRC_NET_REDIS_PRIVATE_H

#include "dsgate/base/random.h"
#include "dsgate/net/conn.h"
#include "dsgate/net/dial.h"
#include "redis_reply.h"

enum login_step { LOGIN_AUTH, LOGIN_SELECT, LOGIN_PING, LOGIN_NAME, LOGIN_DONE };

enum { REDIS_WORDS = 256 };

struct redis {
    struct loop *loop;
    struct dns *dns;
    struct redis_options options;
    char *user, *password; /* the options' */
    enum redis_state state;
    char why[REDIS_WORDS]; /* it is down */

    struct dial *dial; /* while dialling */
    struct conn conn;
    struct redis_reader *reader; /* while connected */
    enum login_step login;       /* whose reply comes next */
    struct buf out;              /* commands of this turn */
    struct loop_after flush;
    struct timer timer; /* up: the first deadline; connecting: its end; down: the next attempt */
    struct random_source random;
    unsigned failures; /* in a row */
    usec_t up_since;

    struct buf asked;    /* of struct asked: sent, the reply has not come yet */
    uint64_t answered;   /* the number of the first of them */
    struct list waiting; /* calls among them whose deadline is to come, the next one first */
    uint64_t errors;

    bool busy, gone; /* in a callback of the loop; freed meanwhile */
};

/* ---- redis_link.c ---- */

/* How long it waits after so many failures in a row; `number`: any random one. */
usec_t redis_backoff(unsigned failures, uint64_t number);

void redis_link_begin(struct redis *r);
void redis_link_end(struct redis *r);                   /* at once, without callbacks */
void redis_link_up(struct redis *r);                    /* logged in */
void redis_link_lose(struct redis *r, const char *why); /* the connection or the attempt at one; tried again later */

/* Sent at the end of this turn. */
void redis_put(struct redis *r, const struct text *argv, size_t argc);

/* ---- redis_login.c ---- */

void redis_login_begin(struct redis *r);
void redis_login_heard(struct redis *r, const struct redis_reply *reply);

/* ---- redis.c ---- */

/* The next reply; false: nobody has asked for one. */
bool redis_calls_heard(struct redis *r, const struct redis_reply *reply);
/* Deadlines that have passed by now; false: the server has been silent for too long. */
bool redis_calls_expire(struct redis *r, usec_t now);
/* When that is to be called next. */
usec_t redis_calls_due(struct redis *r);
/* No reply will come to what was asked. The calls' waiters are told by redis_calls_fail(). */
void redis_calls_drop(struct redis *r);
void redis_calls_fail(struct redis *r);

void redis_destroy(struct redis *r);

#endif
