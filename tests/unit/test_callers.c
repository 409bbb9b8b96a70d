#include "admit_test.h"
#include "dsgate/admit/callers.h"
#include "dsgate/base/digest.h"

static char digests[3][DIGEST_HEX + 1];
static char name_one[] = "app-one", name_two[] = "app-two", name_three[] = "app-three";
static struct conf_caller list[] = {
    {.name = name_one, .key_sha256 = digests[0], .weight = 5},
    {.name = name_two, .key_sha256 = digests[1], .weight = 7},
    {.name = name_three, .key_sha256 = digests[2], .weight = 9},
};
static const struct config listed = {.callers = list, .caller_count = 3}, open_to_all;

static void set_up(void)
{
    digest_sha256_hex(TEXT("sk-app-one"), digests[0]);
    digest_sha256_hex(TEXT("sk-app-two"), digests[1]);
    digest_sha256_hex(TEXT("Bearer sk-app-three"), digests[2]); /* a key may look like anything */
}

static struct caller_identity identify(const struct config *c, const char *fields, const char *peer)
{
    return caller_identify(c, make_head("POST /", fields), text_of(peer));
}

static uint64_t id(const char *fields, const char *peer) { return identify(&open_to_all, fields, peer).id; }

START_TEST(test_listed_callers)
{
    static const struct {
        const char *fields;
        const struct conf_caller *known;
    } rows[] = {{"Authorization: Bearer sk-app-one\r\n", &list[0]},
                {"authorization: bearer   sk-app-two\r\n", &list[1]},
                {"Authorization: sk-app-two\r\n", &list[1]},
                {"x-api-key: sk-app-one\r\n", &list[0]},
                {"api-key: sk-app-two\r\n", &list[1]},
                {"api-key: Bearer sk-app-three\r\n", &list[2]},
                {"Authorization: Bearer sk-other\r\nx-api-key: sk-app-two\r\n", &list[1]},
                {"Authorization: Bearer sk-app-one\r\nx-api-key: sk-app-two\r\n", &list[0]},
                {"Authorization: Bearer sk-app-on\r\n", NULL},
                {"Authorization: Bearer sk-app-one2\r\n", NULL},
                {"Authorization: Bearer SK-APP-ONE\r\n", NULL},
                {"Authorization: Bearer\r\n", NULL},
                {"Authorization: Basic sk-app-one\r\n", NULL},
                {"x-other: sk-app-one\r\n", NULL},
                {"", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct caller_identity found = identify(&listed, rows[i].fields, "127.0.0.1:1");
        ck_assert_msg(found.known == rows[i].known, "%s", rows[i].fields);
        ck_assert_uint_eq(found.weight, rows[i].known ? rows[i].known->weight : CALLER_WEIGHT);
        ck_assert_uint_ne(found.id, 0);
    }
}
END_TEST

/* A digest is nobody's key. */
START_TEST(test_digests_are_no_keys)
{
    char fields[200];
    snprintf(fields, sizeof fields, "Authorization: Bearer %s\r\n", digests[0]);
    ck_assert_ptr_null(identify(&listed, fields, "127.0.0.1:1").known);
}
END_TEST

/* By name: a new key, another header and another address change nothing. */
START_TEST(test_a_listed_caller_keeps_its_number)
{
    uint64_t one = identify(&listed, "Authorization: Bearer sk-app-one\r\n", "127.0.0.1:1").id;
    ck_assert_uint_eq(identify(&listed, "x-api-key: sk-app-one\r\n", "10.0.0.9:2").id, one);
    ck_assert_uint_ne(identify(&listed, "x-api-key: sk-app-two\r\n", "127.0.0.1:1").id, one);
    char renewed[DIGEST_HEX + 1];
    digest_sha256_hex(TEXT("sk-new"), renewed);
    struct conf_caller same = {.name = name_one, .key_sha256 = renewed, .weight = 5};
    const struct config reloaded = {.callers = &same, .caller_count = 1};
    ck_assert_uint_eq(identify(&reloaded, "Authorization: Bearer sk-new\r\n", "127.0.0.1:1").id, one);
    ck_assert_uint_ne(id("Authorization: Bearer app-one\r\n", "127.0.0.1:1"), one);
}
END_TEST

START_TEST(test_other_keys)
{
    uint64_t one = id("Authorization: Bearer sk-other-1\r\n", "127.0.0.1:1");
    ck_assert_uint_eq(id("Authorization: Bearer sk-other-1\r\n", "10.0.0.9:2"), one);
    ck_assert_uint_eq(id("x-api-key: sk-other-1\r\n", "127.0.0.1:1"), one);
    ck_assert_uint_eq(id("api-key: sk-other-1\r\n", "127.0.0.1:1"), one);
    ck_assert_uint_eq(identify(&listed, "api-key: sk-other-1\r\n", "127.0.0.1:1").id, one);
    ck_assert_uint_ne(id("Authorization: Bearer sk-other-2\r\n", "127.0.0.1:1"), one);
    ck_assert_uint_ne(id("Authorization: Bearer 127.0.0.1\r\n", "127.0.0.1:1"), id("", "127.0.0.1:1"));
}
END_TEST

/* What clients without a key write in its place is the same for all of them. */
START_TEST(test_placeholders_are_no_keys)
{
    static const char *const values[] = {"Bearer", "Bearer EMPTY", "Bearer sk-none", "none"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char fields[100];
        snprintf(fields, sizeof fields, "Authorization: %s\r\n", values[i]);
        ck_assert_uint_eq(id(fields, "127.0.0.1:1"), id("", "127.0.0.1:2"));
        ck_assert_uint_ne(id(fields, "127.0.0.1:1"), id(fields, "127.0.0.2:1"));
    }
    ck_assert_uint_ne(id("Authorization: none\r\nx-api-key: sk-other-1\r\n", "127.0.0.1:1"), id("", "127.0.0.1:1"));
}
END_TEST

START_TEST(test_addresses)
{
    ck_assert_uint_eq(id("", "127.0.0.1:40412"), id("Authorization:\r\nx-api-key:\r\n", "127.0.0.1:40413"));
    ck_assert_uint_ne(id("", "127.0.0.1:40412"), id("", "127.0.0.2:40412"));
    ck_assert_uint_eq(id("", "[2001:db8::1]:1"), id("", "[2001:db8::1]:2"));
    ck_assert_uint_ne(id("", "[2001:db8::1]:1"), id("", "[2001:db8::2]:1"));
    ck_assert_uint_eq(id("", "unix:"), id("", "unix:"));
    ck_assert_uint_ne(id("", "unix:/run/a:1"), id("", "unix:/run/a:2"));
    ck_assert_uint_ne(id("", "unix:"), id("", "127.0.0.1:1"));
}
END_TEST

TEST_MAIN_WITH("callers", set_up, NULL, test_listed_callers, test_digests_are_no_keys,
               test_a_listed_caller_keeps_its_number, test_other_keys, test_placeholders_are_no_keys, test_addresses)
