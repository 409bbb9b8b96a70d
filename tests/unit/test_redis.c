/* The door to Redis on real sockets: what goes wrong before there is a server, and then a real redis-server. */
#include "../../src/net/dns_resolver.h"
#include "certificates.h"
#include "net_test.h"
#include "redis_test.h"
#include <errno.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct loop *loop;
static struct dns *dns;
static struct redis_options options;
static struct note a;
static struct certs authority;
static char dir[64], *socket_path;
static pid_t server;

static const char *no_name(const char *host, struct address_list *out)
{
    out->count = 0;
    return "Name or service not known";
}

static void set_up(void)
{
    loop = loop_new();
    dns = dns_new_with(no_name, clock_monotonic);
    options = (struct redis_options){.connect_timeout = 10 * USEC_PER_SEC, .unsent_max = 8 << 20, .reply_max = 4 << 20};
    options.changed = redis_note_state;
    strcpy(dir, "/tmp/dsgate-redis-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    socket_path = mem_printf("%s/redis.sock", dir);
    states[0] = '\0';
}

static void stop_server(void)
{
    if (!server) return;
    kill(server, SIGKILL);
    ck_assert_int_eq(waitpid(server, NULL, 0), server);
    server = 0;
}

static void end_client(void)
{
    redis_free(redis);
    redis = NULL;
    states[0] = '\0';
}

static void tear_down(void)
{
    end_client();
    origin_unref(options.origin);
    stop_server();
    unlink(socket_path);
    rmdir(dir);
    mem_free(socket_path);
    buf_free(&a.heard);
    dns_free(dns);
    loop_free(loop);
}

static void stop_loop(void) { loop_stop(loop); }

/* Runs until the next thing that is told. */
static void await(void)
{
    redis_then = stop_loop;
    loop_run(loop);
}

static void begin_at(const char *host, unsigned port, struct tls_ctx *tls, const struct address_list *at)
{
    origin_unref(options.origin);
    options.origin = origin_new(host, port, tls, NULL, at);
    redis = redis_new(loop, dns, &options);
    await();
}

/* The state has come by now, and is this one. */
static void ck_states(const char *expected)
{
    ck_assert_msg(!strcmp(states, expected), "states: %s\nexpected: %s", states, expected);
}

static void check_cannot_connect(const char *host, unsigned port, struct tls_ctx *tls, const char *why)
{
    begin_at(host, port, tls, NULL);
    char *expected = mem_printf("down: %s.", why);
    ck_states(expected);
    mem_free(expected);
    end_client();
}

static unsigned port_of(const struct address *at) { return ntohs(((const struct sockaddr_in *)&at->sa)->sin_port); }

/* A port that nobody listens on, held so that nobody else gets it. */
static int free_port(unsigned *port)
{
    struct address at;
    int listener = make_tcp_listener(&at, 1), holder = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    close(listener);
    ck_assert_int_eq(setsockopt(holder, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)), 0);
    ck_assert_int_eq(bind(holder, (struct sockaddr *)&at.sa, at.length), 0);
    *port = port_of(&at);
    return holder;
}

/* ---- no server ---- */

START_TEST(failures_to_connect_are_told_in_words)
{
    unsigned port;
    int holder = free_port(&port);
    char *refused = mem_printf("127.0.0.1:%u: connection refused", port);
    check_cannot_connect("127.0.0.1", port, NULL, refused);
    check_cannot_connect("redis.test", 6379, NULL, "redis.test: name or service not known");
    mem_free(refused);
    close(holder);
}
END_TEST

/* ---- how it writes ---- */

static unsigned writes;

/* Stands before the C library's, and counts. */
ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    writes++;
    return syscall(SYS_sendmsg, fd, message, flags);
}

static void peer_says(int peer, const char *words)
{
    ck_assert_int_eq(write(peer, words, strlen(words)), strlen(words));
}

START_TEST(commands_of_one_turn_are_one_write)
{
    char got[4096];
    struct address at;
    int listener = make_tcp_listener(&at, 1);
    options.origin = origin_new("127.0.0.1", port_of(&at), NULL, NULL, NULL);
    options.password = "sesame";
    redis = redis_new(loop, dns, &options);
    writes = 0;
    while (writes == 0)
        run_turns(loop, 1);
    int peer = accept(listener, NULL, NULL);
    peer_says(peer, "+OK\r\n+PONG\r\n+OK\r\n");
    await();
    ck_states("up.");
    ck_assert_uint_eq(writes, 1);
    ck_assert_int_gt(recv(peer, got, sizeof got, 0), 60);
    struct note many[50] = {0};
    for (int i = 0; i < COUNT(many); i++)
        ck_assert(send_words(&many[i], "GET x", USEC_NEVER));
    ck_assert_int_eq(recv(peer, got, sizeof got, MSG_DONTWAIT), -1);
    run_turns(loop, 1);
    ck_assert_uint_eq(writes, 2);
    ck_assert_int_eq(recv(peer, got, sizeof got, 0), COUNT(many) * 20);
    close(peer);
    await();
    ck_heard(&many[0], "lost");
    for (int i = 0; i < COUNT(many); i++) {
        redis_forget(&many[i].call);
        buf_free(&many[i].heard);
    }
    close(listener);
}
END_TEST

/* ---- a real server ---- */

/* With options of its own, up to a NULL. */
static void start_server(const char *const *more)
{
    const char *argv[40] = {"redis-server", "--port", "0", "--unixsocket", socket_path, "--save", "", "--appendonly",
                            "no",           "--dir",  dir};
    for (int n = 11; more && *more; n++)
        argv[n] = *more++;
    server = fork();
    ck_assert_int_ge(server, 0);
    if (server) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that breaks leaves nothing behind */
    int null = open("/dev/null", O_WRONLY);
    dup2(null, STDOUT_FILENO);
    execvp(argv[0], (char *const *)argv);
    fprintf(stderr, "cannot run redis-server: %s\n", strerror(errno));
    _exit(127);
}

static struct address socket_address(void)
{
    struct address at;
    struct buf error = {0};
    char *where = mem_printf("unix:%s", socket_path);
    ck_assert(address_parse(text_of(where), 0, &at, &error));
    mem_free(where);
    return at;
}

/* Until it listens: a failure to connect before that would be one more thing that is told. */
static void await_server(void)
{
    struct address at = socket_address();
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    while (connect(fd, (struct sockaddr *)&at.sa, at.length) < 0) {
        ck_assert_msg(waitpid(server, NULL, WNOHANG) == 0, "redis-server did not start");
        usleep(1000);
    }
    close(fd);
}

static void begin_on_socket(void)
{
    struct address_list pins = {.at = {socket_address()}, .count = 1};
    begin_at("redis", 0, NULL, &pins);
}

static void check_answer(const char *words, const char *expected)
{
    ck_assert(send_words(&a, words, USEC_NEVER));
    await();
    ck_heard(&a, expected);
}

START_TEST(users_and_databases)
{
    static const char *const users[] = {"--requirepass", "other", "--user", "alice", "on",
                                        ">sesame",       "~*",    "+@all",  NULL};
    static const struct {
        const char *user, *password;
        unsigned database;
        const char *states;
    } rows[] = {
        {"alice", "sesame", 0, "up."},
        {NULL, "other", 15, "up."},
        {NULL, NULL, 0, "down: a password is needed: NOAUTH Authentication required.."},
        {"alice", "sesam", 0, "down: wrong password: WRONGPASS invalid username-password pair or user is disabled.."},
        {"alice", "sesame", 16, "down: no such database: ERR DB index is out of range."},
    };
    start_server(users);
    await_server();
    for (int i = 0; i < COUNT(rows); i++) {
        options.user = rows[i].user;
        options.password = rows[i].password;
        options.database = rows[i].database;
        begin_on_socket();
        ck_states(rows[i].states);
        if (!strcmp(states, "up.")) {
            check_answer("CLIENT GETNAME", "$dsgate");
            check_answer("GET here", "_");
            check_answer("SET here x", "+OK");
        }
        end_client();
    }
}
END_TEST

START_TEST(kinds_of_replies)
{
    start_server(NULL);
    await_server();
    begin_on_socket();
    check_answer("SET k v EX 100", "+OK");
    check_answer("GET k", "$v");
    check_answer("GET none", "_");
    check_answer("DEL k none", ":1");
    check_answer("RPUSH list a b", ":2");
    check_answer("LRANGE list 0 -1", "[$a,$b]");
    check_answer("SCAN 0 MATCH li*", "[$0,[$list]]");
    check_answer("GET list", "-WRONGTYPE Operation against a key holding the wrong kind of value");
    ck_assert(redis_tell(redis, (struct text[]){TEXT("GET"), TEXT("list")}, 2));
    check_answer("CONFIG GET maxmemory-policy", "[$maxmemory-policy,$noeviction]");
    ck_assert_uint_eq(redis_errors(redis), 1);
}
END_TEST

START_TEST(large_values_are_kept_whole)
{
    enum { SIZE = 1 << 20 };
    struct buf value = {0};
    buf_add_byte(&value, '$');
    for (int i = 0; i < SIZE; i++)
        buf_add_byte(&value, (char)(i * 7 % 256));
    struct text bytes = text_from(buf_text(&value), 1);
    start_server(NULL);
    await_server();
    begin_on_socket();
    for (int i = 0; i < 5; i++) {
        ck_assert(redis_tell(redis, (struct text[]){TEXT("SET"), TEXT("k"), bytes}, 3));
        ck_assert(send_words(&a, "GET k", USEC_NEVER));
        await();
        ck_assert(text_eq(buf_text(&a.heard), buf_text(&value)));
    }
    buf_free(&value);
}
END_TEST

START_TEST(a_paused_server_costs_time_outs_only)
{
    start_server(NULL);
    await_server();
    begin_on_socket();
    check_answer("SET k v", "+OK");
    check_answer("CLIENT PAUSE 300", "+OK");
    for (int i = 0; i < 3; i++) {
        ck_assert(send_words(&a, "GET other", loop_now(loop) + 20 * USEC_PER_MS));
        await();
        ck_heard(&a, "timeout");
    }
    check_answer("GET k", "$v"); /* once the pause is over; the late replies go to nobody */
    ck_states("up.");
}
END_TEST

START_TEST(a_killed_server_comes_back)
{
    start_server(NULL);
    await_server();
    begin_on_socket();
    check_answer("SET k v", "+OK");
    kill(server, SIGSTOP);
    ck_assert(send_words(&a, "GET k", USEC_NEVER));
    run_turns(loop, 2);
    stop_server();
    await();
    ck_heard(&a, "lost");
    ck_assert_int_eq(redis_state(redis), REDIS_DOWN);
    unlink(socket_path);
    start_server(NULL);
    await_server();
    while (redis_state(redis) != REDIS_UP)
        await();
    check_answer("GET k", "_");
}
END_TEST

/* ---- with TLS ---- */

static struct tls_ctx *trusting(const char *ca_file)
{
    struct buf error = {0};
    struct tls_ctx *ctx = tls_client_new(&(struct tls_client_options){.ca_file = ca_file}, &error);
    ck_assert_ptr_nonnull(ctx);
    return ctx;
}

START_TEST(tls)
{
    unsigned port;
    const char *ca_file = certs_new(&authority), *cert, *key;
    certs_issue(&authority, "redis", "IP:127.0.0.1", 3600, &cert, &key);
    int holder = free_port(&port);
    char *port_words = mem_printf("%u", port);
    struct tls_ctx *good = trusting(ca_file), *stranger = trusting(NULL);
    const char *const tls_options[] = {
        "--tls-port", port_words, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-auth-clients",
        "no",         "--bind",   "127.0.0.1",       NULL};
    close(holder);
    start_server(tls_options);
    await_server();
    begin_at("127.0.0.1", port, good, NULL);
    ck_states("up.");
    check_answer("SET k v", "+OK");
    check_answer("GET k", "$v");
    end_client();
    check_cannot_connect("127.0.0.1", port, stranger, "TLS: unable to get local issuer certificate");
    begin_at("127.0.0.1", port, NULL, NULL); /* closed, or reset: our bytes may still be unread there */
    ck_assert(!strncmp(states, "down: the ", 10));
    end_client();
    tls_ctx_unref(good);
    tls_ctx_unref(stranger);
    mem_free(port_words);
    certs_free(&authority);
}
END_TEST

TEST_MAIN_WITH("redis", set_up, tear_down, failures_to_connect_are_told_in_words, commands_of_one_turn_are_one_write,
               users_and_databases, kinds_of_replies, large_values_are_kept_whole, a_paused_server_costs_time_outs_only,
               a_killed_server_comes_back, tls)
