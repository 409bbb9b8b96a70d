/* units.h - numbers as people write them. All return false for anything that is not exactly of the form, or overflows.
 */
#ifndef DSGATE_CONFIG_UNITS_H
#define DSGATE_CONFIG_UNITS_H

#include "dsgate/base/text.h"

/* "500ms", "30s", "10m", "1h", "2d" to microseconds; 0 needs no unit. */
bool units_duration(struct text t, uint64_t *out);

/* "4096", "64B", "32KB", "10MB", "1GiB" to bytes. KB, MB and GB are powers of 1024, as in nginx; KiB, MiB, GiB, K, M
 * and G mean the same. Letters of either case. */
bool units_size(struct text t, uint64_t *out);

/* "0660" to the number, as octal. */
bool units_octal(struct text t, uint64_t *out);

/* "20%" to 20. */
bool units_percent(struct text t, uint64_t *out);

/* "0.15" to billionths, so that no digit is lost: at most 9 decimals. */
bool units_decimal(struct text t, uint64_t *out);
#define UNITS_DECIMAL_SCALE 1e9

#endif
