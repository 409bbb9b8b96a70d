/* serve.c - STREAM where no upstream is asked: out of an entry; along.c has the answers that others get just now.
 *
 * An entry is sent as it lies in memory, in slices, so that a slow client takes no more room than anywhere else. Where
 * the client wants the other form (a stream of what was plain, or the other way round) that is made first. Events are
 * looked at one by one only where some are left out, or are to come at a pace.
 */
#include "dsgate/gate/reply.h"
#include "dsgate/llm/answer_form.h"
#include "serve_private.h"

/* ---- what is sent ---- */

/* An error is plain, whatever was wanted. */
static bool is_stream(const struct request *r)
{
    const struct request_cache *c = r->cache;
    return c->wants_stream && !(c->entry && c->entry->facts.status >= 400);
}

static void put_age(struct buf *b, const struct request *r)
{
    const struct request_cache *c = r->cache;
    const struct cache_entry *e = c->entry ? c->entry : c->follower.entry; /* which a lead has found, perhaps */
    if (e) http_put_u64(b, TEXT("Age"), (uint64_t)(cache_entry_age(e, loop_wall(r->worker->loop)) / USEC_PER_SEC));
}

static struct text type_of(const struct request *r)
{
    const struct request_cache *c = r->cache;
    if (c->source == SOURCE_FLIGHT) return text_of(flight_head(&c->follower)->type);
    if (buf_len(&c->made)) return c->wants_stream ? TEXT("text/event-stream") : TEXT("application/json");
    return c->entry->facts.type;
}

/* Before its first n bytes. Its length is known where nothing is left out, nor can be. */
static void begin_head(struct request *r, size_t n, struct reply_head *head, struct buf *fields)
{
    const struct request_cache *c = r->cache;
    http_put(fields, TEXT("Content-Type"), type_of(r));
    if (is_stream(r)) BUF_ADD(fields, "Cache-Control: no-cache\r\n");
    put_age(fields, r);
    reply_put_fields(fields, r, NULL);
    r->status = c->entry ? c->entry->facts.status : flight_head(&c->follower)->status;
    r->streamed = is_stream(r);
    r->head_sent = true;
    *head = (struct reply_head){.status = r->status,
                                .fields = buf_text(fields),
                                .has_length = c->source == SOURCE_ENTRY && !c->by_event,
                                .content_length = n + c->rest.n};
}

bool serve_send(struct request *r, struct text bytes, bool last)
{
    struct iovec iov = iov_of(bytes);
    struct buf fields = {0};
    struct reply_head head;
    bool first = !r->head_sent;
    if (first) begin_head(r, bytes.n, &head, &fields);
    if (!r->first_token) r->first_token = loop_now(r->worker->loop) - r->began;
    bool sent = exchange_send(r->exchange, first ? &head : NULL, &iov, bytes.n > 0, last);
    buf_free(&fields);
    if (!sent) return false;
    r->cache->sent += bytes.n;
    r->bytes_out += bytes.n;
    if (last) r->exchange = NULL;
    return true;
}

/* ---- event by event ---- */

static bool is_paced(const struct request *r) { return r->route->cache.pace > 0 && r->cache->source == SOURCE_ENTRY; }

/* Who has not asked for the usage would not expect a chunk without choices. How long an event may be was judged when it
 * came: a reader that gives up here would never get on. */
void serve_look_at_events(struct request *r, bool tells_usage)
{
    struct request_cache *c = r->cache;
    c->by_event = is_paced(r) || (tells_usage && !c->wants_usage);
    if (c->by_event) sse_reader_init(&c->events, SIZE_MAX);
}

/* The next event that the client gets, appended. False: there is no whole one. */
static bool add_event(struct request *r, struct text *bytes, struct buf *out)
{
    struct request_cache *c = r->cache;
    struct sse_event event;
    while (sse_next(&c->events, bytes, &event)) {
        if (!c->wants_usage && answer_is_usage_event(r->admission.endpoint->family, event.data)) continue;
        buf_add(out, event.raw);
        return true;
    }
    if (r->cache->source == SOURCE_ENTRY) buf_add(out, sse_leftover(&c->events));
    return false;
}

/* At most a slice of events, or one where they are paced; in the worker's scratch. */
static struct text cut_events(struct request *r, struct text *bytes)
{
    struct buf *out = &r->worker->scratch;
    buf_clear(out);
    while (buf_len(out) < SERVE_SLICE && add_event(r, bytes, out) && !is_paced(r))
        continue;
    return buf_text(out);
}

static struct text cut_slice(struct text *bytes)
{
    struct text slice = text_make(bytes->p, bytes->n < SERVE_SLICE ? bytes->n : SERVE_SLICE);
    *bytes = text_from(*bytes, slice.n);
    return slice;
}

struct text serve_next_piece(struct request *r, struct text *bytes)
{
    return r->cache->by_event ? cut_events(r, bytes) : cut_slice(bytes);
}

/* ---- out of an entry ---- */

static void on_pace(struct timer *timer)
{
    struct request_cache *c = CONTAINER_OF(timer, struct request_cache, pace);
    c->paced = false;
    request_run(c->request);
}

static void wait_for_pace(struct request *r)
{
    struct loop *loop = r->worker->loop;
    r->cache->paced = true;
    timer_set(loop, &r->cache->pace, loop_now(loop) + USEC_PER_SEC / r->route->cache.pace, on_pace);
}

/* A client that has not taken what it was given, or an event that is not due. */
static bool must_wait(struct request *r)
{
    struct request_cache *c = r->cache;
    if (is_paced(r) && c->by_event) wait_for_pace(r);
    c->held = exchange_unsent(r->exchange) > SERVE_SLICE;
    return c->held || c->paced;
}

static enum flow pour(struct request *r)
{
    struct request_cache *c = r->cache;
    if (c->held || c->paced) return FLOW_WAIT;
    for (;;) {
        struct text piece = serve_next_piece(r, &c->rest);
        bool last = c->rest.n == 0;
        if (!serve_send(r, piece, last)) return FLOW_WAIT;
        if (last) return FLOW_NEXT;
        if (must_wait(r)) return FLOW_WAIT;
    }
}

/* In the form that is wanted; c->rest is all of it then. */
static bool bring_into_form(struct request *r, const struct cache_entry *e)
{
    struct request_cache *c = r->cache;
    enum endpoint_family family = r->admission.endpoint->family;
    c->rest = e->body;
    if (e->facts.stream == c->wants_stream || e->facts.status >= 400) return true;
    bool made = c->wants_stream ? answer_to_stream(&c->made, family, e->body, c->wants_usage)
                                : answer_to_plain(&c->made, family, e->body);
    c->rest = buf_text(&c->made);
    return made;
}

void serve_note_savings(struct request_cache *c, const struct cache_entry *e)
{
    c->saved.prompt = e->facts.prompt;
    c->saved.completion = e->facts.completion;
}

bool serve_entry(struct request *r, struct cache_entry *e, enum cache_result result)
{
    struct request_cache *c = r->cache;
    if (!bring_into_form(r, e)) return false;
    pulse_stop(r); /* they would come between two slices */
    c->entry = e;
    serve_note_savings(c, e);
    c->source = SOURCE_ENTRY;
    c->result = result;
    if (is_stream(r)) serve_look_at_events(r, e->facts.stream && e->facts.has_usage);
    if (c->lead.flight) flight_land(&c->lead, e);
    return true;
}

bool serve_spare(struct request *r)
{
    struct request_cache *c = r->cache;
    if (!c || !c->spare) return false;
    record_fail(r); /* each for itself: others may have better, or none as old */
    if (!serve_entry(r, c->spare, CACHE_RESULT_STALE)) return false;
    c->spare = NULL;
    return true;
}

/* ---- the step's part ---- */

/* A remembered mistake for a client that has been given signs of life. */
static enum flow tell_in_stream(struct request *r)
{
    reply_quote(r, r->cache->rest);
    return request_fail(r, FAIL_BAD_REQUEST);
}

enum flow serve_run(struct request *r)
{
    struct request_cache *c = r->cache;
    if (!r->exchange) return FLOW_NEXT; /* those who have joined it have the entry */
    if (c->source == SOURCE_FLIGHT) return along_run(r);
    if (r->streamed && !is_stream(r)) return tell_in_stream(r);
    return pour(r);
}

void serve_drained(struct request *r)
{
    if (!r->cache->held) return;
    r->cache->held = false;
    request_run(r);
}

void serve_cancel(struct request *r)
{
    if (!cached_serves(r)) return;
    timer_cancel(r->worker->loop, &r->cache->pace);
    along_leave(r);
}
