/* server_request.c - a request's memory, wherever it is kept: in its exchange, or taken away from that. */
#include "server_private.h"

/* Short bodies are bounded by the number of connections; only longer ones are counted, piece by piece as they come:
 * what is announced and not sent takes no memory. */
#define UNCOUNTED_BODY ((uint64_t)16 * 1024)

bool server_request_claim(struct server_request *q, const struct server_options *o, uint64_t total)
{
    if (!o->bodies || total <= UNCOUNTED_BODY || total <= q->claimed) return true;
    uint64_t more = total - q->claimed;
    if (atomic_fetch_add_explicit(o->bodies, more, memory_order_relaxed) + more <= o->bodies_max) {
        q->claimed = total;
        q->bodies = o->bodies;
        return true;
    }
    atomic_fetch_sub_explicit(o->bodies, more, memory_order_relaxed);
    return false;
}

static void claim_no_more_than(struct server_request *q, uint64_t needed)
{
    if (q->claimed <= needed) return;
    atomic_fetch_sub_explicit(q->bodies, q->claimed - needed, memory_order_relaxed);
    q->claimed = needed;
}

void server_request_trim_claim(struct server_request *q)
{
    claim_no_more_than(q, q->body_length > UNCOUNTED_BODY ? q->body_length : 0);
}

void server_request_clear(struct server_request *q)
{
    claim_no_more_than(q, 0);
    mem_free(q->head);
    buf_free(&q->chunks);
    *q = (struct server_request){0};
}

const struct http_head *server_request_head(const struct server_request *q) { return q->head; }

struct text server_request_body(const struct server_request *q)
{
    return buf_len(&q->chunks) ? buf_text(&q->chunks) : text_make(q->body, q->body_length);
}

void server_request_free(struct server_request *q)
{
    if (!q) return;
    server_request_clear(q);
    mem_free(q);
}
