/* Answers: upstreams are not trusted more than clients. */
#include "http_test.h"

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
    const char *name;
    struct text bytes;
    enum http_error error;
} refused[] = {
    {"empty line", TEXT("\r\n"), HTTP_BAD_STATUS_LINE},
    {"text", TEXT("upstream error\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"a page without head", TEXT("<html>\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"a request", TEXT("GET / HTTP/1.1\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"ICY", TEXT("ICY 200 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"lower-case version", TEXT("http/1.1 200 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"no status", TEXT("HTTP/1.1\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"no status but a space", TEXT("HTTP/1.1 \r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"short status", TEXT("HTTP/1.1 20\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"short status and reason", TEXT("HTTP/1.1 20 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"long status", TEXT("HTTP/1.1 1234 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"long status without reason", TEXT("HTTP/1.1 2000\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"status 000", TEXT("HTTP/1.1 000 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"status 099", TEXT("HTTP/1.1 099 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"status 600", TEXT("HTTP/1.1 600 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"status 999", TEXT("HTTP/1.1 999 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"signed status", TEXT("HTTP/1.1 +20 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"hexadecimal status", TEXT("HTTP/1.1 2a0 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"two spaces", TEXT("HTTP/1.1  200 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"tab before the status", TEXT("HTTP/1.1\t200 OK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"tab after the status", TEXT("HTTP/1.1 200\tOK\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"short version", TEXT("HTTP/2 200\r\n\r\n"), HTTP_BAD_STATUS_LINE},
    {"HTTP/2.0", TEXT("HTTP/2.0 200 OK\r\n\r\n"), HTTP_BAD_VERSION},
    {"HTTP/1.2", TEXT("HTTP/1.2 200 OK\r\n\r\n"), HTTP_BAD_VERSION},
    {"NUL in the reason", TEXT("HTTP/1.1 200 O\0K\r\n\r\n"), HTTP_BAD_BYTE},
    {"NUL in a value", TEXT(OK "X: \0\r\n\r\n"), HTTP_BAD_BYTE},
    {"an HTTP/2 frame", TEXT("\0\0\x12\x04\0\0\0\0\0"), HTTP_BAD_BYTE},
    {"CR in the reason", TEXT("HTTP/1.1 200 O\rK\r\n\r\n"), HTTP_BAD_LINE_END},
    {"LF ends", TEXT("HTTP/1.1 200 OK\nX: y\n\n"), HTTP_BAD_LINE_END},
    {"folded line", TEXT(OK "X: y\r\n z\r\n\r\n"), HTTP_BAD_FIELD},
    {"space before the colon", TEXT(OK "Content-Length : 5\r\n\r\n"), HTTP_BAD_FIELD},
    {"field without colon", TEXT(OK "X\r\n\r\n"), HTTP_BAD_FIELD},
    {"both framings", TEXT(OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_AMBIGUOUS_FRAMING},
    {"two lengths", TEXT(OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"), HTTP_AMBIGUOUS_FRAMING},
    {"chunked in 1.0", TEXT("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), HTTP_AMBIGUOUS_FRAMING},
    {"interim with length", TEXT("HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n"), HTTP_AMBIGUOUS_FRAMING},
    {"interim with chunks", TEXT("HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n"),
     HTTP_AMBIGUOUS_FRAMING},
    {"bad length", TEXT(OK "Content-Length: 5x\r\n\r\n"), HTTP_BAD_LENGTH},
    {"bad length where there is no body", TEXT("HTTP/1.1 304 X\r\nContent-Length: 5, 5\r\n\r\n"), HTTP_BAD_LENGTH},
    {"unknown coding", TEXT(OK "Transfer-Encoding: gzip, chunked\r\n\r\n"), HTTP_BAD_CODING},
    {"length too large", TEXT(OK "Content-Length: 1048577\r\n\r\n"), HTTP_BODY_TOO_LARGE},
    {"bad option", TEXT(OK "Connection: a b\r\n\r\n"), HTTP_BAD_FIELD},
};

START_TEST(malformed_answers) { check_refused(ANSWER, refused[_i].name, refused[_i].bytes, &roomy, refused[_i].error); }
END_TEST

static const struct {
    enum side side;
    struct text bytes;
    unsigned status;
    const char *reason;
    enum http_framing framing;
    uint64_t length;
    bool keep_alive;
} accepted[] = {
    {ANSWER, TEXT(OK "Content-Length: 5\r\n\r\n"), 200, "OK", HTTP_LENGTH, 5, true},
    {ANSWER, TEXT(OK "Content-Length: 1048576\r\n\r\n"), 200, "OK", HTTP_LENGTH, 1048576, true},
    {ANSWER, TEXT(OK "Content-Length: 0\r\n\r\n"), 200, "OK", HTTP_LENGTH, 0, true},
    {ANSWER, TEXT(OK "Transfer-Encoding: CHUNKED\r\n\r\n"), 200, "OK", HTTP_CHUNKED, 0, true},
    {ANSWER, TEXT(OK "\r\n"), 200, "OK", HTTP_UNTIL_CLOSE, 0, false},
    {ANSWER, TEXT(OK "Connection: keep-alive\r\n\r\n"), 200, "OK", HTTP_UNTIL_CLOSE, 0, false},
    {ANSWER, TEXT(OK "Connection: close\r\nContent-Length: 5\r\n\r\n"), 200, "OK", HTTP_LENGTH, 5, false},
    {ANSWER, TEXT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n"), 200, "OK", HTTP_LENGTH, 5, false},
    {ANSWER, TEXT("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n"), 200, "OK", HTTP_LENGTH, 5,
     true},
    {ANSWER, TEXT("HTTP/1.1 429 \r\nContent-Length: 5\r\n\r\n"), 429, "", HTTP_LENGTH, 5, true},
    {ANSWER, TEXT("HTTP/1.1 429\r\nContent-Length: 5\r\n\r\n"), 429, "", HTTP_LENGTH, 5, true},
    {ANSWER, TEXT("HTTP/1.1 599  a\tb \xc3\xa9 \r\nContent-Length: 5\r\n\r\n"), 599, " a\tb \xc3\xa9 ", HTTP_LENGTH, 5,
     true},
    {ANSWER, TEXT("HTTP/1.1 100 Continue\r\n\r\n"), 100, "Continue", HTTP_NO_BODY, 0, true},
    {ANSWER, TEXT("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), 103, "Early Hints", HTTP_NO_BODY, 0, true},
    {ANSWER, TEXT("HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n"), 100, "Continue", HTTP_NO_BODY, 0, true},
    {ANSWER, TEXT("HTTP/1.1 101 Switching Protocols\r\n\r\n"), 101, "Switching Protocols", HTTP_NO_BODY, 0, true},
    {ANSWER, TEXT("HTTP/1.1 204 No Content\r\n\r\n"), 204, "No Content", HTTP_NO_BODY, 0, true},
    {ANSWER, TEXT("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"), 204, "No Content", HTTP_NO_BODY, 0, true},
    {ANSWER, TEXT("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"), 204, "No Content", HTTP_NO_BODY, 0, false},
    {ANSWER, TEXT("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"), 204, "No Content", HTTP_NO_BODY, 0,
     false},
    {ANSWER, TEXT("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"), 205, "Reset Content", HTTP_LENGTH, 0,
     true},
    {ANSWER, TEXT("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"), 304, "Not Modified", HTTP_NO_BODY, 0,
     true},
    {ANSWER_TO_HEAD, TEXT(OK "Content-Length: 5\r\n\r\n"), 200, "OK", HTTP_NO_BODY, 5, true},
    {ANSWER_TO_HEAD, TEXT(OK "Content-Length: 9999999999999999999\r\n\r\n"), 200, "OK", HTTP_NO_BODY,
     9999999999999999999u, true},
    {ANSWER_TO_HEAD, TEXT(OK "Transfer-Encoding: chunked\r\n\r\n"), 200, "OK", HTTP_NO_BODY, 0, true},
    {ANSWER_TO_HEAD, TEXT(OK "\r\n"), 200, "OK", HTTP_NO_BODY, 0, true},
    {ANSWER_TO_HEAD, TEXT("HTTP/1.1 100 Continue\r\n\r\n"), 100, "Continue", HTTP_NO_BODY, 0, true},
    {ANSWER, TEXT(OK "Host: a\r\nHost: b\r\nExpect: x\r\nContent-Length: 5\r\n\r\n"), 200, "OK", HTTP_LENGTH, 5, true},
};

START_TEST(what_answers_mean)
{
    struct outcome o = parse_good(accepted[_i].side, accepted[_i].bytes);
    ck_assert_uint_eq(o.head.status, accepted[_i].status);
    check_text(o.head.reason, accepted[_i].reason);
    ck_assert_int_eq(o.head.framing, accepted[_i].framing);
    ck_assert_uint_eq(o.head.content_length, accepted[_i].length);
    ck_assert_int_eq(o.head.keep_alive, accepted[_i].keep_alive);
    ck_assert_uint_eq(o.head.length, accepted[_i].bytes.n);
    ck_assert(!o.head.expect_continue);
    outcome_free(&o);
}
END_TEST

START_TEST(answers_are_bounded)
{
    struct http_limits limits = {.line = 30, .head = 60, .fields = 3, .body = 9};
    check_refused(ANSWER, "a huge reason", TEXT("HTTP/1.1 200 0123456789abcdefghijklmnopq"), &limits,
                  HTTP_LINE_TOO_LONG);
    check_refused(ANSWER, "a huge head", TEXT(OK "X: 0123456789abcdefghijklmnopqrstuvwxyz0123456789abcdef"), &limits,
                  HTTP_HEAD_TOO_LARGE);
    check_refused(ANSWER, "many fields", TEXT(OK "A: b\r\nA: b\r\nA: b\r\nA: b\r\n\r\n"), &limits,
                  HTTP_TOO_MANY_FIELDS);
    check_refused(ANSWER, "a large body", TEXT(OK "Content-Length: 10\r\n\r\n"), &limits, HTTP_BODY_TOO_LARGE);
}
END_TEST

START_TEST(interim_answers_come_one_at_a_time)
{
    struct text first = TEXT("HTTP/1.1 100 Continue\r\n\r\n"), both = TEXT("HTTP/1.1 100 Continue\r\n\r\n" OK "\r\n");
    struct outcome o = parse_whole(ANSWER, both, &roomy);
    ck_assert_int_eq(o.parse, HTTP_PARSE_DONE);
    ck_assert_uint_eq(o.head.status, 100);
    ck_assert_uint_eq(o.head.length, first.n);
    outcome_free(&o);
}
END_TEST

START_TEST(a_copy_keeps_the_reason)
{
    struct outcome o = parse_good(ANSWER, TEXT(OK "Connection: x-y\r\nX-Y: z\r\nContent-Length: 5\r\n\r\n"));
    static char bytes[100];
    static struct http_head copy;
    memcpy(bytes, o.head.base, o.head.length);
    http_head_copy(&copy, &o.head, bytes);
    outcome_free(&o);
    ck_assert_ptr_eq(copy.reason.p, bytes + 13);
    check_text(copy.reason, "OK");
    ck_assert_ptr_null(copy.path.p);
    ck_assert(copy.fields[0].hop && copy.fields[1].hop && !copy.fields[2].hop);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, malformed_answers, 0, COUNT(refused));
    tcase_add_loop_test(tests, what_answers_mean, 0, COUNT(accepted));
    tcase_add_test(tests, answers_are_bounded);
    tcase_add_test(tests, interim_answers_come_one_at_a_time);
    tcase_add_test(tests, a_copy_keeps_the_reason);
}

TEST_MAIN_ADDING("http_answer", add_tests)
