#include "dsgate/base/random.h"
#include <sys/random.h>

/* splitmix64 spreads a seed over the state, as xoshiro's authors advise. */
void random_seed(struct random_source *r, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++, seed += RANDOM_STEP)
        r->s[i] = random_mix(seed);
}

void random_seed_fresh(struct random_source *r)
{
    uint64_t seed = (uintptr_t)r;
    ssize_t got = getrandom(&seed, sizeof seed, 0);
    (void)got; /* short only when interrupted before the pool is ready; the address is then good enough for ids */
    random_seed(r, seed);
}

static uint64_t rotate(uint64_t x, int k) { return x << k | x >> (64 - k); }

uint64_t random_next(struct random_source *r)
{
    uint64_t *s = r->s, result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

/* Multiply-shift: the bias is below bound / 2^64. */
uint64_t random_below(struct random_source *r, uint64_t bound) { return random_scale(random_next(r), bound); }

void random_hex(struct random_source *r, char *out, unsigned n)
{
    uint64_t bits = 0;
    for (unsigned i = 0; i < n; i++) {
        if (i % 16 == 0) bits = random_next(r);
        out[i] = "0123456789abcdef"[bits & 15];
        bits >>= 4;
    }
    out[n] = '\0';
}
