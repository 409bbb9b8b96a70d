/* call.c - reading a request: one scan of the body, then a look into the few members that matter here.
 */
#include "call.h"
#include "hash.h"
#include <stdarg.h>
#include <stdio.h>

static const struct text member_names[CALL_MEMBER_COUNT] = {
#define X(id, name) {name, sizeof(name) - 1},
    CALL_MEMBERS(X)
#undef X
};

void call_place(struct text body, size_t position, struct buf *out)
{
    size_t line = 1, column = 0;
    for (size_t i = 0; i < position && i < body.n; i++) {
        column++;
        if (body.p[i] != '\n') continue;
        line++;
        column = 0;
    }
    buf_printf(out, "at line %zu column %zu", line, column);
}

static bool refuse_json(struct call *c, struct json_result result, struct refusal *r)
{
    struct buf place = {0};
    call_place(c->body, result.position, &place);
    refuse(r, 400, "Failed to parse the request body as JSON: %s " TEXT_FORMAT, json_error_text(result.error),
           TEXT_ARGS(buf_text(&place)));
    buf_free(&place);
    return false;
}

/* The JSON is well formed but no request: in the words of DeepSeek's deserialiser. */
bool call_refuse_shape(const struct call *c, struct refusal *r, const char *format, ...)
{
    char what[256];
    struct buf place = {0};
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    call_place(c->body, c->body.n, &place);
    refuse(r, 422, "Failed to deserialize the JSON body into the target type: %s " TEXT_FORMAT, what,
           TEXT_ARGS(buf_text(&place)));
    buf_free(&place);
    return false;
}

/* ---- scalars ---- */

static struct text unquoted(const struct json_member *m)
{
    return m->type == JSON_STRING ? json_inside(m->value) : TEXT_NONE;
}

static struct text unquoted_value(enum json_type type, struct text value)
{
    return unquoted(&(struct json_member){.type = type, .value = value});
}

static struct text string_in(struct text object, struct text key)
{
    struct text value;
    enum json_type type = json_get(object, key, &value);
    return unquoted_value(type, value);
}

static bool read_model(struct call *c, struct refusal *r)
{
    size_t n = 0;
    const struct json_member *m = call_get(c, CALL_MODEL);
    if (m->type == JSON_ABSENT) return call_refuse_shape(c, r, "missing field `model`");
    if (m->type != JSON_STRING) return call_refuse_shape(c, r, "model: invalid type, expected a string");
    if (!json_to_text(m->value, c->model, sizeof c->model - 1, &n)) return refuse(r, 400, "Model Not Exist");
    c->model[n] = '\0';
    c->base = c->spec = text_make(c->model, n);
    size_t at = text_find_byte(c->base, '@'), colon = text_starts(c->base, TEXT("sim:")) ? 3 : n;
    size_t split = colon < n ? colon : at;
    c->base.n = split;
    c->spec = text_from(c->spec, split + 1);
    return true;
}

static bool read_stream(struct call *c, struct refusal *r)
{
    enum json_type type = call_get(c, CALL_STREAM)->type;
    if (type != JSON_ABSENT && type != JSON_NULL && type != JSON_TRUE && type != JSON_FALSE)
        return call_refuse_shape(c, r, "stream: invalid type, expected a boolean");
    c->stream = type == JSON_TRUE;
    const struct json_member *options = call_get(c, CALL_STREAM_OPTIONS);
    struct text value;
    c->include_usage =
        options->type == JSON_OBJECT && json_get(options->value, TEXT("include_usage"), &value) == JSON_TRUE;
    return true;
}

/* What is no integer, and 0, become -1: out of bounds in any case. */
static void read_max_tokens(struct call *c)
{
    static const enum call_member names[] = {CALL_MAX_TOKENS, CALL_MAX_COMPLETION_TOKENS, CALL_MAX_OUTPUT_TOKENS};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct json_member *m = call_get(c, names[i]);
        if (m->type == JSON_ABSENT || m->type == JSON_NULL) continue;
        if (!json_to_i64(m->value, &c->max_tokens) || c->max_tokens == 0) c->max_tokens = -1;
    }
}

/* Self-hosted servers hand these to the model's template, whose name for it differs from model to model. */
static bool template_disables(const struct call *c)
{
    struct text value, kwargs = call_get(c, CALL_TEMPLATE_KWARGS)->value;
    return c->provider->has_template && (json_get(kwargs, TEXT("enable_thinking"), &value) == JSON_FALSE ||
                                         json_get(kwargs, TEXT("thinking"), &value) == JSON_FALSE);
}

static void read_thinking(struct call *c)
{
    const struct json_member *m = call_get(c, CALL_THINKING);
    bool disabled = m->type == JSON_OBJECT && text_is(string_in(m->value, TEXT("type")), "disabled");
    c->thinking = c->api != API_TEXT && c->api != API_EMBEDDINGS && !disabled && !template_disables(c);
    const struct json_member *format = call_get(c, CALL_RESPONSE_FORMAT);
    c->json_object = format->type == JSON_OBJECT && text_starts(string_in(format->value, TEXT("type")), TEXT("json_"));
}

/* What is no integer becomes -1: out of bounds in any case. */
static int64_t read_integer(const struct call *c, enum call_member which, int64_t fallback)
{
    int64_t value = -1;
    const struct json_member *m = call_get(c, which);
    if (m->type == JSON_ABSENT || m->type == JSON_NULL) return fallback;
    return json_to_i64(m->value, &value) ? value : -1;
}

static void read_choices(struct call *c)
{
    c->n = 1;
    if (c->api != API_CHAT) return;
    c->n = read_integer(c, CALL_N, 1);
    c->logprobs = call_get(c, CALL_LOGPROBS)->type == JSON_TRUE;
    c->top_logprobs = read_integer(c, CALL_TOP_LOGPROBS, 0);
}

/* ---- tools ---- */

static bool contains_nocase(struct text t, struct text needle)
{
    for (size_t i = 0; i + needle.n <= t.n; i++)
        if (text_eq_nocase(text_make(t.p + i, needle.n), needle)) return true;
    return false;
}

/* The last element of an array; empty when there is none. */
static struct text last_of(const struct json_member *array)
{
    struct text last = TEXT_NONE;
    if (array->type != JSON_ARRAY) return last;
    for (struct json_iter it = json_iter(array->value); json_next(&it);)
        last = it.value;
    return last;
}

/* The user's last words ask for a tool; a tool's result as the last message does not. */
static bool asks_in_words(const struct call *c)
{
    const struct json_member *turns = call_get(c, c->api == API_RESPONSES ? CALL_INPUT : CALL_MESSAGES);
    if (turns->type == JSON_STRING) return contains_nocase(turns->value, TEXT("use tool"));
    struct text last = last_of(turns);
    return text_is(string_in(last, TEXT("role")), "user") && contains_nocase(last, TEXT("use tool"));
}

/* OpenAI says required or {"function":{"name":…}}, Anthropic {"type":"any"} or {"type":"tool","name":…}, Responses
 * {"type":"function", "name":…}. */
static void read_tool_choice(struct call *c)
{
    const struct json_member *m = call_get(c, CALL_TOOL_CHOICE);
    struct text word = m->type == JSON_OBJECT ? string_in(m->value, TEXT("type")) : unquoted(m), function;
    if (text_is(word, "none")) {
        c->tools = TEXT_NONE;
        return;
    }
    c->wants_tool = text_is(word, "required") || text_is(word, "any") || text_is(word, "tool") ||
                    text_is(word, "function") || asks_in_words(c);
    if (m->type != JSON_OBJECT) return;
    c->tool_name = string_in(m->value, TEXT("name"));
    if (json_get(m->value, TEXT("function"), &function) == JSON_OBJECT)
        c->tool_name = string_in(function, TEXT("name"));
}

/* ---- texts to be continued ---- */

static bool asks_to_go_on(const struct call *c, struct text last)
{
    struct text flag;
    switch (c->provider->resume) {
    case RESUME_BETA_PREFIX:
    case RESUME_PREFIX: return json_get(last, TEXT("prefix"), &flag) == JSON_TRUE;
    case RESUME_FINAL_MESSAGE: return call_get(c, CALL_CONTINUE_FINAL)->type == JSON_TRUE;
    case RESUME_TRAILING: return true;
    case RESUME_NONE:
    case RESUME_TEXT: break;
    }
    return false;
}

/* Splits the messages: `last`, and the bytes of the array up to the end of the one before. */
static struct text split_messages(const struct call *c, struct text *last)
{
    struct text all = call_get(c, CALL_MESSAGES)->value, before = text_make(all.p, all.n ? 1 : 0);
    *last = TEXT_NONE;
    for (struct json_iter it = json_iter(all); json_next(&it); *last = it.value)
        if (last->n) before.n = (size_t)(last->p + last->n - all.p);
    return before;
}

static void read_given_message(struct call *c, struct text last)
{
    c->continues = c->message_given = true;
    c->given_content = string_in(last, TEXT("content"));
    if (c->provider->resumes_reasoning) c->given_reasoning = string_in(last, TEXT("reasoning_content"));
}

static void read_given(struct call *c)
{
    struct text last, before;
    c->conversation = call_get(c, CALL_MESSAGES)->value;
    if (call_get(c, CALL_MESSAGES)->type != JSON_ARRAY) return;
    before = split_messages(c, &last);
    bool speaks = c->api == API_CHAT && text_is(string_in(last, TEXT("role")), "assistant");
    if (speaks && asks_to_go_on(c, last)) {
        read_given_message(c, last);
        c->conversation = before;
        return;
    }
    if (last.n) c->conversation.n = (size_t)(last.p + last.n - c->conversation.p);
    if (c->api != API_CHAT || c->provider->resume != RESUME_TEXT) return;
    c->given_content = unquoted(call_get(c, CALL_PREFIX));
    c->continues = c->given_content.n > 0;
}

/* ---- the whole ---- */

bool call_read(struct call *c, const struct provider *provider, enum api api, bool beta, struct text body,
               struct refusal *r)
{
    *c = (struct call){.provider = provider, .api = api, .beta = beta, .body = body};
    struct json_result result = json_scan(body, member_names, CALL_MEMBER_COUNT, c->members, JSON_DEPTH);
    if (result.error == JSON_NOT_OBJECT) return call_refuse_shape(c, r, "invalid type, expected a struct");
    if (result.error != JSON_FINE) return refuse_json(c, result, r);
    if (!read_model(c, r) || !read_stream(c, r)) return false;
    read_max_tokens(c);
    if (call_get(c, CALL_TOOLS)->type == JSON_ARRAY) c->tools = call_get(c, CALL_TOOLS)->value;
    read_thinking(c);
    read_tool_choice(c);
    read_choices(c);
    read_given(c);
    return true;
}

/* An array without its closing bracket, so that a conversation's next turn begins with the same bytes. */
static struct text open_ended(const struct json_member *m)
{
    struct text t = m->value;
    if (m->type == JSON_ARRAY && t.n) t.n--;
    return t;
}

unsigned call_prompt(const struct call *c, struct text parts[static CALL_PARTS])
{
    static const enum call_member orders[][CALL_PARTS] = {
        [API_CHAT] = {CALL_TOOLS, CALL_MESSAGES},
        [API_TEXT] = {CALL_PROMPT, CALL_SUFFIX},
        [API_ANTHROPIC] = {CALL_TOOLS, CALL_SYSTEM, CALL_MESSAGES},
        [API_RESPONSES] = {CALL_TOOLS, CALL_INSTRUCTIONS, CALL_INPUT},
        [API_EMBEDDINGS] = {CALL_INPUT},
    };
    unsigned n = 0;
    for (unsigned i = 0; i < CALL_PARTS && (i == 0 || orders[c->api][i] != CALL_MODEL); i++) {
        const struct json_member *m = call_get(c, orders[c->api][i]);
        if (m->type == JSON_ABSENT || m->type == JSON_NULL) continue;
        parts[n++] = orders[c->api][i] == CALL_MESSAGES ? c->conversation : open_ended(m);
    }
    return n;
}

/* Messages one by one, so that leaving out the last does not change how the others are hashed. */
static uint64_t hash_messages(const struct call *c, uint64_t hash)
{
    struct text previous = TEXT_NONE;
    for (struct json_iter it = json_iter(call_get(c, CALL_MESSAGES)->value); json_next(&it); previous = it.value)
        if (previous.n) hash = hash_text(hash, previous);
    return previous.n && !c->message_given ? hash_text(hash, previous) : hash;
}

uint64_t call_hash(const struct call *c, uint64_t seed)
{
    static const enum call_member others[] = {CALL_SUFFIX, CALL_INPUT, CALL_INSTRUCTIONS, CALL_SYSTEM};
    uint64_t hash = HASH_START ^ hash_mix(seed);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        hash = hash_text(hash, call_get(c, others[i])->value);
    return call_get(c, CALL_MESSAGES)->type == JSON_ARRAY ? hash_messages(c, hash) : hash;
}
