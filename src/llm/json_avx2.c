/* The block pass with 32-byte vectors. Small sets of bytes are looked up instead of compared one by one: the byte's low
 * half picks the one member of the set that it could be. This file alone is compiled for processors with AVX2. */
#if defined(__x86_64__)
#include "json_scan.h"
#include "json_units.h"
#include <immintrin.h>

struct block {
    __m256i v[2];
};

/* Compilers that know the value would make it again in each block, where a load is cheaper. */
static inline __m256i splat(char byte)
{
    __m256i v = _mm256_set1_epi8(byte);
    __asm__("" : "+x"(v));
    return v;
}

static inline struct block block_load(const char *p)
{
    const __m256i *from = (const void *)p;
    return (struct block){{_mm256_loadu_si256(from), _mm256_loadu_si256(from + 1)}};
}

/* One bit for each byte of vectors that are all ones or all zeros there. */
static inline uint64_t movemask_block(__m256i a, __m256i b)
{
    return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
}

static inline __m256i equal(__m256i v, char byte) { return _mm256_cmpeq_epi8(v, splat(byte)); }
static inline __m256i bit_or(__m256i a, __m256i b) { return _mm256_or_si256(a, b); }

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    return movemask_block(equal(b->v[0], (char)byte), equal(b->v[1], (char)byte));
}

static inline __m256i at_least(__m256i v, unsigned char byte)
{
    return _mm256_cmpeq_epi8(_mm256_max_epu8(v, splat((char)byte)), v);
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    if (byte == 0x80) return movemask_block(b->v[0], b->v[1]);
    return movemask_block(at_least(b->v[0], byte), at_least(b->v[1], byte));
}

/* A set holds at most one byte for each low half, in the place of that half. The other places hold what is never asked
 * for there. */
static inline __m256i in_set(__m256i v, __m128i set)
{
    return _mm256_cmpeq_epi8(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(set), v), v);
}

static inline __m256i operators(__m256i v)
{
    const __m128i brackets = _mm_setr_epi8(-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '[', ',', ']', 0, 0);
    const __m128i braces = _mm_setr_epi8(-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{', 0, '}', 0, 0);
    return bit_or(in_set(v, brackets), in_set(v, braces));
}

static inline uint64_t block_operators(const struct block *b)
{
    return movemask_block(operators(b->v[0]), operators(b->v[1]));
}

static inline uint64_t block_spaces(const struct block *b)
{
    const __m128i spaces = _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    return movemask_block(in_set(b->v[0], spaces), in_set(b->v[1], spaces));
}

/* With bit 4 set, b is r; these two and the quote share their low half with each other. */
static inline __m256i simple_escapes(__m256i v)
{
    const __m128i set = _mm_setr_epi8(-1, 0, '"', 0, 't', 0, 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/');
    return bit_or(in_set(v, set), equal(bit_or(v, splat(0x10)), 'r'));
}

static inline uint64_t block_simple_escapes(const struct block *b)
{
    return movemask_block(simple_escapes(b->v[0]), simple_escapes(b->v[1]));
}

static inline unsigned byte_kinds(const char *p, size_t n)
{
    __m256i all = splat(0), least = splat((char)0xFF);
    for (size_t i = 0; i < n; i++) {
        const struct block b = block_load(p + i * BLOCK);
        all = bit_or(all, bit_or(b.v[0], b.v[1]));
        least = _mm256_min_epu8(least, _mm256_min_epu8(b.v[0], b.v[1]));
    }
    return (_mm256_movemask_epi8(all) ? HAS_HIGH : 0) |
           (~_mm256_movemask_epi8(at_least(least, 0x20)) ? HAS_CONTROL : 0);
}

static inline __m256i subtract_saturating(__m256i v, char byte) { return _mm256_subs_epu8(v, splat(byte)); }

static inline __m256i rare_leads(__m256i v)
{
    __m256i overlong = equal(_mm256_and_si256(v, splat((char)0xFE)), (char)0xC0);
    return bit_or(bit_or(overlong, subtract_saturating(v, 0xF0 - 0x80)),
                  bit_or(equal(v, (char)0xE0), equal(v, (char)0xED)));
}

/* Only bit 7 of each lane matters. A saturating subtraction leaves it set only for bytes at or above the bound (0xC0,
 * 0xE0, 0xF0); v + v moves bit 6 into bit 7, and bit 6 is clear in continuation bytes. */
static inline __m256i suspects(__m256i v, __m256i before)
{
    __m256i lanes = _mm256_permute2x128_si256(before, v, 0x21);
    __m256i two = subtract_saturating(_mm256_alignr_epi8(v, lanes, 15), 0xC0 - 0x80);
    __m256i three = subtract_saturating(_mm256_alignr_epi8(v, lanes, 14), 0xE0 - 0x80);
    __m256i four = subtract_saturating(_mm256_alignr_epi8(v, lanes, 13), 0xF0 - 0x80);
    __m256i continuation = _mm256_andnot_si256(_mm256_add_epi8(v, v), v);
    return bit_or(_mm256_xor_si256(bit_or(bit_or(two, three), four), continuation), rare_leads(v));
}

static inline bool group_is_suspect(const char *p, uint32_t before)
{
    __m256i last = _mm256_set1_epi32((int)before), doubts = rare_leads(last);
    for (size_t i = 0; i < GROUP; i++) {
        const struct block b = block_load(p + i * BLOCK);
        doubts = bit_or(doubts, bit_or(suspects(b.v[0], last), suspects(b.v[1], b.v[0])));
        last = b.v[1];
    }
    return _mm256_movemask_epi8(doubts) != 0;
}

#include "json_blocks.h"

void json_pass_avx2(struct json_walk *w) { scan_blocks(w); }
#endif
