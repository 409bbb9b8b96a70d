/* The block pass with 64-byte vectors: a block is one register, and comparing it gives the mask at once. To bring a
 * mask to where sums are done is what costs most here. All sets are looked up at once in a table that fills two
 * registers. This file alone is compiled for processors with AVX-512 (F, BW and VBMI). */
#if defined(__x86_64__)
#include "json_scan.h"
#include "json_sets.h"
#include "json_units.h"
#include <immintrin.h>

struct block {
    __m512i v, sets;
};

static inline __m512i splat(char byte) { return _mm512_set1_epi8(byte); }
static inline __m512i bit_or(__m512i a, __m512i b) { return _mm512_or_si512(a, b); }

static inline __m512i sets_from(size_t first) { return _mm512_loadu_si512(json_sets_of + first); }
static inline __m512i load(const char *p) { return _mm512_loadu_si512(p); }

/* No set that is asked for here has bytes from 0x80 on, so all of those may be looked up as 0x7F. */
static inline struct block block_load(const char *p)
{
    __m512i v = load(p), index = _mm512_min_epu8(v, splat(0x7F));
    return (struct block){v, _mm512_permutex2var_epi8(sets_from(0), index, sets_from(64))};
}

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    return _mm512_cmpeq_epi8_mask(b->v, splat((char)byte));
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    return _mm512_cmpge_epu8_mask(b->v, splat((char)byte));
}

static inline uint64_t in_set(const struct block *b, char set) { return _mm512_test_epi8_mask(b->sets, splat(set)); }
static inline uint64_t block_operators(const struct block *b) { return in_set(b, JSON_SET_OPERATOR); }
static inline uint64_t block_spaces(const struct block *b) { return in_set(b, JSON_SET_SPACE); }
static inline uint64_t block_simple_escapes(const struct block *b) { return in_set(b, JSON_SET_SIMPLE_ESCAPE); }

static inline unsigned byte_kinds(const char *p, size_t n)
{
    __m512i all = splat(0), least = splat((char)0xFF);
    for (size_t i = 0; i < n; i++) {
        __m512i v = load(p + i * BLOCK);
        all = bit_or(all, v);
        least = _mm512_min_epu8(least, v);
    }
    return (_mm512_movepi8_mask(all) ? HAS_HIGH : 0) | (_mm512_cmplt_epu8_mask(least, splat(0x20)) ? HAS_CONTROL : 0);
}

static inline __m512i subtract_saturating(__m512i v, char byte) { return _mm512_subs_epu8(v, splat(byte)); }

/* Looked up by the low seven bits, and then bit 7 is taken from the byte itself. */
static inline __m512i rare_leads(__m512i v)
{
    return _mm512_and_si512(v, _mm512_permutex2var_epi8(sets_from(128), v, sets_from(192)));
}

/* Only bit 7 of each lane matters. A saturating subtraction leaves it set only for bytes at or above the bound (0xC0,
 * 0xE0, 0xF0); v + v moves bit 6 into bit 7, and bit 6 is clear in continuation bytes. */
static inline __m512i suspects(__m512i v, __m512i one_before, __m512i two_before, __m512i three_before)
{
    __m512i due =
        bit_or(bit_or(subtract_saturating(one_before, 0xC0 - 0x80), subtract_saturating(two_before, 0xE0 - 0x80)),
               subtract_saturating(three_before, 0xF0 - 0x80));
    __m512i continuation = _mm512_andnot_si512(_mm512_add_epi8(v, v), v);
    return bit_or(_mm512_xor_si512(due, continuation), rare_leads(v));
}

/* What is before the group may not be in memory. */
static inline __m512i first_suspects(__m512i v, __m512i before)
{
    __m512i lanes = _mm512_alignr_epi64(v, before, 6); /* of 16 bytes, each the one before */
    return suspects(v, _mm512_alignr_epi8(v, lanes, 15), _mm512_alignr_epi8(v, lanes, 14),
                    _mm512_alignr_epi8(v, lanes, 13));
}

static inline bool group_is_suspect(const char *p, uint32_t before)
{
    __m512i last = _mm512_set1_epi32((int)before);
    __m512i doubts = bit_or(rare_leads(last), first_suspects(load(p), last));
    for (const char *at = p + BLOCK; at < p + GROUP * BLOCK; at += BLOCK)
        doubts = bit_or(doubts, suspects(load(at), load(at - 1), load(at - 2), load(at - 3)));
    return _mm512_movepi8_mask(doubts) != 0;
}

#include "json_blocks.h"

void json_pass_avx512(struct json_walk *w) { scan_blocks(w); }
#endif
