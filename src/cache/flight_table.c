/* Which flight has which key. Buckets are many enough for as many calls at once as a process has descriptors. */
#include "flight_private.h"

struct flights *flights_new(size_t limit)
{
    struct flights *f = MEM_NEW(struct flights);
    atomic_init(&f->limit, limit);
    for (int i = 0; i < FLIGHT_SHARDS; i++)
        pthread_mutex_init(&f->shards[i].mutex, NULL);
    return f;
}

void flights_free(struct flights *f)
{
    for (int i = 0; i < FLIGHT_SHARDS; i++)
        pthread_mutex_destroy(&f->shards[i].mutex);
    mem_free(f);
}

void flights_limit(struct flights *f, size_t limit) { atomic_store(&f->limit, limit); }
void flights_forget(struct flights *f) { atomic_fetch_add(&f->generation, 1); }

struct flight_shard *flight_shard_of(struct flights *f, const struct cache_key *key)
{
    return &f->shards[cache_key_hash(key) % FLIGHT_SHARDS];
}

static size_t bucket_of(const struct cache_key *key) { return cache_key_hash(key) / FLIGHT_SHARDS % FLIGHT_BUCKETS; }

struct flight *flight_find(const struct flight_shard *shard, const struct cache_key *key)
{
    struct flight *f = shard->buckets[bucket_of(key)];
    while (f && !cache_key_same(&f->terms.key, key))
        f = f->next;
    return f;
}

void flight_list(struct flight *f)
{
    struct flight **bucket = &f->shard->buckets[bucket_of(&f->terms.key)];
    f->next = *bucket;
    *bucket = f;
    f->listed = true;
}

void flight_unlist(struct flight *f)
{
    if (!f->listed) return;
    struct flight **at = &f->shard->buckets[bucket_of(&f->terms.key)];
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->listed = false;
}

void flights_read_stats(struct flights *f, struct flights_stats *out)
{
    *out = (struct flights_stats){0};
    for (int i = 0; i < FLIGHT_SHARDS; i++) {
        struct flight_shard *shard = &f->shards[i];
        pthread_mutex_lock(&shard->mutex);
        out->flights += shard->stats.flights;
        out->followers += shard->stats.followers;
        out->led += shard->stats.led;
        out->followed += shard->stats.followed;
        out->lost += shard->stats.lost;
        pthread_mutex_unlock(&shard->mutex);
    }
}
