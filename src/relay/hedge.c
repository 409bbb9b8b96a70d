#include "dsgate/relay/hedge.h"

usec_t hedge_due(const struct conf_hedge *rules, usec_t started, usec_t p95)
{
    if (rules->after == USEC_NEVER || rules->budget == 0) return USEC_NEVER;
    if (rules->after > 0) return started + rules->after;
    return p95 > 0 ? started + usec_later(p95, HEDGE_LEAST) : USEC_NEVER;
}
