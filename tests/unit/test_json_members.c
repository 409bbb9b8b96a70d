/* Which members are found, and exactly which bytes they are. */
#include "json_test.h"

static const struct text names[] = {TEXT("model"), TEXT("stream"), TEXT("messages")};
enum { MODEL, STREAM, MESSAGES, NAMES };

struct expected {
    enum json_type type;
    const char *value;
};

struct sample {
    const char *json;
    struct expected members[NAMES];
};

/* clang-format off */
static const struct sample samples[] = {
    {"{}", {{JSON_ABSENT}}},
    {"{\"model\":\"m\"}", {{JSON_STRING, "\"m\""}}},
    {" { \"model\" \n:\t\"m\" \r\n} ", {{JSON_STRING, "\"m\""}}},
    {"{\"messages\":[{\"model\":\"no\"},[1,{\"stream\":1}]] , \"stream\":true,\"model\":null}",
     {{JSON_NULL, "null"}, {JSON_TRUE, "true"},
      {JSON_ARRAY, "[{\"model\":\"no\"},[1,{\"stream\":1}]]"}}},
    {"{\"stream\":false,\"x\":{\"stream\":1,\"model\":2},\"messages\":{}}",
     {{JSON_ABSENT}, {JSON_FALSE, "false"}, {JSON_OBJECT, "{}"}}},
    {"{\"model\":-1.5e3 }", {{JSON_NUMBER, "-1.5e3"}}},
    {"{\"model\":\"\"}", {{JSON_STRING, "\"\""}}},
    {"{\"model\":\"a\\\\\" , \"b\":1}", {{JSON_STRING, "\"a\\\\\""}}},
    {"{\"model\":\"},\\\"{\"}", {{JSON_STRING, "\"},\\\"{\""}}},
    {"{\"model \":1,\" model\":2,\"Model\":3,\"mode\":4,\"models\":5,\"\":6}", {{JSON_ABSENT}}},
    {"{\"x\":\"model\",\"y\":[\"model\",\"stream\"]}", {{JSON_ABSENT}}},
    /* keys with escapes are the names they stand for */
    {"{\"mod\\u0065l\":1}", {{JSON_NUMBER, "1"}}},
    {"{\"\\u006D\\u006f\\u0064\\u0065\\u006C\":1}", {{JSON_NUMBER, "1"}}},
    {"{\"mod\\u0065\":1,\"mod\\u0065ls\":1,\"mod\\u0165l\":1,\"mode\\\\l\":1}", {{JSON_ABSENT}}},
};
/* clang-format on */

static void expect_member(const struct sample *s, const struct json_member *m, const struct expected *wanted)
{
    struct text value = text_of(wanted->value);
    ck_assert_msg(m->type == wanted->type, "%s: type %d", s->json, m->type);
    ck_assert_msg(text_eq(m->value, value), "%s: value " TEXT_FORMAT, s->json, TEXT_ARGS(m->value));
}

static void expect_sample_behind(const struct sample *s, size_t spaces)
{
    char text[256];
    int n = snprintf(text, sizeof text, "%*s%s", (int)spaces, "", s->json);
    for (int level = JSON_PLAIN; level < JSON_LEVELS; level++) {
        if (!json_level_works((enum json_level)level)) continue;
        struct json_member members[NAMES];
        struct json_result r =
            json_scan_with((enum json_level)level, text_make(text, (size_t)n), names, NAMES, members, JSON_DEPTH);
        ck_assert_msg(r.error == JSON_FINE, "%s: %s", s->json, json_error_text(r.error));
        ck_assert_int_eq(r.top, JSON_OBJECT);
        for (size_t i = 0; i < NAMES; i++)
            expect_member(s, &members[i], &s->members[i]);
    }
}

START_TEST(finds_members)
{
    for (size_t i = 0; i < COUNT(samples); i++)
        for (size_t spaces = 0; spaces < 70; spaces++)
            expect_sample_behind(&samples[i], spaces);
}
END_TEST

static const struct refusal {
    const char *json;
    enum json_error error;
    size_t position;
} refusals[] = {
    {"{\"model\":1,\"model\":2}", JSON_DUPLICATE, 11},
    {"{\"model\":1,\"stream\":1,\"mod\\u0065l\":2}", JSON_DUPLICATE, 22},
    {"{\"mod\\u0065l\":1,\"x\":{\"model\":1}, \"model\":2}", JSON_DUPLICATE, 33},
    {"{\"model\":null,\"model\":null}", JSON_DUPLICATE, 14},
    {"[]", JSON_NOT_OBJECT, 0},
    {"  \"model\"", JSON_NOT_OBJECT, 2},
    {" 1", JSON_NOT_OBJECT, 1},
    {"null", JSON_NOT_OBJECT, 0},
    {"[", JSON_NOT_OBJECT, 0},
    {"", JSON_EMPTY, 0},
    {"x", JSON_SYNTAX, 0},
    {"{\"model\":1,\"stream\":true} x", JSON_TRAILING, 26},
    {"{\"model\":1,\"stream\"", JSON_TRUNCATED, 19},
    {"{\"model\":\"m", JSON_TRUNCATED, 11},
};

/* After an error nothing is left that could be taken for an answer. */
START_TEST(errors_leave_no_members)
{
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct refusal *wanted = &refusals[i];
        struct json_member members[NAMES];
        memset(members, 0xAA, sizeof members);
        struct json_result r = json_scan(text_of(wanted->json), names, NAMES, members, JSON_DEPTH);
        ck_assert_msg(r.error == wanted->error && r.position == wanted->position, "%s: %s at %zu", wanted->json,
                      json_error_text(r.error), r.position);
        for (size_t k = 0; k < NAMES; k++) {
            ck_assert_int_eq(members[k].type, JSON_ABSENT);
            ck_assert(members[k].value.p == NULL);
        }
    }
}
END_TEST

START_TEST(type_of_the_whole)
{
    static const struct {
        const char *json;
        enum json_type top;
    } tops[] = {
        {" {}", JSON_OBJECT}, {"[1]", JSON_ARRAY},   {"\"a\"", JSON_STRING}, {"-1", JSON_NUMBER},
        {"true", JSON_TRUE},  {"false", JSON_FALSE}, {"null ", JSON_NULL},   {" ", JSON_ABSENT},
    };
    for (size_t i = 0; i < COUNT(tops); i++)
        ck_assert_int_eq(json_scan(text_of(tops[i].json), NULL, 0, NULL, JSON_DEPTH).top, tops[i].top);
    ck_assert_int_eq(json_scan(TEXT_NONE, NULL, 0, NULL, JSON_DEPTH).error, JSON_EMPTY);
}
END_TEST

TEST_MAIN("json_members", finds_members, errors_leave_no_members, type_of_the_whole)
