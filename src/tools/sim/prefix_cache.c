/* prefix_cache.c - a block is known by the hash of the whole prompt up to its end, so a set of hashes is all there is
 * to keep.
 */
#include "prefix_cache.h"
#include "dsgate/base/list.h"
#include "hash.h"
#include <pthread.h>

enum { TOKEN_BYTES = 4, BLOCK_TOKENS = 64, BLOCK_BYTES = BLOCK_TOKENS * TOKEN_BYTES };

struct block {
    struct list age;    /* prefix_cache.ages, youngest first */
    struct block *next; /* in its bucket */
    uint64_t hash;
};

struct prefix_cache {
    pthread_mutex_t mutex;
    unsigned most, used, buckets; /* buckets: a power of two */
    struct block *blocks, **table;
    struct list ages;
};

unsigned prefix_tokens(size_t bytes) { return (unsigned)((bytes + TOKEN_BYTES - 1) / TOKEN_BYTES); }

struct prefix_cache *prefix_cache_new(unsigned blocks)
{
    struct prefix_cache *c = MEM_NEW(struct prefix_cache);
    pthread_mutex_init(&c->mutex, NULL);
    c->most = blocks;
    for (c->buckets = 1; c->buckets < blocks; c->buckets *= 2)
        ;
    c->blocks = mem_zalloc(blocks * sizeof *c->blocks);
    c->table = mem_zalloc(c->buckets * sizeof(struct block *));
    list_init(&c->ages);
    return c;
}

void prefix_cache_free(struct prefix_cache *c)
{
    pthread_mutex_destroy(&c->mutex);
    mem_free(c->blocks);
    mem_free(c->table);
    mem_free(c);
}

void prefix_cache_clear(struct prefix_cache *c)
{
    pthread_mutex_lock(&c->mutex);
    memset(c->table, 0, c->buckets * sizeof(struct block *));
    list_init(&c->ages);
    c->used = 0;
    pthread_mutex_unlock(&c->mutex);
}

static struct block **bucket_of(struct prefix_cache *c, uint64_t hash) { return &c->table[hash & (c->buckets - 1)]; }

static struct block *find(struct prefix_cache *c, uint64_t hash)
{
    struct block *b = *bucket_of(c, hash);
    while (b && b->hash != hash)
        b = b->next;
    return b;
}

static struct block *take_oldest(struct prefix_cache *c)
{
    struct block *b = CONTAINER_OF(list_pop_back(&c->ages), struct block, age);
    struct block **at = bucket_of(c, b->hash);
    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    return b;
}

/* Whether it was there; it is afterwards. */
static bool touch(struct prefix_cache *c, uint64_t hash)
{
    struct block *b = find(c, hash);
    bool known = b != NULL;
    if (known) {
        list_remove(&b->age);
    } else {
        b = c->used < c->most ? &c->blocks[c->used++] : take_oldest(c);
        b->hash = hash;
        b->next = *bucket_of(c, hash);
        *bucket_of(c, hash) = b;
    }
    list_push_front(&c->ages, &b->age);
    return known;
}

/* Calls touch() at each full block's end; returns how many leading blocks were known. */
static unsigned touch_all(struct prefix_cache *c, uint64_t hash, const struct text *parts, unsigned n)
{
    unsigned hits = 0;
    bool hitting = true;
    size_t room = BLOCK_BYTES; /* left in the current block */
    for (unsigned i = 0; i < n; i++) {
        for (struct text rest = parts[i]; rest.n;) {
            size_t take = rest.n < room ? rest.n : room;
            hash = hash_text(hash, text_make(rest.p, take));
            rest = text_from(rest, take);
            room -= take;
            if (room) continue;
            room = BLOCK_BYTES;
            hitting = touch(c, hash_mix(hash)) && hitting;
            hits += hitting;
        }
    }
    return hits;
}

unsigned prefix_cache_use(struct prefix_cache *c, uint64_t owner, const struct text *parts, unsigned n)
{
    if (!c->most) return 0;
    pthread_mutex_lock(&c->mutex);
    unsigned hits = touch_all(c, HASH_START ^ owner, parts, n);
    pthread_mutex_unlock(&c->mutex);
    return hits * BLOCK_TOKENS;
}
