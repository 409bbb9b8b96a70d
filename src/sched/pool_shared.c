/* A reload must not forget what is going on: calls in flight count against their limits, an open breaker stays open, a
 * spent quota stays spent. So a new pool looks for each part in its own earlier upstreams (to share it) and then in the
 * pool before it (to take it over), and makes it only if neither has it. */
#include "pool_private.h"

/* ---- states and targets ---- */

struct upstream_state *pool_state(const struct upstream *before, const char *name)
{
    if (before) {
        atomic_fetch_add_explicit(&before->state->refs, 1, memory_order_relaxed);
        return before->state;
    }
    struct upstream_state *s = MEM_NEW(struct upstream_state);
    atomic_init(&s->refs, 1);
    list_init(&s->targets);
    s->name = mem_strdup(name);
    return s;
}

void pool_state_unref(struct upstream_state *s)
{
    if (atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1) return;
    for (struct list *node; (node = list_pop_front(&s->targets));) {
        struct target *t = CONTAINER_OF(node, struct target, node);
        mem_free(t->model);
        mem_free(t);
    }
    mem_free(s->name);
    mem_free(s);
}

struct target *pool_target(struct upstream_state *s, const char *model)
{
    LIST_FOREACH(node, &s->targets) {
        struct target *t = CONTAINER_OF(node, struct target, node);
        if (!strcmp(t->model, model)) return t;
    }
    struct target *t = MEM_NEW(struct target);
    t->model = mem_strdup(model);
    list_push_back(&s->targets, &t->node);
    return t;
}

/* ---- accounts and slots ---- */

static struct account *find_account(const struct pool *p, const char *name)
{
    for (size_t i = 0; p && i < p->upstream_count; i++) {
        const char *other = p->upstreams[i].conf->account;
        if (other && !strcmp(other, name)) return p->upstreams[i].account;
    }
    return NULL;
}

static struct account *new_account(void)
{
    struct account *a = MEM_NEW(struct account);
    atomic_init(&a->refs, 1);
    list_init(&a->slots);
    list_init(&a->wishes);
    return a;
}

struct account *pool_account(const struct pool *p, const struct pool *previous, const struct upstream *before,
                             const struct conf_upstream *conf)
{
    struct account *found = NULL;
    if (conf->account) {
        found = find_account(p, conf->account);
        if (!found) found = find_account(previous, conf->account);
    } else if (before && !before->conf->account) {
        found = before->account;
    }
    if (!found) return new_account();
    atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
    return found;
}

void pool_account_unref(struct account *a)
{
    if (atomic_fetch_sub_explicit(&a->refs, 1, memory_order_acq_rel) != 1) return;
    for (struct list *node; (node = list_pop_front(&a->slots));) {
        struct slot *s = CONTAINER_OF(node, struct slot, node);
        mem_free(s->model);
        mem_free(s);
    }
    mem_free(a);
}

struct slot *pool_slot(struct account *a, const char *model)
{
    LIST_FOREACH(node, &a->slots) {
        struct slot *s = CONTAINER_OF(node, struct slot, node);
        if (!strcmp(s->model, model)) return s;
    }
    struct slot *s = MEM_NEW(struct slot);
    s->model = mem_strdup(model);
    list_push_back(&a->slots, &s->node);
    return s;
}

unsigned pool_cap(const struct pool *p, const struct account *a, const char *model)
{
    unsigned most = 0;
    for (size_t i = 0; i < p->upstream_count; i++) {
        const struct conf_upstream *u = p->upstreams[i].conf;
        for (size_t j = 0; p->upstreams[i].account == a && j < u->cap_count; j++)
            if (u->caps[j].limit > most && !strcmp(u->caps[j].model, model)) most = u->caps[j].limit;
    }
    return most;
}
