/* Followers. */
#include "flight_private.h"

/* ---- joining ---- */

static bool may_follow(const struct flight *f, const struct flight_terms *terms, uint64_t generation)
{
    return f->generation == generation && (f->terms.wants_usage || !terms->wants_usage) &&
           (f->started || f->terms.priority <= terms->priority) && f->terms.patience >= terms->patience;
}

static struct flight_group *group_of(struct flight *f, struct flight_inbox *inbox)
{
    struct flight_group *g;
    LIST_FOREACH(node, &f->groups) {
        g = CONTAINER_OF(node, struct flight_group, node);
        if (g->inbox == inbox) return g;
    }
    g = MEM_NEW(struct flight_group);
    g->inbox = inbox;
    list_init(&g->hungry);
    list_push_back(&f->groups, &g->node);
    return g;
}

static void wait_for_news(struct follower *who) { list_push_back(&who->group->hungry, &who->news_node); }

static void give_news_to(struct flight_hold *h, struct follower *who)
{
    struct list one;
    list_init(&one);
    list_push_back(&one, &who->news_node);
    flight_give_news(h, who->group->inbox, &one);
}

static void join(struct flight_hold *h, struct flight *f, struct follower *who, struct flight_group *group)
{
    who->flight = f;
    who->group = group;
    who->at = flight_first_chunk(f);
    who->at->readers++;
    group->followers++;
    f->followers++;
    h->shard->stats.followers++;
    h->shard->stats.followed++;
    if (f->written > 0)
        give_news_to(h, who);
    else
        wait_for_news(who);
}

static bool follow_held(struct flight_hold *h, struct follower *who, struct flight_inbox *inbox,
                        const struct flight_terms *terms, void (*news)(struct follower *f))
{
    struct flight *f = flight_find(h->shard, &terms->key);
    if (!f || !may_follow(f, terms, atomic_load(&inbox->flights->generation))) return false;
    *who = (struct follower){.news = news};
    join(h, f, who, group_of(f, inbox));
    return true;
}

bool flight_follow(struct flights *f, struct follower *who, struct flight_inbox *inbox,
                   const struct flight_terms *terms, void (*news)(struct follower *f))
{
    struct flight_hold h;
    flight_hold_begin(&h, flight_shard_of(f, &terms->key));
    bool follows = follow_held(&h, who, inbox, terms, news);
    flight_hold_end(&h);
    return follows;
}

bool flight_join(struct flights *f, struct follower *who, struct flight_lead *lead, struct flight_inbox *inbox,
                 const struct flight_terms *terms, void (*news)(struct follower *f))
{
    struct flight_hold h;
    flight_hold_begin(&h, flight_shard_of(f, &terms->key));
    bool follows = follow_held(&h, who, inbox, terms, news);
    if (!follows) flight_begin_held(&h, f, lead, inbox, terms);
    flight_hold_end(&h);
    return follows;
}

/* ---- reading ---- */

/* Its next read is of the entry: what it has had of the chunks need not stay. */
static void change_over(struct flight_hold *h, struct follower *who)
{
    who->entry = cache_entry_ref(who->flight->entry);
    if (who->at) flight_chunk_release(h, who->at);
    who->at = NULL;
}

static enum flight_state read_entry(struct follower *who, struct text *bytes)
{
    struct text rest = text_from(who->entry->body, who->offset);
    if (rest.n == 0) return FLIGHT_END;
    *bytes = text_make(rest.p, rest.n < FLIGHT_SLICE ? rest.n : FLIGHT_SLICE);
    return FLIGHT_BYTES;
}

static void lose(struct flight_hold *h, struct follower *who)
{
    flight_chunk_release(h, who->at);
    who->at = NULL;
    h->shard->stats.lost++;
}

static enum flight_state wait_or_end(struct follower *who)
{
    switch (who->flight->phase) {
    case FLIGHT_LANDED: return FLIGHT_END;
    case FLIGHT_CRASHED: return FLIGHT_FAILED;
    case FLIGHT_FLIES: break;
    }
    flight_drop_news(who->group->inbox, &who->news_node);
    wait_for_news(who);
    return FLIGHT_WAIT;
}

static enum flight_state read_held(struct flight_hold *h, struct follower *who, struct text *bytes)
{
    struct flight *f = who->flight;
    if (f->entry) {
        change_over(h, who);
        return read_entry(who, bytes);
    }
    if (f->phase == FLIGHT_CRASHED && who->offset == 0) return FLIGHT_FAILED;
    if (who->at && flight_is_too_far_behind(f, who->offset)) lose(h, who);
    if (!who->at) return FLIGHT_LOST;
    if (who->offset == f->written) return wait_or_end(who);
    *bytes = flight_chunks_read(h, f, &who->at, who->offset);
    return FLIGHT_BYTES;
}

enum flight_state flight_read(struct follower *who, struct text *bytes)
{
    struct flight_hold h;
    enum flight_state state;
    if (who->entry) {
        state = read_entry(who, bytes);
    } else {
        flight_hold_begin(&h, who->flight->shard);
        state = read_held(&h, who, bytes);
        flight_hold_end(&h);
    }
    if (state == FLIGHT_BYTES) who->offset += bytes->n;
    return state;
}

const struct flight_head *flight_head(const struct follower *who)
{
    struct flight_hold h;
    flight_hold_begin(&h, who->flight->shard);
    const struct flight_head *head = who->flight->has_head ? &who->flight->head : NULL;
    flight_hold_end(&h);
    return head;
}

bool flight_has_landed(const struct follower *who)
{
    struct flight_hold h;
    flight_hold_begin(&h, who->flight->shard);
    bool landed = who->flight->phase == FLIGHT_LANDED;
    flight_hold_end(&h);
    return landed;
}

bool flight_is_outgrown(const struct follower *who)
{
    struct flight_hold h;
    flight_hold_begin(&h, who->flight->shard);
    bool outgrown = who->flight->outgrown;
    flight_hold_end(&h);
    return outgrown;
}

const void *flight_failure(const struct follower *who, size_t *n)
{
    *n = who->flight->failure_size;
    return who->flight->failure;
}

/* ---- leaving ---- */

static void leave_group(struct flight_group *g, struct follower *who)
{
    flight_drop_news(g->inbox, &who->news_node);
    if (--g->followers > 0) return;
    list_remove(&g->node);
    mem_free(g);
}

static void leave(struct flight_hold *h, struct flight *f, struct follower *who)
{
    leave_group(who->group, who);
    if (who->at) flight_chunk_release(h, who->at);
    flight_chunks_trim(h, f);
    h->shard->stats.followers--;
    f->followers--;
    if (f->followers == 0 && !f->lead) h->gone = f;
    flight_tell_lead(h, f);
}

void flight_leave(struct follower *who)
{
    struct flight_hold h;
    if (!who->flight) return;
    flight_hold_begin(&h, who->flight->shard);
    leave(&h, who->flight, who);
    flight_hold_end(&h);
    cache_entry_unref(who->entry);
    *who = (struct follower){0};
}
