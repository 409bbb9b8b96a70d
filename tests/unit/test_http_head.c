/* Fields of a head, the limits, and every byte in every place. */
#include "http_test.h"

#define START "GET / HTTP/1.1\r\nHost: a\r\n"

static struct outcome parse_field(const char *name, const char *value)
{
    struct buf b = {0};
    buf_printf(&b, START "%s: %s\r\n\r\n", name, value);
    struct outcome o = parse_good(REQUEST, buf_text(&b));
    ck_assert_uint_eq(o.head.field_count, 2);
    buf_free(&b);
    return o;
}

/* ---- names ---- */

static const char *const known[] = {
#define X(id, name) [id] = name,
    HTTP_NAMES(X)
#undef X
};

static void check_id(const char *name, enum http_name expected)
{
    struct outcome o = parse_field(name, "100-continue"); /* which Expect must be; the others may */
    ck_assert_msg(o.head.fields[1].id == expected, "%s is %u", name, o.head.fields[1].id);
    outcome_free(&o);
}

/* Names whose values the parser reads need values that it likes; they are in the tables of requests. */
static bool takes_any_value(int id)
{
    return id != HTTP_OTHER && id != HTTP_HOST && id != HTTP_CONTENT_LENGTH && id != HTTP_TRANSFER_ENCODING;
}

START_TEST(known_names)
{
    if (!takes_any_value(_i)) return;
    char name[32];
    size_t n = strlen(known[_i]);
    memcpy(name, known[_i], n + 1);
    check_id(name, (enum http_name)_i);
    for (size_t i = 0; i < n; i++) {
        name[i] = (char)(known[_i][i] >= 'a' ? known[_i][i] - 32 : known[_i][i]);
        check_id(name, (enum http_name)_i);
    }
    for (size_t i = 0; i < n; i++) {
        char right = name[i];
        name[i] = '_';
        check_id(name, HTTP_OTHER);
        name[i] = right == 'Q' ? 'K' : 'Q';
        check_id(name, HTTP_OTHER);
        name[i] = right;
    }
    name[n] = 'x', name[n + 1] = '\0';
    check_id(name, HTTP_OTHER);
    name[n - 1] = '\0';
    check_id(name, HTTP_OTHER);
}
END_TEST

START_TEST(fields_are_found)
{
    struct outcome o =
        parse_good(REQUEST, TEXT(START "Accept: a/b\r\nX-Thing: 1\r\nACCEPT: c/d\r\nx-thing: 2\r\n\r\n"));
    check_text(http_value(&o.head, HTTP_ACCEPT), "a/b");
    ck_assert_ptr_eq(http_find(&o.head, HTTP_ACCEPT), &o.head.fields[1]);
    ck_assert_ptr_eq(http_find_named(&o.head, TEXT("x-thing")), &o.head.fields[2]);
    ck_assert_ptr_eq(http_find_named(&o.head, TEXT("accept")), &o.head.fields[1]);
    ck_assert_ptr_null(http_find(&o.head, HTTP_DATE));
    ck_assert_ptr_null(http_find_named(&o.head, TEXT("x-thin")));
    ck_assert_ptr_null(http_value(&o.head, HTTP_DATE).p);
    check_text(http_field_name(&o.head, &o.head.fields[3]), "ACCEPT");
    outcome_free(&o);
}
END_TEST

START_TEST(a_head_that_is_used_again_forgets)
{
    struct outcome o =
        parse_good(REQUEST, TEXT(START "X-Old: x\r\nDate: y\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    o.scanned = 0;
    parse_on(&o, REQUEST, TEXT(START "X-New: x\r\n\r\n"), &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_DONE);
    ck_assert_ptr_null(http_find(&o.head, HTTP_DATE));
    ck_assert_ptr_null(http_find_named(&o.head, TEXT("date")));
    ck_assert(!o.head.expect_continue);
    ck_assert_int_eq(o.head.framing, HTTP_NO_BODY);
    ck_assert_uint_eq(o.head.content_length, 0);
    outcome_free(&o);
}
END_TEST

/* ---- values ---- */

START_TEST(values_are_trimmed)
{
    static const struct {
        const char *written, *value;
    } values[] = {
        {"", ""},
        {" ", ""},
        {"\t \t", ""},
        {"a", "a"},
        {" a b ", "a b"},
        {"\ta\tb\t", "a\tb"},
        {": a", ": a"},
        {"\xc3\xa9\xff", "\xc3\xa9\xff"},
        {"  0123456789abcdef0123456789abcdef\t", "0123456789abcdef0123456789abcdef"},
    };
    for (int i = 0; i < COUNT(values); i++) {
        struct outcome o = parse_field("X", values[i].written);
        check_text(http_field_value(&o.head, &o.head.fields[1]), values[i].value);
        outcome_free(&o);
    }
}
END_TEST

/* ---- every byte ---- */

static bool token_byte(int c)
{
    return c > 0 && c < 0x80 &&
           strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", c);
}

static enum http_error control(int c)
{
    return c == '\r' || c == '\n'                 ? HTTP_BAD_LINE_END
           : (c < 0x20 && c != '\t') || c == 0x7f ? HTTP_BAD_BYTE
                                                  : HTTP_FINE;
}

static void check_byte(const char *before, int c, const char *after, enum http_error expected)
{
    struct buf b = {0};
    buf_printf(&b, "%s%c%s", before, c, after);
    struct outcome o = parse_whole(REQUEST, buf_text(&b), &roomy);
    enum http_error error = o.parse == HTTP_PARSE_BAD ? o.error : HTTP_FINE;
    ck_assert_int_ne(o.parse, HTTP_PARSE_MORE);
    ck_assert_msg(error == expected, "byte %d after '%s': %s", c, before, http_error_name(error));
    outcome_free(&o);
    buf_free(&b);
}

START_TEST(every_byte_everywhere)
{
    int c = _i;
    enum http_error plain = control(c), other = plain != HTTP_FINE ? plain : HTTP_BAD_REQUEST_LINE;
    enum http_error target = c > 0x20 && c < 0x7f && c != '#' ? HTTP_FINE : HTTP_BAD_TARGET;
    if (plain != HTTP_FINE) target = plain;
    if (c == ' ') target = HTTP_BAD_REQUEST_LINE;
    check_byte("A", c, "B / HTTP/1.1\r\nHost: a\r\n\r\n",
               token_byte(c) ? HTTP_FINE
               : c == ' '    ? HTTP_BAD_REQUEST_LINE
                             : other);
    check_byte("GET /a", c, "b HTTP/1.1\r\nHost: a\r\n\r\n", target);
    check_byte(START "X", c, "Y: z\r\n\r\n",
               token_byte(c) || c == ':' ? HTTP_FINE
               : plain != HTTP_FINE      ? plain
                                         : HTTP_BAD_FIELD);
    check_byte(START "X: y", c, "z\r\n\r\n", plain);
    check_byte(START "X: 0123456789abcdef", c, "0123456789abcdef\r\n\r\n", plain);
}
END_TEST

/* ---- hop-by-hop ---- */

static const struct {
    const char *about;
    struct text fields;
    unsigned hops; /* bit set of the fields after Host */
} hops[] = {
    {"the fixed list",
     TEXT("Keep-Alive: x\r\nProxy-Authenticate: x\r\nProxy-Authorization: x\r\nProxy-Connection: x\r\n"
          "TE: x\r\nTrailer: x\r\nUpgrade: x\r\nExpect: 100-continue\r\nConnection: x\r\n"),
     0x1ff},
    {"a coding", TEXT("Transfer-Encoding: chunked\r\n"), 1},
    {"ordinary fields", TEXT("Accept: x\r\nX-Y: z\r\nContent-Type: x\r\nContent-Length: 0\r\nCache-Control: x\r\n"), 0},
    {"named", TEXT("X-Y: z\r\nConnection: close, x-y\r\nX-Z: z\r\n"), 3},
    {"named in any case, twice there", TEXT("x-y: z\r\nConnection: X-Y\r\nX-Y: z\r\nX-YY: z\r\n"), 7},
    {"named in a second Connection", TEXT("Connection: x\r\nX-Y: z\r\nConnection: x-y\r\n"), 7},
    {"a known name", TEXT("Accept: x\r\nConnection: accept\r\n"), 3},
    {"what Connection has no say over",
     TEXT("Connection: authorization, host, content-length, content-type, content-encoding, x-api-key, "
          "API-Key\r\nAuthorization: x\r\nContent-Length: 0\r\nContent-Type: x\r\n"
          "Content-Encoding: x\r\nX-Api-Key: x\r\nApi-Key: x\r\n"),
     1},
};

START_TEST(hop_by_hop)
{
    struct buf b = {0};
    BUF_ADD(&b, START);
    buf_add(&b, hops[_i].fields);
    http_put_end(&b);
    struct outcome o = parse_good(REQUEST, buf_text(&b));
    ck_assert(!o.head.fields[0].hop);
    for (unsigned i = 1; i < o.head.field_count; i++)
        ck_assert_msg(o.head.fields[i].hop == (hops[_i].hops >> (i - 1) & 1), "%s: field %u", hops[_i].about, i);
    outcome_free(&o);
    buf_free(&b);
}
END_TEST

/* ---- limits: of exactly that size it passes, one more it does not ---- */

static void check_limit(const char *about, struct text t, struct http_limits enough, struct http_limits less,
                        enum http_error error)
{
    struct outcome o = parse_in_steps(REQUEST, t, &enough, 1);
    ck_assert_msg(o.parse == HTTP_PARSE_DONE, "%s: %s", about, http_error_name(o.error));
    outcome_free(&o);
    check_refused(REQUEST, about, t, &less, error);
}

START_TEST(limits_are_exact)
{
    struct text t = TEXT("GET /0123 HTTP/1.1\r\nHost: a\r\nX: y\r\nContent-Length: 77\r\n\r\n");
    struct http_limits enough = {.line = 18, .head = (uint32_t)t.n, .fields = 3, .body = 77}, less = enough;
    less.line--;
    check_limit("line", t, enough, less, HTTP_LINE_TOO_LONG);
    less = enough, less.head--;
    check_limit("head", t, enough, less, HTTP_HEAD_TOO_LARGE);
    less = enough, less.fields--;
    check_limit("fields", t, enough, less, HTTP_TOO_MANY_FIELDS);
    less = enough, less.body--;
    check_limit("body", t, enough, less, HTTP_BODY_TOO_LARGE);
}
END_TEST

START_TEST(limits_hold_before_the_end)
{
    struct http_limits limits = {.line = 20, .head = 40, .fields = 9, .body = 9};
    check_refused(REQUEST, "an endless line", TEXT("GET /0123456789abcdef"), &limits, HTTP_LINE_TOO_LONG);
    check_refused(REQUEST, "a long line and a bad byte behind it", TEXT("GET /0123456789abcdef\0"), &limits,
                  HTTP_LINE_TOO_LONG);
    check_refused(REQUEST, "a bad byte in a long line",
                  TEXT("GET /0123\0"
                       "456789abcdef"),
                  &limits, HTTP_BAD_BYTE);
    check_refused(REQUEST, "an endless head", TEXT("GET / HTTP/1.1\r\nX: 0123456789abcdefghijkl"), &limits,
                  HTTP_HEAD_TOO_LARGE);
    check_refused(REQUEST, "a large head and LF behind it", TEXT("GET / HTTP/1.1\r\nX: 0123456789abcdefghijk\n"),
                  &limits, HTTP_HEAD_TOO_LARGE);
    check_refused(REQUEST, "the empty line behind the limit", TEXT("GET / HTTP/1.1\r\nX: 0123456789abcdefgh\r\n\r\n"),
                  &limits, HTTP_HEAD_TOO_LARGE);
    limits.head = 10;
    check_refused(REQUEST, "a head smaller than a line", TEXT("GET /0123456789"), &limits, HTTP_HEAD_TOO_LARGE);
}
END_TEST

START_TEST(never_more_fields_than_there_is_room_for)
{
    struct http_limits limits = {.line = 100, .head = 1 << 20, .fields = UINT32_MAX, .body = 0};
    struct buf b = {0};
    BUF_ADD(&b, START);
    for (int i = 1; i < HTTP_FIELDS_MAX; i++)
        BUF_ADD(&b, "X: y\r\n");
    struct buf more = {0};
    buf_add(&more, buf_text(&b));
    BUF_ADD(&b, "\r\n");
    BUF_ADD(&more, "X: y\r\n\r\n");
    struct outcome o = parse_whole(REQUEST, buf_text(&b), &limits);
    ck_assert_int_eq(o.parse, HTTP_PARSE_DONE);
    ck_assert_uint_eq(o.head.field_count, HTTP_FIELDS_MAX);
    outcome_free(&o);
    check_refused(REQUEST, "129 fields", buf_text(&more), &limits, HTTP_TOO_MANY_FIELDS);
    buf_free(&b);
    buf_free(&more);
}
END_TEST

START_TEST(a_name_fits_its_record)
{
    struct http_limits limits = {.line = 100, .head = 1 << 20, .fields = 9, .body = 0};
    for (size_t n = UINT16_MAX; n <= UINT16_MAX + 1; n++) {
        struct buf b = {0};
        BUF_ADD(&b, START);
        memset(buf_reserve(&b, n), 'x', n);
        buf_commit(&b, n);
        BUF_ADD(&b, ": y\r\n\r\n");
        struct outcome o = parse_whole(REQUEST, buf_text(&b), &limits);
        ck_assert_int_eq(o.error, n == UINT16_MAX ? HTTP_FINE : HTTP_BAD_FIELD);
        if (n == UINT16_MAX) ck_assert_uint_eq(o.head.fields[1].name_length, n);
        outcome_free(&o);
        buf_free(&b);
    }
}
END_TEST

/* What was searched is not searched again: the bytes before *scanned may be anything then, but for the last line end.
 */
START_TEST(the_search_goes_on_where_it_stopped)
{
    struct text t = TEXT(START "X: y\r\n\r\n");
    struct outcome o = parse_whole(REQUEST, text_make(t.p, t.n - 3), &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_MORE);
    ck_assert_uint_eq(o.scanned, t.n - 4);
    parse_on(&o, REQUEST, text_make(t.p, t.n - 1), &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_MORE);
    ck_assert_uint_eq(o.scanned, t.n - 2);
    parse_on(&o, REQUEST, t, &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_DONE);
    outcome_free(&o);
    o = parse_whole(REQUEST, TEXT("\r"), &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_MORE);
    ck_assert_uint_eq(o.scanned, 0);
    outcome_free(&o);
    o = parse_whole(REQUEST, TEXT_NONE, &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_MORE);
    outcome_free(&o);
}
END_TEST

START_TEST(what_follows_the_head_is_left_alone)
{
    struct outcome o = parse_whole(REQUEST, TEXT(START "\r\n\0\n\r\x7f"), &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_DONE);
    ck_assert_uint_eq(o.head.length, sizeof START + 1);
    outcome_free(&o);
}
END_TEST

/* ---- copies ---- */

START_TEST(a_copy_stands_alone)
{
    struct outcome o = parse_good(REQUEST, TEXT("POST http://a/b?c HTTP/1.1\r\nHost: a\r\nX-Y: z\r\n\r\n"));
    size_t size = http_head_size(&o.head);
    ck_assert_uint_eq(size, offsetof(struct http_head, fields) + 2 * sizeof(struct http_field));
    char *block = malloc(size + o.head.length);
    struct http_head *copy = (struct http_head *)(void *)block;
    memcpy(block + size, o.head.base, o.head.length);
    http_head_copy(copy, &o.head, block + size);
    outcome_free(&o);
    ck_assert_ptr_eq(copy->base, block + size);
    check_text(copy->method_text, "POST");
    check_text(copy->target, "http://a/b?c");
    check_text(copy->path, "/b");
    check_text(copy->query, "c");
    ck_assert_ptr_null(copy->reason.p);
    check_text(http_value(copy, HTTP_HOST), "a");
    check_text(http_field_value(copy, http_find_named(copy, TEXT("x-y"))), "z");
    ck_assert_ptr_eq(http_field_name(copy, &copy->fields[0]).p, block + size + 28);
    free(block);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, known_names, 0, HTTP_NAME_COUNT);
    tcase_add_test(tests, fields_are_found);
    tcase_add_test(tests, a_head_that_is_used_again_forgets);
    tcase_add_test(tests, values_are_trimmed);
    tcase_add_loop_test(tests, every_byte_everywhere, 0, 256);
    tcase_add_loop_test(tests, hop_by_hop, 0, COUNT(hops));
    tcase_add_test(tests, limits_are_exact);
    tcase_add_test(tests, limits_hold_before_the_end);
    tcase_add_test(tests, never_more_fields_than_there_is_room_for);
    tcase_add_test(tests, a_name_fits_its_record);
    tcase_add_test(tests, the_search_goes_on_where_it_stopped);
    tcase_add_test(tests, what_follows_the_head_is_left_alone);
    tcase_add_test(tests, a_copy_stands_alone);
}

TEST_MAIN_ADDING("http_head", add_tests)
