/* What is counted of attempts beyond a request's first, and of those that failed. */
#include "metrics_fixture.h"

/* What is done for an answer beyond one attempt. */
static const struct {
    enum metrics_event event;
    const char *series;
} efforts[] = {{METRICS_HEDGES, "dsgate_hedges_total"},
               {METRICS_HEDGES_WON, "dsgate_hedges_won_total"},
               {METRICS_RETRIES_DENIED, "dsgate_retries_denied_total"},
               {METRICS_CONTINUED, "dsgate_continuations_total{result=\"continued\"}"},
               {METRICS_NOT_CONTINUED, "dsgate_continuations_total{result=\"failed\"}"},
               {METRICS_PLAIN_STREAMS, "dsgate_plain_streams_total"},
               {METRICS_FALLBACK_MODEL, "dsgate_fallbacks_total{kind=\"model\"}"},
               {METRICS_FALLBACK_ANSWER, "dsgate_fallbacks_total{kind=\"answer\"}"},
               {METRICS_FALLBACK_STALE, "dsgate_fallbacks_total{kind=\"stale\"}"}};

START_TEST(test_efforts)
{
    struct metrics_shard *other = metrics_shard_new(m);
    for (int i = 0; i < COUNT(efforts); i++)
        for (int n = 0; n <= i; n++)
            metrics_count(n ? shard : other, efforts[i].event);
    scrape();
    for (int i = 0; i < COUNT(efforts); i++) {
        char count[2] = {(char)('1' + i)};
        ck_assert_str_eq(value(efforts[i].series), count);
    }
    ck_assert_str_eq(value("dsgate_malformed_requests_total"), "0");
    promtool_must_agree();
}
END_TEST

START_TEST(test_wasted_tokens)
{
    metrics_add(shard, METRICS_WASTED_TOKENS, 7);
    metrics_add(shard, METRICS_WASTED_TOKENS, UINT32_MAX);
    metrics_add(metrics_shard_new(m), METRICS_WASTED_TOKENS, 1);
    scrape();
    ck_assert_str_eq(value("dsgate_wasted_tokens_total"), "4294967303");
}
END_TEST

#define FAILED(reason) value("dsgate_attempt_failures_total{reason=\"" reason "\"}")

START_TEST(test_reasons_of_failed_attempts)
{
    char cut[] = "cut"; /* the word counts, not where it stands */
    metrics_attempt_failed(shard, "busy");
    metrics_attempt_failed(shard, cut);
    metrics_attempt_failed(metrics_shard_new(m), "cut");
    metrics_attempt_failed(shard, "never heard of");
    metrics_attempt_failed(shard, "other");
    metrics_attempt_failed(shard, NULL);
    scrape();
    ck_assert_str_eq(FAILED("busy"), "1");
    ck_assert_str_eq(FAILED("cut"), "2"); /* and no second series of 0 */
    ck_assert_str_eq(FAILED("connect_timeout"), "0");
    ck_assert_str_eq(FAILED("other"), "3");
    ck_assert_str_eq(FAILED("never heard of"), "");
    promtool_must_agree();
}
END_TEST

START_TEST(test_reasons_are_bounded)
{
    static char words[METRICS_REASONS + 2][24];
    static const char *many[METRICS_REASONS + 3];
    for (int i = 0; i < COUNT(words); i++) {
        snprintf(words[i], sizeof words[i], "reason_%d", i);
        many[i] = words[i];
    }
    metrics_free(m);
    m = metrics_new(many);
    shard = metrics_shard_new(m);
    for (int i = 0; i < COUNT(words); i++)
        metrics_attempt_failed(shard, words[i]);
    scrape();
    ck_assert_str_eq(FAILED("reason_0"), "1");
    ck_assert_str_eq(FAILED("reason_47"), "1");
    ck_assert_str_eq(FAILED("reason_48"), "");
    ck_assert_str_eq(FAILED("other"), "2");
    metrics_free(m);
    m = metrics_new(NULL);
    metrics_attempt_failed(metrics_shard_new(m), "busy");
    scrape();
    ck_assert_str_eq(FAILED("busy"), "");
    ck_assert_str_eq(FAILED("other"), "1");
}
END_TEST

TEST_MAIN_WITH("metrics of attempts", set_up, tear_down, test_efforts, test_wasted_tokens,
               test_reasons_of_failed_attempts, test_reasons_are_bounded)
