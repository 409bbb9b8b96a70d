#include "dsgate/sched/balance.h"

int balance_pick(struct balance_entry *entries, size_t n)
{
    int64_t sum = 0;
    int best = -1;
    for (size_t i = 0; i < n; i++) {
        if (!entries[i].eligible) continue;
        sum += entries[i].weight;
        entries[i].current += entries[i].weight;
        if (best < 0 || entries[i].current > entries[best].current) best = (int)i;
    }
    if (best >= 0) entries[best].current -= sum;
    return best;
}
