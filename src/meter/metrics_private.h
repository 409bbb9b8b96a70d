/* metrics_private.h - the counters, as metrics.c counts them and metrics_write.c adds them up; pieces of the format. */
#ifndef METER_METRICS_PRIVATE_H
#define METER_METRICS_PRIVATE_H

#include "dsgate/base/list.h"
#include "dsgate/meter/metrics.h"
#include <pthread.h>
#include <stdatomic.h>

/* Upper bounds of a histogram's buckets in microseconds, and as the label says them. The last bucket, +Inf, is not
 * listed. */
#define METRICS_BUCKETS(X) \
    X(5000, "0.005") \
    X(10000, "0.01") \
    X(25000, "0.025") \
    X(50000, "0.05") \
    X(100000, "0.1") \
    X(250000, "0.25") \
    X(500000, "0.5") \
    X(1000000, "1") \
    X(2500000, "2.5") \
    X(5000000, "5") \
    X(10000000, "10") \
    X(20000000, "20") \
    X(30000000, "30") \
    X(60000000, "60") \
    X(120000000, "120") \
    X(300000000, "300") \
    X(600000000, "600")
#define X(bound, label) +1
enum { METRICS_BUCKET_COUNT = METRICS_BUCKETS(X) + 1 };
#undef X

/* Why a request was turned away by the queue, as the label says it, and what it was told. */
#define METRICS_SHEDS(X) \
    X(FAIL_QUEUE_FULL, "full") \
    X(FAIL_QUEUE_LATE, "late") \
    X(FAIL_UPSTREAMS_CLOSED, "closed") \
    X(FAIL_QUEUE_TIMEOUT, "timeout")
#define X(failure, label) +1
enum { METRICS_SHED_REASONS = METRICS_SHEDS(X) };
#undef X

enum { METRICS_ENDPOINTS = 32, METRICS_STATUSES = 37, METRICS_TOKEN_KINDS = 4 };

/* Status codes that have a label of their own. Slot 0 is `other`; the status 0, no answer at all, is called `none`. */
extern const unsigned metrics_statuses[METRICS_STATUSES];

struct histogram {
    atomic_uint_fast64_t buckets[METRICS_BUCKET_COUNT], sum; /* microseconds */
};

/* Nothing but counters, so that shards can be added up cell by cell. */
struct metrics_counts {
    atomic_uint_fast64_t in_flight, retries;
    atomic_uint_fast64_t requests[METRICS_ENDPOINTS][METRICS_STATUSES];
    atomic_uint_fast64_t failures[FAILURE_COUNT];
    atomic_uint_fast64_t tokens[METRICS_MODELS + 1][METRICS_TOKEN_KINDS]; /* prompt, completion, cached, reasoning */
    atomic_uint_fast64_t gauges[METRICS_GAUGES];
    atomic_uint_fast64_t events[METRICS_EVENTS];
    atomic_uint_fast64_t cache[CACHE_RESULT_COUNT];
    atomic_uint_fast64_t attempt_failures[METRICS_REASONS + 1]; /* [0] is `other` */
    struct histogram duration[2]; /* plain, streamed */
    struct histogram first_token, queued[PRIORITY_COUNT];
    atomic_uint_fast64_t sheds[PRIORITY_COUNT][METRICS_SHED_REASONS];
};

struct metrics_shard {
    struct list node;
    const struct metrics *metrics;
    atomic_int thread; /* with a descriptor table of its own; 0: none */
    struct metrics_counts counts;
};

struct metrics {
    /* Fixed from the start: */
    const char *endpoint_labels[METRICS_ENDPOINTS];
    unsigned endpoint_label_count;
    unsigned char *endpoint_slots; /* by index in endpoints[] */
    unsigned char status_slots[600];
    const char *reasons[METRICS_REASONS + 1]; /* by slot; [0] is `other` */
    unsigned reason_count;                    /* with that one */
    atomic_uint_fast64_t connections_refused;
    /* Guarded by the mutex: */
    pthread_mutex_t mutex;
    struct list shards;
    char *models[METRICS_MODELS + 1]; /* by slot; [0] is `other` */
    unsigned model_count;             /* without that one */
};

/* ---- parts of the page; metrics_write_process() wants the mutex held ---- */

void metrics_write_queue(const struct metrics_counts *sum, const struct metrics_queue *queue, struct buf *out);
void metrics_write_cache(const struct metrics_counts *sum, const struct metrics_cache *cache, struct buf *out);
void metrics_write_upstreams(const struct metrics_upstream *upstreams, size_t n, struct buf *out);
/* What every exporter has. */
void metrics_write_process(const struct metrics *m, struct buf *out);

/* ---- pieces of the format ---- */

/* "# HELP …" and "# TYPE …". */
void metrics_write_head(struct buf *out, const char *name, const char *type, const char *help);

/* A sample whose labels are always the same. Those of one family follow one another, and the first has its help. */
struct metrics_sample {
    const char *name, *labels, *help; /* labels with their braces, or "" */
};
/* With its family's head. A counter is what is called …_total. */
void metrics_write_sample(struct buf *out, const struct metrics_sample *sample, uint64_t value);

/* The rest of a sample's line. */
void metrics_write_value(struct buf *out, uint64_t value);

/* Microseconds as seconds: "1.250000". */
void metrics_write_seconds(struct buf *out, uint64_t time);

/* The value of a label, escaped: names of models come from the config and may hold anything. */
void metrics_write_label(struct buf *out, const char *value);

/* The samples of one; `label` is "" or name="value". */
void metrics_write_histogram(struct buf *out, const char *name, const char *label, const struct histogram *h);

#endif
