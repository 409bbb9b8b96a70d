/* Bodies: every stream of the tables is fed whole, byte by byte and cut at every pair of places, with the same result.
 */
#include "http_test.h"

struct result {
    struct buf payload;
    size_t used;
    bool done;
    enum http_error error;
};

static struct http_body body_of(enum http_framing framing, uint64_t length, uint64_t limit)
{
    static struct http_head head;
    struct http_body b;
    head.framing = framing;
    head.content_length = length;
    http_body_init(&b, &head, limit);
    return b;
}

static void feed(struct http_body *b, struct result *r, struct text piece)
{
    size_t payload, used;
    if (r->error != HTTP_FINE || b->done) return;
    char *bytes = alone(piece);
    r->error = http_body_feed(b, bytes, piece.n, &payload, &used);
    ck_assert(payload <= used && used <= piece.n);
    if (r->error == HTTP_FINE && !b->done) ck_assert_uint_eq(used, piece.n);
    buf_append(&r->payload, bytes, payload);
    r->used += used;
    r->done = b->done;
    free(bytes);
}

static struct result feed_cut(struct http_body b, struct text t, size_t first, size_t second)
{
    struct result r = {.done = b.done};
    feed(&b, &r, text_make(t.p, first));
    feed(&b, &r, text_make(t.p + first, second - first));
    feed(&b, &r, text_from(t, second));
    return r;
}

static struct result feed_bytes(struct http_body b, struct text t)
{
    struct result r = {.done = b.done};
    for (size_t i = 0; i < t.n; i++)
        feed(&b, &r, text_make(t.p + i, 1));
    return r;
}

static void check_fine(const char *name, struct result r, const char *payload, bool done, size_t used)
{
    ck_assert_msg(r.error == HTTP_FINE, "%s: %s", name, http_error_name(r.error));
    ck_assert_msg(text_is(buf_text(&r.payload), payload), "%s: " TEXT_FORMAT, name, TEXT_ARGS(buf_text(&r.payload)));
    ck_assert_msg(r.done == done && r.used == used, "%s: done %d, used %zu", name, r.done, r.used);
    buf_free(&r.payload);
}

static void check_bad(const char *name, struct result r, enum http_error error)
{
    ck_assert_msg(r.error == error, "%s: %s", name, http_error_name(r.error));
    buf_free(&r.payload);
}

/* ---- chunked ---- */

static const struct {
    const char *name;
    struct text wire;
    const char *payload;
    bool done;
    size_t rest; /* bytes of the next message */
} chunked[] = {
    {"nothing", TEXT(""), "", false, 0},
    {"empty body", TEXT("0\r\n\r\n"), "", true, 0},
    {"one chunk", TEXT("5\r\nhello\r\n0\r\n\r\n"), "hello", true, 0},
    {"three chunks", TEXT("1\r\na\r\n2\r\nbc\r\n3\r\ndef\r\n0\r\n\r\n"), "abcdef", true, 0},
    {"hexadecimal in both cases", TEXT("a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n"), "01234567890123456789a",
     true, 0},
    {"two digits", TEXT("10\r\n0123456789abcdef\r\n0\r\n\r\n"), "0123456789abcdef", true, 0},
    {"16 digits", TEXT("0000000000000001\r\na\r\n0000000000000000\r\n\r\n"), "a", true, 0},
    {"line ends are data inside a chunk", TEXT("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n"), "\r\n0\r\n\r\n", true, 0},
    {"extensions", TEXT("1;\r\na\r\n1;x=y;z=\"a;b\" \xc3\xa9\r\nb\r\n0;last\r\n\r\n"), "ab", true, 0},
    {"trailers", TEXT("1\r\na\r\n0\r\nX-Sum: 1\t2\r\nY:\r\nz:\xc3\xa9 \r\n\r\n"), "a", true, 0},
    {"the next message", TEXT("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n"), "a", true, 16},
    {"the next message begins with an empty line", TEXT("0\r\n\r\n\r\n"), "", true, 2},
    {"cut in a size", TEXT("1\r\na\r\n1"), "a", false, 0},
    {"cut in data", TEXT("1\r\na\r\nff\r\nbc"), "abc", false, 0},
    {"cut before the last line end", TEXT("1\r\na\r\n0\r\n\r"), "a", false, 0},
};

START_TEST(good_chunks)
{
    struct text wire = chunked[_i].wire;
    struct http_body b = body_of(HTTP_CHUNKED, 0, 1000);
    size_t used = wire.n - chunked[_i].rest;
    for (size_t first = 0; first <= wire.n; first++)
        for (size_t second = first; second <= wire.n; second++)
            check_fine(chunked[_i].name, feed_cut(b, wire, first, second), chunked[_i].payload, chunked[_i].done, used);
    check_fine(chunked[_i].name, feed_bytes(b, wire), chunked[_i].payload, chunked[_i].done, used);
}
END_TEST

static const struct {
    const char *name;
    struct text wire;
    enum http_error error;
} malformed[] = {
    {"no size", TEXT("\r\n"), HTTP_BAD_CHUNK},
    {"no hexadecimal digit", TEXT("g\r\n"), HTTP_BAD_CHUNK},
    {"leading space", TEXT(" 5\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"trailing space", TEXT("5 \r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"trailing tab", TEXT("5\t\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"space before the extension", TEXT("5 ;x\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"junk after the size", TEXT("5 junk\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"plus", TEXT("+5\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"minus", TEXT("-5\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"0x", TEXT("0x5\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"underscore", TEXT("1_0\r\n"), HTTP_BAD_CHUNK},
    {"17 digits", TEXT("00000000000000001\r\na\r\n"), HTTP_BAD_CHUNK},
    {"size and LF", TEXT("5\nhello\r\n"), HTTP_BAD_CHUNK},
    {"size and CR", TEXT("5\rhello\r\n"), HTTP_BAD_CHUNK},
    {"size and CR CR LF", TEXT("5\r\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"NUL for a size", TEXT("\0\r\n"), HTTP_BAD_CHUNK},
    {"NUL after the size", TEXT("5\0\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"extension without size", TEXT(";x\r\n"), HTTP_BAD_CHUNK},
    {"extension and LF", TEXT("5;x\nhello\r\n"), HTTP_BAD_CHUNK},
    {"extension and CR", TEXT("5;x\ry\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"tab in the extension", TEXT("5;\tx\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"NUL in the extension", TEXT("5;\0\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"DEL in the extension", TEXT("5;\x7f\r\nhello\r\n"), HTTP_BAD_CHUNK},
    {"data and LF", TEXT("1\r\na\n0\r\n\r\n"), HTTP_BAD_CHUNK},
    {"data and CR", TEXT("1\r\na\r0\r\n\r\n"), HTTP_BAD_CHUNK},
    {"data and nothing", TEXT("1\r\na0\r\n\r\n"), HTTP_BAD_CHUNK},
    {"data longer than its size", TEXT("1\r\nab\r\n0\r\n\r\n"), HTTP_BAD_CHUNK},
    {"two line ends after data", TEXT("1\r\na\r\n\r\n0\r\n\r\n"), HTTP_BAD_CHUNK},
    {"last line ends in LF", TEXT("0\r\n\n"), HTTP_BAD_CHUNK},
    {"last line ends in CR", TEXT("0\r\n\rG"), HTTP_BAD_CHUNK},
    {"trailer without colon", TEXT("0\r\nX\r\n\r\n"), HTTP_BAD_CHUNK},
    {"trailer without name", TEXT("0\r\n: x\r\n\r\n"), HTTP_BAD_CHUNK},
    {"trailer with a space before the colon", TEXT("0\r\nX : y\r\n\r\n"), HTTP_BAD_CHUNK},
    {"trailer folded", TEXT("0\r\nX: y\r\n z\r\n\r\n"), HTTP_BAD_CHUNK},
    {"trailer ends in LF", TEXT("0\r\nX: y\n\r\n"), HTTP_BAD_CHUNK},
    {"trailer ends in CR", TEXT("0\r\nX: y\rz\r\n\r\n"), HTTP_BAD_CHUNK},
    {"trailer with NUL", TEXT("0\r\nX: \0\r\n\r\n"), HTTP_BAD_CHUNK},
    {"trailer with DEL", TEXT("0\r\nX: \x7f\r\n\r\n"), HTTP_BAD_CHUNK},
    {"a request for a trailer", TEXT("0\r\nGET / HTTP/1.1\r\n\r\n"), HTTP_BAD_CHUNK},
    {"too much at once", TEXT("3e9\r\n"), HTTP_BODY_TOO_LARGE},
    {"too much in the end", TEXT("1\r\na\r\n3e8\r\n"), HTTP_BODY_TOO_LARGE},
    {"64 bits", TEXT("ffffffffffffffff\r\n"), HTTP_BODY_TOO_LARGE},
    {"64 bits that wrap around", TEXT("2\r\nab\r\nffffffffffffffff\r\n"), HTTP_BODY_TOO_LARGE},
};

START_TEST(bad_chunks)
{
    struct text wire = malformed[_i].wire;
    struct http_body b = body_of(HTTP_CHUNKED, 0, 1000);
    for (size_t first = 0; first <= wire.n; first++)
        for (size_t second = first; second <= wire.n; second++)
            check_bad(malformed[_i].name, feed_cut(b, wire, first, second), malformed[_i].error);
    check_bad(malformed[_i].name, feed_bytes(b, wire), malformed[_i].error);
}
END_TEST

START_TEST(a_limit_of_exactly_the_payload)
{
    struct text wire = TEXT("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    check_fine("5", feed_bytes(body_of(HTTP_CHUNKED, 0, 5), wire), "abcde", true, wire.n);
    check_bad("4", feed_bytes(body_of(HTTP_CHUNKED, 0, 4), wire), HTTP_BODY_TOO_LARGE);
    check_fine("0", feed_bytes(body_of(HTTP_CHUNKED, 0, 0), TEXT("0\r\n\r\n")), "", true, 5);
    check_fine("no limit", feed_bytes(body_of(HTTP_CHUNKED, 0, UINT64_MAX), TEXT("fffffffffffffffe\r\na")), "a", false,
               19);
}
END_TEST

/* The line of n bytes, without CR LF: 1 digit, a semicolon, the rest. */
static struct result feed_long_line(size_t n)
{
    struct buf wire = {0};
    BUF_ADD(&wire, "1;");
    for (size_t i = 2; i < n; i++)
        buf_add_byte(&wire, 'x');
    BUF_ADD(&wire, "\r\na\r\n0\r\n\r\n");
    struct result r = feed_bytes(body_of(HTTP_CHUNKED, 0, 9), buf_text(&wire));
    buf_free(&wire);
    return r;
}

START_TEST(size_lines_are_bounded)
{
    check_fine("256", feed_long_line(256), "a", true, 256 + 10);
    check_bad("257", feed_long_line(257), HTTP_BAD_CHUNK);
}
END_TEST

/* `chunks` of one byte with `each` bytes of extension, then one with `last`. */
static struct result feed_extensions(int chunks, int each, int last)
{
    static char filler[256];
    struct buf wire = {0};
    memset(filler, ' ', sizeof filler);
    for (int i = 0; i <= chunks; i++)
        buf_printf(&wire, "1;%.*s\r\na\r\n", i < chunks ? each : last, filler);
    struct http_body b = body_of(HTTP_CHUNKED, 0, UINT64_MAX);
    struct result r = {0};
    feed(&b, &r, buf_text(&wire));
    buf_free(&wire);
    return r;
}

START_TEST(extensions_are_bounded)
{
    struct result fine = feed_extensions(65, 250, 16384 + 65 - 65 * 250);
    struct result bad = feed_extensions(65, 250, 16384 + 65 - 65 * 250 + 1);
    ck_assert_int_eq(fine.error, HTTP_FINE);
    ck_assert_uint_eq(buf_len(&fine.payload), 66);
    ck_assert_uint_eq(buf_len(&bad.payload), 65);
    check_bad("one more", bad, HTTP_BAD_CHUNK);
    buf_free(&fine.payload);
}
END_TEST

START_TEST(extensions_may_be_as_long_as_the_payload)
{
    struct result r = feed_extensions(100000, 1, 1);
    ck_assert_int_eq(r.error, HTTP_FINE);
    ck_assert_uint_eq(buf_len(&r.payload), 100001);
    buf_free(&r.payload);
}
END_TEST

/* n bytes after the last size: one trailer and the empty line. */
static struct result feed_trailer(size_t n)
{
    struct buf wire = {0};
    BUF_ADD(&wire, "0\r\nX:");
    for (size_t i = 2; i < n - 4; i++)
        buf_add_byte(&wire, 'y');
    BUF_ADD(&wire, "\r\n\r\n");
    struct http_body b = body_of(HTTP_CHUNKED, 0, 9);
    struct result r = {0};
    feed(&b, &r, buf_text(&wire));
    buf_free(&wire);
    return r;
}

START_TEST(trailers_are_bounded)
{
    check_fine("8192", feed_trailer(8192), "", true, 8192 + 3);
    check_bad("8193", feed_trailer(8193), HTTP_HEAD_TOO_LARGE);
}
END_TEST

/* ---- the other framings ---- */

START_TEST(no_body)
{
    struct http_body b = body_of(HTTP_NO_BODY, 7, 0);
    size_t payload, used;
    char next[] = "GET /";
    ck_assert(b.done);
    ck_assert_int_eq(http_body_feed(&b, next, 5, &payload, &used), HTTP_FINE);
    ck_assert_uint_eq(payload, 0);
    ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(declared_length)
{
    struct text wire = TEXT("hello\r\nGET /");
    for (size_t first = 0; first <= wire.n; first++)
        check_fine("7", feed_cut(body_of(HTTP_LENGTH, 7, 7), wire, first, wire.n), "hello\r\n", true, 7);
    check_fine("20", feed_bytes(body_of(HTTP_LENGTH, 20, 20), wire), "hello\r\nGET /", false, wire.n);
    check_bad("a smaller limit", feed_bytes(body_of(HTTP_LENGTH, 7, 6), wire), HTTP_BODY_TOO_LARGE);
    ck_assert(body_of(HTTP_LENGTH, 0, 0).done);
}
END_TEST

START_TEST(until_close)
{
    struct text wire = TEXT("hello\r\n\0");
    struct http_body b = body_of(HTTP_UNTIL_CLOSE, 0, 8);
    struct result r = {0};
    feed(&b, &r, wire);
    ck_assert_int_eq(r.error, HTTP_FINE);
    ck_assert(text_eq(buf_text(&r.payload), wire));
    ck_assert(!b.done);
    ck_assert_uint_eq(b.received, 8);
    feed(&b, &r, TEXT("x"));
    check_bad("one more", r, HTTP_BODY_TOO_LARGE);
}
END_TEST

START_TEST(counts)
{
    struct http_body b = body_of(HTTP_CHUNKED, 0, 100);
    struct result r = {0};
    feed(&b, &r, TEXT("5\r\nabc"));
    ck_assert_uint_eq(b.received, 3);
    ck_assert_uint_eq(b.left, 2);
    buf_free(&r.payload);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, good_chunks, 0, COUNT(chunked));
    tcase_add_loop_test(tests, bad_chunks, 0, COUNT(malformed));
    tcase_add_test(tests, a_limit_of_exactly_the_payload);
    tcase_add_test(tests, size_lines_are_bounded);
    tcase_add_test(tests, extensions_are_bounded);
    tcase_add_test(tests, extensions_may_be_as_long_as_the_payload);
    tcase_add_test(tests, trailers_are_bounded);
    tcase_add_test(tests, no_body);
    tcase_add_test(tests, declared_length);
    tcase_add_test(tests, until_close);
    tcase_add_test(tests, counts);
}

TEST_MAIN_ADDING("http_body", add_tests)
