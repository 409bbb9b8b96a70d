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
static inline __m256i every(char byte)
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
static inline uint64_t gather(__m256i a, __m256i b)
{
    return (uint32_t)_mm256_movemask_epi8(a) | (uint64_t)(uint32_t)_mm256_movemask_epi8(b) << 32;
}

static inline __m256i equal(__m256i v, char byte) { return _mm256_cmpeq_epi8(v, every(byte)); }
static inline __m256i either(__m256i a, __m256i b) { return _mm256_or_si256(a, b); }

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    return gather(equal(b->v[0], (char)byte), equal(b->v[1], (char)byte));
}

static inline __m256i at_least(__m256i v, unsigned char byte)
{
    return _mm256_cmpeq_epi8(_mm256_max_epu8(v, every((char)byte)), v);
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    if (byte == 0x80) return gather(b->v[0], b->v[1]);
    return gather(at_least(b->v[0], byte), at_least(b->v[1], byte));
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
    return either(in_set(v, brackets), in_set(v, braces));
}

static inline uint64_t block_operators(const struct block *b) { return gather(operators(b->v[0]), operators(b->v[1])); }

static inline uint64_t block_spaces(const struct block *b)
{
    const __m128i spaces = _mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    return gather(in_set(b->v[0], spaces), in_set(b->v[1], spaces));
}

/* With bit 4 set, b is r; these two and the quote share their low half with each other. */
static inline __m256i simple_escapes(__m256i v)
{
    const __m128i set = _mm_setr_epi8(-1, 0, '"', 0, 't', 0, 'f', 0, 0, 0, 0, 0, '\\', 0, 'n', '/');
    return either(in_set(v, set), equal(either(v, every(0x10)), 'r'));
}

static inline uint64_t block_simple_escapes(const struct block *b)
{
    return gather(simple_escapes(b->v[0]), simple_escapes(b->v[1]));
}

static inline unsigned survey(const char *p, size_t n)
{
    __m256i all = every(0), least = every((char)0xFF);
    for (size_t i = 0; i < n; i++) {
        const struct block b = block_load(p + i * BLOCK);
        all = either(all, either(b.v[0], b.v[1]));
        least = _mm256_min_epu8(least, _mm256_min_epu8(b.v[0], b.v[1]));
    }
    return (_mm256_movemask_epi8(all) ? HAS_HIGH : 0) |
           (~_mm256_movemask_epi8(at_least(least, 0x20)) ? HAS_CONTROL : 0);
}

static inline __m256i less(__m256i v, char byte) { return _mm256_subs_epu8(v, every(byte)); }

static inline __m256i rare_leads(__m256i v)
{
    __m256i overlong = equal(_mm256_and_si256(v, every((char)0xFE)), (char)0xC0);
    return either(either(overlong, less(v, 0xF0 - 0x80)), either(equal(v, (char)0xE0), equal(v, (char)0xED)));
}

/* Here only bit 7 of each byte counts. A difference keeps it for bytes from 0xC0, 0xE0 and 0xF0 on, and doubling brings
 * bit 6 there, which continuation bytes have not. */
static inline __m256i suspects(__m256i v, __m256i before)
{
    __m256i lanes = _mm256_permute2x128_si256(before, v, 0x21);
    __m256i two = less(_mm256_alignr_epi8(v, lanes, 15), 0xC0 - 0x80);
    __m256i three = less(_mm256_alignr_epi8(v, lanes, 14), 0xE0 - 0x80);
    __m256i four = less(_mm256_alignr_epi8(v, lanes, 13), 0xF0 - 0x80);
    __m256i continuation = _mm256_andnot_si256(_mm256_add_epi8(v, v), v);
    return either(_mm256_xor_si256(either(either(two, three), four), continuation), rare_leads(v));
}

static inline bool group_is_suspect(const char *p, uint32_t before)
{
    __m256i last = _mm256_set1_epi32((int)before), doubts = rare_leads(last);
    for (size_t i = 0; i < GROUP; i++) {
        const struct block b = block_load(p + i * BLOCK);
        doubts = either(doubts, either(suspects(b.v[0], last), suspects(b.v[1], b.v[0])));
        last = b.v[1];
    }
    return _mm256_movemask_epi8(doubts) != 0;
}

#include "json_blocks.h"

void json_pass_avx2(struct json_walk *w) { scan_blocks(w); }
#endif
