#include "remote_fixture.h"

#define KEY  "0102030000000000000000000000000000000000000000000000000000000000"
#define NONE -2 /* not done yet */

static const struct cache_key key = {{1, 2, 3}};
static struct redis *redis;
static struct remote *worker;
static long long dropped;

static void set_up(void)
{
    begin_gateway();
    worker = connected_worker(&redis);
    buf_clear(&log_text);
    dropped = NONE;
}

static void tear_down(void)
{
    remote_free(worker);
    end_gateway();
}

static void on_done(void *arg, long long n)
{
    ck_assert_ptr_eq(arg, &dropped);
    dropped = n;
}

static bool purge(const struct cache_selection s) { return remote_purge(worker, &s, on_done, &dropped); }

/* The reply to SCAN: the next cursor, and n names. */
static void found(struct text cursor, size_t n)
{
    const struct redis_reply names[] = {{.type = REDIS_STRING, .text = TEXT("name1")},
                                        {.type = REDIS_STRING, .text = TEXT("name2")}};
    const struct redis_reply items[] = {{.type = REDIS_STRING, .text = cursor},
                                        {.type = REDIS_ARRAY, .items = names, .count = n}};
    fake_reply(redis, (struct redis_reply){.type = REDIS_ARRAY, .items = items, .count = 2});
}

static void unlinked(long long n) { fake_reply(redis, (struct redis_reply){.type = REDIS_INTEGER, .integer = n}); }

START_TEST(it_goes_on_to_the_end)
{
    ck_assert(purge((struct cache_selection){0}));
    ck_assert_int_eq(dropped, NONE);
    found(TEXT("18446744073709551615"), 2);
    expect_sent("SCAN 0 MATCH ds:1:*:*:* COUNT 500");
    unlinked(2);
    expect_sent("UNLINK name1 name2");
    found(TEXT("7"), 0);
    expect_sent("SCAN 18446744073709551615 MATCH ds:1:*:*:* COUNT 500");
    found(TEXT("0"), 1);
    expect_sent("SCAN 7 MATCH ds:1:*:*:* COUNT 500");
    ck_assert_int_eq(dropped, NONE);
    unlinked(0); /* expired meanwhile */
    expect_sent("UNLINK name1");
    ck_assert_int_eq(dropped, 2);
    ck_assert_uint_eq(redis->count, 0);
}
END_TEST

START_TEST(what_is_meant)
{
    static const struct {
        struct cache_selection selection;
        const char *sent;
    } rows[] = {{{.model = "m"}, "SCAN 0 MATCH ds:1:*:e53a3396f1ccdc77:* COUNT 500"},
                {{.tenant = "shared"}, "SCAN 0 MATCH ds:1:f4142d8ba8e8e822:*:* COUNT 500"},
                {{.key = &key}, "SCAN 0 MATCH ds:1:*:*:" KEY " COUNT 500"},
                {{.key = &key, .model = "m"}, "SCAN 0 MATCH ds:1:*:e53a3396f1ccdc77:" KEY " COUNT 500"}};
    for (int i = 0; i < COUNT(rows); i++) {
        ck_assert(purge(rows[i].selection));
        found(TEXT("0"), 0);
        expect_sent(rows[i].sent);
        ck_assert_int_eq(dropped, 0);
    }
    ck_assert(purge((struct cache_selection){.key = &key, .model = "m", .tenant = "shared"}));
    unlinked(1);
    expect_sent("UNLINK ds:1:f4142d8ba8e8e822:e53a3396f1ccdc77:" KEY);
    ck_assert_int_eq(dropped, 1);
}
END_TEST

START_TEST(one_at_a_time)
{
    ck_assert(purge((struct cache_selection){0}));
    ck_assert(!purge((struct cache_selection){.model = "m"}));
    found(TEXT("0"), 0);
    expect_sent("SCAN 0 MATCH ds:1:*:*:* COUNT 500");
    ck_assert(purge((struct cache_selection){.model = "m"}));
}
END_TEST

START_TEST(not_connected)
{
    fake_disconnect(redis, "gone");
    ck_assert(!purge((struct cache_selection){0}));
    ck_assert(!purge((struct cache_selection){.key = &key, .model = "m", .tenant = "shared"}));
    ck_assert_int_eq(dropped, NONE);
    fake_connect(redis);
    ck_assert(purge((struct cache_selection){0}));
}
END_TEST

/* After one step that was good, each of these ends it. */
START_TEST(it_fails)
{
    static const struct redis_reply number = {.type = REDIS_INTEGER},
                                    bad_cursors[] = {{.type = REDIS_STRING, .text = TEXT("")},
                                                     {.type = REDIS_ARRAY},
                                                     {.type = REDIS_STRING, .text = TEXT("184467440737095516151234")},
                                                     {.type = REDIS_ARRAY}},
                                    no_names[] = {{.type = REDIS_STRING, .text = TEXT("1")}, {.type = REDIS_NIL}};
    static const struct redis_reply replies[] = {{.type = REDIS_ERROR, .text = TEXT("ERR unknown command")},
                                                 {.type = REDIS_NIL},
                                                 {.type = REDIS_ARRAY},
                                                 {.type = REDIS_ARRAY, .count = 1, .items = &number},
                                                 {.type = REDIS_ARRAY, .count = 2, .items = bad_cursors},
                                                 {.type = REDIS_ARRAY, .count = 2, .items = bad_cursors + 2},
                                                 {.type = REDIS_ARRAY, .count = 2, .items = no_names}};
    for (int i = 0; i < COUNT(replies); i++) {
        dropped = NONE;
        ck_assert(purge((struct cache_selection){0}));
        found(TEXT("1"), 0);
        fake_reply(redis, replies[i]);
        ck_assert_msg(dropped == -1, "row %d: %lld", i, dropped);
    }
    ck_assert_uint_eq(stats_of().errors, 1);
    expect_log("warn Redis redis://cache.test:6379/2 refuses commands of the cache: ERR unknown command\n");
}
END_TEST

START_TEST(unlink_fails)
{
    ck_assert(purge((struct cache_selection){0}));
    found(TEXT("1"), 1);
    fake_says(redis, REDIS_ERROR, TEXT("NOPERM no 'unlink' for you"));
    ck_assert_int_eq(dropped, -1);
    dropped = NONE;
    ck_assert(purge((struct cache_selection){0}));
    found(TEXT("1"), 1);
    redis->full = true;
    unlinked(1);
    ck_assert_int_eq(dropped, -1);
    redis->full = false;
    dropped = NONE;
    ck_assert(purge((struct cache_selection){0}));
    redis->full = true;
    found(TEXT("1"), 1);
    ck_assert_int_eq(dropped, -1);
}
END_TEST

START_TEST(the_server_goes_away)
{
    static const enum redis_failure failures[] = {REDIS_TIMEOUT, REDIS_LOST};
    for (int i = 0; i < COUNT(failures); i++) {
        dropped = NONE;
        ck_assert(purge((struct cache_selection){0}));
        fake_fail(redis, failures[i]);
        ck_assert_int_eq(dropped, -1);
    }
    ck_assert_uint_eq(stats_of().timeouts, 0); /* no questions */
}
END_TEST

/* With names or without: its cursor never comes back to where it began. */
START_TEST(it_does_not_go_on_for_ever)
{
    static const usec_t most = 300 * USEC_PER_SEC;
    for (size_t names = 0; names < 2; names++) {
        usec_t begun = fake_loop.now;
        dropped = NONE;
        ck_assert(purge((struct cache_selection){0}));
        for (; fake_loop.now - begun < most; fake_loop.now += USEC_PER_SEC) {
            ck_assert_int_eq(dropped, NONE);
            found(TEXT("7"), names);
            if (names) unlinked(1);
        }
        found(TEXT("7"), 0);
        ck_assert_int_eq(dropped, -1);
        ck_assert_uint_eq(redis->count, 0);
    }
    ck_assert(purge((struct cache_selection){0}));
}
END_TEST

static void free_worker(void *arg, long long n)
{
    remote_free(worker);
    worker = NULL;
}

static void purge_again(void *arg, long long n) { ck_assert(purge((struct cache_selection){.model = "m"})); }

START_TEST(who_hears_of_the_end_may_do_anything)
{
    const struct cache_selection all = {0};
    ck_assert(remote_purge(worker, &all, purge_again, NULL));
    found(TEXT("0"), 0);
    found(TEXT("0"), 0);
    expect_sent("SCAN 0 MATCH ds:1:*:e53a3396f1ccdc77:* COUNT 500");
    ck_assert_int_eq(dropped, 0);
    ck_assert(remote_purge(worker, &all, free_worker, NULL));
    found(TEXT("0"), 0);
    ck_assert_ptr_null(worker);
}
END_TEST

TEST_MAIN_WITH("remote_purge", set_up, tear_down, it_goes_on_to_the_end, what_is_meant, one_at_a_time, not_connected,
               it_fails, unlink_fails, the_server_goes_away, it_does_not_go_on_for_ever,
               who_hears_of_the_end_may_do_anything)
