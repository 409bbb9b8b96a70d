/* tzif.h - a compiled time zone (RFC 9636, versions 1 to 4), from hostile bytes. */
#ifndef DSGATE_BASE_TZIF_H
#define DSGATE_BASE_TZIF_H

#include "posix_tz.h"

struct tzif {
    int32_t first; /* seconds east of UTC before the first transition */
    size_t count;
    struct transition {
        int64_t at;     /* seconds since 1970, ascending */
        int32_t offset; /* from then on */
    } *transitions;
    bool has_rule; /* for times from the last transition on; without one that goes on for ever */
    struct posix_tz rule;
};

/* NULL, or what is wrong with the bytes ("it …"), and then there is nothing to free. */
const char *tzif_parse(struct text bytes, struct tzif *out);
void tzif_free(struct tzif *z); /* all zeros is fine */

/* The offset at a time in seconds since 1970, and until when it counts (it may well go on after that); INT64_MAX: for
 * ever. */
int32_t tzif_offset(const struct tzif *z, int64_t second, int64_t *until);

#endif
