/* Counting must not be felt: each worker has a shard that nobody else writes, so a relaxed load and store do instead of
 * a locked addition, and labels are slots that were looked up beforehand. */
#include "dsgate/base/mem.h"
#include "dsgate/llm/endpoint.h"
#include "metrics_private.h"
#include <sys/syscall.h>
#include <unistd.h>

const unsigned metrics_statuses[METRICS_STATUSES] = {[1] = 0, 200, 201, 202, 204, 206, 301, 302, 303, 304, 307, 308,
                                                     400,     401, 402, 403, 404, 405, 406, 408, 409, 410, 413, 414,
                                                     415,     417, 422, 424, 429, 431, 500, 501, 502, 503, 504, 505};

/* ---- labels ---- */

static unsigned endpoint_slot(struct metrics *m, const char *label)
{
    unsigned slot = 0;
    while (slot < m->endpoint_label_count && strcmp(m->endpoint_labels[slot], label) != 0)
        slot++;
    if (slot == METRICS_ENDPOINTS) return 0;
    if (slot == m->endpoint_label_count) m->endpoint_labels[m->endpoint_label_count++] = label;
    return slot;
}

static void settle_labels(struct metrics *m)
{
    m->endpoint_slots = mem_zalloc(endpoint_count);
    endpoint_slot(m, "unknown");
    for (unsigned i = 0; i < endpoint_count; i++)
        m->endpoint_slots[i] = (unsigned char)endpoint_slot(m, endpoints[i].label);
    for (unsigned slot = 1; slot < METRICS_STATUSES; slot++)
        m->status_slots[metrics_statuses[slot]] = (unsigned char)slot;
}

/* 0: it is not there. */
static unsigned find_reason(const struct metrics *m, const char *word)
{
    for (unsigned slot = 1; slot < m->reason_count; slot++)
        if (!strcmp(m->reasons[slot], word)) return slot;
    return 0;
}

static void settle_reasons(struct metrics *m, const char *const *words)
{
    m->reasons[m->reason_count++] = "other";
    for (; words && *words && m->reason_count <= METRICS_REASONS; words++)
        if (strcmp(*words, "other") != 0 && !find_reason(m, *words)) m->reasons[m->reason_count++] = *words;
}

static unsigned find_model(struct metrics *m, const char *name)
{
    for (unsigned slot = 0; slot <= m->model_count; slot++)
        if (!strcmp(m->models[slot], name)) return slot;
    if (m->model_count == METRICS_MODELS) return 0;
    m->models[++m->model_count] = mem_strdup(name);
    return m->model_count;
}

unsigned metrics_model_slot(struct metrics *m, const char *name)
{
    pthread_mutex_lock(&m->mutex);
    unsigned slot = find_model(m, name);
    pthread_mutex_unlock(&m->mutex);
    return slot;
}

/* ---- shards ---- */

struct metrics *metrics_new(const char *const *reasons)
{
    struct metrics *m = MEM_NEW(struct metrics);
    pthread_mutex_init(&m->mutex, NULL);
    list_init(&m->shards);
    m->models[0] = mem_strdup("other");
    settle_labels(m);
    settle_reasons(m, reasons);
    return m;
}

void metrics_free(struct metrics *m)
{
    LIST_FOREACH_SAFE(node, &m->shards) mem_free(CONTAINER_OF(node, struct metrics_shard, node));
    for (unsigned slot = 0; slot <= m->model_count; slot++)
        mem_free(m->models[slot]);
    mem_free(m->endpoint_slots);
    pthread_mutex_destroy(&m->mutex);
    mem_free(m);
}

struct metrics_shard *metrics_shard_new(struct metrics *m)
{
    struct metrics_shard *s = MEM_NEW(struct metrics_shard);
    s->metrics = m;
    pthread_mutex_lock(&m->mutex);
    list_push_back(&m->shards, &s->node);
    pthread_mutex_unlock(&m->mutex);
    return s;
}

void metrics_own_descriptors(struct metrics_shard *s) { atomic_store(&s->thread, (int)syscall(SYS_gettid)); }

/* ---- counting ---- */

static void add(atomic_uint_fast64_t *counter, uint64_t n)
{
    uint64_t now = atomic_load_explicit(counter, memory_order_relaxed);
    atomic_store_explicit(counter, now + n, memory_order_relaxed);
}

static void observe(struct histogram *h, usec_t time)
{
#define X(bound, label) bound,
    static const usec_t bounds[] = {METRICS_BUCKETS(X)};
#undef X
    unsigned bucket = 0;
    while (bucket < METRICS_BUCKET_COUNT - 1 && time > bounds[bucket])
        bucket++;
    add(&h->buckets[bucket], 1);
    add(&h->sum, time > 0 ? (uint64_t)time : 0);
}

static void count_tokens(struct metrics_shard *s, unsigned slot, const struct usage *u)
{
    const int64_t kinds[METRICS_TOKEN_KINDS] = {u->prompt, u->completion, u->cached, u->reasoning};
    for (unsigned kind = 0; u->known && kind < METRICS_TOKEN_KINDS; kind++)
        if (kinds[kind] > 0) add(&s->counts.tokens[slot][kind], (uint64_t)kinds[kind]);
}

static void count_queue(struct metrics_shard *s, const struct metrics_request *r)
{
#define X(failure, label) failure,
    static const enum failure reasons[METRICS_SHED_REASONS] = {METRICS_SHEDS(X)};
#undef X
    if (r->priority >= PRIORITY_COUNT) return;
    if (r->attempts || r->queued) observe(&s->counts.queued[r->priority], r->queued);
    for (unsigned reason = 0; reason < METRICS_SHED_REASONS; reason++)
        if (r->failure == reasons[reason]) add(&s->counts.sheds[r->priority][reason], 1);
}

void metrics_request_began(struct metrics_shard *s) { add(&s->counts.in_flight, 1); }

void metrics_request_ended(struct metrics_shard *s, const struct metrics_request *r)
{
    const struct metrics *m = s->metrics;
    struct metrics_counts *c = &s->counts;
    unsigned endpoint = r->endpoint ? m->endpoint_slots[r->endpoint - endpoints] : 0;
    unsigned status = r->status < sizeof m->status_slots ? m->status_slots[r->status] : 0;
    add(&c->in_flight, (uint64_t)-1);
    add(&c->requests[endpoint][status], 1);
    if (r->failure) add(&c->failures[r->failure], 1);
    if (r->attempts > 1) add(&c->retries, r->attempts - 1);
    add(&c->cache[r->cache], 1);
    observe(&c->duration[r->streamed], r->duration);
    if (r->first_token) observe(&c->first_token, r->first_token);
    count_queue(s, r);
    count_tokens(s, r->model_slot <= METRICS_MODELS ? r->model_slot : 0, &r->usage);
}

void metrics_set(struct metrics_shard *s, enum metrics_gauge g, uint64_t value)
{
    atomic_store_explicit(&s->counts.gauges[g], value, memory_order_relaxed);
}

void metrics_add(struct metrics_shard *s, enum metrics_event e, uint64_t n) { add(&s->counts.events[e], n); }

void metrics_count(struct metrics_shard *s, enum metrics_event e) { metrics_add(s, e, 1); }

void metrics_attempt_failed(struct metrics_shard *s, const char *reason)
{
    add(&s->counts.attempt_failures[reason ? find_reason(s->metrics, reason) : 0], 1);
}

void metrics_refused_connection(struct metrics *m)
{
    atomic_fetch_add_explicit(&m->connections_refused, 1, memory_order_relaxed);
}
