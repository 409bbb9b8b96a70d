#include "dsgate/base/digest.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

/* It fails only for want of memory, and then there is nothing sensible left to do (see mem.h). */
void digest_sha256(struct text t, unsigned char out[static DIGEST_BYTES])
{
    if (EVP_Digest(t.n ? t.p : "", t.n, out, NULL, EVP_sha256(), NULL) == 1) return;
    fputs("dsgate: SHA-256 is not to be had\n", stderr);
    abort();
}

void digest_sha256_hex(struct text t, char out[static DIGEST_HEX + 1])
{
    unsigned char bytes[DIGEST_BYTES];
    digest_sha256(t, bytes);
    for (unsigned i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    out[DIGEST_HEX] = '\0';
}

bool digest_equal(const void *a, const void *b, size_t n) { return CRYPTO_memcmp(a, b, n) == 0; }
