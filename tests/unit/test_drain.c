#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/drain.h"
#include <math.h>

enum { MS = USEC_PER_MS, SECOND = USEC_PER_SEC };

static void join(struct drain *d, unsigned times, usec_t now)
{
    for (unsigned i = 0; i < times; i++)
        drain_join(d, now);
}

/* That many turns, `pause` after one another, the first one after a pause too. Gives the time of the last. */
static usec_t serve(struct drain *d, unsigned turns, usec_t pause, usec_t now)
{
    for (unsigned i = 0; i < turns; i++)
        drain_leave(d, true, now += pause);
    return now;
}

START_TEST(test_nothing_is_known_at_first)
{
    struct drain d = {0};
    ck_assert_double_eq(drain_rate(&d, 5), 0);
    ck_assert_int_eq(drain_wait(&d, 10, 5), 0);
    join(&d, 5, 10);
    ck_assert_int_eq(drain_wait(&d, 10, 1000 * (usec_t)SECOND), 0);
}
END_TEST

START_TEST(test_it_takes_some_turns_and_some_time)
{
    static const struct {
        unsigned turns;
        usec_t pause;
        double rate;
    } rows[] = {{1, SECOND, 0},    {5, SECOND, 0},   {6, SECOND, 1},    {6, 40 * SECOND, 0.025}, {6, 99 * MS, 0},
                {6, 100 * MS, 10}, {11, 49 * MS, 0}, {11, 50 * MS, 20}, {40, 10 * MS, 0},        {101, 5 * MS, 200}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct drain d = {0};
        join(&d, 1000, 3 * SECOND);
        usec_t now = serve(&d, rows[i].turns, rows[i].pause, 3 * SECOND);
        ck_assert_double_eq_tol(drain_rate(&d, now), rows[i].rate, 1e-9);
        if (rows[i].rate > 0)
            ck_assert_double_eq_tol((double)drain_wait(&d, 7, now), 8 / rows[i].rate * SECOND, 1);
        else
            ck_assert_int_eq(drain_wait(&d, 7, now), 0);
    }
}
END_TEST

/* An hour without a queue between two that move alike. */
START_TEST(test_time_without_a_queue_is_left_out)
{
    struct drain d = {0};
    join(&d, 21, 0);
    usec_t now = serve(&d, 21, 100 * MS, 0);
    ck_assert_uint_eq(d.waiting, 0);
    ck_assert_double_eq_tol(drain_rate(&d, now + 60 * SECOND), 10, 1e-9);
    join(&d, 21, now += 60 * SECOND);
    now = serve(&d, 21, 100 * MS, now);
    ck_assert_double_eq_tol(drain_rate(&d, now), 10, 1e-9);
    ck_assert_double_eq(drain_rate(&d, now + 241 * (usec_t)SECOND), 0);
}
END_TEST

/* Each that comes finds nobody waiting and soon gets a turn: that says nothing about a queue. */
START_TEST(test_a_queue_of_one_is_not_known)
{
    struct drain d = {0};
    usec_t now = 0;
    for (int i = 0; i < 1000; i++) {
        join(&d, 1, now += 20 * MS);
        drain_leave(&d, true, now += MS);
    }
    ck_assert_double_eq(drain_rate(&d, now), 0);
    ck_assert_int_eq(drain_wait(&d, 100, now), 0);
}
END_TEST

START_TEST(test_who_gives_up_is_no_turn)
{
    struct drain d = {0};
    join(&d, 1000, 0);
    usec_t now = 0;
    for (int i = 0; i < 20; i++) {
        drain_leave(&d, false, now + 30 * MS);
        drain_leave(&d, true, now += 100 * MS);
    }
    ck_assert_uint_eq(d.waiting, 960);
    ck_assert_double_eq_tol(drain_rate(&d, now), 10, 1e-9);
}
END_TEST

START_TEST(test_a_queue_that_stands_still_gets_slow)
{
    struct drain d = {0};
    join(&d, 1000, 0);
    usec_t now = serve(&d, 11, 100 * MS, 0);
    ck_assert_double_eq_tol(drain_rate(&d, now), 10, 1e-9);
    ck_assert_double_eq_tol(drain_rate(&d, now + 9 * SECOND), 1, 1e-9);
    ck_assert_double_eq_tol(drain_rate(&d, now + 99 * SECOND), 0.1, 1e-9);
    join(&d, 1, now + 50 * SECOND); /* the same when somebody has looked in between */
    ck_assert_double_eq_tol(drain_rate(&d, now + 99 * SECOND), 0.1, 1e-9);
    ck_assert_double_eq(drain_rate(&d, now + 241 * SECOND), 0);
}
END_TEST

/* From ten turns a second to two, and to fifty: the last hundred turns and the slice they are in count. */
START_TEST(test_it_follows_a_change)
{
    struct drain d = {0};
    join(&d, 100000, 0);
    usec_t now = serve(&d, 600, 100 * MS, 0);
    ck_assert_double_eq_tol(drain_rate(&d, now), 10, 0.1);
    now = serve(&d, 120, 500 * MS, now);
    ck_assert_double_eq_tol(drain_rate(&d, now), 2, 0.1);
    /* Who has many before it is told from twice as many: these 120 in 60 s, and 500 in 50 s before them. */
    ck_assert_double_eq_tol((double)drain_wait(&d, 300, now), 301 * 110.0 / 620 * SECOND, SECOND);
    now = serve(&d, 500, 20 * MS, now);
    ck_assert_double_eq_tol(drain_rate(&d, now), 50, 0.5);
}
END_TEST

START_TEST(test_time_that_steps_back)
{
    struct drain d = {0};
    join(&d, 100, 0);
    usec_t now = serve(&d, 21, 100 * MS, 0);
    drain_join(&d, now - 50 * MS);
    drain_leave(&d, false, now - 60 * MS);
    ck_assert_double_eq_tol(drain_rate(&d, now - 70 * MS), 10, 1e-9);
}
END_TEST

/* ---- a queue that is served at a known rate ---- */

enum { PLACES_MAX = 64, QUEUE_MAX = 300 };

struct shop {
    struct drain drain;
    unsigned places; /* at once */
    usec_t service;  /* of one, on average */
    usec_t busy_until[PLACES_MAX];
    struct visitor {
        usec_t joined, estimate;
        unsigned ahead;
    } queue[QUEUE_MAX];
    size_t first, waiting;
    double truth, estimated; /* sums over those with at least four ahead */
    unsigned compared, unknown;
    unsigned known, tiny; /* estimates of a queue of ten that all who came might have been told; less than half */
    struct random_source random;
};

static double uniform(struct random_source *r) { return ((double)(random_next(r) >> 11) + 0.5) * 0x1p-53; }

static size_t next_free(const struct shop *s)
{
    size_t best = 0;
    for (size_t i = 1; i < s->places; i++)
        if (s->busy_until[i] < s->busy_until[best]) best = i;
    return best;
}

static void compare(struct shop *s, const struct visitor *v, usec_t now)
{
    double waited = (double)(now - v->joined);
    if (v->ahead < 4) return;
    if (v->estimate == 0) {
        s->unknown++;
        return;
    }
    s->compared++;
    s->truth += waited;
    s->estimated += (double)v->estimate;
}

/* Gives their turns to all whose place becomes free until then. */
static void serve_until(struct shop *s, usec_t until)
{
    while (s->waiting) {
        size_t place = next_free(s);
        usec_t now = s->busy_until[place];
        if (now > until) return;
        struct visitor *v = &s->queue[s->first++ % QUEUE_MAX];
        s->waiting--;
        drain_leave(&s->drain, true, now);
        compare(s, v, now);
        s->busy_until[place] = now + (usec_t)((double)s->service * (0.5 + uniform(&s->random)));
    }
}

static void imagine_a_queue(struct shop *s, usec_t now)
{
    usec_t estimate = drain_wait(&s->drain, 10, now);
    s->known += estimate > 0;
    s->tiny += estimate > 0 && estimate * 2 < 11 * s->service / s->places;
}

static void arrive(struct shop *s, usec_t now)
{
    serve_until(s, now);
    imagine_a_queue(s, now);
    size_t place = next_free(s);
    if (s->busy_until[place] <= now) { /* no queue */
        s->busy_until[place] = now + (usec_t)((double)s->service * (0.5 + uniform(&s->random)));
        return;
    }
    if (s->waiting == QUEUE_MAX) return; /* refused */
    struct visitor v = {now, drain_wait(&s->drain, (unsigned)s->waiting, now), (unsigned)s->waiting};
    s->queue[(s->first + s->waiting++) % QUEUE_MAX] = v;
    drain_join(&s->drain, now);
}

/* Poisson arrivals; who would be one too many is refused. */
static void run_shop(struct shop *s, double load, usec_t duration)
{
    double rate = load * s->places / (double)s->service;
    for (double now = 1; now < (double)duration; now += -log(uniform(&s->random)) / rate)
        arrive(s, (usec_t)now);
}

static const struct {
    unsigned places;
    usec_t service;
} shops[] = {{1, 20 * MS}, {1, SECOND}, {4, 2 * SECOND}, {20, 30 * (usec_t)SECOND}, {64, 500 * MS}};

START_TEST(test_estimates_are_true)
{
    static const double loads[] = {0.9, 0.97, 1.1, 2, 5};
    for (int i = 0; i < COUNT(shops); i++) {
        for (int k = 0; k < COUNT(loads); k++) {
            struct shop s = {.places = shops[i].places, .service = shops[i].service};
            random_seed(&s.random, 1 + (uint64_t)i * 10 + (uint64_t)k);
            run_shop(&s, loads[k], 20000 * s.service / s.places);
            double ratio = s.estimated / s.truth;
            ck_assert_uint_ge(s.compared, 1000);
            ck_assert_uint_le(s.unknown * 10, s.compared);
            ck_assert_double_eq_tol(ratio, 1, 0.2);
        }
    }
}
END_TEST

/* Where the queue is empty most of the time, what is told of a long one is nothing, or not far from the truth. */
START_TEST(test_a_queue_that_is_mostly_empty_does_not_look_fast)
{
    static const double loads[] = {0.3, 0.5, 0.7, 0.8};
    for (int i = 0; i < COUNT(shops); i++) {
        for (int k = 0; k < COUNT(loads); k++) {
            struct shop s = {.places = shops[i].places, .service = shops[i].service};
            random_seed(&s.random, 1 + (uint64_t)i * 10 + (uint64_t)k);
            run_shop(&s, loads[k], 20000 * s.service / s.places);
            ck_assert_msg(s.tiny * 20 <= s.known, "%u places, load %.1f: %u of %u", s.places, loads[k], s.tiny,
                          s.known);
        }
    }
}
END_TEST

TEST_MAIN("drain", test_nothing_is_known_at_first, test_it_takes_some_turns_and_some_time,
          test_time_without_a_queue_is_left_out, test_a_queue_of_one_is_not_known, test_who_gives_up_is_no_turn,
          test_a_queue_that_stands_still_gets_slow, test_it_follows_a_change, test_time_that_steps_back,
          test_estimates_are_true, test_a_queue_that_is_mostly_empty_does_not_look_fast)
