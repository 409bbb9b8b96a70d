/* reference.c - the option table as an annotated file that is itself valid, and says what the program does without it:
 * defaults are set, examples are comments to be uncommented.
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

static bool is_set(const struct option *o)
{
    return o->shown == SHOWN_SET || (o->shown == SHOWN_SET_IF_DEFAULT_OR_REQUIRED && (o->fallback || o->required));
}

static void write_leaf(FILE *out, unsigned indent, bool set, const struct option *o)
{
    const char *value = o->fallback ? o->fallback : o->example;
    fprintf(out, "%*s%s%s: %s\n", (int)indent, "", set && is_set(o) ? "" : "#", o->key, value);
}

static void write_rows(FILE *out, unsigned indent, bool set, const struct option_table *t);

/* A table without explanations of its own is written as its owner's example; a list that another one explains, as its
 * default. */
static bool is_leaf(const struct option *o, unsigned indent)
{
    return !o->table || !o->table->rows->doc || (o->type == OPTION_LIST && indent > 0);
}

/* A section or mapping that holds nothing but comments is as good as not there. */
static void write_row(FILE *out, unsigned indent, bool set, const struct option *o)
{
    write_explanation(out, indent, o);
    if (is_leaf(o, indent)) {
        write_leaf(out, indent, set, o);
        return;
    }
    if (o->shown == SHOWN_AS_COMMENT) set = false;
    fprintf(out, "%*s%s%s:\n", (int)indent, "", set ? "" : "#", o->key);
    if (o->type == OPTION_LIST) fprintf(out, "%*s%s-\n", (int)(indent += STEP), "", set ? "" : "#");
    if (o->type == OPTION_KEYED) fprintf(out, "%*s#%s:\n", (int)(indent += STEP), "", o->example);
    write_rows(out, indent + STEP, set && o->type != OPTION_KEYED, o->table);
}

static void write_rows(FILE *out, unsigned indent, bool set, const struct option_table *t)
{
    for (unsigned i = 0; i < t->count; i++) {
        if (indent == 0) fputc('\n', out);
        write_row(out, indent, set, &t->rows[i]);
    }
}

void config_write_reference(FILE *out)
{
    static const char *const introduction[] = {
        "Every key of dsgate's configuration, generated from the program by `dsgate reference`.",
        "All keys are optional but an upstream's base_url, which a preset can give. What is set here is what holds "
        "without a file, so the file can be served as it is; what is commented out is an example, or a default that "
        "would take the place of the preset's.",
        "${NAME} stands for an environment variable, which must be set; ${NAME:-text} has a default for one that is "
        "unset or "
        "empty; $$ is a dollar. Quote them inside { } and [ ].",
        "Times: 500ms, 30s, 10m, 1h. Sizes: 512B, 32KB, 10MB, 1GB, in powers of 1024. Percentages: 20%.",
    };
    for (unsigned i = 0; i < sizeof introduction / sizeof *introduction; i++)
        write_comment(out, 0, text_of(introduction[i]));
    write_rows(out, 0, true, &config_table);
}
