#include "dsgate/net/listen.h"
#include "net_test.h"
#include <errno.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>

static struct loop *loop;
static struct buf error;
static int accepted_fd[256];
static unsigned accepted_count, stop_at;
static struct address last_peer;
static struct listener *to_close;

static void on_accepted(void *arg, int fd, const struct address *peer)
{
    ck_assert_ptr_eq(arg, &accepted_count);
    accepted_fd[accepted_count++] = fd;
    last_peer = *peer;
    if (accepted_count == stop_at) loop_stop(loop);
    if (to_close) listener_close(to_close);
    to_close = NULL;
}

static void set_up(void)
{
    loop = loop_new();
    accepted_count = stop_at = 0;
    to_close = NULL;
}

static void tear_down(void)
{
    for (unsigned i = 0; i < accepted_count; i++)
        close(accepted_fd[i]);
    buf_free(&error);
    loop_free(loop);
}

static struct listener *try_listen(const char *where, unsigned mode)
{
    struct address a;
    ck_assert(address_parse(text_of(where), 0, &a, &error));
    return listener_open(loop, &a, mode, on_accepted, &accepted_count, &error);
}

static struct listener *listen_on(const char *where, unsigned mode)
{
    struct listener *l = try_listen(where, mode);
    ck_assert_msg(l != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return l;
}

static int connect_to(const struct address *a)
{
    int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&a->sa, a->length), 0);
    return fd;
}

static int connect_listener(const struct listener *l)
{
    struct address a;
    listener_address(l, &a);
    return connect_to(&a);
}

static void accept_until(unsigned count)
{
    stop_at = count;
    if (accepted_count < count) loop_run(loop);
    ck_assert_uint_eq(accepted_count, count);
}

/* ---- TCP ---- */

static int option(int fd, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    ck_assert_int_eq(getsockopt(fd, level, name, &value, &size), 0);
    return value;
}

static void check_ip(const char *where, const char *expected_start)
{
    struct address bound, local = {.length = sizeof local.sa};
    struct buf words = {0}, peer = {0}, own = {0};
    struct listener *l = listen_on(where, 0);
    listener_address(l, &bound);
    address_format(&bound, &words);
    ck_assert(text_starts(buf_text(&words), text_of(expected_start)));
    ck_assert(!text_ends(buf_text(&words), TEXT(":0")));
    int fd = connect_listener(l);
    accept_until(1);
    getsockname(fd, (struct sockaddr *)&local.sa, &local.length);
    address_format(&last_peer, &peer);
    address_format(&local, &own);
    ck_assert(text_eq(buf_text(&peer), buf_text(&own)));
    ck_assert_int_ne(option(accepted_fd[0], IPPROTO_TCP, TCP_NODELAY), 0);
    ck_assert_int_ne(fcntl(accepted_fd[0], F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(accepted_fd[0], F_GETFD), FD_CLOEXEC);
    close(fd);
    listener_close(l);
    buf_free(&words);
    buf_free(&peer);
    buf_free(&own);
}

START_TEST(test_ipv4) { check_ip("127.0.0.1:0", "127.0.0.1:"); }
END_TEST

START_TEST(test_ipv6)
{
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 loopback = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool available = fd >= 0 && bind(fd, (struct sockaddr *)&loopback, sizeof loopback) == 0;
    if (fd >= 0) close(fd);
    if (available) check_ip("[::1]:0", "[::1]:");
}
END_TEST

START_TEST(test_many_connections_at_once)
{
    enum { MANY = 150 };
    int fd[MANY];
    struct listener *l = listen_on("127.0.0.1:0", 0);
    for (int i = 0; i < MANY; i++)
        fd[i] = connect_listener(l);
    run_turns(loop, 1);
    ck_assert_uint_eq(accepted_count, 64);
    accept_until(MANY);
    for (int i = 0; i < MANY; i++)
        close(fd[i]);
    listener_close(l);
}
END_TEST

START_TEST(test_an_address_in_use)
{
    struct address bound;
    struct buf where = {0};
    struct listener *l = listen_on("127.0.0.1:0", 0);
    listener_address(l, &bound);
    ck_assert_ptr_null(listener_open(loop, &bound, 0, on_accepted, NULL, &error));
    BUF_ADD(&where, "cannot listen on ");
    address_format(&bound, &where);
    BUF_ADD(&where, ": Address already in use");
    ck_assert(text_eq(buf_text(&error), buf_text(&where)));
    buf_free(&where);
    listener_close(l);
}
END_TEST

START_TEST(test_an_adopted_socket)
{
    struct address at;
    int fd = make_tcp_listener(&at, 16);
    struct listener *l = listener_adopt(loop, fd, on_accepted, &accepted_count);
    int client = connect_to(&at);
    accept_until(1);
    ck_assert_int_ne(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(client);
    listener_close(l);
}
END_TEST

START_TEST(test_closing_inside_the_callback)
{
    struct listener *l = listen_on("127.0.0.1:0", 0);
    int a = connect_listener(l), b = connect_listener(l);
    to_close = l;
    accept_until(1);
    run_turns(loop, 3);
    ck_assert_uint_eq(accepted_count, 1);
    close(a);
    close(b);
    listener_close(NULL);
}
END_TEST

/* ---- no descriptors left ---- */

static void limit_descriptors(rlim_t most)
{
    struct rlimit limit;
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = most ? most : limit.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* What the body writes to stderr, counted in lines. */
static int stderr_kept;
static FILE *stderr_file;

static void catch_stderr(void)
{
    stderr_kept = dup(STDERR_FILENO);
    stderr_file = tmpfile();
    dup2(fileno(stderr_file), STDERR_FILENO);
}

static unsigned lines_caught(void)
{
    unsigned lines = 0;
    dup2(stderr_kept, STDERR_FILENO);
    close(stderr_kept);
    rewind(stderr_file);
    for (int c; (c = fgetc(stderr_file)) != EOF;)
        lines += c == '\n';
    fclose(stderr_file);
    return lines;
}

START_TEST(test_without_descriptors_it_waits_and_says_so_once)
{
    catch_stderr();
    struct listener *l = listen_on("127.0.0.1:0", 0);
    int a = connect_listener(l), b = connect_listener(l);
    limit_descriptors((rlim_t)b + 1);
    run_turns(loop, 20);
    ck_assert_uint_eq(accepted_count, 0);
    limit_descriptors(0);
    accept_until(2);
    close(a);
    close(b);
    listener_close(l);
    ck_assert_uint_eq(lines_caught(), 2); /* paused; again */
}
END_TEST

/* ---- Unix sockets ---- */

static char dir[] = "/tmp/dsgate-listen-XXXXXX", path[64], where[80];

static void make_dir(void)
{
    memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x.sock", dir);
    snprintf(where, sizeof where, "unix:%s", path);
}

static mode_t mode_of_path(void)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode : 0;
}

START_TEST(test_a_unix_socket)
{
    make_dir();
    mode_t mask = umask(077);
    struct listener *l = listen_on(where, 0660);
    umask(mask);
    ck_assert_uint_eq(mode_of_path(), S_IFSOCK | 0660);
    int fd = connect_listener(l);
    accept_until(1);
    ck_assert_int_eq(last_peer.sa.ss_family, AF_UNIX);
    close(fd);
    listener_close(l);
    ck_assert_uint_eq(mode_of_path(), 0);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(test_a_stale_unix_socket_is_replaced)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    make_dir();
    memcpy(un.sun_path, path, strlen(path) + 1);
    int crashed = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(crashed, (struct sockaddr *)&un, sizeof un), 0);
    close(crashed);
    struct listener *l = listen_on(where, 0600);
    int fd = connect_listener(l);
    accept_until(1);
    close(fd);
    listener_close(l);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(test_a_live_unix_socket_is_left_alone)
{
    make_dir();
    struct listener *l = listen_on(where, 0600);
    ck_assert_ptr_null(try_listen(where, 0600));
    char *expected = mem_printf("cannot listen on %s: Address already in use", where);
    ck_assert(text_is(buf_text(&error), expected));
    int fd = connect_listener(l);
    accept_until(2); /* the one that looked whether somebody listens, and ours */
    close(fd);
    mem_free(expected);
    listener_close(l);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(test_an_ordinary_file_is_left_alone)
{
    make_dir();
    int fd = open(path, O_CREAT | O_WRONLY, 0600);
    close(fd);
    ck_assert_ptr_null(try_listen(where, 0600));
    ck_assert_uint_eq(mode_of_path(), S_IFREG | 0600);
    unlink(path);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

START_TEST(test_a_successors_file_is_left_alone)
{
    make_dir();
    struct listener *l = listen_on(where, 0600);
    char *aside = mem_printf("%s.old", path);
    ck_assert_int_eq(rename(path, aside), 0);
    struct listener *successor = listen_on(where, 0600);
    listener_close(l);
    ck_assert_uint_eq(mode_of_path(), S_IFSOCK | 0600);
    listener_close(successor);
    ck_assert_uint_eq(mode_of_path(), 0);
    unlink(aside);
    mem_free(aside);
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

TEST_MAIN_WITH("listen", set_up, tear_down, test_ipv4, test_ipv6, test_many_connections_at_once, test_an_address_in_use,
               test_an_adopted_socket, test_closing_inside_the_callback,
               test_without_descriptors_it_waits_and_says_so_once, test_a_unix_socket,
               test_a_stale_unix_socket_is_replaced, test_a_live_unix_socket_is_left_alone,
               test_an_ordinary_file_is_left_alone, test_a_successors_file_is_left_alone)
