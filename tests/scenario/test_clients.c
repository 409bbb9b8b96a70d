/* Clients of every kind: slow, impatient, hostile. After each of them the process serves the next one. */
#include "scenario.h"

static void check_next_client_is_served(void)
{
    struct wire *next = gateway_connect();
    client_post_chat(next, "");
    struct wire *up = fake_newest_wire(&a);
    upstream_json(up, 200, "{\"next\":1}");
    ck_answer(next, 200, "{\"next\":1}");
}

/* Two programs must not be able to read one request differently. */
START_TEST(ambiguous_requests_are_refused)
{
    static const struct {
        const char *bytes;
        unsigned status;
    } table[] = {
        {POST_CHAT "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {POST_CHAT "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400},
        {POST_CHAT "Content-Length: +2\r\n\r\n{}", 400},
        {POST_CHAT "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
        {POST_CHAT "Transfer-Encoding: chunked\r\n\r\n5 junk\r\nhello\r\n0\r\n\r\n", 400},
        {"POST /v1/chat/completions HTTP/1.1\nHost: x\n\n", 400},
        {POST_CHAT "X: a\r\n b\r\n\r\n", 400},
        {"POST /v1/chat/completions HTTP/1.1\r\nHost : x\r\n\r\n", 400},
        {"POST /v1/chat/completions HTTP/1.1\r\n\r\n", 400},
        {POST_CHAT "Host: y\r\n\r\n", 400},
        {"POST /v1/chat/completions HTTP/3.0\r\nHost: x\r\n\r\n", 505},
        {"CONNECT evil.test:443 HTTP/1.1\r\nHost: x\r\n\r\n", 400},
        {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        {"\x16\x03\x01\x02\r\n\r\n", 400},
        {"GET /v1/chat/completions HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        begin(one_upstream);
        struct wire *client = gateway_connect();
        wire_send(client, text_of(table[i].bytes));
        fake_settle();
        struct client_answer answer = client_read(client);
        ck_assert_msg(answer.status == table[i].status, "row %zu: %u", i, answer.status);
        ck_assert(answer.complete && !answer.has_more);
        mem_free(answer.body);
        ck_assert(wire_program_finished(client) || wire_program_closed(client));
        ck_assert_uint_eq(a.dials, 0);
        check_next_client_is_served();
        gateway_end();
    }
}
END_TEST

#define DOTS_64 "................................................................"

START_TEST(too_much_is_refused)
{
    begin(QUIET "limits: {body: 1KB, headers: 1KB}\nupstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *declared = gateway_connect(), *chunked = gateway_connect(), *head = gateway_connect();
    wire_send(declared, TEXT(POST_CHAT "Content-Length: 1025\r\n\r\n"));
    fake_settle();
    ck_error(declared, 413, "request_too_large");
    wire_send(chunked, TEXT(POST_CHAT "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 5; i++)
        wire_send(chunked, TEXT("100\r\n" DOTS_64 DOTS_64 DOTS_64 DOTS_64 "\r\n"));
    fake_settle();
    ck_error(chunked, 413, "request_too_large");
    wire_send(head, TEXT("GET /v1/models HTTP/1.1\r\nHost: x\r\n"));
    for (int i = 0; i < 30; i++)
        wire_send(head, TEXT("X-Filler: ..............................................\r\n"));
    fake_settle();
    ck_error(head, 431, "headers_too_large");
    check_next_client_is_served();
    gateway_end();
}
END_TEST

/* However many clients announce long bodies, the memory for all of them is bounded; short requests pass all the same.
 */
/* What is only announced takes nothing away from others; nor does a byte more than a byte. */
START_TEST(announced_bodies_take_no_memory)
{
    begin("log: {access: 'off'}\nlimits: {body: 1MB, bodies: 1MB}\nupstreams: [{name: a, base_url: "
          "'http://a.test:80/v1'}]\n");
    for (int i = 0; i < 20; i++) {
        struct wire *silent = gateway_connect();
        wire_send(silent,
                  TEXT("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
        fake_settle();
        wire_send(silent, TEXT("{"));
        fake_settle();
    }
    char body[100000];
    snprintf(body, sizeof body, "{\"model\":\"m\",\"messages\":[]%*s}", (int)sizeof body - 40, "");
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", "", body);
    ck_assert_uint_eq(a.dials, 1); /* it was not refused */
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    gateway_end();
}
END_TEST

START_TEST(bodies_share_a_bounded_memory)
{
    begin("log: {access: 'off'}\nlimits: {body: 1MB, bodies: 1MB}\nupstreams: [{name: a, base_url: "
          "'http://a.test:80/v1'}]\n");
    struct wire *first = gateway_connect(), *second = gateway_connect(), *chunked = gateway_connect();
    char piece[0x10000 + 1] = {0};
    memset(piece, ' ', 0x10000);
    wire_send(first, TEXT("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
    for (int i = 0; i < 15; i++)
        wire_send(first, text_of(piece));
    wire_send(first, text_make(piece, 0x4000));
    wire_send(second, TEXT("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
    wire_send(second, text_of(piece));
    fake_settle();
    ck_error(second, 503, "gateway_memory_limit");
    ck_assert_str_eq(client_field("retry-after"), "2");
    wire_send(chunked,
              TEXT("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n"));
    wire_send(chunked, text_of(piece));
    fake_settle();
    ck_error(chunked, 503, "gateway_memory_limit");
    check_next_client_is_served();
    wire_close(first);
    fake_settle();
    struct wire *third = gateway_connect();
    wire_send(third, TEXT("POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"));
    wire_send(third, text_of(piece));
    fake_settle();
    ck_assert_uint_eq(wire_received(third).n, 0);
    gateway_end();
}
END_TEST

/* Each holder of a connection is ended by a total deadline, however busily it drips. */
START_TEST(slow_clients_are_ended)
{
    static const char *const slow[] = {
        "POST /v1/chat/completions HTTP/1.1\r\nHost: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "POST /v1/chat/completionssssssssssssssssssssssssssssssssssssssssssssssssssssss"};
    for (size_t i = 0; i < 2; i++) {
        begin(one_upstream);
        struct wire *client = gateway_connect();
        for (int s = 0; s < 9; s++) {
            wire_send(client, text_make(slow[i] + 4 * s, 4));
            fake_run(USEC_PER_SEC);
        }
        ck_assert_uint_eq(wire_received(client).n, 0);
        wire_send(client, TEXT("x"));
        fake_run(2 * USEC_PER_SEC);
        ck_error(client, 408, "request_timeout");
        fake_run(10 * USEC_PER_SEC);
        ck_assert(wire_program_closed(client));
        gateway_end();
    }
}
END_TEST

START_TEST(slow_bodies_are_ended)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    wire_send(client, TEXT(POST_CHAT "Content-Length: 1000\r\n\r\n"));
    for (int s = 0; s < 59; s++) {
        wire_send(client, TEXT("{"));
        fake_run(USEC_PER_SEC);
    }
    ck_assert_uint_eq(wire_received(client).n, 0);
    fake_run(2 * USEC_PER_SEC);
    ck_error(client, 408, "request_timeout");
    fake_run(10 * USEC_PER_SEC);
    ck_assert(wire_program_closed(client));
    gateway_end();
}
END_TEST

START_TEST(idle_connections_are_closed_without_a_word)
{
    begin(one_upstream);
    struct wire *fresh = gateway_connect(), *used = gateway_connect();
    client_post_chat(used, "");
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(used, 200, "{}");
    fake_run(11 * USEC_PER_SEC);
    ck_assert(wire_program_closed(fresh));
    ck_assert_uint_eq(wire_received(fresh).n, 0);
    ck_assert(!wire_program_closed(used));
    fake_run(70 * USEC_PER_SEC);
    ck_assert(wire_program_closed(used));
    ck_assert(wire_program_closed(a.wires[0])); /* our own idle connection to the upstream as well */
    gateway_end();
}
END_TEST

/* A client that takes nothing of its answer is let go, and with it the upstream. */
START_TEST(readers_that_stopped_are_ended)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    wire_window(client, 0);
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta("x"));
    fake_run(50 * USEC_PER_SEC);
    ck_assert(!wire_program_closed(client));
    upstream_chunk(a.wires[0], delta("y"));
    fake_run(75 * USEC_PER_SEC);
    ck_assert(wire_program_closed(client));
    ck_assert(wire_program_closed(a.wires[0]));
    ck_assert_uint_eq(gateway_in_flight("a"), 0);
    gateway_end();
}
END_TEST

START_TEST(a_client_may_ask_before_it_sends)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    wire_send(client, TEXT(POST_CHAT "Expect: 100-continue\r\nContent-Length: 27\r\n\r\n"));
    fake_settle();
    ck_assert(text_eq(wire_received(client), TEXT("HTTP/1.1 100 Continue\r\n\r\n")));
    wire_clear(client);
    wire_send(client, TEXT(BODY));
    fake_settle();
    ck_assert(upstream_got_request(a.wires[0]));
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    gateway_end();
}
END_TEST

START_TEST(pipelined_and_gone)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    for (int i = 0; i < 5; i++)
        client_post_chat(client, "");
    wire_close(client);
    fake_settle();
    ck_assert(wire_program_closed(a.wires[0]));
    ck_assert_uint_eq(a.dials, 1);
    check_next_client_is_served();
    gateway_end();
}
END_TEST

/* A flood of pipelined requests stays with the sender. */
START_TEST(pipelines_are_bounded)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    for (int i = 0; i < 500; i++)
        client_post_chat(client, "");
    ck_assert(wire_reading_paused(client));
    ck_assert_uint_eq(a.dials, 1);
    for (int i = 0; i < 500; i++) {
        wire_clear(a.wires[0]);
        upstream_json(a.wires[0], 200, "{}");
        ck_answer(client, 200, "{}");
    }
    gateway_end();
}
END_TEST

START_TEST(http_1_0_clients_are_served)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    wire_send(client, TEXT("POST /v1/chat/completions HTTP/1.0\r\nContent-Length: 41\r\n\r\n"
                           "{\"model\":\"m\",\"messages\":[],\"stream\":true}"));
    fake_settle();
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta("x"));
    upstream_chunk(a.wires[0], done_event);
    upstream_stream_end(a.wires[0]);
    struct text got = wire_received(client);
    ck_assert_uint_lt(text_find(got, TEXT("Connection: close\r\n")), got.n);
    ck_assert_uint_eq(text_find(got, TEXT("chunked")), got.n);
    ck_assert(text_ends(got, TEXT("\n\ndata: [DONE]\n\n")));
    ck_assert(wire_program_finished(client) || wire_program_closed(client));
    wire_close(client);
    gateway_end();
}
END_TEST

START_TEST(mistakes_are_told)
{
    static const struct {
        const char *path, *body;
        unsigned status;
        const char *part;
    } table[] = {
        {"/v1/chat/completions", "{\"model\":\"m\",\"messages\":[}", 400, "invalid_json"},
        {"/v1/chat/completions", "", 400, "invalid_json"},
        {"/v1/chat/completions", "[]", 400, "invalid_json"},
        {"/v1/chat/completions", "{\"messages\":[]}", 400, "\"param\":\"model\""},
        {"/v1/chat/completions", "{\"model\":\"m\"}", 400, "\"param\":\"messages\""},
        {"/v1/chat/completions", "{\"model\":1,\"messages\":[]}", 400, "\"param\":\"model\""},
        {"/v1/chat/completions", "{\"model\":\"m\",\"model\":\"n\",\"messages\":[]}", 400, "invalid_json"},
        {"/v1/chat/completions", "{\"model\":\"m\",\"messages\":[],\"stream\":\"yes\"}", 400, "\"param\":\"stream\""},
        {"/v2/chat", "{}", 404, "unknown_url"},
        {"/v1/../admin", "{}", 404, "unknown_url"},
        {"/v1/%2e%2e/admin", "{}", 404, "unknown_url"},
        {"/metrics", "", 404, "unknown_url"},
    };
    begin(one_upstream);
    struct wire *client = gateway_connect();
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        client_post(client, table[i].path, "", table[i].body);
        struct client_answer answer = client_read(client);
        ck_assert_msg(answer.status == table[i].status, "row %zu: %u %s", i, answer.status, answer.body);
        ck_assert_msg(strstr(answer.body, table[i].part) != NULL, "row %zu: %s", i, answer.body);
        ck_assert(answer.complete);
        mem_free(answer.body);
    }
    ck_assert_uint_eq(a.dials, 0);
    wire_send(client, TEXT("DELETE /v1/chat/completions HTTP/1.1\r\nHost: x\r\n\r\n"));
    fake_settle();
    ck_error(client, 405, "method_not_allowed");
    ck_assert_str_eq(client_field("allow"), "POST");
    gateway_end();
}
END_TEST

/* No client header and no target chooses an upstream's host, and keys go only where the config says. */
START_TEST(clients_do_not_choose_hosts)
{
    static const char *const requests[] = {
        "POST http://evil.test/v1/chat/completions HTTP/1.1\r\nHost: evil.test\r\nContent-Length: 27\r\n\r\n" BODY,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: evil.test\r\nX-Forwarded-Host: evil.test\r\n"
        "X-Dsgate-Upstream: http://evil.test\r\nContent-Length: 27\r\n\r\n" BODY};
    for (size_t i = 0; i < 2; i++) {
        begin(one_upstream);
        struct wire *client = gateway_connect();
        wire_send(client, text_of(requests[i]));
        fake_settle();
        ck_assert_uint_eq(a.dials, 1);
        struct text got = wire_received(a.wires[0]);
        ck_assert(text_starts(got, TEXT("POST /v1/chat/completions HTTP/1.1\r\nHost: a.test\r\n")));
        ck_assert_uint_eq(text_find(got, TEXT("X-Dsgate")), got.n);
        gateway_end();
    }
}
END_TEST

START_TEST(models_are_listed)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', models: {x: X, y: Y}}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1'}\n");
    struct wire *client = gateway_connect();
    wire_send(client, TEXT("GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n"));
    fake_settle();
    upstream_json(b.wires[0], 200, "{\"object\":\"list\",\"data\":[{\"id\":\"y\"},{\"id\":\"z\"}]}");
    struct client_answer answer = client_read(client);
    ck_assert_uint_eq(answer.status, 200);
    ck_assert_ptr_nonnull(strstr(answer.body, "\"id\":\"x\""));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"id\":\"z\""));
    char *first = strstr(answer.body, "\"id\":\"y\"");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_null(strstr(first + 1, "\"id\":\"y\""));
    mem_free(answer.body);
    wire_send(client, TEXT("GET /v1/models/x HTTP/1.1\r\nHost: h\r\n\r\n"));
    fake_settle();
    fake_run(4 * USEC_PER_SEC); /* b does not answer this time, and is left out */
    answer = client_read(client);
    ck_assert_uint_eq(answer.status, 200);
    ck_assert(text_starts(text_of(answer.body), TEXT("{\"id\":\"x\"")));
    mem_free(answer.body);
    gateway_end();
}
END_TEST

/* Each name once, in no more than n log n steps: with quadratic ones this test takes minutes. */
START_TEST(long_lists_of_models_are_read)
{
    enum { NAMES = 30000 };
    struct buf body = {0};
    unsigned listed = 0;
    begin(one_upstream);
    struct wire *client = gateway_connect();
    wire_send(client, TEXT("GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n"));
    fake_settle();
    BUF_ADD(&body, "{\"data\":[");
    for (int i = 0; i < 2 * NAMES; i++)
        buf_printf(&body, "{\"id\":\"m%d\"},", i % NAMES);
    BUF_ADD(&body, "{\"id\":\"last\"}]}");
    buf_add_byte(&body, '\0');
    upstream_json(a.wires[0], 200, body.data);
    buf_free(&body);
    struct client_answer answer = client_read(client);
    for (const char *at = answer.body; (at = strstr(at, "\"id\":\"")); at++)
        listed++;
    ck_assert_uint_eq(listed, NAMES + 1);
    mem_free(answer.body);
    gateway_end();
}
END_TEST

/* The reset is found out only by writing: the failure can't be told, and the request is settled once. */
START_TEST(clients_that_left_unnoticed)
{
    begin(one_upstream);
    struct wire *first = gateway_connect();
    client_post_chat(first, "");
    upstream_json(a.wires[0], 200, "{}");
    struct wire *second = gateway_connect();
    client_post_chat(second, "");
    wire_reset(second);
    upstream_json(a.wires[0], 200, "not json");
    ck_assert(wire_program_closed(second));
    check_next_client_is_served();
    gateway_end();
}
END_TEST

TEST_MAIN("clients", ambiguous_requests_are_refused, too_much_is_refused, announced_bodies_take_no_memory,
          bodies_share_a_bounded_memory, slow_clients_are_ended, slow_bodies_are_ended,
          idle_connections_are_closed_without_a_word, readers_that_stopped_are_ended, a_client_may_ask_before_it_sends,
          pipelined_and_gone, pipelines_are_bounded, http_1_0_clients_are_served, mistakes_are_told,
          clients_do_not_choose_hosts, models_are_listed, long_lists_of_models_are_read, clients_that_left_unnoticed)
