/* Is what is worth keeping kept? Hit ratios on a trace whose keys are as popular as Zipf's law says, in which scans of
 * keys that are never asked for again are mixed, beside policies that know everything (cache_policies.h). */
#include "cache_policies.h"
#include <math.h>

enum { KEYS = 100000, REQUESTS = 200000, SCAN_EVERY = 10000, SCAN = 2500, ONCE = REQUESTS / SCAN_EVERY * SCAN };

/* ---- the trace ---- */

static unsigned trace[REQUESTS];     /* numbers of keys; from KEYS on those of scans */
static size_t sizes[2][KEYS + ONCE]; /* of bodies: equal; mixed */

/* The first whose share, summed up, is beyond the point. */
static unsigned find_key(const double *sums, double point)
{
    unsigned low = 0, high = KEYS - 1;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (sums[middle] > point)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void make_trace(void)
{
    static double sums[KEYS];
    struct random_source random;
    random_seed(&random, 5);
    for (int i = 0; i < KEYS; i++)
        sums[i] = (i ? sums[i - 1] : 0) + pow(i + 1, -0.9);
    for (unsigned i = 0, once = KEYS; i < REQUESTS; i++) {
        double point = (double)random_below(&random, UINT64_C(1) << 53) * 0x1p-53 * sums[KEYS - 1];
        trace[i] = i % SCAN_EVERY < SCAN ? once++ : find_key(sums, point);
    }
    for (int i = 0; i < KEYS + ONCE; i++) {
        sizes[0][i] = 300;
        sizes[1][i] = (size_t)64 << random_below(&random, 8);
        sizes[1][i] += random_below(&random, sizes[1][i]);
    }
}

/* ---- what each makes of it: hits of all requests ---- */

static double ratio_of_policy(bool (*policy)(struct sim *s, struct sim_item *item), const size_t *size, size_t overhead,
                              size_t limit)
{
    unsigned hits = 0;
    struct sim *s = sim_new(KEYS + ONCE, limit);
    for (int i = 0; i < KEYS + ONCE; i++)
        s->items[i].cost = size[i] + overhead;
    for (int i = 0; i < REQUESTS; i++)
        hits += policy(s, &s->items[trace[i]]);
    sim_free(s);
    return (double)hits / REQUESTS;
}

static double ratio_of_memory(const size_t *size, size_t limit, unsigned shards)
{
    unsigned hits = 0;
    struct cache_memory *m = cache_memory_new(limit, shards);
    for (int i = 0; i < REQUESTS; i++) {
        struct cache_facts facts = cache_facts_of_number(trace[i]);
        struct cache_entry *e = cache_memory_get(m, &facts.key, 0);
        hits += e != NULL;
        cache_entry_unref(e);
        if (!e) cache_put_one(m, &facts, size[trace[i]]);
    }
    ck_assert_uint_le(cache_stats(m).bytes, limit);
    cache_memory_free(m);
    return (double)hits / REQUESTS;
}

/* ---- the table ---- */

static const struct {
    bool mixed;
    unsigned percent; /* of what all keys but those of scans would take */
    unsigned shards;
} rows[] = {{false, 1, 1}, {false, 3, 1}, {false, 10, 1}, {false, 10, 16},
            {true, 1, 1},  {true, 3, 1},  {true, 10, 1},  {true, 10, 16}};

START_TEST(as_good_as_the_best)
{
    const size_t *size = sizes[rows[_i].mixed];
    size_t overhead = cache_overhead(), all = 0;
    for (int i = 0; i < KEYS; i++)
        all += size[i] + overhead;
    size_t limit = all / 100 * rows[_i].percent;
    double lru = ratio_of_policy(sim_lru, size, overhead, limit);
    double lfu = ratio_of_policy(sim_lfu, size, overhead, limit);
    double w_tiny_lfu = ratio_of_policy(sim_w_tiny_lfu, size, overhead, limit);
    double memory = ratio_of_memory(size, limit, rows[_i].shards), best = fmax(fmax(lru, lfu), w_tiny_lfu);
    printf("%s sizes, %2u%%: LRU %.2f%%, LFU %.2f%%, W-TinyLFU %.2f%%, memory level (shards: %u) %.2f%%\n",
           rows[_i].mixed ? "mixed" : "equal", rows[_i].percent, 100 * lru, 100 * lfu, 100 * w_tiny_lfu,
           rows[_i].shards, 100 * memory);
    ck_assert_double_ge(memory, best - 0.02);
}
END_TEST

static void add_tests(TCase *tests)
{
    make_trace();
    tcase_add_loop_test(tests, as_good_as_the_best, 0, COUNT(rows));
}

TEST_MAIN_ADDING("cache_admission", add_tests)
