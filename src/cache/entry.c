#include "dsgate/cache/entry.h"
#include "dsgate/base/mem.h"

/* The copy; *to is moved past it. */
static struct text put(char **to, struct text t)
{
    struct text copy = text_make(*to, t.n);
    if (t.n) memcpy(*to, t.p, t.n);
    *to += t.n;
    return copy;
}

struct cache_entry *cache_entry_new(const struct cache_facts *facts, const struct iovec *pieces, int n)
{
    size_t strings = facts->tenant.n + facts->model.n + facts->type.n, length = iov_total(pieces, n);
    size_t size = sizeof(struct cache_entry) + strings + length;
    struct cache_entry *e = mem_alloc(size);
    char *to = (char *)(e + 1);
    atomic_init(&e->refs, 1);
    e->place = (struct cache_place){0};
    e->size = size;
    e->facts = *facts;
    e->facts.tenant = put(&to, facts->tenant);
    e->facts.model = put(&to, facts->model);
    e->facts.type = put(&to, facts->type);
    e->body = text_make(to, length);
    for (int i = 0; i < n; i++)
        put(&to, text_make(pieces[i].iov_base, pieces[i].iov_len));
    return e;
}

struct cache_entry *cache_entry_ref(struct cache_entry *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

/* Whoever frees it comes after all that others have read. */
void cache_entry_unref(struct cache_entry *e)
{
    if (e && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1) mem_free(e);
}

usec_t cache_entry_age(const struct cache_entry *e, usec_t now) { return usec_later(now - e->facts.created, 0); }

enum cache_freshness cache_entry_freshness(const struct cache_entry *e, usec_t now)
{
    usec_t age = cache_entry_age(e, now), fresh = e->facts.fresh;
    if (e->facts.created - now > CACHE_CLOCK_SKEW) return CACHE_DEAD;
    if (age < fresh) return CACHE_FRESH;
    return age - fresh < e->facts.stale ? CACHE_STALE : CACHE_DEAD;
}
