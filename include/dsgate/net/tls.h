/* tls.h - TLS 1.2+ contexts and sessions; with conn.c the only place that knows OpenSSL's SSL_*.
 *
 * Contexts are immutable once made, shared by all threads, and refcounted (a reload makes new ones while old
 * connections keep theirs). Verification is on unless the config says otherwise in so many words.
 */
#ifndef DSGATE_NET_TLS_H
#define DSGATE_NET_TLS_H

#include "dsgate/base/buf.h"
#include <stdbool.h>

struct tls_ctx;
struct tls; /* one connection's TLS state */

struct tls_server_options {
    const char *cert_file, *key_file; /* PEM; required */
    const char *client_ca_file;       /* PEM; when set, clients must show a certificate that it signed */
};

struct tls_client_options {
    const char *ca_file;              /* PEM; NULL = the system's store */
    const char *cert_file, *key_file; /* PEM client certificate; NULL = none */
    bool insecure;                    /* no verification of the peer */
};

/* NULL on failure, with a sentence that names the file in *error. ALPN offers and accepts http/1.1 only. Client
 * contexts keep sessions per server name for resumption. */
struct tls_ctx *tls_server_new(const struct tls_server_options *o, struct buf *error);
struct tls_ctx *tls_client_new(const struct tls_client_options *o, struct buf *error);
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx); /* any thread */
void tls_ctx_unref(struct tls_ctx *ctx);          /* any thread; NULL is fine */

/* State for one descriptor. server_name: SNI, verified against the certificate (an IP address is verified as such, and
 * not sent as SNI, RFC 6066 section 3); NULL on the server side. */
struct tls *tls_new(struct tls_ctx *ctx, int fd, const char *server_name);
void tls_free(struct tls *t);

enum tls_status { TLS_DONE, TLS_WANT_READ, TLS_WANT_WRITE, TLS_CLOSED, TLS_FAILED };

enum tls_status tls_handshake(struct tls *t);
/* *n: in = size of the buffer, out = bytes moved (> 0 with TLS_DONE). */
enum tls_status tls_read(struct tls *t, void *p, size_t *n);
enum tls_status tls_write(struct tls *t, const void *p, size_t *n);
/* Whether bytes have been taken from the socket that tls_read() has not given yet (perhaps half a record only). */
bool tls_pending(const struct tls *t);
/* Sends close_notify if that is possible at once. */
void tls_shutdown(struct tls *t);

/* Why the last call failed, in words ("certificate has expired", …); valid until the next call. */
const char *tls_failure(const struct tls *t);
/* On the server side: tls_handshake() failed because the peer speaks plain HTTP. */
bool tls_met_plain_http(const struct tls *t);
bool tls_resumed(const struct tls *t);

#endif
