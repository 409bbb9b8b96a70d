#include "presets.h"
#include "yaml.h"

static struct node *presets_of(struct reader *r)
{
    if (!r->presets) {
        struct report report = {.source = "presets.yaml"};
        r->presets = nodes_from_yaml(&report, text_make(presets_yaml, presets_yaml_length));
    }
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
    if (!found && !report_is_full(r->report)) refuse(r, presets, value);
    return found;
}
