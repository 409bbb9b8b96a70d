#include "../../src/gate/discovery_policy.h"
#include "net_test.h"

static struct record records[2000];
static struct records_answer answer;
static struct endpoint_set set, known;

static void set_up(void) { answer = (struct records_answer){.at = records}; }

static void tear_down(void)
{
    endpoint_set_free(&set);
    endpoint_set_free(&known);
}

static void add(const char *host, unsigned port, unsigned priority, unsigned weight)
{
    struct record *r = &records[answer.count++];
    *r = (struct record){.priority = priority, .weight = weight};
    ck_assert(address_of_host(host, port, &r->address));
}

static void understand(enum records_kind kind)
{
    endpoint_set_free(&set);
    set = endpoints_of(&answer, kind);
}

/* The set becomes what is known, and the answer is empty again. */
static void know(enum records_kind kind)
{
    endpoint_set_free(&known);
    known = endpoints_of(&answer, kind);
    answer.count = 0;
}

static void check_set(const char *expected)
{
    struct buf words = {0};
    for (unsigned i = 0; i < set.count; i++) {
        address_format(&set.at[i].address, &words);
        buf_printf(&words, " %u%s, ", set.at[i].weight, set.at[i].backup ? " backup" : "");
    }
    ck_assert_msg(text_is(buf_text(&words), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&words)));
    buf_free(&words);
}

START_TEST(test_addresses_are_sorted_and_single)
{
    add("::2", 80, 0, 0);
    add("10.0.0.2", 80, 0, 0);
    add("10.0.0.1", 90, 0, 0);
    add("10.0.0.1", 80, 0, 0);
    add("10.0.0.2", 80, 0, 0);
    add("::1", 80, 0, 0);
    understand(RECORDS_A);
    check_set("10.0.0.1:80 0, 10.0.0.1:90 0, 10.0.0.2:80 0, [::1]:80 0, [::2]:80 0, ");
}
END_TEST

START_TEST(test_an_answer_in_another_order_is_the_same)
{
    for (unsigned i = 0; i < 100; i++) {
        char host[16];
        snprintf(host, sizeof host, "10.0.0.%u", i * 37 % 100);
        add(host, 80, i % 3, i % 5);
    }
    know(RECORDS_A);
    for (unsigned i = 0; i < 100; i++) {
        char host[16];
        snprintf(host, sizeof host, "10.0.0.%u", i);
        add(host, 80, 0, 0);
    }
    understand(RECORDS_A);
    ck_assert(endpoints_same(&set, &known));
    ck_assert_uint_eq(endpoints_cut(&set, 40), 60);
    ck_assert_uint_eq(endpoints_cut(&set, 40), 0);
    ck_assert_uint_eq(endpoints_cut(&known, 40), 60);
    ck_assert(endpoints_same(&set, &known));
}
END_TEST

/* Before the cut at max_endpoints the primaries come first. */
START_TEST(test_the_lowest_priority_is_primary)
{
    add("10.0.0.1", 80, 20, 5);
    add("10.0.0.3", 80, 10, 6);
    add("10.0.0.2", 80, 10, 7);
    add("10.0.0.0", 80, 30, 8);
    understand(RECORDS_SRV);
    check_set("10.0.0.2:80 7, 10.0.0.3:80 6, 10.0.0.0:80 8 backup, 10.0.0.1:80 5 backup, ");
}
END_TEST

START_TEST(test_of_one_address_the_best_service_counts)
{
    add("10.0.0.1", 80, 2, 9);
    add("10.0.0.1", 80, 1, 3);
    add("10.0.0.1", 80, 1, 4);
    understand(RECORDS_SRV);
    check_set("10.0.0.1:80 4, ");
}
END_TEST

START_TEST(test_weights)
{
    add("10.0.0.1", 80, 0, 0);
    add("10.0.0.2", 80, 0, 1000);
    understand(RECORDS_SRV);
    check_set("10.0.0.1:80 1, 10.0.0.2:80 1000, ");
    add("10.0.0.3", 80, 0, 65535);
    add("10.0.0.4", 80, 0, 32768);
    understand(RECORDS_SRV);
    check_set("10.0.0.1:80 1, 10.0.0.2:80 15, 10.0.0.3:80 1000, 10.0.0.4:80 500, ");
}
END_TEST

START_TEST(test_what_counts_as_a_change)
{
    add("10.0.0.1", 80, 1, 5);
    add("10.0.0.2", 80, 2, 5);
    know(RECORDS_SRV);
    const struct {
        unsigned port, priority, weight;
        bool same;
    } second[] = {{80, 2, 5, true}, {80, 9, 5, true}, {80, 1, 5, false}, {80, 2, 6, false}, {81, 2, 5, false}};
    for (int i = 0; i < COUNT(second); i++) {
        answer.count = 0;
        add("10.0.0.1", 80, 1, 5);
        add("10.0.0.2", second[i].port, second[i].priority, second[i].weight);
        understand(RECORDS_SRV);
        ck_assert_msg(endpoints_same(&set, &known) == second[i].same, "%d", i);
    }
    answer.count = 1;
    understand(RECORDS_SRV);
    ck_assert(!endpoints_same(&set, &known) && !endpoints_same(&known, &set));
}
END_TEST

START_TEST(test_a_family_that_was_not_answered_stays)
{
    add("10.0.0.1", 80, 0, 0);
    add("10.0.0.2", 80, 0, 0);
    add("::1", 80, 0, 0);
    know(RECORDS_A);
    add("10.0.0.2", 80, 0, 0);
    understand(RECORDS_A);
    endpoints_keep(&set, &known, RECORDS_MISSED_V6);
    check_set("10.0.0.2:80 0, [::1]:80 0, ");
    endpoints_keep(&set, &known, RECORDS_MISSED_V4 | RECORDS_MISSED_V6);
    check_set("10.0.0.1:80 0, 10.0.0.2:80 0, [::1]:80 0, ");
    endpoints_keep(&set, &(struct endpoint_set){0}, RECORDS_MISSED_V4);
    check_set("10.0.0.1:80 0, 10.0.0.2:80 0, [::1]:80 0, ");
}
END_TEST

START_TEST(test_empty_sets)
{
    understand(RECORDS_SRV);
    check_set("");
    endpoints_keep(&set, &known, RECORDS_MISSED_V4);
    ck_assert_uint_eq(endpoints_cut(&set, 5), 0);
    ck_assert(endpoints_same(&set, &known));
}
END_TEST

START_TEST(test_what_is_missing_in_words)
{
    struct buf words = {0};
    add("10.0.0.1", 80, 0, 1);
    add("::1", 80, 0, 1);
    know(RECORDS_SRV);
    add("10.0.0.1", 80, 3, 2);
    understand(RECORDS_SRV);
    ck_assert_uint_eq(endpoints_describe_missing(&known, &set, &words), 1);
    ck_assert(text_is(buf_text(&words), "[::1]:80"));
    buf_clear(&words);
    ck_assert_uint_eq(endpoints_describe_missing(&set, &known, &words), 0);
    ck_assert_uint_eq(buf_len(&words), 0);
    for (unsigned i = 2; i < 20; i++)
        add("10.0.1.1", i, 0, 0);
    understand(RECORDS_SRV);
    ck_assert_uint_eq(endpoints_describe_missing(&set, &known, &words), 18);
    ck_assert(text_starts(buf_text(&words), TEXT("10.0.1.1:2, 10.0.1.1:3, ")));
    ck_assert_msg(text_ends(buf_text(&words), TEXT(", 10.0.1.1:17 and 2 more")), TEXT_FORMAT,
                  TEXT_ARGS(buf_text(&words)));
    buf_free(&words);
}
END_TEST

START_TEST(test_times)
{
    const usec_t s = USEC_PER_SEC;
    ck_assert_int_eq(discovery_next_ask(100 * s, 0), 101 * s);
    ck_assert_int_eq(discovery_next_ask(100 * s, 30 * s), 130 * s);
    ck_assert_int_eq(discovery_next_ask(100 * s, 86400 * s), 400 * s);
    const int waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
    usec_t wait = 0;
    for (int i = 0; i < COUNT(waits); i++) {
        wait = discovery_next_wait(wait);
        ck_assert_int_eq(wait, waits[i] * s);
    }
    ck_assert_int_eq(discovery_next_tell(100 * s, 0), 100 * s);
    ck_assert_int_eq(discovery_next_tell(100 * s, 99 * s + 1), 100 * s + 1);
    ck_assert_int_eq(discovery_next_tell(100 * s, 99 * s), 100 * s);
}
END_TEST

TEST_MAIN_WITH("discovery_policy", set_up, tear_down, test_addresses_are_sorted_and_single,
               test_an_answer_in_another_order_is_the_same, test_the_lowest_priority_is_primary,
               test_of_one_address_the_best_service_counts, test_weights, test_what_counts_as_a_change,
               test_a_family_that_was_not_answered_stays, test_empty_sets, test_what_is_missing_in_words, test_times)
