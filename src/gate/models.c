/* models.c - see models.h.
 *
 * An upstream may name as many models as fit into ANSWER_MAX, in any order and more than once; nothing here may be
 * quadratic in that. So names are only gathered as answers come, and repetitions are found by sorting when the list is
 * written.
 */
#include "dsgate/gate/models.h"
#include "dsgate/gate/worker.h"
#include "dsgate/llm/json.h"
#include <stdlib.h>

#define ANSWER_TIME (3 * USEC_PER_SEC)
#define ANSWER_MAX  ((size_t)1024 * 1024)

/* One upstream that has to be asked. */
struct question {
    struct models *models;
    struct client_call *call;
    struct buf bytes[2], answer;
    bool failed;
};

struct models {
    struct request *request;
    void (*done)(struct request *r);
    unsigned pending;
    struct buf *names; /* one list of names an upstream, each name ended by NUL, in config order */
    size_t upstream_count;
    struct question *questions;
    bool known; /* somebody has said which models there are: a map, or an upstream that was asked */
};

/* ---- names ---- */

static bool holds(const struct buf *names, struct text name)
{
    for (struct text rest = buf_text(names), one; text_cut(&rest, '\0', &one);)
        if (text_eq(one, name)) return true;
    return false;
}

static void add_name(struct buf *names, struct text name)
{
    if (name.n == 0) return;
    buf_add(names, name);
    buf_add_byte(names, '\0');
}

static bool takes_any(const struct conf_upstream *u)
{
    for (size_t i = 0; i < u->model_count; i++)
        if (!strcmp(u->models[i].client_name, "*")) return true;
    return u->model_count == 0;
}

/* Whether there was any. */
static bool add_mapped(struct buf *names, const struct conf_upstream *u)
{
    for (size_t i = 0; i < u->model_count; i++)
        if (strcmp(u->models[i].client_name, "*") != 0) add_name(names, text_of(u->models[i].client_name));
    return buf_len(names) > 0;
}

/* {"data":[{"id":"…"},…]}, with no element perhaps; false for anything else, which adds nothing. */
static bool add_answered(struct buf *names, struct text json)
{
    static const struct text wanted[] = {{"data", 4}};
    struct json_member data;
    if (json_scan(json, wanted, 1, &data, JSON_DEPTH).error != JSON_FINE || data.type != JSON_ARRAY) return false;
    for (struct json_iter it = json_iter(data.value); json_next(&it);) {
        struct text id;
        char name[CHAT_MODEL_MAX];
        size_t n;
        if (it.type == JSON_OBJECT && json_get(it.value, TEXT("id"), &id) == JSON_STRING &&
            json_to_text(id, name, sizeof name, &n))
            add_name(names, text_make(name, n));
    }
    return true;
}

/* ---- asking ---- */

static void answered(struct question *q)
{
    struct models *m = q->models;
    size_t index = (size_t)(q - m->questions);
    q->call = NULL;
    if (!q->failed && add_answered(&m->names[index], buf_text(&q->answer))) m->known = true;
    buf_free(&q->answer);
    if (--m->pending == 0) m->done(m->request);
}

static void on_head(struct client_call *call, const struct http_head *head)
{
    struct question *q = client_call_context(call);
    q->failed = head->status != 200;
}

static void on_data(struct client_call *call, struct text bytes, bool end)
{
    struct question *q = client_call_context(call);
    if (buf_len(&q->answer) + bytes.n > ANSWER_MAX)
        q->failed = true;
    else
        buf_add(&q->answer, bytes);
    if (end) answered(q);
}

static void on_failed(struct client_call *call, const struct client_failure *why)
{
    struct question *q = client_call_context(call);
    (void)why;
    q->failed = true;
    answered(q);
}

static const struct client_ops question_ops = {on_head, on_data, on_failed};

/* As relay_request_write(). HEAD wants to know how long the list is, so the upstream is asked with GET all the same. */
static int write_question(struct question *q, const struct upstream *u, struct iovec *iov)
{
    static const struct chat_request no_chat;
    const struct http_head *clients = request_head(q->models->request);
    struct http_head head;
    http_head_copy(&head, clients, clients->base);
    head.method_text = TEXT("GET");
    struct relay_source from = {
        .endpoint = endpoint_find(TEXT("/v1/models")), .head = &head, .chat = &no_chat, .consumes = hints_consumes};
    struct relay_target to = {.upstream = u->conf, .origin = u->origin, .key = conf_key(u->conf, 0)};
    return relay_request_write(&from, &to, q->bytes, iov);
}

static void ask(struct models *m, const struct upstream *u)
{
    struct worker *w = m->request->worker;
    struct question *q = &m->questions[u->index];
    struct iovec iov[RELAY_PIECES];
    q->models = m;
    int n = write_question(q, u, iov);
    if (n == 0) return;
    struct client_request request = {
        .origin = u->origin,
        .iov = iov,
        .iov_count = n,
        .timeouts = {ANSWER_TIME, ANSWER_TIME, ANSWER_TIME, loop_now(w->loop) + ANSWER_TIME}};
    m->pending++;
    q->call = client_start(w->client, &request, &question_ops, q);
}

/* Of the endpoints that are one upstream one is enough to ask. */
static bool is_further_endpoint(const struct pool *p, size_t i)
{
    return i > 0 && p->upstreams[i].conf == p->upstreams[i - 1].conf;
}

struct models *models_start(struct request *r, void (*done)(struct request *r))
{
    struct models *m = MEM_NEW(struct models);
    m->request = r;
    m->done = done;
    m->upstream_count = r->pool->upstream_count;
    m->names = mem_zalloc(m->upstream_count * sizeof *m->names);
    m->questions = mem_zalloc(m->upstream_count * sizeof *m->questions);
    for (size_t i = 0; i < m->upstream_count; i++) {
        const struct upstream *u = &r->pool->upstreams[i];
        if (add_mapped(&m->names[i], u->conf)) m->known = true;
        if (takes_any(u->conf) && !u->unknown && !is_further_endpoint(r->pool, i)) ask(m, u);
    }
    return m;
}

bool models_ready(const struct models *m) { return m->pending == 0; }
bool models_known(const struct models *m) { return m->known; }

void models_free(struct models *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->upstream_count; i++) {
        struct question *q = &m->questions[i];
        if (q->call) client_cancel(q->call);
        relay_request_free(q->bytes);
        buf_free(&q->answer);
        buf_free(&m->names[i]);
    }
    mem_free(m->names);
    mem_free(m->questions);
    mem_free(m);
}

/* ---- writing ---- */

static void write_model(struct buf *out, struct text name, const char *owner)
{
    BUF_ADD(out, "{\"id\":");
    buf_add_json_string(out, name);
    BUF_ADD(out, ",\"object\":\"model\",\"created\":0,\"owned_by\":");
    buf_add_json_string(out, text_of(owner));
    BUF_ADD(out, "}");
}

static const char *owner_of(const struct models *m, size_t i) { return m->request->pool->upstreams[i].conf->name; }

struct entry {
    struct text name; /* NUL-terminated */
    size_t upstream;
    bool repeated;
};

static void gather(const struct models *m, struct buf *entries)
{
    for (size_t i = 0; i < m->upstream_count; i++)
        for (struct text rest = buf_text(&m->names[i]), name; text_cut(&rest, '\0', &name);)
            buf_append(entries, &(struct entry){name, i, false}, sizeof(struct entry));
}

/* Among equal names the first stays the first. */
static int by_name(const void *left, const void *right)
{
    const struct entry *a = *(const struct entry *const *)left, *b = *(const struct entry *const *)right;
    int order = strcmp(a->name.p, b->name.p);
    return order ? order : (a > b) - (a < b);
}

static void mark_repeated(struct entry *entries, size_t n)
{
    struct entry **sorted = mem_alloc(n * sizeof *sorted);
    for (size_t i = 0; i < n; i++) sorted[i] = &entries[i];
    qsort(sorted, n, sizeof *sorted, by_name);
    for (size_t i = 1; i < n; i++) sorted[i]->repeated = text_eq(sorted[i]->name, sorted[i - 1]->name);
    mem_free(sorted);
}

void models_write_list(const struct models *m, struct buf *out)
{
    struct buf list = {0};
    gather(m, &list);
    struct entry *entries = (struct entry *)(void *)list.data;
    size_t n = buf_len(&list) / sizeof *entries;
    if (n) mark_repeated(entries, n);
    BUF_ADD(out, "{\"object\":\"list\",\"data\":[");
    for (size_t i = 0; i < n; i++) {
        if (entries[i].repeated) continue;
        if (i) BUF_ADD(out, ",");
        write_model(out, entries[i].name, owner_of(m, entries[i].upstream));
    }
    BUF_ADD(out, "]}");
    buf_free(&list);
}

bool models_write_one(const struct models *m, struct text id, struct buf *out)
{
    for (size_t i = 0; i < m->upstream_count; i++) {
        if (!holds(&m->names[i], id)) continue;
        write_model(out, id, owner_of(m, i));
        return true;
    }
    return false;
}
