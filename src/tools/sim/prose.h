/* prose.h - text that a model could have written, made from (seed, position) alone.
 *
 * A stream stores a seed instead of a text, so that 10,000 of them fit into one process. Token i does not depend on how
 * many tokens were asked for before it; each token is whole UTF-8 characters.
 */
#ifndef DSGATE_SIM_PROSE_H
#define DSGATE_SIM_PROSE_H

#include "dsgate/base/buf.h"

/* Appends token i. */
void prose_token(uint64_t seed, unsigned i, struct buf *out);

/* Where a text that begins like this seed's goes on: *token is the next one, *skip the bytes of it that `given` has
 * already. false: `given` is not the beginning of this seed's text. */
bool prose_find(uint64_t seed, struct text given, unsigned *token, unsigned *skip);

#endif
