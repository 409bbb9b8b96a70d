/* prose.h - text that a model could have written, made from (seed, position) alone.
 *
 * A stream stores a seed instead of a text, so that 10,000 of them fit into one process. Token i does not depend on how
 * many tokens were asked for before it; each token is whole UTF-8 characters.
 */
#ifndef DSGATE_SIM_PROSE_H
#define DSGATE_SIM_PROSE_H

#include "dsgate/base/buf.h"

/* Appends token i: at least one byte, at most PROSE_TOKEN_MOST. */
void prose_token(uint64_t seed, unsigned i, struct buf *out);

enum { PROSE_TOKEN_MOST = 16 /* bytes */ };

#endif
