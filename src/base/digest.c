/* OpenSSL's newer functions allocate two blocks for each digest, and look the algorithm up by its name, which takes
 * longer than to digest 256 bytes. The older ones do just the digest, and are as fast at that. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "dsgate/base/digest.h"
#include <openssl/crypto.h>
#include <openssl/sha.h>

void digest_sha256_parts(const struct text *parts, size_t n, unsigned char out[static DIGEST_BYTES])
{
    SHA256_CTX context;
    SHA256_Init(&context);
    for (size_t i = 0; i < n; i++)
        if (parts[i].n) SHA256_Update(&context, parts[i].p, parts[i].n);
    SHA256_Final(out, &context);
}

void digest_sha256(struct text t, unsigned char out[static DIGEST_BYTES]) { digest_sha256_parts(&t, 1, out); }

void digest_hex(const unsigned char digest[static DIGEST_BYTES], char out[static DIGEST_HEX + 1])
{
    for (unsigned i = 0; i < DIGEST_BYTES; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    out[DIGEST_HEX] = '\0';
}

void digest_sha256_hex(struct text t, char out[static DIGEST_HEX + 1])
{
    unsigned char digest[DIGEST_BYTES];
    digest_sha256(t, digest);
    digest_hex(digest, out);
}

bool digest_equal(const void *a, const void *b, size_t n) { return CRYPTO_memcmp(a, b, n) == 0; }
