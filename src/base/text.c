#include "dsgate/base/text.h"
#include "dsgate/base/mem.h"

static unsigned char lower(char c) { return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c); }

bool text_is_one_of(struct text t, const struct text *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (text_eq(t, words[i])) return true;
    return false;
}

bool text_eq_nocase(struct text a, struct text b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i])) return false;
    return true;
}

bool text_starts(struct text t, struct text prefix)
{
    return t.n >= prefix.n && text_eq(text_make(t.p, prefix.n), prefix);
}

bool text_starts_nocase(struct text t, struct text prefix)
{
    return t.n >= prefix.n && text_eq_nocase(text_make(t.p, prefix.n), prefix);
}

bool text_ends(struct text t, struct text suffix)
{
    return t.n >= suffix.n && text_eq(text_make(t.p + t.n - suffix.n, suffix.n), suffix);
}

struct text text_trim(struct text t)
{
    while (t.n && (*t.p == ' ' || *t.p == '\t'))
        t.p++, t.n--;
    while (t.n && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
        t.n--;
    return t;
}

struct text text_from(struct text t, size_t from)
{
    if (from >= t.n) return text_make(t.n ? t.p + t.n : t.p, 0);
    return text_make(t.p + from, t.n - from);
}

size_t text_find_byte(struct text t, char byte)
{
    const char *at = t.n ? memchr(t.p, byte, t.n) : NULL;
    return at ? (size_t)(at - t.p) : t.n;
}

size_t text_find(struct text t, struct text needle)
{
    const char *at = t.n ? memmem(t.p, t.n, needle.p, needle.n) : NULL;
    return at ? (size_t)(at - t.p) : t.n;
}

void text_redact(char *p, size_t n, struct text secret)
{
    if (secret.n < TEXT_SECRET_MIN) return;
    for (char *at; (at = memmem(p, n, secret.p, secret.n)); p = at + secret.n) {
        memset(at, '*', secret.n);
        n -= (size_t)(at - p) + secret.n;
    }
}

bool text_cut(struct text *rest, char separator, struct text *piece)
{
    if (rest->n == 0) return false;
    size_t at = text_find_byte(*rest, separator);
    *piece = text_make(rest->p, at);
    *rest = text_from(*rest, at + 1);
    return true;
}

bool text_to_u64(struct text t, uint64_t *out)
{
    uint64_t value = 0;
    if (t.n == 0) return false;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9') return false;
        if (__builtin_mul_overflow(value, 10u, &value)) return false;
        if (__builtin_add_overflow(value, (uint64_t)(t.p[i] - '0'), &value)) return false;
    }
    *out = value;
    return true;
}

/* Bit 4 says that there is a digit. A table, since digits and letters come in no order that a branch could foresee. */
enum { IS_HEX = 16 };
static const unsigned char hex_values[256] = {
    ['0'] = 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, ['A'] = 26, 27, 28, 29, 30, 31, ['a'] = 26, 27, 28, 29, 30, 31,
};

bool text_hex_to_u64(struct text t, uint64_t *out)
{
    uint64_t value = 0;
    unsigned all = IS_HEX;
    if (t.n == 0 || t.n > 16) return false;
    for (size_t i = 0; i < t.n; i++) {
        unsigned digit = hex_values[(unsigned char)t.p[i]];
        all &= digit;
        value = value << 4 | (digit & 15);
    }
    if (!all) return false;
    *out = value;
    return true;
}

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

enum { LONGEST = 63, FAR = 1000 };

unsigned text_distance(struct text a, struct text b)
{
    if (a.n > LONGEST || b.n > LONGEST) return FAR;
    unsigned d[LONGEST + 1][LONGEST + 1];
    for (size_t i = 0; i <= a.n; i++)
        d[i][0] = (unsigned)i;
    for (size_t j = 0; j <= b.n; j++)
        d[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.n; i++) {
        for (size_t j = 1; j <= b.n; j++) {
            bool same = lower(a.p[i - 1]) == lower(b.p[j - 1]);
            d[i][j] = least(least(d[i - 1][j] + 1, d[i][j - 1] + 1), d[i - 1][j - 1] + !same);
            if (i > 1 && j > 1 && lower(a.p[i - 1]) == lower(b.p[j - 2]) && lower(a.p[i - 2]) == lower(b.p[j - 1]))
                d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
        }
    }
    return d[a.n][b.n];
}

bool text_is_near(struct text a, struct text b, unsigned *distance)
{
    size_t longer = a.n > b.n ? a.n : b.n;
    *distance = text_distance(a, b);
    return longer <= LONGEST && *distance * 2 <= longer;
}

char *text_dup(struct text t)
{
    char *copy = mem_alloc(t.n + 1);
    if (t.n) memcpy(copy, t.p, t.n);
    copy[t.n] = '\0';
    return copy;
}

void text_copy(struct text t, char *out, size_t n)
{
    size_t length = t.n < n ? t.n : n - 1;
    if (length) memcpy(out, t.p, length);
    out[length] = '\0';
}

/* What the first byte of a character says; 0: it is no first byte. */
static size_t utf8_need(unsigned char first)
{
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return 2;
    if ((first & 0xF0) == 0xE0) return 3;
    return first >= 0xF0 && first <= 0xF4 ? 4 : 0;
}

size_t text_utf8_length(struct text t)
{
    const unsigned char *p = (const unsigned char *)t.p;
    size_t need = t.n ? utf8_need(p[0]) : 0;
    if (need == 0 || need > t.n) return 0;
    for (size_t i = 1; i < need; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool outside = (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF4 && p[1] > 0x8F);
    return overlong || outside ? 0 : need;
}

uint32_t text_hash(struct text t)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < t.n; i++)
        h = (h ^ (unsigned char)t.p[i]) * 16777619u;
    return h;
}
