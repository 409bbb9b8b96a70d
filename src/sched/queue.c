/* Who waits, and who is next. */
#include "sched_private.h"

/* ---- joining and leaving ---- */

/* Those who have waited for too long are past their hurry: see lane.h. */
static struct turn_key key_in(const struct ticket *t, enum lane lane, uint64_t tag, uint64_t arrival)
{
    return (struct turn_key){lane_is_late(lane) ? USEC_NEVER : t->deadline, tag, arrival};
}

/* In order of age, though one that asks again may be older than those who came before it. */
static void enter_lane(struct sched *s, struct ticket *t)
{
    struct list *at = &s->lanes[t->lane];
    while (at->prev != &s->lanes[t->lane] && CONTAINER_OF(at->prev, struct ticket, node)->asked > t->asked)
        at = at->prev;
    list_insert_before(at, &t->node);
}

static void enqueue(struct hold *h, struct ticket *t)
{
    struct sched *s = h->s;
    t->lane = lane_of(t->priority);
    t->state = TICKET_WAITING;
    fairness_join(&s->fairness[t->priority], t);
    struct turn_key key = key_in(t, t->lane, t->turn.tag, s->arrivals++);
    line_join(&s->lines, t, &key);
    enter_lane(s, t);
    drain_join(&s->drains[t->priority], h->now);
    drain_join(&t->row->drains[t->priority], h->now);
    s->counts[t->priority].queued++;
    s->waiting_of[t->priority]++;
    s->waiting++;
    if (upkeep_wanting(s) > s->standby_at) upkeep_call_standbys(h);
    if (s->clock.loop && !s->clock.running) {
        s->clock.running = true;
        h->clock = s->clock.loop;
    }
}

static void dequeue(struct hold *h, struct ticket *t, bool turn)
{
    struct sched *s = h->s;
    line_leave(&s->lines, t);
    list_remove(&t->node);
    if (turn)
        fairness_turn(&s->fairness[t->priority], t);
    else
        fairness_give_up(&s->fairness[t->priority], t);
    drain_leave(&s->drains[t->priority], turn, h->now);
    drain_leave(&t->row->drains[t->priority], turn, h->now);
    s->waiting--;
    s->waiting_of[t->priority]--;
    s->late_of[t->priority] -= lane_is_late(t->lane);
    t->state = TICKET_IDLE;
}

static void settle(struct hold *h, struct ticket *t, enum sched_answer answer)
{
    struct sched_inbox *inbox = t->inbox;
    t->answer = answer;
    t->state = TICKET_SETTLED;
    list_push_back(&inbox->settled, &t->node);
    if (inbox->posted) return;
    inbox->posted = true;
    list_push_back(&h->wake, &inbox->node);
}

void queue_refuse(struct hold *h, struct ticket *t, enum sched_answer why)
{
    dequeue(h, t, false);
    if (why != SCHED_MOVED) h->s->counts[t->priority].refused[why]++;
    settle(h, t, why);
}

/* ---- shedding ---- */

/* A caller's flood is before its own tickets, not before those of others. */
static usec_t expected_wait(const struct hold *h, const struct ticket *t)
{
    const struct drain *d = &t->row->drains[t->priority];
    unsigned ahead = fairness_ahead(&h->s->fairness[t->priority], t);
    return drain_wait(d, ahead < d->waiting ? ahead : d->waiting, h->now);
}

/* Lower classes are shed first: the youngest of the lowest lane below its own makes room for it. */
static bool displace(struct hold *h, const struct ticket *t)
{
    for (enum lane l = LANE_COUNT - 1; l > lane_of(t->priority); l--) {
        if (list_empty(&h->s->lanes[l])) continue;
        struct ticket *youngest = CONTAINER_OF(h->s->lanes[l].prev, struct ticket, node);
        youngest->retry_after = expected_wait(h, youngest);
        queue_refuse(h, youngest, SCHED_FULL);
        return true;
    }
    return false;
}

void queue_leave(struct hold *h, struct ticket *t)
{
    dequeue(h, t, false);
    t->retry_after = expected_wait(h, t);
}

enum sched_answer queue_join(struct hold *h, struct ticket *t)
{
    const struct conf_queue *rules = queue_rules(h);
    unsigned most = rules->classes[t->priority].max_waiting;
    t->retry_after = expected_wait(h, t);
    if (t->latest <= h->now || t->retry_after > t->latest - h->now) return SCHED_LATE;
    if (most && h->s->waiting_of[t->priority] >= most) return SCHED_FULL;
    if (h->s->waiting >= rules->max_waiting && !displace(h, t)) return SCHED_FULL;
    enqueue(h, t);
    return SCHED_WAITING;
}

/* ---- serving ---- */

/* Backups are for lines with nobody better open, and for who may overflow. */
static unsigned lanes_of_tier(struct hold *h, const struct line *line, unsigned tier)
{
    unsigned overflow = 0;
    if (tier == TIER_PRIMARY) return ~0u;
    for (size_t i = 0; i < line->wish_count; i++) {
        const struct candidate *other = line->wishes[i].candidate;
        if (candidate_tier(h, other) >= tier || candidate_opens_at(h, other)) continue;
        for (enum lane l = 0; tier == TIER_BACKUP && l < LANE_COUNT; l++)
            overflow |= (unsigned)lane_may_overflow(l) << l;
        return overflow;
    }
    return ~0u;
}

/* Of these lanes of its line, those that could use it now. */
static unsigned servable(struct hold *h, const struct wish *w, unsigned lanes)
{
    lanes &= slot_lanes(h, w->candidate->slot);
    if (!lanes || !w->line->endpoint->any_upstream) return lanes;
    if (candidate_opens_at(h, w->candidate)) return 0;
    return lanes & lanes_of_tier(h, w->line, candidate_tier(h, w->candidate));
}

/* The best so far of each lane. */
struct heads {
    unsigned mask; /* of the lanes that have one */
    const struct heap_entry *first[LANE_COUNT];
};

/* The lanes in which the head of this line goes before what was found. */
static unsigned better(const struct heads *heads, const struct line *line, unsigned lanes)
{
    for (unsigned rest = lanes & heads->mask; rest; rest &= rest - 1) {
        enum lane l = (enum lane)__builtin_ctz(rest);
        if (!turn_before(&line_first(line, l)->key, &heads->first[l]->key)) lanes &= ~(1u << l);
    }
    return lanes;
}

/* Late ones and the others of a class share its turns, but for P1, whose late ones come first: see lane.h. */
static const struct heap_entry *head_of(const struct heads *heads, enum conf_priority p)
{
    enum lane lane = lane_of(p), late = lane_above(lane);
    if (!(heads->mask >> lane & 1)) return heads->first[late];
    if (!(heads->mask >> late & 1)) return heads->first[lane];
    bool late_waits = p != PRIORITY_P1 && heads->first[lane]->key.tag < heads->first[late]->key.tag;
    return heads->first[late_waits ? lane : late];
}

/* Most lines are no better than what was found before, and need not be looked at any closer. */
static struct ticket *next_for(struct hold *h, struct account *a)
{
    struct heads heads = {.mask = 0};
    unsigned room = account_lanes(h, a), lanes;
    if (!room) return NULL;
    LIST_FOREACH(node, &a->wishes) {
        const struct wish *w = CONTAINER_OF(node, struct wish, node);
        if (!(lanes = better(&heads, w->line, w->line->mask & room))) continue;
        lanes = servable(h, w, lanes);
        heads.mask |= lanes;
        for (; lanes; lanes &= lanes - 1)
            heads.first[__builtin_ctz(lanes)] = line_first(w->line, (enum lane)__builtin_ctz(lanes));
    }
    return heads.mask ? head_of(&heads, lane_choose(heads.mask, a->turns))->ticket : NULL;
}

/* What is servable can be taken; should the two ever disagree, it waits on. */
void queue_serve(struct hold *h, struct account *a)
{
    usec_t opens_at;
    for (struct ticket *t; (t = next_for(h, a));) {
        if (choice_take(h, t, t->lane, &opens_at) != CHOICE_TAKEN) return;
        dequeue(h, t, true);
        h->s->counts[t->priority].granted++;
        settle(h, t, SCHED_GRANTED);
    }
}

/* Serving makes accounts leave the list: so it is turned round once, up to a mark. */
void queue_serve_all(struct hold *h)
{
    struct list *wanted = &h->s->lines.wanted, mark, *node;
    list_push_back(wanted, &mark);
    while ((node = list_pop_front(wanted)) != &mark) {
        list_push_back(wanted, node);
        queue_serve(h, CONTAINER_OF(node, struct account, wanted));
    }
}

/* ---- ageing ---- */

static void move_up(struct hold *h, struct ticket *t)
{
    enum lane above = lane_above(t->lane);
    const struct turn_key *old = &line_entry(t)->key;
    struct turn_key key = key_in(t, above, old->tag, old->arrival);
    h->s->late_of[t->priority]++;
    list_remove(&t->node);
    line_change(t, above, &key);
    enter_lane(h->s, t);
}

void queue_age(struct hold *h)
{
    for (enum lane l = 0; l < LANE_COUNT; l++) {
        usec_t stay = lane_stay(l, queue_rules(h));
        while (stay != USEC_NEVER && !list_empty(&h->s->lanes[l])) {
            struct ticket *oldest = CONTAINER_OF(h->s->lanes[l].next, struct ticket, node);
            if (oldest->asked + stay > h->now) break;
            move_up(h, oldest);
        }
    }
}
