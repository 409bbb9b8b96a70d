/* sched_fixture.h - a scheduler with one inbox and some tickets, and short names for what tests do with them. */
#ifndef DSGATE_TESTS_SCHED_FIXTURE_H
#define DSGATE_TESTS_SCHED_FIXTURE_H

#include "dsgate/base/log.h"
#include "dsgate/sched/sched.h"
#include "sched_test.h"

enum { TICKETS = 8 };

static struct sched *sched;
static struct loop *loop;
static struct sched_inbox inbox;
static const struct endpoint *chat;
static struct ticket t[TICKETS];
static char delivered[64]; /* letters of the tickets that came, in order */

static inline void on_granted(struct ticket *ticket)
{
    ck_assert_ptr_nonnull(ticket->lease.upstream);
    ck_assert_int_eq(ticket->state, TICKET_IDLE);
    delivered[strlen(delivered)] = (char)('0' + (ticket - t));
}

static inline void set_up(void)
{
    log_set_level(LOG_ERROR);
    memset(t, 0, sizeof t);
    memset(delivered, 0, sizeof delivered);
    sched = sched_new(100);
    loop = loop_new();
    chat = endpoint_find(TEXT("/v1/chat/completions"));
    sched_inbox_open(sched, &inbox, loop, on_granted);
}

static inline void tear_down(void)
{
    run_turns(loop, 1);
    sched_inbox_close(&inbox);
    loop_free(loop);
    sched_free(sched);
}

static inline enum sched_answer ask(struct ticket *ticket, struct pool *p)
{
    *ticket = (struct ticket){.row = &p->all, .endpoint = chat, .tried = ticket->tried, .inbox = &inbox};
    return sched_ask(sched, ticket);
}

static inline const char *upstream_of(const struct ticket *ticket)
{
    return ticket->lease.upstream ? ticket->lease.upstream->conf->name : "none";
}

static inline void release(struct ticket *ticket, enum outcome o) { sched_release(sched, &ticket->lease, o, 2000); }

static inline unsigned waiting(const struct pool *p)
{
    struct sched_upstream_view views[POOL_UPSTREAMS_MAX];
    return sched_look(sched, p, views);
}

static inline struct sched_upstream_view view(const struct pool *p, size_t i)
{
    struct sched_upstream_view views[POOL_UPSTREAMS_MAX];
    sched_look(sched, p, views);
    return views[i];
}

/* Takes upstream i down by hand. */
static inline void take_down(struct pool *p, size_t i)
{
    struct health_rules rules = {10, 1, 1};
    sched_note_probe(sched, p->upstreams[i].state, &rules, false, 1);
}

static inline void bring_up(struct pool *p, size_t i)
{
    struct health_rules rules = {10, 1, 1};
    sched_note_probe(sched, p->upstreams[i].state, &rules, true, 1);
}

#define ONE  "- {name: a, base_url: 'http://127.0.0.1:1', max_concurrency: 1}\n"
#define TWO  ONE "- {name: b, base_url: 'http://127.0.0.1:2', max_concurrency: 1}\n"
#define FREE "- {name: a, base_url: 'http://127.0.0.1:1', weight: 2}\n- {name: b, base_url: 'http://127.0.0.1:2'}\n"

#endif
