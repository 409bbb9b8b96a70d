/* Small questions about JSON values. */
#include "answer_private.h"

bool answer_has_substance(enum json_type type, struct text value)
{
    struct json_iter it;
    switch (type) {
    case JSON_TRUE:
    case JSON_NUMBER: return true;
    case JSON_STRING: return value.n > 2;
    case JSON_ARRAY:
    case JSON_OBJECT: it = json_iter(value); return json_next(&it);
    default: return false;
    }
}

bool answer_object_has(struct text object, const struct text *keys, size_t n)
{
    for (struct json_iter it = json_iter(object); json_next(&it);)
        for (size_t i = 0; i < n; i++)
            if (text_eq(it.key, keys[i]) && answer_has_substance(it.type, it.value)) return true;
    return false;
}

bool answer_array_has(struct text array, const struct text *keys, size_t n)
{
    for (struct json_iter it = json_iter(array); json_next(&it);)
        if (it.type == JSON_OBJECT && answer_object_has(it.value, keys, n)) return true;
    return false;
}
