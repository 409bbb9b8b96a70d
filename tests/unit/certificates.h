/* certificates.h - certificates made while the test runs, so that none of them is ever out of date.
 *
 * One authority in a folder of its own; certs_issue() makes NAME.pem (certificate) and NAME.key there.
 */
#ifndef DSGATE_TESTS_CERTIFICATES_H
#define DSGATE_TESTS_CERTIFICATES_H

#include "dsgate/base/mem.h"
#include "../assertions.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct certs {
    char dir[64];
    EVP_PKEY *key;
    X509 *cert;
    char *files[32];
    unsigned file_count;
    long serial;
};

/* The path of a file of the authority's folder; removed by certs_free(). */
static inline char *certs_path(struct certs *c, const char *name, const char *ending)
{
    ck_assert_uint_lt(c->file_count, 32);
    return c->files[c->file_count++] = mem_printf("%s/%s%s", c->dir, name, ending);
}

static inline void certs_add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    ck_assert_ptr_nonnull(e);
    X509_add_ext(cert, e, -1);
    X509_EXTENSION_free(e);
}

/* Valid from a day ago until `seconds` from now. */
static inline X509 *certs_make(struct certs *c, EVP_PKEY *key, const char *name, long seconds)
{
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), ++c->serial);
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), seconds);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(c->cert ? c->cert : cert));
    return cert;
}

static inline void certs_write(const char *cert_path, X509 *cert, const char *key_path, EVP_PKEY *key)
{
    FILE *f = fopen(cert_path, "w");
    ck_assert_ptr_nonnull(f);
    PEM_write_X509(f, cert);
    fclose(f);
    f = fopen(key_path, "w");
    ck_assert_ptr_nonnull(f);
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
}

/* The authority; its certificate is the file returned. */
static inline const char *certs_new(struct certs *c)
{
    *c = (struct certs){.dir = "/tmp/dsgate-test-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(c->dir));
    c->key = EVP_EC_gen("P-256");
    X509 *cert = certs_make(c, c->key, "test authority", 86400);
    certs_add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(cert, c->key, EVP_sha256());
    c->cert = cert;
    const char *path = certs_path(c, "ca", ".pem");
    certs_write(path, cert, certs_path(c, "ca", ".key"), c->key);
    return path;
}

/* alternatives: "DNS:example.test,IP:127.0.0.1". */
static inline void certs_issue(struct certs *c, const char *name, const char *alternatives, long seconds,
                               const char **cert_file, const char **key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = certs_make(c, key, name, seconds);
    certs_add_extension(cert, c->cert, NID_subject_alt_name, alternatives);
    X509_sign(cert, c->key, EVP_sha256());
    *cert_file = certs_path(c, name, ".pem");
    *key_file = certs_path(c, name, ".key");
    certs_write(*cert_file, cert, *key_file, key);
    X509_free(cert);
    EVP_PKEY_free(key);
}

static inline void certs_free(struct certs *c)
{
    for (unsigned i = 0; i < c->file_count; i++) {
        unlink(c->files[i]);
        mem_free(c->files[i]);
    }
    rmdir(c->dir);
    X509_free(c->cert);
    EVP_PKEY_free(c->key);
}

#endif
