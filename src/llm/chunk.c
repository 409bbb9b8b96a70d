/* Each object on the way to the text has a table of the members that are known there and a reader that is shown all of
 * them. What is known and harmless says nothing; what is not known counts as soon as it has substance. */
#include "chunk.h"
#include "json_key.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Is shown a member of an object: `name` is its place in the object's table, or behind the table's end. */
typedef void member_reader(struct chunk *c, size_t name, const struct json_iter *it);

static void read_object(struct chunk *c, struct text object, const struct text *names, size_t n, member_reader *read)
{
    unsigned seen = 0;
    for (struct json_iter it = json_iter(object); json_next(&it);) {
        size_t name = json_key_find(it.key, names, n);
        if (name < n && seen >> name & 1) c->has |= CHUNK_ODD;
        seen |= 1u << name;
        read(c, name, &it);
    }
}

static bool has_substance(const struct json_iter *it)
{
    struct json_iter inner;
    switch (it->type) {
    case JSON_STRING: return it->value.n > 2;
    case JSON_NUMBER:
    case JSON_TRUE: return true;
    case JSON_ARRAY:
    case JSON_OBJECT: inner = json_iter(it->value); return json_next(&inner);
    default: return false;
    }
}

static void note(struct chunk *c, const struct json_iter *it, unsigned bit)
{
    if (has_substance(it)) c->has |= bit;
}

/* ---- the delta ---- */

enum { DELTA_ROLE, DELTA_CONTENT, DELTA_REASONING_CONTENT, DELTA_REASONING, DELTA_CALLS, DELTA_NAMES };

static const struct text delta_names[DELTA_NAMES] = {
    [DELTA_ROLE] = TEXT("role"),
    [DELTA_CONTENT] = TEXT("content"),
    [DELTA_REASONING_CONTENT] = TEXT("reasoning_content"),
    [DELTA_REASONING] = TEXT("reasoning"),
    [DELTA_CALLS] = TEXT("tool_calls"),
};

const struct text chunk_reasoning_names[REASONING_NAMES] = {
    [REASONING_CONTENT] = TEXT("reasoning_content"),
    [REASONING_SHORT] = TEXT("reasoning"),
};

static void read_text(struct chunk *c, enum transcript_part part, const struct json_iter *it)
{
    struct text *text = &c->texts[part];
    if (!has_substance(it)) return;
    if (it->type != JSON_STRING)
        c->has |= CHUNK_ODD;
    else if (text->n)
        c->has |= text_eq(*text, json_inside(it->value)) ? CHUNK_COPY : CHUNK_ODD;
    else
        *text = json_inside(it->value);
    c->has |= CHUNK_TEXT;
}

static void read_reasoning(struct chunk *c, enum reasoning_name name, const struct json_iter *it)
{
    bool first = !c->reasoning_name || (c->texts[TRANSCRIPT_REASONING].n == 0 && has_substance(it));
    if (first) c->reasoning_name = name;
    c->reasoning[name] = it->key;
    read_text(c, TRANSCRIPT_REASONING, it);
}

/* A member and the comma after it; after the last one there is none, but perhaps one before it. */
static struct text with_comma(const struct json_iter *it)
{
    struct json_iter next = *it;
    const char *from = it->key.p - 1, *to = it->value.p + it->value.n, *before = from - 1;
    if (json_next(&next)) return text_make(from, (size_t)(next.key.p - 1 - from));
    while ((unsigned char)*before <= ' ')
        before--;
    if (*before == ',') from = before;
    return text_make(from, (size_t)(to - from));
}

/* Nobody goes on from a call, but long arguments come in as many chunks as long texts. */
static void read_calls(struct chunk *c, const struct json_iter *it)
{
    struct text function, arguments;
    struct json_iter call = json_iter(it->value);
    note(c, it, CHUNK_CALL);
    if (it->type != JSON_ARRAY || !json_next(&call)) return;
    json_get(call.value, TEXT("function"), &function);
    bool found = json_get(function, TEXT("arguments"), &arguments) == JSON_STRING && arguments.n > 2;
    if (found && !json_next(&call)) c->hole = json_inside(arguments);
}

static void read_delta(struct chunk *c, size_t name, const struct json_iter *it)
{
    switch (name) {
    case DELTA_ROLE: c->role = with_comma(it); break;
    case DELTA_CONTENT: read_text(c, TRANSCRIPT_CONTENT, it); break;
    case DELTA_REASONING_CONTENT: read_reasoning(c, REASONING_CONTENT, it); break;
    case DELTA_REASONING: read_reasoning(c, REASONING_SHORT, it); break;
    case DELTA_CALLS: read_calls(c, it); break;
    default: note(c, it, CHUNK_ODD); /* a refusal, audio, … */
    }
}

/* ---- the choice ---- */

enum { CHOICE_INDEX, CHOICE_DELTA, CHOICE_TEXT, CHOICE_MESSAGE, CHOICE_LOGPROBS, CHOICE_FINISH, CHOICE_NAMES };

static const struct text choice_names[CHOICE_NAMES] = {
    [CHOICE_INDEX] = TEXT("index"),     [CHOICE_DELTA] = TEXT("delta"),       [CHOICE_TEXT] = TEXT("text"),
    [CHOICE_MESSAGE] = TEXT("message"), [CHOICE_LOGPROBS] = TEXT("logprobs"), [CHOICE_FINISH] = TEXT("finish_reason"),
};

/* Each family has its text in one place; what else could hold one is odd. */
static void read_choice_text(struct chunk *c, size_t name, const struct json_iter *it)
{
    bool is_text = c->family == FAMILY_COMPLETION && name == CHOICE_TEXT;
    bool is_delta = c->family == FAMILY_CHAT && name == CHOICE_DELTA && it->type == JSON_OBJECT;
    if (is_text || is_delta) c->speech = it->value;
    if (is_text)
        read_text(c, TRANSCRIPT_CONTENT, it);
    else if (is_delta)
        read_object(c, it->value, delta_names, COUNT(delta_names), read_delta);
    else
        note(c, it, CHUNK_ODD);
}

static void read_choice(struct chunk *c, size_t name, const struct json_iter *it)
{
    switch (name) {
    case CHOICE_INDEX:
        if (it->type != JSON_NULL && !text_eq(it->value, TEXT("0"))) c->has |= CHUNK_ODD;
        break;
    case CHOICE_DELTA:
    case CHOICE_TEXT:
    case CHOICE_MESSAGE: read_choice_text(c, name, it); break;
    case CHOICE_LOGPROBS: note(c, it, CHUNK_ODD); break;
    case CHOICE_FINISH:
        if (has_substance(it)) c->finish = it->value;
        note(c, it, CHUNK_END);
        break;
    default: note(c, it, CHUNK_OTHER);
    }
}

static void read_choices(struct chunk *c, const struct json_iter *it)
{
    struct json_iter choice = json_iter(it->value);
    if (it->type != JSON_ARRAY) {
        note(c, it, CHUNK_ODD);
    } else if (json_next(&choice)) {
        if (choice.type == JSON_OBJECT)
            read_object(c, choice.value, choice_names, COUNT(choice_names), read_choice);
        else
            note(c, &choice, CHUNK_ODD);
        if (json_next(&choice)) c->has |= CHUNK_ODD;
    }
}

/* ---- the whole ---- */

enum { TOP_CHOICES = TRANSCRIPT_MARKS, TOP_USAGE, TOP_OBJECT, TOP_TYPE, TOP_ERROR, TOP_SERVICE_TIER, TOP_NAMES };

static const struct text top_names[TOP_NAMES] = {
    [MARK_ID] = TEXT("id"),          [MARK_CREATED] = TEXT("created"),
    [MARK_MODEL] = TEXT("model"),    [MARK_FINGERPRINT] = TEXT("system_fingerprint"),
    [TOP_CHOICES] = TEXT("choices"), [TOP_USAGE] = TEXT("usage"),
    [TOP_OBJECT] = TEXT("object"),   [TOP_TYPE] = TEXT("type"),
    [TOP_ERROR] = TEXT("error"),     [TOP_SERVICE_TIER] = TEXT("service_tier"),
};

static void read_top(struct chunk *c, size_t name, const struct json_iter *it)
{
    bool says_error = text_eq(it->value, TEXT("\"error\""));
    switch (name) {
    case MARK_ID:
    case MARK_CREATED:
    case MARK_MODEL:
    case MARK_FINGERPRINT: c->marks[name] = it->value; break;
    case TOP_CHOICES: read_choices(c, it); break;
    case TOP_USAGE:
        c->usage = it->value;
        note(c, it, CHUNK_END);
        break;
    case TOP_OBJECT: c->has |= says_error ? CHUNK_ERROR : 0; break;
    case TOP_TYPE: note(c, it, says_error ? CHUNK_ERROR : CHUNK_OTHER); break;
    case TOP_ERROR: note(c, it, CHUNK_ERROR); break;
    case TOP_SERVICE_TIER: break;
    default: note(c, it, CHUNK_OTHER);
    }
}

static void find_hole(struct chunk *c)
{
    bool content = c->texts[TRANSCRIPT_CONTENT].n, reasoning = c->texts[TRANSCRIPT_REASONING].n;
    c->part = reasoning ? TRANSCRIPT_REASONING : TRANSCRIPT_CONTENT;
    if (content != reasoning) c->hole = c->texts[c->part];
    unsigned has = c->has & ~(unsigned)CHUNK_OTHER;
    c->plain = c->hole.n && (has == CHUNK_TEXT || has == CHUNK_CALL);
}

void chunk_read(struct chunk *c, enum endpoint_family family, struct text data)
{
    struct json_iter it = json_iter(data);
    *c = (struct chunk){.family = family, .object = it.rest.n && !it.array};
    if (!c->object) return;
    read_object(c, data, top_names, COUNT(top_names), read_top);
    find_hole(c);
}
