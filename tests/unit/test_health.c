#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/health.h"

static const struct health_rules usual = {PROBES_SUSPECTED, 1000, 2, 2};

/* With this number the jitter is none. */
static const uint64_t middle = UINT64_MAX / 2;

static enum health_change note(struct health *h, bool alive, usec_t now)
{
    return health_note(h, &usual, alive, now, middle);
}

/* Probes as letters, good or failed, and what each changes: '.' nothing, 'D' it goes down, 'U' it comes up. 'c' is a
 * call that fails. */
START_TEST(test_transitions)
{
    static const struct {
        unsigned down_after, up_after;
        const char *events, *changes;
    } rows[] = {
        {3, 2, "fff", "..D"},         {3, 2, "ffgfff", ".....D"}, {3, 2, "fffgg", "..D.U"},
        {3, 2, "fffgfgg", "..D...U"}, {3, 2, "ffffff", "..D..."}, {3, 2, "fffggfff", "..D.U..D"},
        {3, 2, "fffggff", "..D.U.."}, {3, 2, "gggg", "...."},     {1, 1, "fgfg", "DUDU"},
        {1, 3, "fgggf", "D..UD"},     {1, 1, "cccc", "...."},     {2, 2, "cfcfcgcg", "...D...U"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct health_rules rules = {PROBES_SUSPECTED, 10, rows[i].down_after, rows[i].up_after};
        struct health h = {0};
        for (int k = 0; rows[i].events[k]; k++) {
            enum health_change change = HEALTH_SAME;
            if (rows[i].events[k] == 'c')
                health_suspect(&h, k);
            else
                change = health_note(&h, &rules, rows[i].events[k] == 'g', k, 0);
            ck_assert_msg(".DU"[change] == rows[i].changes[k], "%s, at %d", rows[i].events, k);
            if (change != HEALTH_SAME) ck_assert(h.down == (change == HEALTH_WENT_DOWN));
        }
    }
}
END_TEST

START_TEST(test_probes_are_due_when_something_is_suspected)
{
    struct health h = {0};
    ck_assert_int_eq(health_probe_due(&h, &usual), USEC_NEVER);
    health_suspect(&h, 50);
    ck_assert_int_eq(health_probe_due(&h, &usual), 50);
    health_suspect(&h, 70);
    ck_assert_int_eq(health_probe_due(&h, &usual), 50);
    note(&h, true, 100);
    ck_assert_int_eq(health_probe_due(&h, &usual), USEC_NEVER);
    health_suspect(&h, 5000);
    note(&h, false, 5100);
    ck_assert_int_eq(health_probe_due(&h, &usual), 6100);
    health_suspect(&h, 5200);
    ck_assert_int_eq(health_probe_due(&h, &usual), 6100);
    ck_assert_int_eq(note(&h, false, 6100), HEALTH_WENT_DOWN);
    ck_assert_int_eq(health_probe_due(&h, &usual), 7100);
    note(&h, false, 7100);
    ck_assert_int_eq(health_probe_due(&h, &usual), 8100);
}
END_TEST

START_TEST(test_good_probes_are_confirmed_soon)
{
    struct health h = {0};
    note(&h, false, 100);
    note(&h, false, 1100);
    ck_assert_int_eq(note(&h, true, 2100), HEALTH_SAME);
    ck_assert_int_eq(health_probe_due(&h, &usual), 2300);
    health_suspect(&h, 2200); /* a call from before */
    ck_assert_int_eq(health_probe_due(&h, &usual), 2300);
    note(&h, false, 2300);
    ck_assert_int_eq(health_probe_due(&h, &usual), 3300);
    note(&h, true, 3300);
    ck_assert_int_eq(note(&h, true, 3500), HEALTH_CAME_UP);
    ck_assert_int_eq(health_probe_due(&h, &usual), USEC_NEVER);
}
END_TEST

/* Calls that fail where probes are good: each of them makes it suspected, but probes keep their distance. */
START_TEST(test_suspicions_are_no_flood)
{
    struct health h = {0};
    unsigned probes = 0;
    for (usec_t now = 1; now <= 10000; now++) {
        health_suspect(&h, now);
        if (health_probe_due(&h, &usual) > now) continue;
        probes++;
        ck_assert_int_eq(note(&h, true, now), HEALTH_SAME);
    }
    ck_assert_uint_eq(probes, 50);
}
END_TEST

START_TEST(test_always)
{
    struct health_rules rules = usual;
    rules.when = PROBES_ALWAYS;
    struct health h = {0};
    ck_assert_int_eq(health_probe_due(&h, &rules), 0);
    health_note(&h, &rules, true, 100, middle);
    ck_assert_int_eq(health_probe_due(&h, &rules), 1100);
    health_suspect(&h, 500); /* sooner than that */
    ck_assert_int_eq(health_probe_due(&h, &rules), 500);
    health_note(&h, &rules, true, 550, middle);
    health_suspect(&h, 600);
    ck_assert_int_eq(health_probe_due(&h, &rules), 750);
}
END_TEST

START_TEST(test_never)
{
    struct health_rules rules = usual;
    rules.when = PROBES_NEVER;
    struct health h = {0};
    health_suspect(&h, 10);
    ck_assert_int_eq(health_probe_due(&h, &rules), USEC_NEVER);
    for (usec_t now = 20; now < 30; now++) /* the last ones from before a reload */
        ck_assert_int_eq(health_note(&h, &rules, false, now, middle), HEALTH_SAME);
    ck_assert(!h.down);
    ck_assert_int_eq(health_probe_due(&h, &rules), USEC_NEVER);
}
END_TEST

START_TEST(test_jitter)
{
    struct random_source random;
    random_seed(&random, 3);
    usec_t least = USEC_NEVER, most = 0;
    for (int i = 0; i < 10000; i++) {
        struct health h = {0};
        health_note(&h, &usual, false, 5000, random_next(&random));
        usec_t pause = health_probe_due(&h, &usual) - 5000;
        if (pause < least) least = pause;
        if (pause > most) most = pause;
    }
    ck_assert_int_eq(least, 800);
    ck_assert_int_eq(most, 1200);
}
END_TEST

START_TEST(test_rules_are_those_of_the_config)
{
    struct conf_upstream u = {.health = {.when = PROBES_ALWAYS, .interval = 7, .down_after = 3, .up_after = 2}};
    struct health_rules rules = health_rules_of(&u);
    ck_assert_int_eq(rules.when, PROBES_ALWAYS);
    ck_assert_int_eq(rules.interval, 7);
    ck_assert_uint_eq(rules.down_after, 3);
    ck_assert_uint_eq(rules.up_after, 2);
}
END_TEST

START_TEST(test_answers_of_somebody)
{
    static const unsigned alive[] = {200, 204, 302, 401, 402, 403, 404, 405, 429, 499};
    static const unsigned dead[] = {0, 100, 103, 199, 500, 502, 503, 504, 599, 999};
    for (int i = 0; i < COUNT(alive); i++)
        ck_assert_msg(health_is_alive(alive[i]), "%u", alive[i]);
    for (int i = 0; i < COUNT(dead); i++)
        ck_assert_msg(!health_is_alive(dead[i]), "%u", dead[i]);
}
END_TEST

TEST_MAIN("health", test_rules_are_those_of_the_config, test_transitions,
          test_probes_are_due_when_something_is_suspected, test_good_probes_are_confirmed_soon,
          test_suspicions_are_no_flood, test_always, test_never, test_jitter, test_answers_of_somebody)
