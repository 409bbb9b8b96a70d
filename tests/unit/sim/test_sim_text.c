/* Text from (seed, position), and its travelling companions: pieces of arguments, base64. */
#include "../../../src/tools/sim/base64.h"
#include "../../../src/tools/sim/hash.h"
#include "../../../src/tools/sim/prose.h"
#include "../../suite.h"

enum { LENGTH = 400 };

static struct buf whole(uint64_t seed, unsigned tokens)
{
    struct buf text = {0};
    for (unsigned i = 0; i < tokens; i++)
        prose_token(seed, i, &text);
    return text;
}

START_TEST(the_same_seed_writes_the_same_text)
{
    struct buf a = whole(7, LENGTH), b = whole(7, LENGTH), c = whole(8, LENGTH);
    ck_assert(text_eq(buf_text(&a), buf_text(&b)));
    ck_assert(!text_eq(buf_text(&a), buf_text(&c)));
    buf_free(&a);
    buf_free(&b);
    buf_free(&c);
}
END_TEST

START_TEST(a_token_depends_on_its_position_alone)
{
    struct buf all = whole(3, LENGTH), last = {0};
    prose_token(3, LENGTH - 1, &last);
    ck_assert(text_ends(buf_text(&all), buf_text(&last)));
    buf_free(&all);
    buf_free(&last);
}
END_TEST

/* Each alone is a valid JSON string, so each is whole characters. */
START_TEST(tokens_are_whole_characters)
{
    bool widths[5] = {false};
    for (unsigned i = 0; i < LENGTH; i++) {
        struct buf token = {0}, quoted = {0};
        prose_token(11, i, &token);
        buf_add_json_string(&quoted, buf_text(&token));
        ck_assert(buf_len(&token) > 0 && buf_len(&token) <= PROSE_TOKEN_MOST);
        ck_assert(text_find(buf_text(&quoted), TEXT("\xEF\xBF\xBD")) ==
                  buf_len(&quoted)); /* nothing had to be replaced */
        unsigned char first = (unsigned char)token.data[buf_len(&token) > 1 && token.data[0] == ' '];
        widths[first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4] = true;
        buf_free(&token);
        buf_free(&quoted);
    }
    ck_assert(widths[1] && widths[3] && widths[4]);
}
END_TEST

START_TEST(text_begins_without_a_space_and_with_a_capital)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct buf token = {0};
        prose_token(seed, 0, &token);
        ck_assert_int_ne(token.data[0], ' ');
        ck_assert(token.data[0] < 'a' || token.data[0] > 'z');
        buf_free(&token);
    }
}
END_TEST

START_TEST(picks_stay_below_their_bound_and_spread)
{
    unsigned hits[7] = {0};
    for (uint64_t i = 0; i < 7000; i++)
        hits[hash_pick(1, i, 7)]++;
    for (int i = 0; i < 7; i++)
        ck_assert(hits[i] > 800 && hits[i] < 1200);
}
END_TEST

START_TEST(hash_goes_on_where_it_stopped)
{
    uint64_t at_once = hash_text(HASH_START, TEXT("prefix and rest"));
    ck_assert_uint_eq(hash_text(hash_text(HASH_START, TEXT("prefix ")), TEXT("and rest")), at_once);
    ck_assert_uint_eq(hash_text(HASH_START, TEXT("a")), 0xAF63DC4C8601EC8Cu); /* FNV-1a's published value */
}
END_TEST

static const struct {
    const char *plain, *encoded;
} base64[] = {{"", ""},
              {"f", "Zg=="},
              {"fo", "Zm8="},
              {"foo", "Zm9v"},
              {"foob", "Zm9vYg=="},
              {"fooba", "Zm9vYmE="},
              {"foobar", "Zm9vYmFy"},
              {"\xFF\xFE\xFD", "//79"}};

START_TEST(base64_as_in_rfc_4648)
{
    struct buf out = {0};
    base64_add(&out, text_of(base64[_i].plain));
    ck_assert(text_is(buf_text(&out), base64[_i].encoded));
    buf_free(&out);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, the_same_seed_writes_the_same_text);
    tcase_add_test(tests, a_token_depends_on_its_position_alone);
    tcase_add_test(tests, tokens_are_whole_characters);
    tcase_add_test(tests, text_begins_without_a_space_and_with_a_capital);
    tcase_add_test(tests, picks_stay_below_their_bound_and_spread);
    tcase_add_test(tests, hash_goes_on_where_it_stopped);
    tcase_add_loop_test(tests, base64_as_in_rfc_4648, 0, COUNT(base64));
}

TEST_MAIN_ADDING("sim_text", add_tests)
