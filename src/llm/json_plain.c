/* The block pass on machines without vectors that we know: eight bytes at a time in a 64-bit word. Sums never carry
 * from one byte to the next, so each byte's answer is exact and stands in its highest bit. */
#include "json_scan.h"
#include <endian.h>

#define ONES  ((uint64_t)0x0101010101010101)
#define HIGHS (ONES * 0x80)

struct block {
    uint64_t word[8]; /* the first byte lowest */
};

static inline struct block block_load(const char *p)
{
    struct block b;
    memcpy(b.word, p, sizeof b.word);
    for (size_t i = 0; i < 8; i++)
        b.word[i] = le64toh(b.word[i]);
    return b;
}

/* The highest bits of the eight bytes, side by side: the product brings bit 8i to bit 56 + i. */
static inline uint64_t gather(uint64_t highs) { return (highs >> 7 & ONES) * 0x0102040810204080 >> 56; }

static inline uint64_t at_least(uint64_t word, unsigned char byte)
{
    uint64_t low = word & ~HIGHS;
    return byte <= 0x80 ? (low + ONES * (0x80u - byte)) | word : (low + ONES * (0x100u - byte)) & word;
}

static inline uint64_t block_at_least(const struct block *b, unsigned char byte)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++)
        mask |= gather(at_least(b->word[i], byte)) << 8 * i;
    return mask;
}

static inline uint64_t block_equal(const struct block *b, unsigned char byte)
{
    uint64_t mask = 0;
    for (unsigned i = 0; i < 8; i++)
        mask |= gather(~at_least(b->word[i] ^ ONES * byte, 1)) << 8 * i;
    return mask;
}

static inline uint64_t block_operators(const struct block *b)
{
    return block_equal(b, '{') | block_equal(b, '}') | block_equal(b, '[') | block_equal(b, ']') | block_equal(b, ':') |
           block_equal(b, ',');
}

static inline uint64_t block_spaces(const struct block *b)
{
    return block_equal(b, ' ') | block_equal(b, '\t') | block_equal(b, '\n') | block_equal(b, '\r');
}

static inline uint64_t block_escapable(const struct block *b)
{
    return block_equal(b, '"') | block_equal(b, '\\') | block_equal(b, '/') | block_equal(b, 'b') |
           block_equal(b, 'f') | block_equal(b, 'n') | block_equal(b, 'r') | block_equal(b, 't') | block_equal(b, 'u');
}

#include "json_blocks.h"

void json_pass_plain(struct json_walk *w) { scan_blocks(w); }
