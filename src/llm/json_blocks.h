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
 *   block_simple_escapes(b)   which are one of "\/bfnrt: a backslash and that is a whole escape,
 *   block_suspects(b, before) where UTF-8 may go wrong, as told below.
 *
 * A suspect is a continuation byte that is not due, another byte where one is due, or a rare lead, that is, 0xC0, 0xC1,
 * 0xE0, 0xED or anything from 0xF0 on. `before` holds the four bytes before the block, the last one highest.
 */
#ifndef DSGATE_LLM_JSON_BLOCKS_H
#define DSGATE_LLM_JSON_BLOCKS_H

#include "json_walk.h"
#include <endian.h>
#ifdef __PCLMUL__
#include <immintrin.h>
#endif

enum { BLOCK = 64, BATCH = 32 };

struct carry {
    uint64_t in_string; /* all ones when the block begins inside a string */
    uint64_t escape;    /* bit 0: the first byte is escaped */
    uint64_t hex;       /* bits 0 to 3: hexadecimal digits still due */
    uint64_t scalar;    /* bit 0: the byte before belonged to a number or name */
    uint64_t suspect;   /* bit 0: the byte before was a suspect of UTF-8 */
    uint32_t before;    /* the last four bytes, the last one highest */
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

/* The bytes that a backslash escapes. In a run of backslashes each second one is escaped, and so is the byte behind a
 * run of odd length. Subtracting the run's first bit from the odd places behind it borrows its way through the run, and
 * leaves alternating bits however long it is. */
static inline uint64_t find_escaped(uint64_t backslashes, uint64_t *carry)
{
    const uint64_t odd = 0xAAAAAAAAAAAAAAAA;
    uint64_t may_escape = backslashes & ~*carry;
    uint64_t ends = (((may_escape << 1) | odd) - may_escape) ^ odd;
    uint64_t escaped = ends ^ (backslashes | *carry);
    *carry = (ends & backslashes) >> 63;
    return escaped;
}

static inline uint64_t find_hex(const struct block *b)
{
    uint64_t digits = block_at_least(b, '0') & ~block_at_least(b, '9' + 1);
    uint64_t upper = block_at_least(b, 'A') & ~block_at_least(b, 'F' + 1);
    uint64_t lower = block_at_least(b, 'a') & ~block_at_least(b, 'f' + 1);
    return digits | upper | lower;
}

/* The same bytes, less each \u, and plus each place where its digits are missing. */
static inline uint64_t check_hex(const struct block *b, uint64_t bad, struct carry *c)
{
    uint64_t u = bad & block_equal(b, 'u');
    uint64_t due = c->hex | u << 1 | u << 2 | u << 3 | u << 4;
    c->hex = u >> 63 | u >> 62 | u >> 61 | u >> 60;
    return (bad ^ u) | (due & ~find_hex(b));
}

/* Bytes at which an escape goes wrong: a letter that means nothing, or no digit where \u wants one. */
static inline uint64_t check_escapes(const struct block *b, uint64_t escaped, struct carry *c)
{
    uint64_t bad = escaped & ~block_simple_escapes(b);
    return bad | c->hex ? check_hex(b, bad, c) : bad;
}

/* Leads that bound the second byte further: no overlong forms, no surrogates, nothing above U+10FFFF. */
static inline uint64_t check_second_bytes(const struct block *b, unsigned before)
{
    uint64_t from_90 = block_at_least(b, 0x90), from_a0 = block_at_least(b, 0xA0);
    uint64_t e0 = block_equal(b, 0xE0) << 1 | (before == 0xE0), ed = block_equal(b, 0xED) << 1 | (before == 0xED);
    uint64_t f0 = block_equal(b, 0xF0) << 1 | (before == 0xF0), f4 = block_equal(b, 0xF4) << 1 | (before == 0xF4);
    return (e0 & ~from_a0) | (ed & from_a0) | (f0 & ~from_90) | (f4 & from_90);
}

/* The continuation bytes that leads before the block still wait for. */
static inline uint64_t due_after(uint32_t before)
{
    unsigned last = before >> 24, second = before >> 16 & 0xFF, third = before >> 8 & 0xFF;
    unsigned after_last = last >= 0xF0 ? 7 : last >= 0xE0 ? 3 : last >= 0xC0;
    unsigned after_second = second >= 0xF0 ? 3 : second >= 0xE0;
    return after_last | after_second | (third >= 0xF0);
}

/* Bytes at which UTF-8 goes wrong: a continuation byte must stand where one is due and nowhere else. */
static inline uint64_t find_bad_utf8(const struct block *b, uint32_t before)
{
    uint64_t two = block_at_least(b, 0xC0), three = block_at_least(b, 0xE0), four = block_at_least(b, 0xF0);
    uint64_t due = two << 1 | three << 2 | four << 3 | due_after(before);
    uint64_t never = (two & ~block_at_least(b, 0xC2)) | block_at_least(b, 0xF5);
    return never | check_second_bytes(b, before >> 24) | (due ^ (block_at_least(b, 0x80) & ~two));
}

/* Most languages have no suspects, so the full check is seldom needed. */
static inline uint64_t check_utf8(const struct block *b, const char *p, struct carry *c)
{
    uint64_t suspects = block_suspects(b, c->before);
    uint64_t bad = suspects | c->suspect ? find_bad_utf8(b, c->before) : 0;
    c->suspect = suspects >> 63;
    memcpy(&c->before, p + BLOCK - sizeof c->before, sizeof c->before);
    c->before = le32toh(c->before);
    return bad;
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

/* What a batch of blocks holds: the tokens of each, and which bytes of the last one are bad. */
struct batch {
    uint64_t tokens[BATCH];
    uint64_t bad, bad_utf8;
};

/* Scans up to the first block with a bad byte and returns the number of blocks scanned. Nothing is called from here, so
 * that everything can stay in registers. */
static size_t scan_batch(const char *p, size_t blocks, struct carry *carry, struct batch *batch)
{
    struct carry c = *carry;
    size_t i = 0;
    do {
        const struct block b = block_load(p + i * BLOCK);
        uint64_t escaped = find_escaped(block_equal(&b, '\\'), &c.escape);
        uint64_t quotes = block_equal(&b, '"') & ~escaped;
        uint64_t in_string = prefix_parity(quotes) ^ c.in_string; /* opening quotes are in, closing ones are not */
        uint64_t bad_string = (in_string & ~block_at_least(&b, 0x20)) | check_escapes(&b, escaped, &c);
        c.in_string = 0 - (in_string >> 63);
        batch->bad_utf8 = check_utf8(&b, p + i * BLOCK, &c);
        batch->bad = bad_string | batch->bad_utf8;
        batch->tokens[i++] = find_tokens(&b, quotes, in_string, &c);
    } while (!batch->bad && i < blocks);
    *carry = c;
    return i;
}

/* A token at the place of the first bad byte is still the walk's: outside strings such a byte is just bad syntax. */
static bool pass_batch(struct json_walk *w, struct carry *c, size_t offset, struct text blocks, uint64_t within)
{
    struct batch batch;
    size_t last = scan_batch(blocks.p, blocks.n / BLOCK, c, &batch) - 1;
    uint64_t bad = batch.bad & within;
    batch.tokens[last] &= bad ^ (bad - 1);
    if (!json_walk_tokens(w, offset, batch.tokens, last + 1)) return false;
    if (!bad) return true;
    bool utf8 = batch.bad_utf8 & bad & (0 - bad);
    size_t at = offset + last * BLOCK + (size_t)__builtin_ctzll(bad);
    return json_walk_refuse(w, utf8 ? JSON_BAD_UTF8 : JSON_BAD_STRING, at);
}

/* Bytes behind the end are read as spaces from a copy. They may look bad inside a string, but there the end itself is
 * the error. */
static inline void scan_blocks(struct json_walk *w)
{
    struct carry c = {0};
    size_t offset = 0, n, rest = w->text.n % BLOCK;
    for (; offset < w->text.n - rest; offset += n) {
        n = w->text.n - rest - offset;
        if (n > BATCH * BLOCK) n = BATCH * BLOCK;
        if (!pass_batch(w, &c, offset, text_make(w->text.p + offset, n), ~(uint64_t)0)) return;
    }
    if (rest) {
        char tail[BLOCK];
        memset(tail, ' ', sizeof tail);
        memcpy(tail, w->text.p + offset, rest);
        if (!pass_batch(w, &c, offset, text_make(tail, BLOCK), ((uint64_t)1 << rest) - 1)) return;
    }
    json_walk_end(w, c.in_string);
}

#endif
