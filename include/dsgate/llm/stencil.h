/* stencil.h - recognises a JSON text that differs from an earlier one in one string only.
 *
 * The chunks of a stream are alike but for the token in them. Once one has been read properly, comparing the next with
 * it costs a fraction of reading that as well, and proves that it says nothing else.
 *
 * All zeros is a stencil that matches nothing. One user at a time.
 */
#ifndef DSGATE_LLM_STENCIL_H
#define DSGATE_LLM_STENCIL_H

#include "dsgate/base/buf.h"

struct stencil {
    struct buf shape; /* what is before the hole, then what is behind it */
    size_t before;    /* bytes of the first part */
};

/* `json` is valid, and `hole` is what stands between the quotes of one of its strings. False: the shape is too long
 * (over 2 KB) and not kept; the stencil then matches nothing. */
bool stencil_cut(struct stencil *s, struct text json, struct text hole);

/* Whether `json` has that shape, and what fills the hole: the inside of a valid JSON string. */
bool stencil_fits(const struct stencil *s, struct text json, struct text *hole);

/* Appends the text of that shape whose hole is filled with this. */
void stencil_fill(const struct stencil *s, struct text hole, struct buf *out);

void stencil_free(struct stencil *s);

#endif
