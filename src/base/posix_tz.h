/* posix_tz.h - a rule for all years, as the TZ variable of POSIX writes it: "EST5EDT,M3.2.0,M11.1.0".
 *
 * It is the last line of a TZif file, for times after its table. Like there (RFC 9636 section 3.3.2) a change may lie
 * up to 167 hours before or after midnight of its day. Sources: POSIX.1-2017, Base Definitions, section 8.3.
 */
#ifndef DSGATE_BASE_POSIX_TZ_H
#define DSGATE_BASE_POSIX_TZ_H

#include "dsgate/base/text.h"

enum day_kind {
    DAY_OF_YEAR,         /* "n": 0 … 365, leap days count */
    DAY_OF_COMMON_YEAR,  /* "Jn": 1 … 365, there is no 29 February */
    DAY_OF_WEEK_OF_MONTH /* "Mm.w.d": weekday d (0 = Sunday) of week w (5 = the last) of month m */
};

struct yearly_change {
    enum day_kind kind;
    int month, week, day;
    int32_t time; /* seconds after midnight, on the clock that counts until then */
};

struct posix_tz {
    int32_t standard; /* seconds east of UTC */
    bool has_dst;
    int32_t dst;
    struct yearly_change dst_begins, dst_ends;
};

/* Strict; all of `t`. A rule for daylight saving time must say when it begins and ends. */
bool posix_tz_parse(struct text t, struct posix_tz *out);

/* The offset at a time in seconds since 1970, and until when it counts (it may well go on after that). */
int32_t posix_tz_offset(const struct posix_tz *rule, int64_t second, int64_t *until);

#endif
