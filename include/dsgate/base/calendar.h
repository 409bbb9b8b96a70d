/* calendar.h - hours of the week in a time zone: peak and off-peak windows.
 *
 * A window is written "[DAYS ]HH:MM-HH:MM[ ZONE]": "Mon-Fri 01:00-04:00", "Sat,Sun 00:00-24:00 Asia/Shanghai",
 * "22:00-06:00 +08:00". Days default to all seven, the zone to UTC. A window that does not end after it begins goes on
 * into the next day.
 *
 * Days and hours are what a clock on the wall there shows. So where clocks are set forward, a window that would begin
 * in the hour that is left out begins with the first minute after it; where they are set back, a window in the hour
 * that comes twice is open twice.
 *
 * Wall times are microseconds since 1970 in UTC. Immutable after parsing; any thread.
 */
#ifndef DSGATE_BASE_CALENDAR_H
#define DSGATE_BASE_CALENDAR_H

#include "dsgate/base/zone.h"

struct window {
    unsigned days;     /* bit 0 = Monday: days on which it begins */
    unsigned from, to; /* minutes of the day; to <= from: of the next day; to at most 1440 */
    struct zone *zone;
};

/* Fills *w, whatever it held; false with a sentence in *error that says what was expected. window_free() afterwards. */
bool window_parse(struct text t, struct window *w, struct buf *error);
void window_free(struct window *w); /* all zeros is fine, also after a failed window_parse() */

bool window_is_open(const struct window *w, usec_t wall);

#endif
