/* OpenAI's chat completions, legacy completions and embeddings. A chunk's `delta` and an answer's `message` have the
 * same members. */
#include "answer_private.h"

/* What counts as a token; `role` does not. */
static const struct text content_keys[] = {
    TEXT("content"), TEXT("reasoning_content"), TEXT("reasoning"),     TEXT("refusal"),
    TEXT("audio"),   TEXT("tool_calls"),        TEXT("function_call"),
};

static bool has_content(enum json_type type, struct text message)
{
    return type == JSON_OBJECT && answer_object_has(message, content_keys, COUNT(content_keys));
}

static void read_choice(struct answer_facts *facts, struct text choice)
{
    for (struct json_iter it = json_iter(choice); json_next(&it);) {
        if (text_eq(it.key, TEXT("finish_reason")))
            answer_read_finish(&facts->finish, it.type, it.value);
        else if (text_eq(it.key, TEXT("delta")) || text_eq(it.key, TEXT("message")))
            facts->token |= has_content(it.type, it.value);
        else if (text_eq(it.key, TEXT("text")))
            facts->token |= answer_has_substance(it.type, it.value);
    }
}

void answer_read_chat(struct answer_facts *facts, struct text object)
{
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        if (text_eq(it.key, TEXT("usage"))) answer_read_usage(&facts->usage, it.type, it.value);
        if (!text_eq(it.key, TEXT("choices")) || it.type != JSON_ARRAY) continue;
        for (struct json_iter choice = json_iter(it.value); json_next(&choice);)
            if (choice.type == JSON_OBJECT) read_choice(facts, choice.value);
    }
}

void answer_read_embedding(struct answer_facts *facts, struct text object)
{
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        if (text_eq(it.key, TEXT("usage"))) answer_read_usage(&facts->usage, it.type, it.value);
        if (text_eq(it.key, TEXT("data"))) facts->token |= answer_has_substance(it.type, it.value);
    }
}
