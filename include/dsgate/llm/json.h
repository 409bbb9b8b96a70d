/* json.h - one validating pass over a JSON text (RFC 8259) that finds members and never copies.
 *
 * Bodies are long (prompts), the gateway cares for a handful of members, and bytes it does not own must go on exactly
 * as they came. So there is no tree: json_scan() checks the whole text (grammar, UTF-8, escapes, depth) and reports the
 * byte ranges of the wanted top-level members; json_splice() then swaps ranges.
 *
 * Stricter than RFC 8259 asks: a wanted member that appears twice is an error (two programs could read different ones).
 * Lone surrogate escapes (\ud800) are accepted: they are valid JSON grammar. No byte order mark.
 *
 * Four equal implementations (plain, SSE2, AVX2, AVX-512); the best one for this processor is chosen once. Every
 * function here is pure and for any thread; results point into the texts that were given.
 */
#ifndef DSGATE_LLM_JSON_H
#define DSGATE_LLM_JSON_H

#include "dsgate/base/iov.h"

enum json_type { JSON_ABSENT, JSON_NULL, JSON_FALSE, JSON_TRUE, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member {
    enum json_type type;  /* JSON_ABSENT: not there */
    struct text value;    /* its exact bytes; strings with their quotes */
};

#define JSON_ERRORS(X) \
    X(JSON_FINE, "fine") \
    X(JSON_EMPTY, "nothing but white space") \
    X(JSON_SYNTAX, "unexpected byte") \
    X(JSON_TRUNCATED, "ends in the middle") \
    X(JSON_BAD_STRING, "control byte or invalid escape in a string") \
    X(JSON_BAD_NUMBER, "malformed number") \
    X(JSON_BAD_UTF8, "invalid UTF-8") \
    X(JSON_TOO_DEEP, "nested too deeply") \
    X(JSON_DUPLICATE, "a member appears twice") \
    X(JSON_TRAILING, "something follows the value") \
    X(JSON_NOT_OBJECT, "the top level is not an object")

enum json_error {
#define X(id, text) id,
    JSON_ERRORS(X)
#undef X
};
const char *json_error_text(enum json_error e); /* static; for people */

#define JSON_DEPTH     128  /* default nesting limit: [] is one deep */
#define JSON_DEPTH_MAX 1024 /* larger limits count as this */

struct json_result {
    enum json_error error;
    size_t position;    /* of the offending byte, or of a duplicate's key; the text's end when something is missing */
    enum json_type top; /* type of the whole value */
};

/* Scans the whole text. `names` (n of them, plain ASCII without escapes) are wanted: members[i] describes the top-level
 * member names[i]. A key written with escapes ("mod\u0065l") counts as the name it stands for. members may be NULL when
 * n == 0.
 *
 * The first error in the text is the one reported. What is right as far as it goes but too short is JSON_TRUNCATED,
 * whatever it stops in. With names to look for, a text that is no object is JSON_NOT_OBJECT. After an error all members
 * are JSON_ABSENT. */
struct json_result json_scan(struct text json, const struct text *names, size_t n, struct json_member *members,
                             unsigned max_depth);

/* For a text that json_scan() has found valid: walks the members of an object or the elements of an array.
 *   struct json_iter it = json_iter(object);  while (json_next(&it)) use(it.key, it.type, it.value);
 * key has no quotes and is raw (escapes not resolved); empty for arrays. Iterating over anything else, or over text
 * that was never validated, yields nothing or stops early but never reads outside `json`. */
struct json_iter {
    struct text rest, key, value;
    enum json_type type;
    bool array;
};
struct json_iter json_iter(struct text json);
bool json_next(struct json_iter *it);

/* The first member of a valid object whose key stands for `key` (plain ASCII); JSON_ABSENT (and TEXT_NONE) when there
 * is none, or no object. Linear in the object. */
enum json_type json_get(struct text object, struct text key, struct text *value);

/* Scalars out of value ranges; false when the type or range is wrong, and *out is left alone. Integers: also "3.0" or
 * "3e0" are refused. Doubles of 1024 bytes or more are refused. */
bool json_to_i64(struct text value, int64_t *out);
bool json_to_double(struct text value, double *out);
/* What stands between a string's quotes, escapes and all. */
static inline struct text json_inside(struct text string) { return text_make(string.p + 1, string.n - 2); }
/* Resolves escapes into `out` (n bytes; needs at most value.n); false when it is no string or does not fit. Lone
 * surrogates become U+FFFD. *length without NUL; no NUL is added. */
bool json_to_text(struct text value, char *out, size_t n, size_t *length);

/* One change to a text: replace `cut` (a range inside it; n == 0 inserts there) by `put`. */
struct json_edit {
    struct text cut, put;
};
/* The edited text as pieces: `edits` sorted by position, not overlapping. Fills at most 2*n+1 iovecs, returns how many;
 * *total is the new length. Nothing is copied. */
int json_splice(struct text json, const struct json_edit *edits, size_t n, struct iovec *iov, size_t *total);

#endif
