/* The block pass with the 16-byte vectors that every x86-64 has. */
#if defined(__x86_64__)
#include "json_block_sse2.h"
#include "json_scan.h"

static inline __m128i bit_or(__m128i a, __m128i b) { return _mm_or_si128(a, b); }

static inline __m128i at_least(__m128i v, unsigned char byte)
{
    return _mm_cmpeq_epi8(_mm_max_epu8(v, _mm_set1_epi8((char)byte)), v);
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    if (byte == 0x80) return movemask_block(b->v[0], b->v[1], b->v[2], b->v[3]);
    return movemask_block(at_least(b->v[0], byte), at_least(b->v[1], byte), at_least(b->v[2], byte),
                          at_least(b->v[3], byte));
}

/* With bit 5 set, brackets are braces. */
static inline __m128i operators(__m128i v)
{
    __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x20));
    return bit_or(bit_or(equal(folded, '{'), equal(folded, '}')), bit_or(equal(v, ':'), equal(v, ',')));
}

static inline uint64_t block_operators(const struct block *b)
{
    return movemask_block(operators(b->v[0]), operators(b->v[1]), operators(b->v[2]), operators(b->v[3]));
}

static inline __m128i spaces(__m128i v)
{
    return bit_or(bit_or(equal(v, ' '), equal(v, '\t')), bit_or(equal(v, '\n'), equal(v, '\r')));
}

static inline uint64_t block_spaces(const struct block *b)
{
    return movemask_block(spaces(b->v[0]), spaces(b->v[1]), spaces(b->v[2]), spaces(b->v[3]));
}

/* With bit 4 set, b is r. */
static inline __m128i simple_escapes(__m128i v)
{
    __m128i folded = _mm_or_si128(v, _mm_set1_epi8(0x10));
    __m128i signs = bit_or(bit_or(equal(v, '"'), equal(v, '\\')), equal(v, '/'));
    __m128i letters = bit_or(bit_or(equal(folded, 'r'), equal(v, 'n')), bit_or(equal(v, 'f'), equal(v, 't')));
    return bit_or(signs, letters);
}

static inline uint64_t block_simple_escapes(const struct block *b)
{
    return movemask_block(simple_escapes(b->v[0]), simple_escapes(b->v[1]), simple_escapes(b->v[2]),
                          simple_escapes(b->v[3]));
}

static inline unsigned byte_kinds(const char *p, size_t n)
{
    __m128i all = _mm_setzero_si128(), least = _mm_set1_epi8((char)0xFF);
    for (size_t i = 0; i < n * BLOCK; i += sizeof(__m128i)) {
        __m128i v = _mm_loadu_si128((const void *)(p + i));
        all = bit_or(all, v);
        least = _mm_min_epu8(least, v);
    }
    bool control = _mm_movemask_epi8(at_least(least, 0x20)) != 0xFFFF;
    return (_mm_movemask_epi8(all) ? HAS_HIGH : 0) | (control ? HAS_CONTROL : 0);
}

/* The bytes n places before those of v, which follow `before`. */
#define PLACES_BEFORE(v, before, n) bit_or(_mm_slli_si128(v, n), _mm_srli_si128(before, 16 - (n)))

static inline __m128i subtract_saturating(__m128i v, char byte) { return _mm_subs_epu8(v, _mm_set1_epi8(byte)); }

static inline __m128i rare_leads(__m128i v)
{
    __m128i overlong = equal(_mm_and_si128(v, _mm_set1_epi8((char)0xFE)), (char)0xC0);
    return bit_or(bit_or(overlong, subtract_saturating(v, 0xF0 - 0x80)),
                  bit_or(equal(v, (char)0xE0), equal(v, (char)0xED)));
}

/* Only bit 7 of each lane matters. A saturating subtraction leaves it set only for bytes at or above the bound (0xC0,
 * 0xE0, 0xF0); v + v moves bit 6 into bit 7, and bit 6 is clear in continuation bytes. */
static inline __m128i suspects(__m128i v, __m128i before)
{
    __m128i two = subtract_saturating(PLACES_BEFORE(v, before, 1), 0xC0 - 0x80);
    __m128i three = subtract_saturating(PLACES_BEFORE(v, before, 2), 0xE0 - 0x80);
    __m128i four = subtract_saturating(PLACES_BEFORE(v, before, 3), 0xF0 - 0x80);
    __m128i continuation = _mm_andnot_si128(_mm_add_epi8(v, v), v);
    return bit_or(_mm_xor_si128(bit_or(bit_or(two, three), four), continuation), rare_leads(v));
}

static inline bool group_is_suspect(const char *p, uint32_t before)
{
    __m128i last = _mm_set1_epi32((int)before), doubts = rare_leads(last);
    for (size_t i = 0; i < GROUP * BLOCK; i += sizeof(__m128i)) {
        __m128i v = _mm_loadu_si128((const void *)(p + i));
        doubts = bit_or(doubts, suspects(v, last));
        last = v;
    }
    return _mm_movemask_epi8(doubts) != 0;
}

#include "json_blocks.h"

void json_pass_sse2(struct json_walk *w) { scan_blocks(w); }
#endif
