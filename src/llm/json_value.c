/* A second look into texts that json_scan() has found valid: small ones (a delta, an error, a usage object) or small
 * parts of large ones. So it trusts the grammar, but never the length: text that was not checked after all ends the
 * walk early. */
#include "dsgate/llm/json.h"
#include "json_key.h"
#include "json_scalar.h"
#include <math.h>
#include <stdlib.h>

static struct text skip_space(struct text t)
{
    size_t n = 0;
    while (n < t.n && (t.p[n] == ' ' || t.p[n] == '\n' || t.p[n] == '\t' || t.p[n] == '\r'))
        n++;
    return n ? text_from(t, n) : t;
}

/* The string's length with its quotes; 0 when it does not end. A quote behind an odd number of backslashes does not end
 * it; each run of backslashes is counted once. */
static size_t string_length(struct text t)
{
    size_t at = 0;
    for (;;) {
        struct text behind = text_from(t, at + 1);
        at += 1 + text_find_byte(behind, '"');
        if (at >= t.n) return 0;
        size_t first = at;
        while (t.p[first - 1] == '\\')
            first--;
        if ((at - first) % 2 == 0) return at + 1;
    }
}

static size_t container_length(struct text t)
{
    size_t depth = 0, length;
    for (size_t at = 0; at < t.n; at++) {
        switch (t.p[at]) {
        case '"':
            length = string_length(text_from(t, at));
            if (length == 0) return 0;
            at += length - 1;
            break;
        case '{':
        case '[': depth++; break;
        case '}':
        case ']':
            if (--depth == 0) return at + 1;
            break;
        default: break;
        }
    }
    return 0;
}

/* The length of the value at the head of t; 0 when there is none. */
static size_t value_length(struct text t, enum json_type type)
{
    size_t at = 0;
    switch (type) {
    case JSON_ABSENT: return 0;
    case JSON_STRING: return string_length(t);
    case JSON_ARRAY:
    case JSON_OBJECT: return container_length(t);
    default: return json_scalar_pass(t, &at) == JSON_FINE ? at : 0;
    }
}

struct json_iter json_iter(struct text json)
{
    struct text t = skip_space(json);
    bool container = t.n && (t.p[0] == '{' || t.p[0] == '[');
    return (struct json_iter){.rest = container ? text_from(t, 1) : TEXT_NONE, .array = container && t.p[0] == '['};
}

/* Cuts `"key" :` off. */
static bool cut_key(struct text *rest, struct text *key)
{
    size_t length = rest->n && rest->p[0] == '"' ? string_length(*rest) : 0;
    if (length == 0) return false;
    *key = text_make(rest->p + 1, length - 2);
    *rest = skip_space(text_from(*rest, length));
    if (rest->n == 0 || rest->p[0] != ':') return false;
    *rest = skip_space(text_from(*rest, 1));
    return true;
}

static bool cut_value(struct text *rest, enum json_type *type, struct text *value)
{
    *type = rest->n ? json_type_of(rest->p[0]) : JSON_ABSENT;
    *value = text_make(rest->p, value_length(*rest, *type));
    if (value->n == 0) return false;
    *rest = skip_space(text_from(*rest, value->n));
    if (rest->n && rest->p[0] == ',') *rest = text_from(*rest, 1);
    return true;
}

bool json_next(struct json_iter *it)
{
    it->rest = skip_space(it->rest);
    if ((it->array || cut_key(&it->rest, &it->key)) && cut_value(&it->rest, &it->type, &it->value)) return true;
    *it = (struct json_iter){.array = it->array};
    return false;
}

enum json_type json_get(struct text object, struct text key, struct text *value)
{
    struct json_iter it = json_iter(object);
    while (!it.array && json_next(&it)) {
        if (json_key_find(it.key, &key, 1) == 1) continue;
        *value = it.value;
        return it.type;
    }
    *value = TEXT_NONE;
    return JSON_ABSENT;
}

static bool is_number(struct text value)
{
    size_t at = 0;
    return value.n && json_type_of(value.p[0]) == JSON_NUMBER && json_scalar_pass(value, &at) == JSON_FINE &&
           at == value.n;
}

bool json_to_i64(struct text value, int64_t *out)
{
    if (!is_number(value)) return false;
    bool negative = value.p[0] == '-';
    uint64_t magnitude;
    if (!text_to_u64(text_from(value, negative), &magnitude) || magnitude > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
    return true;
}

/* strtod() wants a NUL. The program never sets a locale, so its decimal point is JSON's. */
bool json_to_double(struct text value, double *out)
{
    char copy[1024];
    if (value.n >= sizeof copy || !is_number(value)) return false;
    memcpy(copy, value.p, value.n);
    copy[value.n] = '\0';
    double number = strtod(copy, NULL);
    if (!isfinite(number)) return false;
    *out = number;
    return true;
}
