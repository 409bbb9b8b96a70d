/* json_utf8.h - the part of the block pass that checks UTF-8 (see json_blocks.h).
 *
 * Whether there is any doubt can be told of several blocks together, without masks; only where there is one, each byte
 * is judged. The file that includes this one has defined, beside
 *   struct block, block_load(), block_equal(), block_at_least()   as for json_blocks.h,
 *   group_is_suspect(p, before)   whether UTF-8 may go wrong in the GROUP blocks at p.
 *
 * A suspect is a continuation byte that is not due, another byte where one is due, or a rare lead, that is, 0xC0, 0xC1,
 * 0xE0, 0xED or anything from 0xF0 on: most languages have none. `before` holds the four bytes before, the last one
 * highest.
 */
#ifndef DSGATE_LLM_JSON_UTF8_H
#define DSGATE_LLM_JSON_UTF8_H

#include "json_units.h"
#include <endian.h>
#include <stdint.h>
#include <string.h>

/* The four bytes before `end`. */
static inline uint32_t last_bytes(const char *end)
{
    uint32_t bytes;
    memcpy(&bytes, end - sizeof bytes, sizeof bytes);
    return le32toh(bytes);
}

/* Leads that bound the second byte further: no overlong forms, no surrogates, nothing above U+10FFFF. */
static inline uint64_t check_second_bytes(const struct block *b, unsigned before)
{
    uint64_t from_90 = block_at_least(b, 0x90), from_a0 = block_at_least(b, 0xA0);
    uint64_t e0 = block_equal(b, 0xE0) << 1 | (before == 0xE0), ed = block_equal(b, 0xED) << 1 | (before == 0xED);
    uint64_t f0 = block_equal(b, 0xF0) << 1 | (before == 0xF0), f4 = block_equal(b, 0xF4) << 1 | (before == 0xF4);
    return (e0 & ~from_a0) | (ed & from_a0) | (f0 & ~from_90) | (f4 & from_90);
}

/* The continuation bytes that leads before the block still wait for. */
static inline uint64_t due_after(uint32_t before)
{
    unsigned last = before >> 24, second = before >> 16 & 0xFF, third = before >> 8 & 0xFF;
    unsigned after_last = last >= 0xF0 ? 7 : last >= 0xE0 ? 3 : last >= 0xC0;
    unsigned after_second = second >= 0xF0 ? 3 : second >= 0xE0;
    return after_last | after_second | (third >= 0xF0);
}

/* Bytes at which UTF-8 goes wrong: a continuation byte must stand where one is due and nowhere else. */
static inline uint64_t find_bad_utf8(const struct block *b, uint32_t before)
{
    uint64_t two = block_at_least(b, 0xC0), three = block_at_least(b, 0xE0), four = block_at_least(b, 0xF0);
    uint64_t due = two << 1 | three << 2 | four << 3 | due_after(before);
    uint64_t never = (two & ~block_at_least(b, 0xC2)) | block_at_least(b, 0xF5);
    return never | check_second_bytes(b, before >> 24) | (due ^ (block_at_least(b, 0x80) & ~two));
}

/* How many of the group's blocks are right, and the bad bytes of the one behind them. */
static size_t judge_group(const char *p, uint32_t before, uint64_t *bad)
{
    for (size_t i = 0; i < GROUP; i++, p += BLOCK) {
        const struct block b = block_load(p);
        *bad = find_bad_utf8(&b, before);
        if (*bad) return i;
        before = last_bytes(p + BLOCK);
    }
    return GROUP;
}

/* The same for n blocks, a whole number of groups. */
static size_t scan_utf8(const char *p, size_t n, uint32_t before, uint64_t *bad)
{
    *bad = 0;
    for (size_t i = 0; i < n; i += GROUP, p += GROUP * BLOCK) {
        if (group_is_suspect(p, before)) {
            size_t right = judge_group(p, before, bad);
            if (right < GROUP) return i + right;
        }
        before = last_bytes(p + GROUP * BLOCK);
    }
    return n;
}

#endif
