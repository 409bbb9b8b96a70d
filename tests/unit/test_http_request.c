/* Requests: what is refused and why, what is accepted and what it means. */
#include "http_test.h"

#define GET  "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define END  "\r\n"

static const struct {
    const char *name;
    struct text bytes;
    enum http_error error;
} refused[] = {
    {"empty line", TEXT("\r\n"), HTTP_BAD_REQUEST_LINE},
    {"HTTP/0.9", TEXT("GET /\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"one word", TEXT("GET\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"no method", TEXT(" / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"no target", TEXT("GET HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"empty target", TEXT("GET  HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"two spaces after the method", TEXT("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"two spaces before the version", TEXT("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"space in the target", TEXT("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"space after the version", TEXT("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"space before the method", TEXT(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"tabs for spaces", TEXT("GET\t/\tHTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"method no token", TEXT("GE:T / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"method beyond ASCII", TEXT("G\xc3\x89T / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"lower-case version", TEXT("GET / http/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"another protocol", TEXT("GET / RTSP/1.0\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"short version", TEXT("GET / HTTP/1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"long version", TEXT("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"letters in the version", TEXT("GET / HTTP/x.1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"comma in the version", TEXT("GET / HTTP/1,1\r\nHost: a\r\n\r\n"), HTTP_BAD_REQUEST_LINE},
    {"HTTP/1.2", TEXT("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), HTTP_BAD_VERSION},
    {"HTTP/0.9 in words", TEXT("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), HTTP_BAD_VERSION},
    {"HTTP/2 preface", TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), HTTP_BAD_VERSION},

    {"relative target", TEXT("GET v1/models HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"asterisk for GET", TEXT("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"more than an asterisk", TEXT("OPTIONS *a HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"CONNECT", TEXT("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), HTTP_BAD_TARGET},
    {"CONNECT with a path", TEXT("CONNECT / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"fragment", TEXT("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"tab in the target", TEXT("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"target beyond ASCII", TEXT("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"another scheme", TEXT("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"scheme alone", TEXT("GET http: HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"scheme without slashes", TEXT("GET http:a HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"scheme with one slash", TEXT("GET https:/a HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"no authority", TEXT("GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"user in the authority", TEXT("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},
    {"bad port in the authority", TEXT("GET http://a:x/ HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_TARGET},

    {"no Host", TEXT("GET / HTTP/1.1\r\n\r\n"), HTTP_BAD_HOST},
    {"two Hosts", TEXT(GET "Host: a\r\n\r\n"), HTTP_BAD_HOST},
    {"two Hosts for 1.0", TEXT("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), HTTP_BAD_HOST},
    {"empty Host", TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"), HTTP_BAD_HOST},
    {"bad Host for 1.0", TEXT("GET / HTTP/1.0\r\nHost: a b\r\n\r\n"), HTTP_BAD_HOST},
    {"Host list", TEXT("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), HTTP_BAD_HOST},
    {"Host with a path", TEXT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), HTTP_BAD_HOST},
    {"Host with a user", TEXT("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), HTTP_BAD_HOST},
    {"Host beyond ASCII", TEXT("GET / HTTP/1.1\r\nHost: \xc3\xa9\r\n\r\n"), HTTP_BAD_HOST},
    {"port without host", TEXT("GET / HTTP/1.1\r\nHost: :80\r\n\r\n"), HTTP_BAD_HOST},
    {"port no number", TEXT("GET / HTTP/1.1\r\nHost: a:8o\r\n\r\n"), HTTP_BAD_HOST},
    {"port too large", TEXT("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), HTTP_BAD_HOST},
    {"port too long", TEXT("GET / HTTP/1.1\r\nHost: a:000080\r\n\r\n"), HTTP_BAD_HOST},
    {"two ports", TEXT("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n"), HTTP_BAD_HOST},
    {"IPv6 without brackets", TEXT("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n"), HTTP_BAD_HOST},
    {"bracket open", TEXT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), HTTP_BAD_HOST},
    {"brackets empty", TEXT("GET / HTTP/1.1\r\nHost: []\r\n\r\n"), HTTP_BAD_HOST},
    {"name in brackets", TEXT("GET / HTTP/1.1\r\nHost: [host]\r\n\r\n"), HTTP_BAD_HOST},
    {"more after the bracket", TEXT("GET / HTTP/1.1\r\nHost: [::1]80\r\n\r\n"), HTTP_BAD_HOST},

    {"field without colon", TEXT(GET "X\r\n\r\n"), HTTP_BAD_FIELD},
    {"field without name", TEXT(GET ": x\r\n\r\n"), HTTP_BAD_FIELD},
    {"space before the colon", TEXT(GET "X : y\r\n\r\n"), HTTP_BAD_FIELD},
    {"tab before the colon", TEXT(GET "X\t: y\r\n\r\n"), HTTP_BAD_FIELD},
    {"space in the name", TEXT(GET "X Y: z\r\n\r\n"), HTTP_BAD_FIELD},
    {"name no token", TEXT(GET "X(Y): z\r\n\r\n"), HTTP_BAD_FIELD},
    {"name beyond ASCII", TEXT(GET "X\xc3\xa9: z\r\n\r\n"), HTTP_BAD_FIELD},
    {"folded line", TEXT(GET "X: y\r\n z\r\n\r\n"), HTTP_BAD_FIELD},
    {"folded line with tab", TEXT(GET "X: y\r\n\tz\r\n\r\n"), HTTP_BAD_FIELD},
    {"first field folded", TEXT("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), HTTP_BAD_FIELD},
    {"first field folded, and it is the second that counts", TEXT("GET / HTTP/1.1\r\n x\r\nHost: a\r\n\r\n"),
     HTTP_BAD_FIELD},
    {"option no token", TEXT(GET "Connection: close x\r\n\r\n"), HTTP_BAD_FIELD},
    {"too many options",
     TEXT(GET "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n"
              "Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a\r\n\r\n"),
     HTTP_BAD_FIELD},

    {"LF ends the line", TEXT("GET / HTTP/1.1\nHost: a\r\n\r\n"), HTTP_BAD_LINE_END},
    {"LF ends a field", TEXT(GET "X: y\nZ: z\r\n\r\n"), HTTP_BAD_LINE_END},
    {"LF ends the head", TEXT(GET "X: y\r\n\n"), HTTP_BAD_LINE_END},
    {"LF LF ends the head", TEXT(GET "X: y\n\n"), HTTP_BAD_LINE_END},
    {"CR in a value", TEXT(GET "X: y\rz\r\n\r\n"), HTTP_BAD_LINE_END},
    {"CR CR LF", TEXT(GET "X: y\r\r\n\r\n"), HTTP_BAD_LINE_END},
    {"CR in the request line", TEXT("GET /\rHTTP/1.1\r\n\r\n"), HTTP_BAD_LINE_END},
    {"LF first", TEXT("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_LINE_END},
    {"NUL in a value", TEXT(GET "X: y\0z\r\n\r\n"), HTTP_BAD_BYTE},
    {"NUL in a name", TEXT(GET "X\0Y: z\r\n\r\n"), HTTP_BAD_BYTE},
    {"NUL in the target", TEXT("GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_BYTE},
    {"DEL in a value", TEXT(GET "X: \x7f\r\n\r\n"), HTTP_BAD_BYTE},
    {"DEL in the target", TEXT("GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_BAD_BYTE},
    {"escape in a value", TEXT(GET "X: \x1b[2J\r\n\r\n"), HTTP_BAD_BYTE},
    {"TLS", TEXT("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), HTTP_BAD_BYTE},

    {"Content-Length twice", TEXT(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"), HTTP_AMBIGUOUS_FRAMING},
    {"the same Content-Length twice", TEXT(POST "Content-Length: 5\r\ncontent-length: 5\r\n\r\n"),
     HTTP_AMBIGUOUS_FRAMING},
    {"both framings", TEXT(POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_AMBIGUOUS_FRAMING},
    {"both framings, the other way", TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"),
     HTTP_AMBIGUOUS_FRAMING},
    {"both framings, both broken", TEXT(POST "Transfer-Encoding: x\r\nContent-Length: x\r\n\r\n"),
     HTTP_AMBIGUOUS_FRAMING},
    {"chunked twice", TEXT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"),
     HTTP_AMBIGUOUS_FRAMING},
    {"chunked for 1.0", TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_AMBIGUOUS_FRAMING},
    {"empty length", TEXT(POST "Content-Length:\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length with plus", TEXT(POST "Content-Length: +5\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length with minus", TEXT(POST "Content-Length: -5\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length in hex", TEXT(POST "Content-Length: 0x5\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length with a fraction", TEXT(POST "Content-Length: 5.0\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length list", TEXT(POST "Content-Length: 5, 5\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length list without space", TEXT(POST "Content-Length: 5,5\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length with junk", TEXT(POST "Content-Length: 5 junk\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length of 20 digits", TEXT(POST "Content-Length: 00000000000000000005\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length beyond 64 bits", TEXT(POST "Content-Length: 18446744073709551621\r\n\r\n"), HTTP_BAD_LENGTH},
    {"length too large", TEXT(POST "Content-Length: 1048577\r\n\r\n"), HTTP_BODY_TOO_LARGE},
    {"length of 19 digits", TEXT(POST "Content-Length: 9999999999999999999\r\n\r\n"), HTTP_BODY_TOO_LARGE},
    {"empty coding", TEXT(POST "Transfer-Encoding:\r\n\r\n"), HTTP_BAD_CODING},
    {"gzip coding", TEXT(POST "Transfer-Encoding: gzip\r\n\r\n"), HTTP_BAD_CODING},
    {"gzip, chunked", TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), HTTP_BAD_CODING},
    {"chunked, chunked", TEXT(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), HTTP_BAD_CODING},
    {"chunked, identity", TEXT(POST "Transfer-Encoding: chunked, identity\r\n\r\n"), HTTP_BAD_CODING},
    {"identity", TEXT(POST "Transfer-Encoding: identity\r\n\r\n"), HTTP_BAD_CODING},
    {"nearly chunked", TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n"), HTTP_BAD_CODING},
    {"chunked with comma", TEXT(POST "Transfer-Encoding: chunked,\r\n\r\n"), HTTP_BAD_CODING},
    {"chunked with parameter", TEXT(POST "Transfer-Encoding: chunked;q=1\r\n\r\n"), HTTP_BAD_CODING},
    {"chunked in quotes", TEXT(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), HTTP_BAD_CODING},
    {"another expectation", TEXT(POST "Expect: 200-ok\r\n\r\n"), HTTP_BAD_EXPECT},
    {"two expectations", TEXT(POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n"), HTTP_BAD_EXPECT},
    {"list of expectations", TEXT(POST "Expect: 100-continue, x\r\n\r\n"), HTTP_BAD_EXPECT},
    {"empty expectation", TEXT(POST "Expect:\r\n\r\n"), HTTP_BAD_EXPECT},
};

START_TEST(malformed_requests)
{
    check_refused(REQUEST, refused[_i].name, refused[_i].bytes, &roomy, refused[_i].error);
}
END_TEST

/* ---- request lines ---- */

static const struct {
    struct text bytes;
    enum http_method method;
    const char *method_text, *target, *path, *query;
} lines[] = {
    {TEXT(GET END), HTTP_GET, "GET", "/", "/", ""},
    {TEXT("HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_HEAD, "HEAD", "/a", "/a", ""},
    {TEXT("POST /a?b=c HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_POST, "POST", "/a?b=c", "/a", "b=c"},
    {TEXT("PUT /a? HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_PUT, "PUT", "/a?", "/a", ""},
    {TEXT("PATCH /?a?b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_PATCH, "PATCH", "/?a?b", "/", "a?b"},
    {TEXT("DELETE //a/../b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_DELETE, "DELETE", "//a/../b", "//a/../b", ""},
    {TEXT("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_OPTIONS, "OPTIONS", "*", "", ""},
    {TEXT("OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_OPTIONS, "OPTIONS", "/a", "/a", ""},
    {TEXT("get / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_METHOD_OTHER, "get", "/", "/", ""},
    {TEXT("OTHER / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_METHOD_OTHER, "OTHER", "/", "/", ""},
    {TEXT("M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_METHOD_OTHER, "M-SEARCH!#$%&'*+.^_`|~", "/",
     "/", ""},
    {TEXT("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, "GET", "http://b", "/", ""},
    {TEXT("GET http://b?c HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, "GET", "http://b?c", "/", "c"},
    {TEXT("GET http://b/?c HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, "GET", "http://b/?c", "/", "c"},
    {TEXT("GET HTTPS://[::1]:80/c/d?e HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_GET, "GET", "HTTPS://[::1]:80/c/d?e", "/c/d",
     "e"},
    {TEXT("GET /http://a\"<>\\^`{|}% HTTP/1.0\r\n\r\n"), HTTP_GET, "GET", "/http://a\"<>\\^`{|}%",
     "/http://a\"<>\\^`{|}%", ""},
};

START_TEST(request_lines)
{
    struct outcome o = parse_good(REQUEST, lines[_i].bytes);
    ck_assert_int_eq(o.head.method, lines[_i].method);
    check_text(o.head.method_text, lines[_i].method_text);
    check_text(o.head.target, lines[_i].target);
    check_text(o.head.path, lines[_i].path);
    check_text(o.head.query, lines[_i].query);
    ck_assert_uint_eq(o.head.length, lines[_i].bytes.n);
    outcome_free(&o);
}
END_TEST

START_TEST(hosts)
{
    static const char *const good[] = {
        "a",     "localhost:8585", "127.0.0.1:1",        "api.example.com:",     "a:65535",
        "[::1]", "[::1]:8585",     "[FE80::ab:1.2.3.4]", "under_score-dash.a~b", "A.B"};
    for (int i = 0; i < COUNT(good); i++) {
        struct buf b = {0};
        buf_printf(&b, "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", good[i]);
        struct outcome o = parse_good(REQUEST, buf_text(&b));
        check_text(http_value(&o.head, HTTP_HOST), good[i]);
        outcome_free(&o);
        buf_free(&b);
    }
}
END_TEST

/* ---- what the fields mean ---- */

static const struct {
    struct text bytes;
    enum http_framing framing;
    uint64_t length;
    int minor;
    bool keep_alive, expect;
} meanings[] = {
    {TEXT(GET END), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(POST END), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT("GET / HTTP/1.0\r\n\r\n"), HTTP_NO_BODY, 0, 0, false, false},
    {TEXT("GET / HTTP/1.0\r\nHost: a\r\nConnection: Keep-Alive\r\n\r\n"), HTTP_NO_BODY, 0, 0, true, false},
    {TEXT("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"), HTTP_NO_BODY, 0, 0, false, false},
    {TEXT("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n"), HTTP_LENGTH, 3, 0, false, false},
    {TEXT(GET "Connection: CLOSE\r\n\r\n"), HTTP_NO_BODY, 0, 1, false, false},
    {TEXT(GET "Connection: keep-alive\r\nConnection: , x,\t close ,\r\n\r\n"), HTTP_NO_BODY, 0, 1, false, false},
    {TEXT(GET "Connection: keep-alive\r\n\r\n"), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(GET "Connection: closed\r\n\r\n"), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(GET "Connection:\r\n\r\n"), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(GET "Proxy-Connection: close\r\n\r\n"), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(GET "Connection: upgrade\r\n\r\n"), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(GET "Upgrade: h2c\r\n\r\n"), HTTP_NO_BODY, 0, 1, true, false},
    {TEXT(POST "Content-Length: 0\r\n\r\n"), HTTP_LENGTH, 0, 1, true, false},
    {TEXT(POST "content-LENGTH:\t 1048576 \t\r\n\r\n"), HTTP_LENGTH, 1048576, 1, true, false},
    {TEXT(POST "Content-Length: 0000000000000000012\r\n\r\n"), HTTP_LENGTH, 12, 1, true, false},
    {TEXT(GET "Content-Length: 7\r\n\r\n"), HTTP_LENGTH, 7, 1, true, false},
    {TEXT(POST "Transfer-Encoding: chunked\r\n\r\n"), HTTP_CHUNKED, 0, 1, true, false},
    {TEXT(POST "transfer-encoding:  Chunked\t\r\n\r\n"), HTTP_CHUNKED, 0, 1, true, false},
    {TEXT(POST "Content-Length: 1\r\nExpect: 100-Continue\r\n\r\n"), HTTP_LENGTH, 1, 1, true, true},
    {TEXT("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"), HTTP_LENGTH, 1, 0, false, false},
};

START_TEST(what_fields_mean)
{
    struct outcome o = parse_good(REQUEST, meanings[_i].bytes);
    ck_assert_int_eq(o.head.framing, meanings[_i].framing);
    ck_assert_uint_eq(o.head.content_length, meanings[_i].length);
    ck_assert_int_eq(o.head.minor, meanings[_i].minor);
    ck_assert_int_eq(o.head.keep_alive, meanings[_i].keep_alive);
    ck_assert_int_eq(o.head.expect_continue, meanings[_i].expect);
    outcome_free(&o);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, malformed_requests, 0, COUNT(refused));
    tcase_add_loop_test(tests, request_lines, 0, COUNT(lines));
    tcase_add_test(tests, hosts);
    tcase_add_loop_test(tests, what_fields_mean, 0, COUNT(meanings));
}

TEST_MAIN_ADDING("http_request", add_tests)
