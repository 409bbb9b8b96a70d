#include "presets.h"
#include "dsgate/base/mem.h"
#include "value.h"
#include "yaml.h"

/* Should it not be readable (memory), that is reported under its own name, and no preset is known. */
static struct node *presets_of(struct reader *r)
{
    const char *source = r->report->source;
    r->report->source = "presets.yaml";
    if (!r->presets) r->presets = nodes_from_yaml(r->report, text_make(presets_yaml, presets_yaml_length));
    if (!r->presets) r->presets = node_new(NODE_MAP, 0, 0);
    r->report->source = source;
    return r->presets;
}

/* What people call a provider, its products and its owner. */
static const struct {
    const char *word, *preset;
} words[] = {
    {"ark", "volcengine"},      {"doubao", "volcengine"}, {"bytedance", "volcengine"}, {"volcano", "volcengine"},
    {"aliyun", "dashscope"},    {"alibaba", "dashscope"}, {"qwen", "dashscope"},       {"bailian", "dashscope"},
    {"hunyuan", "tencent"},     {"tokenhub", "tencent"},  {"qcloud", "tencent"},       {"modelarts", "huawei"},
    {"pangu", "huawei"},        {"baidu", "qianfan"},     {"wenxin", "qianfan"},       {"ernie", "qianfan"},
    {"silicon", "siliconflow"}, {"nvidia", "nim"},        {"foundry", "azure"},        {"microsoft", "azure"},
    {"chatgpt", "openai"},
};

/* Presets' names may be misspelt as any word may; the others are short, so they must be nearly right. */
static void offer_all(struct guess *g, const struct node *presets)
{
    for (size_t i = 0; i < presets->count; i++)
        guess_offer(g, presets->entries[i].key->value);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        unsigned distance = text_distance(g->word, text_of(words[i].word));
        if (distance > 1 || distance >= g->distance) continue;
        g->distance = distance;
        g->best = words[i].preset;
    }
}

/* The preset that was meant, or NULL. */
static const char *guess_preset(const struct node *presets, const char *written)
{
    char *lower = value_lower(text_of(written));
    struct guess g = guess_begin(lower);
    offer_all(&g, presets);
    mem_free(lower);
    return g.best;
}

static void refuse(struct reader *r, const struct node *presets, struct node *value)
{
    const struct option *o = option_find(&upstream_table, "preset");
    struct guess g = {.best = guess_preset(presets, value->value)};
    struct buf all = {0};
    for (size_t i = 0; i < presets->count; i++)
        buf_printf(&all, "%s%s", i == 0 ? "" : i + 1 < presets->count ? ", " : " or ", presets->entries[i].key->value);
    if (g.best)
        reader_unknown_word(r, o, value, &g);
    else
        reader_value_error(r, o, value, "is unknown; expected " TEXT_FORMAT, TEXT_ARGS(buf_text(&all)));
    buf_free(&all);
}

struct node *preset_find(struct reader *r, struct node *value)
{
    struct node *presets = presets_of(r), *found = node_given(presets, value->value);
    if (!found) refuse(r, presets, value);
    return found;
}
