#include "remote_health.h"

/* ---- what is told ---- */

static enum remote_news went_away(struct remote_health *h, enum remote_news how, usec_t now)
{
    if (h->told == REMOTE_AWAY) return REMOTE_NO_NEWS;
    h->told = REMOTE_AWAY;
    h->away_since = now;
    return how;
}

static enum remote_news is_there(struct remote_health *h)
{
    enum remote_news news = h->told == REMOTE_AWAY ? REMOTE_BACK : REMOTE_FIRST;
    if (h->open || h->told == REMOTE_THERE) return REMOTE_NO_NEWS;
    h->told = REMOTE_THERE;
    return news;
}

/* ---- connections ---- */

enum remote_news remote_health_connected(struct remote_health *h)
{
    h->connected++;
    return is_there(h);
}

void remote_health_lost(struct remote_health *h, usec_t now)
{
    if (--h->connected == 0) h->lost_at = now;
}

enum remote_news remote_health_unconnected(struct remote_health *h, usec_t now)
{
    return h->connected > 0 ? REMOTE_NO_NEWS : went_away(h, REMOTE_UNREACHABLE, now);
}

enum remote_news remote_health_missed(struct remote_health *h, usec_t now)
{
    bool long_ago = h->lost_at > 0 && now - h->lost_at >= REMOTE_LOSS_MIND;
    return long_ago ? remote_health_unconnected(h, now) : REMOTE_NO_NEWS;
}

/* ---- the breaker ---- */

bool remote_health_admits(struct remote_health *h, usec_t now)
{
    if (!h->open) return true;
    if (now < h->next_trial) return false;
    h->next_trial = now + h->rest;
    return true;
}

enum remote_news remote_health_answered(struct remote_health *h, usec_t asked, usec_t now)
{
    if (!h->open) {
        h->failures = 0;
        return REMOTE_NO_NEWS;
    }
    if (asked < h->judged) return REMOTE_NO_NEWS;
    h->open = false;
    h->failures = 0;
    h->judged = now;
    return is_there(h);
}

static void wait_longer(struct remote_health *h, usec_t now)
{
    bool soon = h->open || (h->rest > 0 && now - h->judged < REMOTE_REST_MOST);
    h->rest = soon ? usec_earlier(2 * h->rest, REMOTE_REST_MOST) : REMOTE_REST_LEAST;
    h->next_trial = now + h->rest;
    h->judged = now;
    h->open = true;
}

enum remote_news remote_health_timed_out(struct remote_health *h, usec_t asked, usec_t now)
{
    if (asked < h->judged) return REMOTE_NO_NEWS;
    if (!h->open && ++h->failures < REMOTE_FAILURES) return REMOTE_NO_NEWS;
    wait_longer(h, now);
    return went_away(h, REMOTE_SILENT, now);
}

/* ---- refusals ---- */

enum remote_news remote_health_refused(struct remote_health *h, usec_t now)
{
    bool news = !h->refusing;
    h->refusing = true;
    h->refused_at = now;
    return news ? REMOTE_REFUSES : REMOTE_NO_NEWS;
}

enum remote_news remote_health_obeyed(struct remote_health *h, usec_t now)
{
    if (!h->refusing || now - h->refused_at < REMOTE_REFUSAL_OFF) return REMOTE_NO_NEWS;
    h->refusing = false;
    return REMOTE_OBEYS;
}
