/* drain.h - how fast a queue moves: turns a second, measured while somebody waits; pure.
 *
 * What is counted lies between two turns of a queue that was not empty in between. Time without a queue says nothing
 * about how fast one would move, nor does the time to its first turn, which had begun before there was a queue: with
 * both left out, a queue that is mostly empty does not look fast.
 *
 * The window is four minutes, since where answers take half a minute turns are rare; but no more of it is looked at,
 * from now backwards, than DRAIN_ENOUGH turns, so that a fast queue is judged by its last ten seconds or less. Who asks
 * for a long wait gets it from twice as many turns as are ahead: what classes before it leave of a minute tells little
 * of the next two seconds, and the last two seconds nothing of the next minute.
 *
 * An all-zero struct is an empty queue. `now` may step back a little.
 */
#ifndef DSGATE_SCHED_DRAIN_H
#define DSGATE_SCHED_DRAIN_H

#include "dsgate/base/clock.h"
#include <stdbool.h>

#define DRAIN_SLICE (10 * USEC_PER_SEC)
enum { DRAIN_BUCKETS = 24, DRAIN_ENOUGH = 100 };

struct drain {
    unsigned waiting; /* now */
    bool moving;      /* somebody had a turn since the queue was last empty */
    usec_t since;     /* up to when time is counted */
    struct drain_bucket {
        int64_t number; /* of the slice of time that it counts */
        unsigned turns;
        usec_t busy; /* time in which the queue was moving */
    } buckets[DRAIN_BUCKETS];
};

void drain_join(struct drain *d, usec_t now);
/* Somebody leaves the queue; turn: to be served. */
void drain_leave(struct drain *d, bool turn, usec_t now);

/* As `from`, whose queue goes on as *d's, in which nobody waits yet. */
void drain_inherit(struct drain *d, const struct drain *from);

/* Turns per second; 0 = not known yet (fewer than five turns, or less than half a second in all). */
double drain_rate(const struct drain *d, usec_t now);

/* How long one that joins now will wait behind `ahead` others; 0 = not known. */
usec_t drain_wait(const struct drain *d, unsigned ahead, usec_t now);

#endif
