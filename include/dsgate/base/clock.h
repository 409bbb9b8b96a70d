/* clock.h - what time it is, in one unit.
 *
 * All times in dsgate are microseconds in a signed 64-bit usec_t: monotonic ones for deadlines and durations (they
 * never jump), wall ones for logs and HTTP dates. Policies never call these; they are told `now`.
 */
#ifndef DSGATE_BASE_CLOCK_H
#define DSGATE_BASE_CLOCK_H

#include "dsgate/base/text.h"

typedef int64_t usec_t;

#define USEC_PER_MS  ((usec_t)1000)
#define USEC_PER_SEC ((usec_t)1000000)
#define USEC_NEVER   INT64_MAX /* a deadline that never comes */

static inline usec_t usec_earlier(usec_t a, usec_t b) { return a < b ? a : b; }
static inline usec_t usec_later(usec_t a, usec_t b) { return a > b ? a : b; }

/* Rounds down before 1970, too; b > 0. */
static inline int64_t floor_div(int64_t a, int64_t b) { return a / b - (a % b < 0); }

usec_t clock_monotonic(void);
usec_t clock_wall(void); /* since 1970-01-01T00:00:00Z */

/* "2026-11-21T07:52:21.123Z" (24 bytes and NUL). */
void clock_format_iso(usec_t wall, char out[static 25]);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (29 bytes and NUL), RFC 9110 section 5.6.7. */
void clock_format_http(usec_t wall, char out[static 30]);

/* The same back; false for anything that is not exactly of that form. (The two obsolete forms of RFC 9110 section 5.6.7
 * are sent by nobody who speaks of models.) */
bool clock_parse_http(struct text t, usec_t *wall);

#endif
