/* node.h - a YAML file as a tree that still knows where everything was written.
 *
 * Ownership: the tree owns its strings; node_free() wipes them, because any of them may be a secret.
 */
#ifndef DSGATE_CONFIG_NODE_H
#define DSGATE_CONFIG_NODE_H

#include <stdbool.h>
#include <stddef.h>

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
    enum node_kind kind;
    unsigned line, column; /* from 1; 0 = not written in a file */
    bool plain;            /* a scalar without quotes */
    bool broken;           /* a mistake in it was told: do not tell another one */
    char *written;         /* a scalar as it stands in the file; never holds a NUL byte */
    char *value;           /* the same with ${NAME} replaced; the same pointer when there was nothing to replace */
    struct node_entry {
        struct node *key, *value; /* key: NULL in a list */
    } * entries;
    size_t count;
};

struct node *node_new(enum node_kind kind, unsigned line, unsigned column);
void node_free(struct node *n); /* NULL is fine */

/* Takes key and value over. */
void node_append(struct node *n, struct node *key, struct node *value);

/* The value of a key in a mapping; NULL when it is missing or null (`key:`, `key: ~`, `key: null`): a key without a
 * value is as good as no key, so that a section whose keys are all commented out is still valid. */
struct node *node_given(const struct node *map, const char *key);
bool node_is_null(const struct node *n);

/* Where to point at: the key's value, or the mapping that should have held it. */
struct node *node_place(struct node *map, const char *key);

/* The i-th of a list, or what stands in the place of a list of one. */
struct node *node_entry(struct node *list, size_t i);

/* Was a mistake told about anything in it? */
bool node_has_mistake(const struct node *n);

/* "text", "a list", "a mapping". */
const char *node_kind_name(const struct node *n);

/* Makes errors name no line: for trees that were not written by the user. */
void node_forget_places(struct node *n);

#endif
