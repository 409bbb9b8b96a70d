/* reference.c - the option table as an annotated file that is itself valid: what has a default or is required stands
 * there, the rest as comments to be uncommented.
 */
#include "option.h"

enum { WIDTH = 100, STEP = 2 };

/* A sentence as comment lines. */
static void write_comment(FILE *out, unsigned indent, struct text sentence)
{
    struct text rest = sentence, word;
    size_t column = 0; /* no line begun */
    while (text_cut(&rest, ' ', &word)) {
        if (column == 0 || column + 1 + word.n > WIDTH) {
            fprintf(out, "%s%*s#", column ? "\n" : "", (int)indent, "");
            column = indent + 1;
        }
        fprintf(out, " " TEXT_FORMAT, TEXT_ARGS(word));
        column += 1 + word.n;
    }
    fputc('\n', out);
}

static void write_explanation(FILE *out, unsigned indent, const struct option *o)
{
    struct buf facts = {0};
    option_add_facts(o, &facts);
    write_comment(out, indent, text_of(o->doc));
    if (buf_len(&facts)) write_comment(out, indent, buf_text(&facts));
    buf_free(&facts);
}

static void write_leaf(FILE *out, unsigned indent, const struct option *o)
{
    bool shown = o->fallback || o->required;
    fprintf(out, "%*s%s%s: %s\n", (int)indent, "", shown ? "" : "#", o->key, o->fallback ? o->fallback : o->example);
}

static void write_rows(FILE *out, unsigned indent, const struct option_table *t);

/* A table without explanations of its own is written as its owner's example; a list that another one explains, as its
 * default. */
static bool is_leaf(const struct option *o, unsigned indent)
{
    return !o->table || !o->table->rows->doc || (o->type == OPTION_LIST && indent > 0);
}

static void write_row(FILE *out, unsigned indent, const struct option *o)
{
    write_explanation(out, indent, o);
    if (is_leaf(o, indent)) {
        write_leaf(out, indent, o);
        return;
    }
    fprintf(out, "%*s%s:\n", (int)indent, "", o->key);
    if (o->type == OPTION_LIST) fprintf(out, "%*s-\n", (int)(indent += STEP), "");
    if (o->type == OPTION_KEYED) fprintf(out, "%*s%s:\n", (int)(indent += STEP), "", o->example);
    write_rows(out, indent + STEP, o->table);
}

static void write_rows(FILE *out, unsigned indent, const struct option_table *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (indent == 0) fputc('\n', out);
        write_row(out, indent, &t->rows[i]);
    }
}

void config_write_reference(FILE *out)
{
    static const char *const introduction[] = {
        "Every key of dsgate's configuration, generated from the program by `dsgate reference`.",
        "All keys are optional but an upstream's base_url, which a preset can give. Values that are commented out are "
        "examples, the others are the defaults.",
        "${NAME} stands for an environment variable, which must be set; ${NAME:-text} has a default for one that is "
        "unset or "
        "empty; $$ is a dollar. Quote them inside { } and [ ].",
        "Times: 500ms, 30s, 10m, 1h, 1d. Sizes: 512B, 32KB, 10MB, 1GB, in powers of 1024.",
    };
    for (unsigned i = 0; i < sizeof introduction / sizeof *introduction; i++)
        write_comment(out, 0, text_of(introduction[i]));
    write_rows(out, 0, &config_table);
}
