/* remote_link.c - the connection comes and goes, and what is told of the server. */
#include "dsgate/base/log.h"
#include "remote_private.h"

#define ADVICE_TIME (5 * USEC_PER_SEC) /* nobody waits for it */

/* ---- the log ---- */

static void tell(const struct remote_shared *s, enum remote_news news, usec_t away, struct text words)
{
    switch (news) {
    case REMOTE_NO_NEWS: break;
    case REMOTE_FIRST: log_info("Redis %s answers: it keeps what is cached, too", s->url); break;
    case REMOTE_SILENT:
        log_warn("Redis %s does not answer within %lld ms: the cache goes on without it", s->url,
                 (long long)(s->timeout / USEC_PER_MS));
        break;
    case REMOTE_UNREACHABLE:
        log_warn("Redis %s cannot be used (" TEXT_FORMAT "): the cache goes on without it", s->url, TEXT_ARGS(words));
        break;
    case REMOTE_BACK:
        log_info("Redis %s answers again after %.1f s", s->url, (double)away / (double)USEC_PER_SEC);
        break;
    case REMOTE_REFUSES:
        log_warn("Redis %s refuses commands of the cache: " TEXT_FORMAT, s->url, TEXT_ARGS(words));
        break;
    case REMOTE_OBEYS: log_info("Redis %s refuses no commands any more", s->url); break;
    }
}

void remote_release(struct remote_shared *s, enum remote_news news, usec_t now, struct text words)
{
    usec_t away = now - s->health.away_since;
    pthread_mutex_unlock(&s->mutex);
    tell(s, news, away, words);
}

void remote_count_errors(struct remote *r)
{
    uint64_t errors = redis_errors(r->redis);
    if (errors == r->errors) return;
    remote_hold(r->shared);
    r->shared->stats.errors += errors - r->errors;
    remote_release(r->shared, REMOTE_NO_NEWS, 0, TEXT_NONE);
    r->errors = errors;
}

void remote_note_reply(struct remote *r, const struct redis_reply *reply)
{
    struct remote_shared *s = r->shared;
    usec_t now = loop_now(r->loop);
    bool refused = reply->type == REDIS_ERROR;
    remote_hold(s);
    s->stats.errors += refused;
    enum remote_news news = refused ? remote_health_refused(&s->health, now) : remote_health_obeyed(&s->health, now);
    remote_release(s, news, now, reply->text);
}

/* ---- is the server set up well? asked once ---- */

static void advice_came(struct redis_call *call, const struct redis_reply *reply)
{
    struct remote *r = CONTAINER_OF(call, struct remote, advice);
    struct buf advice = {0};
    if (remote_advice(reply, &advice)) log_warn("Redis %s " TEXT_FORMAT, r->shared->url, TEXT_ARGS(buf_text(&advice)));
    buf_free(&advice);
}

/* The next connection's turn, then. */
static void advice_failed(struct redis_call *call, enum redis_failure why)
{
    struct remote_shared *s = CONTAINER_OF(call, struct remote, advice)->shared;
    remote_hold(s);
    s->advice_asked = false;
    remote_release(s, REMOTE_NO_NEWS, 0, TEXT_NONE);
}

static void ask_for_advice(struct remote *r, usec_t now)
{
    struct remote_shared *s = r->shared;
    remote_hold(s);
    bool asked = s->advice_asked;
    s->advice_asked = true;
    remote_release(s, REMOTE_NO_NEWS, 0, TEXT_NONE);
    if (!asked &&
        !redis_send(r->redis, &r->advice, remote_advice_question, 3, now + ADVICE_TIME, advice_came, advice_failed))
        advice_failed(&r->advice, REDIS_LOST);
}

/* ---- it comes and goes ---- */

static enum remote_news note_connection(struct remote *r, bool connected, usec_t now)
{
    struct remote_health *h = &r->shared->health;
    bool was = r->connected;
    r->connected = connected;
    if (connected) return was ? REMOTE_NO_NEWS : remote_health_connected(h);
    if (!was) return remote_health_unconnected(h, now);
    remote_health_lost(h, now);
    return REMOTE_NO_NEWS;
}

void remote_link_changed(void *arg, enum redis_state state, const char *why)
{
    struct remote *r = arg;
    if (state == REDIS_CONNECTING) return;
    usec_t now = loop_now(r->loop);
    text_copy(text_of(why), r->why, sizeof r->why);
    remote_hold(r->shared);
    remote_release(r->shared, note_connection(r, state == REDIS_UP, now), now, text_of(why));
    if (state == REDIS_UP) ask_for_advice(r, now);
}

void remote_link_ended(struct remote *r)
{
    usec_t now = loop_now(r->loop);
    remote_count_errors(r);
    if (r->advice.redis) advice_failed(&r->advice, REDIS_LOST);
    remote_hold(r->shared);
    if (r->connected) remote_health_lost(&r->shared->health, now);
    remote_release(r->shared, REMOTE_NO_NEWS, now, TEXT_NONE);
}
