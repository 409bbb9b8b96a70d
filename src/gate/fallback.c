/* fallback.c - the ladder of what is done when nothing else helps: other models, an old answer, a fixed one. */
#include "dsgate/gate/cached.h"
#include "dsgate/gate/worker.h"

/* Another model is asked as if the request had named it, but for its class, which it keeps, and its route: the rules of
 * the one that was asked for count to the end. */
static bool ask_model(struct request *r, const char *model)
{
    struct model_row *row = pool_find_model(r->pool, text_of(model));
    if (!row || !request_head(r) || loop_now(r->worker->loop) >= r->deadline) return false;
    if (r->resume.sent) resume_abandon(r);
    r->row = r->ticket.row = row;
    r->barred = r->ticket.tried = (struct upstream_set){0};
    r->ticket.stays = true;
    r->model_attempts = r->rounds = 0;
    r->rest = USEC_NEVER;
    return true;
}

/* What is no text is of use from the very model that was asked for alone: embeddings, counts of tokens. An old answer
 * is that model's. */
static bool take_rung(struct request *r, const struct conf_rung *rung, bool context_length)
{
    if (rung->context_length != context_length) return false;
    if (rung->stale) return serve_spare(r);
    return r->admission.endpoint->says_text && (!rung->model || ask_model(r, rung->model));
}

static enum metrics_event event_of(const struct conf_rung *rung)
{
    if (rung->stale) return METRICS_FALLBACK_STALE;
    return rung->model ? METRICS_FALLBACK_MODEL : METRICS_FALLBACK_ANSWER;
}

/* Each climbs for itself: who has joined is told that there is no answer. Where there is no client nobody needs help.
 */
bool fallback_climb(struct request *r, bool context_length)
{
    for (size_t i = 0; r->exchange && i < r->route->fallback_count; i++) {
        const struct conf_rung *rung = &r->route->fallback[i];
        if (r->rungs & 1u << i || !take_rung(r, rung, context_length)) continue;
        r->rungs |= 1u << i;
        record_fail(r);
        metrics_count(r->worker->metrics, event_of(rung));
        r->fallback = rung;
        return true;
    }
    return false;
}

bool fallback_has_old_answer(const struct request *r)
{
    if (!r->cache || !r->cache->spare) return false;
    for (size_t i = 0; i < r->route->fallback_count; i++) {
        const struct conf_rung *rung = &r->route->fallback[i];
        if (!(r->rungs & 1u << i) && !rung->context_length) return rung->stale;
    }
    return false;
}

void fallback_put_name(struct buf *b, const struct conf_rung *rung)
{
    buf_add(b, rung->model ? TEXT("model:") : rung->stale ? TEXT("stale") : TEXT("answer"));
    buf_add(b, text_of(rung->model));
}
