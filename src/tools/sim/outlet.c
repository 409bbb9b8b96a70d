#include "outlet.h"

enum { PIECE_MOST = 256 * 1024, UNSENT_MOST = 128 * 1024 };

void outlet_init(struct outlet *o, struct exchange *x, bool raw) { *o = (struct outlet){.x = x, .raw = raw}; }

void outlet_free(struct outlet *o) { buf_free(&o->pending); }

/* ---- handing over ---- */

static void hand_over(struct outlet *o, const struct reply_head *head, struct text t, bool last)
{
    struct iovec iov = {(void *)(uintptr_t)t.p, t.n};
    bool sent = o->raw ? exchange_send_raw(o->x, &iov, 1) : exchange_send(o->x, head, &iov, t.n ? 1 : 0, last);
    o->lost = !sent;
    if (sent && last) o->settled = true;
}

static struct reply_head reply_head_of(const struct outlet_head *head)
{
    return (struct reply_head){
        .status = 200, .fields = head->fields, .has_length = head->has_length, .content_length = head->length};
}

/* Through the server: at once what is small, piece by piece what is large. */
static void send_framed(struct outlet *o, const struct outlet_head *head, struct text piece, enum ending ending)
{
    struct reply_head reply = head ? reply_head_of(head) : (struct reply_head){0};
    const struct reply_head *first = o->begun ? NULL : &reply;
    bool at_once = buf_len(&o->pending) == 0 && piece.n <= PIECE_MOST;
    o->begun = true;
    if (at_once) {
        hand_over(o, first, piece, ending == ENDING_LAST);
        return;
    }
    if (first) hand_over(o, first, TEXT_NONE, false);
    buf_add(&o->pending, piece);
}

/* ---- the raw way ---- */

static void write_raw_head(struct outlet *o, const struct outlet_head *head)
{
    char date[30];
    clock_format_http(clock_wall(), date);
    http_put_status(&o->pending, 200);
    buf_add(&o->pending, head->fields);
    http_put(&o->pending, TEXT("Date"), text_of(date));
    buf_add(&o->pending, head->garbage);
    o->unframed = head->has_length;
    if (head->has_length)
        http_put_u64(&o->pending, TEXT("Content-Length"), head->length);
    else
        http_put(&o->pending, TEXT("Transfer-Encoding"), TEXT("chunked"));
    http_put(&o->pending, TEXT("Connection"), TEXT("close"));
    if (!head->endless) http_put_end(&o->pending);
    o->begun = true;
}

static void send_raw(struct outlet *o, const struct outlet_head *head, struct text piece, enum ending ending)
{
    char size[18];
    bool slow = o->slow && !o->begun;
    if (!o->begun) write_raw_head(o, head);
    if (slow) o->slow = (uint32_t)buf_len(&o->pending);
    if (piece.n && !o->unframed) buf_append(&o->pending, size, http_chunk_size(size, piece.n));
    buf_add(&o->pending, piece);
    if (piece.n && !o->unframed) BUF_ADD(&o->pending, "\r\n");
    if (ending == ENDING_LAST && !o->unframed) BUF_ADD(&o->pending, "0\r\n\r\n");
}

void outlet_send(struct outlet *o, const struct outlet_head *head, struct text piece, enum ending ending)
{
    if (o->lost || o->settled) return;
    o->ending = ending;
    if (o->raw)
        send_raw(o, head, piece, ending);
    else
        send_framed(o, head, piece, ending);
}

void outlet_finish(struct outlet *o, enum ending ending) { o->ending = ending; }

void outlet_send_bytes(struct outlet *o, struct text bytes) { buf_add(&o->pending, bytes); }

void outlet_halve_head(struct outlet *o, const struct outlet_head *head)
{
    write_raw_head(o, head);
    o->pending.tail = o->pending.head + buf_len(&o->pending) / 2;
}

/* ---- flushing ---- */

static size_t next_piece(const struct outlet *o)
{
    size_t most = o->slow ? 1 : o->drip ? o->drip : PIECE_MOST, n = buf_len(&o->pending);
    return n < most ? n : most;
}

static void send_pending(struct outlet *o)
{
    size_t n = next_piece(o);
    hand_over(o, NULL, text_make(o->pending.data + o->pending.head, n), false);
    buf_consume(&o->pending, n);
    if (o->slow) o->slow--;
    if (buf_len(&o->pending) == 0) buf_free(&o->pending);
}

/* A reset drops what the client has not read yet, so it waits a tick after the last byte. */
static enum outlet_state settle(struct outlet *o)
{
    bool paused = o->ending == ENDING_RESET && o->begun && !o->settled;
    o->settled = true;
    if (paused) return OUTLET_PACED;
    if (o->ending == ENDING_LAST && !o->raw) {
        hand_over(o, NULL, TEXT_NONE, true);
        return o->lost ? OUTLET_LOST : OUTLET_OVER;
    }
    if (o->ending == ENDING_RESET)
        exchange_abort(o->x);
    else
        exchange_cut(o->x);
    return OUTLET_OVER;
}

enum outlet_state outlet_flush(struct outlet *o)
{
    if (o->lost) return OUTLET_LOST;
    if (o->settled && o->ending == ENDING_LAST) return OUTLET_OVER;
    while (buf_len(&o->pending)) {
        bool paced = o->slow || o->drip;
        if (exchange_unsent(o->x) > UNSENT_MOST) return OUTLET_FULL;
        send_pending(o);
        if (o->lost) return OUTLET_LOST;
        if (paced) return OUTLET_PACED;
    }
    bool draining = o->ending == ENDING_RESET && exchange_unsent(o->x) > 0;
    if (draining || exchange_unsent(o->x) > UNSENT_MOST) return OUTLET_FULL;
    return o->ending ? settle(o) : OUTLET_READY;
}
