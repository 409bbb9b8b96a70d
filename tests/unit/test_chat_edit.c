/* What an upstream is sent: tables of bodies and changes, each with the body that comes out. */
#include "chat_test.h"

/* ---- the model ---- */

static const struct {
    const char *path, *body, *name, *thinking, *sent; /* name NULL = no map row */
} maps[] = {
    {CHAT, "{\"model\":\"m\",\"messages\":[]}", NULL, NULL, "{\"model\":\"m\",\"messages\":[]}"},
    {CHAT, "{\"model\":\"m\",\"messages\":[]}", "m", NULL, "{\"model\":\"m\",\"messages\":[]}"},
    {CHAT, "{\"model\":\"m\",\"messages\":[]}", "*", NULL, "{\"model\":\"m\",\"messages\":[]}"},
    {CHAT, " { \"x\":1.0, \"model\" : \"m\" ,\"messages\":[]}\n", "a/B", NULL,
     " { \"x\":1.0, \"model\" : \"a/B\" ,\"messages\":[]}\n"},
    {CHAT, "{\"messages\":[],\"model\":\"m\"}", "q\"\\\n", NULL, "{\"messages\":[],\"model\":\"q\\\"\\\\\\n\"}"},
    {CHAT, "{\"model\":\"\\u006d\",\"messages\":[]}", "m", NULL, "{\"model\":\"\\u006d\",\"messages\":[]}"},
    {CHAT, "{\"model\":\"m\",\"messages\":[]}", "n", "disabled",
     "{\"model\":\"n\",\"thinking\":{\"type\":\"disabled\"},\"messages\":[]}"},
    {CHAT, "{\"messages\":[],\"model\":\"m\"}", "*", "enabled",
     "{\"messages\":[],\"model\":\"m\",\"thinking\":{\"type\":\"enabled\"}}"},
    {CHAT, "{\"model\":\"m\",\"messages\":[],\"thinking\":{\"type\":\"enabled\"}}", "n", "disabled",
     "{\"model\":\"n\",\"messages\":[],\"thinking\":{\"type\":\"enabled\"}}"},
    {CHAT, "{\"model\":\"m\",\"messages\":[],\"thinking\":null}", "m", "disabled",
     "{\"model\":\"m\",\"messages\":[],\"thinking\":null}"},
    {FIM, "{\"model\":\"m\",\"prompt\":\"x\"}", "n", "disabled", "{\"model\":\"n\",\"prompt\":\"x\"}"},
    {"/v1/files", "a,b\n", "n", "disabled", "a,b\n"},
};

START_TEST(pieces)
{
    char *name = maps[_i].name ? strdup(maps[_i].name) : NULL,
         *thinking = maps[_i].thinking ? strdup(maps[_i].thinking) : NULL;
    struct conf_model model = {.name = name, .thinking = thinking};
    check(maps[_i].path, maps[_i].body, &(struct chat_changes){.model = name ? &model : NULL}, maps[_i].sent);
    free(name);
    free(thinking);
}
END_TEST

/* A fallback's name; row: what the upstream calls it, NULL: there is no row. */
static const struct {
    const char *fallback, *row, *sent;
} fallbacks[] = {
    {"f", NULL, "{\"model\":\"f\",\"messages\":[]}"},      {"f", "*", "{\"model\":\"f\",\"messages\":[]}"},
    {"f", "up/f", "{\"model\":\"up/f\",\"messages\":[]}"}, {"f", "\\m", "{\"model\":\"\\\\m\",\"messages\":[]}"},
    {"f", "m", "{\"model\":\"m\",\"messages\":[]}"},       {"m", "*", "{\"model\":\"m\",\"messages\":[]}"},
};

START_TEST(fallback_models)
{
    char *row = fallbacks[_i].row ? strdup(fallbacks[_i].row) : NULL;
    struct conf_model model = {.name = row};
    struct chat_changes changes = {.model = row ? &model : NULL, .name = fallbacks[_i].fallback};
    check(CHAT, "{\"model\":\"m\",\"messages\":[]}", &changes, fallbacks[_i].sent);
    free(row);
}
END_TEST

/* Long bodies are never copied. */
START_TEST(pieces_point_into_the_body)
{
    const char *body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"…\"}]}";
    struct chat_request r = read_chat(CHAT, body);
    struct buf extra = {0};
    struct iovec iov[CHAT_PIECES];
    size_t total;
    char name[] = "n";
    struct conf_model model = {.name = name};
    ck_assert_int_eq(chat_pieces(&r, &(struct chat_changes){.model = &model}, &extra, iov, &total), 3);
    ck_assert_ptr_eq(iov[0].iov_base, body);
    ck_assert_ptr_eq(iov[1].iov_base, extra.data);
    ck_assert_ptr_eq(iov[2].iov_base, body + 12);
    ck_assert_int_eq(chat_pieces(&r, &(struct chat_changes){0}, &extra, iov, &total), 1);
    ck_assert_ptr_eq(iov[0].iov_base, body);
    ck_assert_uint_eq(total, strlen(body));
    buf_free(&extra);
}
END_TEST

/* ---- the stream ---- */

#define USAGE "\"stream_options\":{\"include_usage\":true}"

static const struct {
    const char *body, *sent; /* NULL: it can't be done */
} streams[] = {
    {"{\"model\":\"m\",\"messages\":[]}", "{\"model\":\"m\",\"stream\":true," USAGE ",\"messages\":[]}"},
    {"{\"messages\":[],\"model\":\"m\"}", "{\"messages\":[],\"model\":\"m\",\"stream\":true," USAGE "}"},
    {"{\"stream\":false,\"model\":\"m\",\"messages\":[]}",
     "{\"stream\":true,\"model\":\"m\"," USAGE ",\"messages\":[]}"},
    {"{\"model\":\"m\",\"messages\":[],\"stream\" : null }",
     "{\"model\":\"m\"," USAGE ",\"messages\":[],\"stream\" : true }"},
    {"{\"model\":\"m\",\"messages\":[],\"str\\u0065am\":false}",
     "{\"model\":\"m\"," USAGE ",\"messages\":[],\"str\\u0065am\":true}"},
    {"{\"model\":\"m\",\"messages\":[],\"stream\":true}",
     "{\"model\":\"m\"," USAGE ",\"messages\":[],\"stream\":true}"},
    {"{\"stream_options\":null,\"model\":\"m\",\"messages\":[]}",
     "{" USAGE ",\"model\":\"m\",\"stream\":true,\"messages\":[]}"},
    {"{\"model\":\"m\",\"messages\":[],\"stream_options\":\"x\"}", NULL}, /* a mistake, for the upstream to tell */
    {"{\"model\":\"m\",\"messages\":[],\"stream_options\":{}}", NULL},
    {"{\"model\":\"m\",\"messages\":[],\"stream_options\":{\"include_usage\":true}}", NULL},
};

START_TEST(plain_calls_become_streams)
{
    check(CHAT, streams[_i].body, &(struct chat_changes){.stream = true}, streams[_i].sent);
}
END_TEST

START_TEST(new_members_follow_the_new_name)
{
    char name[] = "n", thinking[] = "disabled";
    struct conf_model model = {.name = name, .thinking = thinking};
    check(CHAT, "{\"model\":\"m\",\"messages\":[]}", &(struct chat_changes){.model = &model, .stream = true},
          "{\"model\":\"n\",\"thinking\":{\"type\":\"disabled\"},\"stream\":true," USAGE ",\"messages\":[]}");
}
END_TEST

/* ---- what is for the gateway alone ---- */

#define NO_STORE "{\"no-store\":true}"
#define PLAIN    "{\"model\":\"m\",\"messages\":[]}"
#define BUSY     "{\"model\":\"n\",\"stream\":true," USAGE ",\"messages\":[]}"

/* Without another change, and with many. */
static const struct {
    const char *body, *plain, *busy;
} cuts[] = {
    {"{\"cache\":" NO_STORE ",\"model\":\"m\",\"messages\":[]}", PLAIN, BUSY},
    {"{\"model\":\"m\",\"cache\":" NO_STORE ",\"messages\":[]}", PLAIN, BUSY},
    {"{\"model\":\"m\",\"messages\":[],\"cache\":" NO_STORE "}", PLAIN, BUSY},
    {"{\"model\":\"m\",\"messages\":[],\"cache\":null}", PLAIN, BUSY},
    {"{\"model\":\"m\",\"messages\":[],\"cache\":{}}", PLAIN, BUSY},
    {"{\"model\":\"m\",\"messages\":[],\"c\\u0061che\":{\"namespace\":\"},:\\\"\"}}", PLAIN, BUSY},
    {"{ \"cache\" : {} , \"model\":\"m\",\"messages\":[]}", "{  \"model\":\"m\",\"messages\":[]}",
     "{  \"model\":\"n\",\"stream\":true," USAGE ",\"messages\":[]}"},
    {"{\"model\":\"m\" ,\n\t\"cache\"\r : {} ,\"messages\":[]}", "{\"model\":\"m\"  ,\"messages\":[]}",
     "{\"model\":\"n\",\"stream\":true," USAGE "  ,\"messages\":[]}"},
    {"{\"stream\":false,\"cache\":{},\"stream_options\":null,\"model\":\"m\",\"messages\":[]}",
     "{\"stream\":false,\"stream_options\":null,\"model\":\"m\",\"messages\":[]}",
     "{\"stream\":true," USAGE ",\"model\":\"n\",\"messages\":[]}"},
    /* it is another one's */
    {"{\"model\":\"m\",\"messages\":[{\"cache\":1}]}", "{\"model\":\"m\",\"messages\":[{\"cache\":1}]}",
     "{\"model\":\"n\",\"stream\":true," USAGE ",\"messages\":[{\"cache\":1}]}"},
};

START_TEST(the_cache_is_cut_out)
{
    check(CHAT, cuts[_i].body, &(struct chat_changes){0}, cuts[_i].plain);
    check(CHAT, cuts[_i].body, &(struct chat_changes){.name = "n", .stream = true}, cuts[_i].busy);
}
END_TEST

/* New members stand behind the model's name, and they have none. */
START_TEST(unread_bodies_do_not_change)
{
    struct transcript t;
    speak(&t, FAMILY_CHAT, "a", "");
    check("/v1/files", HEAD "]}", &(struct chat_changes){.name = "n"}, HEAD "]}");
    check("/v1/files", HEAD "]}", &(struct chat_changes){.stream = true}, NULL);
    check("/v1/files", HEAD "]}", &(struct chat_changes){.sent = &t, .dialect = DIALECT_DEEPSEEK}, NULL);
    forget(&t);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, pieces, 0, COUNT(maps));
    tcase_add_loop_test(tests, fallback_models, 0, COUNT(fallbacks));
    tcase_add_test(tests, pieces_point_into_the_body);
    tcase_add_loop_test(tests, plain_calls_become_streams, 0, COUNT(streams));
    tcase_add_test(tests, new_members_follow_the_new_name);
    tcase_add_loop_test(tests, the_cache_is_cut_out, 0, COUNT(cuts));
    tcase_add_test(tests, unread_bodies_do_not_change);
}

TEST_MAIN_ADDING("chat_edit", add_tests)
