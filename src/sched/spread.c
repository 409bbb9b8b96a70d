#include "dsgate/sched/spread.h"
#include <assert.h>

static_assert(sizeof(struct spread) <= 128, "there is one for each model of each upstream");

enum { STEPS = 6, SMALLEST = 10 }; /* buckets of an octave; 2^10 µs is the end of the first one */

/* An octave from 2^h on is divided into six equal parts. */
static unsigned bucket_of(usec_t time)
{
    if (time < (usec_t)1 << SMALLEST) return 0;
    if (time >= SPREAD_LONGEST) return SPREAD_BUCKETS - 1;
    unsigned h = 63 - (unsigned)__builtin_clzll((uint64_t)time);
    return (h - SMALLEST) * STEPS + (unsigned)(time * STEPS >> h) - STEPS + 1;
}

static uint32_t end_of(unsigned bucket)
{
    uint64_t sixths = (uint64_t)(STEPS + bucket % STEPS) << (SMALLEST + bucket / STEPS);
    return (uint32_t)((sixths + STEPS - 1) / STEPS);
}

/* From the slowest down, and half a sample is carried on to the next bucket: the slowest are few in each, and would
 * otherwise be forgotten first. So of any that are above a bucket half are left. */
static void halve(struct spread *s)
{
    unsigned carried = 0;
    for (unsigned i = SPREAD_BUCKETS; i-- > 0; carried %= 2) {
        carried += s->counts[i];
        s->counts[i] = (uint8_t)(carried / 2);
    }
    s->all /= 2;
    s->above /= 2;
}

static bool is_5_percent(const struct spread *s, unsigned n) { return n * 20 <= s->all; }

/* Nothing is above the last bucket, and with the first one it is all of them: it stays among these. */
static void follow(struct spread *s)
{
    while (!is_5_percent(s, s->above))
        s->above -= s->counts[++s->at];
    while (is_5_percent(s, s->above + s->counts[s->at]))
        s->above += s->counts[s->at--];
}

void spread_note(struct spread *s, usec_t time)
{
    unsigned bucket = bucket_of(time), before = s->at;
    if (s->counts[bucket] == UINT8_MAX || s->all == SPREAD_MOST) halve(s);
    s->counts[bucket]++;
    s->all++;
    s->above += bucket > s->at;
    follow(s);
    if (s->at != before || s->all == SPREAD_LEAST) s->p95 = s->all < SPREAD_LEAST ? 0 : end_of(s->at);
}
