/* Redis that is slow, breaks off, or is not there: no request is delayed by more than its patience, and none fails. */
#include "cache_redis.h"

#define PATIENCE_USED_UP 5 /* questions in a row */

/* A question of its own, of which there are many. */
static struct wire *ask_nth(int n)
{
    char *members = mem_printf(",\"n\":%d", n);
    struct wire *client = chat("", members);
    mem_free(members);
    return client;
}

/* Nobody is asked but the upstream, and that at once. */
static void ck_not_delayed(int n)
{
    struct wire *client = ask_nth(n);
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
}

/* So many questions that Redis does not answer in time. */
static void be_silent(int times)
{
    for (int i = 0; i < times; i++) {
        struct wire *client = ask_nth(1000 + i);
        ck_asks_redis();
        fake_run(PATIENCE);
        answer(&a, 200, hello);
        ck_given(client, "miss", hello);
        if (i + 1 < PATIENCE_USED_UP) take_command("SET", 5);
    }
}

/* ---- slow ---- */

START_TEST(it_is_waited_for_exactly_so_long)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(SAYING("Late"), "300");
    struct wire *client = chat("", "");
    ck_asks_redis();
    fake_run(PATIENCE - 1);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(1);
    struct wire *w = upstream_take(busy_wire(&a));
    redis_gives_kept(); /* harmless */
    ck_assert_uint_eq(wire_received(client).n, 0);
    upstream_json(w, 200, hello);
    ck_given(client, "miss", hello);
    ck_assert_uint_eq(gateway_redis().timeouts, 1);
    ck_assert_uint_eq(gateway_redis().hits, 0);
    end_redis();
}
END_TEST

/* Whose time is up in the config. */
START_TEST(its_patience_is_configured)
{
    begin_redis("cache: {redis: {url: 'redis://redis.test:6379', timeout: 7ms}}\n" CACHE("mode: always") ALONE);
    struct wire *client = chat("", "");
    ck_asks_redis();
    fake_run(7 * MS - 1);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(1);
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    end_redis();
}
END_TEST

/* Replies that come late are taken for nobody else's. */
START_TEST(late_replies_are_for_nobody)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *first = ask_nth(1);
    ck_asks_redis();
    fake_run(PATIENCE);
    answer(&a, 200, SAYING("One"));
    ck_given(first, "miss", SAYING("One"));
    take_command("SET", 5);
    struct wire *second = chat("", "");
    ck_asks_redis();
    redis_knows_nothing(); /* the first one's */
    ck_assert_uint_eq(wire_received(second).n, 0);
    ck_assert_ptr_null(busy_wire(&a));
    redis_says("+OK\r\n");
    redis_gives_kept();
    ck_redis_hit(second, hello);
    end_redis();
}
END_TEST

/* After some time-outs nobody waits for it any more, until a trial tells that it answers again. */
START_TEST(who_is_silent_is_left_alone)
{
    begin_redis(WITH_REDIS);
    be_silent(PATIENCE_USED_UP);
    ck_assert(!gateway_redis().up);
    fake_run(1 * SEC - 1);
    ck_not_delayed(1);
    ck_redis_is_left_alone();
    fake_run(1);
    struct wire *trial = ask_nth(2);
    ck_asks_redis();
    ck_not_delayed(3); /* one trial is enough */
    for (int i = 0; i < 2 * PATIENCE_USED_UP - 1; i++)
        redis_knows_nothing(); /* what it was asked before, and was told */
    ck_assert_ptr_null(busy_wire(&a));
    redis_knows_nothing();
    ck_assert(gateway_redis().up);
    answer(&a, 200, hello);
    ck_given(trial, "miss", hello);
    take_command("SET", 5);
    ask_nth(4);
    ck_asks_redis();
    ck_assert_uint_eq(gateway_redis().timeouts, PATIENCE_USED_UP);
    ck_assert_uint_eq(gateway_redis().skipped, 2);
    end_redis();
}
END_TEST

/* A trial in vain costs its own request its patience, and the next one comes after twice the time. */
START_TEST(trials_become_fewer)
{
    begin_redis(WITH_REDIS);
    be_silent(PATIENCE_USED_UP);
    fake_run(1 * SEC);
    struct wire *trial = ask_nth(1);
    ck_asks_redis();
    fake_run(PATIENCE);
    answer(&a, 200, hello);
    ck_given(trial, "miss", hello);
    fake_run(2 * SEC - 1);
    ck_not_delayed(2);
    ck_redis_is_left_alone();
    fake_run(1);
    ask_nth(3);
    ck_asks_redis();
    end_redis();
}
END_TEST

/* One that answers now and then is not taken for silent. */
START_TEST(an_answer_in_between_counts)
{
    begin_redis(WITH_REDIS);
    for (int i = 0; i < 3; i++) {
        struct wire *client = ask_nth(i);
        ck_asks_redis();
        redis_knows_nothing();
        answer(&a, 200, hello);
        ck_given(client, "miss", hello);
        ck_writes("300");
        for (int k = 0; k < PATIENCE_USED_UP - 1; k++) {
            client = ask_nth(100 + 10 * i + k);
            ck_asks_redis();
            fake_run(PATIENCE);
            redis_knows_nothing();
            answer(&a, 200, hello);
            ck_given(client, "miss", hello);
            ck_writes("300");
        }
    }
    ck_assert(gateway_redis().up);
    end_redis();
}
END_TEST

/* The request's own time goes on meanwhile. */
START_TEST(a_deadline_passes_meanwhile)
{
    begin_redis(WITH_REDIS);
    struct wire *client = chat("X-Dsgate-Timeout: 20ms\r\n", "");
    ck_asks_redis();
    fake_run(PATIENCE);
    ck_error(client, 504, "deadline_exceeded");
    ck_assert_uint_eq(a.dials, 0);
    end_redis();
}
END_TEST

/* ---- gone ---- */

static void close_link(void) { wire_close(link_wire()); }
static void break_link(void) { wire_reset(link_wire()); }
static void talk_nonsense(void) { wire_send(link_wire(), TEXT("HTTP/1.1 400 Bad Request\r\n\r\n")); }
static void say_too_much(void) { wire_send(link_wire(), TEXT("$-1\r\n$-1\r\n")); }

static void (*const losses[])(void) = {close_link, break_link, talk_nonsense, say_too_much};

/* Whoever waits for it goes on at once; until it is back nobody waits. */
START_TEST(a_lost_connection_delays_nobody)
{
    begin_redis(WITH_REDIS);
    struct wire *client = ask_nth(1);
    ck_asks_redis();
    losses[_i]();
    fake_settle();
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    ck_assert(wire_program_closed(link_wire()));
    ck_not_delayed(2);
    ck_assert_uint_eq(gateway_redis().dropped, 2);
    while (redis.wire_count < 2)
        fake_run(10 * MS);
    ck_not_delayed(3);
    log_in();
    ask_nth(4);
    ck_asks_redis();
    end_redis();
}
END_TEST

START_TEST(who_is_not_there_delays_nobody)
{
    for (int hangs = 0; hangs < 2; hangs++) {
        redis = (struct fake_upstream){.host = "redis.test", .port = 6379, .refuses = NET_CONNECT, .hangs = hangs};
        begin(WITH_REDIS);
        fake_upstream_add(&redis);
        for (int i = 0; i < 5; i++) {
            ck_not_delayed(i);
            fake_run(5 * SEC);
        }
        ck_assert(!gateway_redis().up);
        ck_assert_uint_eq(gateway_redis().skipped, 5);
        ck_hit(ask_nth(0), hello); /* memory does without it */
        redis.refuses = NET_OK;
        redis.hangs = false;
        while (redis.wire_count == 0)
            fake_run(10 * MS);
        log_in();
        take_command("CONFIG", 3);
        ask_nth(7);
        ck_asks_redis();
        ck_assert(gateway_redis().up);
        end_redis();
    }
}
END_TEST

/* One that takes nothing more is given nothing more, and nobody waits for it. */
START_TEST(who_takes_nothing_delays_nobody)
{
    begin_redis(WITH_REDIS);
    wire_window(link_wire(), 0);
    struct wire *client = ask_nth(1);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(PATIENCE);
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    fake_run(5 * SEC);
    ck_assert(wire_program_closed(link_wire()));
    ck_not_delayed(2);
    end_redis();
}
END_TEST

static void add_tests(TCase *tests)
{
    const TTest *const all[] = {it_is_waited_for_exactly_so_long,
                                its_patience_is_configured,
                                late_replies_are_for_nobody,
                                who_is_silent_is_left_alone,
                                trials_become_fewer,
                                an_answer_in_between_counts,
                                a_deadline_passes_meanwhile,
                                who_is_not_there_delays_nobody,
                                who_takes_nothing_delays_nobody};
    for (int i = 0; i < COUNT(all); i++)
        tcase_add_test(tests, all[i]);
    tcase_add_loop_test(tests, a_lost_connection_delays_nobody, 0, COUNT(losses));
}

TEST_MAIN_ADDING("cache_redis_away", add_tests)
