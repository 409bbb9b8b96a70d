/* envelope_private.h - how an envelope begins; for who makes damaged ones on purpose, too. */
#ifndef CACHE_ENVELOPE_PRIVATE_H
#define CACHE_ENVELOPE_PRIVATE_H

#include "dsgate/cache/envelope.h"

/* Where the parts are; numbers are big-endian. */
enum {
    ENVELOPE_VERSION_AT = 4,
    ENVELOPE_FLAGS_AT = 5,
    ENVELOPE_STATUS_AT = 6,
    ENVELOPE_LENGTH_AT = 8,
    ENVELOPE_CHECKSUM_AT = 12,
    ENVELOPE_REST_AT = 20,
    ENVELOPE_TIMES_AT = ENVELOPE_REST_AT + CACHE_KEY_BYTES, /* created, fresh, stale */
    ENVELOPE_TENANT_AT = ENVELOPE_TIMES_AT + 5 * 8
};

enum { ENVELOPE_STREAM = 1, ENVELOPE_USAGE = 2, ENVELOPE_FLAGS = ENVELOPE_STREAM | ENVELOPE_USAGE };

/* Writes length and checksum of all the rest; n >= ENVELOPE_REST_AT. */
void envelope_seal(char *value, size_t n);

#endif
