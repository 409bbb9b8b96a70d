#include "../../src/cache/sketch.h"
#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/base/text.h"

#define NEVER UINT64_MAX

static void add(struct sketch *s, uint64_t n, int times, uint64_t sample)
{
    for (int i = 0; i < times; i++)
        sketch_add(s, random_mix(n), sample);
}

static unsigned count_of(const struct sketch *s, uint64_t n) { return sketch_count(s, random_mix(n)); }

START_TEST(sizes)
{
    static const struct {
        size_t bytes, got;
    } rows[] = {{0, 64}, {63, 64}, {64, 64}, {127, 64}, {128, 128}, {1000, 960}, {1 << 20, 1 << 20}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct sketch s;
        sketch_init(&s, rows[i].bytes);
        ck_assert_uint_eq(sketch_bytes(&s), rows[i].got);
        ck_assert_uint_eq(count_of(&s, 1), 0);
        sketch_free(&s);
    }
}
END_TEST

START_TEST(counts_up_to_the_most)
{
    struct sketch s;
    sketch_init(&s, 4096);
    for (unsigned i = 1; i <= 20; i++) {
        add(&s, 1, 1, NEVER);
        ck_assert_uint_eq(count_of(&s, 1), i < SKETCH_MOST ? i : SKETCH_MOST);
    }
    ck_assert_uint_eq(count_of(&s, 2), 0);
    sketch_free(&s);
}
END_TEST

/* Of as many keys as it has words (and so as many entries as it is made for): never too few, mostly exact. */
START_TEST(is_never_too_low_and_seldom_too_high)
{
    enum { KEYS = 10000 };
    struct sketch s;
    sketch_init(&s, KEYS * sizeof(uint64_t));
    for (uint64_t n = 0; n < KEYS; n++)
        add(&s, n, 1 + (int)(n % 10), NEVER);
    int wrong = 0, strangers = 0;
    for (uint64_t n = 0; n < KEYS; n++) {
        ck_assert_uint_ge(count_of(&s, n), 1 + n % 10);
        wrong += count_of(&s, n) > 1 + n % 10;
        strangers += count_of(&s, KEYS + n) > 0;
    }
    ck_assert_int_lt(wrong, KEYS / 50);
    ck_assert_int_lt(strangers, KEYS / 50);
    sketch_free(&s);
}
END_TEST

/* Over the additions that follow the last of a sample, but all of it long before the next. */
START_TEST(halves_after_a_sample)
{
    enum { SAMPLE = 1000, BLOCKS = 64 };
    struct sketch s;
    sketch_init(&s, BLOCKS * 64);
    add(&s, 1, 15, SAMPLE);
    add(&s, 2, 7, SAMPLE);
    add(&s, 3, 1, SAMPLE);
    add(&s, 4, SAMPLE - 15 - 7 - 1, SAMPLE);
    ck_assert_uint_eq(count_of(&s, 1), 15);
    ck_assert_uint_eq(count_of(&s, 2), 7);
    add(&s, 4, BLOCKS / 8, SAMPLE);
    ck_assert_uint_eq(count_of(&s, 1), 7);
    ck_assert_uint_eq(count_of(&s, 2), 3);
    ck_assert_uint_eq(count_of(&s, 3), 0);
    add(&s, 4, SAMPLE - BLOCKS / 8, SAMPLE);
    ck_assert_uint_eq(count_of(&s, 1), 7);
    add(&s, 4, BLOCKS / 8, SAMPLE);
    ck_assert_uint_eq(count_of(&s, 1), 3);
    ck_assert_uint_eq(count_of(&s, 2), 1);
    sketch_free(&s);
}
END_TEST

/* The next sample does not begin before the last block has been halved. */
START_TEST(halves_all_of_it_however_short_the_sample)
{
    struct sketch s;
    sketch_init(&s, 1 << 20);
    for (uint64_t n = 0; n < 1000; n++)
        add(&s, n, 15, NEVER);
    for (int i = 0; i < (1 << 20) / 64 / 8 + 1; i++)
        add(&s, 5000, 1, 1);
    for (uint64_t n = 0; n < 1000; n++)
        ck_assert_uint_eq(count_of(&s, n), 7);
    sketch_free(&s);
}
END_TEST

TEST_MAIN("cache_sketch", sizes, counts_up_to_the_most, is_never_too_low_and_seldom_too_high, halves_after_a_sample,
          halves_all_of_it_however_short_the_sample)
