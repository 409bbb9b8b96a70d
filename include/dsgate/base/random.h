/* random.h - numbers for identifiers and jitter (xoshiro256**, seeded by the kernel or by a test).
 *
 * Not for keys or secrets. One generator a thread; a generator is plain data.
 */
#ifndef DSGATE_BASE_RANDOM_H
#define DSGATE_BASE_RANDOM_H

#include <stdint.h>

struct random_source {
    uint64_t s[4];
};

/* From getrandom(2). */
void random_seed_fresh(struct random_source *r);

/* The same seed gives the same numbers on every machine. */
void random_seed(struct random_source *r, uint64_t seed);

uint64_t random_next(struct random_source *r);

/* Uniform in [0, bound), bound > 0. */
uint64_t random_below(struct random_source *r, uint64_t bound);

/* Lower-case hexadecimal, exactly n digits and a NUL. */
void random_hex(struct random_source *r, char *out, unsigned n);

#endif
