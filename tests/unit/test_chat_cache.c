/* What a body says about the cache, and what of it decides whether its answer may be given again. */
#include "chat_test.h"
#include "dsgate/llm/chat_cache.h"

#define MESSAGES  "/v1/messages"
#define RESPONSES "/v1/responses"
#define EMBED     "/v1/embeddings"

/* ---- wishes ---- */

#define LONGEST (((usec_t)1 << 31) * USEC_PER_SEC)
#define NOTHING false, false, USEC_NEVER, 0, ""

static const struct {
    const char *cache;
    bool no_cache, no_store;
    usec_t max_age, ttl;
    const char *space;
} wishes[] = {
    {"null", NOTHING},
    {"{}", NOTHING},
    {"{\"no-cache\":false,\"no-store\":false,\"use-cache\":true,\"type\":\"redis\"}", NOTHING},
    {"{\"ttl\":null,\"s-maxage\":null,\"no-cache\":null,\"no-store\":null,\"namespace\":null}", NOTHING},
    {"{\"no-cache\":true}", true, false, USEC_NEVER, 0, ""},
    {"{\"no-store\":true}", false, true, USEC_NEVER, 0, ""},
    {"{\"n\\u006f-cache\":true}", true, false, USEC_NEVER, 0, ""},
    {"{\"ttl\":60}", false, false, USEC_NEVER, 60 * USEC_PER_SEC, ""},
    {"{\"ttl\":0.25}", false, false, USEC_NEVER, 250 * USEC_PER_MS, ""},
    {"{\"ttl\":6e1}", false, false, USEC_NEVER, 60 * USEC_PER_SEC, ""},
    {"{\"ttl\":1e300}", false, false, USEC_NEVER, LONGEST, ""},
    {"{\"ttl\":0}", false, true, USEC_NEVER, 0, ""},
    {"{\"ttl\":1e-9}", false, true, USEC_NEVER, 0, ""},
    {"{\"s-maxage\":600}", false, false, 600 * USEC_PER_SEC, 0, ""},
    {"{\"s-max-age\":600}", false, false, 600 * USEC_PER_SEC, 0, ""},
    {"{\"s-max-age\":600,\"s-maxage\":0}", false, false, 0, 0, ""},
    {"{\"s-max-age\":5,\"s-maxage\":6}", false, false, 5 * USEC_PER_SEC, 0, ""},
    {"{\"namespace\":\"\"}", NOTHING},
    {"{\"namespace\":\"a\\u002fb \xE4\xB8\xAD\"}", false, false, USEC_NEVER, 0, "a/b \xE4\xB8\xAD"},
    {"{\"ttl\":1,\"s-maxage\":2,\"no-cache\":true,\"no-store\":true,\"namespace\":\"x\"}", true, true, 2 * USEC_PER_SEC,
     USEC_PER_SEC, "x"},
};

START_TEST(what_is_asked_for)
{
    struct buf body = {0}, message = {0};
    struct chat_cache c;
    buf_printf(&body, HEAD "],\"cache\":%s}", wishes[_i].cache);
    buf_append(&body, "", 1);
    struct chat_request r = read_chat(CHAT, body.data);
    ck_assert_int_eq(chat_cache_read(&r, &c, &message), CHAT_FINE);
    ck_assert(c.no_cache == wishes[_i].no_cache);
    ck_assert(c.no_store == wishes[_i].no_store);
    ck_assert_int_eq(c.max_age, wishes[_i].max_age);
    ck_assert_int_eq(c.ttl, wishes[_i].ttl);
    ck_assert_str_eq(c.space, wishes[_i].space);
    ck_assert_uint_eq(buf_len(&message), 0);
    buf_free(&body);
}
END_TEST

START_TEST(nothing_is_asked_for)
{
    struct chat_request r = read_chat(CHAT, HEAD "]}");
    struct buf message = {0};
    struct chat_cache c;
    ck_assert_int_eq(chat_cache_read(&r, &c, &message), CHAT_FINE);
    ck_assert(!c.no_cache && !c.no_store && c.max_age == USEC_NEVER && c.ttl == 0 && c.space[0] == '\0');
}
END_TEST

static const struct {
    const char *cache, *message;
} mistakes[] = {
    {"true", "Invalid type for 'cache': expected an object, but got a boolean instead."},
    {"\"no-cache\"", "Invalid type for 'cache': expected an object, but got a string instead."},
    {"[]", "Invalid type for 'cache': expected an object, but got an array instead."},
    {"{\"ttl\":\"60\"}", "Invalid type for 'cache.ttl': expected a number of seconds, but got a string instead."},
    {"{\"ttl\":true}", "Invalid type for 'cache.ttl': expected a number of seconds, but got a boolean instead."},
    {"{\"s-maxage\":{}}",
     "Invalid type for 'cache.s-maxage': expected a number of seconds, but got an object instead."},
    {"{\"s-max-age\":\"1\"}",
     "Invalid type for 'cache.s-max-age': expected a number of seconds, but got a string instead."},
    {"{\"no-cache\":1}", "Invalid type for 'cache.no-cache': expected a boolean, but got a number instead."},
    {"{\"no-store\":\"true\"}", "Invalid type for 'cache.no-store': expected a boolean, but got a string instead."},
    {"{\"namespace\":7}", "Invalid type for 'cache.namespace': expected a string, but got a number instead."},
    {"{\"ttl\":-1}", "Invalid 'cache.ttl': expected a number of seconds, 0 or more."},
    {"{\"ttl\":1e999}", "Invalid 'cache.ttl': expected a number of seconds, 0 or more."},
    {"{\"s-maxage\":-0.1}", "Invalid 'cache.s-maxage': expected a number of seconds, 0 or more."},
    {"{\"namespace\":\"a\\u0000b\"}",
     "Invalid 'cache.namespace': expected at most 255 bytes without control characters."},
    {"{\"namespace\":\"a\\nb\"}", "Invalid 'cache.namespace': expected at most 255 bytes without control characters."},
};

START_TEST(mistakes_are_told)
{
    struct buf body = {0}, message = {0};
    struct chat_request r;
    const char *param;
    buf_printf(&body, HEAD "],\"cache\":%s}", mistakes[_i].cache);
    enum chat_error error = chat_read(&r, endpoint_find(TEXT(CHAT)), buf_text(&body), &message, &param);
    ck_assert_int_eq(error, CHAT_BAD_TYPE);
    ck_assert_msg(text_is(buf_text(&message), mistakes[_i].message), TEXT_FORMAT, TEXT_ARGS(buf_text(&message)));
    ck_assert_str_eq(param, "cache");
    buf_free(&body);
    buf_free(&message);
}
END_TEST

START_TEST(length_of_a_namespace)
{
    for (int n = CHAT_SPACE_MAX - 2; n <= CHAT_SPACE_MAX + 1; n++) {
        struct buf body = {0}, message = {0};
        struct chat_request r;
        const char *param;
        buf_printf(&body, HEAD "],\"cache\":{\"namespace\":\"%0*d\"}}", n, 7);
        enum chat_error error = chat_read(&r, endpoint_find(TEXT(CHAT)), buf_text(&body), &message, &param);
        ck_assert_int_eq(error, n < CHAT_SPACE_MAX ? CHAT_FINE : CHAT_BAD_TYPE);
        buf_free(&body);
        buf_free(&message);
    }
}
END_TEST

/* ---- temperature and seed ---- */

static struct chat_traits traits_of(const char *path, const char *members)
{
    struct buf body = {0};
    buf_printf(&body, "{\"model\":\"m\",\"messages\":[],\"input\":\"\"%s%s}", *members ? "," : "", members);
    buf_append(&body, "", 1);
    struct chat_request r = read_chat(path, body.data);
    struct chat_traits t = chat_traits(&r, endpoint_find(text_of(path))->family);
    buf_free(&body);
    return t;
}

static const struct {
    const char *members;
    bool zero, seed;
} promises[] = {
    {"", false, false},
    {"\"temperature\":0", true, false},
    {"\"temperature\":0.0", true, false},
    {"\"temperature\":-0", true, false},
    {"\"temperature\":0e5", true, false},
    {"\"temperature\":0.01", false, false},
    {"\"temperature\":1", false, false},
    {"\"temperature\":null", false, false},
    {"\"temperature\":\"0\"", false, false},
    {"\"temperature\":false", false, false},
    {"\"seed\":7", false, true},
    {"\"seed\":-1.5", false, true},
    {"\"seed\":null", false, false},
    {"\"seed\":\"7\"", false, false},
    {"\"seed\":0,\"temperature\":0", true, true},
    {"\"x\":{\"seed\":0,\"temperature\":0}", false, false},
};

START_TEST(what_is_promised)
{
    struct chat_traits t = traits_of(CHAT, promises[_i].members);
    ck_assert(t.zero_temperature == promises[_i].zero);
    ck_assert(t.has_seed == promises[_i].seed);
}
END_TEST

/* ---- thinking ---- */

static const struct {
    const char *members;
    enum chat_thinking thinking;
} thoughts[] = {
    {"", THINKING_UNSAID},
    {"\"thinking\":{\"type\":\"disabled\"}", THINKING_OFF},
    {"\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":9}", THINKING_ON},
    {"\"thinking\":{\"type\":\"adaptive\"}", THINKING_ON},
    {"\"thinking\":{}", THINKING_ON},
    {"\"thinking\":\"disabled\"", THINKING_ON},
    {"\"thinking\":false", THINKING_ON},
    {"\"thinking\":null", THINKING_UNSAID},
    {"\"enable_thinking\":false", THINKING_OFF},
    {"\"enable_thinking\":true", THINKING_ON},
    {"\"enable_thinking\":null", THINKING_UNSAID},
    {"\"enable_thinking\":\"false\"", THINKING_ON},
    {"\"chat_template_kwargs\":{\"thinking\":false}", THINKING_OFF},
    {"\"chat_template_kwargs\":{\"enable_thinking\":false}", THINKING_OFF},
    {"\"chat_template_kwargs\":{\"thinking\":true}", THINKING_ON},
    {"\"chat_template_kwargs\":{\"thinking\":false,\"enable_thinking\":true}", THINKING_ON},
    {"\"chat_template_kwargs\":{\"x\":1}", THINKING_UNSAID},
    {"\"chat_template_kwargs\":7", THINKING_UNSAID},
    {"\"reasoning_effort\":\"none\"", THINKING_OFF},
    {"\"reasoning_effort\":\"minimal\"", THINKING_ON},
    {"\"reasoning_effort\":null", THINKING_UNSAID},
    {"\"reasoning\":{\"effort\":\"none\"}", THINKING_OFF},
    {"\"reasoning\":{\"effort\":\"high\",\"summary\":\"auto\"}", THINKING_ON},
    {"\"reasoning\":{\"enabled\":false}", THINKING_OFF},
    {"\"reasoning\":{\"enabled\":true}", THINKING_ON},
    {"\"reasoning\":{\"summary\":null}", THINKING_UNSAID},
    {"\"reasoning\":{\"max_tokens\":2000}", THINKING_ON},
    {"\"reasoning\":null", THINKING_UNSAID},
    /* who is on, and who is off */
    {"\"thinking\":{\"type\":\"disabled\"},\"reasoning_effort\":\"high\"", THINKING_ON},
    {"\"thinking\":{\"type\":\"enabled\"},\"enable_thinking\":false", THINKING_ON},
    {"\"enable_thinking\":false,\"reasoning_effort\":\"none\"", THINKING_OFF},
    {"\"enable_thinking\":false,\"enable_thinking\":false", THINKING_ON},
};

START_TEST(whether_it_thinks)
{
    struct buf members = {0};
    buf_printf(&members, "\"temperature\":0%s%s", *thoughts[_i].members ? "," : "", thoughts[_i].members);
    buf_append(&members, "", 1);
    ck_assert_msg(traits_of(CHAT, members.data).thinking == thoughts[_i].thinking, "%s", thoughts[_i].members);
    buf_free(&members);
}
END_TEST

START_TEST(legacy_completions_never_think)
{
    struct chat_request r = read_chat(FIM, "{\"model\":\"m\",\"prompt\":\"x\",\"temperature\":0}");
    ck_assert_int_eq(chat_traits(&r, FAMILY_COMPLETION).thinking, THINKING_OFF);
}
END_TEST

/* ---- what else it depends on ---- */

static const struct {
    const char *path, *members;
    bool stored, searches;
} worlds[] = {
    {CHAT, "", false, false},
    {CHAT, "\"tools\":[]", false, false},
    {CHAT, "\"tools\":[{\"type\":\"function\",\"function\":{}},{\"type\":\"custom\"}]", false, false},
    {CHAT, "\"tools\":null,\"web_search_options\":null,\"enable_search\":false,\"plugins\":null", false, false},
    {CHAT, "\"previous_response_id\":\"r\",\"conversation\":\"c\",\"background\":true,\"prompt\":{}", false, false},
    {CHAT, "\"store\":true", false, false},
    {CHAT, "\"tools\":[{\"type\":\"function\"},{\"type\":\"builtin_function\"}]", false, true},
    {CHAT, "\"tools\":[{\"type\":null}]", false, true},
    {CHAT, "\"web_search_options\":{}", false, true},
    {CHAT, "\"enable_search\":true", false, true},
    {CHAT, "\"web_search\":{\"enable\":true}", false, true},
    {CHAT, "\"plugins\":[{\"id\":\"web\"}]", false, true},
    {CHAT, "\"search_parameters\":{}", false, true},
    {CHAT, "\"tools\":[],\"tools\":[]", true, true},
    {MESSAGES, "\"tools\":[{\"name\":\"f\",\"input_schema\":{}}]", false, false},
    {MESSAGES, "\"container\":null,\"prompt\":\"x\"", false, false},
    {MESSAGES, "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"web_search\"}]", false, true},
    {MESSAGES, "\"mcp_servers\":[{}]", false, true},
    {MESSAGES, "\"container\":\"c\"", true, false},
    {RESPONSES, "\"tools\":[{\"type\":\"function\",\"name\":\"f\"}],\"store\":true", false, false},
    {RESPONSES, "\"previous_response_id\":null,\"conversation\":null,\"background\":false,\"prompt\":null", false,
     false},
    {RESPONSES, "\"tools\":[{\"type\":\"file_search\"}]", false, true},
    {RESPONSES, "\"previous_response_id\":\"r\"", true, false},
    {RESPONSES, "\"conversation\":{\"id\":\"c\"}", true, false},
    {RESPONSES, "\"background\":true", true, false},
    {RESPONSES, "\"prompt\":{\"id\":\"p\"}", true, false},
};

START_TEST(what_it_depends_on)
{
    struct buf members = {0};
    buf_printf(&members, "\"seed\":1%s%s", *worlds[_i].members ? "," : "", worlds[_i].members);
    buf_append(&members, "", 1);
    struct chat_traits t = traits_of(worlds[_i].path, members.data);
    ck_assert_msg(t.stored == worlds[_i].stored, "%s", worlds[_i].members);
    ck_assert_msg(t.searches == worlds[_i].searches, "%s", worlds[_i].members);
    buf_free(&members);
}
END_TEST

/* Without a promise nothing else matters, but for what must never be given again. */
START_TEST(what_is_not_looked_for)
{
    struct chat_traits t = traits_of(CHAT, "\"enable_search\":true,\"enable_thinking\":true");
    ck_assert(!t.stored && !t.searches && t.thinking == THINKING_UNSAID);
    t = traits_of(EMBED, "\"tools\":7");
    ck_assert(!t.stored && !t.searches && t.thinking == THINKING_UNSAID);
    ck_assert(traits_of(RESPONSES, "\"background\":true").stored);
    ck_assert(traits_of(MESSAGES, "\"container\":\"c\"").stored);
}
END_TEST

/* ---- whether temperature 0 counts ---- */

static const struct {
    enum conf_dialect dialect;
    const char *row; /* what the row of the model says, NULL: nothing; "": there is no row */
    const char *members;
    bool counts;
} temperatures[] = {
    {DIALECT_DEEPSEEK, "", "", false},
    {DIALECT_DEEPSEEK, NULL, "", false},
    {DIALECT_DEEPSEEK, "enabled", "", false},
    {DIALECT_DEEPSEEK, "disabled", "", true},
    {DIALECT_DEEPSEEK, "disabled", ",\"thinking\":{\"type\":\"enabled\"}", false},
    {DIALECT_DEEPSEEK, "disabled", ",\"thinking\":null", false}, /* then the row does not count */
    {DIALECT_DEEPSEEK, "disabled", ",\"reasoning_effort\":\"high\"", false},
    {DIALECT_DEEPSEEK, "enabled", ",\"thinking\":{\"type\":\"disabled\"}", true},
    {DIALECT_DEEPSEEK, "", ",\"thinking\":{\"type\":\"disabled\"}", true},
    {DIALECT_ARK, "", "", false},
    {DIALECT_ARK, "", ",\"thinking\":{\"type\":\"disabled\"}", true},
    {DIALECT_DASHSCOPE, "", ",\"enable_thinking\":false", true},
    {DIALECT_OPENAI, "", "", true},
    {DIALECT_VLLM, "enabled", ",\"chat_template_kwargs\":{\"thinking\":true}", true},
};

START_TEST(whether_the_temperature_counts)
{
    const char *written = temperatures[_i].row;
    char *thinking = written ? strdup(written) : NULL;
    struct conf_model row = {.thinking = thinking};
    bool has_row = !written || *written;
    struct buf body = {0};
    buf_printf(&body, HEAD "],\"temperature\":0%s}", temperatures[_i].members);
    buf_append(&body, "", 1);
    struct chat_request r = read_chat(CHAT, body.data);
    struct chat_traits t = chat_traits(&r, FAMILY_CHAT);
    ck_assert(chat_temperature_counts(&r, &t, temperatures[_i].dialect, has_row ? &row : NULL) ==
              temperatures[_i].counts);
    buf_free(&body);
    free(thinking);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, what_is_asked_for, 0, COUNT(wishes));
    tcase_add_test(tests, nothing_is_asked_for);
    tcase_add_loop_test(tests, mistakes_are_told, 0, COUNT(mistakes));
    tcase_add_test(tests, length_of_a_namespace);
    tcase_add_loop_test(tests, what_is_promised, 0, COUNT(promises));
    tcase_add_loop_test(tests, whether_it_thinks, 0, COUNT(thoughts));
    tcase_add_test(tests, legacy_completions_never_think);
    tcase_add_loop_test(tests, what_it_depends_on, 0, COUNT(worlds));
    tcase_add_test(tests, what_is_not_looked_for);
    tcase_add_loop_test(tests, whether_the_temperature_counts, 0, COUNT(temperatures));
}

TEST_MAIN_ADDING("chat_cache", add_tests)
