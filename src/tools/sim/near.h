/* near.h - "did you mean 'busy' or 'bus'?": the words nearest to a mistyped one. */
#ifndef DSGATE_SIM_NEAR_H
#define DSGATE_SIM_NEAR_H

#include "dsgate/base/buf.h"

enum { NEAR_MOST = 3 };

struct near {
    struct text word;
    const char *names[NEAR_MOST]; /* nearest first */
    unsigned distances[NEAR_MOST], count;
};

struct near near_start(struct text word);
void near_try(struct near *n, const char *candidate);
/* Appends "; did you mean …?", or nothing when no candidate is near. */
void near_finish(const struct near *n, struct buf *out);

#endif
