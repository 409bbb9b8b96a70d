/* remote_health.h - is the Redis server there, as all workers together have seen it: a breaker, and what of it is worth
 * a line in the log.
 *
 * The breaker opens when five calls in a row have timed out. Then one call in a while is let through as a trial: after
 * a second at first, after twice as long whenever it fails, at most 10 s. It closes with the first answer in time; when
 * it has to open again soon, it goes on where it was. A call that is let through need not be told of: where its result
 * stays out, the next trial comes all the same. Results of calls that began before the breaker last changed count for
 * nothing.
 *
 * A connection that was lost is no news yet, since most are there again at once; that nobody can connect is.
 *
 * A server that refuses commands (full, a replica, no permission) is there, but of no use: that is told once as well,
 * and its end when it has refused nothing for a minute.
 *
 * An all-zero struct is a server of which nothing is known. Pure; monotonic times; who shares it locks it.
 */
#ifndef CACHE_REMOTE_HEALTH_H
#define CACHE_REMOTE_HEALTH_H

#include "dsgate/base/clock.h"

enum { REMOTE_FAILURES = 5 };
#define REMOTE_REST_LEAST  USEC_PER_SEC
#define REMOTE_REST_MOST   (10 * USEC_PER_SEC)
#define REMOTE_LOSS_MIND   USEC_PER_SEC        /* so long without any connection is news to who asks */
#define REMOTE_REFUSAL_OFF (60 * USEC_PER_SEC) /* without a refusal */

struct remote_health {
    unsigned connected; /* workers that have a connection */
    usec_t lost_at;     /* when the last of them had gone; 0: never */
    bool open;          /* the breaker */
    unsigned failures;  /* in a row, while it is closed */
    usec_t rest;        /* between trials; kept while closed */
    usec_t next_trial;
    usec_t judged; /* when it opened, closed, or last failed a trial */
    enum { REMOTE_UNKNOWN, REMOTE_THERE, REMOTE_AWAY } told;
    usec_t away_since; /* as it was told */
    bool refusing;
    usec_t refused_at;
};

enum remote_news {
    REMOTE_NO_NEWS,
    REMOTE_FIRST,       /* it is there for the first time */
    REMOTE_SILENT,      /* it does not answer in time, */
    REMOTE_UNREACHABLE, /* … nobody can connect to it: it is away */
    REMOTE_BACK,        /* it had been away since away_since */
    REMOTE_REFUSES,
    REMOTE_OBEYS /* it refuses no more */
};

/* May a call begin now? */
bool remote_health_admits(struct remote_health *h, usec_t now);

enum remote_news remote_health_connected(struct remote_health *h);
void remote_health_lost(struct remote_health *h, usec_t now); /* one that was connected is so no more */
enum remote_news remote_health_unconnected(struct remote_health *h, usec_t now); /* one has tried in vain */
enum remote_news remote_health_missed(struct remote_health *h, usec_t now);      /* one has no connection to ask over */

/* What became of a call that began at `asked`. */
enum remote_news remote_health_answered(struct remote_health *h, usec_t asked, usec_t now);
enum remote_news remote_health_timed_out(struct remote_health *h, usec_t asked, usec_t now);

/* What a command has met; answered or not in time. */
enum remote_news remote_health_refused(struct remote_health *h, usec_t now);
enum remote_news remote_health_obeyed(struct remote_health *h, usec_t now);

#endif
