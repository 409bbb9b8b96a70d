/* The block pass with 64-byte vectors: a block is one register, and comparing it gives the mask at once. This file
 * alone is compiled for processors with AVX-512 (F and BW). */
#if defined(__x86_64__)
#include "json_scan.h"
#include <immintrin.h>

struct block {
    __m512i v;
};

static inline struct block block_load(const char *p) { return (struct block){_mm512_loadu_si512(p)}; }

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    return _mm512_cmpeq_epi8_mask(b->v, _mm512_set1_epi8((char)byte));
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    if (byte == 0x80) return _mm512_movepi8_mask(b->v);
    return _mm512_cmpge_epu8_mask(b->v, _mm512_set1_epi8((char)byte));
}

/* A set holds at most one byte for each low half, in the place of that half. The other places hold what is never asked
 * for there. */
static inline uint64_t in_set(__m512i v, __m128i set)
{
    return _mm512_cmpeq_epi8_mask(_mm512_shuffle_epi8(_mm512_broadcast_i32x4(set), v), v);
}

static inline uint64_t block_operators(const struct block *b)
{
    const __m128i brackets = _mm_setr_epi8(-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, ':', '[', ',', ']', 0, 0);
    const __m128i braces = _mm_setr_epi8(-1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{', 0, '}', 0, 0);
    return in_set(b->v, brackets) | in_set(b->v, braces);
}

static inline uint64_t block_spaces(const struct block *b)
{
    const __m128i spaces = _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    return in_set(b->v, spaces);
}

/* With bit 4 set, b is r; these two and the quote share their low half with each other. */
static inline uint64_t block_escapable(const struct block *b)
{
    const __m128i set = _mm_setr_epi8(-1, 0, '"', 0, 't', 'u', 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/');
    __m512i b_is_r = _mm512_or_si512(b->v, _mm512_set1_epi8(0x10));
    return in_set(b->v, set) | _mm512_cmpeq_epi8_mask(b_is_r, _mm512_set1_epi8('r'));
}

static inline uint64_t block_rare_leads(const struct block *b)
{
    __m512i overlong = _mm512_and_si512(b->v, _mm512_set1_epi8((char)0xFE));
    return _mm512_cmpeq_epi8_mask(overlong, _mm512_set1_epi8((char)0xC0)) | block_at_least(b, 0xF0) |
           block_equal(b, 0xE0) | block_equal(b, 0xED);
}

#include "json_blocks.h"

void json_pass_avx512(struct json_walk *w) { scan_blocks(w); }
#endif
