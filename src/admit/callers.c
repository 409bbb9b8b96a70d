#include "dsgate/admit/callers.h"
#include "dsgate/base/digest.h"
#include "dsgate/base/siphash.h"
#include <pthread.h>

/* ---- numbers ---- */

/* What a number was made of: a name and a key that read alike are different callers. */
enum kind { KIND_NAME, KIND_KEY, KIND_ADDRESS };

static struct siphash_key process_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) { siphash_key_fresh(&process_key); }

static uint64_t number_of(enum kind kind, struct text what)
{
    pthread_once(&once, make_key);
    const struct siphash_key key = {{process_key.k[0] ^ kind, process_key.k[1]}};
    uint64_t number = siphash(&key, what);
    return number ? number : 1;
}

/* Without the port, which is another one with each connection. Unix sockets have none. */
static struct text without_port(struct text peer)
{
    if (text_starts(peer, TEXT("unix:"))) return peer;
    for (size_t i = peer.n; i > 0; i--)
        if (peer.p[i - 1] == ':') return text_make(peer.p, i - 1);
    return peer;
}

/* ---- API keys ---- */

/* RFC 6750 section 2.1; the scheme's letters are of either case (RFC 9110 section 11.1). */
static struct text key_of(const struct http_head *head, enum http_name field)
{
    struct text value = http_value(head, field);
    if (field == HTTP_AUTHORIZATION && text_starts_nocase(value, TEXT("bearer "))) value = text_from(value, 7);
    return text_trim(value);
}

static const struct conf_caller *find_known(const struct config *c, struct text key)
{
    const struct conf_caller *found = NULL;
    char hex[DIGEST_HEX + 1];
    digest_sha256_hex(key, hex);
    for (size_t i = 0; i < c->caller_count; i++)
        if (digest_equal(hex, c->callers[i].key_sha256, DIGEST_HEX)) found = &c->callers[i];
    return found;
}

struct caller_identity caller_identify(const struct config *config, const struct http_head *head, struct text peer)
{
    static const enum http_name fields[] = {HTTP_AUTHORIZATION, HTTP_X_API_KEY, HTTP_API_KEY};
    struct text first = TEXT_NONE;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct text key = key_of(head, fields[i]);
        if (key.n == 0) continue;
        const struct conf_caller *known = config->caller_count ? find_known(config, key) : NULL;
        if (known) return (struct caller_identity){known, number_of(KIND_NAME, text_of(known->name)), known->weight};
        if (first.n == 0 && key.n >= TEXT_SECRET_MIN) first = key;
    }
    uint64_t id = first.n ? number_of(KIND_KEY, first) : number_of(KIND_ADDRESS, without_port(peer));
    return (struct caller_identity){NULL, id, CALLER_WEIGHT, first.n > 0};
}
