#include "../suite.h"
#include "answer_samples.h"
#include "dsgate/llm/failure.h"
#include "dsgate/llm/sse.h"
#include <stdio.h>

static void describe(char *line, size_t n, const struct answer_facts *f)
{
    char usage[100] = "-";
    if (f->usage.known)
        snprintf(usage, sizeof usage, "%lld/%lld/%lld/%lld", (long long)f->usage.prompt, (long long)f->usage.completion,
                 (long long)f->usage.cached, (long long)f->usage.reasoning);
    snprintf(line, n, "%s%s%s%s %s", f->token ? "token " : "", f->error ? "error " : "", f->done ? "done " : "",
             finish_name(f->finish), usage);
}

/* ---- streams ---- */

static void read_stream(struct answer_facts *facts, const struct sample *s, bool skip_seen)
{
    struct text bytes = text_of(s->bytes);
    struct sse_reader r;
    struct sse_event e;
    sse_reader_init(&r, 0);
    while (sse_next(&r, &bytes, &e))
        answer_read_event(facts, s->family, e.name, e.data, skip_seen && facts->token);
    ck_assert_uint_eq(sse_leftover(&r).n, 0);
    sse_reader_free(&r);
}

/* The fast path must not miss anything. */
START_TEST(read_streams)
{
    for (int skip_seen = 0; skip_seen < 2; skip_seen++) {
        struct answer_facts facts = {0};
        char line[200];
        read_stream(&facts, &streams[_i], skip_seen);
        describe(line, sizeof line, &facts);
        ck_assert_msg(!strcmp(line, streams[_i].facts), "%s: %s", streams[_i].name, line);
    }
}
END_TEST

/* What the fast path passes over is not read at all. */
START_TEST(seen_token_skips_plain_chunks)
{
    struct answer_facts facts = {0};
    answer_read_event(&facts, FAMILY_CHAT, TEXT_NONE, TEXT("{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}"), true);
    answer_read_event(&facts, FAMILY_MESSAGES, TEXT("content_block_delta"), TEXT("{\"delta\":{\"text\":\"x\"}}"), true);
    answer_read_event(&facts, FAMILY_RESPONSES, TEXT("response.x.delta"),
                      TEXT("{\"type\":\"response.x.delta\",\"delta\":\"x\"}"), true);
    ck_assert(!facts.token);
}
END_TEST

/* ---- whole answers ---- */

/* From memory that ends with the body, so that a sanitizer sees a step too far. */
static void read_body(struct answer_facts *facts, char *line, size_t n, const struct sample *s)
{
    size_t length = strlen(s->bytes);
    char *bytes = malloc(length);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, s->bytes, length);
    answer_read_body(facts, s->family, text_make(bytes, length));
    describe(line, n, facts);
    free(bytes);
}

START_TEST(read_bodies)
{
    struct answer_facts facts = {0};
    char line[200];
    read_body(&facts, line, sizeof line, &bodies[_i]);
    ck_assert(facts.valid);
    ck_assert_msg(!strcmp(line, bodies[_i].facts), "%s: %s", bodies[_i].name, line);
}
END_TEST

START_TEST(invalid_bodies_say_nothing)
{
    struct answer_facts facts = {0}, none = {0};
    answer_read_body(&facts, FAMILY_CHAT, invalid_bodies[_i]);
    ck_assert_mem_eq(&facts, &none, sizeof facts);
}
END_TEST

/* ---- counts that make no sense ---- */

START_TEST(counts)
{
    struct answer_facts facts = {0};
    char line[200];
    read_body(&facts, line, sizeof line, &usages[_i]);
    ck_assert_msg(!strcmp(line, usages[_i].facts), "%s: %s", usages[_i].name, line);
}
END_TEST

/* Deep, hostile, cut: nothing is read outside, nothing hangs. */
START_TEST(every_prefix_of_every_sample)
{
    for (size_t n = 0, all = strlen(bodies[_i].bytes); n < all; n++) {
        struct answer_facts facts = {0};
        struct text part = text_make(bodies[_i].bytes, n);
        answer_read_body(&facts, bodies[_i].family, part);
        answer_read_event(&facts, bodies[_i].family, TEXT_NONE, part, false);
        answer_read_event(&facts, bodies[_i].family, TEXT_NONE, part, true);
        if (facts.valid) ck_abort_msg("%s: %zu bytes of it are valid", bodies[_i].name, n);
    }
}
END_TEST

/* ---- errors of our own ---- */

static const struct {
    enum endpoint_family family;
    const char *event, *body;
} errors[] = {
    {FAMILY_CHAT,
     "data: {\"error\":{\"message\":\"a "
     "\\\"b\\\"\\n\",\"type\":\"upstream_error\",\"param\":null,\"code\":\"upstream_cut\"}}\n\n",
     "{\"error\":{\"message\":\"a "
     "\\\"b\\\"\\n\",\"type\":\"upstream_error\",\"param\":\"model\",\"code\":\"upstream_cut\"}}"},
    {FAMILY_OPAQUE,
     "data: {\"error\":{\"message\":\"a "
     "\\\"b\\\"\\n\",\"type\":\"upstream_error\",\"param\":null,\"code\":\"upstream_cut\"}}\n\n",
     "{\"error\":{\"message\":\"a "
     "\\\"b\\\"\\n\",\"type\":\"upstream_error\",\"param\":\"model\",\"code\":\"upstream_cut\"}}"},
    {FAMILY_MESSAGES,
     "event: error\ndata: {\"type\":\"error\",\"error\":{\"message\":\"a "
     "\\\"b\\\"\\n\",\"type\":\"api_error\"}}\n\n",
     "{\"type\":\"error\",\"error\":{\"message\":\"a \\\"b\\\"\\n\",\"type\":\"api_error\"}}"},
    {FAMILY_RESPONSES,
     "event: error\ndata: {\"type\":\"error\",\"sequence_number\":0,\"message\":\"a "
     "\\\"b\\\"\\n\",\"param\":null,\"code\":"
     "\"upstream_cut\",\"error\":{\"message\":\"a \\\"b\\\"\\n\",\"type\":\"upstream_error\",\"param\":null,\"code\":"
     "\"upstream_cut\"}}\n\n",
     "{\"error\":{\"message\":\"a "
     "\\\"b\\\"\\n\",\"type\":\"upstream_error\",\"param\":\"model\",\"code\":\"upstream_cut\"}}"},
};

START_TEST(put_errors)
{
    struct buf event = {0}, body = {0};
    struct text message = TEXT("a \"b\"\n");
    answer_put_error_event(&event, errors[_i].family, "upstream_error", "upstream_cut", message);
    answer_put_error_body(&body, errors[_i].family, "upstream_error", "upstream_cut", message, "model");
    ck_assert_msg(text_is(buf_text(&event), errors[_i].event), TEXT_FORMAT, TEXT_ARGS(buf_text(&event)));
    ck_assert_msg(text_is(buf_text(&body), errors[_i].body), TEXT_FORMAT, TEXT_ARGS(buf_text(&body)));
    buf_free(&event);
    buf_free(&body);
}
END_TEST

/* Anthropic's SDKs know only these types. */
static const char *messages_type_of(enum failure f)
{
    static const char *const types[] = {
        "invalid_request_error", "authentication_error", "billing_error", "permission_error", "not_found_error",
        "request_too_large",     "rate_limit_error",     "timeout_error", "api_error",        "overloaded_error",
    };
    const struct failure_row *row = failure_row(f);
    const char *found = "none of them";
    struct buf body = {0};
    answer_put_error_body(&body, FAMILY_MESSAGES, row->type, row->code, TEXT("m"), NULL);
    for (int i = 0; i < COUNT(types); i++) {
        char expected[100];
        snprintf(expected, sizeof expected, "{\"type\":\"error\",\"error\":{\"message\":\"m\",\"type\":\"%s\"}}",
                 types[i]);
        if (text_is(buf_text(&body), expected)) found = types[i];
    }
    buf_free(&body);
    return found;
}

START_TEST(every_failure_has_a_type_of_anthropics)
{
    ck_assert_str_ne(messages_type_of((enum failure)_i), "none of them");
}
END_TEST

START_TEST(anthropics_types_go_by_the_status)
{
    ck_assert_str_eq(messages_type_of(FAIL_BAD_JSON), "invalid_request_error");
    ck_assert_str_eq(messages_type_of(FAIL_MODEL_NOT_FOUND), "not_found_error");
    ck_assert_str_eq(messages_type_of(FAIL_METHOD), "invalid_request_error");
    ck_assert_str_eq(messages_type_of(FAIL_BODY_TOO_LARGE), "request_too_large");
    ck_assert_str_eq(messages_type_of(FAIL_CONTENT_CODING), "invalid_request_error");
    ck_assert_str_eq(messages_type_of(FAIL_INTERNAL), "api_error");
    ck_assert_str_eq(messages_type_of(FAIL_UPSTREAM_CUT), "api_error");
    ck_assert_str_eq(messages_type_of(FAIL_QUEUE_FULL), "overloaded_error");
    ck_assert_str_eq(messages_type_of(FAIL_UPSTREAM_TIMEOUT), "timeout_error");
}
END_TEST

/* Our own error events are errors to ourselves: gateways are chained. */
START_TEST(own_errors_are_read_as_errors)
{
    static const enum endpoint_family families[] = {FAMILY_CHAT, FAMILY_COMPLETION, FAMILY_MESSAGES, FAMILY_RESPONSES};
    struct buf event = {0};
    struct answer_facts facts = {0};
    answer_put_error_event(&event, families[_i], "t", NULL, TEXT("m"));
    struct sample s = {.family = families[_i], .bytes = text_dup(buf_text(&event))};
    read_stream(&facts, &s, false);
    ck_assert(facts.error && !facts.token && !facts.done);
    buf_free(&event);
    free((char *)(uintptr_t)s.bytes);
}
END_TEST

START_TEST(names_of_finishes)
{
    for (int f = 0; f < FINISH_COUNT; f++)
        ck_assert_str_ne(finish_name((enum finish)f), "");
    ck_assert_str_eq(finish_name(FINISH_EXHAUSTED), "insufficient_system_resource");
    ck_assert_str_eq(finish_name(FINISH_NONE), "none");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, read_streams, 0, COUNT(streams));
    tcase_add_test(tests, seen_token_skips_plain_chunks);
    tcase_add_loop_test(tests, read_bodies, 0, COUNT(bodies));
    tcase_add_loop_test(tests, invalid_bodies_say_nothing, 0, COUNT(invalid_bodies));
    tcase_add_loop_test(tests, counts, 0, COUNT(usages));
    tcase_add_loop_test(tests, every_prefix_of_every_sample, 0, COUNT(bodies));
    tcase_add_loop_test(tests, put_errors, 0, COUNT(errors));
    tcase_add_loop_test(tests, every_failure_has_a_type_of_anthropics, FAIL_NONE + 1, FAILURE_COUNT);
    tcase_add_test(tests, anthropics_types_go_by_the_status);
    tcase_add_loop_test(tests, own_errors_are_read_as_errors, 0, 4);
    tcase_add_test(tests, names_of_finishes);
}

TEST_MAIN_ADDING("answer", add_tests)
