/* What the cache did for requests, and what a scrape tells of its levels. */
#include "metrics_fixture.h"

/* As they are called everywhere. */
static const struct {
    const char *name;
    enum cache_result result;
    bool entry;
} results[] = {{"bypass", CACHE_RESULT_BYPASS, false},        {"miss", CACHE_RESULT_MISS, false},
               {"hit-memory", CACHE_RESULT_HIT_MEMORY, true}, {"hit-redis", CACHE_RESULT_HIT_REDIS, true},
               {"joined", CACHE_RESULT_JOINED, false},        {"stale", CACHE_RESULT_STALE, true}};

START_TEST(test_results)
{
    ck_assert_int_eq(COUNT(results), CACHE_RESULT_COUNT);
    for (int i = 0; i < COUNT(results); i++) {
        ck_assert_str_eq(cache_result_name(results[i].result), results[i].name);
        ck_assert_int_eq(cache_result_is_entry(results[i].result), results[i].entry);
    }
}
END_TEST

START_TEST(test_requests_by_result)
{
    struct metrics_shard *other = metrics_shard_new(m);
    for (int i = 0; i < COUNT(results); i++) {
        for (int n = 0; n <= i; n++) {
            struct metrics_request r = {.status = 200, .cache = results[i].result};
            metrics_request_ended(n ? shard : other, &r);
        }
    }
    scrape();
    for (int i = 0; i < COUNT(results); i++) {
        char series[80], count[2] = {(char)('1' + i)};
        snprintf(series, sizeof series, "dsgate_cache_requests_total{result=\"%s\"}", results[i].name);
        ck_assert_str_eq(value(series), count);
    }
}
END_TEST

START_TEST(test_what_answers_were_good_for)
{
    metrics_count(shard, METRICS_CACHE_STORED);
    metrics_count(shard, METRICS_CACHE_STORED);
    metrics_count(shard, METRICS_CACHE_REVALIDATED);
    metrics_add(shard, METRICS_CACHE_SAVED_PROMPT, UINT32_MAX);
    metrics_add(metrics_shard_new(m), METRICS_CACHE_SAVED_PROMPT, 1);
    metrics_add(shard, METRICS_CACHE_SAVED_COMPLETION, 345);
    scrape();
    ck_assert_str_eq(value("dsgate_cache_stored_total"), "2");
    ck_assert_str_eq(value("dsgate_cache_revalidated_total"), "1");
    ck_assert_str_eq(value("dsgate_cache_saved_tokens_total{kind=\"prompt\"}"), "4294967296");
    ck_assert_str_eq(value("dsgate_cache_saved_tokens_total{kind=\"completion\"}"), "345");
    promtool_must_agree();
}
END_TEST

static const struct metrics_cache busy = {
    .memory = {.entries = 1,
               .bytes = 2,
               .limit = 3,
               .hits = 4,
               .misses = 5,
               .added = 6,
               .evicted = 7,
               .rejected = 8,
               .expired = 9,
               .purged = 10},
    .flights = 11,
    .followers = 12,
    .has_redis = true,
    .redis = {.up = 1,
              .hits = 14,
              .misses = 15,
              .timeouts = 16,
              .errors = 17,
              .skipped = 18,
              .foreign = 19,
              .version_unknown = 20,
              .damaged = 21,
              .misplaced = 22,
              .stored = 23,
              .dropped = UINT64_MAX},
};

static const struct {
    const char *series, *value;
} levels[] = {{"dsgate_cache_memory_entries", "1"},
              {"dsgate_cache_memory_bytes", "2"},
              {"dsgate_cache_memory_limit_bytes", "3"},
              {"dsgate_cache_memory_lookups_total{result=\"hit\"}", "4"},
              {"dsgate_cache_memory_lookups_total{result=\"miss\"}", "5"},
              {"dsgate_cache_memory_added_total", "6"},
              {"dsgate_cache_memory_removed_total{reason=\"evicted\"}", "7"},
              {"dsgate_cache_memory_removed_total{reason=\"rejected\"}", "8"},
              {"dsgate_cache_memory_removed_total{reason=\"expired\"}", "9"},
              {"dsgate_cache_memory_removed_total{reason=\"purged\"}", "10"},
              {"dsgate_cache_flights", "11"},
              {"dsgate_cache_followers", "12"},
              {"dsgate_cache_redis_up", "1"},
              {"dsgate_cache_redis_lookups_total{result=\"hit\"}", "14"},
              {"dsgate_cache_redis_lookups_total{result=\"miss\"}", "15"},
              {"dsgate_cache_redis_lookups_total{result=\"timeout\"}", "16"},
              {"dsgate_cache_redis_lookups_total{result=\"error\"}", "17"},
              {"dsgate_cache_redis_lookups_total{result=\"skipped\"}", "18"},
              {"dsgate_cache_redis_ignored_total{reason=\"foreign\"}", "19"},
              {"dsgate_cache_redis_ignored_total{reason=\"version\"}", "20"},
              {"dsgate_cache_redis_ignored_total{reason=\"damaged\"}", "21"},
              {"dsgate_cache_redis_ignored_total{reason=\"misplaced\"}", "22"},
              {"dsgate_cache_redis_stored_total", "23"},
              {"dsgate_cache_redis_dropped_total", "18446744073709551615"}};

/* Series begin at zero, so that rates and alerts see them begin; but there are none of what is not there. */
static void levels_must_be_told(bool memory, bool redis)
{
    for (int i = 0; i < COUNT(levels); i++) {
        bool of_redis = strstr(levels[i].series, "_redis_") != NULL;
        ck_assert_str_eq(value(levels[i].series), (of_redis ? redis : memory) ? "0" : "");
    }
    promtool_must_agree();
}

START_TEST(test_levels)
{
    scrape_cache(&busy);
    for (int i = 0; i < COUNT(levels); i++)
        ck_assert_str_eq(value(levels[i].series), levels[i].value);
    promtool_must_agree();
}
END_TEST

START_TEST(test_levels_that_are_not_there)
{
    scrape();
    levels_must_be_told(false, false);
    ck_assert_str_eq(value("dsgate_cache_requests_total{result=\"miss\"}"), "0");
    scrape_cache(&(struct metrics_cache){0});
    levels_must_be_told(true, false);
    scrape_cache(&(struct metrics_cache){.has_redis = true});
    levels_must_be_told(true, true);
}
END_TEST

TEST_MAIN_WITH("metrics of the cache", set_up, tear_down, test_results, test_requests_by_result,
               test_what_answers_were_good_for, test_levels, test_levels_that_are_not_there)
