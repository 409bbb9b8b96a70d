/* json_block_plain.h - 64 bytes of text in words of eight, for machines without vectors that we know.
 *
 * Single bytes and ranges are found by sums that never carry from one byte to the next, so each byte's answer is exact
 * and stands in its highest bit.
 */
#ifndef DSGATE_LLM_JSON_BLOCK_PLAIN_H
#define DSGATE_LLM_JSON_BLOCK_PLAIN_H

#include "json_sets.h"
#include "json_units.h"
#include <endian.h>
#include <stdint.h>
#include <string.h>

#define ONES  ((uint64_t)0x0101010101010101)
#define HIGHS (ONES * 0x80)

struct block {
    uint64_t word[8]; /* the first byte lowest */
    uint64_t sets[8]; /* for each byte the sets that it is in */
};

static inline uint64_t load_word(const char *p)
{
    uint64_t word;
    memcpy(&word, p, sizeof word);
    return le64toh(word);
}

static inline uint64_t load_sets(const char *p)
{
    uint64_t sets = 0;
    for (unsigned i = 8; i-- > 0;)
        sets = sets << 8 | json_sets_of[(unsigned char)p[i]];
    return sets;
}

static inline struct block block_load(const char *p)
{
    struct block b;
    for (unsigned i = 0; i < 8; i++) {
        b.word[i] = load_word(p + 8 * i);
        b.sets[i] = load_sets(p + 8 * i);
    }
    return b;
}

/* The lowest bits of the eight bytes, side by side: the product brings bit 8i to bit 56 + i. */
static inline uint64_t movemask_word(uint64_t bits) { return (bits & ONES) * 0x0102040810204080 >> 56; }

static inline uint64_t at_least(uint64_t word, unsigned char byte)
{
    uint64_t low = word & ~HIGHS;
    return byte <= 0x80 ? (low + ONES * (0x80u - byte)) | word : (low + ONES * (0x100u - byte)) & word;
}

static inline uint64_t differs(uint64_t word, unsigned char byte) { return at_least(word ^ ONES * byte, 1); }

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    uint64_t mask = 0;
    for (unsigned i = 8; i-- > 0;)
        mask = mask << 8 | movemask_word(at_least(b->word[i], byte) >> 7);
    return mask;
}

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    uint64_t mask = 0;
    for (unsigned i = 8; i-- > 0;)
        mask = mask << 8 | movemask_word(differs(b->word[i], byte) >> 7);
    return ~mask;
}

#endif
