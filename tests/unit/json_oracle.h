/* json_oracle.h - RFC 8259 spelled out, to judge the scanner by: one function a rule of the grammar, one byte at a
 * time. It shares nothing with the scanner, and finds the same errors at the same places. */
#ifndef DSGATE_TESTS_JSON_ORACLE_H
#define DSGATE_TESTS_JSON_ORACLE_H

#include "dsgate/llm/json.h"

struct oracle {
    struct text text;
    size_t at;
    unsigned depth, max_depth;
    unsigned due; /* continuation bytes still to come, and the bounds of the next one */
    unsigned min, max;
    enum json_error error;
};

static bool oracle_value(struct oracle *o);

static inline int oracle_byte(const struct oracle *o)
{
    return o->at < o->text.n ? (unsigned char)o->text.p[o->at] : -1;
}

static inline bool oracle_fail(struct oracle *o, enum json_error error)
{
    o->error = oracle_byte(o) < 0 ? JSON_TRUNCATED : error;
    return false;
}

static inline void oracle_space(struct oracle *o)
{
    int c;
    while ((c = oracle_byte(o)) == 0x20 || c == 0x09 || c == 0x0A || c == 0x0D)
        o->at++;
}

static inline bool oracle_digits(struct oracle *o)
{
    if (oracle_byte(o) < '0' || oracle_byte(o) > '9') return oracle_fail(o, JSON_BAD_NUMBER);
    while (oracle_byte(o) >= '0' && oracle_byte(o) <= '9')
        o->at++;
    return true;
}

static inline bool oracle_delimited(struct oracle *o, enum json_error error)
{
    int c = oracle_byte(o);
    return c < 0 || (c && strchr(" \t\n\r{}[]:,\"", c)) || oracle_fail(o, error);
}

static inline bool oracle_number(struct oracle *o)
{
    if (oracle_byte(o) == '-') o->at++;
    bool zero = oracle_byte(o) == '0';
    if (zero) o->at++;
    if (!zero && !oracle_digits(o)) return false;
    if (oracle_byte(o) == '.') {
        o->at++;
        if (!oracle_digits(o)) return false;
    }
    if (oracle_byte(o) == 'e' || oracle_byte(o) == 'E') {
        o->at++;
        if (oracle_byte(o) == '+' || oracle_byte(o) == '-') o->at++;
        if (!oracle_digits(o)) return false;
    }
    return oracle_delimited(o, JSON_BAD_NUMBER);
}

static inline bool oracle_name(struct oracle *o, const char *name)
{
    for (; *name; name++, o->at++)
        if (oracle_byte(o) != *name) return oracle_fail(o, JSON_SYNTAX);
    return oracle_delimited(o, JSON_SYNTAX);
}

/* The table of RFC 3629 section 4. */
static inline bool oracle_utf8(struct oracle *o, unsigned c)
{
    if (o->due) {
        if (c < o->min || c > o->max) return false;
        o->due--;
        o->min = 0x80, o->max = 0xBF;
        return true;
    }
    if (c < 0x80) return true;
    if (c < 0xC2 || c > 0xF4) return false;
    o->due = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    o->min = c == 0xE0 ? 0xA0 : c == 0xF0 ? 0x90 : 0x80;
    o->max = c == 0xED ? 0x9F : c == 0xF4 ? 0x8F : 0xBF;
    return true;
}

/* The byte at hand belongs to the string: right or wrong as UTF-8? */
static inline bool oracle_char(struct oracle *o)
{
    int c = oracle_byte(o);
    if (c < 0) return oracle_fail(o, JSON_TRUNCATED);
    return oracle_utf8(o, (unsigned)c) || oracle_fail(o, JSON_BAD_UTF8);
}

static inline bool oracle_escape(struct oracle *o)
{
    o->at++;
    if (!oracle_char(o)) return false;
    int c = oracle_byte(o);
    if (!c || !strchr("\"\\/bfnrtu", c)) return oracle_fail(o, JSON_BAD_STRING);
    for (int i = 0; c == 'u' && i < 4; i++) {
        o->at++;
        if (!oracle_char(o)) return false;
        int digit = oracle_byte(o);
        if (!digit || !strchr("0123456789abcdefABCDEF", digit)) return oracle_fail(o, JSON_BAD_STRING);
    }
    o->at++;
    return true;
}

static inline bool oracle_string(struct oracle *o)
{
    o->due = 0;
    o->at++;
    for (;;) {
        if (!oracle_char(o)) return false;
        int c = oracle_byte(o);
        if (c < 0x20) return oracle_fail(o, JSON_BAD_STRING);
        if (c == '\\') {
            if (!oracle_escape(o)) return false;
        } else {
            o->at++;
            if (c == '"') return true;
        }
    }
}

static inline bool oracle_member(struct oracle *o)
{
    if (oracle_byte(o) != '"') return oracle_fail(o, JSON_SYNTAX);
    if (!oracle_string(o)) return false;
    oracle_space(o);
    if (oracle_byte(o) != ':') return oracle_fail(o, JSON_SYNTAX);
    o->at++;
    return oracle_value(o);
}

static inline bool oracle_container(struct oracle *o, char close)
{
    if (o->depth++ == o->max_depth) return oracle_fail(o, JSON_TOO_DEEP);
    bool first = true;
    do {
        o->at++;
        oracle_space(o);
        if (first && oracle_byte(o) == close) break;
        first = false;
        if (!(close == '}' ? oracle_member(o) : oracle_value(o))) return false;
        oracle_space(o);
    } while (oracle_byte(o) == ',');
    if (oracle_byte(o) != close) return oracle_fail(o, JSON_SYNTAX);
    o->at++;
    o->depth--;
    return true;
}

static bool oracle_value(struct oracle *o)
{
    oracle_space(o);
    switch (oracle_byte(o)) {
    case '"': return oracle_string(o);
    case '{': return oracle_container(o, '}');
    case '[': return oracle_container(o, ']');
    case 't': return oracle_name(o, "true");
    case 'f': return oracle_name(o, "false");
    case 'n': return oracle_name(o, "null");
    case '-': return oracle_number(o);
    default: break;
    }
    if (oracle_byte(o) >= '0' && oracle_byte(o) <= '9') return oracle_number(o);
    return oracle_fail(o, JSON_SYNTAX);
}

/* error and position as json_scan() must report them when nothing is wanted; top is not told. */
static inline struct json_result json_oracle(struct text json, unsigned max_depth)
{
    struct oracle o = {.text = json, .max_depth = max_depth};
    oracle_space(&o);
    if (o.at == json.n) return (struct json_result){JSON_EMPTY, json.n};
    if (!oracle_value(&o)) return (struct json_result){o.error, o.at};
    oracle_space(&o);
    if (o.at < json.n) return (struct json_result){JSON_TRAILING, o.at};
    return (struct json_result){JSON_FINE, 0};
}

#endif
