/* sched_fixture.h - a scheduler with one inbox and some tickets, in virtual time, and short names for what tests do
 * with them. */
#ifndef DSGATE_TESTS_SCHED_FIXTURE_H
#define DSGATE_TESTS_SCHED_FIXTURE_H

#include "dsgate/base/log.h"
#include "dsgate/sched/sched.h"
#include "sched_test.h"

enum { TICKETS = 26, POOLS_MAX = 4 };

static struct sched *sched;
static struct loop *loop;
static struct sched_inbox inbox;
static const struct endpoint *chat;
static struct ticket t[TICKETS];
static char delivered[256]; /* letters of the tickets that came, in order: small when granted, else capitals */
static struct pool *pool;   /* the current one */
static struct pool *pools[POOLS_MAX]; /* all */
static int pool_count;
static usec_t now;

static inline void on_settled(struct ticket *ticket)
{
    ck_assert_int_eq(ticket->state, TICKET_IDLE);
    ck_assert_int_eq(ticket->lease.upstream != NULL, ticket->answer == SCHED_GRANTED);
    delivered[strlen(delivered)] = (char)((ticket->lease.upstream ? 'a' : 'A') + (ticket - t));
}

static inline void set_up(void)
{
    log_set_level(LOG_ERROR);
    memset(delivered, 0, sizeof delivered);
    now = 1000 * USEC_PER_SEC;
    pool = NULL;
    pool_count = 0;
    sched = sched_new();
    loop = loop_new();
    chat = endpoint_find(TEXT("/v1/chat/completions"));
    sched_inbox_open(sched, &inbox, loop, on_settled);
    for (int i = 0; i < TICKETS; i++)
        t[i] = (struct ticket){.endpoint = chat,
                               .priority = PRIORITY_P2,
                               .caller_weight = 1,
                               .deadline = USEC_NEVER,
                               .latest = USEC_NEVER,
                               .inbox = &inbox,
                               .label = "test"};
}

static inline void tear_down(void)
{
    run_turns(loop, 1);
    sched_inbox_close(&inbox);
    loop_free(loop);
    sched_free(sched);
    for (int i = 0; i < pool_count; i++)
        pool_unref(pools[i]);
}

/* From now on the scheduler works with this pool, which takes over what the one before knows. */
static inline struct pool *use_pool(struct pool *p)
{
    sched_use_pool(sched, p, now);
    return pool = pools[pool_count++] = p;
}

static inline struct pool *use(const char *upstreams) { return use_pool(make_pool(upstreams, pool)); }

/* Asks for the first time. */
static inline enum sched_answer ask_row(struct ticket *ticket, struct model_row *row)
{
    ticket->row = row;
    ticket->asked = 0;
    return sched_ask(sched, ticket, now);
}

static inline enum sched_answer ask(struct ticket *ticket) { return ask_row(ticket, &pool->all); }

static inline enum sched_answer ask_as(struct ticket *ticket, enum conf_priority priority)
{
    ticket->priority = priority;
    return ask(ticket);
}

static inline enum sched_answer ask_model(struct ticket *ticket, const char *model)
{
    return ask_row(ticket, pool_find_model(pool, text_of(model)));
}

static inline void expect(int i, enum sched_answer answer) { ck_assert_int_eq(ask(&t[i]), answer); }

static inline const char *upstream_of(const struct ticket *ticket)
{
    return ticket->lease.upstream ? ticket->lease.upstream->name : "none";
}

static inline void release_result(struct ticket *ticket, struct result result)
{
    sched_release(sched, &ticket->lease, &result, now);
}

static inline void release(struct ticket *ticket, enum outcome o)
{
    release_result(ticket, (struct result){.outcome = o, .first_token = o == OUTCOME_SUCCESS ? 1000 : 0});
}

static inline void release_range(int from, int to)
{
    for (int i = from; i < to; i++)
        release(&t[i], OUTCOME_SUCCESS);
}

static inline void cancel_range(int from, int to)
{
    for (int i = from; i < to; i++)
        sched_cancel(sched, &t[i], now);
}

/* What has been delivered by now; forgets it. */
static inline const char *deliveries(void)
{
    static char taken[sizeof delivered];
    run_turns(loop, 1);
    memcpy(taken, delivered, sizeof taken);
    memset(delivered, 0, sizeof delivered);
    return taken;
}

/* Time passes, with a tick at its end. */
static inline void pass(usec_t time)
{
    now += time;
    sched_tick(sched, now);
}

static inline struct sched_queue_view queue(void)
{
    struct sched_queue_view view;
    sched_look_at_queue(sched, now, &view);
    return view;
}

static inline unsigned waiting(void) { return queue().waiting; }

static inline struct sched_upstream_view view(size_t i)
{
    struct sched_upstream_view seen;
    sched_look(sched, &pool->upstreams[i], now, &seen);
    return seen;
}

static inline void probe(size_t i, bool alive)
{
    struct health_rules rules = {PROBES_SUSPECTED, 10 * USEC_PER_SEC, 1, 1};
    sched_note_probe(sched, pool->upstreams[i].state, &rules, alive, now);
}

static inline void take_down(size_t i) { probe(i, false); }
static inline void bring_up(size_t i) { probe(i, true); }

#define AT   "base_url: 'http://127.0.0.1:1'"
#define ONE  "- {name: a, " AT ", max_concurrency: 1}\n"
#define TWO  ONE "- {name: b, " AT ", max_concurrency: 1}\n"
#define FREE "- {name: a, " AT ", weight: 2}\n- {name: b, " AT "}\n"

#endif
