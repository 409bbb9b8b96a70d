/* JSON's grammar needs no recursion and no tree: what may come next depends on the last token and on whether the
 * innermost container is an object, and that is one bit a level. Ends are not watched for but looked up: a member ends
 * before the comma or brace that follows, a key before its colon, but for white space. So the block pass need not
 * report closing quotes, and only members of the top level cost anything beyond the check. */
#include "json_walk.h"
#include "json_key.h"
#include "json_scalar.h"

enum {
    STRING = 1,
    SCALAR = 2,
    OPEN_OBJECT = 4,
    OPEN_ARRAY = 8,
    CLOSE_OBJECT = 16,
    CLOSE_ARRAY = 32,
    COLON = 64,
    COMMA = 128,
    VALUE = STRING | SCALAR | OPEN_OBJECT | OPEN_ARRAY
};

static const unsigned char token_class[256] = {
    ['"'] = STRING, ['-'] = SCALAR,       ['0'] = SCALAR,      ['1'] = SCALAR,      ['2'] = SCALAR,     ['3'] = SCALAR,
    ['4'] = SCALAR, ['5'] = SCALAR,       ['6'] = SCALAR,      ['7'] = SCALAR,      ['8'] = SCALAR,     ['9'] = SCALAR,
    ['n'] = SCALAR, ['f'] = SCALAR,       ['t'] = SCALAR,      ['{'] = OPEN_OBJECT, ['['] = OPEN_ARRAY, [':'] = COLON,
    [','] = COMMA,  ['}'] = CLOSE_OBJECT, [']'] = CLOSE_ARRAY,
};

void json_walk_forget(struct json_walk *w)
{
    for (size_t i = 0; i < w->n; i++)
        w->members[i] = (struct json_member){.type = JSON_ABSENT};
}

void json_walk_init(struct json_walk *w, struct text json, const struct text *names, size_t n,
                    struct json_member *members, unsigned max_depth)
{
    w->text = json;
    w->names = names;
    w->n = n;
    w->members = members;
    w->max_depth = max_depth < JSON_DEPTH_MAX ? max_depth : JSON_DEPTH_MAX;
    w->expect = VALUE;
    w->depth = 0;
    w->in_object = false;
    w->key = NULL;
    w->member = NULL;
    w->result = (struct json_result){JSON_FINE, 0, JSON_ABSENT};
    json_walk_forget(w); /* w->objects needs no value: a level's bit is written when the level opens */
}

bool json_walk_refuse(struct json_walk *w, enum json_error error, size_t position)
{
    w->result.error = error;
    w->result.position = position;
    return false;
}

void json_walk_end(struct json_walk *w, bool in_string)
{
    if (w->result.top == JSON_ABSENT)
        json_walk_refuse(w, JSON_EMPTY, w->text.n);
    else if (w->expect || in_string)
        json_walk_refuse(w, JSON_TRUNCATED, w->text.n);
}

/* The end of what stands before `end`: a value or a key, so there is a byte to stop at. */
static const char *without_space(const char *end)
{
    while (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\n' || end[-1] == '\r')
        end--;
    return end;
}

static bool begin_value(struct json_walk *w, size_t at)
{
    enum json_type type = json_type_of(w->text.p[at]);
    if (w->depth == 0) {
        w->result.top = type;
        if (w->n && type != JSON_OBJECT) return json_walk_refuse(w, JSON_NOT_OBJECT, at);
    } else if (w->member) {
        w->member->type = type;
        w->member->value.p = w->text.p + at;
    }
    return true;
}

static void end_member(struct json_walk *w, const char *end)
{
    struct json_member *m = w->member;
    end = without_space(end);
    m->value.n = (size_t)(end - m->value.p);
    m->whole = text_make(w->key, (size_t)(end - w->key));
    w->member = NULL;
}

static bool begin_member(struct json_walk *w, const char *colon)
{
    const char *closing = without_space(colon) - 1;
    struct text key = text_make(w->key + 1, (size_t)(closing - w->key - 1));
    size_t i = json_key_find(key, w->names, w->n);
    if (i == w->n) return true;
    if (w->members[i].type != JSON_ABSENT) return json_walk_refuse(w, JSON_DUPLICATE, (size_t)(w->key - w->text.p));
    w->member = &w->members[i];
    return true;
}

static void end_value(struct json_walk *w)
{
    w->expect = w->depth == 0 ? 0 : w->in_object ? COMMA | CLOSE_OBJECT : COMMA | CLOSE_ARRAY;
}

static bool open_container(struct json_walk *w, size_t at, bool object)
{
    if (w->depth == w->max_depth) return json_walk_refuse(w, JSON_TOO_DEEP, at);
    uint64_t *level = &w->objects[w->depth / 64], bit = (uint64_t)1 << w->depth % 64;
    *level = object ? *level | bit : *level & ~bit;
    w->in_object = object;
    w->depth++;
    w->expect = object ? STRING | CLOSE_OBJECT : VALUE | CLOSE_ARRAY;
    return true;
}

static void close_container(struct json_walk *w)
{
    w->depth--;
    if (w->depth) w->in_object = w->objects[(w->depth - 1) / 64] >> (w->depth - 1) % 64 & 1;
    end_value(w);
}

static bool take_string(struct json_walk *w, size_t at)
{
    if (w->expect & SCALAR) {
        end_value(w);
    } else {
        if (w->depth == 1) w->key = w->text.p + at;
        w->expect = COLON;
    }
    return true;
}

static bool take_scalar(struct json_walk *w, size_t at)
{
    enum json_error error = json_scalar_pass(w->text, &at);
    end_value(w);
    return error == JSON_FINE || json_walk_refuse(w, error, at);
}

static bool take_colon(struct json_walk *w, size_t at)
{
    w->expect = VALUE;
    return w->depth > 1 || w->n == 0 || begin_member(w, w->text.p + at);
}

static bool take_comma(struct json_walk *w)
{
    w->expect = w->in_object ? STRING : VALUE;
    return true;
}

static bool take_token(struct json_walk *w, unsigned class, size_t at)
{
    if (w->depth <= 1) {
        if (w->expect & SCALAR && class & VALUE && !begin_value(w, at)) return false;
        if (w->member && class & (COMMA | CLOSE_OBJECT)) end_member(w, w->text.p + at);
    }
    switch (class) {
    case STRING: return take_string(w, at);
    case SCALAR: return take_scalar(w, at);
    case OPEN_OBJECT: return open_container(w, at, true);
    case OPEN_ARRAY: return open_container(w, at, false);
    case COLON: return take_colon(w, at);
    case COMMA: return take_comma(w);
    default: close_container(w); return true;
    }
}

bool json_walk_tokens(struct json_walk *w, size_t offset, uint64_t tokens)
{
    for (; tokens; tokens &= tokens - 1) {
        size_t at = offset + (size_t)__builtin_ctzll(tokens);
        unsigned class = token_class[(unsigned char)w->text.p[at]];
        if (!(w->expect & class)) return json_walk_refuse(w, w->expect ? JSON_SYNTAX : JSON_TRAILING, at);
        if (!take_token(w, class, at)) return false;
    }
    return true;
}
