/* What those who share an answer get when it is large, when they are slow, and when time runs out; and what a lead's
 * second way of getting it means for them. */
#include "cache.h"

#define RULES(more) QUIET ROUTE("hedge: off, retry: {attempts: 2, jitter: 0%}, cache: {mode: always}" more)
#define SMALL(size) "cache: {entry: " size "}\n" RULES("") ALONE

/* ---- large answers ---- */

/* One event of so many letters; the caller frees it. */
static char *long_event(size_t n)
{
    char *text = long_text(n);
    char *event =
        mem_printf("data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}\n\n", text);
    mem_free(text);
    return event;
}

static void say_long(struct wire *w, size_t n, unsigned times)
{
    char *event = long_event(n);
    for (unsigned i = 0; i < times; i++)
        upstream_chunk(w, event);
    mem_free(event);
}

/* Both got the same, whole. */
static void ck_alike(struct wire *first, struct wire *second, size_t least)
{
    struct client_answer one = client_read(first), other = client_read(second);
    ck_assert(one.complete && other.complete);
    ck_assert_uint_gt(one.length, least);
    ck_assert_uint_eq(one.length, other.length);
    ck_assert(!memcmp(one.body, other.body, one.length));
    mem_free(one.body);
    mem_free(other.body);
}

/* Whoever is slow, the lead or who follows, holds nobody back, and gets the rest later. */
START_TEST(a_slow_one_holds_nobody_back)
{
    begin(RULES("") ALONE);
    struct wire *clients[2] = {gateway_connect(), gateway_connect()}, *slow = clients[_i];
    wire_window(slow, 1000);
    for (unsigned i = 0; i < 2; i++)
        client_post_chat(clients[i], STREAMED);
    struct wire *w = begin_stream(&a, "1", "");
    say_long(w, 60000, 8);
    ck_assert(!wire_reading_paused(w));
    upstream_stream_finish(w);
    ck_assert_uint_eq(wire_received(slow).n, 1000);
    if (slow != clients[0]) ck_assert_uint_le(wire_unsent(slow), 2 * 64 * 1024);
    wire_window(slow, 1000000);
    fake_settle();
    ck_alike(clients[0], clients[1], 480000);
    gateway_end();
}
END_TEST

/* As many slow clients as there may be would take a lot of memory: one that nobody has joined gets no more than others,
 * and then nobody joins it, nor is its answer kept. */
START_TEST(a_slow_one_alone_is_held_back)
{
    begin(RULES("") ALONE);
    struct wire *slow = gateway_connect();
    wire_window(slow, 1000);
    client_post_chat(slow, STREAMED);
    struct wire *w = begin_stream(&a, "1", "");
    say_long(w, 60000, 2);
    ck_assert(wire_reading_paused(w));
    struct wire *other = chat("", STREAMED);
    upstream_stream_finish(begin_stream(&a, "1", "Hello"));
    ck_given(other, "miss", STREAM("Hello"));
    wire_window(slow, 1000000);
    fake_settle();
    upstream_stream_finish(w);
    struct client_answer whole = client_read(slow);
    ck_assert(whole.complete && whole.length > 120000);
    mem_free(whole.body);
    ck_given(chat("", STREAMED), "hit-memory", STREAM("Hello"));
    gateway_end();
}
END_TEST

/* What can't be kept goes at the pace of a slow lead. When it leaves, the others get on. */
START_TEST(a_slow_lead_holds_back_what_is_too_large)
{
    begin(SMALL("150KB"));
    struct wire *first = gateway_connect();
    wire_window(first, 1000);
    client_post_chat(first, STREAMED);
    struct wire *second = chat("", STREAMED), *third = chat("", STREAMED);
    struct wire *w = begin_stream(&a, "1", "");
    say_long(w, 60000, 3);
    ck_assert(!wire_reading_paused(w));
    say_long(w, 60000, 1);
    ck_assert(wire_reading_paused(w));
    wire_reset(first);
    fake_settle();
    ck_assert(!wire_reading_paused(w));
    say_long(w, 60000, 2);
    upstream_stream_finish(w);
    ck_alike(second, third, 240000);
    gateway_end();
}
END_TEST

/* Who has joined gets it all; who comes when it can't be kept any more asks for itself. */
START_TEST(what_is_too_large_is_still_shared)
{
    begin(SMALL("1KB"));
    struct wire *first = chat("", STREAMED), *second = chat("", STREAMED);
    struct wire *w = begin_stream(&a, "1", "Hel");
    say_long(w, 500, 4);
    struct wire *third = chat("", STREAMED);
    struct wire *other = begin_stream(&a, "1", "Another");
    upstream_stream_finish(w);
    ck_alike(first, second, 2000);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "joined");
    ck_assert_uint_eq(gateway_memory().entries, 0);
    upstream_stream_finish(other);
    ck_given(third, "miss", STREAM("Another"));
    gateway_end();
}
END_TEST

/* An error that is too long to be held is passed on unread: whoever has joined hears that it was one. */
START_TEST(an_error_that_is_too_long_is_told_to_all)
{
    char *text = long_text(200000), *said = mem_printf("{\"error\":{\"message\":\"%s\"}}", text);
    begin("limits: {answer_hold: 4KB}\n" ALWAYS);
    struct wire *first = chat("", ""), *second = chat("", "");
    answer(&a, 500, said);
    ck_answer(first, 500, said);
    ck_error(second, 502, "upstream_bad_answer");
    ck_assert_uint_eq(gateway_in_flight("a"), 0);
    gateway_end();
    mem_free(said);
    mem_free(text);
}
END_TEST

/* Who needs it whole does not wait for the end of what becomes no entry. */
START_TEST(who_needs_an_entry_goes_as_soon_as_there_will_be_none)
{
    begin(SMALL("1KB"));
    struct wire *first = chat("", TELLS_USAGE), *plain = chat("", "");
    struct wire *w = begin_stream(&a, "1", "");
    say_long(w, 500, 4);
    ck_miss(plain, hello);
    upstream_stream_finish(w);
    struct client_answer whole = client_read(first);
    ck_assert(whole.complete);
    mem_free(whole.body);
    gateway_end();
}
END_TEST

/* A plain answer is waited for as an entry. Where it becomes none, each fetches its own. */
START_TEST(what_is_too_large_to_be_an_entry_is_fetched_by_each)
{
    char *text = long_text(2000), *said = mem_printf(SAYING("%s"), text);
    begin(SMALL("1KB"));
    struct wire *first = chat("", ""), *second = chat("", ""), *third = chat("", "");
    answer(&a, 200, said);
    ck_given(first, "miss", said);
    ck_assert_uint_eq(gateway_in_flight("a"), 2);
    answer(&a, 200, said);
    answer(&a, 200, said);
    ck_given(second, "miss", said);
    ck_given(third, "miss", said);
    ck_assert_uint_eq(calls(), 3);
    gateway_end();
    mem_free(said);
    mem_free(text);
}
END_TEST

/* Without an entry to read on from nobody keeps the rest for who is too slow. */
START_TEST(who_falls_too_far_behind_is_cut_off)
{
    begin(SMALL("100KB"));
    struct wire *first = chat("", STREAMED), *second = gateway_connect(), *third = chat("", STREAMED);
    wire_window(second, 1000);
    client_post_chat(second, STREAMED);
    struct wire *w = begin_stream(&a, "1", "");
    say_long(w, 60000, 8);
    upstream_stream_finish(w);
    ck_alike(first, third, 480000);
    wire_window(second, 1000000);
    fake_settle();
    ck_assert(has_received(second, "read too slowly") && !has_received(second, "[DONE]"));
    struct client_answer got = client_read(second);
    ck_assert(!got.complete);
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* ---- time ---- */

/* The others' answer is none of its business. */
START_TEST(who_follows_has_a_deadline_of_its_own)
{
    begin(RULES("") ALONE);
    struct wire *first = chat("", STREAMED);
    struct wire *early = chat("X-Dsgate-Timeout: 1s\r\n", STREAMED), *late = chat("X-Dsgate-Timeout: 2s\r\n", STREAMED);
    ck_assert_uint_eq(a.wire_count, 1);
    fake_run(1000 * MS - 1);
    ck_assert_uint_eq(wire_received(early).n, 0);
    fake_run(1);
    ck_error(early, 504, "deadline_exceeded");
    struct wire *w = begin_stream(&a, "1", "Hel");
    fake_run(1000 * MS);
    ck_assert(has_received(late, "Hel") && has_received(late, "deadline_exceeded"));
    upstream_chunk(w, delta_text("1", "lo"));
    upstream_stream_finish(w);
    ck_given(first, "miss", STREAM("Hel", "lo"));
    gateway_end();
}
END_TEST

/* What is whole is not waited for any more, however slowly it is taken. */
START_TEST(a_deadline_does_not_cut_what_is_there)
{
    char *text = long_text(200000), *said = mem_printf(SAYING("%s"), text);
    begin(RULES("") ALONE);
    struct wire *first = chat("", ""), *slow = gateway_connect();
    wire_window(slow, 1000);
    client_post(slow, CHAT, "X-Dsgate-Timeout: 1s\r\n", "{\"model\":\"m\",\"messages\":[" QUESTION "]}");
    answer(&a, 200, said);
    ck_given(first, "miss", said);
    fake_run(2 * SEC);
    wire_window(slow, 1000000);
    fake_settle();
    ck_given(slow, "joined", said);
    gateway_end();
    mem_free(said);
    mem_free(text);
}
END_TEST

/* … also of a stream, when it has been told to its end. */
START_TEST(a_deadline_does_not_cut_a_stream_that_is_there)
{
    begin(RULES("") ALONE);
    struct wire *first = chat("", STREAMED), *slow = gateway_connect();
    wire_window(slow, 1000);
    client_post(slow, CHAT, "X-Dsgate-Timeout: 1s\r\n", "{\"model\":\"m\",\"messages\":[" QUESTION "]" STREAMED "}");
    struct wire *w = begin_stream(&a, "1", "");
    say_long(w, 60000, 4);
    upstream_stream_finish(w);
    fake_run(2 * SEC);
    wire_window(slow, 1000000);
    fake_settle();
    ck_alike(first, slow, 240000);
    gateway_end();
}
END_TEST

/* A lead whose time is over leaves what time they have, and attempts, to those who came later: one of them leads. */
START_TEST(who_came_later_goes_on)
{
    begin("timeouts: {total: 10s}\n" RULES("") ALONE);
    struct wire *first = chat("", "");
    fake_run(5 * SEC);
    struct wire *second = chat("", ""), *third = chat("", "");
    upstream_take(busy_wire(&a));
    fake_run(5 * SEC);
    ck_error(first, 504, "upstream_timeout");
    answer(&a, 200, hello);
    ck_given(second, "miss", hello);
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
    ck_given(third, "joined", hello);
    gateway_end();
}
END_TEST

/* The more urgent one would not wait longer than alone. */
START_TEST(an_urgent_one_follows_who_has_its_turn)
{
    begin(RULES("") ALONE);
    struct wire *first = chat("X-Dsgate-Priority: P3\r\n", ""), *urgent = chat("X-Dsgate-Priority: P0\r\n", "");
    answer(&a, 200, hello);
    ck_given(first, "miss", hello);
    ck_given(urgent, "joined", hello);
    gateway_end();
}
END_TEST

/* … but not who waits for another one. */
START_TEST(an_urgent_one_does_not_follow_who_waits_again)
{
    begin(RULES("") ALONE);
    struct wire *first = chat("X-Dsgate-Priority: P3\r\n", "");
    answer(&a, 503, busy);
    ck_assert_ptr_null(busy_wire(&a));
    struct wire *urgent = chat("X-Dsgate-Priority: P0\r\n", "");
    ck_miss(urgent, hello);
    wire_reset(first);
    gateway_end();
}
END_TEST

/* … also for one that begins anew, as nobody goes on with what it had. */
START_TEST(an_urgent_one_does_not_follow_who_begins_anew)
{
    begin(QUIET ROUTE("hedge: off, retry: {jitter: 0%}, cache: {mode: always}") "upstreams:\n" DEEPSEEK(a, ""));
    struct wire *first = chat("X-Dsgate-Priority: P3\r\n", "");
    upstream_close(begin_stream(&a, "1", "Hel"));
    fake_run(500 * MS);
    answer(&a, 400, busy);
    ck_assert_ptr_null(busy_wire(&a));
    struct wire *urgent = chat("X-Dsgate-Priority: P0\r\n", "");
    upstream_stream_finish(begin_stream(&a, "1", "Hello"));
    struct client_answer got = client_read(urgent);
    ck_assert(got.complete && strstr(got.body, "Hello"));
    ck_assert_str_eq(client_field("x-dsgate-cache"), "miss");
    mem_free(got.body);
    wire_reset(first);
    gateway_end();
}
END_TEST

/* ---- second ways ---- */

/* A stream that is gone on with is one for all. */
START_TEST(what_two_have_said_is_shared)
{
    begin(RULES("") "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, ""));
    struct wire *first = chat("", STREAMED), *second = chat("", STREAMED);
    upstream_close(begin_stream(&a, "1", "Hel"));
    struct wire *third = chat("", STREAMED);
    upstream_stream_finish(begin_stream(&b, "1", "lo"));
    ck_assert(has_received(third, delta_text("1", "Hel")) && has_received(third, delta_text("1", "lo")));
    struct client_answer got = client_read(first);
    ck_assert(got.complete);
    ck_given(second, "joined", got.body);
    ck_given(third, "joined", got.body);
    mem_free(got.body);
    ck_assert_uint_eq(gateway_attempts("b", "success"), 1);
    gateway_end();
}
END_TEST

/* … also when its lead leaves before it breaks, and while somebody is looked for. */
START_TEST(what_is_gone_on_with_needs_no_client)
{
    for (int early = 0; early < 2; early++) {
        begin(RULES("") "upstreams:\n" DEEPSEEK(a, ""));
        struct wire *first = chat("", STREAMED), *second = chat("", STREAMED);
        struct wire *w = begin_stream(&a, "1", "Hel");
        if (early) wire_reset(first);
        upstream_close(w);
        if (!early) wire_reset(first);
        fake_run(500 * MS);
        w = begin_stream(&a, "1", "lo");
        ck_assert_ptr_nonnull(strstr(taken_body, QUESTION ",{\"role\":\"assistant\",\"content\":\"Hel\""));
        upstream_stream_finish(w);
        ck_assert(has_received(second, delta_text("1", "Hel")) && has_received(second, delta_text("1", "lo")));
        ck_assert(has_received(second, "[DONE]"));
        gateway_end();
    }
}
END_TEST

/* A second attempt is made with what the first one was made with. */
START_TEST(what_is_tried_again_needs_no_client)
{
    begin(RULES("") ALONE);
    struct wire *first = chat("", ",\"n\":1"), *second = chat("", ",\"n\":1");
    answer(&a, 503, busy);
    wire_reset(first);
    fake_run(500 * MS);
    struct wire *w = upstream_take(busy_wire(&a));
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION "],\"n\":1}");
    upstream_json(w, 200, hello);
    ck_given(second, "joined", hello);
    ck_hit(chat("", ",\"n\":1"), hello);
    gateway_end();
}
END_TEST

/* Of two attempts that race the winner's answer is everybody's, whoever is there to see it. */
START_TEST(a_race_needs_no_client)
{
    begin(QUIET ROUTE("hedge: {after: 1s}, cache: {mode: always}") A_THEN_B);
    struct wire *first = chat("", STREAMED), *second = chat("", STREAMED);
    struct wire *w = upstream_take(busy_wire(&a));
    wire_reset(first);
    fake_run(1000 * MS);
    upstream_stream_finish(begin_stream(&b, "1", "Hello"));
    ck_assert(wire_program_closed(w));
    ck_given(second, "joined", STREAM("Hello"));
    gateway_end();
}
END_TEST

#define LADDER(rungs) \
    QUIET ROUTE("hedge: off, retry: {attempts: 1}, cache: {mode: always}, fallback: [" rungs \
                "]") "upstreams:\n" UPSTREAM(a, ", models: {m: m}") UPSTREAM(b, ", models: {spare: s}")

/* Another model's answer is shared with nobody: each climbs for itself. */
START_TEST(each_climbs_for_itself)
{
    begin(LADDER("{model: spare}"));
    struct wire *first = chat("", ""), *second = chat("", "");
    answer(&a, 503, busy);
    ck_assert_uint_eq(gateway_in_flight("b"), 2);
    answer(&b, 200, SAYING("One"));
    ck_given(first, "miss", SAYING("One"));
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "model:spare");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
    answer(&b, 200, SAYING("Two"));
    ck_given(second, "miss", SAYING("Two"));
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "model:spare");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
    gateway_end();
}
END_TEST

/* Who asks when the lead has begun to climb leads anew. */
START_TEST(who_has_climbed_leads_nobody)
{
    begin(LADDER("{model: spare}"));
    struct wire *first = chat("", "");
    answer(&a, 503, busy);
    struct wire *at_b = upstream_take(busy_wire(&b));
    ck_miss(chat("", ""), hello);
    upstream_json(at_b, 200, SAYING("Spare"));
    ck_given(first, "miss", SAYING("Spare"));
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* Nor does a lead climb for others when its own client has left: they climb for themselves. */
START_TEST(nobody_climbs_without_a_client)
{
    begin(LADDER("{model: spare}"));
    struct wire *first = chat("", ""), *second = chat("", "");
    wire_reset(first);
    fake_settle();
    answer(&a, 503, busy);
    ck_assert_uint_eq(gateway_in_flight("b"), 1);
    answer(&b, 200, hello);
    ck_given(second, "miss", hello);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, a_slow_one_holds_nobody_back, 0, 2);
    tcase_add_test(tests, a_slow_one_alone_is_held_back);
    tcase_add_test(tests, a_slow_lead_holds_back_what_is_too_large);
    tcase_add_test(tests, what_is_too_large_is_still_shared);
    tcase_add_test(tests, what_is_too_large_to_be_an_entry_is_fetched_by_each);
    tcase_add_test(tests, who_needs_an_entry_goes_as_soon_as_there_will_be_none);
    tcase_add_test(tests, an_error_that_is_too_long_is_told_to_all);
    tcase_add_test(tests, who_falls_too_far_behind_is_cut_off);
    tcase_add_test(tests, who_follows_has_a_deadline_of_its_own);
    tcase_add_test(tests, a_deadline_does_not_cut_what_is_there);
    tcase_add_test(tests, a_deadline_does_not_cut_a_stream_that_is_there);
    tcase_add_test(tests, who_came_later_goes_on);
    tcase_add_test(tests, an_urgent_one_follows_who_has_its_turn);
    tcase_add_test(tests, an_urgent_one_does_not_follow_who_waits_again);
    tcase_add_test(tests, an_urgent_one_does_not_follow_who_begins_anew);
    tcase_add_test(tests, what_two_have_said_is_shared);
    tcase_add_test(tests, what_is_gone_on_with_needs_no_client);
    tcase_add_test(tests, what_is_tried_again_needs_no_client);
    tcase_add_test(tests, a_race_needs_no_client);
    tcase_add_test(tests, each_climbs_for_itself);
    tcase_add_test(tests, who_has_climbed_leads_nobody);
    tcase_add_test(tests, nobody_climbs_without_a_client);
}

TEST_MAIN_ADDING("cache_join_limits", add_tests)
