/* answer_form_private.h - what the families share that make one form of an answer of the other.
 *
 * Values are copied as the bytes that they are, so numbers and escapes stay. What is read here json_scan() has found
 * valid. Answers may come from anybody: what is made of one has a bound, and so has every list that is searched.
 */
#ifndef DSGATE_SRC_LLM_ANSWER_FORM_PRIVATE_H
#define DSGATE_SRC_LLM_ANSWER_FORM_PRIVATE_H

#include "answer_private.h"
#include "dsgate/llm/answer_form.h"
#include "dsgate/llm/json.h"

/* ---- values ---- */

/* The members with these names; false: no object, or one of them is there twice. */
bool form_members(struct text object, const struct text *names, size_t n, struct json_member *members);

/* How many members or elements it has. */
size_t form_count(struct text container);

/* A string with something in it, an object or array with something in it. */
bool form_has_substance(const struct json_member *m);

/* A member's name and the value to write instead of its own; n == 0: it is left out. */
struct form_swap {
    struct text name, value;
};

/* The members of an object, some of them swapped; with `more` a comma stands before the first. */
void form_put_members(struct buf *out, struct text object, const struct form_swap *swaps, size_t n, bool more);

/* The same between braces. */
void form_put_object(struct buf *out, struct text object, const struct form_swap *swaps, size_t n);

/* ---- plain to stream ---- */

struct form_writer {
    struct buf *out;
    size_t limit;    /* bytes that *out may have */
    bool failed;     /* nobody knows how to say it, or a limit has been reached: whatever is written is dropped */
    unsigned events; /* so far */
};

/* Ends an event; false: all has failed, there is no use in another one. */
bool form_close_event(struct form_writer *w);

/* `plain` is valid JSON on one line. Members that can't be are told by w->failed. */
typedef void form_to_stream(struct form_writer *w, struct text plain, bool usage);
form_to_stream form_stream_chat, form_stream_completion, form_stream_messages, form_stream_responses;

/* ---- stream to plain ---- */

/* Is shown the data of an event. `repeats` takes it if it is like one that has been read but for one text, which proves
 * it valid JSON and no error; all others are made sure of and then given to `read`, which says false where nobody knows
 * what they would become. Most events of a stream are of the first kind. */
typedef bool form_reader(void *state, struct text data);

/* Shows the readers all events of a stream but [DONE]. False: `read` said so, or the stream is none, has errors or no
 * end. */
bool form_read_stream(enum endpoint_family family, struct text stream, form_reader *repeats, form_reader *read,
                      void *state);

/* Bytes of memory that an answer may take while it is put together from a stream. */
size_t form_budget(struct text stream);

/* Appends to *out; what was appended is dropped where they say false. */
typedef bool form_to_plain(struct buf *out, struct text stream);
form_to_plain form_plain_chat, form_plain_completion, form_plain_messages, form_plain_responses;

/* ---- Anthropic's content blocks ---- */

/* How a member of a block goes on in deltas. */
enum form_manner {
    FORM_JOINS,   /* a string, in pieces */
    FORM_COMES,   /* a string, at once */
    FORM_APPENDS, /* a list, element by element */
    FORM_SPELLS   /* an object, as JSON text in pieces */
};

enum form_block_member { BLOCK_TYPE, BLOCK_TEXT, BLOCK_CITATIONS, BLOCK_THINKING, BLOCK_SIGNATURE, BLOCK_INPUT };
enum { FORM_BLOCK_MEMBERS = BLOCK_INPUT + 1, FORM_DELTAS = 7 };

extern const struct text form_block_members[FORM_BLOCK_MEMBERS];
extern const struct form_delta {
    struct text block, delta; /* their types, with quotes */
    enum form_block_member member;
    struct text piece; /* the delta's member */
    enum form_manner manner;
} form_deltas[FORM_DELTAS];

#endif
