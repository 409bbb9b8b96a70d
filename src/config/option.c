#include "option.h"

static const struct {
    const char *noun, *expects;
} types[] = {
    [OPTION_FLAG] = {"flag", "true or false"},
    [OPTION_SWITCH] = {"word", "a word"},
    [OPTION_COUNT] = {"number", "a whole number"},
    [OPTION_COUNT64] = {"number", "a whole number"},
    [OPTION_PERCENT] = {"percentage", "a percentage such as 20%"},
    [OPTION_MODE] = {"octal", "octal permissions such as 0660"},
    [OPTION_SIZE] = {"size", "a size such as 512KB, 10MB or 1GiB"},
    [OPTION_DURATION] = {"time", "a time such as 500ms, 30s, 10m or 1h"},
    [OPTION_DECIMAL] = {"number", "a decimal number such as 1.5"},
    [OPTION_PRICE] = {"price", "a decimal number such as 0.15"},
    [OPTION_TEXT] = {"text", "text"},
    [OPTION_CHOICE] = {"word", "a word"},
    [OPTION_ENUM] = {"word", "a word"},
    [OPTION_URL] = {"URL", "a URL such as https://api.deepseek.com/v1"},
    [OPTION_REDIS_URL] = {"URL", "a URL such as redis://127.0.0.1:6379/0"},
    [OPTION_SECRET] = {"secret", "text"},
    [OPTION_SECRET_FILE] = {"file", "the path of a file"},
    [OPTION_CREDENTIAL] = {"name", "the name of a systemd credential"},
    [OPTION_TEXTS] = {"list", "text or a list of texts"},
    [OPTION_SECRETS] = {"list", "text or a list of texts"},
    [OPTION_SECTION] = {"mapping", "a mapping"},
    [OPTION_LIST] = {"list", "a list"},
    [OPTION_KEYED] = {"mapping", "a mapping"},
};

/* What may stand alone or in a mapping is a number. */
const char *option_expects(const struct option *o)
{
    return o->alone ? "a whole number or a mapping" : types[o->type].expects;
}
const char *option_noun(const struct option *o) { return o->alone ? "number or mapping" : types[o->type].noun; }

bool option_is_secret(const struct option *o) { return o->type == OPTION_SECRET || o->type == OPTION_SECRETS; }

const struct option *option_find(const struct option_table *t, const char *key)
{
    for (unsigned i = 0; i < t->count; i++)
        if (!strcmp(t->rows[i].key, key)) return &t->rows[i];
    return NULL;
}

static void add_names(const struct option *o, struct buf *out)
{
    for (unsigned i = 0; o->names[i]; i++) {
        if (i) buf_add(out, o->names[i + 1] ? TEXT(", ") : TEXT(" or "));
        buf_add(out, text_of(o->names[i]));
        if (o->aliases) buf_printf(out, " (%s)", o->aliases[i]);
    }
}

void option_add_range(const struct option *o, struct buf *out)
{
    bool array = o->type == OPTION_LIST || o->type == OPTION_KEYED || o->type == OPTION_TEXTS ||
                 o->type == OPTION_SECRETS;
    if (o->names) add_names(o, out);
    if (o->word) buf_printf(out, "%s%s", o->word, o->never ? ", " : o->max ? " or " : "");
    if (o->never) buf_printf(out, "%s or ", o->never);
    if (array && o->max)
        buf_printf(out, "%s %s entries", o->min ? "1 to" : "at most", o->max);
    else if (o->max)
        buf_printf(out, "%s to %s", o->min, o->max);
}

void option_add_facts(const struct option *o, struct buf *out)
{
    struct buf range = {0};
    option_add_range(o, &range);
    if (o->fallback) buf_printf(out, "Default: %s.", o->fallback);
    if (o->unset) buf_printf(out, "Without it: %s.", o->unset);
    if (buf_len(&range)) {
        if (o->fallback || o->unset) BUF_ADD(out, " ");
        buf_printf(out, "Values: " TEXT_FORMAT ".", TEXT_ARGS(buf_text(&range)));
    }
    buf_free(&range);
}
