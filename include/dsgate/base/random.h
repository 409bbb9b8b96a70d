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

/* Any number of 64 bits brought into [0, bound): for those who are told a random number instead of drawing one. */
static inline uint64_t random_scale(uint64_t number, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)number * bound >> 64);
}

#define RANDOM_STEP 0x9E3779B97F4A7C15u /* splitmix64's */

/* Spreads a number over all 64 bits, one to one: neighbours become strangers. It is what splitmix64 gives for the state
 * z. Not for secrets. */
static inline uint64_t random_mix(uint64_t z)
{
    z += RANDOM_STEP;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* Lower-case hexadecimal, exactly n digits and a NUL. */
void random_hex(struct random_source *r, char *out, unsigned n);

#endif
