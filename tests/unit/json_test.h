/* json_test.h - scanning in a test: by every implementation that this processor can run, each time from a copy that
 * lies alone in memory, so that the sanitizer sees every byte read outside. */
#ifndef DSGATE_TESTS_JSON_TEST_H
#define DSGATE_TESTS_JSON_TEST_H

#include "../../src/llm/json_scan.h"
#include "../suite.h"
#include "json_oracle.h"
#include <stdio.h>

/* For messages: the text on one line, and not too much of it. */
static inline const char *shown(struct text t)
{
    static char line[512];
    size_t n = 0;
    for (size_t i = 0; i < t.n && n < sizeof line - 8; i++) {
        bool plain = t.p[i] >= ' ' && t.p[i] <= '~';
        n += (size_t)snprintf(line + n, sizeof line - n, plain ? "%c" : "<%02X>", (unsigned char)t.p[i]);
    }
    line[n] = '\0';
    return line;
}

/* Whoever scans alone in memory wants nothing: members would point into what is gone. */
static inline struct json_result scan_alone(enum json_level level, struct text json, unsigned max_depth)
{
    char *alone = malloc(json.n ? json.n : 1);
    if (json.n) memcpy(alone, json.p, json.n);
    struct json_result result = json_scan_with(level, text_make(alone, json.n), NULL, 0, NULL, max_depth);
    free(alone);
    return result;
}

static inline void expect_result(struct text json, unsigned max_depth, enum json_error error, size_t position)
{
    for (int level = JSON_PLAIN; level < JSON_LEVELS; level++) {
        if (!json_level_works((enum json_level)level)) continue;
        struct json_result r = scan_alone((enum json_level)level, json, max_depth);
        ck_assert_msg(r.error == error && r.position == position, "level %d, %zu bytes: %s at %zu, not %s at %zu: %s",
                      level, json.n, json_error_text(r.error), r.position, json_error_text(error), position,
                      shown(json));
    }
}

/* All implementations and the oracle must agree. */
static inline struct json_result expect_as_oracle(struct text json)
{
    struct json_result wanted = json_oracle(json, JSON_DEPTH);
    expect_result(json, JSON_DEPTH, wanted.error, wanted.position);
    return wanted;
}

#endif
