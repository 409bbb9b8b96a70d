/* The fallback stale: an old answer when nothing newer is to be had. */
#include "cache.h"

#define OLD          SAYING("Old")
#define TIMES        "cache: {mode: always, ttl: 10s, stale_if_error: 60s}"
#define RULES(rungs) QUIET ROUTE("hedge: off, retry: {attempts: 1, jitter: 0%}, " TIMES ", fallback: [" rungs "]")
/* m is the clients' model, spare another one. */
#define MODELS        "upstreams:\n" UPSTREAM(a, ", models: {m: m}") UPSTREAM(b, ", models: {spare: s}")
#define LADDER(rungs) RULES(rungs) MODELS

/* Keeps an answer in this form, for so long. */
static void begin_old(const char *yaml, const char *form, const char *said, usec_t age)
{
    begin(yaml);
    struct wire *client = chat("", form);
    if (*form)
        answer_stream(&a, said);
    else
        answer(&a, 200, said);
    ck_given(client, "miss", said);
    fake_run(age);
}

/* The old answer, as such. */
#define ck_old(client, body, told_attempts) \
    do { \
        ck_given(client, "stale", body); \
        ck_assert_str_eq(client_field("x-dsgate-fallback"), "stale"); \
        ck_assert_str_eq(client_field("x-dsgate-attempts"), told_attempts); \
        ck_assert_str_eq(client_field("x-dsgate-upstream"), ""); \
    } while (0)

/* ---- when ---- */

START_TEST(an_old_answer_helps)
{
    begin_old(LADDER("stale"), "", OLD, 15 * SEC);
    struct wire *client = chat("", "");
    ck_assert_uint_eq(wire_received(client).n, 0);
    answer(&a, 503, busy);
    ck_old(client, OLD, "1");
    ck_assert_str_eq(client_field("age"), "15");
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "busy");
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_uint_eq(gateway_metric("dsgate_fallbacks_total{kind=\"stale\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_requests_total{result=\"stale\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_cache_saved_tokens_total{kind=\"completion\"}"), 2);
    gateway_end();
}
END_TEST

/* It gets no younger by that, and a new one takes its place. */
START_TEST(it_stays_old)
{
    begin_old(LADDER("stale"), "", OLD, 15 * SEC);
    for (int i = 0; i < 2; i++) {
        struct wire *client = chat("", "");
        answer(&a, 500, busy);
        ck_old(client, OLD, "1");
        fake_run(1 * SEC);
    }
    ck_assert_str_eq(client_field("age"), "16");
    ck_miss(chat("", ""), hello);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

START_TEST(its_time_is_exact)
{
    for (int late = 0; late < 2; late++) {
        begin_old(LADDER("stale"), "", OLD, 70 * SEC - 1 + late);
        struct wire *client = chat("", "");
        answer(&a, 503, busy);
        if (late)
            ck_answer(client, 503, busy);
        else
            ck_old(client, OLD, "1");
        gateway_end();
    }
}
END_TEST

/* Without the fallback it is not kept for that. */
START_TEST(it_must_be_wanted)
{
    begin_old(CACHE("mode: always, ttl: 10s") ALONE, "", OLD, 15 * SEC);
    struct wire *client = chat("", "");
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    gateway_end();
}
END_TEST

/* ---- in whichever way the others have failed ---- */

static void be_busy(void) { answer(&a, 503, busy); }
static void be_wrong(void) { answer(&a, 200, busy); }
static void refuse_key(void) { answer(&a, 401, busy); }
static void know_no_model(void) { answer(&a, 404, busy); }
/* The first connection was an old one, which may break. */
static void break_off(void)
{
    for (int i = 0; i < 2; i++)
        upstream_close(upstream_take(busy_wire(&a)));
}
static void hang(void) { fake_run(30 * SEC); }

static void (*const failures[])(void) = {be_busy, be_wrong, refuse_key, know_no_model, break_off, hang};

START_TEST(it_helps_against)
{
    begin_old("timeouts: {total: 20s}\n" LADDER("stale"), "", OLD, 15 * SEC);
    struct wire *client = chat("", "");
    failures[_i]();
    ck_old(client, OLD, "1");
    gateway_end();
}
END_TEST

/* Also when nobody was even asked. */
START_TEST(it_helps_against_a_full_queue)
{
    begin_old(
        "queue: {classes: {P2: {timeout: 0s}}}\n" RULES("stale") "upstreams:\n" UPSTREAM(a, ", max_concurrency: 1"), "",
        OLD, 15 * SEC);
    struct wire *other = chat("", ",\"n\":1");
    ck_old(chat("", ""), OLD, "0");
    answer(&a, 200, hello);
    ck_given(other, "miss", hello);
    gateway_end();
}
END_TEST

/* It is known that all upstreams rest, here for half a minute. */
START_TEST(what_will_not_come_soon_is_not_waited_for)
{
    begin_old(RULES("stale") "upstreams:\n" UPSTREAM(a, ", breaker: {failures: 1}"), "", OLD, 15 * SEC);
    struct wire *client = chat("", "");
    answer(&a, 500, busy);
    ck_old(client, OLD, "1");
    ck_old(chat("", ""), OLD, "0");
    gateway_end();
}
END_TEST

/* Nor does a turn that may come any moment take longer than a second. */
START_TEST(a_turn_is_waited_for_a_second)
{
    begin_old(RULES("stale") "upstreams:\n" UPSTREAM(a, ", max_concurrency: 1"), "", OLD, 15 * SEC);
    chat("", ",\"n\":1");
    struct wire *client = chat("", "");
    fake_run(1 * SEC - 1);
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(1);
    ck_old(client, OLD, "0");
    gateway_end();
}
END_TEST

/* The client's own mistakes are told. */
START_TEST(mistakes_are_told)
{
    begin_old(LADDER("stale"), "", OLD, 15 * SEC);
    struct wire *client = chat("", "");
    answer(&a, 400, busy);
    ck_answer(client, 400, busy);
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "");
    gateway_end();
}
END_TEST

/* What has been shown can't be taken back. */
START_TEST(after_a_token_it_is_too_late)
{
    begin_old(LADDER("stale"), "", OLD, 15 * SEC);
    struct wire *client = chat("", STREAMED);
    upstream_close(begin_stream(&a, "1", "Hel"));
    ck_assert(has_received(client, "upstream_cut") && !has_received(client, "Old"));
    gateway_end();
}
END_TEST

/* ---- for whom ---- */

START_TEST(wishes_count)
{
    static const struct {
        const char *headers;
        bool helps;
    } rows[] = {{"Cache-Control: max-age=20\r\n", true},
                {"Cache-Control: no-store\r\n", true},
                {"Cache-Control: max-age=14\r\n", false},
                {"Cache-Control: no-cache\r\n", false}};
    for (int i = 0; i < COUNT(rows); i++) {
        begin_old(LADDER("stale"), "", OLD, 15 * SEC);
        struct wire *client = chat(rows[i].headers, "");
        answer(&a, 503, busy);
        if (rows[i].helps)
            ck_old(client, OLD, "1");
        else
            ck_answer(client, 503, busy);
        gateway_end();
    }
    begin_old(LADDER("stale"), "", OLD, 15 * SEC);
    ck_error(chat("Cache-Control: only-if-cached\r\n", ""), 504, "not_cached");
    gateway_end();
}
END_TEST

/* Each who waits for the same answer gets it. */
START_TEST(everybody_who_waits_is_helped)
{
    begin_old(LADDER("stale"), "", OLD, 15 * SEC);
    struct wire *first = chat("", ""), *second = chat("", "");
    ck_assert_uint_eq(gateway_in_flight("a"), 1);
    answer(&a, 503, busy);
    ck_old(first, OLD, "1");
    ck_old(second, OLD, "0");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    gateway_end();
}
END_TEST

/* … and who has none of its own is told why the other has given up. */
START_TEST(who_has_no_old_answer_is_told)
{
    begin_old(
        "queue: {classes: {P2: {timeout: 5s}}}\n" RULES("stale") "upstreams:\n" UPSTREAM(a, ", max_concurrency: 1"), "",
        OLD, 15 * SEC);
    chat("", ",\"n\":1");
    upstream_take(busy_wire(&a));
    struct wire *first = chat("", ""), *second = chat("Cache-Control: max-age=1\r\n", "");
    ck_assert_uint_eq(gateway_waiting(), 1);
    fake_run(5 * SEC);
    ck_old(first, OLD, "0");
    ck_error(second, 503, "gateway_queue_timeout");
    gateway_end();
}
END_TEST

/* ---- in whichever form ---- */

START_TEST(an_old_stream_helps)
{
    begin_old(LADDER("stale"), STREAMED, STREAM("Old"), 15 * SEC);
    struct wire *client = chat("", STREAMED);
    answer(&a, 503, busy);
    ck_old(client, STREAM("Old"), "1");
    ck_assert_str_eq(client_field("content-type"), "text/event-stream");
    client = chat("", "");
    answer(&a, 503, busy);
    struct client_answer got = client_read(client);
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "stale");
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_ptr_nonnull(strstr(got.body, "\"content\":\"Old\""));
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* A client that has waited, and been given signs of life, gets it as it would get any other. */
START_TEST(it_may_follow_signs_of_life)
{
    for (int plain = 0; plain < 2; plain++) {
        begin_old(LADDER("stale"), plain ? "" : STREAMED, plain ? OLD : STREAM("Old"), 15 * SEC);
        struct wire *client = chat("", STREAMED);
        fake_run(20 * SEC);
        ck_assert(has_received(client, ": keep-alive\n\n"));
        answer(&a, 503, busy);
        struct client_answer got = client_read(client);
        ck_assert(got.complete && text_starts(text_of(got.body), TEXT(": keep-alive\n\ndata: ")));
        ck_assert(strstr(got.body, "\"content\":\"Old\"") && strstr(got.body, "data: [DONE]\n\n"));
        mem_free(got.body);
        gateway_end();
    }
}
END_TEST

/* Numbers have no other model, but an old answer is their own. */
START_TEST(embeddings_have_one)
{
    static const char vectors[] = "{\"data\":[{\"embedding\":[1]}]}", ask[] = "{\"model\":\"m\",\"input\":\"hi\"}";
    begin(LADDER("{model: spare}, stale"));
    ck_miss(post("/v1/embeddings", "", ask), vectors);
    fake_run(15 * SEC);
    struct wire *client = post("/v1/embeddings", "", ask);
    answer(&a, 503, busy);
    ck_old(client, vectors, "1");
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

/* ---- in order ---- */

START_TEST(rungs_have_their_order)
{
    begin_old(LADDER("{model: spare}, stale, {answer: later}"), "", OLD, 15 * SEC);
    struct wire *client = chat("", "");
    answer(&a, 503, busy);
    answer(&b, 503, busy);
    ck_old(client, OLD, "2");
    gateway_end();
    begin_old(LADDER("stale, {model: spare}, {answer: later}"), "", OLD, 15 * SEC);
    client = chat("", "");
    answer(&a, 503, busy);
    ck_old(client, OLD, "1");
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

/* With nothing old the next rung's turn comes. */
START_TEST(without_one_the_next_rung_helps)
{
    begin(LADDER("stale, {model: spare}"));
    struct wire *client = chat("", "");
    answer(&a, 503, busy);
    answer(&b, 200, hello);
    ck_given(client, "miss", hello);
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "model:spare");
    ck_assert_uint_eq(gateway_metric("dsgate_fallbacks_total{kind=\"stale\"}"), 0);
    gateway_end();
}
END_TEST

/* Both uses of old answers: first at once, while a new one is fetched; later only for want of one. */
START_TEST(it_comes_after_being_renewed)
{
    begin_old(QUIET ROUTE("hedge: off, retry: {attempts: 1}, cache: {mode: always, ttl: 10s, stale_while_revalidate: "
                          "20s, stale_if_error: 60s}, fallback: [stale]") ALONE,
              "", OLD, 15 * SEC);
    ck_given(chat("", ""), "stale", OLD);
    ck_assert_str_eq(client_field("x-dsgate-fallback"), "");
    answer(&a, 503, busy);
    fake_run(15 * SEC);
    struct wire *client = chat("", "");
    ck_assert_uint_eq(wire_received(client).n, 0);
    answer(&a, 503, busy);
    ck_old(client, OLD, "1");
    gateway_end();
}
END_TEST

START_TEST(the_log_tells)
{
    gateway_keep_log();
    begin_old(ROUTE("retry: {attempts: 1}, " TIMES ", fallback: [stale]") ALONE, "", OLD, 15 * SEC);
    struct wire *client = chat("", "");
    answer(&a, 503, busy);
    ck_old(client, OLD, "1");
    ck_assert_msg(strstr(gateway_log(), "\"attempts\":1,\"fallback\":\"stale\",\"reasons\":\"busy\",\"detail\":\"HTTP "
                                        "503, error_status\",\"cache\":\"stale\",\"cache_age\":15,\"saved_tokens\":5,"),
                  "%s", gateway_log());
    gateway_end();
}
END_TEST

/* Whose client has had signs of life gets none between the slices of it. */
START_TEST(no_signs_of_life_come_in_its_middle)
{
    char *text = long_text(300000);
    char *event = mem_printf("data: {\"id\":\"1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}\n\n",
                             text);
    char *old = mem_printf("%s%s%s", event, finish_event, done_event);
    char *all = mem_printf(": keep-alive\n\n%s", old);
    begin_old("timeouts: {commit: 1s}\n" LADDER("stale"), STREAMED, old, 15 * SEC);
    struct wire *slow = gateway_connect();
    wire_window(slow, 1000);
    client_post_chat(slow, STREAMED);
    fake_run(1 * SEC);
    answer(&a, 503, busy);
    fake_run(3 * SEC);
    wire_window(slow, 1000000);
    fake_settle();
    struct client_answer got = client_read(slow);
    ck_assert(got.complete);
    ck_assert(text_is(text_make(got.body, got.length), all));
    gateway_end();
    mem_free(got.body);
    mem_free(all);
    mem_free(old);
    mem_free(event);
    mem_free(text);
}
END_TEST

static void add_tests(TCase *tests)
{
    const TTest *const all[] = {an_old_answer_helps,
                                it_stays_old,
                                its_time_is_exact,
                                it_must_be_wanted,
                                it_helps_against_a_full_queue,
                                what_will_not_come_soon_is_not_waited_for,
                                a_turn_is_waited_for_a_second,
                                mistakes_are_told,
                                after_a_token_it_is_too_late,
                                wishes_count,
                                everybody_who_waits_is_helped,
                                who_has_no_old_answer_is_told,
                                an_old_stream_helps,
                                it_may_follow_signs_of_life,
                                embeddings_have_one,
                                rungs_have_their_order,
                                without_one_the_next_rung_helps,
                                it_comes_after_being_renewed,
                                the_log_tells};
    for (int i = 0; i < COUNT(all); i++)
        tcase_add_test(tests, all[i]);
    tcase_add_loop_test(tests, it_helps_against, 0, COUNT(failures));
    tcase_add_test(tests, no_signs_of_life_come_in_its_middle);
}

TEST_MAIN_ADDING("cache_ladder", add_tests)
