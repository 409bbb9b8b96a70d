#include "node.h"
#include "dsgate/base/mem.h"
#include <string.h>

struct node *node_new(enum node_kind kind, unsigned line, unsigned column)
{
    struct node *n = MEM_NEW(struct node);
    n->kind = kind;
    n->line = line;
    n->column = column;
    return n;
}

void node_free(struct node *n)
{
    if (!n) return;
    for (size_t i = 0; i < n->count; i++) {
        node_free(n->entries[i].key);
        node_free(n->entries[i].value);
    }
    if (n->value != n->written) mem_free_secret(n->value);
    mem_free_secret(n->written);
    mem_free(n->entries);
    mem_free(n);
}

/* Doubles at every power of two, so that no capacity has to be kept. */
void node_append(struct node *n, struct node *key, struct node *value)
{
    if ((n->count & (n->count - 1)) == 0)
        n->entries = mem_realloc(n->entries, (n->count ? n->count * 2 : 1) * sizeof *n->entries);
    n->entries[n->count++] = (struct node_entry){key, value};
}

struct node *node_given(const struct node *map, const char *key)
{
    for (size_t i = 0; map->kind == NODE_MAP && i < map->count; i++)
        if (!strcmp(map->entries[i].key->value, key))
            return node_is_null(map->entries[i].value) ? NULL : map->entries[i].value;
    return NULL;
}

bool node_is_null(const struct node *n)
{
    return n->kind == NODE_SCALAR && n->plain &&
           (!*n->written || !strcmp(n->written, "~") || !strcmp(n->written, "null"));
}

struct node *node_place(struct node *map, const char *key)
{
    struct node *value = node_given(map, key);
    return value ? value : map;
}

struct node *node_entry(struct node *list, size_t i) { return list->kind == NODE_LIST ? list->entries[i].value : list; }

bool node_has_mistake(const struct node *n)
{
    for (size_t i = 0; i < n->count; i++)
        if ((n->entries[i].key && n->entries[i].key->broken) || node_has_mistake(n->entries[i].value)) return true;
    return n->broken;
}

const char *node_kind_name(const struct node *n)
{
    static const char *const names[] = {"text", "a list", "a mapping"};
    return names[n->kind];
}

void node_forget_places(struct node *n)
{
    n->line = n->column = 0;
    for (size_t i = 0; i < n->count; i++) {
        if (n->entries[i].key) node_forget_places(n->entries[i].key);
        node_forget_places(n->entries[i].value);
    }
}
