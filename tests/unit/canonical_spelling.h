/* canonical_spelling.h - a tree's JSON text: in any of its spellings, and in the one that is canonical. */
#ifndef DSGATE_TESTS_CANONICAL_SPELLING_H
#define DSGATE_TESTS_CANONICAL_SPELLING_H

#include "canonical_tree.h"
#include "dsgate/base/buf.h"

struct spelling {
    struct buf *out;
    bool canonical; /* or any */
};

static inline bool may(const struct spelling *s) { return !s->canonical && once_in(2); }

static inline void put_space(const struct spelling *s)
{
    while (!s->canonical && once_in(4))
        buf_add_byte(s->out, " \t\r\n"[any_below(4)]);
}

/* ---- strings ---- */

static inline void put_unit_escape(const struct spelling *s, unsigned unit)
{
    buf_printf(s->out, "\\u");
    for (int shift = 12; shift >= 0; shift -= 4)
        buf_add_byte(s->out, (may(s) ? "0123456789ABCDEF" : "0123456789abcdef")[unit >> shift & 15]);
}

static inline void put_utf8(const struct spelling *s, uint32_t c)
{
    if (c < 0x80)
        buf_printf(s->out, "%c", (int)c);
    else if (c < 0x800)
        buf_printf(s->out, "%c%c", 0xC0 | c >> 6, 0x80 | (c & 63));
    else if (c < 0x10000)
        buf_printf(s->out, "%c%c%c", 0xE0 | c >> 12, 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
    else
        buf_printf(s->out, "%c%c%c%c", 0xF0 | c >> 18, 0x80 | (c >> 12 & 63), 0x80 | (c >> 6 & 63), 0x80 | (c & 63));
}

static inline void put_unit(const struct spelling *s, unsigned unit)
{
    static const char with_letter[] = "\"\\/\b\f\n\r\t", letters[] = "\"\\/bfnrt";
    const char *at = unit && unit < 0x80 ? strchr(with_letter, (int)unit) : NULL;
    bool plain = unit >= ' ' && unit != '"' && unit != '\\' && (unit < 0xD800 || unit >= 0xE000);
    if (plain && !may(s))
        put_utf8(s, unit);
    else if (at && !may(s))
        buf_printf(s->out, "\\%c", letters[at - with_letter]);
    else
        put_unit_escape(s, unit);
}

static inline void put_string(const struct spelling *s, const struct tree_string *string)
{
    buf_add_byte(s->out, '"');
    for (unsigned i = 0; i < string->n; i++) {
        uint32_t unit = string->units[i], next = string->units[i + 1];
        bool pair = i + 1 < string->n && unit >> 10 == 0xD800 >> 10 && next >> 10 == 0xDC00 >> 10;
        if (pair && !may(s)) {
            put_utf8(s, 0x10000 + ((unit & 0x3FF) << 10 | (next & 0x3FF)));
            i++;
        } else {
            put_unit(s, unit);
        }
    }
    buf_add_byte(s->out, '"');
}

/* ---- numbers ---- */

static inline void put_zeros(const struct spelling *s, uint64_t n)
{
    while (n--)
        buf_add_byte(s->out, '0');
}

static inline void put_integer(const struct spelling *s, __int128 value)
{
    char digits[48];
    size_t at = sizeof digits;
    for (unsigned __int128 rest = (unsigned __int128)(value < 0 ? -value : value); rest; rest /= 10)
        digits[--at] = (char)('0' + (int)(rest % 10));
    if (value < 0)
        buf_add_byte(s->out, '-');
    else if (may(s))
        buf_add_byte(s->out, '+');
    put_zeros(s, may(s) ? any_below(4) : at == sizeof digits);
    buf_append(s->out, digits + at, sizeof digits - at);
}

static inline void put_exponent(const struct spelling *s, __int128 exponent)
{
    if (exponent == 0 && !may(s)) return;
    buf_add_byte(s->out, may(s) ? 'E' : 'e');
    put_integer(s, exponent);
    if (exponent == 0) buf_add_byte(s->out, '0');
}

/* The point is anywhere, with zeros before the digits or behind them. */
static inline void put_number(const struct spelling *s, const struct tree_number *n)
{
    if (n->negative || (n->n == 0 && may(s))) buf_add_byte(s->out, '-');
    uint64_t whole = may(s) ? any_below(n->n + 1) : n->n, zeros = may(s) ? any_below(50) : 0;
    if (whole == 0) buf_add_byte(s->out, '0');
    buf_append(s->out, n->digits, whole);
    if (whole == n->n && (zeros == 0 || (whole && once_in(2)))) {
        put_zeros(s, zeros);
        put_exponent(s, n->exponent - zeros);
        return;
    }
    buf_add_byte(s->out, '.');
    uint64_t leading = whole ? 0 : zeros, trailing = zeros - leading;
    put_zeros(s, leading);
    buf_append(s->out, n->digits + whole, n->n - whole);
    put_zeros(s, trailing);
    put_exponent(s, n->n ? n->exponent + n->n - whole + leading : 0);
}

/* ---- members ---- */

static inline int compare_names(const struct tree *a, const struct tree *b)
{
    struct buf x = {0}, y = {0};
    put_string(&(struct spelling){&x, true}, &a->name);
    put_string(&(struct spelling){&y, true}, &b->name);
    struct text p = text_make(x.data + 1, buf_len(&x) - 2), q = text_make(y.data + 1, buf_len(&y) - 2);
    int order = memcmp(p.p, q.p, p.n < q.n ? p.n : q.n);
    if (order == 0) order = (p.n > q.n) - (p.n < q.n);
    buf_free(&x);
    buf_free(&y);
    return order;
}

/* Neighbours change places, but not where their names are equal: either until all are in order, or at random. */
static inline void arrange(const struct spelling *s, struct tree *object)
{
    struct tree **c = object->children;
    for (unsigned round = 0; round < object->n; round++) {
        for (unsigned i = 0; i + 1 < object->n; i++) {
            int order = compare_names(c[i], c[i + 1]);
            if (order == 0 || !(s->canonical ? order > 0 : once_in(2))) continue;
            struct tree *one = c[i];
            c[i] = c[i + 1];
            c[i + 1] = one;
        }
    }
}

static inline void put_tree(const struct spelling *s, struct tree *t);

/* What is left out of requests' canonical texts. */
static inline void put_unwanted(const struct spelling *s)
{
    static const char *const members[] = {"\"stream\":true", "\"\\u0075ser\" : \"\\/\"",
                                          "\"metadata\":{\"b\":[{\"d\":1,\"c\":2}],\"a\":1}"};
    buf_printf(s->out, "%s", members[any_below(3)]);
}

static inline void put_children(const struct spelling *s, struct tree *t, bool top)
{
    bool first = true;
    for (unsigned i = 0; i <= t->n; i++) {
        bool unwanted = top && may(s);
        if (unwanted) {
            if (!first) buf_add_byte(s->out, ',');
            put_unwanted(s);
            first = false;
        }
        if (i == t->n) break;
        if (!first) buf_add_byte(s->out, ',');
        first = false;
        put_space(s);
        if (t->type == JSON_OBJECT) {
            put_string(s, &t->children[i]->name);
            put_space(s);
            buf_add_byte(s->out, ':');
            put_space(s);
        }
        put_tree(s, t->children[i]);
        put_space(s);
    }
}

static inline void put_object(const struct spelling *s, struct tree *t, bool top)
{
    arrange(s, t);
    buf_add_byte(s->out, '{');
    put_space(s);
    put_children(s, t, top);
    buf_add_byte(s->out, '}');
}

static inline void put_tree(const struct spelling *s, struct tree *t)
{
    switch (t->type) {
    case JSON_STRING: put_string(s, &t->string); break;
    case JSON_NUMBER: put_number(s, &t->number); break;
    case JSON_OBJECT: put_object(s, t, false); break;
    case JSON_ARRAY:
        buf_add_byte(s->out, '[');
        put_space(s);
        put_children(s, t, false);
        buf_add_byte(s->out, ']');
        break;
    default: buf_printf(s->out, "%s", t->type == JSON_NULL ? "null" : t->type == JSON_TRUE ? "true" : "false"); break;
    }
}

/* The text of a tree whose top is an object. */
static inline void spell(struct tree *t, bool canonical, struct buf *out)
{
    struct spelling s = {out, canonical};
    buf_clear(out);
    put_space(&s);
    put_object(&s, t, true);
    put_space(&s);
}

#endif
