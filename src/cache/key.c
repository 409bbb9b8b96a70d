#include "dsgate/cache/key.h"
#include <endian.h>
#include <stdio.h>

/* Changes with the parts and with the canonical form: older entries are not found any more, and age away. */
static const struct text version = TEXT("dsgate-cache-1");

const char cache_tenant_shared[] = "shared";

void cache_key_make(struct cache_key *key, const struct cache_key_parts *parts)
{
    const struct text texts[] = {version,         parts->tenant, parts->space,
                                 parts->endpoint, parts->fields, parts->canonical};
    enum { TEXTS = sizeof texts / sizeof *texts };
    uint64_t lengths[TEXTS];
    struct text all[2 * TEXTS];
    for (size_t i = 0; i < TEXTS; i++) {
        lengths[i] = htobe64(texts[i].n);
        all[2 * i] = text_make((const char *)&lengths[i], sizeof lengths[i]);
        all[2 * i + 1] = texts[i];
    }
    digest_sha256_parts(all, 2 * TEXTS, key->bytes);
}

void cache_key_format(const struct cache_key *key, char out[static CACHE_KEY_HEX + 1]) { digest_hex(key->bytes, out); }

bool cache_key_parse(struct cache_key *key, struct text hex)
{
    enum { WORDS = CACHE_KEY_BYTES / 8, DIGITS = 16 };
    uint64_t words[WORDS];
    if (hex.n != CACHE_KEY_HEX) return false;
    for (size_t i = 0; i < WORDS; i++) {
        if (!text_hex_to_u64(text_make(hex.p + i * DIGITS, DIGITS), &words[i])) return false;
        words[i] = htobe64(words[i]);
    }
    memcpy(key->bytes, words, sizeof words);
    return true;
}

void cache_tenant_of_caller(char out[static CACHE_TENANT_MAX], const char *name)
{
    snprintf(out, CACHE_TENANT_MAX, "caller-%s", name);
}

void cache_tenant_of_credentials(char out[static CACHE_TENANT_MAX], struct text credentials)
{
    enum { PREFIX = 4, DIGITS = 16 };
    char hex[DIGEST_HEX + 1];
    if (credentials.n == 0) {
        text_copy(TEXT("anonymous"), out, CACHE_TENANT_MAX);
        return;
    }
    digest_sha256_hex(credentials, hex);
    memcpy(out, "key-", PREFIX);
    memcpy(out + PREFIX, hex, DIGITS);
    out[PREFIX + DIGITS] = '\0';
}
