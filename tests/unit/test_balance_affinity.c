#include "balance_test.h"

enum { KEYS = 300000 };

START_TEST(test_affinity_keeps_to_weights)
{
    static const uint32_t weights[][MOST] = {
        {1000, 1000, 1000}, {3000, 2000, 1000}, {5000, 1000}, {1, 1, 1, 1, 1, 1, 1, 1}, {1000000, 500000, 250000}};
    for (int i = 0; i < COUNT(weights); i++) {
        struct contender c[MOST] = {0};
        int counts[MOST] = {0};
        size_t n = fill(c, weights[i]);
        for (uint64_t key = 0; key < KEYS; key++) { /* numbers in a row: the worst keys for a hash */
            int at = balance_affinity(c, n, key);
            counts[at]++;
            if (key % 16 == 0) ck_assert_int_eq(balance_affinity(c, n, key), at);
        }
        for (size_t k = 0; k < n; k++) {
            double expected = (double)KEYS * weights[i][k] / (double)sum_of(weights[i]);
            ck_assert_double_eq_tol(counts[k] / expected, 1, 0.02);
        }
    }
}
END_TEST

/* When one goes, or loses weight, only its own keys move, and they spread over the others. The order in which
 * contenders stand does not matter. */
START_TEST(test_affinity_moves_as_few_keys_as_possible)
{
    static const uint32_t weights[MOST] = {1000, 2000, 1000, 1000};
    struct contender c[MOST] = {0}, without[MOST], lighter[MOST], turned[MOST];
    size_t n = fill(c, weights);
    int moved[MOST] = {0}, lost = 0;
    memcpy(without, c, sizeof c);
    without[1].eligible = false;
    memcpy(lighter, c, sizeof c);
    lighter[1].weight = 1000;
    for (size_t i = 0; i < n; i++)
        turned[i] = c[n - 1 - i];
    for (uint64_t key = 0; key < KEYS; key++) {
        int at = balance_affinity(c, n, key), then = balance_affinity(without, n, key);
        ck_assert_int_eq(balance_affinity(turned, n, key), (int)n - 1 - at);
        if (at == 1)
            moved[then]++;
        else
            ck_assert_int_eq(then, at);
        int less = balance_affinity(lighter, n, key);
        if (less != at) ck_assert_int_eq(at, 1);
        lost += less != at;
    }
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq_tol(moved[i], i == 1 ? 0 : KEYS * 2 / 5 / 3, 800);
    ck_assert_double_eq_tol(lost, KEYS * (2 / 5.0 - 1 / 4.0), 800);
}
END_TEST

/* One conversation, or all of them the same: nobody gets more than 5/4 of its share, rounded up. */
START_TEST(test_affinity_is_bounded)
{
    static const uint32_t weights[][MOST] = {{1000, 1000, 1000}, {3000, 2000, 1000}, {1000, 100}, {1000}};
    for (int i = 0; i < COUNT(weights); i++) {
        for (uint64_t key = 0; key < 20; key++) {
            struct contender c[MOST] = {0};
            size_t n = fill(c, weights[i]);
            int first = balance_affinity(c, n, key);
            for (uint64_t calls = 1; calls <= 1000; calls++) {
                int at = balance_affinity(c, n, key);
                ck_assert_int_ge(at, 0);
                if (calls <= BALANCE_AFFINITY_FREE) ck_assert_int_eq(at, first);
                c[at].in_flight++;
                uint64_t sum = sum_of(weights[i]), bound = (5 * calls * c[at].weight + 4 * sum - 1) / (4 * sum);
                ck_assert(c[at].in_flight <= bound || c[at].in_flight <= BALANCE_AFFINITY_FREE);
            }
            double most = 1250.0 * c[first].weight / (double)sum_of(weights[i]);
            ck_assert_double_ge(c[first].in_flight, most < 1000 ? most : 1000); /* nor does it give up more than that */
        }
    }
}
END_TEST

START_TEST(test_affinity_comes_back)
{
    struct contender c[2] = {contender_of(1000), contender_of(1000)};
    c[1].identity = 1;
    int first = balance_affinity(c, 2, 77);
    c[first].in_flight = 100;
    ck_assert_int_eq(balance_affinity(c, 2, 77), !first);
    c[!first].in_flight = 59; /* 5/4 of half of 160 calls are 100: the hundred and first would be one too many */
    ck_assert_int_eq(balance_affinity(c, 2, 77), !first);
    c[!first].in_flight = 61;
    ck_assert_int_eq(balance_affinity(c, 2, 77), first);
}
END_TEST

TEST_MAIN("balance_affinity", test_affinity_keeps_to_weights, test_affinity_moves_as_few_keys_as_possible,
          test_affinity_is_bounded, test_affinity_comes_back)
