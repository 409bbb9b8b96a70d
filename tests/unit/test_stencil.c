/* A stencil may only fit what a full reading would find valid, and equal but for the one string. */
#include "../suite.h"
#include "dsgate/llm/json.h"
#include "dsgate/llm/stencil.h"

#define SHAPE(text) "{\"a\":[1,\"" text "\"],\"b\":null}"

static struct text hole_of(struct text json)
{
    struct text a;
    ck_assert_int_eq(json_get(json, TEXT("a"), &a), JSON_ARRAY);
    struct json_iter it = json_iter(a);
    while (json_next(&it) && it.type != JSON_STRING)
        ;
    return text_make(it.value.p + 1, it.value.n - 2);
}

static struct stencil cut(struct text json)
{
    struct stencil s = {0};
    ck_assert(stencil_cut(&s, json, hole_of(json)));
    return s;
}

/* Each text lies alone in memory, so that the sanitizer sees every byte read outside. */
static const char *fitting(const struct stencil *s, struct text json)
{
    static char filled[256];
    char *alone = malloc(json.n ? json.n : 1);
    struct text hole;
    if (json.n) memcpy(alone, json.p, json.n);
    bool fits = stencil_fits(s, text_make(alone, json.n), &hole);
    if (fits) text_copy(hole, filled, sizeof filled);
    free(alone);
    return fits ? filled : NULL;
}

static const struct sample {
    struct text json;
    const char *hole; /* NULL: does not fit */
} samples[] = {
    {TEXT(SHAPE("x")), "x"},
    {TEXT(SHAPE("")), ""},
    {TEXT(SHAPE(" Hello, \xE4\xB8\x96\xE7\x95\x8C")), " Hello, \xE4\xB8\x96\xE7\x95\x8C"},
    {TEXT(SHAPE("\\n")), "\\n"},
    {TEXT(SHAPE("\\\"\\\\\\/\\b\\f\\n\\r\\t")), "\\\"\\\\\\/\\b\\f\\n\\r\\t"},
    {TEXT(SHAPE("\\u4e16")), "\\u4e16"},
    {TEXT(SHAPE("\\ud83d")), "\\ud83d"},
    {TEXT(SHAPE("\x7F")), "\x7F"},
    {TEXT(SHAPE("\\\\")), "\\\\"},
    /* another shape */
    {TEXT(""), NULL},
    {TEXT("{}"), NULL},
    {TEXT("{\"a\":[1,\"x\"],\"b\":nul1}"), NULL},
    {TEXT("{\"a\":[1,\"x\"],\"b\":null} "), NULL},
    {TEXT(" {\"a\":[1,\"x\"],\"b\":null}"), NULL},
    {TEXT("{\"a\":[2,\"x\"],\"b\":null}"), NULL},
    {TEXT("{\"a\":[1,\"],\"b\":null}"), NULL}, /* the two parts would overlap */
    /* the hole is not the inside of one string */
    {TEXT(SHAPE("x\",\"y")), NULL},
    {TEXT(SHAPE("\"")), NULL},
    {TEXT(SHAPE("\\")), NULL},
    {TEXT(SHAPE("\\\\\\")), NULL},
    {TEXT(SHAPE("\\x")), NULL},
    {TEXT(SHAPE("\\u12")), NULL},
    {TEXT(SHAPE("\\u12g4")), NULL},
    {TEXT(SHAPE("\\u0041\\")), NULL},
    {TEXT(SHAPE("\\u0041\",\"b")), NULL},
    {TEXT(SHAPE("a\nb")), NULL},
    {TEXT(SHAPE("a\0b")), NULL},
    {TEXT(SHAPE("\x1F")), NULL},
    {TEXT(SHAPE("\xFF")), NULL}, /* no UTF-8: never, too long a form, half a surrogate pair, cut */
    {TEXT(SHAPE("\xC0\xAF")), NULL},
    {TEXT(SHAPE("\xED\xA0\x80")), NULL},
    {TEXT(SHAPE("\xE4\xB8")), NULL},
    {TEXT(SHAPE("x\"],\"b\":null},{\"a\":[1,\"y")), NULL},
};

START_TEST(fits)
{
    const struct sample *row = &samples[_i];
    struct stencil s = cut(TEXT(SHAPE("some text")));
    const char *hole = fitting(&s, row->json);
    if (row->hole)
        ck_assert_str_eq(hole ? hole : "does not fit", row->hole);
    else
        ck_assert_msg(!hole, "fits with %s", hole);
    stencil_free(&s);
}
END_TEST

START_TEST(what_fits_is_filled_alike)
{
    const struct sample *row = &samples[_i];
    struct stencil s = cut(TEXT(SHAPE("")));
    struct buf out = {0};
    struct text hole;
    if (stencil_fits(&s, row->json, &hole)) {
        ck_assert_int_eq(json_scan(row->json, NULL, 0, NULL, JSON_DEPTH).error, JSON_FINE);
        stencil_fill(&s, hole, &out);
        ck_assert(text_eq(buf_text(&out), row->json));
    }
    buf_free(&out);
    stencil_free(&s);
}
END_TEST

START_TEST(nothing_fits_no_stencil)
{
    struct stencil s = {0};
    ck_assert(!fitting(&s, TEXT("")));
    ck_assert(!fitting(&s, TEXT("\"\"")));
    stencil_free(&s);
}
END_TEST

/* One quote is not both the one before the hole and the one behind it. */
START_TEST(the_parts_do_not_overlap)
{
    struct stencil s = {0};
    const struct text json = TEXT("\"x\"");
    ck_assert(stencil_cut(&s, json, text_make(json.p + 1, 1)));
    ck_assert_str_eq(fitting(&s, TEXT("\"\"")), "");
    ck_assert(!fitting(&s, TEXT("\"")));
    stencil_free(&s);
}
END_TEST

START_TEST(the_last_cut_counts)
{
    struct stencil s = cut(TEXT(SHAPE("x")));
    const struct text other = TEXT("{\"a\":[\"long enough to need more room, and so on\"]}");
    ck_assert(stencil_cut(&s, other, hole_of(other)));
    ck_assert(!fitting(&s, TEXT(SHAPE("x"))));
    ck_assert_str_eq(fitting(&s, TEXT("{\"a\":[\"y\"]}")), "y");
    stencil_free(&s);
}
END_TEST

/* {"a":["x"],"b":"…"} of n bytes without the x. */
static struct text of_shape_length(struct buf *b, size_t n)
{
    buf_clear(b);
    BUF_ADD(b, "{\"a\":[\"x\"],\"b\":\"");
    while (buf_len(b) < n - 1)
        buf_add_byte(b, 'b');
    BUF_ADD(b, "\"}");
    return buf_text(b);
}

START_TEST(long_shapes_are_not_kept)
{
    struct stencil s = {0};
    struct buf b = {0};
    struct text json = of_shape_length(&b, 2048);
    ck_assert_uint_eq(json.n, 2049);
    ck_assert(stencil_cut(&s, json, hole_of(json)));
    ck_assert_str_eq(fitting(&s, json), "x");
    json = of_shape_length(&b, 2049);
    ck_assert(!stencil_cut(&s, json, hole_of(json)));
    ck_assert(!fitting(&s, json));
    ck_assert(!fitting(&s, of_shape_length(&b, 2048)));
    buf_free(&b);
    stencil_free(&s);
}
END_TEST

START_TEST(a_long_hole_is_no_long_shape)
{
    struct buf b = {0};
    BUF_ADD(&b, "{\"a\":[\"");
    for (int i = 0; i < 10000; i++)
        buf_add_byte(&b, 'x');
    BUF_ADD(&b, "\"]}");
    struct stencil s = cut(buf_text(&b));
    ck_assert_str_eq(fitting(&s, TEXT("{\"a\":[\"y\"]}")), "y");
    buf_free(&b);
    stencil_free(&s);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, fits, 0, COUNT(samples));
    tcase_add_loop_test(tests, what_fits_is_filled_alike, 0, COUNT(samples));
    tcase_add_test(tests, nothing_fits_no_stencil);
    tcase_add_test(tests, the_parts_do_not_overlap);
    tcase_add_test(tests, the_last_cut_counts);
    tcase_add_test(tests, long_shapes_are_not_kept);
    tcase_add_test(tests, a_long_hole_is_no_long_shape);
}

TEST_MAIN_ADDING("stencil", add_tests)
