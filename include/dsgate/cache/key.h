/* key.h - what two requests have in common when one's answer is the other's: 32 bytes.
 *
 * SHA-256 over a version, the tenant, the namespace, the endpoint, the request fields that change answers, and the
 * body's canonical text (llm/canonical.h); each with its length before it, so that no two lists of parts are one. Pure;
 * any thread.
 */
#ifndef DSGATE_CACHE_KEY_H
#define DSGATE_CACHE_KEY_H

#include "dsgate/base/digest.h"
#include <stdint.h>

enum { CACHE_KEY_BYTES = DIGEST_BYTES, CACHE_KEY_HEX = DIGEST_HEX };

struct cache_key {
    unsigned char bytes[CACHE_KEY_BYTES];
};

/* Whose answers they are: nobody else gets them. */
#define CACHE_TENANT_MAX 72 /* bytes of its name, with its NUL */

struct cache_key_parts {
    struct text tenant;    /* cache_tenant_*(); "shared" where everybody shares */
    struct text space;     /* the client's own namespace; empty = none */
    struct text endpoint;  /* the table's label */
    struct text fields;    /* of the head, those that change answers: "name: value\r\n"… in order of arrival */
    struct text canonical; /* body */
};

void cache_key_make(struct cache_key *key, const struct cache_key_parts *parts);

/* Lower-case hexadecimal and a NUL; and back, in either case. False: that is none. */
void cache_key_format(const struct cache_key *key, char out[static CACHE_KEY_HEX + 1]);
bool cache_key_parse(struct cache_key *key, struct text hex);

static inline bool cache_key_same(const struct cache_key *a, const struct cache_key *b)
{
    return !memcmp(a->bytes, b->bytes, CACHE_KEY_BYTES);
}

/* Keys are evenly spread: any 64 bits of one do for a hash table. */
static inline uint64_t cache_key_hash(const struct cache_key *key)
{
    uint64_t hash;
    memcpy(&hash, key->bytes, sizeof hash);
    return hash;
}

/* Names of tenants, NUL-terminated: of a caller in the config, of at most 64 bytes ("caller-NAME"); of whoever has sent
 * these credentials, of which 64 bits of a digest are told ("key-1f2e…"); of all who have sent none ("anonymous"). No
 * name of one kind is one of another, and they are the same in every process. */
void cache_tenant_of_caller(char out[static CACHE_TENANT_MAX], const char *name);
void cache_tenant_of_credentials(char out[static CACHE_TENANT_MAX], struct text credentials);
extern const char cache_tenant_shared[]; /* "shared" */

#endif
