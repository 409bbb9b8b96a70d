/* redis.h - one connection to a Redis server, that is there again when the server is.
 *
 * hiredis reads the replies; sockets, names, TLS and time-outs are ours: its own way of connecting resolves names in
 * the caller, knows no time-outs, forgets who it was after a reconnect, and has in many a distribution no TLS. So TCP,
 * TLS and Unix sockets all work whatever hiredis is installed. Commands of one turn of the loop leave in one write.
 * After a lost connection the next one is dialled by itself, later and later (100 ms to 10 s, with jitter), and logs in
 * before anything else is sent: HELLO is not used, so that old servers do as well.
 *
 * A command that is not answered by its deadline fails, and its reply is dropped when it comes after all. When the
 * oldest one has waited for 5 s the connection is given up: whatever is on its other end does not read.
 *
 * The server is not trusted: a reply that is no reply, too long, or that nobody asked for ends the connection.
 *
 * One loop. Callbacks may call everything here, redis_free() included.
 */
#ifndef DSGATE_NET_REDIS_H
#define DSGATE_NET_REDIS_H

#include "dsgate/net/dns.h"
#include "dsgate/net/origin.h"

struct redis;

enum redis_state {
    REDIS_CONNECTING, /* for the first time */
    REDIS_UP,         /* logged in */
    REDIS_DOWN        /* it is tried again and again */
};

struct redis_options {
    struct origin *origin;       /* host, port and TLS, or a pin to a Unix socket; referenced */
    const char *user, *password; /* NULL: none; a user needs a password. Copied, and wiped at the end */
    unsigned database;
    usec_t connect_timeout;      /* until it is logged in */
    size_t unsent_max;           /* bytes: more commands than the server takes are refused */
    size_t reply_max;            /* bytes of one reply; a longer one ends the connection */
    /* Its state has changed, or it is down for another reason than before: on the loop, never from inside a call. why:
     * for people, without secrets; "" when up. */
    void (*changed)(void *arg, enum redis_state state, const char *why);
    void *arg;
};

/* Options are copied. Begins to connect at once. */
struct redis *redis_new(struct loop *loop, struct dns *dns, const struct redis_options *o);
/* Commands under way fail without a callback. NULL is fine. */
void redis_free(struct redis *r);
enum redis_state redis_state(const struct redis *r);

enum redis_type { REDIS_NIL, REDIS_STRING, REDIS_STATUS, REDIS_ERROR, REDIS_INTEGER, REDIS_ARRAY };
struct redis_reply {
    enum redis_type type;
    struct text text;            /* of strings, statuses and errors */
    long long integer;
    size_t count;                /* of arrays */
    const struct redis_reply *items; /* … at most two deep, and 65536 in all: more than is needed here */
};

enum redis_failure {
    REDIS_TIMEOUT, /* no reply by the deadline */
    REDIS_LOST     /* the connection ended before the reply */
};

/* A command under way; embedded in who waits for it, zeroed before. */
struct redis_call {
    struct list node;            /* by deadline */
    usec_t deadline;
    uint64_t number;             /* of all commands of this connection */
    struct redis *redis;         /* NULL: it is not under way */
    /* One of them comes once, never from inside redis_send(); the reply is valid during the call. */
    void (*replied)(struct redis_call *call, const struct redis_reply *reply);
    void (*failed)(struct redis_call *call, enum redis_failure why);
};

/* Sends a command: argv[0] is its name. Arguments are copied. deadline: monotonic. False: not connected, or too much is
 * unsent already; then nothing comes. */
bool redis_send(struct redis *r, struct redis_call *call, const struct text *argv, size_t argc, usec_t deadline,
                void (*replied)(struct redis_call *call, const struct redis_reply *reply),
                void (*failed)(struct redis_call *call, enum redis_failure why));
/* Nothing comes any more; harmless when it is not under way. */
void redis_forget(struct redis_call *call);
/* Sends a command whose reply nobody waits for; errors in it are counted. False: as above. */
bool redis_tell(struct redis *r, const struct text *argv, size_t argc);
uint64_t redis_errors(const struct redis *r); /* replies to redis_tell() that were errors */

#endif
