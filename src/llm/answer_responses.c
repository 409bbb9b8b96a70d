/* OpenAI's responses. A plain answer is a response object; a stream's events carry deltas, and the last one the whole
 * response. */
#include "answer_private.h"

static const struct text item_keys[] = {
    TEXT("arguments"), TEXT("name"), TEXT("summary"), TEXT("encrypted_content"), TEXT("input"), TEXT("result"),
};
static const struct text part_keys[] = {TEXT("text"), TEXT("refusal"), TEXT("transcript")};
static const struct text end_events[] = {
    TEXT("response.completed"),
    TEXT("response.incomplete"),
    TEXT("response.failed"),
    TEXT("response.cancelled"),
};

/* Tool calls and reasoning are in the item itself, text is in its parts. */
static bool has_item(struct text output)
{
    if (answer_array_has(output, item_keys, COUNT(item_keys))) return true;
    for (struct json_iter item = json_iter(output); json_next(&item);) {
        struct text content;
        if (item.type == JSON_OBJECT && json_get(item.value, TEXT("content"), &content) == JSON_ARRAY &&
            answer_array_has(content, part_keys, COUNT(part_keys)))
            return true;
    }
    return false;
}

static void read_incomplete(struct answer_facts *facts, struct text details)
{
    struct text reason;
    enum json_type type = json_get(details, TEXT("reason"), &reason);
    answer_read_finish(&facts->finish, type, reason);
}

static void read_response(struct answer_facts *facts, struct text response)
{
    for (struct json_iter it = json_iter(response); json_next(&it);) {
        if (text_eq(it.key, TEXT("status")))
            answer_read_finish(&facts->finish, it.type, it.value);
        else if (text_eq(it.key, TEXT("usage")))
            answer_read_usage(&facts->usage, it.type, it.value);
        else if (text_eq(it.key, TEXT("error")))
            facts->error |= answer_has_substance(it.type, it.value);
        else if (text_eq(it.key, TEXT("output")) && it.type == JSON_ARRAY)
            facts->token |= has_item(it.value);
        else if (text_eq(it.key, TEXT("incomplete_details")) && it.type == JSON_OBJECT)
            read_incomplete(facts, it.value);
    }
}

static void read_event(struct answer_facts *facts, struct text name, struct text object)
{
    bool delta = text_ends(name, TEXT(".delta"));
    struct text value;
    enum json_type type = json_get(object, delta ? TEXT("delta") : TEXT("response"), &value);
    for (size_t i = 0; i < COUNT(end_events); i++)
        facts->done |= text_eq(name, end_events[i]);
    if (text_eq(name, TEXT("response.failed"))) facts->error = true;
    if (delta)
        facts->token |= answer_has_substance(type, value);
    else if (type == JSON_OBJECT)
        read_response(facts, value);
}

void answer_read_responses(struct answer_facts *facts, struct text object)
{
    struct text type;
    enum json_type found = json_get(object, TEXT("type"), &type);
    if (found == JSON_STRING)
        read_event(facts, answer_word(found, type), object);
    else
        read_response(facts, object);
}
