/* A second attempt beside one whose first token is late: when it begins, who wins, and what becomes of the loser. */
#include "scenario.h"

#define MS USEC_PER_MS

#define HEDGING QUIET ROUTE("hedge: {after: 1s}, retry: {jitter: 0%}")

static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";
static const char error_event[] = "data: {\"error\":{\"message\":\"no\",\"code\":500}}\n\n";

/* Asks for a stream; a gets it, and a second later so does b. */
static struct wire *race(const char *yaml, struct wire **lead, struct wire **rival)
{
    begin(yaml);
    struct wire *client = ask_stream("");
    *lead = upstream_take(busy_wire(&a));
    fake_run(1000 * MS);
    *rival = upstream_take(busy_wire(&b));
    return client;
}

/* The upstream answers with a stream of this text, to its end. */
static void tell(struct wire *w, const char *text)
{
    upstream_stream_head(w);
    upstream_chunk(w, delta(text));
    upstream_stream_finish(w);
}

/* The client got a stream of this text, whole. */
#define ck_told(client, text) \
    do { \
        char *expected_ = mem_printf("%s%s%s", delta(text), finish_event, done_event); \
        ck_answer(client, 200, expected_); \
        mem_free(expected_); \
    } while (0)

/* The loser is no longer worked for, nor counted. */
#define ck_lost(u, w) \
    do { \
        ck_assert(wire_program_closed(w)); \
        ck_assert_uint_eq(gateway_in_flight(u), 0); \
        ck_assert_uint_eq(gateway_attempts(u, "fault"), 0); \
    } while (0)

/* ---- when ---- */

START_TEST(it_begins_when_the_first_token_is_late)
{
    begin(HEDGING A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(1000 * MS - 1);
    ck_assert_ptr_null(busy_wire(&b));
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 0);
    fake_run(1);
    struct wire *rival = upstream_take(busy_wire(&b));
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    ck_assert_str_eq(taken_body,
                     "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"stream\":true}");
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 1);
    tell(rival, "b");
    ck_told(client, "b");
    ck_lost("a", lead);
    gateway_end();
}
END_TEST

START_TEST(it_does_not_begin_after_a_token)
{
    begin(HEDGING A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    upstream_stream_head(lead);
    fake_run(900 * MS);
    upstream_chunk(lead, delta("a"));
    fake_run(10 * USEC_PER_SEC);
    ck_assert_uint_eq(b.dials, 0);
    upstream_stream_finish(lead);
    ck_told(client, "a");
    gateway_end();
}
END_TEST

/* Nor while nobody is asked: what has failed is late for nothing. */
START_TEST(it_does_not_begin_after_a_failure)
{
    begin(QUIET ROUTE("hedge: {after: 1s}, retry: {jitter: 0%, base: 5s}") "upstreams:\n" UPSTREAM(a, "")
              UPSTREAM(b, ", weight: 9"));
    b.refuses = NET_CONNECT;
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    upstream_stream_head(lead);
    upstream_chunk(lead, ": keep-alive\n\n");
    fake_run(500 * MS);
    upstream_close(lead);
    fake_run(4000 * MS);
    ck_assert_ptr_null(busy_wire(&a));
    b.refuses = NET_OK;
    fake_run(1000 * MS);
    tell(upstream_take(busy_wire(&b)), "b");
    ck_told(client, "b");
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 0);
    gateway_end();
}
END_TEST

/* Signs of life and empty deltas are no tokens. */
START_TEST(it_begins_although_there_are_signs_of_life)
{
    begin(HEDGING A_THEN_B);
    for (unsigned lost = 1; lost <= 2; lost++) {
        struct wire *client = ask_stream("");
        struct wire *lead = upstream_take(busy_wire(&a));
        upstream_stream_head(lead);
        upstream_chunk(lead, ": keep-alive\n\n");
        upstream_chunk(lead, delta_of("1", "{\"role\":\"assistant\",\"content\":\"\"}"));
        fake_run(1000 * MS);
        tell(upstream_take(busy_wire(&b)), "b");
        ck_told(client, "b");
        ck_lost("a", lead);
        ck_assert_uint_eq(gateway_attempts("a", "busy"), lost - 1); /* once may be chance */
    }
    gateway_end();
}
END_TEST

/* Without a time of its own: when 95% of its answers had their first token sooner. */
START_TEST(it_begins_when_the_upstream_is_slower_than_usual)
{
    begin(QUIET ROUTE("hedge: p95") A_THEN_B);
    for (int i = 0; i < 40; i++) {
        struct wire *client = ask_stream("");
        bool a_first = busy_wire(&a) != NULL;
        struct wire *w = upstream_take(busy_wire(a_first ? &a : &b));
        fake_run(100 * MS);
        tell(w, "x");
        ck_told(client, "x");
        if (!a_first) continue;
        ck_assert_ptr_null(busy_wire(&b));
    }
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(100 * MS);
    ck_assert_ptr_null(busy_wire(&b));
    fake_run(18 * MS); /* p95 is known to 17% */
    tell(upstream_take(busy_wire(&b)), "b");
    ck_told(client, "b");
    ck_lost("a", lead);
    gateway_end();
}
END_TEST

/* While it is not known what is usual, nothing is late. */
START_TEST(it_does_not_begin_while_nothing_is_known)
{
    begin(QUIET ROUTE("hedge: p95") A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(50 * USEC_PER_SEC);
    ck_assert_uint_eq(b.dials, 0);
    wire_close(client);
    fake_settle();
    ck_assert(wire_program_closed(lead));
    gateway_end();
}
END_TEST

START_TEST(it_can_be_turned_off)
{
    begin(QUIET ROUTE("hedge: off") A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(10 * USEC_PER_SEC);
    ck_assert_uint_eq(b.dials, 0);
    tell(lead, "a");
    ck_told(client, "a");
    gateway_end();
}
END_TEST

/* Of a plain answer nothing can be seen before it is whole: it may be late, or long. */
START_TEST(plain_calls_have_none)
{
    begin(HEDGING A_THEN_B);
    struct wire *client = ask("");
    fake_run(50 * USEC_PER_SEC);
    ck_assert_uint_eq(b.dials, 0);
    upstream_json(upstream_take(busy_wire(&a)), 200, "{\"good\":1}");
    ck_answer(client, 200, "{\"good\":1}");
    gateway_end();
}
END_TEST

/* ---- where ---- */

/* What keeps one upstream of an account busy keeps them all. */
START_TEST(it_goes_to_another_account)
{
    begin(HEDGING "upstreams:\n" UPSTREAM(a, ", weight: 900, account: one") UPSTREAM(b, ", weight: 90, account: one")
              UPSTREAM(c, ", account: two"));
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(1000 * MS);
    ck_assert_uint_eq(b.dials, 0);
    tell(upstream_take(busy_wire(&c)), "c");
    ck_told(client, "c");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "c");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
    ck_lost("a", lead);
    gateway_end();
}
END_TEST

START_TEST(with_one_account_there_is_none)
{
    begin(HEDGING "upstreams:\n" UPSTREAM(a, ", weight: 9, account: one") UPSTREAM(b, ", account: one"));
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(10 * USEC_PER_SEC);
    ck_assert_uint_eq(b.dials, 0);
    tell(lead, "a");
    ck_told(client, "a");
    gateway_end();
}
END_TEST

/* Nor where the request has been already. */
START_TEST(it_does_not_go_where_the_request_has_failed)
{
    begin(HEDGING A_THEN_B);
    struct wire *client = ask_stream("");
    upstream_json(upstream_take(busy_wire(&a)), 503, busy);
    struct wire *second = upstream_take(busy_wire(&b));
    fake_run(10 * USEC_PER_SEC);
    ck_assert_ptr_null(busy_wire(&a));
    tell(second, "b");
    ck_told(client, "b");
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 0);
    gateway_end();
}
END_TEST

#define B_TAKES_ONE "upstreams:\n" UPSTREAM(a, ", weight: 9") UPSTREAM(b, ", max_concurrency: 1")

/* Makes b full; the wire of what it works on, and its client. */
static struct wire *fill_b(struct wire **other)
{
    for (;;) {
        *other = ask("");
        if (busy_wire(&b)) return upstream_take(busy_wire(&b));
        upstream_json(upstream_take(busy_wire(&a)), 200, "{}");
        ck_answer(*other, 200, "{}");
    }
}

/* It is no reason to wait in the queue: it looks again after as long a time. */
START_TEST(it_waits_for_nobody)
{
    struct wire *other;
    begin(HEDGING B_TAKES_ONE);
    struct wire *full = fill_b(&other);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(1000 * MS);
    ck_assert_uint_eq(gateway_waiting(), 0);
    upstream_json(full, 200, "{}");
    ck_answer(other, 200, "{}");
    fake_run(1000 * MS - 1);
    ck_assert_ptr_null(busy_wire(&b));
    fake_run(1);
    tell(upstream_take(busy_wire(&b)), "b");
    ck_told(client, "b");
    ck_lost("a", lead);
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 1);
    gateway_end();
}
END_TEST

/* Attempts whose first token is late show that the upstream is busy; each of them once, however long it is waited for,
 * and none of which nothing is heard: that one may be broken. */
START_TEST(late_tokens_lower_the_limit)
{
    static const struct {
        unsigned requests, seconds;
        bool alive;
        unsigned waiting;
    } rows[] = {{2, 1, true, 1}, {1, 3, true, 0}, {2, 1, false, 0}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct wire *other;
        begin(HEDGING B_TAKES_ONE);
        fill_b(&other);
        for (unsigned n = 0; n < rows[i].requests; n++) {
            ask_stream("");
            struct wire *w = upstream_take(busy_wire(&a));
            if (!rows[i].alive) continue;
            upstream_stream_head(w);
            upstream_chunk(w, ": keep-alive\n\n");
        }
        fake_run(rows[i].seconds * USEC_PER_SEC);
        ask("");
        ck_assert_uint_eq(gateway_waiting(), rows[i].waiting);
        gateway_end();
    }
}
END_TEST

/* Who waits for a first attempt goes before. */
START_TEST(who_waits_goes_before)
{
    struct wire *other;
    begin(HEDGING "upstreams:\n" UPSTREAM(a, ", weight: 9, max_concurrency: 1") UPSTREAM(b, ", max_concurrency: 1"));
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    struct wire *full = fill_b(&other), *waiting = ask("");
    ck_assert_uint_eq(gateway_waiting(), 1);
    fake_run(999 * MS);
    upstream_json(full, 200, "{}");
    ck_answer(other, 200, "{}");
    fake_run(MS);
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 0);
    upstream_json(upstream_take(busy_wire(&b)), 200, "{}");
    ck_answer(waiting, 200, "{}");
    tell(lead, "a");
    ck_told(client, "a");
    gateway_end();
}
END_TEST

/* ---- who wins ---- */

START_TEST(the_first_token_wins)
{
    for (int rival_wins = 0; rival_wins < 2; rival_wins++) {
        struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
        upstream_stream_head(lead);
        upstream_stream_head(rival);
        upstream_chunk(rival_wins ? rival : lead, delta("x"));
        ck_lost(rival_wins ? "a" : "b", rival_wins ? lead : rival);
        ck_assert(!wire_program_closed(rival_wins ? rival : lead));
        upstream_stream_finish(rival_wins ? rival : lead);
        ck_told(client, "x");
        ck_assert_str_eq(client_field("x-dsgate-upstream"), rival_wins ? "b" : "a");
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
        ck_assert_str_eq(client_field("x-dsgate-reasons"), "");
        ck_assert_uint_eq(gateway_attempts(rival_wins ? "b" : "a", "success"), 1);
        ck_assert_uint_eq(
            gateway_attempts(rival_wins ? "a" : "b", "neutral") + gateway_attempts(rival_wins ? "a" : "b", "busy"), 1);
        ck_assert_uint_eq(gateway_metric("dsgate_hedges_won_total"), rival_wins);
        gateway_end();
    }
}
END_TEST

/* Reasoning is a token, too. */
START_TEST(reasoning_wins)
{
    struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
    upstream_stream_head(rival);
    upstream_chunk(rival, delta_of("1", "{\"reasoning_content\":\"hm\"}"));
    ck_lost("a", lead);
    ck_assert(has_received(client, "\"reasoning_content\":\"hm\""));
    upstream_stream_finish(rival);
    gateway_end();
}
END_TEST

/* What is no token wins nothing, whichever of the two says it. */
START_TEST(nothing_but_a_token_wins)
{
    static const char *const events[] = {": keep-alive\n\n", "\n\n",
                                         "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
                                         "\"content\":\"\"},\"finish_reason\":null}]}\n\n",
                                         "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":0,"
                                         "\"total_tokens\":1}}\n\n"};
    for (int i = 0; i < 2 * COUNT(events); i++) {
        struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
        struct wire *silent = i % 2 ? lead : rival, *other = i % 2 ? rival : lead;
        upstream_stream_head(silent);
        upstream_chunk(silent, events[i / 2]);
        ck_assert(!wire_program_closed(other));
        ck_assert_uint_eq(wire_received(client).n, 0);
        tell(other, "x");
        ck_told(client, "x");
        ck_assert(wire_program_closed(silent));
        gateway_end();
    }
}
END_TEST

/* ---- failures ---- */

enum failing { BUSY, ERROR_EVENT, EMPTY_STREAM, RESET, BAD_REQUEST, FAILINGS };

static void go_wrong(struct wire *w, enum failing how)
{
    switch (how) {
    case BUSY: upstream_json(w, 503, busy); break;
    case ERROR_EVENT:
        upstream_stream_head(w);
        upstream_chunk(w, error_event);
        break;
    case EMPTY_STREAM:
        upstream_stream_head(w);
        upstream_stream_end(w);
        break;
    case RESET:
        wire_reset(w);
        fake_settle();
        break;
    default: upstream_json(w, 400, busy); break;
    }
}

/* While one runs it is the only hope, and enough of one: nobody else is asked. */
START_TEST(when_one_fails_the_other_goes_on)
{
    static const char *const reasons[FAILINGS] = {"busy", "error_event", "empty_stream", "reset"};
    for (enum failing how = BUSY; how < BAD_REQUEST; how++) {
        for (int lead_fails = 0; lead_fails < 2; lead_fails++) {
            struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
            go_wrong(lead_fails ? lead : rival, how);
            ck_assert_uint_eq(wire_received(client).n, 0);
            ck_assert_uint_eq(gateway_in_flight(lead_fails ? "a" : "b"), 0);
            fake_run(5 * USEC_PER_SEC);
            ck_assert_uint_eq(gateway_in_flight("a") + gateway_in_flight("b"), 1);
            tell(lead_fails ? rival : lead, "x");
            ck_told(client, "x");
            ck_assert_str_eq(client_field("x-dsgate-upstream"), lead_fails ? "b" : "a");
            ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
            ck_assert_str_eq(client_field("x-dsgate-reasons"), reasons[how]);
            gateway_end();
        }
    }
}
END_TEST

/* That the request is wrong is said by whoever is asked first; a rival that says so is no winner. */
START_TEST(a_rival_that_refuses_the_request_does_not_win)
{
    struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
    go_wrong(rival, BAD_REQUEST);
    ck_assert_uint_eq(wire_received(client).n, 0);
    ck_assert_uint_eq(gateway_attempts("b", "neutral"), 1);
    tell(lead, "a");
    ck_told(client, "a");
    gateway_end();
}
END_TEST

START_TEST(a_lead_that_refuses_the_request_has_the_word)
{
    struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
    go_wrong(lead, BAD_REQUEST);
    ck_answer(client, 400, busy);
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "a");
    ck_lost("b", rival);
    gateway_end();
}
END_TEST

/* Both have failed: now it is time for another try, at either. */
START_TEST(when_both_fail_it_is_tried_again)
{
    for (int lead_first = 0; lead_first < 2; lead_first++) {
        struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
        go_wrong(lead_first ? lead : rival, BUSY);
        go_wrong(lead_first ? rival : lead, BUSY);
        ck_assert_ptr_null(busy_wire(&a));
        ck_assert_ptr_null(busy_wire(&b));
        fake_run(500 * MS);
        struct wire *third = upstream_take(busy_wire(busy_wire(&a) ? &a : &b));
        tell(third, "x");
        ck_told(client, "x");
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "3");
        ck_assert_str_eq(client_field("x-dsgate-reasons"), "busy,busy");
        gateway_end();
    }
}
END_TEST

/* A hedge is an attempt as others are. */
START_TEST(it_counts_as_an_attempt)
{
    struct wire *lead, *rival;
    struct wire *client = race(QUIET ROUTE("hedge: {after: 1s}, retry: {attempts: 2}") A_THEN_B, &lead, &rival);
    go_wrong(lead, BUSY);
    go_wrong(rival, BUSY);
    ck_answer(client, 503, busy);
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
    gateway_end();
    begin(QUIET ROUTE("hedge: {after: 1s}, retry: {attempts: 1}") A_THEN_B);
    client = ask_stream("");
    fake_run(10 * USEC_PER_SEC);
    ck_assert_uint_eq(b.dials, 0);
    go_wrong(upstream_take(busy_wire(&a)), BUSY);
    ck_answer(client, 503, busy);
    gateway_end();
}
END_TEST

/* The winner may break afterwards: then nobody is left to take over, and it is told, or gone on with. */
START_TEST(a_winner_that_breaks_is_told)
{
    struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
    upstream_stream_head(rival);
    upstream_chunk(rival, delta("b"));
    go_wrong(rival, RESET);
    struct client_answer answer = client_read(client);
    ck_assert(!answer.complete);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"upstream_cut\""));
    mem_free(answer.body);
    ck_lost("a", lead);
    gateway_end();
}
END_TEST

/* ---- the budget ---- */

/* The gateway begins with ten hedges saved up, and no request earns any. */
START_TEST(the_budget_ends_them)
{
    begin(QUIET ROUTE("hedge: {after: 1s, budget: 1%}") A_THEN_B);
    for (int i = 0; i < 12; i++) {
        struct wire *client = ask_stream("");
        bool a_first = busy_wire(&a) != NULL;
        struct wire *lead = upstream_take(busy_wire(a_first ? &a : &b));
        fake_run(1000 * MS);
        ck_assert_int_eq(busy_wire(a_first ? &b : &a) != NULL, i < 10);
        if (i < 10) upstream_take(busy_wire(a_first ? &b : &a));
        tell(lead, "x");
        ck_told(client, "x");
    }
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 10);
    gateway_end();
}
END_TEST

/* One that found nobody free costs nothing. */
START_TEST(looking_in_vain_spends_nothing)
{
    struct wire *other;
    begin(QUIET ROUTE("hedge: {after: 1s, budget: 1%}") B_TAKES_ONE);
    struct wire *full = fill_b(&other);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(30 * USEC_PER_SEC);
    upstream_json(full, 200, "{}");
    fake_run(1000 * MS);
    upstream_take(busy_wire(&b));
    tell(lead, "a");
    ck_assert_uint_gt(wire_received(client).n, 0);
    ck_assert_uint_eq(gateway_metric("dsgate_hedges_total"), 1);
    gateway_end();
}
END_TEST

START_TEST(without_a_budget_there_are_none)
{
    begin(QUIET ROUTE("hedge: {after: 1s, budget: 0%}") A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(10 * USEC_PER_SEC);
    ck_assert_uint_eq(b.dials, 0);
    tell(lead, "a");
    ck_told(client, "a");
    gateway_end();
}
END_TEST

/* ---- the end of it all ---- */

START_TEST(a_client_that_leaves_ends_both)
{
    for (int how = 0; how < 2; how++) {
        struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
        if (how)
            wire_reset(client);
        else
            wire_close(client);
        fake_settle();
        ck_lost("a", lead);
        ck_lost("b", rival);
        ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
        gateway_end();
    }
}
END_TEST

START_TEST(a_shutdown_ends_both)
{
    struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
    gateway_drain();
    ck_assert(!wire_program_closed(lead));
    ck_assert(!wire_program_closed(rival));
    gateway_stop();
    ck_error(client, 503, "gateway_shutting_down");
    ck_lost("a", lead);
    ck_lost("b", rival);
    gateway_end();
}
END_TEST

START_TEST(a_reload_ends_neither)
{
    struct wire *lead, *rival, *client = race(HEDGING A_THEN_B, &lead, &rival);
    gateway_reload(QUIET "upstreams:\n" UPSTREAM(c, ""));
    tell(rival, "b");
    ck_told(client, "b");
    ck_assert(wire_program_closed(lead));
    gateway_end();
}
END_TEST

/* The time for the first token is each attempt's own. */
START_TEST(each_has_its_own_first_token_time)
{
    begin(QUIET "timeouts: {first_token: 5s}\n" ROUTE("hedge: {after: 1s}, retry: {attempts: 2}") A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *lead = upstream_take(busy_wire(&a));
    fake_run(1000 * MS);
    struct wire *rival = upstream_take(busy_wire(&b));
    fake_run(4000 * MS);
    ck_assert(wire_program_closed(lead));
    ck_assert(!wire_program_closed(rival));
    fake_run(999 * MS);
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(MS);
    ck_error(client, 504, "upstream_timeout");
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "first_token_timeout,first_token_timeout");
    gateway_end();
}
END_TEST

TEST_MAIN("hedge", it_begins_when_the_first_token_is_late, it_does_not_begin_after_a_token,
          it_does_not_begin_after_a_failure, it_begins_although_there_are_signs_of_life,
          it_begins_when_the_upstream_is_slower_than_usual, it_does_not_begin_while_nothing_is_known,
          it_can_be_turned_off, plain_calls_have_none, it_goes_to_another_account, with_one_account_there_is_none,
          it_does_not_go_where_the_request_has_failed, it_waits_for_nobody, late_tokens_lower_the_limit,
          who_waits_goes_before, the_first_token_wins, reasoning_wins, nothing_but_a_token_wins,
          when_one_fails_the_other_goes_on, a_rival_that_refuses_the_request_does_not_win,
          a_lead_that_refuses_the_request_has_the_word, when_both_fail_it_is_tried_again, it_counts_as_an_attempt,
          a_winner_that_breaks_is_told, the_budget_ends_them, looking_in_vain_spends_nothing,
          without_a_budget_there_are_none, a_client_that_leaves_ends_both, a_shutdown_ends_both, a_reload_ends_neither,
          each_has_its_own_first_token_time)
