/* assembly_private.h - the tree in which an answer is put together: nodes that find themselves by key or index.
 *
 * Strings that are joined are kept as their raw insides, with escapes unresolved, so the two halves of a surrogate pair
 * that came apart are a pair again. Whatever is not joined is kept as the bytes of its value.
 */
#ifndef DSGATE_SRC_LLM_ASSEMBLY_PRIVATE_H
#define DSGATE_SRC_LLM_ASSEMBLY_PRIVATE_H

#include "dsgate/base/buf.h"
#include "dsgate/llm/assembly.h"

enum node_kind {
    NODE_NULL,  /* nothing but null has been said */
    NODE_VALUE, /* bytes: a whole value */
    NODE_TEXT,  /* bytes: what stands between a string's quotes */
    NODE_LIST,  /* children: its elements with an index, in order of it; bytes: the others, with commas between */
    NODE_OBJECT /* children: its members, as they first came */
};

struct node {
    struct node *next, *first;
    enum node_kind kind;
    unsigned children;
    int64_t index;   /* of a list's element */
    struct text key; /* of an object's member; raw, and behind this struct */
    char *bytes;
    size_t n, room;
};

/* What all nodes of an answer may take together. */
struct node_budget {
    size_t limit, used;
};

static inline struct text node_text(const struct node *n) { return text_make(n->bytes, n->n); }

/* The child with that key or index, which is added (as null) if there is none. NULL: the budget does not allow it, or
 * there are NODE_CHILDREN already, so that looking for one stays cheap whatever comes; or the key has an escape: two
 * that differ could stand for the same name. */
enum { NODE_CHILDREN = 256 };
struct node *node_member(struct node *object, struct text key, struct node_budget *budget);
struct node *node_element(struct node *list, int64_t index, struct node_budget *budget);

/* Null becomes anything, everything else stays what it is: false when that is something else. */
bool node_become(struct node *n, enum node_kind kind);

/* Puts more bytes behind those that are there, or instead of them. False: the budget does not allow it. */
bool node_join(struct node *n, struct text more, struct node_budget *budget);
bool node_set(struct node *n, struct text bytes, struct node_budget *budget);

void node_write(const struct node *n, struct buf *out);

/* Frees what the node owns, not the node itself. */
void node_clear(struct node *n);

#endif
