/* What is JSON and what is not, after RFC 8259, and where exactly it goes wrong. Names follow the custom of JSON test
 * suites: y_ must be accepted, n_ refused, i_ is left to implementations and decided here. */
#include "json_test.h"

struct sample {
    const char *name;
    struct text json;
    enum json_error error;
    size_t position;
};

#define GOOD(name, json)                                                                                               \
    {                                                                                                                  \
        name, TEXT(json), JSON_FINE, 0                                                                                 \
    }
#define BAD(name, json, error, position)                                                                               \
    {                                                                                                                  \
        name, TEXT(json), JSON_##error, position                                                                       \
    }

/* clang-format off */
static const struct sample structures[] = {
    GOOD("y_empty_object", "{}"),
    GOOD("y_empty_array", "[]"),
    GOOD("y_spaces_everywhere", " \t\r\n{ \"a\" : [ 1 , { } , [ ] ] , \"b\" : null } \t\r\n"),
    GOOD("y_nested", "[[[]],{\"a\":{\"b\":[{}]}},[{}]]"),
    GOOD("y_lonely_number", "42"),
    GOOD("y_lonely_string", "\"a\""),
    GOOD("y_lonely_null", "null"),
    GOOD("y_lonely_true_spaced", " true "),
    GOOD("y_empty_key", "{\"\":0}"),
    GOOD("y_same_unwanted_key_twice", "{\"a\":1,\"a\":2}"),
    BAD("n_nothing", "", EMPTY, 0),
    BAD("n_only_spaces", " \n\t\r ", EMPTY, 5),
    BAD("n_open_array", "[", TRUNCATED, 1),
    BAD("n_open_object", "{", TRUNCATED, 1),
    BAD("n_object_key_only", "{\"a\"", TRUNCATED, 4),
    BAD("n_object_no_value", "{\"a\":", TRUNCATED, 5),
    BAD("n_object_no_end", "{\"a\":1", TRUNCATED, 6),
    BAD("n_object_comma_end", "{\"a\":1,", TRUNCATED, 7),
    BAD("n_array_no_end", "[1", TRUNCATED, 2),
    BAD("n_array_comma_end", "[1,", TRUNCATED, 3),
    BAD("n_array_trailing_comma", "[1,]", SYNTAX, 3),
    BAD("n_array_leading_comma", "[,1]", SYNTAX, 1),
    BAD("n_array_two_commas", "[1,,2]", SYNTAX, 3),
    BAD("n_array_no_comma", "[1 2]", SYNTAX, 3),
    BAD("n_array_strings_no_comma", "[\"a\"\"b\"]", SYNTAX, 4),
    BAD("n_array_number_then_string", "[1\"a\"]", SYNTAX, 2),
    BAD("n_array_string_then_number", "[\"a\"1]", SYNTAX, 4),
    BAD("n_array_colon", "[\"a\":1]", SYNTAX, 4),
    BAD("n_array_wrong_close", "[1}", SYNTAX, 2),
    BAD("n_array_values_touch", "[[]{}]", SYNTAX, 3),
    BAD("n_object_wrong_close", "{\"a\":1]", SYNTAX, 6),
    BAD("n_object_trailing_comma", "{\"a\":1,}", SYNTAX, 7),
    BAD("n_object_leading_comma", "{,\"a\":1}", SYNTAX, 1),
    BAD("n_object_two_commas", "{\"a\":1,,\"b\":2}", SYNTAX, 7),
    BAD("n_object_no_colon", "{\"a\" 1}", SYNTAX, 5),
    BAD("n_object_two_colons", "{\"a\"::1}", SYNTAX, 5),
    BAD("n_object_no_key", "{:1}", SYNTAX, 1),
    BAD("n_object_number_key", "{1:1}", SYNTAX, 1),
    BAD("n_object_literal_key", "{null:1}", SYNTAX, 1),
    BAD("n_object_array_key", "{[]:1}", SYNTAX, 1),
    BAD("n_object_bare_key", "{a:1}", SYNTAX, 1),
    BAD("n_object_single_quotes", "{'a':1}", SYNTAX, 1),
    BAD("n_object_comma_for_colon", "{\"a\",1}", SYNTAX, 4),
    BAD("n_object_closed_after_key", "{\"a\"}", SYNTAX, 4),
    BAD("n_object_closed_after_colon", "{\"a\":}", SYNTAX, 5),
    BAD("n_close_first", "]", SYNTAX, 0),
    BAD("n_comma_first", ",", SYNTAX, 0),
    BAD("n_colon_first", ":1", SYNTAX, 0),
    BAD("n_close_twice", "[]]", TRAILING, 2),
    BAD("n_two_values", "1 2", TRAILING, 2),
    BAD("n_two_objects", "{}{}", TRAILING, 2),
    BAD("n_comma_behind", "{},", TRAILING, 2),
    BAD("n_garbage_behind", "{} x", TRAILING, 3),
    BAD("n_nul_behind", "{}\0", TRAILING, 2),
    BAD("n_high_byte_behind", "{}\xFF", TRAILING, 2),
    BAD("n_bad_string_behind", "{}\"\\x\"", TRAILING, 2),
    BAD("n_comment", "{/* */}", SYNTAX, 1),
    BAD("n_comment_behind", "1//", BAD_NUMBER, 1),
    BAD("n_hash_comment", "#\n1", SYNTAX, 0),
    BAD("n_nul", "\0", SYNTAX, 0),
    BAD("n_nul_inside", "[\0]", SYNTAX, 1),
    BAD("n_vertical_tab", "[\v1]", SYNTAX, 1),
    BAD("n_form_feed", "[1,\f2]", SYNTAX, 3),
    BAD("n_form_feed_at_number", "[1\f]", BAD_NUMBER, 2),
    BAD("n_delete_byte", "\x7F", SYNTAX, 0),
    BAD("n_no_break_space", "[\xC2\xA0" "1]", SYNTAX, 1),
    BAD("n_line_separator", "[\xE2\x80\xA8]", SYNTAX, 1),
    BAD("n_byte_order_mark", "\xEF\xBB\xBF{}", SYNTAX, 0),
    BAD("n_utf16", "{\0}\0", SYNTAX, 1),
    BAD("n_backslash_outside", "[\\n]", SYNTAX, 1),
    BAD("n_backslash_quote_outside", "[\\\"a\"]", SYNTAX, 1),
    BAD("n_backslash_behind_number", "[1\\\"\"]", BAD_NUMBER, 2),
    BAD("n_backslash_behind_string", "[\"a\"\\\"]", SYNTAX, 4),
    BAD("n_equals", "{\"a\"=1}", SYNTAX, 4),
};

static const struct sample scalars[] = {
    GOOD("y_zero", "0"),
    GOOD("y_minus_zero", "-0"),
    GOOD("y_integers", "[1,-1,10,1234567890]"),
    GOOD("y_fractions", "[0.5,-0.5,10.0625,1.000]"),
    GOOD("y_exponents", "[1e1,1E1,1e+1,1e-1,0e0,1.5e10,-0.0E-00]"),
    GOOD("y_zero_then_space", "[0 ,0\n]"),
    GOOD("y_literals", "[true,false,null]"),
    GOOD("i_huge_exponent", "[1e99999]"),                             /* grammar only: values are not computed */
    GOOD("i_tiny_exponent", "[1e-99999]"),
    GOOD("i_more_digits_than_a_double", "[0.1234567890123456789012345678901234567890123456789012345678901234567890]"),
    BAD("n_plus", "+1", SYNTAX, 0),
    BAD("n_leading_zero", "[01]", BAD_NUMBER, 2),
    BAD("n_minus_leading_zero", "[-01]", BAD_NUMBER, 3),
    BAD("n_two_zeros", "[00]", BAD_NUMBER, 2),
    BAD("n_minus_only", "-", TRUNCATED, 1),
    BAD("n_minus_closed", "[-]", BAD_NUMBER, 2),
    BAD("n_minus_space", "[- 1]", BAD_NUMBER, 2),
    BAD("n_two_minus", "[--1]", BAD_NUMBER, 2),
    BAD("n_minus_letter", "[-a]", BAD_NUMBER, 2),
    BAD("n_point_first", "[.5]", SYNTAX, 1),
    BAD("n_minus_point", "[-.5]", BAD_NUMBER, 2),
    BAD("n_point_last", "[1.]", BAD_NUMBER, 3),
    BAD("n_point_at_end", "1.", TRUNCATED, 2),
    BAD("n_point_exponent", "[1.e1]", BAD_NUMBER, 3),
    BAD("n_two_points", "[1.2.3]", BAD_NUMBER, 4),
    BAD("n_exponent_empty", "[1e]", BAD_NUMBER, 3),
    BAD("n_exponent_at_end", "1e", TRUNCATED, 2),
    BAD("n_exponent_sign_only", "[1e+]", BAD_NUMBER, 4),
    BAD("n_exponent_sign_at_end", "1e+", TRUNCATED, 3),
    BAD("n_exponent_fraction", "[1e1.5]", BAD_NUMBER, 4),
    BAD("n_exponent_twice", "[1e1e1]", BAD_NUMBER, 4),
    BAD("n_exponent_first", "[e1]", SYNTAX, 1),
    BAD("n_hexadecimal", "[0x1F]", BAD_NUMBER, 2),
    BAD("n_underscore", "[1_000]", BAD_NUMBER, 2),
    BAD("n_letter_behind", "[1a]", BAD_NUMBER, 2),
    BAD("n_minus_inside", "[1-1]", BAD_NUMBER, 2),
    BAD("n_infinity", "[Infinity]", SYNTAX, 1),
    BAD("n_minus_infinity", "[-Infinity]", BAD_NUMBER, 2),
    BAD("n_nan", "[NaN]", SYNTAX, 1),
    BAD("n_lower_nan", "[nan]", SYNTAX, 2),
    BAD("n_full_width_digit", "[\xEF\xBC\x91]", SYNTAX, 1),
    BAD("n_full_width_digit_behind", "[1\xEF\xBC\x91]", BAD_NUMBER, 2),
    BAD("n_invalid_utf8_behind", "[1\xFF]", BAD_NUMBER, 2),
    BAD("n_nul_behind_number", "1\0", BAD_NUMBER, 1),
    BAD("n_true_short", "[tru]", SYNTAX, 4),
    BAD("n_true_cut", "tru", TRUNCATED, 3),
    BAD("n_false_short", "[fals]", SYNTAX, 5),
    BAD("n_null_short", "[nul]", SYNTAX, 4),
    BAD("n_null_long", "[nulll]", SYNTAX, 5),
    BAD("n_true_upper", "[True]", SYNTAX, 1),
    BAD("n_true_mixed", "[tRue]", SYNTAX, 2),
    BAD("n_two_literals", "[truefalse]", SYNTAX, 5),
    BAD("n_literal_nul", "[true\0]", SYNTAX, 5),
    BAD("n_literal_then_string", "[true\"a\"]", SYNTAX, 5),
    BAD("n_undefined", "[undefined]", SYNTAX, 1),
};

static const struct sample strings[] = {
    GOOD("y_empty", "\"\""),
    GOOD("y_all_simple_escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    GOOD("y_unicode_escapes", "\"\\u0000\\u4e2d\\uFFFF\\uabCD\""),
    GOOD("y_escaped_pair", "\"\\ud83d\\ude00\""),
    GOOD("y_backslash_before_u", "\"\\\\u12\""),
    GOOD("y_backslashes", "\"\\\\\\\\\""),
    GOOD("y_slash", "\"/\""),
    GOOD("y_delete_byte", "\"\x7F\""),
    GOOD("y_structure_inside", "[\"{}[]:,\",\"a\\\"b\"]"),
    GOOD("y_utf8",
         "\"\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF\""),
    GOOD("y_utf8_key", "{\"\xE4\xB8\xAD\":1}"),
    GOOD("y_no_break_space", "\"\xC2\xA0\xE2\x80\xA8\""),
    GOOD("i_noncharacter", "\"\xEF\xBF\xBE\\uFDD0\""),                 /* a valid scalar value */
    GOOD("i_byte_order_mark_inside", "\"\xEF\xBB\xBF\""),              /* U+FEFF is a character like others */
    GOOD("i_lone_high_escape", "\"\\ud800\""),                          /* grammar allows; see json_to_text() */
    GOOD("i_lone_low_escape", "\"\\udc00\""),
    GOOD("i_pair_in_wrong_order", "\"\\ude00\\ud83d\""),
    GOOD("i_high_escape_then_letter", "\"\\ud800a\""),
    BAD("n_not_closed", "\"", TRUNCATED, 1),
    BAD("n_not_closed_text", "\"abc", TRUNCATED, 4),
    BAD("n_escaped_close", "\"a\\\"", TRUNCATED, 4),
    BAD("n_cut_escape", "\"\\", TRUNCATED, 2),
    BAD("n_cut_unicode", "\"\\u00", TRUNCATED, 5),
    BAD("n_cut_character", "\"\xE4\xB8", TRUNCATED, 3),
    BAD("n_newline", "\"\n\"", BAD_STRING, 1),
    BAD("n_tab", "\"a\tb\"", BAD_STRING, 2),
    BAD("n_nul", "\"a\0b\"", BAD_STRING, 2),
    BAD("n_unit_separator", "\"\x1F\"", BAD_STRING, 1),
    BAD("n_escape_a", "\"\\a\"", BAD_STRING, 2),
    BAD("n_escape_v", "\"\\v\"", BAD_STRING, 2),
    BAD("n_escape_x", "\"\\x41\"", BAD_STRING, 2),
    BAD("n_escape_zero", "\"\\0\"", BAD_STRING, 2),
    BAD("n_escape_apostrophe", "\"\\'\"", BAD_STRING, 2),
    BAD("n_escape_upper_u", "\"\\U0041\"", BAD_STRING, 2),
    BAD("n_escape_newline", "\"\\\n\"", BAD_STRING, 2),
    BAD("n_escape_nul", "\"\\\0\"", BAD_STRING, 2),
    BAD("n_escape_character", "\"\\\xE4\xB8\xAD\"", BAD_STRING, 2),
    BAD("n_escape_after_backslash_pair", "\"\\\\\\x\"", BAD_STRING, 4),
    BAD("n_unicode_no_digits", "\"\\u\"", BAD_STRING, 3),
    BAD("n_unicode_three_digits", "\"\\u123\"", BAD_STRING, 6),
    BAD("n_unicode_g", "\"\\u12g4\"", BAD_STRING, 5),
    BAD("n_unicode_colon", "\"\\u:123\"", BAD_STRING, 3),
    BAD("n_unicode_at_sign", "\"\\u@123\"", BAD_STRING, 3),
    BAD("n_unicode_backtick", "\"\\u`123\"", BAD_STRING, 3),
    BAD("n_unicode_slash", "\"\\u/123\"", BAD_STRING, 3),
    BAD("n_unicode_minus", "\"\\u-123\"", BAD_STRING, 3),
    BAD("n_unicode_escape_inside", "\"\\u12\\n4\"", BAD_STRING, 5),
    BAD("n_pair_second_bad", "\"\\ud83d\\ug000\"", BAD_STRING, 9),
    BAD("n_lone_continuation", "\"\x80\"", BAD_UTF8, 1),
    BAD("n_continuation_too_many", "\"\xC3\xA9\xA9\"", BAD_UTF8, 3),
    BAD("n_cut_by_quote", "\"\xE4\xB8\"", BAD_UTF8, 3),
    BAD("n_cut_by_letter", "\"\xC3" "a\"", BAD_UTF8, 2),
    BAD("n_cut_by_lead", "\"\xC3\xC3\xA9\"", BAD_UTF8, 2),
    BAD("n_cut_by_escape", "\"\xC3\\n\"", BAD_UTF8, 2),
    BAD("n_overlong_slash", "\"\xC0\xAF\"", BAD_UTF8, 1),
    BAD("n_overlong_two", "\"\xC1\xBF\"", BAD_UTF8, 1),
    BAD("n_overlong_three", "\"\xE0\x9F\xBF\"", BAD_UTF8, 2),
    BAD("n_overlong_four", "\"\xF0\x8F\xBF\xBF\"", BAD_UTF8, 2),
    BAD("n_surrogate_high", "\"\xED\xA0\x80\"", BAD_UTF8, 2),
    BAD("n_surrogate_low", "\"\xED\xBF\xBF\"", BAD_UTF8, 2),
    BAD("n_above_unicode", "\"\xF4\x90\x80\x80\"", BAD_UTF8, 2),
    BAD("n_lead_f5", "\"\xF5\x80\x80\x80\"", BAD_UTF8, 1),
    BAD("n_five_bytes", "\"\xF8\x88\x80\x80\x80\"", BAD_UTF8, 1),
    BAD("n_fe", "\"\xFE\"", BAD_UTF8, 1),
    BAD("n_ff", "\"\xFF\"", BAD_UTF8, 1),
    BAD("n_latin1", "\"\xE9t\xE9\"", BAD_UTF8, 2),
    BAD("n_in_key", "{\"\xFF\":1}", BAD_UTF8, 2),
    BAD("n_first_of_two_errors", "[\"\x01\",\"\\x\"]", BAD_STRING, 2),
    BAD("n_syntax_before_string", "[x,\"\\x\"]", SYNTAX, 1),
};
/* clang-format on */

/* Also behind enough spaces to bring every byte across a block's end. */
static void expect_sample(const struct sample *s)
{
    char padded[512];
    struct json_result told = json_oracle(s->json, JSON_DEPTH);
    ck_assert_msg(told.error == s->error && told.position == s->position, "%s: the oracle is wrong", s->name);
    for (size_t spaces = 0; spaces <= 130; spaces++) {
        memset(padded, ' ', spaces);
        memcpy(padded + spaces, s->json.p, s->json.n);
        size_t position = s->error == JSON_FINE ? 0 : s->position + spaces;
        expect_result(text_make(padded, spaces + s->json.n), JSON_DEPTH, s->error, position);
    }
}

START_TEST(structure)
{
    for (size_t i = 0; i < COUNT(structures); i++)
        expect_sample(&structures[i]);
}
END_TEST

START_TEST(numbers_and_names)
{
    for (size_t i = 0; i < COUNT(scalars); i++)
        expect_sample(&scalars[i]);
}
END_TEST

START_TEST(texts)
{
    for (size_t i = 0; i < COUNT(strings); i++)
        expect_sample(&strings[i]);
}
END_TEST

/* What begins right and stops is truncated, wherever it stops. */
START_TEST(cut_anywhere)
{
    const struct text whole =
        TEXT(" {\"a\\u00e9\\\\\" : [ -1.5e+10, true,false , null, \"\xE4\xB8\xAD\xF0\x9F\x98\x80\\n\"],"
             "\"longer than one block of sixty-four bytes, to be sure\":{\"k\":[[],{}]}} ");
    expect_result(whole, JSON_DEPTH, JSON_FINE, 0);
    expect_result(text_make(whole.p, whole.n - 1), JSON_DEPTH, JSON_FINE, 0);
    for (size_t n = 2; n < whole.n - 1; n++)
        expect_result(text_make(whole.p, n), JSON_DEPTH, JSON_TRUNCATED, n);
}
END_TEST

static struct text nested(char *out, size_t depth, const char *open, const char *middle, const char *close)
{
    size_t n = 0;
    for (size_t i = 0; i < depth; i++)
        n += (size_t)sprintf(out + n, "%s", open);
    n += (size_t)sprintf(out + n, "%s", middle);
    for (size_t i = 0; i < depth; i++)
        n += (size_t)sprintf(out + n, "%s", close);
    return text_make(out, n);
}

START_TEST(depth)
{
    static char text[64 * JSON_DEPTH_MAX];
    expect_result(TEXT("1"), 0, JSON_FINE, 0);
    expect_result(TEXT("[]"), 0, JSON_TOO_DEEP, 0);
    expect_result(TEXT("[{}]"), 1, JSON_TOO_DEEP, 1);
    for (unsigned limit = 1; limit <= 200; limit++) {
        expect_result(nested(text, limit, "[", "1", "]"), limit, JSON_FINE, 0);
        expect_result(nested(text, limit + 1, "[", "1", "]"), limit, JSON_TOO_DEEP, limit);
        expect_result(nested(text, limit, "{\"a\":", "[]", "}"), limit, JSON_TOO_DEEP, (size_t)limit * 5);
        expect_result(nested(text, limit, "{\"a\":", "1", "}"), limit, JSON_FINE, 0);
    }
    expect_result(nested(text, JSON_DEPTH_MAX, "[", "", "]"), 1u << 31, JSON_FINE, 0);
    expect_result(nested(text, JSON_DEPTH_MAX + 1, "[", "", "]"), 1u << 31, JSON_TOO_DEEP, JSON_DEPTH_MAX);
}
END_TEST

/* Each level remembers what it is, also across the words that hold the levels' bits. */
START_TEST(mixed_nesting)
{
    static char text[16 * JSON_DEPTH_MAX];
    struct text t = nested(text, JSON_DEPTH_MAX / 2, "[{\"a\":", "0", "}]");
    expect_result(t, JSON_DEPTH_MAX, JSON_FINE, 0);
    for (size_t i = 0; i < JSON_DEPTH_MAX; i++) {
        size_t at = t.n - 1 - i;
        text[at] = text[at] == ']' ? '}' : ']';
        expect_result(t, JSON_DEPTH_MAX, JSON_SYNTAX, at);
        text[at] = text[at] == ']' ? '}' : ']';
    }
}
END_TEST

START_TEST(error_texts)
{
    ck_assert_str_eq(json_error_text(JSON_FINE), "fine");
    ck_assert_str_eq(json_error_text(JSON_NOT_OBJECT), "the top level is not an object");
    ck_assert_str_eq(json_error_text((enum json_error)1000), "unknown error");
}
END_TEST

TEST_MAIN("json", structure, numbers_and_names, texts, cut_anywhere, depth, mixed_nesting, error_texts)
