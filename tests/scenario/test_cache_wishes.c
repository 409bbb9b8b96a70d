/* What clients ask of the cache: in Cache-Control, and in the body's member `cache`. */
#include "cache.h"

#define NO_CACHE     "Cache-Control: no-cache\r\n"
#define NO_STORE     "Cache-Control: no-store\r\n"
#define ONLY_CACHED  "Cache-Control: only-if-cached\r\n"
#define MINE(wishes) ",\"cache\":{" wishes "}"

/* ---- a new answer, please ---- */

/* By either way of asking; what comes is the answer from then on. */
static const struct {
    const char *headers, *members;
} anew[] = {
    {NO_CACHE, ""},
    {"Cache-Control: NO-CACHE , foo=\"a,b\"\r\n", ""},
    {"Pragma: no-cache\r\n", ""},
    {"Cache-Control: max-age=0\r\n", ""},
    {"Cache-Control: max-age=nonsense\r\n", ""},
    {"", MINE("\"no-cache\":true")},
    {"", MINE("\"s-maxage\":0")},
    {"", MINE("\"no-cache\":true,\"no-store\":false,\"ttl\":null,\"unknown\":[1]")},
};

START_TEST(no_cache_fetches_anew)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), SAYING("Old"));
    ck_fetched(chat(anew[_i].headers, anew[_i].members), "bypass", SAYING("New"));
    ck_assert_uint_eq(strlen(client_field("x-dsgate-cache-key")), CACHE_KEY_HEX);
    ck_hit(chat("", ""), SAYING("New"));
    gateway_end();
}
END_TEST

/* It does not wait for an answer that was asked for earlier; those who come later may wait for its own. */
START_TEST(no_cache_joins_nobody)
{
    begin(ALWAYS);
    struct wire *first = chat("", "");
    struct wire *w = upstream_take(busy_wire(&a));
    struct wire *second = chat(NO_CACHE, "");
    struct wire *third = chat("", "");
    answer(&a, 200, SAYING("New"));
    ck_given(second, "bypass", SAYING("New"));
    ck_given(third, "joined", SAYING("New"));
    upstream_json(w, 200, SAYING("Old"));
    ck_given(first, "miss", SAYING("Old"));
    gateway_end();
}
END_TEST

/* ---- keep nothing ---- */

static const struct {
    const char *headers, *members;
} secret[] = {
    {NO_STORE, ""},
    {"", MINE("\"no-store\":true")},
    {"", MINE("\"ttl\":0")},
};

START_TEST(no_store_keeps_nothing)
{
    begin(ALWAYS);
    ck_miss(chat(secret[_i].headers, secret[_i].members), SAYING("Secret"));
    ck_assert_uint_eq(gateway_memory().entries, 0);
    ck_miss(chat("", ""), SAYING("Public"));
    ck_hit(chat(secret[_i].headers, secret[_i].members), SAYING("Public"));
    gateway_end();
}
END_TEST

/* What may not be kept is not shared either; but it may wait along with what is. */
START_TEST(no_store_is_not_followed)
{
    begin(ALWAYS);
    struct wire *first = chat(NO_STORE, "");
    struct wire *w = upstream_take(busy_wire(&a));
    struct wire *second = chat("", "");
    struct wire *third = chat(NO_STORE, "");
    answer(&a, 200, SAYING("Public"));
    ck_given(second, "miss", SAYING("Public"));
    ck_given(third, "joined", SAYING("Public"));
    upstream_json(w, 200, SAYING("Secret"));
    ck_given(first, "miss", SAYING("Secret"));
    ck_hit(chat("", ""), SAYING("Public"));
    gateway_end();
}
END_TEST

START_TEST(neither_of_both_takes_no_part)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), SAYING("Old"));
    ck_fetched(chat("Cache-Control: no-cache, no-store\r\n", ""), "bypass", SAYING("New"));
    ck_assert_str_eq(client_field("x-dsgate-cache-key"), "");
    ck_fetched(chat(NO_STORE, MINE("\"no-cache\":true")), "bypass", SAYING("New"));
    ck_hit(chat("", ""), SAYING("Old"));
    gateway_end();
}
END_TEST

/* ---- not older than ---- */

START_TEST(max_age_is_exact)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), SAYING("Old"));
    fake_run(10 * SEC);
    ck_hit(chat("Cache-Control: max-age=10\r\n", ""), SAYING("Old"));
    ck_hit(chat("", MINE("\"s-maxage\":10")), SAYING("Old"));
    ck_hit(chat("Cache-Control: max-age=\"10\"\r\n", ""), SAYING("Old"));
    fake_run(1);
    ck_miss(chat("Cache-Control: max-age=10\r\n", ""), SAYING("New"));
    ck_hit(chat("", ""), SAYING("New"));
    gateway_end();
}
END_TEST

/* Of several the least counts. */
START_TEST(the_more_careful_wish_counts)
{
    begin(ALWAYS);
    ck_miss(chat("", ""), SAYING("Old"));
    fake_run(20 * SEC);
    ck_miss(chat("Cache-Control: max-age=10\r\n", MINE("\"s-maxage\":60")), SAYING("New"));
    fake_run(20 * SEC);
    ck_miss(chat("Cache-Control: max-age=60, max-age=10\r\n", ""), SAYING("Newer"));
    fake_run(20 * SEC);
    ck_miss(chat("Cache-Control: max-age=60\r\n", MINE("\"s-maxage\":90,\"s-max-age\":10")), SAYING("Newest"));
    gateway_end();
}
END_TEST

/* ---- only what is there ---- */

START_TEST(only_if_cached_asks_nobody)
{
    begin(ALWAYS);
    ck_error(chat(ONLY_CACHED, ""), 504, "not_cached");
    ck_assert_str_eq(client_field("x-should-retry"), "false");
    ck_assert_str_eq(client_field("x-dsgate-cache"), "miss");
    ck_assert_uint_eq(a.dials, 0);
    ck_miss(chat("", ""), hello);
    ck_hit(chat(ONLY_CACHED, ""), hello);
    fake_run(300 * SEC);
    ck_error(chat(ONLY_CACHED, ""), 504, "not_cached");
    ck_assert_uint_eq(calls(), 1);
    gateway_end();
}
END_TEST

/* Where nothing is cached at all, and where the list of models is asked for. */
START_TEST(only_if_cached_is_refused_elsewhere)
{
    begin(CACHE("mode: off") ALONE);
    ck_error(chat(ONLY_CACHED, ""), 504, "not_cached");
    ck_assert_str_eq(client_field("x-dsgate-cache"), "bypass");
    struct wire *client = gateway_connect();
    wire_send(client, TEXT("GET /v1/models HTTP/1.1\r\nHost: x\r\n" ONLY_CACHED "\r\n"));
    fake_settle();
    ck_error(client, 504, "not_cached");
    ck_assert_uint_eq(a.dials, 0);
    gateway_end();
}
END_TEST

/* An answer under way is not there yet. */
START_TEST(only_if_cached_waits_for_nobody)
{
    begin(ALWAYS);
    struct wire *first = chat("", "");
    ck_error(chat(ONLY_CACHED, ""), 504, "not_cached");
    answer(&a, 200, hello);
    ck_given(first, "miss", hello);
    gateway_end();
}
END_TEST

/* ---- for another time ---- */

START_TEST(its_own_time_counts)
{
    begin(CACHE("mode: always, ttl: 60s") ALONE);
    ck_miss(chat("", MINE("\"ttl\":600")), hello);
    fake_run(600 * SEC - 1);
    ck_hit(chat("", ""), hello);
    fake_run(1);
    ck_miss(chat("", MINE("\"ttl\":0.5")), hello);
    fake_run(SEC / 2 - 1);
    ck_hit(chat("", ""), hello);
    fake_run(1);
    ck_miss(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* Where others get the answer, too, only for a shorter one. */
START_TEST(what_is_shared_is_kept_no_longer)
{
    begin(CACHE("mode: always, ttl: 60s, scope: shared") ALONE);
    ck_miss(chat("", MINE("\"ttl\":600")), hello);
    fake_run(60 * SEC);
    ck_miss(chat("", MINE("\"ttl\":30")), hello);
    fake_run(30 * SEC);
    ck_miss(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* ---- the member itself ---- */

/* It is between the client and the gateway. */
START_TEST(the_upstream_does_not_see_it)
{
    static const struct {
        const char *members, *rest;
    } rows[] = {
        {MINE("\"ttl\":60,\"namespace\":\"n\""), ""},
        {",\"n\":1" MINE("\"no-store\":true"), ",\"n\":1"},
        {MINE("") ",\"n\":1", ",\"n\":1"},
        {",\"cache\":null,\"n\":1", ",\"n\":1"},
    };
    for (int i = 0; i < 2 * COUNT(rows); i++) {
        begin(i % 2 ? ALWAYS : CACHE("mode: off") ALONE);
        struct wire *client = chat("", rows[i / 2].members);
        struct wire *w = upstream_take(busy_wire(&a));
        char *expected = mem_printf("{\"model\":\"m\",\"messages\":[" QUESTION "]%s}", rows[i / 2].rest);
        ck_assert_str_eq(taken_body, expected);
        mem_free(expected);
        upstream_json(w, 200, hello);
        ck_answer(client, 200, hello);
        gateway_end();
    }
}
END_TEST

static const struct {
    const char *member, *told;
} malformed[] = {
    {",\"cache\":true", "'cache'"},
    {",\"cache\":\"no-cache\"", "'cache'"},
    {MINE("\"ttl\":\"60\""), "'cache.ttl'"},
    {MINE("\"ttl\":-1"), "'cache.ttl'"},
    {MINE("\"s-maxage\":-0.1"), "'cache.s-maxage'"},
    {MINE("\"no-cache\":1"), "'cache.no-cache'"},
    {MINE("\"no-store\":\"true\""), "'cache.no-store'"},
    {MINE("\"namespace\":7"), "'cache.namespace'"},
    {MINE("\"namespace\":\"a\\nb\""), "'cache.namespace'"},
    {MINE("\"ttl\":60") MINE("\"ttl\":61"), "appears twice"},
};

START_TEST(a_mistake_is_told)
{
    begin(ALWAYS);
    struct client_answer got = client_read(chat("", malformed[_i].member));
    ck_assert_uint_eq(got.status, 400);
    ck_assert_msg(strstr(got.body, malformed[_i].told) != NULL, "%s", got.body);
    mem_free(got.body);
    ck_assert_uint_eq(a.dials, 0);
    gateway_end();
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, no_cache_fetches_anew, 0, COUNT(anew));
    tcase_add_test(tests, no_cache_joins_nobody);
    tcase_add_loop_test(tests, no_store_keeps_nothing, 0, COUNT(secret));
    tcase_add_test(tests, no_store_is_not_followed);
    tcase_add_test(tests, neither_of_both_takes_no_part);
    tcase_add_test(tests, max_age_is_exact);
    tcase_add_test(tests, the_more_careful_wish_counts);
    tcase_add_test(tests, only_if_cached_asks_nobody);
    tcase_add_test(tests, only_if_cached_is_refused_elsewhere);
    tcase_add_test(tests, only_if_cached_waits_for_nobody);
    tcase_add_test(tests, its_own_time_counts);
    tcase_add_test(tests, what_is_shared_is_kept_no_longer);
    tcase_add_test(tests, the_upstream_does_not_see_it);
    tcase_add_loop_test(tests, a_mistake_is_told, 0, COUNT(malformed));
}

TEST_MAIN_ADDING("cache_wishes", add_tests)
