#include "../suite.h"
#include "dsgate/base/mem.h"
#include "dsgate/llm/chat.h"

#define CHAT      "/v1/chat/completions"
#define MESSAGES  "/v1/messages"
#define RESPONSES "/v1/responses"

static uint64_t conversation(const char *path, const char *body)
{
    struct chat_request r;
    struct buf message = {0};
    const char *param;
    enum chat_error error = chat_read(&r, endpoint_find(text_of(path)), text_of(body), &message, &param);
    ck_assert_msg(error == CHAT_FINE, "%s: " TEXT_FORMAT, body, TEXT_ARGS(buf_text(&message)));
    return chat_conversation(&r);
}

/* ---- the same conversation ---- */

#define SYSTEM    "{\"role\":\"system\",\"content\":\"Be brief.\"}"
#define QUESTION  "{\"role\":\"user\",\"content\":\"Hello\"}"
#define ANSWER    "{\"role\":\"assistant\",\"content\":\"Hi\"},{\"role\":\"user\",\"content\":\"And now?\"}"
#define BODY(...) "{\"model\":\"m\"," __VA_ARGS__ "}"

static const struct {
    const char *path, *one, *other;
} same[] = {
    /* later turns append; what is not the conversation may change */
    {CHAT, BODY("\"messages\":[" SYSTEM "," QUESTION "]"), BODY("\"messages\":[" SYSTEM "," QUESTION "," ANSWER "]")},
    {CHAT, BODY("\"messages\":[" QUESTION "]"), BODY("\"temperature\":1,\"messages\":[ " QUESTION " ,\n" ANSWER "]")},
    /* the cache's mark wanders, and makes a part of a string */
    {MESSAGES,
     BODY("\"system\":[{\"type\":\"text\",\"text\":\"S\"}],\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
          "\"text\",\"text\":\"Hello\",\"cache_control\":{\"type\":\"ephemeral\"}}]}]"),
     BODY("\"system\":\"S\",\"messages\":[{\"role\":\"user\",\"content\":\"Hello\"},"
          "{\"role\":\"assistant\",\"content\":\"Hi\"}]")},
    {MESSAGES,
     BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"data\":\"x\"},"
          "\"cache_control\":{\"type\":\"ephemeral\"}}]}]"),
     BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image\",\"source\":{\"data\":\"x\"}}]}]")},
    {RESPONSES, BODY("\"instructions\":\"I\",\"input\":[" QUESTION "]"),
     BODY("\"instructions\":\"I\",\"input\":[" QUESTION "," ANSWER "]")},
    /* the client's own name wins over what is said */
    {CHAT, BODY("\"prompt_cache_key\":\"k\",\"user\":\"u\",\"messages\":[" QUESTION "]"),
     BODY("\"prompt_cache_key\":\"k\",\"user\":\"v\",\"messages\":[" ANSWER "]")},
    {RESPONSES, BODY("\"conversation\":\"c\",\"user\":\"u\""), BODY("\"conversation\":{\"id\":\"c\"},\"user\":\"v\"")},
    {CHAT, BODY("\"user\":\"u\",\"user_id\":\"x\",\"messages\":[]"), BODY("\"user\":\"u\",\"messages\":[" SYSTEM "]")},
    {CHAT, BODY("\"user_id\":7,\"messages\":[]"), BODY("\"user_id\":7,\"messages\":[" QUESTION "]")},
    {CHAT, BODY("\"safety_identifier\":\"s\",\"messages\":[]"),
     BODY("\"safety_identifier\":\"s\",\"messages\":[" QUESTION "]")},
    {MESSAGES, BODY("\"metadata\":{\"user_id\":\"u\"},\"messages\":[" QUESTION "]"),
     BODY("\"messages\":[" ANSWER "],\"metadata\":{\"x\":1,\"user_id\":\"u\"}")},
    /* names that say nothing */
    {CHAT, BODY("\"user\":\"\",\"user_id\":null,\"metadata\":{},\"messages\":[" QUESTION "]"),
     BODY("\"user\":[\"u\"],\"messages\":[" QUESTION "]")},
    {CHAT, BODY("\"user\":\"u\",\"user\":\"v\",\"messages\":[" QUESTION "]"), BODY("\"messages\":[" QUESTION "]")},
};

START_TEST(the_same_conversation)
{
    uint64_t one = conversation(same[_i].path, same[_i].one), other = conversation(same[_i].path, same[_i].other);
    ck_assert_msg(one != 0, "%s", same[_i].one);
    ck_assert_msg(one == other, "%s\n%s", same[_i].one, same[_i].other);
}
END_TEST

/* ---- different ones ---- */

static const struct {
    const char *path, *one, *other;
} different[] = {
    {CHAT, BODY("\"messages\":[" SYSTEM "," QUESTION "]"), BODY("\"messages\":[" QUESTION "]")},
    {CHAT, BODY("\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]"),
     BODY("\"messages\":[{\"role\":\"user\",\"content\":\"b\"}]")},
    {CHAT, BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"text\":\"b\"}]}]"),
     BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"text\":\"c\"}]}]")},
    {CHAT, BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"image_url\":{\"url\":\"a\"}}]}]"),
     BODY("\"messages\":[{\"role\":\"user\",\"content\":[{\"image_url\":{\"url\":\"b\"}}]}]")},
    {MESSAGES, BODY("\"system\":\"S\",\"messages\":[" QUESTION "]"),
     BODY("\"system\":\"T\",\"messages\":[" QUESTION "]")},
    {RESPONSES, BODY("\"instructions\":\"I\",\"input\":\"x\""), BODY("\"instructions\":\"J\",\"input\":\"x\"")},
    {RESPONSES, BODY("\"input\":\"x\""), BODY("\"input\":\"y\"")},
    {"/v1/completions", BODY("\"prompt\":\"x\""), BODY("\"prompt\":\"y\"")},
    {"/v1/embeddings", BODY("\"input\":[\"x\",\"y\"]"), BODY("\"input\":[\"x\",\"z\"]")},
    {CHAT, BODY("\"prompt_cache_key\":\"k\",\"messages\":[" QUESTION "]"),
     BODY("\"prompt_cache_key\":\"l\",\"messages\":[" QUESTION "]")},
    {CHAT, BODY("\"user\":\"u\",\"messages\":[" QUESTION "]"), BODY("\"user\":\"v\",\"messages\":[" QUESTION "]")},
};

START_TEST(different_conversations)
{
    ck_assert_msg(conversation(different[_i].path, different[_i].one) !=
                      conversation(different[_i].path, different[_i].other),
                  "%s", different[_i].one);
}
END_TEST

START_TEST(nothing_to_go_by)
{
    static const struct chat_request none;
    ck_assert_uint_eq(chat_conversation(&none), 0);
    ck_assert_uint_eq(conversation(RESPONSES, BODY("\"previous_response_id\":\"r\"")), 0);
    ck_assert_uint_eq(conversation("/v1/files", "no JSON"), 0);
}
END_TEST

/* The number is the same in every process: gateways in a row send a conversation to one upstream. */
START_TEST(the_number_is_fixed)
{
    ck_assert_uint_eq(conversation(CHAT, BODY("\"user\":\"u\",\"messages\":[]")), UINT64_C(8325979063982630922));
}
END_TEST

/* ---- how much counts ---- */

/* A system prompt of `before` bytes, and a question of `n` bytes of which the one at `at` is `byte`. */
static uint64_t long_ones(int before, int n, int at, char byte)
{
    struct buf body = {0};
    char *question = mem_alloc((size_t)n);
    memset(question, 'q', (size_t)n);
    question[at] = byte;
    buf_printf(
        &body,
        "{\"model\":\"m\",\"messages\":[{\"role\":\"system\",\"content\":\"%0*d\"},{\"role\":\"user\",\"content\":\"",
        before, 7);
    buf_append(&body, question, (size_t)n);
    BUF_ADD(&body, "\"}]}");
    buf_add_byte(&body, '\0');
    uint64_t number = conversation(CHAT, body.data);
    buf_free(&body);
    mem_free(question);
    return number;
}

/* However long the system prompt that all conversations share, and however long the template around a question. */
START_TEST(both_ends_of_the_first_question_count)
{
    static const struct {
        int before, n, at;
        bool counts;
    } rows[] = {{10, 100, 50, true},     {100000, 100, 50, true},    {10, 5000, 0, true},    {10, 5000, 1000, true},
                {10, 5000, 2500, false}, {10, 5000, 4000, true},     {10, 5000, 4999, true}, {100000, 5000, 4999, true},
                {10, 2046, 1023, true},  {10, 1000000, 999999, true}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t one = long_ones(rows[i].before, rows[i].n, rows[i].at, 'a'),
                 other = long_ones(rows[i].before, rows[i].n, rows[i].at, 'b');
        ck_assert_msg((one != other) == rows[i].counts, "row %zu", i);
    }
}
END_TEST

/* The end of a long system prompt may tell the time. */
START_TEST(the_end_of_a_long_beginning_does_not_count)
{
    struct buf body = {0};
    uint64_t numbers[2];
    for (int i = 0; i < 2; i++) {
        buf_clear(&body);
        buf_printf(&body,
                   BODY("\"messages\":[{\"role\":\"system\",\"content\":\"%03000d It is 12:0%d.\"}," QUESTION "]"), 7,
                   i);
        buf_add_byte(&body, '\0');
        numbers[i] = conversation(CHAT, body.data);
    }
    ck_assert_uint_eq(numbers[0], numbers[1]);
    buf_free(&body);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, the_same_conversation, 0, COUNT(same));
    tcase_add_loop_test(tests, different_conversations, 0, COUNT(different));
    tcase_add_test(tests, nothing_to_go_by);
    tcase_add_test(tests, the_number_is_fixed);
    tcase_add_test(tests, both_ends_of_the_first_question_count);
    tcase_add_test(tests, the_end_of_a_long_beginning_does_not_count);
}

TEST_MAIN_ADDING("chat_conversation", add_tests)
