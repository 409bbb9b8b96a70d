/* curl.h - the only door to libcurl: HTTP requests away from the hot path.
 *
 * libcurl and the thirty libraries it brings double an idle gateway's memory, so it is opened (dlopen) with the first
 * request and not before. Everything runs on the loop that the door was made for.
 */
#ifndef DSGATE_NET_CURL_H
#define DSGATE_NET_CURL_H

#include "dsgate/net/loop.h"
#include <stdbool.h>
#include <stddef.h>

struct curl_door;
struct curl_get;

struct curl_options {
    const char *url;              /* http:// or https:// */
    const char *const *headers;   /* "Name: value", header_count of them */
    size_t header_count;
    const char *connect_to;       /* "host:port" to connect to instead; NULL = as in the URL */
    const char *unix_socket;      /* NULL = TCP */
    const char *ca_file, *cert_file, *key_file; /* PEM; NULL = default */
    bool insecure;                /* no verification */
    usec_t timeout;               /* total */
};

struct curl_result {
    unsigned status;              /* 0: no answer */
    char error[160];              /* then: why */
};

struct curl_door *curl_door_new(struct loop *loop);
void curl_door_free(struct curl_door *d); /* ends requests under way without their callbacks */

/* GET; the body is read and dropped (at most 1 MB), redirects are not followed, no proxy or .netrc is taken from the
 * environment. Everything is copied. `done` comes once, on the loop, never from inside. */
struct curl_get *curl_door_get(struct curl_door *d, const struct curl_options *o,
                               void (*done)(void *arg, const struct curl_result *result), void *arg);
void curl_door_cancel(struct curl_get *g);

#endif
