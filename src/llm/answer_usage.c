/* Token counts. Each dialect has its own names, nests some of them, and disagrees about what "input" includes:
 * everybody's includes what came from the cache, but Anthropic's, which lists cache reads and writes beside it.
 */
#include "answer_private.h"

enum count { PROMPT, INPUT, CACHE_READ, CACHE_WRITTEN, COMPLETION, CACHED, REASONING, COUNTS };

/* clang-format off */
#define NAMES(X) \
    X("prompt_tokens", PROMPT)                 X("input_tokens", INPUT) \
    X("completion_tokens", COMPLETION)         X("output_tokens", COMPLETION) \
    X("prompt_cache_hit_tokens", CACHED)       X("cached_tokens", CACHED) \
    X("cache_read_input_tokens", CACHE_READ)   X("cache_creation_input_tokens", CACHE_WRITTEN) \
    X("reasoning_tokens", REASONING)
/* clang-format on */

static const int64_t absent = -1;
static const uint64_t absurd = 1000000000;

static enum count count_of(struct text key)
{
#define X(name, count)                                                                                                 \
    if (text_eq(key, TEXT(name))) return count;
    NAMES(X)
#undef X
    return COUNTS;
}

/* A count that is told twice (DeepSeek: cached) is the larger one. */
static void take_count(struct answer_walk *w, enum count count)
{
    uint64_t n;
    if (*w->at == '-') w->facts->odd_usage = true;
    if (answer_take_count(w, &n) && n <= absurd && (int64_t)n > w->counts[count]) w->counts[count] = (int64_t)n;
}

static void read_detail(struct answer_walk *w, struct text key)
{
    enum count count = count_of(key);
    if (count < COUNTS) take_count(w, count);
}

/* prompt_tokens_details and the like are one level down. */
static void read_member(struct answer_walk *w, struct text key)
{
    enum count count = count_of(key);
    if (count < COUNTS)
        take_count(w, count);
    else if (text_ends(key, TEXT("_tokens_details")))
        answer_walk_object(w, read_detail);
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

static void replace_usage(struct usage *usage, const int64_t counts[COUNTS])
{
    replace(usage, &usage->prompt, whole_prompt(counts, usage->cached));
    replace(usage, &usage->completion, counts[COMPLETION]);
    replace(usage, &usage->cached, or_else(counts[CACHED], counts[CACHE_READ]));
    replace(usage, &usage->reasoning, counts[REASONING]);
    if (usage->cached > usage->prompt) usage->cached = usage->prompt;
    if (usage->reasoning > usage->completion) usage->reasoning = usage->completion;
}

void answer_read_usage(struct answer_walk *w)
{
    int64_t counts[COUNTS];
    for (size_t i = 0; i < COUNTS; i++)
        counts[i] = absent;
    w->counts = counts;
    answer_walk_object(w, read_member);
    w->counts = NULL;
    replace_usage(&w->facts->usage, counts);
}
