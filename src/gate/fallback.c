/* fallback.c - the ladder of what is done when nothing else helps: other models, then a fixed answer. */
#include "dsgate/gate/worker.h"

/* Another model is asked as if the request had named it, but for its class, which it keeps, and its route: the rules of
 * the one that was asked for count to the end. */
static bool ask_model(struct request *r, const char *model)
{
    struct model_row *row = pool_find_model(r->pool, text_of(model));
    if (!row || !exchange_head(r->exchange) || loop_now(r->worker->loop) >= r->deadline) return false;
    if (r->resume.sent) resume_abandon(r);
    r->row = r->ticket.row = row;
    r->barred = r->ticket.tried = (struct upstream_set){0};
    r->ticket.stays = true;
    r->model_attempts = r->rounds = 0;
    r->rest = USEC_NEVER;
    return true;
}

/* What is no text is of use from the very model that was asked for alone: embeddings, counts of tokens. */
static bool take_rung(struct request *r, const struct conf_rung *rung, bool context_length)
{
    if (rung->context_length != context_length || !r->admission.endpoint->says_text) return false;
    return !rung->model || ask_model(r, rung->model);
}

bool fallback_climb(struct request *r, bool context_length)
{
    for (size_t i = 0; i < r->route->fallback_count; i++) {
        const struct conf_rung *rung = &r->route->fallback[i];
        if (r->rungs & 1u << i || !take_rung(r, rung, context_length)) continue;
        r->rungs |= 1u << i;
        metrics_count(r->worker->metrics, rung->model ? METRICS_FALLBACK_MODEL : METRICS_FALLBACK_ANSWER);
        r->fallback = rung;
        return true;
    }
    return false;
}

void fallback_put_name(struct buf *b, const struct conf_rung *rung)
{
    buf_add(b, rung->model ? TEXT("model:") : TEXT("answer"));
    buf_add(b, text_of(rung->model));
}
