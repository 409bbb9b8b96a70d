/* The block pass on machines without vectors that we know. Single bytes and ranges are found in words of eight bytes,
 * by sums that never carry from one byte to the next, so each byte's answer is exact and stands in its highest bit.
 * Sets of bytes come from the table, whose entries are packed in words too. */
#include "json_scan.h"
#include "json_sets.h"
#include <endian.h>

#define ONES  ((uint64_t)0x0101010101010101)
#define HIGHS (ONES * 0x80)

struct block {
    uint64_t word[8]; /* the first byte lowest */
    uint64_t sets[8]; /* for each byte the sets that it is in */
};

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

static inline uint64_t block_operators(const struct block *b) { return in_set(b, JSON_SET_OPERATOR); }
static inline uint64_t block_spaces(const struct block *b) { return in_set(b, JSON_SET_SPACE); }
static inline uint64_t block_simple_escapes(const struct block *b) { return in_set(b, JSON_SET_SIMPLE_ESCAPE); }

static inline bool is_ascii(const struct block *b, uint64_t all)
{
    for (unsigned i = 0; i < 8; i++)
        all |= b->word[i];
    return !(all & HIGHS);
}

/* Here only bit 7 of each byte counts, and shifting brings the bits below there. */
static inline uint64_t block_suspects(const struct block *b, uint32_t before)
{
    uint64_t mask = 0, last = (uint64_t)before << 32;
    if (is_ascii(b, last)) return 0;
    for (unsigned i = 0; i < 8; i++) {
        uint64_t word = b->word[i], one = word << 8 | last >> 56, two = word << 16 | last >> 48;
        uint64_t three = word << 24 | last >> 40;
        uint64_t due = (one & one << 1) | (two & two << 1 & two << 2) | (three & three << 1 & three << 2 & three << 3);
        uint64_t suspects = (due ^ (word & ~(word << 1))) | (word & b->sets[i]);
        mask |= gather(suspects >> 7) << 8 * i;
        last = word;
    }
    return mask;
}

#include "json_blocks.h"

void json_pass_plain(struct json_walk *w) { scan_blocks(w); }
