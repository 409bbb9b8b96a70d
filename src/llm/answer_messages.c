/* Anthropic's messages. The same few members lie in the whole message (a plain answer), in message_start's `message`,
 * and in message_delta, whose `delta` has the stop_reason: so they are read wherever they are, whatever the event
 * calls itself.
 */
#include "answer_private.h"

/* A content block or its delta: text, reasoning, a tool's arguments, a tool's name, hidden reasoning. */
static void read_block(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("text")) || text_eq(key, TEXT("thinking")) || text_eq(key, TEXT("partial_json")) ||
        text_eq(key, TEXT("name")) || text_eq(key, TEXT("data")))
        answer_read_token(w);
}

static void read_message(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("stop_reason")))
        answer_read_finish(w);
    else if (text_eq(key, TEXT("usage")))
        answer_read_usage(w);
    else if (text_eq(key, TEXT("content")))
        answer_walk_array(w, read_block);
}

static void read_delta(struct answer_walk *w, struct text key)
{
    read_block(w, key);
    read_message(w, key);
}

void answer_read_messages(struct answer_walk *w, struct text key)
{
    uint64_t n;
    answer_note_error(w, key);
    if (text_eq(key, TEXT("type")))
        w->facts->done |= text_eq(answer_word(w), TEXT("message_stop"));
    else if (text_eq(key, TEXT("delta")))
        answer_walk_object(w, read_delta);
    else if (text_eq(key, TEXT("message")))
        answer_walk_object(w, read_message);
    else if (text_eq(key, TEXT("content_block")))
        answer_walk_object(w, read_block);
    else if (text_eq(key, TEXT("input_tokens")))
        w->facts->token |= answer_take_count(w, &n); /* count_tokens' whole answer */
    else
        read_message(w, key);
}
