#include "dsgate/llm/endpoint.h"
#include "dsgate/sched/outcome.h"
#include "metrics_fixture.h"
#include <pthread.h>
#include <unistd.h>

static void ended(struct metrics_request r)
{
    metrics_request_began(shard);
    metrics_request_ended(shard, &r);
}

#define HISTOGRAM(name, le) name "_bucket{le=\"" le "\"}"

START_TEST(test_nothing_counted)
{
    scrape();
    ck_assert_str_eq(value("dsgate_requests_in_flight"), "0");
    ck_assert_str_eq(value("dsgate_waiting{class=\"P0\"}"), "0");
    ck_assert_str_eq(value("dsgate_queue_seconds_count{class=\"P3\"}"), "0");
    ck_assert_str_eq(value("dsgate_queue_seconds_sum{class=\"P0\"}"), "0.000000");
    ck_assert_str_eq(value("dsgate_sheds_total{class=\"P2\",reason=\"late\"}"), "0");
    ck_assert_str_eq(value("dsgate_picks_by_policy_total{policy=\"affinity\"}"), "0");
    ck_assert_str_eq(value("dsgate_failures_total{code=\"model_not_found\"}"), "0");
    ck_assert_str_eq(value("dsgate_build_info{version=\"" DSGATE_VERSION "\"}"), "1");
    ck_assert_uint_eq(text_find(buf_text(&page), TEXT("\ndsgate_requests_total{")), buf_len(&page));
    promtool_must_agree();
}
END_TEST

START_TEST(test_requests_by_endpoint_and_status)
{
    const struct endpoint *chat = endpoint_find(TEXT("/v1/chat/completions"));
    static const struct {
        unsigned status;
        const char *label;
    } statuses[] = {{200, "200"}, {0, "none"},  {299, "other"},        {429, "429"},
                    {503, "503"}, {505, "505"}, {4000000000u, "other"}};
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        ended((struct metrics_request){.endpoint = chat, .status = statuses[i].status});
    ended((struct metrics_request){.status = 404});
    ended((struct metrics_request){.endpoint = endpoint_find(TEXT("/v1/messages")), .status = 200});
    ended((struct metrics_request){.endpoint = endpoint_find(TEXT("/anthropic/v1/messages")), .status = 200});
    scrape();
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        char series[100];
        snprintf(series, sizeof series, "dsgate_requests_total{endpoint=\"chat\",status=\"%s\"}", statuses[i].label);
        ck_assert_str_eq(value(series), strcmp(statuses[i].label, "other") ? "1" : "2");
    }
    ck_assert_str_eq(value("dsgate_requests_total{endpoint=\"unknown\",status=\"404\"}"), "1");
    ck_assert_str_eq(value("dsgate_requests_total{endpoint=\"messages\",status=\"200\"}"), "2");
    promtool_must_agree();
}
END_TEST

START_TEST(test_failures_and_retries)
{
    ended((struct metrics_request){.status = 503, .failure = FAIL_QUEUE_FULL});
    ended((struct metrics_request){.status = 503, .failure = FAIL_QUEUE_FULL, .attempts = 4});
    ended((struct metrics_request){.status = 200, .attempts = 1});
    scrape();
    ck_assert_str_eq(value("dsgate_failures_total{code=\"gateway_queue_full\"}"), "2");
    ck_assert_str_eq(value("dsgate_failures_total{code=\"invalid_json\"}"), "0");
    ck_assert_str_eq(value("dsgate_retries_total"), "3");
}
END_TEST

START_TEST(test_in_flight)
{
    struct metrics_shard *other = metrics_shard_new(m);
    metrics_request_began(shard);
    metrics_request_began(shard);
    metrics_request_began(other);
    scrape();
    ck_assert_str_eq(value("dsgate_requests_in_flight"), "3");
    metrics_request_ended(shard, &(struct metrics_request){.status = 200});
    metrics_request_ended(other, &(struct metrics_request){.status = 200});
    scrape();
    ck_assert_str_eq(value("dsgate_requests_in_flight"), "1");
    ck_assert_str_eq(value("dsgate_requests_total{endpoint=\"unknown\",status=\"200\"}"), "2");
}
END_TEST

START_TEST(test_buckets)
{
    static const struct {
        usec_t time;
        const char *below, *from; /* the last bucket without and the first with it */
    } rows[] = {{5000, NULL, "0.005"},     {5001, "0.005", "0.01"},    {250000, "0.1", "0.25"}, {250001, "0.25", "0.5"},
                {600000000, "300", "600"}, {600000001, "600", "+Inf"}, {-7, NULL, "0.005"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char series[100];
        tear_down();
        page = (struct buf){0};
        set_up();
        ended((struct metrics_request){.first_token = rows[i].time});
        scrape();
        snprintf(series, sizeof series, HISTOGRAM("dsgate_first_token_seconds", "%s"), rows[i].from);
        ck_assert_str_eq(value(series), "1");
        snprintf(series, sizeof series, HISTOGRAM("dsgate_first_token_seconds", "%s"),
                 rows[i].below ? rows[i].below : "none");
        ck_assert_str_eq(value(series), rows[i].below ? "0" : "");
        ck_assert_str_eq(value(HISTOGRAM("dsgate_first_token_seconds", "+Inf")), "1");
    }
    ck_assert_str_eq(value("dsgate_first_token_seconds_sum"), "0.000000"); /* of the time below zero */
}
END_TEST

START_TEST(test_times)
{
    ended((struct metrics_request){.duration = 1500000, .streamed = true, .first_token = 400000, .attempts = 1});
    ended((struct metrics_request){.duration = 2500001, .streamed = true});
    ended((struct metrics_request){.duration = 7000});
    scrape();
    ck_assert_str_eq(value("dsgate_request_duration_seconds_bucket{stream=\"true\",le=\"1\"}"), "0");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_bucket{stream=\"true\",le=\"2.5\"}"), "1");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_bucket{stream=\"true\",le=\"+Inf\"}"), "2");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_sum{stream=\"true\"}"), "4.000001");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_count{stream=\"false\"}"), "1");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_sum{stream=\"false\"}"), "0.007000");
    ck_assert_str_eq(value("dsgate_first_token_seconds_count"), "1");
    ck_assert_str_eq(value("dsgate_first_token_seconds_sum"), "0.400000");
    promtool_must_agree();
}
END_TEST

START_TEST(test_waits_by_class)
{
    ended((struct metrics_request){.priority = PRIORITY_P0, .attempts = 1});
    ended((struct metrics_request){.priority = PRIORITY_P0, .attempts = 1, .queued = 30000});
    ended((struct metrics_request){.priority = PRIORITY_P3, .queued = 2000000}); /* it has left, or waited in vain */
    ended((struct metrics_request){.priority = PRIORITY_P3});                    /* it never was in the queue */
    ended((struct metrics_request){.priority = PRIORITY_COUNT, .attempts = 1, .queued = 7});
    scrape();
    ck_assert_str_eq(value("dsgate_queue_seconds_count{class=\"P0\"}"), "2");
    ck_assert_str_eq(value("dsgate_queue_seconds_sum{class=\"P0\"}"), "0.030000");
    ck_assert_str_eq(value("dsgate_queue_seconds_bucket{class=\"P0\",le=\"0.025\"}"), "1");
    ck_assert_str_eq(value("dsgate_queue_seconds_bucket{class=\"P0\",le=\"0.05\"}"), "2");
    ck_assert_str_eq(value("dsgate_queue_seconds_count{class=\"P1\"}"), "0");
    ck_assert_str_eq(value("dsgate_queue_seconds_count{class=\"P2\"}"), "0");
    ck_assert_str_eq(value("dsgate_queue_seconds_count{class=\"P3\"}"), "1");
    ck_assert_str_eq(value("dsgate_queue_seconds_sum{class=\"P3\"}"), "2.000000");
    promtool_must_agree();
}
END_TEST

START_TEST(test_sheds)
{
    ended((struct metrics_request){.priority = PRIORITY_P2, .failure = FAIL_QUEUE_FULL});
    ended((struct metrics_request){.priority = PRIORITY_P2, .failure = FAIL_QUEUE_FULL});
    ended((struct metrics_request){.priority = PRIORITY_P3, .failure = FAIL_QUEUE_LATE});
    ended((struct metrics_request){.priority = PRIORITY_P1, .failure = FAIL_UPSTREAMS_CLOSED});
    ended((struct metrics_request){.priority = PRIORITY_P0, .failure = FAIL_QUEUE_TIMEOUT, .queued = 60000000});
    ended((struct metrics_request){.priority = PRIORITY_P0, .failure = FAIL_DEADLINE});
    ended((struct metrics_request){.priority = PRIORITY_COUNT, .failure = FAIL_QUEUE_FULL});
    scrape();
    static const char *const reasons[] = {"full", "late", "closed", "timeout"};
    static const char *const expected[PRIORITY_COUNT][4] = {
        {"0", "0", "0", "1"}, {"0", "0", "1", "0"}, {"2", "0", "0", "0"}, {"0", "1", "0", "0"}};
    for (int class = 0; class < PRIORITY_COUNT; class ++) {
        for (int reason = 0; reason < COUNT(reasons); reason++) {
            char series[100];
            snprintf(series, sizeof series, "dsgate_sheds_total{class=\"P%d\",reason=\"%s\"}", class, reasons[reason]);
            ck_assert_str_eq(value(series), expected[class][reason]);
        }
    }
    ck_assert_str_eq(value("dsgate_failures_total{code=\"gateway_queue_full\"}"), "3");
    promtool_must_agree();
}
END_TEST

START_TEST(test_tokens_by_model)
{
    unsigned flash = metrics_model_slot(m, "flash"), odd = metrics_model_slot(m, "a\"b\\c\nd");
    struct usage usage = {.known = true, .prompt = 10, .completion = 20, .cached = 3, .reasoning = 0};
    ck_assert_uint_eq(metrics_model_slot(m, "flash"), flash);
    ck_assert_uint_eq(metrics_model_slot(m, "other"), 0);
    ck_assert_uint_ne(flash, odd);
    ended((struct metrics_request){.model_slot = flash, .usage = usage});
    ended((struct metrics_request){.model_slot = flash, .usage = usage});
    ended((struct metrics_request){.model_slot = odd, .usage = usage});
    ended((struct metrics_request){.model_slot = 0, .usage = usage});
    ended((struct metrics_request){.model_slot = 100000, .usage = usage});
    ended((struct metrics_request){.model_slot = flash, .usage = {.known = false, .prompt = 1000}});
    ended((struct metrics_request){.model_slot = flash, .usage = {.known = true, .prompt = -5}});
    scrape();
    ck_assert_str_eq(value("dsgate_tokens_total{model=\"flash\",kind=\"prompt\"}"), "20");
    ck_assert_str_eq(value("dsgate_tokens_total{model=\"flash\",kind=\"completion\"}"), "40");
    ck_assert_str_eq(value("dsgate_tokens_total{model=\"flash\",kind=\"cached\"}"), "6");
    ck_assert_str_eq(value("dsgate_tokens_total{model=\"flash\",kind=\"reasoning\"}"), "");
    ck_assert_str_eq(value("dsgate_tokens_total{model=\"a\\\"b\\\\c\\nd\",kind=\"prompt\"}"), "10");
    ck_assert_str_eq(value("dsgate_tokens_total{model=\"other\",kind=\"prompt\"}"), "20");
    promtool_must_agree();
}
END_TEST

START_TEST(test_model_slots_are_bounded)
{
    char name[16];
    for (unsigned i = 0; i < METRICS_MODELS; i++) {
        snprintf(name, sizeof name, "model-%u", i);
        ck_assert_uint_eq(metrics_model_slot(m, name), i + 1);
    }
    ck_assert_uint_eq(metrics_model_slot(m, "one too many"), 0);
    ck_assert_uint_eq(metrics_model_slot(m, "model-255"), 256);
    ended((struct metrics_request){.model_slot = 256, .usage = {.known = true, .prompt = 7}});
    scrape();
    ck_assert_str_eq(value("dsgate_tokens_total{model=\"model-255\",kind=\"prompt\"}"), "7");
}
END_TEST

START_TEST(test_gauges_and_events)
{
    struct metrics_shard *other = metrics_shard_new(m);
    metrics_set(shard, METRICS_CONNECTIONS, 5);
    metrics_set(shard, METRICS_CONNECTIONS, 3);
    metrics_set(other, METRICS_CONNECTIONS, 4);
    metrics_set(other, METRICS_UPSTREAM_CONNECTIONS_BUSY, 2);
    metrics_set(other, METRICS_UPSTREAM_CONNECTIONS_IDLE, 9);
    metrics_set(other, METRICS_LOG_LINES_LOST, 11);
    metrics_count(shard, METRICS_MALFORMED);
    metrics_count(shard, METRICS_MALFORMED);
    metrics_count(other, METRICS_STREAMS_CUT);
    metrics_count(other, METRICS_CLIENT_GONE);
    metrics_refused_connection(m);
    scrape();
    ck_assert_str_eq(value("dsgate_connections"), "7");
    ck_assert_str_eq(value("dsgate_upstream_connections{state=\"busy\"}"), "2");
    ck_assert_str_eq(value("dsgate_upstream_connections{state=\"idle\"}"), "9");
    ck_assert_str_eq(value("dsgate_log_lines_lost_total"), "11");
    ck_assert_str_eq(value("dsgate_malformed_requests_total"), "2");
    ck_assert_str_eq(value("dsgate_streams_cut_total"), "1");
    ck_assert_str_eq(value("dsgate_clients_gone_total"), "1");
    ck_assert_str_eq(value("dsgate_connections_refused_total"), "1");
}
END_TEST

START_TEST(test_queue)
{
    static const struct metrics_queue queue = {.classes = {{.waiting = 1, .late = 0, .granted = 10, .queued = 2},
                                                           {.waiting = 0},
                                                           {.waiting = 6, .late = 5},
                                                           {.granted = UINT64_MAX}},
                                               .picks = {[POLICY_WEIGHTED] = 1,
                                                         [POLICY_LEAST_BUSY] = 2,
                                                         [POLICY_LATENCY] = 3,
                                                         [POLICY_COST] = 4,
                                                         [POLICY_AFFINITY] = 5}};
    static const struct {
        const char *series, *value;
    } rows[] = {{"dsgate_waiting{class=\"P0\"}", "1"},
                {"dsgate_waiting{class=\"P1\"}", "0"},
                {"dsgate_waiting{class=\"P2\"}", "6"},
                {"dsgate_waiting_late{class=\"P0\"}", "0"},
                {"dsgate_waiting_late{class=\"P2\"}", "5"},
                {"dsgate_queue_granted_total{class=\"P0\"}", "10"},
                {"dsgate_queue_granted_total{class=\"P3\"}", "18446744073709551615"},
                {"dsgate_queue_queued_total{class=\"P0\"}", "2"},
                {"dsgate_queue_queued_total{class=\"P3\"}", "0"},
                {"dsgate_picks_by_policy_total{policy=\"weighted\"}", "1"},
                {"dsgate_picks_by_policy_total{policy=\"least_busy\"}", "2"},
                {"dsgate_picks_by_policy_total{policy=\"latency\"}", "3"},
                {"dsgate_picks_by_policy_total{policy=\"cost\"}", "4"},
                {"dsgate_picks_by_policy_total{policy=\"affinity\"}", "5"}};
    scrape_with(&queue, NULL, 0);
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert_str_eq(value(rows[i].series), rows[i].value);
    promtool_must_agree();
}
END_TEST

static const struct metrics_target targets[] = {
    {.model = "flash", .breaker = METRICS_OPEN, .transitions = {1, 2, 3}, .picks = 40, .in_flight = 4, .limit = 8},
    {.model = "a\"b\\c\nd", .breaker = METRICS_HALF_OPEN, .picks = 5},
    {.model = "*"}};
static const struct metrics_upstream upstreams[] = {{.name = "a",
                                                     .up = true,
                                                     .draining = true,
                                                     .standing_by = true,
                                                     .has_quota = true,
                                                     .spent = true,
                                                     .in_flight = 3,
                                                     .weight = 5,
                                                     .keys_cooling = 2,
                                                     .limit = 40,
                                                     .outcomes = {10, 11, 12, 13, 14},
                                                     .today = {100, 20000, 0.125},
                                                     .targets = targets,
                                                     .target_count = 3},
                                                    {.name = "b-2.x@10.0.0.1:80", .weight = 1}};

START_TEST(test_upstreams)
{
    static const struct metrics_queue nobody;
    static const struct {
        const char *series, *value;
    } rows[] = {{"dsgate_upstream_up{upstream=\"a\"}", "1"},
                {"dsgate_upstream_up{upstream=\"b-2.x@10.0.0.1:80\"}", "0"},
                {"dsgate_upstream_draining{upstream=\"a\"}", "1"},
                {"dsgate_upstream_draining{upstream=\"b-2.x@10.0.0.1:80\"}", "0"},
                {"dsgate_upstream_in_flight{upstream=\"a\"}", "3"},
                {"dsgate_upstream_weight{upstream=\"a\"}", "5"},
                {"dsgate_upstream_keys_cooling{upstream=\"a\"}", "2"},
                {"dsgate_quota_used{upstream=\"a\",what=\"requests\"}", "100"},
                {"dsgate_quota_used{upstream=\"a\",what=\"tokens\"}", "20000"},
                {"dsgate_quota_used{upstream=\"a\",what=\"cost\"}", "0.125"},
                {"dsgate_quota_used{upstream=\"b-2.x@10.0.0.1:80\",what=\"cost\"}", ""},
                {"dsgate_upstream_standing_by{upstream=\"a\"}", "1"},
                {"dsgate_upstream_standing_by{upstream=\"b-2.x@10.0.0.1:80\"}", "0"},
                {"dsgate_upstream_spent{upstream=\"a\"}", "1"},
                {"dsgate_upstream_spent{upstream=\"b-2.x@10.0.0.1:80\"}", "0"},
                {"dsgate_upstream_concurrency_limit{upstream=\"a\"}", "40"},
                {"dsgate_upstream_concurrency_limit{upstream=\"b-2.x@10.0.0.1:80\"}", ""}};
    static const char *const outcomes[OUTCOME_COUNT] = {[OUTCOME_SUCCESS] = "success",
                                                        [OUTCOME_FAULT] = "fault",
                                                        [OUTCOME_BUSY] = "busy",
                                                        [OUTCOME_KEY] = "key",
                                                        [OUTCOME_NEUTRAL] = "neutral"};
    scrape_with(&nobody, upstreams, 2);
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert_str_eq(value(rows[i].series), rows[i].value);
    ck_assert_int_eq(OUTCOME_COUNT, METRICS_OUTCOMES);
    for (int o = 0; o < OUTCOME_COUNT; o++) {
        char series[100], number[16];
        snprintf(series, sizeof series, "dsgate_attempts_total{upstream=\"a\",outcome=\"%s\"}", outcomes[o]);
        snprintf(number, sizeof number, "%d", 10 + o);
        ck_assert_str_eq(value(series), number);
    }
    promtool_must_agree();
}
END_TEST

START_TEST(test_models_of_upstreams)
{
    static const struct metrics_queue nobody;
    static const struct {
        const char *series, *value;
    } rows[] = {{"dsgate_breaker_state{upstream=\"a\",model=\"flash\"}", "2"},
                {"dsgate_breaker_state{upstream=\"a\",model=\"a\\\"b\\\\c\\nd\"}", "1"},
                {"dsgate_breaker_state{upstream=\"a\",model=\"*\"}", "0"},
                {"dsgate_breaker_transitions_total{upstream=\"a\",model=\"flash\",to=\"closed\"}", "1"},
                {"dsgate_breaker_transitions_total{upstream=\"a\",model=\"flash\",to=\"half_open\"}", "2"},
                {"dsgate_breaker_transitions_total{upstream=\"a\",model=\"flash\",to=\"open\"}", "3"},
                {"dsgate_breaker_transitions_total{upstream=\"a\",model=\"*\",to=\"open\"}", "0"},
                {"dsgate_concurrency_limit{upstream=\"a\",model=\"flash\"}", "8"},
                {"dsgate_concurrency_limit{upstream=\"a\",model=\"*\"}", ""},
                {"dsgate_target_in_flight{upstream=\"a\",model=\"flash\"}", "4"},
                {"dsgate_target_in_flight{upstream=\"a\",model=\"*\"}", "0"},
                {"dsgate_picks_total{upstream=\"a\",model=\"flash\"}", "40"},
                {"dsgate_picks_total{upstream=\"a\",model=\"*\"}", "0"}};
    scrape_with(&nobody, upstreams, 2);
    for (int i = 0; i < COUNT(rows); i++)
        ck_assert_str_eq(value(rows[i].series), rows[i].value);
    promtool_must_agree();
}
END_TEST

START_TEST(test_process)
{
    scrape();
    ck_assert_int_gt(atoll(value("process_resident_memory_bytes")), 100000);
    ck_assert_int_ge(atoll(value("process_open_fds")), 3);
    ck_assert_int_ge(atoll(value("process_max_fds")), atoll(value("process_open_fds")));
    ck_assert_str_ne(value("process_cpu_seconds_total"), "");
    usec_t start = atoll(value("process_start_time_seconds")) * USEC_PER_SEC;
    ck_assert_int_le(start, clock_wall());
    ck_assert_int_gt(start, clock_wall() - 3600 * USEC_PER_SEC);
    int before = atoi(value("process_open_fds")), fd = dup(1);
    scrape();
    ck_assert_int_eq(atoi(value("process_open_fds")), before + 1);
    close(fd);
}
END_TEST

enum { REQUESTS = 20000 };

static void *count_many(void *arg)
{
    for (int i = 0; i < REQUESTS; i++) {
        metrics_request_began(arg);
        metrics_request_ended(arg, &(struct metrics_request){.status = 200, .duration = i});
    }
    return NULL;
}

START_TEST(test_scrapes_meanwhile)
{
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_many, metrics_shard_new(m)), 0);
    for (int i = 0; i < 20; i++)
        scrape();
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    scrape();
    ck_assert_str_eq(value("dsgate_requests_total{endpoint=\"unknown\",status=\"200\"}"), "40000");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_count{stream=\"false\"}"), "40000");
    ck_assert_str_eq(value("dsgate_requests_in_flight"), "0");
}
END_TEST

TEST_MAIN_WITH("metrics", set_up, tear_down, test_nothing_counted, test_requests_by_endpoint_and_status,
               test_failures_and_retries, test_in_flight, test_buckets, test_times, test_waits_by_class, test_sheds,
               test_tokens_by_model, test_model_slots_are_bounded, test_gauges_and_events, test_queue, test_upstreams,
               test_models_of_upstreams, test_process, test_scrapes_meanwhile)
