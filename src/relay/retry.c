#include "dsgate/relay/retry.h"
#include "dsgate/base/random.h"
#include <math.h>

bool retry_allowed(const struct conf_retry *rules, const struct attempt_failure *why, unsigned attempts)
{
    bool may_help = why->verdict != VERDICT_NONE || why->elsewhere;
    return may_help && why->may_replay && !why->committed && attempts < rules->attempts;
}

/* A day × 10^19 is still a number for a double. */
static usec_t backoff(const struct conf_retry *rules, unsigned failures)
{
    double delay = (double)rules->base * pow(rules->factor, (double)failures - 1);
    return llround(fmin(delay, (double)rules->cap));
}

usec_t retry_delay(const struct conf_retry *rules, unsigned failures, usec_t retry_after, uint64_t random)
{
    usec_t delay = backoff(rules, failures);
    usec_t jitter = delay * rules->jitter / 100;
    delay += (usec_t)random_scale(random, (uint64_t)jitter * 2 + 1) - jitter;
    return usec_later(delay, usec_earlier(retry_after, rules->retry_after));
}
