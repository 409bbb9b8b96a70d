/* chat_test.h - what the tests of changed request bodies share. */
#ifndef DSGATE_TESTS_CHAT_TEST_H
#define DSGATE_TESTS_CHAT_TEST_H

#include "../suite.h"
#include "dsgate/llm/chat_edit.h"

#define CHAT "/v1/chat/completions"
#define FIM  "/beta/completions"
#define HEAD "{\"model\":\"m\",\"messages\":["
#define USER "{\"role\":\"user\",\"content\":\"?\"}"

static inline struct chat_request read_chat(const char *path, const char *body)
{
    struct chat_request r;
    struct buf message = {0};
    const char *param;
    enum chat_error error = chat_read(&r, endpoint_find(text_of(path)), text_of(body), &message, &param);
    ck_assert_msg(error == CHAT_FINE, "%s: " TEXT_FORMAT, body, TEXT_ARGS(buf_text(&message)));
    return r;
}

static inline int count_pieces(const struct chat_request *r, const struct chat_changes *c, struct buf *out)
{
    struct buf extra = {0};
    struct iovec iov[CHAT_PIECES];
    size_t total;
    BUF_ADD(&extra, "already here");
    int n = chat_pieces(r, c, &extra, iov, &total);
    ck_assert_int_le(n, CHAT_PIECES);
    for (int i = 0; i < n; i++)
        buf_append(out, iov[i].iov_base, iov[i].iov_len);
    if (n) ck_assert_uint_eq(total, buf_len(out));
    buf_free(&extra);
    return n;
}

/* `expected` NULL: it can't be done. */
static inline void check(const char *path, const char *body, const struct chat_changes *c, const char *expected)
{
    struct chat_request r = read_chat(path, body);
    struct buf out = {0};
    int n = count_pieces(&r, c, &out);
    ck_assert_msg((n > 0) == (expected != NULL), "%s: %d pieces", body, n);
    ck_assert_msg(!expected || text_is(buf_text(&out), expected), "%s becomes " TEXT_FORMAT, body,
                  TEXT_ARGS(buf_text(&out)));
    buf_free(&out);
}

static inline void speak(struct transcript *t, enum endpoint_family family, const char *content, const char *reasoning)
{
    *t = (struct transcript){.family = family};
    buf_add(&t->texts[TRANSCRIPT_CONTENT], text_of(content));
    buf_add(&t->texts[TRANSCRIPT_REASONING], text_of(reasoning));
    t->tokens[TRANSCRIPT_CONTENT] = 3;
    t->tokens[TRANSCRIPT_REASONING] = 4;
}

static inline void forget(struct transcript *t)
{
    buf_free(&t->texts[TRANSCRIPT_CONTENT]);
    buf_free(&t->texts[TRANSCRIPT_REASONING]);
}

#endif
