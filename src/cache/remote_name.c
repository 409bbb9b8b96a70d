#include "remote_name.h"
#include "dsgate/base/siphash.h"
#include <inttypes.h>

/* Names of tenants and models may be long, and contain what means something to Redis: 64 bits of a hash find them as
 * well. Two that share one are purged together; the key in the name and the envelope tell them apart. */
static void add_part(struct buf *out, struct text part)
{
    static const struct siphash_key key = {{UINT64_C(0x6473676174652063), UINT64_C(0x61636865206E616D)}};
    if (part.p)
        buf_printf(out, "%016" PRIx64 ":", siphash(&key, part));
    else
        BUF_ADD(out, "*:");
}

static void add_rest(struct buf *out, struct text tenant, struct text model, const struct cache_key *key)
{
    char hex[CACHE_KEY_HEX + 1] = "*";
    BUF_ADD(out, ":1:");
    add_part(out, tenant);
    add_part(out, model);
    if (key) cache_key_format(key, hex);
    buf_add(out, text_of(hex));
}

void remote_name(struct buf *out, const char *prefix, struct text tenant, struct text model,
                 const struct cache_key *key)
{
    buf_add(out, text_of(prefix));
    add_rest(out, tenant, model, key);
}

void remote_name_pattern(struct buf *out, const char *prefix, struct text tenant, struct text model,
                         const struct cache_key *key)
{
    for (const char *p = prefix; *p; p++) {
        if (strchr("*?[]\\", *p)) buf_add_byte(out, '\\');
        buf_add_byte(out, *p);
    }
    add_rest(out, tenant, model, key);
}
