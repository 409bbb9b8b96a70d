/* sketch.h - how often keys were asked for lately, of many more keys than are kept, in a fixed space.
 *
 * A count-min sketch (Cormode and Muthukrishnan, 2005) of four rows of 4-bit counters: a count is never too small, and
 * seldom too large. Only the smallest of a key's counters go up ("conservative update", Estan and Varghese, 2002),
 * which makes it more exact. The four of a key are in the same 64 bytes, so that one cache miss brings them all. After
 * each sample of additions all counters are halved, a piece with each addition that follows: nobody waits for a sweep.
 */
#ifndef DSGATE_CACHE_SKETCH_H
#define DSGATE_CACHE_SKETCH_H

#include <stddef.h>
#include <stdint.h>

enum { SKETCH_MOST = 15 };

struct sketch {
    uint64_t *words; /* where a block is one line of the processor's cache */
    size_t blocks; /* of 64 bytes */
    size_t swept;  /* blocks that were halved since the last sample was full */
    uint64_t additions;
};

/* As large as fits into so many bytes, but at least one block. */
void sketch_init(struct sketch *s, size_t bytes);
void sketch_free(struct sketch *s);
size_t sketch_bytes(const struct sketch *s);

/* hash: any 64 evenly spread bits of a key. sample: additions after which the counters are halved; it may change. */
void sketch_add(struct sketch *s, uint64_t hash, uint64_t sample);
unsigned sketch_count(const struct sketch *s, uint64_t hash); /* 0…SKETCH_MOST */

#endif
