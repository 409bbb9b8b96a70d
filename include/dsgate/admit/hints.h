/* hints.h - request headers that are meant for the gateway: read once, consumed, never forwarded.
 */
#ifndef DSGATE_ADMIT_HINTS_H
#define DSGATE_ADMIT_HINTS_H

#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"
#include "dsgate/config/config.h"
#include "dsgate/net/http.h"

#define HINTS_SESSION_MAX 256 /* bytes of X-Dsgate-Session */

struct hints {
    usec_t timeout;         /* X-Dsgate-Timeout (500ms, 30s, 2m or plain seconds), else x-stainless-timeout; 0 = none,
                             * 24 hours at most */
    enum conf_priority priority; /* X-Dsgate-Priority (P0 … P3, or urgent, high, normal, low); PRIORITY_COUNT: none */
    struct text session;    /* X-Dsgate-Session: what belongs together; empty = none. Points into the head */
    struct text request_id; /* x-request-id, when it is 1–128 visible ASCII bytes; else empty. Points into the head */
    char trace_id[33];      /* of a valid W3C traceparent (version 00), NUL-terminated; "" otherwise */
    struct {                /* Cache-Control (RFC 9111 section 5.2.1); what else it says is ignored. Where there is
                             * none, Pragma: no-cache counts */
        bool no_cache, no_store, only_if_cached;
    } cache;
    usec_t max_age;         /* … max-age; USEC_NEVER: not said; a malformed one is 0; of several the least */
};

/* false: one of X-Dsgate-Timeout, -Priority and -Session is malformed, with a sentence on the first such appended to
 * *message and its name (static) in *param; it counts as absent, and all other hints are read nevertheless.
 * x-stainless-timeout, traceparent and x-request-id come from libraries: malformed ones are ignored. */
bool hints_read(struct hints *h, const struct http_head *head, struct buf *message, const char **param);

/* Is this request field for the gateway (or for this hop) only? Then it is not forwarded. Covers x-dsgate-*,
 * x-stainless-timeout, cache-control, idempotency-key, traceparent, tracestate, x-request-id, accept-encoding (the
 * gateway must be able to read answers), expect and all hop-by-hop fields; NOT authorization and friends, which are the
 * relay's to replace. */
bool hints_consumes(const struct http_head *head, const struct http_field *f);

#endif
