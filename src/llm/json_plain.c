/* The block pass on machines without vectors that we know. Sets of bytes come from the table, whose entries are packed
 * in words too. */
#include "json_block_plain.h"
#include "json_scan.h"

/* Dividing by the set brings its bit to the lowest place. */
static inline uint64_t in_set(const struct block *b, unsigned set)
{
    uint64_t mask = 0;
    for (unsigned i = 8; i-- > 0;)
        mask = mask << 8 | movemask_word(b->sets[i] / set);
    return mask;
}

static inline uint64_t block_operators(const struct block *b) { return in_set(b, JSON_SET_OPERATOR); }
static inline uint64_t block_spaces(const struct block *b) { return in_set(b, JSON_SET_SPACE); }
static inline uint64_t block_simple_escapes(const struct block *b) { return in_set(b, JSON_SET_SIMPLE_ESCAPE); }

static inline unsigned byte_kinds(const char *p, size_t n)
{
    uint64_t all = 0, fine = HIGHS;
    for (size_t i = 0; i < n * BLOCK; i += sizeof(uint64_t)) {
        uint64_t word = load_word(p + i);
        all |= word;
        fine &= at_least(word, 0x20);
    }
    return (all & HIGHS ? HAS_HIGH : 0) | (fine == HIGHS ? 0 : HAS_CONTROL);
}

static inline uint64_t rare_leads(uint64_t word)
{
    uint64_t common = differs(word & ONES * 0xFE, 0xC0) & differs(word, 0xE0) & differs(word, 0xED);
    return at_least(word, 0xF0) | ~common;
}

/* Only bit 7 of each byte matters; shifts by one, two and three move bits 6, 5 and 4 there. */
static inline uint64_t suspects(uint64_t word, uint64_t last)
{
    uint64_t one = word << 8 | last >> 56, two = word << 16 | last >> 48, three = word << 24 | last >> 40;
    uint64_t due = (one & one << 1) | (two & two << 1 & two << 2) | (three & three << 1 & three << 2 & three << 3);
    return (due ^ (word & ~(word << 1))) | rare_leads(word);
}

static inline bool group_is_suspect(const char *p, uint32_t before)
{
    uint64_t last = (uint64_t)before << 32, doubts = rare_leads(before);
    for (size_t i = 0; i < GROUP * BLOCK; i += sizeof(uint64_t)) {
        uint64_t word = load_word(p + i);
        doubts |= suspects(word, last);
        last = word;
    }
    return (doubts & HIGHS) != 0;
}

#include "json_blocks.h"

void json_pass_plain(struct json_walk *w) { scan_blocks(w); }
