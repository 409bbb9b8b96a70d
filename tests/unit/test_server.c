/* Requests that are taken away from their exchange: whole, whatever becomes of it. */
#include "dsgate/base/mem.h"
#include "dsgate/net/server.h"
#include "net_test.h"

static struct loop *loop;
static struct server *server;
static atomic_uint_fast64_t bodies;

/* When the handler takes the request that has come. */
enum moment { AT_ONCE, UNDER_WAY, ON_ENDING, ON_GONE, AFTER_FORGETTING, NEVER };
static enum moment moment;

static struct exchange *open_one; /* whose answer is owed */
static struct server_request *taken;
static unsigned asked, refused;

static void take(struct exchange *x)
{
    taken = exchange_take_request(x);
    ck_assert_ptr_null(exchange_head(x));
    ck_assert_uint_eq(exchange_body(x).n, 0);
    ck_assert_ptr_null(exchange_take_request(x));
}

static void on_request(struct server *s, struct exchange *x)
{
    ck_assert_ptr_eq(s, server);
    asked++;
    open_one = x;
    if (moment == AFTER_FORGETTING) exchange_forget_request(x);
    if (moment == AT_ONCE || moment == AFTER_FORGETTING) take(x);
}

static void on_malformed(struct server *s, struct exchange *x, enum http_error error)
{
    (void)s;
    ck_assert_int_eq(error, HTTP_NO_ROOM);
    ck_assert_ptr_null(exchange_take_request(x));
    refused++;
    exchange_abort(x);
}

static void on_ending(struct exchange *x)
{
    if (moment == ON_ENDING) take(x);
}

static void on_gone(struct exchange *x)
{
    if (moment == ON_GONE) take(x);
    open_one = NULL;
}

static void on_drained(struct exchange *x) { (void)x; }

static const struct server_ops ops = {on_request, on_malformed, on_gone, on_ending, on_drained, NULL};

static void set_up(void)
{
    const struct server_options options = {
        .limits = {.line = 1000, .head = 4000, .fields = 20, .body = 1 << 20},
        .head_timeout = 60 * USEC_PER_SEC,
        .body_timeout = 60 * USEC_PER_SEC,
        .keep_alive_timeout = 60 * USEC_PER_SEC,
        .write_timeout = 60 * USEC_PER_SEC,
        .bodies = &bodies,
        .bodies_max = 50000,
    };
    loop = loop_new();
    server = server_new(loop, &options, &ops, NULL);
    atomic_store(&bodies, 0);
    open_one = NULL;
    taken = NULL;
    asked = refused = 0;
}

static void end_server(void)
{
    if (server) server_free(server);
    server = NULL;
}

static void tear_down(void)
{
    server_request_free(taken);
    end_server();
    loop_free(loop);
}

/* ---- the client ---- */

static int connect_client(void)
{
    int fd[2];
    struct address at;
    struct buf error = {0};
    ck_assert(address_parse(TEXT("127.0.0.1:9"), 0, &at, &error));
    make_pair(fd);
    server_adopt(server, fd[0], &at, NULL);
    return fd[1];
}

static void client_sends(int client, struct text bytes)
{
    ck_assert_int_eq(write(client, bytes.p, bytes.n), bytes.n);
    run_turns(loop, 3);
}

/* An answer that begins like this and has this body. */
static void client_must_have(int client, const char *begins, const char *body)
{
    char got[1000] = {0};
    ck_assert_int_gt(read(client, got, sizeof got - 1), 0);
    ck_assert_msg(!strncmp(got, begins, strlen(begins)), "%s", got);
    const char *end = strstr(got, "\r\n\r\n");
    ck_assert_ptr_nonnull(end);
    ck_assert_str_eq(end + 4, body);
}

static void answer(bool last)
{
    const struct reply_head head = {.status = 200, .has_length = true, .content_length = last ? 2 : 100};
    struct iovec iov = {(char *)"ok", 2};
    ck_assert(exchange_send(open_one, &head, &iov, 1, last));
}

/* ---- the requests ---- */

#define HEAD(method, target) method " " target " HTTP/1.1\r\nHost: h\r\n"

static const struct sample {
    struct text bytes, target, body;
} samples[] = {
    {TEXT(HEAD("POST", "/length") "Content-Length: 5\r\n\r\nhello"), TEXT("/length"), TEXT("hello")},
    {TEXT(HEAD("POST", "/chunks") "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
     TEXT("/chunks"), TEXT("hello")},
    {TEXT(HEAD("GET", "/none") "\r\n"), TEXT("/none"), TEXT("")},
};

static void must_be(const struct server_request *q, const struct sample *s)
{
    ck_assert_ptr_nonnull(q);
    ck_assert(text_eq(server_request_head(q)->target, s->target));
    ck_assert(text_is(http_value(server_request_head(q), HTTP_HOST), "h"));
    ck_assert(text_eq(server_request_body(q), s->body));
}

/* A long body, which counts. */
enum { LONG = 30000 };

static struct text long_request(void)
{
    static char bytes[LONG + 100];
    int head = snprintf(bytes, sizeof bytes, HEAD("POST", "/long") "Content-Length: %d\r\n\r\n", LONG);
    memset(bytes + head, 'x', LONG);
    return text_make(bytes, (size_t)head + LONG);
}

/* ---- tests ---- */

/* Taken at each moment at which there is an exchange. */
START_TEST(a_request_outlives_its_exchange)
{
    for (int i = 0; i < COUNT(samples); i++) {
        for (moment = AT_ONCE; moment <= ON_GONE; moment++) {
            int client = connect_client();
            client_sends(client, samples[i].bytes);
            if (moment == UNDER_WAY) {
                answer(false);
                take(open_one);
            }
            if (moment == ON_GONE) {
                close(client);
                run_turns(loop, 3);
            }
            end_server();
            ck_assert_ptr_null(open_one);
            must_be(taken, &samples[i]);
            if (moment != ON_GONE) close(client);
            tear_down();
            set_up();
        }
    }
}
END_TEST

START_TEST(its_connection_goes_on)
{
    char both[1000];
    moment = AT_ONCE;
    for (int i = 0; i < COUNT(samples); i++) {
        int client = connect_client();
        snprintf(both, sizeof both, TEXT_FORMAT HEAD("GET", "/next") "\r\n", TEXT_ARGS(samples[i].bytes));
        client_sends(client, text_of(both));
        ck_assert_uint_eq(asked, 1);
        struct server_request *first = taken;
        answer(true);
        run_turns(loop, 3);
        client_must_have(client, "HTTP/1.1 200 OK\r\n", "ok");
        ck_assert_uint_eq(asked, 2);
        must_be(first, &samples[i]);
        must_be(taken, &(struct sample){.target = TEXT("/next")});
        answer(true);
        client_must_have(client, "HTTP/1.1 200 OK\r\n", "ok");
        server_request_free(first);
        close(client);
        tear_down();
        set_up();
    }
}
END_TEST

START_TEST(what_was_forgotten_cannot_be_taken)
{
    int client = connect_client();
    moment = AFTER_FORGETTING;
    client_sends(client, samples[0].bytes);
    ck_assert_ptr_null(taken);
    answer(true);
    client_must_have(client, "HTTP/1.1 200 OK\r\n", "ok");
    close(client);
}
END_TEST

START_TEST(it_counts_as_a_body_until_it_is_freed)
{
    int clients[3] = {connect_client(), connect_client(), connect_client()};
    moment = AT_ONCE;
    client_sends(clients[0], long_request());
    ck_assert_uint_eq(asked, 1);
    answer(true);
    close(clients[0]);
    run_turns(loop, 3);
    ck_assert_uint_eq(atomic_load(&bodies), LONG);
    moment = NEVER;
    client_sends(clients[1], long_request());
    ck_assert_uint_eq(refused, 1);
    ck_assert_uint_eq(atomic_load(&bodies), LONG);
    server_request_free(taken);
    taken = NULL;
    ck_assert_uint_eq(atomic_load(&bodies), 0);
    client_sends(clients[2], long_request());
    ck_assert_uint_eq(asked, 2);
    ck_assert_uint_eq(atomic_load(&bodies), LONG);
    answer(true);
    ck_assert_uint_eq(atomic_load(&bodies), 0);
    close(clients[1]);
    close(clients[2]);
}
END_TEST

TEST_MAIN_WITH("server", set_up, tear_down, a_request_outlives_its_exchange, its_connection_goes_on,
               what_was_forgotten_cannot_be_taken, it_counts_as_a_body_until_it_is_freed)
