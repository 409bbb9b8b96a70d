#include "dsgate/base/siphash.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

/* Up to 256 bytes come whole once the kernel's pool is ready, which getrandom(2) waits for; only a kernel without the
 * call refuses. A key that can be guessed would be worse than no start. */
void siphash_key_fresh(struct siphash_key *key)
{
    if (getrandom(key->k, sizeof key->k, 0) == sizeof key->k) return;
    perror("dsgate: getrandom");
    abort();
}

static uint64_t rotate(uint64_t x, int k) { return x << k | x >> (64 - k); }

static void mix(uint64_t v[4], unsigned rounds)
{
    while (rounds--) {
        v[0] += v[1], v[2] += v[3];
        v[1] = rotate(v[1], 13) ^ v[0], v[3] = rotate(v[3], 16) ^ v[2];
        v[0] = rotate(v[0], 32);
        v[2] += v[1], v[0] += v[3];
        v[1] = rotate(v[1], 17) ^ v[2], v[3] = rotate(v[3], 21) ^ v[0];
        v[2] = rotate(v[2], 32);
    }
}

static void take(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    mix(v, 2);
    v[0] ^= word;
}

/* At most eight bytes, little-endian whatever the machine. */
static uint64_t read_word(const char *p, size_t n)
{
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++)
        word |= (uint64_t)(unsigned char)p[i] << 8 * i;
    return word;
}

uint64_t siphash(const struct siphash_key *key, struct text t)
{
    uint64_t v[4] = {key->k[0] ^ UINT64_C(0x736F6D6570736575), key->k[1] ^ UINT64_C(0x646F72616E646F6D),
                     key->k[0] ^ UINT64_C(0x6C7967656E657261), key->k[1] ^ UINT64_C(0x7465646279746573)};
    size_t whole = t.n & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8)
        take(v, read_word(t.p + i, 8));
    take(v, (uint64_t)t.n << 56 | read_word(t.p + whole, t.n - whole));
    v[2] ^= 0xFF;
    mix(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
