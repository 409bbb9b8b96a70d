/* access_log.h - one JSON line per request.
 *
 * Lines are gathered per worker and written at most 100 ms later or when 32 KB are there, so that logging costs no
 * system call per request. A log that blocks (a full pipe) loses lines after 1 MB, and says how many.
 */
#ifndef DSGATE_METER_ACCESS_LOG_H
#define DSGATE_METER_ACCESS_LOG_H

#include "dsgate/base/buf.h"
#include "dsgate/llm/answer.h"
#include "dsgate/meter/cache_result.h"
#include "dsgate/net/loop.h"

struct access_file; /* where lines go: shared by all workers */
struct access_log;  /* one worker's gathering of lines */

/* target: "stdout", "stderr", "off" or a path (opened for append, 0640). NULL with a sentence in *error when it can't
 * be written. Each worker opens a path for itself (see gate/worker.h), at its first line. */
struct access_file *access_file_open(const char *target, struct buf *error);
/* From their next lines on, workers write to a file newly opened by the same path (after logrotate moved it). false:
 * the old one stays. */
bool access_file_reopen(struct access_file *f, struct buf *error);
void access_file_close(struct access_file *f); /* NULL is fine */

struct access_log *access_log_new(struct access_file *f, struct loop *loop);
/* On the thread that adds the lines: opens its way to the file now, not only at the first line. */
void access_log_open(struct access_log *l);
void access_log_free(struct access_log *l); /* writes what is left */

struct access_step {
    const char *name; /* "admit", "queue", … */
    usec_t time;
};

struct access_entry {
    usec_t wall;                   /* when the request began */
    struct text request_id, trace_id, peer, method, path, model;
    const char *endpoint;          /* label, or "unknown" */
    const char *class;             /* "P1"; NULL = it was never given one */
    const char *caller;            /* name of a listed one, NULL = none */
    unsigned status;               /* 0: the client left before the answer */
    const char *error;             /* failure code, NULL = none */
    const char *upstream;          /* NULL = none */
    struct text upstream_trace;    /* x-ds-trace-id or x-request-id of the upstream */
    unsigned attempts;
    bool streamed, client_gone, cut;
    uint64_t bytes_in, bytes_out;  /* payload */
    usec_t duration, first_token;  /* 0 = none */
    const struct access_step *steps;
    size_t step_count;
    struct usage usage;
    enum finish finish;
    const char *reasons;           /* why attempts failed, "busy,connect"; NULL = none failed */
    const char *detail;            /* of the last failed attempt, in words; NULL = none failed */
    const char *fallback;          /* what it got instead: "model:NAME", "answer" or "stale"; NULL = none */
    unsigned hedges;               /* second attempts that were begun beside one */
    unsigned continued;            /* times that its stream broke and was gone on with */
    uint64_t wasted;               /* tokens of attempts whose answer nobody got */
    const char *oddity;            /* what was wrong with a good answer; NULL = nothing */
    bool plain_stream;             /* a plain call that was made as a stream */
    enum cache_result cache;
    usec_t cache_age;              /* of the entry that was the answer */
    uint64_t saved;                /* tokens that it did not cost again */
    bool renewal;                  /* nobody's request: the cache has fetched a new answer for an old one */
};

/* Must be cheap (about a microsecond). Strings from outside are escaped; long ones (over 256 bytes) are cut. */
void access_log_add(struct access_log *l, const struct access_entry *e);

/* Lines lost so far. */
uint64_t access_log_lost(const struct access_log *l);

#endif
