#include "../suite.h"
#include "dsgate/cache/entry.h"
#include <pthread.h>

static struct cache_entry *entry_of(struct cache_facts facts, struct text body)
{
    struct iovec piece = iov_of(body);
    return cache_entry_new(&facts, &piece, 1);
}

START_TEST(all_is_copied)
{
    char first[] = "data: ", last[] = "\n\n", tenant[] = "te", model[] = "m", type[] = "typ";
    struct cache_facts facts = {.key = {{1, 2, 3}},
                                .status = 200,
                                .has_usage = true,
                                .prompt = 4,
                                .tenant = text_of(tenant),
                                .model = text_of(model),
                                .type = text_of(type)};
    struct iovec pieces[] = {iov_of(text_of(first)), iov_of(TEXT_NONE), iov_of(TEXT("{\0}")), iov_of(text_of(last))};
    struct cache_entry *e = cache_entry_new(&facts, pieces, COUNT(pieces));
    first[0] = last[0] = tenant[0] = model[0] = type[0] = 'x';
    facts.key.bytes[0] = 9;
    ck_assert(text_eq(e->body, TEXT("data: {\0}\n\n")));
    ck_assert_uint_eq(e->facts.key.bytes[0], 1);
    ck_assert_uint_eq(e->facts.prompt, 4);
    ck_assert(text_is(e->facts.tenant, "te") && text_is(e->facts.model, "m") && text_is(e->facts.type, "typ"));
    ck_assert(e->facts.has_usage && !e->facts.stream);
    ck_assert_uint_eq(e->size, sizeof *e + 6 + e->body.n);
    cache_entry_unref(e);
}
END_TEST

START_TEST(without_a_body)
{
    struct cache_entry *e = cache_entry_new(&(struct cache_facts){0}, NULL, 0);
    ck_assert_uint_eq(e->body.n, 0);
    ck_assert_uint_eq(e->size, sizeof *e);
    cache_entry_unref(e);
    cache_entry_unref(NULL);
}
END_TEST

START_TEST(ages)
{
    static const struct {
        usec_t created, now, age;
    } rows[] = {{100, 100, 0}, {100, 101, 1}, {100, 99, 0}, {100, 0, 0}, {0, USEC_NEVER, USEC_NEVER}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct cache_entry *e = entry_of((struct cache_facts){.created = rows[i].created}, TEXT("x"));
        ck_assert_msg(cache_entry_age(e, rows[i].now) == rows[i].age, "row %d", i);
        cache_entry_unref(e);
    }
}
END_TEST

START_TEST(freshness)
{
    static const struct {
        usec_t fresh, stale, now;
        enum cache_freshness is;
    } rows[] = {{10, 5, 1000, CACHE_FRESH},
                {10, 5, 1009, CACHE_FRESH},
                {10, 5, 1010, CACHE_STALE},
                {10, 5, 1014, CACHE_STALE},
                {10, 5, 1015, CACHE_DEAD},
                {10, 0, 1010, CACHE_DEAD},
                {0, 5, 1000, CACHE_STALE},
                {0, 0, 1000, CACHE_DEAD},
                {USEC_NEVER, USEC_NEVER, 1015, CACHE_FRESH},
                {10, USEC_NEVER, USEC_NEVER, CACHE_STALE}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct cache_facts facts = {.created = 1000, .fresh = rows[i].fresh, .stale = rows[i].stale};
        struct cache_entry *e = entry_of(facts, TEXT("x"));
        ck_assert_msg(cache_entry_freshness(e, rows[i].now) == rows[i].is, "row %d", i);
        cache_entry_unref(e);
    }
}
END_TEST

/* A replica's clock is ahead a little; one was set back by more. */
START_TEST(what_comes_from_the_future)
{
    static const struct {
        usec_t ahead;
        enum cache_freshness is;
    } rows[] = {{1, CACHE_FRESH},
                {CACHE_CLOCK_SKEW, CACHE_FRESH},
                {CACHE_CLOCK_SKEW + 1, CACHE_DEAD},
                {3600 * USEC_PER_SEC, CACHE_DEAD},
                {INT64_MAX / 4, CACHE_DEAD}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct cache_facts facts = {.created = rows[i].ahead, .fresh = 10, .stale = USEC_NEVER};
        struct cache_entry *e = entry_of(facts, TEXT("x"));
        ck_assert_msg(cache_entry_freshness(e, 0) == rows[i].is, "row %d", i);
        cache_entry_unref(e);
    }
}
END_TEST

/* ---- whoever is the last frees it: run it under the sanitizers ---- */

enum { THREADS = 4, TURNS = 20000 };

static void *hold_and_let_go(void *arg)
{
    struct cache_entry *e = arg;
    for (int i = 0; i < TURNS; i++) {
        cache_entry_ref(e);
        cache_entry_unref(e);
    }
    bool right = text_is(e->body, "body");
    cache_entry_unref(e);
    return right ? arg : NULL;
}

START_TEST(references_of_many_threads)
{
    struct cache_entry *e = entry_of((struct cache_facts){0}, TEXT("body"));
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, hold_and_let_go, cache_entry_ref(e)), 0);
    cache_entry_unref(e);
    for (int i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ck_assert_ptr_nonnull(result);
    }
}
END_TEST

TEST_MAIN("cache_entry", all_is_copied, without_a_body, ages, freshness, what_comes_from_the_future,
          references_of_many_threads)
