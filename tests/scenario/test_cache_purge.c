/* What is dropped before its time: by an operator, and by a reload that leaves less room. */
#include "cache.h"

#define OF_M  "{\"model\":\"m\",\"messages\":[" QUESTION "]}"
#define OF_N  "{\"model\":\"n\",\"messages\":[" QUESTION "]}"
#define KEY_A "Authorization: Bearer sk-of-a-first-one\r\n"
#define KEY_B "Authorization: Bearer sk-of-a-second-one\r\n"
#define ALL   (&(struct cache_selection){0})

/* ---- which ones ---- */

/* Two tenants have asked two models each. */
static const struct {
    const char *key, *body;
} kept[] = {{KEY_A, OF_M}, {KEY_A, OF_N}, {KEY_B, OF_M}, {KEY_B, OF_N}};
enum { A_M = 1, A_N = 2, B_M = 4, B_N = 8 };

static void keep_all(void)
{
    for (int i = 0; i < COUNT(kept); i++)
        ck_miss(post(CHAT, kept[i].key, kept[i].body), hello);
}

/* Those of `left` are there still. */
static void ck_left(unsigned left)
{
    for (int i = 0; i < COUNT(kept); i++) {
        if (left & 1u << i)
            ck_hit(post(CHAT, kept[i].key, kept[i].body), hello);
        else
            ck_miss(post(CHAT, kept[i].key, kept[i].body), hello);
    }
}

START_TEST(a_model_is_dropped)
{
    begin(ALWAYS);
    keep_all();
    gateway_purge(&(struct cache_selection){.model = "m"});
    ck_left(A_N | B_N);
    gateway_end();
}
END_TEST

/* By the key that its answers tell. */
START_TEST(a_key_is_dropped)
{
    struct cache_key key;
    begin(ALWAYS);
    keep_all();
    ck_hit(post(CHAT, KEY_B, OF_M), hello);
    ck_assert(cache_key_parse(&key, text_of(client_field("x-dsgate-cache-key"))));
    gateway_purge(&(struct cache_selection){.key = &key});
    ck_left(A_M | A_N | B_N);
    gateway_end();
}
END_TEST

START_TEST(all_are_dropped)
{
    begin(ALWAYS);
    keep_all();
    gateway_purge(ALL);
    ck_assert_uint_eq(gateway_memory().entries, 0);
    ck_left(0);
    gateway_end();
}
END_TEST

/* Of a caller that is listed: by its name. */
START_TEST(a_tenant_is_dropped)
{
    char of_a[DIGEST_HEX + 1];
    digest_sha256_hex(TEXT("sk-of-a-first-one"), of_a);
    char *yaml = mem_printf("callers: [{name: first, key_sha256: %s}]\n%s", of_a, ALWAYS);
    begin(yaml);
    keep_all();
    gateway_purge(&(struct cache_selection){.tenant = "caller-first"});
    ck_left(B_M | B_N);
    gateway_purge(&(struct cache_selection){.tenant = "caller-first", .model = "n"});
    ck_left(A_M | B_M | B_N);
    gateway_end();
    mem_free(yaml);
}
END_TEST

/* ---- while it is under way ---- */

/* It is given to who waits for it, and not kept; who comes after the purge does not wait for it. */
START_TEST(what_is_under_way_is_not_kept)
{
    begin(ALWAYS);
    struct wire *first = chat("", STREAMED), *second = chat("", STREAMED);
    struct wire *w = begin_stream(&a, "1", "Hel");
    gateway_purge(ALL);
    struct wire *third = chat("", STREAMED);
    struct wire *other = begin_stream(&a, "1", "New");
    upstream_chunk(w, delta_text("1", "lo"));
    upstream_stream_finish(w);
    ck_given(first, "miss", STREAM("Hel", "lo"));
    ck_given(second, "joined", STREAM("Hel", "lo"));
    ck_assert_uint_eq(gateway_memory().entries, 0);
    upstream_stream_finish(other);
    ck_given(third, "miss", STREAM("New"));
    ck_hit(chat("", STREAMED), STREAM("New"));
    gateway_end();
}
END_TEST

/* Whatever was purged: nobody knows what is under way. */
START_TEST(a_purge_of_others_means_it_too)
{
    begin(ALWAYS);
    struct wire *client = chat("", "");
    gateway_purge(&(struct cache_selection){.model = "n"});
    answer(&a, 200, hello);
    ck_given(client, "miss", hello);
    ck_miss(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* The old answer that is on its way goes on, but neither it nor its renewal is there afterwards. */
START_TEST(a_renewal_is_not_kept)
{
    begin(CACHE("mode: always, ttl: 10s, stale_while_revalidate: 60s") ALONE);
    ck_miss(chat("", ""), hello);
    fake_run(10 * SEC);
    ck_given(chat("", ""), "stale", hello);
    gateway_purge(ALL);
    answer(&a, 200, SAYING("Old"));
    ck_assert_uint_eq(gateway_memory().entries, 0);
    ck_miss(chat("", ""), SAYING("New"));
    gateway_end();
}
END_TEST

/* Whoever has no client left, but followers, too. */
START_TEST(what_was_left_behind_is_not_kept)
{
    begin(ALWAYS);
    struct wire *first = chat("", ""), *second = chat("", "");
    wire_reset(first);
    gateway_purge(ALL);
    answer(&a, 200, hello);
    ck_given(second, "joined", hello);
    ck_assert_uint_eq(gateway_memory().entries, 0);
    gateway_end();
}
END_TEST

/* An old answer that was found before the purge is still better than none. */
START_TEST(a_spare_one_outlives_it)
{
    begin(QUIET ROUTE("hedge: off, retry: {attempts: 1}, cache: {mode: always, ttl: 10s}, fallback: [stale]") ALONE);
    ck_miss(chat("", ""), hello);
    fake_run(10 * SEC);
    struct wire *client = chat("", "");
    gateway_purge(ALL);
    answer(&a, 503, busy);
    ck_given(client, "stale", hello);
    ck_assert_uint_eq(gateway_memory().entries, 0);
    gateway_end();
}
END_TEST

/* ---- room ---- */

#define ROOM(memory) "cache: {memory: " memory "}\n" ALWAYS

/* So many answers of 30 KB each. */
static void fill(int n)
{
    char *text = long_text(30000), *said = mem_printf(SAYING("%s"), text);
    for (int i = 0; i < n; i++) {
        char *members = mem_printf(",\"n\":%d", i);
        ck_miss(chat("", members), said);
        mem_free(members);
    }
    mem_free(said);
    mem_free(text);
}

START_TEST(a_reload_may_take_room_away)
{
    begin(ROOM("4MB"));
    fill(100);
    ck_assert_uint_eq(gateway_memory().entries, 100);
    gateway_reload(ROOM("1MB"));
    ck_assert_uint_le(gateway_memory().bytes, 1 << 20);
    ck_assert_uint_ge(gateway_memory().entries, 20);
    ck_assert_uint_eq(gateway_memory().limit, 1 << 20);
    gateway_reload(ROOM("4MB"));
    ck_miss(chat("", ""), hello);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* With the cache turned off nothing is left for later. */
START_TEST(a_reload_may_take_all_room_away)
{
    begin(ROOM("1MB"));
    ck_miss(chat("", ""), hello);
    gateway_reload("cache: {memory: 0}\n" CACHE("mode: off") ALONE);
    ck_assert_uint_eq(gateway_memory().entries, 0);
    gateway_reload(ROOM("1MB"));
    ck_miss(chat("", ""), hello);
    ck_hit(chat("", ""), hello);
    gateway_end();
}
END_TEST

/* Those under way keep to the limit that they began with. */
START_TEST(a_reload_may_lower_what_an_entry_takes)
{
    char *text = long_text(2000), *said = mem_printf(SAYING("%s"), text);
    begin("cache: {entry: 4KB}\n" ALWAYS);
    struct wire *client = chat("", "");
    gateway_reload("cache: {entry: 1KB}\n" ALWAYS);
    answer(&a, 200, said);
    ck_given(client, "miss", said);
    ck_hit(chat("", ""), said);
    ck_miss(chat("", ",\"n\":1"), said);
    ck_miss(chat("", ",\"n\":1"), said);
    mem_free(said);
    mem_free(text);
    gateway_end();
}
END_TEST

TEST_MAIN("cache_purge", a_model_is_dropped, a_key_is_dropped, all_are_dropped, a_tenant_is_dropped,
          what_is_under_way_is_not_kept, a_purge_of_others_means_it_too, a_renewal_is_not_kept,
          what_was_left_behind_is_not_kept, a_spare_one_outlives_it, a_reload_may_take_room_away,
          a_reload_may_take_all_room_away, a_reload_may_lower_what_an_entry_takes)
