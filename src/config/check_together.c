/* What does not fit together in the queue; the upstreams beside each other, and what callers' routes and the gateway
 * itself expect of them. While one of them is wrong by itself nothing is said: what looks like another mistake may
 * follow from that one. */
#include "check.h"
#include "reader.h"

/* The mapping of the i-th upstream. The environment's have none, and no mistake of this kind either. */
static struct node *place_of(struct node *root, size_t i) { return node_entry(node_place(root, "upstreams"), i); }

static void add_zones(const struct config *c, struct buf *out)
{
    for (size_t i = 0; i < c->upstream_count; i++) {
        const char *zone = c->upstreams[i].zone;
        bool known = !zone;
        for (size_t j = 0; j < i && !known; j++)
            known = c->upstreams[j].zone && !strcmp(c->upstreams[j].zone, zone);
        if (!known) buf_printf(out, "%s%s", buf_len(out) ? " or " : "", zone);
    }
}

/* A zone that no upstream has is most likely a slip. */
static void check_own_zone(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    struct guess g = guess_begin(c->zone);
    struct buf zones = {0};
    for (size_t i = 0; i < c->upstream_count; i++) {
        const char *zone = c->upstreams[i].zone;
        if (zone && !strcmp(zone, c->zone)) return;
        if (zone) guess_offer(&g, zone);
    }
    add_zones(c, &zones);
    if (g.best)
        reader_error(r, node_place(root, "zone"), "zone: no upstream is in '%s'; did you mean '%s'?", c->zone, g.best);
    else
        reader_error(r, node_place(root, "zone"), "zone: no upstream is in '%s'; expected " TEXT_FORMAT, c->zone,
                     TEXT_ARGS(buf_len(&zones) ? buf_text(&zones) : TEXT("the zone of an upstream")));
    buf_free(&zones);
}

static void check_zones(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    if (c->zone) {
        check_own_zone(r, root);
        return;
    }
    for (size_t i = 0; i < c->upstream_count && !node_given(root, "zone"); i++)
        if (c->upstreams[i].zone)
            reader_error(r, node_place(place_of(root, i), "zone"),
                         "zone: the gateway's own zone is missing; expected zone at the top level too");
}

/* Somebody must serve while all is well, and what canaries do not get must go somewhere. */
static void check_tiers(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    const struct conf_upstream *canary = NULL;
    size_t primaries = 0, steady = 0;
    for (size_t i = 0; i < c->upstream_count; i++) {
        const struct conf_upstream *u = &c->upstreams[i];
        bool primary = u->tier == TIER_PRIMARY;
        primaries += primary;
        steady += primary && !u->canary;
        if (primary && u->canary) canary = u;
    }
    if (!primaries)
        reader_error(r, node_place(place_of(root, 0), "tier"), "tier: no upstream is primary; expected one or more");
    if (canary && !steady)
        reader_error(r, node_place(place_of(root, (size_t)(canary - c->upstreams)), "canary"),
                     "canary: no other upstream is primary; expected one for the rest of the requests");
}

static void check_canaries(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    unsigned sum = 0;
    for (size_t i = 0; i < c->upstream_count; i++) {
        sum += c->upstreams[i].canary;
        if (!c->upstreams[i].canary || sum < 100) continue;
        reader_error(r, node_place(place_of(root, i), "canary"),
                     "canary: all together are %u%%; expected less than 100%%", sum);
        return;
    }
}

static void check_costs(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    struct node *routes = node_place(root, "routes");
    for (size_t i = 0; i < c->upstream_count; i++)
        if (check_has_price(&c->upstreams[i])) return;
    for (size_t i = 0; i < c->route_count; i++)
        if (c->routes[i].policy == POLICY_COST)
            reader_error(r, node_place(node_entry(routes, i), "policy"),
                         "policy: cost has nothing to compare, no model has a price; expected price in an upstream's "
                         "models");
}

static bool is_served(const struct config *c, const char *model)
{
    for (size_t i = 0; i < c->upstream_count; i++) {
        const struct conf_upstream *u = &c->upstreams[i];
        if (!u->model_count) return true;
        for (size_t j = 0; j < u->model_count; j++)
            if (!strcmp(u->models[j].client_name, "*") || !strcmp(u->models[j].client_name, model)) return true;
    }
    return false;
}

static void refuse_fallback(struct reader *r, struct node *at, const char *model)
{
    const struct config *c = r->config;
    struct guess g = guess_begin(model);
    for (size_t i = 0; i < c->upstream_count && !report_is_full(r->report); i++)
        for (size_t j = 0; j < c->upstreams[i].model_count; j++)
            guess_offer(&g, c->upstreams[i].models[j].client_name);
    reader_error(r, at, "model: no upstream serves '%s'; %s%s%s", model,
                 g.best ? "did you mean '" : "expected one of the upstreams' models", g.best ? g.best : "",
                 g.best ? "'?" : "");
}

/* A model that nobody serves would be found out on the day on which all else has failed. */
static void check_fallbacks(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    struct node *routes = node_place(root, "routes");
    for (size_t i = 0; i < c->route_count; i++) {
        for (size_t j = 0; j < c->routes[i].fallback_count; j++) {
            const char *model = c->routes[i].fallback[j].model;
            if (!model || is_served(c, model)) continue;
            struct node *list = node_place(node_entry(routes, i), "fallback");
            refuse_fallback(r, node_place(node_entry(list, j), "model"), model);
        }
    }
}

/* What is found later must have room in any case: see sched/pool.h. */
static void check_endpoints(struct reader *r, struct node *root)
{
    const struct config *c = r->config;
    unsigned sum = 0;
    for (size_t i = 0; i < c->upstream_count; i++) {
        const struct conf_discover *d = &c->upstreams[i].discover;
        sum += d->records ? d->max_endpoints : 1;
        if (!d->records || sum <= CONF_ENDPOINTS_MAX) continue;
        struct node *section = node_place(place_of(root, i), "discover");
        reader_error(r, node_place(section, "max_endpoints"),
                     "max_endpoints: with the upstreams before it there may be %u endpoints; expected at most %d in "
                     "all",
                     sum, CONF_ENDPOINTS_MAX);
        return;
    }
}

/* What is given up before it is late would never move up; where only one of the two is told, it is meant to be so. */
static void check_class(struct reader *r, struct node *section, const struct conf_class *c)
{
    struct node *max_wait = node_given(section, "max_wait"), *timeout = node_given(section, "timeout");
    if (max_wait && timeout && c->max_wait > c->timeout)
        reader_error(r, max_wait, "max_wait: it is longer than timeout; expected at most as long");
}

static void check_queue(struct reader *r, struct node *root)
{
    const struct conf_queue *q = &r->config->queue;
    struct node *queue = node_given(root, "queue");
    if (!queue || node_has_mistake(queue)) return;
    struct node *priority = node_given(queue, "priority"), *classes = node_given(queue, "classes");
    if (priority && q->priority < q->ceiling)
        reader_error(r, priority, "priority: P%u is above the ceiling; expected P%u or a less urgent one", q->priority,
                     q->ceiling);
    for (unsigned p = 0; classes && p < PRIORITY_COUNT; p++) {
        struct node *section = node_given(classes, conf_priority_names[p]);
        if (section) check_class(r, section, &q->classes[p]);
    }
}

void check_together(struct reader *r, struct node *root)
{
    check_queue(r, root);
    if (node_has_mistake(node_place(root, "upstreams"))) return;
    check_zones(r, root);
    check_tiers(r, root);
    check_canaries(r, root);
    check_costs(r, root);
    check_fallbacks(r, root);
    check_endpoints(r, root);
}
