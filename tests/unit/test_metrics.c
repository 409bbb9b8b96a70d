#include "dsgate/llm/endpoint.h"
#include "dsgate/meter/metrics.h"
#include "dsgate/sched/health.h"
#include "net_test.h"
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static struct metrics *m;
static struct metrics_shard *shard;
static struct buf page;

static void set_up(void)
{
    m = metrics_new();
    shard = metrics_shard_new(m);
}

static void tear_down(void)
{
    metrics_free(m);
    buf_free(&page);
}

static void scrape(const struct metrics_upstream *upstreams, size_t n, unsigned waiting)
{
    buf_clear(&page);
    metrics_write(m, upstreams, n, waiting, &page);
}

/* The value of a series as it is written; "" when there is no such series. */
static const char *value(const char *series)
{
    static char found[64];
    struct text line, name = text_of(series);
    found[0] = '\0';
    for (struct text rest = buf_text(&page); text_cut(&rest, '\n', &line);)
        if (text_starts(line, name) && line.n > name.n && line.p[name.n] == ' ')
            snprintf(found, sizeof found, TEXT_FORMAT, TEXT_ARGS(text_from(line, name.n + 1)));
    return found;
}

static void ended(struct metrics_request r)
{
    metrics_request_began(shard);
    metrics_request_ended(shard, &r);
}

static void promtool_must_agree(void)
{
    if (system("command -v promtool >/dev/null 2>&1") != 0) return;
    FILE *f = popen("promtool check metrics", "w");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(page.data, 1, buf_len(&page), f), buf_len(&page));
    ck_assert_int_eq(pclose(f), 0);
}

#define HISTOGRAM(name, le) name "_bucket{le=\"" le "\"}"

START_TEST(test_nothing_counted)
{
    scrape(NULL, 0, 0);
    ck_assert_str_eq(value("dsgate_requests_in_flight"), "0");
    ck_assert_str_eq(value("dsgate_waiting"), "0");
    ck_assert_str_eq(value("dsgate_queue_seconds_count"), "0");
    ck_assert_str_eq(value("dsgate_queue_seconds_sum"), "0.000000");
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
    scrape(NULL, 0, 0);
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
    scrape(NULL, 0, 0);
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
    scrape(NULL, 0, 0);
    ck_assert_str_eq(value("dsgate_requests_in_flight"), "3");
    metrics_request_ended(shard, &(struct metrics_request){.status = 200});
    metrics_request_ended(other, &(struct metrics_request){.status = 200});
    scrape(NULL, 0, 0);
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
        scrape(NULL, 0, 0);
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
    ended((struct metrics_request){.duration = 2500001, .streamed = true, .queued = 30000});
    ended((struct metrics_request){.duration = 7000}); /* no attempt and no wait: it was never in the queue */
    scrape(NULL, 0, 0);
    ck_assert_str_eq(value("dsgate_request_duration_seconds_bucket{stream=\"true\",le=\"1\"}"), "0");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_bucket{stream=\"true\",le=\"2.5\"}"), "1");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_bucket{stream=\"true\",le=\"+Inf\"}"), "2");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_sum{stream=\"true\"}"), "4.000001");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_count{stream=\"false\"}"), "1");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_sum{stream=\"false\"}"), "0.007000");
    ck_assert_str_eq(value("dsgate_first_token_seconds_count"), "1");
    ck_assert_str_eq(value("dsgate_first_token_seconds_sum"), "0.400000");
    ck_assert_str_eq(value("dsgate_queue_seconds_count"), "2");
    ck_assert_str_eq(value("dsgate_queue_seconds_sum"), "0.030000");
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
    scrape(NULL, 0, 0);
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
    scrape(NULL, 0, 0);
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
    scrape(NULL, 0, 6);
    ck_assert_str_eq(value("dsgate_connections"), "7");
    ck_assert_str_eq(value("dsgate_upstream_connections{state=\"busy\"}"), "2");
    ck_assert_str_eq(value("dsgate_upstream_connections{state=\"idle\"}"), "9");
    ck_assert_str_eq(value("dsgate_log_lines_lost_total"), "11");
    ck_assert_str_eq(value("dsgate_malformed_requests_total"), "2");
    ck_assert_str_eq(value("dsgate_streams_cut_total"), "1");
    ck_assert_str_eq(value("dsgate_clients_gone_total"), "1");
    ck_assert_str_eq(value("dsgate_connections_refused_total"), "1");
    ck_assert_str_eq(value("dsgate_waiting"), "6");
}
END_TEST

START_TEST(test_upstreams)
{
    static const struct metrics_upstream upstreams[] = {
        {.name = "a", .up = true, .in_flight = 3, .weight = 5, .outcomes = {10, 11, 12, 13}},
        {.name = "b-2.x", .up = false, .weight = 1}};
    scrape(upstreams, 2, 0);
    ck_assert_str_eq(value("dsgate_upstream_up{upstream=\"a\"}"), "1");
    ck_assert_str_eq(value("dsgate_upstream_up{upstream=\"b-2.x\"}"), "0");
    ck_assert_str_eq(value("dsgate_upstream_in_flight{upstream=\"a\"}"), "3");
    ck_assert_str_eq(value("dsgate_upstream_weight{upstream=\"a\"}"), "5");
    static const char *const outcomes[OUTCOME_COUNT] = {[OUTCOME_SUCCESS] = "success",
                                                        [OUTCOME_FAULT] = "fault",
                                                        [OUTCOME_BUSY] = "busy",
                                                        [OUTCOME_NEUTRAL] = "neutral"};
    for (int o = 0; o < OUTCOME_COUNT; o++) {
        char series[100], number[16];
        snprintf(series, sizeof series, "dsgate_attempts_total{upstream=\"a\",outcome=\"%s\"}", outcomes[o]);
        snprintf(number, sizeof number, "%d", 10 + o);
        ck_assert_str_eq(value(series), number);
    }
    promtool_must_agree();
}
END_TEST

START_TEST(test_process)
{
    scrape(NULL, 0, 0);
    ck_assert_int_gt(atoll(value("process_resident_memory_bytes")), 100000);
    ck_assert_int_ge(atoll(value("process_open_fds")), 3);
    ck_assert_int_ge(atoll(value("process_max_fds")), atoll(value("process_open_fds")));
    ck_assert_str_ne(value("process_cpu_seconds_total"), "");
    usec_t start = atoll(value("process_start_time_seconds")) * USEC_PER_SEC;
    ck_assert_int_le(start, clock_wall());
    ck_assert_int_gt(start, clock_wall() - 3600 * USEC_PER_SEC);
    int before = atoi(value("process_open_fds")), fd = dup(1);
    scrape(NULL, 0, 0);
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
        scrape(NULL, 0, 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    scrape(NULL, 0, 0);
    ck_assert_str_eq(value("dsgate_requests_total{endpoint=\"unknown\",status=\"200\"}"), "40000");
    ck_assert_str_eq(value("dsgate_request_duration_seconds_count{stream=\"false\"}"), "40000");
    ck_assert_str_eq(value("dsgate_requests_in_flight"), "0");
}
END_TEST

TEST_MAIN_WITH("metrics", set_up, tear_down, test_nothing_counted, test_requests_by_endpoint_and_status,
               test_failures_and_retries, test_in_flight, test_buckets, test_times, test_tokens_by_model,
               test_model_slots_are_bounded, test_gauges_and_events, test_upstreams, test_process,
               test_scrapes_meanwhile)
