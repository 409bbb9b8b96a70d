/* http_test.h - what the tests of the HTTP parser share.
 *
 * Every piece of input lies alone in memory of exactly its size, so that sanitizers see each byte that is read outside.
 */
#ifndef DSGATE_TESTS_HTTP_TEST_H
#define DSGATE_TESTS_HTTP_TEST_H

#include "../suite.h"
#include "dsgate/net/http.h"

enum side { REQUEST, ANSWER, ANSWER_TO_HEAD };

struct outcome {
    enum http_parse parse;
    enum http_error error;
    size_t scanned;
    char *bytes; /* what the head points into */
    struct http_head head;
};

static const struct http_limits roomy = {.line = 8192, .head = 65536, .fields = HTTP_FIELDS_MAX, .body = 1 << 20};

static inline char *alone(struct text t)
{
    char *copy = malloc(t.n ? t.n : 1);
    if (t.n) memcpy(copy, t.p, t.n);
    return copy;
}

static inline void outcome_free(struct outcome *o)
{
    free(o->bytes);
    o->bytes = NULL;
}

/* Parses once, going on where o->scanned says. */
static inline void parse_on(struct outcome *o, enum side side, struct text t, const struct http_limits *limits)
{
    outcome_free(o);
    o->bytes = alone(t);
    struct text in = text_make(o->bytes, t.n);
    if (side == REQUEST)
        o->parse = http_parse_request(in, limits, &o->scanned, &o->head, &o->error);
    else
        o->parse = http_parse_answer(in, limits, &o->scanned, side == ANSWER_TO_HEAD, &o->head, &o->error);
}

static inline struct outcome parse_whole(enum side side, struct text t, const struct http_limits *limits)
{
    struct outcome o = {0};
    parse_on(&o, side, t, limits);
    return o;
}

/* As a sender of `step` bytes at a time would have it. */
static inline struct outcome parse_in_steps(enum side side, struct text t, const struct http_limits *limits,
                                            size_t step)
{
    struct outcome o = {0};
    for (size_t n = step; o.parse == HTTP_PARSE_MORE && n < t.n + step; n += step)
        parse_on(&o, side, text_make(t.p, n < t.n ? n : t.n), limits);
    return o;
}

/* The bytes are refused for that reason, however they come. */
static inline void check_refused(enum side side, const char *name, struct text t, const struct http_limits *limits,
                                 enum http_error expected)
{
    for (size_t step = 1; step <= t.n; step = step < 4 || step == t.n ? step + 1 : t.n) {
        struct outcome o = parse_in_steps(side, t, limits, step);
        ck_assert_msg(o.parse == HTTP_PARSE_BAD, "%s, %zu bytes a time: not refused", name, step);
        ck_assert_msg(o.error == expected, "%s, %zu bytes a time: %s", name, step, http_error_name(o.error));
        outcome_free(&o);
    }
}

static inline struct outcome parse_good(enum side side, struct text t)
{
    struct outcome bytewise = parse_in_steps(side, t, &roomy, 1), o = parse_whole(side, t, &roomy);
    ck_assert_msg(o.parse == HTTP_PARSE_DONE, "%s: " TEXT_FORMAT, http_error_name(o.error), TEXT_ARGS(t));
    ck_assert_int_eq(bytewise.parse, HTTP_PARSE_DONE);
    ck_assert_uint_eq(bytewise.head.length, o.head.length);
    outcome_free(&bytewise);
    return o;
}

static inline void check_text(struct text t, const char *expected)
{
    ck_assert_msg(text_is(t, expected), "'" TEXT_FORMAT "' is not '%s'", TEXT_ARGS(t), expected);
}

#endif
