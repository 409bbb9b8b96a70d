/* Members move, but their bytes should not move at each depth again: an object of 100 levels, none in order, would be
 * copied 100 times. So sorting an object only links pieces anew, and a text is copied once, when all of it is known. */
#include "canonical_private.h"
#include "dsgate/base/mem.h"
#include <stdlib.h>

/* Field by field: the few need no value. */
void order_init(struct order *o)
{
    o->pieces = o->few_pieces;
    o->members = o->few_members;
    o->count = 1;
    o->capacity = ORDER_PIECES;
    o->member_count = 0;
    o->member_capacity = ORDER_MEMBERS;
    o->pieces[0] = (struct order_piece){0};
}

void order_free(struct order *o)
{
    if (o->pieces != o->few_pieces) mem_free(o->pieces);
    if (o->members != o->few_members) mem_free(o->members);
}

/* Twice the n bytes that `all` has, which was `few` for a start. */
static void *grow(void *all, const void *few, size_t n)
{
    return all == few ? memcpy(mem_alloc(2 * n), few, n) : mem_realloc(all, 2 * n);
}

uint32_t order_split(struct order *o, uint32_t end, uint32_t begin, bool comma)
{
    if (o->count == o->capacity) {
        o->pieces = grow(o->pieces, o->few_pieces, o->capacity * sizeof *o->pieces);
        o->capacity *= 2;
    }
    struct order_piece *last = &o->pieces[o->count - 1];
    last->end = end;
    last->next = o->count;
    o->pieces[o->count] = (struct order_piece){.begin = begin, .comma = comma};
    return o->count++;
}

struct order_member *order_add_member(struct order *o)
{
    if (o->member_count == o->member_capacity) {
        o->members = grow(o->members, o->few_members, o->member_capacity * sizeof *o->members);
        o->member_capacity *= 2;
    }
    struct order_member *m = &o->members[o->member_count++];
    m->first = m->last = o->count - 1;
    return m;
}

/* As memcmp(): the shorter one first, when it is how the other begins. Equal names stay as they are. */
static int compare(const struct order_member *a, const struct order_member *b, const char *text)
{
    uint32_t shorter = a->name_length < b->name_length ? a->name_length : b->name_length;
    int order = memcmp(text + a->name, text + b->name, shorter);
    if (order == 0) order = (a->name_length > b->name_length) - (a->name_length < b->name_length);
    return order ? order : (a->name > b->name) - (a->name < b->name);
}

static int compare_for_sort(const void *a, const void *b, void *text) { return compare(a, b, text); }

bool order_is_kept(const struct order *o, const char *text)
{
    const struct order_member *last = &o->members[o->member_count - 1];
    return compare(last - 1, last, text) < 0;
}

void order_link(struct order *o, const char *text, uint32_t first, uint32_t before)
{
    struct order_member *m = o->members + first, *end = o->members + o->member_count;
    qsort_r(m, (size_t)(end - m), sizeof *m, compare_for_sort, (void *)(uintptr_t)text);
    uint32_t *next = &o->pieces[before].next;
    for (struct order_member *member = m; member < end; member++) {
        *next = member->first;
        o->pieces[member->first].comma = member > m;
        next = &o->pieces[member->last].next;
    }
    *next = o->count - 1;
}

void order_write(struct order *o, const char *text, uint32_t end, struct buf *out)
{
    uint32_t at = 0, last = o->count - 1;
    o->pieces[last].end = end;
    for (;;) {
        const struct order_piece *piece = &o->pieces[at];
        if (piece->comma) buf_add_byte(out, ',');
        buf_append(out, text + piece->begin, piece->end - piece->begin);
        if (at == last) return;
        at = piece->next;
    }
}
