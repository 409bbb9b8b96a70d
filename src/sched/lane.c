#include "dsgate/sched/lane.h"

/* Of so many turns one goes on to the classes below. What P1 leaves is theirs anyway: a small share keeps its wait
 * short, and is only for the time when it leaves nothing. */
enum { OF_LATE_P1 = 64, OF_P1 = 16, OF_P2 = 4 };

enum lane lane_of(enum conf_priority p)
{
    static const enum lane lanes[PRIORITY_COUNT] = {LANE_P0, LANE_P1, LANE_P2, LANE_P3};
    return lanes[p];
}

enum lane lane_above(enum lane l)
{
    static const enum lane above[LANE_COUNT] = {[LANE_P0] = LANE_P0,
                                                [LANE_P1_LATE] = LANE_P1_LATE,
                                                [LANE_P1] = LANE_P1_LATE,
                                                [LANE_P2_LATE] = LANE_P2_LATE,
                                                [LANE_P2] = LANE_P2_LATE,
                                                [LANE_P3_LATE] = LANE_P3_LATE,
                                                [LANE_P3] = LANE_P3_LATE};
    return above[l];
}

usec_t lane_stay(enum lane l, const struct conf_queue *rules)
{
    const struct conf_class *c = rules->classes;
    switch (l) {
    case LANE_P1: return c[PRIORITY_P1].max_wait;
    case LANE_P2: return c[PRIORITY_P2].max_wait;
    case LANE_P3: return c[PRIORITY_P3].max_wait;
    default: return USEC_NEVER;
    }
}

bool lane_is_late(enum lane l) { return l == LANE_P1_LATE || l == LANE_P2_LATE || l == LANE_P3_LATE; }

bool lane_may_overflow(enum lane l) { return l == LANE_P0 || l == LANE_P1_LATE; }

enum { LATE = 1u << LANE_P1_LATE | 1u << LANE_P2_LATE | 1u << LANE_P3_LATE };

/* The class of the first lane in `mask`, which is not 0. */
static enum conf_priority class_of_first(unsigned mask)
{
    static const enum conf_priority classes[LANE_COUNT] = {
        [LANE_P0] = PRIORITY_P0, [LANE_P1_LATE] = PRIORITY_P1, [LANE_P1] = PRIORITY_P1,
        [LANE_P2_LATE] = PRIORITY_P2, [LANE_P2] = PRIORITY_P2, [LANE_P3_LATE] = PRIORITY_P3, [LANE_P3] = PRIORITY_P3};
    return classes[__builtin_ctz(mask)];
}

static unsigned below(enum conf_priority p) { return ~0u << (lane_of(p) + 1); }

static unsigned share_of(enum conf_priority p, unsigned mask)
{
    if (p == PRIORITY_P2) return OF_P2;
    return mask & 1u << LANE_P1_LATE ? OF_LATE_P1 : OF_P1;
}

/* A turn that nobody below could claim is not counted. */
enum conf_priority lane_choose(unsigned mask, unsigned *turns)
{
    enum conf_priority p = class_of_first(mask);
    for (unsigned rest; p != PRIORITY_P0 && (rest = mask & below(p)) & LATE;) {
        if (++turns[p] % share_of(p, mask)) break;
        p = class_of_first(rest);
    }
    return p;
}
