/* The block pass with the 16-byte vectors that every x86-64 has. */
#if defined(__x86_64__)
#include "json_scan.h"
#include <emmintrin.h>

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
static inline uint64_t gather(__m128i a, __m128i b, __m128i c, __m128i d)
{
    uint64_t low = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
    uint64_t high = (uint32_t)_mm_movemask_epi8(c) | (uint32_t)_mm_movemask_epi8(d) << 16;
    return low | high << 32;
}

static inline __m128i equal(__m128i v, char byte) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(byte)); }
static inline __m128i either(__m128i a, __m128i b) { return _mm_or_si128(a, b); }

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    char c = (char)byte;
    return gather(equal(b->v[0], c), equal(b->v[1], c), equal(b->v[2], c), equal(b->v[3], c));
}

static inline __m128i at_least(__m128i v, unsigned char byte)
{
    return _mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8((char)byte)), v);
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    if (byte == 0x80) return gather(b->v[0], b->v[1], b->v[2], b->v[3]);
    return gather(at_least(b->v[0], byte), at_least(b->v[1], byte), at_least(b->v[2], byte), at_least(b->v[3], byte));
}

/* With bit 5 set, brackets are braces. */
static inline __m128i operators(__m128i v)
{
    __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
    return either(either(equal(folded, '{'), equal(folded, '}')), either(equal(v, ':'), equal(v, ',')));
}

static inline uint64_t block_operators(const struct block *b)
{
    return gather(operators(b->v[0]), operators(b->v[1]), operators(b->v[2]), operators(b->v[3]));
}

static inline __m128i spaces(__m128i v)
{
    return either(either(equal(v, ' '), equal(v, '\t')), either(equal(v, '\n'), equal(v, '\r')));
}

static inline uint64_t block_spaces(const struct block *b)
{
    return gather(spaces(b->v[0]), spaces(b->v[1]), spaces(b->v[2]), spaces(b->v[3]));
}

/* With bit 4 set, b is r. */
static inline __m128i escapable(__m128i v)
{
    __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x10));
    __m128i signs = either(either(equal(v, '"'), equal(v, '\\')), equal(v, '/'));
    __m128i letters = either(either(equal(folded, 'r'), equal(v, 'n')), either(equal(v, 'f'), equal(v, 't')));
    return either(either(signs, letters), equal(v, 'u'));
}

static inline uint64_t block_escapable(const struct block *b)
{
    return gather(escapable(b->v[0]), escapable(b->v[1]), escapable(b->v[2]), escapable(b->v[3]));
}

static inline __m128i rare_leads(__m128i v)
{
    __m128i overlong = equal(_mm_and_si128(v, _mm_set1_epi8((char)0xFE)), (char)0xC0);
    return either(either(overlong, at_least(v, 0xF0)), either(equal(v, (char)0xE0), equal(v, (char)0xED)));
}

static inline uint64_t block_rare_leads(const struct block *b)
{
    return gather(rare_leads(b->v[0]), rare_leads(b->v[1]), rare_leads(b->v[2]), rare_leads(b->v[3]));
}

#include "json_blocks.h"

void json_pass_sse2(struct json_walk *w) { scan_blocks(w); }
#endif
