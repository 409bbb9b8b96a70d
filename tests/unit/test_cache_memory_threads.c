/* Many threads ask, put, purge, change the limit and look at once. Whatever is found must be what was put under that
 * key. Run it under ThreadSanitizer, and under AddressSanitizer for what is freed too early or never. */
#include "cache_test.h"
#include <pthread.h>

enum { THREADS = 6, STEPS = 8000, KEYS = 500, LIMIT = 256 << 10 };

static struct cache_memory *memory;
static atomic_uint wrong, gets, hits;

/* Body and facts tell whose it is. */
static void put(uint64_t n, struct random_source *random)
{
    char body[2000];
    struct iovec piece = {body, 1 + random_below(random, sizeof body)};
    struct cache_facts facts = cache_facts_of_number(n);
    memset(body, (int)n, sizeof body);
    facts.prompt = n;
    facts.model = n % 2 ? TEXT("m") : TEXT("n");
    struct cache_entry *e = cache_entry_new(&facts, &piece, 1);
    cache_memory_put(memory, e);
    cache_entry_unref(e);
}

static struct cache_entry *get(uint64_t n)
{
    struct cache_key key = cache_key_of_number(n);
    struct cache_entry *e = cache_memory_get(memory, &key, 0);
    gets++;
    hits += e != NULL;
    return e;
}

static void check(const struct cache_entry *e, uint64_t n)
{
    if (e->facts.prompt != n || (unsigned char)e->body.p[0] != (unsigned char)n ||
        e->body.p[0] != e->body.p[e->body.n - 1])
        wrong++;
}

static void disturb(struct random_source *random)
{
    switch (random_below(random, 4)) {
    case 0: cache_memory_purge(memory, &(struct cache_selection){.model = "m"}); break;
    case 1: cache_memory_limit(memory, random_below(random, 2) ? LIMIT : LIMIT / 4); break;
    default:
        if (cache_stats(memory).bytes > LIMIT + THREADS * 4096) wrong++;
    }
}

/* Each keeps what it found last for a while: it must stay whole, whatever the others do. Now and then it is offered
 * again, be it still there, on its way out or gone. */
static void *work(void *arg)
{
    struct random_source random;
    struct cache_entry *held = NULL;
    uint64_t of = 0;
    random_seed(&random, (uint64_t)(uintptr_t)arg);
    for (int i = 0; i < STEPS; i++) {
        uint64_t n = random_below(&random, random_below(&random, 2) ? KEYS : KEYS / 20);
        struct cache_entry *e = get(n);
        if (held) check(held, of);
        if (held && random_below(&random, 4) == 0) cache_memory_put(memory, held);
        if (e) {
            cache_entry_unref(held);
            held = e, of = n;
        } else {
            put(n, &random);
        }
        if (random_below(&random, 300) == 0) disturb(&random);
    }
    cache_entry_unref(held);
    return NULL;
}

START_TEST(hammering)
{
    pthread_t threads[THREADS];
    memory = cache_memory_new(LIMIT, 2);
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, (void *)i), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cache_memory_limit(memory, LIMIT);
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(stats.hits, hits);
    ck_assert_uint_eq(stats.hits + stats.misses, gets);
    ck_assert_uint_gt(stats.hits, 1000);
    ck_assert_uint_gt(stats.purged, 0);
    ck_assert_uint_eq(stats.added, stats.entries + stats.evicted + stats.rejected + stats.expired + stats.purged);
    ck_assert_uint_le(stats.bytes, LIMIT);
    cache_memory_free(memory);
}
END_TEST

TEST_MAIN("cache_memory_threads", hammering)
