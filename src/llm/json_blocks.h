/* json_blocks.h - one pass over a text, 64 bytes at a time, as arithmetic on bit masks.
 *
 * Bodies are mostly strings, and strings are full of small things: escapes, line ends, bytes of several-byte
 * characters. A loop that stops at each of them is slow; here a block costs the same whatever is in it. In every mask
 * bit i speaks of byte i. What must be known of earlier blocks is in struct carry. The grammar (json_walk.h) is told
 * only of tokens, so the inside of a string is never looked at twice.
 *
 * The file that includes this one has defined `struct block` (64 bytes) and
 *   block_load(p)             reads 64 bytes,
 *   block_equal(b, byte)      which bytes equal `byte`,
 *   block_at_least(b, byte)   which bytes are not less, unsigned,
 *   block_operators(b)        which are one of {}[]:,
 *   block_spaces(b)           which are white space,
 *   block_escapable(b)        which are one of "\/bfnrtu, that is, may follow a backslash,
 *   block_rare_leads(b)       which are 0xC0, 0xC1, 0xE0, 0xED or from 0xF0 on: special as leads in UTF-8.
 */
#ifndef DSGATE_LLM_JSON_BLOCKS_H
#define DSGATE_LLM_JSON_BLOCKS_H

#include "json_walk.h"
#ifdef __PCLMUL__
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

struct carry {
    uint64_t in_string;      /* all ones when the block begins inside a string */
    uint64_t escape;         /* bit 0: the first byte is escaped */
    uint64_t hex;            /* bits 0 to 3: hexadecimal digits still due */
    uint64_t scalar;         /* bit 0: the byte before belonged to a number or name */
    uint64_t utf8;           /* bits 0 to 2: continuation bytes still due */
    uint64_t e0, ed, f0, f4; /* bit 0: the byte before was that one */
};

/* The bytes after those of `mask`. */
static inline uint64_t after(uint64_t mask, uint64_t *carry)
{
    uint64_t shifted = mask << 1 | *carry;
    *carry = mask >> 63;
    return shifted;
}

/* Bit i of the result is the parity of bits 0 to i. Multiplying without carries by all ones does just that. */
static inline uint64_t prefix_parity(uint64_t bits)
{
#ifdef __PCLMUL__
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((long long)bits), _mm_set1_epi8(-1), 0);
    return (uint64_t)_mm_cvtsi128_si64(product);
#else
    for (unsigned shift = 1; shift < BLOCK; shift *= 2)
        bits ^= bits << shift;
    return bits;
#endif
}

/* The bytes that a backslash escapes, but for backslashes: those that follow a run of backslashes of odd length. Adding
 * a run's first bit to the run carries to the bit behind its end, and the parities of both places tell the length. */
static inline uint64_t find_escaped(uint64_t backslashes, uint64_t *carry)
{
    const uint64_t even = 0x5555555555555555;
    uint64_t escaped = *carry & ~backslashes, runs = backslashes & ~*carry;
    uint64_t starts = runs & ~(runs << 1), ends_of_odd;
    uint64_t ends_of_even = runs + (starts & even);
    *carry = __builtin_add_overflow(runs, starts & ~even, &ends_of_odd);
    return escaped | (((ends_of_even & ~even) | (ends_of_odd & even)) & ~runs);
}

static inline uint64_t find_hex(const struct block *b)
{
    uint64_t digits = block_at_least(b, '0') & ~block_at_least(b, '9' + 1);
    uint64_t upper = block_at_least(b, 'A') & ~block_at_least(b, 'F' + 1);
    uint64_t lower = block_at_least(b, 'a') & ~block_at_least(b, 'f' + 1);
    return digits | upper | lower;
}

/* Bytes at which an escape goes wrong: a letter that means nothing, or no digit where \u wants one. */
static inline uint64_t check_escapes(const struct block *b, uint64_t escaped, struct carry *c)
{
    uint64_t u = escaped & block_equal(b, 'u');
    uint64_t due = c->hex | u << 1 | u << 2 | u << 3 | u << 4;
    c->hex = u >> 63 | u >> 62 | u >> 61 | u >> 60;
    uint64_t bad = escaped & ~block_escapable(b);
    return due ? bad | (due & ~find_hex(b)) : bad;
}

/* Leads that bound the second byte further: no overlong forms, no surrogates, nothing above U+10FFFF. */
static inline uint64_t check_rare_leads(const struct block *b, struct carry *c)
{
    uint64_t from_90 = block_at_least(b, 0x90), from_a0 = block_at_least(b, 0xA0);
    uint64_t never = (block_at_least(b, 0xC0) & ~block_at_least(b, 0xC2)) | block_at_least(b, 0xF5);
    return never | (after(block_equal(b, 0xE0), &c->e0) & ~from_a0) | (after(block_equal(b, 0xED), &c->ed) & from_a0) |
           (after(block_equal(b, 0xF0), &c->f0) & ~from_90) | (after(block_equal(b, 0xF4), &c->f4) & from_90);
}

/* Bytes at which UTF-8 goes wrong: a continuation byte must stand where one is due and nowhere else. */
static inline uint64_t check_utf8(const struct block *b, uint64_t high, struct carry *c)
{
    uint64_t two = block_at_least(b, 0xC0), three = block_at_least(b, 0xE0), rare = block_rare_leads(b);
    uint64_t due = c->utf8 | two << 1 | three << 2, bad = 0;
    c->utf8 = two >> 63 | three >> 62;
    if (rare | c->e0 | c->ed | c->f0 | c->f4) bad = check_rare_leads(b, c);
    if (rare & three) {
        uint64_t four = block_at_least(b, 0xF0);
        due |= four << 3;
        c->utf8 |= four >> 61;
    }
    return bad | (due ^ (high & ~two));
}

/* A block inside a string needs no look at operators. No scalar can end right before it: its quote is then refused. */
static inline uint64_t find_tokens(const struct block *b, uint64_t quotes, uint64_t in_string, struct carry *c)
{
    uint64_t outside = ~in_string, opening = quotes & in_string;
    if (!outside) return opening;
    uint64_t operators = block_operators(b) & outside;
    uint64_t scalars = outside & ~(operators | quotes | block_spaces(b));
    return opening | operators | (scalars & ~after(scalars, &c->scalar));
}

/* A token at the place of the first bad byte is still the walk's: outside strings such a byte is just bad syntax. */
static inline bool scan_block(struct json_walk *w, struct carry *c, size_t offset, const char *p, uint64_t within)
{
    const struct block b = block_load(p);
    uint64_t escaped = find_escaped(block_equal(&b, '\\'), &c->escape);
    uint64_t quotes = block_equal(&b, '"') & ~escaped;
    uint64_t in_string = prefix_parity(quotes) ^ c->in_string; /* opening quotes are in, closing ones are not */
    uint64_t high = block_at_least(&b, 0x80), bad_utf8 = 0;
    uint64_t bad = in_string & ~block_at_least(&b, 0x20);
    c->in_string = 0 - (in_string >> 63);
    if (escaped | c->hex) bad |= check_escapes(&b, escaped, c);
    if (high | c->utf8) bad_utf8 = check_utf8(&b, high, c);
    bad = (bad | bad_utf8) & within;
    uint64_t tokens = find_tokens(&b, quotes, in_string, c) & (bad ^ (bad - 1));
    if (tokens && !json_walk_tokens(w, offset, tokens)) return false;
    if (!bad) return true;
    bool utf8 = bad_utf8 & bad & (0 - bad);
    return json_walk_refuse(w, utf8 ? JSON_BAD_UTF8 : JSON_BAD_STRING, offset + (size_t)__builtin_ctzll(bad));
}

/* Bytes behind the end are read as spaces from a copy. They may look bad inside a string, but there the end itself is
 * the error. */
static inline void scan_blocks(struct json_walk *w)
{
    struct carry c = {0};
    size_t offset = 0, rest = w->text.n % BLOCK;
    for (; offset < w->text.n - rest; offset += BLOCK)
        if (!scan_block(w, &c, offset, w->text.p + offset, ~(uint64_t)0)) return;
    if (rest) {
        char tail[BLOCK];
        memset(tail, ' ', sizeof tail);
        memcpy(tail, w->text.p + offset, rest);
        if (!scan_block(w, &c, offset, tail, ((uint64_t)1 << rest) - 1)) return;
    }
    json_walk_end(w, c.in_string);
}

#endif
