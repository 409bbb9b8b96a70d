/* transcript.h - the text that a stream of chat or legacy completions has given so far: what another upstream would
 * have to go on from if it breaks.
 *
 * Texts are kept as they came, escapes and all: pieces of JSON strings, which joined are one. So nothing is decoded
 * until it is needed, and then it can stand in a request as it is. Whatever makes going on impossible closes the
 * transcript and gives its memory back: tool calls, choices other than the first, logprobs, members of a delta that are
 * not known, members that appear twice (two programs could read different ones), more bytes than the limit.
 *
 * One user at a time.
 */
#ifndef DSGATE_LLM_TRANSCRIPT_H
#define DSGATE_LLM_TRANSCRIPT_H

#include "dsgate/llm/endpoint.h"
#include "dsgate/llm/stencil.h"

enum transcript_part { TRANSCRIPT_CONTENT, TRANSCRIPT_REASONING, TRANSCRIPT_PARTS };

/* Members that are the same on all chunks of a stream. */
enum transcript_mark { MARK_ID, MARK_CREATED, MARK_MODEL, MARK_FINGERPRINT, TRANSCRIPT_MARKS };

/* What a stream calls the member of a delta that holds its reasoning. */
enum reasoning_name { REASONING_UNSEEN, REASONING_CONTENT, REASONING_SHORT /* "reasoning" */, REASONING_NAMES };

struct transcript {
    enum endpoint_family family;
    size_t limit;                             /* bytes of text */
    bool closed;
    bool changed;                             /* the id, in the middle */
    struct buf texts[TRANSCRIPT_PARTS];       /* insides of JSON strings */
    uint64_t tokens[TRANSCRIPT_PARTS];        /* chunks that added to them: upstreams send one a token */
    enum reasoning_name reasoning_name;       /* the first that came, be it with null; better one that had a text */
    struct text marks[TRANSCRIPT_MARKS];      /* raw JSON values in `identity`: the first that said something, else the
                                               * first; n == 0: never given */
    struct buf identity;
    struct stencil stencil;                   /* of the last chunk with one text, or one call's arguments */
    enum transcript_part stencil_part;
};

/* For FAMILY_CHAT and FAMILY_COMPLETION; others begin closed. */
void transcript_begin(struct transcript *t, enum endpoint_family family, size_t limit);
void transcript_free(struct transcript *t);

/* The next chunk's data. True: it looks like an earlier one and adds a text, which is noted; nothing else is in it: no
 * end, no usage, no error. False: it has to be read, and then, if it is shown, noted. Works on a closed transcript too:
 * nothing is kept then, and a text may also be a tool call's arguments. */
bool transcript_repeats(struct transcript *t, struct text data);

/* Any other chunk: valid JSON. */
void transcript_note(struct transcript *t, struct text data);

/* Whether there is anything to go on from, and it can be gone on with: not where the last character is only half there
 * (the first escape of a surrogate pair), as nobody else knows its other half. */
bool transcript_is_open(const struct transcript *t);

/* `more` went on from what `t` holds: appends its texts and counts. `t` keeps its identity; marks that it was never
 * given are those of `more`, since that is what the client got. */
void transcript_append(struct transcript *t, const struct transcript *more);

#endif
