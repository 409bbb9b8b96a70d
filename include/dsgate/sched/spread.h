/* spread.h - how long first tokens take at their slowest: the 95th percentile of the last few hundred; pure.
 *
 * An average can't tell what is late, since some answers always take longer than others. So samples are counted in
 * buckets, six an octave from 1 ms to 10 minutes, and the one with the percentile is followed: a sample moves it by a
 * step, if at all. When they have become many all counts are halved, so that a sample counts half as much after a few
 * hundred others.
 *
 * An all-zero struct is an upstream of which nothing is known.
 */
#ifndef DSGATE_SCHED_SPREAD_H
#define DSGATE_SCHED_SPREAD_H

#include "dsgate/base/clock.h"

#define SPREAD_LONGEST (600 * USEC_PER_SEC) /* what takes longer counts as this */

enum {
    SPREAD_BUCKETS = 116,
    SPREAD_LEAST = 20, /* samples: with fewer nothing is known */
    SPREAD_MOST = 500  /* counts are halved then, or when a bucket is full */
};

struct spread {
    uint32_t p95;                   /* microseconds, as told */
    uint16_t all, above;            /* samples; those in buckets above `at` */
    uint8_t at;                     /* the first bucket with no more than 5% above it */
    uint8_t counts[SPREAD_BUCKETS]; /* the first: less than 1024 µs */
};

/* A first token took so long. */
void spread_note(struct spread *s, usec_t time);

/* At least 95% of them took less than that; it is at most 17% more than the slowest of these. 0 = not known. */
static inline usec_t spread_p95(const struct spread *s) { return s->p95; }

#endif
