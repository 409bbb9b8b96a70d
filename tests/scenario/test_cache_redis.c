/* Answers that Redis keeps: when it is asked and told, and what is made of what it says. */
#include "cache_redis.h"

/* ---- asked and told ---- */

START_TEST(what_is_missing_is_asked_for_and_told)
{
    begin_redis(WITH_REDIS);
    struct wire *client = chat("", "");
    const struct text *words = take_command("GET", 2);
    char *name = mem_dup(words[1].p, words[1].n + 1);
    name[words[1].n] = '\0';
    ck_assert_msg(!strncmp(name, "dsgate:1:", 9) && strlen(name) == 9 + 17 + 17 + CACHE_KEY_HEX, "%s", name);
    ck_assert_ptr_null(busy_wire(&a));
    redis_knows_nothing();
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    ck_assert_str_eq(client_field("x-dsgate-cache-key"), name + 9 + 17 + 17);
    words = take_command("SET", 5);
    ck_assert_msg(text_is(words[1], name), "another name than %s", name);
    ck_assert(text_is(words[3], "EX") && text_is(words[4], "300"));
    redis_says("+OK\r\n");
    ck_hit(chat("", ""), hello);
    ck_redis_is_left_alone();
    struct remote_stats stats = gateway_redis();
    ck_assert_uint_eq(stats.misses, 1);
    ck_assert_uint_eq(stats.stored, 1);
    ck_assert_uint_eq(stats.hits + stats.errors + stats.timeouts + stats.dropped, 0);
    mem_free(name);
    end_redis();
}
END_TEST

/* It goes to memory, so that Redis need not be asked again. */
START_TEST(what_redis_keeps_is_given)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    fake_run(10 * SEC);
    struct wire *client = chat("", "");
    ck_asks_redis();
    redis_gives_kept();
    ck_redis_hit(client, hello);
    ck_assert_str_eq(client_field("age"), "10");
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_hit(chat("", ""), hello);
    ck_assert_str_eq(client_field("age"), "10");
    ck_redis_is_left_alone();
    ck_assert_uint_eq(calls(), 1);
    ck_assert_uint_eq(gateway_redis().hits, 1);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_requests_total{result=\"hit-redis\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_saved_tokens_total{kind=\"prompt\"}"), 6);
    end_redis();
}
END_TEST

START_TEST(it_gives_either_form)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *client = chat("", STREAMED);
    ck_asks_redis();
    redis_gives_kept();
    struct client_answer got = client_read(client);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "hit-redis");
    ck_assert_str_eq(client_field("content-type"), "text/event-stream");
    ck_assert(got.complete && strstr(got.body, "Hello") && strstr(got.body, "data: [DONE]\n\n"));
    mem_free(got.body);
    end_redis();
}
END_TEST

/* It need not come at once, nor in one piece, nor alone. */
START_TEST(replies_come_in_pieces)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *first = chat("", ",\"n\":1"), *second = chat("", "");
    take_command("GET", 2);
    ck_asks_redis();
    char *size = mem_printf("$-1\r\n$%zu\r\n", buf_len(&kept));
    wire_send(link_wire(), text_of(size));
    mem_free(size);
    wire_send_pieces(link_wire(), buf_text(&kept), 100);
    fake_run(PATIENCE - 1);
    ck_assert_uint_eq(wire_received(second).n, 0);
    redis_says("\r\n");
    ck_redis_hit(second, hello);
    answer(&a, 200, SAYING("One"));
    ck_given(first, "miss", SAYING("One"));
    end_redis();
}
END_TEST

/* ---- by wish and by rule ---- */

START_TEST(wishes_count_here_too)
{
    begin_redis(WITH_REDIS);
    ck_fetched(chat("Cache-Control: no-cache\r\n", ""), "bypass", hello);
    ck_writes("300");
    gateway_purge(&(struct cache_selection){0});
    struct wire *client = chat("Cache-Control: no-store\r\n", "");
    ck_asks_redis();
    redis_knows_nothing();
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    ck_redis_is_left_alone();
    fake_run(10 * SEC);
    client = chat("Cache-Control: max-age=9\r\n", "");
    ck_asks_redis();
    redis_gives_kept();
    answer(&a, 200, SAYING("New"));
    ck_given(client, "miss", SAYING("New"));
    ck_writes("300");
    end_redis();
}
END_TEST

START_TEST(only_if_cached_asks_redis_too)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *client = chat("Cache-Control: only-if-cached\r\n", "");
    ck_asks_redis();
    redis_knows_nothing();
    ck_error(client, 504, "not_cached");
    client = chat("Cache-Control: only-if-cached\r\n", "");
    ck_asks_redis();
    fake_run(PATIENCE);
    ck_error(client, 504, "not_cached");
    redis_knows_nothing();
    client = chat("Cache-Control: only-if-cached\r\n", "");
    ck_asks_redis();
    redis_gives_kept();
    ck_redis_hit(client, hello);
    ck_assert_uint_eq(calls(), 1);
    end_redis();
}
END_TEST

/* Its own time, rounded up to seconds, and for as long as it is of use to anybody. */
START_TEST(it_keeps_it_as_long_as_it_is_of_use)
{
    begin_redis(WITH_REDIS);
    struct wire *client = chat("", ",\"cache\":{\"ttl\":1.5}");
    ck_asks_redis();
    redis_knows_nothing();
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    ck_writes("2");
    end_redis();
    begin_redis(SHARED_BY("mode: always, ttl: 10s, stale_while_revalidate: 60s"));
    keep_in_redis(hello, "70");
    end_redis();
}
END_TEST

/* Mistakes are cheap to make again, and what is not kept is not told. */
START_TEST(only_good_answers_are_told)
{
    static const struct {
        unsigned status;
        const char *said;
    } rows[] = {{400, "{\"error\":{\"message\":\"x\",\"type\":\"invalid_request_error\"}}"}, {503, busy}, {200, busy}};
    for (int i = 0; i < COUNT(rows); i++) {
        begin_redis(SHARED_BY("mode: always, negative: 5s"));
        chat("", "");
        ck_asks_redis();
        redis_knows_nothing();
        answer(&a, rows[i].status, rows[i].said);
        ck_redis_is_left_alone();
        end_redis();
    }
}
END_TEST

/* Without memory of its own the gateway asks each time. */
START_TEST(redis_may_be_all_there_is)
{
    begin_redis("cache: {memory: 0, redis: 'redis://redis.test:6379'}\n" CACHE("mode: always") ALONE);
    keep_in_redis(hello, "300");
    for (int i = 0; i < 2; i++) {
        struct wire *client = chat("", "");
        ck_asks_redis();
        redis_gives_kept();
        ck_redis_hit(client, hello);
    }
    end_redis();
}
END_TEST

/* ---- old ones ---- */

/* A renewal asks the upstream, and tells Redis. */
START_TEST(an_old_one_is_renewed)
{
    begin_redis(SHARED_BY("mode: always, ttl: 10s, stale_while_revalidate: 60s"));
    keep_in_redis(hello, "70");
    fake_run(10 * SEC);
    struct wire *client = chat("", "");
    ck_asks_redis();
    redis_gives_kept();
    ck_given(client, "stale", hello);
    ck_redis_is_left_alone();
    answer(&a, 200, SAYING("New"));
    ck_writes("70");
    ck_hit(chat("", ""), SAYING("New"));
    end_redis();
}
END_TEST

/* … also when the one who asked has left it to those who joined. */
START_TEST(an_old_one_is_renewed_for_others)
{
    begin_redis(SHARED_BY("mode: always, ttl: 10s, stale_while_revalidate: 60s"));
    keep_in_redis(hello, "70");
    fake_run(10 * SEC);
    struct wire *first = chat("", ""), *second = chat("", "");
    ck_asks_redis();
    wire_reset(first);
    fake_settle();
    redis_gives_kept();
    ck_given(second, "joined", hello);
    answer(&a, 200, SAYING("New"));
    ck_hit(chat("", ""), SAYING("New"));
    end_redis();
}
END_TEST

START_TEST(an_old_one_helps)
{
    begin_redis(REDIS QUIET ROUTE("hedge: off, retry: {attempts: 1}, cache: {mode: always, ttl: 10s, stale_if_error: "
                                  "60s}, fallback: [stale]") ALONE);
    keep_in_redis(hello, "70");
    fake_run(10 * SEC);
    struct wire *client = chat("", "");
    ck_asks_redis();
    redis_gives_kept();
    answer(&a, 503, busy);
    ck_given(client, "stale", hello);
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "stale");
    end_redis();
}
END_TEST

/* Redis may be late in dropping it. */
START_TEST(a_dead_one_is_none)
{
    begin_redis(SHARED_BY("mode: always, ttl: 10s"));
    keep_in_redis(hello, "10");
    fake_run(10 * SEC);
    struct wire *client = chat("", "");
    ck_asks_redis();
    redis_gives_kept();
    answer(&a, 200, SAYING("New"));
    ck_given(client, "miss", SAYING("New"));
    ck_writes("10");
    ck_assert_uint_eq(gateway_redis().misses, 2);
    end_redis();
}
END_TEST

/* ---- what is none of ours ---- */

static const struct {
    size_t at;                 /* the byte of a good value that is another one; SIZE_MAX: `value` comes in its place */
    const char *value;         /* as a whole reply */
    enum envelope_fault fault; /* ENVELOPE_FINE: an error */
} wrong[] = {
    {0, NULL, ENVELOPE_FOREIGN},
    {4, NULL, ENVELOPE_VERSION_UNKNOWN},
    {9, NULL, ENVELOPE_DAMAGED},
    {100, NULL, ENVELOPE_DAMAGED},
    {SIZE_MAX, "$0\r\n\r\n", ENVELOPE_FOREIGN},
    {SIZE_MAX, "$5\r\nhello\r\n", ENVELOPE_FOREIGN},
    {SIZE_MAX, ":7\r\n", ENVELOPE_FOREIGN},
    {SIZE_MAX, "*0\r\n", ENVELOPE_FOREIGN},
    {SIZE_MAX, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", ENVELOPE_FOREIGN},
    {SIZE_MAX, "-LOADING Redis is loading the dataset in memory\r\n", ENVELOPE_FINE},
    {SIZE_MAX, "-NOPERM no permissions\r\n", ENVELOPE_FINE},
};

/* It is passed over, counted, and replaced. */
START_TEST(a_wrong_value_is_none)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *client = chat("", "");
    ck_asks_redis();
    if (wrong[_i].value) {
        redis_says(wrong[_i].value);
    } else {
        kept.data[kept.head + wrong[_i].at] ^= 1;
        redis_gives_kept();
    }
    answer(&a, 200, SAYING("New"));
    ck_given(client, "miss", SAYING("New"));
    ck_writes("300");
    struct remote_stats stats = gateway_redis();
    for (enum envelope_fault f = ENVELOPE_FINE + 1; f < ENVELOPE_FAULT_COUNT; f++)
        ck_assert_uint_eq(stats.ignored[f], f == wrong[_i].fault);
    ck_assert_uint_eq(stats.errors, wrong[_i].fault == ENVELOPE_FINE);
    end_redis();
}
END_TEST

/* Somebody else's answer, under this name. */
START_TEST(a_misplaced_value_is_none)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    struct wire *client = chat("", ",\"n\":1");
    ck_asks_redis();
    redis_gives_kept();
    answer(&a, 200, SAYING("New"));
    ck_given(client, "miss", SAYING("New"));
    ck_assert_uint_eq(gateway_redis().ignored[ENVELOPE_MISPLACED], 1);
    end_redis();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, what_is_missing_is_asked_for_and_told);
    tcase_add_test(tests, what_redis_keeps_is_given);
    tcase_add_test(tests, it_gives_either_form);
    tcase_add_test(tests, replies_come_in_pieces);
    tcase_add_test(tests, wishes_count_here_too);
    tcase_add_test(tests, only_if_cached_asks_redis_too);
    tcase_add_test(tests, it_keeps_it_as_long_as_it_is_of_use);
    tcase_add_test(tests, only_good_answers_are_told);
    tcase_add_test(tests, redis_may_be_all_there_is);
    tcase_add_test(tests, an_old_one_is_renewed);
    tcase_add_test(tests, an_old_one_is_renewed_for_others);
    tcase_add_test(tests, an_old_one_helps);
    tcase_add_test(tests, a_dead_one_is_none);
    tcase_add_loop_test(tests, a_wrong_value_is_none, 0, COUNT(wrong));
    tcase_add_test(tests, a_misplaced_value_is_none);
}

TEST_MAIN_ADDING("cache_redis", add_tests)
