/* What is known of the providers, one row each. `plain_streams` is a claim that tests must back: see dialect.h. */
#include "dsgate/llm/dialect.h"

/* clang-format off */
static const struct dialect_row rows[DIALECT_COUNT] = {
    /*                       how it goes on          reasoning too, by this name plain streams */
    [DIALECT_OPENAI]      = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_DEEPSEEK]    = {CONTINUE_BETA_PREFIX,   true,  "reasoning_content", true},
    [DIALECT_ARK]         = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_DASHSCOPE]   = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_TENCENT]     = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_HUAWEI]      = {CONTINUE_PREFIX,        false, "reasoning_content", false},
    [DIALECT_QIANFAN]     = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_SILICONFLOW] = {CONTINUE_TEXT,          false, "reasoning_content", false},
    [DIALECT_OPENROUTER]  = {CONTINUE_NONE,          false, "reasoning",         false},
    [DIALECT_TOGETHER]    = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_FIREWORKS]   = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_AZURE]       = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_NIM]         = {CONTINUE_NONE,          false, "reasoning_content", false},
    [DIALECT_VLLM]        = {CONTINUE_FINAL_MESSAGE, false, "reasoning",         false},
    [DIALECT_SGLANG]      = {CONTINUE_FINAL_MESSAGE, false, "reasoning_content", false},
    [DIALECT_LLAMACPP]    = {CONTINUE_TRAILING,      false, "reasoning_content", false},
    [DIALECT_OLLAMA]      = {CONTINUE_NONE,          false, "reasoning",         false},
};
/* clang-format on */

const struct dialect_row *dialect_row(enum conf_dialect d) { return &rows[d]; }
