/* metrics.h - counters and histograms for Prometheus.
 *
 * Each worker writes its own shard without locks (relaxed atomics, one writer); a scrape adds the shards up. Every
 * label has a fixed set of values: endpoints by their table, statuses by a list with `other`, models by the config with
 * `other`, reasons of failed attempts by a list that the caller gives with `other`.
 */
#ifndef DSGATE_METER_METRICS_H
#define DSGATE_METER_METRICS_H

#include "dsgate/base/buf.h"
#include "dsgate/base/clock.h"
#include "dsgate/config/config.h"
#include "dsgate/llm/answer.h"
#include "dsgate/llm/failure.h"
#include "dsgate/meter/cache_result.h"

struct metrics;       /* all shards */
struct metrics_shard;

/* Model names beyond METRICS_MODELS are counted as `other`. */
#define METRICS_MODELS 256
/* And words beyond METRICS_REASONS of the list of reasons. */
#define METRICS_REASONS 48

/* reasons: the words that metrics_attempt_failed() knows, which must outlive `m`, then NULL; those that stand there
 * twice count once. NULL: none. */
struct metrics *metrics_new(const char *const *reasons);
void metrics_free(struct metrics *m);
/* One per worker thread; lives as long as `m`. */
struct metrics_shard *metrics_shard_new(struct metrics *m);

/* On the worker's thread: it has a descriptor table of its own, which process_open_fds is to count as well. */
void metrics_own_descriptors(struct metrics_shard *s);

/* The label slot of a model name, the same for the same name for ever (so counters survive reloads); 0 = other, for
 * that very name and when all are taken. Takes a lock: at reload, not per request. */
unsigned metrics_model_slot(struct metrics *m, const char *name);

void metrics_request_began(struct metrics_shard *s);

struct metrics_request {
    const struct endpoint *endpoint; /* NULL: unknown path */
    unsigned status;                 /* 0: the client left before the answer */
    enum failure failure;            /* FAIL_NONE, or the gateway's own error */
    bool streamed;
    enum conf_priority priority;     /* PRIORITY_COUNT: it was never given one; then it was not in the queue either */
    unsigned model_slot;
    usec_t duration;                 /* first byte in → last byte out */
    usec_t first_token;              /* 0 = none; first byte in → first token */
    usec_t queued;
    unsigned attempts;
    struct usage usage;
    enum cache_result cache;
};
void metrics_request_ended(struct metrics_shard *s, const struct metrics_request *r);

/* Values that somebody else counts; METRICS_LOG_LINES_LOST is access_log_lost(). */
enum metrics_gauge {
    METRICS_CONNECTIONS, METRICS_UPSTREAM_CONNECTIONS_BUSY, METRICS_UPSTREAM_CONNECTIONS_IDLE, METRICS_LOG_LINES_LOST,
    METRICS_GAUGES
};
void metrics_set(struct metrics_shard *s, enum metrics_gauge g, uint64_t value);
enum metrics_event {
    METRICS_MALFORMED, METRICS_STREAMS_CUT, METRICS_CLIENT_GONE,
    METRICS_HEDGES,          /* second attempts begun */
    METRICS_HEDGES_WON,      /* … whose first token came first */
    METRICS_RETRIES_DENIED,  /* by the gateway's retry budget */
    METRICS_CONTINUED,       /* a stream broke and was gone on with */
    METRICS_NOT_CONTINUED,   /* a stream broke and could not be */
    METRICS_PLAIN_STREAMS,   /* plain calls made as streams */
    METRICS_FALLBACK_MODEL,  /* another model was asked */
    METRICS_FALLBACK_ANSWER, /* the fixed answer was given */
    METRICS_FALLBACK_STALE,  /* an old answer from the cache was */
    METRICS_WASTED_TOKENS,   /* of attempts whose answer nobody got */
    METRICS_CACHE_STORED,    /* answers that the cache was given to keep */
    METRICS_CACHE_REVALIDATED,      /* renewals of stale ones that were begun */
    METRICS_CACHE_SAVED_PROMPT,     /* tokens that the cache's answers did not cost again */
    METRICS_CACHE_SAVED_COMPLETION,
    METRICS_EVENTS
};
void metrics_count(struct metrics_shard *s, enum metrics_event e);
void metrics_add(struct metrics_shard *s, enum metrics_event e, uint64_t n); /* n of them at once */
/* The same for the thread that accepts connections and has no shard. */
void metrics_refused_connection(struct metrics *m);
/* reason: one of the words given to metrics_new(), as text; NULL and any other word count as `other`. */
void metrics_attempt_failed(struct metrics_shard *s, const char *reason);

/* ---- what the scheduler knows, for the scrape; filled by the gate from the scheduler's views ---- */

/* The gauge's values. */
enum metrics_breaker { METRICS_CLOSED, METRICS_HALF_OPEN, METRICS_OPEN, METRICS_BREAKER_STATES };

/* One model of an upstream. */
struct metrics_target {
    const char *model;              /* the upstream's name for it; "*": all that its map does not name */
    enum metrics_breaker breaker;
    uint64_t transitions[METRICS_BREAKER_STATES]; /* by the state that was entered */
    uint64_t picks;
    unsigned in_flight;
    unsigned limit;                 /* 0: there is none now */
};

/* By enum outcome of sched/outcome.h, whose names are the label's values: success, fault, busy, key, neutral. */
enum { METRICS_OUTCOMES = 5 };

struct metrics_upstream {
    const char *name;
    bool up, draining, standing_by;
    bool has_quota, spent;          /* spent: its quota has no room now */
    unsigned in_flight, weight, keys_cooling;
    unsigned limit;                 /* of its account over all models; 0 = none */
    uint64_t outcomes[METRICS_OUTCOMES];
    struct {
        uint64_t requests, tokens;
        double cost;                /* USD */
    } today;                        /* where it has a quota: else nothing is counted */
    const struct metrics_target *targets;
    size_t target_count;
};

struct metrics_queue {
    struct {
        unsigned waiting, late;
        uint64_t granted, queued;
    } classes[PRIORITY_COUNT];
    uint64_t picks[POLICY_COUNT];
};

/* ---- and what it knows of the cache: every number is a sample of its own ---- */

struct metrics_cache {
    struct {
        uint64_t entries, bytes, limit; /* now */
        uint64_t hits, misses, added, evicted, rejected, expired, purged;
    } memory;
    uint64_t flights, followers;        /* answers under way that others wait for or may, and who does; now */
    bool has_redis;                     /* one is configured: else nothing is written about it */
    struct {
        uint64_t up;                    /* 1 or 0 */
        uint64_t hits, misses, timeouts, errors, skipped;     /* questions by what came of them */
        uint64_t foreign, version_unknown, damaged, misplaced; /* values that were ignored, by the reason */
        uint64_t stored, dropped;
    } redis;
};

/* The exposition (text format 0.0.4), ready for promtool: dsgate_requests_total{endpoint,status},
 * dsgate_failures_total{code}, dsgate_requests_in_flight, dsgate_request_duration_seconds, dsgate_first_token_seconds
 * (histograms), dsgate_tokens_total{model,kind}, dsgate_connections; of attempts beyond a request's first
 * dsgate_retries_total, dsgate_hedges_total, dsgate_continuations_total{result}, dsgate_attempt_failures_total{reason},
 * dsgate_wasted_tokens_total, dsgate_fallbacks_total{kind}, …; of the cache dsgate_cache_requests_total{result},
 * dsgate_cache_memory_bytes, dsgate_cache_redis_up, …; of the queue, by class, dsgate_queue_seconds (a
 * histogram), dsgate_waiting, dsgate_sheds_total{class,reason}, …; of upstreams dsgate_upstream_up,
 * dsgate_attempts_total{upstream,outcome}, dsgate_breaker_state{upstream,model}, …; process_* basics and
 * dsgate_build_info. cache: NULL where there is none. Any thread; counting goes on meanwhile. */
void metrics_write(struct metrics *m, const struct metrics_queue *queue, const struct metrics_upstream *upstreams,
                   size_t n, const struct metrics_cache *cache, struct buf *out);

#endif
