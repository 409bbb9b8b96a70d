/* Contexts: what is asked of a peer, and what we show it. The rules are strict and the same for both sides; what goes
 * wrong with a file is told with its name, because people read it. */
#include "dsgate/base/mem.h"
#include "tls_private.h"
#include <dirent.h>
#include <openssl/err.h>
#include <openssl/pem.h>

static const unsigned char alpn[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

const char *tls_error_words(const char *otherwise)
{
    unsigned long error = ERR_peek_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(error)) return strerror((int)ERR_GET_REASON(error));
    const char *words = ERR_reason_error_string(error);
    return error && words ? words : otherwise;
}

/* ---- rules ---- */

/* OpenSSL would ask for it on the terminal, where nobody is. */
static int refuse_passphrase(char *out, int size, int writing, void *arg)
{
    ERR_raise(ERR_LIB_PEM, PEM_R_BAD_PASSWORD_READ);
    return -1;
}

/* Renegotiation is refused: it would let a peer make reads wait for writes at any time. A connection that ends without
 * close_notify stays an error (SSL_OP_IGNORE_UNEXPECTED_EOF is not set): an attacker can cut an answer short that way.
 */
static SSL_CTX *new_ssl_ctx(const SSL_METHOD *method)
{
    SSL_CTX *c = SSL_CTX_new(method);
    if (!c) return NULL;
    SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION);
    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(c, 1);
    SSL_CTX_set_default_passwd_cb(c, refuse_passphrase);
    return c;
}

/* Answers http/1.1 to those who offer it and nothing to the others, who then speak it anyway or leave. */
static int select_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_length, const unsigned char *in,
                       unsigned in_length, void *arg)
{
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, out_length, alpn, sizeof alpn, in, in_length) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_NOACK;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int keep_session(SSL *ssl, SSL_SESSION *session)
{
    struct tls *t = SSL_get_app_data(ssl);
    tls_sessions_put(t->ctx->sessions, t->server_name, session);
    return 1;
}

/* ---- files ---- */

static bool refuse(struct buf *error, const char *what, const char *file)
{
    buf_printf(error, "cannot use %s '%s': %s", what, file, tls_error_words("no usable content"));
    return false;
}

static bool use_certificate(SSL_CTX *c, const char *cert_file, const char *key_file, struct buf *error)
{
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(c, cert_file) != 1) return refuse(error, "the certificate file", cert_file);
    bool fits = SSL_CTX_use_PrivateKey_file(c, key_file, SSL_FILETYPE_PEM) == 1 && SSL_CTX_check_private_key(c) == 1;
    return fits || refuse(error, "the key file", key_file);
}

static bool trust_file(SSL_CTX *c, const char *ca_file, struct buf *error)
{
    ERR_clear_error();
    return SSL_CTX_load_verify_file(c, ca_file) == 1 || refuse(error, "the CA file", ca_file);
}

/* "002c0b4f.0": what openssl-rehash(1) makes, and OpenSSL looks for. */
static bool is_hashed_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && !strcmp(name + 8, ".0");
}

static bool has_hashed_names(const char *folder)
{
    DIR *dir = opendir(folder);
    bool found = false;
    if (!dir) return false;
    for (struct dirent *d; !found && (d = readdir(dir));)
        found = is_hashed_name(d->d_name);
    closedir(dir);
    return found;
}

/* In a folder with hashed names an authority is looked up when it is needed. All of them at once, from one file, would
 * take as much memory as an idle gateway. */
static void trust_system(SSL_CTX *c)
{
    const char *folder = getenv(X509_get_default_cert_dir_env());
    bool file_wanted = getenv(X509_get_default_cert_file_env()) != NULL;
    if (!file_wanted && has_hashed_names(folder ? folder : X509_get_default_cert_dir()))
        SSL_CTX_set_default_verify_dir(c);
    else
        SSL_CTX_set_default_verify_paths(c);
}

static bool ask_for_client_certificate(SSL_CTX *c, const char *ca_file, struct buf *error)
{
    if (!trust_file(c, ca_file, error)) return false;
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(ca_file);
    if (!names) return refuse(error, "the CA file", ca_file);
    SSL_CTX_set_client_CA_list(c, names);
    SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    return true;
}

/* ---- contexts ---- */

static bool set_up_server(SSL_CTX *c, const struct tls_server_options *o, struct buf *error)
{
    static const unsigned char id[] =
        "dsgate"; /* without one, OpenSSL refuses to resume sessions with client certificates */
    SSL_CTX_set_session_id_context(c, id, sizeof id - 1);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF); /* tickets need no memory of ours */
    SSL_CTX_set_alpn_select_cb(c, select_alpn, NULL);
    if (!use_certificate(c, o->cert_file, o->key_file, error)) return false;
    return !o->client_ca_file || ask_for_client_certificate(c, o->client_ca_file, error);
}

static bool set_up_client(SSL_CTX *c, const struct tls_client_options *o, struct buf *error)
{
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(c, keep_session);
    SSL_CTX_set_alpn_protos(c, alpn, sizeof alpn);
    SSL_CTX_set_verify(c, o->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
    if (o->ca_file && !trust_file(c, o->ca_file, error)) return false;
    if (!o->ca_file) trust_system(c);
    return !o->cert_file || use_certificate(c, o->cert_file, o->key_file ? o->key_file : o->cert_file, error);
}

static struct tls_ctx *wrap(SSL_CTX *c, struct tls_sessions *sessions)
{
    struct tls_ctx *ctx = MEM_NEW(struct tls_ctx);
    atomic_init(&ctx->refs, 1);
    ctx->ssl_ctx = c;
    ctx->sessions = sessions;
    return ctx;
}

struct tls_ctx *tls_server_new(const struct tls_server_options *o, struct buf *error)
{
    SSL_CTX *c = new_ssl_ctx(TLS_server_method());
    if (c && set_up_server(c, o, error)) return wrap(c, NULL);
    if (!c) buf_printf(error, "cannot set up TLS: %s", tls_error_words("no memory"));
    SSL_CTX_free(c);
    return NULL;
}

struct tls_ctx *tls_client_new(const struct tls_client_options *o, struct buf *error)
{
    SSL_CTX *c = new_ssl_ctx(TLS_client_method());
    if (c && set_up_client(c, o, error)) return wrap(c, tls_sessions_new());
    if (!c) buf_printf(error, "cannot set up TLS: %s", tls_error_words("no memory"));
    SSL_CTX_free(c);
    return NULL;
}

struct tls_ctx *tls_ctx_ref(struct tls_ctx *ctx)
{
    atomic_fetch_add_explicit(&ctx->refs, 1, memory_order_relaxed);
    return ctx;
}

void tls_ctx_unref(struct tls_ctx *ctx)
{
    if (!ctx || atomic_fetch_sub_explicit(&ctx->refs, 1, memory_order_acq_rel) != 1) return;
    SSL_CTX_free(ctx->ssl_ctx);
    tls_sessions_free(ctx->sessions);
    mem_free(ctx);
}
