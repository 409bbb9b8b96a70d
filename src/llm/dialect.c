/* What is known of the providers, one row each. `plain_streams` is a claim that tests must back: see dialect.h.
 *
 * Of temperature: OpenAI's thinking models refuse it, and vLLM, SGLang, llama.cpp and Ollama sample as they are told.
 * DeepSeek ignores it in thinking mode; the others serve its models, and nobody says what they do. */
#include "dsgate/llm/dialect.h"

/* clang-format off */
static const struct dialect_row rows[DIALECT_COUNT] = {
    /*                       how it goes on          reasoning too, by this name plain streams, temperature */
    [DIALECT_OPENAI]      = {CONTINUE_NONE,          false, "reasoning_content", false,        true},
    [DIALECT_DEEPSEEK]    = {CONTINUE_BETA_PREFIX,   true,  "reasoning_content", true,         false},
    [DIALECT_ARK]         = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_DASHSCOPE]   = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_TENCENT]     = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_HUAWEI]      = {CONTINUE_PREFIX,        false, "reasoning_content", false,        false},
    [DIALECT_QIANFAN]     = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_SILICONFLOW] = {CONTINUE_TEXT,          false, "reasoning_content", false,        false},
    [DIALECT_OPENROUTER]  = {CONTINUE_NONE,          false, "reasoning",         false,        false},
    [DIALECT_TOGETHER]    = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_FIREWORKS]   = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_AZURE]       = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_NIM]         = {CONTINUE_NONE,          false, "reasoning_content", false,        false},
    [DIALECT_VLLM]        = {CONTINUE_FINAL_MESSAGE, false, "reasoning",         false,        true},
    [DIALECT_SGLANG]      = {CONTINUE_FINAL_MESSAGE, false, "reasoning_content", false,        true},
    [DIALECT_LLAMACPP]    = {CONTINUE_TRAILING,      false, "reasoning_content", false,        true},
    [DIALECT_OLLAMA]      = {CONTINUE_NONE,          false, "reasoning",         false,        true},
};
/* clang-format on */

const struct dialect_row *dialect_row(enum conf_dialect d) { return &rows[d]; }
