/* A day of traffic in virtual time: 200,000 requests, busy by day and calm by night, on four upstreams that crash,
 * hang, push back and recover. Everything is drawn from one seed, so a run can be repeated event by event. */
#include "../../src/sched/sched_private.h"
#include "sched_fixture.h"

#define SECONDS(n) ((n)*USEC_PER_SEC)
#define HOURS(n)   SECONDS((n)*3600)

enum { MAIN, SECOND, SPARE, EXTRA, UPSTREAMS };
#define SOON "slow_start: 15s, breaker: {open: 10s, open_max: 20s}"
static const char upstreams[] = "- {name: main, " AT ", max_concurrency: 60, weight: 5, " SOON "}\n"
                                "- {name: second, " AT ", max_concurrency: 40, weight: 3, " SOON "}\n"
                                "- {name: spare, " AT ", max_concurrency: 30, tier: backup}\n"
                                "- {name: extra, " AT ", max_concurrency: 15, tier: standby, activate: {queue: 100}}\n"
                                "queue: {reserve_p0: 20%}\n";

/* ---- what goes wrong ---- */

enum trouble { FINE, CRASHED, HANGING, BUSY, FAILING /* calls, but not probes */ };

static const struct incident {
    unsigned upstream;
    enum trouble trouble;
    usec_t from, to;
    bool short_of_room; /* what is left can't serve all */
} incidents[] = {
    {MAIN, CRASHED, HOURS(3), HOURS(3) + SECONDS(1200), false},
    {SECOND, HANGING, HOURS(8), HOURS(8) + SECONDS(600), false},
    {MAIN, BUSY, HOURS(10), HOURS(10) + SECONDS(1800), false},
    {MAIN, CRASHED, HOURS(13), HOURS(13) + SECONDS(480), true}, /* both: the spare one has to do */
    {SECOND, CRASHED, HOURS(13), HOURS(13) + SECONDS(480), true},
    {MAIN, CRASHED, HOURS(16), HOURS(16) + SECONDS(900), true},
    {SECOND, FAILING, HOURS(20), HOURS(20) + SECONDS(120), false},
};
enum { HIDDEN_LIMIT = 15, RECOVERY = 60, MEASURED = 300 /* seconds */ };

static usec_t day_time(void) { return now - HOURS(24); } /* the day begins after one that never was */

static bool is_during(const struct incident *i, usec_t later)
{
    return day_time() >= i->from && day_time() < i->to + later;
}

static enum trouble trouble_of(unsigned upstream)
{
    for (int i = 0; i < COUNT(incidents); i++)
        if (incidents[i].upstream == upstream && is_during(&incidents[i], 0)) return incidents[i].trouble;
    return FINE;
}

static bool is_short_of_room(usec_t later)
{
    for (int i = 0; i < COUNT(incidents); i++)
        if (incidents[i].short_of_room && is_during(&incidents[i], later)) return true;
    return false;
}

/* For as long as a call takes after a crash, those that it has met ask again: then P1 alone may be more than fits. */
static bool calls_come_back(void)
{
    for (int i = 0; i < COUNT(incidents); i++)
        if (day_time() >= incidents[i].from && day_time() < incidents[i].from + SECONDS(30)) return true;
    return false;
}

/* ---- events ---- */

enum kind { ARRIVAL, END, LATEST, TICK, UPKEEP };

struct happening {
    usec_t at;
    uint64_t order; /* of two at the same time */
    enum kind kind;
    struct request *request;
    unsigned attempt; /* a latest time of another one counts no more */
};

enum { EVENTS_MAX = 40000, REQUESTS_MAX = 8000, PER_DAY = 200000, ATTEMPTS = 3 };
static struct happening events[EVENTS_MAX];
static size_t event_count;
static uint64_t event_order;

static bool is_sooner(const struct happening *a, const struct happening *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void plan(usec_t at, enum kind kind, struct request *r, unsigned attempt)
{
    struct happening e = {at, event_order++, kind, r, attempt};
    size_t i = event_count++;
    if (event_count == EVENTS_MAX) abort();
    for (; i > 0 && is_sooner(&e, &events[(i - 1) / 2]); i = (i - 1) / 2)
        events[i] = events[(i - 1) / 2];
    events[i] = e;
}

static struct happening next_event(void)
{
    struct happening first = events[0], last = events[--event_count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < event_count; i = child) {
        if (child + 1 < event_count && is_sooner(&events[child + 1], &events[child])) child++;
        if (!is_sooner(&events[child], &last)) break;
        events[i] = events[child];
    }
    events[i] = last;
    return first;
}

/* ---- requests ---- */

struct request {
    struct ticket ticket;
    struct list node; /* while it is nobody's */
    unsigned id, attempt;
    usec_t asked;
    struct result result; /* to be, while a call is under way */
    bool waits;
};

static struct request requests[REQUESTS_MAX];
static struct list unused;
static struct random_source source;
static bool ticking;
static struct {
    uint64_t trace; /* FNV-1a of all decisions */
    unsigned arrived, answered, refused, failed, on_backup, on_standby, joined, left;
    bool stood_by;
    char wrong[200];
    usec_t longest_p1;
    unsigned picks[COUNT(incidents)][UPSTREAMS]; /* in the time after the recovery */
} day;

static uint64_t below(uint64_t bound) { return random_below(&source, bound); }

static void trace(uint64_t what)
{
    for (int byte = 0; byte < 8; byte++, what >>= 8)
        day.trace = (day.trace ^ (what & 255)) * UINT64_C(0x100000001B3);
}

static void leave(struct request *r, unsigned *count)
{
    trace(r->id);
    trace((uint64_t)now);
    ++*count;
    r->waits = false;
    list_push_back(&unused, &r->node);
}

/* What is found wrong while the loop runs is told after it: an assertion must not jump out of a callback. */
static void complain(const struct request *r, const char *what, int which)
{
    if (*day.wrong) return;
    snprintf(day.wrong, sizeof day.wrong, "P%d, %s %d, at %lld s of the day, after %lld ms", r->ticket.priority, what,
             which, (long long)(day_time() / USEC_PER_SEC), (long long)((now - r->asked) / USEC_PER_MS));
}

/* Sheds only when it must. */
static void refuse(struct request *r)
{
    if (!is_short_of_room(SECONDS(120))) complain(r, "refused with", r->ticket.answer);
    leave(r, &day.refused);
}

static void plan_end(struct request *r, enum outcome o, usec_t time)
{
    r->result = (struct result){.outcome = o, .first_token = o == OUTCOME_SUCCESS ? time / 10 : 0};
    plan(now + time, END, r, r->attempt);
}

static void begin_call(struct request *r, unsigned upstream)
{
    usec_t service = SECONDS(4) + (usec_t)below(SECONDS(16));
    switch (trouble_of(upstream)) {
    case CRASHED:
    case FAILING: plan_end(r, OUTCOME_FAULT, 20 * USEC_PER_MS); break;
    case HANGING: plan_end(r, OUTCOME_FAULT, SECONDS(60)); break;
    case BUSY:
        if (pool->upstreams[upstream].state->in_flight > HIDDEN_LIMIT) {
            plan_end(r, OUTCOME_BUSY, 30 * USEC_PER_MS);
            r->result.retry_after = below(2) ? USEC_PER_SEC : 0;
            break;
        } /* fall through */
    default: plan_end(r, OUTCOME_SUCCESS, service);
    }
}

static void check_tier(const struct request *r, unsigned upstream)
{
    const struct ticket *ticket = &r->ticket;
    bool may_overflow = ticket->priority == PRIORITY_P0 || ticket->lane == LANE_P1_LATE;
    bool tried = upstream_set_has(&ticket->tried, MAIN) && upstream_set_has(&ticket->tried, SECOND);
    day.on_backup += upstream == SPARE;
    day.on_standby += upstream == EXTRA;
    if (upstream == SPARE && !may_overflow && !tried) ck_assert(is_during(&incidents[3], SECONDS(RECOVERY)));
    if (upstream == EXTRA) ck_assert(is_short_of_room(SECONDS(900)));
}

static void granted(struct request *r)
{
    unsigned upstream = r->ticket.lease.upstream->index;
    usec_t waited = now - r->asked;
    trace(r->id << 8 | upstream);
    check_tier(r, upstream);
    if (r->ticket.priority == PRIORITY_P1 && r->attempt == 0) {
        if (waited > day.longest_p1) day.longest_p1 = waited;
        if (waited > SECONDS(5) && !calls_come_back()) complain(r, "a long wait, then upstream", (int)upstream);
    }
    for (int i = 0; i < COUNT(incidents); i++)
        if (is_during(&incidents[i], SECONDS(RECOVERY + MEASURED)) && !is_during(&incidents[i], SECONDS(RECOVERY)))
            day.picks[i][upstream]++;
    r->waits = false;
    begin_call(r, upstream);
}

static void ask_for(struct request *r)
{
    r->ticket.latest = now + SECONDS(r->ticket.priority == PRIORITY_P3 ? 600 : 60);
    switch (sched_ask(sched, &r->ticket, now)) {
    case SCHED_GRANTED: granted(r); break;
    case SCHED_WAITING:
        r->waits = true;
        plan(r->ticket.latest, LATEST, r, r->attempt);
        break;
    case SCHED_NONE: leave(r, &day.failed); break;
    default: refuse(r);
    }
}

static void request_settled(struct ticket *ticket)
{
    struct request *r = CONTAINER_OF(ticket, struct request, ticket);
    if (!r->waits) complain(r, "settled twice:", ticket->answer);
    if (ticket->answer == SCHED_GRANTED)
        granted(r);
    else
        refuse(r);
}

/* ---- what happens ---- */

/* Requests in a second, in thousandths of the mean, at each hour. */
static uint64_t load_at(usec_t time)
{
    static const unsigned hours[25] = {500,  350,  250,  200,  200,  250,  400,  600,  900,  1200, 1400, 1500, 1450,
                                       1400, 1550, 1700, 1800, 1700, 1500, 1350, 1300, 1200, 1000, 700,  500};
    uint64_t second = (uint64_t)time / USEC_PER_SEC, hour = second / 3600, rest = second % 3600;
    return (hours[hour] * (3600 - rest) + hours[hour + 1] * rest) / 3600;
}

static void plan_arrival(void)
{
    uint64_t mean = (uint64_t)HOURS(24) * 1000 / PER_DAY / load_at(day_time());
    usec_t next = now + 1 + (usec_t)below(2 * mean);
    if (next < HOURS(48)) plan(next, ARRIVAL, NULL, 0);
}

static void arrive(void)
{
    static const unsigned char classes[] = {0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2,
                                            2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3};
    struct list *node = list_pop_front(&unused);
    if (!node) ck_abort_msg("too many requests at once");
    struct request *r = CONTAINER_OF(node, struct request, node);
    *r = (struct request){.ticket = t[0], .id = day.arrived++, .asked = now};
    r->ticket.row = &pool->all;
    r->ticket.priority = (enum conf_priority)classes[below(COUNT(classes))];
    r->ticket.caller = below(500);
    r->ticket.caller_weight = 1 + r->ticket.caller % 3;
    if (below(4) == 0) r->ticket.deadline = now + SECONDS(1) + (usec_t)below(SECONDS(60));
    ask_for(r);
    plan_arrival();
}

static void end_call(struct request *r)
{
    unsigned upstream = r->ticket.lease.upstream->index;
    if (trouble_of(upstream) == CRASHED) r->result = (struct result){.outcome = OUTCOME_FAULT};
    sched_release(sched, &r->ticket.lease, &r->result, now);
    if (r->result.outcome == OUTCOME_SUCCESS)
        leave(r, &day.answered);
    else if (++r->attempt == ATTEMPTS)
        leave(r, &day.failed);
    else {
        upstream_set_add(&r->ticket.tried, upstream);
        ask_for(r);
    }
}

static void upkeep(void)
{
    sched_upkeep(sched, now, now);
    for (unsigned i = 0; i < UPSTREAMS; i++) {
        struct upstream *u = &pool->upstreams[i];
        struct health_rules rules = health_rules_of(u->conf);
        enum trouble trouble = trouble_of(i);
        if (health_probe_due(&u->state->health, &rules) <= now)
            sched_note_probe(sched, u->state, &rules, trouble != CRASHED && trouble != HANGING, now);
    }
    bool stands_by = view(EXTRA).standing_by;
    day.joined += day.stood_by && !stands_by;
    day.left += !day.stood_by && stands_by;
    day.stood_by = stands_by;
    if (now < HOURS(49)) plan(now + USEC_PER_SEC, UPKEEP, NULL, 0);
}

static void happen(const struct happening *e)
{
    now = e->at;
    switch (e->kind) {
    case ARRIVAL: arrive(); break;
    case END: end_call(e->request); break;
    case TICK:
        ticking = false;
        sched_tick(sched, now);
        break;
    case UPKEEP: upkeep(); break;
    case LATEST:
        if (!e->request->waits || e->request->ticket.latest != now || e->request->attempt != e->attempt) break;
        sched_cancel(sched, &e->request->ticket, now);
        refuse(e->request);
    }
    if (inbox.posted) run_turns(loop, 1);
    if (*day.wrong) ck_abort_msg("%s", day.wrong);
    if (ticking || waiting() == 0) return;
    ticking = true;
    plan(now + 20 * USEC_PER_MS, TICK, NULL, 0);
}

static void run_day(uint64_t seed)
{
    memset(&day, 0, sizeof day);
    day.stood_by = true;
    event_count = event_order = 0;
    ticking = false;
    list_init(&unused);
    for (int i = 0; i < REQUESTS_MAX; i++)
        list_push_back(&unused, &requests[i].node);
    random_seed(&source, seed);
    random_seed(&sched->random, seed);
    now = HOURS(24);
    use(upstreams);
    inbox.settled_one = request_settled;
    plan(now, UPKEEP, NULL, 0);
    plan_arrival();
    while (event_count > 0) {
        struct happening e = next_event();
        happen(&e);
    }
}

/* ---- what must come out ---- */

static void check_recoveries(void)
{
    for (int i = 0; i < COUNT(incidents); i++) {
        unsigned main = day.picks[i][MAIN], second = day.picks[i][SECOND];
        double share = (double)main / (main + second);
        ck_assert_msg(share > 0.625 * 0.9 && share < 0.625 * 1.1, "after incident %d: %u to %u", i, main, second);
    }
}

static void check_day(void)
{
    ck_assert_uint_gt(day.arrived, PER_DAY * 9 / 10);
    ck_assert_uint_eq(day.answered + day.refused + day.failed, day.arrived);
    ck_assert_uint_eq(day.failed, 0);
    ck_assert_uint_gt(day.refused, 0);
    ck_assert_uint_lt(day.refused, day.arrived / 50);
    ck_assert_uint_gt(day.on_backup, 500);
    ck_assert_uint_gt(day.on_standby, 100);
    ck_assert_uint_ge(day.joined, 1);
    ck_assert_uint_eq(day.left, day.joined);
    ck_assert_int_le(day.longest_p1, SECONDS(15));
    ck_assert_uint_eq(waiting(), 0);
    for (unsigned i = 0; i < UPSTREAMS; i++)
        ck_assert_uint_eq(view(i).in_flight, 0);
    check_recoveries();
}

START_TEST(test_a_day)
{
    uint64_t traces[2];
    for (int run = 0; run < 2; run++) {
        run_day((uint64_t)_i + 1);
        check_day();
        traces[run] = day.trace;
        tear_down();
        set_up();
    }
    ck_assert_uint_eq(traces[0], traces[1]);
}
END_TEST

static void add_all_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, test_a_day, 0, 2);
}
TEST_MAIN_ADDING("sched_day", add_all_tests)
