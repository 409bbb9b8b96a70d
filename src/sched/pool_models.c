/* Which upstreams serve a model name: settled once per configuration, so that a request costs one binary search. */
#include "dsgate/base/mem.h"
#include "pool_private.h"
#include <fnmatch.h>
#include <stdlib.h>

static int order(struct text a, struct text b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int d = n ? memcmp(a.p, b.p, n) : 0;
    return d ? d : (a.n > b.n) - (a.n < b.n);
}

static int order_names(const void *a, const void *b)
{
    return order(text_of(*(const char *const *)a), text_of(*(const char *const *)b));
}

static bool is_star(const char *name) { return !strcmp(name, "*"); }

static int order_row(const void *model, const void *row)
{
    return order(*(const struct text *)model, text_of(((const struct model_row *)row)->name));
}

static struct model_row *find_row(struct pool *p, struct text model)
{
    return bsearch(&model, p->rows, p->row_count, sizeof *p->rows, order_row);
}

/* ---- rows ---- */

static void begin_row(struct pool *p, struct model_row *row, const char *name)
{
    row->name = name;
    row->pool = p;
    row->route = pool_route(p, name);
}

/* The model as its upstream calls it; where it takes any, as the row does. */
static const char *name_at(const struct model_row *row, const struct conf_model *model)
{
    return model && !is_star(model->name) ? model->name : row->name;
}

/* A row of the map that changes nothing in the request is none. */
static const struct conf_model *effective(const struct conf_model *m)
{
    return m && is_star(m->name) && !m->thinking ? NULL : m;
}

static void add_candidate(struct model_row *row, struct upstream *u, const struct conf_model *listed)
{
    const struct conf_model *model = effective(listed);
    const char *name = name_at(row, model);
    row->candidates = mem_realloc(row->candidates, (row->n + 1) * sizeof *row->candidates);
    row->contenders = mem_realloc(row->contenders, (row->n + 1) * sizeof *row->contenders);
    row->candidates[row->n] = (struct candidate){.upstream = u,
                                                 .model = model,
                                                 .listed = listed,
                                                 .target = pool_target(u->state, name),
                                                 .slot = pool_slot(u->account, name),
                                                 .cap = is_star(name) ? 0 : pool_cap(row->pool, u->account, name),
                                                 .price = listed ? price_blend(price_at(listed, false)) : 0,
                                                 .peak_price = listed ? price_blend(price_at(listed, true)) : 0};
    row->contenders[row->n++] = (struct contender){.identity = text_hash(text_of(u->name))};
    row->has_canary |= u->conf->canary > 0;
}

static bool has_candidate(const struct model_row *row, const struct upstream *u)
{
    return row->n > 0 && row->candidates[row->n - 1].upstream == u; /* they come in order */
}

static const struct conf_model *find_star(const struct conf_upstream *u)
{
    for (size_t i = 0; i < u->model_count; i++)
        if (is_star(u->models[i].client_name)) return &u->models[i];
    return NULL;
}

/* First the names that its map has, then, if it takes any name, all others. */
static void add_to_rows(struct pool *p, struct upstream *u)
{
    for (size_t i = 0; i < u->conf->model_count; i++) {
        const struct conf_model *m = &u->conf->models[i];
        struct model_row *row = find_row(p, text_of(m->client_name));
        if (row && !has_candidate(row, u)) add_candidate(row, u, m);
    }
    add_candidate(&p->all, u, NULL);
    const struct conf_model *star = find_star(u->conf);
    if (!star && u->conf->model_count > 0) return;
    add_candidate(&p->any, u, star);
    for (size_t i = 0; i < p->row_count; i++)
        if (!has_candidate(&p->rows[i], u)) add_candidate(&p->rows[i], u, star);
}

/* All client names of all maps, sorted, each once. The array is the caller's, the names are the config's. */
static size_t list_names(const struct pool *p, const char ***names)
{
    size_t most = 0, n = 0, unique = 0;
    for (size_t i = 0; i < p->upstream_count; i++)
        most += p->upstreams[i].conf->model_count;
    const char **list = *names = mem_alloc(most * sizeof *list);
    for (size_t i = 0; i < p->upstream_count; i++) {
        const struct conf_upstream *u = p->upstreams[i].conf;
        for (size_t j = 0; j < u->model_count; j++)
            if (!is_star(u->models[j].client_name)) list[n++] = u->models[j].client_name;
    }
    qsort(list, n, sizeof *list, order_names);
    for (size_t i = 0; i < n; i++)
        if (unique == 0 || strcmp(list[i], list[unique - 1])) list[unique++] = list[i];
    return unique;
}

void pool_build_rows(struct pool *p)
{
    const char **names;
    p->row_count = list_names(p, &names);
    p->rows = mem_zalloc(p->row_count * sizeof *p->rows);
    for (size_t i = 0; i < p->row_count; i++)
        begin_row(p, &p->rows[i], names[i]);
    begin_row(p, &p->any, "*");
    begin_row(p, &p->all, "*");
    for (size_t i = 0; i < p->upstream_count; i++)
        add_to_rows(p, &p->upstreams[i]);
    mem_free(names);
}

static void free_row(struct model_row *row)
{
    mem_free(row->candidates);
    mem_free(row->contenders);
}

void pool_free_rows(struct pool *p)
{
    for (size_t i = 0; i < p->row_count; i++)
        free_row(&p->rows[i]);
    mem_free(p->rows);
    free_row(&p->any);
    free_row(&p->all);
}

/* ---- asking ---- */

struct model_row *pool_find_model(struct pool *p, struct text model)
{
    struct model_row *row = find_row(p, model);
    if (row) return row;
    return p->any.n ? &p->any : NULL;
}

static bool matches(const struct conf_route *r, const char *model)
{
    for (size_t i = 0; i < r->model_count; i++)
        if (fnmatch(r->models[i], model, 0) == 0) return true;
    return false;
}

const struct conf_route *pool_route(const struct pool *p, const char *model)
{
    for (size_t i = 0; i < p->config->route_count; i++)
        if (matches(&p->config->routes[i], model)) return &p->config->routes[i];
    return &p->config->other;
}

struct near {
    const char *name;
    unsigned distance;
};

void pool_near_models(const struct pool *p, struct text model, struct buf *out)
{
    enum { MOST = 3 };
    struct near best[MOST + 1];
    unsigned n = 0, distance;
    for (size_t i = 0; i < p->row_count; i++) {
        if (!text_is_near(model, text_of(p->rows[i].name), &distance)) continue;
        unsigned at = n < MOST ? n++ : MOST;
        for (; at > 0 && best[at - 1].distance > distance; at--)
            best[at] = best[at - 1];
        best[at] = (struct near){p->rows[i].name, distance};
    }
    for (unsigned i = 0; i < n; i++)
        buf_printf(out, "%s'%s'", i ? ", " : "", best[i].name);
}
