/* Anthropic's messages. The same few members lie in the whole message (a plain answer), in message_start's `message`,
 * and in message_delta, whose `delta` has the stop_reason: so they are taken wherever they are, whatever the event
 * calls itself.
 */
#include "answer_private.h"

/* A content block or its delta: text, reasoning, a tool's arguments, a tool's name, hidden reasoning. */
static const struct text block_keys[] = {TEXT("text"), TEXT("thinking"), TEXT("partial_json"), TEXT("name"),
                                         TEXT("data")};

static void read_message(struct answer_facts *facts, struct text message)
{
    for (struct json_iter it = json_iter(message); json_next(&it);) {
        if (text_eq(it.key, TEXT("stop_reason")))
            answer_read_finish(&facts->finish, it.type, it.value);
        else if (text_eq(it.key, TEXT("usage")))
            answer_read_usage(&facts->usage, it.type, it.value);
        else if (text_eq(it.key, TEXT("content")) && it.type == JSON_ARRAY)
            facts->token |= answer_array_has(it.value, block_keys, COUNT(block_keys));
    }
}

void answer_read_messages(struct answer_facts *facts, struct text object)
{
    read_message(facts, object);
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        if (text_eq(it.key, TEXT("type"))) facts->done |= text_eq(answer_word(it.type, it.value), TEXT("message_stop"));
        if (text_eq(it.key, TEXT("input_tokens")))
            facts->token |= it.type == JSON_NUMBER; /* count_tokens' whole answer */
        if (it.type != JSON_OBJECT) continue;
        bool delta = text_eq(it.key, TEXT("delta"));
        if (delta || text_eq(it.key, TEXT("message"))) read_message(facts, it.value);
        if (delta || text_eq(it.key, TEXT("content_block")))
            facts->token |= answer_object_has(it.value, block_keys, COUNT(block_keys));
    }
}
