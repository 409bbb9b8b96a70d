/* zone.h - time zones: how far from UTC a clock there is, and where its days begin.
 *
 * Zones are the world's, not the machine's: neither TZ nor /etc/localtime is asked, and several may be in use at once.
 * Wall times are microseconds since 1970 in UTC, without leap seconds. Immutable, and they look at no clock;
 * any thread.
 */
#ifndef DSGATE_BASE_ZONE_H
#define DSGATE_BASE_ZONE_H

#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"

struct zone;

/* "UTC", an offset from "-14:00" to "+14:00", or a name of the IANA time zone database ("Asia/Shanghai"), which is read
 * from $TZDIR, or else /usr/share/zoneinfo (RFC 9636). NULL with a sentence without a full stop in *error: no such
 * name, no database, a file that cannot be read, is broken or counts leap seconds. Names can't climb out of the
 * folder. */
struct zone *zone_open(struct text name, struct buf *error);
void zone_close(struct zone *z); /* NULL is fine */

/* Seconds east of UTC at that time. */
int32_t zone_offset(const struct zone *z, usec_t wall);

/* What a clock there shows: seconds since its 1970 began. */
int64_t zone_local(const struct zone *z, usec_t wall);

/* The day that it is there, counted from 1970-01-01. Where a clock is set back over midnight a day comes twice. */
int64_t zone_day(const struct zone *z, usec_t wall);

/* When the next day begins: the first time after `wall` at which it is a later day there. That is midnight, or the end
 * of a gap that midnight falls into. USEC_NEVER when that can't be said in microseconds. */
usec_t zone_next_day(const struct zone *z, usec_t wall);

#endif
