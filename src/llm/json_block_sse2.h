/* json_block_sse2.h - 64 bytes of text in the 16-byte vectors that every x86-64 has. */
#ifndef DSGATE_LLM_JSON_BLOCK_SSE2_H
#define DSGATE_LLM_JSON_BLOCK_SSE2_H

#include "json_units.h"
#include <emmintrin.h>
#include <stdint.h>

struct block {
    __m128i v[4];
};

static inline struct block block_load(const char *p)
{
    const __m128i *from = (const void *)p;
    return (struct block){
        {_mm_loadu_si128(from), _mm_loadu_si128(from + 1), _mm_loadu_si128(from + 2), _mm_loadu_si128(from + 3)}};
}

/* One bit for each byte of vectors that are all ones or all zeros there. */
static inline uint64_t movemask_block(__m128i a, __m128i b, __m128i c, __m128i d)
{
    uint64_t low = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
    uint64_t high = (uint32_t)_mm_movemask_epi8(c) | (uint32_t)_mm_movemask_epi8(d) << 16;
    return low | high << 32;
}

static inline __m128i equal(__m128i v, char byte) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(byte)); }

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    char c = (char)byte;
    return movemask_block(equal(b->v[0], c), equal(b->v[1], c), equal(b->v[2], c), equal(b->v[3], c));
}

#endif
