#include "dsgate/net/loop.h"
#include "net_test.h"
#include <pthread.h>

static struct loop *loop;

static void start(void)
{
    loop = loop_new();
    ck_assert_ptr_nonnull(loop);
}

/* ---- readiness ---- */

struct watch {
    struct loop_io io;
    int calls, what;
    bool stop_io, stop_loop;
    struct loop_io *victim; /* stopped by the callback */
};

static void count_event(struct loop_io *io, int what)
{
    struct watch *w = CONTAINER_OF(io, struct watch, io);
    w->calls++;
    w->what |= what;
    if (w->victim) loop_io_stop(w->victim);
    if (w->stop_io) loop_io_stop(io);
    if (w->stop_loop) loop_stop(loop);
}

START_TEST(test_readable_until_read)
{
    struct watch w = {0};
    int fd[2];
    char byte;
    start();
    make_pair(fd);
    loop_io_start(loop, &w.io, fd[0], LOOP_READ, count_event);
    run_turns(loop, 3);
    ck_assert_int_eq(w.calls, 0);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    run_turns(loop, 3);
    ck_assert_int_eq(w.calls, 3);
    ck_assert_int_eq(w.what, LOOP_READ);
    ck_assert_int_eq(read(fd[0], &byte, 1), 1);
    run_turns(loop, 3);
    ck_assert_int_eq(w.calls, 3);
    loop_io_stop(&w.io);
    loop_io_stop(&w.io);
    close(fd[0]);
    close(fd[1]);
    loop_free(loop);
}
END_TEST

START_TEST(test_wants_change)
{
    struct watch w = {0};
    int fd[2];
    start();
    make_pair(fd);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    loop_io_start(loop, &w.io, fd[0], 0, count_event);
    run_turns(loop, 2);
    ck_assert_int_eq(w.calls, 0);
    loop_io_want(&w.io, LOOP_WRITE);
    run_turns(loop, 1);
    ck_assert_int_eq(w.what, LOOP_WRITE);
    loop_io_want(&w.io, LOOP_READ | LOOP_WRITE);
    run_turns(loop, 1);
    ck_assert_int_eq(w.what, LOOP_READ | LOOP_WRITE);
    ck_assert_int_eq(w.calls, 2);
    loop_io_want(&w.io, 0);
    run_turns(loop, 2);
    ck_assert_int_eq(w.calls, 2);
    loop_io_stop(&w.io);
    close(fd[0]);
    close(fd[1]);
    loop_free(loop);
}
END_TEST

START_TEST(test_a_callback_may_stop_others_and_itself)
{
    struct watch a = {0}, b = {0};
    int fd[2];
    start();
    make_pair(fd);
    a.victim = &b.io;
    b.victim = &a.io;
    a.stop_io = b.stop_io = true;
    loop_io_start(loop, &a.io, fd[0], LOOP_WRITE, count_event);
    loop_io_start(loop, &b.io, fd[1], LOOP_WRITE, count_event);
    run_turns(loop, 3);
    ck_assert_int_eq(a.calls + b.calls, 1);
    close(fd[0]);
    close(fd[1]);
    loop_free(loop);
}
END_TEST

static void check_hang_up(void (*leave)(int fd))
{
    struct watch w = {.stop_loop = true};
    int fd[2];
    start();
    make_tcp_pair(fd);
    loop_io_start(loop, &w.io, fd[0], LOOP_HANGUP, count_event);
    ck_assert_int_eq(write(fd[1], "bytes do not count", 18), 18);
    run_turns(loop, 5);
    ck_assert_int_eq(w.calls, 0);
    leave(fd[1]);
    loop_run(loop);
    ck_assert_int_eq(w.calls, 1);
    ck_assert_int_eq(w.what, LOOP_HANGUP);
    loop_io_stop(&w.io);
    close(fd[0]);
    loop_free(loop);
}

static void close_fd(int fd) { close(fd); }

START_TEST(test_hang_up_by_close) { check_hang_up(close_fd); }
END_TEST
START_TEST(test_hang_up_by_reset) { check_hang_up(reset_and_close); }
END_TEST

START_TEST(test_hang_up_that_came_before)
{
    struct watch w = {.stop_loop = true};
    int fd[2];
    start();
    make_tcp_pair(fd);
    reset_and_close(fd[1]);
    loop_io_start(loop, &w.io, fd[0], LOOP_HANGUP, count_event);
    loop_run(loop);
    ck_assert_int_eq(w.what, LOOP_HANGUP);
    loop_io_stop(&w.io);
    close(fd[0]);
    loop_free(loop);
}
END_TEST

/* ---- timers ---- */

static struct timer timer_a, timer_b;
static char fired[64];
static usec_t fired_at;

static void note(const char *what) { strncat(fired, what, sizeof fired - strlen(fired) - 1); }

static void fire_a(struct timer *timer)
{
    note("a");
    fired_at = loop_now(loop);
    loop_stop(loop);
}

static void fire_b(struct timer *timer) { note("b"); }

static void fire_b_and_cancel_a(struct timer *timer)
{
    note("b");
    timer_cancel(loop, &timer_a);
}

static void reset_fixture(void)
{
    timer_a = timer_b = (struct timer){0};
    fired[0] = '\0';
    start();
}

START_TEST(test_timers_fire_in_order_and_not_early)
{
    reset_fixture();
    usec_t due = loop_now(loop) + 3 * USEC_PER_MS;
    timer_set(loop, &timer_a, due, fire_a);
    timer_set(loop, &timer_b, due - USEC_PER_MS, fire_b);
    loop_run(loop);
    ck_assert_str_eq(fired, "ba");
    ck_assert_int_ge(fired_at, due);
    loop_free(loop);
}
END_TEST

START_TEST(test_a_timer_may_cancel_another_that_is_due)
{
    reset_fixture();
    timer_set(loop, &timer_b, 1, fire_b_and_cancel_a);
    timer_set(loop, &timer_a, 2, fire_a);
    run_turns(loop, 3);
    ck_assert_str_eq(fired, "b");
    loop_free(loop);
}
END_TEST

START_TEST(test_an_earlier_timer_set_later_wakes_the_loop)
{
    reset_fixture();
    timer_set(loop, &timer_b, loop_now(loop) + 3600 * USEC_PER_SEC, fire_b);
    run_turns(loop, 2);
    timer_set(loop, &timer_a, loop_now(loop) + USEC_PER_MS, fire_a);
    loop_run(loop);
    ck_assert_str_eq(fired, "a");
    timer_cancel(loop, &timer_b);
    loop_free(loop);
}
END_TEST

static void set_again_in_the_past(struct timer *timer) { timer_set(loop, timer, 0, set_again_in_the_past); }

START_TEST(test_a_timer_in_the_past_does_not_starve_the_rest)
{
    struct watch w = {.stop_loop = true};
    int fd[2];
    reset_fixture();
    make_pair(fd);
    timer_set(loop, &timer_a, 0, set_again_in_the_past);
    loop_io_start(loop, &w.io, fd[0], LOOP_WRITE, count_event);
    loop_run(loop);
    ck_assert_int_eq(w.calls, 1);
    loop_io_stop(&w.io);
    timer_cancel(loop, &timer_a);
    close(fd[0]);
    close(fd[1]);
    loop_free(loop);
}
END_TEST

/* ---- time ---- */

static usec_t stamps[3];

static void take_stamps(struct loop_post *post)
{
    stamps[0] = loop_now(loop);
    usec_t wall = loop_wall(loop);
    while (clock_monotonic() == stamps[0])
        continue;
    stamps[1] = loop_now(loop);
    ck_assert_int_eq(loop_wall(loop), wall);
}

START_TEST(test_time_stands_still_within_a_turn)
{
    struct loop_post post = {.deliver = take_stamps};
    start();
    loop_post(loop, &post);
    run_turns(loop, 2);
    stamps[2] = loop_now(loop);
    ck_assert_int_eq(stamps[0], stamps[1]);
    ck_assert_int_gt(stamps[2], stamps[1]);
    loop_free(loop);
}
END_TEST

/* ---- posts ---- */

enum { SENDERS = 4, LETTERS = 5000 };

struct letter {
    struct loop_post post;
    int sender, number;
};

static int next_number[SENDERS], delivered;

static void receive(struct loop_post *post)
{
    struct letter *l = CONTAINER_OF(post, struct letter, post);
    ck_assert_int_eq(l->number, next_number[l->sender]++);
    mem_free(l);
    if (++delivered == SENDERS * LETTERS) loop_stop(loop);
}

static void *send_letters(void *arg)
{
    for (int i = 0; i < LETTERS; i++) {
        struct letter *l = MEM_NEW(struct letter);
        l->post.deliver = receive;
        l->sender = (int)(intptr_t)arg;
        l->number = i;
        loop_post(loop, &l->post);
    }
    return NULL;
}

START_TEST(test_posts_from_threads_keep_their_order)
{
    pthread_t threads[SENDERS];
    start();
    for (int i = 0; i < SENDERS; i++)
        pthread_create(&threads[i], NULL, send_letters, (void *)(intptr_t)i);
    loop_run(loop);
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < SENDERS; i++)
        ck_assert_int_eq(next_number[i], LETTERS);
    loop_free(loop);
}
END_TEST

static struct loop_post second_post;

static void note_first(struct loop_post *post)
{
    note("1");
    loop_post(loop, &second_post);
}

static void note_second(struct loop_post *post)
{
    note("2");
    loop_stop(loop);
}

START_TEST(test_a_delivery_may_post)
{
    struct loop_post first = {.deliver = note_first};
    reset_fixture();
    second_post = (struct loop_post){.deliver = note_second};
    loop_post(loop, &first);
    loop_run(loop);
    ck_assert_str_eq(fired, "12");
    loop_free(loop);
}
END_TEST

START_TEST(test_pending_posts_are_dropped)
{
    struct loop_post post = {.deliver = note_second};
    reset_fixture();
    loop_post(loop, &post);
    loop_free(loop);
    ck_assert_str_eq(fired, "");
}
END_TEST

/* ---- hooks ---- */

static struct loop_after hook_a, hook_b;

static void run_a(struct loop_after *after)
{
    note("a");
    loop_after_turn(loop, &hook_b);
}

static void run_b(struct loop_after *after)
{
    note("b");
    loop_stop(loop);
}

START_TEST(test_a_hook_runs_once_and_its_own_hooks_next_turn)
{
    reset_fixture();
    hook_a = (struct loop_after){.run = run_a};
    hook_b = (struct loop_after){.run = run_b};
    loop_after_turn(loop, &hook_a);
    loop_after_turn(loop, &hook_a);
    run_turns(loop, 1);
    ck_assert_str_eq(fired, "a");
    loop_run(loop);
    ck_assert_str_eq(fired, "ab");
    loop_free(loop);
}
END_TEST

static void cancel_b(struct loop_after *after) { loop_after_cancel(&hook_b); }

START_TEST(test_hooks_can_be_cancelled_even_by_hooks)
{
    reset_fixture();
    hook_a = (struct loop_after){.run = cancel_b};
    hook_b = (struct loop_after){.run = run_b};
    loop_after_turn(loop, &hook_a);
    loop_after_turn(loop, &hook_b);
    run_turns(loop, 2);
    loop_after_turn(loop, &hook_b);
    loop_after_cancel(&hook_b);
    loop_after_cancel(&hook_b);
    run_turns(loop, 2);
    ck_assert_str_eq(fired, "");
    loop_free(loop);
}
END_TEST

/* ---- stopping and signals ---- */

static void *stop_it(void *arg)
{
    loop_stop(loop);
    return NULL;
}

START_TEST(test_stop_from_another_thread)
{
    pthread_t thread;
    start();
    pthread_create(&thread, NULL, stop_it, NULL);
    loop_run(loop);
    pthread_join(thread, NULL);
    loop_free(loop);
}
END_TEST

START_TEST(test_stop_before_run_is_not_lost)
{
    start();
    loop_stop(loop);
    loop_run(loop);
    loop_stop(loop);
    loop_run(loop);
    loop_free(loop);
}
END_TEST

static int signal_seen;

static void signal_arrived(int signal, void *arg)
{
    signal_seen = signal;
    ck_assert_ptr_eq(arg, &signal_seen);
    loop_stop(loop);
}

START_TEST(test_signals_come_as_callbacks)
{
    start();
    loop_on_signal(loop, SIGUSR1, signal_arrived, &signal_seen);
    raise(SIGUSR1);
    ck_assert_int_eq(signal_seen, 0);
    loop_run(loop);
    ck_assert_int_eq(signal_seen, SIGUSR1);
    loop_free(loop);
}
END_TEST

TEST_MAIN("loop", test_readable_until_read, test_wants_change, test_a_callback_may_stop_others_and_itself,
          test_hang_up_by_close, test_hang_up_by_reset, test_hang_up_that_came_before,
          test_timers_fire_in_order_and_not_early, test_a_timer_may_cancel_another_that_is_due,
          test_an_earlier_timer_set_later_wakes_the_loop, test_a_timer_in_the_past_does_not_starve_the_rest,
          test_time_stands_still_within_a_turn, test_posts_from_threads_keep_their_order, test_a_delivery_may_post,
          test_pending_posts_are_dropped, test_a_hook_runs_once_and_its_own_hooks_next_turn,
          test_hooks_can_be_cancelled_even_by_hooks, test_stop_from_another_thread, test_stop_before_run_is_not_lost,
          test_signals_come_as_callbacks)
