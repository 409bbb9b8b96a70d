/* health_check.h - `dsgate health`: is the gateway with this config alive? For container health checks.
 */
#ifndef DSGATE_GATE_HEALTH_CHECK_H
#define DSGATE_GATE_HEALTH_CHECK_H

#include "dsgate/config/config.h"

/* Asks GET /healthz of the first admin listener (0.0.0.0 and :: are asked at the loopback address), 3 s at most. Says
 * on `complaints` what is wrong. */
bool health_check(const struct config *config, FILE *complaints);

#endif
