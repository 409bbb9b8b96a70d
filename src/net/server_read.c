/* server_read.c - from bytes to whole requests.
 *
 * The difficulty: most requests arrive in one piece and should cost one read and one copy, yet a request may also come
 * byte by byte, in megabytes, or three at a time. A piece is looked at where it lies (the loop's scratch block); only
 * what is left over moves into the connection's own buffer. A body of a declared length is read straight into place.
 */
#include "server_private.h"

/* Bytes of pipelined requests taken while one is being served; beyond that the client feels back-pressure. */
#define PIPELINE_MAX ((size_t)16 * 1024)

void server_refuse(struct server_conn *sc, enum http_error error)
{
    exchange_reset(&sc->x);
    sc->x.close = true;
    sc->x.arrived = loop_now(sc->server->loop);
    buf_free(&sc->in);
    phase_enter(sc, PHASE_SERVING);
    sc->server->ops->malformed(sc->server, &sc->x, error);
}

static void hand_over(struct server_conn *sc)
{
    sc->x.arrived = loop_now(sc->server->loop);
    phase_enter(sc, PHASE_SERVING);
    sc->server->ops->request(sc->server, &sc->x);
}

static bool send_continue(struct server_conn *sc)
{
    struct iovec iov = iov_of(TEXT("HTTP/1.1 100 Continue\r\n\r\n"));
    return conn_write(&sc->conn, &iov, 1);
}

/* Gives the parsed head (and a body of declared length) a place of its own. false: no memory for it. */
static bool keep_head(struct server_conn *sc)
{
    const struct http_head *parsed = &sc->server->head;
    struct exchange *x = &sc->x;
    struct server_request *q = &x->request;
    size_t record = http_head_size(parsed), body = parsed->framing == HTTP_LENGTH ? (size_t)parsed->content_length : 0;
    char *block = mem_try_alloc(record + parsed->length + body);
    if (!block) return false;
    memcpy(block + record, parsed->base, parsed->length);
    q->head = (struct http_head *)(void *)block;
    http_head_copy(q->head, parsed, block + record);
    q->body = block + record + parsed->length;
    q->body_length = 0;
    x->to_head = parsed->method == HTTP_HEAD;
    x->minor_0 = parsed->minor == 0;
    sc->last_body = body;
    x->close = !parsed->keep_alive;
    http_body_init(&sc->framing, parsed, sc->server->options.limits.body);
    return true;
}

/* Takes body bytes out of `in`; returns how many wire bytes were used, SIZE_MAX when it was refused as malformed. */
static size_t take_body(struct server_conn *sc, char *in, size_t n)
{
    size_t payload, used;
    struct server_request *q = &sc->x.request;
    enum http_error error = http_body_feed(&sc->framing, in, n, &payload, &used);
    if (error != HTTP_FINE) {
        server_refuse(sc, error);
        return SIZE_MAX;
    }
    if (!server_request_claim(q, &sc->server->options, sc->framing.received)) {
        server_refuse(sc, HTTP_NO_ROOM);
        return SIZE_MAX;
    }
    if (sc->framing.framing == HTTP_LENGTH) {
        if (in != q->body + q->body_length) memcpy(q->body + q->body_length, in, payload);
        q->body_length += payload;
    } else {
        buf_append(&q->chunks, in, payload);
    }
    return used;
}

/* The head is whole. false: the connection is answering an error or dead. */
static bool end_head(struct server_conn *sc, bool body_is_here)
{
    sc->scanned = 0;
    if (!keep_head(sc)) {
        server_refuse(sc, HTTP_NO_ROOM);
        return false;
    }
    if (sc->framing.done) return true;
    phase_enter(sc, PHASE_BODY);
    if (!sc->server->head.expect_continue || body_is_here || send_continue(sc)) return true;
    server_conn_gone(sc);
    return false;
}

/* Takes one head, or as much of it as is there, out of [in, in + n). Returns the bytes used; SIZE_MAX: stop, the
 * connection is answering an error or dead. */
static size_t take_head(struct server_conn *sc, char *in, size_t n)
{
    struct server *s = sc->server;
    size_t skipped = 0;
    if (sc->scanned == 0 && n >= 2 && in[0] == '\r' && in[1] == '\n') skipped = 2; /* RFC 9112 section 2.2 */
    if (sc->phase == PHASE_IDLE) {
        sc->x.began = loop_now(s->loop);
        phase_enter(sc, PHASE_HEAD);
    }
    struct text rest = text_make(in + skipped, n - skipped);
    enum http_error error = HTTP_FINE;
    switch (http_parse_request(rest, &s->options.limits, &sc->scanned, &s->head, &error)) {
    case HTTP_PARSE_MORE: return skipped;
    case HTTP_PARSE_BAD: server_refuse(sc, error); return SIZE_MAX;
    case HTTP_PARSE_DONE: break;
    }
    size_t used = skipped + s->head.length;
    return end_head(sc, used < n) ? used : SIZE_MAX;
}

/* Takes requests out of a piece of memory until it needs more bytes or an answer is awaited. Returns the bytes used. */
static size_t take_apart(struct server_conn *sc, char *in, size_t n)
{
    size_t at = 0;
    while (at < n && !sc->dead && sc->phase <= PHASE_BODY) {
        size_t used = sc->phase == PHASE_BODY ? take_body(sc, in + at, n - at) : take_head(sc, in + at, n - at);
        if (used == SIZE_MAX) return n;
        at += used;
        if (sc->phase == PHASE_HEAD && !sc->x.request.head) break; /* incomplete */
        if (sc->framing.done && sc->x.request.head) hand_over(sc);
    }
    return at;
}

void server_read_pending(struct server_conn *sc)
{
    struct buf mine = sc->in; /* taken away: an error answer frees sc->in, a new exchange may fill it */
    sc->in = (struct buf){0};
    size_t used = take_apart(sc, mine.data + mine.head, buf_len(&mine));
    if (sc->dead || sc->phase == PHASE_CLOSING) {
        buf_free(&mine);
        return;
    }
    buf_consume(&mine, used);
    if (buf_len(&mine) == 0) buf_free(&mine);
    sc->in = mine;
    if (sc->phase != PHASE_SERVING || buf_len(&sc->in) < PIPELINE_MAX) conn_resume_read(&sc->conn);
}

/* A piece that came into the scratch block. */
static void take_piece(struct server_conn *sc, char *piece, size_t n)
{
    if (buf_len(&sc->in) || sc->phase >= PHASE_SERVING) {
        buf_append(&sc->in, piece, n);
        if (sc->phase < PHASE_SERVING)
            server_read_pending(sc);
        else if (buf_len(&sc->in) >= PIPELINE_MAX)
            conn_pause_read(&sc->conn);
        return;
    }
    size_t used = take_apart(sc, piece, n);
    if (!sc->dead && sc->phase != PHASE_CLOSING && used < n) buf_append(&sc->in, piece + used, n - used);
}

static void peer_ended(struct server_conn *sc)
{
    /* An answer that is complete is still delivered to a client that has only closed its sending side. */
    if (sc->phase == PHASE_FLUSHING) {
        sc->x.close = sc->peer_done = true;
        conn_pause_read(&sc->conn);
    } else {
        server_conn_gone(sc);
    }
}

/* What is read before the length of a body is known: enough for most requests in one call, since what is a body's has
 * to be moved to its place. A client whose last body was long will send another one: then little more than the head is
 * read, and the rest goes straight into place. */
#define FIRST_PIECE ((size_t)20 * 1024)
#define HEAD_PIECE  ((size_t)4 * 1024)
#define LONG_BODY   ((uint64_t)64 * 1024)
#define BODY_PIECE  ((size_t)256 * 1024)

enum { PIECES_PER_TURN = 4 };

static size_t first_room(const struct server_conn *sc) { return sc->last_body > LONG_BODY ? HEAD_PIECE : FIRST_PIECE; }

static bool reads_into_place(const struct server_conn *sc)
{
    return !sc->dead && sc->phase == PHASE_BODY && sc->framing.framing == HTTP_LENGTH && buf_len(&sc->in) == 0;
}

/* One read of at most `room` bytes; true when it took so many that more may be waiting. */
static bool read_piece(struct server_conn *sc, char *to, size_t room)
{
    ssize_t n = conn_read(&sc->conn, to, room);
    if (n == CONN_AGAIN) return false;
    if (n <= 0)
        peer_ended(sc);
    else if (sc->phase != PHASE_CLOSING)
        take_piece(sc, to, (size_t)n);
    return n == (ssize_t)room;
}

static bool read_body(struct server_conn *sc)
{
    struct server_request *q = &sc->x.request;
    size_t room = sc->framing.left < BODY_PIECE ? (size_t)sc->framing.left : BODY_PIECE;
    if (!server_request_claim(q, &sc->server->options, q->body_length + room)) {
        server_refuse(sc, HTTP_NO_ROOM);
        return false;
    }
    bool more = read_piece(sc, q->body + q->body_length, room);
    if (!more) server_request_trim_claim(q);
    return more;
}

/* What has come of a body is read at once, while its beginning is still in the processor's cache; but other connections
 * have their turn, too. */
void server_read(struct server_conn *sc)
{
    bool more = reads_into_place(sc) || read_piece(sc, loop_scratch(sc->server->loop), first_room(sc));
    for (int i = 0; more && i < PIECES_PER_TURN && reads_into_place(sc); i++)
        more = read_body(sc);
}
