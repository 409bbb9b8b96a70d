#include "../../src/cache/memory_table.h"
#include "cache_test.h"

enum { MOST = 3000 };

static struct memory_table table;
static struct cache_entry *entries[MOST];
static int visits[MOST];

static void set_up(void)
{
    memory_table_init(&table);
    for (uint64_t n = 0; n < MOST; n++) {
        struct cache_facts facts = cache_facts_of_number(n);
        facts.prompt = n;
        entries[n] = cache_entry_of_size(&facts, 0);
    }
    memset(visits, 0, sizeof visits);
}

static void tear_down(void)
{
    memory_table_free(&table);
    for (int n = 0; n < MOST; n++)
        cache_entry_unref(entries[n]);
}

static void add(int from, int to)
{
    for (int n = from; n < to; n++)
        memory_table_add(&table, entries[n]);
}

static bool has(int n) { return memory_table_find(&table, &entries[n]->facts.key) == entries[n]; }

START_TEST(finds_what_is_there_while_it_grows)
{
    for (int n = 0; n < MOST; n++) {
        ck_assert(!has(n));
        add(n, n + 1);
        ck_assert(has(n) && has(n / 6 * 3) && has(0));
        if (n % 3 == 2) memory_table_remove(&table, entries[n]);
    }
    for (int n = 0; n < MOST; n++)
        ck_assert_msg(has(n) == (n % 3 != 2), "%d", n);
    ck_assert_uint_eq(table.count, MOST / 3 * 2);
    ck_assert_uint_ge(table.size, 2 * table.count);
}
END_TEST

/* Digests may agree in 64 bits. */
START_TEST(tells_keys_of_one_hash)
{
    struct cache_facts facts = entries[0]->facts;
    facts.key.bytes[31] ^= 1;
    struct cache_entry *twin = cache_entry_of_size(&facts, 0);
    add(0, 1);
    memory_table_add(&table, twin);
    ck_assert(has(0));
    ck_assert_ptr_eq(memory_table_find(&table, &facts.key), twin);
    memory_table_remove(&table, entries[0]);
    ck_assert(!has(0));
    ck_assert_ptr_eq(memory_table_find(&table, &facts.key), twin);
    memory_table_remove(&table, twin);
    cache_entry_unref(twin);
}
END_TEST

static void note_visit(struct cache_entry *e, void *arg)
{
    uint64_t n = e->facts.prompt;
    visits[n]++;
    if (n % 2) memory_table_remove(&table, e);
}

/* From any state of it, however much is added on the way: all that was there is visited. */
START_TEST(visits_all_while_it_grows)
{
    static const int starts[] = {0, 1, 64, 65, 70, 128, 129, 200, 257, 1000};
    for (int s = 0; s < COUNT(starts); s++) {
        tear_down();
        set_up();
        int there = starts[s];
        add(0, there);
        size_t classes = table.size;
        for (size_t class = 0; class < classes; class ++) {
            memory_table_visit(&table, classes, class, note_visit, NULL);
            int more = MOST - there < 7 ? MOST - there : 7;
            add(there, there + more);
            there += more;
        }
        for (int n = 0; n < starts[s]; n++)
            ck_assert_msg(visits[n] > 0 && has(n) == !(n % 2), "%d of %d", n, starts[s]);
    }
}
END_TEST

TEST_MAIN_WITH("cache_memory_table", set_up, tear_down, finds_what_is_there_while_it_grows, tells_keys_of_one_hash,
               visits_all_while_it_grows)
