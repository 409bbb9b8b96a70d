/* OpenAI's responses. A plain answer is a response object; a stream's events carry deltas, and some the whole response
 * as it is by then. No event has a member that means anything else in a response, so one reader does for both. */
#include "answer_private.h"

static const struct text end_events[] = {
    TEXT("response.completed"),
    TEXT("response.incomplete"),
    TEXT("response.failed"),
    TEXT("response.cancelled"),
};

static void read_part(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("text")) || text_eq(key, TEXT("refusal")) || text_eq(key, TEXT("transcript")))
        answer_read_token(w);
}

/* Tool calls and reasoning are in the item itself, text is in its parts. */
static void read_item(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("content")))
        answer_walk_array(w, read_part);
    else if (text_eq(key, TEXT("arguments")) || text_eq(key, TEXT("name")) || text_eq(key, TEXT("summary")) ||
             text_eq(key, TEXT("encrypted_content")) || text_eq(key, TEXT("input")) || text_eq(key, TEXT("result")))
        answer_read_token(w);
}

static void read_incomplete(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("reason"))) answer_read_finish(w);
}

static void read_response(struct answer_walk *w, struct text key)
{
    if (text_eq(key, TEXT("status")))
        answer_read_finish(w);
    else if (text_eq(key, TEXT("usage")))
        answer_read_usage(w);
    else if (text_eq(key, TEXT("error")))
        w->facts->error |= answer_has_substance(w);
    else if (text_eq(key, TEXT("output")))
        answer_walk_array(w, read_item);
    else if (text_eq(key, TEXT("incomplete_details")))
        answer_walk_object(w, read_incomplete);
}

static void read_event_type(struct answer_walk *w)
{
    struct text name = answer_word(w);
    for (size_t i = 0; i < COUNT(end_events); i++)
        w->facts->done |= text_eq(name, end_events[i]);
    w->facts->error |= text_eq(name, TEXT("response.failed"));
}

void answer_read_responses(struct answer_walk *w, struct text key)
{
    answer_note_error(w, key);
    if (text_eq(key, TEXT("type")))
        read_event_type(w);
    else if (text_eq(key, TEXT("delta")))
        answer_read_token(w);
    else if (text_eq(key, TEXT("response")))
        answer_walk_object(w, read_response);
    else
        read_response(w, key);
}
