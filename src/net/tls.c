/* One connection's TLS. OpenSSL's error queue belongs to the thread, not to the connection, and a leftover in it turns
 * a later "try again" of another connection into a failure: so it is emptied before every call. */
#include "dsgate/base/log.h"
#include "dsgate/base/mem.h"
#include "tls_private.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- set-up ---- */

static bool verify_as(SSL *ssl, const char *name)
{
    X509_VERIFY_PARAM *rules = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(rules, name) == 1) return true;
    return name[0] != '\0' && X509_VERIFY_PARAM_set1_host(rules, name, 0) == 1 &&
           SSL_set_tlsext_host_name(ssl, name) == 1;
}

static void set_up_client(struct tls *t, const char *server_name)
{
    SSL_set_connect_state(t->ssl);
    t->server_name = mem_strdup(server_name ? server_name : "");
    t->unusable = !verify_as(t->ssl, t->server_name);
    SSL_SESSION *session = tls_sessions_get(t->ctx->sessions, t->server_name);
    if (!session) return;
    SSL_set_session(t->ssl, session);
    SSL_SESSION_free(session);
}

/* Out of memory ends the process as everywhere (base/mem.h): going on without TLS is not an answer. */
struct tls *tls_new(struct tls_ctx *ctx, int fd, const char *server_name)
{
    struct tls *t = MEM_NEW(struct tls);
    t->ctx = tls_ctx_ref(ctx);
    ERR_clear_error();
    t->ssl = SSL_new(ctx->ssl_ctx);
    if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1) {
        log_error("cannot make a TLS connection: %s", tls_error_words("out of memory"));
        abort();
    }
    SSL_set_app_data(t->ssl, t);
    if (ctx->sessions)
        set_up_client(t, server_name);
    else
        SSL_set_accept_state(t->ssl);
    return t;
}

void tls_free(struct tls *t)
{
    if (!t) return;
    SSL_free(t->ssl);
    tls_ctx_unref(t->ctx);
    mem_free(t->server_name);
    mem_free(t);
}

/* ---- outcomes ---- */

static const char *failure_words(const struct tls *t, int kind, int system_error)
{
    long verified = SSL_get_verify_mode(t->ssl) & SSL_VERIFY_PEER ? SSL_get_verify_result(t->ssl) : X509_V_OK;
    if (verified != X509_V_OK && !SSL_is_init_finished(t->ssl)) return X509_verify_cert_error_string(verified);
    if (kind == SSL_ERROR_SYSCALL && system_error) return strerror(system_error);
    return tls_error_words("the peer closed the connection");
}

static enum tls_status fail(struct tls *t, const char *words)
{
    snprintf(t->failure, sizeof t->failure, "%s", words);
    return TLS_FAILED;
}

static enum tls_status status_of(struct tls *t, int result)
{
    if (result == 1) return TLS_DONE;
    int system_error = errno, kind = SSL_get_error(t->ssl, result);
    switch (kind) {
    case SSL_ERROR_WANT_READ: return TLS_WANT_READ;
    case SSL_ERROR_WANT_WRITE: return TLS_WANT_WRITE;
    case SSL_ERROR_ZERO_RETURN: return TLS_CLOSED;
    default: break;
    }
    unsigned long error = ERR_peek_error();
    bool plain_http = ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == SSL_R_HTTP_REQUEST;
    t->plain_http = plain_http && !t->server_name;
    return fail(t, failure_words(t, kind, system_error));
}

static void begin(void)
{
    ERR_clear_error();
    errno = 0;
}

/* ---- calls ---- */

enum tls_status tls_handshake(struct tls *t)
{
    if (t->unusable) return fail(t, "the server name is none that a certificate can be checked for");
    begin();
    enum tls_status status = status_of(t, SSL_do_handshake(t->ssl));
    return status == TLS_CLOSED ? fail(t, "the peer closed the connection") : status;
}

enum tls_status tls_read(struct tls *t, void *p, size_t *n)
{
    begin();
    return status_of(t, SSL_read_ex(t->ssl, p, *n, n));
}

enum tls_status tls_write(struct tls *t, const void *p, size_t *n)
{
    begin();
    return status_of(t, SSL_write_ex(t->ssl, p, *n, n));
}

bool tls_pending(const struct tls *t) { return SSL_has_pending(t->ssl); }

void tls_shutdown(struct tls *t)
{
    begin();
    SSL_shutdown(t->ssl);
}

const char *tls_failure(const struct tls *t) { return t->failure; }
bool tls_met_plain_http(const struct tls *t) { return t->plain_http; }
bool tls_resumed(const struct tls *t) { return SSL_session_reused(t->ssl); }
