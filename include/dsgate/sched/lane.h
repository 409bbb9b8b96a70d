/* lane.h - the order of turns: seven lanes, and which class is next; pure.
 *
 * Each class has a lane, and but for P0 another one for those who have waited longer than the class's max_wait:
 *
 *   P0       before all others
 *   late P1  before all but P0, though one of 64 turns goes to the classes below, if any of them is late
 *   P1       before the classes below; but of 16 turns that come to it, it gives one to them, if any of them is late:
 *            so they age upwards, and nobody starves, however much the others ask for
 *   P2       likewise before P3, with one of four
 *   P3       when nobody else waits, and only while little is in use; late P3 whatever is in use
 *
 * Inside a lane: the earliest deadline first, then fair between callers, then first come. Among late ones deadlines do
 * not count any more, so that a caller who is always in a hurry starves nobody. When P2 or P3 has a turn, late ones and
 * others share it: of their two heads the one goes first whose caller's turn it is, since otherwise callers with long
 * queues, all of them late, would get more than the others.
 */
#ifndef DSGATE_SCHED_LANE_H
#define DSGATE_SCHED_LANE_H

#include "dsgate/config/config.h"

enum lane { LANE_P0, LANE_P1_LATE, LANE_P1, LANE_P2_LATE, LANE_P2, LANE_P3_LATE, LANE_P3, LANE_COUNT };

/* Where a newcomer waits. */
enum lane lane_of(enum conf_priority p);

/* Where it moves up to, and after how long in all since it asked; the same lane and USEC_NEVER where it stays. */
enum lane lane_above(enum lane l);
usec_t lane_stay(enum lane l, const struct conf_queue *rules);

bool lane_is_late(enum lane l);

/* May its tickets use backups although primaries are open, only full? */
bool lane_may_overflow(enum lane l);

/* Which class has the turn, when tickets of these lanes (bits, not 0) could be served. `turns`: the memory of the
 * shares, PRIORITY_COUNT numbers, 0 at first. */
enum conf_priority lane_choose(unsigned mask, unsigned *turns);

#endif
