#include "provider.h"

/* NIM is vLLM in a container; whether it goes on from given texts is not told. */
static const struct provider rows[] = {
    {"deepseek", RESUME_BETA_PREFIX, .resumes_reasoning = true},
    {"openai", RESUME_NONE, .usage_separate = true},
    {"ark", RESUME_NONE, .usage_separate = true},
    {"dashscope", RESUME_NONE, .usage_separate = true},
    {"tencent", RESUME_NONE},
    {"huawei", RESUME_PREFIX, .errors = ERROR_HUAWEI},
    {"qianfan", RESUME_NONE},
    {"siliconflow", RESUME_TEXT, .errors = ERROR_FLAT_CODE},
    {"openrouter", RESUME_NONE, .reasoning_field = true, .usage_separate = true, .errors = ERROR_INTEGER_CODE},
    {"together", RESUME_NONE},
    {"fireworks", RESUME_NONE},
    {"azure", RESUME_NONE, .usage_separate = true},
    {"nim", RESUME_NONE, .has_template = true, .reasoning_field = true, .usage_separate = true,
     .errors = ERROR_INTEGER_CODE},
    {"vllm", RESUME_FINAL_MESSAGE, .forbids_prompt = true, .has_template = true, .reasoning_field = true,
     .usage_separate = true, .errors = ERROR_INTEGER_CODE},
    {"sglang", RESUME_FINAL_MESSAGE, .has_template = true, .usage_separate = true, .errors = ERROR_FLAT_OBJECT},
    {"llamacpp", RESUME_TRAILING, .has_template = true, .usage_separate = true, .errors = ERROR_INTEGER_CODE},
    {"ollama", RESUME_NONE, .reasoning_field = true, .usage_separate = true},
};

const struct provider *provider_rows(size_t *count)
{
    *count = sizeof rows / sizeof *rows;
    return rows;
}

const struct provider *provider_find(struct text name)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (text_is(name, rows[i].name)) return &rows[i];
    return NULL;
}
