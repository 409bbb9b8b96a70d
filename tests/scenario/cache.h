/* cache.h - what the scenarios of the response cache share. */
#ifndef DSGATE_TESTS_SCENARIO_CACHE_H
#define DSGATE_TESTS_SCENARIO_CACHE_H

#include "scenario.h"

#define MS  USEC_PER_MS
#define SEC USEC_PER_SEC

/* A route's rules, e.g. CACHE("mode: always, ttl: 60s"): each call is made once. */
#define CACHE(rules) QUIET ROUTE("hedge: off, retry: {attempts: 1, jitter: 0%}, cache: {" rules "}")
#define ALONE        "upstreams:\n" UPSTREAM(a, "")
#define ALWAYS       CACHE("mode: always") ALONE

#define CHAT "/v1/chat/completions"

/* A plain answer that says this, for 3 + 2 tokens. */
#define SAYING(text) \
    "{\"id\":\"1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0," \
    "\"message\":{\"role\":\"assistant\",\"content\":\"" text "\"},\"finish_reason\":\"stop\"}]," \
    "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}"

static const char hello[] = SAYING("Hello");
static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";

/* So many letters; the caller frees them. */
static inline char *long_text(size_t n)
{
    char *text = mem_zalloc(n + 1);
    memset(text, 'x', n);
    return text;
}

/* ---- who asks ---- */

/* A new client's request. */
static inline struct wire *post(const char *path, const char *headers, const char *body)
{
    struct wire *client = gateway_connect();
    client_post(client, path, headers, body);
    return client;
}

/* … of a chat, with more members, e.g. ",\"stream\":true". */
static inline struct wire *chat(const char *headers, const char *members)
{
    char *body = mem_printf("{\"model\":\"m\",\"messages\":[" QUESTION "]%s}", members);
    struct wire *client = post(CHAT, headers, body);
    mem_free(body);
    return client;
}

#define STREAMED    ",\"stream\":true"
#define TELLS_USAGE ",\"stream\":true,\"stream_options\":{\"include_usage\":true}"

/* ---- who answers ---- */

/* The upstream gives the answer to whoever waits there. */
static inline void answer(struct fake_upstream *u, unsigned status, const char *body)
{
    upstream_json(upstream_take(busy_wire(u)), status, body);
}

/* … a stream that is all of these events. */
static inline void answer_stream(struct fake_upstream *u, const char *events)
{
    struct wire *w = upstream_take(busy_wire(u));
    upstream_stream_head(w);
    upstream_chunk(w, events);
    upstream_stream_end(w);
}

/* The bytes that begin_stream(), upstream_chunk() of deltas with these texts and upstream_stream_finish() give. */
static inline const char *stream_of(const char *texts[], size_t n)
{
    static char all[8192];
    int at = snprintf(all, sizeof all, "%s", delta_of("1", ROLE));
    for (size_t i = 0; i < n; i++)
        at += snprintf(all + at, sizeof all - (size_t)at, "%s", delta_text("1", texts[i]));
    snprintf(all + at, sizeof all - (size_t)at, "%s%s", finish_event, done_event);
    return all;
}
#define STREAM(...) stream_of((const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *))

/* ---- what it comes to ---- */

/* Calls that a has answered well. */
static inline unsigned calls(void) { return (unsigned)gateway_attempts("a", "success"); }

/* The client's answer, which came like this: "miss", "hit-memory", … */
#define ck_given(client, how, body) \
    do { \
        ck_answer(client, 200, body); \
        ck_assert_str_eq(client_field("x-dsgate-cache"), how); \
    } while (0)

/* a is asked, and what it says is the client's answer. */
#define ck_fetched(client, how, body) \
    do { \
        struct wire *client_ = client; \
        answer(&a, 200, body); \
        ck_given(client_, how, body); \
        ck_assert_str_eq(client_field("age"), ""); \
    } while (0)
#define ck_miss(client, body) ck_fetched(client, "miss", body)

/* Nobody is asked. */
#define ck_hit(client, body) \
    do { \
        struct wire *hit_ = client; \
        ck_assert_msg(!busy_wire(&a), "a was asked"); \
        ck_given(hit_, "hit-memory", body); \
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "0"); \
    } while (0)

#endif
