/* matrix_faults.h - the ways in which the first attempt of the matrix fails, and the gateway's word for each.
 *
 * Some break an answer that was right until then, at any position; others are the whole answer.
 */
#ifndef DSGATE_TESTS_SCENARIO_MATRIX_FAULTS_H
#define DSGATE_TESTS_SCENARIO_MATRIX_FAULTS_H

#include "matrix.h"

#define MS USEC_PER_MS

/* clang-format off */
/* A stream; a plain call that the gateway makes as a stream; one that it really makes as a plain one. */
enum way { STREAM, RIDE, PLAIN, WAYS };

/* How much was sent before it breaks: not all of the head, or so many events, or quarters of a plain answer. */
enum { BEFORE_HEAD = -2, IN_HEAD = -1, QUARTERS = 4 };
/* How far the answer was then, for whoever reads it. */
enum progress { NOTHING, SOME, OVER };
/* How it arrives: each event in a read of its own, all of it with the fault in one read, or in reads of a few bytes. */
enum delivery { ONE_BY_ONE, AT_ONCE, TORN, DELIVERIES };
/* clang-format on */

struct cell {
    const struct kind *kind;
    const struct fault *fault;
    enum way way;
    enum delivery delivery;
    bool three; /* upstreams, or one */
    int position;
};

struct fault {
    const char *name;
    void (*breaks)(struct wire *w, const struct cell *cell);
    const char *(*word)(const struct cell *cell); /* the gateway's reason, */
    const char *reason;                           /* … where it is always this one */
    bool (*fits)(const struct cell *cell);        /* NULL: everywhere */
    bool in_bytes;                                /* it is read, and not an event of the connection */
    unsigned status;                              /* of an error that is the whole answer */
    bool final;                                   /* who has said so would say it again */
    bool clients;                                 /* … and so would everybody */
};

static int first_token(const struct cell *cell) { return cell->kind->roles + 1; }

static enum progress progress_of(const struct cell *cell)
{
    if (cell->way == PLAIN || cell->position < first_token(cell)) return NOTHING;
    return cell->position < cell->kind->count ? SOME : OVER;
}

/* ---- what the first attempt says ---- */

#define FIRST_ID "id1"

static struct buf outgoing; /* what is not on its way yet */

static void deliver(struct wire *w, const struct cell *cell)
{
    enum { FEW_BYTES = 5 };
    wire_send_pieces(w, buf_text(&outgoing), cell->delivery == TORN ? FEW_BYTES : SIZE_MAX);
    buf_free(&outgoing);
}

static void send_bytes(struct wire *w, const struct cell *cell, struct text bytes)
{
    buf_add(&outgoing, bytes);
    if (cell->delivery == AT_ONCE) return;
    deliver(w, cell);
    fake_settle();
}

static void send_chunk(struct wire *w, const struct cell *cell, struct text bytes)
{
    char *chunk = mem_printf("%zx\r\n" TEXT_FORMAT "\r\n", bytes.n, TEXT_ARGS(bytes));
    send_bytes(w, cell, text_of(chunk));
    mem_free(chunk);
}

/* The same, of bytes that are not needed any more. */
static void send_buf(struct wire *w, const struct cell *cell, struct buf *bytes)
{
    send_chunk(w, cell, buf_text(bytes));
    buf_free(bytes);
}

static void send_head(struct wire *w, const struct cell *cell)
{
    const char *type = cell->way == PLAIN ? "application/json" : "text/event-stream";
    char *head = mem_printf("HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n", type);
    send_bytes(w, cell, text_of(head));
    mem_free(head);
}

static void end_message(struct wire *w, const struct cell *cell)
{
    send_bytes(w, cell, TEXT("0\r\n\r\n"));
    deliver(w, cell);
    fake_settle();
}

static void close_connection(struct wire *w, const struct cell *cell)
{
    deliver(w, cell);
    upstream_close(w);
}

/* The bytes behind the first `position` events or quarters, up to `to`. */
static void add_bytes(struct buf *out, const struct cell *cell, int from, int to)
{
    if (cell->way != PLAIN) {
        add_events(out, cell->kind, FIRST_ID, from, to < cell->kind->count ? to : cell->kind->count, 0);
        if (to > cell->kind->count) buf_add(out, text_of(done_event));
        return;
    }
    struct buf answer = {0};
    add_plain(&answer, cell->kind, FIRST_ID);
    size_t quarter = buf_len(&answer) / QUARTERS;
    buf_append(out, answer.data + answer.head + (size_t)from * quarter, (size_t)(to - from) * quarter);
    buf_free(&answer);
}

/* All that comes before the fault; each event on its own. */
static void begin_answer(struct wire *w, const struct cell *cell)
{
    if (cell->position == IN_HEAD) send_bytes(w, cell, TEXT("HTTP/1.1 200 OK\r\nContent-Ty"));
    if (cell->position >= 0) send_head(w, cell);
    for (int i = 0; i < cell->position; i++) {
        struct buf event = {0};
        add_bytes(&event, cell, i, i + 1);
        send_buf(w, cell, &event);
    }
}

/* ---- faults that have a position ---- */

static void do_reset(struct wire *w, const struct cell *cell)
{
    wire_reset(w);
    fake_settle();
}

static void do_bad_chunk(struct wire *w, const struct cell *cell) { send_bytes(w, cell, TEXT("zz\r\n")); }

/* Every timer is over before this time. */
enum { PATIENCE_S = 8 };

static void do_silence(struct wire *w, const struct cell *cell)
{
    deliver(w, cell);
    for (int i = 0; i < PATIENCE_S * 10 && !wire_program_closed(w); i++)
        fake_run(100 * MS);
    ck_assert_msg(wire_program_closed(w), "it is waited for too long");
}

static void do_comments(struct wire *w, const struct cell *cell)
{
    for (int i = 0; i < PATIENCE_S && !wire_program_closed(w); i++) {
        send_chunk(w, cell, TEXT(": keep-alive\n\n"));
        deliver(w, cell);
        fake_run(USEC_PER_SEC);
    }
    ck_assert_msg(wire_program_closed(w), "it is waited for too long");
}

static void do_half_event(struct wire *w, const struct cell *cell)
{
    struct buf next = {0};
    add_bytes(&next, cell, cell->position, cell->position + 1);
    next.tail = next.head + buf_len(&next) / 2;
    send_buf(w, cell, &next);
    close_connection(w, cell);
}

static void do_bad_json(struct wire *w, const struct cell *cell)
{
    send_chunk(w, cell, text_of(cell->way == PLAIN ? "]" : "data: {\"id\":\"" FIRST_ID "\",\"choices\":[{\n\n"));
    if (cell->way == PLAIN) end_message(w, cell);
}

#define ERROR      "{\"error\":{\"message\":\"no\",\"type\":\"server_error\",\"param\":null,\"code\":500}}"
#define TOLD_EVENT "data: " ERROR "\n\n"
static void do_error(struct wire *w, const struct cell *cell)
{
    send_chunk(w, cell, text_of(cell->way == PLAIN ? ERROR : TOLD_EVENT));
    if (cell->way == PLAIN) end_message(w, cell);
}

static void do_exhausted(struct wire *w, const struct cell *cell)
{
    struct kind k = *cell->kind;
    struct buf bytes = {0};
    k.finish = "insufficient_system_resource";
    int i = 0;
    while (!is_end(k.events[i].part))
        i++;
    k.count = i + 2; /* without a usage */
    if (cell->way == PLAIN)
        add_plain(&bytes, &k, FIRST_ID);
    else
        add_event(&bytes, &k, FIRST_ID, i, 0);
    send_buf(w, cell, &bytes);
    if (cell->way == PLAIN) end_message(w, cell);
}

/* Whoever is reset, or sends what is no HTTP, may lose what came with it. */
static bool is_read_before(const struct cell *cell) { return cell->delivery != AT_ONCE; }
static bool has_head(const struct cell *cell) { return cell->position >= 0; }
static bool has_head_read_before(const struct cell *cell) { return has_head(cell) && is_read_before(cell); }
static bool is_stream_with_head(const struct cell *cell) { return has_head(cell) && cell->way != PLAIN; }
/* A plain answer is that from its first byte on, or it is not. */
static bool is_whole_if_plain(const struct cell *cell)
{
    return cell->way == PLAIN ? cell->position == 0 : has_head(cell) && progress_of(cell) != OVER;
}

static const char *word_of_close(const struct cell *cell) { return cell->position == BEFORE_HEAD ? "reset" : "cut"; }

static const char *word_of_silence(const struct cell *cell)
{
    if (cell->way == PLAIN) return has_head(cell) ? "idle_timeout" : "first_byte_timeout";
    return progress_of(cell) == SOME ? "idle_timeout" : "first_token_timeout";
}

/* What has shown that it lives and then ends without a word has too much to do. */
static const char *word_of_end(const struct cell *cell)
{
    if (cell->way == PLAIN) return cell->position == 0 ? "empty_answer" : "bad_json";
    if (progress_of(cell) == SOME) return "cut";
    return cell->position > 0 ? "busy" : "empty_stream";
}

static const char *word_of_bad_json(const struct cell *cell) { return cell->way == PLAIN ? "bad_json" : "bad_event"; }
static const char *word_of_error(const struct cell *cell) { return cell->way == PLAIN ? "error" : "error_event"; }

static const struct fault faults[] = {
    {"close", close_connection, word_of_close},
    {"reset", do_reset, word_of_close, .fits = is_read_before},
    {"silence", do_silence, word_of_silence},
    {"comments", do_comments, word_of_silence, .fits = is_stream_with_head},
    {"half event", do_half_event, word_of_close, .fits = has_head},
    {"bad JSON", do_bad_json, word_of_bad_json, .fits = has_head, .in_bytes = true},
    {"error", do_error, word_of_error, .fits = is_whole_if_plain, .in_bytes = true},
    {"bad chunk", do_bad_chunk, .reason = "bad_answer", .fits = has_head_read_before},
    {"end", end_message, word_of_end, .fits = has_head, .in_bytes = true},
    {"exhausted", do_exhausted, .reason = "exhausted", .fits = is_whole_if_plain, .in_bytes = true},
};

/* ---- faults of the whole answer ---- */

static void say_status(struct wire *w, const struct cell *cell)
{
    const char *wait = cell->fault->status == 429 ? "Retry-After: 1\r\n" : "";
    char *answer = mem_printf("HTTP/1.1 %u X\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s",
                              cell->fault->status, wait, strlen(ERROR), ERROR);
    send_bytes(w, cell, text_of(answer));
    mem_free(answer);
}

static void say_nothing(struct wire *w, const struct cell *cell)
{
    send_bytes(w, cell, TEXT("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 0\r\n\r\n"));
}

static void say_html(struct wire *w, const struct cell *cell)
{
    send_bytes(w, cell, TEXT("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 13\r\n\r\n<html></html>"));
}

static void say_blanks(struct wire *w, const struct cell *cell)
{
    send_head(w, cell);
    send_chunk(w, cell, text_of("\n\n\n\n"));
    end_message(w, cell);
}

static void say_keep_alives(struct wire *w, const struct cell *cell)
{
    send_head(w, cell);
    for (int i = 0; i < 3; i++) {
        send_chunk(w, cell, text_of(cell->way == PLAIN ? "\n" : ": keep-alive\n\n"));
        fake_run(USEC_PER_SEC);
    }
    close_connection(w, cell);
}

/* An answer without its tokens. */
static void say_empty_content(struct wire *w, const struct cell *cell)
{
    struct kind k = *cell->kind;
    struct buf bytes = {0};
    k.finish = "stop";
    k.count = 0;
    for (int i = 0; i < cell->kind->count; i++)
        if (cell->kind->events[i].part == ROLE_ONLY || is_end(cell->kind->events[i].part))
            k.events[k.count++] = cell->kind->events[i];
    send_head(w, cell);
    if (cell->way == PLAIN)
        add_plain(&bytes, &k, FIRST_ID);
    else
        add_events(&bytes, &k, FIRST_ID, 0, k.count, 0);
    if (cell->way != PLAIN) buf_add(&bytes, text_of(done_event));
    send_buf(w, cell, &bytes);
    end_message(w, cell);
}

static const struct fault wholes[] = {
    {"503", say_status, .reason = "busy", .status = 503},
    {"429", say_status, .reason = "rate", .status = 429},
    {"500", say_status, .reason = "error", .status = 500},
    {"404", say_status, .reason = "model", .status = 404, .final = true},
    {"401", say_status, .reason = "key", .status = 401, .final = true},
    {"400", say_status, .status = 400, .final = true, .clients = true},
    {"empty content", say_empty_content, .reason = "empty_content"},
    {"empty body", say_nothing, .reason = "empty_answer"},
    {"blanks", say_blanks, .reason = "busy"},
    {"HTML", say_html, .reason = "html"},
    {"keep-alives", say_keep_alives, .reason = "busy"},
};

#endif
