/* While Redis is asked: who leaves, who joins, and how the gateway ends. */
#include "cache_redis.h"

/* ---- who leaves meanwhile ---- */

START_TEST(a_client_may_leave)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *client = chat("", "");
    ck_asks_redis();
    wire_reset(client);
    fake_settle();
    redis_gives_kept();
    fake_run(1 * SEC);
    ck_assert_uint_eq(calls(), 1);
    client = chat("", "");
    ck_asks_redis();
    redis_gives_kept();
    ck_redis_hit(client, hello);
    end_redis();
}
END_TEST

START_TEST(the_gateway_may_end)
{
    begin_redis(WITH_REDIS);
    struct wire *client = chat("", "");
    ck_asks_redis();
    gateway_stop();
    ck_error(client, 503, "gateway_shutting_down");
    ck_assert(wire_program_closed(link_wire()));
    end_redis();
}
END_TEST

/* A drain lets who waits have an answer. */
START_TEST(a_drain_waits_for_it)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *client = chat("", "");
    ck_asks_redis();
    gateway_drain();
    redis_gives_kept();
    ck_redis_hit(client, hello);
    end_redis();
}
END_TEST

/* ---- with others ---- */

/* Of many that ask for the same one asks Redis, for all of them. */
START_TEST(one_question_is_enough)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *first = chat("", ""), *second = chat("", ""), *stream = chat("", STREAMED);
    ck_asks_redis();
    redis_gives_kept();
    ck_redis_hit(first, hello);
    ck_given(second, "joined", hello);
    struct client_answer got = client_read(stream);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "joined");
    ck_assert(got.complete && strstr(got.body, "Hello") && strstr(got.body, "data: [DONE]\n\n"));
    mem_free(got.body);
    ck_assert_uint_eq(calls(), 1);
    ck_hit(chat("", ""), hello);
    end_redis();
}
END_TEST

/* … and with nothing there, or too late, one asks the upstream. */
START_TEST(one_call_is_enough)
{
    for (int late = 0; late < 2; late++) {
        begin_redis(WITH_REDIS);
        struct wire *first = chat("", ""), *second = chat("", "");
        ck_asks_redis();
        if (late)
            fake_run(PATIENCE);
        else
            redis_knows_nothing();
        struct wire *third = chat("", "");
        answer(&a, 200, hello);
        ck_given(first, "miss", hello);
        ck_given(second, "joined", hello);
        ck_given(third, "joined", hello);
        take_command("SET", 5);
        ck_redis_is_left_alone();
        ck_assert_uint_eq(calls(), 1);
        end_redis();
    }
}
END_TEST

/* What is new enough for one of them may be too old for another. */
START_TEST(each_is_given_what_is_new_enough_for_it)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    fake_run(20 * SEC);
    struct wire *first = chat("", ""), *strict = chat("Cache-Control: max-age=10\r\n", "");
    ck_asks_redis();
    redis_gives_kept();
    ck_redis_hit(first, hello);
    ck_asks_redis();
    redis_gives_kept();
    ck_miss(strict, SAYING("New"));
    end_redis();
}
END_TEST

/* A purge means what is on its way from there, too, whoever has asked for it. */
START_TEST(what_comes_after_a_purge_is_not_kept)
{
    static const char *const wishes[] = {"", "Cache-Control: no-store\r\n"};
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *client = chat(wishes[_i], "");
    ck_asks_redis();
    gateway_purge(&(struct cache_selection){0});
    redis_gives_kept();
    if (busy_wire(&a)) answer(&a, 200, hello);
    ck_answer(client, 200, hello);
    ck_assert_uint_eq(gateway_memory().entries, 0);
    end_redis();
}
END_TEST

/* Who has asked for all may leave before it is answered. */
START_TEST(the_one_who_asks_may_leave)
{
    for (int there = 0; there < 2; there++) {
        begin_redis(WITH_REDIS);
        keep_in_redis(hello, "300");
        struct wire *first = chat("", ""), *second = chat("", "");
        ck_asks_redis();
        wire_reset(first);
        fake_settle();
        ck_redis_is_left_alone();
        if (there) {
            redis_gives_kept();
            ck_given(second, "joined", hello);
        } else {
            redis_knows_nothing();
            answer(&a, 200, SAYING("New"));
            ck_given(second, "joined", SAYING("New"));
        }
        ck_assert_uint_eq(calls(), 2U - (unsigned)there);
        end_redis();
    }
}
END_TEST

/* When all have left nobody is asked for anything. */
START_TEST(all_may_leave)
{
    begin_redis(WITH_REDIS);
    struct wire *first = chat("", ""), *second = chat("", "");
    ck_asks_redis();
    wire_reset(first);
    fake_settle();
    wire_reset(second);
    fake_settle();
    redis_knows_nothing();
    fake_run(1 * SEC);
    ck_assert_uint_eq(a.dials, 0);
    end_redis();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_client_may_leave);
    tcase_add_test(tests, the_gateway_may_end);
    tcase_add_test(tests, a_drain_waits_for_it);
    tcase_add_test(tests, one_question_is_enough);
    tcase_add_test(tests, one_call_is_enough);
    tcase_add_test(tests, each_is_given_what_is_new_enough_for_it);
    tcase_add_loop_test(tests, what_comes_after_a_purge_is_not_kept, 0, 2);
    tcase_add_test(tests, the_one_who_asks_may_leave);
    tcase_add_test(tests, all_may_leave);
}

TEST_MAIN_ADDING("cache_redis_meanwhile", add_tests)
