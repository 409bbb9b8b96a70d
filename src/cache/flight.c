/* Leads. */
#include "flight_private.h"

void flight_begin_held(struct flight_hold *h, struct flights *all, struct flight_lead *lead, struct flight_inbox *inbox,
                       const struct flight_terms *terms)
{
    struct flight *older = flight_find(h->shard, &terms->key), *f = MEM_NEW(struct flight);
    if (older) flight_unlist(older);
    f->shard = h->shard;
    f->lead = lead;
    f->terms = *terms;
    f->limit = atomic_load_explicit(&all->limit, memory_order_relaxed);
    f->generation = atomic_load(&all->generation);
    list_init(&f->groups);
    flight_chunks_begin(f);
    flight_list(f);
    lead->flight = f;
    lead->inbox = inbox;
    lead->generation = f->generation;
    h->shard->stats.flights++;
    h->shard->stats.led++;
}

void flight_begin(struct flights *f, struct flight_lead *lead, struct flight_inbox *inbox,
                  const struct flight_terms *terms)
{
    struct flight_hold h;
    flight_hold_begin(&h, flight_shard_of(f, &terms->key));
    flight_begin_held(&h, f, lead, inbox, terms);
    flight_hold_end(&h);
}

bool flight_is_under_way(struct flights *f, const struct cache_key *key)
{
    struct flight_hold h;
    flight_hold_begin(&h, flight_shard_of(f, key));
    bool any = flight_find(h.shard, key) != NULL;
    flight_hold_end(&h);
    return any;
}

static void set_started(struct flight_lead *lead, bool started)
{
    struct flight_hold h;
    flight_hold_begin(&h, lead->flight->shard);
    lead->flight->started = started;
    flight_hold_end(&h);
}

void flight_starts(struct flight_lead *lead) { set_started(lead, true); }
void flight_waits(struct flight_lead *lead) { set_started(lead, false); }

size_t flight_followers(const struct flight_lead *lead)
{
    struct flight_hold h;
    flight_hold_begin(&h, lead->flight->shard);
    size_t n = lead->flight->followers;
    flight_hold_end(&h);
    return n;
}

bool flight_close(struct flight_lead *lead)
{
    struct flight_hold h;
    flight_hold_begin(&h, lead->flight->shard);
    bool alone = lead->flight->followers == 0;
    if (alone) flight_unlist(lead->flight);
    flight_hold_end(&h);
    return alone;
}

void flight_watch(struct flight_lead *lead)
{
    struct flight_hold h;
    flight_hold_begin(&h, lead->flight->shard);
    lead->flight->watched = true;
    flight_tell_lead(&h, lead->flight);
    flight_hold_end(&h);
}

bool flight_is_current(const struct flight_lead *lead)
{
    return lead->generation == atomic_load(&lead->inbox->flights->generation);
}

static void outgrow(struct flight *f)
{
    f->outgrown = true;
    flight_unlist(f);
}

static void publish(struct flight_hold *h, struct flight *f, struct list *fresh, size_t n)
{
    list_move_all(&f->chunks, fresh);
    f->written += n;
    if (!f->outgrown && f->written > f->limit) outgrow(f);
    flight_chunks_trim(h, f);
    flight_tell_all(h, f);
}

static void set_head(struct flight *f, const struct flight_head *head)
{
    if (f->has_head) return;
    f->head = *head;
    f->has_head = true;
}

/* Bytes are copied before the lock is taken: others may be reading, and nobody looks behind `written`. */
bool flight_write(struct flight_lead *lead, const struct flight_head *head, const struct iovec *pieces, int n)
{
    struct flight *f = lead->flight;
    struct flight_hold h;
    struct list fresh;
    if (f->outgrown && flight_followers(lead) == 0) return false;
    list_init(&fresh);
    flight_chunks_fill(f, &fresh, pieces, n);
    flight_hold_begin(&h, f->shard);
    set_head(f, head);
    publish(&h, f, &fresh, iov_total(pieces, n));
    bool useful = !f->outgrown || f->followers > 0;
    flight_hold_end(&h);
    return useful;
}

/* No lock: as long as it can be kept, nobody but the lead changes the list of chunks. */
struct cache_entry *flight_entry(const struct flight_lead *lead, const struct cache_facts *facts)
{
    int n;
    if (lead->flight->outgrown) return NULL;
    struct iovec *pieces = flight_chunks_all(lead->flight, &n);
    struct cache_entry *e = cache_entry_new(facts, pieces, n);
    mem_free(pieces);
    return e;
}

static void end(struct flight_hold *h, struct flight *f)
{
    flight_unlist(f);
    flight_drop_news(f->lead->inbox, &f->lead->node);
    f->lead->flight = NULL;
    f->lead = NULL;
    h->shard->stats.flights--;
    if (f->followers == 0) h->gone = f;
    flight_tell_all(h, f);
}

static void use_entry(struct flight_hold *h, struct flight *f, struct cache_entry *e)
{
    struct flight_head head = {.status = e->facts.status, .stream = e->facts.stream, .usage = e->facts.has_usage};
    text_copy(e->facts.type, head.type, sizeof head.type);
    set_head(f, &head);
    f->entry = cache_entry_ref(e);
    flight_chunks_drop(h, f);
}

void flight_land(struct flight_lead *lead, struct cache_entry *e)
{
    struct flight *f = lead->flight;
    struct flight_hold h;
    flight_hold_begin(&h, f->shard);
    f->phase = FLIGHT_LANDED;
    if (e) use_entry(&h, f, e);
    end(&h, f);
    flight_hold_end(&h);
}

void flight_crash(struct flight_lead *lead, const void *what, size_t n)
{
    struct flight *f = lead->flight;
    struct flight_hold h;
    if (!f) return;
    flight_hold_begin(&h, f->shard);
    f->phase = FLIGHT_CRASHED;
    f->failure = mem_dup(what, n);
    f->failure_size = n;
    end(&h, f);
    flight_hold_end(&h);
}
