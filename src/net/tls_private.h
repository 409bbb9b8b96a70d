/* tls_private.h - between tls_ctx.c (certificates and rules), tls_sessions.c (resumption) and tls.c (one connection).
 */
#ifndef DSGATE_NET_TLS_PRIVATE_H
#define DSGATE_NET_TLS_PRIVATE_H

#include "dsgate/net/tls.h"
#include <openssl/ssl.h>
#include <stdatomic.h>

struct tls_sessions;

struct tls_ctx {
    atomic_uint refs;
    SSL_CTX *ssl_ctx;
    struct tls_sessions *sessions; /* NULL on the server side */
};

struct tls {
    SSL *ssl;
    struct tls_ctx *ctx;
    char *server_name; /* NULL on the server side */
    bool unusable;     /* the server name can't be verified; the handshake must fail */
    bool plain_http;   /* see tls_met_plain_http() */
    char failure[256];
};

/* The last session with each server, any thread. */
struct tls_sessions *tls_sessions_new(void);
void tls_sessions_free(struct tls_sessions *s);                                        /* NULL is fine */
void tls_sessions_put(struct tls_sessions *s, const char *name, SSL_SESSION *session); /* takes over the reference */
SSL_SESSION *tls_sessions_get(struct tls_sessions *s, const char *name);               /* a reference, or NULL */

/* The words for the oldest entry of OpenSSL's error queue, which is the cause of the later ones, or `otherwise` when it
 * is empty. The queue is emptied. */
const char *tls_error_words(const char *otherwise);

#endif
