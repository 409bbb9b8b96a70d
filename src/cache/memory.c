#include "dsgate/cache/memory.h"
#include "memory_shard.h"
#include <pthread.h>

enum { SHARDS_MOST = 64, SHARD_LEAST = 16 << 20 };

struct shard {
    pthread_mutex_t mutex;
    struct memory_shard state;
};

struct cache_memory {
    atomic_size_t limit;
    size_t count; /* of shards */
    struct shard shards[];
};

/* So many that workers seldom meet, and so large that entries fit, with room beside them. */
unsigned cache_memory_shards(size_t limit, size_t largest)
{
    size_t least = largest > SHARD_LEAST / 5 ? 5 * largest : SHARD_LEAST;
    unsigned count = 1;
    while (count < SHARDS_MOST && limit / (count * 2) >= least)
        count *= 2;
    return count;
}

struct cache_memory *cache_memory_new(size_t limit, unsigned shards)
{
    struct cache_memory *m = mem_zalloc(sizeof *m + shards * sizeof(struct shard));
    atomic_init(&m->limit, limit);
    m->count = shards;
    for (size_t i = 0; i < shards; i++) {
        pthread_mutex_init(&m->shards[i].mutex, NULL);
        memory_shard_init(&m->shards[i].state, limit / shards);
    }
    return m;
}

/* High bits: the low ones choose the bucket. */
static struct shard *shard_of(struct cache_memory *m, const struct cache_key *key)
{
    return &m->shards[cache_key_hash(key) >> 32 & (m->count - 1)];
}

/* ---- the lock of a shard; what goes meanwhile is freed afterwards ---- */

static struct memory_shard *lock(struct shard *shard, struct list *dropped)
{
    list_init(dropped);
    pthread_mutex_lock(&shard->mutex);
    return &shard->state;
}

static void unlock(struct shard *shard, struct list *dropped)
{
    pthread_mutex_unlock(&shard->mutex);
    for (struct list *node; (node = list_pop_front(dropped));)
        cache_entry_unref(CONTAINER_OF(node, struct cache_entry, place.node));
}

static void settle(struct shard *shard)
{
    struct list dropped;
    bool more;
    do {
        more = memory_shard_settle(lock(shard, &dropped), &dropped);
        unlock(shard, &dropped);
    } while (more);
}

/* ---- what everybody may do ---- */

struct cache_entry *cache_memory_get(struct cache_memory *m, const struct cache_key *key, usec_t now)
{
    struct shard *shard = shard_of(m, key);
    struct list dropped;
    struct cache_entry *e = memory_shard_get(lock(shard, &dropped), key, now, &dropped);
    if (e) cache_entry_ref(e);
    unlock(shard, &dropped);
    return e;
}

struct cache_entry *cache_memory_peek(struct cache_memory *m, const struct cache_key *key)
{
    struct shard *shard = shard_of(m, key);
    struct list dropped;
    struct cache_entry *e = memory_table_find(&lock(shard, &dropped)->table, key);
    if (e) cache_entry_ref(e);
    unlock(shard, &dropped);
    return e;
}

bool cache_memory_put(struct cache_memory *m, struct cache_entry *e)
{
    struct shard *shard = shard_of(m, &e->facts.key);
    struct list dropped;
    struct memory_shard *s = lock(shard, &dropped);
    bool taken = memory_shard_put(s, e, &dropped), more = taken && memory_shard_settle(s, &dropped);
    unlock(shard, &dropped);
    if (more) settle(shard);
    return taken;
}

void cache_memory_limit(struct cache_memory *m, size_t limit)
{
    size_t share = limit / m->count;
    atomic_store_explicit(&m->limit, limit, memory_order_relaxed);
    for (size_t i = 0; i < m->count; i++) {
        struct sketch sketch;
        struct list dropped;
        sketch_init(&sketch, memory_shard_sketch_size(share));
        memory_shard_resize(lock(&m->shards[i], &dropped), share, &sketch);
        unlock(&m->shards[i], &dropped);
        sketch_free(&sketch);
        settle(&m->shards[i]);
    }
}

/* ---- purge ---- */

bool cache_selection_matches(const struct cache_selection *s, const struct cache_facts *facts)
{
    return (!s->key || cache_key_same(s->key, &facts->key)) && (!s->model || text_is(facts->model, s->model)) &&
           (!s->tenant || text_is(facts->tenant, s->tenant));
}

struct purge {
    const struct cache_selection *selection;
    struct memory_shard *shard;
    struct list dropped;
    size_t count;
};

static void purge_one(struct cache_entry *e, void *arg)
{
    struct purge *p = arg;
    if (!cache_selection_matches(p->selection, &e->facts)) return;
    memory_shard_drop(p->shard, e, &p->dropped);
    p->shard->stats.purged++;
    p->count++;
}

static void purge_key(struct shard *shard, struct purge *p)
{
    p->shard = lock(shard, &p->dropped);
    struct cache_entry *e = memory_table_find(&p->shard->table, p->selection->key);
    if (e) purge_one(e, p);
    unlock(shard, &p->dropped);
}

static void purge_shard(struct shard *shard, struct purge *p)
{
    enum { SLICE = 16 };
    size_t classes = SLICE;
    for (size_t class = 0; class < classes;) {
        p->shard = lock(shard, &p->dropped);
        if (class == 0) classes = p->shard->table.size;
        for (int i = 0; i < SLICE; i++)
            memory_table_visit(&p->shard->table, classes, class ++, purge_one, p);
        unlock(shard, &p->dropped);
    }
}

size_t cache_memory_purge(struct cache_memory *m, const struct cache_selection *s)
{
    struct purge p = {.selection = s};
    if (s->key)
        purge_key(shard_of(m, s->key), &p);
    else
        for (size_t i = 0; i < m->count; i++)
            purge_shard(&m->shards[i], &p);
    return p.count;
}

void cache_memory_free(struct cache_memory *m)
{
    cache_memory_purge(m, &(struct cache_selection){0});
    for (size_t i = 0; i < m->count; i++) {
        memory_shard_free(&m->shards[i].state);
        pthread_mutex_destroy(&m->shards[i].mutex);
    }
    mem_free(m);
}

/* ---- statistics ---- */

static void add_stats(struct cache_memory_stats *sum, const struct memory_shard *s)
{
    sum->entries += s->table.count;
    sum->bytes += memory_shard_bytes(s);
    sum->hits += s->stats.hits;
    sum->misses += s->stats.misses;
    sum->added += s->stats.added;
    sum->replaced += s->stats.replaced;
    sum->too_large += s->stats.too_large;
    sum->evicted += s->stats.evicted;
    sum->rejected += s->stats.rejected;
    sum->expired += s->stats.expired;
    sum->purged += s->stats.purged;
}

void cache_memory_read_stats(struct cache_memory *m, struct cache_memory_stats *out)
{
    struct list dropped;
    *out = (struct cache_memory_stats){.limit = atomic_load_explicit(&m->limit, memory_order_relaxed)};
    for (size_t i = 0; i < m->count; i++) {
        add_stats(out, lock(&m->shards[i], &dropped));
        unlock(&m->shards[i], &dropped);
    }
}
