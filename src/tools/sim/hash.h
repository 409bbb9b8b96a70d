/* hash.h - 64-bit hashes from which everything that looks random in an answer is made.
 *
 * The same seed and the same request give the same bytes on every machine: so no generator with a state, only functions
 * of (seed, position). Not for secrets.
 */
#ifndef DSGATE_SIM_HASH_H
#define DSGATE_SIM_HASH_H

#include "dsgate/base/text.h"

/* splitmix64's finaliser: neighbouring inputs give unrelated outputs. */
static inline uint64_t hash_mix(uint64_t z)
{
    z += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

#define HASH_START 0xCBF29CE484222325u /* FNV-1a's offset basis */

/* 64-bit FNV-1a over t, going on from `hash`. */
static inline uint64_t hash_text(uint64_t hash, struct text t)
{
    for (size_t i = 0; i < t.n; i++)
        hash = (hash ^ (unsigned char)t.p[i]) * 0x100000001B3u;
    return hash;
}

/* A number in [0, bound) for position i of a seed. */
static inline uint64_t hash_pick(uint64_t seed, uint64_t i, uint64_t bound)
{
    return (uint64_t)((unsigned __int128)hash_mix(seed ^ hash_mix(i)) * bound >> 64);
}

#endif
