#include "rules.h"
#include "dsgate/base/list.h"
#include <pthread.h>

struct rule {
    struct list node;
    char *model, *path, *spec; /* model and path "": any */
    unsigned left;             /* requests; 0 = without end */
    bool kept;                 /* from the command line */
    struct scenario_mix mix;
};

/* Rules of the command line stay on the list behind the later ones that cover them. */
struct rules {
    pthread_mutex_t mutex;
    struct list rules;
    unsigned count;
};

struct rules *rules_new(void)
{
    struct rules *r = MEM_NEW(struct rules);
    pthread_mutex_init(&r->mutex, NULL);
    list_init(&r->rules);
    return r;
}

static void drop(struct rules *r, struct rule *rule)
{
    list_remove(&rule->node);
    r->count--;
    mem_free(rule->model);
    mem_free(rule->path);
    mem_free(rule->spec);
    mem_free(rule);
}

void rules_free(struct rules *r)
{
    while (!list_empty(&r->rules))
        drop(r, CONTAINER_OF(r->rules.next, struct rule, node));
    pthread_mutex_destroy(&r->mutex);
    mem_free(r);
}

static bool same_scope(const struct rule *rule, struct rule_scope scope)
{
    return text_is(scope.model, rule->model) && text_is(scope.path, rule->path);
}

static void replace(struct rules *r, struct rule *rule, struct rule_scope scope)
{
    LIST_FOREACH_SAFE (node, &r->rules) {
        struct rule *old = CONTAINER_OF(node, struct rule, node);
        if (!old->kept && same_scope(old, scope)) drop(r, old);
    }
    list_push_front(&r->rules, &rule->node);
    r->count++;
}

bool rules_set(struct rules *r, struct rule_scope scope, struct text spec, unsigned count, struct buf *error)
{
    struct scenario_mix mix;
    if (!scenario_parse(spec, &mix, error)) return false;
    struct rule *rule = MEM_NEW(struct rule);
    *rule = (struct rule){.model = text_dup(scope.model),
                          .path = text_dup(scope.path),
                          .spec = text_dup(spec),
                          .left = count,
                          .mix = mix};
    pthread_mutex_lock(&r->mutex);
    replace(r, rule, scope);
    bool fits = r->count <= RULES_MOST;
    if (!fits) {
        drop(r, rule);
        buf_printf(error, "more than %d scenarios are set; POST /_sim/reset forgets them", RULES_MOST);
    }
    pthread_mutex_unlock(&r->mutex);
    return fits;
}

void rules_keep(struct rules *r)
{
    LIST_FOREACH (node, &r->rules)
        CONTAINER_OF(node, struct rule, node)->kept = true;
}

void rules_reset(struct rules *r)
{
    pthread_mutex_lock(&r->mutex);
    LIST_FOREACH_SAFE (node, &r->rules) {
        struct rule *rule = CONTAINER_OF(node, struct rule, node);
        if (!rule->kept) drop(r, rule);
    }
    pthread_mutex_unlock(&r->mutex);
}

/* 0: does not apply; else the nearer the scope, the higher. */
static int nearness(const struct rule *rule, struct rule_scope request, bool generates)
{
    bool any_path = !*rule->path, any_model = !*rule->model;
    if (any_path && !generates) return 0;
    if (!any_path && !text_is(request.path, rule->path)) return 0;
    if (!any_model && !text_is(request.model, rule->model)) return 0;
    return 1 + !any_model + 2 * !any_path;
}

static struct rule *nearest(struct rules *r, struct rule_scope request, bool generates)
{
    struct rule *best = NULL;
    int best_nearness = 0;
    LIST_FOREACH (node, &r->rules) {
        struct rule *rule = CONTAINER_OF(node, struct rule, node);
        int n = nearness(rule, request, generates);
        if (n <= best_nearness) continue;
        best = rule;
        best_nearness = n;
    }
    return best;
}

bool rules_find(struct rules *r, struct rule_scope request, bool generates, struct scenario_mix *out)
{
    pthread_mutex_lock(&r->mutex);
    struct rule *rule = nearest(r, request, generates);
    if (rule) *out = rule->mix;
    if (rule && rule->left && --rule->left == 0) drop(r, rule);
    pthread_mutex_unlock(&r->mutex);
    return rule != NULL;
}

bool rules_want_early(struct rules *r)
{
    pthread_mutex_lock(&r->mutex);
    const struct rule *rule = nearest(r, (struct rule_scope){TEXT_NONE, TEXT_NONE}, true);
    bool early = false;
    for (unsigned i = 0; rule && i < rule->mix.count; i++)
        early = early || rule->mix.parts[i].early;
    pthread_mutex_unlock(&r->mutex);
    return early;
}

static void list_rule(const struct rule *rule, struct buf *out)
{
    BUF_ADD(out, "{\"scenario\":");
    buf_add_json_string(out, text_of(rule->spec));
    BUF_ADD(out, ",\"model\":");
    buf_add_json_string(out, text_of(rule->model));
    BUF_ADD(out, ",\"path\":");
    buf_add_json_string(out, text_of(rule->path));
    buf_printf(out, ",\"count\":%u}", rule->left);
}

void rules_list(struct rules *r, struct buf *out)
{
    BUF_ADD(out, "[");
    pthread_mutex_lock(&r->mutex);
    LIST_FOREACH (node, &r->rules) {
        if (node != r->rules.next) BUF_ADD(out, ",");
        list_rule(CONTAINER_OF(node, struct rule, node), out);
    }
    pthread_mutex_unlock(&r->mutex);
    BUF_ADD(out, "]");
}
