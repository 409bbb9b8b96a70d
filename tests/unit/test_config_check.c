/* What would keep a valid configuration from starting, told without starting. */
#include "certificates.h"
#include "config_test.h"
#include "dsgate/gate/config_check.h"
#include <sys/socket.h>
#include <sys/un.h>

static struct certs certs;
static const char *ca, *cert, *key, *other_cert, *other_key;
static char folder[] = "/tmp/dsgate-test-XXXXXX";

static void set_up(void)
{
    clean_environment();
    strcpy(folder, "/tmp/dsgate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ca = certs_new(&certs);
    certs_issue(&certs, "one", "DNS:one.test", 3600, &cert, &key);
    certs_issue(&certs, "two", "DNS:two.test", 3600, &other_cert, &other_key);
}

static void tear_down(void)
{
    certs_free(&certs);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing was created */
}

/* Checks a file and compares what is said. */
static void expect(const char *yaml, const char *expected_errors, const char *expected_warnings)
{
    struct buf errors = {0}, warnings = {0};
    struct config *c = config_of(yaml);
    bool fine = config_check(c, &errors, &warnings);
    ck_assert_int_eq(fine, !*expected_errors);
    ck_assert_msg(text_is(buf_text(&errors), expected_errors), "%s\ngave\n" TEXT_FORMAT "instead of\n%s", yaml,
                  TEXT_ARGS(buf_text(&errors)), expected_errors);
    ck_assert_msg(text_is(buf_text(&warnings), expected_warnings), "%s\ngave\n" TEXT_FORMAT "instead of\n%s", yaml,
                  TEXT_ARGS(buf_text(&warnings)), expected_warnings);
    config_unref(c);
    buf_free(&errors);
    buf_free(&warnings);
}

/* The template with @1, @2 and @3 replaced. */
static char *fill(const char *template, const char *const values[3])
{
    struct buf out = {0};
    for (const char *c = template; *c; c++) {
        if (*c == '@')
            buf_add(&out, text_of(values[*++c - '1']));
        else
            buf_add_byte(&out, *c);
    }
    char *text = text_dup(buf_text(&out));
    buf_free(&out);
    return text;
}

static void expect_in(const char *yaml_template, const char *error_template, const char *one, const char *two,
                      const char *three)
{
    const char *const values[3] = {one, two, three};
    char *yaml = fill(yaml_template, values), *error = fill(error_template, values);
    expect(yaml, error, "");
    mem_free(yaml);
    mem_free(error);
}

#define LISTEN "listen: {address: '127.0.0.1:1', tls: {cert_file: @1, key_file: @2, client_ca_file: @3}}\n"
#define HTTPS     "upstreams: [{name: a, base_url: 'https://h', tls: {cert_file: @1, key_file: @2, ca_file: @3}}]\n"
#define GONE   "cannot be read: No such file or directory; expected a file in PEM that the gateway's user may read\n"
#define PEM    "; expected files in PEM that belong together\n"

START_TEST(test_right_files_are_fine)
{
    expect("", "", "");
    expect_in(LISTEN HTTPS, "", cert, key, ca);
}
END_TEST

START_TEST(test_files_that_are_missing)
{
    expect_in(LISTEN, "listen 127.0.0.1:1: tls.cert_file: '@1' " GONE, "/nowhere/c", key, ca);
    expect_in(LISTEN,
              "listen 127.0.0.1:1: tls.key_file: '@2' " GONE "listen 127.0.0.1:1: tls.client_ca_file: '@3' " GONE, cert,
              "/nowhere/k", "/nowhere/a");
    expect_in(HTTPS,
              "upstream 'a': tls.ca_file: '@3' " GONE "upstream 'a': tls.cert_file: '@1' " GONE
              "upstream 'a': tls.key_file: '@2' " GONE,
              "/nowhere/c", "/nowhere/k", "/nowhere/a");
}
END_TEST

START_TEST(test_files_that_do_not_fit)
{
    expect_in(LISTEN, "listen 127.0.0.1:1: cannot use the key file '@2': key values mismatch" PEM, cert, other_key, ca);
    expect_in(LISTEN, "listen 127.0.0.1:1: cannot use the certificate file '@1': no start line" PEM, key, key, ca);
    expect_in(HTTPS, "upstream 'a': cannot use the key file '@2': key values mismatch" PEM, cert, other_key, ca);
    expect_in(HTTPS, "upstream 'a': cannot use the CA file '@3': no certificate or crl found" PEM, cert, key, key);
}
END_TEST

START_TEST(test_all_in_one_go)
{
    expect("listen: ['unix:/nowhere/a.sock', {address: ':1', tls: {cert_file: /no, key_file: /no}}]\n"
           "admin: {listen: 'unix:/nowhere/b.sock'}\n"
           "log: {access: /nowhere/access.log}\n"
           "upstreams:\n"
           "- {name: a, base_url: 'https://h', tls: {ca_file: /no}}\n"
           "- {name: b, base_url: 'https://h', tls: {ca_file: /no}}\n",
           "listen unix:/nowhere/a.sock: the folder of '/nowhere/a.sock' cannot be written: No such file or directory; "
           "expected one that exists and that the gateway's user may write\n"
           "listen :1: tls.cert_file: '/no' " GONE "listen :1: tls.key_file: '/no' " GONE
           "admin.listen unix:/nowhere/b.sock: the folder of '/nowhere/b.sock' cannot be written: No such file or "
           "directory; expected one that exists and that the gateway's user may write\n"
           "log.access: the folder of '/nowhere/access.log' cannot be written: No such file or directory; expected one "
           "that exists and that the gateway's user may write\n"
           "upstream 'a': tls.ca_file: '/no' " GONE "upstream 'b': tls.ca_file: '/no' " GONE,
           "");
}
END_TEST

START_TEST(test_places_that_are_fine)
{
    static const char *const logs[] = {"stdout", "stderr", "off", "access.log", "./access.log"};
    for (int i = 0; i < COUNT(logs); i++)
        expect_in("log: {access: @1}\n", "", logs[i], "", "");
    expect_in("listen: 'unix:@1/a.sock'\nlog: {access: @1/access.log}\n", "", folder, "", "");
}
END_TEST

START_TEST(test_places_that_are_taken)
{
    char *path = file_with("", 0);
    expect_in("listen: 'unix:@1'\nlog: {access: '@1'}\n",
              "listen unix:@1: '@1' exists and is no socket; expected a path that is free\n", path, "", "");
    expect_in("log: {access: '@1/access.log'}\n",
              "log.access: '@1/access.log' cannot be written: Not a directory; expected a file that the gateway's "
              "user may write\n",
              path, "", "");
    expect_in("log: {access: '@1'}\n",
              "log.access: '@1' cannot be written: Is a directory; expected a file that the gateway's user may "
              "write\n",
              folder, "", "");
    remove_file(path);
}
END_TEST

#define NO_FOLDER \
    "cannot be written: No such file or directory; expected one that exists and that the gateway's user may write\n"

START_TEST(test_state_files)
{
    char *path = file_with("no database", 11), *empty = file_with("", 0);
    expect_in("state: {file: '@1/state.db'}\n", "", folder, "", "");
    expect_in("state: {file: '@1'}\n", "", empty, "", "");
    expect_in("state: {file: '@1'}\n",
              "state.file: cannot use the state file '@1': it is no database; expected one of dsgate's own, or a path "
              "that is free\n",
              path, "", "");
    expect("state: {file: /nowhere/s.db}\n", "state.file: the folder of '/nowhere/s.db' " NO_FOLDER, "");
    setenv("STATE_DIRECTORY", "/nowhere:/tmp", 1);
    expect("", "state.file: the folder of '/nowhere/state.db' " NO_FOLDER, "");
    expect_in("state: {file: '@1/state.db'}\n", "", folder, "", "");
    unsetenv("STATE_DIRECTORY");
    remove_file(path);
    remove_file(empty);
}
END_TEST

/* A gateway that runs with this very file is no reason to refuse it. */
START_TEST(test_a_socket_in_use_is_fine)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof a.sun_path, "%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&a, sizeof a), 0);
    expect_in("listen: 'unix:@1/s'\n", "", folder, "", "");
    close(fd);
    unlink(a.sun_path);
}
END_TEST

static const struct {
    const char *address;
    bool open;
} admins[] = {
    {"127.0.0.1:1", false}, {"127.9.9.9:1", false},          {"[::1]:1", false}, {"unix:/tmp/x.sock", false},
    {"0.0.0.0:1", true},    {"[::ffff:127.0.0.1]:1", false}, {"[::]:1", true},   {":1", true},
    {"10.0.0.1:1", true},
};

START_TEST(test_admin_for_everyone)
{
    char yaml[300], warning[300] = "";
    snprintf(yaml, sizeof yaml, "admin: {listen: '%s'}\n", admins[_i].address);
    if (admins[_i].open)
        snprintf(warning, sizeof warning,
                 "admin.listen %s: other machines can reach it, and it asks nobody for a key; expected a loopback "
                 "address, a Unix socket, or client_ca_file\n",
                 admins[_i].address);
    expect(yaml, "", warning);
    snprintf(yaml, sizeof yaml,
             "admin: {listen: {address: '%s', tls: {cert_file: %s, key_file: %s, client_ca_file: %s}}}\n",
             admins[_i].address, cert, key, ca);
    expect(yaml, "", "");
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, test_right_files_are_fine);
    tcase_add_test(tests, test_files_that_are_missing);
    tcase_add_test(tests, test_files_that_do_not_fit);
    tcase_add_test(tests, test_all_in_one_go);
    tcase_add_test(tests, test_places_that_are_fine);
    tcase_add_test(tests, test_places_that_are_taken);
    tcase_add_test(tests, test_state_files);
    tcase_add_test(tests, test_a_socket_in_use_is_fine);
    tcase_add_loop_test(tests, test_admin_for_everyone, 0, COUNT(admins));
}

TEST_MAIN_ADDING("config check", add_tests)
