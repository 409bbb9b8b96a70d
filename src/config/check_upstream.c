/* One upstream: what does not fit together in it. */
#include "check.h"
#include "reader.h"
#include "value.h"

static void check_name(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *at = node_place(n, "name");
    if (!u->name) return;
    for (const struct conf_upstream *other = r->config->upstreams; other < u; other++) {
        if (!other->name || strcmp(other->name, u->name) != 0) continue;
        reader_error(r, at, "name: '%s' is the name of an earlier upstream; expected another one", u->name);
        return;
    }
}

static void check_secrets(struct reader *r, struct node *n)
{
    static const char *const keys[] = {"api_key", "api_key_file", "api_key_credential", "api_keys"};
    const char *first = NULL;
    for (unsigned i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct node *value = node_given(n, keys[i]);
        if (value && first) reader_error(r, value, "%s: %s is given too; expected one of them", keys[i], first);
        if (value && !first) first = keys[i];
    }
}

/* One of two equal keys would be asked twice as often, and rest alone when both are refused. */
static void check_keys(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *list = node_place(n, "api_keys");
    for (size_t i = 1; i < u->api_key_count; i++)
        for (size_t j = 0; j < i; j++) {
            if (!u->api_keys[i] || !u->api_keys[j] || strcmp(u->api_keys[i], u->api_keys[j]) != 0) continue;
            reader_error(r, list->entries[i].value, "api_keys: the value (not shown) is given twice; expected it once");
            break;
        }
}

static void check_headers(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    for (size_t i = 0; i < u->header_count; i++) {
        const char *name = u->headers[i].name;
        if (!conf_key_count(u) || !u->auth_header || !text_eq_nocase(text_of(name), text_of(u->auth_header))) continue;
        reader_error(r, node_place(n, "headers"), "headers: '%s' is set by the API key; expected one of them", name);
    }
}

static void check_tls(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    bool plain = u->base_url && !u->https;
    check_client_tls(r, node_given(n, "tls"), &u->tls, plain ? "base_url is http; expected https" : NULL);
}

/* What only a standby has, where it is told that another tier is wanted. */
static void check_tier(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *activate = node_given(n, "activate"), *tier = node_given(n, "tier");
    if (activate && u->tier != TIER_STANDBY && !(tier && tier->broken))
        reader_error(r, activate, "activate: it is for a standby only; expected tier: standby beside it");
}

static void check_breaker(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *breaker = node_place(n, "breaker"), *open = node_place(breaker, "open");
    struct node *open_max = node_given(breaker, "open_max");
    if (u->breaker.open > u->breaker.open_max && !open->broken && !(open_max && open_max->broken))
        reader_error(r, open_max ? open_max : open, "open_max: it is less than open; expected as much or more");
}

static bool has_price(const struct conf_price *p) { return p->cache_hit > 0 || p->cache_miss > 0 || p->output > 0; }

bool check_has_price(const struct conf_upstream *u)
{
    for (size_t i = 0; i < u->model_count; i++)
        if (has_price(&u->models[i].price) || has_price(&u->models[i].peak_price)) return true;
    return false;
}

/* A budget that nothing is ever counted against is none. */
static void check_budget(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *models = node_given(n, "models"), *budget = node_place(node_place(n, "quota"), "cost_per_day");
    if (u->quota.cost_per_day > 0 && !check_has_price(u) && !(models && node_has_mistake(models)))
        reader_error(r, budget, "cost_per_day: no model has a price; expected price in models");
}

static void check_discovery(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *section = node_given(n, "discover");
    const struct conf_discover *d = &u->discover;
    if (!section || node_has_mistake(section) || section->count == 0) return;
    if (!d->records)
        reader_error(r, section, "records is missing; expected a or srv");
    else if (u->resolve_count)
        reader_error(r, section, "discover: resolve is given too; expected one of them");
    else if (!d->name && !strcmp(d->records, "srv"))
        reader_error(r, section, "name is missing; expected the name of SRV records");
    else if (!d->name && u->host && value_dns_name(text_of(u->host)))
        reader_error(r, section, "discover: base_url has an address; expected a name to ask for");
}

/* The upstream's own name of the model in a row; NULL: any. */
static const char *name_in_row(const struct conf_model *m)
{
    const char *name = m->name && !strcmp(m->name, "*") ? m->client_name : m->name;
    return name && strcmp(name, "*") != 0 ? name : NULL;
}

/* None of the rows has NULL for a name then. */
static void refuse_cap(struct reader *r, struct node *caps, const struct conf_upstream *u, const char *model)
{
    struct node *at = caps;
    struct guess g = guess_begin(model);
    for (size_t i = 0; i < caps->count; i++)
        if (!strcmp(caps->entries[i].key->value, model)) at = caps->entries[i].key;
    for (size_t i = 0; i < u->model_count && !report_is_full(r->report); i++)
        guess_offer(&g, name_in_row(&u->models[i]));
    reader_error(r, at, "max_concurrency: '%s' is not the upstream's name of a model; %s%s%s", model,
                 g.best ? "did you mean '" : "expected one that models has", g.best ? g.best : "", g.best ? "'?" : "");
}

/* The upstream's own names are easily taken for the clients'. Of an account another upstream may have the model. */
static void check_caps(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    struct node *caps = node_place(n, "max_concurrency");
    for (size_t i = 0; i < u->cap_count && u->model_count && !u->account; i++) {
        bool known = !strcmp(u->caps[i].model, "*");
        for (size_t j = 0; j < u->model_count && !known; j++) {
            const char *name = name_in_row(&u->models[j]);
            known = !name || !strcmp(name, u->caps[i].model);
        }
        if (!known) refuse_cap(r, caps, u, u->caps[i].model);
    }
}

void check_upstream(struct reader *r, struct node *n, const struct conf_upstream *u)
{
    check_name(r, n, u);
    check_secrets(r, n);
    check_keys(r, n, u);
    check_headers(r, n, u);
    check_tls(r, n, u);
    check_tier(r, n, u);
    check_breaker(r, n, u);
    check_budget(r, n, u);
    check_discovery(r, n, u);
    check_caps(r, n, u);
}
