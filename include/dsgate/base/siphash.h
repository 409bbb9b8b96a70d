/* siphash.h - SipHash-2-4: 64 bits of bytes under a key (Aumasson and Bernstein, 2012).
 *
 * With a key that nobody outside knows, nobody outside can make two inputs collide or tell an input from its hash: for
 * numbers that stand for what clients send. With a fixed key it is a good hash that every process computes alike. Pure.
 */
#ifndef DSGATE_BASE_SIPHASH_H
#define DSGATE_BASE_SIPHASH_H

#include "dsgate/base/text.h"

struct siphash_key {
    uint64_t k[2];
};

/* From getrandom(2): different in each process. */
void siphash_key_fresh(struct siphash_key *key);

uint64_t siphash(const struct siphash_key *key, struct text t);

#endif
