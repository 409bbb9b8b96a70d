/* Clients, upstreams and a Redis that mean harm: what they can't get, and can't do to others. */
#include "../../src/cache/envelope_private.h"
#include "cache_redis.h"
#include "dsgate/cache/policy.h"

/* ---- events that are longer than what is read at once ---- */

/* The first event comes in several pieces to who joins, and only who asked for the usage gets it. */
START_TEST(a_long_first_event_reaches_who_wants_no_usage)
{
    begin(ALWAYS);
    char *text = long_text(200 * 1024);
    char *events = mem_printf("data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}\n\n%s%s",
                              text, finish_event, done_event);
    struct wire *first = chat("", TELLS_USAGE), *second = chat("", STREAMED);
    answer_stream(&a, events);
    ck_answer(first, 200, events);
    ck_given(second, "joined", events);
    mem_free(events);
    mem_free(text);
    gateway_end();
}
END_TEST

/* Nor does it matter how long events may be by now: that was judged when it came. */
START_TEST(a_reload_does_not_lose_long_events)
{
    begin(ALWAYS);
    char *text = long_text(100 * 1024);
    char *events = mem_printf("data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}\n\n%s%s",
                              text, finish_event, done_event);
    struct wire *first = chat("", TELLS_USAGE);
    gateway_reload("limits: {event: 4KB}\n" ALWAYS);
    struct wire *second = chat("", STREAMED);
    answer_stream(&a, events);
    ck_answer(first, 200, events);
    ck_given(second, "joined", events);
    mem_free(events);
    mem_free(text);
    gateway_end();
}
END_TEST

/* ---- mistakes of one client ---- */

static const char mistake[] = "{\"error\":{\"message\":\"metadata is none\",\"type\":\"invalid_request_error\"}}";

/* What is left out of the key, and may still be what the upstream complains about. */
static const char *const bad[] = {",\"metadata\":5",
                                  ",\"user\":[]",
                                  ",\"user_id\":\"?\"",
                                  ",\"safety_identifier\":0",
                                  ",\"prompt_cache_key\":{}",
                                  ",\"stream_options\":{\"include_usage\":true}",
                                  ",\"stream\":true,\"stream_options\":{\"include_usage\":\"yes\"}",
                                  ",\"stream\":true,\"stream_options\":{\"other\":true}"};

#define REMEMBERS(more) \
    QUIET ROUTE("hedge: off, retry: {attempts: 1}, cache: {mode: always, negative: 5s" more "}") ALONE

START_TEST(a_mistake_in_what_is_left_out_is_its_clients_own)
{
    begin(REMEMBERS(""));
    struct wire *first = chat("", bad[_i]), *second = chat("", "");
    answer(&a, 400, mistake);
    ck_answer(first, 400, mistake);
    ck_miss(second, hello);
    ck_fetched(chat("Cache-Control: no-cache\r\n", bad[_i]), "bypass", hello);
    gateway_end();
    begin(REMEMBERS(""));
    first = chat("", bad[_i]);
    answer(&a, 400, mistake);
    ck_answer(first, 400, mistake);
    ck_miss(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* It may also be in a field. */
START_TEST(a_mistake_is_not_shared_with_other_callers)
{
    begin(REMEMBERS(", scope: shared"));
    struct wire *first = chat("X-Large: 1\r\n", ""), *second = chat("", ""), *third = chat("", "");
    answer(&a, 400, mistake);
    ck_answer(first, 400, mistake);
    answer(&a, 400, mistake); /* which of them asks is left open: each gets what is its own */
    answer(&a, 200, hello);
    ck_answer(second, 400, mistake);
    ck_given(third, "miss", hello);
    gateway_end();
}
END_TEST

/* ---- who may write to Redis ---- */

/* created, fresh or stale */
static void write_time(int which, uint64_t value)
{
    char *to = kept.data + kept.head + ENVELOPE_TIMES_AT + which * 8;
    for (int i = 7; i >= 0; i--, value >>= 8)
        to[i] = (char)value;
    envelope_seal(kept.data + kept.head, buf_len(&kept));
}

START_TEST(nothing_from_redis_is_of_the_future)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    write_time(0, (uint64_t)(loop_wall(fake_loop()) + 3600 * USEC_PER_SEC));
    struct wire *client = chat("", "");
    redis_gives_kept();
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    end_redis();
}
END_TEST

START_TEST(nothing_from_redis_is_kept_for_ever)
{
    begin_redis(WITH_REDIS);
    keep_in_redis(hello, "300");
    for (int i = 1; i < 3; i++)
        write_time(i, INT64_MAX / 4);
    struct wire *client = chat("", "");
    redis_gives_kept();
    ck_redis_hit(client, hello);
    ck_assert_str_eq(client_field("age"), "0");
    ck_hit(chat("", ""), hello);
    fake_run(CACHE_TTL_MAX);
    wire_clear(link_wire());
    chat("", "");
    ck_asks_redis();
    end_redis();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_long_first_event_reaches_who_wants_no_usage);
    tcase_add_test(tests, a_reload_does_not_lose_long_events);
    tcase_add_loop_test(tests, a_mistake_in_what_is_left_out_is_its_clients_own, 0, COUNT(bad));
    tcase_add_test(tests, a_mistake_is_not_shared_with_other_callers);
    tcase_add_test(tests, nothing_from_redis_is_of_the_future);
    tcase_add_test(tests, nothing_from_redis_is_kept_for_ever);
}

TEST_MAIN_ADDING("cache_hostile", add_tests)
