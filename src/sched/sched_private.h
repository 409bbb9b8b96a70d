/* sched_private.h - what the files of the scheduler share: its state, and one hold of its mutex.
 *
 * sched.c     tickets in, leases out, inboxes
 * queue.c     who waits: lanes, fairness, shedding
 * line.c      tickets that could use the same upstreams wait in one line
 * choice.c    which upstream a ticket gets
 * candidate.c may an upstream take a call now, and what taking it counts
 * verdict.c   what a result says about an upstream
 * upkeep.c    what changes by time alone
 * operator.c  what operators do and see
 * notice.c    what is to be logged once the mutex is free
 */
#ifndef SCHED_SCHED_PRIVATE_H
#define SCHED_SCHED_PRIVATE_H

#include "dsgate/sched/sched.h"
#include "fairness.h"
#include "line.h"
#include "notice.h"
#include <pthread.h>

struct sched {
    pthread_mutex_t mutex;
    struct pool *pool;                  /* the current one */
    struct lines lines;
    struct list lanes[LANE_COUNT];      /* tickets, who came into the lane first in front */
    struct fairness fairness[PRIORITY_COUNT]; /* of each class: batch jobs do not hold back their caller's chat */
    uint64_t arrivals;                  /* so far: the number of the next one */
    unsigned waiting, waiting_of[PRIORITY_COUNT], late_of[PRIORITY_COUNT];
    unsigned standby_at;                /* more waiting than this calls a standby; UINT_MAX: there is none to call */
    struct drain drains[PRIORITY_COUNT]; /* for operators; what decides is each row's own */
    struct {
        uint64_t granted, queued, refused[SCHED_ANSWERS];
    } counts[PRIORITY_COUNT];
    uint64_t picks[POLICY_COUNT];
    struct random_source random;
    bool off_peak;                      /* P3 may start whatever is in use */
    usec_t wall_offset;                 /* wall minus monotonic time, at the last upkeep */
    atomic_uint waking;                 /* threads between the mutex and their loop_post() */
    struct {
        struct loop *loop;              /* NULL: none runs */
        struct timer timer;
        struct loop_post post;
        bool running;                   /* the timer is set, or will be */
    } clock;
};

/* The mutex is held once from hold_begin() to hold_end(). What is decided meanwhile but may take long, such as waking
 * loops and logging, is noted here and done when the mutex is free. */
struct hold {
    struct sched *s;
    usec_t now;
    struct list wake;                   /* inboxes */
    struct notices notices;
    struct loop *clock;                 /* whose clock is to be started; NULL: none */
};

void hold_begin(struct hold *h, struct sched *s, usec_t now);
/* Unlocks, wakes inboxes, logs. */
void hold_end(struct hold *h);
/* Until no post is about to come that a hold has decided on. */
void sched_await_posts(struct sched *s);

static inline const struct conf_queue *queue_rules(const struct hold *h) { return &h->s->pool->config->queue; }
static inline usec_t hold_wall(const struct hold *h) { return h->now + h->s->wall_offset; }

/* What an operator has set goes before the config. */
static inline unsigned upstream_weight(const struct upstream *u)
{
    return u->state->weight ? u->state->weight : u->weight;
}
static inline bool is_standing_by(const struct upstream *u) { return u->tier == TIER_STANDBY && !u->state->active; }

/* ---- candidate.c ---- */

/* candidate_opens_at() where there is more to say. */
usec_t candidate_recovers_at(struct hold *h, const struct candidate *c);

/* When it may be given calls again, as far as is known: 0 when it may be now; USEC_NEVER when nobody can tell. */
static inline usec_t candidate_opens_at(struct hold *h, const struct candidate *c)
{
    const struct upstream *u = c->upstream;
    const struct upstream_state *s = u->state;
    bool out = s->draining | s->health.down | u->unknown | (c->target->breaker.state != BREAKER_CLOSED);
    bool rests = (s->quota_until > h->now) | (c->slot->limit.cool_until > h->now);
    return (out | rests) ? candidate_recovers_at(h, c) : 0;
}

/* The lanes for whose calls an account has room, and its slot for one model; bit per lane. */
unsigned account_lanes(const struct hold *h, const struct account *a);
unsigned slot_lanes(const struct hold *h, const struct slot *s);

/* 0: serves; 1: backup; 2: a standby that has not joined; 3: all its keys are refused. */
unsigned candidate_tier(const struct hold *h, const struct candidate *c);

/* Counts a call, and fills in the ticket's lease. */
void candidate_take(struct hold *h, const struct candidate *c, struct ticket *t);

/* Takes back what candidate_take() has counted, but for a quota's request. */
void candidate_give_back(const struct lease *lease);

/* Shuts the upstream for as long as its quota has no room. */
void quota_close(struct hold *h, const struct upstream *u, usec_t wall);

/* ---- choice.c ---- */

enum choice {
    CHOICE_TAKEN, /* ticket->lease is set and counted */
    CHOICE_FULL,  /* what is open is full */
    CHOICE_SHUT,  /* nothing is open */
    CHOICE_NONE   /* nothing is left to try */
};

/* `opens_at`, with CHOICE_SHUT: the earliest that something may open; USEC_NEVER: nobody can tell. */
enum choice choice_take(struct hold *h, struct ticket *t, enum lane lane, usec_t *opens_at);

/* For a ticket that needs none: neither trials of breakers, nor standbys that have not joined, nor refused keys. */
enum choice choice_take_spare(struct hold *h, struct ticket *t);

/* Does the row's candidate i count for this ticket, whatever its state? */
bool choice_is_left(const struct ticket *t, size_t i);

/* ---- queue.c ---- */

/* SCHED_WAITING, or why it may not wait. */
enum sched_answer queue_join(struct hold *h, struct ticket *t);
/* It gives up. */
void queue_leave(struct hold *h, struct ticket *t);
/* One that waits hears that it need not wait any more. */
void queue_refuse(struct hold *h, struct ticket *t, enum sched_answer why);
/* The next that may have their turn get it: of those that want this account, and of all. */
void queue_serve(struct hold *h, struct account *a);
void queue_serve_all(struct hold *h);
/* Those that have waited too long move up. */
void queue_age(struct hold *h);

/* ---- verdict.c ---- */

/* What a call's result changes for the upstream it went to. */
void verdict_note(struct hold *h, const struct lease *lease, const struct result *r);
/* Counts and logs what has become of a breaker. */
void verdict_breaker_changed(struct hold *h, struct target *t, const char *upstream, enum breaker_change change);
/* A trial that is a success before its call has ended; and a lease that was never used. */
void verdict_note_trial(struct hold *h, const struct lease *lease);
void verdict_note_late(struct hold *h, const struct lease *lease);
void verdict_note_unused(struct hold *h, const struct lease *lease);

/* ---- upkeep.c ---- */

/* How many wait that would be served if there were room: batch work that is merely held back is not counted. */
static inline unsigned upkeep_wanting(const struct sched *s)
{
    return s->waiting - (s->waiting_of[PRIORITY_P3] - s->late_of[PRIORITY_P3]);
}

/* More wait than before: the standbys that are wanted then join. */
void upkeep_call_standbys(struct hold *h);

#endif
