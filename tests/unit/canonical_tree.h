/* canonical_tree.h - random JSON values, to judge canonical texts by: what they mean, and no spelling of it. */
#ifndef DSGATE_TESTS_CANONICAL_TREE_H
#define DSGATE_TESTS_CANONICAL_TREE_H

#include "dsgate/base/mem.h"
#include "dsgate/base/random.h"
#include "dsgate/llm/json.h"

enum { TREE_CHILDREN = 6, TREE_UNITS = 24, TREE_DIGITS = 48 };

struct tree_string {
    unsigned n;
    uint16_t units[TREE_UNITS + 1]; /* of UTF-16; room for one more */
};

/* digits · 10^exponent; the digits begin and end with others than 0. No digits: 0. */
struct tree_number {
    bool negative;
    unsigned n;
    char digits[TREE_DIGITS];
    __int128 exponent;
};

struct tree {
    enum json_type type;
    struct tree_string name; /* where it is a member */
    struct tree_string string;
    struct tree_number number;
    unsigned n;
    struct tree *children[TREE_CHILDREN + 1]; /* room for one more */
};

static struct random_source tree_random;

static inline uint64_t any_below(uint64_t bound) { return random_below(&tree_random, bound); }
static inline bool once_in(unsigned n) { return any_below(n) == 0; }

/* ---- random trees ---- */

static inline uint16_t any_unit(void)
{
    static const uint16_t units[] = {'"', '\\', '/', 'u', '\n', '\t', '\b', 0, 0x1F, 0x7F, 0x80, 0x7FF, 0x800, 0xFFFF};
    switch (any_below(6)) {
    case 0: return units[any_below(sizeof units / sizeof *units)];
    case 1: return (uint16_t)(0xD800 + any_below(0x800)); /* lone or not */
    case 2: return (uint16_t)any_below(0x10000);
    default: return (uint16_t)(' ' + any_below(95));
    }
}

static inline void any_string(struct tree_string *s)
{
    s->n = (unsigned)any_below(once_in(3) ? TREE_UNITS : 8);
    for (unsigned i = 0; i < s->n; i++)
        s->units[i] = any_unit();
    for (unsigned i = 0; i + 1 < s->n; i++) /* pairs, more often than chance makes them */
        if (s->units[i] >= 0xD800 && s->units[i] < 0xDC00 && !once_in(3))
            s->units[i + 1] = (uint16_t)(0xDC00 + any_below(0x400));
}

/* Few letters: names that are equal, and names that begin others. */
static inline void any_name(struct tree_string *s)
{
    if (once_in(4)) {
        any_string(s);
        return;
    }
    s->n = (unsigned)any_below(3);
    for (unsigned i = 0; i < s->n; i++)
        s->units[i] = (uint16_t)('a' + any_below(3));
}

static inline __int128 any_exponent(void)
{
    __int128 exponent = (__int128)any_below(40) - 20;
    if (once_in(3)) exponent += random_next(&tree_random);
    if (once_in(4)) exponent *= random_next(&tree_random) >> 4;
    return once_in(2) ? -exponent : exponent;
}

static inline void any_number(struct tree_number *n)
{
    n->n = once_in(8) ? 0 : 1 + (unsigned)any_below(once_in(3) ? TREE_DIGITS : 4);
    for (unsigned i = 0; i < n->n; i++)
        n->digits[i] = (char)('0' + (i == 0 || i + 1 == n->n ? 1 + any_below(9) : any_below(10)));
    n->negative = n->n && once_in(2);
    n->exponent = n->n ? any_exponent() : 0;
}

static inline struct tree *any_tree(unsigned depth, enum json_type type)
{
    struct tree *t = MEM_NEW(struct tree);
    t->type = type;
    any_name(&t->name);
    any_string(&t->string);
    any_number(&t->number);
    t->n = type >= JSON_ARRAY ? (unsigned)any_below(TREE_CHILDREN + 1) : 0;
    for (unsigned i = 0; i < t->n; i++) {
        uint64_t types = depth ? JSON_OBJECT : JSON_STRING;
        t->children[i] = any_tree(depth - 1, (enum json_type)(JSON_NULL + any_below(types)));
    }
    return t;
}

static inline void tree_free(struct tree *t)
{
    for (unsigned i = 0; i < t->n; i++)
        tree_free(t->children[i]);
    mem_free(t);
}

static inline struct tree *any_node(struct tree *t)
{
    while (t->n && !once_in(3))
        t = t->children[any_below(t->n)];
    return t;
}

#endif
