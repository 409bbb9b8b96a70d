/* What is asked of the cache is asked of the gateway alone, so mistakes in it are told here: no upstream would. What an
 * answer depends on is asked with the opposite care: whatever is not understood counts as a dependence. */
#include "dsgate/llm/chat_cache.h"
#include "chat_private.h"

/* ---- what it asks for ---- */

enum field { TTL, S_MAXAGE, S_MAX_AGE, NO_CACHE, NO_STORE, SPACE, FIELDS };

/* clang-format off */
static const struct {
    const char *path; /* for people */
    unsigned types;
    const char *expected;
} fields[FIELDS] = {
    [TTL]       = {"cache.ttl",       JSON_IS(JSON_NUMBER),                      "a number of seconds"},
    [S_MAXAGE]  = {"cache.s-maxage",  JSON_IS(JSON_NUMBER),                      "a number of seconds"},
    [S_MAX_AGE] = {"cache.s-max-age", JSON_IS(JSON_NUMBER),                      "a number of seconds"},
    [NO_CACHE]  = {"cache.no-cache",  JSON_IS(JSON_FALSE) | JSON_IS(JSON_TRUE),  "a boolean"},
    [NO_STORE]  = {"cache.no-store",  JSON_IS(JSON_FALSE) | JSON_IS(JSON_TRUE),  "a boolean"},
    [SPACE]     = {"cache.namespace", JSON_IS(JSON_STRING),                      "a string"},
};
/* clang-format on */

static bool find_field(struct text cache, enum field f, struct json_member *given, struct buf *message)
{
    struct text name = text_from(text_of(fields[f].path), sizeof "cache." - 1);
    given->type = json_get(cache, name, &given->value);
    if (given->type <= JSON_NULL || fields[f].types & JSON_IS(given->type)) return true;
    chat_refuse_type(message, fields[f].path, fields[f].expected, given->type);
    return false;
}

/* The longest time that counts is that of Cache-Control (RFC 9111 section 1.2.2). */
static bool read_seconds(const struct json_member *given, enum field f, usec_t *out, struct buf *message)
{
    static const double most = (double)((uint64_t)1 << 31);
    double seconds;
    if (given->type != JSON_NUMBER) return true;
    if (json_to_double(given->value, &seconds) && seconds >= 0) {
        *out = (usec_t)((seconds < most ? seconds : most) * USEC_PER_SEC);
        return true;
    }
    buf_printf(message, "Invalid '%s': expected a number of seconds, 0 or more.", fields[f].path);
    return false;
}

static bool read_space(const struct json_member *given, char *out, struct buf *message)
{
    if (given->type != JSON_STRING || chat_read_name(given->value, out, CHAT_SPACE_MAX)) return true;
    buf_printf(message, "Invalid 'cache.namespace': expected at most %d bytes without control characters.",
               CHAT_SPACE_MAX - 1);
    return false;
}

static bool read_fields(const struct json_member given[static FIELDS], struct chat_cache *out, struct buf *message)
{
    usec_t age = USEC_NEVER, ttl = USEC_NEVER;
    if (!read_seconds(&given[TTL], TTL, &ttl, message) || !read_seconds(&given[S_MAXAGE], S_MAXAGE, &age, message) ||
        !read_seconds(&given[S_MAX_AGE], S_MAX_AGE, &out->max_age, message) ||
        !read_space(&given[SPACE], out->space, message))
        return false;
    if (age < out->max_age) out->max_age = age;
    out->no_cache = given[NO_CACHE].type == JSON_TRUE;
    out->no_store = given[NO_STORE].type == JSON_TRUE || ttl == 0;
    out->ttl = ttl == USEC_NEVER ? 0 : ttl;
    return true;
}

enum chat_error chat_cache_read(const struct chat_request *r, struct chat_cache *out, struct buf *message)
{
    const struct json_member *cache = &r->members[CHAT_CACHE];
    struct json_member given[FIELDS];
    *out = (struct chat_cache){.max_age = USEC_NEVER};
    if (cache->type <= JSON_NULL) return CHAT_FINE;
    if (cache->type != JSON_OBJECT) {
        chat_refuse_type(message, "cache", "an object", cache->type);
        return CHAT_BAD_TYPE;
    }
    for (enum field f = 0; f < FIELDS; f++)
        if (!find_field(cache->value, f, &given[f], message)) return CHAT_BAD_TYPE;
    return read_fields(given, out, message) ? CHAT_FINE : CHAT_BAD_TYPE;
}

/* ---- what its answer depends on ---- */

enum member {
    ENABLE_THINKING,
    TEMPLATE,
    EFFORT,
    REASONING,
    PREVIOUS_RESPONSE,
    CONVERSATION,
    BACKGROUND,
    CONTAINER,
    TOOLS,
    /* The names of web search: OpenAI's, Qianfan's, DashScope's, OpenRouter's, xAI's; and servers of tools that a
     * provider calls by itself (Anthropic). */
    WEB_SEARCH_OPTIONS,
    WEB_SEARCH,
    ENABLE_SEARCH,
    PLUGINS,
    SEARCH_PARAMETERS,
    MCP_SERVERS,
    MEMBERS
};

static const struct text names[MEMBERS] = {
    [ENABLE_THINKING] = TEXT("enable_thinking"),
    [TEMPLATE] = TEXT("chat_template_kwargs"),
    [EFFORT] = TEXT("reasoning_effort"),
    [REASONING] = TEXT("reasoning"),
    [PREVIOUS_RESPONSE] = TEXT("previous_response_id"),
    [CONVERSATION] = TEXT("conversation"),
    [BACKGROUND] = TEXT("background"),
    [CONTAINER] = TEXT("container"),
    [TOOLS] = TEXT("tools"),
    [WEB_SEARCH_OPTIONS] = TEXT("web_search_options"),
    [WEB_SEARCH] = TEXT("web_search"),
    [ENABLE_SEARCH] = TEXT("enable_search"),
    [PLUGINS] = TEXT("plugins"),
    [SEARCH_PARAMETERS] = TEXT("search_parameters"),
    [MCP_SERVERS] = TEXT("mcp_servers"),
};

/* ---- thinking: null says nothing, what is neither on nor off is on ---- */

static enum chat_thinking by_flag(enum json_type type)
{
    if (type <= JSON_NULL) return THINKING_UNSAID;
    return type == JSON_FALSE ? THINKING_OFF : THINKING_ON;
}

static enum chat_thinking by_word(enum json_type type, struct text value)
{
    if (type <= JSON_NULL) return THINKING_UNSAID;
    return text_is(value, "\"none\"") ? THINKING_OFF : THINKING_ON;
}

/* DeepSeek's and Anthropic's form: {"type": "disabled"}. */
static enum chat_thinking by_object(const struct json_member *m)
{
    struct text type = TEXT_NONE;
    if (m->type <= JSON_NULL) return THINKING_UNSAID;
    json_get(m->value, TEXT("type"), &type);
    return text_is(type, "\"disabled\"") ? THINKING_OFF : THINKING_ON;
}

static enum chat_thinking both(enum chat_thinking a, enum chat_thinking b) { return a > b ? a : b; }

/* A member of an object. */
static enum chat_thinking flag_in(const struct json_member *m, const char *name)
{
    struct text value;
    return by_flag(json_get(m->value, text_of(name), &value));
}

/* Responses' and OpenRouter's form: {"effort": "none"}, or with a budget of tokens. */
static enum chat_thinking by_effort(const struct json_member *m)
{
    struct text value, tokens;
    enum json_type type = json_get(m->value, TEXT("effort"), &value);
    if (json_get(m->value, TEXT("max_tokens"), &tokens) > JSON_NULL) return THINKING_ON;
    return by_word(type, value);
}

static enum chat_thinking read_thinking(const struct chat_request *r, const struct json_member *given)
{
    enum chat_thinking said = both(by_object(&r->members[CHAT_THINKING]), by_flag(given[ENABLE_THINKING].type));
    said = both(said, by_word(given[EFFORT].type, given[EFFORT].value));
    said = both(said, flag_in(&given[TEMPLATE], "thinking"));
    said = both(said, flag_in(&given[TEMPLATE], "enable_thinking"));
    said = both(said, flag_in(&given[REASONING], "enabled"));
    return both(said, by_effort(&given[REASONING]));
}

/* ---- the world outside ---- */

static bool is_told(const struct json_member *m) { return m->type > JSON_NULL; }
static bool is_on(const struct json_member *m) { return m->type > JSON_FALSE; }

static bool is_stored(const struct chat_request *r, const struct json_member *given, enum endpoint_family family)
{
    if (family == FAMILY_MESSAGES) return is_told(&given[CONTAINER]);
    return family == FAMILY_RESPONSES && (is_told(&given[PREVIOUS_RESPONSE]) || is_told(&given[CONVERSATION]) ||
                                          is_on(&given[BACKGROUND]) || is_told(&r->members[CHAT_PROMPT]));
}

static bool is_clients_tool(struct text tool)
{
    struct text type;
    return json_get(tool, TEXT("type"), &type) == JSON_ABSENT || text_is(type, "\"function\"") ||
           text_is(type, "\"custom\"");
}

static bool searches(const struct json_member *given)
{
    for (enum member m = WEB_SEARCH_OPTIONS; m <= MCP_SERVERS; m++)
        if (is_on(&given[m])) return true;
    for (struct json_iter tool = json_iter(given[TOOLS].value); json_next(&tool);)
        if (!is_clients_tool(tool.value)) return true;
    return false;
}

struct chat_traits chat_traits(const struct chat_request *r, enum endpoint_family family)
{
    double temperature = 1;
    struct json_member given[MEMBERS];
    json_to_double(r->members[CHAT_TEMPERATURE].value, &temperature);
    struct chat_traits t = {.zero_temperature = temperature == 0,
                            .has_seed = r->members[CHAT_SEED].type == JSON_NUMBER};
    bool may_be_stored = family == FAMILY_RESPONSES || family == FAMILY_MESSAGES;
    if (!t.zero_temperature && !t.has_seed && !may_be_stored) return t;
    bool clear = json_scan(r->body, names, MEMBERS, given, JSON_DEPTH).error == JSON_FINE;
    t.thinking = clear ? read_thinking(r, given) : THINKING_ON;
    if (family == FAMILY_COMPLETION) t.thinking = THINKING_OFF;
    t.stored = !clear || is_stored(r, given, family);
    t.searches = !clear || searches(given);
    return t;
}

bool chat_temperature_counts(const struct chat_request *r, const struct chat_traits *t, enum conf_dialect d,
                             const struct conf_model *model)
{
    if (dialect_row(d)->heeds_temperature || t->thinking == THINKING_OFF) return true;
    return t->thinking == THINKING_UNSAID && chat_sets_thinking(r, model) && !strcmp(model->thinking, "disabled");
}
