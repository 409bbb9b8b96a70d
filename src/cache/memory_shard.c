#include "memory_shard.h"

enum { SLICE = 16 /* evictions at a time */ };
enum { WINDOW_PART = 100, PROTECTED_PERCENT = 80, LARGEST_PART = 4 };
enum { SMALL_ENTRY = 512, SAMPLE = 16 /* questions for each entry, until counters are halved */ };

/* ---- room ---- */

/* Eight bytes are sixteen counters, four in each row: enough for an entry and those that are not kept. */
size_t memory_shard_sketch_size(size_t share) { return share / SMALL_ENTRY * sizeof(uint64_t); }

static void divide_room(struct memory_shard *s, size_t share)
{
    size_t sketch = sketch_bytes(&s->sketch);
    s->room = share > sketch ? share - sketch : 0;
    s->largest = s->room / LARGEST_PART;
    s->window_room = s->room / WINDOW_PART;
    s->protected_room = (s->room - s->window_room) / 100 * PROTECTED_PERCENT;
}

void memory_shard_init(struct memory_shard *s, size_t share)
{
    *s = (struct memory_shard){0};
    memory_table_init(&s->table);
    sketch_init(&s->sketch, memory_shard_sketch_size(share));
    for (int i = 0; i < SEGMENT_COUNT; i++)
        list_init(&s->segments[i].entries);
    divide_room(s, share);
}

void memory_shard_free(struct memory_shard *s)
{
    memory_table_free(&s->table);
    sketch_free(&s->sketch);
}

void memory_shard_resize(struct memory_shard *s, size_t share, struct sketch *sketch)
{
    struct sketch old = s->sketch;
    s->sketch = *sketch;
    *sketch = old;
    divide_room(s, share);
}

static size_t main_bytes(const struct memory_shard *s)
{
    return s->segments[SEGMENT_PROBATION].bytes + s->segments[SEGMENT_PROTECTED].bytes;
}

static size_t main_room(const struct memory_shard *s) { return s->room - s->window_room; }

size_t memory_shard_bytes(const struct memory_shard *s) { return main_bytes(s) + s->segments[SEGMENT_WINDOW].bytes; }

/* What an entry counts against the limit: with its share of the table, and what malloc adds to its block. */
static size_t cost_of(const struct cache_entry *e)
{
    enum { BUCKETS = 4 * sizeof(void *), MALLOC = 16 };
    return e->size + BUCKETS + MALLOC;
}

/* ---- segments ---- */

static void leave_segment(struct memory_shard *s, struct cache_entry *e)
{
    list_remove(&e->place.node);
    s->segments[e->place.segment].bytes -= cost_of(e);
}

static void enter_segment(struct memory_shard *s, struct cache_entry *e, enum memory_segment segment)
{
    e->place.segment = segment;
    list_push_front(&s->segments[segment].entries, &e->place.node);
    s->segments[segment].bytes += cost_of(e);
}

static void move_to(struct memory_shard *s, struct cache_entry *e, enum memory_segment segment)
{
    leave_segment(s, e);
    enter_segment(s, e, segment);
}

static struct cache_entry *oldest(const struct memory_shard *s, enum memory_segment segment)
{
    const struct list *entries = &s->segments[segment].entries;
    return list_empty(entries) ? NULL : CONTAINER_OF(entries->prev, struct cache_entry, place.node);
}

void memory_shard_drop(struct memory_shard *s, struct cache_entry *e, struct list *dropped)
{
    leave_segment(s, e);
    memory_table_remove(&s->table, e);
    list_push_back(dropped, &e->place.node);
}

/* What is used on probation is protected from now on; those that were used longest ago are not any more. */
static void touch(struct memory_shard *s, struct cache_entry *e)
{
    move_to(s, e, e->place.segment == SEGMENT_WINDOW ? SEGMENT_WINDOW : SEGMENT_PROTECTED);
    for (int i = 0; i < SLICE && s->segments[SEGMENT_PROTECTED].bytes > s->protected_room; i++)
        move_to(s, oldest(s, SEGMENT_PROTECTED), SEGMENT_PROBATION);
}

/* ---- how often a key was asked for ---- */

/* Other bits than those that choose shard and bucket. */
static uint64_t sketch_hash(const struct cache_key *key)
{
    uint64_t hash;
    memcpy(&hash, key->bytes + sizeof hash, sizeof hash);
    return hash;
}

static void note_asked(struct memory_shard *s, const struct cache_key *key)
{
    enum { LEAST = 64 };
    sketch_add(&s->sketch, sketch_hash(key), SAMPLE * (s->table.count + LEAST));
}

static bool is_dead(const struct memory_shard *s, const struct cache_entry *e)
{
    return cache_entry_freshness(e, s->now) == CACHE_DEAD;
}

static unsigned worth(const struct memory_shard *s, const struct cache_entry *e)
{
    return is_dead(s, e) ? 0 : sketch_count(&s->sketch, sketch_hash(&e->facts.key));
}

/* ---- making room ---- */

/* Who goes first in the main part, and who follows. */
static struct cache_entry *next_victim(const struct memory_shard *s, const struct cache_entry *e)
{
    if (!e) return oldest(s, s->segments[SEGMENT_PROBATION].bytes ? SEGMENT_PROBATION : SEGMENT_PROTECTED);
    struct list *newer = e->place.node.prev;
    if (newer != &s->segments[e->place.segment].entries) return CONTAINER_OF(newer, struct cache_entry, place.node);
    return e->place.segment == SEGMENT_PROBATION ? oldest(s, SEGMENT_PROTECTED) : NULL;
}

static void evict(struct memory_shard *s, struct list *dropped)
{
    memory_shard_drop(s, next_victim(s, NULL), dropped);
    s->stats.evicted++;
}

/* How many have to go for the candidate, at most SLICE at a time; 0: they are worth more than it is. One that is worth
 * more alone would stay in front of all, and hold off whoever comes until it ages: it is moved back. */
static unsigned count_victims(struct memory_shard *s, const struct cache_entry *candidate)
{
    unsigned count = 0, sum = 0, most = worth(s, candidate);
    size_t bytes = main_bytes(s) + cost_of(candidate);
    for (struct cache_entry *victim = NULL; count < SLICE && bytes > main_room(s); count++) {
        victim = next_victim(s, victim);
        unsigned victim_worth = worth(s, victim);
        sum += victim_worth;
        if (sum >= most) {
            if (victim_worth > most) move_to(s, victim, victim->place.segment);
            return 0;
        }
        bytes -= cost_of(victim);
    }
    return count;
}

/* The window's oldest goes into the main part, or away. */
static unsigned pass_on(struct memory_shard *s, struct list *dropped)
{
    struct cache_entry *candidate = oldest(s, SEGMENT_WINDOW);
    if (main_bytes(s) + cost_of(candidate) <= main_room(s)) {
        move_to(s, candidate, SEGMENT_PROBATION);
        return 1;
    }
    unsigned victims = cost_of(candidate) <= s->largest ? count_victims(s, candidate) : 0;
    if (victims == 0) {
        memory_shard_drop(s, candidate, dropped);
        s->stats.rejected++;
    }
    for (unsigned i = 0; i < victims; i++)
        evict(s, dropped);
    return victims + 1;
}

bool memory_shard_settle(struct memory_shard *s, struct list *dropped)
{
    for (unsigned done = 0; done < SLICE;) {
        if (main_bytes(s) > main_room(s)) {
            evict(s, dropped);
            done++;
        } else if (s->segments[SEGMENT_WINDOW].bytes > s->window_room) {
            done += pass_on(s, dropped);
        } else {
            return false;
        }
    }
    return true;
}

/* ---- get and put ---- */

struct cache_entry *memory_shard_get(struct memory_shard *s, const struct cache_key *key, usec_t now,
                                     struct list *dropped)
{
    struct cache_entry *e = memory_table_find(&s->table, key);
    s->now = now;
    note_asked(s, key);
    if (e && is_dead(s, e)) {
        memory_shard_drop(s, e, dropped);
        s->stats.expired++;
        e = NULL;
    }
    if (e) touch(s, e);
    s->stats.hits += e != NULL;
    s->stats.misses += e == NULL;
    return e;
}

/* One that is larger than the window would push out all that is in it: it is the first to be passed on instead. */
static void enter_window(struct memory_shard *s, struct cache_entry *e)
{
    struct list *entries = &s->segments[SEGMENT_WINDOW].entries;
    enter_segment(s, e, SEGMENT_WINDOW);
    if (cost_of(e) <= s->window_room) return;
    list_remove(&e->place.node);
    list_push_back(entries, &e->place.node);
}

/* The newer one is used as much as the one before was. */
static void replace(struct memory_shard *s, struct cache_entry *old, struct cache_entry *e, struct list *dropped)
{
    enum memory_segment segment = old->place.segment;
    memory_shard_drop(s, old, dropped);
    memory_table_add(&s->table, e);
    enter_segment(s, e, segment);
    s->stats.replaced++;
}

static void take(struct memory_shard *s, struct cache_entry *e, struct list *dropped)
{
    struct cache_entry *old = memory_table_find(&s->table, &e->facts.key);
    s->now = usec_later(s->now, e->facts.created); /* it has taken long, and nobody has asked meanwhile */
    cache_entry_ref(e);
    e->place.taken = true;
    if (old) {
        replace(s, old, e, dropped);
        return;
    }
    memory_table_add(&s->table, e);
    enter_window(s, e);
    s->stats.added++;
}

/* One that was there before may still be on somebody's list of those to be freed. */
bool memory_shard_put(struct memory_shard *s, struct cache_entry *e, struct list *dropped)
{
    if (cost_of(e) > s->largest) {
        s->stats.too_large++;
        return false;
    }
    if (!e->place.taken) take(s, e, dropped);
    return true;
}
