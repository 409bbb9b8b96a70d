#include "memory_table.h"

enum { SMALLEST = 64, STEP = 4 /* buckets moved with each addition */ };

static struct cache_entry **new_buckets(size_t n) { return mem_zalloc(n * sizeof(struct cache_entry *)); }

void memory_table_init(struct memory_table *t)
{
    *t = (struct memory_table){.buckets = new_buckets(SMALLEST), .size = SMALLEST};
}

void memory_table_free(struct memory_table *t)
{
    mem_free(t->old);
    mem_free(t->buckets);
}

/* A bucket is moved as a whole, so a hash has one place. */
static struct cache_entry **bucket_of(const struct memory_table *t, uint64_t hash)
{
    size_t old = hash & (t->size / 2 - 1);
    return t->old && old >= t->moved ? &t->old[old] : &t->buckets[hash & (t->size - 1)];
}

struct cache_entry *memory_table_find(const struct memory_table *t, const struct cache_key *key)
{
    for (struct cache_entry *e = *bucket_of(t, cache_key_hash(key)); e; e = e->place.next)
        if (cache_key_same(&e->facts.key, key)) return e;
    return NULL;
}

static uint64_t hash_of(const struct cache_entry *e) { return cache_key_hash(&e->facts.key); }

static void push(struct cache_entry **bucket, struct cache_entry *e)
{
    e->place.next = *bucket;
    *bucket = e;
}

static void grow(struct memory_table *t)
{
    t->old = t->buckets;
    t->moved = 0;
    t->size *= 2;
    t->buckets = new_buckets(t->size);
}

static void move_some(struct memory_table *t)
{
    for (int i = 0; i < STEP && t->moved < t->size / 2; i++, t->moved++)
        for (struct cache_entry *e = t->old[t->moved], *next; e; e = next) {
            next = e->place.next;
            push(&t->buckets[hash_of(e) & (t->size - 1)], e);
        }
    if (t->moved < t->size / 2) return;
    mem_free(t->old);
    t->old = NULL;
}

void memory_table_add(struct memory_table *t, struct cache_entry *e)
{
    if (t->old) move_some(t);
    if (!t->old && t->count >= t->size / 2) grow(t);
    push(bucket_of(t, hash_of(e)), e);
    t->count++;
}

void memory_table_remove(struct memory_table *t, struct cache_entry *e)
{
    struct cache_entry **at = bucket_of(t, hash_of(e));
    while (*at != e)
        at = &(*at)->place.next;
    *at = e->place.next;
    t->count--;
}

static void visit_bucket(struct cache_entry *e, void (*visit)(struct cache_entry *e, void *arg), void *arg)
{
    for (struct cache_entry *next; e; e = next) {
        next = e->place.next;
        visit(e, arg);
    }
}

void memory_table_visit(struct memory_table *t, size_t classes, size_t class,
                        void (*visit)(struct cache_entry *e, void *arg), void *arg)
{
    for (size_t i = class; t->old && i < t->size / 2; i += classes)
        if (i >= t->moved) visit_bucket(t->old[i], visit, arg);
    for (size_t i = class; i < t->size; i += classes)
        visit_bucket(t->buckets[i], visit, arg);
}
