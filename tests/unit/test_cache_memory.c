#include "cache_test.h"
#include "dsgate/config/config.h"

enum { KB = 1024, MB = 1024 * KB };

static struct cache_memory *memory;

static void tear_down(void)
{
    cache_memory_free(memory);
    memory = NULL;
}

static void make_memory(size_t limit)
{
    if (memory) cache_memory_free(memory);
    memory = cache_memory_new(limit, cache_memory_shards(limit, 1 << 20));
}

static bool put(uint64_t n, size_t size)
{
    struct cache_facts facts = cache_facts_of_number(n);
    return cache_put_one(memory, &facts, size);
}

static bool has(uint64_t n) { return cache_has(memory, n, 0); }

static void ask(uint64_t n, int times)
{
    for (int i = 0; i < times; i++)
        has(n);
}

/* ---- what is kept is found ---- */

START_TEST(what_was_put_is_found)
{
    make_memory(MB);
    struct cache_facts facts = cache_facts_of_number(1);
    struct cache_entry *e = cache_entry_of_size(&facts, 10);
    ck_assert_ptr_null(cache_memory_get(memory, &facts.key, 0));
    ck_assert(cache_memory_put(memory, e));
    ck_assert_ptr_eq(cache_memory_get(memory, &facts.key, 0), e);
    ck_assert_uint_eq(e->refs, 3);
    ck_assert(!has(2));
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_eq(stats.limit, MB);
    ck_assert_uint_eq(stats.entries, 1);
    ck_assert_uint_eq(stats.bytes, cache_overhead() + 10);
    ck_assert_uint_eq(stats.added, 1);
    ck_assert_uint_eq(stats.hits, 1);
    ck_assert_uint_eq(stats.misses, 2);
    cache_entry_unref(e);
    cache_entry_unref(e);
}
END_TEST

/* Whoever serves it goes on serving it. */
START_TEST(what_goes_stays_alive_for_who_holds_it)
{
    make_memory(MB);
    put(1, 10);
    struct cache_key key = cache_key_of_number(1);
    struct cache_entry *e = cache_memory_get(memory, &key, 0);
    ck_assert_uint_eq(cache_memory_purge(memory, &(struct cache_selection){0}), 1);
    ck_assert_uint_eq(e->refs, 1);
    ck_assert_uint_eq(e->body.n, 10);
    cache_entry_unref(e);
}
END_TEST

START_TEST(one_of_the_same_key_is_replaced)
{
    make_memory(MB);
    size_t overhead = cache_overhead();
    put(1, 10);
    put(2, 50);
    ask(1, 3);
    struct cache_facts facts = cache_facts_of_number(1);
    struct cache_entry *second = cache_entry_of_size(&facts, 30);
    ck_assert(cache_memory_put(memory, second));
    ck_assert_uint_eq(cache_stats(memory).bytes, 2 * overhead + 80);
    struct cache_entry *found = cache_memory_get(memory, &facts.key, 0);
    ck_assert_ptr_eq(found, second);
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_eq(stats.entries, 2);
    ck_assert_uint_eq(stats.added, 2);
    ck_assert_uint_eq(stats.replaced, 1);
    ck_assert_uint_eq(stats.bytes, 2 * overhead + 80);
    cache_entry_unref(found);
    cache_entry_unref(second);
}
END_TEST

/* However often it is offered. */
START_TEST(an_entry_is_taken_once)
{
    make_memory(MB);
    struct cache_facts facts = cache_facts_of_number(1);
    struct cache_entry *e = cache_entry_of_size(&facts, 10);
    for (int i = 0; i < 3; i++)
        ck_assert(cache_memory_put(memory, e));
    ck_assert_uint_eq(e->refs, 2);
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_eq(stats.entries, 1);
    ck_assert_uint_eq(stats.bytes, cache_overhead() + 10);
    ck_assert_uint_eq(stats.added, 1);
    ck_assert_uint_eq(stats.replaced, 0);
    ck_assert(has(1));
    ck_assert_uint_eq(cache_memory_purge(memory, &(struct cache_selection){0}), 1);
    ck_assert(cache_memory_put(memory, e));
    ck_assert_uint_eq(e->refs, 1);
    ck_assert(!has(1));
    ck_assert_uint_eq(cache_stats(memory).entries, 0);
    ck_assert_uint_eq(cache_stats(memory).added, 1);
    cache_entry_unref(e);
}
END_TEST

/* The one that has taken its place stays. */
START_TEST(one_that_was_replaced_does_not_come_back)
{
    make_memory(MB);
    struct cache_facts facts = cache_facts_of_number(1);
    struct cache_entry *first = cache_entry_of_size(&facts, 10);
    cache_memory_put(memory, first);
    put(1, 20);
    ck_assert(cache_memory_put(memory, first));
    struct cache_entry *found = cache_memory_get(memory, &facts.key, 0);
    ck_assert_uint_eq(found->body.n, 20);
    ck_assert_uint_eq(cache_stats(memory).replaced, 1);
    ck_assert_uint_eq(first->refs, 1);
    cache_entry_unref(found);
    cache_entry_unref(first);
}
END_TEST

START_TEST(what_is_dead_is_not_found)
{
    make_memory(MB);
    struct cache_facts facts = cache_facts_of_number(1);
    facts.created = 1000, facts.fresh = 10, facts.stale = 5;
    cache_put_one(memory, &facts, 10);
    ck_assert(cache_has(memory, 1, 1000));
    ck_assert(cache_has(memory, 1, 1014)); /* stale: what that is good for is for others to say */
    ck_assert(!cache_has(memory, 1, 1015));
    ck_assert(!cache_has(memory, 1, 1000));
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_eq(stats.expired, 1);
    ck_assert_uint_eq(stats.entries, 0);
    ck_assert_uint_eq(stats.bytes, 0);
}
END_TEST

/* It would be fresh for an hour too long. */
START_TEST(what_was_put_before_the_clock_was_set_back_is_not_found)
{
    static const usec_t hour = 3600 * USEC_PER_SEC;
    make_memory(MB);
    struct cache_facts facts = cache_facts_of_number(1);
    facts.created = 2 * hour, facts.fresh = 300 * USEC_PER_SEC;
    cache_put_one(memory, &facts, 10);
    ck_assert(cache_has(memory, 1, 2 * hour));
    ck_assert(!cache_has(memory, 1, hour));
    ck_assert_uint_eq(cache_stats(memory).expired, 1);
}
END_TEST

/* ---- limits ---- */

START_TEST(how_large_an_entry_may_be)
{
    static const struct {
        size_t limit, size;
        bool taken;
    } rows[] = {{0, 0, false},
                {100, 0, false},
                {4 * KB, 0, true},
                {4 * KB, 900, false},
                {1 * MB, 240 * KB, true},
                {1 * MB, 256 * KB, false},
                {8 * MB, 1 * MB, true},
                {16 * MB, 3 * MB, true},
                {16 * MB, 4 * MB, false},
                {31 * MB, 7 * MB, true}, /* one shard */
                {256 * MB, 3 * MB, true},
                {256 * MB, 4 * MB, false}};
    for (int i = 0; i < COUNT(rows); i++) {
        make_memory(rows[i].limit);
        ck_assert_msg(put(1, rows[i].size) == rows[i].taken, "row %d", i);
        ck_assert_msg(has(1) == rows[i].taken, "row %d", i);
        ck_assert_msg(cache_stats(memory).too_large == !rows[i].taken, "row %d", i);
    }
}
END_TEST

/* One that can't be kept does not take away what can. */
/* The config allows entries of a sixteenth of the memory: each fits. */
START_TEST(the_largest_that_are_allowed_fit)
{
    static const size_t limits[] = {1 << 20, 3 << 20, 16 << 20, 33 << 20, 256 << 20};
    for (size_t i = 0; i < COUNT(limits); i++) {
        size_t largest = limits[i] / CONF_CACHE_SHARE;
        if (memory) cache_memory_free(memory);
        memory = cache_memory_new(limits[i], cache_memory_shards(limits[i], largest));
        char *bytes = mem_zalloc(largest);
        struct iovec iov = {bytes, largest};
        struct cache_entry *e = cache_entry_new(&(struct cache_facts){.fresh = USEC_PER_SEC}, &iov, 1);
        ck_assert_msg(cache_memory_put(memory, e), "%zu", limits[i]);
        cache_entry_unref(e);
        mem_free(bytes);
    }
}
END_TEST

START_TEST(what_is_too_large_replaces_nothing)
{
    make_memory(MB);
    put(1, 10);
    ck_assert(!put(1, MB));
    ck_assert(has(1));
    ck_assert_uint_eq(cache_stats(memory).replaced, 0);
}
END_TEST

START_TEST(the_limit_is_used_and_kept)
{
    static const size_t limits[] = {64 * KB, 1 * MB, 20 * MB, 40 * MB};
    for (int l = 0; l < COUNT(limits); l++) {
        make_memory(limits[l]);
        for (uint64_t n = 0; n < limits[l] / KB; n++) {
            put(n, 1 * KB);
            ck_assert_uint_le(cache_stats(memory).bytes, limits[l]);
        }
        ck_assert_uint_ge(cache_stats(memory).bytes, limits[l] / 100 * 95);
    }
}
END_TEST

START_TEST(a_lower_limit_counts_at_once)
{
    make_memory(4 * MB);
    for (uint64_t n = 0; n < 3000; n++)
        put(n, 500);
    ask(7, 3);
    ck_assert_uint_eq(cache_stats(memory).entries, 3000);
    cache_memory_limit(memory, 256 * KB);
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_eq(stats.limit, 256 * KB);
    ck_assert_uint_le(stats.bytes, 256 * KB);
    ck_assert_uint_ge(stats.bytes, 240 * KB);
    ck_assert_uint_eq(stats.entries + stats.evicted + stats.rejected, 3000);
    ck_assert(has(7));
    cache_memory_limit(memory, 0);
    ck_assert_uint_eq(cache_stats(memory).entries, 0);
    ck_assert(!put(1, 0));
    cache_memory_limit(memory, 4 * MB);
    for (uint64_t n = 0; n < 3000; n++)
        put(n, 500);
    ck_assert_uint_eq(cache_stats(memory).entries, 3000);
}
END_TEST

/* ---- purge ---- */

static void put_of(uint64_t n, const char *model, const char *tenant)
{
    struct cache_facts facts = cache_facts_of_number(n);
    facts.model = text_of(model), facts.tenant = text_of(tenant);
    cache_put_one(memory, &facts, 10);
}

START_TEST(purges_what_is_meant)
{
    static const struct cache_key one = {{1}}; /* nobody's */
    struct cache_key first = cache_key_of_number(0);
    const struct {
        struct cache_selection selection;
        size_t purged;
        bool has_first;
    } rows[] = {{{0}, 400, false},
                {{.model = "m"}, 200, false},
                {{.model = "n"}, 200, true},
                {{.model = "x"}, 0, true},
                {{.tenant = "a"}, 100, false},
                {{.tenant = "b", .model = "m"}, 0, true},
                {{.tenant = "b", .model = "n"}, 100, true},
                {{.key = &first}, 1, false},
                {{.key = &first, .model = "m", .tenant = "a"}, 1, false},
                {{.key = &first, .model = "n"}, 0, true},
                {{.key = &first, .tenant = "b"}, 0, true},
                {{.key = &one}, 0, true}};
    for (int i = 0; i < COUNT(rows); i++) {
        make_memory(64 * MB);
        for (uint64_t n = 0; n < 400; n++) /* (m, a), (n, b), (m, c), (n, d) */
            put_of(n, n % 2 ? "n" : "m", (const char *[]){"a", "b", "c", "d"}[n % 4]);
        ck_assert_msg(cache_memory_purge(memory, &rows[i].selection) == rows[i].purged, "row %d", i);
        struct cache_memory_stats stats = cache_stats(memory);
        ck_assert_uint_eq(stats.purged, rows[i].purged);
        ck_assert_uint_eq(stats.entries, 400 - rows[i].purged);
        ck_assert_uint_eq(stats.bytes, stats.entries * (cache_overhead() + 2 + 10)); /* with model and tenant */
        ck_assert_msg(has(0) == rows[i].has_first, "row %d", i);
    }
}
END_TEST

/* ---- any sequence ---- */

enum { KEYS = 300, ROUNDS = 8, STEPS = 3000 };

static struct {
    uint64_t version; /* of the entry that was taken last; 0: none */
    size_t size;
    usec_t until; /* when that is dead */
} model[KEYS];

static uint64_t versions;

static void put_at_random(struct random_source *random, uint64_t n, usec_t now)
{
    struct cache_facts facts = cache_facts_of_number(n);
    size_t size = random_below(random, random_below(random, 8) ? 2 * KB : 80 * KB);
    facts.created = now, facts.fresh = (usec_t)random_below(random, 2000), facts.prompt = ++versions;
    facts.model = n % 3 ? TEXT("m") : TEXT("n");
    if (!cache_put_one(memory, &facts, size)) return;
    model[n].version = versions, model[n].size = size, model[n].until = now + facts.fresh;
}

/* Whatever is found is the last one that was taken, and not dead. */
static size_t get_and_check(uint64_t n, usec_t now)
{
    struct cache_key key = cache_key_of_number(n);
    struct cache_entry *e = cache_memory_get(memory, &key, now);
    if (!e) return 0;
    ck_assert(cache_key_same(&e->facts.key, &key));
    ck_assert_uint_eq(e->facts.prompt, model[n].version);
    ck_assert_uint_eq(e->body.n, model[n].size);
    ck_assert_int_lt(now, model[n].until);
    cache_entry_unref(e);
    return 1;
}

static void purge_at_random(struct random_source *random)
{
    bool one = random_below(random, 2);
    cache_memory_purge(memory, &(struct cache_selection){.model = one ? "m" : "n"});
    for (uint64_t n = 0; n < KEYS; n++)
        if ((n % 3 != 0) == one) model[n].version = 0;
}

static void check_accounts(size_t limit)
{
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_le(stats.bytes, limit);
    ck_assert_uint_eq(stats.added, stats.entries + stats.evicted + stats.rejected + stats.expired + stats.purged);
}

/* The bytes of all that is there, a letter for the model among them, and no more. */
static void check_bytes(usec_t now)
{
    size_t entries = 0, bytes = 0, overhead = cache_overhead();
    for (uint64_t n = 0; n < KEYS; n++)
        if (get_and_check(n, now)) entries++, bytes += overhead + 1 + model[n].size;
    ck_assert_uint_eq(cache_stats(memory).entries, entries);
    ck_assert_uint_eq(cache_stats(memory).bytes, bytes);
}

START_TEST(any_sequence)
{
    struct random_source random;
    random_seed(&random, 7);
    for (int round = 0; round < ROUNDS; round++) {
        size_t limit = (size_t)MB >> round % 4;
        if (memory) cache_memory_free(memory);
        memory = cache_memory_new(limit, 1u << round / 4 * 2);
        memset(model, 0, sizeof model);
        for (usec_t now = 1; now <= STEPS; now++) {
            uint64_t n = random_below(&random, random_below(&random, 2) ? KEYS : KEYS / 10);
            if (!get_and_check(n, now) && random_below(&random, 4)) put_at_random(&random, n, now);
            if (random_below(&random, 10) == 0) put_at_random(&random, n, now);
            if (random_below(&random, 500) == 0) purge_at_random(&random);
            if (random_below(&random, 500) == 0)
                cache_memory_limit(memory, limit = (size_t)MB >> random_below(&random, 5));
            check_accounts(limit);
        }
        check_bytes(STEPS);
    }
}
END_TEST

TEST_MAIN_WITH("cache_memory", NULL, tear_down, what_was_put_is_found, what_goes_stays_alive_for_who_holds_it,
               one_of_the_same_key_is_replaced, an_entry_is_taken_once, one_that_was_replaced_does_not_come_back,
               what_is_dead_is_not_found, what_was_put_before_the_clock_was_set_back_is_not_found,
               how_large_an_entry_may_be, the_largest_that_are_allowed_fit, what_is_too_large_replaces_nothing,
               the_limit_is_used_and_kept, a_lower_limit_counts_at_once, purges_what_is_meant, any_sequence)
