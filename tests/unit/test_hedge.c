#include "../suite.h"
#include "dsgate/relay/hedge.h"

enum { MS = USEC_PER_MS, BUDGET = 5, STARTED = 7 };

static const struct {
    struct conf_hedge rules;
    usec_t p95, after; /* USEC_NEVER: not at all */
} rows[] = {
    /* a set delay counts, whatever the upstream is like */
    {{800 * MS, BUDGET}, 0, 800 * MS},
    {{800 * MS, BUDGET}, 3000 * MS, 800 * MS},
    {{800 * MS, BUDGET}, 10 * MS, 800 * MS},
    {{1, BUDGET}, 3000 * MS, 1},
    /* the upstream's own */
    {{0, BUDGET}, 3000 * MS, 3000 * MS},
    {{0, BUDGET}, HEDGE_LEAST, HEDGE_LEAST},
    {{0, BUDGET}, HEDGE_LEAST + 1, HEDGE_LEAST + 1},
    {{0, BUDGET}, HEDGE_LEAST - 1, HEDGE_LEAST},
    {{0, BUDGET}, 1, HEDGE_LEAST},
    {{0, BUDGET}, 0, USEC_NEVER}, /* is not known */
    /* off */
    {{USEC_NEVER, BUDGET}, 3000 * MS, USEC_NEVER},
    {{USEC_NEVER, BUDGET}, 0, USEC_NEVER},
    {{0, 0}, 3000 * MS, USEC_NEVER},
    {{800 * MS, 0}, 3000 * MS, USEC_NEVER},
};

START_TEST(test_when_it_is_due)
{
    for (int i = 0; i < COUNT(rows); i++) {
        usec_t due = rows[i].after == USEC_NEVER ? USEC_NEVER : STARTED + rows[i].after;
        ck_assert_msg(hedge_due(&rows[i].rules, STARTED, rows[i].p95) == due, "row %d", i);
    }
}
END_TEST

TEST_MAIN("hedge", test_when_it_is_due)
