/* digest.h - SHA-256, and comparing what must not be guessed byte by byte. Pure; any thread. */
#ifndef DSGATE_BASE_DIGEST_H
#define DSGATE_BASE_DIGEST_H

#include "dsgate/base/text.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX = 2 * DIGEST_BYTES };

void digest_sha256(struct text t, unsigned char out[static DIGEST_BYTES]);
/* Of all parts as one text. */
void digest_sha256_parts(const struct text *parts, size_t n, unsigned char out[static DIGEST_BYTES]);

/* Lower-case hexadecimal and a NUL: of a digest, and of a text's. */
void digest_hex(const unsigned char digest[static DIGEST_BYTES], char out[static DIGEST_HEX + 1]);
void digest_sha256_hex(struct text t, char out[static DIGEST_HEX + 1]);

/* In a time that depends on n alone. */
bool digest_equal(const void *a, const void *b, size_t n);

#endif
