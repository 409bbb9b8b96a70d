/* quota.h - what one upstream may use up in a minute and in a day: requests, tokens, money; pure.
 *
 * Minutes are sliding, days are the calendar's in the quota's zone. Requests count when they begin, tokens and money
 * when they are known; a limit that is reached holds back what has not begun. No sixty seconds see more requests than
 * the limit; those under way may overdraw tokens and money.
 *
 * The wall clock may be set. Of the last two days the account is kept: a day that comes again, because the clock is set
 * back or had run ahead, goes on where it was. A minute goes on, too, when the clock is set back; set forward, it is
 * over. Sums do not overflow, they stay at the largest number.
 */
#ifndef DSGATE_SCHED_QUOTA_H
#define DSGATE_SCHED_QUOTA_H

#include "dsgate/base/zone.h"
#include "dsgate/config/config.h"

/* What has been used on one day; this is what survives a restart. */
struct quota_day {
    int64_t day; /* zone_day() */
    uint64_t requests, tokens;
    double cost; /* USD */
};

enum { QUOTA_SLICES = 61 }; /* the second that has begun, and the sixty before it */

/* All zeros at first. */
struct quota {
    struct quota_day today;
    struct quota_day other; /* the last day that was today before; or what was told of another day */
    usec_t ticked;          /* wall time of the last quota_tick() */
    usec_t next_day;        /* wall time at which `today` ends */
    struct quota_slice {
        int64_t second;
        uint64_t requests, tokens;
    } slices[QUOTA_SLICES]; /* by second */
};

bool quota_is_limited(const struct conf_quota *rules);

/* Begins a new day when one has begun. Call it before the others whenever `wall` may have moved. Another zone than the
 * last time counts from the end of the current day on, so that a reload does not give a day again. */
void quota_tick(struct quota *q, const struct zone *zone, usec_t wall);

/* 0 = there is room for one more request now; else the wall time from which on there may be. */
usec_t quota_full_until(const struct quota *q, const struct conf_quota *rules, usec_t wall);

void quota_begin(struct quota *q, usec_t wall);
/* A cost that is no number or below zero counts as 0. */
void quota_spend(struct quota *q, uint64_t tokens, double cost, usec_t wall);

/* Adds what was used before a restart. If that was on another day than today, or there was no quota_tick() yet, it
 * waits for that day. */
void quota_restore(struct quota *q, const struct quota_day *used);

/* The price that counts now: at peak hours peak_price, where there is one. */
const struct conf_price *price_at(const struct conf_model *m, bool peak);

/* What a call cost in USD; 0 where the price is not known. `cached` is the part of `prompt` that is billed as a cache
 * hit. */
double price_cost(const struct conf_price *price, uint64_t prompt, uint64_t cached, uint64_t completion);

/* One number for comparing prices: USD per million tokens, of which three are prompt tokens that miss the cache to one
 * of output; 0 = not known. */
double price_blend(const struct conf_price *price);

#endif
