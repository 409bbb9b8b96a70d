/* The first byte chooses the cuts. Replies are read once whole and once in pieces: the same ones, and none that is
 * longer or larger than it may be. */
#include "../../src/net/redis_reply.h"
#include <stdlib.h>

enum { LIMIT = 4096 };

static void put_reply(struct buf *out, const struct redis_reply *reply, unsigned depth)
{
    if (depth > 2 || reply->count > REDIS_ITEMS_MAX || reply->text.n > LIMIT) abort();
    buf_printf(out, "%d %lld %zu %zu:", reply->type, reply->integer, reply->count, reply->text.n);
    buf_add(out, reply->text);
    for (size_t i = 0; i < reply->count; i++)
        put_reply(out, &reply->items[i], depth + 1);
}

/* Each piece lies alone in memory, so that the sanitizer sees every byte read outside. */
static void feed(struct redis_reader *r, struct text piece, struct buf *out)
{
    char *alone = malloc(piece.n);
    memcpy(alone, piece.p, piece.n);
    redis_reader_feed(r, text_make(alone, piece.n));
    free(alone);
    for (struct redis_reply *reply; (reply = redis_reader_next(r));) {
        put_reply(out, reply, 0);
        redis_reply_free(reply);
    }
}

static void read_stream(struct text stream, size_t step, struct buf *out)
{
    struct redis_reader *r = redis_reader_new(LIMIT);
    for (size_t at = 0; at < stream.n; at += step)
        feed(r, text_make(stream.p + at, stream.n - at < step ? stream.n - at : step), out);
    if (redis_reader_failure(r)) buf_add_byte(out, '!');
    redis_reader_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    struct text stream = text_make((const char *)data + 1, size - 1);
    struct buf whole = {0}, cut = {0};
    read_stream(stream, stream.n, &whole);
    read_stream(stream, 1 + data[0] % 64, &cut);
    if (!text_eq(buf_text(&whole), buf_text(&cut))) abort();
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
