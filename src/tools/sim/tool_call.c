#include "tool_call.h"
#include "dsgate/base/mem.h"
#include "hash.h"
#include "prose.h"
#include <stdio.h>

enum { PIECE = 12 /* bytes of arguments a delta */, DEPTH_MOST = 5, PROPERTIES_MOST = 32 };

static void add_value(struct text schema, uint64_t seed, unsigned depth, struct buf *out);

/* ---- values from a schema ---- */

static void add_words(uint64_t seed, struct buf *out)
{
    struct buf words = {0};
    for (unsigned i = 0; i < 2; i++)
        prose_token(seed, i, &words);
    buf_add_json_string(out, buf_text(&words));
    buf_free(&words);
}

static void add_object(struct text schema, uint64_t seed, unsigned depth, struct buf *out)
{
    struct text properties;
    unsigned count = 0;
    BUF_ADD(out, "{");
    if (json_get(schema, TEXT("properties"), &properties) == JSON_OBJECT && depth < DEPTH_MOST) {
        for (struct json_iter it = json_iter(properties); json_next(&it) && count < PROPERTIES_MOST; count++) {
            if (count) BUF_ADD(out, ", ");
            buf_printf(out, "\"" TEXT_FORMAT "\": ", TEXT_ARGS(it.key));
            add_value(it.value, hash_mix(seed + count), depth + 1, out);
        }
    }
    BUF_ADD(out, "}");
}

static void add_array(struct text schema, uint64_t seed, unsigned depth, struct buf *out)
{
    struct text items;
    BUF_ADD(out, "[");
    if (json_get(schema, TEXT("items"), &items) == JSON_OBJECT && depth < DEPTH_MOST)
        add_value(items, hash_mix(seed), depth + 1, out);
    BUF_ADD(out, "]");
}

static bool add_first_of_enum(struct text schema, uint64_t seed, struct buf *out)
{
    struct text values;
    unsigned count = 0;
    if (json_get(schema, TEXT("enum"), &values) != JSON_ARRAY) return false;
    for (struct json_iter it = json_iter(values); json_next(&it);)
        count++;
    if (!count) return false;
    unsigned chosen = (unsigned)hash_pick(seed, 0, count);
    struct json_iter it = json_iter(values);
    while (json_next(&it) && chosen--)
        ;
    buf_add(out, it.value);
    return true;
}

static void add_value(struct text schema, uint64_t seed, unsigned depth, struct buf *out)
{
    struct text type;
    if (add_first_of_enum(schema, seed, out)) return;
    if (json_get(schema, TEXT("type"), &type) != JSON_STRING) type = TEXT("\"string\"");
    if (text_is(type, "\"object\""))
        add_object(schema, seed, depth, out);
    else if (text_is(type, "\"array\""))
        add_array(schema, seed, depth, out);
    else if (text_is(type, "\"integer\""))
        buf_add_u64(out, 1 + hash_pick(seed, 1, 99));
    else if (text_is(type, "\"number\""))
        buf_printf(out, "%u.5", (unsigned)hash_pick(seed, 1, 99));
    else if (text_is(type, "\"boolean\""))
        buf_add(out, hash_pick(seed, 1, 2) ? TEXT("true") : TEXT("false"));
    else if (text_is(type, "\"null\""))
        BUF_ADD(out, "null");
    else
        add_words(seed, out);
}

/* ---- which tool ---- */

/* OpenAI's chat shape wraps a tool in "function"; Anthropic's and Responses' do not. */
static struct text function_of(struct text tool)
{
    struct text function;
    return json_get(tool, TEXT("function"), &function) == JSON_OBJECT ? function : tool;
}

static struct text name_of(struct text tool)
{
    struct text name;
    return json_get(function_of(tool), TEXT("name"), &name) == JSON_STRING ? name : TEXT("\"tool\"");
}

static struct text schema_of(struct text tool)
{
    struct text function = function_of(tool), schema;
    if (json_get(function, TEXT("parameters"), &schema) == JSON_OBJECT) return schema;
    return json_get(function, TEXT("input_schema"), &schema) == JSON_OBJECT ? schema : TEXT("{}");
}

/* Tools are taken in turn from `first` on. */
static struct text tool_at(struct text tools, unsigned first, unsigned index)
{
    unsigned count = 0, at = 0;
    for (struct json_iter it = json_iter(tools); json_next(&it);)
        count++;
    for (struct json_iter it = json_iter(tools); json_next(&it); at++)
        if (at == (first + index) % count) return it.value;
    return TEXT("{}");
}

static unsigned named_tool(const struct call *call)
{
    unsigned at = 0;
    for (struct json_iter it = json_iter(call->tools); json_next(&it); at++) {
        struct text name = name_of(it.value);
        if (call->tool_name.n && text_eq(call->tool_name, json_inside(name))) return at;
    }
    return 0;
}

void tool_call_make(struct tool_call *t, const struct call *call, unsigned index, uint64_t seed)
{
    struct text tool = tool_at(call->tools, named_tool(call), index);
    uint64_t own = hash_mix(seed + index);
    *t = (struct tool_call){.name = text_dup(name_of(tool))};
    snprintf(t->id, sizeof t->id, "call_%02u_%016llx", index, (unsigned long long)own);
    add_object(schema_of(tool), own, 0, &t->arguments);
}

void tool_call_free(struct tool_call *t)
{
    mem_free(t->name);
    buf_free(&t->arguments);
}

/* ---- pieces ---- */

static bool is_inside_character(char c) { return ((unsigned char)c & 0xC0) == 0x80; }

size_t tool_call_offset(const struct tool_call *call, unsigned i)
{
    struct text t = buf_text(&call->arguments);
    size_t at = (size_t)i * PIECE;
    while (at < t.n && is_inside_character(t.p[at]))
        at++;
    return at < t.n ? at : t.n;
}

unsigned tool_call_pieces(const struct tool_call *t)
{
    return (unsigned)((buf_len(&t->arguments) + PIECE - 1) / PIECE);
}

struct text tool_call_piece(const struct tool_call *t, unsigned i)
{
    size_t from = tool_call_offset(t, i);
    return text_make(buf_text(&t->arguments).p + from, tool_call_offset(t, i + 1) - from);
}
