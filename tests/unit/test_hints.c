#include "admit_test.h"
#include "dsgate/admit/hints.h"

static struct hints hints;
static struct buf message;
static const char *param;

static bool read_hints(const char *fields)
{
    buf_clear(&message);
    param = NULL;
    return hints_read(&hints, make_head("GET /", fields), &message, &param);
}

#define HOURS (3600 * USEC_PER_SEC)

START_TEST(test_timeouts)
{
    static const struct {
        const char *fields;
        usec_t timeout;
    } rows[] = {{"", 0},
                {"X-Dsgate-Timeout: 500ms\r\n", 500 * USEC_PER_MS},
                {"x-dsgate-timeout: 30s\r\n", 30 * USEC_PER_SEC},
                {"X-DSGATE-TIMEOUT: 2m\r\n", 120 * USEC_PER_SEC},
                {"x-dsgate-timeout: 45\r\n", 45 * USEC_PER_SEC},
                {"x-dsgate-timeout: 9d\r\n", 24 * HOURS},
                {"x-dsgate-timeout: 18446744073709551615\r\n", 24 * HOURS},
                {"x-stainless-timeout: 600\r\n", 600 * USEC_PER_SEC},
                {"X-Stainless-Timeout: 12.7\r\n", 12 * USEC_PER_SEC},
                {"x-stainless-timeout: 600\r\nx-dsgate-timeout: 5s\r\n", 5 * USEC_PER_SEC},
                {"x-dsgate-timeout: 5s\r\nx-stainless-timeout: 600\r\n", 5 * USEC_PER_SEC},
                {"x-stainless-timeout: 99999999999999999999\r\n", 0},
                {"x-stainless-timeout: 99999999999\r\n", 24 * HOURS},
                {"x-stainless-timeout: -1\r\n", 0},
                {"x-stainless-timeout: .5\r\n", 0},
                {"x-stainless-timeout: soon\r\n", 0},
                {"x-stainless-timeout:\r\n", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(read_hints(rows[i].fields), "%s", rows[i].fields);
        ck_assert_msg(hints.timeout == rows[i].timeout, "%s", rows[i].fields);
    }
}
END_TEST

START_TEST(test_malformed_timeouts)
{
    static const char *const values[] = {
        "",  "0",    "0s",   "0ms", "-1",        "+1", "1.5s", "1 s",
        "s", "soon", "1h2m", "ms",  "\xd9\xa1s", "1y", "0x10", "99999999999999999999d"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char fields[100];
        snprintf(fields, sizeof fields, "x-dsgate-timeout: %s\r\n", values[i]);
        ck_assert_msg(!read_hints(fields), "%s", fields);
        ck_assert_str_eq(param, "x-dsgate-timeout");
        ck_assert(text_starts(buf_text(&message), TEXT("X-Dsgate-Timeout must be a time above zero")));
        ck_assert_int_eq(hints.timeout, 0);
    }
}
END_TEST

START_TEST(test_priorities)
{
    static const struct {
        const char *fields;
        enum conf_priority priority;
    } rows[] = {{"", PRIORITY_COUNT},
                {"X-Dsgate-Priority: P0\r\n", PRIORITY_P0},
                {"x-dsgate-priority: p1\r\n", PRIORITY_P1},
                {"x-dsgate-priority: P2\r\n", PRIORITY_P2},
                {"x-dsgate-priority: P3\r\n", PRIORITY_P3},
                {"x-dsgate-priority: Urgent\r\n", PRIORITY_P0},
                {"x-dsgate-priority: HIGH\r\n", PRIORITY_P1},
                {"x-dsgate-priority: normal\r\n", PRIORITY_P2},
                {"x-dsgate-priority:  low \r\n", PRIORITY_P3}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(read_hints(rows[i].fields), "%s", rows[i].fields);
        ck_assert_msg(hints.priority == rows[i].priority, "%s", rows[i].fields);
    }
}
END_TEST

START_TEST(test_unknown_priorities)
{
    static const char *const values[] = {"", "P", "P4", "P00", "0", "-1", "1", "urgently", "lo", "P1, P2", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char fields[100];
        snprintf(fields, sizeof fields, "x-dsgate-priority: %s\r\nx-dsgate-session: s\r\n", values[i]);
        ck_assert_msg(!read_hints(fields), "%s", fields);
        ck_assert_str_eq(param, "x-dsgate-priority");
        ck_assert(text_is(buf_text(&message), "X-Dsgate-Priority must be P0 (urgent), P1 (high), P2 (normal) or P3 "
                                              "(low), by number or by word."));
        ck_assert_int_eq(hints.priority, PRIORITY_COUNT);
        ck_assert(text_is(hints.session, "s"));
    }
}
END_TEST

START_TEST(test_sessions)
{
    char longest[300], fields[400];
    memset(longest, 's', sizeof longest);
    ck_assert(read_hints(""));
    ck_assert_uint_eq(hints.session.n, 0);
    ck_assert(read_hints("X-Dsgate-Session:\r\n"));
    ck_assert_uint_eq(hints.session.n, 0);
    ck_assert(read_hints("X-Dsgate-Session: chat 7; \xe6\x96\x87\r\n"));
    ck_assert(text_is(hints.session, "chat 7; \xe6\x96\x87"));
    for (int n = HINTS_SESSION_MAX - 1; n <= HINTS_SESSION_MAX + 1; n++) {
        snprintf(fields, sizeof fields, "x-dsgate-session: %.*s\r\n", n, longest);
        bool fits = n <= HINTS_SESSION_MAX;
        ck_assert(read_hints(fields) == fits);
        ck_assert_uint_eq(hints.session.n, fits ? (size_t)n : 0);
    }
    ck_assert_str_eq(param, "x-dsgate-session");
    ck_assert(text_is(buf_text(&message), "X-Dsgate-Session must be at most 256 bytes long."));
}
END_TEST

/* Of several mistakes one is told, and what is right counts all the same. */
START_TEST(test_several_mistakes)
{
    ck_assert(!read_hints("x-dsgate-priority: P9\r\nx-request-id: r\r\nx-dsgate-timeout: 0\r\n"));
    ck_assert_str_eq(param, "x-dsgate-timeout");
    ck_assert(text_ends(buf_text(&message), TEXT("2m or 30 (seconds).")));
    ck_assert(text_is(hints.request_id, "r"));
    ck_assert(!read_hints("x-dsgate-priority: P9\r\nx-dsgate-timeout: 7s\r\n"));
    ck_assert_str_eq(param, "x-dsgate-priority");
    ck_assert_int_eq(hints.timeout, 7 * USEC_PER_SEC);
}
END_TEST

START_TEST(test_request_id)
{
    char longest[160], fields[200];
    memset(longest, 'i', sizeof longest);
    ck_assert(read_hints(""));
    ck_assert_uint_eq(hints.request_id.n, 0);
    ck_assert(read_hints("X-Request-ID: ~!req-1|x\"\r\n"));
    ck_assert(text_is(hints.request_id, "~!req-1|x\""));
    for (int n = 127; n <= 130; n++) {
        snprintf(fields, sizeof fields, "x-request-id: %.*s\r\n", n, longest);
        ck_assert(read_hints(fields));
        ck_assert_uint_eq(hints.request_id.n, n <= 128 ? (size_t)n : 0);
    }
    static const char *const bad[] = {"x-request-id: a b\r\n", "x-request-id: a\tb\r\n", "x-request-id: \xc3\xa4\r\n",
                                      "x-request-id:\r\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert(read_hints(bad[i]));
        ck_assert_uint_eq(hints.request_id.n, 0);
    }
}
END_TEST

START_TEST(test_traceparent)
{
    static const struct {
        const char *value, *trace_id;
    } rows[] = {{"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b34da6a3ce929d0e0e4736"},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff", "4bf92f3577b34da6a3ce929d0e0e4736"},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0g", ""},
                {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", ""},
                {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", ""},
                {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", ""},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", ""},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x", ""},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1", ""},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", ""},
                {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01", ""},
                {"00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01", ""},
                {"", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fields[128];
        snprintf(fields, sizeof fields, "traceparent: %s\r\n", rows[i].value);
        ck_assert(read_hints(fields));
        ck_assert_str_eq(hints.trace_id, rows[i].trace_id);
    }
}
END_TEST

#define CACHE_CONTROL "Cache-Control: "
#define LONGEST       (((usec_t)1 << 31) * USEC_PER_SEC)

static const struct {
    const char *fields;
    bool no_cache, no_store, only_if_cached;
    usec_t max_age;
} controls[] = {
    {"", false, false, false, USEC_NEVER},
    {CACHE_CONTROL "\r\n", false, false, false, USEC_NEVER},
    {CACHE_CONTROL "no-cache\r\n", true, false, false, USEC_NEVER},
    {CACHE_CONTROL "NO-STORE\r\n", false, true, false, USEC_NEVER},
    {CACHE_CONTROL "max-age=0,no-cache ,\tonly-if-cached\r\n", true, false, true, 0},
    {CACHE_CONTROL "no-store\r\nX-Y: z\r\n" CACHE_CONTROL "only-if-cached\r\n", false, true, true, USEC_NEVER},
    {CACHE_CONTROL ",,Only-If-Cached,,\r\n", false, false, true, USEC_NEVER},
    {CACHE_CONTROL "only-if-cachedx, xonly-if-cached, no_store\r\n", false, false, false, USEC_NEVER},
    {CACHE_CONTROL "max-stale=9, min-fresh=9, no-transform, x=\"y\"\r\n", false, false, false, USEC_NEVER},
    {CACHE_CONTROL "no-cache=\"set-cookie\", no-store=1\r\n", true, true, false, USEC_NEVER},
    /* what is quoted is no directive */
    {CACHE_CONTROL "x=\"a, no-store, max-age=1\", only-if-cached\r\n", false, false, true, USEC_NEVER},
    {CACHE_CONTROL "x=\"a\\\", no-store\", no-cache\r\n", true, false, false, USEC_NEVER},
    {CACHE_CONTROL "x=\"a, no-store\r\n", false, false, false, USEC_NEVER},
    {CACHE_CONTROL "x=\"\\\r\n", false, false, false, USEC_NEVER},
    /* ages */
    {CACHE_CONTROL "max-age=60\r\n", false, false, false, 60 * USEC_PER_SEC},
    {CACHE_CONTROL "Max-Age = \"60\" \r\n", false, false, false, 60 * USEC_PER_SEC},
    {CACHE_CONTROL "max-age=007\r\n", false, false, false, 7 * USEC_PER_SEC},
    {CACHE_CONTROL "max-age=9, max-age=60\r\n", false, false, false, 9 * USEC_PER_SEC},
    {CACHE_CONTROL "max-age=60\r\n" CACHE_CONTROL "max-age=9\r\n", false, false, false, 9 * USEC_PER_SEC},
    {CACHE_CONTROL "max-age=2147483647\r\n", false, false, false, LONGEST - USEC_PER_SEC},
    {CACHE_CONTROL "max-age=2147483649\r\n", false, false, false, LONGEST},
    {CACHE_CONTROL "max-age=99999999999999999999999\r\n", false, false, false, LONGEST},
    {CACHE_CONTROL "max-age\r\n", false, false, false, 0},
    {CACHE_CONTROL "max-age=\r\n", false, false, false, 0},
    {CACHE_CONTROL "max-age=\"\"\r\n", false, false, false, 0},
    {CACHE_CONTROL "max-age=\"\r\n", false, false, false, 0},
    {CACHE_CONTROL "max-age=-1\r\n", false, false, false, 0},
    {CACHE_CONTROL "max-age=1.5\r\n", false, false, false, 0},
    {CACHE_CONTROL "max-age=1h\r\n", false, false, false, 0},
    /* HTTP/1.0's way */
    {"Pragma: no-cache\r\n", true, false, false, USEC_NEVER},
    {"PRAGMA: x=\"y,z\", No-Cache\r\n", true, false, false, USEC_NEVER},
    {"Pragma: no-store, max-age=1, only-if-cached\r\n", false, false, false, USEC_NEVER},
    {"Pragma: no-cache\r\n" CACHE_CONTROL "max-age=60\r\n", false, false, false, 60 * USEC_PER_SEC},
    {CACHE_CONTROL "\r\nPragma: no-cache\r\n", false, false, false, USEC_NEVER},
};

START_TEST(test_cache_control)
{
    for (int i = 0; i < COUNT(controls); i++) {
        ck_assert(read_hints(controls[i].fields));
        ck_assert_msg(hints.cache.no_cache == controls[i].no_cache, "%s", controls[i].fields);
        ck_assert_msg(hints.cache.no_store == controls[i].no_store, "%s", controls[i].fields);
        ck_assert_msg(hints.cache.only_if_cached == controls[i].only_if_cached, "%s", controls[i].fields);
        ck_assert_msg(hints.max_age == controls[i].max_age, "%s", controls[i].fields);
    }
}
END_TEST

START_TEST(test_what_is_consumed)
{
    static const struct {
        const char *field;
        bool consumed;
    } rows[] = {{"X-Dsgate-Timeout: 1s\r\n", true},
                {"x-dsgate-: 1\r\n", true},
                {"X-DSGATE-Whatever: 1\r\n", true},
                {"x-dsgat: 1\r\n", false},
                {"x-dsgate: 1\r\n", false},
                {"X-Stainless-Timeout: 1\r\n", true},
                {"X-Stainless-Lang: js\r\n", false},
                {"Cache-Control: no-cache\r\n", true},
                {"Pragma: no-cache\r\n", false},
                {"Idempotency-Key: k\r\n", true},
                {"Traceparent: 00\r\n", true},
                {"TraceState: a=b\r\n", true},
                {"X-Request-Id: r\r\n", true},
                {"Accept-Encoding: gzip\r\n", true},
                {"Expect: 100-continue\r\n", true},
                {"Connection: x-hop\r\n", true},
                {"Keep-Alive: timeout=5\r\n", true},
                {"TE: trailers\r\n", true},
                {"Upgrade: websocket\r\n", true},
                {"Proxy-Authorization: b\r\n", true},
                {"Authorization: Bearer k\r\n", false},
                {"X-Api-Key: k\r\n", false},
                {"Api-Key: k\r\n", false},
                {"Content-Type: text/plain\r\n", false},
                {"Accept: */*\r\n", false},
                {"OpenAI-Beta: x\r\n", false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct http_head *head = make_head("GET /", rows[i].field);
        ck_assert_uint_eq(head->field_count, 2);
        ck_assert_msg(hints_consumes(head, &head->fields[1]) == rows[i].consumed, "%s", rows[i].field);
    }
    const struct http_head *head = make_head("GET /", "X-Hop: 1\r\nX-Other: 2\r\nConnection: X-Hop\r\n");
    ck_assert(hints_consumes(head, &head->fields[1]));
    ck_assert(!hints_consumes(head, &head->fields[2]));
}
END_TEST

static void tear_down(void) { buf_free(&message); }

TEST_MAIN_WITH("hints", NULL, tear_down, test_timeouts, test_malformed_timeouts, test_priorities,
               test_unknown_priorities, test_sessions, test_several_mistakes, test_request_id, test_traceparent,
               test_cache_control, test_what_is_consumed)
