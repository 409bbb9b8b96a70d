/* Every stream of the table is read whole, byte by byte and cut at every pair of places: the events must be the same,
 * and their raw bytes with the leftover must be the stream. */
#include "../suite.h"
#include "dsgate/llm/sse.h"

#define MARK "\xEF\xBB\xBF"

/* Events are written as `name=data;`, those without data as `name#length;` (length of the raw bytes). */
struct stream {
    const char *name;
    struct text bytes;
    const char *events;
    struct text leftover;
};

static const struct stream streams[] = {
    {"empty", TEXT(""), "", TEXT("")},
    {"one event", TEXT("data: {\"a\":1}\n\n"), "={\"a\":1};", TEXT("")},
    {"two events", TEXT("data: a\n\ndata: b\n\n"), "=a;=b;", TEXT("")},
    {"CR LF", TEXT("data: a\r\n\r\ndata: b\r\n\r\n"), "=a;=b;", TEXT("")},
    {"CR, the last one waits for its LF", TEXT("\rdata: a"), "#1;", TEXT("data: a")},
    {"CR", TEXT("data: a\r\rdata: b\r\r"), "=a;=b;", TEXT("")},
    {"CR once used ends an event; an LF after it is a blank line", TEXT("data: a\r\rdata: b\r\n\r\ndata: c\n\n"),
     "=a;=b;#1;=c;", TEXT("")},
    {"mixed line ends", TEXT("data: a\r\ndata: b\rdata: c\n\r\nevent: x\ndata: d\r\n\n"), "=a\nb\nc;#1;x=d;", TEXT("")},
    {"LF CR is two line ends", TEXT("data: a\n\rdata: b\n\n"), "=a;=b;", TEXT("")},
    {"CR CR LF", TEXT("data: a\r\r\ndata: b\n\n"), "=a;#1;=b;", TEXT("")},
    {"name", TEXT("event: message_stop\ndata: {}\n\n"), "message_stop={};", TEXT("")},
    {"the last name counts", TEXT("event: a\nevent: b\ndata: x\n\n"), "b=x;", TEXT("")},
    {"a name without data", TEXT("event: ping\n\n"), "ping#13;", TEXT("")},
    {"several data lines", TEXT("data: a\ndata:\ndata:b\ndata\n\n"), "=a\n\nb\n;", TEXT("")},
    {"an empty first data line", TEXT("data\ndata: x\n\n"), "=\nx;", TEXT("")},
    {"empty data", TEXT("data:\n\n"), "=;", TEXT("")},
    {"data without colon", TEXT("data\n\n"), "=;", TEXT("")},
    {"only one space goes", TEXT("data:  a \n\n"), "= a ;", TEXT("")},
    {"no space", TEXT("data:a:b\n\n"), "=a:b;", TEXT("")},
    {"field names are exact", TEXT("Data: x\nData : x\n data: x\ndatas: x\n\n"), "#36;", TEXT("")},
    {"id, retry", TEXT("id: 7\nretry: 10\ndata: a\n\n"), "=a;", TEXT("")},
    {"keep-alive comments", TEXT(": keep-alive\n\n: keep-alive\n\n"), "#13;#1;#13;#1;", TEXT("")},
    {"a lone comment line", TEXT(": OPENROUTER PROCESSING\n"), "#24;", TEXT("")},
    {"comment lines with CR LF", TEXT(": a\r\n\r\n: b\r\n"), "#5;#2;#5;", TEXT("")},
    {"a comment before an event", TEXT(":\ndata: a\n\n"), "#2;=a;", TEXT("")},
    {"a comment inside an event", TEXT("data: a\n: c\ndata: b\n\n"), "=a\nb;", TEXT("")},
    {"blank lines", TEXT("\n\r\n\n"), "#1;#2;#1;", TEXT("")},
    {"byte order mark", TEXT(MARK "data: a\n\n"), "=a;", TEXT("")},
    {"byte order mark, then a comment", TEXT(MARK ": c\ndata: a\n\n"), "#7;=a;", TEXT("")},
    {"byte order mark, then a blank line", TEXT(MARK "\ndata: a\n\n"), "#4;=a;", TEXT("")},
    {"byte order mark and several lines", TEXT(MARK "data: a\nevent: n\n\n" MARK "data: b\n\n"), "n=a;#12;", TEXT("")},
    {"nothing but a byte order mark", TEXT(MARK), "", TEXT(MARK)},
    {"half a byte order mark", TEXT("\xEF\xBB"), "", TEXT("\xEF\xBB")},
    {"no byte order mark after all", TEXT("\xEF\xBB\n\ndata: a\n\n"), "#4;=a;", TEXT("")},
    {"half a mark and a colon is no comment", TEXT("\xEF:\n\n"), "#4;", TEXT("")},
    {"NUL and other bytes", TEXT("data: \0\x01\xFF\n\n"), "=\x01\xFF;", TEXT("")},
    {"an unfinished event", TEXT("data: a\n\ndata: [DO"), "=a;", TEXT("data: [DO")},
    {"an unfinished line end", TEXT("data: a\n\ndata: b\r\n\r"), "=a;", TEXT("data: b\r\n\r")},
    {"an unfinished event after its line", TEXT("data: [DONE]\n"), "", TEXT("data: [DONE]\n")},
};

struct outcome {
    struct buf raw, events;
};

static void note_event(struct outcome *o, const struct sse_event *e)
{
    buf_add(&o->raw, e->raw);
    buf_add(&o->events, e->name);
    if (e->has_data) {
        buf_add_byte(&o->events, '=');
        for (size_t i = 0; i < e->data.n; i++)
            if (e->data.p[i]) buf_add_byte(&o->events, e->data.p[i]);
    } else {
        buf_printf(&o->events, "#%zu", e->raw.n);
    }
    buf_add_byte(&o->events, ';');
}

static void feed(struct sse_reader *r, struct outcome *o, struct text piece)
{
    struct sse_event event;
    while (sse_next(r, &piece, &event))
        note_event(o, &event);
    ck_assert_uint_eq(piece.n, 0);
}

/* The piece lies alone in memory of exactly its size, so that sanitizers see every byte read outside. */
static void feed_copy(struct sse_reader *r, struct outcome *o, struct text piece)
{
    char *alone = malloc(piece.n ? piece.n : 1);
    if (piece.n) memcpy(alone, piece.p, piece.n);
    feed(r, o, text_make(alone, piece.n));
    free(alone);
}

static void check_cut(const struct stream *s, size_t first, size_t second)
{
    struct sse_reader r;
    struct outcome o = {0};
    sse_reader_init(&r, 0);
    feed_copy(&r, &o, text_make(s->bytes.p, first));
    feed_copy(&r, &o, text_make(s->bytes.p + first, second - first));
    feed_copy(&r, &o, text_from(s->bytes, second));
    ck_assert(!r.too_large);
    ck_assert_msg(text_is(buf_text(&o.events), s->events), "%s cut at %zu, %zu: " TEXT_FORMAT, s->name, first, second,
                  TEXT_ARGS(buf_text(&o.events)));
    ck_assert_msg(text_eq(sse_leftover(&r), s->leftover), "%s cut at %zu, %zu: leftover", s->name, first, second);
    buf_add(&o.raw, sse_leftover(&r));
    ck_assert_msg(text_eq(buf_text(&o.raw), s->bytes), "%s cut at %zu, %zu: raw bytes", s->name, first, second);
    buf_free(&o.raw);
    buf_free(&o.events);
    sse_reader_free(&r);
}

START_TEST(every_stream_at_every_cut)
{
    const struct stream *s = &streams[_i];
    for (size_t first = 0; first <= s->bytes.n; first++)
        for (size_t second = first; second <= s->bytes.n; second++)
            check_cut(s, first, second);
}
END_TEST

START_TEST(every_stream_byte_by_byte)
{
    const struct stream *s = &streams[_i];
    struct sse_reader r;
    struct outcome o = {0};
    sse_reader_init(&r, 0);
    for (size_t i = 0; i < s->bytes.n; i++)
        feed_copy(&r, &o, text_make(s->bytes.p + i, 1));
    ck_assert_msg(text_is(buf_text(&o.events), s->events), "%s: " TEXT_FORMAT, s->name, TEXT_ARGS(buf_text(&o.events)));
    ck_assert(text_eq(sse_leftover(&r), s->leftover));
    buf_free(&o.raw);
    buf_free(&o.events);
    sse_reader_free(&r);
}
END_TEST

/* How many events are there after each piece: nothing that is complete is held back. */
START_TEST(events_come_at_once)
{
    static const struct {
        struct text piece;
        unsigned events;
    } pieces[] = {
        {TEXT(": keep-alive\n"), 1}, {TEXT("\n"), 1}, {TEXT("data: a\n"), 0},       {TEXT("\n"), 1},
        {TEXT("data: b\r\n\r"), 0},  {TEXT("\n"), 1}, {TEXT("data: c\r\n\r\n"), 1}, {TEXT(": c\r\n"), 1},
        {TEXT("data: d\r"), 0},      {TEXT("\r"), 1}, {TEXT("data: e\r\r"), 1},     {TEXT(": c\r"), 1},
    };
    struct sse_reader r;
    sse_reader_init(&r, 0);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct text piece = pieces[i].piece;
        struct sse_event event;
        unsigned events = 0;
        while (sse_next(&r, &piece, &event))
            events++;
        ck_assert_msg(events == pieces[i].events, "piece %zu gave %u events", i, events);
    }
    sse_reader_free(&r);
}
END_TEST

START_TEST(whole_events_are_not_copied)
{
    struct text bytes = TEXT("data: a\n\nevent: n\ndata: b\n\n"), input = bytes;
    struct sse_reader r;
    struct sse_event event;
    sse_reader_init(&r, 0);
    ck_assert(sse_next(&r, &input, &event));
    ck_assert_ptr_eq(event.raw.p, bytes.p);
    ck_assert_ptr_eq(event.data.p, bytes.p + 6);
    ck_assert_ptr_eq(input.p, bytes.p + 9);
    ck_assert(sse_next(&r, &input, &event));
    ck_assert_ptr_eq(event.raw.p, bytes.p + 9);
    ck_assert(!sse_next(&r, &input, &event));
    ck_assert_ptr_null(r.partial.data);
    ck_assert_ptr_null(r.joined.data);
    sse_reader_free(&r);
}
END_TEST

/* An event of exactly the limit passes, one byte more does not, however it is cut. */
START_TEST(limit_is_exact)
{
    struct text bytes = TEXT("data: a\n\n\ndata: abc\n\n"); /* 9, 1 and 11 bytes */
    for (size_t step = 1; step <= bytes.n; step++) {
        for (size_t limit = 8; limit <= 11; limit++) {
            struct sse_reader r;
            struct sse_event event;
            unsigned events = 0;
            sse_reader_init(&r, limit);
            for (size_t at = 0; at < bytes.n && !r.too_large; at += step) {
                struct text piece = text_make(bytes.p + at, bytes.n - at < step ? bytes.n - at : step);
                while (sse_next(&r, &piece, &event))
                    events++;
            }
            ck_assert_uint_eq(events, limit == 8 ? 0 : limit < 11 ? 2 : 3);
            ck_assert(r.too_large == (limit < 11));
            struct text more = TEXT("\n\ndata: b\n\n");
            if (r.too_large) ck_assert(!sse_next(&r, &more, &event));
            ck_assert_uint_le(buf_len(&r.partial), limit);
            sse_reader_free(&r);
        }
    }
}
END_TEST

START_TEST(default_limit_is_a_mebibyte)
{
    struct sse_reader r;
    struct sse_event event;
    sse_reader_init(&r, 0);
    bool quiet = true;
    for (size_t i = 0; i < 1 << 20; i++) {
        struct text byte = TEXT("x");
        quiet = !sse_next(&r, &byte, &event) && !r.too_large && quiet;
    }
    ck_assert(quiet);
    struct text byte = TEXT("x");
    ck_assert(!sse_next(&r, &byte, &event));
    ck_assert(r.too_large);
    sse_reader_free(&r);
}
END_TEST

/* Storage for one large event is not kept for the rest of the stream. */
START_TEST(large_storage_goes_back)
{
    enum { LARGE = 100000 };
    struct sse_reader r;
    struct sse_event event;
    char *x = malloc(LARGE);
    memset(x, 'x', LARGE);
    struct text start = TEXT("data: 1\ndata: "), middle = text_make(x, LARGE), end = TEXT("\n\n"),
                next = TEXT("data: 2\n\n");
    sse_reader_init(&r, 0);
    ck_assert(!sse_next(&r, &start, &event));
    ck_assert(!sse_next(&r, &middle, &event));
    ck_assert(sse_next(&r, &end, &event));
    ck_assert_uint_eq(event.data.n, LARGE + 2);
    ck_assert_uint_eq(event.raw.n, LARGE + 16);
    ck_assert(sse_next(&r, &next, &event));
    ck_assert_uint_eq(r.partial.capacity + r.joined.capacity, 0);
    sse_reader_free(&r);
    free(x);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_stream_at_every_cut, 0, COUNT(streams));
    tcase_add_loop_test(tests, every_stream_byte_by_byte, 0, COUNT(streams));
    tcase_add_test(tests, events_come_at_once);
    tcase_add_test(tests, whole_events_are_not_copied);
    tcase_add_test(tests, limit_is_exact);
    tcase_add_test(tests, default_limit_is_a_mebibyte);
    tcase_add_test(tests, large_storage_goes_back);
}

TEST_MAIN_ADDING("sse", add_tests)
