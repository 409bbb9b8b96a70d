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
    route->cache.stale = 0;
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

/* The first rung that is `stale`; count: none. */
static size_t find_stale(const struct conf_rung *rungs, size_t count)
{
    size_t i = 0;
    while (i < count && !rungs[i].stale)
        i++;
    return i;
}

/* What does not go together in one rung. */
static bool check_parts(struct reader *r, struct node *n, const struct conf_rung *rung)
{
    bool mistake = true;
    if (!rung->model && !rung->answer && !rung->stale)
        reader_error(r, n, "fallback: model, stale and answer are missing; expected one of them");
    else if (rung->model && rung->answer)
        reader_error(r, node_place(n, "answer"), "answer: model is given too; expected one of them");
    else if (rung->stale && (rung->model || rung->answer))
        reader_error(r, node_place(n, "stale"), "stale: %s is given too; expected one of them",
                     rung->model ? "model" : "answer");
    else if (!rung->model && rung->context_length)
        reader_error(r, node_place(n, "on"), "on: it is for a model only; expected model beside it");
    else
        mistake = false;
    return !mistake;
}

/* The i-th rung, beside the ones before. */
static void check_rung(struct reader *r, struct node *n, const struct conf_rung *rungs, size_t i)
{
    const struct conf_rung *rung = &rungs[i];
    if (!check_parts(r, n, rung)) return;
    if (has_answer(rungs, i))
        reader_error(r, n, "fallback: an earlier answer is always given; expected nothing after it");
    else if (rung->stale && find_stale(rungs, i) < i)
        reader_error(r, node_place(n, "stale"), "stale: it is given earlier; expected it once");
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

/* Who says how long answers may be stale, but not when they are given, waits for them in vain. */
static void check_stale(struct reader *r, struct node *n, const struct conf_route *route, size_t at)
{
    struct node *section = node_given(n, "cache"), *stale = section ? node_given(section, "stale_if_error") : NULL;
    bool given = at < route->fallback_count;
    if ((section && node_has_mistake(section)) || node_has_mistake(node_place(n, "fallback"))) return;
    if (given && route->cache.mode == CACHE_OFF)
        reader_error(r, node_entry(node_place(n, "fallback"), at),
                     "stale: the route's cache is off; expected mode deterministic or always");
    else if (given && route->cache.stale == 0)
        reader_error(r, stale, "stale_if_error: the fallback says stale; expected more than 0s");
    else if (!given && stale && route->cache.stale)
        reader_error(r, stale, "stale_if_error: it counts for a fallback only that says stale; expected stale there");
}

void route_finish(struct reader *r, struct node *n, void *route)
{
    struct conf_route *written = route;
    size_t stale = find_stale(written->fallback, written->fallback_count);
    check_order(r, n, written);
    check_retry(r, n, &written->retry);
    check_fallback(r, n, written);
    check_stale(r, n, written, stale);
    if (stale == written->fallback_count) written->cache.stale = 0;
}
