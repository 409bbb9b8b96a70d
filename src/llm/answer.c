/* Most events of a stream are one more token, and all that is wanted of them is that nothing else is in them. So once a
 * token has been seen, a search for a few telling members decides whether an event is worth reading as JSON.
 */
#include "answer_private.h"
#include "dsgate/llm/json.h"

static answer_reader *const readers[] = {
    [FAMILY_CHAT] = answer_read_chat,           [FAMILY_COMPLETION] = answer_read_chat,
    [FAMILY_EMBEDDING] = answer_read_embedding, [FAMILY_MESSAGES] = answer_read_messages,
    [FAMILY_RESPONSES] = answer_read_responses,
};

/* ---- what can be skipped ---- */

/* Members of a chunk that end it or spoil it. */
static const struct sign {
    struct text key, value; /* value: how it begins; never null */
} signs[] = {
    {TEXT("\"usage\""), TEXT("")},         {TEXT("\"finish_reason\""), TEXT("")},
    {TEXT("\"error\""), TEXT("")},         {TEXT("\"error_code\""), TEXT("")},
    {TEXT("\"code\""), TEXT("")},          {TEXT("\"object\""), TEXT("\"error\"")},
    {TEXT("\"type\""), TEXT("\"error\"")},
};

/* Families whose events are named: those that still matter. */
static const struct text messages_events[] = {TEXT("message_start"), TEXT("message_delta"), TEXT("message_stop"),
                                              TEXT("error")};
static const struct text responses_events[] = {TEXT("response.completed"), TEXT("response.incomplete"),
                                               TEXT("response.failed"), TEXT("response.cancelled"), TEXT("error")};

/* Is the string that ends at data.p[quote] the sign's key? Mostly the last letter tells. */
static bool is_key(const struct sign *s, struct text data, size_t quote)
{
    size_t n = s->key.n;
    return quote + 1 >= n && data.p[quote - 1] == s->key.p[n - 2] && !memcmp(data.p + quote + 1 - n, s->key.p, n);
}

/* Does a sign stand around the colon at data.p[colon]? */
static bool is_sign(struct text data, size_t colon)
{
    size_t quote = colon - 1, value = colon + 1;
    while (quote > 1 && answer_is_space(data.p[quote]))
        quote--;
    while (value < data.n && answer_is_space(data.p[value]))
        value++;
    if (data.p[quote] != '"' || value == data.n || data.p[value] == 'n') return false;
    for (const struct sign *s = signs; s < signs + COUNT(signs); s++)
        if (is_key(s, data, quote)) return text_starts(text_from(data, value), s->value);
    return false;
}

/* One pass over the few colons of a chunk is cheaper than a search for each sign. */
static bool has_sign(struct text data)
{
    const char *end = data.p + data.n;
    for (const char *at = data.p + 1; (at = memchr(at, ':', (size_t)(end - at))); at++)
        if (is_sign(data, (size_t)(at - data.p))) return true;
    return false;
}

static bool may_matter(enum endpoint_family family, struct text name, struct text data)
{
    if (family == FAMILY_MESSAGES) return name.n == 0 || text_is_one_of(name, messages_events, COUNT(messages_events));
    if (family == FAMILY_RESPONSES)
        return name.n == 0 || text_is_one_of(name, responses_events, COUNT(responses_events));
    return data.p[0] != '{' || has_sign(data);
}

/* ---- reading ---- */

static void read_object(struct answer_facts *facts, enum endpoint_family family, struct text json)
{
    struct answer_walk w = {.facts = facts};
    w.at = memchr(json.p, '{', json.n);
    w.last = memrchr(json.p, '}', json.n);
    answer_walk_object(&w, readers[family]);
    if (answer_is_error(&w)) facts->error = true;
}

/* False when it is no JSON. A bare string is how some gateways say no. */
static bool read_json(struct answer_facts *facts, enum endpoint_family family, struct text json)
{
    struct json_result result = json_scan(json, NULL, 0, NULL, JSON_DEPTH);
    if (result.error != JSON_FINE) return false;
    if (result.top == JSON_STRING) facts->error = true;
    if (result.top == JSON_OBJECT) read_object(facts, family, json);
    return true;
}

bool answer_read_event(struct answer_facts *facts, enum endpoint_family family, struct text event_name,
                       struct text data, bool seen_token)
{
    if (family == FAMILY_OPAQUE || data.n == 0) return true;
    if (text_eq(text_trim(data), TEXT("[DONE]"))) {
        facts->done = true;
        return true;
    }
    if (seen_token && !may_matter(family, event_name, data)) return true;
    return read_json(facts, family, data);
}

void answer_read_body(struct answer_facts *facts, enum endpoint_family family, struct text body)
{
    if (family != FAMILY_OPAQUE) facts->valid = read_json(facts, family, body);
}

/* ---- how an answer ended ---- */

/* clang-format off */
static const struct {
    struct text word;
    enum finish finish;
} finish_words[] = {
    {TEXT("stop"), FINISH_STOP},              {TEXT("length"), FINISH_LENGTH},
    {TEXT("end_turn"), FINISH_STOP},          {TEXT("max_tokens"), FINISH_LENGTH},
    {TEXT("stop_sequence"), FINISH_STOP},     {TEXT("max_output_tokens"), FINISH_LENGTH},
    {TEXT("completed"), FINISH_STOP},         {TEXT("incomplete"), FINISH_LENGTH},
    {TEXT("eos"), FINISH_STOP},               {TEXT("model_context_window_exceeded"), FINISH_LENGTH},
    {TEXT("eos_token"), FINISH_STOP},         {TEXT("content_filter"), FINISH_FILTER},
    {TEXT("tool_calls"), FINISH_TOOL},        {TEXT("refusal"), FINISH_FILTER},
    {TEXT("function_call"), FINISH_TOOL},     {TEXT("aborted"), FINISH_ABORTED},
    {TEXT("tool_use"), FINISH_TOOL},          {TEXT("abort"), FINISH_ABORTED},
    {TEXT("error"), FINISH_ERROR},            {TEXT("cancelled"), FINISH_ABORTED},
    {TEXT("failed"), FINISH_ERROR},           {TEXT("insufficient_system_resource"), FINISH_EXHAUSTED},
    {TEXT("in_progress"), FINISH_NONE},       {TEXT("queued"), FINISH_NONE},
};

static const char *const finish_names[FINISH_COUNT] = {
    [FINISH_NONE] = "none",     [FINISH_STOP] = "stop",   [FINISH_LENGTH] = "length",
    [FINISH_TOOL] = "tool_calls", [FINISH_OTHER] = "other", [FINISH_FILTER] = "content_filter",
    [FINISH_ERROR] = "error",   [FINISH_ABORTED] = "aborted", [FINISH_EXHAUSTED] = "insufficient_system_resource",
};
/* clang-format on */

const char *finish_name(enum finish f) { return finish_names[f]; }

static enum finish finish_of(struct text word)
{
    if (word.n == 0) return FINISH_NONE;
    for (size_t i = 0; i < COUNT(finish_words); i++)
        if (text_eq(word, finish_words[i].word)) return finish_words[i].finish;
    return FINISH_OTHER;
}

/* Some say it more than once of the same choice. */
static void count_end(struct answer_walk *w)
{
    uint64_t bit = w->choice < 64 ? UINT64_C(1) << w->choice : 0;
    w->facts->ends += !(w->facts->ended & bit);
    w->facts->ended |= bit;
}

void answer_read_finish(struct answer_walk *w)
{
    enum finish said = finish_of(answer_word(w));
    if (said != FINISH_NONE) count_end(w);
    if (said > w->facts->finish) w->facts->finish = said;
}

void answer_read_token(struct answer_walk *w) { w->facts->token |= answer_has_substance(w); }
