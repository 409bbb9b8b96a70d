#include "dsgate/base/random.h"
#include "dsgate/sched/balance.h"
#include "net_test.h"

enum { MOST = 8 };

/* The picks as letters: "a" is the first entry. */
static void pick(struct balance_entry *entries, size_t n, size_t picks, char *out)
{
    for (size_t i = 0; i < picks; i++) {
        int at = balance_pick(entries, n);
        out[i] = (char)(at < 0 ? '-' : 'a' + at);
    }
    out[picks] = '\0';
}

START_TEST(test_sequences)
{
    static const struct {
        uint32_t weights[MOST];
        size_t n;
        const char *picks;
    } rows[] = {{{5, 1, 1}, 3, "aabacaaaabacaa"},
                {{1, 1, 1}, 3, "abcabc"},
                {{7}, 1, "aaa"},
                {{2, 1}, 2, "abaaba"},
                {{1, 2}, 2, "babbab"},
                {{1000, 1}, 2, "aaaaaaaaaa"},
                {{0}, 0, "---"},
                {{3, 2, 1}, 3, "abacbaabacba"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct balance_entry entries[MOST] = {0};
        char picks[32];
        for (size_t e = 0; e < rows[i].n; e++)
            entries[e] = (struct balance_entry){.weight = rows[i].weights[e], .eligible = true};
        pick(entries, rows[i].n, strlen(rows[i].picks), picks);
        ck_assert_str_eq(picks, rows[i].picks);
    }
}
END_TEST

START_TEST(test_nothing_eligible_changes_nothing)
{
    struct balance_entry entries[2] = {{.weight = 3, .current = 7}, {.weight = 1, .current = -7}};
    ck_assert_int_eq(balance_pick(entries, 2), -1);
    ck_assert_int_eq(entries[0].current, 7);
    ck_assert_int_eq(entries[1].current, -7);
}
END_TEST

START_TEST(test_only_eligible_ones_are_picked_and_pay)
{
    struct balance_entry entries[3] = {{.weight = 1, .eligible = true},
                                       {.weight = 100, .eligible = false, .current = 42},
                                       {.weight = 1, .eligible = true}};
    char picks[8];
    pick(entries, 3, 4, picks);
    ck_assert_str_eq(picks, "acac");
    ck_assert_int_eq(entries[1].current, 42);
    entries[1].eligible = true;
    pick(entries, 3, 1, picks);
    ck_assert_str_eq(picks, "b");
    ck_assert_int_eq(entries[0].current + entries[1].current + entries[2].current, 42);
}
END_TEST

/* After one round of as many picks as the weights' sum, each has had exactly its weight; on the way nobody is ahead of
 * its share by one pick or more. */
START_TEST(test_weights_are_met)
{
    struct random_source random;
    random_seed(&random, 11);
    for (int round = 0; round < 200; round++) {
        struct balance_entry entries[MOST] = {0};
        int64_t counts[MOST] = {0}, sum = 0;
        size_t n = 1 + random_below(&random, MOST);
        for (size_t e = 0; e < n; e++) {
            entries[e] = (struct balance_entry){.weight = 1 + (uint32_t)random_below(&random, 1000), .eligible = true};
            sum += entries[e].weight;
        }
        for (int64_t k = 1; k <= sum; k++) {
            int at = balance_pick(entries, n);
            ck_assert_int_ge(at, 0);
            counts[at]++;
            ck_assert_int_lt(counts[at] * sum - k * entries[at].weight, sum);
        }
        for (size_t e = 0; e < n; e++) {
            ck_assert_int_eq(counts[e], entries[e].weight);
            ck_assert_int_eq(entries[e].current, 0);
        }
    }
}
END_TEST

TEST_MAIN("balance", test_sequences, test_nothing_eligible_changes_nothing, test_only_eligible_ones_are_picked_and_pay,
          test_weights_are_met)
