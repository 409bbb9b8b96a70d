/* Upstreams that lie about where their answers end, or never end them: each is bounded, told by its cause, and leaves
 * no connection behind on which the next answer could be mistaken. Here the client alone meets the fake network. */
#include "../suite.h"
#include "dsgate/net/client.h"
#include "fake/fake.h"

#define OK         "HTTP/1.1 200 OK\r\n"
#define CHUNKED    OK "Transfer-Encoding: chunked\r\n\r\n"
#define CONTINUE   "HTTP/1.1 100 Continue\r\n\r\n"
#define REQUEST    "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
#define FIRST_BYTE (60 * USEC_PER_SEC)
#define IDLE       (30 * USEC_PER_SEC)
enum { HEAD_MAX = 4096 };

static struct fake_upstream a;
static struct client *client;
static struct origin *origin;

/* What became of the last call. */
static struct {
    struct client_call *call; /* NULL once it has ended */
    unsigned status;
    struct buf body;
    bool done, failed;
    struct client_failure why;
} heard;

static void on_head(struct client_call *call, const struct http_head *head)
{
    (void)call;
    heard.status = head->status;
}

static void on_data(struct client_call *call, struct text bytes, bool end)
{
    (void)call;
    buf_add(&heard.body, bytes);
    heard.done = end;
    if (end) heard.call = NULL;
}

static void on_failed(struct client_call *call, const struct client_failure *why)
{
    (void)call;
    heard.failed = true;
    heard.why = *why;
    heard.call = NULL;
}

static const struct client_ops ops = {on_head, on_data, on_failed};

static void set_up(void)
{
    struct client_options options = {
        .idle_keep = 60 * USEC_PER_SEC,
        .idle_per_origin = 4,
        .limits = {.line = HEAD_MAX - 1, .head = HEAD_MAX, .fields = HTTP_FIELDS_MAX, .body = UINT64_MAX}};
    fake_begin();
    a = (struct fake_upstream){.host = "a.test", .port = 80};
    fake_upstream_add(&a);
    origin = origin_new("a.test", 80, NULL, NULL, NULL);
    client = client_new(fake_loop(), NULL, &options);
}

static void tear_down(void)
{
    if (heard.call) client_cancel(heard.call);
    heard.call = NULL;
    buf_free(&heard.body);
    client_free(client);
    origin_unref(origin);
    fake_end();
}

/* Sends a request and returns the connection that it went over. */
static struct wire *ask(void)
{
    struct iovec iov = {.iov_base = (char *)(uintptr_t)REQUEST, .iov_len = strlen(REQUEST)};
    struct client_request request = {
        .origin = origin, .iov = &iov, .iov_count = 1, .timeouts = {5 * USEC_PER_SEC, FIRST_BYTE, IDLE, USEC_NEVER}};
    heard.status = 0;
    heard.done = heard.failed = false;
    buf_clear(&heard.body);
    heard.call = client_start(client, &request, &ops, NULL);
    fake_settle();
    ck_assert_uint_gt(a.wire_count, 0);
    return a.wires[a.wire_count - 1];
}

static void answer(struct wire *w, const char *bytes)
{
    wire_send(w, text_of(bytes));
    fake_settle();
}

#define ck_failed(expected_error, expected_detail) \
    do { \
        ck_assert(heard.failed && !heard.call); \
        ck_assert_str_eq(net_error_name(heard.why.error), net_error_name(expected_error)); \
        ck_assert_str_eq(heard.why.detail, expected_detail); \
    } while (0)

static void check_body(const char *expected) { ck_assert(text_is(buf_text(&heard.body), expected)); }

/* ---- answers that break off ---- */

#define CUT    "the connection broke in the middle of the answer"
#define SILENT "silence in the middle of the answer"

static const struct {
    const char *bytes, *body, *place;
} unfinished[] = {
    {OK "Content-Length: 10\r\n\r\nhello", "hello", " (after 5 of 10 bytes)"},
    {OK "Content-Length: 9999999999999999999\r\n\r\n", "", " (after 0 of 9999999999999999999 bytes)"},
    {CHUNKED, "", " (after 0 bytes of a chunked body)"},
    {CHUNKED "a\r\nhello", "hello", " (after 5 bytes of a chunked body)"},
    {CHUNKED "ffffffffffffffff\r\nhello", "hello", " (after 5 bytes of a chunked body)"},
    {CHUNKED "5\r\nhello\r\n", "hello", " (after 5 bytes of a chunked body)"},
    {CHUNKED "5\r\nhello\r\n0\r\nX: y\r\n", "hello", " (after 5 bytes of a chunked body)"},
};

static void check_unfinished(int i, enum net_error error, const char *sentence)
{
    char *detail = mem_printf("%s%s", sentence, unfinished[i].place);
    ck_failed(error, detail);
    ck_assert_uint_eq(heard.status, 200);
    check_body(unfinished[i].body);
    mem_free(detail);
}

START_TEST(fewer_bytes_than_announced_and_an_end)
{
    struct wire *w = ask();
    answer(w, unfinished[_i].bytes);
    ck_assert(!heard.failed);
    wire_close(w);
    fake_settle();
    check_unfinished(_i, NET_CUT, CUT);
}
END_TEST

START_TEST(fewer_bytes_than_announced_and_silence)
{
    struct wire *w = ask();
    answer(w, unfinished[_i].bytes);
    fake_run(IDLE - 1);
    ck_assert(!heard.failed);
    fake_run(1);
    check_unfinished(_i, NET_IDLE_TIMEOUT, SILENT);
    ck_assert(wire_program_closed(w));
}
END_TEST

/* A body that ends with the connection is whole only when that ends cleanly. */
START_TEST(a_reset_is_no_end)
{
    struct wire *w = ask();
    answer(w, OK "\r\nhello");
    wire_reset(w);
    fake_settle();
    ck_failed(NET_CUT, CUT " (after 5 bytes of a body without length)");
}
END_TEST

START_TEST(half_a_head)
{
    struct wire *w = ask();
    answer(w, OK "X: y");
    wire_close(w);
    fake_settle();
    ck_failed(NET_CUT, CUT " (after 21 bytes of a head)");
}
END_TEST

/* ---- answers that are wrong ---- */

#define BAD_CHUNK "the chunked body is malformed or has too long extensions"

static const struct {
    const char *bytes, *body, *detail;
} malformed[] = {
    {CHUNKED "2\r\nhello\r\n", "", BAD_CHUNK " (after 2 bytes of a chunked body)"},
    {CHUNKED "5\r\nhello\r\n5    \r\n", "", BAD_CHUNK " (after 5 bytes of a chunked body)"},
    {CHUNKED "\r\n\r\n\r\n", "", BAD_CHUNK " (after 0 bytes of a chunked body)"},
    {CHUNKED "5\r\nhello\r\nffffffffffffffff\r\n", "",
     "the body is larger than allowed (after 5 bytes of a chunked body)"},
    {OK "Content-Length: 18446744073709551616\r\n\r\n", "", "Content-Length is not one plain number"},
    {OK "Content-Length: -5\r\n\r\n", "", "Content-Length is not one plain number"},
    {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "", "an answer 101, though no upgrade was asked for"},
};

START_TEST(malformed_answers)
{
    struct wire *w = ask();
    answer(w, malformed[_i].bytes);
    ck_failed(NET_BAD_ANSWER, malformed[_i].detail);
    check_body(malformed[_i].body);
    ck_assert(wire_program_closed(w));
}
END_TEST

/* ---- answers without end ---- */

/* Sends that again and again; the program must have enough of it before `most` bytes are read. */
static void flood(struct wire *w, const char *bytes, size_t most)
{
    for (size_t sent = 0; !heard.failed; sent += strlen(bytes)) {
        ck_assert_uint_le(sent, most);
        answer(w, bytes);
    }
    ck_assert(wire_program_closed(w));
}

START_TEST(headers_without_end)
{
    struct wire *w = ask();
    answer(w, OK);
    flood(w, "X-Filler: 0123456789abcdef0123456789abcdef0123456789abcdef\r\n", HEAD_MAX);
    ck_failed(NET_BAD_ANSWER, "the headers or trailers are larger than allowed");
}
END_TEST

START_TEST(a_header_without_end)
{
    struct wire *w = ask();
    answer(w, OK "X: ");
    flood(w, "                ", HEAD_MAX);
    ck_failed(NET_BAD_ANSWER, "the headers or trailers are larger than allowed");
}
END_TEST

START_TEST(more_headers_than_anybody_needs)
{
    struct buf bytes = {0};
    struct wire *w = ask();
    BUF_ADD(&bytes, OK);
    for (int i = 0; i <= HTTP_FIELDS_MAX; i++)
        BUF_ADD(&bytes, "X: y\r\n");
    BUF_ADD(&bytes, "\r\n");
    wire_send(w, buf_text(&bytes));
    buf_free(&bytes);
    fake_settle();
    ck_failed(NET_BAD_ANSWER, "there are more header lines than allowed");
}
END_TEST

START_TEST(a_status_line_without_end)
{
    struct wire *w = ask();
    answer(w, "HTTP/1.1 200 ");
    flood(w, "very ", HEAD_MAX);
    ck_failed(NET_BAD_ANSWER, "the first line is longer than allowed");
}
END_TEST

START_TEST(trailers_without_end)
{
    struct wire *w = ask();
    answer(w, CHUNKED "5\r\nhello\r\n0\r\n");
    flood(w, "X-Filler: 0123456789abcdef\r\n", 8192);
    ck_failed(NET_BAD_ANSWER, "the headers or trailers are larger than allowed (after 5 bytes of a chunked body)");
}
END_TEST

START_TEST(a_size_without_end)
{
    struct wire *w = ask();
    answer(w, CHUNKED "5\r\nhello\r\n5;");
    flood(w, "    ", 256);
    ck_failed(NET_BAD_ANSWER, BAD_CHUNK " (after 5 bytes of a chunked body)");
}
END_TEST

/* Line by line they are short enough. */
START_TEST(extensions_without_end)
{
    struct wire *w = ask();
    answer(w, CHUNKED);
    flood(w, "1;                                                                                 \r\na\r\n", 20000);
    ck_assert_int_eq(heard.why.error, NET_BAD_ANSWER);
    ck_assert_ptr_nonnull(strstr(heard.why.detail, "too long extensions"));
}
END_TEST

START_TEST(interim_answers_without_end)
{
    struct buf bytes = {0};
    struct wire *w = ask();
    for (int i = 0; i < 5000; i++)
        BUF_ADD(&bytes, CONTINUE);
    wire_send_pieces(w, buf_text(&bytes), 7);
    buf_free(&bytes);
    fake_settle();
    ck_failed(NET_BAD_ANSWER, "too many interim answers");
    ck_assert(wire_program_closed(w));
}
END_TEST

START_TEST(some_interim_answers_are_fine)
{
    struct wire *w = ask();
    for (int i = 0; i < 8; i++)
        answer(w, CONTINUE);
    answer(w, OK "Content-Length: 5\r\n\r\nhello");
    ck_assert(heard.done);
    check_body("hello");
}
END_TEST

/* ---- … that keep a timer busy: nothing but the answer moves it ---- */

/* Sends that every second; when did the call fail? */
static usec_t drip(struct wire *w, const char *bytes)
{
    usec_t began = fake_now();
    while (!heard.failed) {
        ck_assert_int_lt(fake_now(), began + 2 * FIRST_BYTE);
        answer(w, bytes);
        fake_run(USEC_PER_SEC);
    }
    ck_assert(wire_program_closed(w));
    return fake_now() - began;
}

#define LATE "no whole head within the first-byte time"

START_TEST(a_dripping_head)
{
    struct wire *w = ask();
    answer(w, OK "X: ");
    ck_assert_int_eq(drip(w, "y"), FIRST_BYTE);
    ck_failed(NET_FIRST_BYTE_TIMEOUT, LATE " (after 80 bytes of a head)");
}
END_TEST

START_TEST(dripping_interim_answers)
{
    struct wire *w = ask();
    for (int i = 0; i < 6; i++) {
        answer(w, CONTINUE);
        fake_run(FIRST_BYTE / 6 - 1);
    }
    ck_assert(!heard.failed);
    fake_run(6);
    ck_failed(NET_FIRST_BYTE_TIMEOUT, LATE " (after 6 interim answer(s) and 0 bytes of a head)");
}
END_TEST

START_TEST(nothing_at_all)
{
    ask();
    fake_run(FIRST_BYTE);
    ck_failed(NET_FIRST_BYTE_TIMEOUT, "no byte of the answer within the first-byte time");
}
END_TEST

START_TEST(dripping_trailers)
{
    struct wire *w = ask();
    answer(w, CHUNKED "5\r\nhello\r\n0\r\nX: ");
    ck_assert_int_eq(drip(w, "y"), IDLE);
    ck_failed(NET_IDLE_TIMEOUT, SILENT " (after 5 bytes of a chunked body)");
}
END_TEST

START_TEST(a_dripping_size)
{
    struct wire *w = ask();
    answer(w, CHUNKED "5\r\nhello\r\n5;");
    ck_assert_int_eq(drip(w, " "), IDLE);
    ck_failed(NET_IDLE_TIMEOUT, SILENT " (after 5 bytes of a chunked body)");
}
END_TEST

/* The payload itself is no lie, whatever it is: who reads it judges that. */
START_TEST(dripping_payload_is_an_answer)
{
    struct wire *w = ask();
    answer(w, CHUNKED);
    for (int i = 0; i < 100; i++) {
        answer(w, "1\r\n\n\r\n");
        fake_run(IDLE - 1);
    }
    ck_assert(!heard.failed);
    ck_assert_uint_eq(buf_len(&heard.body), 100);
}
END_TEST

/* It takes nothing of the request, and says nothing. */
START_TEST(a_request_that_is_not_taken)
{
    a.window = 10;
    struct wire *w = ask();
    fake_run(IDLE);
    ck_failed(NET_IDLE_TIMEOUT, "no byte of the request was taken within the idle time");
    ck_assert(wire_program_closed(w));
}
END_TEST

/* ---- kept connections ---- */

/* The next request goes over another connection. */
static void check_not_reused(const struct wire *w)
{
    ck_assert(heard.done);
    ck_assert(wire_program_closed(w));
    ck_assert_ptr_ne(ask(), w);
    ck_assert_uint_eq(a.dials, 2);
    answer(a.wires[1], OK "Content-Length: 3\r\n\r\nown");
    check_body("own");
}

static const struct {
    const char *answer, *surplus;
} surpluses[] = {
    {OK "Content-Length: 5\r\n\r\nhello", "!"},
    {OK "Content-Length: 5\r\n\r\nhello", "\r\n"},
    {OK "Content-Length: 5\r\n\r\nhello", OK "Content-Length: 6\r\n\r\nforged"},
    {OK "Content-Length: 0\r\n\r\n", "hello"},
    {CHUNKED "5\r\nhello\r\n0\r\n\r\n", "\r\n"},
    {"HTTP/1.1 204 No Content\r\n\r\n", "hello"},
    {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "hello"},
};

START_TEST(surplus_in_one_go)
{
    struct wire *w = ask();
    char *bytes = mem_printf("%s%s", surpluses[_i].answer, surpluses[_i].surplus);
    answer(w, bytes);
    mem_free(bytes);
    check_not_reused(w);
}
END_TEST

START_TEST(surplus_later)
{
    struct wire *w = ask();
    answer(w, surpluses[_i].answer);
    ck_assert_uint_eq(client_counts(client).idle, 1);
    answer(w, surpluses[_i].surplus);
    check_not_reused(w);
}
END_TEST

/* An answer to a request that has not gone out whole. */
START_TEST(an_answer_before_its_time)
{
    a.window = 10;
    struct wire *w = ask();
    a.window = 0;
    answer(w, OK "Content-Length: 5\r\n\r\nhello");
    check_body("hello");
    check_not_reused(w);
}
END_TEST

START_TEST(a_proper_answer_leaves_a_connection)
{
    struct wire *w = ask();
    answer(w, OK "Content-Length: 5\r\n\r\nhello");
    ck_assert(heard.done);
    ck_assert_ptr_eq(ask(), w);
    ck_assert_uint_eq(a.dials, 1);
}
END_TEST

/* Only a kept connection that says nothing at all can have been closed before it saw the request. */
static const struct {
    const char *bytes;
    enum net_error error;
    bool reused;
    const char *detail;
} last_words[] = {
    {"", NET_RESET, true, "the connection broke before the first byte of the answer"},
    {"HTTP/1.1 2", NET_CUT, false, CUT " (after 10 bytes of a head)"},
    {CONTINUE, NET_CUT, false, CUT " (after 1 interim answer(s) and 0 bytes of a head)"},
    {CONTINUE "H", NET_CUT, false, CUT " (after 1 interim answer(s) and 1 bytes of a head)"},
};

START_TEST(a_kept_connection_breaks)
{
    for (int reset = 0; reset < 2; reset++) {
        struct wire *w = ask();
        answer(w, OK "Content-Length: 0\r\n\r\n");
        ck_assert_ptr_eq(ask(), w);
        answer(w, last_words[_i].bytes);
        (reset ? wire_reset : wire_close)(w);
        fake_settle();
        ck_failed(last_words[_i].error, last_words[_i].detail);
        ck_assert_int_eq(heard.why.reused, last_words[_i].reused);
        ck_assert(heard.why.sent);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, fewer_bytes_than_announced_and_an_end, 0, COUNT(unfinished));
    tcase_add_loop_test(tests, fewer_bytes_than_announced_and_silence, 0, COUNT(unfinished));
    tcase_add_test(tests, a_reset_is_no_end);
    tcase_add_test(tests, half_a_head);
    tcase_add_loop_test(tests, malformed_answers, 0, COUNT(malformed));
    tcase_add_test(tests, headers_without_end);
    tcase_add_test(tests, a_header_without_end);
    tcase_add_test(tests, more_headers_than_anybody_needs);
    tcase_add_test(tests, a_status_line_without_end);
    tcase_add_test(tests, trailers_without_end);
    tcase_add_test(tests, a_size_without_end);
    tcase_add_test(tests, extensions_without_end);
    tcase_add_test(tests, interim_answers_without_end);
    tcase_add_test(tests, some_interim_answers_are_fine);
    tcase_add_test(tests, a_dripping_head);
    tcase_add_test(tests, dripping_interim_answers);
    tcase_add_test(tests, nothing_at_all);
    tcase_add_test(tests, dripping_trailers);
    tcase_add_test(tests, a_dripping_size);
    tcase_add_test(tests, dripping_payload_is_an_answer);
    tcase_add_test(tests, a_request_that_is_not_taken);
    tcase_add_loop_test(tests, surplus_in_one_go, 0, COUNT(surpluses));
    tcase_add_loop_test(tests, surplus_later, 0, COUNT(surpluses));
    tcase_add_test(tests, an_answer_before_its_time);
    tcase_add_test(tests, a_proper_answer_leaves_a_connection);
    tcase_add_loop_test(tests, a_kept_connection_breaks, 0, COUNT(last_words));
}

TEST_MAIN_ADDING("lies", add_tests)
