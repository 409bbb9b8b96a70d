/* What the canonical text of a JSON text is, case by case. */
#include "canonical_test.h"

/* ---- one text for all that mean the same ---- */

static const struct {
    const char *json, *canonical;
} texts[] = {
    /* members */
    {"{}", "{}"},
    {" \t\r\n{ } ", "{}"},
    {"{\"b\":1,\"a\":2}", "{\"a\":2,\"b\":1}"},
    {"{\"a\":2,\"b\":1}", "{\"a\":2,\"b\":1}"},
    {"{ \"c\" : 1 ,\n\"b\" : [ 2 , { \"z\" : 1 , \"y\" : { } } ] , \"a\" : 3 }",
     "{\"a\":3,\"b\":[2,{\"y\":{},\"z\":1}],\"c\":1}"},
    {"{\"ab\":1,\"a\":2,\"\":3,\"a!\":4}", "{\"\":3,\"a\":2,\"a!\":4,\"ab\":1}"},
    {"{\"\\u00e9\":1,\"z\":2,\"\xC3\xA8\":3}", "{\"z\":2,\"\xC3\xA8\":3,\"\xC3\xA9\":1}"},
    {"{\"a\":[{\"x\":1},{\"d\":{\"f\":1,\"e\":2},\"c\":3},[]],\"b\":{\"h\":1,\"g\":2}}",
     "{\"a\":[{\"x\":1},{\"c\":3,\"d\":{\"e\":2,\"f\":1}},[]],\"b\":{\"g\":2,\"h\":1}}"},
    /* twice */
    {"{\"b\":1,\"a\":2,\"b\":3,\"a\":4}", "{\"a\":2,\"a\":4,\"b\":1,\"b\":3}"},
    {"{\"a\":2,\"\\u0061\":1}", "{\"a\":2,\"a\":1}"},
    /* without */
    {"{\"stream\":true}", "{}"},
    {"{\"stream\":true,\"a\":1}", "{\"a\":1}"},
    {"{\"a\":1,\"stream\":true}", "{\"a\":1}"},
    {"{\"a\":1,\"metadata\":{\"stream\":1,\"b\":{\"z\":1,\"y\":2}},\"b\":2,\"user\":\"x\"}", "{\"a\":1,\"b\":2}"},
    {"{\"z\":1,\"user\":[{\"b\":1,\"a\":2}],\"\\u0075ser\":2,\"a\":2}", "{\"a\":2,\"z\":1}"},
    {"{\"a\":{\"stream\":1},\"users\":2,\"use\":3,\"User\":4}",
     "{\"User\":4,\"a\":{\"stream\":1},\"use\":3,\"users\":2}"},
    /* strings */
    {"{\"a\":\"\\u0041\\/\\u002f/\"}", "{\"a\":\"A///\"}"},
    {"{\"a\":\"\\u0022\\u005c\\u0008\\u000c\\u000A\\u000d\\u0009\"}", "{\"a\":\"\\\"\\\\\\b\\f\\n\\r\\t\"}"},
    {"{\"a\":\"\\u0000\\u000B\\u001f\x7F\"}", "{\"a\":\"\\u0000\\u000b\\u001f\x7F\"}"},
    {"{\"a\":\"\\u007f\\u00E9\\u20ac\\uD83D\\ude80\"}", "{\"a\":\"\x7F\xC3\xA9\xE2\x82\xAC\xF0\x9F\x9A\x80\"}"},
    {"{\"a\":\"\\uD83D \\uDE80\\uD83D\\uD83D\\uDE80\\uDE80\"}",
     "{\"a\":\"\\ud83d \\ude80\\ud83d\xF0\x9F\x9A\x80\\ude80\"}"},
    {"{\"a\":\"\\uD83D\\n\\uD83D\\u0041\\uDBFF\\uDFFF\"}", "{\"a\":\"\\ud83d\\n\\ud83dA\xF4\x8F\xBF\xBF\"}"},
    {"{\"a\":\"\\\\u0041\\\\\\u0041\\\\\\\\/\"}", "{\"a\":\"\\\\u0041\\\\A\\\\\\\\/\"}"},
    {"{\"a\":\"\\u0041 \\u0042 \\\"\",\"b\":\" \"}", "{\"a\":\"A B \\\"\",\"b\":\" \"}"},
    /* names */
    {"{\"a\":[true,false,null],\"b\":\"true\"}", "{\"a\":[true,false,null],\"b\":\"true\"}"},
};

START_TEST(means_the_same) { expect_canonical(text_of(texts[_i].json), text_of(texts[_i].canonical)); }
END_TEST

/* ---- numbers ---- */

static const struct {
    const char *number, *canonical;
} numbers[] = {
    {"0", "0"},
    {"-0", "0"},
    {"0.000", "0"},
    {"-0E-7", "0"},
    {"0e999999999999999999999999999", "0"},
    {"7", "7"},
    {"-7.0", "-7"},
    {"70e-1", "7"},
    {"0.07e+2", "7"},
    {"1024", "1024"},
    {"100", "1e2"},
    {"1e2", "1e2"},
    {"100.0", "1e2"},
    {"1E+02", "1e2"},
    {"0.1", "1e-1"},
    {"12.50", "125e-1"},
    {"0.10000000000000001", "10000000000000001e-17"},
    {"1.0000000000000000000000000000000000000001", "10000000000000000000000000000000000000001e-40"},
    {"123456789012345678901234567890", "12345678901234567890123456789e1"},
    {"1e999999999", "1e999999999"},
    {"1.5e-999999999", "15e-1000000000"},
    {"1e9223372036854775807", "1e9223372036854775807"},
    {"10e9223372036854775807", "1e9223372036854775808"},
    {"0.1e-9223372036854775808", "1e-9223372036854775809"},
    {"10e18446744073709551615", "1e18446744073709551616"},
    {"0.01e18446744073709551616", "1e18446744073709551614"},
    {"100e-18446744073709551617", "1e-18446744073709551615"},
    {"1.1e4611686018427387904", "11e4611686018427387903"},
    {"10e4611686018427387903", "1e4611686018427387904"},
    {"100e99999999999999999999", "1e100000000000000000001"},
    {"0.1e100000000000000000000", "1e99999999999999999999"},
    {"1e-000000000000000000000000000005", "1e-5"},
    {"1e00000000000000000000099999999999999999999", "1e99999999999999999999"},
};

START_TEST(numbers_by_value)
{
    char json[128], canonical[128];
    snprintf(json, sizeof json, "{\"a\":[%s,1]}", numbers[_i].number);
    snprintf(canonical, sizeof canonical, "{\"a\":[%s,1]}", numbers[_i].canonical);
    expect_canonical(text_of(json), text_of(canonical));
}
END_TEST

static void add_zeros(struct buf *b, int n)
{
    while (n-- > 0)
        buf_add_byte(b, '0');
}

/* {"a":0.000…1e1000…} and what it comes to, once the zeros before the 1 are borrowed from the exponent's. */
START_TEST(exponents_may_be_long)
{
    enum { DIGITS = 5000 };
    struct buf json = {0}, wanted = {0};
    BUF_ADD(&json, "{\"a\":0.");
    add_zeros(&json, 99);
    BUF_ADD(&json, "1e1");
    add_zeros(&json, DIGITS);
    BUF_ADD(&json, "}");
    BUF_ADD(&wanted, "{\"a\":1e");
    for (int i = 0; i < DIGITS - 2; i++)
        buf_add_byte(&wanted, '9');
    BUF_ADD(&wanted, "00}");
    expect_canonical(buf_text(&json), buf_text(&wanted));
    buf_free(&json);
    buf_free(&wanted);
}
END_TEST

/* ---- what differs stays different ---- */

static const struct {
    const char *one, *other;
} pairs[] = {
    {"{\"a\":1}", "{\"a\":\"1\"}"},
    {"{\"a\":true}", "{\"a\":\"true\"}"},
    {"{\"a\":null}", "{}"},
    {"{\"a\":null}", "{\"a\":false}"},
    {"{\"a\":{}}", "{\"a\":[]}"},
    {"{\"a\":\"\"}", "{\"a\":null}"},
    {"{\"a\":[1,2]}", "{\"a\":[2,1]}"},
    {"{\"a\":[1,2]}", "{\"a\":[12]}"},
    {"{\"a\":[[1],2]}", "{\"a\":[[1,2]]}"},
    {"{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}"},
    {"{\"a\":1}", "{\"a\":1,\"a\":1}"},
    {"{\"a\":{\"b\":1},\"c\":2}", "{\"a\":{\"b\":1,\"c\":2}}"},
    {"{\"a\":{\"user\":1}}", "{\"a\":{\"user\":2}}"},
    {"{\"a\":{\"user\":1}}", "{\"a\":{}}"},
    {"{\"a\":\"\\ud83d\"}", "{\"a\":\"\\ufffd\"}"},
    {"{\"a\":\"\\ud83d\"}", "{\"a\":\"\\\\ud83d\"}"},
    {"{\"a\":\"\\n\"}", "{\"a\":\"\\\\n\"}"},
    {"{\"a\":\"e\\u0301\"}", "{\"a\":\"\\u00e9\"}"},
    {"{\"a\":\" \"}", "{\"a\":\"\"}"},
    {"{\"a\":1}", "{\"a\":-1}"},
    {"{\"a\":1}", "{\"A\":1}"},
    {"{\"a\":1e5}", "{\"a\":1e-5}"},
    {"{\"a\":0.1}", "{\"a\":0.10000000000000001}"},
    {"{\"a\":1e99999999999999999999}", "{\"a\":1e99999999999999999998}"},
    {"{\"a\":1.000000000000000000000000000000000000001}", "{\"a\":1.000000000000000000000000000000000000002}"},
};

START_TEST(means_something_else)
{
    struct buf one = {0}, other = {0};
    ck_assert(canonical_alone(text_of(pairs[_i].one), &one) && canonical_alone(text_of(pairs[_i].other), &other));
    ck_assert_msg(!text_eq(buf_text(&one), buf_text(&other)), "%s and %s", pairs[_i].one, pairs[_i].other);
    buf_free(&one);
    buf_free(&other);
}
END_TEST

/* ---- strings in blocks ---- */

/* A stretch of plain bytes, then something that ends a search, at every place in a block and around its end. */
START_TEST(escapes_anywhere)
{
    static const char *const ends[][2] = {{"", ""},           {"\\n", "\\n"},   {"\\/", "/"},
                                          {"\\u0041", "A"},   {"\\\\", "\\\\"}, {"\\\\\\/\\\\", "\\\\/\\\\"},
                                          {"\\\\u", "\\\\u"}, {"\\\"", "\\\""}, {"\\\\\\\"\\u0022", "\\\\\\\"\\\""}};
    struct buf json = {0}, wanted = {0};
    for (int length = 0; length < 200; length++) {
        for (int i = 0; i < COUNT(ends); i++) {
            buf_clear(&json), buf_clear(&wanted);
            buf_printf(&json, "{\"a\":\"%0*d%s\",\"b\":\"u/\"}", length, 0, ends[i][0]);
            buf_printf(&wanted, "{\"a\":\"%0*d%s\",\"b\":\"u/\"}", length, 0, ends[i][1]);
            expect_canonical(buf_text(&json), buf_text(&wanted));
        }
    }
    buf_free(&json);
    buf_free(&wanted);
}
END_TEST

START_TEST(long_runs_of_backslashes)
{
    struct buf json = {0}, wanted = {0};
    for (int pairs_of = 0; pairs_of < 150; pairs_of++) {
        buf_clear(&json), buf_clear(&wanted);
        BUF_ADD(&json, "{\"a\":\"x");
        for (int i = 0; i < pairs_of; i++)
            BUF_ADD(&json, "\\\\");
        buf_add(&wanted, buf_text(&json));
        BUF_ADD(&json, "\\u002f\"}");
        BUF_ADD(&wanted, "/\"}");
        expect_canonical(buf_text(&json), buf_text(&wanted));
    }
    buf_free(&json);
    buf_free(&wanted);
}
END_TEST

/* ---- bounds ---- */

static struct text object_of(struct buf *b, int members)
{
    buf_clear(b);
    BUF_ADD(b, "{\"x\":[{");
    for (int i = 0; i < members; i++)
        buf_printf(b, "%s\"%d\":0", i ? "," : "", i);
    BUF_ADD(b, "}]}");
    return buf_text(b);
}

START_TEST(members_are_bounded)
{
    struct buf json = {0}, out = {0};
    ck_assert(canonical_alone(object_of(&json, CANONICAL_MEMBERS), &out));
    ck_assert_uint_eq(buf_len(&out), buf_len(&json));
    ck_assert(!canonical_alone(object_of(&json, CANONICAL_MEMBERS + 1), &out));
    buf_free(&json);
    buf_free(&out);
}
END_TEST

/* Objects of two members, out of order: many small ones cost as much as a large one. */
static struct text objects(struct buf *b, int members)
{
    buf_clear(b);
    BUF_ADD(b, "{\"x\":[0");
    for (int i = 1; i + 1 < members; i += 2)
        BUF_ADD(b, ",{\"b\":0,\"a\":0}");
    BUF_ADD(b, "]");
    buf_add(b, members % 2 ? TEXT("}") : TEXT(",\"y\":0}"));
    return buf_text(b);
}

START_TEST(all_members_are_bounded)
{
    struct buf json = {0}, out = {0};
    ck_assert(canonical_alone(objects(&json, CANONICAL_ALL - 1), &out));
    ck_assert(canonical_alone(objects(&json, CANONICAL_ALL), &out));
    ck_assert(!canonical_alone(objects(&json, CANONICAL_ALL + 1), &out));
    buf_free(&json);
    buf_free(&out);
}
END_TEST

static struct text nested(struct buf *b, int depth, const char *before, const char *behind)
{
    buf_clear(b);
    for (int i = 0; i < depth; i++)
        buf_add(b, text_of(before));
    BUF_ADD(b, "{}");
    for (int i = 0; i < depth; i++)
        buf_add(b, text_of(behind));
    return buf_text(b);
}

/* Out of order at each depth. */
START_TEST(depth_is_bounded)
{
    struct buf json = {0}, wanted = {0}, out = {0};
    nested(&json, JSON_DEPTH_MAX - 1, "{\"b\":1,\"a\":", "}");
    nested(&wanted, JSON_DEPTH_MAX - 1, "{\"a\":", ",\"b\":1}");
    expect_canonical(buf_text(&json), buf_text(&wanted));
    ck_assert(!canonical_alone(nested(&json, JSON_DEPTH_MAX, "{\"a\":", "}"), &out));
    ck_assert(!canonical_alone(nested(&json, 1000000, "{\"a\":", "}"), &out));
    buf_free(&json);
    buf_free(&wanted);
    buf_free(&out);
}
END_TEST

/* ---- the rest of the contract ---- */

START_TEST(it_is_appended)
{
    static const struct {
        struct text json, wanted;
    } rows[] = {{TEXT("{\"a\":1}"), TEXT("before {\"a\":1}")},
                {TEXT("{\"b\":1,\"a\":2}"), TEXT("before {\"a\":2,\"b\":1}")}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf out = {0};
        BUF_ADD(&out, "xx before ");
        buf_consume(&out, 3);
        ck_assert(canonical_write(rows[i].json, NULL, 0, &out));
        ck_assert(text_eq(buf_text(&out), rows[i].wanted));
        buf_free(&out);
    }
}
END_TEST

/* Unchecked text may be read wrongly but never past its end. */
START_TEST(stays_inside)
{
    const struct text whole =
        TEXT("{\"b\\\\\\\"\":[1,{\"b\":\"c\\\"\\u0041\\ud83d\\ude80\",\"a\":tru},-1.5e3],\"a\":{\"y\":[}]");
    struct buf out = {0};
    for (size_t n = 0; n <= whole.n; n++)
        ck_assert(!canonical_alone(text_make(whole.p, n), &out));
    buf_free(&out);
}
END_TEST

static const char *const refused[] = {"",
                                      " ",
                                      "1",
                                      "\"a\"",
                                      "[]",
                                      "[{}]",
                                      "[\"a\":1}",
                                      "x{}",
                                      "{",
                                      "{\"a\"",
                                      "{\"a\":\"",
                                      "{\"a\":[}",
                                      "{\"a\":{]}",
                                      "{\"a\":x}",
                                      "{\"a\":nul}",
                                      "{\"a\":01}",
                                      "{\"a\":1.}",
                                      "{\"a\":\"\\u12\"}",
                                      "{\"a\":\"\\u12"};

START_TEST(refuses)
{
    struct buf out = {0};
    ck_assert_msg(!canonical_alone(text_of(refused[_i]), &out), "%s", refused[_i]);
    buf_free(&out);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, means_the_same, 0, COUNT(texts));
    tcase_add_loop_test(tests, numbers_by_value, 0, COUNT(numbers));
    tcase_add_test(tests, exponents_may_be_long);
    tcase_add_loop_test(tests, means_something_else, 0, COUNT(pairs));
    tcase_add_test(tests, escapes_anywhere);
    tcase_add_test(tests, long_runs_of_backslashes);
    tcase_add_test(tests, members_are_bounded);
    tcase_add_test(tests, all_members_are_bounded);
    tcase_add_test(tests, depth_is_bounded);
    tcase_add_test(tests, it_is_appended);
    tcase_add_test(tests, stays_inside);
    tcase_add_loop_test(tests, refuses, 0, COUNT(refused));
}

TEST_MAIN_ADDING("canonical", add_tests)
