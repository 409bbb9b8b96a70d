/* Token counts. Each dialect has its own names, nests some of them, and disagrees about what "input" includes:
 * everybody's includes what came from the cache, but Anthropic's, which lists cache reads and writes beside it.
 */
#include "answer_private.h"

enum count { PROMPT, INPUT, CACHE_READ, CACHE_WRITTEN, COMPLETION, CACHED, REASONING, COUNTS };

/* clang-format off */
static const struct {
    struct text key;
    enum count count;
} names[] = {
    {TEXT("prompt_tokens"), PROMPT},                {TEXT("input_tokens"), INPUT},
    {TEXT("completion_tokens"), COMPLETION},        {TEXT("output_tokens"), COMPLETION},
    {TEXT("cached_tokens"), CACHED},                {TEXT("prompt_cache_hit_tokens"), CACHED},
    {TEXT("cache_read_input_tokens"), CACHE_READ},  {TEXT("cache_creation_input_tokens"), CACHE_WRITTEN},
    {TEXT("reasoning_tokens"), REASONING},
};
/* clang-format on */

static const int64_t absent = -1, absurd = 1000000000;

/* A count that is told twice (DeepSeek: cached) is the larger one. */
static void take_count(int64_t counts[COUNTS], struct text key, struct text value)
{
    int64_t n;
    if (!json_to_i64(value, &n) || n < 0 || n > absurd) return;
    for (size_t i = 0; i < COUNT(names); i++)
        if (text_eq(key, names[i].key) && n > counts[names[i].count]) counts[names[i].count] = n;
}

/* prompt_tokens_details and the like: one level down. */
static void take_counts(int64_t counts[COUNTS], struct text usage)
{
    for (struct json_iter it = json_iter(usage); json_next(&it);) {
        if (it.type == JSON_NUMBER) take_count(counts, it.key, it.value);
        if (it.type != JSON_OBJECT || !text_ends(it.key, TEXT("_tokens_details"))) continue;
        for (struct json_iter detail = json_iter(it.value); json_next(&detail);)
            if (detail.type == JSON_NUMBER) take_count(counts, detail.key, detail.value);
    }
}

static int64_t or_else(int64_t count, int64_t otherwise) { return count == absent ? otherwise : count; }

/* `cached`: what an earlier event said; a later one may tell the input again without it. */
static int64_t whole_prompt(const int64_t counts[COUNTS], int64_t cached)
{
    if (counts[PROMPT] != absent || counts[INPUT] == absent) return counts[PROMPT];
    return counts[INPUT] + or_else(counts[CACHE_READ], cached) + or_else(counts[CACHE_WRITTEN], 0);
}

static void replace(struct usage *usage, int64_t *field, int64_t count)
{
    if (count == absent) return;
    *field = count;
    usage->known = true;
}

void answer_read_usage(struct usage *usage, enum json_type type, struct text value)
{
    int64_t counts[COUNTS];
    if (type != JSON_OBJECT) return;
    for (size_t i = 0; i < COUNTS; i++)
        counts[i] = absent;
    take_counts(counts, value);
    replace(usage, &usage->prompt, whole_prompt(counts, usage->cached));
    replace(usage, &usage->completion, counts[COMPLETION]);
    replace(usage, &usage->cached, or_else(counts[CACHED], counts[CACHE_READ]));
    replace(usage, &usage->reasoning, counts[REASONING]);
    if (usage->cached > usage->prompt) usage->cached = usage->prompt;
    if (usage->reasoning > usage->completion) usage->reasoning = usage->completion;
}
