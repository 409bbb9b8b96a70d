/* Rows are read in the table's order, not the file's, so that one row may build on an earlier one (an upstream's time
 * limits on the global ones); the report sorts the mistakes afterwards.
 */
#include "dsgate/base/mem.h"
#include "reader.h"
#include <stdarg.h>
#include <stdlib.h>

void reader_error(struct reader *r, struct node *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    report_add(r->report, at->line, at->column, "%s", text ? text : "out of memory");
    mem_free(text);
    at->broken = true;
}

/* A key may have ended up where a file's path or any other text is expected. */
static bool might_be_secret(const struct option *o, const char *written)
{
    bool names_secret = o->type == OPTION_SECRET_FILE || o->type == OPTION_CREDENTIAL;
    if (names_secret && written[0] != '/' && written[0] != '.' && written[0] != '$') return true;
    return option_is_secret(o) || text_starts(text_of(written), TEXT("sk-"));
}

/* What a variable holds is not shown either, only its name. A URL may hold a password. */
static void add_subject(const struct option *o, const struct node *value, struct buf *out)
{
    struct text written = text_of(value->written);
    if (might_be_secret(o, value->written)) {
        BUF_ADD(out, "the value (not shown)");
    } else if (o->type == OPTION_URL || o->type == OPTION_REDIS_URL) {
        size_t name_end = strcspn(value->written, ":}");
        BUF_ADD(out, "the URL");
        if (text_starts(written, TEXT("${"))) buf_printf(out, " in %.*s}", (int)name_end, value->written);
    } else {
        if (value->value != value->written) BUF_ADD(out, "the value of ");
        report_quote(out, written);
    }
}

void reader_value_error(struct reader *r, const struct option *o, struct node *value, const char *format, ...)
{
    struct buf subject = {0};
    va_list args;
    va_start(args, format);
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0) text = NULL;
    va_end(args);
    add_subject(o, value, &subject);
    reader_error(r, value, "%s: " TEXT_FORMAT " %s", o->key, TEXT_ARGS(buf_text(&subject)), text ? text : "is wrong");
    buf_free(&subject);
    mem_free(text);
}

void reader_unknown_word(struct reader *r, const struct option *o, struct node *value, const struct guess *g)
{
    struct buf range = {0};
    option_add_range(o, &range);
    if (g->best)
        reader_value_error(r, o, value, "is unknown; did you mean '%s'?", g->best);
    else
        reader_value_error(r, o, value, "is unknown; expected " TEXT_FORMAT, TEXT_ARGS(buf_text(&range)));
    buf_free(&range);
}

bool reader_expect(struct reader *r, const char *key, struct node *n, enum node_kind kind, const char *expected)
{
    if (n->kind == kind) return true;
    reader_error(r, n, "%s: found %s; expected %s", key, node_kind_name(n), expected);
    return false;
}

static void read_section(struct reader *r, const struct option *o, struct node *value, void *base)
{
    const char *shorthand = o->table->shorthand;
    void *section = (char *)base + o->offset;
    if (value->kind == NODE_MAP)
        read_mapping(r, o->table, value, section);
    else if (shorthand && value->kind == NODE_SCALAR)
        read_option(r, option_find(o->table, shorthand), value, section);
    else
        reader_error(r, value, "%s: found %s; expected %s%s%s", o->key, node_kind_name(value),
                     shorthand ? "text or a mapping" : "a mapping", o->example ? " such as " : "",
                     o->example ? o->example : "");
}

void read_option(struct reader *r, const struct option *o, struct node *value, void *base)
{
    if (value->broken) return;
    switch (o->type) {
    case OPTION_SECTION: read_section(r, o, value, base); break;
    case OPTION_TEXTS:
    case OPTION_SECRETS: read_texts(r, o, value, base); break;
    case OPTION_LIST: read_list(r, o, value, base); break;
    case OPTION_KEYED: read_keyed(r, o, value, base); break;
    default: read_scalar(r, o, value, base);
    }
}

void read_defaults(struct reader *r, const struct option_table *t, void *base)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct option *o = &t->rows[i];
        if (o->type == OPTION_SECTION) read_defaults(r, o->table, (char *)base + o->offset);
        if (!o->fallback) continue;
        struct node *n = node_new(NODE_SCALAR, 0, 0);
        n->written = n->value = mem_strdup(o->fallback);
        read_option(r, o, n, base);
        node_free(n);
    }
}

static void refuse_unknown_key(struct reader *r, const struct option_table *t, struct node *key)
{
    struct guess g = guess_begin(key->value);
    struct buf text = {0};
    BUF_ADD(&text, "unknown key ");
    report_quote(&text, g.word);
    if (!report_is_full(r->report))
        for (unsigned i = 0; i < t->count; i++)
            guess_offer(&g, t->rows[i].key);
    if (g.best) buf_printf(&text, "; did you mean '%s'?", g.best);
    for (unsigned i = 0; !g.best && i < t->count; i++)
        buf_printf(&text, "%s%s", i == 0 ? "; expected " : i + 1 < t->count ? ", " : " or ", t->rows[i].key);
    reader_error(r, key, TEXT_FORMAT, TEXT_ARGS(buf_text(&text)));
    buf_free(&text);
}

void read_mapping(struct reader *r, const struct option_table *t, struct node *map, void *base)
{
    for (unsigned i = 0; i < t->count; i++) {
        struct node *value = node_given(map, t->rows[i].key);
        if (value) read_option(r, &t->rows[i], value, base);
    }
    for (size_t i = 0; i < map->count; i++)
        if (!option_find(t, map->entries[i].key->value)) refuse_unknown_key(r, t, map->entries[i].key);
}

static bool is_there(const struct option *o, const struct node *value, const char *element)
{
    return o->type == OPTION_SECTION ? value != NULL : *(char *const *)(const void *)(element + o->offset) != NULL;
}

/* An element that prepare already called broken misses more than it can help. */
static void refuse_missing(struct reader *r, const struct option_table *t, struct node *n, void *element)
{
    bool told = n->broken;
    for (unsigned i = 0; i < t->count && !told; i++) {
        const struct option *o = &t->rows[i];
        struct node *value = n->kind == NODE_MAP ? node_given(n, o->key) : n;
        if (o->type == OPTION_SECTION && value && value != n)
            refuse_missing(r, o->table, value, (char *)element + o->offset);
        if (!o->required || is_there(o, value, element) || (value && value->broken)) continue;
        reader_error(r, value ? value : n, "%s is missing; expected %s", o->key, option_expects(o));
    }
}

void read_element(struct reader *r, const struct option_table *t, struct node *n, void *element)
{
    read_defaults(r, t, element);
    if (t->prepare) t->prepare(r, n, element);
    if (n->kind == NODE_MAP)
        read_mapping(r, t, n, element);
    else if (!node_is_null(n))
        read_option(r, option_find(t, t->shorthand), n, element);
    refuse_missing(r, t, n, element);
    if (t->finish) t->finish(r, n, element);
}
