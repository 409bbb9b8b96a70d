/* retry.h - after a failed attempt: try another upstream, or give up; pure.
 */
#ifndef DSGATE_RELAY_RETRY_H
#define DSGATE_RELAY_RETRY_H

#include "dsgate/base/clock.h"
#include "dsgate/relay/attempt.h"

#define RETRY_ATTEMPTS 5 /* of one request, at most */

/* Failover before the first token only, while attempts and time are left. */
bool retry_allowed(const struct attempt_failure *why, unsigned attempts, usec_t now, usec_t deadline);

#endif
