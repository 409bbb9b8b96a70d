#include "base64.h"

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct buf *out, struct text bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    char *to = buf_reserve(out, (bytes.n + 2) / 3 * 4);
    size_t length = 0;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        unsigned group = (unsigned)p[i] << 16 | (left > 1 ? (unsigned)p[i + 1] << 8 : 0) | (left > 2 ? p[i + 2] : 0);
        to[length++] = digits[group >> 18];
        to[length++] = digits[group >> 12 & 63];
        to[length++] = left > 1 ? digits[group >> 6 & 63] : '=';
        to[length++] = left > 2 ? digits[group & 63] : '=';
    }
    buf_commit(out, length);
}
