#include "../suite.h"
#include "dsgate/llm/endpoint.h"
#include "dsgate/net/http.h"

static char no_path[] = "", beta[] = "/beta", anthropic[] = "/anthropic/v1", balance[] = "/user/balance",
            v3[] = "/api/v3";
static const struct conf_upstream deepseek = {
    .base_path = no_path, .beta_path = beta, .anthropic_path = anthropic, .balance_path = balance};
static const struct conf_upstream ark = {.base_path = v3};

/* Where a client's path leads; NULL = nowhere. */
static const struct {
    const char *path, *label, *at_deepseek, *at_ark;
} paths[] = {
    {"/chat/completions", "chat", "/chat/completions", "/api/v3/chat/completions"},
    {"/v1/chat/completions", "chat", "/chat/completions", "/api/v3/chat/completions"},
    {"/v1/v1/chat/completions", "chat", "/chat/completions", "/api/v3/chat/completions"},
    {"/v1/chat/completions/", "chat", "/chat/completions", "/api/v3/chat/completions"},
    {"/completions", "completions", "/completions", "/api/v3/completions"},
    {"/v1/completions", "completions", "/completions", "/api/v3/completions"},
    {"/embeddings", "embeddings", "/embeddings", "/api/v3/embeddings"},
    {"/v1/embeddings", "embeddings", "/embeddings", "/api/v3/embeddings"},
    {"/beta/chat/completions", "beta_chat", "/beta/chat/completions", NULL},
    {"/beta/completions", "beta_completions", "/beta/completions", NULL},
    {"/v1/beta/completions", "beta_completions", "/beta/completions", NULL},
    {"/v1/messages", "messages", "/anthropic/v1/messages", NULL},
    {"/anthropic/v1/messages", "messages", "/anthropic/v1/messages", NULL},
    {"/v1/messages/count_tokens", "count_tokens", "/anthropic/v1/messages/count_tokens", NULL},
    {"/anthropic/v1/messages/count_tokens", "count_tokens", "/anthropic/v1/messages/count_tokens", NULL},
    {"/v1/messages/batches", "messages_stored", "/anthropic/v1/messages/batches", NULL},
    {"/anthropic/v1/messages/batches/b_1", "messages_stored", "/anthropic/v1/messages/batches/b_1", NULL},
    {"/responses", "responses", "/responses", "/api/v3/responses"},
    {"/v1/responses", "responses", "/responses", "/api/v3/responses"},
    {"/v1/responses/resp_1", "responses_stored", "/responses/resp_1", "/api/v3/responses/resp_1"},
    {"/responses/resp_1/cancel", "responses_stored", "/responses/resp_1/cancel", "/api/v3/responses/resp_1/cancel"},
    {"/v1/models", "models", "/models", "/api/v3/models"},
    {"/models", "models", "/models", "/api/v3/models"},
    {"/models/", "models", "/models", "/api/v3/models"},
    {"/v1/models/deepseek-ai/DeepSeek-V4", "models", "/models/deepseek-ai/DeepSeek-V4",
     "/api/v3/models/deepseek-ai/DeepSeek-V4"},
    {"/user/balance", "balance", "/user/balance", NULL},
    {"/v1/batches", "batches", "/batches", "/api/v3/batches"},
    {"/v1/batches/batch_1/cancel", "batches", "/batches/batch_1/cancel", "/api/v3/batches/batch_1/cancel"},
    {"/v1/files", "files", "/files", "/api/v3/files"},
    {"/files/f%3A1/content", "files", "/files/f%3A1/content", "/api/v3/files/f%3A1/content"},
    {"/v1/audio/speech", "other", "/audio/speech", "/api/v3/audio/speech"},
    {"/v1/images/generations/", "other", "/images/generations/", "/api/v3/images/generations/"},
    {"/v1/chat/completions/x", "other", "/chat/completions/x", "/api/v3/chat/completions/x"},
    {"/v1/x;y=1/a.b..c/~_-!$&'()*+,=:@%20%E4%B8%AD", "other", "/x;y=1/a.b..c/~_-!$&'()*+,=:@%20%E4%B8%AD",
     "/api/v3/x;y=1/a.b..c/~_-!$&'()*+,=:@%20%E4%B8%AD"},
    {"/v1/...", "other", "/...", "/api/v3/..."},
};

static void check_target(const struct endpoint *e, const struct conf_upstream *u, const char *path, const char *target)
{
    struct buf out = {0};
    ck_assert(endpoint_upstream_path(e, u, text_of(path), &out) == (target != NULL));
    ck_assert_msg(text_eq(buf_text(&out), text_of(target)), "%s goes to " TEXT_FORMAT, path, TEXT_ARGS(buf_text(&out)));
    buf_free(&out);
}

START_TEST(paths_lead_somewhere)
{
    const struct endpoint *e = endpoint_find(text_of(paths[_i].path));
    ck_assert_msg(e != NULL, "%s is not found", paths[_i].path);
    ck_assert_msg(!strcmp(e->label, paths[_i].label), "%s is %s", paths[_i].path, e->label);
    check_target(e, &deepseek, paths[_i].path, paths[_i].at_deepseek);
    check_target(e, &ark, paths[_i].path, paths[_i].at_ark);
}
END_TEST

static const struct text strays[] = {
    TEXT(""),
    TEXT("/"),
    TEXT("/v1"),
    TEXT("/v1/"),
    TEXT("v1/models"),
    TEXT("*"),
    TEXT("/v2/chat/completions"),
    TEXT("/v1beta/x"),
    TEXT("/V1/models"),
    TEXT("/audio/speech"),
    TEXT("/chat"),
    TEXT("/chat/completionsx"),
    TEXT("/chat/completions//"),
    TEXT("/modelsx"),
    TEXT("/anthropic"),
    TEXT("/anthropic/"),
    TEXT("/messagesx"),
    TEXT("/user/balance/x"),
    TEXT("/healthz"),
    /* These could climb out of the base path or be read in two ways. */
    TEXT("/v1/../admin"),
    TEXT("/v1/.."),
    TEXT("/v1/x/."),
    TEXT("/v1/./x"),
    TEXT("/v1//x"),
    TEXT("//v1/models"),
    TEXT("/v1/x//"),
    TEXT("/v1/..;/x"),
    TEXT("/v1/.;a=b/x"),
    TEXT("/v1/..\\x"),
    TEXT("/v1/x\\y"),
    TEXT("/v1/%2e%2e/x"),
    TEXT("/v1/%2E./x"),
    TEXT("/v1/a%2fb"),
    TEXT("/v1/a%2Fb"),
    TEXT("/v1/a%5cb"),
    TEXT("/v1/%252e%252e/x"),
    TEXT("/v1/%63hat/completions"),
    TEXT("/v1/a%00"),
    TEXT("/v1/a%0d%0aX:y"),
    TEXT("/v1/a%7f"),
    TEXT("/v1/a%"),
    TEXT("/v1/a%4"),
    TEXT("/v1/a%zz"),
    TEXT("/v1/a%+1"),
    TEXT("/v1/a b"),
    TEXT("/v1/a\tb"),
    TEXT("/v1/a\r\nb"),
    TEXT("/v1/a\0b"),
    TEXT("/v1/a?b"),
    TEXT("/v1/a#b"),
    TEXT("/v1/a\"b"),
    TEXT("/v1/\xE4\xB8\xAD"),
    TEXT("/v1/\xFF"),
};

START_TEST(strays_lead_nowhere)
{
    ck_assert_msg(endpoint_find(strays[_i]) == NULL, "found: " TEXT_FORMAT, TEXT_ARGS(strays[_i]));
}
END_TEST

/* What Anthropic's SDKs may ask for in vain must be said in a shape that they read. */
static const struct text unknown_to_anthropic[] = {
    TEXT("/anthropic/messages"), TEXT("/anthropic/v1"), TEXT("/anthropic/v1/models"), TEXT("/v1/anthropic/x"),
};

START_TEST(unknown_paths_have_the_shape_of_their_root)
{
    const struct endpoint *e = endpoint_find(unknown_to_anthropic[_i]);
    ck_assert_ptr_nonnull(e);
    ck_assert_int_eq(e->kind, ENDPOINT_UNKNOWN);
    ck_assert_int_eq(e->family, FAMILY_MESSAGES);
    ck_assert_str_eq(e->label, "unknown");
}
END_TEST

START_TEST(every_row_is_sane)
{
    const struct endpoint *e = &endpoints[_i];
    bool open = text_ends(text_of(e->path), TEXT("*"));
    ck_assert(e->path[0] == '/' && e->label[0]);
    ck_assert(e->methods != 0 && e->methods < 1u << HTTP_METHOD_OTHER);
    ck_assert(!e->needs_model || e->methods == 1u << HTTP_POST);
    ck_assert(!(e->methods >> HTTP_GET & 1) == !(e->methods >> HTTP_HEAD & 1));
    ck_assert(!e->needs || e->needs_model);
    ck_assert(e->needs_model == (e->family != FAMILY_OPAQUE && e->kind != ENDPOINT_UNKNOWN));
    ck_assert(e->any_upstream || !e->needs_model);
    ck_assert(!open || !e->replayable || e->kind == ENDPOINT_MODELS);
    if (!open) ck_assert_ptr_eq(endpoint_find(text_of(e->path)), e); /* no earlier row hides it */
}
END_TEST

START_TEST(methods_are_those_of_http)
{
    const struct endpoint *files = endpoint_find(TEXT("/v1/files/f1")), *other = endpoint_find(TEXT("/v1/x"));
    ck_assert_uint_eq(endpoint_find(TEXT("/v1/models"))->methods, 1u << HTTP_GET | 1u << HTTP_HEAD);
    ck_assert_uint_eq(endpoint_find(TEXT("/v1/chat/completions"))->methods, 1u << HTTP_POST);
    ck_assert_uint_eq(files->methods, 1u << HTTP_GET | 1u << HTTP_HEAD | 1u << HTTP_DELETE);
    ck_assert_uint_eq(other->methods, (1u << HTTP_METHOD_OTHER) - 1);
    ck_assert(!other->any_upstream && !other->replayable && !other->needs_model);
}
END_TEST

START_TEST(last_row_is_the_catch_all)
{
    ck_assert_str_eq(endpoints[endpoint_count - 1].path, "/v1/*");
    ck_assert_ptr_eq(endpoint_find(TEXT("/v1/x")), &endpoints[endpoint_count - 1]);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, paths_lead_somewhere, 0, COUNT(paths));
    tcase_add_loop_test(tests, strays_lead_nowhere, 0, COUNT(strays));
    tcase_add_loop_test(tests, unknown_paths_have_the_shape_of_their_root, 0, COUNT(unknown_to_anthropic));
    tcase_add_loop_test(tests, every_row_is_sane, 0, (int)endpoint_count);
    tcase_add_test(tests, methods_are_those_of_http);
    tcase_add_test(tests, last_row_is_the_catch_all);
}

TEST_MAIN_ADDING("endpoint", add_tests)
