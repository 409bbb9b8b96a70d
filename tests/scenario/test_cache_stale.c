/* Old answers are given while new ones are fetched: when, how often, and what becomes of the new ones. */
#include "cache.h"

#define RENEWS CACHE("mode: always, ttl: 10s, stale_while_revalidate: 60s") ALONE

#define OLD SAYING("Old")
#define NEW SAYING("New")

/* Keeps an answer, until its time is over. */
static void begin_stale(const char *yaml)
{
    begin(yaml);
    ck_miss(chat("", ""), OLD);
    fake_run(10 * SEC);
}

/* It comes at once. */
#define ck_stale(client, body) \
    do { \
        ck_given(client, "stale", body); \
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "0"); \
        ck_assert_str_eq(client_field("x-dsgate-fallback"), ""); \
    } while (0)

/* ---- when ---- */

START_TEST(an_old_answer_is_renewed)
{
    begin_stale(RENEWS);
    ck_stale(chat("X-Request-Id: mine\r\n", ",\"user\":\"u\""), OLD);
    ck_assert_str_eq(client_field("age"), "10");
    struct wire *w = upstream_take(busy_wire(&a));
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION "],\"user\":\"u\"}");
    fake_run(1 * SEC);
    upstream_json(w, 200, NEW);
    ck_hit(chat("", ""), NEW);
    ck_assert_str_eq(client_field("age"), "0");
    ck_assert_uint_eq(calls(), 2);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_revalidated_total"), 1);
    gateway_end();
}
END_TEST

/* However many ask meanwhile. */
START_TEST(one_renewal_is_enough)
{
    begin_stale(RENEWS);
    for (int i = 0; i < 5; i++) {
        ck_stale(chat("", ""), OLD);
        fake_run(1 * SEC);
    }
    ck_assert_uint_eq(a.wire_count, 1);
    answer(&a, 200, NEW);
    ck_hit(chat("", ""), NEW);
    ck_assert_uint_eq(calls(), 2);
    gateway_end();
}
END_TEST

START_TEST(its_time_is_exact)
{
    static const struct {
        usec_t age;
        const char *how;
    } rows[] = {{10 * SEC - 1, "hit-memory"}, {10 * SEC, "stale"}, {70 * SEC - 1, "stale"}, {70 * SEC, NULL}};
    for (int i = 0; i < COUNT(rows); i++) {
        begin(RENEWS);
        ck_miss(chat("", ""), OLD);
        fake_run(rows[i].age);
        struct wire *client = chat("", "");
        ck_assert_int_eq(busy_wire(&a) != NULL, i > 0);
        if (rows[i].how)
            ck_given(client, rows[i].how, OLD);
        else
            ck_assert_uint_eq(wire_received(client).n, 0);
        gateway_end();
    }
}
END_TEST

/* ---- for whom ---- */

/* Who wants no old answers gets none; who may not leave one here renews none. */
START_TEST(who_asks_for_more_gets_more)
{
    static const struct {
        const char *headers;
        const char *how;
    } rows[] = {{"Cache-Control: max-age=60\r\n", "miss"},
                {"Cache-Control: no-store\r\n", "miss"},
                {"Cache-Control: no-cache\r\n", "bypass"}};
    for (int i = 0; i < COUNT(rows); i++) {
        begin_stale(RENEWS);
        ck_fetched(chat(rows[i].headers, ""), rows[i].how, NEW);
        ck_assert_uint_eq(gateway_metric("dsgate_cache_revalidated_total"), 0);
        gateway_end();
    }
}
END_TEST

/* It is cached, after all. */
START_TEST(only_if_cached_takes_an_old_one)
{
    begin_stale(RENEWS);
    ck_stale(chat("Cache-Control: only-if-cached\r\n", ""), OLD);
    answer(&a, 200, NEW);
    ck_hit(chat("Cache-Control: only-if-cached\r\n", ""), NEW);
    gateway_end();
}
END_TEST

/* In either form; it is renewed in the form in which it was wanted. */
START_TEST(each_form_is_renewed)
{
    begin_stale(RENEWS);
    struct wire *client = chat("", STREAMED);
    struct client_answer got = client_read(client);
    ck_assert_str_eq(client_field("x-dsgate-cache"), "stale");
    ck_assert(got.complete && strstr(got.body, "\"content\":\"Old\""));
    mem_free(got.body);
    answer_stream(&a, STREAM("New"));
    ck_hit(chat("", STREAMED), STREAM("New"));
    gateway_end();
}
END_TEST

/* The client may be gone before the new one comes, or even begins. */
START_TEST(it_needs_no_client)
{
    for (int early = 0; early < 2; early++) {
        begin_stale(RENEWS);
        struct wire *client = gateway_connect();
        if (early) wire_window(client, 0);
        client_post_chat(client, "");
        wire_reset(client);
        fake_settle();
        answer(&a, 200, NEW);
        ck_hit(chat("", ""), NEW);
        gateway_end();
    }
}
END_TEST

/* The next request on the same connection has nothing to do with it. */
START_TEST(its_connection_goes_on)
{
    begin_stale(RENEWS);
    struct wire *client = chat("", "");
    ck_stale(client, OLD);
    client_post(client, CHAT, "", "{\"model\":\"m\",\"messages\":[]}");
    ck_assert_uint_eq(gateway_in_flight("a"), 2);
    answer(&a, 200, NEW);
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    ck_hit(chat("", ""), NEW);
    gateway_end();
}
END_TEST

/* ---- when it fails ---- */

static const struct {
    unsigned status;
    const char *said;
} failures[] = {
    {503, busy},
    {400, busy},
    {200, busy},
    {200, "{\"choices\":[{\"message\":{\"content\":\"Hm\"},\"finish_reason\":\"content_filter\"}]}"},
    {200, "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}"},
};

START_TEST(what_fails_leaves_the_old_one)
{
    begin_stale(RENEWS);
    ck_stale(chat("", ""), OLD);
    answer(&a, failures[_i].status, failures[_i].said);
    fake_run(5 * SEC);
    ck_stale(chat("", ""), OLD);
    ck_assert_str_eq(client_field("age"), "15");
    answer(&a, 200, NEW);
    ck_hit(chat("", ""), NEW);
    gateway_end();
}
END_TEST

/* It has attempts like any other. Rungs of the ladder are for clients. */
START_TEST(it_is_tried_again)
{
    begin_stale(QUIET ROUTE(
        "hedge: off, retry: {attempts: 2, jitter: 0%}, cache: {mode: always, ttl: 10s, "
        "stale_while_revalidate: 60s}, fallback: [{model: spare}]") "upstreams:\n" UPSTREAM(a, ", models: {m: m}")
                    UPSTREAM(b, ", models: {spare: s}"));
    ck_stale(chat("", ""), OLD);
    answer(&a, 503, busy);
    fake_run(500 * MS);
    answer(&a, 503, busy);
    ck_assert_uint_eq(b.dials, 0);
    ck_stale(chat("", ""), OLD);
    answer(&a, 503, busy);
    fake_run(500 * MS);
    answer(&a, 200, NEW);
    ck_hit(chat("", ""), NEW);
    gateway_end();
}
END_TEST

/* ---- who comes later ---- */

/* When the old one is of no use any more, the new one is waited for. */
START_TEST(a_renewal_is_joined)
{
    begin_stale(RENEWS);
    fake_run(59 * SEC);
    ck_stale(chat("", ""), OLD);
    fake_run(1 * SEC);
    struct wire *client = chat("", "");
    ck_assert_uint_eq(gateway_in_flight("a"), 1);
    answer(&a, 200, NEW);
    ck_given(client, "joined", NEW);
    gateway_end();
}
END_TEST

/* … also in vain: that is a failed attempt of theirs. */
START_TEST(a_renewal_that_fails_is_told)
{
    begin_stale(RENEWS);
    fake_run(59 * SEC);
    ck_stale(chat("", ""), OLD);
    fake_run(1 * SEC);
    struct wire *client = chat("", "");
    answer(&a, 503, busy);
    ck_error(client, 503, "upstream_busy");
    gateway_end();
}
END_TEST

/* ---- its end ---- */

/* Nobody waits for it. */
START_TEST(a_drain_ends_it)
{
    begin_stale(RENEWS);
    struct wire *client = chat("", "");
    ck_stale(client, OLD);
    struct wire *w = upstream_take(busy_wire(&a));
    wire_close(client);
    gateway_drain();
    ck_assert(gateway_has_drained());
    ck_assert(wire_program_closed(w));
    ck_assert_uint_eq(gateway_in_flight("a"), 0);
    gateway_end();
}
END_TEST

/* … also in the queue. */
START_TEST(a_drain_ends_its_waiting)
{
    begin_stale(CACHE("mode: always, ttl: 10s, stale_while_revalidate: 60s") "upstreams:\n" UPSTREAM(
        a, ", max_concurrency: 1"));
    struct wire *other = chat("", ",\"n\":1");
    struct wire *w = upstream_take(busy_wire(&a));
    ck_stale(chat("", ""), OLD);
    ck_assert_uint_eq(gateway_waiting(), 1);
    gateway_drain();
    ck_assert_uint_eq(gateway_waiting(), 0);
    upstream_json(w, 200, hello);
    ck_given(other, "miss", hello);
    gateway_end();
}
END_TEST

/* Nor is another one begun, for who was about to ask. */
START_TEST(a_drain_begins_none)
{
    begin_stale(RENEWS);
    struct wire *client = gateway_connect();
    wire_send(client, TEXT("POST " CHAT " HTTP/1.1\r\nHost: x\r\n"));
    fake_settle();
    gateway_drain();
    wire_send(client, TEXT("Content-Length: 57\r\n\r\n{\"model\":\"m\",\"messages\":[" QUESTION "]}"));
    fake_settle();
    ck_stale(client, OLD);
    ck_assert_ptr_null(busy_wire(&a));
    ck_assert_uint_eq(gateway_metric("dsgate_cache_revalidated_total"), 0);
    gateway_end();
}
END_TEST

/* A drain ends no request that is under way, whoever asks for it. */
START_TEST(a_drain_leaves_it_to_who_has_joined)
{
    begin_stale(CACHE("mode: always, ttl: 10s, stale_while_revalidate: 60s") ALONE);
    fake_run(59 * SEC);
    ck_stale(chat("", ""), OLD);
    fake_run(1 * SEC);
    struct wire *client = chat("", "");
    gateway_drain();
    answer(&a, 200, NEW);
    ck_given(client, "joined", NEW);
    gateway_end();
}
END_TEST

START_TEST(a_stop_ends_it)
{
    begin_stale(RENEWS);
    ck_stale(chat("", ""), OLD);
    struct wire *w = upstream_take(busy_wire(&a));
    gateway_stop();
    ck_assert(wire_program_closed(w));
    gateway_end();
}
END_TEST

/* ---- what is told ---- */

/* It is no request of anybody's. */
START_TEST(it_is_logged_and_not_counted)
{
    gateway_keep_log();
    begin_stale(ROUTE("cache: {mode: always, ttl: 10s, stale_while_revalidate: 60s}") ALONE);
    ck_stale(chat("", ""), OLD);
    answer(&a, 200, NEW);
    const char *log = gateway_log();
    ck_assert_msg(strstr(log, "\"status\":200,\"cache\":\"stale\",\"cache_age\":10,\"saved_tokens\":5,") != NULL, "%s",
                  log);
    const char *renewal = strstr(log, "\"renewal\":true");
    ck_assert_msg(renewal != NULL && !strstr(renewal + 1, "\"renewal\""), "%s", log);
    ck_assert_msg(strstr(renewal, "\"tokens\":{\"prompt\":3,\"completion\":2,") != NULL, "%s", log);
    ck_assert_ptr_null(strstr(log, "\"client_gone\""));
    ck_assert_uint_eq(gateway_metric("dsgate_requests_total{endpoint=\"chat\",status=\"200\"}"), 2);
    ck_assert_uint_eq(gateway_metric("dsgate_requests_in_flight"), 0);
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 0);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_requests_total{result=\"stale\"}"), 1);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, an_old_answer_is_renewed);
    tcase_add_test(tests, one_renewal_is_enough);
    tcase_add_test(tests, its_time_is_exact);
    tcase_add_test(tests, who_asks_for_more_gets_more);
    tcase_add_test(tests, only_if_cached_takes_an_old_one);
    tcase_add_test(tests, each_form_is_renewed);
    tcase_add_test(tests, it_needs_no_client);
    tcase_add_test(tests, its_connection_goes_on);
    tcase_add_loop_test(tests, what_fails_leaves_the_old_one, 0, COUNT(failures));
    tcase_add_test(tests, it_is_tried_again);
    tcase_add_test(tests, a_renewal_is_joined);
    tcase_add_test(tests, a_renewal_that_fails_is_told);
    tcase_add_test(tests, a_drain_ends_it);
    tcase_add_test(tests, a_drain_ends_its_waiting);
    tcase_add_test(tests, a_drain_begins_none);
    tcase_add_test(tests, a_drain_leaves_it_to_who_has_joined);
    tcase_add_test(tests, a_stop_ends_it);
    tcase_add_test(tests, it_is_logged_and_not_counted);
}

TEST_MAIN_ADDING("cache_stale", add_tests)
