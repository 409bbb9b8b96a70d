/* The request as the upstream gets it: a client's request, what the attempt wants changed, and the bytes that go out.
 */
#include "dsgate/relay/upstream_request.h"
#include "http_test.h"

static char no_path[] = "", beta_path[] = "/beta", bearer[] = "authorization", authority[] = "up.test";
static char accept_name[] = "accept", accept_value[] = "from/config";
static struct origin origin = {.authority = authority};
static struct conf_header accept_header = {accept_name, accept_value};

static const struct conf_upstream deepseek = {
    .dialect = DIALECT_DEEPSEEK, .base_path = no_path, .beta_path = beta_path, .auth_header = bearer};

#define BODY "{\"model\":\"m\",\"messages\":[]}"

/* ---- one request ---- */

struct trial {
    struct outcome request;
    struct chat_request chat;
    struct relay_source from;
    struct relay_target to;
    struct transcript sent;
    struct buf bytes[2], out;
};

static bool consumes_hints(const struct http_head *head, const struct http_field *f)
{
    return text_starts_nocase(http_field_name(head, f), TEXT("x-dsgate-"));
}

/* `fields`: lines of the client's head beside Host and Content-Length. */
static void begin(struct trial *t, const struct conf_upstream *u, const char *path, const char *fields,
                  const char *body)
{
    struct buf head = {0}, message = {0};
    const char *param;
    buf_printf(&head, "POST %s HTTP/1.1\r\nHost: gateway\r\nContent-Length: %zu\r\n%s\r\n", path, strlen(body), fields);
    *t = (struct trial){.request = parse_good(REQUEST, buf_text(&head))};
    buf_free(&head);
    const struct endpoint *e = endpoint_find(t->request.head.path);
    ck_assert_int_eq(chat_read(&t->chat, e, text_of(body), &message, &param), CHAT_FINE);
    t->from = (struct relay_source){
        .endpoint = e, .head = &t->request.head, .chat = &t->chat, .body = text_of(body), .consumes = consumes_hints};
    t->to = (struct relay_target){.upstream = u, .origin = &origin, .key = "KEY"};
}

static void speak(struct trial *t, const char *content)
{
    t->sent.family = t->from.endpoint->family;
    buf_add(&t->sent.texts[TRANSCRIPT_CONTENT], text_of(content));
    t->from.sent = &t->sent;
}

static int write_out(struct trial *t)
{
    struct iovec iov[RELAY_PIECES];
    int n = relay_request_write(&t->from, &t->to, t->bytes, iov);
    ck_assert_int_le(n, RELAY_PIECES);
    buf_clear(&t->out);
    for (int i = 0; i < n; i++)
        buf_append(&t->out, iov[i].iov_base, iov[i].iov_len);
    return n;
}

static void end(struct trial *t)
{
    relay_request_free(t->bytes);
    buf_free(&t->out);
    buf_free(&t->sent.texts[TRANSCRIPT_CONTENT]);
    outcome_free(&t->request);
}

static void check_whole(struct trial *t, const char *expected)
{
    ck_assert_int_gt(write_out(t), 0);
    check_text(buf_text(&t->out), expected);
}

/* ---- plain ---- */

START_TEST(a_request_goes_on_with_the_upstreams_key)
{
    struct trial t;
    begin(&t, &deepseek, "/v1/chat/completions?a=b",
          "Authorization: Bearer CLIENT\r\nX-Dsgate-Priority: P0\r\nAccept: application/json\r\nX-Y: z\r\n", BODY);
    check_whole(&t, "POST /chat/completions?a=b HTTP/1.1\r\nHost: up.test\r\nAuthorization: Bearer KEY\r\n"
                    "Accept: application/json\r\nX-Y: z\r\nContent-Length: 27\r\n\r\n" BODY);
    end(&t);
}
END_TEST

START_TEST(a_fallback_is_asked_for_by_its_name)
{
    struct trial t;
    char name[] = "up/f";
    struct conf_model row = {.name = name};
    begin(&t, &deepseek, "/v1/chat/completions", "", BODY);
    t.from.model = "f";
    check_whole(&t, "POST /chat/completions HTTP/1.1\r\nHost: up.test\r\nAuthorization: Bearer KEY\r\n"
                    "Content-Length: 27\r\n\r\n{\"model\":\"f\",\"messages\":[]}");
    t.to.model = &row;
    check_whole(&t, "POST /chat/completions HTTP/1.1\r\nHost: up.test\r\nAuthorization: Bearer KEY\r\n"
                    "Content-Length: 30\r\n\r\n{\"model\":\"up/f\",\"messages\":[]}");
    end(&t);
}
END_TEST

/* ---- riding ---- */

START_TEST(a_plain_call_rides_on_a_stream)
{
    struct trial t;
    begin(&t, &deepseek, "/v1/chat/completions", "Accept: application/json\r\n", BODY);
    t.from.plain_stream = true;
    check_whole(&t, "POST /chat/completions HTTP/1.1\r\nHost: up.test\r\nAuthorization: Bearer KEY\r\n"
                    "Accept: text/event-stream\r\nContent-Length: 81\r\n\r\n"
                    "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[]}");
    end(&t);
}
END_TEST

static const struct {
    const char *client, *riding; /* the value of Accept */
} accepts[] = {
    {"application/json", "text/event-stream"},
    {"application/json; charset=utf-8", "text/event-stream"},
    {"application/json, text/plain, */*", "application/json, text/plain, */*"},
    {"*/*", "*/*"},
    {"text/event-stream", "text/event-stream"},
};

START_TEST(what_a_riding_call_accepts)
{
    struct trial t;
    struct buf field = {0}, kept = {0}, riding = {0};
    buf_printf(&field, "aCCept: %s\r\n", accepts[_i].client);
    buf_add_byte(&field, '\0');
    buf_printf(&kept, "\r\naCCept: %s\r\n", accepts[_i].client);
    buf_printf(&riding, "\r\naCCept: %s\r\n", accepts[_i].riding);
    begin(&t, &deepseek, "/v1/chat/completions", field.data, BODY);
    write_out(&t);
    ck_assert(text_find(buf_text(&t.out), buf_text(&kept)) < buf_len(&t.out));
    t.from.plain_stream = true;
    write_out(&t);
    ck_assert(text_find(buf_text(&t.out), buf_text(&riding)) < buf_len(&t.out));
    end(&t);
    buf_free(&field);
    buf_free(&kept);
    buf_free(&riding);
}
END_TEST

START_TEST(what_the_config_sets_stays)
{
    struct trial t;
    struct conf_upstream u = deepseek;
    u.headers = &accept_header;
    u.header_count = 1;
    begin(&t, &u, "/v1/chat/completions", "Accept: application/json\r\n", BODY);
    t.from.plain_stream = true;
    write_out(&t);
    ck_assert(text_find(buf_text(&t.out), TEXT("\r\naccept: from/config\r\n")) < buf_len(&t.out));
    ck_assert_uint_eq(text_find(buf_text(&t.out), TEXT("event-stream")), buf_len(&t.out));
    end(&t);
}
END_TEST

/* ---- going on ---- */

/* Where a client's request goes to, and where it goes on; NULL: nowhere. */
static const struct {
    enum conf_dialect dialect;
    bool has_beta;
    const char *path, *body, *begins, *goes_on;
} places[] = {
    {DIALECT_DEEPSEEK, true, "/v1/chat/completions", BODY, "/chat/completions", "/beta/chat/completions"},
    {DIALECT_DEEPSEEK, true, "/beta/chat/completions", BODY, "/beta/chat/completions", "/beta/chat/completions"},
    {DIALECT_DEEPSEEK, false, "/v1/chat/completions", BODY, "/chat/completions", NULL},
    {DIALECT_HUAWEI, true, "/v1/chat/completions", BODY, "/chat/completions", "/chat/completions"},
    {DIALECT_VLLM, false, "/v1/chat/completions", BODY, "/chat/completions", "/chat/completions"},
    {DIALECT_OPENAI, true, "/v1/chat/completions", BODY, "/chat/completions", NULL},
    {DIALECT_DEEPSEEK, true, "/v1/completions", "{\"model\":\"m\",\"prompt\":\"x\"}", "/completions", "/completions"},
};

static void check_path(struct trial *t, const char *path)
{
    struct buf line = {0};
    buf_printf(&line, "POST %s HTTP/1.1\r\n", path ? path : "");
    ck_assert_int_eq(write_out(t) > 0, path != NULL);
    ck_assert(!path || text_starts(buf_text(&t->out), buf_text(&line)));
    buf_free(&line);
}

START_TEST(where_requests_go_on)
{
    struct trial t;
    struct conf_upstream u = deepseek;
    u.dialect = places[_i].dialect;
    if (!places[_i].has_beta) u.beta_path = NULL;
    begin(&t, &u, places[_i].path, "", places[_i].body);
    check_path(&t, places[_i].begins);
    speak(&t, "so far");
    check_path(&t, places[_i].goes_on);
    end(&t);
}
END_TEST

START_TEST(a_request_goes_on_from_what_was_sent)
{
    struct trial t;
    begin(&t, &deepseek, "/v1/chat/completions", "", BODY);
    speak(&t, "so far");
    check_whole(&t, "POST /beta/chat/completions HTTP/1.1\r\nHost: up.test\r\nAuthorization: Bearer KEY\r\n"
                    "Content-Length: 80\r\n\r\n{\"model\":\"m\",\"messages\":["
                    "{\"role\":\"assistant\",\"content\":\"so far\",\"prefix\":true}]}");
    end(&t);
}
END_TEST

/* Then there must not be a head without its body either. */
START_TEST(what_can_not_go_on_is_not_sent)
{
    struct trial t;
    begin(&t, &deepseek, "/v1/chat/completions", "", BODY);
    speak(&t, "\xFF");
    ck_assert_int_eq(write_out(&t), 0);
    end(&t);
}
END_TEST

/* ---- without a JSON body ---- */

START_TEST(bodies_that_are_not_read_go_on_as_they_are)
{
    struct trial t;
    begin(&t, &deepseek, "/v1/files", "Content-Type: text/csv\r\n", "a,b\n");
    t.chat.body = TEXT_NONE;
    check_whole(&t, "POST /files HTTP/1.1\r\nHost: up.test\r\nAuthorization: Bearer KEY\r\nContent-Type: text/csv\r\n"
                    "Content-Length: 4\r\n\r\na,b\n");
    end(&t);
    begin(&t, &deepseek, "/v1/files", "", "");
    ck_assert_int_eq(write_out(&t), 1);
    check_text(buf_text(&t.out), "POST /files HTTP/1.1\r\nHost: up.test\r\nAuthorization: Bearer KEY\r\n"
                                 "Content-Length: 0\r\n\r\n");
    end(&t);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_test(tests, a_request_goes_on_with_the_upstreams_key);
    tcase_add_test(tests, a_fallback_is_asked_for_by_its_name);
    tcase_add_test(tests, a_plain_call_rides_on_a_stream);
    tcase_add_loop_test(tests, what_a_riding_call_accepts, 0, COUNT(accepts));
    tcase_add_test(tests, what_the_config_sets_stays);
    tcase_add_loop_test(tests, where_requests_go_on, 0, COUNT(places));
    tcase_add_test(tests, a_request_goes_on_from_what_was_sent);
    tcase_add_test(tests, what_can_not_go_on_is_not_sent);
    tcase_add_test(tests, bodies_that_are_not_read_go_on_as_they_are);
}

TEST_MAIN_ADDING("upstream_request", add_tests)
