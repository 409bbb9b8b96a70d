/* The admin port's pages, over a real scheduler that has no clock. */
#include "dsgate/base/log.h"
#include "dsgate/gate/admin.h"
#include "sched_test.h"

#define UPSTREAMS \
    "- {name: a, base_url: 'http://a.test/v1', api_key: sk-secret-1, max_concurrency: 1, zone: z, account: shared," \
    " models: {flash: up/flash}}\n" \
    "- {name: backup-b, base_url: 'http://b.test/v1', api_key: sk-secret-2, tier: backup, weight: 3}\n" \
    "zone: z\n"

enum { TICKETS = 120 };

static struct loop *loop;
static struct admin *admin;
static struct pool *pool;
static struct shared shared;
static struct sched_inbox inbox;
static struct ticket tickets[TICKETS];
static char answer[65536]; /* the whole of the last one, head and body */

static void ignore(struct ticket *ticket) { (void)ticket; }

static void set_up(void)
{
    log_set_level(LOG_ERROR);
    memset(tickets, 0, sizeof tickets);
    loop = loop_new();
    pool = make_pool(UPSTREAMS, NULL);
    shared = (struct shared){.sched = sched_new(),
                             .metrics = metrics_new(NULL),
                             .memory = cache_memory_new(0, 1),
                             .flights = flights_new(0)};
    sched_use_pool(shared.sched, pool, loop_now(loop));
    sched_inbox_open(shared.sched, &inbox, loop, ignore);
    admin = admin_new(loop, &shared);
    admin_use_pool(admin, pool);
}

static void tear_down(void)
{
    for (int i = 0; i < TICKETS; i++) {
        sched_cancel(shared.sched, &tickets[i], loop_now(loop));
        sched_release(shared.sched, &tickets[i].lease, &(struct result){.outcome = OUTCOME_NEUTRAL}, loop_now(loop));
    }
    run_turns(loop, 1);
    admin_free(admin);
    sched_inbox_close(&inbox);
    sched_free(shared.sched);
    pool_unref(pool);
    metrics_free(shared.metrics);
    cache_memory_free(shared.memory);
    flights_free(shared.flights);
    loop_free(loop);
}

/* Sends a request from that address and reads the answer; its status. */
static unsigned ask_from(const char *peer, const char *line, const char *fields, const char *body)
{
    struct address from;
    struct buf request = {0}, error = {0};
    int pair[2];
    make_pair(pair);
    ck_assert(address_parse(text_of(peer), 0, &from, &error));
    ck_assert(admin_adopt(admin, pair[0], &from, NULL));
    buf_printf(&request, "%s HTTP/1.1\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n%s", line, strlen(body),
               fields, body);
    ck_assert_int_eq(write(pair[1], request.data, buf_len(&request)), (ssize_t)buf_len(&request));
    run_turns(loop, 10);
    size_t length = 0;
    for (ssize_t n; (n = read(pair[1], answer + length, sizeof answer - 1 - length)) > 0;)
        length += (size_t)n;
    answer[length] = '\0';
    close(pair[1]);
    buf_free(&request);
    ck_assert_msg(!strncmp(answer, "HTTP/1.1 ", 9), "%s", answer);
    return (unsigned)atoi(answer + 9);
}

static unsigned get(const char *path)
{
    char line[300];
    snprintf(line, sizeof line, "GET %s", path);
    return ask_from("127.0.0.1:4000", line, "Host: dsgate.internal:8586\r\n", "");
}

#define LOCAL "Host: 127.0.0.1:8586\r\n"
#define JSON  "Content-Type: application/json\r\n"

static unsigned post(const char *path, const char *body)
{
    char line[300];
    snprintf(line, sizeof line, "POST %s", path);
    return ask_from("127.0.0.1:4000", line, LOCAL JSON, body);
}

static const char *body_of_answer(void)
{
    const char *end = strstr(answer, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    return end + 4;
}

static bool says(const char *part) { return strstr(answer, part) != NULL; }
#define ck_says(part) ck_assert_msg(says(part), "no %s in\n%s", part, answer)

static enum sched_answer ask(int i, const char *model, enum conf_priority priority, const char *label)
{
    tickets[i] = (struct ticket){.row = pool_find_model(pool, text_of(model)),
                                 .endpoint = endpoint_find(TEXT("/v1/chat/completions")),
                                 .policy = POLICY_WEIGHTED,
                                 .priority = priority,
                                 .caller = 1,
                                 .caller_weight = 1,
                                 .deadline = USEC_NEVER,
                                 .latest = USEC_NEVER,
                                 .inbox = &inbox,
                                 .label = label};
    return sched_ask(shared.sched, &tickets[i], loop_now(loop));
}

static struct upstream *upstream(const char *name) { return pool_find_upstream(pool, text_of(name)); }

static void take_down(const char *name)
{
    const struct health_rules rules = {.interval = USEC_PER_SEC, .down_after = 1, .up_after = 1};
    sched_note_probe(shared.sched, upstream(name)->state, &rules, false, loop_now(loop));
}

/* ---- /readyz ---- */

START_TEST(ready_while_one_upstream_is_neither_down_nor_drained)
{
    ck_assert_uint_eq(get("/readyz"), 200);
    ck_assert_str_eq(body_of_answer(), "{\"status\":\"ready\",\"upstreams_up\":2,\"upstreams\":2,"
                                       "\"models\":{\"flash\":true,\"*\":true}}\n");
    sched_set_draining(shared.sched, upstream("a"), true, loop_now(loop));
    ck_assert_uint_eq(get("/readyz"), 200);
    take_down("backup-b");
    ck_assert_uint_eq(get("/readyz"), 503);
    ck_assert_str_eq(body_of_answer(), "{\"status\":\"all upstreams are down or drained\",\"upstreams_up\":0,"
                                       "\"upstreams\":2,\"models\":{\"flash\":false,\"*\":false}}\n");
    sched_set_draining(shared.sched, upstream("a"), false, loop_now(loop));
    ck_assert_uint_eq(get("/readyz"), 200);
    admin_set_draining(admin);
    ck_assert_uint_eq(get("/readyz"), 503);
    ck_says("\"status\":\"draining\"");
    ck_assert_uint_eq(get("/healthz"), 200);
}
END_TEST

START_TEST(a_model_is_ready_while_somebody_is_open_for_it)
{
    ck_assert_uint_eq(get("/readyz/flash"), 200);
    take_down("backup-b");
    ck_assert_uint_eq(get("/readyz/flash"), 200);
    ck_assert_uint_eq(get("/readyz/any-other"), 503);
    ck_says("{\"status\":\"no upstream can take it now\"}");
    sched_set_draining(shared.sched, upstream("a"), true, loop_now(loop));
    ck_assert_uint_eq(get("/readyz/flash"), 503);
    sched_set_draining(shared.sched, upstream("a"), false, loop_now(loop));
    admin_set_draining(admin);
    ck_assert_uint_eq(get("/readyz/flash"), 503);
}
END_TEST

/* ---- /upstreams ---- */

START_TEST(one_upstream)
{
    ck_assert_uint_eq(get("/upstreams/a"), 200);
    ck_says("Content-Type: application/json\r\n");
    ck_assert_str_eq(
        body_of_answer(),
        "{\"name\":\"a\",\"base_url\":\"http://a.test/v1\",\"tier\":\"primary\",\"zone\":\"z\",\"account\":\"shared\","
        "\"max_concurrency\":1,\"configured_weight\":1,\"weight\":1,\"up\":true,\"draining\":false,"
        "\"standing_by\":false,\"peak\":false,\"in_flight\":0,\"keys\":1,\"keys_cooling\":0,\"next_probe_ms\":null,"
        "\"today\":null,\"spent_for_ms\":0.000,"
        "\"attempts\":{\"success\":0,\"fault\":0,\"busy\":0,\"key\":0,\"neutral\":0},"
        "\"models\":[{\"model\":\"up/flash\",\"breaker\":\"closed\",\"in_flight\":0,\"limit\":null,"
        "\"cools_for_ms\":0.000,\"first_token_ms\":null,\"failing\":0,\"picks\":0,\"opened\":0,\"half_opened\":0,"
        "\"closed\":0},{\"model\":\"*\",\"breaker\":\"closed\",\"in_flight\":0,\"limit\":null,"
        "\"cools_for_ms\":0.000,\"first_token_ms\":null,\"failing\":0,\"picks\":0,\"opened\":0,\"half_opened\":0,"
        "\"closed\":0}]}\n");
}
END_TEST

START_TEST(all_upstreams_without_their_keys)
{
    ck_assert_int_eq(ask(0, "flash", PRIORITY_P2, "r-0"), SCHED_GRANTED);
    take_down("backup-b");
    ck_assert_uint_eq(get("/upstreams"), 200);
    ck_assert_int_eq(strncmp(body_of_answer(), "{\"upstreams\":[{\"name\":\"a\",", 25), 0);
    ck_says("\"model\":\"up/flash\",\"breaker\":\"closed\",\"in_flight\":1,");
    ck_says(",{\"name\":\"backup-b\",\"base_url\":\"http://b.test/v1\",\"tier\":\"backup\",\"zone\":null,"
            "\"account\":null,\"max_concurrency\":null,\"configured_weight\":3,\"weight\":3,\"up\":false,");
    ck_assert(!says("secret"));
    ck_assert(text_ends(text_of(answer), TEXT("]}]}\n")));
}
END_TEST

START_TEST(an_open_breaker_and_a_cooling_limit)
{
    const struct result fault = {.outcome = OUTCOME_FAULT};
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(ask(0, "flash", PRIORITY_P2, "r-0"), SCHED_GRANTED);
        sched_release(shared.sched, &tickets[0].lease, &fault, loop_now(loop));
    }
    ck_assert_uint_eq(get("/upstreams/a"), 200);
    ck_says("\"fault\":5,");
    ck_says("\"model\":\"up/flash\",\"breaker\":\"open\",\"trials_in_ms\":");
    ck_says("\"picks\":5,\"opened\":1,\"half_opened\":0,\"closed\":0}");
    ck_assert_uint_eq(get("/metrics"), 200);
    ck_says("\ndsgate_breaker_state{upstream=\"a\",model=\"up/flash\"} 2\n");
    ck_says("\ndsgate_breaker_transitions_total{upstream=\"a\",model=\"up/flash\",to=\"open\"} 1\n");
    ck_says("\ndsgate_picks_total{upstream=\"a\",model=\"up/flash\"} 5\n");
    ck_says("\ndsgate_attempts_total{upstream=\"a\",outcome=\"fault\"} 5\n");
    ck_says("\ndsgate_queue_granted_total{class=\"P2\"} 5\n");
    ck_says("\ndsgate_picks_by_policy_total{policy=\"weighted\"} 5\n");
    ck_says("\ndsgate_breaker_state{upstream=\"backup-b\",model=\"flash\"} 0\n");
}
END_TEST

START_TEST(unknown_upstreams)
{
    ck_assert_uint_eq(get("/upstreams/bakcup-b"), 404);
    ck_says("\"message\":\"There is no upstream 'bakcup-b'; did you mean 'backup-b'?\"");
    ck_assert_uint_eq(get("/upstreams/nothing-like-it"), 404);
    ck_says("\"message\":\"There is no upstream 'nothing-like-it'; GET /upstreams lists them.\"");
    ck_assert_uint_eq(get("/upstreams/%61"), 200); /* escapes are resolved */
    ck_assert_uint_eq(get("/upstreams/%22%0a%zz%"), 404);
    ck_says("There is no upstream '\\\"\\n%zz%'");
    ck_assert_uint_eq(post("/upstreams/c", "{\"draining\":true}"), 404);
    ck_assert_uint_eq(get("/upstreams/"), 404);
    ck_assert_uint_eq(get("/upstream"), 404);
    ck_says("The admin port serves /healthz, /readyz, /metrics, /version, /upstreams, /queue and /cache.");
}
END_TEST

/* ---- changes ---- */

START_TEST(an_operator_drains_and_weighs)
{
    ck_assert_uint_eq(post("/upstreams/a", "{\"draining\":true}"), 200);
    ck_says("\"weight\":1,\"up\":true,\"draining\":true,");
    ck_assert_uint_eq(post("/upstreams/a", " {\"weight\" : 1000 } "), 200);
    ck_says("\"configured_weight\":1,\"weight\":1000,\"up\":true,\"draining\":true,");
    ck_assert_uint_eq(post("/upstreams/a", "{\"weight\":0,\"draining\":false}"), 200);
    ck_says("\"configured_weight\":1,\"weight\":1,\"up\":true,\"draining\":false,");
    ck_assert_uint_eq(get("/metrics"), 200);
    ck_says("\ndsgate_upstream_draining{upstream=\"a\"} 0\n");
}
END_TEST

START_TEST(who_waits_gets_what_is_put_back)
{
    for (int i = 0; i < 2; i++)
        sched_set_draining(shared.sched, &pool->upstreams[i], true, loop_now(loop));
    ck_assert_int_eq(ask(0, "flash", PRIORITY_P2, "r-0"), SCHED_WAITING);
    ck_assert_uint_eq(post("/upstreams/backup-b", "{\"draining\":false}"), 200);
    ck_assert_ptr_eq(tickets[0].lease.upstream, upstream("backup-b"));
}
END_TEST

#define EXPECTED \
    "; expected {\\\"draining\\\": true or false, \\\"weight\\\": 0 to 1000 (0: the config's)}, or one of the two."

static const struct {
    const char *body, *code, *message;
} bad_bodies[] = {
    {"", "invalid_json", "The body is not valid: nothing but white space at byte 0" EXPECTED},
    {"[]", "invalid_json", "The body is not valid: the top level is not an object at byte 0" EXPECTED},
    {"{\"draining\":true", "invalid_json", "The body is not valid: ends in the middle at byte 16" EXPECTED},
    {"{\"draining\":true,\"draining\":false}", "invalid_json",
     "The body is not valid: a member appears twice at byte 17" EXPECTED},
    {"{}", "invalid_type", "The body says nothing" EXPECTED},
    {"{\"draining\":1}", "invalid_type", "'draining' is neither true nor false" EXPECTED},
    {"{\"draining\":null}", "invalid_type", "'draining' is neither true nor false" EXPECTED},
    {"{\"draining\":true,\"weight\":1001}", "invalid_type", "'weight' is no whole number from 0 to 1000" EXPECTED},
    {"{\"weight\":-1}", "invalid_type", "'weight' is no whole number from 0 to 1000" EXPECTED},
    {"{\"weight\":1.5}", "invalid_type", "'weight' is no whole number from 0 to 1000" EXPECTED},
    {"{\"weight\":\"5\"}", "invalid_type", "'weight' is no whole number from 0 to 1000" EXPECTED},
    {"{\"weight\":99999999999999999999}", "invalid_type", "'weight' is no whole number from 0 to 1000" EXPECTED},
    {"{\"draining\":true,\"wieght\":5}", "invalid_type", "'wieght' is unknown" EXPECTED},
};

START_TEST(bad_bodies_change_nothing)
{
    char message[300], code[60];
    ck_assert_uint_eq(post("/upstreams/a", bad_bodies[_i].body), 400);
    snprintf(message, sizeof message, "\"message\":\"%s\"", bad_bodies[_i].message);
    snprintf(code, sizeof code, "\"code\":\"%s\"", bad_bodies[_i].code);
    ck_says(message);
    ck_says(code);
    ck_assert_uint_eq(get("/upstreams/a"), 200);
    ck_says("\"weight\":1,\"up\":true,\"draining\":false,");
}
END_TEST

START_TEST(long_bodies_are_refused)
{
    char body[5000];
    memset(body, ' ', sizeof body);
    memcpy(body, "{\"weight\":5}", 12);
    body[4096] = '\0';
    ck_assert_uint_eq(post("/upstreams/a", body), 200);
    body[4096] = ' ';
    body[4097] = '\0';
    ck_assert_uint_eq(post("/upstreams/a", body), 413);
}
END_TEST

/* A page in an operator's browser can send none of these. */
static const struct {
    const char *peer, *fields;
    unsigned status;
} senders[] = {
    {"127.0.0.1:1", LOCAL JSON, 200},
    {"127.0.0.1:1", LOCAL "content-type: Application/JSON ; charset=utf-8\r\n", 200},
    {"127.0.0.1:1", "Host: localhost:8586\r\n" JSON, 200},
    {"127.0.0.1:1", "Host: LocalHost\r\n" JSON, 200},
    {"[::1]:1", "Host: [::1]:8586\r\n" JSON, 200},
    {"[::1]:1", "Host: [::1]\r\n" JSON, 200},
    {"10.1.2.3:1", "Host: 10.0.0.1\r\n" JSON, 200},
    {"unix:/run/x", "Host: anything\r\n" JSON, 200},
    {"127.0.0.1:1", LOCAL, 400},
    {"127.0.0.1:1", LOCAL "Content-Type: text/plain\r\n", 400},
    {"127.0.0.1:1", LOCAL "Content-Type: application/x-www-form-urlencoded\r\n", 400},
    {"127.0.0.1:1", LOCAL "Content-Type: text/plain; application/json\r\n", 400},
    {"127.0.0.1:1", LOCAL "Content-Type: application/jsonx\r\n", 400},
    {"unix:/run/x", "Host: anything\r\n", 400},
    {"127.0.0.1:1", "Host: evil.example\r\n" JSON, 400},
    {"127.0.0.1:1", "Host: evil.example:8586\r\n" JSON, 400},
    {"127.0.0.1:1", "Host: localhost.evil.example\r\n" JSON, 400},
    {"127.0.0.1:1", "Host: 127.0.0.1.evil.example\r\n" JSON, 400},
    {"127.0.0.1:1", "Host: unix:80\r\n" JSON, 400},
    {"127.0.0.1:1", "Host: 0x7f.1\r\n" JSON, 400},
};

START_TEST(who_may_change_something)
{
    unsigned status = ask_from(senders[_i].peer, "POST /upstreams/a", senders[_i].fields, "{\"weight\":5}");
    ck_assert_msg(status == senders[_i].status, "%u for %s", status, senders[_i].fields);
    if (status == 400) ck_says("\"code\":\"invalid_header\"");
    ck_assert_uint_eq(get("/upstreams/a"), 200);
    ck_assert_int_eq(says("\"weight\":5,"), status == 200);
}
END_TEST

/* ---- methods ---- */

static const struct {
    const char *line;
    unsigned status;
    const char *allow; /* NULL: none */
} methods[] = {
    {"HEAD /upstreams", 200, NULL},
    {"HEAD /metrics", 200, NULL},
    {"POST /upstreams", 405, "Allow: GET, HEAD\r\n"},
    {"POST /metrics", 405, "Allow: GET, HEAD\r\n"},
    {"POST /queue/x", 405, "Allow: GET, HEAD\r\n"},
    {"DELETE /upstreams/a", 405, "Allow: GET, HEAD, POST\r\n"},
    {"PUT /upstreams/a", 405, "Allow: GET, HEAD, POST\r\n"},
    {"OPTIONS /upstreams/a", 405, "Allow: GET, HEAD, POST\r\n"}, /* a browser's question before a post */
    {"BREW /healthz", 405, "Allow: GET, HEAD\r\n"},
    {"POST /nowhere", 404, NULL},
};

START_TEST(methods_that_a_page_has)
{
    ck_assert_uint_eq(ask_from("127.0.0.1:1", methods[_i].line, LOCAL JSON, ""), methods[_i].status);
    if (methods[_i].allow) ck_says(methods[_i].allow);
    ck_assert(!says("Access-Control"));
}
END_TEST

/* ---- /queue ---- */

START_TEST(an_empty_queue)
{
    static const char class[] = "{\"waiting\":0,\"late\":0,\"oldest_ms\":0.000,\"turns_per_second\":null,"
                                "\"estimated_wait_ms\":null,\"granted\":0,\"queued\":0,"
                                "\"refused\":{\"full\":0,\"late\":0,\"closed\":0}}";
    char expected[2000];
    snprintf(expected, sizeof expected,
             "{\"waiting\":0,\"classes\":{\"P0\":%s,\"P1\":%s,\"P2\":%s,\"P3\":%s},\"next\":[]}\n", class, class, class,
             class);
    ck_assert_uint_eq(get("/queue"), 200);
    ck_assert_str_eq(body_of_answer(), expected);
}
END_TEST

/* Upstream a takes one call; the backup is out. */
static void fill(void)
{
    sched_set_draining(shared.sched, upstream("backup-b"), true, loop_now(loop));
    ck_assert_int_eq(ask(0, "flash", PRIORITY_P2, "r-0"), SCHED_GRANTED);
}

START_TEST(who_waits)
{
    fill();
    ck_assert_int_eq(ask(1, "flash", PRIORITY_P2, "r-1"), SCHED_WAITING);
    ck_assert_int_eq(ask(2, "flash", PRIORITY_P0, "r/2?\""), SCHED_WAITING);
    ck_assert_uint_eq(get("/queue"), 200);
    ck_says("{\"waiting\":2,\"classes\":{\"P0\":{\"waiting\":1,\"late\":0,");
    ck_says("\"P2\":{\"waiting\":1,\"late\":0,");
    ck_says("\"granted\":1,\"queued\":1,");
    ck_says("\"next\":[{\"request_id\":\"r/2?\\\"\",\"model\":\"flash\",\"class\":\"P0\",\"late\":false,"
            "\"position\":1,\"waited_ms\":");
    ck_says(",{\"request_id\":\"r-1\",\"model\":\"flash\",\"class\":\"P2\",\"late\":false,\"position\":2,");
    ck_says("\"estimated_wait_ms\":null}]}\n");
    ck_assert_uint_eq(get("/metrics"), 200);
    ck_says("\ndsgate_waiting{class=\"P0\"} 1\n");
    ck_says("\ndsgate_waiting{class=\"P1\"} 0\n");
    ck_says("\ndsgate_queue_queued_total{class=\"P2\"} 1\n");
    ck_says("\ndsgate_target_in_flight{upstream=\"a\",model=\"up/flash\"} 1\n");
}
END_TEST

START_TEST(where_one_stands)
{
    fill();
    ck_assert_int_eq(ask(1, "flash", PRIORITY_P2, "r-1"), SCHED_WAITING);
    ck_assert_int_eq(ask(2, "flash", PRIORITY_P0, "r/2?\""), SCHED_WAITING);
    ck_assert_uint_eq(get("/queue/r-1"), 200);
    ck_says("{\"request_id\":\"r-1\",\"model\":\"flash\",\"class\":\"P2\",\"late\":false,\"position\":2,");
    ck_assert_uint_eq(get("/queue/r%2F2%3F%22"), 200);
    ck_says("{\"request_id\":\"r/2?\\\"\",\"model\":\"flash\",\"class\":\"P0\",\"late\":false,\"position\":1,");
    ck_assert_uint_eq(get("/queue/r-0"), 404);
    ck_says("No request with the id 'r-0' waits for an upstream.");
    ck_assert_uint_eq(get("/queue/r-"), 404);
}
END_TEST

START_TEST(a_hundred_are_listed)
{
    fill();
    for (int i = 1; i < TICKETS; i++)
        ck_assert_int_eq(ask(i, "flash", i % 2 ? PRIORITY_P1 : PRIORITY_P2, "r-n"), SCHED_WAITING);
    ck_assert_uint_eq(get("/queue"), 200);
    ck_says("{\"waiting\":119,");
    unsigned listed = 0;
    for (const char *at = answer; (at = strstr(at, "\"request_id\"")); at++)
        listed++;
    ck_assert_uint_eq(listed, 100);
    ck_says("\"next\":[{\"request_id\":\"r-n\",\"model\":\"flash\",\"class\":\"P1\",\"late\":false,\"position\":1,");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, ready_while_one_upstream_is_neither_down_nor_drained);
    tcase_add_test(tests, a_model_is_ready_while_somebody_is_open_for_it);
    tcase_add_test(tests, one_upstream);
    tcase_add_test(tests, all_upstreams_without_their_keys);
    tcase_add_test(tests, an_open_breaker_and_a_cooling_limit);
    tcase_add_test(tests, unknown_upstreams);
    tcase_add_test(tests, an_operator_drains_and_weighs);
    tcase_add_test(tests, who_waits_gets_what_is_put_back);
    tcase_add_loop_test(tests, bad_bodies_change_nothing, 0, COUNT(bad_bodies));
    tcase_add_test(tests, long_bodies_are_refused);
    tcase_add_loop_test(tests, who_may_change_something, 0, COUNT(senders));
    tcase_add_loop_test(tests, methods_that_a_page_has, 0, COUNT(methods));
    tcase_add_test(tests, an_empty_queue);
    tcase_add_test(tests, who_waits);
    tcase_add_test(tests, where_one_stands);
    tcase_add_test(tests, a_hundred_are_listed);
}

TEST_MAIN_ADDING("admin_pages", add_tests)
