/* The small things that everything stands on. */
#include "../suite.h"
#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"
#include "dsgate/base/mem.h"
#include "dsgate/base/random.h"
#include "dsgate/base/text.h"

#define ck_text(t, expected) \
    do { \
        struct text got_ = (t); \
        ck_assert_msg(text_is(got_, expected), "got '" TEXT_FORMAT "'", TEXT_ARGS(got_)); \
    } while (0)

START_TEST(buffers_keep_what_was_appended)
{
    struct buf b = {0};
    ck_assert_uint_eq(buf_text(&b).n, 0);
    for (unsigned i = 0; i < 5000; i++) {
        buf_printf(&b, "%u,", i);
        if (i % 3 == 0) buf_consume(&b, text_find_byte(buf_text(&b), ',') + 1);
    }
    struct text rest = buf_text(&b), piece;
    for (unsigned i = 1667; text_cut(&rest, ',', &piece); i++) {
        uint64_t value;
        ck_assert(text_to_u64(piece, &value));
        ck_assert_uint_eq(value, i);
    }
    buf_free(&b);
    buf_add_u64(&b, UINT64_MAX);
    BUF_ADD(&b, " ");
    buf_add_u64(&b, 0);
    ck_text(buf_text(&b), "18446744073709551615 0");
    buf_free(&b);
}
END_TEST

/* Every byte in every place of an eight-byte group, against the plain rule. */
START_TEST(json_strings_escape_what_they_must)
{
    static const struct {
        struct text in;
        const char *out;
    } table[] = {{TEXT(""), "\"\""},
                 {TEXT("plain"), "\"plain\""},
                 {TEXT("a\"b\\c/d"), "\"a\\\"b\\\\c/d\""},
                 {TEXT("\b\t\n\v\f\r\x01\x1f\x7f"), "\"\\b\\t\\n\\u000b\\f\\r\\u0001\\u001f\\u007f\""},
                 {TEXT("h\xC3\xA9llo \xE4\xB8\xAD \xF0\x9F\x98\x80"), "\"h\xC3\xA9llo \xE4\xB8\xAD \xF0\x9F\x98\x80\""},
                 {TEXT("\xC3"), "\"\xEF\xBF\xBD\""},
                 {TEXT("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
                 {TEXT("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\""}};
    struct buf b = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        buf_clear(&b);
        buf_add_json_string(&b, table[i].in);
        ck_text(buf_text(&b), table[i].out);
    }
    for (unsigned byte = 1; byte < 0x80; byte++) {
        bool plain = byte >= 0x20 && byte < 0x7F && byte != '"' && byte != '\\';
        for (unsigned place = 0; place < 8; place++) {
            char in[] = "abcdefghijk";
            in[place] = (char)byte;
            buf_clear(&b);
            buf_add_json_string(&b, text_of(in));
            ck_assert_int_eq(buf_len(&b) == 13, plain);
        }
    }
    buf_free(&b);
}
END_TEST

START_TEST(texts_are_cut_and_compared)
{
    struct text rest = TEXT("a,,b,"), piece;
    ck_assert(text_cut(&rest, ',', &piece));
    ck_text(piece, "a");
    ck_assert(text_cut(&rest, ',', &piece));
    ck_text(piece, "");
    ck_assert(text_cut(&rest, ',', &piece));
    ck_text(piece, "b");
    ck_assert(!text_cut(&rest, ',', &piece));
    ck_text(text_trim(TEXT(" \t x y \t")), "x y");
    ck_text(text_from(TEXT("abc"), 2), "c");
    ck_text(text_from(TEXT("abc"), 9), "");
    ck_assert(text_eq_nocase(TEXT("Content-Type"), TEXT("content-tYPE")));
    ck_assert(!text_eq_nocase(TEXT("a"), TEXT("ab")));
    ck_assert(text_starts(TEXT("abc"), TEXT("ab")) && text_ends(TEXT("abc"), TEXT("bc")));
    ck_assert(text_starts_nocase(TEXT("X-aB"), TEXT("x-A")) && text_starts_nocase(TEXT("x"), TEXT("X")));
    ck_assert(!text_starts_nocase(TEXT("x"), TEXT("x-")) && !text_starts_nocase(TEXT("y-a"), TEXT("x-")));
    ck_assert_uint_eq(text_find(TEXT("hello"), TEXT("ll")), 2);
    ck_assert_uint_eq(text_find(TEXT("hello"), TEXT("xx")), 5);
}
END_TEST

START_TEST(characters_are_whole_and_shortest)
{
    static const struct {
        struct text in;
        size_t length;
    } rows[] = {{TEXT(""), 0},
                {TEXT("a\xff"), 1},
                {TEXT("\0"), 1},
                {TEXT("\x80"), 0},
                {TEXT("\xc1\xbf"), 0},
                {TEXT("\xc3\xa9x"), 2},
                {TEXT("\xc3"), 0},
                {TEXT("\xc3("), 0},
                {TEXT("\xe6\x96\x87"), 3},
                {TEXT("\xe6\x96"), 0},
                {TEXT("\xe0\x9f\xbf"), 0},
                {TEXT("\xed\xa0\x80"), 0},
                {TEXT("\xf0\x9f\x99\x82"), 4},
                {TEXT("\xf0\x8f\xbf\xbf"), 0},
                {TEXT("\xf4\x90\x80\x80"), 0},
                {TEXT("\xf5\x80\x80\x80"), 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_uint_eq(text_utf8_length(rows[i].in), rows[i].length);
}
END_TEST

START_TEST(copies_are_cut_to_their_room)
{
    char room[4];
    text_copy(TEXT("abcd"), room, sizeof room);
    ck_assert_str_eq(room, "abc");
    text_copy(TEXT("ab"), room, sizeof room);
    ck_assert_str_eq(room, "ab");
    text_copy(TEXT_NONE, room, sizeof room);
    ck_assert_str_eq(room, "");
    text_copy(TEXT("ab"), room, 1);
    ck_assert_str_eq(room, "");
}
END_TEST

START_TEST(numbers_are_strict)
{
    uint64_t v = 7;
    ck_assert(text_to_u64(TEXT("18446744073709551615"), &v) && v == UINT64_MAX);
    static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x1", "18446744073709551616", "1a"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!text_to_u64(text_of(bad[i]), &v), "%s", bad[i]);
    ck_assert(text_hex_to_u64(TEXT("fFfFfFfFfFfFfFfF"), &v) && v == UINT64_MAX);
    ck_assert(text_hex_to_u64(TEXT("1f4"), &v) && v == 500);
    ck_assert(!text_hex_to_u64(TEXT("10000000000000000"), &v) && !text_hex_to_u64(TEXT("g"), &v) &&
              !text_hex_to_u64(TEXT(""), &v));
}
END_TEST

START_TEST(near_words_are_near)
{
    ck_assert_uint_eq(text_distance(TEXT("upstrems"), TEXT("upstreams")), 1);
    ck_assert_uint_eq(text_distance(TEXT("lsiten"), TEXT("listen")), 1);
    ck_assert_uint_eq(text_distance(TEXT("Listen"), TEXT("listen")), 0);
    ck_assert_uint_eq(text_distance(TEXT(""), TEXT("abc")), 3);
    char far[80] = {0};
    memset(far, 'x', 70);
    ck_assert_uint_eq(text_distance(text_of(far), TEXT("x")), 1000);
    unsigned distance;
    ck_assert(text_is_near(TEXT("main"), TEXT("mxyn"), &distance)); /* half of it stays */
    ck_assert_uint_eq(distance, 2);
    ck_assert(!text_is_near(TEXT("main"), TEXT("xyzn"), &distance));
    ck_assert(!text_is_near(TEXT("a"), TEXT("b"), &distance));
    struct buf long_one = {0}; /* so long that its half is more than the distance of what is far */
    for (int i = 0; i < 3000; i++)
        buf_add_byte(&long_one, 'x');
    ck_assert(!text_is_near(buf_text(&long_one), TEXT("x"), &distance));
    buf_free(&long_one);
}
END_TEST

START_TEST(times_are_written_as_the_standards_say)
{
    char iso[25], http[30];
    usec_t t = INT64_C(784111777) * USEC_PER_SEC + 123456;
    clock_format_iso(t, iso);
    clock_format_http(t, http);
    ck_assert_str_eq(iso, "1994-11-06T08:49:37.123Z");
    ck_assert_str_eq(http, "Sun, 06 Nov 1994 08:49:37 GMT");
}
END_TEST

START_TEST(times_are_read_as_they_are_written)
{
    static const char *const wrong[] = {"", "Sun, 06 Nov 1994 08:49:37 GMX", "Sun, 06 Nov 1994 08:49:37 UTC",
                                        "Sun, 06 Nov 1994 08:4:37 GMT ", "Sunday, 06-Nov-94 08:49:37 GM",
                                        "Sun, 06 Foo 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "};
    usec_t wall = 0;
    ck_assert(clock_parse_http(TEXT("Sun, 06 Nov 1994 08:49:37 GMT"), &wall));
    ck_assert_int_eq(wall, INT64_C(784111777) * USEC_PER_SEC);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!clock_parse_http(text_of(wrong[i]), &wall), "%s", wrong[i]);
}
END_TEST

START_TEST(random_is_the_same_for_the_same_seed)
{
    struct random_source a, b;
    char hex_a[33], hex_b[33];
    random_seed(&a, 42);
    random_seed(&b, 42);
    random_hex(&a, hex_a, 32);
    random_hex(&b, hex_b, 32);
    ck_assert_str_eq(hex_a, hex_b);
    ck_assert_uint_eq(strspn(hex_a, "0123456789abcdef"), 32);
    for (int i = 0; i < 1000; i++)
        ck_assert_uint_lt(random_below(&a, 7), 7);
}
END_TEST

TEST_MAIN("base", buffers_keep_what_was_appended, json_strings_escape_what_they_must, characters_are_whole_and_shortest,
          texts_are_cut_and_compared, copies_are_cut_to_their_room, numbers_are_strict, near_words_are_near,
          times_are_written_as_the_standards_say, times_are_read_as_they_are_written,
          random_is_the_same_for_the_same_seed)
