#include "config_test.h"

static struct config *upstream_of(const char *keys)
{
    char *yaml = mem_printf("upstreams: [{%s}]", keys);
    struct config *c = config_of(yaml);
    mem_free(yaml);
    ck_assert_uint_eq(c->upstream_count, 1);
    return c;
}

static const struct conf_model *model_of(const struct conf_upstream *u, const char *client_name)
{
    for (size_t i = 0; i < u->model_count; i++)
        if (!strcmp(u->models[i].client_name, client_name)) return &u->models[i];
    return NULL;
}

static const char *name_of(const struct conf_upstream *u, const char *client_name)
{
    const struct conf_model *m = model_of(u, client_name);
    return m ? m->name : NULL;
}

/* ---- what the presets say ---- */

static const struct preset {
    const char *name, *base_url;
    enum conf_dialect dialect;
    const char *flash, *pro; /* ids; both NULL: no model list */
} presets[] = {
    {"deepseek", "https://api.deepseek.com", DIALECT_DEEPSEEK, "deepseek-flash", "deepseek-v4-pro"},
    {"openai", "https://api.openai.com/v1", DIALECT_OPENAI, NULL, NULL},
    {"volcengine", "https://ark.cn-beijing.volces.com/api/v3", DIALECT_ARK, "deepseek-v4-flash-ga-260731",
     "deepseek-v4-pro-ga-260813"},
    {"dashscope", "https://dashscope.aliyuncs.com/compatible-mode/v1", DIALECT_DASHSCOPE, "deepseek-v4-flash",
     "deepseek-v4-pro"},
    {"tencent", "https://tokenhub.tencentmaas.com/v1", DIALECT_TENCENT, "deepseek/deepseek-flash", NULL},
    {"huawei", "https://api.modelarts-maas.com/v1", DIALECT_HUAWEI, "deepseek-v4-flash", "deepseek-v4-pro"},
    {"qianfan", "https://qianfan.baidubce.com/v2", DIALECT_QIANFAN, NULL, NULL},
    {"siliconflow", "https://api.siliconflow.cn/v1", DIALECT_SILICONFLOW, "deepseek-ai/DeepSeek-V4-Flash", NULL},
    {"openrouter", "https://openrouter.ai/api/v1", DIALECT_OPENROUTER, "deepseek/deepseek-v4-flash", NULL},
    {"together", "https://api.together.ai/v1", DIALECT_TOGETHER, NULL, "deepseek-ai/DeepSeek-V4-Pro"},
    {"fireworks", "https://api.fireworks.ai/inference/v1", DIALECT_FIREWORKS,
     "accounts/fireworks/models/deepseek-v4-flash", NULL},
    {"nim", "https://integrate.api.nvidia.com/v1", DIALECT_NIM, "deepseek-ai/deepseek-v4-flash", NULL},
    {"vllm", "http://127.0.0.1:8000/v1", DIALECT_VLLM, NULL, NULL},
    {"sglang", "http://127.0.0.1:30000/v1", DIALECT_SGLANG, NULL, NULL},
    {"llamacpp", "http://127.0.0.1:8080/v1", DIALECT_LLAMACPP, NULL, NULL},
    {"ollama", "http://127.0.0.1:11434/v1", DIALECT_OLLAMA, NULL, NULL},
};

static void expect_name(const struct conf_upstream *u, const char *client_name, const char *expected)
{
    const char *name = name_of(u, client_name);
    ck_assert_msg(expected ? name && !strcmp(name, expected) : !name, "%s: %s is %s, not %s", u->name, client_name,
                  name ? name : "missing", expected ? expected : "missing");
}

START_TEST(test_each_preset)
{
    const struct preset *p = &presets[_i];
    char keys[100];
    snprintf(keys, sizeof keys, "preset: %s", p->name);
    struct config *c = upstream_of(keys);
    const struct conf_upstream *u = &c->upstreams[0];
    ck_assert_str_eq(u->name, p->name);
    ck_assert_str_eq(u->preset, p->name);
    ck_assert_str_eq(u->base_url, p->base_url);
    ck_assert_int_eq(u->dialect, p->dialect);
    ck_assert_str_eq(u->auth_header, "authorization");
    ck_assert_ptr_null(u->api_key);
    expect_name(u, "deepseek-flash", p->flash);
    expect_name(u, "deepseek-v4-flash", p->flash);
    expect_name(u, "deepseek-chat", p->flash);
    expect_name(u, "deepseek-reasoner", p->flash);
    expect_name(u, "deepseek-v4-pro", p->pro);
    ck_assert_uint_eq(u->model_count, (p->flash ? 4 : 0) + (p->pro ? 1 : 0));
    config_unref(c);
}
END_TEST

/* Where people look for the names. */
START_TEST(test_each_preset_is_told)
{
    static const char *const files[] = {"README.md", "README.zh-CN.md", "conf/dsgate.reference.yaml"};
    static char bytes[65536];
    for (int i = 0; i < COUNT(files); i++) {
        FILE *in = fopen(files[i], "r");
        ck_assert_ptr_nonnull(in);
        bytes[fread(bytes, 1, sizeof bytes - 1, in)] = '\0';
        fclose(in);
        const char *list = strstr(bytes, i < 2 ? "`deepseek` `openai`" : "One of: deepseek");
        ck_assert_msg(list != NULL, "%s lists no presets", files[i]);
        for (int j = 0; j < COUNT(presets); j++)
            ck_assert_msg(strstr(list, presets[j].name) != NULL, "%s misses %s", files[i], presets[j].name);
    }
}
END_TEST

START_TEST(test_azure)
{
    struct config *c = upstream_of("preset: azure, base_url: 'https://r.openai.azure.com/openai/v1'");
    const struct conf_upstream *u = &c->upstreams[0];
    ck_assert_str_eq(u->auth_header, "api-key");
    ck_assert_int_eq(u->dialect, DIALECT_AZURE);
    ck_assert_str_eq(u->base_path, "/openai/v1");
    ck_assert_uint_eq(u->model_count, 0);
    config_unref(c);
}
END_TEST

START_TEST(test_deepseek_prices_and_thinking)
{
    struct config *c = upstream_of("preset: deepseek");
    const struct conf_upstream *u = &c->upstreams[0];
    const struct conf_model *pro = model_of(u, "deepseek-v4-pro");
    static const char *const flash[] = {"deepseek-flash", "deepseek-v4-flash", "deepseek-chat", "deepseek-reasoner"};
    static const char *const thinking[] = {NULL, NULL, "disabled", "enabled"};
    for (int i = 0; i < COUNT(flash); i++) {
        const struct conf_model *m = model_of(u, flash[i]);
        ck_assert(m->price.cache_hit == 0.003 && m->price.cache_miss == 0.15 && m->price.output == 0.6);
        ck_assert(m->peak_price.cache_hit == 0.006 && m->peak_price.cache_miss == 0.3 && m->peak_price.output == 1.2);
        ck_assert_pstr_eq(m->thinking, thinking[i]);
    }
    ck_assert(pro->price.cache_hit == 0.022 && pro->price.cache_miss == 0.66 && pro->price.output == 1.98);
    ck_assert(pro->peak_price.cache_hit == 0.044 && pro->peak_price.cache_miss == 1.32 &&
              pro->peak_price.output == 3.96);
    ck_assert_ptr_null(pro->thinking);
    config_unref(c);
}
END_TEST

/* ---- the user's keys over a preset's ---- */

static const struct {
    const char *keys, *base_path, *beta, *anthropic, *balance;
} paths[] = {
    {"preset: deepseek", "", "/beta", "/anthropic/v1", "/user/balance"},
    {"preset: deepseek, base_url: 'https://api.deepseek.com/v1'", "/v1", "/beta", "/anthropic/v1", "/user/balance"},
    {"preset: deepseek, base_url: 'http://127.0.0.1:8600'", "", "/beta", "/anthropic/v1", "/user/balance"},
    {"preset: deepseek, base_url: 'http://127.0.0.1:8600/v1'", "/v1", "/beta", "/anthropic/v1", "/user/balance"},
    {"preset: deepseek, base_url: 'http://127.0.0.1:8600/v1/'", "/v1", "/beta", "/anthropic/v1", "/user/balance"},
    {"preset: deepseek, base_url: 'https://p/deepseek/v1'", "/deepseek/v1", "/deepseek/beta", "/deepseek/anthropic/v1",
     "/deepseek/user/balance"},
    {"preset: deepseek, base_url: 'https://p/x/v2'", "/x/v2", "/x/v2/beta", "/x/v2/anthropic/v1", "/x/v2/user/balance"},
    {"preset: deepseek, base_url: 'https://p/x', beta_path: /b, balance_path: ''", "/x", "/b", "/x/anthropic/v1", NULL},
    {"preset: deepseek, beta_path: , anthropic_path: ''", "", "/beta", NULL, "/user/balance"},
    {"name: u, base_url: 'http://h/x/v1', beta_path: /b", "/x/v1", "/b", NULL, NULL},
};

START_TEST(test_paths)
{
    struct config *c = upstream_of(paths[_i].keys);
    const struct conf_upstream *u = &c->upstreams[0];
    ck_assert_str_eq(u->base_path, paths[_i].base_path);
    ck_assert_pstr_eq(u->beta_path, paths[_i].beta);
    ck_assert_pstr_eq(u->anthropic_path, paths[_i].anthropic);
    ck_assert_pstr_eq(u->balance_path, paths[_i].balance);
    config_unref(c);
}
END_TEST

START_TEST(test_override)
{
    struct config *c = upstream_of("name: mine, preset: azure, base_url: 'http://h:81', dialect: vllm, "
                                   "auth_header: authorization, api_key: k");
    const struct conf_upstream *u = &c->upstreams[0];
    ck_assert_str_eq(u->name, "mine");
    ck_assert_str_eq(u->preset, "azure");
    ck_assert_int_eq(u->dialect, DIALECT_VLLM);
    ck_assert_str_eq(u->auth_header, "authorization");
    ck_assert_str_eq(u->api_key, "k");
    ck_assert_str_eq(u->host, "h");
    ck_assert_uint_eq(u->port, 81);
    config_unref(c);
}
END_TEST

START_TEST(test_models_are_laid_over)
{
    struct config *c =
        upstream_of("preset: deepseek, models: {mine: deepseek-v4-pro, deepseek-chat: {thinking: enabled}, '*': '*'}");
    const struct conf_upstream *u = &c->upstreams[0];
    static const char *const order[] = {
        "mine", "deepseek-chat", "*", "deepseek-flash", "deepseek-v4-flash", "deepseek-v4-pro", "deepseek-reasoner"};
    ck_assert_uint_eq(u->model_count, COUNT(order));
    for (int i = 0; i < COUNT(order); i++)
        ck_assert_str_eq(u->models[i].client_name, order[i]);
    ck_assert_str_eq(name_of(u, "mine"), "deepseek-v4-pro");
    ck_assert_str_eq(name_of(u, "deepseek-chat"), "deepseek-chat");
    ck_assert_str_eq(model_of(u, "deepseek-chat")->thinking, "enabled");
    ck_assert(model_of(u, "deepseek-chat")->price.output == 0.0);
    config_unref(c);
}
END_TEST

START_TEST(test_preset_from_a_variable)
{
    setenv("DSGATE_TEST", "ollama", 1);
    struct config *c = upstream_of("preset: '${DSGATE_TEST}'");
    ck_assert_str_eq(c->upstreams[0].base_url, "http://127.0.0.1:11434/v1");
    config_unref(c);
}
END_TEST

static const struct {
    const char *written, *meant;
} words[] = {
    {"deepsek", "deepseek"},   {"ark", "volcengine"},       {"Ark", "volcengine"},   {"doubao", "volcengine"},
    {"volcano", "volcengine"}, {"bytedance", "volcengine"}, {"aliyun", "dashscope"}, {"alibaba", "dashscope"},
    {"qwen", "dashscope"},     {"bailian", "dashscope"},    {"TENCENT", "tencent"},  {"hunyuan", "tencent"},
    {"tokenhub", "tencent"},   {"Huawei", "huawei"},        {"modelarts", "huawei"}, {"pangu", "huawei"},
    {"baidu", "qianfan"},      {"wenxin", "qianfan"},       {"ernie", "qianfan"},    {"silicon", "siliconflow"},
    {"nvidia", "nim"},         {"llama.cpp", "llamacpp"},   {"foundry", "azure"},    {"aliyum", "dashscope"},
    {"chatgpt", "openai"},     {"azur", "azure"},
};

START_TEST(test_unknown_preset_near_a_word)
{
    char yaml[100], error[200];
    snprintf(yaml, sizeof yaml, "upstreams: [{preset: %s}]", words[_i].written);
    snprintf(error, sizeof error, "f:1:22: preset: '%s' is unknown; did you mean '%s'?\n", words[_i].written,
             words[_i].meant);
    expect_errors(text_of(yaml), error);
}
END_TEST

START_TEST(test_unknown_preset_far_from_all)
{
    expect_errors(
        TEXT("upstreams: [{preset: zzzzzzzzzz}]"),
        "f:1:22: preset: 'zzzzzzzzzz' is unknown; expected deepseek, openai, volcengine, dashscope, tencent, "
        "huawei, qianfan, siliconflow, openrouter, together, fireworks, azure, nim, vllm, sglang, llamacpp or "
        "ollama\n");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_loop_test(tests, test_each_preset, 0, COUNT(presets));
    tcase_add_test(tests, test_each_preset_is_told);
    tcase_add_test(tests, test_azure);
    tcase_add_test(tests, test_deepseek_prices_and_thinking);
    tcase_add_loop_test(tests, test_paths, 0, COUNT(paths));
    tcase_add_test(tests, test_override);
    tcase_add_test(tests, test_models_are_laid_over);
    tcase_add_test(tests, test_preset_from_a_variable);
    tcase_add_loop_test(tests, test_unknown_preset_near_a_word, 0, COUNT(words));
    tcase_add_test(tests, test_unknown_preset_far_from_all);
}

TEST_MAIN_ADDING("config presets", add_tests)
