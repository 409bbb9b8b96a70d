/* scenario.h - what every scenario file begins with. */
#ifndef DSGATE_TESTS_SCENARIO_H
#define DSGATE_TESTS_SCENARIO_H

#include "../suite.h"
#include "fake/gateway.h"

/* A request's beginning, a body of 27 bytes, and a config's beginning: without an access log. */
#define POST_CHAT "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
#define BODY      "{\"model\":\"m\",\"messages\":[]}"
#define QUIET     "log: {access: 'off'}\n"

/* Two equal upstreams and one model that both serve. */
static const char two_upstreams[] =
    QUIET "upstreams:\n"
    "  - {name: a, base_url: 'http://a.test:80/v1', api_key: sk-a}\n"
    "  - {name: b, base_url: 'http://b.test:80/v1', api_key: sk-b}\n";

static const char one_upstream[] =
    QUIET "upstreams:\n"
    "  - {name: a, base_url: 'http://a.test:80/v1', api_key: sk-a}\n";

static struct fake_upstream a = {.host = "a.test", .port = 80}, b = {.host = "b.test", .port = 80};

static inline void begin(const char *yaml)
{
    a = (struct fake_upstream){.host = "a.test", .port = 80};
    b = (struct fake_upstream){.host = "b.test", .port = 80};
    gateway_begin(yaml);
    fake_upstream_add(&a);
    fake_upstream_add(&b);
}

/* A new client's request with some headers, e.g. "X-Dsgate-Priority: P1\r\n". */
static inline struct wire *ask(const char *headers)
{
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", headers,
                "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    return client;
}

/* The upstream's connection with a request that is not answered yet; NULL: there is none. */
static inline struct wire *busy_wire(struct fake_upstream *u)
{
    for (unsigned i = 0; i < u->wire_count; i++)
        if (upstream_got_request(u->wires[i])) return u->wires[i];
    return NULL;
}

static inline bool was_asked_with(struct wire *w, const char *bytes)
{
    return text_find(wire_received(w), text_of(bytes)) < wire_received(w).n;
}

/* The answer on `w` has this status and body. */
#define ck_answer(w, expected_status, expected_body) \
    do { \
        struct client_answer got_ = client_read(w); \
        ck_assert_uint_eq(got_.status, expected_status); \
        ck_assert_str_eq(got_.body, expected_body); \
        ck_assert(got_.complete); \
        mem_free(got_.body); \
    } while (0)

/* The answer on `w` is an error with this status and code. */
#define ck_error(w, expected_status, expected_code) \
    do { \
        struct client_answer got_ = client_read(w); \
        ck_assert_uint_eq(got_.status, expected_status); \
        ck_assert_msg(strstr(got_.body, "\"code\":\"" expected_code "\"") != NULL, "%s", got_.body); \
        ck_assert(got_.complete); \
        mem_free(got_.body); \
    } while (0)

#endif
