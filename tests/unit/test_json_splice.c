/* The edited text is the same bytes whatever its pieces are, and no piece is a copy. */
#include "json_test.h"

enum { EDITS = 3, PIECES = 2 * EDITS + 1 };

static struct text joined(const struct iovec *iov, int count, char *out)
{
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        ck_assert_uint_gt(iov[i].iov_len, 0);
        memcpy(out + n, iov[i].iov_base, iov[i].iov_len);
        n += iov[i].iov_len;
    }
    return text_make(out, n);
}

/* Edits are given as offsets into the text. */
static const struct sample {
    const char *json;
    struct {
        size_t at, n;
        const char *put;
    } edits[EDITS];
    size_t n;
    const char *wanted;
    int pieces;
} samples[] = {
    {"{\"model\":\"a\"}", {{0}}, 0, "{\"model\":\"a\"}", 1},
    {"{\"model\":\"a\",\"x\":1}", {{9, 3, "\"bcd\""}}, 1, "{\"model\":\"bcd\",\"x\":1}", 3},
    {"{\"x\":1}", {{1, 0, "\"a\":2,"}}, 1, "{\"a\":2,\"x\":1}", 3},
    {"{\"x\":1,\"y\":2}", {{6, 6, ""}}, 1, "{\"x\":1}", 2},
    {"abc", {{0, 1, "X"}}, 1, "Xbc", 2},
    {"abc", {{2, 1, "X"}}, 1, "abX", 2},
    {"abc", {{0, 0, "X"}}, 1, "Xabc", 2},
    {"abc", {{3, 0, "X"}}, 1, "abcX", 2},
    {"abc", {{0, 3, "X"}}, 1, "X", 1},
    {"abc", {{0, 3, ""}}, 1, "", 0},
    {"abcdef", {{1, 1, "X"}, {2, 0, "Y"}, {2, 1, "Z"}}, 3, "aXYZdef", 5},
    {"abcdefg", {{1, 1, "1"}, {3, 1, "2"}, {5, 1, "3"}}, 3, "a1c2e3g", 7},
    {"abc", {{1, 0, "X"}, {1, 0, "Y"}}, 2, "aXYbc", 4},
    {"", {{0, 0, "X"}}, 1, "X", 1},
    {"", {{0}}, 0, "", 0},
};

START_TEST(splices)
{
    for (size_t i = 0; i < COUNT(samples); i++) {
        const struct sample *s = &samples[i];
        struct json_edit edits[EDITS];
        struct iovec iov[PIECES];
        char out[64];
        size_t total = 99;
        for (size_t k = 0; k < s->n; k++)
            edits[k] = (struct json_edit){text_make(s->json + s->edits[k].at, s->edits[k].n), text_of(s->edits[k].put)};
        int count = json_splice(text_of(s->json), edits, s->n, iov, &total);
        struct text result = joined(iov, count, out);
        ck_assert_msg(text_is(result, s->wanted), "sample %zu: %s", i, shown(result));
        ck_assert_int_eq(count, s->pieces);
        ck_assert_uint_eq(total, result.n);
    }
}
END_TEST

START_TEST(nothing_is_copied)
{
    const struct text json = TEXT("{\"model\":\"a\"}"), put = TEXT("\"b\"");
    const struct json_edit edit = {text_make(json.p + 9, 3), put};
    struct iovec iov[3];
    size_t total;
    ck_assert_int_eq(json_splice(json, &edit, 1, iov, &total), 3);
    ck_assert_ptr_eq(iov[0].iov_base, json.p);
    ck_assert_ptr_eq(iov[1].iov_base, put.p);
    ck_assert_ptr_eq(iov[2].iov_base, json.p + 12);
}
END_TEST

/* What the gateway does: another model's name, and a member more, in bytes found by the scan. */
START_TEST(scan_then_splice)
{
    const struct text json = TEXT(" {\"messages\":[ ], \"model\" : \"deepseek-chat\" } "), name = TEXT("model");
    struct json_member model;
    struct iovec iov[PIECES];
    char out[128];
    size_t total;
    ck_assert_int_eq(json_scan(json, &name, 1, &model, JSON_DEPTH).error, JSON_FINE);
    const struct json_edit edits[] = {{text_make(json.p + 18, 0), TEXT("\"n\":1,")}, {model.value, TEXT("\"v4\"")}};
    int count = json_splice(json, edits, 2, iov, &total);
    ck_assert_msg(text_is(joined(iov, count, out), " {\"messages\":[ ], \"n\":1,\"model\" : \"v4\" } "), "%.*s",
                  (int)total, out);
}
END_TEST

TEST_MAIN("json_splice", splices, nothing_is_copied, scan_then_splice)
