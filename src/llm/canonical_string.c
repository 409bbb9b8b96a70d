/* Most escapes are spelt right already (\n, \"), and long texts are full of them. So a string is not looked at by them,
 * but in blocks of 64 bytes, as the scanner does it: only its end and escapes that may be spelt otherwise, \/ and \u,
 * stop the search, and what is before them is copied in one piece. */
#include "canonical_private.h"
#include "json_character.h"
#include "json_escaped.h"
#if defined(__x86_64__)
#include "json_block_sse2.h"
#else
#include "json_block_plain.h"
#endif

static __attribute__((noinline)) struct block load_last(struct text t)
{
    char copy[BLOCK] = {0};
    memcpy(copy, t.p, t.n);
    return block_load(copy);
}

/* How much of a string's inside is spelt right: up to the closing quote, or to the letter behind a backslash; t.n when
 * there is neither. */
static size_t right_length(struct text t)
{
    uint64_t carry = 0;
    for (size_t at = 0; at < t.n; at += BLOCK) {
        struct block b = t.n - at < BLOCK ? load_last(text_from(t, at)) : block_load(t.p + at);
        uint64_t stops = block_equal(&b, '"'), backslashes = block_equal(&b, '\\');
        if (backslashes | carry) {
            uint64_t escaped = find_escaped(backslashes, &carry);
            stops = (stops & ~escaped) | (escaped & (block_equal(&b, 'u') | block_equal(&b, '/')));
        }
        if (stops) return at + (size_t)__builtin_ctzll(stops);
    }
    return t.n;
}

static bool must_be_escaped(uint32_t code)
{
    return code < ' ' || code == '"' || code == '\\' || json_is_surrogate(code);
}

static bool write_escape(struct text *rest, struct buf *out)
{
    enum { LONGEST = 4 };
    uint32_t code = json_character_cut(rest);
    if (code == JSON_CHARACTER_BAD) return false;
    if (must_be_escaped(code))
        buf_add_json_escape(out, (uint16_t)code);
    else
        buf_commit(out, json_character_encode(code, buf_reserve(out, LONGEST)));
    return true;
}

static bool is_escape(struct text t, size_t at) { return t.n > at + 1 && t.p[at] == '\\' && t.p[at + 1] == 'u'; }

/* Where there is one \u, there are many, with a space between words: some libraries write all that is not ASCII so. */
static bool write_escapes(struct text *rest, struct buf *out)
{
    do {
        if (!write_escape(rest, out)) return false;
        if (is_escape(*rest, 1) && rest->p[0] == ' ') {
            buf_add_byte(out, ' ');
            *rest = text_from(*rest, 1);
        }
    } while (is_escape(*rest, 0));
    return true;
}

bool canonical_string(struct text *rest, struct buf *out)
{
    struct text inside = text_from(*rest, 1);
    buf_add_byte(out, '"');
    for (;;) {
        size_t n = right_length(inside);
        if (n == inside.n) return false;
        if (inside.p[n] == '"') {
            buf_append(out, inside.p, n + 1);
            *rest = text_from(inside, n + 1);
            return true;
        }
        buf_append(out, inside.p, n - 1);
        inside = text_from(inside, n - 1);
        if (!write_escapes(&inside, out)) return false;
    }
}
