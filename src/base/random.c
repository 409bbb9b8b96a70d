#include "dsgate/base/random.h"
#include <sys/random.h>

/* splitmix64 spreads a seed over the state, as xoshiro's authors advise. */
static uint64_t splitmix(uint64_t *x)
{
    uint64_t z = *x += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

void random_seed(struct random_source *r, uint64_t seed)
{
    for (unsigned i = 0; i < 4; i++)
        r->s[i] = splitmix(&seed);
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
uint64_t random_below(struct random_source *r, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)random_next(r) * bound >> 64);
}

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
