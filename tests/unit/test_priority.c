#include "../suite.h"
#include "dsgate/admit/priority.h"

#define P0   PRIORITY_P0
#define P1   PRIORITY_P1
#define P2   PRIORITY_P2
#define P3   PRIORITY_P3
#define NONE PRIORITY_COUNT

/* The queue's default is always P2; no caller, no route: NULL. */
static const struct {
    enum conf_priority header, tier, route;
    struct {
        bool known;
        enum conf_priority priority, ceiling;
    } caller;
    enum conf_priority queue_ceiling, settled;
} rows[] = {
    /* who is asked first */
    {NONE, NONE, NONE, {false, NONE, P0}, P0, P2},
    {NONE, NONE, P3, {false, NONE, P0}, P0, P3},
    {NONE, NONE, P3, {true, P1, P0}, P0, P1},
    {NONE, NONE, P3, {true, NONE, P0}, P0, P3},
    {NONE, P3, P1, {true, P1, P0}, P0, P3},
    {P0, P3, P1, {true, P1, P0}, P0, P0},
    {P3, P1, P1, {true, P1, P0}, P0, P3},
    {P0, P3, NONE, {false, NONE, P0}, P0, P0},
    /* nobody gets above a ceiling */
    {P0, NONE, NONE, {true, NONE, P2}, P0, P2},
    {P0, NONE, NONE, {true, P0, P3}, P0, P3},
    {NONE, P1, NONE, {true, NONE, P2}, P0, P2},
    {NONE, NONE, P0, {true, NONE, P1}, P0, P1},
    {NONE, NONE, NONE, {true, P0, P1}, P0, P1},
    {NONE, NONE, NONE, {true, NONE, P3}, P0, P3},
    {P0, NONE, NONE, {false, NONE, P0}, P1, P1},
    {NONE, P1, NONE, {false, NONE, P0}, P2, P2},
    {P3, NONE, NONE, {false, NONE, P0}, P1, P3},
    /* a listed caller's own ceiling counts, not that of the others */
    {P0, NONE, NONE, {true, NONE, P0}, P2, P0},
};

START_TEST(the_class_of_a_request)
{
    const struct conf_queue queue = {.priority = P2, .ceiling = rows[_i].queue_ceiling};
    const struct conf_caller caller = {.priority = rows[_i].caller.priority, .ceiling = rows[_i].caller.ceiling};
    const struct conf_route route = {.priority = rows[_i].route};
    const struct priority_voices voices = {.header = rows[_i].header,
                                           .service_tier = rows[_i].tier,
                                           .caller = rows[_i].caller.known ? &caller : NULL,
                                           .route = rows[_i].route == NONE ? NULL : &route,
                                           .queue = &queue};
    ck_assert_int_eq(priority_settle(&voices), rows[_i].settled);
}
END_TEST

START_TEST(a_route_may_say_nothing)
{
    const struct conf_queue queue = {.priority = P1, .ceiling = P0};
    const struct conf_route route = {.priority = NONE};
    const struct priority_voices voices = {.header = NONE, .service_tier = NONE, .route = &route, .queue = &queue};
    ck_assert_int_eq(priority_settle(&voices), P1);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, the_class_of_a_request, 0, COUNT(rows));
    tcase_add_test(tests, a_route_may_say_nothing);
}

TEST_MAIN_ADDING("priority", add_tests)
