/* What changes by time alone: who has waited too long, what opens again, peak hours, quotas, standbys. */
#include "sched_private.h"
#include <limits.h>

#define TICK         (20 * USEC_PER_MS)
#define STANDBY_CALM (30 * USEC_PER_SEC) /* so long it must not have been needed before it leaves */

/* ---- ticks, while anybody waits ---- */

void sched_tick(struct sched *s, usec_t now)
{
    struct hold h;
    hold_begin(&h, s, now);
    queue_age(&h);
    queue_serve_all(&h);
    hold_end(&h);
}

static void on_timer(struct timer *timer)
{
    struct sched *s = CONTAINER_OF(timer, struct sched, clock.timer);
    usec_t now = loop_now(s->clock.loop);
    sched_tick(s, now);
    pthread_mutex_lock(&s->mutex);
    s->clock.running = s->waiting > 0;
    bool goes_on = s->clock.running;
    pthread_mutex_unlock(&s->mutex);
    if (goes_on) timer_set(s->clock.loop, timer, now + TICK, on_timer);
}

static void on_start(struct loop_post *post)
{
    struct sched *s = CONTAINER_OF(post, struct sched, clock.post);
    if (s->clock.loop) timer_set(s->clock.loop, &s->clock.timer, loop_now(s->clock.loop) + TICK, on_timer);
}

void sched_run_clock(struct sched *s, struct loop *loop)
{
    pthread_mutex_lock(&s->mutex);
    s->clock.loop = loop;
    s->clock.post.deliver = on_start;
    pthread_mutex_unlock(&s->mutex);
}

void sched_stop_clock(struct sched *s)
{
    struct loop *loop = s->clock.loop;
    pthread_mutex_lock(&s->mutex);
    s->clock.loop = NULL;
    s->clock.running = false;
    pthread_mutex_unlock(&s->mutex);
    if (loop) timer_cancel(loop, &s->clock.timer);
    sched_await_posts(s);
}

/* ---- standbys ---- */

/* How many waiting tickets call the next one. */
static void find_standby(struct sched *s)
{
    s->standby_at = UINT_MAX;
    for (size_t i = 0; i < s->pool->upstream_count; i++) {
        const struct upstream *u = &s->pool->upstreams[i];
        if (is_standing_by(u) && u->conf->activate.queue < s->standby_at) s->standby_at = u->conf->activate.queue;
    }
}

void upkeep_call_standbys(struct hold *h)
{
    struct sched *s = h->s;
    for (size_t i = 0; i < s->pool->upstream_count; i++) {
        struct upstream *u = &s->pool->upstreams[i];
        if (!is_standing_by(u) || upkeep_wanting(s) <= u->conf->activate.queue) continue;
        u->state->active = true;
        u->state->calm_since = 0;
        notice_add(&h->notices, NOTICE_STANDBY_JOINED, u->name, "", 0, upkeep_wanting(s));
    }
    find_standby(s);
}

/* It leaves when for some time less than half as many have waited as called it. */
static void watch_standby(struct hold *h, struct upstream *u)
{
    struct upstream_state *s = u->state;
    if (u->tier != TIER_STANDBY || !s->active) return;
    if (upkeep_wanting(h->s) > u->conf->activate.queue / 2) {
        s->calm_since = 0;
    } else if (!s->calm_since) {
        s->calm_since = h->now;
    } else if (h->now - s->calm_since >= STANDBY_CALM) {
        s->active = false;
        notice_add(&h->notices, NOTICE_STANDBY_LEFT, u->name, "", 0, 0);
    }
}

/* ---- once a second ---- */

static bool any_open(const struct window *windows, size_t n, usec_t wall)
{
    for (size_t i = 0; i < n; i++)
        if (window_is_open(&windows[i], wall)) return true;
    return false;
}

static void watch_quota(struct hold *h, struct upstream *u, usec_t wall)
{
    if (!quota_is_limited(&u->conf->quota)) {
        u->state->quota_until = 0;
        return;
    }
    quota_tick(&u->state->quota, u->quota_zone, wall);
    quota_close(h, u, wall);
}

void sched_upkeep(struct sched *s, usec_t now, usec_t wall)
{
    struct hold h;
    hold_begin(&h, s, now);
    s->wall_offset = wall - now;
    s->off_peak = any_open(s->pool->off_peak, s->pool->off_peak_count, wall);
    for (size_t i = 0; i < s->pool->upstream_count; i++) {
        struct upstream *u = &s->pool->upstreams[i];
        u->state->peak = any_open(u->peak, u->peak_count, wall);
        watch_quota(&h, u, wall);
        watch_standby(&h, u);
    }
    find_standby(s);
    hold_end(&h);
}

/* ---- another pool ---- */

/* How fast its queues have moved is known of a model, whatever the pool. */
static void inherit_drains(const struct model_row *old, struct model_row *row)
{
    for (unsigned p = 0; old && p < PRIORITY_COUNT; p++)
        drain_inherit(&row->drains[p], &old->drains[p]);
}

static void inherit_all_drains(struct pool *old, struct pool *pool)
{
    for (size_t i = 0; i < pool->row_count; i++)
        inherit_drains(pool_find_model(old, text_of(pool->rows[i].name)), &pool->rows[i]);
    inherit_drains(&old->any, &pool->any);
    inherit_drains(&old->all, &pool->all);
}

static void move_tickets(struct hold *h)
{
    for (enum lane l = 0; l < LANE_COUNT; l++) {
        LIST_FOREACH_SAFE(node, &h->s->lanes[l]) {
            struct ticket *t = CONTAINER_OF(node, struct ticket, node);
            if (t->row->pool != h->s->pool && !t->stays) queue_refuse(h, t, SCHED_MOVED);
        }
    }
}

static void set_caps_of(const struct model_row *row)
{
    for (size_t i = 0; i < row->n; i++)
        row->candidates[i].slot->cap = row->candidates[i].cap;
}

/* What a reload sets counts at once, also for requests that began before. */
static void set_caps(const struct pool *p)
{
    for (size_t i = 0; i < p->upstream_count; i++)
        p->upstreams[i].account->cap = p->upstreams[i].cap;
    for (size_t i = 0; i < p->row_count; i++)
        set_caps_of(&p->rows[i]);
    set_caps_of(&p->any);
}

static bool same_key(const struct conf_upstream *a, const struct conf_upstream *b, unsigned i)
{
    const char *x = conf_key(a, i), *y = conf_key(b, i);
    return x && y && !strcmp(x, y);
}

/* Nothing would ever bring back up what is not probed any more. */
static void forget_probes(const struct pool *p)
{
    for (size_t i = 0; i < p->upstream_count; i++)
        if (p->upstreams[i].conf->health.when == PROBES_NEVER) p->upstreams[i].state->health = (struct health){0};
}

/* What a key was refused for says nothing about the one that has taken its place. */
static void forget_old_keys(const struct upstream *old, const struct upstream *new)
{
    for (unsigned i = 0; i < POOL_KEYS_MAX; i++)
        if (!same_key(old->conf, new->conf, i)) new->state->keys[i] = (struct key_state){0};
}

static void compare_keys(const struct pool *old, const struct pool *new)
{
    for (size_t i = 0; old && i < old->upstream_count; i++)
        for (size_t j = 0; j < new->upstream_count; j++)
            if (old->upstreams[i].state == new->upstreams[j].state)
                forget_old_keys(&old->upstreams[i], &new->upstreams[j]);
}

struct pool *sched_pool(struct sched *s)
{
    pthread_mutex_lock(&s->mutex);
    struct pool *pool = pool_ref(s->pool);
    pthread_mutex_unlock(&s->mutex);
    return pool;
}

void sched_use_pool(struct sched *s, struct pool *pool, usec_t now)
{
    struct hold h;
    pool_ref(pool);
    hold_begin(&h, s, now);
    struct pool *old = s->pool;
    s->pool = pool;
    set_caps(pool);
    compare_keys(old, pool);
    forget_probes(pool);
    if (old) inherit_all_drains(old, pool);
    find_standby(s);
    move_tickets(&h);
    hold_end(&h);
    pool_unref(old);
}
