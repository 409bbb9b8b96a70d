/* Whoever leads is on another worker, and may end at any moment: here that is the test itself. */
#include "cache.h"
#include "dsgate/gate/cached.h"

static struct flight_inbox elsewhere;
static struct flight_lead lead;
static struct cache_key key;

/* The key of what everybody asks here is learned from an answer that is not kept. */
static void learn_key(void)
{
    struct wire *client = chat("", "");
    while (busy_wire(&a)) {
        answer(&a, 503, busy);
        fake_run(SEC);
    }
    ck_answer(client, 503, busy);
    ck_assert(cache_key_parse(&key, text_of(client_field("x-dsgate-cache-key"))));
}

/* A gateway whose clients join the lead that begins with it. */
static void begin_elsewhere(const char *config)
{
    begin(config);
    learn_key();
    struct flight_terms terms = {.key = key, .wants_usage = true, .priority = PRIORITY_P0, .patience = USEC_NEVER};
    flight_inbox_open(gateway_flights(), &elsewhere, fake_loop());
    flight_begin(gateway_flights(), &lead, &elsewhere, &terms);
}

static void end_elsewhere(void)
{
    flight_inbox_close(&elsewhere);
    gateway_end();
}

static void ck_joined(void)
{
    ck_assert_uint_eq(flight_followers(&lead), 1);
    ck_assert(!busy_wire(&a));
}

/* It has found an answer that is so old. */
static void land(bool stream, usec_t age)
{
    struct cache_facts facts = {.key = key,
                                .status = 200,
                                .stream = stream,
                                .has_usage = true,
                                .created = loop_wall(fake_loop()) - age,
                                .fresh = 60 * SEC,
                                .type = stream ? TEXT("text/event-stream") : TEXT("application/json")};
    struct iovec piece = iov_of(text_of(stream ? STREAM("Old") : SAYING("Old")));
    struct cache_entry *e = cache_entry_new(&facts, &piece, 1);
    flight_land(&lead, e);
    cache_entry_unref(e);
    fake_settle();
}

/* Nothing has failed: who has joined has made no attempt yet. */
START_TEST(a_lead_that_leaves_costs_no_attempt)
{
    begin_elsewhere(ALWAYS);
    struct wire *client = chat("", "");
    ck_joined();
    flight_crash(&lead, NULL, 0);
    fake_settle();
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    end_elsewhere();
}
END_TEST

START_TEST(a_lead_that_leaves_in_mid_answer_cuts_it)
{
    static const struct flight_head head = {.status = 200, .stream = true, .type = "text/event-stream"};
    struct iovec piece = iov_of(text_of(delta("Hel")));
    begin_elsewhere(ALWAYS);
    struct wire *client = chat("", STREAMED);
    flight_write(&lead, &head, &piece, 1);
    fake_settle();
    ck_assert(has_received(client, "Hel"));
    flight_crash(&lead, NULL, 0);
    fake_settle();
    ck_assert(has_received(client, "upstream_cut"));
    ck_assert(!busy_wire(&a));
    end_elsewhere();
}
END_TEST

/* … or has a mistake of its own. Then another one may be asked for, but not when it is too late. */
static void crash(struct timer *timer)
{
    static const struct flight_word word = {.attempts = 1, .is_own_mistake = true};
    flight_crash(&lead, &word, sizeof word);
}

START_TEST(a_deadline_passes_when_the_lead_ends)
{
    struct timer timer = {0};
    begin_elsewhere(ALWAYS);
    timer_set(fake_loop(), &timer, fake_now() + SEC, crash);
    struct wire *client = chat("X-Dsgate-Timeout: 1s\r\n", "");
    ck_joined();
    fake_run(SEC);
    ck_error(client, 504, "deadline_exceeded");
    ck_assert(!busy_wire(&a));
    end_elsewhere();
}
END_TEST

/* A lead may find what is too old for others: they are given nothing of it, in whatever form it is. */
START_TEST(what_is_too_old_is_not_joined)
{
    static const char *const forms[] = {"", TELLS_USAGE};
    begin_elsewhere(ALWAYS);
    struct wire *client = chat("Cache-Control: max-age=10\r\n", forms[_i]);
    ck_joined();
    land(_i == 1, 11 * SEC);
    if (_i == 0) ck_miss(client, hello);
    if (_i == 1) {
        upstream_stream_finish(begin_stream(&a, "1", "New"));
        ck_given(client, "miss", STREAM("New"));
    }
    end_elsewhere();
}
END_TEST

START_TEST(what_is_new_enough_is_joined)
{
    begin_elsewhere(ALWAYS);
    struct wire *client = chat("Cache-Control: max-age=10\r\n", "");
    land(false, 10 * SEC);
    ck_given(client, "joined", SAYING("Old"));
    end_elsewhere();
}
END_TEST

/* Who gave up before its turn has cost the others no attempt. */
START_TEST(a_deadline_of_the_lead_is_its_own)
{
    static const struct flight_word word = {.failure = FAIL_DEADLINE};
    begin_elsewhere(ALWAYS);
    struct wire *client = chat("", "");
    ck_joined();
    flight_crash(&lead, &word, sizeof word);
    fake_settle();
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    end_elsewhere();
}
END_TEST

/* An error of the lead's own is none of theirs, though its client has had signs of life before. */
START_TEST(an_own_mistake_after_signs_of_life)
{
    begin("timeouts: {commit: 1s}\n" ALWAYS);
    struct wire *first = chat("", TELLS_USAGE ",\"user\":\"me\""), *second = chat("", "");
    fake_run(1000 * MS);
    answer(&a, 503, busy);
    ck_assert(has_received(first, "busy"));
    answer(&a, 200, hello);
    ck_given(second, "miss", hello);
    gateway_end();
}
END_TEST

/* A plain answer that its client can't be given any more, be it still there or not, is one for who can. */
START_TEST(a_plain_answer_after_signs_of_life)
{
    begin("timeouts: {commit: 1s}\n" ALWAYS);
    struct wire *first = chat("", TELLS_USAGE), *second = chat("", "");
    fake_run(1 * SEC);
    if (_i) wire_reset(first);
    answer(&a, 200, hello);
    if (!_i) ck_assert(has_received(first, "after the stream had begun"));
    ck_given(second, "joined", hello);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* Who has had signs of life is not left without them when it must wait for a turn of its own. */
START_TEST(signs_of_life_go_on_after_a_lead)
{
    begin_elsewhere("timeouts: {commit: 1s}\n" CACHE("mode: always") "upstreams:\n"
                    UPSTREAM(a, ", max_concurrency: 1"));
    struct wire *other = chat("", ",\"n\":1"), *client = chat("", STREAMED);
    fake_run(1 * SEC);
    ck_assert(has_received(client, ": keep-alive"));
    flight_crash(&lead, NULL, 0);
    fake_settle();
    ck_assert_uint_eq(gateway_waiting(), 1);
    wire_clear(client);
    fake_run(1 * SEC);
    ck_assert(has_received(client, ": keep-alive"));
    answer(&a, 200, hello);
    ck_given(other, "miss", hello);
    upstream_stream_finish(begin_stream(&a, "1", "Hello"));
    ck_assert(has_received(client, "Hello") && has_received(client, "[DONE]"));
    end_elsewhere();
}
END_TEST

/* What a lead was told counts no more once others have been asked. */
START_TEST(a_refusal_of_the_lead_says_nothing_about_later_ones)
{
    static const struct flight_word word = {.failure = FAIL_QUEUE_FULL, .retry_after = 7 * SEC};
    begin_elsewhere(QUIET ROUTE("hedge: off, retry: {attempts: 2}, cache: {mode: always}") ALONE);
    struct wire *client = chat("", "");
    ck_joined();
    flight_crash(&lead, &word, sizeof word);
    fake_settle();
    answer(&a, 200, "nothing");
    ck_error(client, 502, "upstream_bad_answer");
    ck_assert_str_eq(client_field("retry-after"), "2");
    end_elsewhere();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_lead_that_leaves_costs_no_attempt);
    tcase_add_test(tests, a_lead_that_leaves_in_mid_answer_cuts_it);
    tcase_add_test(tests, a_deadline_passes_when_the_lead_ends);
    tcase_add_loop_test(tests, what_is_too_old_is_not_joined, 0, 2);
    tcase_add_test(tests, what_is_new_enough_is_joined);
    tcase_add_test(tests, a_deadline_of_the_lead_is_its_own);
    tcase_add_test(tests, an_own_mistake_after_signs_of_life);
    tcase_add_loop_test(tests, a_plain_answer_after_signs_of_life, 0, 2);
    tcase_add_test(tests, signs_of_life_go_on_after_a_lead);
    tcase_add_test(tests, a_refusal_of_the_lead_says_nothing_about_later_ones);
}

TEST_MAIN_ADDING("cache_join_elsewhere", add_tests)
