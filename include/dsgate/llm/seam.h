/* seam.h - where one upstream's stream goes on with another's: makes the later chunks look as if there had been one.
 *
 * The client has a stream's id, its role and a part of its text. The stream that goes on has an id of its own, says its
 * role again, may call the reasoning by another name, and counts as prompt what the first one has generated. All that
 * is mended in the bytes of its chunks; everything else stays as it comes.
 *
 * One user at a time; the transcript must outlive the seam.
 */
#ifndef DSGATE_LLM_SEAM_H
#define DSGATE_LLM_SEAM_H

#include "dsgate/llm/answer.h"
#include "dsgate/llm/transcript.h"

struct seam {
    const struct transcript *sent;
    bool gave_reasoning;         /* reasoning was part of what the upstream was told to go on from */
    bool spent;                  /* what was sent is all that the client allows: only the end is still missing */
    struct stencil came, mended; /* the last chunk with one text, and what it was mended to */
};

void seam_begin(struct seam *s, const struct transcript *sent, bool gave_reasoning, bool spent);
void seam_free(struct seam *s);

/* Appends to *out what the client gets instead of a chunk with this (valid) JSON; nothing where it has nothing new for
 * the client: a role, empty texts. The role goes, and marks and the reasoning's name become those of `sent`, as far as
 * it has any. Usage is corrected: what was generated before counts as completion, and no longer as prompt; it never
 * becomes negative, and the total is the sum. Counts that are not there or make no sense stay as they are, and what is
 * no object goes on as it came.
 *
 * With `spent` the client gets no text and no call any more, finish_reason is "length", as it would have been without
 * the break, and what the upstream has generated counts for nothing. */
void seam_mend(struct seam *s, struct text data, struct buf *out);

/* Corrects a known usage in the same way: that of the stream that goes on becomes that of the whole answer. */
void seam_correct_usage(const struct seam *s, struct usage *usage);

#endif
