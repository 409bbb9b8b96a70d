/* What is written, and that the parser reads it back. */
#include "http_test.h"

static void check_buf(struct buf *b, const char *expected)
{
    check_text(buf_text(b), expected);
    buf_free(b);
}

START_TEST(status_lines)
{
    struct buf b = {0};
    http_put_status(&b, 200);
    check_buf(&b, "HTTP/1.1 200 OK\r\n");
    http_put_status(&b, 431);
    check_buf(&b, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
    http_put_status(&b, 529);
    check_buf(&b, "HTTP/1.1 529 \r\n");
    ck_assert_str_eq(http_reason(503), "Service Unavailable");
    ck_assert_str_eq(http_reason(0), "");
}
END_TEST

START_TEST(heads)
{
    struct buf b = {0};
    http_put_request(&b, TEXT("POST"), TEXT("/v1/chat?x"));
    http_put(&b, TEXT("Host"), TEXT("a:1"));
    http_put(&b, TEXT("X-Empty"), TEXT(""));
    http_put(&b, TEXT("X-None"), TEXT_NONE);
    http_put_u64(&b, TEXT("Content-Length"), 0);
    http_put_u64(&b, TEXT("X-Large"), UINT64_MAX);
    http_put_end(&b);
    struct outcome o = parse_good(REQUEST, buf_text(&b));
    ck_assert_uint_eq(o.head.field_count, 5);
    outcome_free(&o);
    check_buf(&b, "POST /v1/chat?x HTTP/1.1\r\nHost: a:1\r\nX-Empty: \r\nX-None: \r\nContent-Length: 0\r\n"
                  "X-Large: 18446744073709551615\r\n\r\n");
}
END_TEST

START_TEST(it_goes_behind_what_is_there)
{
    struct buf b = {0};
    for (int i = 0; i < 100; i++)
        http_put(&b, TEXT("X-Name"), TEXT("value"));
    ck_assert_uint_eq(buf_len(&b), 100 * 15);
    ck_assert(text_starts(buf_text(&b), TEXT("X-Name: value\r\nX-Name: ")));
    ck_assert(text_ends(buf_text(&b), TEXT("value\r\nX-Name: value\r\n")));
    buf_free(&b);
}
END_TEST

START_TEST(clean_values)
{
    ck_assert(http_value_is_clean(TEXT_NONE));
    for (int c = 0; c < 256; c++) {
        bool clean = c == '\t' || (c >= 0x20 && c != 0x7f);
        for (size_t at = 0; at < 40; at++) {
            char value[40];
            memset(value, 'x', sizeof value);
            value[at] = (char)c;
            char *bytes = alone(text_make(value, at + 1));
            ck_assert_msg(http_value_is_clean(text_make(bytes, at + 1)) == clean, "byte %d at %zu", c, at);
            free(bytes);
            ck_assert(http_value_is_clean(text_make(value, sizeof value)) == clean);
        }
    }
}
END_TEST

START_TEST(chunk_sizes)
{
    static const struct {
        size_t n;
        const char *written;
    } sizes[] = {{0, "0\r\n"},
                 {1, "1\r\n"},
                 {9, "9\r\n"},
                 {10, "a\r\n"},
                 {15, "f\r\n"},
                 {16, "10\r\n"},
                 {255, "ff\r\n"},
                 {256, "100\r\n"},
                 {500, "1f4\r\n"},
                 {4095, "fff\r\n"},
                 {4096, "1000\r\n"},
                 {0xabcdef, "abcdef\r\n"},
                 {SIZE_MAX, "ffffffffffffffff\r\n"}};
    for (int i = 0; i < COUNT(sizes); i++) {
        char *out = malloc(18);
        check_text(text_make(out, http_chunk_size(out, sizes[i].n)), sizes[i].written);
        free(out);
    }
}
END_TEST

START_TEST(methods)
{
    ck_assert_str_eq(http_method_name(HTTP_GET), "GET");
    ck_assert_str_eq(http_method_name(HTTP_OPTIONS), "OPTIONS");
    ck_assert_str_eq(http_method_name(HTTP_METHOD_OTHER), "OTHER");
}
END_TEST

/* Each error says what a server answers to it, under a name that suits a label. */
START_TEST(errors)
{
    ck_assert_uint_eq(http_error_status(HTTP_BAD_CHUNK), 400);
    ck_assert_uint_eq(http_error_status(HTTP_BAD_CODING), 501);
    ck_assert_uint_eq(http_error_status(HTTP_TIMEOUT), 408);
    ck_assert_str_eq(http_error_name(HTTP_BAD_CHUNK), "bad_chunk");
    ck_assert_str_eq(http_error_text(HTTP_BAD_LENGTH), "Content-Length is not one plain number");
    for (int e = HTTP_FINE + 1; e < HTTP_ERROR_COUNT; e++) {
        ck_assert_uint_ge(http_error_status((enum http_error)e), 400);
        ck_assert_str_ne(http_reason(http_error_status((enum http_error)e)), "");
        ck_assert_uint_gt(strlen(http_error_text((enum http_error)e)), 10);
        ck_assert_uint_gt(strlen(http_error_name((enum http_error)e)), 3);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, status_lines);
    tcase_add_test(tests, heads);
    tcase_add_test(tests, it_goes_behind_what_is_there);
    tcase_add_test(tests, clean_values);
    tcase_add_test(tests, chunk_sizes);
    tcase_add_test(tests, methods);
    tcase_add_test(tests, errors);
}

TEST_MAIN_ADDING("http_write", add_tests)
