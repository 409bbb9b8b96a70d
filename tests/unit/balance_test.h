/* balance_test.h - contenders for the tests of balance.h. */
#ifndef DSGATE_TESTS_BALANCE_TEST_H
#define DSGATE_TESTS_BALANCE_TEST_H

#include "../suite.h"
#include "dsgate/base/clock.h"
#include "dsgate/sched/balance.h"

enum { MOST = 8 };

static inline struct contender contender_of(uint32_t weight)
{
    return (struct contender){.eligible = true, .weight = weight};
}

/* As many contenders as there are weights. */
static inline size_t fill(struct contender *c, const uint32_t *weights)
{
    size_t n = 0;
    for (; n < MOST && weights[n]; n++) {
        c[n] = contender_of(weights[n]);
        c[n].identity = random_mix(n);
    }
    return n;
}

static inline uint64_t sum_of(const uint32_t *weights)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < MOST; i++)
        sum += weights[i];
    return sum;
}

#endif
