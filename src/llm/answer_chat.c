/* OpenAI's chat completions, legacy completions and embeddings. A chunk's `delta` and an answer's `message` have the
 * same members. */
#include "answer_private.h"

/* What counts as a token; `role` does not. */
static void read_message(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("content")) || text_eq(key, TEXT("reasoning_content")) || text_eq(key, TEXT("reasoning")) ||
        text_eq(key, TEXT("refusal")) || text_eq(key, TEXT("audio")) || text_eq(key, TEXT("tool_calls")) ||
        text_eq(key, TEXT("function_call")))
        answer_read_token(w);
}

static void read_choice(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("index")))
        answer_take_count(w, &w->choice);
    else if (text_eq(key, TEXT("finish_reason")))
        answer_read_finish(w);
    else if (text_eq(key, TEXT("delta")) || text_eq(key, TEXT("message")))
        answer_walk_object(w, read_message);
    else if (text_eq(key, TEXT("text")))
        answer_read_token(w);
}

void answer_read_chat(struct answer_walk *w, struct text key)
{
    answer_note_error(w, key);
    if (text_eq(key, TEXT("choices")))
        answer_walk_array(w, read_choice);
    else if (text_eq(key, TEXT("usage")))
        answer_read_usage(w);
}

void answer_read_embedding(struct answer_walk *w, struct text key)
{
    answer_note_error(w, key);
    if (text_eq(key, TEXT("data")))
        answer_read_token(w);
    else if (text_eq(key, TEXT("usage")))
        answer_read_usage(w);
}
