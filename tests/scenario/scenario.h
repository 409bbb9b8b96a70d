/* scenario.h - what every scenario file begins with. */
#ifndef DSGATE_TESTS_SCENARIO_H
#define DSGATE_TESTS_SCENARIO_H

#include "../suite.h"
#include "fake/gateway.h"

/* A request's beginning, a body of 27 bytes, and a config's beginning: without an access log. */
#define POST_CHAT "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
#define BODY      "{\"model\":\"m\",\"messages\":[]}"
#define QUIET     "log: {access: 'off'}\n"

/* One route for all models; e.g. ROUTE("hedge: off, retry: {jitter: 0%}"). */
#define ROUTE(rules) "routes: [{match: {models: ['*']}, " rules "}]\n"
/* So many attempts of one request, and no more: nobody is asked again after a while. */
#define ATTEMPTS(n) ROUTE("retry: {attempts: " #n "}")
/* One row of the list of upstreams, with more options, e.g. UPSTREAM(a, ", tier: backup"). */
#define UPSTREAM(name, more) \
    "  - {name: " #name ", base_url: 'http://" #name ".test:80/v1', api_key: sk-" #name more "}\n"
/* … that goes on from texts, and gets plain calls as streams, as DeepSeek does. */
#define DEEPSEEK(name, more) UPSTREAM(name, ", dialect: deepseek, beta_path: /beta" more)
/* Of a few requests each is shown to a first. */
#define A_THEN_B "upstreams:\n" UPSTREAM(a, ", weight: 9") UPSTREAM(b, "")

/* Two equal upstreams and one model that both serve; each is asked once. */
static const char two_upstreams[] =
    QUIET ATTEMPTS(2) "upstreams:\n"
    "  - {name: a, base_url: 'http://a.test:80/v1', api_key: sk-a}\n"
    "  - {name: b, base_url: 'http://b.test:80/v1', api_key: sk-b}\n";

static const char one_upstream[] =
    QUIET ATTEMPTS(1) "upstreams:\n"
    "  - {name: a, base_url: 'http://a.test:80/v1', api_key: sk-a}\n";

static struct fake_upstream a, b, c;

static inline void begin(const char *yaml)
{
    a = (struct fake_upstream){.host = "a.test", .port = 80};
    b = (struct fake_upstream){.host = "b.test", .port = 80};
    c = (struct fake_upstream){.host = "c.test", .port = 80};
    gateway_begin(yaml);
    fake_upstream_add(&a);
    fake_upstream_add(&b);
    fake_upstream_add(&c);
}

/* The message that they ask with. */
#define QUESTION "{\"role\":\"user\",\"content\":\"hi\"}"
/* And how a chat stream begins. */
#define ROLE "{\"role\":\"assistant\",\"content\":\"\"}"

/* A new client's request with some headers, e.g. "X-Dsgate-Priority: P1\r\n". */
static inline struct wire *ask(const char *headers)
{
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", headers,
                "{\"model\":\"m\",\"messages\":[" QUESTION "]}");
    return client;
}

/* The same of a stream. */
static inline struct wire *ask_stream(const char *headers)
{
    struct wire *client = gateway_connect();
    client_post(client, "/v1/chat/completions", headers,
                "{\"model\":\"m\",\"messages\":[" QUESTION "],\"stream\":true}");
    return client;
}

/* The upstream's connection with a request that is not answered yet; NULL: there is none. */
static inline struct wire *busy_wire(struct fake_upstream *u)
{
    for (unsigned i = 0; i < u->wire_count && i < COUNT(u->wires); i++)
        if (!wire_program_closed(u->wires[i]) && upstream_got_request(u->wires[i])) return u->wires[i];
    return NULL;
}

/* The upstream takes its request and begins the stream with this id: its role, and this text, "": none yet. */
static inline struct wire *begin_stream(struct fake_upstream *u, const char *id, const char *text)
{
    struct wire *w = upstream_take(busy_wire(u));
    upstream_stream_head(w);
    upstream_chunk(w, delta_of(id, ROLE));
    if (*text) upstream_chunk(w, delta_text(id, text));
    return w;
}

static inline bool has_received(struct wire *w, const char *bytes)
{
    return text_find(wire_received(w), text_of(bytes)) < wire_received(w).n;
}

/* The answer on `w` has this status and body. */
#define ck_answer(w, expected_status, expected_body) ck_answered(w, expected_status, expected_body, true)

/* … so far, and was cut there. */
#define ck_cut(w, expected_status, expected_body) ck_answered(w, expected_status, expected_body, false)

#define ck_answered(w, expected_status, expected_body, expected_complete) \
    do { \
        struct client_answer got_ = client_read(w); \
        ck_assert_uint_eq(got_.status, expected_status); \
        ck_assert_str_eq(got_.body, expected_body); \
        ck_assert_int_eq(got_.complete, expected_complete); \
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
