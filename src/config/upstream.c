#include "upstream.h"
#include "check.h"
#include "dsgate/base/mem.h"
#include "presets.h"

void upstream_prepare(struct reader *r, struct node *n, void *upstream)
{
    struct conf_upstream *u = upstream;
    u->timeouts = r->config->timeouts;
    struct node *name = node_given(n, "preset");
    if (!name || name->broken || name->kind != NODE_SCALAR) return;
    struct node *preset = preset_find(r, name);
    n->broken = !preset;
    if (!preset) return;
    u->name = mem_strdup(name->value);
    read_mapping(r, &upstream_table, preset, u);
}

/* A preset's paths belong to the provider's host, so they move along when base_url points at a mirror of it: whoever
 * writes http://127.0.0.1:8600 or http://127.0.0.1:8600/v1 expects /beta there, and behind https://proxy/deepseek/v1 it
 * is /deepseek/beta. */
static void move_preset_path(const struct conf_upstream *u, const struct node *n, const char *key, char **path)
{
    if (!*path || !u->base_path || node_given(n, key)) return;
    struct text root = text_of(u->base_path);
    if (text_ends(root, TEXT("/v1"))) root.n -= sizeof "/v1" - 1;
    char *moved = mem_printf(TEXT_FORMAT "%s", TEXT_ARGS(root), *path);
    mem_free(*path);
    *path = moved;
}

void upstream_finish(struct reader *r, struct node *n, void *upstream)
{
    struct conf_upstream *u = upstream;
    move_preset_path(u, n, "beta_path", &u->beta_path);
    move_preset_path(u, n, "anthropic_path", &u->anthropic_path);
    move_preset_path(u, n, "balance_path", &u->balance_path);
    check_upstream(r, n, u);
}
