/* remote_ask.c - entries are asked for and written. */
#include "dsgate/cache/policy.h"
#include "remote_name.h"
#include "remote_private.h"
#include <inttypes.h>
#include <stdio.h>

#define WRITE_TIME (5 * USEC_PER_SEC) /* for the reply that is looked at; nobody waits for it */

/* ---- asking ---- */

static bool may_ask(struct remote *r, usec_t now)
{
    struct remote_shared *s = r->shared;
    enum remote_news news = REMOTE_NO_NEWS;
    remote_hold(s);
    bool may = r->connected && remote_health_admits(&s->health, now);
    if (!r->connected) news = remote_health_missed(&s->health, now);
    if (!may) s->stats.skipped++;
    remote_release(s, news, now, text_of(r->why));
    return may;
}

/* Nothing is kept for longer than anybody could have asked for, whoever has written it. */
static void bound_times(struct cache_facts *f)
{
    f->fresh = usec_earlier(f->fresh, CACHE_TTL_MAX);
    f->stale = usec_earlier(f->stale, CACHE_TTL_MAX);
}

/* What a reply comes to: where it is counted, and the entry in it. */
static uint64_t *judge(const struct remote_call *call, const struct redis_reply *reply, struct cache_entry **e)
{
    struct remote_stats *stats = &call->remote->shared->stats;
    enum envelope_fault fault = ENVELOPE_FOREIGN;
    if (reply->type == REDIS_NIL) return &stats->misses;
    if (reply->type == REDIS_ERROR && !text_starts(reply->text, TEXT("WRONGTYPE"))) return &stats->errors;
    if (reply->type == REDIS_STRING) *e = envelope_read(reply->text, call->key, call->tenant, &fault);
    if (!*e) return &stats->ignored[fault];
    bound_times(&(*e)->facts);
    if (cache_entry_freshness(*e, loop_wall(call->remote->loop)) != CACHE_DEAD) return &stats->hits;
    cache_entry_unref(*e);
    *e = NULL;
    return &stats->misses;
}

static struct remote_call *owner(struct redis_call *call) { return CONTAINER_OF(call, struct remote_call, call); }

static void replied(struct redis_call *call, const struct redis_reply *reply)
{
    struct remote_call *c = owner(call);
    struct remote_shared *s = c->remote->shared;
    struct cache_entry *e = NULL;
    uint64_t *counter = judge(c, reply, &e);
    usec_t now = loop_now(c->remote->loop);
    remote_hold(s);
    ++*counter;
    enum remote_news news = remote_health_answered(&s->health, c->asked, now);
    if (news == REMOTE_NO_NEWS && counter == &s->stats.errors) news = remote_health_refused(&s->health, now);
    if (news == REMOTE_NO_NEWS) news = remote_health_obeyed(&s->health, now);
    remote_release(s, news, now, reply->text);
    c->done(c, e);
}

static void failed(struct redis_call *call, enum redis_failure why)
{
    struct remote_call *c = owner(call);
    struct remote_shared *s = c->remote->shared;
    usec_t now = loop_now(c->remote->loop);
    enum remote_news news = REMOTE_NO_NEWS;
    remote_hold(s);
    ++*(why == REDIS_TIMEOUT ? &s->stats.timeouts : &s->stats.errors);
    if (why == REDIS_TIMEOUT) news = remote_health_timed_out(&s->health, c->asked, now);
    remote_release(s, news, now, TEXT_NONE);
    c->done(c, NULL);
}

static struct text name_of(struct remote *r, struct text tenant, struct text model, const struct cache_key *key)
{
    buf_clear(&r->name);
    remote_name(&r->name, r->shared->prefix, tenant, model, key);
    return buf_text(&r->name);
}

static void count(struct remote *r, uint64_t *counter)
{
    remote_hold(r->shared);
    ++*counter;
    remote_release(r->shared, REMOTE_NO_NEWS, 0, TEXT_NONE);
}

/* Measured by the clock itself: what else this turn has done is not the server's time. */
bool remote_get(struct remote *r, struct remote_call *call, const struct cache_key *key, struct text tenant,
                struct text model, void (*done)(struct remote_call *call, struct cache_entry *e))
{
    usec_t now = loop_clock(r->loop);
    remote_count_errors(r);
    if (!may_ask(r, now)) return false;
    call->remote = r;
    call->asked = now;
    call->key = key;
    call->tenant = tenant;
    call->done = done;
    struct text argv[] = {TEXT("GET"), name_of(r, tenant, model, key)};
    if (redis_send(r->redis, &call->call, argv, 2, now + r->shared->timeout, replied, failed)) return true;
    count(r, &r->shared->stats.skipped);
    return false;
}

void remote_forget(struct remote_call *call) { redis_forget(&call->call); }

/* ---- writing ---- */

static bool may_write(struct remote *r)
{
    remote_hold(r->shared);
    bool may = r->connected && !r->shared->health.open;
    remote_release(r->shared, REMOTE_NO_NEWS, 0, TEXT_NONE);
    return may;
}

static void write_replied(struct redis_call *call, const struct redis_reply *reply)
{
    remote_note_reply(CONTAINER_OF(call, struct remote, write), reply);
}

static void write_failed(struct redis_call *call, enum redis_failure why) {}

/* One reply at a time is looked at: it tells why the server refuses writes, if it does. */
static bool write_value(struct remote *r, const struct text *argv, size_t argc)
{
    usec_t deadline = loop_now(r->loop) + WRITE_TIME;
    if (r->write.redis) return redis_tell(r->redis, argv, argc);
    return redis_send(r->redis, &r->write, argv, argc, deadline, write_replied, write_failed);
}

static bool write_entry(struct remote *r, const struct cache_entry *e)
{
    const struct cache_facts *f = &e->facts;
    struct buf value = {0};
    char seconds[24];
    usec_t life = (f->fresh + f->stale + USEC_PER_SEC - 1) / USEC_PER_SEC;
    envelope_write(e, &value);
    snprintf(seconds, sizeof seconds, "%" PRId64, usec_later(life, 1));
    struct text argv[] = {TEXT("SET"), name_of(r, f->tenant, f->model, &f->key), buf_text(&value), TEXT("EX"),
                          text_of(seconds)};
    bool written = write_value(r, argv, 5);
    buf_free(&value);
    return written;
}

void remote_put(struct remote *r, const struct cache_entry *e)
{
    struct remote_stats *stats = &r->shared->stats;
    remote_count_errors(r);
    bool written = may_write(r) && write_entry(r, e);
    count(r, written ? &stats->stored : &stats->dropped);
}
