/* http_names.c - the names that some code looks for. Each field's name is compared once, while it is parsed; from then
 * on it is a number. A name's length leaves at most three candidates.
 */
#include "http_private.h"

static const struct text names[] = {
#define X(id, name) [id] = {name, sizeof name - 1},
    HTTP_NAMES(X)
#undef X
};

enum { LONGEST = 19, CANDIDATES = 3 };
static const uint8_t by_length[LONGEST + 1][CANDIDATES] = {
    [2] = {HTTP_TE},
    [4] = {HTTP_HOST, HTTP_DATE},
    [6] = {HTTP_ACCEPT, HTTP_EXPECT, HTTP_SERVER},
    [7] = {HTTP_API_KEY, HTTP_TRAILER, HTTP_UPGRADE},
    [9] = {HTTP_X_API_KEY},
    [10] = {HTTP_CONNECTION, HTTP_KEEP_ALIVE},
    [11] = {HTTP_TRACEPARENT, HTTP_RETRY_AFTER},
    [12] = {HTTP_CONTENT_TYPE, HTTP_X_REQUEST_ID},
    [13] = {HTTP_AUTHORIZATION, HTTP_CACHE_CONTROL},
    [14] = {HTTP_CONTENT_LENGTH},
    [15] = {HTTP_ACCEPT_ENCODING, HTTP_IDEMPOTENCY_KEY},
    [16] = {HTTP_CONTENT_ENCODING, HTTP_PROXY_CONNECTION},
    [17] = {HTTP_TRANSFER_ENCODING},
    [18] = {HTTP_PROXY_AUTHENTICATE},
    [19] = {HTTP_X_STAINLESS_TIMEOUT, HTTP_PROXY_AUTHORIZATION},
};

static uint64_t word_at(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return word;
}

/* The known names are letters and hyphens: among the bytes of a token, setting bit 5 gives such a byte only from its
 * own upper or lower case. Eight bytes at a time; the last eight may overlap. */
static bool same_name(const char *token, const char *lower, size_t n)
{
    const uint64_t fold = 0x2020202020202020;
    if (n < 8) {
        for (size_t i = 0; i < n; i++)
            if ((token[i] | 0x20) != lower[i]) return false;
        return true;
    }
    for (size_t i = 0; i + 8 < n; i += 8)
        if ((word_at(token + i) | fold) != word_at(lower + i)) return false;
    return (word_at(token + n - 8) | fold) == word_at(lower + n - 8);
}

enum http_name http_name_id(struct text name)
{
    if (name.n > LONGEST) return HTTP_OTHER;
    const uint8_t *candidates = by_length[name.n];
    for (unsigned i = 0; i < CANDIDATES && candidates[i]; i++)
        if (same_name(name.p, names[candidates[i]].p, name.n)) return (enum http_name)candidates[i];
    return HTTP_OTHER;
}

static const struct text methods[] = {
    [HTTP_GET] = {"GET", 3},         [HTTP_HEAD] = {"HEAD", 4},          [HTTP_POST] = {"POST", 4},
    [HTTP_PUT] = {"PUT", 3},         [HTTP_PATCH] = {"PATCH", 5},        [HTTP_DELETE] = {"DELETE", 6},
    [HTTP_OPTIONS] = {"OPTIONS", 7}, [HTTP_METHOD_OTHER] = {"OTHER", 5},
};

/* Case counts (RFC 9110 section 9.1). */
enum http_method http_method_id(struct text name)
{
    unsigned m = 0;
    while (m < HTTP_METHOD_OTHER && !text_eq(name, methods[m]))
        m++;
    return (enum http_method)m;
}

const char *http_method_name(enum http_method m) { return methods[m].p; }

const struct http_field *http_find(const struct http_head *h, enum http_name id)
{
    for (unsigned i = 0; i < h->field_count; i++)
        if (h->fields[i].id == id) return &h->fields[i];
    return NULL;
}

const struct http_field *http_find_named(const struct http_head *h, struct text lower_name)
{
    for (unsigned i = 0; i < h->field_count; i++)
        if (text_eq_nocase(http_field_name(h, &h->fields[i]), lower_name)) return &h->fields[i];
    return NULL;
}

struct text http_value(const struct http_head *h, enum http_name id)
{
    const struct http_field *f = http_find(h, id);
    return f ? http_field_value(h, f) : TEXT_NONE;
}
