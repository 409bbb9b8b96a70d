/* Replies as bytes, whole and in pieces, from servers good and bad. */
#include "../../src/net/redis_reply.h"
#include "redis_test.h"

enum { MAX = 1000 };

/* What is read from bytes that come in pieces of this size, each reply in a line, the failure at the end. */
static void read_pieces(struct text bytes, size_t piece, size_t reply_max, struct buf *out)
{
    struct redis_reader *r = redis_reader_new(reply_max);
    for (size_t at = 0; at < bytes.n; at += piece) {
        redis_reader_feed(r, text_make(bytes.p + at, bytes.n - at < piece ? bytes.n - at : piece));
        for (struct redis_reply *reply; (reply = redis_reader_next(r));) {
            redis_put_reply(out, reply);
            buf_add_byte(out, '\n');
            redis_reply_free(reply);
        }
    }
    if (redis_reader_failure(r)) buf_printf(out, "! %s", redis_reader_failure(r));
    redis_reader_free(r);
}

static void check_pieces(const char *bytes, const char *expected)
{
    for (size_t piece = 1; piece <= strlen(bytes); piece++) {
        struct buf out = {0};
        read_pieces(text_of(bytes), piece, MAX, &out);
        ck_assert_msg(text_is(buf_text(&out), expected), "%s in pieces of %zu: " TEXT_FORMAT, bytes, piece,
                      TEXT_ARGS(buf_text(&out)));
        buf_free(&out);
    }
}

START_TEST(good_replies)
{
    static const struct {
        const char *bytes, *replies;
    } rows[] = {
        {"+OK\r\n", "+OK\n"},
        {"+\r\n", "+\n"},
        {"-ERR no\r\n:42\r\n:-7\r\n:0\r\n", "-ERR no\n:42\n:-7\n:0\n"},
        {"$5\r\nhello\r\n$0\r\n\r\n$-1\r\n", "$hello\n$\n_\n"},
        {"$6\r\n\r\n+\r\n:\r\n+x\r\n", "$\r\n+\r\n:\n+x\n"},
        {"*0\r\n*-1\r\n*1\r\n:1\r\n", "[]\n_\n[:1]\n"},
        {"*5\r\n+a\r\n$1\r\nb\r\n:3\r\n$-1\r\n-e\r\n", "[+a,$b,:3,_,-e]\n"},
        {"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n+after\r\n", "[$0,[$a,$b]]\n+after\n"},
        {"*3\r\n*0\r\n*-1\r\n*1\r\n*-1\r\n", "[[],_,[_]]\n"},
        {"*2\r\n$3\r\nab", ""},
        {"$1000000\r\nab", ""},
    };
    for (int i = 0; i < COUNT(rows); i++)
        check_pieces(rows[i].bytes, rows[i].replies);
}
END_TEST

START_TEST(bad_replies)
{
    static const struct {
        const char *bytes, *outcome;
    } rows[] = {
        {"HTTP/1.1 400 Bad Request\r\n", "! Protocol error, got \"H\" as reply type byte"},
        {"+OK\r\n\r\n", "+OK\n! Protocol error, got \"\\r\" as reply type byte"},
        {":4x\r\n", "! Bad integer value"},
        {":99999999999999999999\r\n", "! Bad integer value"},
        {"$x\r\n", "! Bad bulk string length"},
        {"$-2\r\n", "! Bulk string length out of range"},
        {"$3\r\nabcde\r\n", "! a string that is longer than announced"},
        {"$3\r\nabc\n\n\r\n", "! a string that is longer than announced"},
        {"*1\r\n$1\r\nab\r\n", "! a string that is longer than announced"},
        {"*65537\r\n", "! an array of too many values"},
        {"*1000000000\r\n", "! an array of too many values"},
        {"*2147483647\r\n", "! an array of too many values"},
        {"*2\r\n*65535\r\n", "! an array of too many values"},
        {"*1\r\n*1\r\n*1\r\n:1\r\n", "! arrays in arrays in an array"},
        {"*2\r\n+a\r\n!x\r\n", "! Protocol error, got \"!\" as reply type byte"},
    };
    for (int i = 0; i < COUNT(rows); i++)
        check_pieces(rows[i].bytes, rows[i].outcome);
}
END_TEST

/* The largest numbers that can be announced are waited for, or refused, but nothing is allocated. */
START_TEST(absurd_lengths_wait_for_the_limit)
{
    static const char *const heads[] = {"$9223372036854775807\r\n",
                                        "$9223372036854775806\r\n",
                                        "$4294967295\r\n",
                                        "*2\r\n$2147483647\r\n",
                                        "+",
                                        "*1\r\n-",
                                        ":",
                                        "$",
                                        "*"};
    for (int i = 0; i < COUNT(heads); i++) {
        struct buf bytes = {0}, out = {0};
        BUF_ADD(&bytes, "+before\r\n");
        buf_add(&bytes, text_of(heads[i]));
        while (buf_len(&bytes) < MAX + 9)
            buf_add_byte(&bytes, '1');
        read_pieces(buf_text(&bytes), 7, MAX, &out);
        ck_assert(text_is(buf_text(&out), "+before\n"));
        buf_add_byte(&bytes, '1');
        buf_clear(&out);
        read_pieces(buf_text(&bytes), 7, MAX, &out);
        ck_assert(text_is(buf_text(&out), "+before\n! a reply that is too long"));
        buf_free(&bytes);
        buf_free(&out);
    }
}
END_TEST

/* The limit is for each reply, not for all that is read at once. */
START_TEST(the_limit_is_exact)
{
    for (size_t n = MAX - 20; n < MAX; n++) {
        struct buf bytes = {0}, out = {0};
        for (int i = 0; i < 3; i++) {
            buf_printf(&bytes, "*1\r\n$%zu\r\n", n);
            memset(buf_reserve(&bytes, n), 'x', n);
            buf_commit(&bytes, n);
            BUF_ADD(&bytes, "\r\n");
        }
        bool fits = buf_len(&bytes) / 3 <= MAX;
        for (size_t piece = 1; piece <= buf_len(&bytes); piece += 97) {
            buf_clear(&out);
            read_pieces(buf_text(&bytes), piece, MAX, &out);
            ck_assert(fits == (buf_text(&out).p[0] == '['));
            ck_assert(fits ? buf_len(&out) == 3 * (n + 4) : text_is(buf_text(&out), "! a reply that is too long"));
        }
        buf_free(&bytes);
        buf_free(&out);
    }
}
END_TEST

START_TEST(large_values)
{
    static const size_t pieces[] = {1448, 16384, 65536, 4194304};
    struct buf bytes = {0};
    size_t n = 3000000;
    buf_printf(&bytes, "$%zu\r\n", n);
    for (size_t i = 0; i < n; i++)
        buf_add_byte(&bytes, (char)(i * 7 % 251));
    BUF_ADD(&bytes, "\r\n+after\r\n");
    for (int i = 0; i < COUNT(pieces); i++) {
        struct buf out = {0};
        read_pieces(buf_text(&bytes), pieces[i], 4000000, &out);
        ck_assert_uint_eq(buf_len(&out), 1 + n + 1 + 7);
        ck_assert_mem_eq(buf_text(&out).p + 1, buf_text(&bytes).p + 10, n);
        buf_free(&out);
    }
    buf_free(&bytes);
}
END_TEST

/* What was begun is freed with the reader. */
START_TEST(a_reader_is_freed_in_mid_reply)
{
    struct redis_reader *r = redis_reader_new(MAX);
    redis_reader_feed(r, TEXT("*3\r\n$1\r\na\r\n*2\r\n$1\r\nb\r\n$5\r\nab"));
    ck_assert_ptr_null(redis_reader_next(r));
    ck_assert_ptr_null(redis_reader_failure(r));
    redis_reader_free(r);
    redis_reader_free(NULL);
}
END_TEST

TEST_MAIN("redis_reply", good_replies, bad_replies, absurd_lengths_wait_for_the_limit, the_limit_is_exact, large_values,
          a_reader_is_freed_in_mid_reply)
