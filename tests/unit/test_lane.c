#include "../suite.h"
#include "dsgate/sched/lane.h"

#define BIT(lane) (1u << LANE_##lane)

/* Who has how many of so many turns, when all of these lanes always have somebody. */
static const struct {
    unsigned mask, turns, expected[PRIORITY_COUNT];
} games[] = {
    {BIT(P0) | BIT(P1_LATE) | BIT(P1) | BIT(P2_LATE) | BIT(P3_LATE), 100, {100}},
    {BIT(P1_LATE) | BIT(P1) | BIT(P2) | BIT(P3), 100, {0, 100}},
    {BIT(P1_LATE) | BIT(P2_LATE), 640, {0, 630, 10}},
    {BIT(P1_LATE) | BIT(P2_LATE), 63, {0, 63}},
    {BIT(P1_LATE) | BIT(P1) | BIT(P2) | BIT(P3_LATE), 640, {0, 630, 8, 2}},
    {BIT(P1) | BIT(P2) | BIT(P3), 100, {0, 100}},
    {BIT(P1) | BIT(P2_LATE), 160, {0, 150, 10}},
    {BIT(P1) | BIT(P2) | BIT(P3_LATE), 640, {0, 600, 30, 10}},
    {BIT(P2) | BIT(P3), 100, {0, 0, 100}},
    {BIT(P2) | BIT(P3_LATE) | BIT(P3), 100, {0, 0, 75, 25}},
    {BIT(P3), 10, {0, 0, 0, 10}},
};

START_TEST(test_turns)
{
    unsigned memory[PRIORITY_COUNT] = {0}, had[PRIORITY_COUNT] = {0};
    for (unsigned i = 0; i < games[_i].turns; i++)
        had[lane_choose(games[_i].mask, memory)]++;
    for (unsigned p = 0; p < PRIORITY_COUNT; p++)
        ck_assert_msg(had[p] == games[_i].expected[p], "P%u: %u turns, not %u", p, had[p], games[_i].expected[p]);
}
END_TEST

/* Turns that nobody below could claim are not saved up. */
START_TEST(test_nothing_is_saved_up)
{
    unsigned memory[PRIORITY_COUNT] = {0};
    for (int i = 0; i < 1001; i++)
        ck_assert_int_eq(lane_choose(BIT(P1) | BIT(P2), memory), PRIORITY_P1);
    for (int i = 0; i < 15; i++)
        ck_assert_int_eq(lane_choose(BIT(P1) | BIT(P2_LATE), memory), PRIORITY_P1);
    ck_assert_int_eq(lane_choose(BIT(P1) | BIT(P2_LATE), memory), PRIORITY_P2);
}
END_TEST

START_TEST(test_moving_up)
{
    static const struct conf_queue rules = {
        .classes = {[PRIORITY_P1] = {.max_wait = 1}, [PRIORITY_P2] = {.max_wait = 2}, [PRIORITY_P3] = {.max_wait = 3}}};
    static const struct {
        enum lane lane, above;
        usec_t stay;
        bool late, overflows;
    } rows[] = {{LANE_P0, LANE_P0, USEC_NEVER, false, true},           {LANE_P1, LANE_P1_LATE, 1, false, false},
                {LANE_P1_LATE, LANE_P1_LATE, USEC_NEVER, true, true},  {LANE_P2, LANE_P2_LATE, 2, false, false},
                {LANE_P2_LATE, LANE_P2_LATE, USEC_NEVER, true, false}, {LANE_P3, LANE_P3_LATE, 3, false, false},
                {LANE_P3_LATE, LANE_P3_LATE, USEC_NEVER, true, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(lane_above(rows[i].lane), rows[i].above);
        ck_assert_int_eq(lane_stay(rows[i].lane, &rules), rows[i].stay);
        ck_assert_int_eq(lane_is_late(rows[i].lane), rows[i].late);
        ck_assert_int_eq(lane_may_overflow(rows[i].lane), rows[i].overflows);
    }
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, test_turns, 0, sizeof games / sizeof *games);
    tcase_add_test(tests, test_nothing_is_saved_up);
    tcase_add_test(tests, test_moving_up);
}

TEST_MAIN_ADDING("lane", add_tests)
