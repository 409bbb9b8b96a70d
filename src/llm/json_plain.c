/* The block pass on machines without vectors that we know. Single bytes and ranges are found in words of eight bytes,
 * by sums that never carry from one byte to the next, so each byte's answer is exact and stands in its highest bit.
 * Sets of bytes come from a table, whose entries are packed in words too. */
#include "json_scan.h"
#include <endian.h>

#define ONES  ((uint64_t)0x0101010101010101)
#define HIGHS (ONES * 0x80)

enum { OPERATOR = 1, SPACE = 2, ESCAPABLE = 4, RARE_LEAD = 8 };

/* clang-format off */
static const unsigned char sets_of[256] = {
    ['{'] = OPERATOR, ['}'] = OPERATOR, ['['] = OPERATOR, [']'] = OPERATOR, [':'] = OPERATOR, [','] = OPERATOR,
    [' '] = SPACE, ['\t'] = SPACE, ['\n'] = SPACE, ['\r'] = SPACE,
    ['"'] = ESCAPABLE, ['\\'] = ESCAPABLE, ['/'] = ESCAPABLE, ['b'] = ESCAPABLE, ['f'] = ESCAPABLE,
    ['n'] = ESCAPABLE, ['r'] = ESCAPABLE, ['t'] = ESCAPABLE, ['u'] = ESCAPABLE,
    [0xC0] = RARE_LEAD, [0xC1] = RARE_LEAD, [0xE0] = RARE_LEAD, [0xED] = RARE_LEAD,
    [0xF0] = RARE_LEAD, [0xF1] = RARE_LEAD, [0xF2] = RARE_LEAD, [0xF3] = RARE_LEAD,
    [0xF4] = RARE_LEAD, [0xF5] = RARE_LEAD, [0xF6] = RARE_LEAD, [0xF7] = RARE_LEAD,
    [0xF8] = RARE_LEAD, [0xF9] = RARE_LEAD, [0xFA] = RARE_LEAD, [0xFB] = RARE_LEAD,
    [0xFC] = RARE_LEAD, [0xFD] = RARE_LEAD, [0xFE] = RARE_LEAD, [0xFF] = RARE_LEAD,
};
/* clang-format on */

struct block {
    uint64_t word[8]; /* the first byte lowest */
    uint64_t sets[8]; /* for each byte the sets that it is in */
};

static inline uint64_t load_sets(const char *p)
{
    uint64_t sets = 0;
    for (unsigned i = 8; i-- > 0;)
        sets = sets << 8 | sets_of[(unsigned char)p[i]];
    return sets;
}

static inline struct block block_load(const char *p)
{
    struct block b;
    memcpy(b.word, p, sizeof b.word);
    for (unsigned i = 0; i < 8; i++) {
        b.word[i] = le64toh(b.word[i]);
        b.sets[i] = load_sets(p + 8 * i);
    }
    return b;
}

/* The lowest bits of the eight bytes, side by side: the product brings bit 8i to bit 56 + i. */
static inline uint64_t gather(uint64_t bits) { return (bits & ONES) * 0x0102040810204080 >> 56; }

static inline uint64_t at_least(uint64_t word, unsigned char byte)
{
    uint64_t low = word & ~HIGHS;
    return byte <= 0x80 ? (low + ONES * (0x80u - byte)) | word : (low + ONES * (0x100u - byte)) & word;
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    uint64_t mask = 0;
    for (unsigned i = 8; i-- > 0;)
        mask = mask << 8 | gather(at_least(b->word[i], byte) >> 7);
    return mask;
}

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    uint64_t mask = 0;
    for (unsigned i = 8; i-- > 0;)
        mask = mask << 8 | gather(at_least(b->word[i] ^ ONES * byte, 1) >> 7);
    return ~mask;
}

/* Dividing by the set brings its bit to the lowest place. */
static inline uint64_t in_set(const struct block *b, unsigned set)
{
    uint64_t mask = 0;
    for (unsigned i = 8; i-- > 0;)
        mask = mask << 8 | gather(b->sets[i] / set);
    return mask;
}

static inline uint64_t block_operators(const struct block *b) { return in_set(b, OPERATOR); }
static inline uint64_t block_spaces(const struct block *b) { return in_set(b, SPACE); }
static inline uint64_t block_escapable(const struct block *b) { return in_set(b, ESCAPABLE); }
static inline uint64_t block_rare_leads(const struct block *b) { return in_set(b, RARE_LEAD); }

#include "json_blocks.h"

void json_pass_plain(struct json_walk *w) { scan_blocks(w); }
