/* retry.h - what the scenarios of attempts that fail share. */
#ifndef DSGATE_TESTS_RETRY_H
#define DSGATE_TESTS_RETRY_H

#include "scenario.h"

#define MS USEC_PER_MS

/* Waits are exact. */
#define EXACTLY(rules) QUIET ROUTE("retry: {jitter: 0%" rules "}")
/* Failures don't take it out. */
#define PATIENT ", breaker: {failures: 0, failure_rate: 0%}"
#define ALONE   "upstreams:\n" UPSTREAM(a, "")

static const char busy[] = "{\"error\":{\"message\":\"busy\"}}";
static const char good[] = "{\"choices\":[{\"message\":{\"content\":\"good\"},\"finish_reason\":\"stop\"}]}";
static const char empty[] = "{\"choices\":[{\"message\":{\"content\":\"\"},\"finish_reason\":\"stop\"}]}";

/* The upstream's answer to the request that waits there; the test fails when there is none. */
static inline void answer(struct fake_upstream *u, unsigned status, const char *body)
{
    upstream_json(upstream_take(busy_wire(u)), status, body);
}

/* It breaks the connection, which is a new one: on an old one that would not be its failure. */
static inline void reset(struct fake_upstream *u)
{
    wire_reset(upstream_take(busy_wire(u)));
    fake_settle();
}

/* … busy, with header fields. */
static inline void say_busy(struct fake_upstream *u, const char *fields)
{
    char *bytes = mem_printf("HTTP/1.1 503 X\r\n%sContent-Length: %zu\r\n\r\n%s", fields, strlen(busy), busy);
    wire_send(upstream_take(busy_wire(u)), text_of(bytes));
    fake_settle();
    mem_free(bytes);
}

/* The upstream is asked after exactly this time, and not before. */
#define ck_asked_after(u, time) \
    do { \
        fake_run((time)-1); \
        ck_assert_msg(!busy_wire(u), "%s was asked too early", (u)->host); \
        fake_run(1); \
        ck_assert_msg(busy_wire(u) != NULL, "%s was not asked", (u)->host); \
    } while (0)

/* What the last answer's header says of attempts. */
#define ck_attempts(count, reasons) \
    do { \
        ck_assert_str_eq(client_field("x-dsgate-attempts"), count); \
        ck_assert_str_eq(client_field("x-dsgate-reasons"), reasons); \
    } while (0)

#endif
