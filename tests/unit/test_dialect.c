/* The table says what the providers' pages say, and nothing where they say nothing. */
#include "../suite.h"
#include "dsgate/llm/dialect.h"

/* Whoever is not here can't go on, or nobody knows how. */
static const struct {
    enum conf_dialect dialect;
    enum continuation continuation;
} goes_on[] = {
    {DIALECT_DEEPSEEK, CONTINUE_BETA_PREFIX}, {DIALECT_HUAWEI, CONTINUE_PREFIX},
    {DIALECT_SILICONFLOW, CONTINUE_TEXT},     {DIALECT_VLLM, CONTINUE_FINAL_MESSAGE},
    {DIALECT_SGLANG, CONTINUE_FINAL_MESSAGE}, {DIALECT_LLAMACPP, CONTINUE_TRAILING},
};

static enum continuation expected(enum conf_dialect d)
{
    for (int i = 0; i < COUNT(goes_on); i++)
        if (goes_on[i].dialect == d) return goes_on[i].continuation;
    return CONTINUE_NONE;
}

START_TEST(how_it_goes_on)
{
    enum conf_dialect d = (enum conf_dialect)_i;
    ck_assert_int_eq(dialect_row(d)->continuation, expected(d));
    ck_assert(dialect_row(d)->continues_reasoning == (d == DIALECT_DEEPSEEK));
}
END_TEST

START_TEST(what_reasoning_is_called)
{
    enum conf_dialect d = (enum conf_dialect)_i;
    bool is_short = d == DIALECT_VLLM || d == DIALECT_OLLAMA || d == DIALECT_OPENROUTER;
    ck_assert_str_eq(dialect_row(d)->reasoning, is_short ? "reasoning" : "reasoning_content");
}
END_TEST

START_TEST(plain_calls_ride_where_it_is_proven)
{
    ck_assert(dialect_row((enum conf_dialect)_i)->plain_streams == (_i == DIALECT_DEEPSEEK));
}
END_TEST

START_TEST(who_heeds_the_temperature_of_thinking_models)
{
    enum conf_dialect d = (enum conf_dialect)_i;
    bool heeds = d == DIALECT_OPENAI || d == DIALECT_VLLM || d == DIALECT_SGLANG || d == DIALECT_LLAMACPP ||
                 d == DIALECT_OLLAMA;
    ck_assert(dialect_row(d)->heeds_temperature == heeds);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, how_it_goes_on, 0, DIALECT_COUNT);
    tcase_add_loop_test(tests, what_reasoning_is_called, 0, DIALECT_COUNT);
    tcase_add_loop_test(tests, plain_calls_ride_where_it_is_proven, 0, DIALECT_COUNT);
    tcase_add_loop_test(tests, who_heeds_the_temperature_of_thinking_models, 0, DIALECT_COUNT);
}

TEST_MAIN_ADDING("dialect", add_tests)
