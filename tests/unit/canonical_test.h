/* canonical_test.h - canonical texts in a test. Each JSON text lies alone in memory, so that the sanitizer sees every
 * byte read outside. */
#ifndef DSGATE_TESTS_CANONICAL_TEST_H
#define DSGATE_TESTS_CANONICAL_TEST_H

#include "../suite.h"
#include "dsgate/llm/canonical.h"
#include "dsgate/llm/json.h"

static const struct text canonical_without[] = {TEXT("stream"), TEXT("user"), TEXT("metadata")};

/* False: refused, and `out` is empty. */
static inline bool canonical_alone(struct text json, struct buf *out)
{
    char *alone = malloc(json.n ? json.n : 1);
    if (json.n) memcpy(alone, json.p, json.n);
    buf_clear(out);
    bool written = canonical_write(text_make(alone, json.n), canonical_without, COUNT(canonical_without), out);
    if (!written) buf_clear(out);
    free(alone);
    return written;
}

/* For messages. */
static inline struct text canonical_shown(struct text t, size_t around)
{
    t = text_from(t, around > 60 ? around - 60 : 0);
    return text_make(t.p, t.n < 120 ? t.n : 120);
}

static inline size_t canonical_difference(struct text a, struct text b)
{
    size_t at = 0;
    while (at < a.n && at < b.n && a.p[at] == b.p[at])
        at++;
    return at;
}

static inline void expect_canonical(struct text json, struct text wanted)
{
    struct buf out = {0};
    ck_assert_msg(canonical_alone(json, &out), "refused: " TEXT_FORMAT, TEXT_ARGS(canonical_shown(json, 0)));
    size_t at = canonical_difference(buf_text(&out), wanted);
    ck_assert_msg(text_eq(buf_text(&out), wanted), "at %zu: " TEXT_FORMAT "\nnot " TEXT_FORMAT, at,
                  TEXT_ARGS(canonical_shown(buf_text(&out), at)), TEXT_ARGS(canonical_shown(wanted, at)));
    buf_free(&out);
}

#endif
