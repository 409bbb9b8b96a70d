/* tls.h - TLS 1.2+ contexts, and the TLS state of one connection; the only door to OpenSSL's SSL_*.
 *
 * Contexts are immutable once made, shared by all threads, and refcounted (a reload makes new ones while old
 * connections keep theirs). A struct tls belongs to the loop of its connection. Verification is on unless the config
 * says otherwise in so many words. Files are read when a context is made and not again; encrypted keys are refused.
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
    const char *ca_file;              /* PEM; NULL = the system's store (OpenSSL's, or SSL_CERT_FILE and _DIR) */
    const char *cert_file, *key_file; /* PEM client certificate; NULL = none, and a key that stands in cert_file */
    bool insecure;                    /* no verification of the peer */
};

/* NULL on failure, with a sentence that names the file in *error (no newline). Of ALPN's names (RFC 7301) only http/1.1
 * is offered and chosen; peers without ALPN, or with other names only, are taken to speak it. Client contexts keep the
 * last session of each of 64 server names for resumption. */
struct tls_ctx *tls_server_new(const struct tls_server_options *o, struct buf *error);
struct tls_ctx *tls_client_new(const struct tls_client_options *o, struct buf *error);
struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx); /* any thread */
void tls_ctx_unref(struct tls_ctx *ctx);          /* any thread; NULL is fine */

/* State for one descriptor, which stays the caller's; references ctx. server_name: SNI, verified against the
 * certificate (an IP address is verified as such, and not sent as SNI, RFC 6066 section 3); NULL on the server side.
 * Never NULL: a server name that can't be verified makes the handshake fail. */
struct tls *tls_new(struct tls_ctx *ctx, int fd, const char *server_name);
void tls_free(struct tls *t); /* sends nothing; NULL is fine */

enum tls_status {
    TLS_DONE,
    TLS_WANT_READ,  /* once the descriptor is readable, the same call again */
    TLS_WANT_WRITE, /* … writable … */
    TLS_CLOSED,     /* close_notify has come: the peer's clean end (a bare FIN is a failure) */
    TLS_FAILED      /* for good: of the calls below only tls_failure() and tls_met_plain_http() are left */
};

enum tls_status tls_handshake(struct tls *t); /* never TLS_CLOSED */
/* *n: in = size of the buffer, > 0; out = bytes moved (> 0 with TLS_DONE, else undefined). A write that wants something
 * must be offered the same bytes again (perhaps elsewhere in memory) before any others. */
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
