/* lookup.c - LOOKUP: what no upstream need be asked for. The list of models; an answer that is kept in memory; one that
 * is under way for an identical call, which is joined; one that Redis keeps. Whatever is then still missing is fetched,
 * for all who ask for the same meanwhile. */
#include "dsgate/gate/cached.h"
#include "dsgate/gate/models.h"
#include "dsgate/gate/worker.h"
#include "dsgate/llm/answer_form.h"

/* ---- an entry that was found ---- */

/* A remembered mistake has one form only, as the error it is. */
static bool fits(const struct request *r, const struct cache_facts *facts)
{
    const struct request_cache *c = r->cache;
    if (facts->status >= 400) return true;
    if (c->wants_usage && !facts->has_usage) return false;
    return facts->stream == c->wants_stream || answer_has_forms(r->admission.endpoint->family);
}

static enum cache_use judge(const struct request *r, const struct cache_entry *e)
{
    if (!fits(r, &e->facts)) return CACHE_IGNORE;
    return cache_judge(&r->cache->plan, &r->route->cache, e, loop_wall(r->worker->loop));
}

static void keep_spare(struct request_cache *c, struct cache_entry *e)
{
    cache_entry_unref(c->spare);
    c->spare = cache_entry_ref(e);
}

/* Takes the reference. True: it is the answer. */
static bool take(struct request *r, struct cache_entry *e, enum cache_result result)
{
    enum cache_use use = judge(r, e);
    bool renew = use == CACHE_USE_AND_RENEW;
    if (use == CACHE_KEEP) keep_spare(r->cache, e);
    if ((use == CACHE_USE || renew) && serve_entry(r, e, renew ? CACHE_RESULT_STALE : result)) {
        if (renew) ghost_renew(r);
        return true;
    }
    cache_entry_unref(e);
    return false;
}

static bool find_in_memory(struct request *r)
{
    const struct worker *w = r->worker;
    struct cache_entry *e = cache_memory_get(w->shared->memory, &r->cache->key, loop_wall(w->loop));
    return e && take(r, e, CACHE_RESULT_HIT_MEMORY);
}

/* It has been counted as asked for. */
static bool find_meanwhile(struct request *r)
{
    struct cache_entry *e = cache_memory_peek(r->worker->shared->memory, &r->cache->key);
    return e && take(r, e, CACHE_RESULT_HIT_MEMORY);
}

/* ---- Redis ---- */

static void on_heard(struct remote_call *call, struct cache_entry *e)
{
    struct request_cache *c = CONTAINER_OF(call, struct request_cache, call);
    c->heard = e;
    request_run(c->request);
}

static bool ask_redis(struct request *r)
{
    struct request_cache *c = r->cache;
    struct remote *remote = r->worker->remote;
    struct text tenant = text_of(c->tenant), model = text_of(r->admission.chat.model);
    c->asked = remote && remote_get(remote, &c->call, &c->key, tenant, model, on_heard);
    return c->asked;
}

/* ---- the step ---- */

static enum flow list_models(struct request *r)
{
    if (r->admission.hints.cache.only_if_cached) return request_fail(r, FAIL_NOT_CACHED);
    if (!r->models) r->models = models_start(r, request_run);
    return models_ready(r->models) ? request_jump(r, STEP_STREAM) : FLOW_WAIT;
}

/* Who wants a cached answer or none hears that there is none (RFC 9111 section 5.2.1.7). Who has had signs of life goes
 * on having them. */
static enum flow ask_upstreams(struct request *r, bool only_if_cached)
{
    if (r->head_sent) pulse_begin(r);
    return only_if_cached ? request_fail(r, FAIL_NOT_CACHED) : FLOW_NEXT;
}

/* What Redis has said: others on this machine need not ask it for that again. Who leads nobody does not keep it: only a
 * lead knows whether a purge has come meanwhile. */
static enum flow hear(struct request *r)
{
    struct request_cache *c = r->cache;
    struct cache_entry *e = c->heard;
    c->asked = false;
    c->heard = NULL;
    if (e && c->lead.flight && !cached_put(r, e)) {
        cache_entry_unref(e);
        e = NULL;
    }
    if (e && take(r, e, CACHE_RESULT_HIT_REDIS)) return request_jump(r, STEP_STREAM);
    if (loop_now(r->worker->loop) >= r->deadline) return request_fail(r, FAIL_DEADLINE);
    return ask_upstreams(r, c->plan.only_if_cached);
}

/* A call under way is no cached answer: who wants only those does not wait for it. Who has just begun to fetch the
 * answer looks once more: the last one who did may have brought it meanwhile. */
static enum flow look(struct request *r)
{
    struct request_cache *c = r->cache;
    bool reads = c->plan.reads, only_if_cached = c->plan.only_if_cached;
    if (reads && find_in_memory(r)) return request_jump(r, STEP_STREAM);
    if (reads && !only_if_cached && !c->alone && serve_along(r)) return request_jump(r, STEP_STREAM);
    if (reads) c->result = CACHE_RESULT_MISS;
    if (!only_if_cached && record_begin(r) && reads && find_meanwhile(r)) return request_jump(r, STEP_STREAM);
    if (reads && ask_redis(r)) return FLOW_WAIT;
    return ask_upstreams(r, only_if_cached);
}

/* What is to be renewed, and can't be kept any more after a reload, is not asked for. */
static enum flow pass_by(struct request *r)
{
    if (r->cache && r->cache->renews) return request_jump(r, STEP_FINISH);
    return ask_upstreams(r, r->admission.hints.cache.only_if_cached);
}

enum flow lookup_run(struct request *r)
{
    if (r->admission.endpoint->kind == ENDPOINT_MODELS) return list_models(r);
    if (r->cache && r->cache->asked) return hear(r);
    if (!(r->cache && r->cache->planned) && !cached_begin(r)) return pass_by(r);
    return look(r);
}

void lookup_cancel(struct request *r)
{
    models_free(r->models);
    r->models = NULL;
    if (r->cache) remote_forget(&r->cache->call);
}
