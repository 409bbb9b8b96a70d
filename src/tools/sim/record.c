#include "record.h"
#include "base64.h"
#include "dsgate/base/mem.h"
#include "hash.h"
#include <pthread.h>

enum { STATUS_LEAST = 100, STATUS_MOST = 599, STATUSES = STATUS_MOST - STATUS_LEAST + 1 };

struct record {
    _Atomic uint64_t counters[RECORD_COUNTERS_COUNT], statuses[STATUSES];
    _Atomic int64_t gauges[RECORD_GAUGES_COUNT];
    pthread_mutex_t mutex;         /* of what follows: the last request */
    struct buf head, body, fields; /* fields: the header fields as JSON members */
    char *method, *target, *peer;
    size_t body_bytes;
    uint64_t body_hash;
};

static const char *const counter_names[] = {
#define X(id, name) name,
    RECORD_COUNTERS(X)
#undef X
};
static const char *const gauge_names[] = {
#define X(id, name) name,
    RECORD_GAUGES(X)
#undef X
};

struct record *record_new(void)
{
    struct record *r = MEM_NEW(struct record);
    pthread_mutex_init(&r->mutex, NULL);
    return r;
}

static void forget(struct record *r)
{
    buf_free(&r->head);
    buf_free(&r->body);
    buf_free(&r->fields);
    mem_free(r->method);
    mem_free(r->target);
    mem_free(r->peer);
    r->method = r->target = r->peer = NULL;
}

void record_free(struct record *r)
{
    forget(r);
    pthread_mutex_destroy(&r->mutex);
    mem_free(r);
}

void record_count(struct record *r, enum record_counter c, uint64_t n)
{
    atomic_fetch_add_explicit(&r->counters[c], n, memory_order_relaxed);
}

void record_move(struct record *r, enum record_gauge g, int by)
{
    atomic_fetch_add_explicit(&r->gauges[g], by, memory_order_relaxed);
}

void record_status(struct record *r, unsigned status)
{
    atomic_fetch_add_explicit(&r->statuses[status - STATUS_LEAST], 1, memory_order_relaxed);
}

void record_reset(struct record *r)
{
    for (int i = 0; i < STATUSES; i++)
        atomic_store_explicit(&r->statuses[i], 0, memory_order_relaxed);
    for (int i = 0; i < RECORD_COUNTERS_COUNT; i++)
        atomic_store_explicit(&r->counters[i], 0, memory_order_relaxed);
    pthread_mutex_lock(&r->mutex);
    forget(r);
    pthread_mutex_unlock(&r->mutex);
}

/* ---- remembering ---- */

static void add_lower(struct text name, struct buf *out)
{
    char *to = buf_reserve(out, name.n);
    for (size_t i = 0; i < name.n; i++)
        to[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] - 'A' + 'a') : name.p[i];
    buf_commit(out, name.n);
}

/* [name, value] pairs: nothing is lost when a field comes twice. Field names are tokens, so they need no escapes. */
static void add_fields(const struct http_head *head, struct buf *out)
{
    for (unsigned i = 0; i < head->field_count; i++) {
        buf_add(out, i ? TEXT(",[\"") : TEXT("[\""));
        add_lower(http_field_name(head, &head->fields[i]), out);
        BUF_ADD(out, "\",");
        buf_add_json_string(out, http_field_value(head, &head->fields[i]));
        BUF_ADD(out, "]");
    }
}

void record_request(struct record *r, const struct http_head *head, struct text body, const char *peer)
{
    uint64_t hash = hash_text(HASH_START, body);
    pthread_mutex_lock(&r->mutex);
    forget(r);
    buf_append(&r->head, head->base, head->length);
    if (body.n <= RECORD_BODY_MOST) buf_add(&r->body, body);
    add_fields(head, &r->fields);
    r->method = text_dup(head->method_text);
    r->target = text_dup(head->target);
    r->peer = mem_strdup(peer);
    r->body_bytes = body.n;
    r->body_hash = hash;
    pthread_mutex_unlock(&r->mutex);
}

/* ---- telling ---- */

static void add_member(struct buf *out, const char *name, struct text string)
{
    buf_printf(out, ",\"%s\":", name);
    buf_add_json_string(out, string);
}

static void add_last(struct record *r, struct buf *out)
{
    if (!r->method) {
        BUF_ADD(out, "null");
        return;
    }
    buf_printf(out, "{\"body_bytes\":%zu,\"body_fnv1a64\":\"%016llx\"", r->body_bytes,
               (unsigned long long)r->body_hash);
    add_member(out, "method", text_of(r->method));
    add_member(out, "target", text_of(r->target));
    add_member(out, "peer", text_of(r->peer));
    buf_printf(out, ",\"headers\":[" TEXT_FORMAT "]}", TEXT_ARGS(buf_text(&r->fields)));
}

static void add_statuses(struct record *r, struct buf *out)
{
    const char *comma = "";
    BUF_ADD(out, "\"statuses\":{");
    for (int i = 0; i < STATUSES; i++) {
        uint64_t count = atomic_load_explicit(&r->statuses[i], memory_order_relaxed);
        if (!count) continue;
        buf_printf(out, "%s\"%d\":%llu", comma, STATUS_LEAST + i, (unsigned long long)count);
        comma = ",";
    }
    BUF_ADD(out, "},");
}

void record_stats(struct record *r, struct buf *out)
{
    BUF_ADD(out, "{");
    for (int i = 0; i < RECORD_COUNTERS_COUNT; i++)
        buf_printf(out, "\"%s\":%llu,", counter_names[i],
                   (unsigned long long)atomic_load_explicit(&r->counters[i], memory_order_relaxed));
    for (int i = 0; i < RECORD_GAUGES_COUNT; i++)
        buf_printf(out, "\"%s\":%lld,", gauge_names[i],
                   (long long)atomic_load_explicit(&r->gauges[i], memory_order_relaxed));
    add_statuses(r, out);
    BUF_ADD(out, "\"last\":");
    pthread_mutex_lock(&r->mutex);
    add_last(r, out);
    pthread_mutex_unlock(&r->mutex);
    BUF_ADD(out, "}");
}

void record_last(struct record *r, struct buf *out)
{
    pthread_mutex_lock(&r->mutex);
    if (!r->method) {
        BUF_ADD(out, "null");
    } else {
        BUF_ADD(out, "{\"head_base64\":\"");
        base64_add(out, buf_text(&r->head));
        BUF_ADD(out, "\",\"body_base64\":");
        if (r->body_bytes > RECORD_BODY_MOST) {
            BUF_ADD(out, "null");
        } else {
            BUF_ADD(out, "\"");
            base64_add(out, buf_text(&r->body));
            BUF_ADD(out, "\"");
        }
        BUF_ADD(out, ",\"summary\":");
        add_last(r, out);
        BUF_ADD(out, "}");
    }
    pthread_mutex_unlock(&r->mutex);
}
