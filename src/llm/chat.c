/* A request body is read once: a few members are looked at. What is wrong is said in the API's own words, so that
 * callers recognise it.
 */
#include "chat_private.h"
#include "dsgate/llm/chat_cache.h"
#include <limits.h>

/* clang-format off */
static const struct text names[CHAT_MEMBER_COUNT] = {
    [CHAT_MODEL]          = TEXT("model"),
    [CHAT_STREAM]         = TEXT("stream"),
    [CHAT_STREAM_OPTIONS] = TEXT("stream_options"),
    [CHAT_MESSAGES]       = TEXT("messages"),
    [CHAT_PROMPT]         = TEXT("prompt"),
    [CHAT_INPUT]          = TEXT("input"),
    [CHAT_THINKING]       = TEXT("thinking"),
    [CHAT_SERVICE_TIER]   = TEXT("service_tier"),
    [CHAT_N]              = TEXT("n"),
    [CHAT_TEMPERATURE]    = TEXT("temperature"),
    [CHAT_SEED]           = TEXT("seed"),
    [CHAT_CACHE]          = TEXT("cache"),
};

enum {
    ANYTHING = JSON_IS(JSON_FALSE) | JSON_IS(JSON_TRUE) | JSON_IS(JSON_NUMBER) | JSON_IS(JSON_STRING) |
               JSON_IS(JSON_ARRAY) | JSON_IS(JSON_OBJECT)
};

/* What a member may be; the other members are the upstream's affair. */
static const struct rule {
    enum chat_member member;
    unsigned types;
    const char *expected;
} rules[] = {
    {CHAT_MODEL,    JSON_IS(JSON_STRING),                                           "a string"},
    {CHAT_MESSAGES, JSON_IS(JSON_ARRAY),                                            "an array of objects"},
    {CHAT_PROMPT,   ANYTHING,                                                       "a string or an array"},
    {CHAT_INPUT,    ANYTHING,                                                       "a string or an array"},
    {CHAT_STREAM,   JSON_IS(JSON_FALSE) | JSON_IS(JSON_TRUE) | JSON_IS(JSON_NULL),  "a boolean"},
};

static const char *const type_names[] = {
    [JSON_NULL]   = "null",     [JSON_FALSE]  = "a boolean", [JSON_TRUE]   = "a boolean", [JSON_NUMBER] = "a number",
    [JSON_STRING] = "a string", [JSON_ARRAY]  = "an array",  [JSON_OBJECT] = "an object",
};
/* clang-format on */

/* Line and column as an editor counts them: from 1, columns in bytes. */
static void put_position(struct buf *message, struct text body, size_t position)
{
    struct text before = text_make(body.p, position < body.n ? position : body.n);
    size_t line = 1, newline;
    while ((newline = text_find_byte(before, '\n')) < before.n) {
        before = text_from(before, newline + 1);
        line++;
    }
    buf_printf(message, "line %zu, column %zu (byte %zu)", line, before.n + 1, position);
}

static enum chat_error read_json(struct chat_request *r, struct buf *message)
{
    struct json_result result = json_scan(r->body, names, CHAT_MEMBER_COUNT, r->members, JSON_DEPTH);
    if (result.error == JSON_FINE) return CHAT_FINE;
    buf_printf(message, "We could not parse the JSON body of your request: %s", json_error_text(result.error));
    if (r->body.n) {
        BUF_ADD(message, " at ");
        put_position(message, r->body, result.position);
    }
    BUF_ADD(message, ".");
    return CHAT_BAD_JSON;
}

void chat_refuse_type(struct buf *message, const char *name, const char *expected, enum json_type type)
{
    buf_printf(message, "Invalid type for '%s': expected %s, but got %s instead.", name, expected, type_names[type]);
}

static enum chat_error check_rule(const struct chat_request *r, const struct rule *rule, bool needed,
                                  struct buf *message)
{
    const char *name = names[rule->member].p;
    enum json_type type = r->members[rule->member].type;
    if (type == JSON_ABSENT) {
        if (!needed) return CHAT_FINE;
        buf_printf(message, "Missing required parameter: '%s'.", name);
        return CHAT_MISSING;
    }
    if (rule->types & JSON_IS(type)) return CHAT_FINE;
    chat_refuse_type(message, name, rule->expected, type);
    return CHAT_BAD_TYPE;
}

static bool is_needed(const struct endpoint *e, enum chat_member member)
{
    return member == CHAT_MODEL ? e->needs_model : e->needs && text_is(names[member], e->needs);
}

bool chat_read_name(struct text value, char *out, size_t room)
{
    size_t length;
    bool good = json_to_text(value, out, room - 1, &length);
    for (size_t i = 0; good && i < length; i++)
        good = (unsigned char)out[i] >= 0x20 && out[i] != 0x7F;
    out[good ? length : 0] = '\0';
    return good;
}

/* The name goes into headers, logs and metrics: whole, printable, not empty. */
static enum chat_error read_model(struct chat_request *r, struct buf *message)
{
    if (chat_read_name(r->members[CHAT_MODEL].value, r->model, sizeof r->model) && r->model[0]) return CHAT_FINE;
    buf_printf(message, "Invalid 'model': expected a name of 1 to %d bytes without control characters.",
               CHAT_MODEL_MAX - 1);
    return CHAT_BAD_TYPE;
}

/* Most have none. */
static enum chat_error check_cache(const struct chat_request *r, struct buf *message)
{
    struct chat_cache wishes;
    return r->members[CHAT_CACHE].type == JSON_ABSENT ? CHAT_FINE : chat_cache_read(r, &wishes, message);
}

enum chat_error chat_read(struct chat_request *r, const struct endpoint *e, struct text body, struct buf *message,
                          const char **param)
{
    *r = (struct chat_request){.body = body};
    *param = NULL;
    if (!e->needs_model) return CHAT_FINE;
    enum chat_error error = read_json(r, message);
    if (error) return error;
    for (const struct rule *rule = rules; rule < rules + sizeof rules / sizeof *rules; rule++) {
        bool needed = is_needed(e, rule->member);
        if (!needed && rule->member != CHAT_STREAM) continue;
        *param = names[rule->member].p;
        error = check_rule(r, rule, needed, message);
        if (!error && rule->member == CHAT_MODEL) error = read_model(r, message);
        if (error) return error;
    }
    error = check_cache(r, message);
    *param = error ? names[CHAT_CACHE].p : NULL;
    return error;
}

bool chat_wants_usage(const struct chat_request *r)
{
    const struct json_member *options = &r->members[CHAT_STREAM_OPTIONS];
    struct text value;
    return options->type == JSON_OBJECT && json_get(options->value, TEXT("include_usage"), &value) == JSON_TRUE;
}

enum conf_priority chat_priority(const struct chat_request *r)
{
    static const struct {
        const char *tier;
        enum conf_priority priority;
    } tiers[] = {{"priority", PRIORITY_P1}, {"default", PRIORITY_P2}, {"flex", PRIORITY_P3}};
    char tier[16];
    size_t n;
    if (!json_to_text(r->members[CHAT_SERVICE_TIER].value, tier, sizeof tier, &n)) return PRIORITY_COUNT;
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if (text_is(text_make(tier, n), tiers[i].tier)) return tiers[i].priority;
    return PRIORITY_COUNT;
}

unsigned chat_more_choices(const struct chat_request *r)
{
    const struct json_member *n = &r->members[CHAT_N];
    uint64_t choices = 1;
    bool known = n->type == JSON_ABSENT || n->type == JSON_NULL || text_to_u64(n->value, &choices);
    if (!known || choices - 1 >= UINT_MAX || r->members[CHAT_PROMPT].type == JSON_ARRAY) return UINT_MAX;
    return (unsigned)(choices - 1);
}
