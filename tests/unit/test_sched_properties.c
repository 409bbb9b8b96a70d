/* What must hold whatever happens: random sequences of everything that askers, upstreams, operators and time can do, in
 * virtual time. A seed that fails is told in the message. */
#include "dsgate/base/random.h"
#include "sched_fixture.h"

enum { ACTORS = 120, STEPS = 8000, SEEDS = 10, RESERVE = 20 };

struct actor {
    struct ticket ticket;
    enum { IDLE, WAITING, HOLDING } doing;
};

static struct actor actors[ACTORS];
static struct random_source source;
static struct {
    unsigned asked, granted, refused, cancelled, moved;
} ends;
static unsigned seed;
static int world;

/* Check notes down each assertion that it meets, which takes a system call: so it only meets those that fail. */
#define REQUIRE(what) \
    do { \
        if (!(what)) ck_abort_msg("world %d, seed %u, at %lld: %s", world, seed, (long long)now, #what); \
    } while (0)

/* Without and with failures: in the first two, capacity is all that counts. */
static const char *const worlds[] = {
    "- {name: a, " AT ", models: {x: x, y: y}, max_concurrency: {'*': 12, x: 6}, weight: 5, adaptive: false, "
    "breaker: {failures: 0, failure_rate: 0%}}\n"
    "- {name: b, " AT ", models: {y: y, z: z}, max_concurrency: 10, weight: 3, adaptive: false}\n"
    "- {name: c, " AT ", models: {x: x, z: z}, account: s, max_concurrency: 7, adaptive: false}\n"
    "- {name: d, " AT ", models: {'*': '*'}, account: s, max_concurrency: 7, adaptive: false}\n"
    "queue: {reserve_p0: 20%, max_waiting: 60}\n",

    "- {name: a, " AT ", max_concurrency: 1, adaptive: false}\n"
    "- {name: b, " AT ", models: {x: x}, max_concurrency: 3, adaptive: false, tier: backup}\n"
    "queue: {reserve_p0: 20%, max_waiting: 30, classes: {P3: {max_waiting: 5}}}\n",

    "- {name: a, " AT ", models: {x: x, y: y}, max_concurrency: {'*': 10, x: 5}, api_keys: [k0, k1, k2]}\n"
    "- {name: b, " AT ", max_concurrency: 20, weight: 4, breaker: {open: 2s}}\n"
    "- {name: c, " AT ", account: s, canary: 10%}\n"
    "- {name: d, " AT ", models: {z: z, '*': other}, account: s, max_concurrency: 8, tier: backup}\n"
    "- {name: e, " AT ", max_concurrency: 8, tier: standby, activate: {queue: 10}}\n"
    "queue: {reserve_p0: 20%, max_waiting: 60}\n",
};
enum { CALM_WORLDS = 2 };

static uint64_t below(uint64_t bound) { return random_below(&source, bound); }

/* ---- what the actors do ---- */

static void note(struct actor *a, enum sched_answer answer)
{
    a->doing = answer == SCHED_WAITING ? WAITING : answer == SCHED_GRANTED ? HOLDING : IDLE;
    ends.granted += answer == SCHED_GRANTED;
    ends.moved += answer == SCHED_MOVED;
    ends.refused += answer != SCHED_WAITING && answer != SCHED_GRANTED && answer != SCHED_MOVED;
}

static void actor_settled(struct ticket *ticket)
{
    struct actor *a = CONTAINER_OF(ticket, struct actor, ticket);
    REQUIRE(a->doing == WAITING);
    REQUIRE(ticket->answer != SCHED_WAITING);
    REQUIRE((ticket->lease.upstream != NULL) == (ticket->answer == SCHED_GRANTED));
    note(a, ticket->answer);
}

static void deliver(void)
{
    if (inbox.posted) run_turns(loop, 1);
}

static struct model_row *any_row(void)
{
    static const char *const models[] = {"x", "y", "z", "else"};
    struct model_row *row = below(8) ? pool_find_model(pool, text_of(models[below(4)])) : NULL;
    return row ? row : &pool->all;
}

static void ask_something(struct actor *a)
{
    a->ticket = (struct ticket){.row = any_row(),
                                .endpoint = chat,
                                .policy = (enum conf_policy)below(POLICY_COUNT),
                                .priority = (enum conf_priority)below(PRIORITY_COUNT),
                                .caller = below(6),
                                .caller_weight = 1 + (unsigned)below(3),
                                .conversation = below(20),
                                .deadline = below(2) ? USEC_NEVER : now + (usec_t)below(10 * USEC_PER_SEC),
                                .latest = now + (usec_t)below(30 * USEC_PER_SEC),
                                .inbox = &inbox,
                                .label = "actor"};
    for (unsigned i = 0; i < pool->upstream_count; i++)
        if (below(10) == 0) upstream_set_add(&a->ticket.tried, i);
    ends.asked++;
    note(a, sched_ask(sched, &a->ticket, now));
}

static void give_back(struct actor *a, bool calm)
{
    static const enum outcome outcomes[] = {OUTCOME_SUCCESS, OUTCOME_NEUTRAL, OUTCOME_SUCCESS,
                                            OUTCOME_FAULT,   OUTCOME_BUSY,    OUTCOME_KEY};
    struct result result = {.outcome = outcomes[below(calm ? 2 : COUNT(outcomes))],
                            .first_token = 1 + (usec_t)below(9)};
    if (result.outcome == OUTCOME_BUSY && below(2)) result.retry_after = (usec_t)below(3 * USEC_PER_SEC);
    sched_release(sched, &a->ticket.lease, &result, now);
    REQUIRE(!a->ticket.lease.upstream);
    a->doing = IDLE;
}

static void take_back(struct actor *a)
{
    sched_cancel(sched, &a->ticket, now);
    REQUIRE(a->ticket.state == TICKET_IDLE);
    REQUIRE(!a->ticket.lease.upstream);
    a->doing = IDLE;
    ends.cancelled++;
}

/* ---- what else happens ---- */

static void let_time_pass(usec_t time)
{
    pass(time);
    for (int i = 0; i < ACTORS; i++)
        if (actors[i].ticket.state == TICKET_WAITING && actors[i].ticket.latest <= now) take_back(&actors[i]);
}

static void reload(void)
{
    struct pool *old = pool;
    for (int i = 0; i < ACTORS; i++) /* the pool before the last one goes away */
        if (actors[i].doing != IDLE && actors[i].ticket.row->pool != old) return;
    deliver();
    pool_unref(pool_count == 2 ? pools[0] : NULL);
    pools[0] = old;
    pool_count = 1;
    use(worlds[world]);
}

static void disturb(void)
{
    struct upstream *u = &pool->upstreams[below(pool->upstream_count)];
    switch (below(5)) {
    case 0: sched_set_draining(sched, u, below(3) == 0, now); break;
    case 1: sched_set_weight(sched, u, (unsigned)below(5), now); break;
    case 2: sched_upkeep(sched, now, now); break;
    case 3: reload(); break;
    default:
        if (world >= CALM_WORLDS) probe(u->index, below(4) > 0);
    }
}

static void step(void)
{
    struct actor *a = &actors[below(ACTORS)];
    uint64_t kind = below(100);
    if (kind < 80 && a->doing == IDLE)
        ask_something(a);
    else if (kind < 80 && a->doing == HOLDING)
        give_back(a, world < CALM_WORLDS);
    else if (kind < 85 && a->doing == WAITING)
        take_back(a);
    else if (kind < 90)
        deliver();
    else if (kind < 92)
        disturb();
    else
        let_time_pass((usec_t)below(below(10) ? 40 * USEC_PER_MS : 2 * USEC_PER_SEC));
}

/* ---- what must hold ---- */

static unsigned open_to_common(unsigned limit)
{
    return limit == LIMIT_NONE ? LIMIT_NONE : limit - limit * RESERVE / 100;
}

static bool is_of(const struct lease *lease, const struct account *account, const struct slot *slot)
{
    return lease->upstream && lease->upstream->account == account && (!slot || lease->candidate->slot == slot);
}

/* The counts are right, and never above what is allowed. */
static void check_count(const struct account *account, const struct slot *slot, unsigned cap)
{
    unsigned all = 0, common = 0;
    for (int i = 0; i < ACTORS; i++) {
        const struct lease *lease = &actors[i].ticket.lease;
        all += is_of(lease, account, slot);
        common += is_of(lease, account, slot) && lease->priority != PRIORITY_P0;
    }
    REQUIRE(all == (slot ? slot->in_flight : account->in_flight));
    REQUIRE(common == (slot ? slot->common : account->common));
    REQUIRE(cap == 0 || all <= cap);
    REQUIRE(cap == 0 || common <= open_to_common(cap));
}

static bool has_room(const struct ticket *ticket, unsigned in_flight, unsigned common, unsigned limit)
{
    if (limit == LIMIT_NONE) return true;
    unsigned start_below = pool->config->queue.classes[PRIORITY_P3].start_below;
    if (ticket->lane == LANE_P3 && in_flight * 100 >= start_below * limit) return false;
    return in_flight < limit && (ticket->priority == PRIORITY_P0 || common < open_to_common(limit));
}

/* Surely open: what may be closed for a while is none of this test's business. */
static bool is_open(const struct candidate *c)
{
    const struct upstream_state *state = c->upstream->state;
    return c->upstream->conf->tier == TIER_PRIMARY && !state->draining && !state->health.down &&
           state->quota_until <= now && c->slot->limit.cool_until <= now &&
           c->target->breaker.state == BREAKER_CLOSED && state->keys[0].cool_until <= now;
}

static bool could_be_served(const struct ticket *ticket)
{
    for (size_t i = 0; i < ticket->row->n; i++) {
        const struct candidate *c = &ticket->row->candidates[i];
        unsigned limit = limit_value(&c->slot->limit, c->cap), cap = c->upstream->cap ? c->upstream->cap : LIMIT_NONE;
        if (!upstream_set_has(&ticket->tried, c->upstream->index) && is_open(c) &&
            has_room(ticket, c->slot->in_flight, c->slot->common, limit) &&
            has_room(ticket, c->upstream->account->in_flight, c->upstream->account->common, cap))
            return true;
    }
    return false;
}

static void check_all(void)
{
    unsigned waiting_now = 0;
    for (size_t i = 0; i < pool->all.n; i++) {
        const struct candidate *c = &pool->all.candidates[i];
        check_count(c->upstream->account, NULL, c->upstream->cap);
    }
    for (size_t row = 0; row < pool->row_count; row++)
        for (size_t i = 0; i < pool->rows[row].n; i++) {
            const struct candidate *c = &pool->rows[row].candidates[i];
            check_count(c->upstream->account, c->slot, c->cap);
        }
    for (int i = 0; i < ACTORS; i++) {
        waiting_now += actors[i].ticket.state == TICKET_WAITING;
        if (actors[i].ticket.state == TICKET_WAITING) REQUIRE(!could_be_served(&actors[i].ticket));
    }
    REQUIRE(waiting() == waiting_now);
    REQUIRE(waiting_now <= pool->config->queue.max_waiting);
}

/* Nobody asks any more: whoever waits is served or leaves at its latest. */
static void end_all(void)
{
    for (unsigned i = 0; i < pool->upstream_count; i++) {
        sched_set_draining(sched, &pool->upstreams[i], false, now);
        bring_up(i);
    }
    for (int round = 0; round < 40 * 1000 / 20; round++) {
        deliver();
        for (int i = 0; i < ACTORS; i++)
            if (actors[i].doing == HOLDING) give_back(&actors[i], true);
        let_time_pass(20 * USEC_PER_MS);
    }
    REQUIRE(waiting() == 0);
    check_all();
    for (int i = 0; i < ACTORS; i++)
        REQUIRE(actors[i].doing == IDLE);
    REQUIRE(ends.granted + ends.refused + ends.cancelled + ends.moved == ends.asked);
}

START_TEST(test_whatever_happens)
{
    world = _i;
    for (seed = 1; seed <= SEEDS; seed++) {
        random_seed(&source, seed);
        memset(actors, 0, sizeof actors);
        memset(&ends, 0, sizeof ends);
        inbox.settled_one = actor_settled;
        use(worlds[world]);
        for (int i = 0; i < STEPS; i++) {
            step();
            check_all();
        }
        end_all();
        REQUIRE(ends.granted > 100);
        tear_down();
        set_up();
    }
}
END_TEST

static void add_all_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, test_whatever_happens, 0, COUNT(worlds));
}
TEST_MAIN_ADDING("sched_properties", add_all_tests)
