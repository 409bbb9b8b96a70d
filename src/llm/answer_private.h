/* answer_private.h - one walk over an answer, and what the readers of the families share.
 *
 * Of an answer a dozen small members are wanted, and beside them lies one large string. So nothing is looked up and
 * nothing is passed twice: a reader is shown each member of an object, and where it wants to know what is inside, the
 * walk goes there. All this is for objects that json_scan() has found valid.
 */
#ifndef DSGATE_SRC_LLM_ANSWER_PRIVATE_H
#define DSGATE_SRC_LLM_ANSWER_PRIVATE_H

#include "dsgate/llm/answer.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Of valid JSON, outside strings. */
static inline bool answer_is_space(char c) { return (unsigned char)c <= ' '; }

/* ---- the walk ---- */

struct answer_walk {
    const char *at, *last; /* what comes next; the brace that ends the whole object */
    struct answer_facts *facts;
    unsigned marks;  /* what has been seen of an error, see answer_error.c */
    uint64_t choice; /* index of the one that is being walked */
    int64_t *counts; /* of the usage object that is being walked */
};

/* Is shown a member: the key without its quotes, escapes unresolved, and the walk before the value. It may leave the
 * value there, looked at or not, or pass all of it. Readers compare keys one by one with literals: lengths that the
 * compiler knows make that cheaper than any table. */
typedef void answer_reader(struct answer_walk *w, struct text key);

/* Passes an object and has its members read, or an array and has the members of its objects read. Any other value is
 * left where it is. */
void answer_walk_object(struct answer_walk *w, answer_reader *read);
void answer_walk_array(struct answer_walk *w, answer_reader *read);

/* ---- single values ---- */

/* A non-empty string, array or object, a number, true. */
bool answer_has_substance(const struct answer_walk *w);

/* The words between a string's quotes, escapes unresolved; empty for other types. */
struct text answer_word(const struct answer_walk *w);

/* Passes a number that counts something, that is, one of digits alone; false leaves any other value where it is. */
bool answer_take_count(struct answer_walk *w, uint64_t *n);

/* ---- members of several families ---- */

void answer_read_token(struct answer_walk *w);  /* a token if it has substance */
void answer_read_finish(struct answer_walk *w); /* a finish_reason, stop_reason or status */
void answer_read_usage(struct answer_walk *w);  /* of any dialect; later values replace earlier ones */

/* ---- whole objects: one reader a family, for events and answers alike ---- */

answer_reader answer_read_chat, answer_read_embedding, answer_read_messages, answer_read_responses;

/* Notes whether the member tells that the object is an error; and is it one, all in all? */
void answer_note_error(struct answer_walk *w, struct text key);
bool answer_is_error(const struct answer_walk *w);

/* ---- events of a kind that tells its name in the line before and in its first member ---- */

static inline void answer_open_event(struct buf *out, const char *name)
{
    buf_printf(out, "event: %s\ndata: {\"type\":\"%s\"", name, name);
}

static inline void answer_close_event(struct buf *out) { BUF_ADD(out, "}\n\n"); }

#endif
