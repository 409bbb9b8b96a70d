/* json_escaped.h - which of 64 bytes are escaped, as arithmetic on bit masks; the paper is named in json_blocks.h. */
#ifndef DSGATE_LLM_JSON_ESCAPED_H
#define DSGATE_LLM_JSON_ESCAPED_H

#include <stdint.h>

/* The bytes that a backslash escapes (Langdale and Lemire, section 3.1.1, with one subtraction, as simdjson has it by
 * now). In a run of backslashes each second one is escaped, and so is the byte behind a run of odd length. Subtracting
 * the run's first bit from the odd places behind it borrows its way through the run, and leaves alternating bits
 * however long it is. */
static inline uint64_t find_escaped(uint64_t backslashes, uint64_t *carry)
{
    const uint64_t odd = 0xAAAAAAAAAAAAAAAA;
    uint64_t may_escape = backslashes & ~*carry;
    uint64_t ends = (((may_escape << 1) | odd) - may_escape) ^ odd;
    uint64_t escaped = ends ^ (backslashes | *carry);
    *carry = (ends & backslashes) >> 63;
    return escaped;
}

#endif
