/* Upstreams that fail, are busy, refuse a key or spend a quota: who is spared what, for how long, and how they come
 * back. */
#include "scenario.h"
#include <unistd.h>

/* Answers with a status, e.g. "503 X\r\nRetry-After: 7". */
static void answer(struct fake_upstream *u, const char *head)
{
    struct wire *w = busy_wire(u);
    ck_assert_msg(w != NULL, "%s has no request", u->host);
    wire_clear(w);
    char *bytes =
        mem_printf("HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: 12\r\n\r\n{\"answer\":1}", head);
    wire_send(w, text_of(bytes));
    fake_settle();
    mem_free(bytes);
}

static const char one_hasty[] =
    QUIET ATTEMPTS(1) "upstreams:\n"
          "  - {name: a, base_url: 'http://a.test:80/v1', breaker: {failures: 1, open: 10s}}\n";

/* A breaker looks at every result, not every now and then. */
START_TEST(a_breaker_opens_with_the_last_straw)
{
    begin(two_upstreams);
    for (int i = 0; i < 20; i++) {
        struct wire *client = ask("");
        if (busy_wire(&a)) answer(&a, "500 X");
        answer(&b, "200 OK");
        ck_answer(client, 200, "{\"answer\":1}");
    }
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 5);
    gateway_end();
}
END_TEST

/* Busy is not broken, and what the client did wrong says nothing. */
START_TEST(back_pressure_and_mistakes_open_no_breaker)
{
    begin(QUIET ATTEMPTS(1) "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', breaker: {failures: 2}}\n");
    static const char *const heads[] = {"429 X", "503 X", "400 X", "422 X", "404 X", "401 X"};
    for (size_t i = 0; i < 24; i++) {
        ask("");
        answer(&a, heads[i % 6]);
    }
    struct wire *client = ask("");
    answer(&a, "200 OK");
    ck_answer(client, 200, "{\"answer\":1}");
    gateway_end();
}
END_TEST

/* Nobody is refused because all are out for a moment. */
START_TEST(all_out_is_waited_for)
{
    begin(one_hasty);
    struct wire *first = ask("");
    answer(&a, "500 X");
    ck_assert_uint_gt(wire_received(first).n, 0);
    struct wire *second = ask("");
    ck_assert_uint_eq(gateway_waiting(), 1);
    fake_run(13 * USEC_PER_SEC);
    answer(&a, "200 OK");
    ck_answer(second, 200, "{\"answer\":1}");
    gateway_end();
}
END_TEST

/* Who can't wait for so long hears it at once, and when somebody will be back. */
START_TEST(all_out_for_too_long_is_told)
{
    begin(one_hasty);
    ask("");
    answer(&a, "500 X");
    fake_run(3 * USEC_PER_SEC);
    struct wire *hurried = ask("X-Dsgate-Timeout: 2s\r\n");
    ck_error(hurried, 503, "upstreams_unavailable");
    int seconds = atoi(client_field("retry-after"));
    ck_assert_int_ge(seconds, 7);
    ck_assert_int_le(seconds, 9); /* 10 s and up to a fifth more, less 3 */
    gateway_end();
}
END_TEST

/* A breaker that opens again stays open for longer; a failure of a call that began before does not change that. */
START_TEST(late_failures_never_shorten_a_cool_down)
{
    begin(QUIET ATTEMPTS(1) "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', breaker: {failures: 1, open: 10s, trials: 1}}\n");
    ask("");
    ask("");
    answer(&a, "500 X");
    fake_run(9 * USEC_PER_SEC);
    answer(&a, "500 X"); /* the second call fails when the time is nearly over */
    struct wire *trial = ask("");
    fake_run(4 * USEC_PER_SEC);
    answer(&a, "500 X"); /* the trial: open for twice as long from now on */
    ck_assert_uint_gt(wire_received(trial).n, 0);
    struct wire *next = ask("");
    fake_run(19 * USEC_PER_SEC);
    ck_assert_uint_eq(gateway_waiting(), 1);
    fake_run(6 * USEC_PER_SEC);
    answer(&a, "200 OK");
    ck_answer(next, 200, "{\"answer\":1}");
    gateway_end();
}
END_TEST

/* A trial that says nothing gives its place to the next one. */
START_TEST(a_neutral_trial_gives_its_place_back)
{
    begin(QUIET ATTEMPTS(1) "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', breaker: {failures: 1, open: 10s, trials: 1}}\n");
    ask("");
    answer(&a, "500 X");
    fake_run(13 * USEC_PER_SEC);
    for (int i = 0; i < 3; i++) {
        struct wire *client = ask("");
        answer(&a, i == 1 ? "429 X" : "400 X");
        ck_assert_uint_gt(wire_received(client).n, 0);
        fake_run(USEC_PER_SEC);
    }
    struct wire *gone = ask("");
    wire_close(gone);
    fake_settle();
    struct wire *client = ask(""), *other = ask("");
    ck_assert_uint_eq(gateway_waiting(), 1); /* one at a time */
    answer(&a, "200 OK");
    ck_answer(client, 200, "{\"answer\":1}");
    answer(&a, "200 OK");
    ck_answer(other, 200, "{\"answer\":1}");
    gateway_end();
}
END_TEST

/* Retry-After is a time in which nobody is sent there. */
START_TEST(retry_after_cools_the_account)
{
    begin(one_upstream);
    struct wire *first = ask("");
    answer(&a, "429 X\r\nRetry-After: 7");
    ck_assert_uint_gt(wire_received(first).n, 0);
    struct wire *second = ask("");
    fake_run(6900 * USEC_PER_MS);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(200 * USEC_PER_MS);
    answer(&a, "200 OK");
    ck_answer(second, 200, "{\"answer\":1}");
    gateway_end();
}
END_TEST

START_TEST(retry_after_may_be_a_date)
{
    begin(one_upstream);
    char date[30];
    clock_format_http(loop_wall(fake_loop()) + 7 * USEC_PER_SEC, date);
    char *head = mem_printf("429 X\r\nRetry-After: %s", date);
    ask("");
    answer(&a, head);
    mem_free(head);
    struct wire *second = ask("");
    fake_run(5900 * USEC_PER_MS);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(1200 * USEC_PER_MS);
    answer(&a, "200 OK");
    ck_answer(second, 200, "{\"answer\":1}");
    gateway_end();
}
END_TEST

/* 429 lowers how many are let through at once; success raises it again. */
START_TEST(back_pressure_lowers_the_limit_for_a_while)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', max_concurrency: 8}\n");
    for (int i = 0; i < 8; i++)
        ask("X-Dsgate-Priority: P0\r\n");
    ck_assert_uint_eq(gateway_in_flight("a"), 8);
    answer(&a, "429 X");
    for (int i = 0; i < 4; i++)
        ask("X-Dsgate-Priority: P0\r\n");
    ck_assert_uint_eq(gateway_in_flight("a"), 7);
    ck_assert_uint_gt(gateway_waiting(), 0);
    for (int i = 0; i < 60; i++) {
        fake_run(USEC_PER_MS);
        answer(&a, "200 OK");
        ask("X-Dsgate-Priority: P0\r\n");
    }
    ck_assert_uint_eq(gateway_in_flight("a"), 8);
    while (busy_wire(&a))
        answer(&a, "200 OK");
    gateway_end();
}
END_TEST

/* Minutes of comments are a way to say busy, too. */
START_TEST(nothing_but_keep_alives_is_back_pressure)
{
    begin(QUIET ATTEMPTS(1) "timeouts: {first_token: 5s}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1', breaker: {failures: 1}}]\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], ": keep-alive\n\n");
    fake_run(6 * USEC_PER_SEC);
    ck_error(client, 504, "upstream_timeout");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    gateway_end();
}
END_TEST

/* Where nothing at all is heard, nobody says that it is busy. */
START_TEST(silence_is_no_back_pressure)
{
    begin(QUIET ATTEMPTS(1) "timeouts: {first_token: 5s}\nupstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = ask_stream("");
    fake_run(6 * USEC_PER_SEC);
    ck_error(client, 504, "upstream_timeout");
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 1);
    gateway_end();
}
END_TEST

/* In the end DeepSeek closes the connection of whom it has let wait. One that breaks behind an event is broken. */
START_TEST(a_close_behind_nothing_but_keep_alives_is_back_pressure)
{
    static const struct {
        const char *given;
        unsigned busy;
    } rows[] = {{": keep-alive\n\n", 1},
                {"\n\n", 1},
                {": keep-ali", 1},
                {": keep-alive\n\ndata: {\"cho", 0},
                {": keep-alive\n\ndata: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int how = 0; how < 2; how++) {
            begin(QUIET ATTEMPTS(1) "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
            struct wire *client = gateway_connect();
            client_post_chat(client, ",\"stream\":true");
            upstream_stream_head(a.wires[0]);
            upstream_chunk(a.wires[0], rows[i].given);
            if (how == 0) wire_close(a.wires[0]);
            if (how == 1) wire_reset(a.wires[0]);
            fake_settle();
            ck_error(client, 502, "upstream_cut");
            ck_assert_str_eq(client_field("x-dsgate-reasons"), rows[i].busy ? "busy" : "cut");
            ck_assert_uint_eq(gateway_attempts("a", "busy"), rows[i].busy);
            ck_assert_uint_eq(gateway_attempts("a", "fault"), 1 - rows[i].busy);
            gateway_end();
        }
}
END_TEST

START_TEST(a_close_behind_blank_lines_before_a_plain_answer_is_back_pressure)
{
    begin(QUIET ATTEMPTS(1) "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = ask("");
    wire_send(upstream_take(busy_wire(&a)), TEXT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n"));
    fake_settle();
    wire_close(a.wires[0]);
    fake_settle();
    ck_error(client, 502, "upstream_cut");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    gateway_end();
}
END_TEST

/* ---- keys and quotas ---- */

START_TEST(keys_are_used_in_turn)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-first, sk-second]}]\n");
    for (int i = 0; i < 4; i++) {
        ask("");
        ck_assert(has_received(busy_wire(&a), i % 2 ? "Bearer sk-second" : "Bearer sk-first"));
        answer(&a, "200 OK");
    }
    gateway_end();
}
END_TEST

/* A reload may leave fewer of them than the one whose turn it is. */
START_TEST(keys_that_a_reload_takes_away_are_not_used)
{
    static const char one[] = QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-first]}]\n";
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-first, sk-second]}]\n");
    ask("");
    answer(&a, "200 OK");
    gateway_reload(one);
    ask("");
    ck_assert(has_received(busy_wire(&a), "Bearer sk-first"));
    answer(&a, "200 OK");
    gateway_end();
}
END_TEST

/* A refused key is taken out, not the request, and it comes back in the end. */
START_TEST(a_refused_key_rests_and_comes_back)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-first, sk-second]}]\n");
    struct wire *client = ask("");
    answer(&a, "401 X");
    ck_assert(has_received(busy_wire(&a), "sk-second"));
    answer(&a, "200 OK");
    ck_answer(client, 200, "{\"answer\":1}");
    for (int i = 0; i < 4; i++) {
        ask("");
        ck_assert(has_received(busy_wire(&a), "sk-second"));
        answer(&a, "200 OK");
    }
    fake_run(61 * USEC_PER_SEC);
    ask("");
    ask("");
    unsigned first = 0;
    for (unsigned i = 0; i < a.wire_count; i++)
        first += has_received(a.wires[i], "sk-first");
    ck_assert_uint_eq(first, 1);
    while (busy_wire(&a))
        answer(&a, "200 OK");
    gateway_end();
}
END_TEST

/* With the only key refused others serve, and the client never hears of it. */
START_TEST(a_refused_key_fails_over)
{
    static const char *const heads[] = {"401 X", "402 X", "403 X"};
    for (size_t i = 0; i < 3; i++) {
        begin(two_upstreams);
        struct wire *client = ask("");
        struct fake_upstream *first = busy_wire(&a) ? &a : &b, *other = first == &a ? &b : &a;
        answer(first, heads[i]);
        answer(other, "200 OK");
        ck_answer(client, 200, "{\"answer\":1}");
        ck_assert_uint_eq(gateway_attempts(first == &a ? "a" : "b", "key"), 1);
        gateway_end();
    }
}
END_TEST

START_TEST(a_spent_quota_moves_the_traffic)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', quota: {requests_per_minute: 2}}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n");
    for (int i = 0; i < 4; i++) {
        ask("");
        ck_assert_int_eq(busy_wire(&a) != NULL, i < 2);
        answer(i < 2 ? &a : &b, "200 OK");
    }
    fake_run(61 * USEC_PER_SEC);
    ask("");
    answer(&a, "200 OK");
    gateway_end();
}
END_TEST

/* A usage in a stream's beginning knows nothing of what is generated then. */
START_TEST(streams_that_break_after_an_early_usage_are_estimated)
{
    begin(QUIET ROUTE("continue: false") "upstreams:\n"
          "  - {name: a, base_url: 'http://a.test:80/v1', anthropic_path: /v1, quota: {tokens_per_day: 18}}\n"
          "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n");
    struct wire *client = gateway_connect();
    client_post(client, "/v1/messages", "",
                "{\"model\":\"m\",\"max_tokens\":99,\"messages\":[" QUESTION "],\"stream\":true}");
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{"
                               "\"input_tokens\":8,\"output_tokens\":1}}}\n\n");
    for (int i = 0; i < 10; i++)
        upstream_chunk(a.wires[0], "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
                                   "\"delta\":{\"type\":\"text_delta\",\"text\":\"word\"}}\n\n");
    wire_close(client);
    fake_settle();
    ask("");
    answer(&b, "200 OK"); /* 8 and 10 are a's quota */
    gateway_end();
}
END_TEST

static unsigned times_logged(FILE *log, const char *words)
{
    char line[512];
    unsigned n = 0;
    rewind(log);
    while (fgets(line, sizeof line, log))
        n += strstr(line, words) != NULL;
    return n;
}

/* So many seconds with a request each, while only a quota holds them back; how often it was said to be spent. */
static unsigned spend(const char *quota, unsigned seconds)
{
    char *yaml = mem_printf(QUIET "upstreams:\n"
                                  "  - {name: a, base_url: 'http://a.test:80/v1', quota: %s}\n"
                                  "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n",
                            quota);
    FILE *log = tmpfile();
    int error_output = dup(STDERR_FILENO);
    begin(yaml);
    dup2(fileno(log), STDERR_FILENO);
    for (unsigned i = 0; i < seconds; i++) {
        ask("");
        answer(busy_wire(&a) ? &a : &b, "200 OK");
        fake_run(USEC_PER_SEC);
    }
    dup2(error_output, STDERR_FILENO);
    unsigned told = times_logged(log, "quota is spent");
    close(error_output);
    fclose(log);
    mem_free(yaml);
    return told;
}

/* With each second that has room again it is spent again: no news. That the day's is spent as well is. */
START_TEST(what_is_spent_is_told_once)
{
    ck_assert_uint_eq(spend("{requests_per_minute: 2}", 200), 1);
    ck_assert_uint_eq(gateway_attempts("a", "success"), 8);
    gateway_end();
    ck_assert_uint_eq(spend("{requests_per_minute: 2, requests_per_day: 3}", 100), 2);
    ck_assert_uint_eq(gateway_attempts("a", "success"), 3);
    gateway_end();
}
END_TEST

/* A stream that tells no usage is estimated: an event is a token, and so are four bytes of the request. */
START_TEST(streams_without_usage_are_estimated)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', quota: {tokens_per_day: 25}}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    for (int i = 0; i < 10; i++)
        upstream_chunk(a.wires[0], delta("word"));
    wire_close(client);
    fake_settle();
    ask("");
    answer(&b, "200 OK");
    gateway_end();
}
END_TEST

/* Tokens count when they are known. */
START_TEST(tokens_are_a_quota)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', quota: {tokens_per_day: 100}}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n");
    struct wire *client = ask("");
    upstream_json(a.wires[0], 200, "{\"choices\":[],\"usage\":{\"prompt_tokens\":90,\"completion_tokens\":10}}");
    ck_assert_uint_gt(wire_received(client).n, 0);
    ask("");
    answer(&b, "200 OK");
    gateway_end();
}
END_TEST

/* A dollar a token, five dollars a day: the first answer spends them. The other one is a backup. */
static void ck_money_is_counted(const char *rest)
{
    char *yaml = mem_printf(QUIET "upstreams:\n"
                                  "  - {name: a, base_url: 'http://a.test:80/v1', quota: {cost_per_day: 5}, %s}\n"
                                  "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup}\n",
                            rest);
    begin(yaml);
    mem_free(yaml);
    ask("");
    struct wire *w = busy_wire(&a);
    wire_clear(w);
    upstream_json(w, 200, "{\"choices\":[],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":9}}");
    ask("");
    ck_assert_ptr_null(busy_wire(&a));
    answer(&b, "200 OK");
    gateway_end();
}

START_TEST(money_is_a_quota)
{
    ck_money_is_counted("models: {m: {price: {output: 1000000}}}");
    ck_money_is_counted("models: {'*': {price: {output: 1000000}}}");
    ck_money_is_counted("models: {m: {name: '*', price: {output: 1000000}}}");
}
END_TEST

/* Peak hours without a price of their own are not free. */
START_TEST(money_is_a_quota_in_peak_hours)
{
    ck_money_is_counted("peak: '00:00-24:00', models: {m: {price: {output: 1000000}}}");
    ck_money_is_counted("peak: '00:00-24:00', models: {m: {peak_price: {output: 1000000}}}");
    ck_money_is_counted("peak: '00:00-24:00', models: {m: {price: {output: 1}, peak_price: {output: 1000000}}}");
}
END_TEST

TEST_MAIN("recovery", a_breaker_opens_with_the_last_straw, back_pressure_and_mistakes_open_no_breaker,
          all_out_is_waited_for, all_out_for_too_long_is_told, late_failures_never_shorten_a_cool_down,
          a_neutral_trial_gives_its_place_back, retry_after_cools_the_account, retry_after_may_be_a_date,
          back_pressure_lowers_the_limit_for_a_while, nothing_but_keep_alives_is_back_pressure,
          silence_is_no_back_pressure, a_close_behind_nothing_but_keep_alives_is_back_pressure,
          a_close_behind_blank_lines_before_a_plain_answer_is_back_pressure, keys_are_used_in_turn,
          keys_that_a_reload_takes_away_are_not_used, a_refused_key_rests_and_comes_back, a_refused_key_fails_over,
          a_spent_quota_moves_the_traffic, streams_without_usage_are_estimated,
          streams_that_break_after_an_early_usage_are_estimated, what_is_spent_is_told_once, tokens_are_a_quota,
          money_is_a_quota, money_is_a_quota_in_peak_hours)
