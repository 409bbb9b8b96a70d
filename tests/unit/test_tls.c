#include "../../src/net/tls_private.h"
#include "certificates.h"
#include "dsgate/base/random.h"
#include "dsgate/net/conn.h"
#include "net_test.h"

/* ---- two ends on one loop ---- */

struct side {
    struct conn conn;
    struct buf got;
    bool ready, ended, broken, lost, resumed, deaf; /* deaf: does not read when readable */
    unsigned readable_calls, writable_calls, expired_calls;
    size_t block; /* reads at most so much at once */
    char detail[256];
};

static struct loop *loop;
static struct side client, server;
static struct certs authority;
static const char *ca_file;

static struct side *side_of(struct conn *c) { return CONTAINER_OF(c, struct side, conn); }

static void on_ready(struct conn *c)
{
    side_of(c)->ready = true;
    side_of(c)->resumed = tls_resumed(c->tls);
}

static void on_readable(struct conn *c)
{
    struct side *s = side_of(c);
    s->readable_calls++;
    if (s->deaf) return;
    ssize_t n = conn_read(c, loop_scratch(loop), s->block ? s->block : LOOP_SCRATCH);
    if (n > 0) buf_append(&s->got, loop_scratch(loop), (size_t)n);
    s->ended |= n == 0;
    s->broken |= n == CONN_FAILED;
    if (n == 0 || n == CONN_FAILED) conn_close(c);
}

static void on_writable(struct conn *c) { side_of(c)->writable_calls++; }
static void on_expired(struct conn *c) { side_of(c)->expired_calls++; }

static void on_lost(struct conn *c, enum net_error why, const char *detail)
{
    ck_assert_int_eq(why, NET_TLS);
    side_of(c)->lost = true;
    snprintf(side_of(c)->detail, sizeof side_of(c)->detail, "%s", detail);
    conn_close(c);
}

static const struct conn_ops ops = {on_ready, on_readable, on_writable, on_lost, on_expired};

/* Opens both ends, and turns until both are ready or one has failed. */
static void start_pair(struct tls_ctx *client_ctx, struct tls_ctx *server_ctx, const char *name)
{
    int fd[2];
    make_tcp_pair(fd);
    client = server = (struct side){0};
    conn_open(&server.conn, loop, fd[1], tls_new(server_ctx, fd[1], NULL), &ops);
    conn_open(&client.conn, loop, fd[0], tls_new(client_ctx, fd[0], name), &ops);
}

static void settle(void) { run_turns(loop, 10); }

static void connect_pair(struct tls_ctx *client_ctx, struct tls_ctx *server_ctx, const char *name)
{
    start_pair(client_ctx, server_ctx, name);
    while (!(client.ready && server.ready) && !client.lost && !server.lost)
        run_turns(loop, 1);
    settle();
}

static void end_pair(void)
{
    conn_close(&client.conn);
    conn_close(&server.conn);
    buf_free(&client.got);
    buf_free(&server.got);
}

static void say(struct side *s, const char *words)
{
    struct iovec iov = {(char *)words, strlen(words)};
    ck_assert(conn_write(&s->conn, &iov, 1));
}

/* ---- contexts ---- */

static struct tls_ctx *server_with(const char *name, const char *alternatives, long seconds, const char *client_ca)
{
    struct buf error = {0};
    struct tls_server_options o = {.client_ca_file = client_ca};
    certs_issue(&authority, name, alternatives, seconds, &o.cert_file, &o.key_file);
    struct tls_ctx *ctx = tls_server_new(&o, &error);
    ck_assert_msg(ctx != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return ctx;
}

static struct tls_ctx *client_with(const struct tls_client_options *o)
{
    struct buf error = {0};
    struct tls_ctx *ctx = tls_client_new(o, &error);
    ck_assert_msg(ctx != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return ctx;
}

static struct tls_ctx *good_server, *good_client;

static void set_up(void)
{
    loop = loop_new();
    ca_file = certs_new(&authority);
    good_server = server_with("good", "DNS:good.test,IP:127.0.0.1", 3600, NULL);
    good_client = client_with(&(struct tls_client_options){.ca_file = ca_file});
}

static void tear_down(void)
{
    end_pair();
    tls_ctx_unref(good_server);
    tls_ctx_unref(good_client);
    certs_free(&authority);
    loop_free(loop);
}

/* ---- who is accepted ---- */

static void check_alpn(struct side *s)
{
    const unsigned char *chosen;
    unsigned n;
    SSL_get0_alpn_selected(s->conn.tls->ssl, &chosen, &n);
    ck_assert(text_is(text_make((const char *)chosen, n), "http/1.1"));
}

START_TEST(test_a_good_certificate)
{
    connect_pair(good_client, good_server, "good.test");
    ck_assert(client.ready && server.ready && !client.resumed && !server.resumed);
    ck_assert_int_ge(SSL_version(client.conn.tls->ssl), TLS1_2_VERSION);
    ck_assert_str_eq(SSL_get_servername(server.conn.tls->ssl, TLSEXT_NAMETYPE_host_name), "good.test");
    check_alpn(&client);
    check_alpn(&server);
    say(&client, "ping");
    say(&server, "pong");
    settle();
    ck_assert(text_is(buf_text(&server.got), "ping"));
    ck_assert(text_is(buf_text(&client.got), "pong"));
}
END_TEST

START_TEST(test_addresses_are_verified_and_not_sent_as_names)
{
    connect_pair(good_client, good_server, "127.0.0.1");
    ck_assert(client.ready && server.ready);
    ck_assert_ptr_null(SSL_get_servername(server.conn.tls->ssl, TLSEXT_NAMETYPE_host_name));
}
END_TEST

static void check_refused(struct tls_ctx *ctx, const char *name, const char *why)
{
    connect_pair(good_client, ctx, name);
    ck_assert(client.lost && !client.ready);
    ck_assert_str_eq(client.detail, why);
    end_pair();
}

START_TEST(test_bad_certificates)
{
    struct tls_ctx *expired = server_with("expired", "DNS:good.test", -60, NULL);
    struct tls_ctx *partial = server_with("partial", "DNS:go*.test", 3600, NULL);
    check_refused(expired, "good.test", "certificate has expired");
    check_refused(good_server, "evil.test", "hostname mismatch");
    check_refused(good_server, "127.0.0.2", "IP address mismatch");
    check_refused(good_server, "::1", "IP address mismatch");
    check_refused(partial, "good.test", "hostname mismatch");
    check_refused(good_server, "", "the server name is none that a certificate can be checked for");
    tls_ctx_unref(expired);
    tls_ctx_unref(partial);
}
END_TEST

START_TEST(test_an_unknown_authority)
{
    struct tls_ctx *system = client_with(&(struct tls_client_options){0});
    struct tls_ctx *insecure = client_with(&(struct tls_client_options){.insecure = true});
    connect_pair(system, good_server, "good.test");
    ck_assert(client.lost);
    ck_assert_str_eq(client.detail, "unable to get local issuer certificate");
    end_pair();
    connect_pair(insecure, good_server, "evil.test");
    ck_assert(client.ready && server.ready);
    tls_ctx_unref(system);
    tls_ctx_unref(insecure);
}
END_TEST

static void set_or_unset(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

/* Whether a client that trusts the system's authorities, as these variables name them, takes the good server. */
static bool system_trusts(const char *file, const char *folder)
{
    static const char *const names[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};
    char *before[2];
    for (int i = 0; i < 2; i++) {
        before[i] = mem_strdup(getenv(names[i]));
        set_or_unset(names[i], i ? folder : file);
    }
    struct tls_ctx *system = client_with(&(struct tls_client_options){0});
    connect_pair(system, good_server, "good.test"); /* a folder is looked into only now */
    bool trusted = client.ready && server.ready;
    end_pair();
    tls_ctx_unref(system);
    for (int i = 0; i < 2; i++) {
        set_or_unset(names[i], before[i]);
        mem_free(before[i]);
    }
    return trusted;
}

START_TEST(test_the_systems_authorities)
{
    char name[16];
    ck_assert(!system_trusts(NULL, authority.dir)); /* the file has no hashed name */
    ck_assert(system_trusts(ca_file, NULL));
    ck_assert(system_trusts(ca_file, authority.dir));
    snprintf(name, sizeof name, "%08lx", X509_NAME_hash_ex(X509_get_subject_name(authority.cert), NULL, NULL, NULL));
    ck_assert_int_eq(symlink(ca_file, certs_path(&authority, name, ".0")), 0);
    ck_assert(system_trusts(NULL, authority.dir));
}
END_TEST

START_TEST(test_client_certificates)
{
    struct tls_client_options o = {.ca_file = ca_file};
    struct tls_ctx *strict = server_with("strict", "DNS:good.test", 3600, ca_file);
    connect_pair(good_client, strict, "good.test");
    ck_assert(server.lost && !server.ready);
    ck_assert_str_eq(server.detail, "peer did not return a certificate");
    end_pair();
    certs_issue(&authority, "client", "DNS:client.test", 3600, &o.cert_file, &o.key_file);
    struct tls_ctx *with_certificate = client_with(&o);
    for (int i = 0; i < 2; i++) {
        connect_pair(with_certificate, strict, "good.test");
        ck_assert(server.ready && client.ready);
        ck_assert_int_eq(server.resumed, i == 1);
        end_pair();
    }
    tls_ctx_unref(with_certificate);
    tls_ctx_unref(strict);
}
END_TEST

START_TEST(test_peers_that_speak_no_tls)
{
    int fd[2];
    server = client = (struct side){0};
    make_pair(fd);
    conn_open(&server.conn, loop, fd[0], tls_new(good_server, fd[0], NULL), &ops);
    ck_assert_int_eq(write(fd[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    settle();
    char told[512];
    ssize_t n = read(fd[1], told, sizeof told);
    ck_assert(n > 0 && text_starts(text_make(told, (size_t)n), TEXT("HTTP/1.1 400 Bad Request\r\n")));
    ck_assert_int_eq(read(fd[1], told, sizeof told), 0);
    ck_assert_int_eq(write(fd[1], "more", 4), 4);
    settle();
    ck_assert(!server.lost);
    close(fd[1]);
    settle();
    ck_assert(server.lost);
    ck_assert_str_eq(server.detail, "http request");
    make_pair(fd);
    conn_open(&client.conn, loop, fd[0], tls_new(good_client, fd[0], "good.test"), &ops);
    ck_assert_int_eq(write(fd[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    settle();
    ck_assert(client.lost);
    n = read(fd[1], told, sizeof told);
    ck_assert(n > 0 && told[0] == SSL3_RT_HANDSHAKE); /* a client has no answers to give */
    ck_assert_int_eq(read(fd[1], told, sizeof told), 0);
    close(fd[1]);
    client = (struct side){0};
    make_pair(fd);
    close(fd[1]);
    conn_open(&client.conn, loop, fd[0], tls_new(good_client, fd[0], "good.test"), &ops);
    settle();
    ck_assert(client.lost);
    ck_assert_str_eq(client.detail, "Broken pipe");
}
END_TEST

START_TEST(test_a_handshake_can_expire)
{
    int fd[2];
    client = (struct side){0};
    make_pair(fd);
    conn_open(&client.conn, loop, fd[0], tls_new(good_client, fd[0], "good.test"), &ops);
    conn_set_deadline(&client.conn, 1);
    settle();
    ck_assert_uint_eq(client.expired_calls, 1);
    ck_assert(!client.ready && !client.lost);
    close(fd[1]);
}
END_TEST

/* ---- resumption ---- */

static void check_resumption(int version)
{
    SSL_CTX_set_max_proto_version(good_client->ssl_ctx, version);
    connect_pair(good_client, good_server, "good.test");
    ck_assert_int_eq(SSL_version(client.conn.tls->ssl), version);
    end_pair();
    for (int i = 0; i < 3; i++) {
        connect_pair(good_client, good_server, "good.test");
        ck_assert(client.resumed && server.resumed);
        end_pair();
    }
    connect_pair(good_client, good_server, "127.0.0.1");
    ck_assert(!client.resumed && client.ready);
    end_pair();
}

START_TEST(test_tls13_sessions_are_resumed) { check_resumption(TLS1_3_VERSION); }
END_TEST
START_TEST(test_tls12_sessions_are_resumed) { check_resumption(TLS1_2_VERSION); }
END_TEST

START_TEST(test_kept_sessions_are_bounded)
{
    char name[16];
    unsigned kept = 0;
    struct tls_sessions *s = tls_sessions_new();
    connect_pair(good_client, good_server, "good.test");
    SSL_SESSION *session = tls_sessions_get(good_client->sessions, "good.test");
    ck_assert_ptr_nonnull(session);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%d", i);
        SSL_SESSION_up_ref(session);
        tls_sessions_put(s, name, session);
    }
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "%d", i);
        SSL_SESSION *found = tls_sessions_get(s, name);
        ck_assert_int_eq(found != NULL, i >= 36);
        kept += found != NULL;
        SSL_SESSION_free(found);
    }
    ck_assert_uint_eq(kept, 64);
    SSL_SESSION_free(session);
    tls_sessions_free(s);
}
END_TEST

/* ---- ends ---- */

START_TEST(test_close_notify_is_a_clean_end)
{
    connect_pair(good_client, good_server, "good.test");
    say(&server, "all");
    conn_close(&server.conn);
    settle();
    ck_assert(text_is(buf_text(&client.got), "all"));
    ck_assert(client.ended && !client.broken);
}
END_TEST

START_TEST(test_finishing_is_a_clean_end_and_reads_on)
{
    connect_pair(good_client, good_server, "good.test");
    client.deaf = true;
    conn_finish(&server.conn);
    settle();
    ck_assert_int_eq(conn_read(&client.conn, loop_scratch(loop), 10), 0);
    say(&client, "late");
    settle();
    ck_assert(text_is(buf_text(&server.got), "late"));
    conn_close(&client.conn);
    settle();
    ck_assert(server.ended && !server.broken);
}
END_TEST

START_TEST(test_an_end_without_close_notify_is_none)
{
    connect_pair(good_client, good_server, "good.test");
    say(&server, "cut sho");
    shutdown(server.conn.io.fd, SHUT_WR);
    settle();
    ck_assert(text_is(buf_text(&client.got), "cut sho"));
    ck_assert(client.broken && !client.ended);
}
END_TEST

START_TEST(test_a_reset_is_no_clean_end)
{
    connect_pair(good_client, good_server, "good.test");
    conn_reset(&server.conn);
    settle();
    ck_assert(client.broken && !client.ended);
}
END_TEST

/* ---- moving bytes ---- */

START_TEST(test_head_and_body_make_one_record)
{
    unsigned char wire[256];
    struct iovec iov[] = {{(char *)"head ", 5}, {NULL, 0}, {(char *)"body", 4}};
    connect_pair(good_client, good_server, "good.test");
    ck_assert(conn_write(&server.conn, iov, 3));
    ssize_t n = recv(client.conn.io.fd, wire, sizeof wire, MSG_PEEK);
    ck_assert_int_gt(n, 5);
    ck_assert_uint_eq(wire[0], SSL3_RT_APPLICATION_DATA);
    ck_assert_int_eq(n, 5 + (wire[3] << 8 | wire[4]));
    settle();
    ck_assert(text_is(buf_text(&client.got), "head body"));
    ck_assert_uint_eq(client.readable_calls, 2); /* the first for the session tickets */
}
END_TEST

enum { LARGE = 3 << 20 };

static char *make_large(void)
{
    static char large[LARGE];
    struct random_source random;
    random_seed(&random, 3);
    for (size_t i = 0; i + 8 <= LARGE; i += 8) {
        uint64_t word = random_next(&random);
        memcpy(large + i, &word, 8);
    }
    return large;
}

static void check_large(struct side *s)
{
    ck_assert_uint_eq(buf_len(&s->got), LARGE);
    ck_assert_int_eq(memcmp(buf_text(&s->got).p, make_large(), LARGE), 0);
}

/* Pieces of all sizes: gathered, direct, and both in one call. */
static int cut_up(struct iovec *iov, int most)
{
    static const size_t sizes[] = {1, 20000, 100, 16384, 16383, 2, 0, 70000, 5};
    size_t at = 0;
    int n = 0;
    for (; n < most - 1 && at + 70000 < LARGE; n++) {
        size_t size = sizes[(size_t)n % (sizeof sizes / sizeof *sizes)];
        iov[n] = (struct iovec){make_large() + at, size};
        at += size;
    }
    iov[n] = (struct iovec){make_large() + at, LARGE - at};
    return n + 1;
}

START_TEST(test_large_writes_in_both_directions_at_once)
{
    struct iovec iov[512], whole = {make_large(), LARGE};
    int n = cut_up(iov, 512);
    connect_pair(good_client, good_server, "good.test");
    ck_assert(conn_write(&client.conn, iov, n));
    ck_assert(conn_write(&server.conn, &whole, 1));
    ck_assert_uint_gt(conn_unsent(&client.conn), 0);
    while (buf_len(&client.got) < LARGE || buf_len(&server.got) < LARGE)
        run_turns(loop, 1);
    settle();
    check_large(&client);
    check_large(&server);
    ck_assert_uint_eq(client.writable_calls, 1);
    ck_assert_uint_eq(client.conn.unsent.capacity, 0);
}
END_TEST

START_TEST(test_write_some_keeps_at_most_a_record)
{
    connect_pair(good_client, good_server, "good.test");
    server.deaf = true;
    size_t sent = 0;
    while (sent < LARGE) {
        unsigned writable = client.writable_calls;
        struct iovec iov = {make_large() + sent, LARGE - sent};
        ssize_t n = conn_write_some(&client.conn, &iov, 1);
        ck_assert_int_ge(n, 0);
        sent += (size_t)n;
        ck_assert_uint_le(conn_unsent(&client.conn), 16384);
        server.deaf = false;
        while (sent < LARGE && client.writable_calls == writable)
            run_turns(loop, 1);
    }
    while (buf_len(&server.got) < LARGE)
        run_turns(loop, 1);
    check_large(&server);
    ck_assert_uint_gt(client.writable_calls, 0);
}
END_TEST

START_TEST(test_small_reads_are_called_again_for_what_openssl_holds)
{
    struct iovec iov = {make_large(), 40000};
    connect_pair(good_client, good_server, "good.test");
    client.block = 100;
    ck_assert(conn_write(&server.conn, &iov, 1));
    for (int i = 0; i < 450; i++)
        run_turns(loop, 1);
    ck_assert_uint_eq(buf_len(&client.got), 40000);
    ck_assert_int_eq(memcmp(buf_text(&client.got).p, make_large(), 40000), 0);
    unsigned calls = client.readable_calls;
    settle();
    ck_assert_uint_eq(client.readable_calls, calls);
}
END_TEST

START_TEST(test_pausing_also_holds_what_openssl_holds)
{
    struct iovec iov = {make_large(), 10000};
    connect_pair(good_client, good_server, "good.test");
    client.block = 100;
    ck_assert(conn_write(&server.conn, &iov, 1));
    run_turns(loop, 2);
    conn_pause_read(&client.conn);
    size_t before = buf_len(&client.got);
    ck_assert_uint_gt(before, 0);
    ck_assert_uint_lt(before, 10000);
    settle();
    ck_assert_uint_eq(buf_len(&client.got), before);
    client.block = 0;
    conn_resume_read(&client.conn);
    settle();
    ck_assert_uint_eq(buf_len(&client.got), 10000);
}
END_TEST

START_TEST(test_writes_wait_for_the_handshake)
{
    start_pair(good_client, good_server, "good.test");
    say(&client, "early");
    ck_assert_uint_eq(conn_unsent(&client.conn), 5);
    ck_assert_int_eq(conn_read(&client.conn, loop_scratch(loop), 10), CONN_AGAIN);
    while (buf_len(&server.got) < 5)
        run_turns(loop, 1);
    settle();
    ck_assert(text_is(buf_text(&server.got), "early"));
    ck_assert_uint_eq(client.writable_calls, 1);
}
END_TEST

/* ---- files ---- */

static void check_error(struct buf *error, const char *start, const char *file)
{
    char *expected = mem_printf("%s '%s': ", start, file);
    ck_assert_msg(text_starts(buf_text(error), text_of(expected)), TEXT_FORMAT, TEXT_ARGS(buf_text(error)));
    ck_assert_uint_gt(buf_len(error), strlen(expected));
    mem_free(expected);
    buf_free(error);
}

START_TEST(test_errors_name_the_file)
{
    struct buf error = {0};
    const char *missing = certs_path(&authority, "missing", ".pem"), *cert, *key, *other, *other_key;
    certs_issue(&authority, "one", "DNS:one.test", 3600, &cert, &key);
    certs_issue(&authority, "two", "DNS:two.test", 3600, &other, &other_key);
    ck_assert_ptr_null(tls_server_new(&(struct tls_server_options){.cert_file = missing, .key_file = key}, &error));
    ck_assert(text_ends(buf_text(&error), TEXT("No such file or directory")));
    check_error(&error, "cannot use the certificate file", missing);
    ck_assert_ptr_null(tls_server_new(&(struct tls_server_options){.cert_file = key, .key_file = key}, &error));
    check_error(&error, "cannot use the certificate file", key);
    ck_assert_ptr_null(tls_server_new(&(struct tls_server_options){.cert_file = cert, .key_file = other_key}, &error));
    ck_assert(text_ends(buf_text(&error), TEXT("key values mismatch")));
    check_error(&error, "cannot use the key file", other_key);
    ck_assert_ptr_null(tls_client_new(&(struct tls_client_options){.ca_file = missing}, &error));
    check_error(&error, "cannot use the CA file", missing);
    ck_assert_ptr_null(tls_client_new(&(struct tls_client_options){.ca_file = key}, &error));
    check_error(&error, "cannot use the CA file", key);
}
END_TEST

/* OpenSSL files keys by their kind, and would find the mistake only when a client comes. */
START_TEST(test_a_key_of_another_kind)
{
    struct buf error = {0};
    const char *cert, *key, *path = certs_path(&authority, "rsa", ".key");
    certs_issue(&authority, "kind", "DNS:good.test", 3600, &cert, &key);
    EVP_PKEY *rsa = EVP_RSA_gen(2048);
    FILE *f = fopen(path, "w");
    PEM_write_PrivateKey(f, rsa, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    EVP_PKEY_free(rsa);
    ck_assert_ptr_null(tls_server_new(&(struct tls_server_options){cert, path, NULL}, &error));
    check_error(&error, "cannot use the key file", path);
}
END_TEST

/* OpenSSL by itself would ask for it on the terminal, or read it from stdin, and a daemon would wait there for ever. */
START_TEST(test_nobody_is_asked_for_a_passphrase)
{
    const char *cert, *key;
    struct buf error = {0};
    int fd[2], before = dup(STDIN_FILENO);
    certs_issue(&authority, "locked", "DNS:locked.test", 3600, &cert, &key);
    FILE *f = fopen(key, "w");
    unsigned char secret[] = "secret";
    ck_assert_int_eq(PEM_write_PrivateKey(f, authority.key, EVP_aes_128_cbc(), secret, 6, NULL, NULL), 1);
    fclose(f);
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], "secret\n", 7), 7);
    dup2(fd[0], STDIN_FILENO);
    ck_assert_ptr_null(tls_server_new(&(struct tls_server_options){.cert_file = cert, .key_file = key}, &error));
    make_nonblocking(fd[0]);
    char left[8];
    ck_assert_int_eq(read(fd[0], left, sizeof left), 7);
    ck_assert_msg(text_ends(buf_text(&error), TEXT("bad password read")), TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    check_error(&error, "cannot use the key file", key);
    dup2(before, STDIN_FILENO);
    close(before);
    close(fd[0]);
    close(fd[1]);
}
END_TEST

TEST_MAIN_WITH("tls", set_up, tear_down, test_a_good_certificate, test_addresses_are_verified_and_not_sent_as_names,
               test_bad_certificates, test_an_unknown_authority, test_the_systems_authorities, test_client_certificates,
               test_peers_that_speak_no_tls, test_a_handshake_can_expire, test_tls13_sessions_are_resumed,
               test_tls12_sessions_are_resumed, test_kept_sessions_are_bounded, test_close_notify_is_a_clean_end,
               test_finishing_is_a_clean_end_and_reads_on, test_an_end_without_close_notify_is_none,
               test_a_reset_is_no_clean_end, test_head_and_body_make_one_record,
               test_large_writes_in_both_directions_at_once, test_write_some_keeps_at_most_a_record,
               test_small_reads_are_called_again_for_what_openssl_holds, test_pausing_also_holds_what_openssl_holds,
               test_writes_wait_for_the_handshake, test_errors_name_the_file, test_a_key_of_another_kind,
               test_nobody_is_asked_for_a_passphrase)
