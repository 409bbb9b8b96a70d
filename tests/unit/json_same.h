/* json_same.h - whether two JSON texts say the same: objects in any order, strings by what they stand for, numbers by
 * their digits.
 */
#ifndef DSGATE_TESTS_JSON_SAME_H
#define DSGATE_TESTS_JSON_SAME_H

#include "dsgate/base/mem.h"
#include "dsgate/llm/json.h"

static inline bool same_string(struct text a, struct text b)
{
    size_t na, nb;
    char *pa = mem_alloc(a.n), *pb = mem_alloc(b.n);
    bool same =
        json_to_text(a, pa, a.n, &na) && json_to_text(b, pb, b.n, &nb) && text_eq(text_make(pa, na), text_make(pb, nb));
    mem_free(pa);
    mem_free(pb);
    return same;
}

static inline bool same_value(enum json_type ta, struct text a, enum json_type tb, struct text b);

/* The order does not matter, and no key comes twice, as far as the counts tell. */
static inline bool same_members(struct text a, struct text b)
{
    struct json_iter in_a = json_iter(a), in_b = json_iter(b);
    int count_a = 0, count_b = 0;
    for (; json_next(&in_b); count_b++)
        ;
    for (; json_next(&in_a); count_a++) {
        struct text value;
        enum json_type type = json_get(b, in_a.key, &value);
        if (!same_value(in_a.type, in_a.value, type, value)) return false;
    }
    return count_a == count_b;
}

static inline bool same_elements(struct text a, struct text b)
{
    struct json_iter in_a = json_iter(a), in_b = json_iter(b);
    while (json_next(&in_a))
        if (!json_next(&in_b) || !same_value(in_a.type, in_a.value, in_b.type, in_b.value)) return false;
    return !json_next(&in_b);
}

static inline bool same_value(enum json_type ta, struct text a, enum json_type tb, struct text b)
{
    if (ta != tb) return false;
    if (ta == JSON_OBJECT) return same_members(a, b);
    if (ta == JSON_ARRAY) return same_elements(a, b);
    return ta == JSON_STRING ? same_string(a, b) : text_eq(a, b);
}

static inline bool same_json(struct text a, struct text b)
{
    struct json_result ra = json_scan(a, NULL, 0, NULL, JSON_DEPTH), rb = json_scan(b, NULL, 0, NULL, JSON_DEPTH);
    return ra.error == JSON_FINE && rb.error == JSON_FINE && same_value(ra.top, a, rb.top, b);
}

#endif
