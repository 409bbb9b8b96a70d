/* Who gets how much in the long run: upstreams by weight, callers by weight, classes under overload. */
#include "dsgate/base/random.h"
#include "sched_fixture.h"

enum { PLAYERS = 4000, KINDS = 4 };

struct player {
    struct ticket ticket;
    unsigned kind;
    bool waits;
    usec_t arrived, done; /* done: while it holds a lease */
    struct list node;
};

static struct player players[PLAYERS];
static struct random_source source;
static struct player *holder; /* the last one that was served */
static unsigned turns[KINDS];

/* ---- upstreams ---- */

START_TEST(test_upstreams_get_their_weights)
{
    enum { PICKS = 10000, UPSTREAMS_MAX = 8 };
    struct buf yaml = {0};
    unsigned weights[UPSTREAMS_MAX], sum = 0, n = 2 + (unsigned)_i % (UPSTREAMS_MAX - 1);
    random_seed(&source, (uint64_t)_i);
    for (unsigned i = 0; i < n; i++) {
        sum += weights[i] = 1 + (unsigned)random_below(&source, 100);
        buf_printf(&yaml, "- {name: u%u, " AT ", weight: %u}\n", i, weights[i]);
    }
    buf_add_byte(&yaml, '\0');
    use(yaml.data);
    for (int i = 0; i < PICKS; i++) { /* some calls overlap */
        struct ticket *ticket = &t[random_below(&source, TICKETS)];
        release(ticket, OUTCOME_SUCCESS);
        if (ask(ticket) != SCHED_GRANTED) ck_abort_msg("it has to wait");
    }
    for (unsigned i = 0; i < n; i++) {
        double share = (double)view(i).targets[0].picks / PICKS;
        ck_assert_double_eq_tol(share, (double)weights[i] / sum, 0.01);
    }
    release_range(0, TICKETS);
    buf_free(&yaml);
}
END_TEST

/* ---- callers: each player always asks again ---- */

static void player_settled(struct ticket *ticket)
{
    ck_assert_int_eq(ticket->answer, SCHED_GRANTED);
    holder = CONTAINER_OF(ticket, struct player, ticket);
}

static void join(struct player *p)
{
    p->ticket.row = &pool->all;
    p->ticket.asked = 0;
    if (sched_ask(sched, &p->ticket, now) != SCHED_WAITING) ck_abort_msg("it need not wait");
}

static void add_player(int i, unsigned kind, unsigned weight, enum conf_priority priority)
{
    players[i] = (struct player){.ticket = t[1], .kind = kind};
    players[i].ticket.caller = kind;
    players[i].ticket.caller_weight = weight;
    players[i].ticket.priority = priority;
    join(&players[i]);
}

static void add_players(int from, int to, unsigned kind, unsigned weight)
{
    for (int i = from; i < to; i++)
        add_player(i, kind, weight, PRIORITY_P2);
}

static void add_class(int from, int to, unsigned kind, enum conf_priority priority)
{
    for (int i = from; i < to; i++)
        add_player(i, kind, 1, priority);
}

static void seize(void)
{
    use(ONE);
    memset(turns, 0, sizeof turns);
    inbox.settled_one = player_settled;
    players[0] = (struct player){.ticket = t[0]};
    players[0].ticket.row = &pool->all;
    ck_assert_int_eq(sched_ask(sched, &players[0].ticket, now), SCHED_GRANTED);
    holder = &players[0];
}

static void play(int rounds, usec_t time)
{
    for (int i = 0; i < rounds; i++) {
        struct player *last = holder;
        pass(time);
        release(&last->ticket, OUTCOME_SUCCESS);
        run_turns(loop, 1);
        if (holder == last) ck_abort_msg("nobody had a turn");
        turns[holder->kind]++;
        if (last != &players[0]) join(last);
    }
}

static void leave_all(void)
{
    for (int i = 0; i < PLAYERS; i++)
        if (players[i].ticket.inbox) sched_cancel(sched, &players[i].ticket, now);
    release(&holder->ticket, OUTCOME_SUCCESS);
    memset(players, 0, sizeof players);
}

static const struct {
    int players[2];
    unsigned weights[2];
    usec_t time;  /* of a turn */
    double share; /* of the second */
} games[] = {
    {{100, 10}, {1, 1}, 0, 0.5}, /* ten times as many */
    {{50, 50}, {3, 1}, 0, 0.25},
    {{10, 100}, {3, 1}, 0, 0.25},
    {{50, 50}, {19, 1}, 0, 0.05},
    {{100, 10}, {1, 1}, 100 * USEC_PER_MS, 0.5}, /* only the first caller's are late */
    {{100, 70}, {1, 1}, 200 * USEC_PER_MS, 0.5}, /* all of them are late */
    {{100, 70}, {1, 2}, 200 * USEC_PER_MS, 2.0 / 3},
};

START_TEST(test_callers_get_their_shares)
{
    enum { TURNS = 4000 };
    seize();
    add_players(1, 1 + games[_i].players[0], 1, games[_i].weights[0]);
    add_players(1 + games[_i].players[0], 1 + games[_i].players[0] + games[_i].players[1], 2, games[_i].weights[1]);
    play(TURNS, games[_i].time);
    ck_assert_double_eq_tol((double)turns[2] / TURNS, games[_i].share, games[_i].share * 0.05);
    leave_all();
}
END_TEST

/* Who was idle has saved nothing up, and who comes late owes nothing. */
START_TEST(test_idling_saves_nothing)
{
    seize();
    add_players(1, 21, 1, 1);
    play(200, 0);
    add_players(21, 41, 2, 1);
    memset(turns, 0, sizeof turns);
    play(100, 0);
    ck_assert_uint_ge(turns[1], 49);
    ck_assert_uint_le(turns[1], 51);
    leave_all();
}
END_TEST

START_TEST(test_cancelling_gives_turns_back)
{
    seize();
    add_players(21, 41, 2, 1);
    add_players(20, 21, 1, 1); /* it is known all the time */
    add_players(41, 241, 1, 1);
    for (int i = 41; i < 241; i++)
        sched_cancel(sched, &players[i].ticket, now);
    add_players(1, 20, 1, 1);
    play(20, 0);
    ck_assert_uint_ge(turns[1], 9);
    ck_assert_uint_le(turns[1], 11);
    leave_all();
}
END_TEST

/* Nine callers that ask one after another get as much as one that asks for ten at a time, and no more. */
START_TEST(test_asking_one_by_one_is_no_advantage)
{
    enum { TURNS = 2000, OTHERS = 9 };
    seize();
    add_players(1, 11, 1, 1);
    for (int i = 0; i < OTHERS; i++) {
        add_players(11 + i, 12 + i, 2, 1);
        sched_cancel(sched, &players[11 + i].ticket, now);
        players[11 + i].ticket.caller = 100 + (unsigned)i;
        join(&players[11 + i]);
    }
    play(TURNS, 0);
    ck_assert_double_eq_tol((double)turns[1] / TURNS, 1.0 / (OTHERS + 1), 0.01);
    leave_all();
}
END_TEST

/* Fairness is inside a class: a caller's batch jobs do not hold back its own interactive requests. */
START_TEST(test_classes_do_not_count_for_each_other)
{
    seize();
    add_class(1, 101, 1, PRIORITY_P3);
    add_class(101, 121, 1, PRIORITY_P1);
    add_class(121, 141, 2, PRIORITY_P1);
    now += USEC_PER_SEC; /* all P1 are late, so that only their order counts */
    play(30, 0);
    ck_assert_uint_ge(turns[1], 14);
    ck_assert_uint_le(turns[1], 16);
    leave_all();
}
END_TEST

START_TEST(test_random_deadlines_are_met_in_order)
{
    enum { N = 500 };
    random_seed(&source, 7);
    seize();
    for (int i = 1; i <= N; i++) {
        players[i] = (struct player){.ticket = t[1]};
        players[i].ticket.caller = random_below(&source, 5);
        players[i].ticket.deadline = now + (usec_t)random_below(&source, 1000);
        join(&players[i]);
    }
    usec_t last = 0;
    for (int i = 1; i <= N; i++) {
        release(&holder->ticket, OUTCOME_SUCCESS);
        run_turns(loop, 1);
        ck_assert_int_ge(holder->ticket.deadline, last);
        last = holder->ticket.deadline;
    }
    leave_all();
}
END_TEST

/* ---- classes: more is asked than can be served ---- */

enum { SERVICE = 100 * USEC_PER_MS, STEP = USEC_PER_MS, TICK = 20 * USEC_PER_MS, WINDOW = 10 * USEC_PER_SEC };
enum { SLOTS = 20, WARM_UP = 20, SECONDS = 120 };

static struct list idle, serving;
static unsigned served[PRIORITY_COUNT], offered[PRIORITY_COUNT];
static usec_t longest[PRIORITY_COUNT];
static unsigned overtaken;         /* P0 */
static unsigned contested, yielded; /* turns while late P1 waited; of them those of the classes below */

static void serve(struct player *p)
{
    usec_t waited = now - p->arrived;
    p->waits = false;
    p->done = now + SERVICE;
    list_push_back(&serving, &p->node);
    served[p->ticket.priority]++;
    if (waited > longest[p->ticket.priority]) longest[p->ticket.priority] = waited;
}

/* Right after it was granted: who goes before it in any case can't still be waiting. */
static void class_settled(struct ticket *ticket)
{
    struct player *p = CONTAINER_OF(ticket, struct player, ticket);
    if (ticket->answer != SCHED_GRANTED) {
        p->waits = false;
        list_push_back(&idle, &p->node);
        return;
    }
    if (ticket->priority != PRIORITY_P0) overtaken += queue().classes[PRIORITY_P0].waiting;
    contested += queue().classes[PRIORITY_P1].late > 0;
    yielded += ticket->lane > LANE_P1_LATE && queue().classes[PRIORITY_P1].late > 0;
    serve(p);
}

static void arrive(enum conf_priority priority)
{
    struct list *node = list_pop_front(&idle);
    if (!node) ck_abort_msg("too many at once");
    struct player *p = CONTAINER_OF(node, struct player, node);
    p->ticket = t[0];
    p->ticket.row = &pool->all;
    p->ticket.priority = priority;
    p->ticket.caller = random_below(&source, 10);
    p->ticket.latest = now + (priority == PRIORITY_P3 ? 60 : 10) * USEC_PER_SEC;
    p->arrived = now;
    offered[priority]++;
    enum sched_answer answer = sched_ask(sched, &p->ticket, now);
    p->waits = answer == SCHED_WAITING;
    if (answer == SCHED_GRANTED)
        serve(p);
    else if (answer != SCHED_WAITING)
        list_push_back(&idle, &p->node);
}

static void finish_served(void)
{
    LIST_FOREACH_SAFE(node, &serving) {
        struct player *p = CONTAINER_OF(node, struct player, node);
        if (p->done > now) return;
        list_remove(node);
        release(&p->ticket, OUTCOME_SUCCESS);
        list_push_back(&idle, node);
        run_turns(loop, 1);
    }
}

static void tick_and_leave(void)
{
    sched_tick(sched, now);
    run_turns(loop, 1);
    for (int i = 0; i < PLAYERS; i++)
        if (players[i].waits && players[i].ticket.latest <= now) {
            sched_cancel(sched, &players[i].ticket, now);
            players[i].waits = false;
            list_push_back(&idle, &players[i].node);
        }
}

/* One millisecond: calls end, others begin. `load` is in calls a second for each class. */
static void run_step(const unsigned *load)
{
    now += STEP;
    finish_served();
    for (unsigned c = 0; c < PRIORITY_COUNT; c++)
        if (random_below(&source, 1000) < load[c]) arrive((enum conf_priority)c);
    if (now % TICK == 0) tick_and_leave();
}

static void open_house(void)
{
    use("- {name: a, " AT ", max_concurrency: 20, adaptive: false}\n"
        "queue: {reserve_p0: 20%, classes: {P3: {max_wait: 5s, max_waiting: 500}}}\n");
    inbox.settled_one = class_settled;
    list_init(&idle);
    list_init(&serving);
    memset(players, 0, sizeof players);
    for (int i = 0; i < PLAYERS; i++)
        list_push_back(&idle, &players[i].node);
    random_seed(&source, 3);
    overtaken = contested = yielded = 0;
}

static void run_window(const unsigned *load)
{
    memset(served, 0, sizeof served);
    memset(offered, 0, sizeof offered);
    memset(longest, 0, sizeof longest);
    for (usec_t end = now + WINDOW; now < end;)
        run_step(load);
    ck_assert_uint_eq(overtaken, 0);
    ck_assert_uint_le(yielded, contested / 64 + 1);
}

static void close_house(void)
{
    for (int i = 0; i < PLAYERS; i++)
        if (players[i].waits) sched_cancel(sched, &players[i].ticket, now);
    now += SERVICE;
    finish_served();
    ck_assert(list_empty(&serving));
    ck_assert_uint_eq(view(0).in_flight + waiting(), 0);
}

/* All but P0 can have 160 turns a second, and ask for 400. */
START_TEST(test_no_class_starves)
{
    static const unsigned load[PRIORITY_COUNT] = {10, 90, 160, 150};
    open_house();
    for (int i = 0; i < WARM_UP / 10; i++)
        run_window(load);
    for (int i = 0; i < SECONDS / 10; i++) {
        run_window(load);
        ck_assert_uint_ge(served[PRIORITY_P0] + 1, offered[PRIORITY_P0]);
        ck_assert_int_le(longest[PRIORITY_P0], 50 * USEC_PER_MS);
        ck_assert_uint_ge(served[PRIORITY_P1] + 50, offered[PRIORITY_P1]);
        ck_assert_int_le(longest[PRIORITY_P1], 500 * USEC_PER_MS + SERVICE + TICK);
        ck_assert_uint_ge(served[PRIORITY_P2], 350); /* of some 700 turns that P1 leaves */
        ck_assert_uint_ge(served[PRIORITY_P3], 30);
        ck_assert_uint_ge(served[PRIORITY_P1] + served[PRIORITY_P2] + served[PRIORITY_P3], 1590);
    }
    close_house();
}
END_TEST

/* A crowd of P1 comes at once: late ones go before all but P0, and the others have to wait for it. */
/* P1 alone asks for twice of what there is. */
START_TEST(test_p1_alone_starves_nobody)
{
    static const unsigned load[PRIORITY_COUNT] = {10, 320, 100, 100};
    open_house();
    for (int i = 0; i < 2; i++)
        run_window(load);
    ck_assert_uint_ge(served[PRIORITY_P2], 12); /* of 25 in a window of ten seconds */
    ck_assert_uint_ge(served[PRIORITY_P3], 4);
    close_house();
}
END_TEST

START_TEST(test_a_crowd_of_p1)
{
    static const unsigned load[PRIORITY_COUNT] = {10, 60, 160, 100};
    open_house();
    run_window(load);
    for (int i = 0; i < 300; i++)
        arrive(PRIORITY_P1);
    run_window(load);
    ck_assert_int_ge(longest[PRIORITY_P1], 500 * USEC_PER_MS);
    ck_assert_int_le(longest[PRIORITY_P1], 4 * USEC_PER_SEC); /* 300 at 160 a second, and those that came meanwhile */
    ck_assert_uint_ge(served[PRIORITY_P0] + 1, offered[PRIORITY_P0]);
    close_house();
}
END_TEST

static void add_all_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, test_upstreams_get_their_weights, 0, 21);
    tcase_add_loop_test(tests, test_callers_get_their_shares, 0, COUNT(games));
    tcase_add_test(tests, test_idling_saves_nothing);
    tcase_add_test(tests, test_cancelling_gives_turns_back);
    tcase_add_test(tests, test_asking_one_by_one_is_no_advantage);
    tcase_add_test(tests, test_classes_do_not_count_for_each_other);
    tcase_add_test(tests, test_random_deadlines_are_met_in_order);
    tcase_add_test(tests, test_no_class_starves);
    tcase_add_test(tests, test_a_crowd_of_p1);
    tcase_add_test(tests, test_p1_alone_starves_nobody);
}
TEST_MAIN_ADDING("sched_shares", add_all_tests)
