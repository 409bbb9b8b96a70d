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
    answer(&a, 503, busy);
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

TEST_MAIN("cache_join_elsewhere", a_lead_that_leaves_costs_no_attempt, a_lead_that_leaves_in_mid_answer_cuts_it,
          a_deadline_passes_when_the_lead_ends)
