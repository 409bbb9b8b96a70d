/* The second look: members and elements one by one, single members, and what scalars and strings stand for. */
#include "json_test.h"
#include <math.h>

#define SAME(text, string) ck_assert_msg(text_is(text, string), "%s, not %s", shown(text), string)

START_TEST(iterates_an_object)
{
    struct json_iter it =
        json_iter(TEXT(" { \"a\" : [1,{\"x\":\"]\"}] , \"b\\\"}\":\"\\\\\" ,\"\":-1.5e3\n,\"d\":{} , \"e\":true } "));
    static const struct {
        const char *key, *value;
        enum json_type type;
    } wanted[] = {
        {"a", "[1,{\"x\":\"]\"}]", JSON_ARRAY},
        {"b\\\"}", "\"\\\\\"", JSON_STRING},
        {"", "-1.5e3", JSON_NUMBER},
        {"d", "{}", JSON_OBJECT},
        {"e", "true", JSON_TRUE},
    };
    for (size_t i = 0; i < COUNT(wanted); i++) {
        ck_assert(json_next(&it));
        SAME(it.key, wanted[i].key);
        SAME(it.value, wanted[i].value);
        ck_assert_int_eq(it.type, wanted[i].type);
    }
    ck_assert(!json_next(&it));
    ck_assert(!json_next(&it));
}
END_TEST

START_TEST(iterates_an_array)
{
    struct json_iter it = json_iter(TEXT("[ null, \"a,b\" ,[],false,[[1],[2]] ]"));
    static const char *const wanted[] = {"null", "\"a,b\"", "[]", "false", "[[1],[2]]"};
    for (size_t i = 0; i < COUNT(wanted); i++) {
        ck_assert(json_next(&it));
        SAME(it.value, wanted[i]);
        ck_assert_uint_eq(it.key.n, 0);
    }
    ck_assert(!json_next(&it));
    ck_assert_int_eq(it.type, JSON_ABSENT);
}
END_TEST

START_TEST(nothing_to_iterate)
{
    static const char *const texts[] = {"",         " ",         "1",         "\"a\"",     "null",  "{}",
                                        "[]",       "[ ]",       " { } ",     "{",         "[",     "{\"a\"",
                                        "{\"a\":",  "{\"a\":\"", "{\"a\":[1", "{\"a\" 1}", "{1:1}", "[tru]",
                                        "[\"\\\"]", "[01]",      "{\"a\":x}", "]",         ":"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct json_iter it = json_iter(text_of(texts[i]));
        ck_assert_msg(!json_next(&it), "%s", texts[i]);
    }
    struct json_iter none = json_iter(TEXT_NONE);
    ck_assert(!json_next(&none));
}
END_TEST

/* Unchecked text may be read wrongly but never past its end: every prefix lies alone in memory. */
START_TEST(stays_inside)
{
    const struct text whole =
        TEXT("{\"a\\\\\\\"\" : [1, {\"b\":\"c\\\"\"}, [[\"\\\\\"]], -1.5e3], \"t\":true,\"n\":nul, \"x\":{\"y\":[}]");
    for (size_t n = 0; n <= whole.n; n++) {
        char *alone = malloc(n ? n : 1);
        memcpy(alone, whole.p, n);
        size_t members = 0;
        for (struct json_iter it = json_iter(text_make(alone, n)); json_next(&it);)
            members++;
        ck_assert_uint_le(members, 2);
        struct text value;
        ck_assert_int_eq(json_get(text_make(alone, n), TEXT("none"), &value), JSON_ABSENT);
        free(alone);
    }
}
END_TEST

START_TEST(gets_a_member)
{
    const struct text object = TEXT("{\"x\":{\"a\":1},\"a\": [2] ,\"b\\u0063\":\"v\",\"a\":3}");
    struct text value;
    ck_assert_int_eq(json_get(object, TEXT("a"), &value), JSON_ARRAY);
    SAME(value, "[2]");
    ck_assert_int_eq(json_get(object, TEXT("bc"), &value), JSON_STRING);
    SAME(value, "\"v\"");
    ck_assert_int_eq(json_get(object, TEXT("b"), &value), JSON_ABSENT);
    ck_assert(value.p == NULL && value.n == 0);
    ck_assert_int_eq(json_get(TEXT("[\"a\"]"), TEXT(""), &value), JSON_ABSENT);
    ck_assert_int_eq(json_get(TEXT("\"a\""), TEXT("a"), &value), JSON_ABSENT);
}
END_TEST

START_TEST(integers)
{
    static const struct {
        const char *text;
        int64_t value;
    } good[] = {{"0", 0},
                {"-0", 0},
                {"7", 7},
                {"-7", -7},
                {"9223372036854775807", INT64_MAX},
                {"-9223372036854775808", INT64_MIN}};
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      "01",
                                      "-01",
                                      "1.0",
                                      "1e0",
                                      "1E2",
                                      " 1",
                                      "1 ",
                                      "1,",
                                      "\"1\"",
                                      "true",
                                      "null",
                                      "[1]",
                                      "0x1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "18446744073709551617",
                                      "99999999999999999999999"};
    int64_t value = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        ck_assert_msg(json_to_i64(text_of(good[i].text), &value), "%s", good[i].text);
        ck_assert_int_eq(value, good[i].value);
    }
    value = 42;
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!json_to_i64(text_of(bad[i]), &value) && value == 42, "%s", bad[i]);
    ck_assert(!json_to_i64(TEXT_NONE, &value));
}
END_TEST

START_TEST(doubles)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0.0},     {"-0.0", -0.0},  {"1.5", 1.5}, {"-2.5e3", -2500.0},
                {"1E2", 100.0}, {"1e-400", 0.0}, {"0.1", 0.1}, {"1.7976931348623157e308", 1.7976931348623157e308}};
    static const char *const bad[] = {"",      "-",      ".5", "1.", "+1", "inf",   "nan", "0x1p3",
                                      "1e999", "-1e999", " 1", "1 ", "1,", "\"1\"", "true"};
    static char digits[2000];
    double value = 0;
    for (size_t i = 0; i < COUNT(good); i++) {
        ck_assert_msg(json_to_double(text_of(good[i].text), &value), "%s", good[i].text);
        ck_assert_msg(value == good[i].value && signbit(value) == signbit(good[i].value), "%s: %g", good[i].text,
                      value);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!json_to_double(text_of(bad[i]), &value), "%s", bad[i]);
    memset(digits, '0', sizeof digits);
    memcpy(digits, "0.", 2);
    digits[999] = '1';
    ck_assert(json_to_double(text_make(digits, 1000), &value) && value == 0.0);
    ck_assert(!json_to_double(text_make(digits, sizeof digits), &value));
}
END_TEST

static const struct {
    const char *value;
    struct text text;
} resolved[] = {
    {"\"\"", TEXT("")},
    {"\"plain text\"", TEXT("plain text")},
    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", TEXT("\"\\/\b\f\n\r\t")},
    {"\"a\\u0041b\\u00e9\\u4E2d\"", TEXT("aAb\xC3\xA9\xE4\xB8\xAD")},
    {"\"\\u0000\\u007f\\u0080\\u07ff\\u0800\\uffff\"", TEXT("\0\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF")},
    {"\"\\ud83d\\ude00\"", TEXT("\xF0\x9F\x98\x80")},
    {"\"\\uD800\\uDC00\\uDBFF\\uDFFF\"", TEXT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF")},
    {"\"\\ud83d\"", TEXT("\xEF\xBF\xBD")},
    {"\"\\ud83dx\"", TEXT("\xEF\xBF\xBDx")},
    {"\"\\ude00\\ud83d\"", TEXT("\xEF\xBF\xBD\xEF\xBF\xBD")},
    {"\"\\ud83d\\ud83d\\ude00\"", TEXT("\xEF\xBF\xBD\xF0\x9F\x98\x80")},
    {"\"\\ud83d\\n\"", TEXT("\xEF\xBF\xBD\n")},
    {"\"\\ud83d\\u0041\"", TEXT("\xEF\xBF\xBD"
                                "A")},
    {"\"\xE4\xB8\xAD\"", TEXT("\xE4\xB8\xAD")},
};

START_TEST(strings)
{
    char out[64];
    for (size_t i = 0; i < COUNT(resolved); i++) {
        const struct text wanted = resolved[i].text;
        size_t n = 99;
        ck_assert_msg(json_to_text(text_of(resolved[i].value), out, wanted.n, &n), "%s", resolved[i].value);
        ck_assert_msg(text_eq(text_make(out, n), wanted), "%s became %s", resolved[i].value, shown(text_make(out, n)));
        for (size_t room = 0; room < wanted.n; room++)
            ck_assert_msg(!json_to_text(text_of(resolved[i].value), out, room, &n), "%s in %zu", resolved[i].value,
                          room);
    }
}
END_TEST

START_TEST(no_strings)
{
    static const char *const bad[] = {
        "",        "\"",     "a",       "1",         "null",        "\"a",           "a\"",
        "[\"a\"]", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\\x\""};
    char out[64];
    size_t n;
    for (size_t i = 0; i < COUNT(bad); i++)
        ck_assert_msg(!json_to_text(text_of(bad[i]), out, sizeof out, &n), "%s", bad[i]);
    ck_assert(!json_to_text(TEXT_NONE, out, sizeof out, &n));
}
END_TEST

TEST_MAIN("json_value", iterates_an_object, iterates_an_array, nothing_to_iterate, stays_inside, gets_a_member,
          integers, doubles, strings, no_strings)
