/* canonical_private.h - what canonical text is made of: one spelling for strings and numbers, one order for members. */
#ifndef DSGATE_LLM_CANONICAL_PRIVATE_H
#define DSGATE_LLM_CANONICAL_PRIVATE_H

#include "dsgate/llm/canonical.h"

/* Cuts the string at the head of *rest off and appends its canonical spelling. False: it does not end, or has an escape
 * that is none. */
bool canonical_string(struct text *rest, struct buf *out);

/* `number` is one by JSON's grammar. At most twice as long as it was. */
void canonical_number(struct text number, struct buf *out);

/* A text that was written in one order and is wanted in another, as pieces: they cover all of it in the order in which
 * it was written, and each says which one is wanted next. Offsets count from the text's begin. */
struct order_piece {
    uint32_t begin, end, next;
    bool comma; /* one is wanted before it */
};

struct order_member {
    uint32_t name, name_length; /* in the text */
    uint32_t first, last;       /* pieces */
};

enum { ORDER_PIECES = 64, ORDER_MEMBERS = 32 /* for a start */ };

struct order {
    struct order_piece *pieces; /* the last one has no end yet */
    struct order_member *members;
    uint32_t count, capacity, member_count, member_capacity;
    struct order_piece few_pieces[ORDER_PIECES]; /* most texts need no more */
    struct order_member few_members[ORDER_MEMBERS];
};

void order_init(struct order *o);
void order_free(struct order *o);

/* Ends the last piece and begins another one, whose number is returned. What is in between is left out. */
uint32_t order_split(struct order *o, uint32_t end, uint32_t begin, bool comma);

/* The last piece again; those behind it never were. */
static inline void order_rejoin(struct order *o, uint32_t piece) { o->count = piece + 1; }

/* A member whose name has just been written, in the last piece; the one before it may belong to another object. */
struct order_member *order_add_member(struct order *o);

/* Whether the last member and the one before it are in order. */
bool order_is_kept(const struct order *o, const char *text);

/* Puts the members from `first` on in order, between the piece `before` and the last one. */
void order_link(struct order *o, const char *text, uint32_t first, uint32_t before);

/* Appends the text, which ends at `end`, in the wanted order. */
void order_write(struct order *o, const char *text, uint32_t end, struct buf *out);

#endif
