/* Streams whose tokens are late: the gateway's own signs of life, and what can still happen after them. */
#include "scenario.h"

#define MS USEC_PER_MS

#define RULES QUIET ROUTE("hedge: off, retry: {jitter: 0%}")
#define ALIVE ": keep-alive\n\n"

static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";

/* What the client has got of its answer's body, in one go: it is chunked. */
static unsigned signs_of_life(struct wire *client)
{
    struct text rest = wire_received(client), sign = TEXT(ALIVE);
    unsigned n = 0;
    for (size_t at; (at = text_find(rest, sign)) < rest.n; n++)
        rest = text_from(rest, at + sign.n);
    return n;
}

/* The upstream takes the request and tells a whole stream. */
static void tell(struct fake_upstream *u, const char *text)
{
    struct wire *w = upstream_take(busy_wire(u));
    upstream_stream_head(w);
    upstream_chunk(w, delta(text));
    upstream_stream_finish(w);
}

/* The client got `before`, then a whole stream of this text. */
#define ck_told(client, before, text) \
    do { \
        char *expected_ = mem_printf(before "%s%s%s", delta(text), finish_event, done_event); \
        ck_answer(client, 200, expected_); \
        mem_free(expected_); \
    } while (0)

/* The client got `before`, then an error event with this code and words, and no proper end. */
#define ck_error_event(client, before, error_code, words) \
    do { \
        struct client_answer got_ = client_read(client); \
        ck_assert_uint_eq(got_.status, 200); \
        ck_assert(!got_.complete); \
        ck_assert_msg(!strncmp(got_.body, before "data: {\"error\":{", strlen(before "data: {\"error\":{")), "%s", \
                      got_.body); \
        ck_assert_msg(strstr(got_.body, "\"code\":\"" error_code "\"") != NULL, "%s", got_.body); \
        ck_assert_msg(strstr(got_.body, words) != NULL, "%s", got_.body); \
        ck_assert_ptr_null(strstr(got_.body, "[DONE]")); \
        mem_free(got_.body); \
    } while (0)

START_TEST(late_streams_get_signs_of_life)
{
    begin(RULES A_THEN_B);
    struct wire *client = ask_stream("");
    fake_run(15 * USEC_PER_SEC - 1);
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(1);
    ck_assert(has_received(client, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
    ck_assert_uint_eq(signs_of_life(client), 1);
    fake_run(15 * USEC_PER_SEC - 1);
    ck_assert_uint_eq(signs_of_life(client), 1);
    fake_run(1);
    ck_assert_uint_eq(signs_of_life(client), 2);
    tell(&a, "x");
    ck_told(client, ALIVE ALIVE, "x");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
    ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    gateway_end();
}
END_TEST

/* After a token the upstream's own are passed on, and it is the idle time that judges. */
START_TEST(there_are_none_after_a_token)
{
    begin(QUIET "timeouts: {commit: 1s}\n" ROUTE("hedge: off") A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    fake_run(999 * MS);
    upstream_chunk(w, delta("x"));
    fake_run(50 * USEC_PER_SEC);
    upstream_stream_finish(w);
    ck_told(client, "", "x");
    gateway_end();
}
END_TEST

/* The upstream's are not, before it has said anything: the gateway gives its own. */
START_TEST(the_upstreams_own_are_not_passed_on_before_a_token)
{
    begin(RULES A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    for (int i = 0; i < 20; i++) {
        upstream_chunk(w, ": upstream\n\n");
        fake_run(USEC_PER_SEC);
    }
    upstream_chunk(w, delta("x"));
    upstream_stream_finish(w);
    ck_told(client, ALIVE, "x");
    gateway_end();
}
END_TEST

START_TEST(failing_over_stays_possible)
{
    begin(QUIET "timeouts: {first_token: 20s}\n" ROUTE("hedge: off") A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *first = upstream_take(busy_wire(&a));
    fake_run(20 * USEC_PER_SEC);
    ck_assert(wire_program_closed(first));
    fake_run(10 * USEC_PER_SEC);
    tell(&b, "x");
    ck_told(client, ALIVE ALIVE, "x");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), ""); /* whose answer it will be was not known */
    gateway_end();
}
END_TEST

/* Also between two attempts. */
START_TEST(who_waits_for_another_try_gets_them)
{
    begin(QUIET ROUTE("hedge: off, retry: {jitter: 0%, base: 20s, cap: 20s}") "upstreams:\n" UPSTREAM(a, ""));
    struct wire *client = ask_stream("");
    upstream_json(upstream_take(busy_wire(&a)), 503, busy);
    fake_run(15 * USEC_PER_SEC);
    ck_assert_uint_eq(signs_of_life(client), 1);
    fake_run(5 * USEC_PER_SEC);
    tell(&a, "x");
    ck_told(client, ALIVE, "x");
    gateway_end();
}
END_TEST

/* The status is fixed: what goes wrong now can be told in the stream alone. */
START_TEST(a_failure_after_them_is_told_in_the_stream)
{
    begin(QUIET ATTEMPTS(1) A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    fake_run(16 * USEC_PER_SEC);
    upstream_json(w, 503, "<html>");
    ck_error_event(client, ALIVE, "upstream_busy", "");
    ck_assert(wire_program_finished(client) || wire_program_closed(client));
    ck_assert_uint_eq(gateway_metric("dsgate_streams_cut_total"), 1);
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    gateway_end();
}
END_TEST

/* An upstream's own words are told as they are, whether they are about the client or the last ones that were heard. */
START_TEST(an_error_after_them_is_told_in_its_words)
{
    static const unsigned statuses[] = {400, 500, 503};
    for (int i = 0; i < COUNT(statuses); i++) {
        begin(QUIET ATTEMPTS(1) A_THEN_B);
        struct wire *client = ask_stream("");
        struct wire *w = upstream_take(busy_wire(&a));
        fake_run(15 * USEC_PER_SEC);
        upstream_json(w, statuses[i], busy);
        struct client_answer got = client_read(client);
        char *expected = mem_printf("%sdata: %s\n\n", ALIVE, busy);
        ck_assert_str_eq(got.body, expected);
        ck_assert(!got.complete);
        ck_assert_uint_eq(b.dials, 0);
        mem_free(expected);
        mem_free(got.body);
        gateway_end();
    }
}
END_TEST

/* But for the gateway's key. */
START_TEST(a_key_in_these_words_is_redacted)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', api_key: sk-0123456789abcdef}]\n");
    struct wire *client = ask_stream("");
    fake_run(15 * USEC_PER_SEC);
    upstream_json(upstream_take(busy_wire(&a)), 400, "{\"error\":{\"message\":\"no sk-0123456789abcdef\"}}");
    ck_cut(client, 200, ALIVE "data: {\"error\":{\"message\":\"no *******************\"}}\n\n");
    gateway_end();
}
END_TEST

/* Nor can an answer that is no stream be given any more, good or bad. */
START_TEST(a_plain_answer_after_them_is_told_in_the_stream)
{
    static const struct {
        unsigned status;
        const char *body, *words;
    } answers[] = {{400, "no such\nthing", "status 400"},
                   {400, "{\"error\":\n{\"message\":\"no\"}}", "status 400"}, /* an event's data is a line */
                   {400, "{\"error\":\r{\"message\":\"no\"}}", "status 400"},
                   {400, "{\"error\":{\"message\":", "status 400"},                  /* nor read it */
                   {400, "{\"object\":\"error\",\"message\":\"no\"}", "status 400"}, /* no client would see it */
                   {200, "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}", "status 200"}};
    for (int i = 0; i < COUNT(answers); i++) {
        begin(RULES A_THEN_B);
        struct wire *client = ask_stream("");
        struct wire *w = upstream_take(busy_wire(&a));
        fake_run(15 * USEC_PER_SEC);
        upstream_json(w, answers[i].status, answers[i].body);
        ck_error_event(client, ALIVE, "upstream_bad_answer", answers[i].words);
        ck_assert_uint_eq(b.dials, 0);
        ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
        gateway_end();
    }
}
END_TEST

/* Nor does it help to ask for a stream of what is no text: it is late only when it is whole. */
START_TEST(figures_get_none)
{
    static const char figures[] = "{\"data\":[{\"embedding\":[1]}]}";
    begin(QUIET "timeouts: {first_token: 20s}\n" ROUTE("hedge: off") A_THEN_B);
    struct wire *client = gateway_connect();
    client_post(client, "/v1/embeddings", "", "{\"model\":\"m\",\"input\":\"hi\",\"stream\":true}");
    struct wire *w = upstream_take(busy_wire(&a));
    fake_run(25 * USEC_PER_SEC);
    upstream_json(w, 200, figures);
    ck_answer(client, 200, figures);
    ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
    gateway_end();
}
END_TEST

/* What is no stream is not spoilt by them, be it so long that it is shown as it comes. */
START_TEST(other_answers_get_none_in_their_middle)
{
    begin(RULES "limits: {answer_hold: 4KB}\n" A_THEN_B);
    struct wire *client = ask_stream("");
    char half[5001];
    memset(half, 'x', sizeof half - 1);
    half[sizeof half - 1] = '\0';
    char *answer = mem_printf("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10000\r\n\r\n%s", half);
    struct wire *w = upstream_take(busy_wire(&a));
    wire_send(w, text_of(answer));
    fake_run(20 * USEC_PER_SEC);
    ck_assert_uint_eq(signs_of_life(client), 0);
    wire_send(w, text_of(half));
    fake_settle();
    struct client_answer got = client_read(client);
    ck_assert(got.complete && !got.has_more);
    ck_assert_uint_eq(strspn(got.body, "x"), 10000);
    mem_free(got.body);
    mem_free(answer);
    gateway_end();
}
END_TEST

/* Bytes before the body's end would spoil a plain answer. */
START_TEST(plain_calls_get_none)
{
    static const char *const upstreams[] = {RULES "upstreams:\n" UPSTREAM(a, ""),
                                            RULES "upstreams:\n" UPSTREAM(a, ", dialect: deepseek")};
    for (int i = 0; i < COUNT(upstreams); i++) {
        begin(upstreams[i]);
        struct wire *client = ask("");
        fake_run(50 * USEC_PER_SEC);
        ck_assert_uint_eq(wire_received(client).n, 0);
        upstream_json(upstream_take(busy_wire(&a)), 200, "{\"good\":1}");
        ck_answer(client, 200, "{\"good\":1}");
        gateway_end();
    }
}
END_TEST

/* Who is to go on with a stream may be late as well. */
START_TEST(they_come_while_a_stream_is_gone_on_with)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, ""));
    struct wire *client = ask_stream("");
    struct wire *first = upstream_take(busy_wire(&a));
    upstream_stream_head(first);
    upstream_chunk(first, delta("Hel"));
    fake_run(10 * USEC_PER_SEC);
    upstream_close(first);
    fake_run(15 * USEC_PER_SEC - 1);
    ck_assert_uint_eq(signs_of_life(client), 0);
    fake_run(1);
    ck_assert_uint_eq(signs_of_life(client), 1);
    struct wire *second = upstream_take(busy_wire(&b));
    upstream_stream_head(second);
    upstream_chunk(second, delta("lo"));
    fake_run(20 * USEC_PER_SEC);
    ck_assert_uint_eq(signs_of_life(client), 1);
    upstream_stream_finish(second);
    char *start = mem_printf("%s" ALIVE "%s", delta("Hel"), delta("lo"));
    struct client_answer answer = client_read(client);
    ck_assert(answer.complete);
    ck_assert_msg(!strncmp(answer.body, start, strlen(start)), "%s", answer.body);
    mem_free(start);
    mem_free(answer.body);
    gateway_end();
}
END_TEST

/* And so is who waits until somebody may be asked to. */
START_TEST(they_come_while_a_broken_stream_waits)
{
    begin(QUIET ROUTE("hedge: off, retry: {jitter: 0%, base: 20s, cap: 20s}") "upstreams:\n" DEEPSEEK(a, ""));
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "1", "Hel"));
    fake_run(15 * USEC_PER_SEC);
    ck_assert_uint_eq(signs_of_life(client), 1);
    gateway_end();
}
END_TEST

START_TEST(a_client_that_leaves_after_them_ends_it)
{
    begin(RULES A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    fake_run(15 * USEC_PER_SEC);
    wire_close(client);
    fake_settle();
    ck_assert(wire_program_closed(w));
    ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_streams_cut_total"), 0);
    fake_run(60 * USEC_PER_SEC);
    gateway_end();
}
END_TEST

START_TEST(a_shutdown_after_them_is_told)
{
    begin(RULES A_THEN_B);
    struct wire *client = ask_stream("");
    fake_run(15 * USEC_PER_SEC);
    gateway_stop();
    ck_error_event(client, ALIVE, "gateway_shutting_down", "");
    gateway_end();
}
END_TEST

TEST_MAIN("pulse", late_streams_get_signs_of_life, there_are_none_after_a_token,
          the_upstreams_own_are_not_passed_on_before_a_token, failing_over_stays_possible,
          who_waits_for_another_try_gets_them, a_failure_after_them_is_told_in_the_stream,
          an_error_after_them_is_told_in_its_words, a_key_in_these_words_is_redacted,
          a_plain_answer_after_them_is_told_in_the_stream, plain_calls_get_none, figures_get_none,
          other_answers_get_none_in_their_middle, they_come_while_a_stream_is_gone_on_with,
          they_come_while_a_broken_stream_waits, a_client_that_leaves_after_them_ends_it, a_shutdown_after_them_is_told)
