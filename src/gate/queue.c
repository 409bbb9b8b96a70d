/* QUEUE: in which class a request waits, its turn, and what it hears when it gets none. */
#include "dsgate/admit/priority.h"
#include "dsgate/gate/worker.h"
#include "dsgate/relay/retry.h"

#define OLD_ANSWER_WAIT USEC_PER_SEC /* for a turn, where the other way is an old answer */

/* ---- class ---- */

static const struct conf_route *route_of(const struct request *r)
{
    if (r->row != &r->pool->any) return r->row->route;
    return pool_route(r->pool, r->admission.chat.model);
}

void queue_classify(struct request *r)
{
    const struct config *config = r->pool->config;
    const struct conf_route *route = route_of(r);
    r->route = route;
    r->caller = caller_identify(config, request_head(r), text_of(r->peer));
    const struct priority_voices voices = {.header = r->admission.hints.priority,
                                           .service_tier = chat_priority(&r->admission.chat),
                                           .caller = r->caller.known,
                                           .route = route,
                                           .queue = &config->queue};
    struct ticket *t = &r->ticket;
    t->row = r->row;
    t->endpoint = r->admission.endpoint;
    t->policy = route->policy;
    t->priority = priority_settle(&voices);
    t->caller = r->caller.id;
    t->caller_weight = r->caller.weight;
    t->conversation = t->policy == POLICY_AFFINITY ? admission_conversation(&r->admission) : 0;
    t->label = r->id;
}

/* ---- its turn ---- */

/* Only a client that wants its answer sooner than others is in a hurry; libraries name their usual time-out, too. */
static usec_t hurry_of(const struct request *r)
{
    usec_t wanted = r->admission.hints.timeout;
    return wanted && wanted < r->pool->config->timeouts.total ? r->deadline : USEC_NEVER;
}

static void stop_waiting(struct request *r)
{
    timer_cancel(r->worker->loop, &r->wait.timer);
    r->wait.queued = r->wait.backing_off = r->wait.timed_out = false;
}

void queue_cancel(struct request *r)
{
    stop_waiting(r);
    pulse_stop(r);
    sched_cancel(r->worker->shared->sched, &r->ticket, loop_now(r->worker->loop));
}

static void on_timer(struct timer *timer)
{
    struct request *r = CONTAINER_OF(timer, struct request, wait.timer);
    r->wait.timed_out = true;
    request_run(r);
}

/* What an upstream has said tells more than that there was no second turn. */
static enum flow refuse(struct request *r, enum failure f)
{
    r->retry_after = r->ticket.retry_after;
    return dispatch_give_up(r, f);
}

static enum flow expire(struct request *r)
{
    bool in_time = loop_now(r->worker->loop) < r->deadline;
    sched_cancel(r->worker->shared->sched, &r->ticket, loop_now(r->worker->loop));
    stop_waiting(r);
    if (!in_time) BUF_ADD(&r->admission.message, "The request's deadline passed while it waited for an upstream.");
    return refuse(r, in_time ? FAIL_QUEUE_TIMEOUT : FAIL_DEADLINE);
}

/* No upstream is left to try: the last failure is the answer, in the upstream's own words where it had any. */
static enum flow nothing_left(struct request *r)
{
    return dispatch_give_up(r, r->attempts ? r->failed.failure : FAIL_NOT_SERVED);
}

static enum flow ask_until(struct request *r, usec_t latest);

static struct model_row *find_row(const struct request *r, struct pool *pool)
{
    bool by_name = r->admission.endpoint->needs_model;
    return by_name ? pool_find_model(pool, text_of(r->admission.chat.model)) : &pool->all;
}

/* There are other upstreams, or endpoints of theirs, than when it began to wait: it asks the new ones, if these serve
 * its model. Of its time it has waited a part. */
static enum flow ask_again(struct request *r)
{
    struct pool *now = sched_pool(r->worker->shared->sched), *before = r->pool;
    struct model_row *row = find_row(r, now);
    r->ticket.stays = row == NULL;
    if (row) {
        r->pool = now;
        r->row = row;
        queue_classify(r);
    }
    pool_unref(row ? before : now);
    return ask_until(r, r->ticket.latest);
}

static enum flow wait_for_turn(struct request *r)
{
    r->wait.queued = true;
    timer_set(r->worker->loop, &r->wait.timer, r->ticket.latest, on_timer);
    return FLOW_WAIT;
}

static bool may_wait(const struct request *r) { return r->pool->config->queue.classes[r->ticket.priority].timeout > 0; }

static enum flow settle(struct request *r, enum sched_answer answer)
{
    switch (answer) {
    case SCHED_GRANTED: return FLOW_NEXT;
    case SCHED_WAITING: return wait_for_turn(r);
    case SCHED_FULL: return refuse(r, FAIL_QUEUE_FULL);
    case SCHED_LATE: return refuse(r, may_wait(r) ? FAIL_QUEUE_LATE : FAIL_QUEUE_TIMEOUT);
    case SCHED_CLOSED: return refuse(r, FAIL_UPSTREAMS_CLOSED);
    case SCHED_MOVED: return ask_again(r);
    default: return nothing_left(r);
    }
}

static enum sched_answer ask_sched(struct request *r, usec_t latest)
{
    struct ticket *t = &r->ticket;
    t->deadline = hurry_of(r);
    t->latest = usec_earlier(latest, r->deadline);
    return sched_ask(r->worker->shared->sched, t, loop_now(r->worker->loop));
}

static enum flow ask_until(struct request *r, usec_t latest) { return settle(r, ask_sched(r, latest)); }

static usec_t latest_of(const struct request *r)
{
    usec_t timeout = r->pool->config->queue.classes[r->ticket.priority].timeout;
    return loop_now(r->worker->loop) + (fallback_has_old_answer(r) ? usec_earlier(timeout, OLD_ANSWER_WAIT) : timeout);
}

/* ---- another try ---- */

/* When the first of the upstreams that have failed may be asked again. Others may have to rest for longer: the
 * scheduler knows. */
static usec_t again_at(struct request *r)
{
    usec_t wanted = r->rest == USEC_NEVER ? 0 : r->rest;
    return loop_now(r->worker->loop) +
           retry_delay(&r->route->retry, r->rounds + 1, wanted, random_next(&r->worker->random));
}

/* One that has not been tried takes over at once. Where none is free, the request waits for it, but only until those
 * that have failed may be asked again. */
static enum flow ask_another(struct request *r)
{
    usec_t again = again_at(r);
    r->ticket.stays = true; /* what it has tried is known by places in that pool */
    enum sched_answer answer = ask_sched(r, latest_of(r));
    if (answer == SCHED_GRANTED || again >= r->deadline) return settle(r, answer);
    r->wait.queued = answer == SCHED_WAITING;
    r->wait.backing_off = true;
    timer_set(r->worker->loop, &r->wait.timer, again, on_timer);
    return FLOW_WAIT;
}

static enum flow ask_all_again(struct request *r)
{
    sched_cancel(r->worker->shared->sched, &r->ticket, loop_now(r->worker->loop));
    stop_waiting(r);
    r->rounds++;
    r->ticket.tried = r->barred;
    r->rest = USEC_NEVER;
    return ask_until(r, latest_of(r));
}

/* The scheduler has said something. While it backs off only a turn is news. */
static enum flow take_answer(struct request *r)
{
    enum sched_answer answer = r->ticket.answer;
    r->wait.queued = false;
    if (r->wait.backing_off && answer != SCHED_GRANTED) return FLOW_WAIT;
    stop_waiting(r);
    return settle(r, answer);
}

enum flow queue_run(struct request *r)
{
    if (r->wait.timed_out) return r->wait.backing_off ? ask_all_again(r) : expire(r);
    if (r->wait.queued) return take_answer(r);
    return r->model_attempts > 0 ? ask_another(r) : ask_until(r, latest_of(r));
}
