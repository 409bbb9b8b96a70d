#include "../suite.h"
#include "dsgate/cache/key.h"

static struct cache_key key_of(struct cache_key_parts parts)
{
    struct cache_key key;
    cache_key_make(&key, &parts);
    return key;
}

#define PARTS(...) ((struct cache_key_parts){__VA_ARGS__})

static const struct cache_key_parts plain = {.tenant = TEXT("caller-a"),
                                             .space = TEXT("n"),
                                             .endpoint = TEXT("chat"),
                                             .fields = TEXT("openai-beta: x\r\n"),
                                             .canonical = TEXT("{}")};

/* Replicas of other builds share entries: a key must not change unless the version does. */
START_TEST(known_key)
{
    char hex[CACHE_KEY_HEX + 1];
    struct cache_key key = key_of(plain), empty = key_of(PARTS(0));
    cache_key_format(&key, hex);
    ck_assert_str_eq(hex, "4257e30fe4ca67719c5e3445b65c1847c9d7e7bd2a75e726c3d0a45c13d4e33d");
    cache_key_format(&empty, hex);
    ck_assert_str_eq(hex, "e80ada546c01406ffbf5dd8e56a6f31b582ee35ebf30ac6f77266b7006736af0");
}
END_TEST

/* Each row is made of the same bytes, or of nearly the same, at another place. */
START_TEST(every_part_counts)
{
    const struct cache_key_parts rows[] = {
        PARTS(0),
        PARTS(.tenant = TEXT("ab")),
        PARTS(.tenant = TEXT("a"), .space = TEXT("b")),
        PARTS(.space = TEXT("ab")),
        PARTS(.space = TEXT("a"), .endpoint = TEXT("b")),
        PARTS(.endpoint = TEXT("ab")),
        PARTS(.endpoint = TEXT("a"), .fields = TEXT("b")),
        PARTS(.fields = TEXT("ab")),
        PARTS(.fields = TEXT("a"), .canonical = TEXT("b")),
        PARTS(.canonical = TEXT("ab")),
        PARTS(.canonical = TEXT("ab\0")),
        PARTS(.tenant = TEXT("ab\0\0\0\0\0\0\0\0")),
        plain,
    };
    for (int a = 0; a < COUNT(rows); a++)
        for (int b = 0; b < COUNT(rows); b++) {
            struct cache_key left = key_of(rows[a]), right = key_of(rows[b]);
            ck_assert_msg(cache_key_same(&left, &right) == (a == b), "rows %d and %d", a, b);
        }
}
END_TEST

START_TEST(hexadecimal_and_back)
{
    char hex[CACHE_KEY_HEX + 1], upper[CACHE_KEY_HEX + 1];
    struct cache_key key = key_of(plain), back;
    cache_key_format(&key, hex);
    for (int i = 0; i <= CACHE_KEY_HEX; i++)
        upper[i] = hex[i] >= 'a' ? (char)(hex[i] - 32) : hex[i];
    ck_assert(cache_key_parse(&back, text_of(hex)) && cache_key_same(&key, &back));
    ck_assert(cache_key_parse(&back, text_of(upper)) && cache_key_same(&key, &back));
    for (int i = 0; i < CACHE_KEY_HEX; i++) {
        char digit = hex[i];
        hex[i] = "g/:@`-"[i % 6];
        ck_assert_msg(!cache_key_parse(&back, text_of(hex)), "%s", hex);
        hex[i] = digit;
    }
    ck_assert(!cache_key_parse(&back, text_make(hex, CACHE_KEY_HEX - 1)));
    ck_assert(!cache_key_parse(&back, text_make(hex, CACHE_KEY_HEX + 1)));
    ck_assert(!cache_key_parse(&back, TEXT_NONE));
    ck_assert(cache_key_same(&key, &back));
}
END_TEST

START_TEST(hash_is_a_piece_of_the_key)
{
    struct cache_key a = {{1}}, b = {{2}};
    ck_assert_uint_ne(cache_key_hash(&a), cache_key_hash(&b));
    b = a;
    ck_assert_uint_eq(cache_key_hash(&a), cache_key_hash(&b));
}
END_TEST

/* `printf %s CREDENTIALS | sha256sum` */
START_TEST(tenants)
{
    static const struct {
        struct text credentials;
        const char *tenant;
    } rows[] = {{TEXT("Bearer sk-1"), "key-c3e9a1c985d603e4"},
                {TEXT("Bearer sk-2"), "key-eb0107689fb1c4b9"},
                {TEXT_NONE, "anonymous"}};
    char tenant[CACHE_TENANT_MAX];
    for (int i = 0; i < COUNT(rows); i++) {
        cache_tenant_of_credentials(tenant, rows[i].credentials);
        ck_assert_str_eq(tenant, rows[i].tenant);
    }
    ck_assert_str_eq(cache_tenant_shared, "shared");
}
END_TEST

/* Whatever a caller is named, it does not get what others have. */
START_TEST(callers_are_no_other_tenants)
{
    static const char longest[] = "0123456789012345678901234567890123456789012345678901234567890123";
    static const struct {
        const char *name, *tenant;
    } rows[] = {{"alice", "caller-alice"},
                {"shared", "caller-shared"},
                {"anonymous", "caller-anonymous"},
                {longest, "caller-0123456789012345678901234567890123456789012345678901234567890123"}};
    char tenant[CACHE_TENANT_MAX];
    for (int i = 0; i < COUNT(rows); i++) {
        cache_tenant_of_caller(tenant, rows[i].name);
        ck_assert_str_eq(tenant, rows[i].tenant);
    }
}
END_TEST

TEST_MAIN("cache_key", known_key, every_part_counts, hexadecimal_and_back, hash_is_a_piece_of_the_key, tenants,
          callers_are_no_other_tenants)
