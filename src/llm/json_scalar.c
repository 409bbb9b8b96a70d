/* Numbers and names are the only tokens longer than a byte that the walk must read itself. They end the walk early in
 * two ways that callers tell apart: bytes that can never become right, and a text that stops too soon. */
#include "json_scalar.h"

enum json_type json_type_of(char first)
{
    switch (first) {
    case '"': return JSON_STRING;
    case '{': return JSON_OBJECT;
    case '[': return JSON_ARRAY;
    case 'n': return JSON_NULL;
    case 'f': return JSON_FALSE;
    case 't': return JSON_TRUE;
    case '-': return JSON_NUMBER;
    default: return first >= '0' && first <= '9' ? JSON_NUMBER : JSON_ABSENT;
    }
}

static bool is_at(struct text json, size_t at, char byte) { return at < json.n && json.p[at] == byte; }

static bool ends_scalar(char byte)
{
    switch (byte) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case '{':
    case '}':
    case '[':
    case ']':
    case ':':
    case ',':
    case '"': return true;
    default: return false;
    }
}

static bool pass_digits(struct text json, size_t *at)
{
    size_t from = *at;
    while (*at < json.n && json.p[*at] >= '0' && json.p[*at] <= '9')
        ++*at;
    return *at > from;
}

static bool pass_exponent(struct text json, size_t *at)
{
    if (!is_at(json, *at, 'e') && !is_at(json, *at, 'E')) return true;
    ++*at;
    if (is_at(json, *at, '+') || is_at(json, *at, '-')) ++*at;
    return pass_digits(json, at);
}

static bool pass_number(struct text json, size_t *at)
{
    if (is_at(json, *at, '-')) ++*at;
    if (is_at(json, *at, '0'))
        ++*at;
    else if (!pass_digits(json, at))
        return false;
    if (is_at(json, *at, '.')) {
        ++*at;
        if (!pass_digits(json, at)) return false;
    }
    return pass_exponent(json, at);
}

static bool pass_name(struct text json, size_t *at, struct text name)
{
    size_t i = 0;
    while (i < name.n && is_at(json, *at, name.p[i]))
        i++, ++*at;
    return i == name.n;
}

enum json_error json_scalar_pass(struct text json, size_t *at)
{
    enum json_error error = JSON_SYNTAX;
    bool whole;
    switch (json_type_of(json.p[*at])) {
    case JSON_NULL: whole = pass_name(json, at, TEXT("null")); break;
    case JSON_FALSE: whole = pass_name(json, at, TEXT("false")); break;
    case JSON_TRUE: whole = pass_name(json, at, TEXT("true")); break;
    default: error = JSON_BAD_NUMBER, whole = pass_number(json, at); break;
    }
    if (*at == json.n) return whole ? JSON_FINE : JSON_TRUNCATED;
    return whole && ends_scalar(json.p[*at]) ? JSON_FINE : error;
}
