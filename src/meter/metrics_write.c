/* A scrape: adds the shards up and writes the sums in Prometheus' text format 0.0.4. Series that stay zero for most
 * people (an endpoint with a status, a model's tokens) are written once they have counted something; all others always,
 * so that rates and alerts see them start at zero. */
#include "dsgate/base/mem.h"
#include "metrics_private.h"

/* ---- pieces of the format ---- */

void metrics_write_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_write_seconds(struct buf *out, uint64_t time)
{
    buf_printf(out, "%llu.%06llu", (unsigned long long)(time / USEC_PER_SEC),
               (unsigned long long)(time % USEC_PER_SEC));
}

void metrics_write_value(struct buf *out, uint64_t value)
{
    BUF_ADD(out, " ");
    buf_add_u64(out, value);
    BUF_ADD(out, "\n");
}

void metrics_write_sample(struct buf *out, const struct metrics_sample *sample, uint64_t value)
{
    bool counter = text_ends(text_of(sample->name), TEXT("_total"));
    if (sample->help) metrics_write_head(out, sample->name, counter ? "counter" : "gauge", sample->help);
    buf_printf(out, "%s%s", sample->name, sample->labels);
    metrics_write_value(out, value);
}

static void write_one(struct buf *out, const char *name, const char *help, uint64_t value)
{
    metrics_write_sample(out, &(struct metrics_sample){name, "", help}, value);
}

void metrics_write_label(struct buf *out, const char *value)
{
    for (; *value; value++) {
        if (*value == '\\' || *value == '"') buf_add_byte(out, '\\');
        if (*value == '\n')
            BUF_ADD(out, "\\n");
        else
            buf_add_byte(out, *value);
    }
}

/* ---- histograms ---- */

void metrics_write_histogram(struct buf *out, const char *name, const char *label, const struct histogram *h)
{
#define X(bound, text) text,
    static const char *const bounds[] = {METRICS_BUCKETS(X) "+Inf"};
#undef X
    const char *comma = *label ? "," : "", *open = *label ? "{" : "", *close = *label ? "}" : "";
    uint64_t count = 0;
    for (unsigned i = 0; i < METRICS_BUCKET_COUNT; i++) {
        count += h->buckets[i];
        buf_printf(out, "%s_bucket{%s%sle=\"%s\"}", name, label, comma, bounds[i]);
        metrics_write_value(out, count);
    }
    buf_printf(out, "%s_sum%s%s%s ", name, open, label, close);
    metrics_write_seconds(out, h->sum);
    buf_printf(out, "\n%s_count%s%s%s", name, open, label, close);
    metrics_write_value(out, count);
}

static void write_times(const struct metrics_counts *sum, struct buf *out)
{
    metrics_write_head(out, "dsgate_request_duration_seconds", "histogram",
                       "Time from a request's first byte to its answer's last byte.");
    metrics_write_histogram(out, "dsgate_request_duration_seconds", "stream=\"false\"", &sum->duration[0]);
    metrics_write_histogram(out, "dsgate_request_duration_seconds", "stream=\"true\"", &sum->duration[1]);
    metrics_write_head(out, "dsgate_first_token_seconds", "histogram",
                       "Time from a request's first byte to its answer's first token.");
    metrics_write_histogram(out, "dsgate_first_token_seconds", "", &sum->first_token);
}

/* ---- what was counted ---- */

static void write_requests(const struct metrics *m, const struct metrics_counts *sum, struct buf *out)
{
    metrics_write_head(out, "dsgate_requests_total", "counter",
                       "Requests by endpoint and status; status none: the client left before the answer.");
    for (unsigned e = 0; e < m->endpoint_label_count; e++) {
        for (unsigned s = 0; s < METRICS_STATUSES; s++) {
            if (!sum->requests[e][s]) continue;
            buf_printf(out, "dsgate_requests_total{endpoint=\"%s\",status=\"", m->endpoint_labels[e]);
            if (metrics_statuses[s])
                buf_add_u64(out, metrics_statuses[s]);
            else
                buf_add(out, s == 0 ? TEXT("other") : TEXT("none"));
            BUF_ADD(out, "\"}");
            metrics_write_value(out, sum->requests[e][s]);
        }
    }
    write_one(out, "dsgate_requests_in_flight", "Requests that have begun and not ended.", sum->in_flight);
    write_one(out, "dsgate_retries_total", "Attempts beyond a request's first.", sum->retries);
}

static void write_failures(const struct metrics_counts *sum, struct buf *out)
{
    metrics_write_head(out, "dsgate_failures_total", "counter",
                       "Requests that the gateway itself answered with an error, by its code.");
    for (unsigned f = FAIL_NONE + 1; f < FAILURE_COUNT; f++) {
        buf_printf(out, "dsgate_failures_total{code=\"%s\"}", failure_row((enum failure)f)->code);
        metrics_write_value(out, sum->failures[f]);
    }
}

static void write_tokens(const struct metrics *m, const struct metrics_counts *sum, struct buf *out)
{
    static const char *const kinds[METRICS_TOKEN_KINDS] = {"prompt", "completion", "cached", "reasoning"};
    metrics_write_head(out, "dsgate_tokens_total", "counter",
                       "Tokens as upstreams reported them; cached is a part of prompt, reasoning of completion.");
    for (unsigned slot = 0; slot <= m->model_count; slot++) {
        for (unsigned kind = 0; kind < METRICS_TOKEN_KINDS; kind++) {
            if (!sum->tokens[slot][kind]) continue;
            BUF_ADD(out, "dsgate_tokens_total{model=\"");
            metrics_write_label(out, m->models[slot]);
            buf_printf(out, "\",kind=\"%s\"}", kinds[kind]);
            metrics_write_value(out, sum->tokens[slot][kind]);
        }
    }
}

static const struct metrics_sample events[METRICS_EVENTS] = {
    [METRICS_MALFORMED] = {"dsgate_malformed_requests_total", "",
                           "Requests that were not valid HTTP, too large or too slow."},
    [METRICS_STREAMS_CUT] = {"dsgate_streams_cut_total", "",
                             "Answers that an upstream broke off after they had begun."},
    [METRICS_CLIENT_GONE] = {"dsgate_clients_gone_total", "",
                             "Requests whose client left before the answer was complete."},
    [METRICS_HEDGES] = {"dsgate_hedges_total", "", "Second attempts, begun because a first token was late."},
    [METRICS_HEDGES_WON] = {"dsgate_hedges_won_total", "", "Second attempts whose first token came first."},
    [METRICS_RETRIES_DENIED] = {"dsgate_retries_denied_total", "",
                                "Retries that were not made, since the gateway's budget for them was spent."},
    [METRICS_CONTINUED] = {"dsgate_continuations_total", "{result=\"continued\"}",
                           "Streams that broke after their beginning: gone on with elsewhere, or not."},
    [METRICS_NOT_CONTINUED] = {"dsgate_continuations_total", "{result=\"failed\"}", NULL},
    [METRICS_PLAIN_STREAMS] = {"dsgate_plain_streams_total", "", "Plain calls that were made as streams."},
    [METRICS_FALLBACK_MODEL] = {"dsgate_fallbacks_total", "{kind=\"model\"}",
                                "Times that another model was asked, a fixed answer given, or an old one from the "
                                "cache, as nothing else helped."},
    [METRICS_FALLBACK_ANSWER] = {"dsgate_fallbacks_total", "{kind=\"answer\"}", NULL},
    [METRICS_FALLBACK_STALE] = {"dsgate_fallbacks_total", "{kind=\"stale\"}", NULL},
    [METRICS_WASTED_TOKENS] = {"dsgate_wasted_tokens_total", "", "Tokens of attempts whose answer nobody got."},
    [METRICS_CACHE_STORED] = {"dsgate_cache_stored_total", "", "Answers that the cache was given to keep."},
    [METRICS_CACHE_REVALIDATED] = {"dsgate_cache_revalidated_total", "",
                                   "Times that a new answer was fetched while a stale one was given."},
    [METRICS_CACHE_SAVED_PROMPT] = {"dsgate_cache_saved_tokens_total", "{kind=\"prompt\"}",
                                    "Tokens that answers from the cache did not cost again."},
    [METRICS_CACHE_SAVED_COMPLETION] = {"dsgate_cache_saved_tokens_total", "{kind=\"completion\"}", NULL},
};

static void write_events(const struct metrics_counts *sum, struct buf *out)
{
    for (unsigned e = 0; e < METRICS_EVENTS; e++)
        metrics_write_sample(out, &events[e], sum->events[e]);
    write_one(out, "dsgate_log_lines_lost_total", "Access log lines that could not be written.",
              sum->gauges[METRICS_LOG_LINES_LOST]);
}

static void write_attempts(const struct metrics *m, const struct metrics_counts *sum, struct buf *out)
{
    metrics_write_head(out, "dsgate_attempt_failures_total", "counter", "Attempts that failed, by the reason.");
    for (unsigned slot = 0; slot < m->reason_count; slot++) {
        buf_printf(out, "dsgate_attempt_failures_total{reason=\"%s\"}", m->reasons[slot]);
        metrics_write_value(out, sum->attempt_failures[slot]);
    }
}

static void write_connections(const struct metrics *m, const struct metrics_counts *sum, struct buf *out)
{
    write_one(out, "dsgate_connections", "Client connections that are open.", sum->gauges[METRICS_CONNECTIONS]);
    metrics_write_head(out, "dsgate_upstream_connections", "gauge", "Connections to upstreams that are open.");
    BUF_ADD(out, "dsgate_upstream_connections{state=\"busy\"}");
    metrics_write_value(out, sum->gauges[METRICS_UPSTREAM_CONNECTIONS_BUSY]);
    BUF_ADD(out, "dsgate_upstream_connections{state=\"idle\"}");
    metrics_write_value(out, sum->gauges[METRICS_UPSTREAM_CONNECTIONS_IDLE]);
    write_one(out, "dsgate_connections_refused_total", "Client connections above the limit.", m->connections_refused);
}

/* ---- all of it ---- */

static void add_shard(struct metrics_counts *sum, const struct metrics_counts *counts)
{
    const atomic_uint_fast64_t *from = (const atomic_uint_fast64_t *)counts;
    atomic_uint_fast64_t *to = (atomic_uint_fast64_t *)sum;
    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++) {
        uint64_t now = atomic_load_explicit(&to[i], memory_order_relaxed);
        atomic_store_explicit(&to[i], now + atomic_load_explicit(&from[i], memory_order_relaxed), memory_order_relaxed);
    }
}

void metrics_write(struct metrics *m, const struct metrics_queue *queue, const struct metrics_upstream *upstreams,
                   size_t n, const struct metrics_cache *cache, struct buf *out)
{
    struct metrics_counts *sum = MEM_NEW(struct metrics_counts);
    pthread_mutex_lock(&m->mutex);
    LIST_FOREACH(node, &m->shards) add_shard(sum, &CONTAINER_OF(node, struct metrics_shard, node)->counts);
    write_requests(m, sum, out);
    write_tokens(m, sum, out);
    pthread_mutex_unlock(&m->mutex);
    write_failures(sum, out);
    write_times(sum, out);
    write_connections(m, sum, out);
    write_events(sum, out);
    write_attempts(m, sum, out);
    metrics_write_cache(sum, cache, out);
    metrics_write_queue(sum, queue, out);
    metrics_write_upstreams(upstreams, n, out);
    pthread_mutex_lock(&m->mutex);
    metrics_write_process(m, out);
    pthread_mutex_unlock(&m->mutex);
    metrics_write_head(out, "dsgate_build_info", "gauge", "Which version runs.");
    BUF_ADD(out, "dsgate_build_info{version=\"" DSGATE_VERSION "\"} 1\n");
    mem_free(sum);
}
