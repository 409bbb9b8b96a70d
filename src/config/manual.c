/* manual.c - the option table as mdoc(7) list items, for dsgate.yaml(5). */
#include "option.h"

/* A line that starts with a dot or an apostrophe would be a request; a backslash would start an escape. mdoc wants
 * every sentence on a line of its own. */
static void write_text(FILE *out, struct text t)
{
    bool line_start = true;
    for (size_t i = 0; i < t.n; i++) {
        if (line_start && (t.p[i] == '.' || t.p[i] == '\'')) fputs("\\&", out);
        bool sentence_end = t.p[i] == ' ' && i && t.p[i - 1] == '.' && i + 1 < t.n && t.p[i + 1] != '_';
        line_start = sentence_end;
        fputs(sentence_end ? "\n" : t.p[i] == '\\' ? "\\e" : (char[]){t.p[i], '\0'}, out);
    }
    fputc('\n', out);
}

static void write_item(FILE *out, struct text path, const struct option *o)
{
    struct buf facts = {0};
    option_add_facts(o, &facts);
    fprintf(out, ".It Ic " TEXT_FORMAT " Ar %s\n", TEXT_ARGS(path), option_noun(o));
    write_text(out, text_of(o->doc));
    if (buf_len(&facts)) write_text(out, buf_text(&facts));
    buf_free(&facts);
}

static void write_items(FILE *out, struct buf *path, const struct option_table *t)
{
    size_t length = buf_len(path);
    for (unsigned i = 0; i < t->count && t->rows->doc; i++) {
        const struct option *o = &t->rows[i];
        buf_printf(path, "%s%s", length ? "." : "", o->key);
        write_item(out, buf_text(path), o);
        if (o->type == OPTION_LIST) BUF_ADD(path, "[]");
        if (o->type == OPTION_KEYED) BUF_ADD(path, ".NAME");
        if (o->table && !(o->type == OPTION_LIST && length)) write_items(out, path, o->table);
        path->tail = path->head + length;
    }
}

void config_write_manual(FILE *out)
{
    struct buf path = {0};
    write_items(out, &path, &config_table);
    buf_free(&path);
}
