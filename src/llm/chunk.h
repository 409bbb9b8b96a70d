/* chunk.h - one chunk of a stream of chat or legacy completions, as those see it who go on from it or mend it.
 *
 * Pure; all texts point into the chunk.
 */
#ifndef DSGATE_SRC_LLM_CHUNK_H
#define DSGATE_SRC_LLM_CHUNK_H

#include "dsgate/llm/json.h"
#include "dsgate/llm/transcript.h"

/* clang-format off */
enum {                /* what a chunk has that a client has not heard yet */
    CHUNK_TEXT = 1,   /* content or reasoning */
    CHUNK_COPY = 2,   /* the reasoning under both of its names (some versions of vLLM) */
    CHUNK_END = 4,    /* a finish_reason or usage */
    CHUNK_ERROR = 8,
    CHUNK_OTHER = 16, /* members that are not known, outside of the delta */
    CHUNK_CALL = 32,  /* tool calls */
    CHUNK_ODD = 64    /* what can't be gone on from: see transcript.h */
};
/* clang-format on */

struct chunk {
    enum endpoint_family family;
    bool object;               /* false: any other JSON value, and nothing below is set */
    unsigned has;              /* CHUNK_ bits */
    bool plain;                /* `hole` is all that changes from chunk to chunk */
    struct text hole;          /* … of one text, or of one tool call's arguments */
    enum transcript_part part; /* … which text */
    struct text marks[TRANSCRIPT_MARKS];
    struct text texts[TRANSCRIPT_PARTS];    /* the insides of the strings */
    struct text reasoning[REASONING_NAMES]; /* the keys of members so called, without quotes; n == 0: not there */
    enum reasoning_name reasoning_name;     /* of the one with the text, or of the first */
    struct text role;                       /* the whole member, with the comma that it needs */
    struct text speech;                     /* the value that texts and calls are in: a delta, or a string */
    struct text finish;                     /* the value of finish_reason, if it says something */
    struct text usage;
};

extern const struct text chunk_reasoning_names[REASONING_NAMES];

/* `data` is valid JSON; family: FAMILY_CHAT or FAMILY_COMPLETION. */
void chunk_read(struct chunk *c, enum endpoint_family family, struct text data);

#endif
