/* How a kept answer is given: event by event, at a pace, and to clients that are slow or have waited before. */
#include "cache.h"

/* ---- a stream with some events ---- */

#define CHUNK(choices, usage) \
    "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[" choices \
    "]" usage "}\n\n"
#define SAYS(text) CHUNK("{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}", "")
#define FINISHES   CHUNK("{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}", "")
#define USAGE      CHUNK("", ",\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}")
#define DONE       "data: [DONE]\n\n"

static const char *const events[] = {SAYS("Hel"), SAYS("lo"), FINISHES, DONE};
#define EVENTS SAYS("Hel") SAYS("lo") FINISHES DONE
#define WHOLE  SAYS("Hel") SAYS("lo") FINISHES USAGE DONE

static void keep(const char *form, const char *said)
{
    struct wire *client = chat("", form);
    if (strstr(form, STREAMED))
        answer_stream(&a, said);
    else
        answer(&a, 200, said);
    ck_given(client, "miss", said);
}

/* ---- at a pace ---- */

#define PACED CACHE("mode: always, pace: 10") ALONE

/* So many of them have come, and nothing of the next one. */
static void ck_came(struct wire *client, int n)
{
    char so_far[2048] = "";
    for (int i = 0; i < n; i++)
        strcat(so_far, events[i]);
    struct client_answer got = client_read(client);
    ck_assert_str_eq(got.body, so_far);
    ck_assert_int_eq(got.complete, n == COUNT(events));
    mem_free(got.body);
}

/* A new client, for which so much time passes, has so many events. */
static void ck_at(const char *form, usec_t time, int n)
{
    struct wire *client = chat("", form);
    fake_run(time);
    ck_came(client, n);
    wire_reset(client);
    fake_settle();
}

START_TEST(events_come_at_a_pace)
{
    begin(PACED);
    keep(STREAMED, EVENTS);
    for (int i = 0; i < COUNT(events); i++) {
        ck_at(STREAMED, i * 100 * MS, i + 1);
        if (i) ck_at(STREAMED, i * 100 * MS - 1, i);
    }
    gateway_end();
}
END_TEST

/* What is left out takes no time. */
START_TEST(the_pace_is_of_what_is_given)
{
    begin(PACED);
    keep(TELLS_USAGE, WHOLE);
    ck_at(STREAMED, 200 * MS, 3);
    ck_at(STREAMED, 300 * MS, 4);
    gateway_end();
}
END_TEST

/* Nor do plain answers, or what others fetch just now, have one. */
START_TEST(only_streams_from_the_cache_have_a_pace)
{
    begin(PACED);
    struct wire *first = chat("", STREAMED), *second = chat("", STREAMED);
    answer_stream(&a, EVENTS);
    ck_given(first, "miss", EVENTS);
    ck_given(second, "joined", EVENTS);
    keep(",\"n\":1", hello);
    ck_hit(chat("", ",\"n\":1"), hello);
    gateway_end();
}
END_TEST

/* A stream that is made of a plain answer has one, too. */
START_TEST(what_is_made_has_a_pace)
{
    begin(PACED);
    keep("", hello);
    struct wire *client = chat("", STREAMED);
    ck_assert(!has_received(client, DONE));
    fake_run(SEC);
    struct client_answer got = client_read(client);
    ck_assert(got.complete && strstr(got.body, "Hello") && strstr(got.body, DONE));
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* A client that takes nothing for a while is not given all at once then, and one that leaves is not waited for. */
START_TEST(the_pace_bears_with_slow_clients)
{
    begin(PACED);
    keep(STREAMED, EVENTS);
    struct wire *client = gateway_connect();
    wire_window(client, 0);
    client_post_chat(client, STREAMED);
    fake_run(100 * MS);
    wire_window(client, 100000);
    fake_settle();
    ck_came(client, 2);
    gateway_end();
}
END_TEST

/* The end of the gateway is told, and a drain waits for the last event. */
START_TEST(the_pace_ends_with_the_gateway)
{
    begin(PACED);
    keep(STREAMED, EVENTS);
    struct wire *client = chat("", STREAMED);
    gateway_stop();
    ck_assert(has_received(client, "shutting_down") && !has_received(client, DONE));
    gateway_end();
    begin(PACED);
    keep(STREAMED, EVENTS);
    client = chat("", STREAMED);
    gateway_drain();
    ck_assert(!gateway_has_drained());
    fake_run(300 * MS);
    ck_assert(has_received(client, DONE));
    wire_close(client);
    fake_settle();
    ck_assert(gateway_has_drained());
    gateway_end();
}
END_TEST

/* ---- large ones, and slow clients ---- */

enum { LARGE = 900000, HELD_MOST = 2 * 64 * 1024 + 1024 };

/* A plain answer, and a stream of many events, of about 900 KB; the caller frees them. */
static char *large_plain(void)
{
    char *text = long_text(LARGE), *said = mem_printf(SAYING("%s"), text);
    mem_free(text);
    return said;
}

static char *large_stream(void)
{
    struct buf all = {0};
    char *text = long_text(900);
    while (buf_len(&all) < LARGE)
        buf_printf(&all, SAYS("%s"), text);
    mem_free(text);
    BUF_ADD(&all, FINISHES USAGE DONE);
    char *said = mem_printf(TEXT_FORMAT, TEXT_ARGS(buf_text(&all)));
    buf_free(&all);
    return said;
}

/* The entry as it is; with events that are left out; in the other form. */
static const struct {
    bool stream;
    const char *asked_for;
} large[] = {{false, ""}, {true, TELLS_USAGE}, {true, STREAMED}, {true, ""}, {false, STREAMED}};

/* Reads everything that is to come, so many bytes at a time; the program holds little meanwhile. */
static struct client_answer read_slowly(struct wire *client, size_t window)
{
    while (wire_unsent(client)) {
        ck_assert_uint_le(wire_unsent(client), HELD_MOST);
        wire_window(client, window);
        fake_run(10 * MS);
    }
    return client_read(client);
}

START_TEST(a_slow_client_is_given_slices)
{
    begin(ALWAYS);
    char *said = large[_i].stream ? large_stream() : large_plain();
    keep(large[_i].stream ? TELLS_USAGE : "", said);
    struct client_answer fast = client_read(chat("", large[_i].asked_for));
    ck_assert(fast.complete && fast.length > LARGE / 2);
    struct wire *client = gateway_connect();
    wire_window(client, 1000);
    client_post_chat(client, large[_i].asked_for);
    ck_assert_uint_gt(wire_unsent(client), 0);
    struct client_answer slow = read_slowly(client, 7777);
    ck_assert_uint_eq(slow.length, fast.length);
    ck_assert(slow.complete);
    ck_assert(!memcmp(slow.body, fast.body, fast.length));
    ck_assert_uint_eq(calls(), 1);
    mem_free(fast.body);
    mem_free(slow.body);
    mem_free(said);
    gateway_end();
}
END_TEST

/* It has its entry, whatever becomes of that in memory. */
START_TEST(a_slow_client_keeps_what_it_was_promised)
{
    begin(ALWAYS);
    char *said = large_plain();
    keep("", said);
    struct wire *client = gateway_connect();
    wire_window(client, 1000);
    client_post_chat(client, "");
    gateway_purge(&(struct cache_selection){0});
    ck_assert_uint_eq(gateway_memory().entries, 0);
    struct client_answer got = read_slowly(client, 100000);
    ck_assert(got.complete);
    ck_assert_str_eq(got.body, said);
    mem_free(got.body);
    mem_free(said);
    gateway_end();
}
END_TEST

/* Who leaves, or takes nothing for minutes, leaves nothing behind. */
START_TEST(who_takes_nothing_is_given_up)
{
    for (int i = 0; i < 2 * COUNT(large); i++) {
        begin(ALWAYS);
        char *said = large[i / 2].stream ? large_stream() : large_plain();
        keep(large[i / 2].stream ? TELLS_USAGE : "", said);
        mem_free(said);
        struct wire *client = gateway_connect();
        wire_window(client, 1000);
        client_post_chat(client, large[i / 2].asked_for);
        if (i % 2) wire_reset(client);
        fake_run(600 * SEC);
        ck_assert(wire_program_closed(client));
        ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
        gateway_end();
    }
}
END_TEST

/* The next request on its connection is served after it. */
START_TEST(the_next_one_waits_for_its_turn)
{
    begin(ALWAYS);
    char *said = large_plain();
    keep("", said);
    struct wire *client = gateway_connect();
    wire_window(client, 1000);
    client_post_chat(client, "");
    client_post_chat(client, "");
    wire_window(client, 100 * LARGE);
    fake_settle();
    for (int i = 0; i < 2; i++)
        ck_hit(client, said);
    mem_free(said);
    gateway_end();
}
END_TEST

/* ---- after signs of life ---- */

/* A mistake that others have heard of plainly can be told only in the stream then. */
START_TEST(a_mistake_is_told_in_the_stream)
{
    static const char mistake[] = "{\"error\":{\"message\":\"messages is empty\",\"type\":\"invalid_request_error\"}}";
    begin(CACHE("mode: always, negative: 5s") ALONE);
    struct wire *first = chat("", STREAMED), *second = chat("", STREAMED);
    fake_run(15 * SEC);
    struct wire *third = chat("", STREAMED);
    answer(&a, 400, mistake);
    for (int i = 0; i < 2; i++) {
        struct wire *client = i ? second : first;
        ck_cut(client, 200,
               ": keep-alive\n\ndata: {\"error\":{\"message\":\"messages is "
               "empty\",\"type\":\"invalid_request_error\"}}\n\n");
        ck_assert(wire_program_finished(client) || wire_program_closed(client));
    }
    ck_answer(third, 400, mistake);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "joined");
    ck_answer(chat("", STREAMED), 400, mistake);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "hit-memory");
    gateway_end();
}
END_TEST

/* So is a failure, to each. */
START_TEST(a_failure_is_told_in_the_stream)
{
    begin(ALWAYS);
    struct wire *clients[] = {chat("", STREAMED), chat("", STREAMED)};
    fake_run(15 * SEC);
    answer(&a, 503, busy);
    for (int i = 0; i < 2; i++) {
        struct client_answer got = client_read(clients[i]);
        ck_assert(text_starts(text_of(got.body), TEXT(": keep-alive\n\ndata: {\"error\":{")));
        ck_assert(!got.complete);
        mem_free(got.body);
    }
    gateway_end();
}
END_TEST

/* … and an answer that comes plainly after all is brought into form. */
START_TEST(an_answer_follows_signs_of_life)
{
    begin(ALWAYS);
    struct wire *plain = chat("", ""), *stream = chat("", STREAMED);
    fake_run(15 * SEC);
    answer(&a, 200, hello);
    ck_given(plain, "miss", hello);
    struct client_answer got = client_read(stream);
    ck_assert(got.complete && text_starts(text_of(got.body), TEXT(": keep-alive\n\ndata: ")));
    ck_assert(strstr(got.body, "\"content\":\"Hello\"") && strstr(got.body, DONE));
    mem_free(got.body);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, events_come_at_a_pace);
    tcase_add_test(tests, the_pace_is_of_what_is_given);
    tcase_add_test(tests, only_streams_from_the_cache_have_a_pace);
    tcase_add_test(tests, what_is_made_has_a_pace);
    tcase_add_test(tests, the_pace_bears_with_slow_clients);
    tcase_add_test(tests, the_pace_ends_with_the_gateway);
    tcase_add_loop_test(tests, a_slow_client_is_given_slices, 0, COUNT(large));
    tcase_add_test(tests, a_slow_client_keeps_what_it_was_promised);
    tcase_add_test(tests, who_takes_nothing_is_given_up);
    tcase_add_test(tests, the_next_one_waits_for_its_turn);
    tcase_add_test(tests, a_mistake_is_told_in_the_stream);
    tcase_add_test(tests, a_failure_is_told_in_the_stream);
    tcase_add_test(tests, an_answer_follows_signs_of_life);
}

TEST_MAIN_ADDING("cache_replay", add_tests)
