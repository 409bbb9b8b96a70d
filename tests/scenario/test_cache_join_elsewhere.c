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

/* … and hear how old it is, be it passed on or made into the other form. */
START_TEST(what_is_new_enough_is_joined)
{
    static const char *const forms[] = {"", TELLS_USAGE};
    bool stream = _i % 2, wants_stream = _i / 2;
    begin_elsewhere(ALWAYS);
    struct wire *client = chat("Cache-Control: max-age=10\r\n", forms[wants_stream]);
    land(stream, 10 * SEC);
    struct client_answer got = client_read(client);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "joined");
    ck_assert_str_eq(client_field("age"), "10");
    ck_assert(got.complete && strstr(got.body, "Old"));
    ck_assert_int_eq(strstr(got.body, "[DONE]") != NULL, wants_stream);
    mem_free(got.body);
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
    begin_elsewhere(
        "timeouts: {commit: 1s}\n" CACHE("mode: always") "upstreams:\n" UPSTREAM(a, ", max_concurrency: 1"));
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

/* ---- whatever it does, and whenever ---- */

static const struct flight_head streamed = {.status = 200, .stream = true, .usage = true, .type = "text/event-stream"},
                                plain = {.status = 200, .usage = true, .type = "application/json"},
                                refused = {.status = 400, .type = "application/json"};
static const struct flight_head *begun; /* what it has written last */

static void say(const struct flight_head *head, const char *bytes)
{
    struct iovec piece = iov_of(text_of(bytes));
    begun = head;
    flight_write(&lead, head, &piece, 1);
}

static void finish(bool keeps)
{
    struct cache_facts facts = {.key = key,
                                .status = begun->status,
                                .stream = begun->stream,
                                .has_usage = true,
                                .created = loop_wall(fake_loop()),
                                .type = text_of(begun->type)};
    struct cache_entry *e = keeps ? flight_entry(&lead, &facts) : NULL;
    flight_land(&lead, e);
    cache_entry_unref(e);
}

static void crash_with(struct flight_word word) { flight_crash(&lead, &word, sizeof word); }

/* H the events of a stream  p a plain answer's first half  P … and the other  E a refusal
 * k it lands, with an entry  l … without one  x it leaves  o a mistake of its own  b busy  d its deadline  f refused
 * ~ a purge */
static void play_step(char step)
{
    enum { HALF = 20 };
    char half[HALF + 1];
    text_copy(text_make(hello, HALF), half, sizeof half);
    switch (step) {
    case 'H': say(&streamed, STREAM("Hel")); break;
    case 'p': say(&plain, half); break;
    case 'P': say(&plain, hello + HALF); break;
    case 'E': say(&refused, busy); break;
    case 'k': finish(true); break;
    case 'l': finish(false); break;
    case 'x': flight_crash(&lead, NULL, 0); break;
    case 'o': crash_with((struct flight_word){.attempts = 1, .is_own_mistake = true}); break;
    case 'b': crash_with((struct flight_word){.failure = FAIL_UPSTREAM_BUSY, .reason = "busy", .attempts = 1}); break;
    case 'd': crash_with((struct flight_word){.failure = FAIL_DEADLINE}); break;
    case 'f': crash_with((struct flight_word){.failure = FAIL_QUEUE_FULL}); break;
    case '~': gateway_purge(&(struct cache_selection){0}); break;
    default: ck_abort_msg("%c is no step", step);
    }
    fake_settle();
}

/* What a client gets with no attempt of its own left, that waits for a plain answer, and that takes a stream:
 * J the lead's answer  O one of its own  E the refusal  B busy  F refused  C the lead's, cut */
static const struct play {
    const char *script;
    char plain, stream;
} plays[] = {
    {"Hk", 'J', 'J'},   {"Hl", 'O', 'J'},   {"pPk", 'J', 'J'},  {"pPl", 'O', 'O'}, {"Ek", 'E', 'E'}, {"El", 'O', 'O'},
    {"x", 'O', 'O'},    {"o", 'O', 'O'},    {"b", 'B', 'B'},    {"d", 'O', 'O'},   {"f", 'F', 'F'},  {"Hx", 'O', 'C'},
    {"Hb", 'B', 'C'},   {"Hd", 'O', 'C'},   {"px", 'O', 'O'},   {"po", 'O', 'O'},  {"pb", 'B', 'B'}, {"pd", 'O', 'O'},
    {"~Hk", 'J', 'J'},  {"H~k", 'J', 'J'},  {"H~l", 'O', 'J'},  {"~x", 'O', 'O'},  {"~b", 'B', 'B'}, {"H~x", 'O', 'C'},
    {"~pPk", 'J', 'J'}, {"p~Pk", 'J', 'J'}, {"p~Pl", 'O', 'O'},
};

static const struct {
    char letter;
    unsigned status;
    const char *words;
} outcomes[] = {{'J', 200, "Hel"},
                {'O', 200, "Own"},
                {'E', 400, "busy"},
                {'B', 503, "too much to do"},
                {'F', 503, "gateway_queue_full"},
                {'C', 200, "\"error\":"}};

static void ck_outcome(const struct play *play, struct wire *client, bool streams, bool alive)
{
    char letter = streams ? play->stream : play->plain;
    struct client_answer got = client_read(client);
    unsigned o = 0;
    while (outcomes[o].letter != letter)
        o++;
    bool good = letter == 'J' || letter == 'O', told_in_stream = (streams && alive && !good) || letter == 'C';
    ck_assert_msg(got.status == (told_in_stream ? 200 : outcomes[o].status), "%s: %u", play->script, got.status);
    ck_assert_msg(strstr(got.body, outcomes[o].words) != NULL, "%s: %s", play->script, got.body);
    ck_assert_msg(got.complete != told_in_stream, "%s: %s", play->script, got.body);
    ck_assert(!strstr(got.body, "Hel") == !strchr("JC", letter));
    ck_assert(!strstr(got.body, "keep-alive") == !(streams && alive));
    mem_free(got.body);
}

/* To each form, with signs of life before and without. */
START_TEST(whatever_the_lead_does)
{
    const struct play *play = &plays[_i / 4];
    bool streams = _i & 1, alive = _i & 2;
    begin_elsewhere("timeouts: {commit: 1s}\n" ALWAYS);
    struct wire *client = chat("", streams ? STREAMED : "");
    ck_joined();
    if (alive) fake_run(1 * SEC);
    for (const char *step = play->script; *step; step++)
        play_step(*step);
    ck_assert_int_eq(busy_wire(&a) != NULL, (streams ? play->stream : play->plain) == 'O');
    if (busy_wire(&a) && streams) upstream_stream_finish(begin_stream(&a, "1", "Own"));
    if (busy_wire(&a)) answer(&a, 200, SAYING("Own"));
    ck_outcome(play, client, streams, alive);
    end_elsewhere();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_lead_that_leaves_costs_no_attempt);
    tcase_add_test(tests, a_lead_that_leaves_in_mid_answer_cuts_it);
    tcase_add_test(tests, a_deadline_passes_when_the_lead_ends);
    tcase_add_loop_test(tests, what_is_too_old_is_not_joined, 0, 2);
    tcase_add_loop_test(tests, what_is_new_enough_is_joined, 0, 4);
    tcase_add_test(tests, a_deadline_of_the_lead_is_its_own);
    tcase_add_test(tests, an_own_mistake_after_signs_of_life);
    tcase_add_loop_test(tests, a_plain_answer_after_signs_of_life, 0, 2);
    tcase_add_test(tests, signs_of_life_go_on_after_a_lead);
    tcase_add_test(tests, a_refusal_of_the_lead_says_nothing_about_later_ones);
    tcase_add_loop_test(tests, whatever_the_lead_does, 0, 4 * COUNT(plays));
}

TEST_MAIN_ADDING("cache_join_elsewhere", add_tests)
