#include "../suite.h"
#include "dsgate/base/digest.h"
#include "dsgate/base/siphash.h"

/* ---- SHA-256: FIPS 180-4's examples, and the empty text ---- */

static const struct {
    struct text text;
    const char *hex;
} digests[] = {
    {{NULL, 0}, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {{"abc", 3}, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56},
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {{"a\0b", 3}, "59b271ae1bbcb1d31d41929817f4b16fb439eb4f31520b5ad1d5ce98920a7138"},
};

START_TEST(sha256)
{
    char hex[DIGEST_HEX + 1];
    digest_sha256_hex(digests[_i].text, hex);
    ck_assert_str_eq(hex, digests[_i].hex);
}
END_TEST

START_TEST(sha256_of_parts)
{
    const struct text whole = digests[2].text;
    unsigned char of_whole[DIGEST_BYTES], of_parts[DIGEST_BYTES];
    digest_sha256(whole, of_whole);
    for (size_t cut = 0; cut <= whole.n; cut++) {
        const struct text parts[] = {text_make(whole.p, cut), TEXT_NONE, text_from(whole, cut)};
        digest_sha256_parts(parts, COUNT(parts), of_parts);
        ck_assert_msg(digest_equal(of_whole, of_parts, DIGEST_BYTES), "cut at %zu", cut);
    }
}
END_TEST

START_TEST(equality)
{
    unsigned char a[DIGEST_BYTES], b[DIGEST_BYTES];
    digest_sha256(TEXT("abc"), a);
    digest_sha256(TEXT("abc"), b);
    ck_assert(digest_equal(a, b, DIGEST_BYTES));
    for (unsigned i = 0; i < DIGEST_BYTES; i++) {
        b[i] ^= 0x80;
        ck_assert(!digest_equal(a, b, DIGEST_BYTES));
        b[i] ^= 0x80;
    }
    ck_assert(digest_equal(a, b, DIGEST_BYTES));
}
END_TEST

/* ---- SipHash-2-4: the reference implementation's vectors, key 00 … 0f, input 00 01 02 … ---- */

static const struct {
    size_t n;
    uint64_t hash;
} vectors[] = {{0, UINT64_C(0x726FDB47DD0E0E31)},  {1, UINT64_C(0x74F839C593DC67FD)},
               {7, UINT64_C(0xAB0200F58B01D137)},  {8, UINT64_C(0x93F5F5799A932462)},
               {9, UINT64_C(0x9E0082DF0BA9E4B0)},  {15, UINT64_C(0xA129CA6149BE45E5)},
               {16, UINT64_C(0x3F2ACC7F57C29BDB)}, {63, UINT64_C(0x958A324CEB064572)}};

START_TEST(siphash_vectors)
{
    static const struct siphash_key key = {{UINT64_C(0x0706050403020100), UINT64_C(0x0F0E0D0C0B0A0908)}};
    char input[64];
    for (int i = 0; i < 64; i++)
        input[i] = (char)i;
    ck_assert_uint_eq(siphash(&key, text_make(input, vectors[_i].n)), vectors[_i].hash);
}
END_TEST

START_TEST(fresh_keys_differ)
{
    struct siphash_key a, b;
    siphash_key_fresh(&a);
    siphash_key_fresh(&b);
    ck_assert_uint_ne(a.k[0], b.k[0]);
    ck_assert_uint_ne(a.k[1], b.k[1]);
    ck_assert_uint_ne(siphash(&a, TEXT("sk-1")), siphash(&b, TEXT("sk-1")));
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, sha256, 0, COUNT(digests));
    tcase_add_test(tests, sha256_of_parts);
    tcase_add_test(tests, equality);
    tcase_add_loop_test(tests, siphash_vectors, 0, COUNT(vectors));
    tcase_add_test(tests, fresh_keys_differ);
}

TEST_MAIN_ADDING("digest", add_tests)
