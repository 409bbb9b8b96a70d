/* retry.h - after a failed attempt: is there to be another one, and when; pure.
 *
 * What has not been tried yet is asked at once. An upstream that has failed before gets time first, more with each
 * failure, and with jitter, so that those whom one disturbance has stopped do not come back together. What it asks for
 * itself (Retry-After) is respected within reason.
 */
#ifndef DSGATE_RELAY_RETRY_H
#define DSGATE_RELAY_RETRY_H

#include "dsgate/config/config.h"
#include "dsgate/relay/attempt.h"

/* Whether this failure is one that another attempt could mend, and the request may have one more after so many: before
 * the client has seen anything, and only where the endpoint may be asked twice. */
bool retry_allowed(const struct conf_retry *rules, const struct attempt_failure *why, unsigned attempts);

/* How long to wait before an upstream is asked that has failed before: base × factor^(failures - 1), at most cap, give
 * or take jitter percent, which may go beyond cap; as long as `retry_after` (0 = none), of which rules->retry_after
 * counts at most, where that is longer. failures: of the request so far, 1 and more. random: any number. */
usec_t retry_delay(const struct conf_retry *rules, unsigned failures, usec_t retry_after, uint64_t random);

#endif
