/* YAML is a larger language than a config file needs, and some of it is a trap: aliases can make a tree exponentially
 * large, tags change types behind one's back, a second document is silently ignored, duplicate keys silently win. All
 * of these are refused; depth and the number of nodes are bounded. The tree is built from libyaml's events, so nothing
 * is held twice.
 */
#include "yaml.h"
#include "dsgate/base/mem.h"
#include <stdlib.h>
#include <yaml.h>

enum { DEPTH_MAX = 12, NODES_MAX = 50000 };

struct builder {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one */
    struct report *report;
    struct text bytes;
    unsigned nodes;
};

static unsigned line_of(const yaml_mark_t *mark) { return (unsigned)mark->line + 1; }
static unsigned column_of(const yaml_mark_t *mark) { return (unsigned)mark->column + 1; }

static bool refuse(struct builder *b, const char *what)
{
    report_add(b->report, line_of(&b->event.start_mark), column_of(&b->event.start_mark), "%s", what);
    return false;
}

/* libyaml gives bytes that are not UTF-8 an offset only. */
static yaml_mark_t mark_of_offset(const struct builder *b, size_t offset)
{
    yaml_mark_t mark = {0};
    for (size_t i = 0; i < offset && i < b->bytes.n; i++) {
        bool newline = b->bytes.p[i] == '\n';
        mark.line += newline;
        mark.column = newline ? 0 : mark.column + 1;
    }
    return mark;
}

/* The two commonest ways to trip: inside { } and [ ] the braces of an unquoted ${NAME} end the text, and an unquoted
 * [::1]:8585 is a list. */
static const char *hint(const struct builder *b, const yaml_mark_t *mark)
{
    struct text rest = b->bytes, line = TEXT_NONE;
    for (size_t i = 0; i <= mark->line; i++)
        if (!text_cut(&rest, '\n', &line)) return "";
    if (text_find(line, TEXT("${")) < line.n) return "; inside { } or [ ] a \"${NAME}\" needs quotes";
    return text_find(line, TEXT("::")) < line.n ? "; an address in [ ] needs quotes" : "";
}

static void report_syntax(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    yaml_mark_t mark = p->error == YAML_READER_ERROR ? mark_of_offset(b, p->problem_offset) : p->problem_mark;
    report_add(b->report, line_of(&mark), column_of(&mark), "not valid YAML: %s%s%s%s",
               p->problem ? p->problem : "cannot be read", p->context ? " " : "", p->context ? p->context : "",
               hint(b, &mark));
}

/* Forgets the current event, scalars without leaving them in memory, and gets the next one. */
static void drop_event(struct builder *b)
{
    if (b->event.type == YAML_SCALAR_EVENT) explicit_bzero(b->event.data.scalar.value, b->event.data.scalar.length);
    yaml_event_delete(&b->event);
}

static bool next_event(struct builder *b)
{
    drop_event(b);
    if (yaml_parser_parse(&b->parser, &b->event)) return true;
    report_syntax(b);
    return false;
}

static struct node *new_node(struct builder *b, enum node_kind kind)
{
    return node_new(kind, line_of(&b->event.start_mark), column_of(&b->event.start_mark));
}

static struct node *build(struct builder *b, unsigned depth);

static struct node *build_scalar(struct builder *b)
{
    const char *value = (const char *)b->event.data.scalar.value;
    size_t length = b->event.data.scalar.length;
    if (memchr(value, '\0', length)) return refuse(b, "a NUL byte; expected text without one"), NULL;
    struct node *n = new_node(b, NODE_SCALAR);
    n->plain = b->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    n->written = n->value = text_dup(text_make(value, length));
    return n;
}

static struct node *build_list(struct builder *b, unsigned depth)
{
    struct node *list = new_node(b, NODE_LIST), *item = NULL;
    while (next_event(b)) {
        if (b->event.type == YAML_SEQUENCE_END_EVENT) return list;
        if (!(item = build(b, depth + 1))) break;
        node_append(list, NULL, item);
    }
    node_free(list);
    return NULL;
}

static bool build_pair(struct builder *b, struct node *map, unsigned depth)
{
    if (b->event.type != YAML_SCALAR_EVENT && b->event.type != YAML_ALIAS_EVENT)
        return refuse(b, "a key that is a list or a mapping; expected a word");
    struct node *key = build(b, depth + 1);
    struct node *value = key && next_event(b) ? build(b, depth + 1) : NULL;
    if (value) node_append(map, key, value);
    if (!value) node_free(key);
    return value != NULL;
}

static int by_key(const void *left, const void *right)
{
    const struct node *a = *(const struct node *const *)left, *b = *(const struct node *const *)right;
    int order = strcmp(a->value, b->value);
    if (order) return order;
    if (a->line != b->line) return a->line < b->line ? -1 : 1;
    return a->column < b->column ? -1 : a->column > b->column;
}

/* Sorted, so that a mapping of many thousand keys costs no quadratic time. */
static void refuse_duplicates(struct builder *b, const struct node *map)
{
    const struct node **keys = mem_alloc(map->count * sizeof *keys);
    for (size_t i = 0; i < map->count; i++)
        keys[i] = map->entries[i].key;
    qsort(keys, map->count, sizeof *keys, by_key);
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(keys[i - 1]->value, keys[i]->value) != 0) continue;
        struct buf name = {0};
        report_quote(&name, text_of(keys[i]->value));
        report_add(b->report, keys[i]->line, keys[i]->column, "duplicate key " TEXT_FORMAT "; it is already on line %u",
                   TEXT_ARGS(buf_text(&name)), keys[i - 1]->line);
        buf_free(&name);
    }
    mem_free(keys);
}

static struct node *build_map(struct builder *b, unsigned depth)
{
    struct node *map = new_node(b, NODE_MAP);
    while (next_event(b)) {
        if (b->event.type == YAML_MAPPING_END_EVENT) {
            if (map->count) refuse_duplicates(b, map);
            return map;
        }
        if (!build_pair(b, map, depth)) break;
    }
    node_free(map);
    return NULL;
}

static bool has_tag_or_anchor(const yaml_event_t *e, bool *anchor)
{
    bool scalar = e->type == YAML_SCALAR_EVENT, list = e->type == YAML_SEQUENCE_START_EVENT;
    *anchor = scalar ? e->data.scalar.anchor : list ? e->data.sequence_start.anchor : e->data.mapping_start.anchor;
    return *anchor || (scalar ? e->data.scalar.tag : list ? e->data.sequence_start.tag : e->data.mapping_start.tag);
}

/* The node that the current event starts. */
static struct node *build(struct builder *b, unsigned depth)
{
    bool anchor;
    if (b->event.type == YAML_ALIAS_EVENT) return refuse(b, "a YAML alias; expected the value itself"), NULL;
    if (has_tag_or_anchor(&b->event, &anchor))
        return refuse(b, anchor ? "a YAML anchor; expected the value alone" : "a YAML tag; expected the value alone"),
               NULL;
    if (depth > DEPTH_MAX) return refuse(b, "too deeply nested"), NULL;
    if (++b->nodes > NODES_MAX) return refuse(b, "too many values in one file"), NULL;
    if (b->event.type == YAML_SCALAR_EVENT) return build_scalar(b);
    return b->event.type == YAML_SEQUENCE_START_EVENT ? build_list(b, depth) : build_map(b, depth);
}

/* Events of a file with one document: STREAM-START DOCUMENT-START … DOCUMENT-END STREAM-END. */
static struct node *build_document(struct builder *b)
{
    if (!next_event(b) || !next_event(b)) return NULL;
    if (b->event.type == YAML_STREAM_END_EVENT) return node_new(NODE_MAP, 1, 1);
    struct node *root = next_event(b) ? build(b, 0) : NULL;
    if (root && next_event(b) && next_event(b)) {
        if (b->event.type == YAML_STREAM_END_EVENT) return root;
        refuse(b, "a second YAML document starts here; expected one");
    }
    node_free(root);
    return NULL;
}

struct node *nodes_from_yaml(struct report *report, struct text yaml)
{
    struct text byte_order_mark = TEXT("\xEF\xBB\xBF"); /* some editors' mark of UTF-8: no text, and no column */
    if (text_starts(yaml, byte_order_mark)) yaml = text_from(yaml, byte_order_mark.n);
    struct builder b = {.report = report, .bytes = yaml};
    if (!yaml_parser_initialize(&b.parser)) {
        report_add(report, 0, 0, "out of memory");
        return NULL;
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)yaml.p, yaml.n);
    struct node *root = build_document(&b);
    drop_event(&b);
    yaml_parser_delete(&b.parser);
    return root;
}
