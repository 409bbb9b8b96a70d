/* answer_form_completed.c - a stream of OpenAI's responses as a plain answer: the last event brings it along, whole. */
#include "answer_form_private.h"

struct response {
    struct buf id, whole;
    size_t items; /* that have been closed */
};

enum { RESPONSE_ID, RESPONSE_STATUS, RESPONSE_OUTPUT, RESPONSE_NAMES };

static const struct text response_names[RESPONSE_NAMES] = {
    [RESPONSE_ID] = TEXT("id"), [RESPONSE_STATUS] = TEXT("status"), [RESPONSE_OUTPUT] = TEXT("output")};

static bool is_same_answer(struct response *r, struct text id)
{
    if (buf_len(&r->id) == 0) buf_add(&r->id, id);
    return text_eq(buf_text(&r->id), id);
}

/* Some upstreams say at the end that there is no output, whatever they have given. */
static bool is_whole(const struct response *r, const struct json_member *m)
{
    return m[RESPONSE_OUTPUT].type == JSON_ARRAY && form_count(m[RESPONSE_OUTPUT].value) == r->items;
}

static bool read_response(struct response *r, struct text response, struct text end)
{
    struct json_member m[RESPONSE_NAMES];
    if (!form_members(response, response_names, RESPONSE_NAMES, m) || !is_same_answer(r, m[RESPONSE_ID].value))
        return false;
    if (end.n == 0) return true;
    buf_add(&r->whole, response);
    return text_eq(m[RESPONSE_STATUS].value, end) && is_whole(r, m);
}

static bool read_event(void *state, struct text data)
{
    enum { TYPE, RESPONSE, NAMES };
    static const struct text names[NAMES] = {TEXT("type"), TEXT("response")};
    struct response *r = state;
    struct json_member m[NAMES];
    if (!form_members(data, names, NAMES, m)) return false;
    struct text type = m[TYPE].value, end = TEXT_NONE;
    if (text_is(type, "\"response.output_item.done\"")) r->items++;
    if (text_is(type, "\"response.completed\"")) end = TEXT("\"completed\"");
    if (text_is(type, "\"response.incomplete\"")) end = TEXT("\"incomplete\"");
    return m[RESPONSE].type == JSON_ABSENT || read_response(r, m[RESPONSE].value, end);
}

bool form_plain_responses(struct buf *out, struct text stream)
{
    struct response r = {.items = 0};
    bool fine = form_read_stream(FAMILY_RESPONSES, stream, NULL, read_event, &r) && buf_len(&r.whole);
    if (fine) buf_add(out, buf_text(&r.whole));
    buf_free(&r.id);
    buf_free(&r.whole);
    return fine;
}
