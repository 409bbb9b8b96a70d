/* chat_private.h - what the files that read and change request bodies share. Changes are noted in any order before the
 * body is cut into pieces. */
#ifndef DSGATE_SRC_LLM_CHAT_PRIVATE_H
#define DSGATE_SRC_LLM_CHAT_PRIVATE_H

#include "dsgate/llm/chat_edit.h"

/* ---- reading ---- */

#define JSON_IS(type) (1u << (type)) /* in a set of types */

/* "Invalid type for 'NAME': expected …, but got a number instead." */
void chat_refuse_type(struct buf *message, const char *name, const char *expected, enum json_type type);

/* A string with its escapes resolved into `room` bytes, the NUL included. False: it is none, does not fit, or has
 * control characters; then it is empty. */
bool chat_read_name(struct text value, char *out, size_t room);

/* ---- changing ---- */

/* At most: the model's name, stream, stream_options, two limits, a top-level member, five pieces of a message, and
 * `cache`, which goes. Those are at seven places, so eight pieces of the body are left beside eleven new ones:
 * CHAT_PIECES. */
enum { CHAT_EDITS = 12 };

struct chat_edits {
    struct buf *extra;
    unsigned count;
    struct chat_edit {
        struct json_edit edit; /* put.p NULL: it is in `extra`, which may still move: */
        size_t from;           /* there */
    } list[CHAT_EDITS];        /* by position */
};

/* `cut` (a range of the body; n == 0 inserts there) is replaced by `put`, which is not in `extra`, or by what has been
 * appended to `extra` since it had `from` bytes. An empty `put` is no change. At one place, what is noted first comes
 * first. */
void chat_edit(struct chat_edits *e, struct text cut, struct text put);
void chat_edit_own(struct chat_edits *e, struct text cut, size_t from);

/* The place behind the model's name: where new members go. */
static inline struct text chat_new_members(const struct chat_request *r)
{
    struct text name = r->members[CHAT_MODEL].value;
    return text_from(name, name.n);
}

/* Whether `thinking` is set as this row says: it says so, and the request says nothing. */
bool chat_sets_thinking(const struct chat_request *r, const struct conf_model *model);

/* What c->sent asks for; false: it can't be done. */
bool chat_go_on(struct chat_edits *e, const struct chat_request *r, const struct chat_changes *c);

#endif
