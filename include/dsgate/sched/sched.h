/* sched.h - one place decides who goes where: tickets in, leases out.
 *
 * A ticket asks for an upstream that serves its model and endpoint. It is granted at once while one has room and nobody
 * waits for it; otherwise it waits for its turn, whose order lane.h tells. The turn comes with a lease on one upstream;
 * every lease is released once, with its result. Who can't get a turn in time is refused at once.
 *
 * One mutex guards it all, held for about a microsecond as a rule and never across I/O or a callback. So all calls may
 * come from any thread, but those about one ticket, its lease or its inbox only from the inbox's loop. Grants to
 * waiting tickets go to that inbox, and its loop is woken. Times are monotonic.
 */
#ifndef DSGATE_SCHED_SCHED_H
#define DSGATE_SCHED_SCHED_H

#include "dsgate/net/loop.h"
#include "dsgate/sched/drain.h"
#include "dsgate/sched/pool.h"

struct sched;
struct ticket;
struct line;

/* One per worker: where its tickets arrive that were granted, or refused while they waited. */
struct sched_inbox {
    struct sched *sched;
    struct loop *loop;
    struct loop_post post;
    struct list settled; /* tickets */
    bool posted;         /* `post` is under way, or will be as soon as the mutex is free */
    struct list node;    /* among the inboxes to wake */
    void (*settled_one)(struct ticket *ticket); /* on `loop`; ticket->lease is set, or ticket->answer says why not */
};

struct lease {
    struct upstream *upstream;      /* NULL: no lease */
    const struct candidate *candidate;
    const char *key;                /* the upstream's; NULL: the client's own goes through */
    unsigned key_index;
    bool is_last_key;               /* the upstream's others have been refused, and rest */
    enum conf_priority priority;
    bool trial;                     /* of a half-open breaker */
    usec_t began;
    usec_t slow_after;              /* 95% of its calls for this model had their first token sooner; 0 = not known */
};

enum sched_answer {
    SCHED_GRANTED, /* ticket->lease is set */
    SCHED_WAITING, /* settled_one() will come, unless sched_cancel() */
    SCHED_FULL,    /* too many are waiting, of its class or in all */
    SCHED_LATE,    /* at the measured rate its turn would come too late */
    SCHED_CLOSED,  /* everybody who serves it is down, open, cooling, or spent for longer than it can wait */
    SCHED_NONE,    /* no upstream that is not tried yet serves this endpoint and model */
    SCHED_MOVED,   /* instead of a wait, or in the middle of one: there is another pool now; ask again, in that one
                    * where it can be, or with `stays` */
    SCHED_ANSWERS
};

enum ticket_state { TICKET_IDLE, TICKET_WAITING, TICKET_SETTLED /* in the inbox */ };

struct ticket {
    /* the asker's */
    struct model_row *row;          /* of a pool that must stay referenced while the ticket or its lease is in use */
    const struct endpoint *endpoint;
    enum conf_policy policy;
    enum conf_priority priority;
    uint64_t caller;                /* whoever has the same number shares its turns */
    unsigned caller_weight;         /* 1…1000 */
    uint64_t conversation;          /* for POLICY_AFFINITY */
    usec_t deadline;                /* goes before later ones of its class; USEC_NEVER: in no hurry */
    usec_t latest;                  /* useless after that; refused at once where it can't be met. The asker cancels */
    struct upstream_set tried;      /* not again */
    bool now_or_never;              /* for a hedge: granted at once, before nobody who waits, or not at all: SCHED_NONE,
                                     * and nothing is counted; a granted one is no turn of its class either. It gets
                                     * neither trials nor last resorts (standbys that have not joined, refused keys).
                                     * Needs no inbox; the ticket may go as soon as its lease is copied */
    bool stays;                     /* in its pool, though there may be another one now: no SCHED_MOVED for it */
    struct sched_inbox *inbox;
    const char *label;              /* for operators: the request's id. Must stay while it waits */
    /* the scheduler's */
    struct lease lease;
    enum sched_answer answer;
    usec_t retry_after;             /* with FULL, LATE, CLOSED: when another try makes sense; 0 = not known */
    enum ticket_state state;
    enum lane lane;
    size_t position;                /* in its heap, from 0 */
    struct line *line;
    struct {
        struct caller *caller;
        struct list node;           /* among the caller's tickets that wait, in the order in which they came */
        uint64_t tag;
    } turn;                         /* of fairness between callers */
    usec_t asked;                   /* first; 0 = not yet. One that asks again, for another try too, keeps its age */
    struct list node;               /* in its lane, in the inbox */
};

struct sched *sched_new(void); /* useless before it has a pool */
void sched_free(struct sched *s); /* no tickets, leases or inboxes left */

/* From now on `pool` is the current one: its config's queue rules count, its standbys and quotas are looked after.
 * References it. Tickets that wait in another pool come back as SCHED_MOVED: there may be new endpoints for them. */
void sched_use_pool(struct sched *s, struct pool *pool, usec_t now);
struct pool *sched_pool(struct sched *s); /* the current one, referenced */

/* Ticks on this loop, every 20 ms while anybody waits: what changes by time alone (who has waited too long, breakers,
 * cool-downs) is served then. Without it sched_tick() must be called. */
void sched_run_clock(struct sched *s, struct loop *loop);
void sched_stop_clock(struct sched *s); /* on that loop, before it ends */
void sched_tick(struct sched *s, usec_t now);

/* Once a second: peak hours, quotas, standbys that may leave. */
void sched_upkeep(struct sched *s, usec_t now, usec_t wall);

void sched_inbox_open(struct sched *s, struct sched_inbox *inbox, struct loop *loop,
                      void (*settled_one)(struct ticket *ticket));
/* On its loop, no tickets left. A wake-up may still stand in the loop's mail: the memory must stay until the loop has
 * ended. */
void sched_inbox_close(struct sched_inbox *inbox);

/* Choice: of the row's upstreams that serve the endpoint, are not tried and are neither drained, down, open, cooling
 * nor spent, the lowest tier; of those with room, the policy's pick, with upstreams of the gateway's zone first.
 * Backups get calls only while no primary is open, or from P0 and from P1 that has waited too long. Endpoints that keep
 * state upstream (any_upstream false) get the first in config order that serves them and no other. */
enum sched_answer sched_ask(struct sched *s, struct ticket *t, usec_t now);

/* Takes a waiting or settled-but-undelivered ticket back; harmless when idle. ticket->retry_after then says how long it
 * would take from now on. */
void sched_cancel(struct sched *s, struct ticket *t, usec_t now);

/* A trial has given its first token, which is what a half-open breaker wants to know: streams may take minutes to end.
 * Nothing for other leases. */
void sched_note_token(struct sched *s, struct lease *lease, usec_t now);

/* The call has shown that it is alive, and its first token is late. Two of them in a row are back-pressure: new calls
 * go elsewhere before these have ended. */
void sched_note_late(struct sched *s, struct lease *lease, usec_t now);

/* Gives the lease back and judges the upstream; logs what changes. *lease is cleared; harmless when it was cleared
 * before. */
void sched_release(struct sched *s, struct lease *lease, const struct result *result, usec_t now);

/* The result of an active probe; logged alike. `rules`: those of the upstream's current config. */
void sched_note_probe(struct sched *s, struct upstream_state *state, const struct health_rules *rules, bool alive,
                      usec_t now);

/* When the next probe of an upstream is due; USEC_NEVER: none is wanted. */
usec_t sched_probe_due(struct sched *s, const struct upstream *u);

/* ---- what an operator may do ---- */

void sched_set_draining(struct sched *s, struct upstream *u, bool draining, usec_t now);
void sched_set_weight(struct sched *s, struct upstream *u, unsigned weight, usec_t now); /* 0 = the config's */

/* ---- what an operator may see ---- */

/* An upstream's model. */
struct sched_target_view {
    const char *model;              /* the pool's */
    enum breaker_state breaker;
    usec_t opens_in;                /* while the breaker is open: until trials begin */
    unsigned in_flight;
    unsigned limit;                 /* of the account for this model; LIMIT_NONE: there is none */
    usec_t cools_for;               /* Retry-After; 0 = not */
    usec_t first_token;             /* average; 0 = unknown */
    double failing;
    uint64_t picks, opened, half_opened, closed;
};

enum { SCHED_TARGETS_MAX = 64 };    /* of one upstream, that are told */

struct sched_upstream_view {
    bool down, draining, standing_by, peak;
    unsigned in_flight, weight;
    unsigned keys, keys_cooling;
    usec_t spent_for;               /* its quota: until there is room; 0 = there is */
    struct quota_day today;
    usec_t probe_due;               /* USEC_NEVER: none wanted */
    unsigned target_count;
    struct sched_target_view targets[SCHED_TARGETS_MAX];
};

/* A consistent look at one upstream. */
void sched_look(struct sched *s, const struct upstream *u, usec_t now, struct sched_upstream_view *view);

/* Whether anybody of the row, with a key that is not refused, could be given calls now, room or not. */
bool sched_is_open(struct sched *s, const struct model_row *row, usec_t now);

struct sched_queue_view {
    unsigned waiting;
    struct {
        unsigned waiting, late;     /* late: has waited longer than max_wait */
        usec_t oldest;              /* how long the first has waited; 0 = none waits */
        double rate;                /* turns a second; 0 = not known */
        usec_t wait;                /* estimated, of one that joins now; 0 = none, or not known */
        uint64_t granted, queued;   /* in all: granted, at once or later; that had to wait */
        uint64_t refused[SCHED_ANSWERS]; /* by answer */
    } classes[PRIORITY_COUNT];
    uint64_t picks[POLICY_COUNT];
};
void sched_look_at_queue(struct sched *s, usec_t now, struct sched_queue_view *view);

/* One waiting ticket. */
struct sched_ticket_view {
    char label[132];
    char model[128];                /* the row's */
    enum conf_priority priority;
    bool late;
    unsigned position;              /* 1 = next of its line: tickets for the same model and upstreams */
    usec_t waited, wait;            /* so far; estimated from now on, 0 = not known */
};

/* Line by line, those that are next in it, at most `most` in all; returns how many. */
size_t sched_list_waiting(struct sched *s, usec_t now, struct sched_ticket_view *views, size_t most);

/* The one with this label; false: nobody with it waits. Takes time in proportion to the queue. */
bool sched_find_waiting(struct sched *s, struct text label, usec_t now, struct sched_ticket_view *view);

/* ---- quotas across restarts ---- */

/* What has been used today by an upstream, and what it had used before a restart. Days that are over are ignored. */
struct quota_day sched_quota_today(struct sched *s, const struct upstream *u);
void sched_restore_quota(struct sched *s, struct upstream *u, const struct quota_day *today);

#endif
