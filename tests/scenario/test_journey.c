/* Whole journeys when everything goes well, and what the two sides get to see of each other. */
#include "scenario.h"

START_TEST(plain_answer_is_relayed_byte_for_byte)
{
    static const char answer[] =
        "{\"id\":\"x\","
        "\"choices\":[{\"message\":{\"content\":\"h\\u00e9\"},\"finish_reason\":\"stop\"}], \"odd\" : 1e2}";
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"unknown\": [1.0e+2,{\"x\":null}]");
    ck_assert_uint_eq(a.dials, 1);
    ck_assert(upstream_got_request(a.wires[0]));
    ck_assert(has_received(a.wires[0], "POST /v1/chat/completions HTTP/1.1\r\nHost: a.test\r\n"));
    ck_assert(has_received(a.wires[0], "Authorization: Bearer sk-a\r\n"));
    ck_assert(has_received(a.wires[0], "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],"
                                       "\"unknown\": [1.0e+2,{\"x\":null}]}"));
    upstream_json(a.wires[0], 200, answer);
    ck_answer(client, 200, answer);
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "a");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
    ck_assert_uint_eq(strlen(client_field("x-request-id")), 32);
    gateway_end();
}
END_TEST

START_TEST(connections_are_kept_on_both_sides)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    for (int i = 0; i < 3; i++) {
        client_post_chat(client, "");
        upstream_json(a.wires[0], 200, "{\"n\":1}");
        ck_answer(client, 200, "{\"n\":1}");
        wire_clear(a.wires[0]);
    }
    ck_assert_uint_eq(a.dials, 1);
    gateway_end();
}
END_TEST

START_TEST(events_arrive_one_by_one)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    ck_assert_uint_eq(wire_received(client).n, 0); /* nothing is committed before the first token */
    upstream_chunk(a.wires[0], delta("one"));
    ck_assert(has_received(client, "\"content\":\"one\""));
    upstream_chunk(a.wires[0], delta("two"));
    ck_assert(has_received(client, "\"content\":\"two\""));
    upstream_chunk(a.wires[0], finish_event);
    upstream_chunk(a.wires[0], done_event);
    upstream_stream_end(a.wires[0]);
    struct client_answer answer = client_read(client);
    ck_assert_uint_eq(answer.status, 200);
    ck_assert(answer.complete);
    ck_assert_str_eq(answer.body + answer.length - strlen(done_event), done_event);
    mem_free(answer.body);
    gateway_end();
}
END_TEST

/* However the upstream's bytes are cut, the client gets the same stream. */
START_TEST(cuts_do_not_matter)
{
    char *x = mem_strdup(delta("x"));
    char *whole = mem_printf("%s: hello\n\n%s%s%s", x, delta("\\\"y\\\""), finish_event, done_event);
    for (size_t piece = 1; piece < 40; piece++) {
        begin(one_upstream);
        struct wire *client = gateway_connect();
        client_post_chat(client, ",\"stream\":true");
        char *framed =
            mem_printf("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "%zx\r\n%s\r\n0\r\n\r\n",
                       strlen(whole), whole);
        wire_send_pieces(a.wires[0], text_of(framed), piece);
        fake_settle();
        ck_answer(client, 200, whole);
        mem_free(framed);
        gateway_end();
    }
    mem_free(x);
    mem_free(whole);
}
END_TEST

START_TEST(requests_may_come_in_pieces_and_in_a_row)
{
    static const char two[] = POST_CHAT "Content-Length: 27\r\n\r\n" BODY POST_CHAT
                                        "Transfer-Encoding: chunked\r\n\r\n1b\r\n" BODY "\r\n0\r\n\r\n";
    for (size_t piece = 1; piece < 60; piece += 3) {
        begin(one_upstream);
        struct wire *client = gateway_connect();
        wire_send_pieces(client, text_of(two), piece);
        fake_settle();
        ck_assert_uint_eq(a.dials, 1); /* the second waits for the first's answer */
        wire_clear(a.wires[0]);
        upstream_json(a.wires[0], 200, "{\"first\":1}");
        ck_assert(upstream_got_request(a.wires[0]));
        upstream_json(a.wires[0], 200, "{\"second\":2}");
        ck_answer(client, 200, "{\"first\":1}");
        ck_answer(client, 200, "{\"second\":2}");
        gateway_end();
    }
}
END_TEST

/* What is for the gateway stays here, all else goes on. */
START_TEST(hints_are_consumed)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions",
                "X-Dsgate-Timeout: 30s\r\nx-stainless-timeout: 600\r\nx-stainless-lang: js\r\nX-Custom: kept\r\n"
                "Connection: x-secret-hop\r\nx-secret-hop: 1\r\nAccept-Encoding: gzip\r\n"
                "Authorization: Bearer client-key\r\nx-request-id: my-id-1\r\n",
                BODY);
    ck_assert(has_received(a.wires[0], "X-Custom: kept\r\n"));
    ck_assert(has_received(a.wires[0], "x-stainless-lang: js\r\n"));
    ck_assert(!has_received(a.wires[0], "imeout"));
    ck_assert(!has_received(a.wires[0], "hop"));
    ck_assert(!has_received(a.wires[0], "gzip"));
    ck_assert(!has_received(a.wires[0], "client-key"));
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    ck_assert_str_eq(client_field("x-request-id"), "my-id-1");
    gateway_end();
}
END_TEST

START_TEST(without_a_key_the_clients_key_passes)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", "Authorization: Bearer client-key\r\n", BODY);
    ck_assert(has_received(a.wires[0], "Authorization: Bearer client-key\r\n"));
    gateway_end();
}
END_TEST

START_TEST(model_names_are_mapped)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', models: {m: vendor/M-1, other: o}}]\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, "");
    ck_assert(has_received(a.wires[0], "{\"model\":\"vendor/M-1\",\"messages\""));
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    client_post(client, "/v1/chat/completions", "", "{\"model\":\"othr\",\"messages\":[]}");
    struct client_answer answer = client_read(client);
    ck_assert_uint_eq(answer.status, 404);
    ck_assert_ptr_nonnull(strstr(answer.body, "'other'"));
    ck_assert_ptr_nonnull(strstr(answer.body, "\"code\":\"model_not_found\""));
    mem_free(answer.body);
    gateway_end();
}
END_TEST

START_TEST(weights_are_met)
{
    unsigned to_a = 0;
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', weight: 3}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1', weight: 1}\n");
    struct wire *client = gateway_connect();
    for (int i = 0; i < 40; i++) {
        client_post_chat(client, "");
        bool is_a = a.wire_count && upstream_got_request(a.wires[0]);
        struct wire *served = is_a ? a.wires[0] : b.wires[0];
        to_a += is_a;
        wire_clear(served);
        upstream_json(served, 200, "{}");
        ck_answer(client, 200, "{}");
    }
    ck_assert_uint_eq(to_a, 30);
    gateway_end();
}
END_TEST

START_TEST(a_full_upstream_makes_requests_wait_in_order)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', max_concurrency: 1}]\n");
    struct wire *clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = gateway_connect();
        char *extra = mem_printf(",\"n\":%d", i);
        client_post_chat(clients[i], extra);
        mem_free(extra);
    }
    ck_assert_uint_eq(gateway_waiting(), 2);
    ck_assert_uint_eq(gateway_in_flight("a"), 1);
    for (int i = 0; i < 3; i++) {
        char *expected = mem_printf(",\"n\":%d}", i);
        ck_assert(has_received(a.wires[0], expected));
        mem_free(expected);
        wire_clear(a.wires[0]);
        upstream_json(a.wires[0], 200, "{}");
        ck_answer(clients[i], 200, "{}");
    }
    gateway_end();
}
END_TEST

/* A reload changes what new requests get; those under way keep theirs (also when their upstream is gone from the
 * config). */
START_TEST(requests_keep_their_config_across_a_reload)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1'}]\n");
    struct wire *first = gateway_connect(), *second = gateway_connect();
    client_post_chat(first, ",\"stream\":true");
    gateway_reload(QUIET "upstreams: [{name: b, base_url: 'http://b.test:80/v1'}]\n");
    client_post_chat(second, "");
    ck_assert_uint_eq(b.dials, 1);
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta("x"));
    upstream_chunk(a.wires[0], finish_event);
    upstream_chunk(a.wires[0], done_event);
    upstream_stream_end(a.wires[0]);
    struct client_answer answer = client_read(first);
    ck_assert(answer.complete);
    mem_free(answer.body);
    upstream_json(b.wires[0], 200, "{}");
    ck_answer(second, 200, "{}");
    gateway_end();
}
END_TEST

START_TEST(a_drain_lets_streams_finish)
{
    begin(one_upstream);
    struct wire *busy = gateway_connect(), *idle = gateway_connect();
    client_post_chat(busy, ",\"stream\":true");
    upstream_stream_head(a.wires[0]);
    upstream_chunk(a.wires[0], delta("x"));
    gateway_drain();
    ck_assert(wire_program_closed(idle));
    ck_assert(!gateway_has_drained());
    upstream_chunk(a.wires[0], finish_event);
    upstream_chunk(a.wires[0], done_event);
    upstream_stream_end(a.wires[0]);
    struct client_answer answer = client_read(busy);
    ck_assert(answer.complete);
    mem_free(answer.body);
    wire_close(busy);
    fake_settle();
    ck_assert(gateway_has_drained());
    gateway_end();
}
END_TEST

/* A slow reader holds its upstream back instead of filling our memory. */
START_TEST(back_pressure_reaches_the_upstream)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    wire_window(client, 0);
    upstream_stream_head(a.wires[0]);
    for (int i = 0; i < 1000 && !wire_reading_paused(a.wires[0]); i++)
        upstream_chunk(a.wires[0], delta("some text that fills the buffers"));
    ck_assert(wire_reading_paused(a.wires[0]));
    wire_window(client, SIZE_MAX);
    fake_settle();
    ck_assert(!wire_reading_paused(a.wires[0]));
    gateway_end();
}
END_TEST

/* The time in which a client takes nothing is not the upstream's silence, which begins when it may go on. */
START_TEST(a_slow_reader_is_not_its_upstreams_silence)
{
    begin(QUIET "upstreams: [{name: a, base_url: 'http://a.test:80/v1', timeouts: {idle: 4s}}]\n");
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    wire_window(client, 0);
    upstream_stream_head(a.wires[0]);
    for (int i = 0; i < 1000 && !wire_reading_paused(a.wires[0]); i++)
        upstream_chunk(a.wires[0], delta("some text that fills the buffers"));
    fake_run(10 * USEC_PER_SEC);
    wire_window(client, SIZE_MAX);
    fake_run(3 * USEC_PER_SEC);
    upstream_stream_finish(a.wires[0]);
    struct client_answer answer = client_read(client);
    ck_assert(answer.complete);
    mem_free(answer.body);
    gateway_end();
}
END_TEST

/* What the upstream sent before it left is the answer, however late the client takes it. */
START_TEST(a_slow_reader_gets_all_of_an_answer_whose_upstream_left)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"stream\":true");
    wire_window(client, 0);
    upstream_stream_head(a.wires[0]);
    for (int i = 0; i < 1000 && !wire_reading_paused(a.wires[0]); i++)
        upstream_chunk(a.wires[0], delta("some text that fills the buffers"));
    upstream_chunk(a.wires[0], finish_event);
    upstream_stream_end(a.wires[0]);
    wire_close(a.wires[0]);
    fake_settle();
    wire_window(client, SIZE_MAX);
    fake_settle();
    struct client_answer answer = client_read(client);
    ck_assert(answer.complete);
    ck_assert_ptr_nonnull(strstr(answer.body, finish_event));
    mem_free(answer.body);
    gateway_end();
}
END_TEST

static struct wire *client_get(const char *path)
{
    struct wire *client = gateway_connect();
    char *request = mem_printf("GET %s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    wire_send(client, text_of(request));
    mem_free(request);
    fake_settle();
    return client;
}

static const char *const model_paths[] = {"/v1/models", "/v1/models/m"};

/* That nobody can say which models there are must not be told as "there are none". */
START_TEST(models_that_nobody_tells_are_a_failure)
{
    static const struct {
        enum net_error refuses;
        unsigned status;
        const char *body;
    } upstreams[] = {
        {NET_CONNECT, 0, NULL},
        {NET_OK, 401, "{\"error\":{\"message\":\"no\"}}"},
        {NET_OK, 404, "{}"},
        {NET_OK, 200, "<html>"},
    };
    for (int i = 0; i < 2 * COUNT(upstreams); i++) {
        begin(one_upstream);
        a.refuses = upstreams[i / 2].refuses;
        struct wire *client = client_get(model_paths[i % 2]);
        if (upstreams[i / 2].body) upstream_json(a.wires[0], upstreams[i / 2].status, upstreams[i / 2].body);
        ck_error(client, 502, "upstream_unreachable");
        gateway_end();
    }
}
END_TEST

START_TEST(models_that_somebody_tells_are_listed)
{
    begin(two_upstreams);
    a.refuses = NET_CONNECT;
    struct wire *client = client_get("/v1/models");
    upstream_json(b.wires[0], 200, "{\"data\":[{\"id\":\"z\"}]}");
    ck_answer(client, 200,
              "{\"object\":\"list\",\"data\":[{\"id\":\"z\",\"object\":\"model\",\"created\":0,\"owned_by\":\"b\"}]}");
    client = client_get("/v1/models/other");
    upstream_json(b.wires[0], 200, "{\"data\":[{\"id\":\"z\"}]}");
    ck_error(client, 404, "model_not_found");
    client = client_get("/v1/models");
    upstream_json(b.wires[0], 200, "{\"data\":[]}");
    ck_answer(client, 200, "{\"object\":\"list\",\"data\":[]}");
    gateway_end();
}
END_TEST

START_TEST(mapped_models_need_nobodys_answer)
{
    begin(QUIET "upstreams:\n"
                "  - {name: a, base_url: 'http://a.test:80/v1', models: {m: M}}\n"
                "  - {name: b, base_url: 'http://b.test:80/v1'}\n");
    b.refuses = NET_CONNECT;
    for (int i = 0; i < COUNT(model_paths); i++) {
        struct client_answer answer = client_read(client_get(model_paths[i]));
        ck_assert_uint_eq(answer.status, 200);
        ck_assert_ptr_nonnull(strstr(answer.body, "\"id\":\"m\""));
        mem_free(answer.body);
    }
    ck_error(client_get("/v1/models/other"), 404, "model_not_found");
    gateway_end();
}
END_TEST

/* The upstream is asked for the list all the same: the answer's length is that of GET. */
START_TEST(the_head_of_the_models_is_that_of_get)
{
    begin(one_upstream);
    for (int i = 0; i < 2; i++) {
        struct wire *client = gateway_connect();
        wire_send(client, i ? TEXT("HEAD /v1/models HTTP/1.1\r\nHost: h\r\n\r\n")
                            : TEXT("GET /v1/models HTTP/1.1\r\nHost: h\r\n\r\n"));
        fake_settle();
        ck_assert(has_received(a.wires[0], "GET /v1/models HTTP/1.1\r\n"));
        wire_clear(a.wires[0]);
        upstream_json(a.wires[0], 200, "{\"data\":[{\"id\":\"z\"}]}");
        ck_assert(text_starts(wire_received(client), TEXT("HTTP/1.1 200 OK\r\n")));
        ck_assert(has_received(client, "Content-Length: 81\r\n"));
        ck_assert(text_ends(wire_received(client), i ? TEXT("\r\n\r\n") : TEXT("}]}")));
    }
    gateway_end();
}
END_TEST

/* What can't be read is refused by name; what is not read goes on as it came. */
START_TEST(only_bodies_that_are_not_read_may_have_a_coding)
{
    begin(one_upstream);
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", "Content-Encoding: gzip\r\n", "\x1F\x8B\x08");
    ck_error(client, 415, "unsupported_content_encoding");
    client_post(client, "/v1/files", "Content-Encoding: gzip\r\n", "\x1F\x8B\x08");
    ck_assert(has_received(a.wires[0], "Content-Encoding: gzip\r\n"));
    ck_assert(text_ends(wire_received(a.wires[0]), TEXT("\r\n\r\n\x1F\x8B\x08")));
    upstream_json(a.wires[0], 200, "{}");
    ck_answer(client, 200, "{}");
    gateway_end();
}
END_TEST

TEST_MAIN("journey", plain_answer_is_relayed_byte_for_byte, connections_are_kept_on_both_sides,
          events_arrive_one_by_one, cuts_do_not_matter, requests_may_come_in_pieces_and_in_a_row, hints_are_consumed,
          without_a_key_the_clients_key_passes, model_names_are_mapped, weights_are_met,
          a_full_upstream_makes_requests_wait_in_order, requests_keep_their_config_across_a_reload,
          a_drain_lets_streams_finish, back_pressure_reaches_the_upstream, a_slow_reader_is_not_its_upstreams_silence,
          a_slow_reader_gets_all_of_an_answer_whose_upstream_left, models_that_nobody_tells_are_a_failure,
          models_that_somebody_tells_are_listed, mapped_models_need_nobodys_answer,
          the_head_of_the_models_is_that_of_get, only_bodies_that_are_not_read_may_have_a_coding)
