#include "sketch.h"
#include "dsgate/base/mem.h"
#include <string.h>

enum { ROWS = 4, BLOCK_WORDS = 8, BLOCK_BYTES = 64, SWEEP = 8 /* blocks */ };

void sketch_init(struct sketch *s, size_t bytes)
{
    *s = (struct sketch){.blocks = bytes < BLOCK_BYTES ? 1 : bytes / BLOCK_BYTES};
    s->words = mem_pages(sketch_bytes(s));
    s->swept = s->blocks;
}

void sketch_free(struct sketch *s) { mem_free_pages(s->words, sketch_bytes(s)); }

size_t sketch_bytes(const struct sketch *s) { return s->blocks * BLOCK_BYTES; }

/* A row has two words of a block; a counter's place there comes from eight bits of the hash for each row. */
struct counter {
    size_t word;
    unsigned shift;
};

static struct counter counter_of(const struct sketch *s, uint64_t hash, unsigned row)
{
    unsigned bits = hash >> (32 + 8 * row) & 0xFF;
    size_t block = (hash & 0xFFFFFFFF) * s->blocks >> 32;
    return (struct counter){block * BLOCK_WORDS + row * 2 + (bits & 1), (bits >> 1 & 15) * 4};
}

static unsigned read_counter(const struct sketch *s, struct counter c) { return s->words[c.word] >> c.shift & 15; }

unsigned sketch_count(const struct sketch *s, uint64_t hash)
{
    unsigned least = SKETCH_MOST;
    for (unsigned row = 0; row < ROWS; row++) {
        unsigned count = read_counter(s, counter_of(s, hash, row));
        if (count < least) least = count;
    }
    return least;
}

/* What was never written to is not written to now: it takes no memory. */
static void sweep(struct sketch *s)
{
    static const uint64_t halves = UINT64_C(0x7777777777777777);
    size_t end = s->blocks - s->swept < SWEEP ? s->blocks : s->swept + SWEEP;
    for (size_t i = s->swept * BLOCK_WORDS; i < end * BLOCK_WORDS; i++)
        if (s->words[i]) s->words[i] = s->words[i] >> 1 & halves;
    s->swept = end;
}

static void note_addition(struct sketch *s, uint64_t sample)
{
    if (s->swept < s->blocks) sweep(s);
    if (++s->additions < sample || s->swept < s->blocks) return;
    s->additions = 0;
    s->swept = 0;
}

void sketch_add(struct sketch *s, uint64_t hash, uint64_t sample)
{
    unsigned least = sketch_count(s, hash);
    if (least < SKETCH_MOST)
        for (unsigned row = 0; row < ROWS; row++) {
            struct counter c = counter_of(s, hash, row);
            if (read_counter(s, c) == least) s->words[c.word] += UINT64_C(1) << c.shift;
        }
    note_addition(s, sample);
}
