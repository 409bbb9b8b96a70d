#include "dsgate/relay/retry.h"

bool retry_allowed(const struct attempt_failure *why, unsigned attempts, usec_t now, usec_t deadline)
{
    bool worth_it = why->verdict != VERDICT_NONE;
    return worth_it && why->may_replay && !why->committed && attempts < RETRY_ATTEMPTS && now < deadline;
}
