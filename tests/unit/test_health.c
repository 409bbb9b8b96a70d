#include "dsgate/sched/health.h"
#include "net_test.h"

static enum outcome outcome_of(char c)
{
    return c == 's' ? OUTCOME_SUCCESS : c == 'f' ? OUTCOME_FAULT : c == 'b' ? OUTCOME_BUSY : OUTCOME_NEUTRAL;
}

/* Outcomes as letters, and what each changes: '.' nothing, 'D' it goes down, 'U' it comes up. */
START_TEST(test_transitions)
{
    static const struct {
        unsigned down_after, up_after;
        const char *outcomes, *changes;
    } rows[] = {
        {3, 2, "fff", "..D"},         {3, 2, "ffsfff", ".....D"},   {3, 2, "fffss", "..D.U"},
        {3, 2, "fffsfss", "..D...U"}, {3, 2, "ffffff", "..D..."},   {3, 2, "fffssfff", "..D.U..D"},
        {3, 2, "fffssff", "..D.U.."}, {3, 2, "ssss", "...."},       {1, 1, "fsfs", "DUDU"},
        {3, 2, "fbnfbnf", "......D"}, /* back-pressure and neutral ones neither add nor interrupt */
        {3, 2, "bbbbbb", "......"},   {3, 2, "fffsnbs", "..D...U"}, {1, 3, "fsssf", "D..UD"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct health_rules rules = {10, rows[i].down_after, rows[i].up_after};
        struct health h = {0};
        for (size_t k = 0; rows[i].outcomes[k]; k++) {
            enum health_change change = health_note(&h, &rules, outcome_of(rows[i].outcomes[k]), (usec_t)k);
            ck_assert_msg(".DU"[change] == rows[i].changes[k], "%s, at %zu", rows[i].outcomes, k);
            if (change != HEALTH_SAME) ck_assert(h.down == (change == HEALTH_WENT_DOWN));
        }
    }
}
END_TEST

START_TEST(test_probes_are_due_when_something_is_suspected)
{
    struct health_rules rules = {1000, 2, 2};
    struct health h = {0};
    ck_assert_int_eq(health_probe_due(&h, &rules), USEC_NEVER);
    health_note(&h, &rules, OUTCOME_SUCCESS, 50);
    ck_assert_int_eq(health_probe_due(&h, &rules), USEC_NEVER);
    health_note(&h, &rules, OUTCOME_FAULT, 100);
    ck_assert_int_eq(health_probe_due(&h, &rules), 1100);
    health_note(&h, &rules, OUTCOME_SUCCESS, 200);
    ck_assert_int_eq(health_probe_due(&h, &rules), USEC_NEVER);
    health_note(&h, &rules, OUTCOME_FAULT, 300);
    health_note(&h, &rules, OUTCOME_FAULT, 400);
    ck_assert(h.down);
    ck_assert_int_eq(health_probe_due(&h, &rules), 1400);
    health_note(&h, &rules, OUTCOME_SUCCESS, 1400);
    ck_assert_int_eq(health_probe_due(&h, &rules), 2400);
    health_note(&h, &rules, OUTCOME_SUCCESS, 2400);
    ck_assert(!h.down);
    ck_assert_int_eq(health_probe_due(&h, &rules), USEC_NEVER);
}
END_TEST

START_TEST(test_what_does_not_count_does_not_put_probes_off)
{
    struct health_rules rules = {1000, 1, 1};
    struct health h = {0};
    health_note(&h, &rules, OUTCOME_FAULT, 100);
    health_note(&h, &rules, OUTCOME_NEUTRAL, 900);
    health_note(&h, &rules, OUTCOME_BUSY, 950);
    ck_assert_int_eq(health_probe_due(&h, &rules), 1100);
}
END_TEST

START_TEST(test_rules_are_those_of_the_config)
{
    struct conf_upstream u = {.health = {.interval = 7, .down_after = 3, .up_after = 2}};
    struct health_rules rules = health_rules_of(&u);
    ck_assert_int_eq(rules.interval, 7);
    ck_assert_uint_eq(rules.down_after, 3);
    ck_assert_uint_eq(rules.up_after, 2);
}
END_TEST

TEST_MAIN("health", test_rules_are_those_of_the_config, test_transitions,
          test_probes_are_due_when_something_is_suspected, test_what_does_not_count_does_not_put_probes_off)
