/* Who stays in a full cache, and who comes in: one of 1 MB, in which FULL entries have room. They are larger than the
 * window, so it is decided at once whether one is taken. */
#include "cache_test.h"

enum { MB = 1 << 20, SIZE = 20 << 10, FULL = 49 };

static struct cache_memory *memory;

static void set_up(void) { memory = cache_memory_new(MB, 1); }
static void tear_down(void) { cache_memory_free(memory); }

static void ask(uint64_t n, int times)
{
    for (int i = 0; i < times; i++)
        cache_has(memory, n, 0);
}

/* Asked for so often, and then put. */
static void offer(uint64_t n, size_t size, int asked)
{
    struct cache_facts facts = cache_facts_of_number(n);
    ask(n, asked);
    cache_put_one(memory, &facts, size);
}

static bool comes_in(uint64_t n, size_t size, int asked)
{
    offer(n, size, asked);
    return cache_has(memory, n, 0);
}

static void offer_all(uint64_t from, uint64_t to, int asked)
{
    for (uint64_t n = from; n < to; n++)
        offer(n, SIZE, asked);
}

/* Entries 0…FULL - 1, on probation; the first is the oldest. */
static void fill(int asked)
{
    offer_all(0, FULL, asked);
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_eq(stats.entries, FULL);
    ck_assert_uint_gt(stats.bytes + SIZE, MB - 20000);
}

/* How many of these are there; asks for each once. */
static int count_of(uint64_t from, uint64_t to)
{
    int count = 0;
    for (uint64_t n = from; n < to; n++)
        count += cache_has(memory, n, 0);
    return count;
}

START_TEST(a_scan_washes_nothing_out)
{
    fill(3);
    offer_all(1000, 2000, 1);
    ck_assert_int_eq(count_of(0, FULL), FULL);
    ck_assert_uint_eq(cache_stats(memory).rejected, 1000);
    ck_assert_uint_eq(cache_stats(memory).evicted, 0);
}
END_TEST

START_TEST(who_is_asked_for_more_than_the_oldest_comes_in)
{
    fill(2);
    ck_assert(!comes_in(1000, SIZE, 2));
    ck_assert(comes_in(1001, SIZE, 3));
    ck_assert(!cache_has(memory, 0, 0));
    ck_assert_int_eq(count_of(1, FULL), FULL - 1);
}
END_TEST

/* Four of the others would have to go for one of four times their size. */
START_TEST(a_large_one_must_be_worth_all_its_victims)
{
    static const struct {
        int asked;
        bool comes_in;
    } rows[] = {{2, false}, {3, false}, {11, false}, {12, false}, {13, true}, {15, true}};
    for (int i = 0; i < COUNT(rows); i++) {
        tear_down();
        set_up();
        fill(3);
        ck_assert_msg(comes_in(1000, 4 * SIZE, rows[i].asked) == rows[i].comes_in, "row %d", i);
        ck_assert_uint_eq(cache_stats(memory).evicted, rows[i].comes_in ? 4 : 0);
        ck_assert_int_eq(count_of(0, 4), rows[i].comes_in ? 0 : 4);
    }
}
END_TEST

/* Those that nobody has asked for are worth nothing however many they are; they go in several steps. */
START_TEST(a_large_one_takes_the_place_of_many)
{
    for (uint64_t n = 0; n < 2000; n++)
        offer(n, 500, 0);
    size_t entries = cache_stats(memory).entries, evicted = cache_stats(memory).evicted;
    ck_assert(comes_in(5000, MB / 5, 1));
    struct cache_memory_stats stats = cache_stats(memory);
    ck_assert_uint_le(stats.bytes, MB);
    ck_assert_uint_ge(stats.evicted - evicted, 100);
    ck_assert_uint_eq(stats.entries + stats.evicted - evicted, entries + 1);
}
END_TEST

/* However much later the others came. */
START_TEST(what_is_used_is_protected_from_what_is_not)
{
    offer_all(0, 20, 1);
    ck_assert_int_eq(count_of(0, 20), 20);
    offer_all(20, FULL, 1);
    offer_all(1000, 1010, 5);
    ck_assert_int_eq(count_of(1000, 1010), 10);
    ck_assert_int_eq(count_of(0, 20), 20);
    ck_assert_int_eq(count_of(20, 30), 0);
    ck_assert_int_eq(count_of(30, FULL), FULL - 30);
}
END_TEST

START_TEST(a_newer_one_is_protected_as_the_one_before)
{
    offer_all(0, 2, 1);
    ask(0, 1);
    offer_all(0, 2, 0);
    offer_all(2, FULL, 1);
    offer_all(1000, 1010, 5);
    ck_assert(cache_has(memory, 0, 0));
    ck_assert(!cache_has(memory, 1, 0));
    ck_assert_uint_eq(cache_stats(memory).replaced, 2);
}
END_TEST

/* When more is used than can be protected, those used longest ago are not any more. */
START_TEST(protection_ends)
{
    fill(1);
    ck_assert_int_eq(count_of(0, FULL), FULL);
    offer_all(1000, 1005, 5);
    ck_assert_int_eq(count_of(1000, 1005), 5);
    ck_assert_int_eq(count_of(0, 5), 0);
    ck_assert_int_eq(count_of(5, FULL), FULL - 5);
}
END_TEST

/* Once it has kept off one that is worth less, the next one meets another. */
START_TEST(a_popular_one_does_not_stand_before_the_others)
{
    offer(0, SIZE, 14);
    offer_all(1, FULL, 1);
    ck_assert(!comes_in(1000, SIZE, 3));
    ck_assert(comes_in(1001, SIZE, 3));
    ck_assert(cache_has(memory, 0, 0));
    ck_assert(!cache_has(memory, 1, 0));
}
END_TEST

START_TEST(one_that_is_worth_as_much_keeps_its_turn)
{
    fill(1);
    ck_assert(!comes_in(1000, SIZE, 1));
    ck_assert(comes_in(1001, SIZE, 2));
    ck_assert(!cache_has(memory, 0, 0));
    ck_assert(cache_has(memory, 1, 0));
}
END_TEST

START_TEST(the_dead_are_worth_nothing)
{
    for (uint64_t n = 0; n < FULL; n++) {
        struct cache_facts facts = cache_facts_of_number(n);
        facts.fresh = 10;
        ask(n, 5);
        cache_put_one(memory, &facts, SIZE);
    }
    ck_assert(!comes_in(1000, SIZE, 1));
    ck_assert(!cache_has(memory, 5000, 10)); /* tells the time */
    struct cache_facts facts = cache_facts_of_number(1001);
    ck_assert(!cache_has(memory, 1001, 10));
    cache_put_one(memory, &facts, SIZE);
    ck_assert(cache_has(memory, 1001, 10));
}
END_TEST

/* Nobody has asked for anything meanwhile, so the cache has not heard what time it is. */
START_TEST(an_answer_that_took_long_is_not_of_the_future)
{
    static const usec_t later = 600 * USEC_PER_SEC;
    struct cache_facts facts = cache_facts_of_number(1000);
    facts.created = later, facts.fresh = USEC_PER_SEC;
    fill(2);
    ask(1000, 3);
    cache_put_one(memory, &facts, SIZE);
    ck_assert(cache_has(memory, 1000, later));
}
END_TEST

START_TEST(popularity_is_forgotten)
{
    fill(15);
    ck_assert(!comes_in(1000, SIZE, 2));
    for (uint64_t n = 10000; n < 30000; n++)
        ask(n, 1);
    ck_assert(comes_in(1001, SIZE, 2));
}
END_TEST

/* ---- the window: two entries of SMALL bytes ---- */

enum { SMALL = 4000 };

/* The main part has no room left for a small one, either. */
static void fill_to_the_brim(void)
{
    fill(15);
    for (uint64_t n = 3000; n < 3010; n++)
        offer(n, SMALL, 1);
}

START_TEST(what_is_new_is_kept_for_a_while)
{
    fill_to_the_brim();
    offer(1000, SMALL, 1);
    offer(1001, SMALL, 1);
    ck_assert_int_eq(count_of(1000, 1002), 2);
    ask(1000, 1);
    offer(1002, SMALL, 1); /* instead of the one that was used longest ago */
    ck_assert_int_eq(count_of(1000, 1003), 2);
    ck_assert(!cache_has(memory, 1001, 0));
    ck_assert_int_eq(count_of(0, FULL), FULL);
}
END_TEST

/* One that is larger than the window does not push out what is in it. */
START_TEST(a_large_one_leaves_the_window_alone)
{
    fill_to_the_brim();
    offer(1000, SMALL, 1);
    offer(1001, SMALL, 1);
    ck_assert(!comes_in(2000, SIZE, 1));
    ck_assert_int_eq(count_of(1000, 1002), 2);
}
END_TEST

TEST_MAIN_WITH("cache_eviction", set_up, tear_down, a_scan_washes_nothing_out,
               who_is_asked_for_more_than_the_oldest_comes_in, a_large_one_must_be_worth_all_its_victims,
               a_large_one_takes_the_place_of_many, what_is_used_is_protected_from_what_is_not,
               a_newer_one_is_protected_as_the_one_before, protection_ends,
               a_popular_one_does_not_stand_before_the_others, one_that_is_worth_as_much_keeps_its_turn,
               the_dead_are_worth_nothing, an_answer_that_took_long_is_not_of_the_future, popularity_is_forgotten,
               what_is_new_is_kept_for_a_while, a_large_one_leaves_the_window_alone)
