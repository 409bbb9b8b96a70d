/* hedge.h - when the first token is late enough for a second attempt beside the first; pure.
 */
#ifndef DSGATE_RELAY_HEDGE_H
#define DSGATE_RELAY_HEDGE_H

#include "dsgate/config/config.h"

#define HEDGE_LEAST (50 * USEC_PER_MS) /* sooner than that nothing is late: a smaller p95 counts as this */

/* When to hedge an attempt that began at `started`; USEC_NEVER: not at all, as without a budget. p95: of this
 * upstream's time to the first token; 0 = not known, then only a set delay hedges. */
usec_t hedge_due(const struct conf_hedge *rules, usec_t started, usec_t p95);

#endif
