/* reading_private.h - what reading.c and reading_events.c share. */
#ifndef DSGATE_SRC_RELAY_READING_PRIVATE_H
#define DSGATE_SRC_RELAY_READING_PRIVATE_H

#include "dsgate/relay/reading.h"

static inline struct reading_step reading_refuse(enum reading_reason reason)
{
    return (struct reading_step){.verdict = READING_REFUSE, .reason = reason};
}

/* Shows what is held and then `more`. */
struct reading_step reading_pass(struct reading *r, struct text more);

/* Without the white space that may stand before JSON. */
struct text reading_skip_blank(struct text t);

/* READ_EVENTS. */
struct reading_step reading_feed_events(struct reading *r, struct text in, bool end);

/* Is it an answer that says nothing, though it could have, and is that a failure? */
bool reading_is_empty(const struct reading *r);

/* Of a finish_reason that means failure; false: it means none. */
bool reading_finish_is_bad(const struct reading *r, enum reading_reason *why);

#endif
