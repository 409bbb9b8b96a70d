#include "../../src/sched/fairness.h"
#include "../suite.h"

enum { TICKETS = 1000 };
static struct fairness f;
static struct ticket t[TICKETS];

static void set_up(void)
{
    memset(t, 0, sizeof t);
    fairness_init(&f);
}

static void tear_down(void) { fairness_free(&f); }

static struct ticket *join(unsigned i, uint64_t caller)
{
    t[i].caller = caller;
    t[i].caller_weight = 1;
    fairness_join(&f, &t[i]);
    return &t[i];
}

/* A caller who has had more than its share is remembered; those who came after it and had nothing are not, however long
 * nobody has a turn: else clients that make up keys, ask and leave would fill the memory. */
START_TEST(test_who_had_nothing_is_forgotten)
{
    join(0, 1);
    fairness_turn(&f, join(1, 2)); /* its clock is ahead */
    ck_assert_uint_eq(f.caller_count, 2);
    for (unsigned i = 2; i < TICKETS; i++)
        fairness_give_up(&f, join(i, 1000 + i));
    ck_assert_uint_eq(f.caller_count, 2);
    fairness_turn(&f, &t[0]);
    ck_assert_uint_eq(f.caller_count, 0);
}
END_TEST

/* Asking and leaving neither costs nor gains anything. */
START_TEST(test_giving_up_gives_the_time_back)
{
    join(0, 9);
    fairness_turn(&f, join(1, 1));
    for (unsigned i = 2; i < 10; i++)
        fairness_give_up(&f, join(i, 1));
    uint64_t tag = join(10, 1)->turn.tag;
    ck_assert_uint_gt(tag, join(11, 2)->turn.tag);
    fairness_give_up(&f, &t[10]);
    ck_assert_uint_eq(join(12, 1)->turn.tag, tag);
    fairness_give_up(&f, &t[12]);
    fairness_give_up(&f, &t[11]);
    fairness_turn(&f, &t[0]);
}
END_TEST

TEST_MAIN_WITH("fairness", set_up, tear_down, test_who_had_nothing_is_forgotten, test_giving_up_gives_the_time_back)
