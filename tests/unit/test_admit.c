#include "admit_test.h"
#include "dsgate/admit/admit.h"

#define CHAT "{\"model\":\"deepseek-flash\",\"messages\":[]}"

#define GZIP "content-encoding: gzip\r\n"

static const struct {
    const char *line, *fields, *body;
    enum failure failure;
    const char *param, *label;
} requests[] = {
    {"POST /v1/chat/completions", "", CHAT, FAIL_NONE, NULL, "chat"},
    {"POST /chat/completions?x=y", "", CHAT, FAIL_NONE, NULL, "chat"},
    {"POST /v1/messages", "", CHAT, FAIL_NONE, NULL, "messages"},
    {"POST /v1/embeddings", "", "{\"model\":\"e\",\"input\":\"x\"}", FAIL_NONE, NULL, "embeddings"},
    {"GET /v1/models", "", "", FAIL_NONE, NULL, "models"},
    {"GET /v1/models", "", "not looked at", FAIL_NONE, NULL, "models"},
    {"HEAD /v1/models", "", "", FAIL_NONE, NULL, "models"},
    {"POST /v1/files", "", "not JSON", FAIL_NONE, NULL, "files"},
    {"DELETE /v1/files/f-1", "", "", FAIL_NONE, NULL, "files"},

    {"GET /", "", "", FAIL_NO_ENDPOINT, NULL, NULL},
    {"POST /v2/chat/completions", "", CHAT, FAIL_NO_ENDPOINT, NULL, NULL},
    {"POST /v1/../admin", "", CHAT, FAIL_NO_ENDPOINT, NULL, NULL},
    {"POST /anthropic/v1/complete", "", CHAT, FAIL_NO_ENDPOINT, NULL, "unknown"},
    {"GET /anthropic/v1/complete", GZIP, "", FAIL_NO_ENDPOINT, NULL, "unknown"},
    {"BREW /anthropic/tea", "", "", FAIL_NO_ENDPOINT, NULL, "unknown"},
    {"GET /v1/chat/completions", "", "", FAIL_METHOD, NULL, "chat"},
    {"PUT /v1/models", "", "", FAIL_METHOD, NULL, "models"},
    {"BREW /v1/chat/completions", "", CHAT, FAIL_METHOD, NULL, "chat"},

    {"POST /v1/chat/completions", "", "", FAIL_BAD_JSON, NULL, "chat"},
    {"POST /v1/chat/completions", "", "{\"model\":", FAIL_BAD_JSON, NULL, "chat"},
    {"POST /v1/chat/completions", "", "[]", FAIL_BAD_JSON, NULL, "chat"},
    {"POST /v1/chat/completions", "", "{\"model\":\"a\",\"model\":\"b\",\"messages\":[]}", FAIL_BAD_JSON, NULL, "chat"},
    {"POST /v1/chat/completions", "", "{\"messages\":[]}", FAIL_MISSING_FIELD, "model", "chat"},
    {"POST /v1/chat/completions", "", "{\"model\":\"m\"}", FAIL_MISSING_FIELD, "messages", "chat"},
    {"POST /v1/chat/completions", "", "{\"model\":1,\"messages\":[]}", FAIL_BAD_FIELD, "model", "chat"},
    {"POST /v1/chat/completions", "", "{\"model\":\"m\",\"messages\":{}}", FAIL_BAD_FIELD, "messages", "chat"},

    {"POST /v1/chat/completions", "Content-Encoding: identity\r\n", CHAT, FAIL_NONE, NULL, "chat"},
    {"POST /v1/chat/completions", "content-encoding:\r\n", CHAT, FAIL_NONE, NULL, "chat"},
    {"POST /v1/chat/completions", "content-encoding: , Identity ,\r\n", CHAT, FAIL_NONE, NULL, "chat"},
    {"POST /v1/files", "content-encoding: gzip\r\n", "\x1F\x8B", FAIL_NONE, NULL, "files"},
    {"GET /v1/models", "content-encoding: gzip\r\n", "", FAIL_NONE, NULL, "models"},
    {"POST /v1/chat/completions", GZIP, "\x1F\x8B", FAIL_CONTENT_CODING, "content-encoding", "chat"},
    {"POST /v1/messages", GZIP, CHAT, FAIL_CONTENT_CODING, "content-encoding", "messages"},
    {"POST /v1/embeddings", "content-encoding: identity, br\r\n", "", FAIL_CONTENT_CODING, "content-encoding",
     "embeddings"},
    {"POST /v1/responses", "content-encoding: identity\r\n" GZIP, "", FAIL_CONTENT_CODING, "content-encoding",
     "responses"},
    {"GET /v1/chat/completions", GZIP, "", FAIL_METHOD, NULL, "chat"},

    {"POST /v1/chat/completions", "x-dsgate-timeout: soon\r\n", CHAT, FAIL_BAD_HINT, "x-dsgate-timeout", "chat"},
    {"GET /v1/chat/completions", "x-dsgate-timeout: soon\r\n", "", FAIL_BAD_HINT, "x-dsgate-timeout", "chat"},
    {"POST /v1/chat/completions", "x-dsgate-priority: P7\r\n", CHAT, FAIL_BAD_HINT, "x-dsgate-priority", "chat"},
    {"GET /nowhere", "x-dsgate-timeout: soon\r\n", "", FAIL_BAD_HINT, "x-dsgate-timeout", NULL},
};

START_TEST(test_requests)
{
    struct admission a = {0};
    const struct http_head *head = make_head(requests[_i].line, requests[_i].fields);
    enum failure f = admit(&a, head, text_of(requests[_i].body));
    ck_assert_msg(f == requests[_i].failure, "%s: %d", requests[_i].line, (int)f);
    if (requests[_i].label)
        ck_assert_str_eq(a.endpoint->label, requests[_i].label);
    else
        ck_assert_ptr_null(a.endpoint);
    if (requests[_i].param)
        ck_assert_str_eq(a.param, requests[_i].param);
    else
        ck_assert_ptr_null(a.param);
    ck_assert(buf_len(&a.message) > 0 || f == FAIL_NONE || f == FAIL_NO_ENDPOINT);
    admission_free(&a);
}
END_TEST

START_TEST(test_what_is_known_of_an_admitted_request)
{
    struct admission a = {0};
    const struct http_head *head =
        make_head("POST /v1/chat/completions", "x-request-id: r7\r\nx-dsgate-timeout: 3\r\n");
    struct text body = TEXT("{\"stream\":true,\"model\":\"deepseek\\u002dflash\",\"messages\":[]}");
    ck_assert_int_eq(admit(&a, head, body), FAIL_NONE);
    ck_assert_str_eq(a.chat.model, "deepseek-flash");
    ck_assert_int_eq(a.chat.members[CHAT_STREAM].type, JSON_TRUE);
    ck_assert_ptr_eq(a.chat.body.p, body.p);
    ck_assert(text_is(a.hints.request_id, "r7"));
    ck_assert_int_eq(a.hints.timeout, 3 * USEC_PER_SEC);
    admission_free(&a);
}
END_TEST

START_TEST(test_bodies_that_are_not_looked_into)
{
    struct admission a = {0};
    ck_assert_int_eq(admit(&a, make_head("POST /v1/files", ""), TEXT(CHAT)), FAIL_NONE);
    ck_assert_uint_eq(a.chat.body.n, 0);
    ck_assert_str_eq(a.chat.model, "");
    admission_free(&a);
}
END_TEST

/* The caller's name for a failed request is known whatever is wrong with it. */
START_TEST(test_hints_of_refused_requests)
{
    struct admission a = {0};
    ck_assert_int_eq(admit(&a, make_head("POST /nowhere", "x-request-id: r8\r\n"), TEXT("")), FAIL_NO_ENDPOINT);
    ck_assert(text_is(a.hints.request_id, "r8"));
    admission_free(&a);
}
END_TEST

START_TEST(test_the_message_names_the_methods)
{
    struct admission a = {0};
    ck_assert_int_eq(admit(&a, make_head("PUT /v1/files", ""), TEXT("")), FAIL_METHOD);
    ck_assert(text_is(buf_text(&a.message), "This endpoint takes GET, HEAD or POST."));
    admission_free(&a);
    ck_assert_int_eq(admit(&a, make_head("GET /v1/messages", ""), TEXT("")), FAIL_METHOD);
    ck_assert(text_is(buf_text(&a.message), "This endpoint takes POST."));
    admission_free(&a);
    ck_assert_int_eq(admit(&a, make_head("POST /v1/models", ""), TEXT("")), FAIL_METHOD);
    ck_assert(text_is(buf_text(&a.message), "This endpoint takes GET or HEAD."));
    admission_free(&a);
}
END_TEST

START_TEST(test_the_message_names_the_coding)
{
    struct admission a = {0};
    const struct http_head *head = make_head("POST /v1/chat/completions", "content-encoding: identity, zstd, br\r\n");
    ck_assert_int_eq(admit(&a, head, TEXT("(")), FAIL_CONTENT_CODING);
    ck_assert(
        text_is(buf_text(&a.message), "The request body has the content coding 'zstd'; it must be sent without any."));
    admission_free(&a);
}
END_TEST

/* A failure says the same status as the parser's own table; but that a broken answer is not the client's fault. */
START_TEST(test_every_http_error_has_a_row)
{
    ck_assert_int_eq(admit_http_failure(HTTP_FINE), FAIL_NONE);
    for (int e = HTTP_FINE + 1; e < HTTP_ERROR_COUNT; e++) {
        enum failure f = admit_http_failure((enum http_error)e);
        ck_assert_int_gt(f, FAIL_NONE);
        ck_assert_int_lt(f, FAILURE_COUNT);
        ck_assert_int_ne(f, FAIL_INTERNAL);
        ck_assert_uint_eq(failure_row(f)->status, http_error_status((enum http_error)e));
    }
}
END_TEST

static uint64_t conversation(const char *fields, const char *body)
{
    struct admission a = {0};
    ck_assert_int_eq(admit(&a, make_head("POST /v1/chat/completions", fields), text_of(body)), FAIL_NONE);
    uint64_t number = admission_conversation(&a);
    admission_free(&a);
    return number;
}

/* A session that is named goes before anything in the body. */
START_TEST(test_conversations)
{
    static const char user[] = "{\"model\":\"m\",\"messages\":[],\"user\":\"u\"}";
    ck_assert_uint_ne(conversation("x-dsgate-session: s\r\n", CHAT), 0);
    ck_assert_uint_eq(conversation("x-dsgate-session: s\r\n", CHAT), conversation("x-dsgate-session: s\r\n", user));
    ck_assert_uint_ne(conversation("x-dsgate-session: s\r\n", user), conversation("x-dsgate-session: t\r\n", user));
    ck_assert_uint_ne(conversation("x-dsgate-session: s\r\n", user), conversation("", user));
    ck_assert_uint_eq(conversation("", user), conversation("x-dsgate-session:\r\n", user));
    ck_assert_uint_ne(conversation("", user), 0);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_requests, 0, COUNT(requests));
    tcase_add_test(tests, test_what_is_known_of_an_admitted_request);
    tcase_add_test(tests, test_bodies_that_are_not_looked_into);
    tcase_add_test(tests, test_hints_of_refused_requests);
    tcase_add_test(tests, test_the_message_names_the_methods);
    tcase_add_test(tests, test_the_message_names_the_coding);
    tcase_add_test(tests, test_every_http_error_has_a_row);
    tcase_add_test(tests, test_conversations);
}

TEST_MAIN_ADDING("admit", add_tests)
