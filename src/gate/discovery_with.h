/* discovery_with.h - discovery with a resolver and a time of the tests' own. */
#ifndef DSGATE_GATE_DISCOVERY_WITH_H
#define DSGATE_GATE_DISCOVERY_WITH_H

#include "dsgate/gate/discovery.h"
#include "dsgate/net/records.h"

/* Takes `records`. */
struct discovery *discovery_new_with(struct loop *loop, struct records *records, usec_t (*now)(const struct loop *loop),
                                     void (*changed)(void *arg), void *arg);

/* Does what is due: what the timer does. */
void discovery_look(struct discovery *d);

/* When that is next; USEC_NEVER: an answer is awaited, or nothing. */
usec_t discovery_due(const struct discovery *d);

#endif
