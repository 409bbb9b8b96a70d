/* Any bytes as a value out of Redis: first as they are, then with length and checksum made to agree, so that the fields
 * are reached. What is read must be in its ranges, and is written as the same bytes; one changed byte is always found.
 */
#include "../../src/cache/envelope_private.h"
#include "dsgate/base/mem.h"
#include <stdlib.h>

static void expect(bool condition)
{
    if (!condition) abort();
}

static void expect_sane(const struct cache_facts *f)
{
    const struct text strings[] = {f->tenant, f->model, f->type};
    usec_t end;
    expect(f->status == 200 || (f->status >= 400 && f->status < 500));
    expect(f->created >= 0 && f->fresh >= 0 && f->stale >= 0);
    expect(!__builtin_add_overflow(f->created, f->fresh, &end) && !__builtin_add_overflow(end, f->stale, &end));
    expect(f->prompt <= UINT32_MAX && f->completion <= UINT32_MAX);
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        for (size_t at = 0; at < strings[i].n; at++)
            expect(!memchr("\0\r\n\x1B\x7F", strings[i].p[at], 5));
}

static struct cache_entry *read_value(struct text value, const struct cache_key *key, struct text tenant)
{
    enum envelope_fault fault = ENVELOPE_FAULT_COUNT;
    struct cache_entry *e = envelope_read(value, key, tenant, &fault);
    expect((e != NULL) == (fault == ENVELOPE_FINE) && fault < ENVELOPE_FAULT_COUNT);
    if (e) expect_sane(&e->facts);
    return e;
}

/* The key and the tenant that it claims to belong to, as far as it has them. */
static struct text read_owner(struct text value, struct cache_key *key)
{
    struct text at_key = text_from(value, ENVELOPE_REST_AT), at_tenant = text_from(value, ENVELOPE_TENANT_AT);
    if (at_key.n >= CACHE_KEY_BYTES) memcpy(key->bytes, at_key.p, CACHE_KEY_BYTES);
    size_t length = at_tenant.n < 2 ? 0 : (unsigned char)at_tenant.p[1];
    at_tenant = text_from(at_tenant, 2);
    return length <= at_tenant.n ? text_make(at_tenant.p, length) : TEXT_NONE;
}

static void expect_same_bytes(const struct cache_entry *e, struct text value)
{
    struct buf again = {0};
    envelope_write(e, &again);
    expect(text_eq(buf_text(&again), value));
    buf_free(&again);
}

static void expect_change_found(char *value, size_t n, const struct cache_key *key, struct text tenant)
{
    size_t at = key->bytes[0] % n;
    value[at] = (char)(value[at] ^ (1 + key->bytes[1] % 255));
    expect(!read_value(text_make(value, n), key, tenant));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *value = mem_dup(data, size);
    struct cache_key key = {{0}};
    struct text tenant = read_owner(text_make(value, size), &key);
    cache_entry_unref(read_value(text_make(value, size), &key, tenant));
    if (size >= ENVELOPE_REST_AT) {
        envelope_seal(value, size);
        struct cache_entry *e = read_value(text_make(value, size), &key, tenant);
        if (e) {
            expect_same_bytes(e, text_make(value, size));
            expect_change_found(value, size, &key, tenant);
        }
        cache_entry_unref(e);
    }
    mem_free(value);
    return 0;
}
