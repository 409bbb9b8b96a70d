#include "route.h"
#include "options.h"
#include "reader.h"

void route_prepare(struct reader *r, struct node *n, void *route)
{
    ((struct conf_route *)route)->priority = PRIORITY_COUNT;
}

void route_defaults(struct reader *r, struct conf_route *route)
{
    read_defaults(r, &route_table, route);
    route_prepare(r, NULL, route);
}

static bool matches_everything(const struct conf_route *route)
{
    for (size_t i = 0; i < route->model_count; i++) {
        const char *pattern = route->models[i];
        if (pattern && pattern[strspn(pattern, "*")] == '\0') return true;
    }
    return false;
}

static void check_order(struct reader *r, struct node *n, const struct conf_route *route)
{
    for (const struct conf_route *other = r->config->routes; other < route; other++) {
        if (!matches_everything(other)) continue;
        reader_error(r, n, "routes: an earlier one matches every model; expected this one before it");
        return;
    }
}

/* A cap alone may be shorter than the usual base: it is meant to hold from the first wait on. */
static void check_retry(struct reader *r, struct node *n, const struct conf_retry *retry)
{
    struct node *section = node_given(n, "retry"), *base = section ? node_given(section, "base") : NULL;
    if (base && !node_has_mistake(section) && retry->base > retry->cap)
        reader_error(r, base, "base: it is longer than cap; expected at most as long");
}

/* ---- fallback ---- */

/* In the same case: a request that is too long gets other rungs than the others. */
static bool is_repeated(const struct conf_rung *rungs, size_t i)
{
    for (size_t j = 0; j < i; j++)
        if (rungs[j].model && rungs[j].context_length == rungs[i].context_length &&
            !strcmp(rungs[j].model, rungs[i].model))
            return true;
    return false;
}

static bool has_answer(const struct conf_rung *rungs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (rungs[i].answer) return true;
    return false;
}

/* The i-th rung, beside the ones before. */
static void check_rung(struct reader *r, struct node *n, const struct conf_rung *rungs, size_t i)
{
    const struct conf_rung *rung = &rungs[i];
    if (!rung->model && !rung->answer)
        reader_error(r, n, "fallback: both model and answer are missing; expected one of them");
    else if (rung->model && rung->answer)
        reader_error(r, node_place(n, "answer"), "answer: model is given too; expected one of them");
    else if (rung->answer && rung->context_length)
        reader_error(r, node_place(n, "on"), "on: it is for a model only; expected model beside it");
    else if (has_answer(rungs, i))
        reader_error(r, n, "fallback: an earlier answer is always given; expected nothing after it");
    else if (rung->model && is_repeated(rungs, i))
        reader_error(r, node_place(n, "model"), "model: '%s' is asked earlier; expected another one", rung->model);
}

static void check_fallback(struct reader *r, struct node *n, const struct conf_route *route)
{
    struct node *list = node_place(n, "fallback");
    for (size_t i = 0; i < route->fallback_count; i++) {
        struct node *rung = node_entry(list, i);
        if (!node_has_mistake(rung)) check_rung(r, rung, route->fallback, i);
    }
}

void route_finish(struct reader *r, struct node *n, void *route)
{
    const struct conf_route *written = route;
    check_order(r, n, written);
    check_retry(r, n, &written->retry);
    check_fallback(r, n, written);
}
