/* JSON's grammar needs no recursion and no tree: what may come next depends on the last token and on whether the
 * innermost container is an object, and that is a table of states and one bit a level. Ends are not watched for but
 * looked up: a member ends before the comma or brace that follows, a key before its colon, but for white space. So the
 * block pass need not report closing quotes, and only members of the top level cost anything beyond the check. */
#include "json_walk.h"
#include "json_key.h"
#include "json_scalar.h"

/* Below the top level the first three do nothing but change the state. */
enum token_class { NONE, STRING, COLON, COMMA, SCALAR, OPEN_OBJECT, OPEN_ARRAY, CLOSE_OBJECT, CLOSE_ARRAY, CLASSES };

/* clang-format off */
static const unsigned char class_of[256] = {
    ['"'] = STRING, [':'] = COLON, [','] = COMMA, ['{'] = OPEN_OBJECT, ['['] = OPEN_ARRAY, ['}'] = CLOSE_OBJECT,
    [']'] = CLOSE_ARRAY, ['-'] = SCALAR, ['0' ... '9'] = SCALAR, ['n'] = SCALAR, ['f'] = SCALAR, ['t'] = SCALAR,
};

/* After which token; what state follows a container that closes is for its parent to say. */
static const unsigned char next_state[][CLASSES] = {
#define VALUE(after)                                                                                                   \
    [STRING] = after, [SCALAR] = after, [OPEN_OBJECT] = JSON_FIRST_KEY, [OPEN_ARRAY] = JSON_FIRST_ELEMENT
    [JSON_TOP] = {VALUE(JSON_DONE)},
    [JSON_FIRST_KEY] = {[STRING] = JSON_COLON, [CLOSE_OBJECT] = JSON_DONE},
    [JSON_KEY] = {[STRING] = JSON_COLON},
    [JSON_COLON] = {[COLON] = JSON_MEMBER},
    [JSON_MEMBER] = {VALUE(JSON_MEMBER_END)},
    [JSON_MEMBER_END] = {[COMMA] = JSON_KEY, [CLOSE_OBJECT] = JSON_DONE},
    [JSON_FIRST_ELEMENT] = {VALUE(JSON_ELEMENT_END), [CLOSE_ARRAY] = JSON_DONE},
    [JSON_ELEMENT] = {VALUE(JSON_ELEMENT_END)},
    [JSON_ELEMENT_END] = {[COMMA] = JSON_ELEMENT, [CLOSE_ARRAY] = JSON_DONE},
    [JSON_DONE] = {0},
#undef VALUE
};
/* clang-format on */

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
    w->state = JSON_TOP;
    w->depth = 0;
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
    else if (w->state != JSON_DONE || in_string)
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
    m->value.n = (size_t)(without_space(end) - m->value.p);
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

static bool open_container(struct json_walk *w, size_t at, bool object)
{
    if (w->depth == w->max_depth) return json_walk_refuse(w, JSON_TOO_DEEP, at);
    uint64_t *level = &w->objects[w->depth / 64], bit = (uint64_t)1 << w->depth % 64;
    *level = object ? *level | bit : *level & ~bit;
    w->depth++;
    return true;
}

static void close_container(struct json_walk *w)
{
    if (--w->depth == 0) return;
    bool in_object = w->objects[(w->depth - 1) / 64] >> (w->depth - 1) % 64 & 1;
    w->state = in_object ? JSON_MEMBER_END : JSON_ELEMENT_END;
}

static bool take_scalar(struct json_walk *w, size_t at)
{
    enum json_error error = json_scalar_pass(w->text, &at);
    return error == JSON_FINE || json_walk_refuse(w, error, at);
}

/* At the top level, where members are: what else a token means there. */
static bool note_member(struct json_walk *w, enum token_class class, size_t at)
{
    switch (class) {
    case COLON: return w->n == 0 || begin_member(w, w->text.p + at);
    case COMMA:
    case CLOSE_OBJECT:
        if (w->member) end_member(w, w->text.p + at);
        return true;
    case CLOSE_ARRAY: return true;
    default:
        if (w->state != JSON_COLON) return begin_value(w, at);
        w->key = w->text.p + at;
        return true;
    }
}

/* The state has changed already. */
static bool take_token(struct json_walk *w, enum token_class class, size_t at)
{
    if (w->depth <= 1 && !note_member(w, class, at)) return false;
    switch (class) {
    case SCALAR: return take_scalar(w, at);
    case OPEN_OBJECT: return open_container(w, at, true);
    case OPEN_ARRAY: return open_container(w, at, false);
    case CLOSE_OBJECT:
    case CLOSE_ARRAY: close_container(w); return true;
    default: return true;
    }
}

/* Above all `depth` says what an unexpected token is: where it is 0, either nothing has been there before, or all. */
static bool refuse_token(struct json_walk *w, size_t at)
{
    bool trailing = w->depth == 0 && w->result.top != JSON_ABSENT;
    return json_walk_refuse(w, trailing ? JSON_TRAILING : JSON_SYNTAX, at);
}

/* The state is in w only when somebody else needs it there: each token waits for the state before. */
bool json_walk_tokens(struct json_walk *w, size_t offset, const uint64_t *masks, uint64_t filled)
{
    enum json_state state = w->state;
    for (; filled; filled &= filled - 1) {
        size_t i = (size_t)__builtin_ctzll(filled);
        for (uint64_t tokens = masks[i]; tokens; tokens &= tokens - 1) {
            size_t at = offset + i * 64 + (size_t)__builtin_ctzll(tokens);
            enum token_class class = class_of[(unsigned char)w->text.p[at]];
            state = next_state[state][class];
            if (state == JSON_REFUSED) return refuse_token(w, at);
            if (class <= COMMA && w->depth > 1) continue;
            w->state = state;
            if (!take_token(w, class, at)) return false;
            state = w->state;
        }
    }
    w->state = state;
    return true;
}
