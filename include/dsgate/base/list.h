/* list.h - an intrusive doubly linked list.
 *
 * A node lives inside the thing it links; a thing is on at most one list per node. A node that is on no list has
 * next == NULL (so zeroed memory is "on no list"). Removing a node twice is harmless.
 */
#ifndef DSGATE_BASE_LIST_H
#define DSGATE_BASE_LIST_H

#include "dsgate/base/mem.h"
#include <stdbool.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *head) { head->next = head->prev = head; }
static inline bool list_empty(const struct list *head) { return head->next == head; }
static inline bool list_linked(const struct list *node) { return node->next != NULL; }

static inline void list_insert_before(struct list *at, struct list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}
static inline void list_push_back(struct list *head, struct list *node) { list_insert_before(head, node); }
static inline void list_push_front(struct list *head, struct list *node) { list_insert_before(head->next, node); }

static inline void list_remove(struct list *node)
{
    if (!node->next) return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = node->prev = NULL;
}

/* The first or last node, unlinked; NULL when the list is empty. */
static inline struct list *list_pop_front(struct list *head)
{
    struct list *node = head->next;
    if (node == head) return NULL;
    list_remove(node);
    return node;
}
static inline struct list *list_pop_back(struct list *head)
{
    struct list *node = head->prev;
    if (node == head) return NULL;
    list_remove(node);
    return node;
}

/* All of `from` goes to the end of `to`, in its order and in one step; `from` is empty then. */
static inline void list_move_all(struct list *to, struct list *from)
{
    if (list_empty(from)) return;
    to->prev->next = from->next;
    from->next->prev = to->prev;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

#define LIST_FOREACH(node, head) for (struct list *node = (head)->next; node != (head); node = node->next)
/* The body may remove `node`. */
#define LIST_FOREACH_SAFE(node, head) \
    for (struct list *node = (head)->next, *node##_next = node->next; node != (head); \
         node = node##_next, node##_next = node->next)

#endif
