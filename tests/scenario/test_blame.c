/* What clients cause must not take upstreams, accounts or keys away from the others. */
#include "dsgate/base/digest.h"
#include "scenario.h"

static void answer(struct fake_upstream *u, unsigned status)
{
    struct wire *w = busy_wire(u);
    ck_assert_msg(w != NULL, "%s has no request", u->host);
    wire_clear(w);
    upstream_json(w, status, "{\"answer\":1}");
}

/* ---- time ---- */

/* A call that had to wait leaves the upstream less time than it is given as a rule. */
START_TEST(time_spent_in_the_queue_is_not_the_upstreams)
{
    begin(QUIET "timeouts: {total: 10s}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n"
                "queue: {reserve_p0: 0%}\n");
    struct wire *first = ask(""), *second = ask("");
    fake_run(8 * USEC_PER_SEC);
    answer(&a, 200);
    ck_answer(first, 200, "{\"answer\":1}");
    ck_assert_uint_eq(gateway_in_flight("a"), 1);
    fake_run(3 * USEC_PER_SEC);
    ck_error(second, 504, "deadline_exceeded");
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    gateway_end();
}
END_TEST

/* Who asks for an answer that is longer than the time there is gets only a part of it, from an upstream that works. */
START_TEST(an_endless_stream_is_nobodys_fault)
{
    begin(QUIET "timeouts: {total: 10s}\n"
                "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    for (int i = 0; i < 11; i++) {
        upstream_chunk(a.wires[0], delta("on and on"));
        fake_run(USEC_PER_SEC);
    }
    ck_assert(text_find(wire_received(client), TEXT("\"upstream_timeout\"")) < wire_received(client).n);
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* Nor is one of which the client sees nothing before its end. */
START_TEST(an_endless_plain_stream_is_nobodys_fault)
{
    begin(QUIET ATTEMPTS(1) "timeouts: {total: 10s}\nupstreams:\n" DEEPSEEK(a, ""));
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "A", "");
    for (int i = 0; i < 11; i++) {
        upstream_chunk(w, delta_text("A", "on and on"));
        fake_run(USEC_PER_SEC);
    }
    ck_error(client, 504, "upstream_timeout");
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 0);
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* ---- keys ---- */

/* What chooses an account beside the key would make upstreams refuse a key that is good. */
START_TEST(clients_choose_no_account_of_the_gateways_key)
{
    static const char fields[] = "OpenAI-Organization: org-other\r\nopenai-project: proj-other\r\n"
                                 "Cookie: session=1\r\nX-Goog-Api-Key: client\r\nX-Custom: kept\r\n";
    static const char *const names[] = {"OpenAI-Organization", "openai-project", "Cookie", "X-Goog-Api-Key"};
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', api_key: sk-ours}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1', models: {open: open}}\n");
    ask(fields);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        ck_assert_msg(!has_received(busy_wire(&a), names[i]), "%s", names[i]);
    ck_assert(has_received(busy_wire(&a), "X-Custom: kept"));
    answer(&a, 200);
    struct wire *own = gateway_connect();
    client_post(own, "/v1/chat/completions", fields, "{\"model\":\"open\",\"messages\":[]}");
    struct fake_upstream *asked = busy_wire(&a) ? &a : &b;
    if (asked == &b) ck_assert(has_received(busy_wire(&b), "OpenAI-Organization: org-other"));
    answer(asked, 200);
    gateway_end();
}
END_TEST

/* Who has used up what its own account may does not close an upstream to the accounts of others. */
START_TEST(a_clients_own_limit_is_nobody_elses)
{
    static const char yaml[] = QUIET ATTEMPTS(1) "callers: [{name: ours, key_sha256: %s}]\n"
                                                 "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n";
    char digest[DIGEST_HEX + 1];
    digest_sha256_hex(TEXT("sk-known-to-the-gateway"), digest);
    char *config = mem_printf(yaml, digest);
    begin(config);
    for (int i = 0; i < 3; i++) {
        struct wire *poor = ask("Authorization: Bearer sk-of-the-clients-account\r\n");
        ck_assert_ptr_nonnull(busy_wire(&a));
        wire_clear(busy_wire(&a));
        wire_send(a.wires[0], TEXT("HTTP/1.1 429 X\r\nRetry-After: 50\r\nContent-Length: 2\r\n\r\n{}"));
        fake_settle();
        ck_answer(poor, 429, "{}");
    }
    struct wire *first = ask(""), *second = ask("Authorization: Bearer sk-known-to-the-gateway\r\n");
    ck_assert_uint_eq(gateway_in_flight("a"), 2);
    answer(&a, 200);
    ck_answer(first, 200, "{\"answer\":1}");
    answer(&a, 429); /* a key that only the gateway knows: the upstream itself is busy */
    ck_answer(second, 429, "{\"answer\":1}");
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 1);
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 3);
    gateway_end();
    mem_free(config);
}
END_TEST

/* A key that a reload has replaced is refused sooner or later by calls that still carry it. */
START_TEST(an_old_keys_refusal_is_not_the_new_ones)
{
    static const char with_old[] = QUIET "upstreams:\n"
                                         "  - {name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-old, sk-two]}\n";
    static const char with_new[] = QUIET "upstreams:\n"
                                         "  - {name: a, base_url: 'http://a.test:80/v1', api_keys: [sk-new, sk-two]}\n";
    begin(with_old);
    ask("");
    gateway_reload(with_new);
    ck_assert(has_received(busy_wire(&a), "Bearer sk-old"));
    answer(&a, 401);
    answer(&a, 200); /* the other key */
    unsigned new = 0;
    for (int i = 0; i < 4; i++) {
        ask("");
        new += has_received(busy_wire(&a), "Bearer sk-new");
        answer(&a, 200);
    }
    ck_assert_uint_eq(new, 2);
    gateway_end();
}
END_TEST

/* 403 may be about the model or the words that a client has chosen: a key that works for others is not to blame. */
START_TEST(a_forbidden_request_takes_no_key_away)
{
    begin(QUIET ATTEMPTS(2) "upstreams:\n"
                            "  - {name: a, base_url: 'http://a.test:80/v1', api_key: sk-a}\n"
                            "  - {name: b, base_url: 'http://b.test:80/v1', api_key: sk-b, tier: backup}\n");
    ask("");
    answer(&a, 200);
    for (int i = 0; i < 5; i++) {
        struct wire *client = ask("");
        answer(&a, 403);
        answer(&b, 403);
        ck_answer(client, 403, "{\"answer\":1}");
        ask("");
        answer(&a, 200);
    }
    fake_run(61 * USEC_PER_SEC); /* nobody was served for a while: now it may well be the key */
    ask("");
    answer(&a, 403);
    answer(&b, 200);
    ask("");
    ck_assert_ptr_null(busy_wire(&a));
    answer(&b, 200);
    gateway_end();
}
END_TEST

/* ---- what was asked for ---- */

static const char mistake[] = "{\"error\":{\"message\":\"too long\",\"type\":\"BadRequestError\",\"code\":400}}";

/* Some servers find out only after they have said 200 what is wrong with a request. Each of them would, and none of
 * them is broken. */
START_TEST(a_mistake_told_under_200_is_the_clients)
{
    begin(two_upstreams);
    struct wire *plain = ask(""), *stream = gateway_connect();
    struct fake_upstream *first = busy_wire(&a) ? &a : &b, *other = first == &a ? &b : &a;
    upstream_json(busy_wire(first), 200, mistake);
    ck_answer(plain, 400, mistake);
    ck_assert_ptr_null(busy_wire(other));
    client_post_chat(stream, ",\"stream\":true");
    struct wire *w = other->wires[0];
    upstream_stream_head(w);
    char *event = mem_printf("data: %s\n\ndata: [DONE]\n\n", mistake);
    upstream_chunk(w, event);
    upstream_stream_end(w);
    ck_answer(stream, 200, event);
    mem_free(event);
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    ck_assert_uint_eq(gateway_attempts("b", "neutral"), 1);
    gateway_end();
}
END_TEST

/* Nothing follows it that would be waited for: not an end of the message, which some upstreams never send. */
START_TEST(a_mistake_told_in_a_stream_ends_it)
{
    for (int silent = 0; silent < 2; silent++) {
        begin(two_upstreams);
        struct wire *client = ask_stream("");
        struct fake_upstream *asked = busy_wire(&a) ? &a : &b;
        struct wire *w = upstream_take(busy_wire(asked));
        char *event = mem_printf("data: %s\n\n", mistake);
        upstream_stream_head(w);
        upstream_chunk(w, event);
        ck_assert(has_received(client, event));
        if (silent)
            fake_run(USEC_PER_SEC);
        else
            upstream_close(w);
        ck_answer(client, 200, event);
        mem_free(event);
        ck_assert(wire_program_closed(w));
        ck_assert_uint_eq(a.dials + b.dials, 1);
        ck_assert_uint_eq(gateway_attempts(asked == &a ? "a" : "b", "neutral"), 1);
        gateway_end();
    }
}
END_TEST

/* A request that no upstream can digest counts once, not once for each of them. */
START_TEST(a_poisonous_request_opens_not_all_breakers)
{
    begin(QUIET ATTEMPTS(2) "upstreams:\n"
                            "  - {name: a, base_url: 'http://a.test:80/v1', breaker: {failures: 2}}\n"
                            "  - {name: b, base_url: 'http://b.test:80/v1', tier: backup, breaker: {failures: 2}}\n");
    for (int i = 0; i < 2; i++) {
        struct wire *client = ask("");
        answer(&a, 500);
        answer(&b, 500);
        ck_answer(client, 500, "{\"answer\":1}");
    }
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 2); /* open now: perhaps it is broken */
    ck_assert_uint_eq(gateway_attempts("b", "fault"), 0);
    struct wire *other = ask("");
    answer(&b, 200);
    ck_answer(other, 200, "{\"answer\":1}");
    for (int i = 0; i < 2; i++) {
        ask("");
        answer(&b, 500);
    }
    ck_assert_uint_eq(gateway_attempts("b", "fault"), 2);
    gateway_end();
}
END_TEST

/* Nor does one whose answer breaks off wherever it is gone on with. */
START_TEST(a_request_that_breaks_all_streams_counts_once)
{
    begin(QUIET ROUTE("hedge: off, retry: {attempts: 2}") "upstreams:\n" DEEPSEEK(a, ", breaker: {failures: 2}")
              DEEPSEEK(b, ", tier: backup, breaker: {failures: 2}"));
    for (int i = 0; i < 2; i++) {
        struct wire *client = ask_stream("");
        upstream_close(begin_stream(&a, "A", "x"));
        upstream_close(begin_stream(&b, "B", "y"));
        ck_assert(has_received(client, "\"code\":\"upstream_cut\""));
    }
    ck_assert_uint_eq(gateway_attempts("a", "fault"), 2);
    ck_assert_uint_eq(gateway_attempts("b", "fault"), 0);
    struct wire *other = ask("");
    upstream_stream_finish(begin_stream(&b, "B", "z"));
    ck_assert(has_received(other, "HTTP/1.1 200"));
    gateway_end();
}
END_TEST

TEST_MAIN("blame", time_spent_in_the_queue_is_not_the_upstreams, an_endless_stream_is_nobodys_fault,
          clients_choose_no_account_of_the_gateways_key, a_clients_own_limit_is_nobody_elses,
          an_old_keys_refusal_is_not_the_new_ones, a_forbidden_request_takes_no_key_away,
          a_mistake_told_under_200_is_the_clients, a_mistake_told_in_a_stream_ends_it,
          an_endless_plain_stream_is_nobodys_fault, a_poisonous_request_opens_not_all_breakers,
          a_request_that_breaks_all_streams_counts_once)
