/* record.h - what the simulator has seen: counters, and the last request exactly as it came. Any thread. */
#ifndef DSGATE_SIM_RECORD_H
#define DSGATE_SIM_RECORD_H

#include "dsgate/net/http.h"
#include <stdatomic.h>

#define RECORD_COUNTERS(X)                                                                                             \
    X(REQUESTS, "requests")         /* to the API, /_sim/ not counted */                                               \
    X(MALFORMED, "malformed")       /* bytes that were no request */                                                   \
    X(REFUSED, "refused")           /* answered with an error */                                                       \
    X(STREAMS, "streams")           /* streams begun */                                                                \
    X(COMPLETE, "complete")         /* answers and streams played to their end without a fault */                      \
    X(TOKENS, "tokens")             /* generated, also of answers that did not come to their end */                    \
    X(FINISHED, "finished")         /* answers and streams played to their end, faults included */                     \
    X(ABORTED, "aborted_by_client") /* the client left before the end */                                               \
    X(FAULTS, "faults")             /* scenarios that struck */                                                        \
    X(BYTES, "bytes_sent")          /* of answers, framing not counted */                                              \
    X(CONNECTIONS, "connections")   /* accepted */

enum record_counter {
#define X(id, name) RECORD_##id,
    RECORD_COUNTERS(X)
#undef X
        RECORD_COUNTERS_COUNT
};

#define RECORD_GAUGES(X)                                                                                               \
    X(OPEN_ANSWERS, "open_answers")                                                                                    \
    X(OPEN_STREAMS, "open_streams")                                                                                    \
    X(OPEN_CONNECTIONS, "open_connections")

enum record_gauge {
#define X(id, name) RECORD_##id,
    RECORD_GAUGES(X)
#undef X
        RECORD_GAUGES_COUNT
};

struct record;

#define RECORD_BODY_MOST ((size_t)1024 * 1024) /* longer bodies are counted and hashed, not kept */

struct record *record_new(void);
void record_free(struct record *r);
void record_count(struct record *r, enum record_counter c, uint64_t n);
void record_move(struct record *r, enum record_gauge g, int by);
/* An answer of the API has begun with this status. */
void record_status(struct record *r, unsigned status);
/* Counters to zero, the last request forgotten; gauges stay true. */
void record_reset(struct record *r);

/* Remembers the request (all of the head's bytes, the body without its chunk framing). */
void record_request(struct record *r, const struct http_head *head, struct text body, const char *peer);

/* Counters, gauges, answers by status and a summary of the last request, as a JSON object. */
void record_stats(struct record *r, struct buf *out);
/* The last request exactly as received, as a JSON object with base64 members; null when there was none. */
void record_last(struct record *r, struct buf *out);

#endif
