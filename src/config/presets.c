#include "presets.h"
#include "yaml.h"

/* Should it not be readable (memory), that is reported under its own name, and no preset is known. */
static struct node *presets_of(struct reader *r)
{
    const char *source = r->report->source;
    r->report->source = "presets.yaml";
    if (!r->presets) r->presets = nodes_from_yaml(r->report, text_make(presets_yaml, presets_yaml_length));
    if (!r->presets) r->presets = node_new(NODE_MAP, 0, 0);
    r->report->source = source;
    return r->presets;
}

static void refuse(struct reader *r, const struct node *presets, struct node *value)
{
    const struct option *o = option_find(&upstream_table, "preset");
    struct guess g = guess_begin(value->value);
    struct buf all = {0};
    for (size_t i = 0; i < presets->count; i++) {
        const char *name = presets->entries[i].key->value;
        guess_offer(&g, name);
        buf_printf(&all, "%s%s", i == 0 ? "" : i + 1 < presets->count ? ", " : " or ", name);
    }
    if (g.best)
        reader_unknown_word(r, o, value, &g);
    else
        reader_value_error(r, o, value, "is unknown; expected " TEXT_FORMAT, TEXT_ARGS(buf_text(&all)));
    buf_free(&all);
}

struct node *preset_find(struct reader *r, struct node *value)
{
    struct node *presets = presets_of(r), *found = node_given(presets, value->value);
    if (!found) refuse(r, presets, value);
    return found;
}
