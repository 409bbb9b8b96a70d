/* What makes waiting cheap: as long as nobody's health changes, a waiting ticket can be served only when a lease of an
 * account that it wants comes back, and one lease that comes back serves one ticket. So a release looks at the queue
 * only when the account is wanted, and there only at rows with that account, where those who want it stand in front as
 * a rule. Turns keep tickets in order across rows. */
#include "dsgate/sched/sched.h"
#include "choice.h"
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include <pthread.h>

struct sched {
    pthread_mutex_t mutex;
    struct list rows; /* with tickets waiting */
    uint64_t turns;
    unsigned waiting_count, waiting_max;
    atomic_uint waking; /* threads between the mutex and their loop_post() */
};

struct sched *sched_new(unsigned waiting_max)
{
    struct sched *s = MEM_NEW(struct sched);
    pthread_mutex_init(&s->mutex, NULL);
    list_init(&s->rows);
    s->waiting_max = waiting_max;
    return s;
}

void sched_free(struct sched *s)
{
    pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}

void sched_set_waiting_max(struct sched *s, unsigned waiting_max)
{
    pthread_mutex_lock(&s->mutex);
    s->waiting_max = waiting_max;
    pthread_mutex_unlock(&s->mutex);
}

/* ---- the queue ---- */

static void join_queue(struct sched *s, struct ticket *t)
{
    if (list_empty(&t->row->waiting)) list_push_back(&s->rows, &t->row->node);
    list_push_back(&t->row->waiting, &t->node);
    t->turn = s->turns++;
    t->state = TICKET_WAITING;
    s->waiting_count++;
    choice_want(t);
}

static void leave_queue(struct sched *s, struct ticket *t)
{
    list_remove(&t->node);
    if (list_empty(&t->row->waiting)) list_remove(&t->row->node);
    s->waiting_count--;
    choice_want_no_more(t);
}

static struct ticket *first_servable(const struct model_row *row)
{
    LIST_FOREACH(node, &row->waiting) {
        struct ticket *t = CONTAINER_OF(node, struct ticket, node);
        if (choice_possible(t)) return t;
    }
    return NULL;
}

/* First come, first served; who can't be served yet is passed over. */
static struct ticket *next_servable(struct sched *s)
{
    struct ticket *next = NULL;
    LIST_FOREACH(node, &s->rows) {
        struct model_row *row = CONTAINER_OF(node, struct model_row, node);
        struct ticket *t = row->passed ? NULL : first_servable(row);
        if (!t) row->passed = true;
        if (t && (!next || t->turn < next->turn)) next = t;
    }
    return next;
}

static void deliver_to(struct sched_inbox *inbox, struct ticket *t, struct list *wake)
{
    t->state = TICKET_GRANTED;
    list_push_back(&inbox->granted, &t->node);
    if (inbox->posted) return;
    inbox->posted = true;
    list_push_back(wake, &inbox->node);
}

/* A lease of `account` has come back, or, when it is NULL, anything may have become possible. */
static void serve_queue(struct sched *s, const struct account *account, struct list *wake)
{
    LIST_FOREACH(node, &s->rows) {
        struct model_row *row = CONTAINER_OF(node, struct model_row, node);
        row->passed = account && !choice_offers(row, account);
    }
    for (struct ticket *t; (t = next_servable(s));) {
        choice_take(t);
        leave_queue(s, t);
        deliver_to(t->inbox, t, wake);
        if (account) return;
    }
}

/* `waking` lets sched_inbox_close() wait for a post that is about to come. */
static void unlock_and_wake(struct sched *s, struct list *wake)
{
    bool any = !list_empty(wake);
    if (any) atomic_fetch_add(&s->waking, 1);
    pthread_mutex_unlock(&s->mutex);
    if (!any) return;
    for (struct list *node; (node = list_pop_front(wake));) {
        struct sched_inbox *inbox = CONTAINER_OF(node, struct sched_inbox, node);
        loop_post(inbox->loop, &inbox->post);
    }
    atomic_fetch_sub(&s->waking, 1);
}

/* ---- inboxes ---- */

static struct ticket *take_granted(struct sched_inbox *inbox)
{
    pthread_mutex_lock(&inbox->sched->mutex);
    struct list *node = list_pop_front(&inbox->granted);
    struct ticket *t = node ? CONTAINER_OF(node, struct ticket, node) : NULL;
    if (t) t->state = TICKET_IDLE;
    inbox->posted = t != NULL;
    pthread_mutex_unlock(&inbox->sched->mutex);
    return t;
}

static void deliver(struct loop_post *post)
{
    struct sched_inbox *inbox = CONTAINER_OF(post, struct sched_inbox, post);
    for (struct ticket *t; (t = take_granted(inbox));)
        inbox->granted_one(t);
}

void sched_inbox_open(struct sched *s, struct sched_inbox *inbox, struct loop *loop,
                      void (*granted_one)(struct ticket *ticket))
{
    *inbox = (struct sched_inbox){.sched = s, .loop = loop, .post = {.deliver = deliver}, .granted_one = granted_one};
    list_init(&inbox->granted);
}

void sched_inbox_close(struct sched_inbox *inbox)
{
    while (atomic_load(&inbox->sched->waking) > 0)
        sched_yield();
}

/* ---- tickets ---- */

static enum sched_answer take_or_wait(struct sched *s, struct ticket *t)
{
    switch (choice_take(t)) {
    case CHOICE_TAKEN: return SCHED_GRANTED;
    case CHOICE_NONE: return SCHED_NONE;
    case CHOICE_LATER: break;
    }
    if (s->waiting_count >= s->waiting_max) return SCHED_FULL;
    join_queue(s, t);
    return SCHED_WAITING;
}

enum sched_answer sched_ask(struct sched *s, struct ticket *t)
{
    pthread_mutex_lock(&s->mutex);
    enum sched_answer answer = take_or_wait(s, t);
    pthread_mutex_unlock(&s->mutex);
    return answer;
}

/* ---- leases ---- */

static void give_back(struct sched *s, struct lease *lease, enum health_change change, struct list *wake)
{
    struct upstream *u = lease->upstream;
    u->state->in_flight--;
    u->account->in_flight--;
    if (change != HEALTH_SAME || u->account->wanted) serve_queue(s, change == HEALTH_SAME ? u->account : NULL, wake);
    *lease = (struct lease){0};
}

static void tell(enum health_change change, const char *name, const struct health_rules *rules)
{
    if (change == HEALTH_WENT_DOWN) log_warn("upstream '%s' is down: %u failures in a row", name, rules->down_after);
    if (change == HEALTH_CAME_UP) log_info("upstream '%s' is up again", name);
}

void sched_release(struct sched *s, struct lease *lease, enum outcome o, usec_t now)
{
    const struct upstream *u = lease->upstream;
    if (!u) return;
    struct health_rules rules = health_rules_of(u->conf);
    struct list wake;
    list_init(&wake);
    pthread_mutex_lock(&s->mutex);
    enum health_change change = health_note(&u->state->health, &rules, o, now);
    give_back(s, lease, change, &wake);
    unlock_and_wake(s, &wake);
    atomic_fetch_add_explicit(&u->state->outcomes[o], 1, memory_order_relaxed);
    tell(change, u->conf->name, &rules);
}

void sched_cancel(struct sched *s, struct ticket *t)
{
    struct list wake;
    list_init(&wake);
    pthread_mutex_lock(&s->mutex);
    if (t->state == TICKET_WAITING) leave_queue(s, t);
    if (t->state == TICKET_GRANTED) {
        list_remove(&t->node);
        give_back(s, &t->lease, HEALTH_SAME, &wake);
    }
    t->state = TICKET_IDLE;
    unlock_and_wake(s, &wake);
}

void sched_note_probe(struct sched *s, struct upstream_state *state, const struct health_rules *rules, bool ok,
                      usec_t now)
{
    struct list wake;
    list_init(&wake);
    pthread_mutex_lock(&s->mutex);
    enum health_change change = health_note(&state->health, rules, ok ? OUTCOME_SUCCESS : OUTCOME_FAULT, now);
    if (change != HEALTH_SAME) serve_queue(s, NULL, &wake);
    unlock_and_wake(s, &wake);
    tell(change, state->name, rules);
}

unsigned sched_look(struct sched *s, const struct pool *pool, struct sched_upstream_view *views)
{
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < pool->upstream_count; i++) {
        const struct upstream *u = &pool->upstreams[i];
        struct health_rules rules = health_rules_of(u->conf);
        views[i] = (struct sched_upstream_view){.down = u->state->health.down,
                                                .in_flight = u->state->in_flight,
                                                .probe_due = health_probe_due(&u->state->health, &rules)};
    }
    unsigned waiting = s->waiting_count;
    pthread_mutex_unlock(&s->mutex);
    return waiting;
}
