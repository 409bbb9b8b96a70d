/* json_blocks.h - one pass over a text, 64 bytes at a time, as arithmetic on bit masks.
 *
 * Bodies are mostly strings, and strings are full of small things: escapes, line ends, bytes of several-byte
 * characters. A loop that stops at each of them is slow; here a block costs the same whatever is in it. In every mask
 * bit i speaks of byte i. What must be known of earlier blocks is in struct carry. The grammar (json_walk.h) is told
 * only of tokens, so the inside of a string is never looked at twice. The technique is that of Geoff Langdale and
 * Daniel Lemire, "Parsing Gigabytes of JSON per Second", The VLDB Journal 28 (2019).
 *
 * The file that includes this one has defined `struct block` (64 bytes) and
 *   block_load(p)             reads 64 bytes,
 *   block_equal(b, byte)      which bytes equal `byte`,
 *   block_at_least(b, byte)   which bytes are not less, unsigned,
 *   block_operators(b)        which are one of {}[]:,
 *   block_spaces(b)           which are white space,
 *   block_simple_escapes(b)   which are one of "\/bfnrt: a backslash and that is a whole escape,
 *   byte_kinds(p, n)          HAS_… bits of the n blocks at p: what there is none of need not be looked for,
 *   group_is_suspect(…)       for json_utf8.h.
 */
#ifndef DSGATE_LLM_JSON_BLOCKS_H
#define DSGATE_LLM_JSON_BLOCKS_H

#include "json_escaped.h"
#include "json_units.h"
#include "json_utf8.h"
#include "json_walk.h"
#ifdef __PCLMUL__
#include <immintrin.h>
#endif

struct carry {
    uint64_t in_string; /* all ones when the block begins inside a string */
    uint64_t escape;    /* bit 0: the first byte is escaped */
    uint64_t hex;       /* bits 0 to 3: hexadecimal digits still due */
    uint64_t scalar;    /* bit 0: the byte before belonged to a number or name */
    uint32_t before;    /* the last four bytes, as last_bytes() gives them */
};

/* The mask shifted by one byte: the last byte's bit of the block before comes in, by *carry. */
static inline uint64_t shift_in(uint64_t mask, uint64_t *carry)
{
    uint64_t shifted = mask << 1 | *carry;
    *carry = mask >> 63;
    return shifted;
}

/* Bit i of the result is the parity of bits 0 to i: a carry-less multiplication by all ones (Langdale and Lemire,
 * section 3.1.1). */
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

/* A block inside a string needs no look at operators. No scalar can end right before it: its quote is then refused. */
static inline uint64_t find_tokens(const struct block *b, uint64_t quotes, uint64_t in_string, struct carry *c)
{
    uint64_t outside = ~in_string, opening = quotes & in_string;
    if (!outside) return opening;
    uint64_t operators = block_operators(b) & outside;
    uint64_t scalars = outside & ~(operators | quotes | block_spaces(b));
    return opening | operators | (scalars & ~shift_in(scalars, &c->scalar));
}

/* What a batch of blocks holds, up to the first one with a bad byte. */
struct batch {
    size_t n;
    uint64_t filled;        /* a bit for each block that has tokens */
    uint64_t tokens[BATCH]; /* unset for the others */
    uint64_t bad, bad_utf8; /* bytes of the last block */
};

/* Tokens and strings. Most blocks lie inside a string, and nothing begins or ends there. Nothing is called from here,
 * so that everything can stay in registers. */
static void scan_strings(const char *p, size_t n, bool controls, struct carry *carry, struct batch *batch)
{
    struct carry c = *carry;
    uint64_t bad, filled = 0;
    size_t i = 0;
    do {
        const struct block b = block_load(p + i * BLOCK);
        uint64_t escaped = find_escaped(block_equal(&b, '\\'), &c.escape);
        uint64_t quotes = block_equal(&b, '"') & ~escaped, in_string = c.in_string;
        if (quotes | ~in_string) {
            in_string ^= prefix_parity(quotes); /* opening quotes are in, closing ones are not */
            c.in_string = 0 - (in_string >> 63);
            batch->tokens[i] = find_tokens(&b, quotes, in_string, &c);
            filled |= (uint64_t)1 << i;
        }
        bad = check_escapes(&b, escaped, &c);
        if (controls) bad |= in_string & ~block_at_least(&b, 0x20);
    } while (++i < n && !bad);
    *carry = c;
    batch->n = i;
    batch->bad = bad;
    batch->filled = filled;
}

static void note_bad_utf8(struct batch *batch, size_t block, uint64_t bad)
{
    if (block >= batch->n) return; /* nowhere, or behind a bad byte of another kind */
    batch->bad = bad | (block + 1 == batch->n ? batch->bad : 0);
    batch->bad_utf8 = bad;
    batch->n = block + 1;
}

static void scan_batch(const char *p, size_t n, struct carry *c, struct batch *batch)
{
    unsigned kinds = byte_kinds(p, n);
    batch->bad_utf8 = 0;
    scan_strings(p, n, kinds & HAS_CONTROL, c, batch);
    if (kinds & HAS_HIGH || c->before & 0x80808080) {
        uint64_t bad;
        size_t right = scan_utf8(p, n, c->before, &bad);
        note_bad_utf8(batch, right, bad);
    }
    c->before = last_bytes(p + n * BLOCK);
}

static void drop_tokens_behind(struct batch *batch, uint64_t first_bad)
{
    size_t last = batch->n - 1;
    if (batch->filled >> last & 1) batch->tokens[last] &= first_bad | (first_bad - 1);
    batch->filled &= ((uint64_t)2 << last) - 1;
}

/* The n blocks at p are the text from `offset` on, filled up with spaces. A token at the place of the first bad byte is
 * still the walk's: outside strings such a byte is just bad syntax. Where the text ends in the middle the spaces may
 * look bad, but then the end itself is the error. */
static bool pass_batch(struct json_walk *w, struct carry *c, size_t offset, const char *p, size_t n)
{
    struct batch batch;
    scan_batch(p, n, c, &batch);
    uint64_t bad = batch.bad, first = bad & (0 - bad);
    if (bad) drop_tokens_behind(&batch, first);
    if (!json_walk_tokens(w, offset, batch.tokens, batch.filled)) return false;
    if (!bad) return true;
    size_t at = offset + (batch.n - 1) * BLOCK + (size_t)__builtin_ctzll(bad);
    return at >= w->text.n || json_walk_refuse(w, batch.bad_utf8 & first ? JSON_BAD_UTF8 : JSON_BAD_STRING, at);
}

/* Whole groups are scanned where they lie, the rest in a copy that ends in spaces. */
static inline void scan_blocks(struct json_walk *w)
{
    struct carry c = {0};
    size_t offset = 0, n, rest = w->text.n % (GROUP * BLOCK), blocks = (w->text.n - rest) / BLOCK;
    for (; blocks; blocks -= n, offset += n * BLOCK) {
        n = blocks < BATCH ? blocks : BATCH;
        if (!pass_batch(w, &c, offset, w->text.p + offset, n)) return;
    }
    if (rest) {
        char tail[GROUP * BLOCK];
        memset(tail, ' ', sizeof tail);
        memcpy(tail, w->text.p + offset, rest);
        if (!pass_batch(w, &c, offset, tail, GROUP)) return;
    }
    json_walk_end(w, c.in_string);
}

#endif
