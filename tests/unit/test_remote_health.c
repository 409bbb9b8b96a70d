#include "../../src/cache/remote_health.h"
#include "../suite.h"
#include "dsgate/base/random.h"

#define SEC USEC_PER_SEC

/* What happens to a server, each at its time, and what comes of it. */
enum event { CONNECT, LOSE, FAIL_TO_CONNECT, MISS, ANSWER, TIME_OUT, REFUSE, OBEY, ADMITTED, NOT_ADMITTED };
struct step {
    usec_t now;
    enum event event;
    usec_t asked; /* of ANSWER and TIME_OUT */
    enum remote_news news;
    unsigned times; /* 0: once */
};

static enum remote_news play(struct remote_health *h, const struct step *s)
{
    switch (s->event) {
    case CONNECT: return remote_health_connected(h);
    case LOSE: remote_health_lost(h, s->now); return REMOTE_NO_NEWS;
    case FAIL_TO_CONNECT: return remote_health_unconnected(h, s->now);
    case MISS: return remote_health_missed(h, s->now);
    case ANSWER: return remote_health_answered(h, s->asked, s->now);
    case TIME_OUT: return remote_health_timed_out(h, s->asked, s->now);
    case REFUSE: return remote_health_refused(h, s->now);
    case OBEY: return remote_health_obeyed(h, s->now);
    case ADMITTED: ck_assert_msg(remote_health_admits(h, s->now), "at %lld", (long long)s->now); break;
    case NOT_ADMITTED: ck_assert_msg(!remote_health_admits(h, s->now), "at %lld", (long long)s->now); break;
    }
    return REMOTE_NO_NEWS;
}

static void play_all(struct remote_health *h, const struct step *steps, int n)
{
    for (int i = 0; i < n; i++)
        for (unsigned time = 0; time == 0 || time < steps[i].times; time++) {
            enum remote_news news = play(h, &steps[i]);
            ck_assert_msg(news == steps[i].news, "step %d: news %d", i, (int)news);
        }
}
#define PLAY(h, ...) play_all((h), (const struct step[]){__VA_ARGS__}, COUNT(((const struct step[]){__VA_ARGS__})))

START_TEST(nothing_is_known_at_first)
{
    struct remote_health h = {0};
    PLAY(&h, {0, ADMITTED}, {SEC, MISS}, {9 * SEC, MISS}, {9 * SEC, CONNECT, 0, REMOTE_FIRST});
    ck_assert_int_eq(h.told, REMOTE_THERE);
}
END_TEST

START_TEST(it_is_told_once_for_all_workers)
{
    struct remote_health h = {0};
    PLAY(&h, {1, FAIL_TO_CONNECT, 0, REMOTE_UNREACHABLE}, {2, FAIL_TO_CONNECT, .times = 7}, {3, MISS},
         {30 * SEC, CONNECT, 0, REMOTE_BACK}, {31 * SEC, CONNECT, .times = 7});
    ck_assert_int_eq(h.away_since, 1);
    ck_assert_uint_eq(h.connected, 8);
}
END_TEST

/* A server's own idle time-out, or a restart: the next connection comes at once. */
START_TEST(a_lost_connection_is_no_news)
{
    struct remote_health h = {0};
    PLAY(&h, {1, CONNECT, 0, REMOTE_FIRST}, {1, CONNECT}, {10 * SEC, LOSE, .times = 2}, {10 * SEC + SEC / 2, MISS},
         {10 * SEC + SEC / 2, CONNECT});
    ck_assert_int_eq(h.told, REMOTE_THERE);
    PLAY(&h, {20 * SEC, LOSE}, {21 * SEC - 1, MISS}, {21 * SEC, MISS, 0, REMOTE_UNREACHABLE}, {22 * SEC, MISS},
         {23 * SEC, CONNECT, 0, REMOTE_BACK});
}
END_TEST

START_TEST(one_worker_without_a_connection_is_no_news)
{
    struct remote_health h = {0};
    PLAY(&h, {1, CONNECT, 0, REMOTE_FIRST}, {1, CONNECT}, {2, LOSE}, {3, FAIL_TO_CONNECT}, {9 * SEC, MISS});
    ck_assert_int_eq(h.told, REMOTE_THERE);
    PLAY(&h, {10 * SEC, LOSE}, {10 * SEC, FAIL_TO_CONNECT, 0, REMOTE_UNREACHABLE});
}
END_TEST

START_TEST(five_time_outs_in_a_row_open_it)
{
    struct remote_health h = {0};
    PLAY(&h, {1, CONNECT, 0, REMOTE_FIRST}, {1, TIME_OUT, 1, .times = 4}, {2, ANSWER, 1}, {3, TIME_OUT, 2, .times = 4},
         {4, ADMITTED}, {5, TIME_OUT, 2, REMOTE_SILENT}, {5, TIME_OUT, 4, .times = 20});
    ck_assert(h.open);
    ck_assert_int_eq(h.away_since, 5);
    ck_assert_int_eq(h.next_trial, 5 + SEC);
    PLAY(&h, {5 + SEC - 1, NOT_ADMITTED}, {6 + SEC, ADMITTED}, {6 + SEC, NOT_ADMITTED});
}
END_TEST

static void open_at(struct remote_health *h, usec_t now)
{
    for (int i = 0; i < REMOTE_FAILURES; i++)
        remote_health_timed_out(h, now, now);
    ck_assert(h->open);
}

START_TEST(trials_become_rare)
{
    static const usec_t rests[] = {1, 2, 4, 8, 10, 10, 10};
    struct remote_health h = {0};
    usec_t now = 100 * SEC;
    open_at(&h, now);
    for (int i = 0; i < COUNT(rests); i++) {
        ck_assert_int_eq(h.rest, rests[i] * SEC);
        PLAY(&h, {now + h.rest - 1, NOT_ADMITTED}, {now + h.rest, ADMITTED});
        now = now + h.rest + 50;
        PLAY(&h, {now, TIME_OUT, now - 50}, {now, TIME_OUT, now - 60, .times = 9});
    }
    PLAY(&h, {now + 10 * SEC, ADMITTED}, {now + 10 * SEC + 5, ANSWER, now + 10 * SEC, REMOTE_BACK});
    ck_assert(!h.open);
    ck_assert_int_eq(h.told, REMOTE_THERE);
}
END_TEST

/* Its client has left, or the connection was lost meanwhile. */
START_TEST(a_trial_without_a_result_is_no_dead_end)
{
    struct remote_health h = {0};
    open_at(&h, SEC);
    PLAY(&h, {2 * SEC, ADMITTED}, {3 * SEC - 1, NOT_ADMITTED}, {3 * SEC, ADMITTED}, {4 * SEC, ADMITTED});
    ck_assert_int_eq(h.rest, SEC);
}
END_TEST

START_TEST(results_of_before_do_not_count)
{
    struct remote_health h = {0};
    open_at(&h, SEC);
    PLAY(&h, {SEC + 1, ANSWER, SEC - 1});
    ck_assert(h.open);
    PLAY(&h, {2 * SEC, ADMITTED}, {2 * SEC + 9, ANSWER, 2 * SEC, REMOTE_BACK},
         {2 * SEC + 10, TIME_OUT, 2 * SEC - 1, .times = 50});
    ck_assert(!h.open);
    ck_assert_uint_eq(h.failures, 0);
}
END_TEST

/* Else a server that answers one trial of each second would fill the log. */
START_TEST(who_opens_soon_again_waits_longer)
{
    struct remote_health h = {0};
    open_at(&h, SEC);
    for (usec_t rest = 1, now = 2 * SEC; rest <= 8; rest *= 2, now = h.next_trial) {
        ck_assert_int_eq(h.rest, rest * SEC);
        PLAY(&h, {now, ADMITTED}, {now, ANSWER, now, REMOTE_BACK}, {now + 9, ADMITTED});
        open_at(&h, now + 9);
    }
    usec_t later = h.next_trial;
    PLAY(&h, {later, ANSWER, later, REMOTE_BACK});
    open_at(&h, later + REMOTE_REST_MOST);
    ck_assert_int_eq(h.rest, SEC);
}
END_TEST

/* The kernel takes connections for a process that is stopped, and one that is made says nothing of the next call. */
START_TEST(a_connection_does_not_close_it)
{
    struct remote_health h = {0};
    PLAY(&h, {1, CONNECT, 0, REMOTE_FIRST});
    open_at(&h, SEC);
    PLAY(&h, {6 * SEC, LOSE}, {7 * SEC, FAIL_TO_CONNECT}, {8 * SEC, CONNECT}, {8 * SEC, ADMITTED},
         {8 * SEC + 3, ANSWER, 8 * SEC, REMOTE_BACK});
    ck_assert_int_eq(h.away_since, SEC);
}
END_TEST

START_TEST(refusals_are_told_once)
{
    struct remote_health h = {0};
    PLAY(&h, {1, OBEY}, {SEC, REFUSE, 0, REMOTE_REFUSES}, {2 * SEC, OBEY}, {3 * SEC, REFUSE, .times = 9},
         {63 * SEC - 1, OBEY}, {63 * SEC, OBEY, 0, REMOTE_OBEYS}, {64 * SEC, OBEY},
         {65 * SEC, REFUSE, 0, REMOTE_REFUSES});
}
END_TEST

/* Whatever happens: news of going and coming take turns, and while it is open, calls are let through rarely. */
START_TEST(any_sequence)
{
    struct random_source random;
    random_seed(&random, 7);
    for (int round = 0; round < 50; round++) {
        struct remote_health h = {0};
        usec_t now = SEC, admitted = 0;
        bool away = false, first = true;
        for (int i = 0; i < 2000; i++) {
            now += (usec_t)random_below(&random, (uint64_t)SEC / 2);
            struct step s = {now, (enum event)random_below(&random, OBEY + 1)};
            s.asked = now - (usec_t)random_below(&random, (uint64_t)SEC / 4);
            if (s.event == LOSE && h.connected == 0) s.event = CONNECT;
            if (s.event == ANSWER && random_below(&random, 4)) s.event = TIME_OUT;
            enum remote_news news = play(&h, &s);
            if (news == REMOTE_SILENT || news == REMOTE_UNREACHABLE) ck_assert(!away);
            if (news == REMOTE_BACK) ck_assert(away);
            if (news == REMOTE_FIRST) ck_assert(first && !away);
            if (news == REMOTE_SILENT || news == REMOTE_UNREACHABLE) away = true;
            if (news == REMOTE_BACK) away = false;
            first = first && news != REMOTE_FIRST && !away;
            ck_assert(h.rest >= 0 && h.rest <= REMOTE_REST_MOST);
            ck_assert(!h.open || (h.told != REMOTE_THERE && h.rest >= REMOTE_REST_LEAST));
            if (!h.open || !remote_health_admits(&h, now)) continue;
            ck_assert(now - admitted >= REMOTE_REST_LEAST);
            admitted = now;
        }
    }
}
END_TEST

TEST_MAIN("remote_health", nothing_is_known_at_first, it_is_told_once_for_all_workers, a_lost_connection_is_no_news,
          one_worker_without_a_connection_is_no_news, five_time_outs_in_a_row_open_it, trials_become_rare,
          a_trial_without_a_result_is_no_dead_end, results_of_before_do_not_count, who_opens_soon_again_waits_longer,
          a_connection_does_not_close_it, refusals_are_told_once, any_sequence)
