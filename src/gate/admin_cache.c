/* What an operator sees of the cache, and how its entries are dropped before their time. What an entry says is nobody's
 * business but its tenant's. */
#include "admin_json.h"
#include "admin_private.h"
#include "dsgate/base/log.h"
#include "dsgate/llm/json.h"

/* ---- what is seen ---- */

static void put_memory(struct admin_json *j, struct cache_memory *memory)
{
    struct cache_memory_stats s;
    cache_memory_read_stats(memory, &s);
    admin_json_open(j, "memory", '{');
    admin_json_u64(j, "entries", s.entries);
    admin_json_u64(j, "bytes", s.bytes);
    admin_json_u64(j, "limit", s.limit);
    admin_json_u64(j, "hits", s.hits);
    admin_json_u64(j, "misses", s.misses);
    admin_json_u64(j, "added", s.added);
    admin_json_u64(j, "replaced", s.replaced);
    admin_json_u64(j, "too_large", s.too_large);
    admin_json_u64(j, "evicted", s.evicted);
    admin_json_u64(j, "rejected", s.rejected);
    admin_json_u64(j, "expired", s.expired);
    admin_json_u64(j, "purged", s.purged);
    admin_json_close(j, '}');
}

static void put_flights(struct admin_json *j, struct flights *flights)
{
    struct flights_stats s;
    flights_read_stats(flights, &s);
    admin_json_open(j, "flights", '{');
    admin_json_u64(j, "now", s.flights);
    admin_json_u64(j, "followers", s.followers);
    admin_json_u64(j, "led", s.led);
    admin_json_u64(j, "followed", s.followed);
    admin_json_u64(j, "lost", s.lost);
    admin_json_close(j, '}');
}

static void put_redis(struct admin_json *j, struct remote_shared *redis)
{
    struct remote_stats s;
    if (!redis) {
        admin_json_null(j, "redis");
        return;
    }
    remote_read_stats(redis, &s);
    admin_json_open(j, "redis", '{');
    admin_json_flag(j, "up", s.up);
    admin_json_u64(j, "hits", s.hits);
    admin_json_u64(j, "misses", s.misses);
    admin_json_u64(j, "timeouts", s.timeouts);
    admin_json_u64(j, "errors", s.errors);
    admin_json_u64(j, "skipped", s.skipped);
    admin_json_u64(j, "stored", s.stored);
    admin_json_u64(j, "dropped", s.dropped);
    admin_json_open(j, "ignored", '{');
    for (enum envelope_fault f = ENVELOPE_FINE + 1; f < ENVELOPE_FAULT_COUNT; f++)
        admin_json_u64(j, envelope_fault_name(f), s.ignored[f]);
    admin_json_close(j, '}');
    admin_json_close(j, '}');
}

void admin_show_cache(struct admin *a, struct exchange *x, struct text rest)
{
    struct admin_json j = {0};
    (void)rest;
    admin_json_open(&j, NULL, '{');
    put_memory(&j, a->shared->memory);
    put_flights(&j, a->shared->flights);
    put_redis(&j, a->shared->redis);
    admin_json_close(&j, '}');
    admin_json_send(&j, x);
}

struct metrics_cache admin_describe_cache(const struct admin *a)
{
    struct cache_memory_stats memory;
    struct flights_stats flights;
    struct remote_stats redis = {0};
    cache_memory_read_stats(a->shared->memory, &memory);
    flights_read_stats(a->shared->flights, &flights);
    if (a->shared->redis) remote_read_stats(a->shared->redis, &redis);
    return (struct metrics_cache){
        .memory = {memory.entries, memory.bytes, memory.limit, memory.hits, memory.misses, memory.added, memory.evicted,
                   memory.rejected, memory.expired, memory.purged},
        .flights = flights.flights,
        .followers = flights.followers,
        .has_redis = a->shared->redis != NULL,
        .redis = {redis.up, redis.hits, redis.misses, redis.timeouts, redis.errors, redis.skipped,
                  redis.ignored[ENVELOPE_FOREIGN], redis.ignored[ENVELOPE_VERSION_UNKNOWN],
                  redis.ignored[ENVELOPE_DAMAGED], redis.ignored[ENVELOPE_MISPLACED], redis.stored, redis.dropped}};
}

/* ---- one entry ---- */

static void put_facts(struct admin_json *j, const struct cache_entry *e, usec_t now)
{
    static const char *const freshness[] = {[CACHE_FRESH] = "fresh", [CACHE_STALE] = "stale", [CACHE_DEAD] = "dead"};
    const struct cache_facts *f = &e->facts;
    admin_json_open(j, NULL, '{');
    admin_json_text(j, "model", f->model);
    admin_json_text(j, "tenant", f->tenant);
    admin_json_u64(j, "status", f->status);
    admin_json_flag(j, "stream", f->stream);
    admin_json_text(j, "state", text_of(freshness[cache_entry_freshness(e, now)]));
    admin_json_u64(j, "age", (uint64_t)(cache_entry_age(e, now) / USEC_PER_SEC));
    admin_json_u64(j, "fresh_for", (uint64_t)(f->fresh / USEC_PER_SEC));
    admin_json_u64(j, "stale_for", (uint64_t)(f->stale / USEC_PER_SEC));
    admin_json_u64(j, "bytes", e->body.n);
    admin_json_u64(j, "prompt_tokens", f->prompt);
    admin_json_u64(j, "completion_tokens", f->completion);
    admin_json_close(j, '}');
}

void admin_show_entry(struct admin *a, struct exchange *x, struct text rest)
{
    struct cache_key key;
    struct admin_json j = {0};
    struct buf message = {0};
    usec_t now = loop_wall(a->loop);
    struct cache_entry *e = cache_key_parse(&key, rest) ? cache_memory_peek(a->shared->memory, &key) : NULL;
    if (e) {
        put_facts(&j, e, now);
        admin_json_send(&j, x);
        cache_entry_unref(e);
        return;
    }
    BUF_ADD(&message, "No entry in memory has the key '");
    buf_add(&message, rest);
    BUF_ADD(&message, "': keys are what answers tell in x-dsgate-cache-key. Redis is not looked into.");
    admin_refuse(x, FAIL_NO_ENDPOINT, &message);
}

/* ---- purges ---- */

#define EXPECTED \
    "expected {\"purge\": {\"key\": …, \"model\": …, \"tenant\": …}} with one of them at least, or " \
    "{\"purge\": \"all\"}."

enum { KEY, MODEL, TENANT, MEMBERS };

static const struct text names[MEMBERS] = {[KEY] = TEXT("key"), [MODEL] = TEXT("model"), [TENANT] = TEXT("tenant")};

struct admin_purge {
    struct cache_selection selection;
    struct cache_key key;
    char model[CACHE_MODEL_MAX], tenant[CACHE_TENANT_MAX];
};

/* NULL: the member is absent. False: it is no text, or too long for any that there is. */
static bool read_name(const struct json_member *m, char *room, size_t size, const char **name)
{
    size_t length;
    if (m->type == JSON_ABSENT) return true;
    if (!json_to_text(m->value, room, size - 1, &length) || memchr(room, '\0', length)) return false;
    room[length] = '\0';
    *name = room;
    return true;
}

static bool read_selection(struct admin_purge *p, struct text what)
{
    struct json_member m[MEMBERS];
    char hex[CACHE_KEY_HEX + 1];
    const char *key = NULL;
    size_t members = 0;
    if (json_scan(what, names, MEMBERS, m, JSON_DEPTH).top != JSON_OBJECT) return false;
    for (struct json_iter it = json_iter(what); json_next(&it); members++)
        if (!text_is_one_of(it.key, names, MEMBERS)) return false;
    if (!read_name(&m[KEY], hex, sizeof hex, &key)) return false;
    if (key && !cache_key_parse(&p->key, text_of(key))) return false;
    if (key) p->selection.key = &p->key;
    return members && read_name(&m[MODEL], p->model, sizeof p->model, &p->selection.model) &&
           read_name(&m[TENANT], p->tenant, sizeof p->tenant, &p->selection.tenant);
}

static bool read_purge(struct admin_purge *p, struct text body)
{
    static const struct text wanted = TEXT("purge");
    struct json_member purge;
    struct json_result result = json_scan(body, &wanted, 1, &purge, JSON_DEPTH);
    size_t members = 0;
    if (result.error != JSON_FINE || result.top != JSON_OBJECT) return false;
    for (struct json_iter it = json_iter(body); json_next(&it);)
        members++;
    if (members != 1) return false;
    return text_eq(purge.value, TEXT("\"all\"")) || (purge.type == JSON_OBJECT && read_selection(p, purge.value));
}

static size_t drop_from_memory(const struct admin *a, const struct admin_purge *p)
{
    flights_forget(a->shared->flights); /* first: what is under way is not kept either */
    return cache_memory_purge(a->shared->memory, &p->selection);
}

/* What others have asked of Redis meanwhile has perhaps come back from there. */
static void on_purged(void *arg, long long dropped)
{
    struct admin *a = arg;
    drop_from_memory(a, a->purge);
    if (dropped < 0)
        log_warn("cache: purged from Redis: not all: it went away, refused or took too long");
    else
        log_info("cache: purged from Redis: %lld", dropped);
}

/* Takes the purge, which stays while it is under way there. */
static const char *purge_redis(struct admin *a, struct admin_purge *p)
{
    const char *state = a->shared->redis ? "not possible now" : "none";
    if (a->shared->redis && remote_purge(a->shared->purger, &p->selection, on_purged, a)) {
        struct admin_purge *last = a->purge;
        a->purge = p;
        p = last;
        state = "begun";
    }
    mem_free(p);
    return state;
}

static void tell_purged(struct exchange *x, size_t dropped, const char *redis)
{
    struct admin_json j = {0};
    log_info("cache: purged by an operator (%s): %zu from memory; Redis: %s", exchange_peer(x), dropped, redis);
    admin_json_open(&j, NULL, '{');
    admin_json_u64(&j, "dropped", dropped);
    admin_json_text(&j, "redis", text_of(redis));
    admin_json_close(&j, '}');
    admin_json_send(&j, x);
}

/* Redis goes on in the background: the log tells when all is done. */
void admin_purge(struct admin *a, struct exchange *x, struct text rest)
{
    struct buf message = {0};
    (void)rest;
    if (!admin_may_change(x)) return;
    struct admin_purge *purge = MEM_NEW(struct admin_purge);
    if (read_purge(purge, exchange_body(x))) {
        size_t dropped = drop_from_memory(a, purge);
        tell_purged(x, dropped, purge_redis(a, purge));
        return;
    }
    mem_free(purge);
    BUF_ADD(&message, "That is no purge; " EXPECTED);
    admin_refuse(x, FAIL_BAD_FIELD, &message);
}
