/* hints.h - request headers that are meant for the gateway: read once, consumed, never forwarded.
 */
#ifndef DSGATE_ADMIT_HINTS_H
#define DSGATE_ADMIT_HINTS_H

#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"
#include "dsgate/net/http.h"

struct hints {
    usec_t timeout;         /* X-Dsgate-Timeout (500ms, 30s, 2m or plain seconds), else x-stainless-timeout; 0 = none,
                             * 24 hours at most */
    struct text request_id; /* x-request-id, when it is 1–128 visible ASCII bytes; else empty. Points into the head */
    char trace_id[33];      /* of a valid W3C traceparent (version 00), NUL-terminated; "" otherwise */
    bool only_if_cached;    /* Cache-Control, RFC 9111 section 5.2.1.7 */
};

/* false: X-Dsgate-Timeout is malformed, with a sentence appended to *message and the header's name (static) in *param;
 * all other hints are read nevertheless. x-stainless-timeout, traceparent and x-request-id come from libraries:
 * malformed ones are ignored. */
bool hints_read(struct hints *h, const struct http_head *head, struct buf *message, const char **param);

/* Is this request field for the gateway (or for this hop) only? Then it is not forwarded. Covers x-dsgate-*,
 * x-stainless-timeout, cache-control, idempotency-key, traceparent, tracestate, x-request-id, accept-encoding (the
 * gateway must be able to read answers), expect and all hop-by-hop fields; NOT authorization and friends, which are the
 * relay's to replace. */
bool hints_consumes(const struct http_head *head, const struct http_field *f);

#endif
