/* What the memory level costs: nanoseconds for a hit, for a miss, and for an answer that is kept, which is two misses,
 * making the entry, and freeing those that go for it. In a cache of 1 MB the code is what counts, and the threads meet
 * at its only lock; in one of the default size it is the processor's waiting for memory.
 *
 * Each figure is the best of several rounds, since whatever disturbs a round only adds to it.
 */
#include "../cache_number.h"
#include "dsgate/base/clock.h"
#include "dsgate/cache/memory.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 7, REPEATS = 50000, THREADS = 2, BODY = 1024 };

static struct cache_memory *memory;
static size_t kept; /* entries 0…kept - 1 were put first, and stay while only they are asked for */

struct worker {
    pthread_t thread;
    struct random_source random;
    void (*once)(struct worker *w);
    uint64_t next; /* keys that nobody has asked for yet */
};

static void get(uint64_t n)
{
    struct cache_key key = cache_key_of_number(n);
    cache_entry_unref(cache_memory_get(memory, &key, 0));
}

static void put(uint64_t n)
{
    static char body[BODY];
    struct iovec piece = {body, sizeof body};
    struct cache_facts facts = cache_facts_of_number(n);
    struct cache_entry *e = cache_entry_new(&facts, &piece, 1);
    cache_memory_put(memory, e);
    cache_entry_unref(e);
}

static void hit_once(struct worker *w) { get(random_below(&w->random, kept)); }
static void miss_once(struct worker *w) { get(w->next++); }

/* Asked for twice, so that it is worth more than most. */
static void keep_once(struct worker *w)
{
    get(w->next);
    get(w->next);
    put(w->next++);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < REPEATS; i++)
        w->once(w);
    return NULL;
}

/* Nanoseconds of a thread for each. */
static double measure(void (*once)(struct worker *w), unsigned threads)
{
    static uint64_t next = UINT64_C(1) << 40;
    struct worker workers[THREADS];
    usec_t begun = clock_monotonic();
    for (unsigned i = 0; i < threads; i++, next += REPEATS) {
        workers[i] = (struct worker){.once = once, .next = next};
        random_seed(&workers[i].random, next);
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i])) abort();
    }
    for (unsigned i = 0; i < threads; i++)
        pthread_join(workers[i].thread, NULL);
    return (double)(clock_monotonic() - begun) * 1000.0 / REPEATS;
}

static double best_of(void (*once)(struct worker *w), unsigned threads)
{
    double best = measure(once, threads);
    for (int round = 1; round < ROUNDS; round++) {
        double spent = measure(once, threads);
        if (spent < best) best = spent;
    }
    return best;
}

static void report(const char *name, size_t limit)
{
    memory = cache_memory_new(limit, cache_memory_shards(limit, 1 << 20));
    kept = limit / 2 / (BODY + 1024);
    for (size_t i = 0; i < kept; i++)
        put(i);
    for (unsigned threads = 1; threads <= THREADS; threads++) {
        double hit = best_of(hit_once, threads), miss = best_of(miss_once, threads), keep = best_of(keep_once, threads);
        printf("%-8s %7u %8.0f %8.0f %8.0f\n", name, threads, hit, miss, keep);
    }
    cache_memory_free(memory);
}

int main(void)
{
    printf("%-8s %7s %8s %8s %8s   (ns)\n", "limit", "threads", "hit", "miss", "kept");
    report("1 MB", 1 << 20);
    report("256 MB", 256 << 20);
    return 0;
}
