/* http_private.h - what the files of the HTTP parser share. */
#ifndef DSGATE_SRC_NET_HTTP_PRIVATE_H
#define DSGATE_SRC_NET_HTTP_PRIVATE_H

#include "dsgate/net/http.h"

/* ---- bytes: http_bytes.c ---- */

enum http_class {
    HTTP_IN_TOKEN = 1,  /* RFC 9110 section 5.6.2 */
    HTTP_IN_TARGET = 2, /* printable ASCII but the fragment's '#', which never travels */
    HTTP_IN_HOST = 4    /* of a name or an IPv4 address */
};
extern const uint8_t http_classes[256];

static inline bool http_is(char c, enum http_class class) { return http_classes[(unsigned char)c] & class; }

/* All bytes are of that class; true for the empty text. */
bool http_all(struct text t, enum http_class class);

/* The first control byte (HTAB and DEL included) in [p, end), or end. */
const char *http_find_control(const char *p, const char *end);

/* ---- names: http_names.c ---- */

enum http_name http_name_id(struct text name);
enum http_method http_method_id(struct text name);

/* ---- the parser's stages ---- */

/* http_scan.c: looks on from *scanned for the end of the head. HTTP_FINE with *length 0: not there yet. Afterwards
 * every line of [in.p, in.p + *length) ends in CR LF, and there is no other control byte but HTAB. */
enum http_error http_find_end(struct text in, const struct http_limits *limits, size_t *scanned, size_t *length);

/* http_start.c: the first line, without its CR LF. */
enum http_error http_read_request_line(struct http_head *head, struct text line);
enum http_error http_read_status_line(struct http_head *head, struct text line);

/* A host with an optional port, as in Host and in absolute-form targets. */
bool http_is_authority(struct text t);

/* Which of the known fields are there, once or more than once. */
struct http_seen {
    uint64_t present, repeated; /* bit sets: 1 << enum http_name */
    uint8_t first[HTTP_NAME_COUNT];
};
_Static_assert(HTTP_NAME_COUNT <= 64 && HTTP_FIELDS_MAX <= 256, "struct http_seen");

#define HTTP_BIT(id) ((uint64_t)1 << (id))

/* Fields that end at this hop whatever Connection says. */
#define HTTP_HOP_NAMES                                                                                                 \
    (HTTP_BIT(HTTP_CONNECTION) | HTTP_BIT(HTTP_KEEP_ALIVE) | HTTP_BIT(HTTP_PROXY_AUTHENTICATE) |                       \
     HTTP_BIT(HTTP_PROXY_AUTHORIZATION) | HTTP_BIT(HTTP_PROXY_CONNECTION) | HTTP_BIT(HTTP_TE) |                        \
     HTTP_BIT(HTTP_TRAILER) | HTTP_BIT(HTTP_TRANSFER_ENCODING) | HTTP_BIT(HTTP_UPGRADE) | HTTP_BIT(HTTP_EXPECT))

/* http_framing.c: what the fields mean for the connection and the body. */
enum http_error http_judge_request(struct http_head *head, const struct http_seen *seen,
                                   const struct http_limits *limits);
enum http_error http_judge_answer(struct http_head *head, const struct http_seen *seen,
                                  const struct http_limits *limits, bool to_head);

#endif
