/* Workers lead, follow, leave and end at once, on loops of their own, while purges come by. What an answer is like and
 * how it ends depends on its seed alone, so that each follower can tell whether it has had the right bytes and the
 * right end. News that are lost leave a worker asleep for ever (the alarm ends the test). Run it under ThreadSanitizer.
 */
#include "dsgate/base/random.h"
#include "dsgate/cache/flight.h"
#include "net_test.h"
#include <sched.h>

enum { WORKERS = 4, ACTORS = 12, CALLS = 5000, KEYS = 6, LIMIT = 20000, PIECE_MAX = 4000 };

struct worker;

struct actor {
    struct worker *worker;
    struct flight_lead lead;
    struct follower follower;
    uint32_t seed;  /* of the answer that it leads */
    size_t written; /* … so far */
    bool watching;
    bool waits;  /* it has read all there was, and goes on when news come */
    bool slow;   /* it reads now and then */
    bool fickle; /* it may leave; the others stay until they hear of an end */
};

struct worker {
    pthread_t thread;
    struct loop *loop;
    struct loop_after each_turn;
    struct flight_inbox inbox;
    struct random_source random;
    struct actor actors[ACTORS];
    unsigned calls_left;
};

static struct flights *flights;
static struct worker workers[WORKERS];
static atomic_uint working, wrong, asked, ended, failed, failed_midway, lost, deserted, from_entry, unwanted;

static bool chance(struct worker *w, unsigned one_in) { return random_below(&w->random, one_in) == 0; }

/* ---- answers ---- */

static size_t length_of(uint32_t seed) { return random_mix(seed) % (2 * LIMIT); }
static bool crashes(uint32_t seed) { return seed % 4 == 0; }
static char byte_of(uint32_t seed, size_t i) { return (char)(seed + i * 31 + i / 256); }

static bool is_part(uint32_t seed, size_t offset, struct text bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        if (bytes.p[i] != byte_of(seed, offset + i)) return false;
    return offset + bytes.n <= length_of(seed);
}

/* ---- leads ---- */

static void finish(struct actor *a)
{
    struct flight_lead *lead = &a->lead;
    if (crashes(a->seed)) {
        flight_crash(lead, &a->seed, sizeof a->seed);
        return;
    }
    struct cache_entry *e = flight_entry(lead, &(struct cache_facts){.status = a->seed});
    if ((e == NULL) != (a->written > LIMIT)) wrong++;
    if (e && e->body.n != a->written) wrong++;
    flight_land(lead, e);
    cache_entry_unref(e);
    flight_is_current(lead);
}

static void go_on(struct worker *w, struct actor *a)
{
    char bytes[PIECE_MAX];
    struct flight_head head = {.status = a->seed};
    size_t n = random_below(&w->random, PIECE_MAX), left = length_of(a->seed) - a->written, half;
    if (n > left) n = left;
    for (size_t i = 0; i < n; i++)
        bytes[i] = byte_of(a->seed, a->written + i);
    half = n / 2;
    struct iovec pieces[] = {{bytes, half}, {bytes + half, n - half}};
    a->written += n;
    if (!flight_write(&a->lead, &head, pieces, 2)) {
        unwanted++;
        if (a->written <= LIMIT || flight_followers(&a->lead) > 0) wrong++;
    }
}

static void lead_on(struct worker *w, struct actor *a)
{
    if (a->written == length_of(a->seed))
        finish(a);
    else if (a->watching || !chance(w, 8))
        go_on(w, a);
    else if (chance(w, 2))
        flight_starts(&a->lead);
    else {
        a->watching = true;
        flight_watch(&a->lead);
    }
}

static void on_deserted(struct flight_lead *lead)
{
    struct actor *a = CONTAINER_OF(lead, struct actor, lead);
    if (!a->watching || flight_followers(lead) > 0) wrong++;
    deserted++;
    flight_crash(lead, NULL, 0);
}

/* ---- followers ---- */

static void check_failure(struct follower *f)
{
    size_t n;
    uint32_t seed;
    const void *what = flight_failure(f, &n);
    failed++;
    if (n != sizeof seed) {
        wrong++;
        return;
    }
    memcpy(&seed, what, n);
    if (!crashes(seed) || (f->offset > 0 && f->offset != length_of(seed))) wrong++;
    failed_midway += f->offset > 0;
}

static void check_end(struct follower *f)
{
    const struct flight_head *head = flight_head(f);
    ended++;
    from_entry += f->entry != NULL;
    if (!head ? f->offset > 0 : crashes(head->status) || f->offset != length_of(head->status)) wrong++;
}

/* False: it waits, or has left. */
static bool read_once(struct actor *a)
{
    struct follower *f = &a->follower;
    size_t offset = f->offset;
    struct text bytes;
    switch (flight_read(f, &bytes)) {
    case FLIGHT_BYTES:
        if (!is_part(flight_head(f)->status, offset, bytes)) wrong++;
        return true;
    case FLIGHT_WAIT: a->waits = true; return false;
    case FLIGHT_END: check_end(f); break;
    case FLIGHT_FAILED: check_failure(f); break;
    case FLIGHT_LOST:
        lost++;
        if (length_of(flight_head(f)->status) <= LIMIT) wrong++;
        break;
    }
    flight_leave(f);
    return false;
}

static void follow_on(struct worker *w, struct actor *a)
{
    if (a->fickle && chance(w, 50))
        flight_leave(&a->follower);
    else if (!a->waits && !(a->slow && !chance(w, 20)))
        while (read_once(a) && chance(w, 2))
            continue;
}

static void on_news(struct follower *f)
{
    struct actor *a = CONTAINER_OF(f, struct actor, follower);
    if (!f->flight) wrong++;
    a->waits = false;
    if (!a->slow) read_once(a);
    loop_after_turn(a->worker->loop, &a->worker->each_turn);
}

/* ---- workers ---- */

/* How threads meet is up to a busy machine: each goes on until everything has happened at least once. */
static bool has_done_its_part(const struct worker *w)
{
    return w->calls_left == 0 && ended && failed && failed_midway && lost && deserted && from_entry && unwanted;
}

static void ask(struct worker *w, struct actor *a)
{
    struct flight_terms terms = {.priority = (enum conf_priority)random_below(&w->random, PRIORITY_COUNT),
                                 .wants_usage = chance(w, 2),
                                 .patience = 1 + (usec_t)random_below(&w->random, 2)};
    terms.key.bytes[0] = (unsigned char)random_below(&w->random, KEYS);
    *a = (struct actor){.worker = w,
                        .lead.deserted = on_deserted,
                        .seed = (uint32_t)random_next(&w->random),
                        .waits = true,
                        .slow = chance(w, 4),
                        .fickle = chance(w, 4)};
    flight_join(flights, &a->follower, &a->lead, &w->inbox, &terms, on_news);
    asked++;
    if (w->calls_left > 0) w->calls_left--;
}

static void act(struct worker *w, struct actor *a)
{
    if (a->lead.flight)
        lead_on(w, a);
    else if (a->follower.flight)
        follow_on(w, a);
    else if (!has_done_its_part(w))
        ask(w, a);
}

static bool all_wait(const struct worker *w)
{
    for (int i = 0; i < ACTORS; i++)
        if (!w->actors[i].follower.flight || !w->actors[i].waits) return false;
    return true;
}

static bool all_are_idle(const struct worker *w)
{
    for (int i = 0; i < ACTORS; i++)
        if (w->actors[i].follower.flight || w->actors[i].lead.flight) return false;
    return true;
}

/* Who has nothing to do but to wait goes to sleep, and news wake it. */
static void on_turn(struct loop_after *after)
{
    struct worker *w = CONTAINER_OF(after, struct worker, each_turn);
    for (int i = 0; i < ACTORS; i++)
        act(w, &w->actors[i]);
    if (has_done_its_part(w) && all_are_idle(w))
        loop_stop(w->loop);
    else if (!all_wait(w))
        loop_after_turn(w->loop, &w->each_turn);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    w->loop = loop_new();
    flight_inbox_open(flights, &w->inbox, w->loop);
    w->each_turn.run = on_turn;
    loop_after_turn(w->loop, &w->each_turn);
    loop_run(w->loop);
    flight_inbox_close(&w->inbox);
    loop_free(w->loop);
    atomic_fetch_sub(&working, 1);
    return NULL;
}

static void start(void *(*thread)(void *arg))
{
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.calls_left = CALLS};
        random_seed(&workers[i].random, (uint64_t)i);
        ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, thread, &workers[i]), 0);
    }
}

static struct flights_stats end_all(void)
{
    struct flights_stats stats;
    for (int i = 0; i < WORKERS; i++)
        pthread_join(workers[i].thread, NULL);
    flights_read_stats(flights, &stats);
    ck_assert_uint_eq(stats.flights, 0);
    ck_assert_uint_eq(stats.followers, 0);
    ck_assert_uint_eq(wrong, 0);
    flights_free(flights);
    return stats;
}

START_TEST(everybody_gets_the_right_bytes_and_the_right_end)
{
    flights = flights_new(LIMIT);
    working = WORKERS;
    start(work);
    for (unsigned i = 0; working > 0; i++) {
        struct flights_stats stats;
        flights_read_stats(flights, &stats);
        if (i % 1000 == 0) flights_forget(flights);
        sched_yield();
    }
    struct flights_stats stats = end_all();
    ck_assert_uint_gt(stats.followed, ended);
    ck_assert_uint_eq(stats.led + stats.followed, asked);
    ck_assert_uint_eq(stats.lost, lost);
}
END_TEST

/* ---- all at once ---- */

enum { ROUNDS = 300 };
static pthread_barrier_t barrier;
static atomic_uint leads;

static void *ask_at_once(void *arg)
{
    struct worker *w = arg;
    struct flight_terms terms = {.patience = 1};
    w->loop = loop_new();
    flight_inbox_open(flights, &w->inbox, w->loop);
    for (int i = 0; i < ROUNDS; i++) {
        struct actor a = {0};
        terms.key.bytes[0] = (unsigned char)i;
        pthread_barrier_wait(&barrier);
        if (!flight_join(flights, &a.follower, &a.lead, &w->inbox, &terms, on_news)) leads++;
        pthread_barrier_wait(&barrier);
        if (a.lead.flight && flight_followers(&a.lead) != WORKERS - 1) wrong++;
        if (leads != (unsigned)i + 1) wrong++;
        pthread_barrier_wait(&barrier);
        flight_crash(&a.lead, NULL, 0);
        flight_leave(&a.follower);
    }
    flight_inbox_close(&w->inbox);
    loop_free(w->loop);
    return NULL;
}

START_TEST(of_many_that_ask_at_once_one_leads)
{
    flights = flights_new(LIMIT);
    leads = wrong = 0;
    pthread_barrier_init(&barrier, NULL, WORKERS);
    start(ask_at_once);
    end_all();
    ck_assert_uint_eq(leads, ROUNDS);
    pthread_barrier_destroy(&barrier);
}
END_TEST

TEST_MAIN("flight_threads", everybody_gets_the_right_bytes_and_the_right_end, of_many_that_ask_at_once_one_leads)
