/* curl.h - the only door to libcurl: HTTP requests away from the hot path.
 *
 * libcurl and the thirty libraries it brings double an idle gateway's memory, so it is opened (dlopen) with the first
 * request and not before. Without it each request fails, and says so. Everything runs on the loop that the door was
 * made for; only names are looked up on threads of libcurl's own.
 */
#ifndef DSGATE_NET_CURL_H
#define DSGATE_NET_CURL_H

#include "dsgate/base/text.h"
#include "dsgate/net/loop.h"

struct curl_door;
struct curl_get;

struct curl_options {
    const char *url;              /* http:// or https://; its host is what the certificate must be for */
    const char *connect_to;       /* where to connect: "host:port", "[v6]:port" or "unix:/path" */
    struct text fields;           /* "name: value\r\n"…, as http_put() writes them */
    const char *ca_file;          /* PEM; alone is trusted then. NULL = the system's store, found as OpenSSL does */
    const char *cert_file, *key_file; /* PEM; NULL = no client certificate, a key that stands in cert_file */
    bool insecure;                /* no verification of the peer */
    usec_t timeout;               /* total, names and all; at least a millisecond */
};

struct curl_result {
    bool connected;               /* TCP, or the Unix socket: whatever came of it then */
    unsigned status;              /* 0: no answer */
    char error[160];              /* then: why */
};

struct curl_door *curl_door_new(struct loop *loop);
void curl_door_free(struct curl_door *d); /* ends requests under way without their callbacks */

/* GET over a connection of its own, HTTP/1.1; the body is read and dropped (at most 1 MB), redirects are not followed,
 * no proxy or .netrc is taken from the environment. An answer counts from its head on, even if it breaks later.
 * Everything is copied. `done` comes once, never from inside; the request is gone by then. */
struct curl_get *curl_door_get(struct curl_door *d, const struct curl_options *o,
                               void (*done)(void *arg, const struct curl_result *result), void *arg);
void curl_door_cancel(struct curl_get *g); /* without `done`, which must not have come yet */

#endif
