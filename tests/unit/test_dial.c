#include "../../src/net/dns_resolver.h"
#include "dsgate/net/dial.h"
#include "net_test.h"
#include <errno.h>
#include <sys/resource.h>
#include <sys/un.h>

static struct loop *loop;
static struct dns *dns;
static struct address_list known; /* what the resolver of these tests finds */
static struct dial_result result;
static unsigned done_count;

static const char *fake_resolve(const char *host, struct address_list *out)
{
    *out = known;
    return known.count ? NULL : "Name or service not known";
}

static void on_done(void *arg, const struct dial_result *r)
{
    ck_assert_ptr_eq(arg, &result);
    result = *r;
    done_count++;
    loop_stop(loop);
}

static void set_up(void)
{
    loop = loop_new();
    dns = dns_new_with(fake_resolve, clock_monotonic);
    known.count = done_count = 0;
    result = (struct dial_result){.fd = -1};
}

static void tear_down(void)
{
    if (result.fd >= 0) close(result.fd);
    dns_free(dns);
    loop_free(loop);
}

static void dial_origin(struct origin *o)
{
    ck_assert_ptr_nonnull(dial_start(loop, dns, o, on_done, &result));
    ck_assert_uint_eq(done_count, 0);
    loop_run(loop);
    ck_assert_uint_eq(done_count, 1);
    origin_unref(o);
}

static void dial_pins(const struct address_list *pins) { dial_origin(origin_new("up.test", 80, NULL, NULL, pins)); }

static struct text port_of(const struct address *a, struct buf *words)
{
    address_format(a, words);
    struct text t = buf_text(words);
    return text_from(t, text_find_byte(t, ':') + 1);
}

/* A port of 127.0.0.1 that nobody listens on, held so that nobody else gets it. */
static int dead_port(struct address *at)
{
    struct buf error = {0};
    ck_assert(address_parse(TEXT("127.0.0.1:0"), 0, at, &error));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at->sa, at->length), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at->sa, &at->length), 0);
    return fd;
}

static void check_connected_to(const struct address *expected)
{
    struct address peer = {.length = sizeof peer.sa};
    struct buf a = {0}, b = {0};
    ck_assert_int_ge(result.fd, 0);
    ck_assert_int_eq(result.error, NET_OK);
    ck_assert_str_eq(result.detail, "");
    ck_assert_int_eq(getpeername(result.fd, (struct sockaddr *)&peer.sa, &peer.length), 0);
    address_format(&peer, &a);
    address_format(expected, &b);
    ck_assert(text_eq(buf_text(&a), buf_text(&b)));
    ck_assert_int_ne(fcntl(result.fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(result.fd, F_GETFD), FD_CLOEXEC);
    buf_free(&a);
    buf_free(&b);
}

static int option(int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    ck_assert_int_eq(getsockopt(result.fd, level, name, &value, &size), 0);
    return value;
}

/* ---- success ---- */

START_TEST(test_a_pinned_address)
{
    struct address_list pins = {.count = 1};
    int listener = make_tcp_listener(&pins.at[0], 8);
    dial_pins(&pins);
    check_connected_to(&pins.at[0]);
    ck_assert_int_ne(option(IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_ne(option(SOL_SOCKET, SO_KEEPALIVE), 0);
    close(listener);
}
END_TEST

START_TEST(test_a_literal_host)
{
    struct address at;
    int listener = make_tcp_listener(&at, 8);
    unsigned port = ntohs(((struct sockaddr_in *)&at.sa)->sin_port);
    dial_origin(origin_new("127.0.0.1", port, NULL, NULL, NULL));
    check_connected_to(&at);
    close(listener);
}
END_TEST

START_TEST(test_a_name)
{
    struct address at;
    int listener = make_tcp_listener(&at, 8);
    unsigned port = ntohs(((struct sockaddr_in *)&at.sa)->sin_port);
    known = (struct address_list){.at = {at}, .count = 1};
    address_set_port(&known.at[0], 0);
    for (int i = 0; i < 2; i++) { /* the second time from the cache */
        dial_origin(origin_new("up.test", port, NULL, NULL, NULL));
        check_connected_to(&at);
        close(result.fd);
        result.fd = -1;
        done_count = 0;
    }
    close(listener);
}
END_TEST

START_TEST(test_dead_addresses_are_passed_over)
{
    struct address_list pins = {.count = 3};
    int dead_a = dead_port(&pins.at[0]), dead_b = dead_port(&pins.at[1]), listener = make_tcp_listener(&pins.at[2], 8);
    dial_pins(&pins);
    check_connected_to(&pins.at[2]);
    close(dead_a);
    close(dead_b);
    close(listener);
}
END_TEST

/* A socket whose queue of connections is full answers nothing: the next address must be tried meanwhile. */
static int silent_port(struct address *at, int filler[4])
{
    int listener = make_tcp_listener(at, 0);
    for (int i = 0; i < 4; i++) {
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(filler[i], (struct sockaddr *)&at->sa, at->length) < 0) ck_assert_int_eq(errno, EINPROGRESS);
    }
    return listener;
}

START_TEST(test_a_silent_address_does_not_hold_up_the_next)
{
    struct address_list pins = {.count = 2};
    int filler[4], silent = silent_port(&pins.at[0], filler), listener = make_tcp_listener(&pins.at[1], 8);
    usec_t began = clock_monotonic();
    dial_pins(&pins);
    check_connected_to(&pins.at[1]);
    ck_assert_int_ge(clock_monotonic() - began, 250 * USEC_PER_MS);
    for (int i = 0; i < 4; i++)
        close(filler[i]);
    close(silent);
    close(listener);
}
END_TEST

START_TEST(test_a_unix_socket)
{
    char dir[] = "/tmp/dsgate-dial-XXXXXX";
    struct address_list pins = {.count = 1};
    struct buf error = {0};
    ck_assert_ptr_nonnull(mkdtemp(dir));
    char *where = mem_printf("unix:%s/x.sock", dir);
    ck_assert(address_parse(text_of(where), 0, &pins.at[0], &error));
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&pins.at[0].sa, pins.at[0].length), 0);
    ck_assert_int_eq(listen(listener, 8), 0);
    dial_pins(&pins);
    check_connected_to(&pins.at[0]);
    unlink(where + 5);
    rmdir(dir);
    mem_free(where);
    close(listener);
}
END_TEST

/* A listening socket on a free port of ::1; -1 on a machine without IPv6, where dialling it fails like a dead address.
 */
static int make_tcp6_listener(struct address *at)
{
    ck_assert(address_of_host("::1", 0, at));
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&at->sa, at->length) < 0) return fd;
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at->sa, &at->length), 0);
    return fd;
}

/* After a dead IPv6 address comes IPv4's turn, although a good IPv6 address stands before it. */
START_TEST(test_families_alternate)
{
    struct address_list pins = {.count = 3};
    ck_assert(address_of_host("::1", 1, &pins.at[0]));
    int v6 = make_tcp6_listener(&pins.at[1]), v4 = make_tcp_listener(&pins.at[2], 8);
    dial_pins(&pins);
    check_connected_to(&pins.at[2]);
    if (v6 >= 0) close(v6);
    close(v4);
}
END_TEST

/* ---- failure ---- */

START_TEST(test_refused_everywhere)
{
    struct address_list pins = {.count = 2};
    struct buf words = {0};
    int a = dead_port(&pins.at[0]), b = dead_port(&pins.at[1]);
    dial_pins(&pins);
    struct text port = port_of(&pins.at[1], &words);
    char *expected = mem_printf("127.0.0.1:" TEXT_FORMAT ": connection refused", TEXT_ARGS(port));
    ck_assert_int_eq(result.fd, -1);
    ck_assert_int_eq(result.error, NET_CONNECT);
    ck_assert_str_eq(result.detail, expected);
    mem_free(expected);
    buf_free(&words);
    close(a);
    close(b);
}
END_TEST

START_TEST(test_no_such_unix_socket)
{
    struct address_list pins = {.count = 1};
    struct buf error = {0};
    ck_assert(address_parse(TEXT("unix:/nonexistent/x.sock"), 0, &pins.at[0], &error));
    dial_pins(&pins);
    ck_assert_int_eq(result.error, NET_CONNECT);
    ck_assert_str_eq(result.detail, "unix:/nonexistent/x.sock: no such file or directory");
}
END_TEST

START_TEST(test_a_name_without_addresses)
{
    dial_origin(origin_new("up.test", 80, NULL, NULL, NULL));
    ck_assert_int_eq(result.fd, -1);
    ck_assert_int_eq(result.error, NET_RESOLVE);
    ck_assert_str_eq(result.detail, "up.test: name or service not known");
}
END_TEST

START_TEST(test_no_descriptors)
{
    struct address_list pins = {.count = 1};
    struct rlimit before, none;
    int listener = make_tcp_listener(&pins.at[0], 8);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    dial_pins(&pins);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
    ck_assert_int_eq(result.fd, -1);
    ck_assert_int_eq(result.error, NET_NO_DESCRIPTORS);
    close(listener);
}
END_TEST

/* ---- cancelling ---- */

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

START_TEST(test_cancelling_leaves_nothing_behind)
{
    struct address_list pins = {.count = 2};
    int filler[4], silent = silent_port(&pins.at[0], filler);
    pins.at[1] = pins.at[0];
    struct origin *pinned = origin_new("up.test", 80, NULL, NULL, &pins);
    struct origin *named = origin_new("up.test", 80, NULL, NULL, NULL);
    unsigned before = open_descriptors();
    for (unsigned turns = 0; turns < 4; turns++) {
        struct dial *a = dial_start(loop, dns, pinned, on_done, &result);
        if (turns) run_turns(loop, turns);
        dial_cancel(a);
    }
    dial_cancel(dial_start(loop, dns, named, on_done, &result));
    run_turns(loop, 5);
    ck_assert_uint_eq(done_count, 0);
    ck_assert_uint_eq(open_descriptors(), before);
    origin_unref(pinned);
    origin_unref(named);
    for (int i = 0; i < 4; i++)
        close(filler[i]);
    close(silent);
}
END_TEST

/* ---- origins ---- */

static const struct {
    const char *host;
    unsigned port;
    const char *authority;
} origins[] = {
    {"api.test", 80, "api.test"}, {"api.test", 443, "api.test:443"}, {"::1", 80, "[::1]"},
    {"::1", 8000, "[::1]:8000"},  {"127.0.0.1", 1, "127.0.0.1:1"},
};

START_TEST(test_authorities)
{
    for (size_t i = 0; i < sizeof origins / sizeof *origins; i++) {
        struct origin *o = origin_new(origins[i].host, origins[i].port, NULL, NULL, NULL);
        ck_assert_str_eq(o->authority, origins[i].authority);
        ck_assert_str_eq(o->server_name, origins[i].host);
        origin_unref(origin_ref(o));
        origin_unref(o);
    }
    origin_unref(NULL);
}
END_TEST

START_TEST(test_same_origins)
{
    struct address_list pin = {.count = 1};
    ck_assert(address_of_host("127.0.0.1", 80, &pin.at[0]));
    struct origin *o[] = {
        origin_new("a.test", 80, NULL, NULL, NULL), origin_new("A.TEST", 80, NULL, NULL, NULL),
        origin_new("b.test", 80, NULL, NULL, NULL), origin_new("a.test", 81, NULL, NULL, NULL),
        origin_new("a.test", 80, NULL, "x", NULL),  origin_new("a.test", 80, NULL, NULL, &pin),
    };
    for (int i = 0; i < 6; i++)
        ck_assert_int_eq(origin_same(o[0], o[i]), i < 2);
    for (int i = 0; i < 6; i++)
        origin_unref(o[i]);
}
END_TEST

TEST_MAIN_WITH("dial", set_up, tear_down, test_a_pinned_address, test_a_literal_host, test_a_name,
               test_dead_addresses_are_passed_over, test_a_silent_address_does_not_hold_up_the_next, test_a_unix_socket,
               test_families_alternate, test_refused_everywhere, test_no_such_unix_socket,
               test_a_name_without_addresses, test_no_descriptors, test_cancelling_leaves_nothing_behind,
               test_authorities, test_same_origins)
