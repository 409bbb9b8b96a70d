/* canonical.h - one text for all JSON texts that mean the same: what a cache key is made of.
 *
 * Members are sorted by name at every depth, white space is gone, and strings and numbers have one spelling each:
 *
 *   strings   every escape that need not be one is its character in UTF-8 ("\u0041" is A, "\/" is /); the others are
 *             written as \" \\ \b \f \n \r \t, else \u00xx in lower case. A lone surrogate stays what it is: \ud800.
 *   numbers   by their decimal value, whatever its length, never by way of a double: their significant digits, and if
 *             need be a power of ten. 7 is 7, and 12.50 is 125e-1; 100, 1e2 and 100.0 are 1e2; 0, -0 and 0e9 are 0.
 *             0.1 and 0.10000000000000001 are two.
 *
 * Names are compared by the bytes of that spelling. Members that appear twice keep their order, since programs differ
 * in which of them counts. Canonical text is valid JSON, its own canonical text, and at most twice as long as the text
 * was (0.1 becomes 1e-1). Pure; any thread.
 */
#ifndef DSGATE_LLM_CANONICAL_H
#define DSGATE_LLM_CANONICAL_H

#include "dsgate/base/buf.h"

/* Sorting must not hold up a loop. */
#define CANONICAL_MEMBERS 1024    /* of one object at most */
#define CANONICAL_ALL     0x10000 /* … and of all in a text */

/* Appends the canonical text of `json`, an object that json_scan() has found valid, but for its top-level members
 * `without` (n names, plain ASCII; escaped keys count as what they stand for). The time is linear but for the sorting,
 * whatever the depth; for bodies as clients send them, a third of what SHA-256 takes.
 *
 * False: it, or an object in it, has too many members, or the text is no object, was not valid after all, or has 2 GB
 * or more; what was appended is to be dropped. Text that was never validated may also become some other text, but
 * nothing is read outside of it. */
bool canonical_write(struct text json, const struct text *without, size_t n, struct buf *out);

#endif
