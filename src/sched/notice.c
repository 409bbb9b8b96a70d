#include "notice.h"
#include "dsgate/base/log.h"
#include "dsgate/base/text.h"

void notice_add(struct notices *n, enum notice_kind kind, const char *upstream, const char *model, usec_t time,
                unsigned number)
{
    if (n->count == NOTICES_MAX) {
        n->dropped++;
        return;
    }
    struct notice *to = &n->list[n->count++];
    to->kind = kind;
    to->time = time;
    to->number = number;
    text_copy(text_of(upstream), to->upstream, sizeof to->upstream);
    text_copy(text_of(model), to->model, sizeof to->model);
}

static void tell(const struct notice *n)
{
    const char *u = n->upstream, *m = n->model;
    double seconds = (double)n->time / (double)USEC_PER_SEC;
    switch (n->kind) {
    case NOTICE_BREAKER_OPENED: log_warn("upstream '%s', model %s: breaker open for %.1f s", u, m, seconds); break;
    case NOTICE_BREAKER_HALF_OPENED: log_info("upstream '%s', model %s: breaker half open, on trial", u, m); break;
    case NOTICE_BREAKER_CLOSED: log_info("upstream '%s', model %s: breaker closed again", u, m); break;
    case NOTICE_WENT_DOWN: log_warn("upstream '%s' is down: %u failed probes in a row", u, n->number); break;
    case NOTICE_CAME_UP: log_info("upstream '%s' is up again", u); break;
    case NOTICE_LIMIT_LOWERED:
        log_info("upstream '%s', model %s: busy, at most %u calls at once for now", u, m, n->number);
        break;
    case NOTICE_LIMIT_RESTORED: log_info("upstream '%s', model %s: busy no more", u, m); break;
    case NOTICE_KEY_REFUSED:
        log_error("upstream '%s' refuses its key no. %u: not used for %.0f s; see whether it is valid and its account "
                  "has money",
                  u, n->number, seconds);
        break;
    case NOTICE_QUOTA_SPENT: log_warn("upstream '%s': its quota is spent for %.0f s", u, seconds); break;
    case NOTICE_STANDBY_JOINED: log_info("standby '%s' joins: %u requests wait", u, n->number); break;
    case NOTICE_STANDBY_LEFT: log_info("standby '%s' leaves", u); break;
    }
}

void notices_log(const struct notices *n)
{
    for (unsigned i = 0; i < n->count; i++)
        tell(&n->list[i]);
    if (n->dropped) log_info("%u more changes of upstreams at the same moment", n->dropped);
}
