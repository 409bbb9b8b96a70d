/* Many threads ask, cancel and release at once, while another one lets time pass, probes, drains, reloads and looks. A
 * ticket that is lost leaves its thread asleep for ever (the alarm ends the test); one that comes twice, or too many
 * leases at a time, are counted as wrong. Run it under ThreadSanitizer. */
#include "dsgate/base/log.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/sched.h"
#include "sched_test.h"
#include <pthread.h>

enum { WORKERS = 8, ACTORS = 8, CALLS = 3000, ACCOUNTS = 2, UPSTREAMS = 3, POOLS = 2, WAITING_MAX = 40 };
enum { STEP = 2 * USEC_PER_MS, PATIENCE = 60 * USEC_PER_SEC };
static const unsigned caps[ACCOUNTS] = {5, 10}, reserved[ACCOUNTS] = {1, 2};
static const char upstreams[] =
    "- {name: a, base_url: 'http://127.0.0.1:1', max_concurrency: 5, weight: 2, api_keys: [k0, k1]}\n"
    "- {name: b, base_url: 'http://127.0.0.1:2', account: x, max_concurrency: 10, models: {m: m, '*': '*'}, breaker: "
    "{open: 1s}}\n"
    "- {name: c, base_url: 'http://127.0.0.1:3', account: x, max_concurrency: 10, tier: backup, breaker: {open: 1s}}\n"
    "queue: {max_waiting: 40, reserve_p0: 20%}\n";

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
    unsigned calls_left;
};

static struct sched *sched;
static struct pool *pools[POOLS]; /* the second is the first after a reload */
static const struct endpoint *chat;
static struct worker workers[WORKERS];
static atomic_uint held[ACCOUNTS], common[ACCOUNTS], wrong, grants, deliveries, moved, refused, releases, working;
static _Atomic usec_t clock_now;

static bool chance(struct worker *w, unsigned one_in) { return random_below(&w->random, one_in) == 0; }

static unsigned account_of(const struct actor *a) { return a->ticket.lease.upstream->index > 0; }

static void hold(struct actor *a)
{
    unsigned account = account_of(a);
    if (atomic_fetch_add(&held[account], 1) >= caps[account]) wrong++;
    if (a->ticket.lease.priority != a->ticket.priority) wrong++;
    if (a->ticket.priority != PRIORITY_P0 && atomic_fetch_add(&common[account], 1) >= caps[account] - reserved[account])
        wrong++;
    a->doing = HOLDING;
    grants++;
}

static void on_settled(struct ticket *ticket)
{
    struct worker *w = CONTAINER_OF(ticket->inbox, struct worker, inbox);
    struct actor *a = CONTAINER_OF(ticket, struct actor, ticket);
    if (a->doing != WAITING || (ticket->answer == SCHED_GRANTED) != (ticket->lease.upstream != NULL)) wrong++;
    deliveries++;
    a->doing = IDLE;
    if (ticket->lease.upstream)
        hold(a);
    else
        moved += ticket->answer == SCHED_MOVED;
    loop_after_turn(w->loop, &w->each_turn);
}

static void fill_ticket(struct worker *w, struct ticket *t)
{
    struct pool *p = pools[random_below(&w->random, POOLS)];
    *t = (struct ticket){.row = chance(w, 2) ? &p->all : pool_find_model(p, TEXT("m")),
                         .endpoint = chat,
                         .policy = (enum conf_policy)random_below(&w->random, POLICY_COUNT),
                         .priority = (enum conf_priority)random_below(&w->random, PRIORITY_COUNT),
                         .caller = random_below(&w->random, 4),
                         .caller_weight = 1 + (unsigned)random_below(&w->random, 3),
                         .conversation = random_next(&w->random),
                         .deadline = USEC_NEVER,
                         .latest = atomic_load(&clock_now) + PATIENCE,
                         .now_or_never = chance(w, 8),
                         .inbox = &w->inbox,
                         .label = "hammer"};
    for (unsigned i = 0; i < UPSTREAMS; i++)
        if (chance(w, 8)) upstream_set_add(&t->tried, i);
}

static void ask(struct worker *w, struct actor *a)
{
    fill_ticket(w, &a->ticket);
    enum sched_answer answer = sched_ask(sched, &a->ticket, atomic_load(&clock_now));
    if (answer == SCHED_GRANTED)
        hold(a);
    else if (answer == SCHED_WAITING && !a->ticket.now_or_never)
        a->doing = WAITING;
    else if (a->ticket.now_or_never)
        wrong += answer != SCHED_NONE;
    else
        wrong += answer == SCHED_NONE && a->ticket.tried.words[0] != 7;
    refused += answer == SCHED_FULL || answer == SCHED_LATE || answer == SCHED_CLOSED;
}

static void release(struct worker *w, struct actor *a)
{
    unsigned account = account_of(a);
    struct result result = {.outcome = !chance(w, 16) ? OUTCOME_SUCCESS
                                                      : (enum outcome)random_below(&w->random, OUTCOME_COUNT),
                            .first_token = STEP};
    atomic_fetch_sub(&held[account], 1);
    if (a->ticket.priority != PRIORITY_P0) atomic_fetch_sub(&common[account], 1);
    sched_release(sched, &a->ticket.lease, &result, atomic_load(&clock_now));
    a->doing = IDLE;
    releases++;
    if (w->calls_left > 0) w->calls_left--;
}

static void cancel(struct actor *a)
{
    sched_cancel(sched, &a->ticket, atomic_load(&clock_now));
    if (a->ticket.lease.upstream) wrong++;
    a->doing = IDLE;
}

/* How threads meet is up to a busy machine: each goes on until everything has happened at least once. */
static bool has_done_its_part(const struct worker *w)
{
    return w->calls_left == 0 && deliveries > 0 && moved > 0 && refused > 0;
}

static void act(struct worker *w, struct actor *a)
{
    if (a->doing == IDLE && !has_done_its_part(w))
        ask(w, a);
    else if (a->doing == WAITING && (chance(w, 16) || atomic_load(&clock_now) >= a->ticket.latest))
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

/* Who can do nothing but wait may go to sleep: somebody holds what it waits for, or time opens it. Some upstreams stay
 * closed for longer than a ticket waits, so that its asker has to come back for it. */
static void on_turn(struct loop_after *after)
{
    struct worker *w = CONTAINER_OF(after, struct worker, each_turn);
    for (int i = 0; i < ACTORS; i++)
        act(w, &w->actors[i]);
    if (has_done_its_part(w) && count(w, IDLE) == ACTORS)
        loop_stop(w->loop);
    else if (count(w, WAITING) < ACTORS || !chance(w, 64))
        loop_after_turn(w->loop, &w->each_turn);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    w->loop = loop_new();
    sched_inbox_open(sched, &w->inbox, w->loop, on_settled);
    w->each_turn.run = on_turn;
    loop_after_turn(w->loop, &w->each_turn);
    loop_run(w->loop);
    sched_inbox_close(&w->inbox);
    loop_free(w->loop);
    atomic_fetch_sub(&working, 1);
    return NULL;
}

/* ---- meanwhile ---- */

static void look(struct upstream *u, usec_t now)
{
    struct sched_upstream_view upstream;
    struct sched_queue_view queue;
    struct sched_ticket_view tickets[4];
    sched_look(sched, u, now, &upstream);
    sched_look_at_queue(sched, now, &queue);
    if (upstream.in_flight > caps[u->index > 0] || queue.waiting > WAITING_MAX) wrong++;
    if (sched_list_waiting(sched, now, tickets, 4) > 4) wrong++;
    sched_find_waiting(sched, TEXT("nobody"), now, tickets);
}

static void disturb(struct random_source *random, usec_t now)
{
    struct health_rules rules = {PROBES_SUSPECTED, USEC_PER_SEC, 1, 1};
    struct upstream *u = &pools[0]->upstreams[random_below(random, UPSTREAMS)];
    switch (random_below(random, 16)) {
    case 0: sched_note_probe(sched, u->state, &rules, random_below(random, 4) > 0, now); break;
    case 1: sched_set_draining(sched, u, random_below(random, 4) == 0, now); break;
    case 2: sched_set_weight(sched, u, (unsigned)random_below(random, 4), now); break;
    case 3: sched_upkeep(sched, now, now); break;
    case 4: sched_use_pool(sched, pools[random_below(random, POOLS)], now); break;
    default: look(u, now);
    }
}

static void disturb_until_done(void)
{
    struct random_source random;
    random_seed(&random, 99);
    while (atomic_load(&working) > 0) {
        usec_t now = atomic_fetch_add(&clock_now, STEP) + STEP;
        sched_tick(sched, now);
        disturb(&random, now);
        sched_yield();
    }
}

static void check_that_all_is_quiet(void)
{
    struct sched_queue_view queue;
    sched_look_at_queue(sched, clock_now, &queue);
    ck_assert_uint_eq(queue.waiting, 0);
    for (int i = 0; i < UPSTREAMS; i++) {
        const struct account *account = pools[0]->upstreams[i].account;
        ck_assert_uint_eq(pools[0]->upstreams[i].state->in_flight, 0);
        ck_assert_uint_eq(account->in_flight, 0);
        ck_assert_uint_eq(account->common, 0);
        ck_assert(list_empty(&account->wishes));
    }
}

START_TEST(test_hammering)
{
    log_set_level(LOG_ERROR);
    chat = endpoint_find(TEXT("/v1/chat/completions"));
    clock_now = 1000 * USEC_PER_SEC;
    sched = sched_new();
    pools[0] = make_pool(upstreams, NULL);
    pools[1] = make_pool(upstreams, pools[0]);
    sched_use_pool(sched, pools[1], clock_now);
    working = WORKERS;
    for (int i = 0; i < WORKERS; i++) {
        random_seed(&workers[i].random, (uint64_t)i);
        workers[i].calls_left = CALLS;
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    disturb_until_done();
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(grants, releases);
    ck_assert_uint_ge(grants, WORKERS * CALLS);
    check_that_all_is_quiet();
    sched_free(sched);
    pool_unref(pools[0]);
    pool_unref(pools[1]);
}
END_TEST

TEST_MAIN("sched_threads", test_hammering)
