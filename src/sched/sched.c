/* Tickets in, leases out. */
#include "sched_private.h"
#include <limits.h>

struct sched *sched_new(void)
{
    struct sched *s = MEM_NEW(struct sched);
    pthread_mutex_init(&s->mutex, NULL);
    lines_init(&s->lines);
    for (enum conf_priority p = 0; p < PRIORITY_COUNT; p++)
        fairness_init(&s->fairness[p]);
    random_seed_fresh(&s->random);
    for (unsigned i = 0; i < LANE_COUNT; i++)
        list_init(&s->lanes[i]);
    s->standby_at = UINT_MAX;
    return s;
}

void sched_free(struct sched *s)
{
    lines_free(&s->lines);
    for (enum conf_priority p = 0; p < PRIORITY_COUNT; p++)
        fairness_free(&s->fairness[p]);
    pool_unref(s->pool);
    pthread_mutex_destroy(&s->mutex);
    mem_free(s);
}

/* ---- one hold of the mutex ---- */

void hold_begin(struct hold *h, struct sched *s, usec_t now)
{
    h->s = s;
    h->now = now;
    h->notices.count = h->notices.dropped = 0;
    h->clock = NULL;
    list_init(&h->wake);
    pthread_mutex_lock(&s->mutex);
}

static void wake(struct hold *h)
{
    struct sched *s = h->s;
    for (struct list *node; (node = list_pop_front(&h->wake));) {
        struct sched_inbox *inbox = CONTAINER_OF(node, struct sched_inbox, node);
        loop_post(inbox->loop, &inbox->post);
    }
    if (h->clock) loop_post(h->clock, &s->clock.post);
    atomic_fetch_sub(&s->waking, 1);
}

void hold_end(struct hold *h)
{
    struct sched *s = h->s;
    bool any = !list_empty(&h->wake) || h->clock;
    if (any) atomic_fetch_add(&s->waking, 1);
    pthread_mutex_unlock(&s->mutex);
    if (any) wake(h);
    if (h->notices.count) notices_log(&h->notices);
}

/* ---- inboxes ---- */

static struct ticket *take_settled(struct sched_inbox *inbox)
{
    pthread_mutex_lock(&inbox->sched->mutex);
    struct list *node = list_pop_front(&inbox->settled);
    struct ticket *t = node ? CONTAINER_OF(node, struct ticket, node) : NULL;
    if (t) t->state = TICKET_IDLE;
    inbox->posted = t != NULL;
    pthread_mutex_unlock(&inbox->sched->mutex);
    return t;
}

static void deliver(struct loop_post *post)
{
    struct sched_inbox *inbox = CONTAINER_OF(post, struct sched_inbox, post);
    for (struct ticket *t; (t = take_settled(inbox));)
        inbox->settled_one(t);
}

void sched_inbox_open(struct sched *s, struct sched_inbox *inbox, struct loop *loop,
                      void (*settled_one)(struct ticket *ticket))
{
    *inbox = (struct sched_inbox){.sched = s, .loop = loop, .post = {.deliver = deliver}, .settled_one = settled_one};
    list_init(&inbox->settled);
}

void sched_await_posts(struct sched *s)
{
    while (atomic_load(&s->waking) > 0)
        sched_yield();
}

void sched_inbox_close(struct sched_inbox *inbox) { sched_await_posts(inbox->sched); }

/* ---- tickets ---- */

/* Where nothing is open, waiting makes sense only for who can wait until something is. In a pool of the past nobody
 * waits who may be served by the new one: workers hear of it a little later than the scheduler. */
static enum sched_answer wait_or_refuse(struct hold *h, struct ticket *t, enum choice choice, usec_t opens_at)
{
    if (t->row->pool != h->s->pool && !t->stays) return SCHED_MOVED;
    if (choice == CHOICE_SHUT && opens_at != USEC_NEVER && opens_at > t->latest) {
        t->retry_after = opens_at - h->now;
        return SCHED_CLOSED;
    }
    return queue_join(h, t);
}

static enum sched_answer take_or_wait(struct hold *h, struct ticket *t)
{
    usec_t opens_at;
    enum choice choice = choice_take(h, t, lane_of(t->priority), &opens_at);
    switch (choice) {
    case CHOICE_TAKEN: return SCHED_GRANTED;
    case CHOICE_NONE: return SCHED_NONE;
    case CHOICE_FULL:
    case CHOICE_SHUT: break;
    }
    return wait_or_refuse(h, t, choice, opens_at);
}

static enum sched_answer take_turn(struct hold *h, struct ticket *t)
{
    enum sched_answer answer = take_or_wait(h, t);
    if (answer == SCHED_GRANTED)
        h->s->counts[t->priority].granted++;
    else if (answer != SCHED_WAITING && answer != SCHED_MOVED)
        h->s->counts[t->priority].refused[answer]++;
    return answer;
}

/* What has opened since the last tick is first for those who wait for it. */
static enum sched_answer take_what_is_left(struct hold *h, struct ticket *t)
{
    for (size_t i = 0; i < t->row->n; i++) {
        struct account *a = t->row->candidates[i].upstream->account;
        if (!list_empty(&a->wishes)) queue_serve(h, a);
    }
    return choice_take_spare(h, t) == CHOICE_TAKEN ? SCHED_GRANTED : SCHED_NONE;
}

enum sched_answer sched_ask(struct sched *s, struct ticket *t, usec_t now)
{
    struct hold h;
    t->retry_after = 0;
    if (!t->asked) t->asked = now;
    hold_begin(&h, s, now);
    enum sched_answer answer = t->now_or_never ? take_what_is_left(&h, t) : take_turn(&h, t);
    hold_end(&h);
    return answer;
}

static void give_back(struct hold *h, const struct lease *lease)
{
    candidate_give_back(lease);
    if (!list_empty(&lease->upstream->account->wishes)) queue_serve(h, lease->upstream->account);
}

void sched_cancel(struct sched *s, struct ticket *t, usec_t now)
{
    struct hold h;
    hold_begin(&h, s, now);
    if (t->state == TICKET_WAITING) queue_leave(&h, t);
    if (t->state == TICKET_SETTLED) {
        list_remove(&t->node);
        t->state = TICKET_IDLE;
        if (t->lease.upstream) verdict_note_unused(&h, &t->lease);
        if (t->lease.upstream) give_back(&h, &t->lease);
        t->lease = (struct lease){0};
    }
    hold_end(&h);
}

void sched_note_token(struct sched *s, struct lease *lease, usec_t now)
{
    struct hold h;
    if (!lease->upstream || !lease->trial) return;
    hold_begin(&h, s, now);
    verdict_note_trial(&h, lease);
    lease->trial = false;
    queue_serve(&h, lease->upstream->account);
    hold_end(&h);
}

void sched_note_late(struct sched *s, struct lease *lease, usec_t now)
{
    struct hold h;
    hold_begin(&h, s, now);
    verdict_note_late(&h, lease);
    hold_end(&h);
}

void sched_release(struct sched *s, struct lease *lease, const struct result *result, usec_t now)
{
    struct hold h;
    if (!lease->upstream) return;
    hold_begin(&h, s, now);
    verdict_note(&h, lease, result);
    give_back(&h, lease);
    hold_end(&h);
    *lease = (struct lease){0};
}

/* ---- probes ---- */

usec_t sched_probe_due(struct sched *s, const struct upstream *u)
{
    const struct health_rules rules = health_rules_of(u->conf);
    pthread_mutex_lock(&s->mutex);
    usec_t due = health_probe_due(&u->state->health, &rules);
    pthread_mutex_unlock(&s->mutex);
    return due;
}

/* Its models' breakers need not wait any longer before they try it. */
static void come_up(struct hold *h, struct upstream_state *state)
{
    notice_add(&h->notices, NOTICE_CAME_UP, state->name, "", 0, 0);
    LIST_FOREACH(node, &state->targets) {
        struct target *t = CONTAINER_OF(node, struct target, node);
        verdict_breaker_changed(h, t, state->name, breaker_recover(&t->breaker, h->now));
    }
    queue_serve_all(h);
}

void sched_note_probe(struct sched *s, struct upstream_state *state, const struct health_rules *rules, bool alive,
                      usec_t now)
{
    struct hold h;
    hold_begin(&h, s, now);
    switch (health_note(&state->health, rules, alive, now, random_next(&s->random))) {
    case HEALTH_WENT_DOWN:
        notice_add(&h.notices, NOTICE_WENT_DOWN, state->name, "", 0, rules->down_after);
        break;
    case HEALTH_CAME_UP: come_up(&h, state); break;
    case HEALTH_SAME: break;
    }
    hold_end(&h);
}
