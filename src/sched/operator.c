/* What operators do and see. */
#include "sched_private.h"

void sched_set_draining(struct sched *s, struct upstream *u, bool draining, usec_t now)
{
    struct hold h;
    hold_begin(&h, s, now);
    u->state->draining = draining;
    queue_serve_all(&h);
    hold_end(&h);
}

void sched_set_weight(struct sched *s, struct upstream *u, unsigned weight, usec_t now)
{
    struct hold h;
    hold_begin(&h, s, now);
    u->state->weight = weight;
    hold_end(&h);
}

/* ---- upstreams ---- */

static usec_t time_left(usec_t until, usec_t now) { return until > now ? until - now : 0; }

static uint64_t load(const atomic_uint_fast64_t *n) { return atomic_load_explicit(n, memory_order_relaxed); }

static void look_at_target(const struct candidate *c, usec_t now, struct sched_target_view *view)
{
    const struct target *t = c->target;
    const struct breaker *b = &t->breaker;
    bool half = b->state == BREAKER_OPEN && b->open_until <= now; /* nobody has asked since */
    *view = (struct sched_target_view){.model = t->model,
                                       .breaker = half ? BREAKER_HALF_OPEN : b->state,
                                       .opens_in = b->state == BREAKER_OPEN ? time_left(b->open_until, now) : 0,
                                       .in_flight = t->in_flight,
                                       .limit = limit_value(&c->slot->limit, c->slot->cap),
                                       .cools_for = time_left(c->slot->limit.cool_until, now),
                                       .first_token = t->pace.tokens > 0 ? (usec_t)t->pace.first_token : 0,
                                       .failing = pace_failing(&t->pace, now),
                                       .picks = load(&t->picks),
                                       .opened = load(&t->opened),
                                       .half_opened = load(&t->half_opened),
                                       .closed = load(&t->closed)};
}

static bool is_shown(const struct sched_upstream_view *view, const struct target *t)
{
    for (unsigned i = 0; i < view->target_count; i++)
        if (view->targets[i].model == t->model) return true;
    return false;
}

/* Several names of clients' may stand for one model. */
static void look_at_row(const struct model_row *row, const struct upstream *u, usec_t now,
                        struct sched_upstream_view *view)
{
    for (size_t i = 0; i < row->n && view->target_count < SCHED_TARGETS_MAX; i++) {
        const struct candidate *c = &row->candidates[i];
        if (c->upstream == u && !is_shown(view, c->target))
            look_at_target(c, now, &view->targets[view->target_count++]);
    }
}

static void look_at_targets(const struct upstream *u, usec_t now, struct sched_upstream_view *view)
{
    const struct pool *p = u->pool;
    for (size_t i = 0; i < p->row_count; i++)
        look_at_row(&p->rows[i], u, now, view);
    look_at_row(&p->any, u, now, view);
    look_at_row(&p->all, u, now, view);
}

static unsigned count_cooling(const struct upstream *u, usec_t now)
{
    unsigned n = 0;
    for (unsigned i = 0; i < conf_key_count(u->conf); i++)
        n += u->state->keys[i].cool_until > now;
    return n;
}

void sched_look(struct sched *s, const struct upstream *u, usec_t now, struct sched_upstream_view *view)
{
    const struct upstream_state *state = u->state;
    const struct health_rules rules = health_rules_of(u->conf);
    pthread_mutex_lock(&s->mutex);
    *view = (struct sched_upstream_view){.down = state->health.down,
                                         .draining = state->draining,
                                         .standing_by = is_standing_by(u),
                                         .peak = state->peak,
                                         .in_flight = state->in_flight,
                                         .weight = upstream_weight(u),
                                         .keys = conf_key_count(u->conf),
                                         .keys_cooling = count_cooling(u, now),
                                         .spent_for = time_left(state->quota_until, now),
                                         .today = state->quota.today,
                                         .probe_due = health_probe_due(&state->health, &rules)};
    look_at_targets(u, now, view);
    pthread_mutex_unlock(&s->mutex);
}

bool sched_is_open(struct sched *s, const struct model_row *row, usec_t now)
{
    struct hold h;
    bool open = false;
    hold_begin(&h, s, now);
    for (size_t i = 0; i < row->n && !open; i++)
        open = !candidate_opens_at(&h, &row->candidates[i]) && candidate_tier(&h, &row->candidates[i]) < TIER_COUNT;
    hold_end(&h);
    return open;
}

/* ---- the queue ---- */

/* The first of each lane is its oldest. */
static usec_t age_of_oldest(const struct sched *s, enum conf_priority p, usec_t now)
{
    const enum lane lanes[] = {lane_of(p), lane_above(lane_of(p))};
    usec_t oldest = 0;
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
        const struct list *lane = &s->lanes[lanes[i]];
        if (list_empty(lane)) continue;
        usec_t age = now - CONTAINER_OF(lane->next, struct ticket, node)->asked;
        if (age > oldest) oldest = age;
    }
    return oldest;
}

void sched_look_at_queue(struct sched *s, usec_t now, struct sched_queue_view *view)
{
    pthread_mutex_lock(&s->mutex);
    view->waiting = s->waiting;
    memcpy(view->picks, s->picks, sizeof view->picks);
    for (enum conf_priority p = 0; p < PRIORITY_COUNT; p++) {
        view->classes[p].waiting = s->waiting_of[p];
        view->classes[p].late = s->late_of[p];
        view->classes[p].oldest = age_of_oldest(s, p, now);
        view->classes[p].rate = drain_rate(&s->drains[p], now);
        view->classes[p].wait = drain_wait(&s->drains[p], s->waiting_of[p], now);
        view->classes[p].granted = s->counts[p].granted;
        view->classes[p].queued = s->counts[p].queued;
        memcpy(view->classes[p].refused, s->counts[p].refused, sizeof view->classes[p].refused);
    }
    pthread_mutex_unlock(&s->mutex);
}

/* ---- single tickets ---- */

/* `before`: tickets of its line that have their turn before it. */
static void look_at_ticket(const struct ticket *t, size_t before, usec_t now, struct sched_ticket_view *view)
{
    *view = (struct sched_ticket_view){.priority = t->priority,
                                       .late = lane_is_late(t->lane),
                                       .position = (unsigned)before + 1,
                                       .waited = now - t->asked,
                                       .wait = drain_wait(&t->row->drains[t->priority], (unsigned)before, now)};
    text_copy(text_of(t->label), view->label, sizeof view->label);
    text_copy(text_of(t->row->name), view->model, sizeof view->model);
}

static size_t count_before(const struct ticket *t)
{
    const struct heap *own = &t->line->lanes[t->lane];
    size_t n = 0;
    for (enum lane l = 0; l < t->lane; l++)
        n += t->line->lanes[l].count;
    for (size_t i = 0; i < own->count; i++)
        n += turn_before(&own->entries[i].key, &line_entry(t)->key);
    return n;
}

static size_t list_line(const struct line *line, usec_t now, struct sched_ticket_view *views, size_t most)
{
    size_t n = 0, before = 0;
    for (enum lane l = 0; l < LANE_COUNT; l++) {
        struct heap_walk w;
        const struct ticket *t;
        heap_walk_begin(&w, &line->lanes[l]);
        for (size_t i = 0; n < most && (t = heap_walk_next(&w)); i++)
            look_at_ticket(t, before + i, now, &views[n++]);
        before += line->lanes[l].count;
    }
    return n;
}

size_t sched_list_waiting(struct sched *s, usec_t now, struct sched_ticket_view *views, size_t most)
{
    size_t n = 0;
    pthread_mutex_lock(&s->mutex);
    for (size_t i = 0; i < LINE_BUCKETS; i++)
        LIST_FOREACH(node, &s->lines.buckets[i])
            n += list_line(CONTAINER_OF(node, struct line, node), now, views + n, most - n);
    pthread_mutex_unlock(&s->mutex);
    return n;
}

static const struct ticket *find_ticket(const struct sched *s, struct text label)
{
    for (enum lane l = 0; l < LANE_COUNT; l++) {
        LIST_FOREACH(node, &s->lanes[l]) {
            const struct ticket *t = CONTAINER_OF(node, struct ticket, node);
            if (text_is(label, t->label)) return t;
        }
    }
    return NULL;
}

bool sched_find_waiting(struct sched *s, struct text label, usec_t now, struct sched_ticket_view *view)
{
    pthread_mutex_lock(&s->mutex);
    const struct ticket *t = find_ticket(s, label);
    if (t) look_at_ticket(t, count_before(t), now, view);
    pthread_mutex_unlock(&s->mutex);
    return t != NULL;
}

/* ---- quotas across restarts ---- */

struct quota_day sched_quota_today(struct sched *s, const struct upstream *u)
{
    pthread_mutex_lock(&s->mutex);
    struct quota_day today = u->state->quota.today;
    pthread_mutex_unlock(&s->mutex);
    return today;
}

void sched_restore_quota(struct sched *s, struct upstream *u, const struct quota_day *today)
{
    pthread_mutex_lock(&s->mutex);
    quota_restore(&u->state->quota, today);
    pthread_mutex_unlock(&s->mutex);
}
