/* sched.h - one place decides who goes where: tickets in, leases out.
 *
 * A ticket asks for an upstream that serves its model and endpoint. It is granted at once while one has room; otherwise
 * it waits first come, first served. The turn comes with a lease on one upstream; every lease is released once, with
 * its outcome.
 *
 * One mutex guards it all, held for well under a microsecond as a rule and never across I/O or a callback. So all calls
 * may come from any thread, but those about one ticket, its lease or its inbox only from the inbox's loop. Grants to
 * waiting tickets go to that inbox, and its loop is woken. Times are monotonic.
 */
#ifndef DSGATE_SCHED_SCHED_H
#define DSGATE_SCHED_SCHED_H

#include "dsgate/net/loop.h"
#include "dsgate/sched/pool.h"

struct sched;
struct ticket;

/* One per worker: where its granted tickets arrive. */
struct sched_inbox {
    struct sched *sched;
    struct loop *loop;
    struct loop_post post;
    struct list granted; /* tickets */
    bool posted;         /* `post` is under way, or will be as soon as the mutex is free */
    struct list node;    /* among the inboxes to wake */
    void (*granted_one)(struct ticket *ticket); /* on `loop`; ticket->lease is set */
};

struct lease {
    struct upstream *upstream;      /* NULL: no lease */
    const struct conf_model *model; /* NULL: the client's name */
};

enum ticket_state { TICKET_IDLE, TICKET_WAITING, TICKET_GRANTED /* in the inbox */ };

struct ticket {
    /* the asker's */
    struct model_row *row;          /* of a pool that must stay referenced while the ticket or its lease is in use */
    const struct endpoint *endpoint;
    uint64_t tried;                 /* bit per upstream index: not again */
    struct sched_inbox *inbox;
    /* the scheduler's */
    struct lease lease;
    enum ticket_state state;
    struct list node;
    uint64_t turn;                  /* who came first has the lower one */
};

struct sched *sched_new(unsigned waiting_max);
void sched_free(struct sched *s); /* no tickets, leases or inboxes left */
void sched_set_waiting_max(struct sched *s, unsigned waiting_max);

void sched_inbox_open(struct sched *s, struct sched_inbox *inbox, struct loop *loop,
                      void (*granted_one)(struct ticket *ticket));
/* On its loop, no tickets left. A wake-up may still stand in the loop's mail: the memory must stay until the loop has
 * ended. */
void sched_inbox_close(struct sched_inbox *inbox);

enum sched_answer {
    SCHED_GRANTED, /* ticket->lease is set */
    SCHED_WAITING, /* granted_one() will come, unless sched_cancel() */
    SCHED_FULL,    /* too many are waiting */
    SCHED_NONE     /* no upstream that is not tried yet serves this endpoint and model */
};

/* Choice: of the row's upstreams that serve the endpoint, are not tried, are up and have room, the next by smooth
 * weighted round robin; endpoints that keep state upstream (any_upstream false) get the first in config order that
 * serves them, whatever its state, and no other. When all that are left are down they count as up: trying beats certain
 * refusal. */
enum sched_answer sched_ask(struct sched *s, struct ticket *t);

/* Takes a waiting or granted-but-undelivered ticket back; harmless when idle. */
void sched_cancel(struct sched *s, struct ticket *t);

/* Gives the lease back and judges the upstream; logs when that goes down or comes up. *lease is cleared; harmless when
 * it was cleared before. */
void sched_release(struct sched *s, struct lease *lease, enum outcome o, usec_t now);

/* The result of an active probe; logged alike. `rules`: those of the upstream's current config. */
void sched_note_probe(struct sched *s, struct upstream_state *state, const struct health_rules *rules, bool ok,
                      usec_t now);

struct sched_upstream_view {
    bool down;
    unsigned in_flight;
    usec_t probe_due;               /* USEC_NEVER: none wanted */
};
/* A consistent look at pool->upstreams (fills pool->upstream_count views) and the number of waiting tickets. */
unsigned sched_look(struct sched *s, const struct pool *pool, struct sched_upstream_view *views);

#endif
