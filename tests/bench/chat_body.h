/* chat_body.h - bodies of chat requests to measure with. */
#ifndef DSGATE_TESTS_CHAT_BODY_H
#define DSGATE_TESTS_CHAT_BODY_H

#include "dsgate/base/buf.h"

/* Messages of about 1500 bytes, then the other members, as SDKs send them. */
static inline void chat_body(struct buf *body, struct text content, size_t size)
{
    const struct text tail =
        TEXT("],\"model\":\"deepseek-chat\",\"max_tokens\":512,\"temperature\":0.7,\"stream\":false}");
    size_t left = size - tail.n;
    buf_clear(body);
    BUF_ADD(body, "{\"messages\":[{\"role\":\"system\",\"content\":\"You are a helpful assistant.\"}");
    while (buf_len(body) + 200 + content.n < left) {
        size_t end = buf_len(body) + 1500 < left ? buf_len(body) + 1500 : left;
        BUF_ADD(body, ",{\"role\":\"user\",\"content\":\"");
        while (buf_len(body) + content.n < end)
            buf_add(body, content);
        BUF_ADD(body, "\"}");
    }
    buf_add(body, tail);
}

#endif
