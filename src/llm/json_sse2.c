/* The block pass with the 16-byte vectors that every x86-64 has. */
#if defined(__x86_64__)
#include "json_scan.h"
#include <emmintrin.h>

struct block {
    __m128i v[4];
};

static inline struct block block_load(const char *p)
{
    struct block b;
    for (unsigned i = 0; i < 4; i++)
        b.v[i] = _mm_loadu_si128((const __m128i *)(const void *)(p + 16 * i));
    return b;
}

/* One bit for each byte of vectors that are all ones or all zeros there. */
static inline uint64_t gather(struct block b)
{
    uint64_t low = (uint32_t)_mm_movemask_epi8(b.v[0]) | (uint32_t)_mm_movemask_epi8(b.v[1]) << 16;
    uint64_t high = (uint32_t)_mm_movemask_epi8(b.v[2]) | (uint32_t)_mm_movemask_epi8(b.v[3]) << 16;
    return low | high << 32;
}

static inline __m128i equal(__m128i v, char byte) { return _mm_cmpeq_epi8(v, _mm_set1_epi8(byte)); }
static inline __m128i either(__m128i a, __m128i b) { return _mm_or_si128(a, b); }

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    struct block found;
    for (unsigned i = 0; i < 4; i++)
        found.v[i] = equal(b->v[i], (char)byte);
    return gather(found);
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    if (byte == 0x80) return gather(*b);
    struct block found;
    for (unsigned i = 0; i < 4; i++)
        found.v[i] = _mm_cmpeq_epi8(_mm_max_epu8(b->v[i], _mm_set1_epi8((char)byte)), b->v[i]);
    return gather(found);
}

/* With bit 5 set, brackets are braces. */
static inline uint64_t block_operators(const struct block *b)
{
    struct block found;
    for (unsigned i = 0; i < 4; i++) {
        __m128i v = b->v[i], folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
        __m128i braces = either(equal(folded, '{'), equal(folded, '}'));
        found.v[i] = either(braces, either(equal(v, ':'), equal(v, ',')));
    }
    return gather(found);
}

static inline uint64_t block_spaces(const struct block *b)
{
    struct block found;
    for (unsigned i = 0; i < 4; i++) {
        __m128i v = b->v[i];
        found.v[i] = either(either(equal(v, ' '), equal(v, '\t')), either(equal(v, '\n'), equal(v, '\r')));
    }
    return gather(found);
}

/* With bit 4 set, b is r. */
static inline uint64_t block_escapable(const struct block *b)
{
    struct block found;
    for (unsigned i = 0; i < 4; i++) {
        __m128i v = b->v[i], folded = _mm_or_si128(v, _mm_set1_epi8(0x10));
        __m128i signs = either(either(equal(v, '"'), equal(v, '\\')), equal(v, '/'));
        __m128i letters = either(either(equal(folded, 'r'), equal(v, 'n')), either(equal(v, 'f'), equal(v, 't')));
        found.v[i] = either(either(signs, letters), equal(v, 'u'));
    }
    return gather(found);
}

#include "json_blocks.h"

void json_pass_sse2(struct json_walk *w) { scan_blocks(w); }
#endif
