/* hedge.c - a second attempt beside one whose first token is late.
 *
 * Only on another account, since what keeps one upstream of an account busy keeps them all; only where it is granted at
 * once, since whoever waits for the first time goes before; and within a budget, since most late tokens do come.
 */
#include "dsgate/relay/hedge.h"
#include "dsgate/gate/worker.h"

/* ---- another lease ---- */

/* Not where this request has been, nor beside it. */
static void bar_account(const struct request *r, const struct account *account, struct upstream_set *barred)
{
    for (size_t i = 0; i < r->row->n; i++) {
        const struct upstream *u = r->row->candidates[i].upstream;
        if (u->account == account) upstream_set_add(barred, u->index);
    }
}

/* Asked for in this turn, or not at all: so the ticket may live here. */
static bool get_lease(const struct request *r, struct lease *lease)
{
    struct ticket t = {.row = r->ticket.row,
                       .endpoint = r->ticket.endpoint,
                       .policy = r->ticket.policy,
                       .priority = r->ticket.priority,
                       .caller = r->ticket.caller,
                       .caller_weight = r->ticket.caller_weight,
                       .conversation = r->ticket.conversation,
                       .deadline = USEC_NEVER,
                       .latest = r->deadline,
                       .tried = r->ticket.tried,
                       .now_or_never = true,
                       .stays = true,
                       .inbox = r->ticket.inbox,
                       .label = r->id};
    struct worker *w = r->worker;
    bar_account(r, r->lead->upstream->account, &t.tried);
    if (sched_ask(w->shared->sched, &t, loop_now(w->loop)) != SCHED_GRANTED) return false;
    *lease = t.lease;
    return true;
}

/* ---- its time ---- */

static void on_timer(struct timer *timer);

static usec_t due(const struct request *r)
{
    return hedge_due(&r->route->hedge, loop_now(r->worker->loop), r->lead->lease.slow_after);
}

static void watch(struct request *r)
{
    usec_t at = due(r);
    if (at != USEC_NEVER) timer_set(r->worker->loop, &r->hedge_timer, at, on_timer);
}

static bool may_hedge(const struct request *r) { return !r->rival && r->model_attempts < r->route->retry.attempts; }

static void begin(struct request *r, struct lease *lease)
{
    r->rival = runner_start(r, lease);
    if (!r->rival) return;
    r->hedges++;
    metrics_count(r->worker->metrics, METRICS_HEDGES);
}

/* Once for each attempt. One of which nothing is heard may as well be broken: its time-outs will tell. */
static void note_late(struct request *r)
{
    struct runner *lead = r->lead;
    const struct worker *w = r->worker;
    bool first = !lead->is_late;
    lead->is_late = true;
    if (first && attempt_has_kept_alive(lead->attempt))
        sched_note_late(w->shared->sched, &lead->lease, loop_now(w->loop));
}

/* Where nobody is free now, somebody may be after as long a time. */
static void on_timer(struct timer *timer)
{
    struct request *r = CONTAINER_OF(timer, struct request, hedge_timer);
    struct budget *budget = r->worker->shared->hedges;
    struct lease lease = {0};
    note_late(r);
    if (!may_hedge(r) || !budget_spend(budget, 0, loop_now(r->worker->loop))) return;
    if (get_lease(r, &lease)) {
        begin(r, &lease);
    } else {
        budget_earn(budget, 100);
        watch(r);
    }
}

/* Of a plain answer nothing can be seen before it is whole: it may be late or long. And only one can write on the sheet
 * of an answer that is put together. */
void hedge_watch(struct request *r)
{
    bool alone = r->row->n < 2 || r->resume.partial;
    if (!alone && attempt_is_stream(r->lead->attempt)) watch(r);
}

void hedge_stop(struct request *r) { timer_cancel(r->worker->loop, &r->hedge_timer); }
