/* Lists and keyed mappings into arrays. An array is a pointer and a size_t somewhere in a struct; rows say where. */
#include "dsgate/base/mem.h"
#include "reader.h"
#include <stdlib.h>

static char **items_of(const struct option *o, void *base) { return (char **)(void *)((char *)base + o->offset); }
static size_t *count_of(const struct option *o, void *base)
{
    return (size_t *)(void *)((char *)base + o->count_offset);
}

static bool length_is_fine(struct reader *r, const struct option *o, struct node *value, size_t count)
{
    size_t min = o->min ? strtoul(o->min, NULL, 10) : 0, max = strtoul(o->max, NULL, 10);
    if (count >= min && count <= max) return true;
    reader_error(r, value, "%s: found %zu; expected %zu to %zu of them", o->key, count, min, max);
    return false;
}

static void start_array(const struct option *o, size_t count, size_t size, void *base)
{
    option_release(o, base);
    *items_of(o, base) = count ? mem_zalloc(count * size) : NULL;
    *count_of(o, base) = count;
}

static void read_one_text(struct reader *r, const struct option *o, struct node *n, char **out)
{
    if (n->broken || !reader_expect(r, o->key, n, NODE_SCALAR, "text")) return;
    const char *why = o->check(text_of(n->value));
    if (!*n->value)
        reader_error(r, n, "%s: empty; expected text", o->key);
    else if (why)
        reader_value_error(r, o, n, "%s", why);
    else
        *out = mem_strdup(n->value);
}

void read_texts(struct reader *r, const struct option *o, struct node *value, void *base)
{
    size_t count = value->kind == NODE_LIST ? value->count : 1;
    if (value->kind == NODE_MAP) {
        reader_expect(r, o->key, value, NODE_LIST, option_expects(o));
    } else if (length_is_fine(r, o, value, count)) {
        start_array(o, count, sizeof(char *), base);
        char **texts = *(char ***)(void *)items_of(o, base);
        for (size_t i = 0; i < count; i++)
            read_one_text(r, o, value->kind == NODE_LIST ? value->entries[i].value : value, &texts[i]);
    }
}

/* A mapping, or a text where the table has a shorthand. */
static bool is_element(struct reader *r, const struct option *o, struct node *n)
{
    if (n->kind == NODE_MAP || (o->table->shorthand && n->kind == NODE_SCALAR)) return !n->broken;
    return reader_expect(r, o->key, n, NODE_MAP, o->table->shorthand ? "text or a mapping" : "a mapping");
}

void read_list(struct reader *r, const struct option *o, struct node *value, void *base)
{
    bool alone = value->kind != NODE_LIST;
    bool off = o->word && value->kind == NODE_SCALAR && !strcmp(value->value, o->word);
    size_t count = off ? 0 : alone ? 1 : value->count;
    if (!off && alone && !is_element(r, o, value)) return;
    if (!length_is_fine(r, o, value, count)) return;
    start_array(o, count, o->table->size, base);
    for (size_t i = 0; i < count; i++) {
        struct node *n = alone ? value : value->entries[i].value;
        if (is_element(r, o, n)) read_element(r, o->table, n, *items_of(o, base) + i * o->table->size);
    }
}

static bool same_key(const struct option_table *t, const char *a, const char *b)
{
    return t->keys_nocase ? text_eq_nocase(text_of(a), text_of(b)) : !strcmp(a, b);
}

static char *find_key(const struct option_table *t, char *items, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (same_key(t, *(char **)(void *)(items + i * t->size), key)) return items + i * t->size;
    return NULL;
}

static bool key_is_fine(struct reader *r, const struct option *o, struct node *key, char *items, size_t count)
{
    const char *why = o->table->check_key(text_of(key->value));
    if (!why && o->table->keys_nocase && find_key(o->table, items, count, key->value))
        why = "is given twice in different case";
    if (!why) return true;
    struct buf quoted = {0};
    report_quote(&quoted, text_of(key->value));
    reader_error(r, key, "%s: " TEXT_FORMAT " %s", o->key, TEXT_ARGS(buf_text(&quoted)), why);
    buf_free(&quoted);
    return false;
}

/* Moves the elements of `old` that have no namesake behind the new ones, and frees the others. */
static void keep_others(const struct option *o, char *items, size_t *count, char *old, size_t old_count)
{
    size_t given = *count;
    for (size_t i = 0; i < old_count; i++) {
        char **element = (char **)(void *)(old + i * o->table->size);
        if (!find_key(o->table, items, given, *element)) {
            memcpy(items + *count * o->table->size, element, o->table->size);
            ++*count;
        } else {
            mem_free(*element);
            option_release_all(o->table, element);
        }
    }
    mem_free(old);
}

/* Over a preset's mapping: the new keys come first, the preset's others stay. */
static void read_entries(struct reader *r, const struct option *o, struct node *value, void *base)
{
    const struct option_table *t = o->table;
    if (!reader_expect(r, o->key, value, NODE_MAP, option_expects(o)) || !length_is_fine(r, o, value, value->count))
        return;
    size_t count = 0, old_count = *count_of(o, base);
    char *old = *items_of(o, base), *items = mem_zalloc((value->count + old_count) * t->size);
    for (size_t i = 0; i < value->count; i++) {
        struct node_entry *e = &value->entries[i];
        if (!key_is_fine(r, o, e->key, items, count) || !is_element(r, o, e->value)) continue;
        char *element = items + count++ * t->size;
        *(char **)(void *)element = mem_strdup(e->key->value);
        read_element(r, t, e->value, element);
    }
    keep_others(o, items, &count, old, old_count);
    *items_of(o, base) = items;
    *count_of(o, base) = count;
}

static void read_alone(struct reader *r, const struct option *o, struct node *value, void *base)
{
    char every[] = "*";
    struct node key = {.kind = NODE_SCALAR, .line = value->line, .column = value->column, .value = every};
    struct node_entry entry = {&key, value};
    struct node map = {.kind = NODE_MAP, .entries = &entry, .count = 1};
    read_entries(r, o, &map, base);
}

void read_keyed(struct reader *r, const struct option *o, struct node *value, void *base)
{
    if (o->alone && value->kind == NODE_SCALAR)
        read_alone(r, o, value, base);
    else
        read_entries(r, o, value, base);
}
