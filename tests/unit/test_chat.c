#include "../suite.h"
#include "dsgate/llm/chat.h"

static const struct endpoint *at(const char *path) { return endpoint_find(text_of(path)); }

#define CHAT  "/v1/chat/completions"
#define FIM   "/beta/completions"
#define EMBED "/v1/embeddings"

/* ---- bodies that are fine ---- */

static const struct {
    const char *path, *body, *model;
    enum json_type stream;
} good[] = {
    {CHAT, "{\"model\":\"deepseek-flash\",\"messages\":[]}", "deepseek-flash", JSON_ABSENT},
    {CHAT, " {\"stream\" : true , \"messages\":[{\"role\":\"user\"}], \"model\" : \"m\" } \n", "m", JSON_TRUE},
    {CHAT, "{\"model\":\"m\",\"messages\":[],\"stream\":false}", "m", JSON_FALSE},
    {CHAT, "{\"model\":\"m\",\"messages\":[],\"stream\":null}", "m", JSON_NULL},
    {CHAT, "{\"mod\\u0065l\":\"a\\u002fb\\\"\\u4e2d\",\"messages\":[]}", "a/b\"\xE4\xB8\xAD", JSON_ABSENT},
    {CHAT, "{\"model\":\"m\",\"messages\":[{\"model\":1,\"model\":2,\"stream\":\"x\"}],\"prompt\":null}", "m",
     JSON_ABSENT},
    {CHAT, "{\"model\":\"m\",\"messages\":[],\"top_p\":1,\"top_p\":2}", "m", JSON_ABSENT},
    {"/v1/messages", "{\"model\":\"m\",\"max_tokens\":1,\"messages\":[]}", "m", JSON_ABSENT},
    {FIM, "{\"model\":\"m\",\"prompt\":\"x\"}", "m", JSON_ABSENT},
    {FIM, "{\"model\":\"m\",\"prompt\":[1,2],\"messages\":7}", "m", JSON_ABSENT},
    {EMBED, "{\"model\":\"m\",\"input\":[\"a\"]}", "m", JSON_ABSENT},
    {"/v1/responses", "{\"model\":\"m\",\"previous_response_id\":\"r\",\"stream\":true}", "m", JSON_TRUE},
    {"/v1/files", "not JSON at all", "", JSON_ABSENT},
    {"/v1/audio/speech", "", "", JSON_ABSENT},
};

START_TEST(good_bodies)
{
    struct chat_request r;
    struct buf message = {0};
    const char *param = "untouched";
    enum chat_error error = chat_read(&r, at(good[_i].path), text_of(good[_i].body), &message, &param);
    ck_assert_msg(error == CHAT_FINE, "%s: " TEXT_FORMAT, good[_i].body, TEXT_ARGS(buf_text(&message)));
    ck_assert_str_eq(r.model, good[_i].model);
    ck_assert_int_eq(r.members[CHAT_STREAM].type, good[_i].stream);
    ck_assert(text_is(r.body, good[_i].body));
    ck_assert_ptr_null(param);
    ck_assert_uint_eq(buf_len(&message), 0);
}
END_TEST

/* ---- bodies that are not ---- */

static const struct {
    const char *path, *body;
    enum chat_error error;
    const char *param, *message;
} bad[] = {
    {CHAT, "{\"messages\":[]}", CHAT_MISSING, "model", "Missing required parameter: 'model'."},
    {CHAT, "{\"model\":\"m\"}", CHAT_MISSING, "messages", "Missing required parameter: 'messages'."},
    {FIM, "{\"model\":\"m\"}", CHAT_MISSING, "prompt", "Missing required parameter: 'prompt'."},
    {EMBED, "{\"model\":\"m\"}", CHAT_MISSING, "input", "Missing required parameter: 'input'."},
    {"/v1/messages", "{\"model\":\"m\"}", CHAT_MISSING, "messages", "Missing required parameter: 'messages'."},
    {"/v1/responses", "{\"input\":\"x\"}", CHAT_MISSING, "model", "Missing required parameter: 'model'."},
    {CHAT, "{\"model\":7,\"messages\":[]}", CHAT_BAD_TYPE, "model",
     "Invalid type for 'model': expected a string, but got a number instead."},
    {CHAT, "{\"model\":null,\"messages\":[]}", CHAT_BAD_TYPE, "model",
     "Invalid type for 'model': expected a string, but got null instead."},
    {CHAT, "{\"model\":\"\",\"messages\":[]}", CHAT_BAD_TYPE, "model",
     "Invalid 'model': expected a name of 1 to 255 bytes without control characters."},
    {CHAT, "{\"model\":\"a\\u0000b\",\"messages\":[]}", CHAT_BAD_TYPE, "model",
     "Invalid 'model': expected a name of 1 to 255 bytes without control characters."},
    {CHAT, "{\"model\":\"a\\u007f\",\"messages\":[]}", CHAT_BAD_TYPE, "model",
     "Invalid 'model': expected a name of 1 to 255 bytes without control characters."},
    {CHAT, "{\"model\":\"a\\r\\nX: y\",\"messages\":[]}", CHAT_BAD_TYPE, "model",
     "Invalid 'model': expected a name of 1 to 255 bytes without control characters."},
    {CHAT, "{\"model\":\"m\",\"messages\":\"hi\"}", CHAT_BAD_TYPE, "messages",
     "Invalid type for 'messages': expected an array of objects, but got a string instead."},
    {CHAT, "{\"model\":\"m\",\"messages\":{}}", CHAT_BAD_TYPE, "messages",
     "Invalid type for 'messages': expected an array of objects, but got an object instead."},
    {FIM, "{\"model\":\"m\",\"prompt\":null}", CHAT_BAD_TYPE, "prompt",
     "Invalid type for 'prompt': expected a string or an array, but got null instead."},
    {EMBED, "{\"model\":\"m\",\"input\":null}", CHAT_BAD_TYPE, "input",
     "Invalid type for 'input': expected a string or an array, but got null instead."},
    {CHAT, "{\"model\":\"m\",\"messages\":[],\"stream\":\"true\"}", CHAT_BAD_TYPE, "stream",
     "Invalid type for 'stream': expected a boolean, but got a string instead."},
    {CHAT, "{\"model\":\"m\",\"messages\":[],\"stream\":[]}", CHAT_BAD_TYPE, "stream",
     "Invalid type for 'stream': expected a boolean, but got an array instead."},
    {CHAT, "{\"model\":\"m\",\n \"messages\":[],}", CHAT_BAD_JSON, NULL,
     "We could not parse the JSON body of your request: unexpected byte at line 2, column 16 (byte 29)."},
    {CHAT, "", CHAT_BAD_JSON, NULL, "We could not parse the JSON body of your request: nothing but white space."},
    {CHAT, "[]", CHAT_BAD_JSON, NULL,
     "We could not parse the JSON body of your request: the top level is not an object at line 1, column 1 (byte 0)."},
};

START_TEST(bad_bodies)
{
    struct chat_request r;
    struct buf message = {0};
    const char *param;
    enum chat_error error = chat_read(&r, at(bad[_i].path), text_of(bad[_i].body), &message, &param);
    struct text said = buf_text(&message);
    ck_assert_msg(text_is(said, bad[_i].message), "%s: " TEXT_FORMAT, bad[_i].body, TEXT_ARGS(said));
    ck_assert_int_eq(error, bad[_i].error);
    ck_assert_pstr_eq(param, bad[_i].param);
    buf_free(&message);
}
END_TEST

/* Other mistakes in the JSON: whatever the sentence, it is refused and says where. */
static const char *const broken[] = {
    "{\"model\":\"m\",\"messages\":[]",
    "{\"model\":\"m\",\"messages\":[]} x",
    "{\"model\":\"m\",\"model\":\"n\",\"messages\":[]}",
    "{\"model\":\"m\",\"messages\":[],\"stream_options\":null,\"stream_options\":null}",
    "{\"model\":\"m\",\"mod\\u0065l\":\"n\",\"messages\":[]}",
    "{\"model\":\"\xFF\",\"messages\":[]}",
    "{\"model\":\"m\",\"messages\":[01]}",
    "{'model':'m'}",
    "\xEF\xBB\xBF{\"model\":\"m\",\"messages\":[]}",
    "7",
    "null",
    "\"x\"",
    "{\"model\":\"a\nb\",\"messages\":[]}",
};

START_TEST(broken_json)
{
    struct chat_request r;
    struct buf message = {0};
    const char *param;
    ck_assert_int_eq(chat_read(&r, at(CHAT), text_of(broken[_i]), &message, &param), CHAT_BAD_JSON);
    ck_assert(text_find(buf_text(&message), TEXT("at line ")) < buf_len(&message));
    ck_assert_ptr_null(param);
    buf_free(&message);
}
END_TEST

START_TEST(length_of_the_model)
{
    for (int n = CHAT_MODEL_MAX - 2; n <= CHAT_MODEL_MAX + 1; n++) {
        struct chat_request r;
        struct buf message = {0}, body = {0};
        const char *param;
        buf_printf(&body, "{\"model\":\"%0*d\",\"messages\":[]}", n, 7);
        bool fits = n < CHAT_MODEL_MAX;
        ck_assert_int_eq(chat_read(&r, at(CHAT), buf_text(&body), &message, &param), fits ? CHAT_FINE : CHAT_BAD_TYPE);
        ck_assert_uint_eq(strlen(r.model), fits ? (size_t)n : 0);
        buf_free(&message);
        buf_free(&body);
    }
}
END_TEST

/* ---- the class ---- */

static const struct {
    const char *member;
    enum conf_priority priority;
} tiers[] = {
    {"\"service_tier\":\"priority\"", PRIORITY_P1},
    {"\"service_tier\":\"default\"", PRIORITY_P2},
    {"\"service_tier\":\"flex\"", PRIORITY_P3},
    {"\"service_tier\":\"fle\\u0078\"", PRIORITY_P3},
    {"\"service_tier\":\"auto\"", PRIORITY_COUNT},
    {"\"service_tier\":\"Flex\"", PRIORITY_COUNT},
    {"\"service_tier\":null", PRIORITY_COUNT},
    {"\"service_tier\":1", PRIORITY_COUNT},
    {"\"service_tier\":[\"flex\"]", PRIORITY_COUNT},
    {"\"service_tier\":\"a name that is much too long for any tier\"", PRIORITY_COUNT},
    {"\"x\":{\"service_tier\":\"flex\"}", PRIORITY_COUNT},
};

START_TEST(service_tiers)
{
    struct chat_request r;
    struct buf message = {0}, body = {0};
    const char *param;
    buf_printf(&body, "{\"model\":\"m\",\"messages\":[],%s}", tiers[_i].member);
    ck_assert_int_eq(chat_read(&r, at(CHAT), buf_text(&body), &message, &param), CHAT_FINE);
    ck_assert_int_eq(chat_priority(&r), tiers[_i].priority);
    buf_free(&body);
}
END_TEST

START_TEST(unread_bodies_ask_for_no_class)
{
    struct chat_request r = {0};
    ck_assert_int_eq(chat_priority(&r), PRIORITY_COUNT);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, good_bodies, 0, COUNT(good));
    tcase_add_loop_test(tests, bad_bodies, 0, COUNT(bad));
    tcase_add_loop_test(tests, broken_json, 0, COUNT(broken));
    tcase_add_test(tests, length_of_the_model);
    tcase_add_loop_test(tests, service_tiers, 0, COUNT(tiers));
    tcase_add_test(tests, unread_bodies_ask_for_no_class);
}

TEST_MAIN_ADDING("chat", add_tests)
