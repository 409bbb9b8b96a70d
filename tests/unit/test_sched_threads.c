/* Many threads ask, cancel and release at once. A ticket that is lost leaves its thread asleep for ever (the alarm ends
 * the test); one that comes twice, or too many leases at a time, are counted as wrong. Run it under ThreadSanitizer. */
#include "dsgate/base/log.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/sched.h"
#include "sched_test.h"
#include <pthread.h>

enum { WORKERS = 8, ACTORS = 8, ASKS = 3000, ACCOUNTS = 2, POOLS = 2, WAITING_MAX = 20 };
static const unsigned caps[ACCOUNTS] = {3, 4};
static const char upstreams[] = "- {name: a, base_url: 'http://127.0.0.1:1', max_concurrency: 3, weight: 2}\n"
                                "- {name: b, base_url: 'http://127.0.0.1:2', account: x, max_concurrency: 4}\n"
                                "- {name: c, base_url: 'http://127.0.0.1:3', account: x}\n";

struct actor {
    struct ticket ticket;
    enum { IDLE, WAITING, HOLDING } doing;
};

struct worker {
    pthread_t thread;
    struct loop *loop;
    struct loop_after each_turn;
    struct sched_inbox inbox;
    struct random_source random;
    struct actor actors[ACTORS];
    unsigned asks_left;
};

static struct sched *sched;
static struct pool *pools[POOLS]; /* the second is the first after a reload */
static const struct endpoint *chat;
static struct worker workers[WORKERS];
static atomic_uint held[ACCOUNTS], wrong, grants, deliveries, releases, working;

static bool chance(struct worker *w, unsigned one_in) { return random_below(&w->random, one_in) == 0; }

static atomic_uint *held_of(const struct actor *a) { return &held[a->ticket.lease.upstream->index > 0]; }

static void hold(struct actor *a)
{
    const atomic_uint *account = held_of(a);
    if (atomic_fetch_add(held_of(a), 1) >= caps[account - held]) wrong++;
    a->doing = HOLDING;
    grants++;
}

static void on_granted(struct ticket *ticket)
{
    struct worker *w = CONTAINER_OF(ticket->inbox, struct worker, inbox);
    struct actor *a = CONTAINER_OF(ticket, struct actor, ticket);
    if (a->doing != WAITING || !ticket->lease.upstream) wrong++;
    deliveries++;
    hold(a);
    loop_after_turn(w->loop, &w->each_turn);
}

static void ask(struct worker *w, struct actor *a)
{
    struct pool *p = pools[random_below(&w->random, POOLS)];
    a->ticket = (struct ticket){.row = &p->all, .endpoint = chat, .inbox = &w->inbox};
    if (chance(w, 4)) a->ticket.tried = random_below(&w->random, 8);
    w->asks_left--;
    switch (sched_ask(sched, &a->ticket)) {
    case SCHED_GRANTED: hold(a); break;
    case SCHED_WAITING: a->doing = WAITING; break;
    case SCHED_FULL: break;
    case SCHED_NONE: wrong += a->ticket.tried != 7; break;
    }
}

static void release(struct worker *w, struct actor *a)
{
    atomic_fetch_sub(held_of(a), 1);
    sched_release(sched, &a->ticket.lease, (enum outcome)random_below(&w->random, OUTCOME_COUNT), 0);
    a->doing = IDLE;
    releases++;
}

static void cancel(struct actor *a)
{
    sched_cancel(sched, &a->ticket);
    if (a->ticket.lease.upstream) wrong++;
    a->doing = IDLE;
}

static void act(struct worker *w, struct actor *a)
{
    if (a->doing == IDLE && w->asks_left > 0)
        ask(w, a);
    else if (a->doing == WAITING && chance(w, 16))
        cancel(a);
    else if (a->doing == HOLDING && chance(w, 2))
        release(w, a);
}

static unsigned count(const struct worker *w, int doing)
{
    unsigned n = 0;
    for (int i = 0; i < ACTORS; i++)
        n += (int)w->actors[i].doing == doing;
    return n;
}

/* Who can do nothing but wait may go to sleep: somebody holds what it waits for. */
static void on_turn(struct loop_after *after)
{
    struct worker *w = CONTAINER_OF(after, struct worker, each_turn);
    for (int i = 0; i < ACTORS; i++)
        act(w, &w->actors[i]);
    if (w->asks_left == 0 && count(w, IDLE) == ACTORS)
        loop_stop(w->loop);
    else if (count(w, HOLDING) > 0 || count(w, WAITING) == 0 || !chance(w, 4))
        loop_after_turn(w->loop, &w->each_turn);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    w->loop = loop_new();
    sched_inbox_open(sched, &w->inbox, w->loop, on_granted);
    w->each_turn.run = on_turn;
    loop_after_turn(w->loop, &w->each_turn);
    loop_run(w->loop);
    sched_inbox_close(&w->inbox);
    loop_free(w->loop);
    atomic_fetch_sub(&working, 1);
    return NULL;
}

/* Meanwhile, upstreams go down and come up. */
static void probe_until_done(void)
{
    struct random_source random;
    struct sched_upstream_view views[3];
    struct health_rules rules = {10, 1, 1};
    random_seed(&random, 99);
    while (atomic_load(&working) > 0) {
        struct upstream *u = &pools[0]->upstreams[random_below(&random, 3)];
        sched_note_probe(sched, u->state, &rules, random_below(&random, 2), 0);
        if (sched_look(sched, pools[1], views) > WAITING_MAX) wrong++;
        sched_yield();
    }
}

static void check_that_all_is_quiet(void)
{
    struct sched_upstream_view views[3];
    ck_assert_uint_eq(sched_look(sched, pools[0], views), 0);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(views[i].in_flight, 0);
        ck_assert_uint_eq(pools[0]->upstreams[i].account->in_flight, 0);
        ck_assert_uint_eq(pools[0]->upstreams[i].account->wanted, 0);
    }
}

START_TEST(test_hammering)
{
    log_set_level(LOG_ERROR);
    chat = endpoint_find(TEXT("/v1/chat/completions"));
    sched = sched_new(WAITING_MAX);
    pools[0] = make_pool(upstreams, NULL);
    pools[1] = make_pool(upstreams, pools[0]);
    working = WORKERS;
    for (int i = 0; i < WORKERS; i++) {
        random_seed(&workers[i].random, (uint64_t)i);
        workers[i].asks_left = ASKS;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    probe_until_done();
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(grants, releases);
    ck_assert_uint_gt(deliveries, 0);
    check_that_all_is_quiet();
    sched_free(sched);
    pool_unref(pools[0]);
    pool_unref(pools[1]);
}
END_TEST

TEST_MAIN("sched_threads", test_hammering)
