/* http_write.c - heads as bytes. Nothing is checked here: what comes from outside has been through the parser, or
 * through http_value_is_clean().
 */
#include "http_private.h"

/* The status codes that dsgate or its upstreams use; others go without words. */
#define REASONS(X)                                                                                                     \
    X(100, "Continue")                                                                                                 \
    X(101, "Switching Protocols")                                                                                      \
    X(200, "OK")                                                                                                       \
    X(201, "Created")                                                                                                  \
    X(202, "Accepted")                                                                                                 \
    X(203, "Non-Authoritative Information")                                                                            \
    X(204, "No Content")                                                                                               \
    X(205, "Reset Content")                                                                                            \
    X(206, "Partial Content")                                                                                          \
    X(300, "Multiple Choices")                                                                                         \
    X(301, "Moved Permanently")                                                                                        \
    X(302, "Found")                                                                                                    \
    X(303, "See Other")                                                                                                \
    X(304, "Not Modified")                                                                                             \
    X(307, "Temporary Redirect")                                                                                       \
    X(308, "Permanent Redirect")                                                                                       \
    X(400, "Bad Request")                                                                                              \
    X(401, "Unauthorized")                                                                                             \
    X(402, "Payment Required")                                                                                         \
    X(403, "Forbidden")                                                                                                \
    X(404, "Not Found")                                                                                                \
    X(405, "Method Not Allowed")                                                                                       \
    X(406, "Not Acceptable")                                                                                           \
    X(407, "Proxy Authentication Required")                                                                            \
    X(408, "Request Timeout")                                                                                          \
    X(409, "Conflict")                                                                                                 \
    X(410, "Gone")                                                                                                     \
    X(411, "Length Required")                                                                                          \
    X(412, "Precondition Failed")                                                                                      \
    X(413, "Content Too Large")                                                                                        \
    X(414, "URI Too Long")                                                                                             \
    X(415, "Unsupported Media Type")                                                                                   \
    X(416, "Range Not Satisfiable")                                                                                    \
    X(417, "Expectation Failed")                                                                                       \
    X(421, "Misdirected Request")                                                                                      \
    X(422, "Unprocessable Content")                                                                                    \
    X(424, "Failed Dependency")                                                                                        \
    X(425, "Too Early")                                                                                                \
    X(426, "Upgrade Required")                                                                                         \
    X(428, "Precondition Required")                                                                                    \
    X(429, "Too Many Requests")                                                                                        \
    X(431, "Request Header Fields Too Large")                                                                          \
    X(451, "Unavailable For Legal Reasons")                                                                            \
    X(500, "Internal Server Error")                                                                                    \
    X(501, "Not Implemented")                                                                                          \
    X(502, "Bad Gateway")                                                                                              \
    X(503, "Service Unavailable")                                                                                      \
    X(504, "Gateway Timeout")                                                                                          \
    X(505, "HTTP Version Not Supported")                                                                               \
    X(507, "Insufficient Storage")

const char *http_reason(unsigned status)
{
    switch (status) {
#define X(code, text)                                                                                                  \
    case code: return text;
        REASONS(X)
#undef X
    default: return "";
    }
}

static char *put(char *to, struct text t)
{
    if (t.n) memcpy(to, t.p, t.n);
    return to + t.n;
}

void http_put_status(struct buf *b, unsigned status)
{
    struct text reason = text_of(http_reason(status));
    char *start = buf_reserve(b, reason.n + 15), *p = put(start, TEXT("HTTP/1.1 "));
    *p++ = (char)('0' + status / 100 % 10);
    *p++ = (char)('0' + status / 10 % 10);
    *p++ = (char)('0' + status % 10);
    *p++ = ' ';
    p = put(put(p, reason), TEXT("\r\n"));
    buf_commit(b, (size_t)(p - start));
}

void http_put_request(struct buf *b, struct text method, struct text target)
{
    char *start = buf_reserve(b, method.n + target.n + 12), *p = put(start, method);
    *p++ = ' ';
    p = put(put(p, target), TEXT(" HTTP/1.1\r\n"));
    buf_commit(b, (size_t)(p - start));
}

void http_put(struct buf *b, struct text name, struct text value)
{
    char *start = buf_reserve(b, name.n + value.n + 4), *p = put(put(start, name), TEXT(": "));
    p = put(put(p, value), TEXT("\r\n"));
    buf_commit(b, (size_t)(p - start));
}

void http_put_u64(struct buf *b, struct text name, uint64_t value)
{
    buf_add(b, name);
    BUF_ADD(b, ": ");
    buf_add_u64(b, value);
    BUF_ADD(b, "\r\n");
}

void http_put_end(struct buf *b) { BUF_ADD(b, "\r\n"); }

bool http_value_is_clean(struct text value)
{
    if (value.n == 0) return true;
    const char *p = value.p, *end = value.p + value.n;
    while ((p = http_find_control(p, end)) < end && *p == '\t')
        p++;
    return p == end;
}

size_t http_chunk_size(char out[static 18], size_t n)
{
    unsigned digits = n ? (67u - (unsigned)__builtin_clzll(n)) / 4 : 1;
    for (unsigned i = digits; i-- > 0; n >>= 4)
        out[i] = "0123456789abcdef"[n & 15];
    memcpy(out + digits, "\r\n", 2);
    return digits + 2;
}
