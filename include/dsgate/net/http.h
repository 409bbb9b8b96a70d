/* http.h - HTTP/1.1 as bytes: one strict parser and one writer for both sides (RFC 9110, RFC 9112).
 *
 * The parser is pure: it looks at bytes and says what they are. Whatever two programs could read differently is
 * refused, since that is how requests are smuggled: both Content-Length and Transfer-Encoding, repeated or signed or
 * non-digit lengths, bare LF or CR, obs-fold, white space before the colon, NUL and other control bytes, transfer
 * codings other than exactly "chunked", chunk sizes that are not pure hex, and so on.
 *
 * A head is one flat record: fields are offsets into the head's bytes, so it can be copied with its bytes and re-based.
 */
#ifndef DSGATE_NET_HTTP_H
#define DSGATE_NET_HTTP_H

#include "dsgate/base/buf.h"

/* Fields that some code looks for; the parser recognises them once. */
#define HTTP_NAMES(X) \
    X(HTTP_OTHER, "") \
    X(HTTP_ACCEPT, "accept") \
    X(HTTP_ACCEPT_ENCODING, "accept-encoding") \
    X(HTTP_API_KEY, "api-key") \
    X(HTTP_AUTHORIZATION, "authorization") \
    X(HTTP_CACHE_CONTROL, "cache-control") \
    X(HTTP_CONNECTION, "connection") \
    X(HTTP_CONTENT_ENCODING, "content-encoding") \
    X(HTTP_CONTENT_LENGTH, "content-length") \
    X(HTTP_CONTENT_TYPE, "content-type") \
    X(HTTP_DATE, "date") \
    X(HTTP_EXPECT, "expect") \
    X(HTTP_HOST, "host") \
    X(HTTP_IDEMPOTENCY_KEY, "idempotency-key") \
    X(HTTP_KEEP_ALIVE, "keep-alive") \
    X(HTTP_PROXY_AUTHENTICATE, "proxy-authenticate") \
    X(HTTP_PROXY_AUTHORIZATION, "proxy-authorization") \
    X(HTTP_PROXY_CONNECTION, "proxy-connection") \
    X(HTTP_RETRY_AFTER, "retry-after") \
    X(HTTP_SERVER, "server") \
    X(HTTP_TE, "te") \
    X(HTTP_TRACEPARENT, "traceparent") \
    X(HTTP_TRAILER, "trailer") \
    X(HTTP_TRANSFER_ENCODING, "transfer-encoding") \
    X(HTTP_UPGRADE, "upgrade") \
    X(HTTP_X_API_KEY, "x-api-key") \
    X(HTTP_X_REQUEST_ID, "x-request-id") \
    X(HTTP_X_STAINLESS_TIMEOUT, "x-stainless-timeout")

enum http_name {
#define X(id, name) id,
    HTTP_NAMES(X)
#undef X
        HTTP_NAME_COUNT
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_METHOD_OTHER };

/* How the end of the body is found. */
enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_field {
    uint32_t name, value; /* offsets from http_head.base */
    uint32_t value_length;
    uint16_t name_length;
    uint16_t id; /* enum http_name */
    bool hop;    /* never forwarded, see below */
};

/* Hop-by-hop is what RFC 9110 section 7.6.1 lists, Proxy-Authenticate, Proxy-Authorization and Trailer of the older
 * lists, Expect (dsgate waits for the body itself), and what Connection names. Naming a field there makes the next hop
 * lose it, so Connection has no say over credentials (Authorization, X-Api-Key, Api-Key), Host and what says how to
 * read the body (Content-Length, -Type, -Encoding). */

#define HTTP_FIELDS_MAX 128 /* hard limit; limits.header_count may be lower */

struct http_head {
    const char *base;      /* first byte of the head */
    uint32_t length;       /* of the head, empty line included */
    uint8_t minor;         /* HTTP/1.minor: 0 or 1 */
    bool keep_alive;       /* the connection may serve another message */
    bool expect_continue;
    enum http_framing framing;
    uint64_t content_length; /* with HTTP_LENGTH; also of the answer to a HEAD request, whose framing is HTTP_NO_BODY */
    /* requests */
    enum http_method method;
    struct text method_text, target; /* re-based by http_head_copy() */
    struct text path, query;         /* of origin-form and absolute-form targets, none of "*"; query without '?' */
    /* answers */
    unsigned status;
    struct text reason;
    unsigned field_count;
    struct http_field fields[HTTP_FIELDS_MAX];
};

static inline struct text http_field_name(const struct http_head *h, const struct http_field *f)
{
    return text_make(h->base + f->name, f->name_length);
}
static inline struct text http_field_value(const struct http_head *h, const struct http_field *f)
{
    return text_make(h->base + f->value, f->value_length);
}

/* The first field of that name, NULL if absent. The second form is for names without an id (lower case). */
const struct http_field *http_find(const struct http_head *h, enum http_name id);
const struct http_field *http_find_named(const struct http_head *h, struct text lower_name);
/* Its value, or TEXT_NONE. */
struct text http_value(const struct http_head *h, enum http_name id);

/* Bytes that a copy of the head needs when only its used fields are kept. */
size_t http_head_size(const struct http_head *h);
/* Copies the head without its unused fields to `to` (http_head_size() bytes) and points it at new_base, where the same
 * head bytes stand. */
void http_head_copy(struct http_head *to, const struct http_head *from, const char *new_base);

/* ---- reading ---- */

#define HTTP_ERRORS(X) \
    X(HTTP_FINE, "fine", 200, "") \
    X(HTTP_BAD_REQUEST_LINE, "bad_request_line", 400, "the request line is not METHOD SP target SP HTTP/1.1") \
    X(HTTP_BAD_STATUS_LINE, "bad_status_line", 502, "the status line is not HTTP/1.x SP 3 digits") \
    X(HTTP_BAD_VERSION, "bad_version", 505, "only HTTP/1.0 and HTTP/1.1 are spoken here") \
    X(HTTP_BAD_TARGET, "bad_target", 400, "the request target is not a valid path") \
    X(HTTP_BAD_FIELD, "bad_field", 400, "a header line is malformed") \
    X(HTTP_BAD_LINE_END, "bad_line_end", 400, "a line does not end in CR LF") \
    X(HTTP_BAD_BYTE, "bad_byte", 400, "a control byte stands in the head") \
    X(HTTP_BAD_HOST, "bad_host", 400, "exactly one valid Host header is required") \
    X(HTTP_BAD_LENGTH, "bad_length", 400, "Content-Length is not one plain number") \
    X(HTTP_AMBIGUOUS_FRAMING, "ambiguous_framing", 400, "the body's length is given twice or in two ways") \
    X(HTTP_BAD_CODING, "bad_coding", 501, "a transfer coding other than chunked") \
    X(HTTP_BAD_CHUNK, "bad_chunk", 400, "the chunked body is malformed or has too long extensions") \
    X(HTTP_BAD_EXPECT, "bad_expect", 417, "an expectation other than 100-continue") \
    X(HTTP_LINE_TOO_LONG, "line_too_long", 414, "the first line is longer than allowed") \
    X(HTTP_HEAD_TOO_LARGE, "head_too_large", 431, "the headers or trailers are larger than allowed") \
    X(HTTP_TOO_MANY_FIELDS, "too_many_fields", 431, "there are more header lines than allowed") \
    X(HTTP_BODY_TOO_LARGE, "body_too_large", 413, "the body is larger than allowed") \
    X(HTTP_TIMEOUT, "timeout", 408, "the request did not arrive in time") \
    X(HTTP_NO_ROOM, "no_room", 503, "other requests fill the memory that is set aside for bodies")

enum http_error {
#define X(id, name, status, text) id,
    HTTP_ERRORS(X)
#undef X
        HTTP_ERROR_COUNT
};

unsigned http_error_status(enum http_error e); /* what a server answers */
const char *http_error_text(enum http_error e);
const char *http_error_name(enum http_error e); /* "bad_chunk" */

struct http_limits {
    uint32_t line;   /* request or status line, bytes */
    uint32_t head;   /* whole head, bytes */
    uint32_t fields; /* <= HTTP_FIELDS_MAX */
    uint64_t body;   /* declared or received, bytes */
};

enum http_parse { HTTP_PARSE_MORE, HTTP_PARSE_DONE, HTTP_PARSE_BAD };

/* Parses the head at the start of `in`. MORE: it is not complete, not yet over a limit, and its bytes and line ends are
 * fine; what the lines say is judged when all are there. So the verdict does not depend on how the bytes were cut.
 * *scanned is the caller's: 0 at first, it remembers how far the search for the empty line got, so that slow senders
 * cost linear time; `in` may have moved or grown since, its first bytes are the same. BAD sets *error. With DONE the
 * head points into `in` (length = where the body begins). A request with a declared length above limits->body, or an
 * answer whose body would have one, is BODY_TOO_LARGE here. One leading empty line before a request is skipped by
 * servers (RFC 9112 section 2.2) before calling this. */
enum http_parse http_parse_request(struct text in, const struct http_limits *limits, size_t *scanned,
                                   struct http_head *head, enum http_error *error);
/* to_head: the answer is to a HEAD request. 1xx answers are returned like any other (framing HTTP_NO_BODY). */
enum http_parse http_parse_answer(struct text in, const struct http_limits *limits, size_t *scanned, bool to_head,
                                  struct http_head *head, enum http_error *error);

/* The body, taken apart in place. */
struct http_body {
    enum http_framing framing;
    uint64_t left;       /* of the length or of the current chunk */
    uint64_t received;   /* payload bytes so far */
    uint64_t limit;      /* HTTP_BODY_TOO_LARGE above it */
    uint64_t extensions; /* bytes of chunk extensions so far */
    uint32_t line;       /* bytes so far of the current size line or of the trailer section */
    uint8_t state;
    bool done;
};

void http_body_init(struct http_body *b, const struct http_head *head, uint64_t limit);

/* Takes n wire bytes at `p`, moves their payload together at the front of `p` and sets *payload to its length and *used
 * to the wire bytes that belong to this body (less than n only when b->done: the rest is the next message). Trailers
 * are checked and dropped, chunk extensions ignored; both are bounded. HTTP_FINE or what is wrong; then *payload counts
 * what was fine before, and the body must not be fed again. */
enum http_error http_body_feed(struct http_body *b, char *p, size_t n, size_t *payload, size_t *used);

/* ---- writing: each appends to a buffer that becomes a head ---- */

const char *http_reason(unsigned status);
const char *http_method_name(enum http_method m);
void http_put_status(struct buf *b, unsigned status);
void http_put_request(struct buf *b, struct text method, struct text target);
/* The caller vouches for literals; values that come from outside go through http_value_is_clean() first. */
void http_put(struct buf *b, struct text name, struct text value);
void http_put_u64(struct buf *b, struct text name, uint64_t value);
void http_put_end(struct buf *b);
/* No CR, LF, NUL or other control byte but tab (RFC 9110 section 5.5). */
bool http_value_is_clean(struct text value);

/* "1f4\r\n" into out (at most 18 bytes); returns the length. */
size_t http_chunk_size(char out[static 18], size_t n);

#endif
