#include "balance_test.h"

/* ---- all of them ---- */

static int pick(int policy, struct contender *c, size_t n, struct random_source *random)
{
    switch (policy) {
    case 0: return balance_weighted(c, n);
    case 1: return balance_least_busy(c, n, random);
    case 2: return balance_latency(c, n, random);
    case 3: return balance_cost(c, n);
    default: return balance_affinity(c, n, random_next(random));
    }
}

static void randomize(struct contender *c, size_t n, struct random_source *random)
{
    for (size_t i = 0; i < n; i++) {
        c[i].eligible = random_below(random, 3) > 0;
        c[i].weight = 1 + (uint32_t)random_below(random, 1000000);
        c[i].price = (double)random_below(random, 4);
        c[i].first_token = (double)random_below(random, 3) * 1000;
        c[i].failing = (double)random_below(random, 5) / 4;
        c[i].in_flight = random_below(random, 2) ? 0 : (unsigned)random_below(random, 1000000000);
        c[i].identity = random_next(random);
    }
}

START_TEST(test_whoever_is_eligible_is_found_and_nobody_else)
{
    struct random_source random;
    random_seed(&random, 9);
    for (int policy = 0; policy < 5; policy++) {
        struct contender c[MOST] = {0};
        ck_assert_int_eq(pick(policy, c, 0, &random), -1);
        for (int i = 0; i < 20000; i++) {
            size_t n = 1 + random_below(&random, MOST), eligible = 0;
            randomize(c, n, &random);
            for (size_t k = 0; k < n; k++)
                eligible += c[k].eligible;
            int at = pick(policy, c, n, &random);
            ck_assert_int_eq(at >= 0, eligible > 0);
            if (at >= 0) ck_assert((size_t)at < n && c[at].eligible);
        }
    }
}
END_TEST

/* ---- weighted ---- */

/* The picks as letters: "a" is the first contender. */
static const char *weighted_picks(struct contender *c, size_t n, size_t picks)
{
    static char out[64];
    for (size_t i = 0; i < picks; i++) {
        int at = balance_weighted(c, n);
        out[i] = (char)(at < 0 ? '-' : 'a' + at);
    }
    out[picks] = '\0';
    return out;
}

START_TEST(test_sequences)
{
    static const struct {
        uint32_t weights[MOST];
        const char *picks;
    } rows[] = {{{5, 1, 1}, "aabacaaaabacaa"},
                {{5000, 1000, 1000}, "aabacaaaabacaa"},
                {{1, 1, 1}, "abcabc"},
                {{7}, "aaa"},
                {{2, 1}, "abaaba"},
                {{1, 2}, "babbab"},
                {{1000, 1}, "aaaaaaaaaa"},
                {{0}, "---"},
                {{3, 2, 1}, "abacbaabacba"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct contender c[MOST] = {0};
        size_t n = fill(c, rows[i].weights);
        ck_assert_str_eq(weighted_picks(c, n, strlen(rows[i].picks)), rows[i].picks);
    }
}
END_TEST

START_TEST(test_nothing_eligible_changes_nothing)
{
    struct contender c[2] = {{.weight = 3, .current = 7}, {.weight = 1, .current = -7}};
    ck_assert_int_eq(balance_weighted(c, 2), -1);
    ck_assert_int_eq(c[0].current, 7);
    ck_assert_int_eq(c[1].current, -7);
}
END_TEST

START_TEST(test_only_eligible_ones_are_picked_and_pay)
{
    struct contender c[3] = {contender_of(1), contender_of(100), contender_of(1)};
    c[1].eligible = false;
    c[1].current = 42;
    ck_assert_str_eq(weighted_picks(c, 3, 4), "acac");
    ck_assert_int_eq(c[1].current, 42);
    c[1].eligible = true;
    ck_assert_str_eq(weighted_picks(c, 3, 1), "b");
    ck_assert_int_eq(c[0].current + c[1].current + c[2].current, 42);
}
END_TEST

/* After one round of as many picks as the weights' sum, each has had exactly its weight; on the way nobody is ahead of
 * its share by one pick or more. */
START_TEST(test_weights_are_met)
{
    struct random_source random;
    random_seed(&random, 11);
    for (int round = 0; round < 200; round++) {
        struct contender c[MOST] = {0};
        int64_t counts[MOST] = {0}, sum = 0;
        size_t n = 1 + random_below(&random, MOST);
        for (size_t i = 0; i < n; i++) {
            c[i] = contender_of(1 + (uint32_t)random_below(&random, 1000));
            sum += c[i].weight;
        }
        for (int64_t k = 1; k <= sum; k++) {
            int at = balance_weighted(c, n);
            ck_assert_int_ge(at, 0);
            counts[at]++;
            ck_assert_int_lt(counts[at] * sum - k * c[at].weight, sum);
        }
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(counts[i], c[i].weight);
            ck_assert_int_eq(c[i].current, 0);
        }
    }
}
END_TEST

static void check_shares(struct contender *c, size_t n, const uint32_t *weights)
{
    enum { PICKS = 10000 };
    int counts[MOST] = {0};
    for (int k = 0; k < PICKS; k++)
        counts[balance_weighted(c, n)]++;
    for (size_t i = 0; i < n; i++)
        ck_assert_double_eq_tol(counts[i], (double)PICKS * weights[i] / (double)sum_of(weights), PICKS / 100);
}

/* From any weights to any others, also to a thousandth of them: what was earned before is soon forgotten. */
START_TEST(test_weights_that_change)
{
    static const uint32_t weights[][MOST] = {{1000, 1000, 1000}, {5000, 1000, 1000}, {1000000, 1000, 500000},
                                             {1, 1, 1},          {1000, 100, 10},    {1, 1000000, 1000000}};
    for (int from = 0; from < COUNT(weights); from++) {
        for (int to = 0; to < COUNT(weights); to++) {
            struct contender c[MOST] = {0};
            size_t n = fill(c, weights[from]);
            for (int i = 0; i < 1234; i++)
                balance_weighted(c, n);
            for (size_t i = 0; i < n; i++)
                c[i].weight = weights[to][i];
            check_shares(c, n, weights[to]);
        }
    }
}
END_TEST

/* The heaviest one comes and goes, with every other call, as at a limit, or for a long time: each gets what its shares
 * add up to. The changing weight of the second one does not matter either. */
START_TEST(test_eligibility_that_changes)
{
    static const int periods[] = {1, 2, 3, 7, 10, 500, 2500};
    for (int k = 0; k < COUNT(periods); k++) {
        struct contender c[3] = {contender_of(6000), contender_of(3000), contender_of(1000)};
        double counts[3] = {0}, expected[3] = {0};
        for (int i = 0; i < 10000; i++) {
            c[0].eligible = i / periods[k] % 2;
            c[1].weight = i / 700 % 2 ? 3000 : 1;
            double sum = (c[0].eligible ? c[0].weight : 0) + c[1].weight + c[2].weight;
            for (int who = 0; who < 3; who++)
                expected[who] += c[who].eligible ? c[who].weight / sum : 0;
            counts[balance_weighted(c, 3)]++;
            for (int who = 0; who < 3; who++)
                ck_assert_double_eq_tol(counts[who], expected[who], 3);
        }
    }
}
END_TEST

/* ---- cost ---- */

START_TEST(test_cost)
{
    static const struct {
        double prices[4];
        uint32_t weights[MOST];
        const char *picks;
    } rows[] = {
        {{3, 1, 2}, {1, 1, 1}, "bbb"},     {{1, 1.005, 2}, {2, 1, 9}, "abaaba"}, /* as good as equal: by weight */
        {{1, 1.02, 1}, {1, 1, 1}, "acac"}, {{0, 5, 0}, {9, 1, 9}, "bbb"},        /* unknown prices come last */
        {{0, 0, 0}, {5, 1, 1}, "aabacaa"}, {{0.001, 0, 100}, {1, 1, 1}, "aaa"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct contender c[MOST] = {0};
        size_t n = fill(c, rows[i].weights);
        for (size_t k = 0; k < n; k++)
            c[k].price = rows[i].prices[k];
        for (size_t k = 0; rows[i].picks[k]; k++)
            ck_assert_int_eq(balance_cost(c, n), rows[i].picks[k] - 'a');
    }
}
END_TEST

START_TEST(test_cost_of_those_that_are_left)
{
    struct contender c[3] = {contender_of(1), contender_of(1), contender_of(1)};
    c[0].price = 1, c[1].price = 2;
    c[0].eligible = false;
    ck_assert_int_eq(balance_cost(c, 3), 1);
    c[1].eligible = false;
    ck_assert_int_eq(balance_cost(c, 3), 2);
    c[2].eligible = false;
    ck_assert_int_eq(balance_cost(c, 3), -1);
}
END_TEST

TEST_MAIN("balance", test_whoever_is_eligible_is_found_and_nobody_else, test_sequences,
          test_nothing_eligible_changes_nothing, test_only_eligible_ones_are_picked_and_pay, test_weights_are_met,
          test_weights_that_change, test_eligibility_that_changes, test_cost, test_cost_of_those_that_are_left)
