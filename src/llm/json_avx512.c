/* The block pass with 64-byte vectors: a block is one register, and comparing it gives the mask at once. All sets are
 * looked up at once in a table that fills two registers. This file alone is compiled for processors with AVX-512 (F, BW
 * and VBMI). */
#if defined(__x86_64__)
#include "json_scan.h"
#include "json_sets.h"
#include <immintrin.h>

struct block {
    __m512i v, sets;
};

/* The table's two halves for bytes with the same low seven bits are one: no set has bytes of both. */
static inline __m512i sets_from(size_t first)
{
    return _mm512_or_si512(_mm512_loadu_si512(json_sets_of + first), _mm512_loadu_si512(json_sets_of + 128 + first));
}

static inline struct block block_load(const char *p)
{
    __m512i v = _mm512_loadu_si512(p);
    return (struct block){v, _mm512_permutex2var_epi8(sets_from(0), v, sets_from(64))};
}

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    return _mm512_cmpeq_epi8_mask(b->v, _mm512_set1_epi8((char)byte));
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    if (byte == 0x80) return _mm512_movepi8_mask(b->v);
    return _mm512_cmpge_epu8_mask(b->v, _mm512_set1_epi8((char)byte));
}

static inline uint64_t in_set(const struct block *b, char set)
{
    return _mm512_test_epi8_mask(b->sets, _mm512_set1_epi8(set));
}

static inline uint64_t ascii_in_set(const struct block *b, char set)
{
    return in_set(b, set) & ~block_at_least(b, 0x80);
}
static inline uint64_t block_operators(const struct block *b) { return ascii_in_set(b, JSON_SET_OPERATOR); }
static inline uint64_t block_spaces(const struct block *b) { return ascii_in_set(b, JSON_SET_SPACE); }
static inline uint64_t block_simple_escapes(const struct block *b) { return ascii_in_set(b, JSON_SET_SIMPLE_ESCAPE); }

/* The blocks of bytes that stand 1, 2 or 3 places before. */
#define PLACES_BEFORE(b, lanes, n) _mm512_alignr_epi8((b)->v, lanes, 16 - (n))

/* Here only bit 7 of each byte counts. A difference keeps it for bytes from 0xC0, 0xE0 and 0xF0 on, and doubling brings
 * bit 6 there, which continuation bytes have not. */
static inline uint64_t block_suspects(const struct block *b, uint32_t before)
{
    if (!(block_at_least(b, 0x80) | (before & 0x80808080))) return 0; /* all ASCII */
    __m512i lanes = _mm512_alignr_epi64(b->v, _mm512_set1_epi32((int)before), 6);
    __m512i two = _mm512_subs_epu8(PLACES_BEFORE(b, lanes, 1), _mm512_set1_epi8(0xC0 - 0x80));
    __m512i three = _mm512_subs_epu8(PLACES_BEFORE(b, lanes, 2), _mm512_set1_epi8(0xE0 - 0x80));
    __m512i four = _mm512_subs_epu8(PLACES_BEFORE(b, lanes, 3), _mm512_set1_epi8(0xF0 - 0x80));
    __m512i due = _mm512_or_si512(_mm512_or_si512(two, three), four);
    __m512i continuation = _mm512_andnot_si512(_mm512_add_epi8(b->v, b->v), b->v);
    __m512i rare = _mm512_and_si512(b->v, b->sets);
    return _mm512_movepi8_mask(_mm512_or_si512(_mm512_xor_si512(due, continuation), rare));
}

#include "json_blocks.h"

void json_pass_avx512(struct json_walk *w) { scan_blocks(w); }
#endif
