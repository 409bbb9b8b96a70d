/* gateway.h - a whole gateway on the fake network: one worker, a config as text, clients and upstreams as wires. */
#ifndef DSGATE_TESTS_SCENARIO_GATEWAY_H
#define DSGATE_TESTS_SCENARIO_GATEWAY_H

#include "dsgate/gate/worker.h"
#include "fake.h"

/* Starts a world with a gateway in it; the test fails when the config is not accepted. Ends with gateway_end(), which
 * checks that nothing is left: no connection, no lease, no waiting ticket. */
void gateway_begin(const char *yaml);
void gateway_end(void);

void gateway_keep_log(void);             /* before it begins: its access log can be read, */
const char *gateway_log(void);           /* … all lines of it, until now */
struct wire *gateway_connect(void);      /* a client */
void gateway_reload(const char *yaml);   /* as SIGHUP does */
void gateway_begin_reload(const char *yaml); /* … while the worker is busy: the scheduler knows of it, */
void gateway_end_reload(void);           /* … and the worker not before this */
void gateway_drain(void);                /* as SIGTERM does */
bool gateway_has_drained(void);
void gateway_stop(void);                 /* as a second SIGTERM does: the worker ends, whatever is under way */
uint64_t gateway_metric(const char *sample); /* e.g. "dsgate_attempts_total{…}"; fails the test when there is none */
struct cache_memory_stats gateway_memory(void); /* of the cache's memory level */
struct remote_stats gateway_redis(void);        /* … and of Redis; only with one */
struct flights *gateway_flights(void); /* what is under way; a test may lead there, as another worker would */
void gateway_purge(const struct cache_selection *s); /* as an operator does */
unsigned gateway_in_flight(const char *upstream);
unsigned gateway_waiting(void);
uint64_t gateway_attempts(const char *upstream, const char *outcome); /* as outcome_name() */

/* A POST of a chat completion: keep-alive, model "m", `extra` fields inside the JSON object ("" or
 * ",\"stream\":true"). */
void client_post_chat(struct wire *w, const char *extra);
void client_post(struct wire *w, const char *path, const char *headers, const char *body);

/* What came back, taken apart; fails the test when it is not one complete, correctly framed answer. */
struct client_answer {
    unsigned status;
    char *body;           /* NUL-terminated, chunk framing removed; the caller frees it with mem_free() */
    size_t length;
    bool complete;        /* framing says that it is whole */
    bool has_more;        /* bytes of another answer follow */
};
struct client_answer client_read(struct wire *w); /* consumes it; status 0: nothing there */
/* The value of a field of the answer that client_read() read last; "" when absent. */
const char *client_field(const char *lower_name);

/* An upstream's answer to the request on its wire. */
void upstream_json(struct wire *w, unsigned status, const char *body);
void upstream_stream_head(struct wire *w);            /* 200, text/event-stream, chunked */
void upstream_chunk(struct wire *w, const char *bytes);
void upstream_stream_end(struct wire *w);             /* the last chunk */
void upstream_close(struct wire *w);                  /* the connection, perhaps in mid-answer */
bool upstream_got_request(const struct wire *w);      /* a whole request has arrived */

/* Takes the request that waits on the wire, and returns the wire, for its answer. The test fails when there is none, as
 * on a wire that is NULL. */
struct wire *upstream_take(struct wire *w);
extern char taken_path[256], taken_body[4096]; /* of the last one taken */

/* One chat delta as DeepSeek sends it: data: {…"content":"TEXT"…}\n\n; static storage, good for four more calls. */
const char *delta(const char *text);
/* One of the stream with this id; one with this `delta`, e.g. {"reasoning_content":"x"}. Storage as above. */
const char *delta_text(const char *id, const char *text);
const char *delta_of(const char *id, const char *members);
extern const char finish_event[]; /* finish_reason stop and usage 3 + 2 tokens */
extern const char done_event[];
/* … both, and the end of the message. */
void upstream_stream_finish(struct wire *w);

#endif
