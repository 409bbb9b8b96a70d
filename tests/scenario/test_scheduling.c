/* Who goes first, and where to: classes, tiers, policies, and upstreams that fail and come back. */
#include "scenario.h"

#define ONE_AT_A_TIME "  - {name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}\n"

static bool is_answered(struct wire *client) { return wire_received(client).n > 0; }

static void answer(struct fake_upstream *u, unsigned status, const char *json)
{
    struct wire *w = busy_wire(u);
    ck_assert_msg(w != NULL, "%s has no request", u->host);
    wire_clear(w);
    upstream_json(w, status, json);
}

/* One request from beginning to end; the name of who answered it. */
static const char *serve_one(const char *headers)
{
    struct wire *client = ask(headers);
    answer(busy_wire(&a) ? &a : &b, 200, "{\"ok\":1}");
    ck_answer(client, 200, "{\"ok\":1}");
    wire_close(client);
    fake_settle();
    return client_field("x-dsgate-upstream");
}

/* ---- order ---- */

START_TEST(the_more_urgent_goes_first)
{
    begin(QUIET "upstreams:\n" ONE_AT_A_TIME);
    struct wire *first = ask("");
    struct wire *unknown = ask("X-Dsgate-Priority: batch\r\n");
    struct wire *clients[4] = {ask("X-Dsgate-Priority: low\r\n"), ask("X-Dsgate-Priority: P2\r\n"),
                               ask("X-Dsgate-Priority: high\r\n"), ask("X-Dsgate-Priority: urgent\r\n")};
    ck_error(unknown, 400, "invalid_header");
    answer(&a, 200, "{}");
    ck_answer(first, 200, "{}");
    for (int i = 3; i >= 0; i--) {
        answer(&a, 200, "{}");
        ck_assert(is_answered(clients[i]));
        ck_assert(i == 0 || !is_answered(clients[i - 1]));
    }
    gateway_end();
}
END_TEST

/* OpenAI's own way to say it. It goes on to the upstream, which may know it, too. */
START_TEST(service_tier_is_a_class)
{
    begin(QUIET "upstreams:\n" ONE_AT_A_TIME);
    struct wire *first = gateway_connect(), *flex = gateway_connect(), *priority = gateway_connect();
    client_post_chat(first, "");
    client_post_chat(flex, ",\"service_tier\":\"flex\"");
    client_post_chat(priority, ",\"service_tier\":\"priority\"");
    answer(&a, 200, "{}");
    struct wire *w = busy_wire(&a);
    ck_assert_uint_lt(text_find(wire_received(w), TEXT("\"service_tier\":\"priority\"")), wire_received(w).n);
    answer(&a, 200, "{}");
    ck_assert(is_answered(priority) && !is_answered(flex));
    answer(&a, 200, "{}");
    ck_answer(flex, 200, "{}");
    gateway_end();
}
END_TEST

START_TEST(who_is_in_a_hurry_goes_first_in_its_class)
{
    begin(QUIET "upstreams:\n" ONE_AT_A_TIME);
    struct wire *first = ask(""), *patient = ask("x-stainless-timeout: 600\r\n");
    struct wire *later = ask("X-Dsgate-Timeout: 50s\r\n"), *sooner = ask("X-Dsgate-Timeout: 40s\r\n");
    answer(&a, 200, "{}");
    answer(&a, 200, "{}");
    ck_assert(is_answered(first) && is_answered(sooner) && !is_answered(later));
    answer(&a, 200, "{}");
    ck_assert(is_answered(later) && !is_answered(patient));
    gateway_end();
}
END_TEST

/* Batch work starts while there is little to do, and otherwise not before its latest start. */
START_TEST(batch_work_waits_for_quiet_and_never_starves)
{
    begin(QUIET "queue: {classes: {P3: {start_below: 50%, max_wait: 20s}}}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 4}]\n");
    struct wire *usual[2] = {ask(""), ask("")};
    struct wire *batch = ask("X-Dsgate-Priority: P3\r\n");
    ck_assert_uint_eq(gateway_waiting(), 1);
    fake_run(19 * USEC_PER_SEC);
    ck_assert_uint_eq(gateway_waiting(), 1);
    fake_run(2 * USEC_PER_SEC);
    ck_assert_uint_eq(gateway_waiting(), 0);
    ck_assert_uint_eq(gateway_in_flight("a"), 3);
    for (int i = 0; i < 3; i++)
        answer(&a, 200, "{}");
    ck_assert(is_answered(usual[0]) && is_answered(usual[1]) && is_answered(batch));
    gateway_end();
}
END_TEST

START_TEST(a_part_is_kept_for_the_urgent)
{
    begin(QUIET "queue: {reserve_p0: 25%}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 4}]\n");
    for (int i = 0; i < 4; i++)
        ask("X-Dsgate-Priority: P1\r\n");
    ck_assert_uint_eq(gateway_in_flight("a"), 3);
    ck_assert_uint_eq(gateway_waiting(), 1);
    ask("X-Dsgate-Priority: P0\r\n");
    ck_assert_uint_eq(gateway_in_flight("a"), 4);
    ck_assert_uint_eq(gateway_waiting(), 1);
    gateway_end();
}
END_TEST

/* A caller that asks ten times as often waits behind its own requests. */
START_TEST(callers_share_fairly)
{
    begin(QUIET "upstreams:\n" ONE_AT_A_TIME);
    struct wire *first = ask("Authorization: Bearer sk-the-greedy-one\r\n"), *greedy[8];
    for (int i = 0; i < 8; i++)
        greedy[i] = ask("Authorization: Bearer sk-the-greedy-one\r\n");
    struct wire *modest = ask("Authorization: Bearer sk-the-modest-one\r\n");
    answer(&a, 200, "{}");
    answer(&a, 200, "{}");
    answer(&a, 200, "{}");
    ck_assert(is_answered(first) && is_answered(greedy[0]) && !is_answered(greedy[2]));
    ck_assert(is_answered(modest));
    gateway_end();
}
END_TEST

/* What would come too late is told at once, and when another try makes sense. */
START_TEST(who_cannot_be_served_in_time_is_told_at_once)
{
    begin(QUIET "upstreams:\n" ONE_AT_A_TIME);
    ask("");
    for (int i = 0; i < 12; i++)
        ask("");
    for (int i = 0; i < 6; i++) { /* one a second */
        fake_run(USEC_PER_SEC);
        answer(&a, 200, "{}");
    }
    struct wire *hurried = ask("X-Dsgate-Timeout: 3s\r\n");
    ck_error(hurried, 503, "gateway_deadline_unreachable");
    ck_assert_str_eq(client_field("retry-after"), "7");
    ck_assert_str_eq(client_field("x-should-retry"), "true");
    gateway_end();
}
END_TEST

/* What was measured of a model outlives the pool in which it was. */
START_TEST(a_reload_does_not_forget_how_fast_it_goes)
{
    static const char yaml[] = QUIET "upstreams:\n" ONE_AT_A_TIME;
    begin(yaml);
    for (int i = 0; i < 13; i++)
        ask("");
    for (int i = 0; i < 6; i++) { /* one a second */
        fake_run(USEC_PER_SEC);
        answer(&a, 200, "{}");
    }
    gateway_reload(yaml);
    ck_assert_uint_eq(gateway_waiting(), 6);
    struct wire *hurried = ask("X-Dsgate-Timeout: 3s\r\n");
    ck_error(hurried, 503, "gateway_deadline_unreachable");
    gateway_end();
}
END_TEST

START_TEST(lower_classes_are_shed_first)
{
    begin(QUIET "queue: {max_waiting: 2}\nupstreams:\n" ONE_AT_A_TIME);
    ask("");
    struct wire *old = ask("X-Dsgate-Priority: P3\r\n"), *young = ask("X-Dsgate-Priority: P3\r\n");
    struct wire *more = ask("X-Dsgate-Priority: P3\r\n");
    ck_error(more, 503, "gateway_queue_full");
    struct wire *interactive = ask("X-Dsgate-Priority: P1\r\n");
    ck_error(young, 503, "gateway_queue_full");
    ck_assert(!is_answered(old) && !is_answered(interactive));
    ck_assert_uint_eq(gateway_waiting(), 2);
    gateway_end();
}
END_TEST

/* ---- tiers and policies ---- */

START_TEST(backups_serve_while_primaries_are_out)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1, breaker: {failures: 1}}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n");
    struct wire *first = ask(""), *second = ask("");
    ck_assert_uint_eq(gateway_waiting(), 1); /* a full primary is no reason */
    answer(&a, 500, "{}");
    answer(&b, 200, "{\"backup\":1}");
    ck_answer(first, 200, "{\"backup\":1}");
    fake_run(USEC_PER_SEC);
    answer(&b, 200, "{\"backup\":2}");
    ck_answer(second, 200, "{\"backup\":2}");
    gateway_end();
}
END_TEST

/* P1 has waited for long enough after half a second. */
START_TEST(late_interactive_requests_may_use_backups)
{
    begin(QUIET "upstreams:\n" ONE_AT_A_TIME "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n");
    ask("");
    struct wire *usual = ask(""), *interactive = ask("X-Dsgate-Priority: P1\r\n");
    fake_run(490 * USEC_PER_MS);
    ck_assert_uint_eq(gateway_waiting(), 2);
    fake_run(40 * USEC_PER_MS);
    answer(&b, 200, "{}");
    ck_answer(interactive, 200, "{}");
    ck_assert(!is_answered(usual));
    gateway_end();
}
END_TEST

START_TEST(a_standby_joins_when_many_wait)
{
    begin(QUIET "upstreams:\n" ONE_AT_A_TIME
                "  - {name: b, base_url: 'http://b.test:80/v1', tier: standby, activate: {queue: 2}}\n");
    for (int i = 0; i < 3; i++)
        ask("");
    fake_run(USEC_PER_SEC);
    ck_assert_uint_eq(gateway_waiting(), 2);
    ask("");
    fake_run(USEC_PER_SEC);
    ck_assert_uint_eq(gateway_waiting(), 0);
    ck_assert_uint_eq(gateway_in_flight("b"), 3);
    fake_run(29 * USEC_PER_SEC);
    ask("");
    ck_assert_uint_eq(gateway_in_flight("b"), 4);
    fake_run(3 * USEC_PER_SEC); /* half a minute of quiet */
    ask("");
    ck_assert_uint_eq(gateway_waiting(), 1);
    gateway_end();
}
END_TEST

/* All turns of a conversation meet the upstream whose prefix cache knows it. */
START_TEST(conversations_stay_where_they_are)
{
    unsigned seen_a = 0;
    begin(QUIET "routes: [{match: {models: ['*']}, policy: affinity}]\n"
                "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1'}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1'}\n");
    for (int s = 0; s < 16; s++) {
        char *session = mem_printf("X-Dsgate-Session: conversation-%d\r\n", s);
        bool is_a = !strcmp(serve_one(session), "a");
        for (int turn = 0; turn < 5; turn++)
            ck_assert_int_eq(!strcmp(serve_one(session), "a"), is_a);
        seen_a += is_a;
        mem_free(session);
    }
    ck_assert(seen_a > 0 && seen_a < 16);
    gateway_end();
}
END_TEST

/* Endpoints that come and go, and reloads, do not begin the wait anew. */
START_TEST(a_wait_is_as_long_as_it_may_be_whatever_is_reloaded)
{
    static const char yaml[] = QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n"
                                     "queue: {reserve_p0: 0%, classes: {P2: {timeout: 10s}}}\n";
    begin(yaml);
    struct wire *first = ask(""), *second = ask("");
    for (int i = 0; i < 4; i++) {
        fake_run(3 * USEC_PER_SEC);
        gateway_reload(yaml);
    }
    ck_error(second, 503, "gateway_queue_timeout");
    answer(&a, 200, "{}");
    ck_assert(is_answered(first));
    gateway_end();
}
END_TEST

/* A worker may hear of new upstreams only after its requests have been sent there. */
START_TEST(nobody_waits_for_upstreams_of_the_past)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n"
                "queue: {reserve_p0: 0%}\n");
    struct wire *old = ask(""), *waiting = ask("");
    gateway_begin_reload(QUIET "upstreams: [{name: b, base_url: 'http://b.test:80/v1'}]\n");
    answer(&b, 200, "{\"ok\":1}");
    ck_answer(waiting, 200, "{\"ok\":1}");
    struct wire *late = ask("");
    answer(&b, 200, "{\"ok\":1}");
    ck_answer(late, 200, "{\"ok\":1}");
    gateway_end_reload();
    answer(&a, 200, "{\"ok\":1}");
    ck_answer(old, 200, "{\"ok\":1}");
    gateway_end();
}
END_TEST

/* Who asks for what only the upstreams of the past serve waits for them to the end. */
START_TEST(a_model_that_a_reload_takes_away_is_still_served)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n"
                "queue: {reserve_p0: 0%}\n");
    struct wire *first = ask(""), *waiting = ask("");
    for (int i = 0; i < 2; i++)
        gateway_reload(QUIET "upstreams: [{name: b, base_url: 'http://b.test:80/v1', models: {other: other}}]\n");
    answer(&a, 200, "{\"ok\":1}");
    ck_answer(first, 200, "{\"ok\":1}");
    answer(&a, 200, "{\"ok\":1}");
    ck_answer(waiting, 200, "{\"ok\":1}");
    gateway_end();
}
END_TEST

TEST_MAIN("scheduling", the_more_urgent_goes_first, service_tier_is_a_class, who_is_in_a_hurry_goes_first_in_its_class,
          batch_work_waits_for_quiet_and_never_starves, a_part_is_kept_for_the_urgent, callers_share_fairly,
          who_cannot_be_served_in_time_is_told_at_once, a_reload_does_not_forget_how_fast_it_goes,
          lower_classes_are_shed_first,
          backups_serve_while_primaries_are_out, late_interactive_requests_may_use_backups,
          a_standby_joins_when_many_wait, conversations_stay_where_they_are,
          a_wait_is_as_long_as_it_may_be_whatever_is_reloaded, nobody_waits_for_upstreams_of_the_past,
          a_model_that_a_reload_takes_away_is_still_served)
