/* redis.h - the door to Redis on the fake network: the test is the server, and time stands still. */
#ifndef DSGATE_TESTS_SCENARIO_REDIS_H
#define DSGATE_TESTS_SCENARIO_REDIS_H

#include "../../src/net/redis_private.h"
#include "../unit/redis_test.h"
#include "fake/fake.h"

#define MS  USEC_PER_MS
#define SEC USEC_PER_SEC

#define PING  "*1\r\n$4\r\nPING\r\n"
#define NAME  "*3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$6\r\ndsgate\r\n"
#define GET_X "*2\r\n$3\r\nGET\r\n$1\r\nx\r\n"

static struct fake_upstream server;
static struct redis_options options;
static struct note a, b, c;

static inline void set_up(void)
{
    fake_begin();
    server = (struct fake_upstream){.host = "redis.test", .port = 6379};
    fake_upstream_add(&server);
    options = (struct redis_options){.origin = origin_new("redis.test", 6379, NULL, NULL, NULL)};
    options.connect_timeout = SEC;
    options.unsent_max = 10000;
    options.reply_max = 1000;
    options.changed = redis_note_state;
    states[0] = '\0';
    redis_then = NULL;
}

static inline void tear_down(void)
{
    redis_free(redis);
    redis = NULL;
    origin_unref(options.origin);
    fake_end();
    buf_free(&a.heard);
    buf_free(&b.heard);
    buf_free(&c.heard);
    a = b = c = (struct note){0};
}

static inline struct wire *wire(void) { return fake_newest_wire(&server); }

static inline void begin(void)
{
    redis = redis_new(fake_loop(), NULL, &options);
    ck_assert_int_eq(redis_state(redis), REDIS_CONNECTING);
    ck_assert(!send_words(&a, "GET x", USEC_NEVER));
    fake_settle();
}

static inline void server_says(const char *bytes)
{
    wire_send(wire(), text_of(bytes));
    fake_settle();
}

/* What has come, in one piece; forgotten then. */
static inline void server_got(const char *bytes)
{
    fake_settle();
    struct text got = wire_received(wire());
    ck_assert_msg(text_is(got, bytes), "got " TEXT_FORMAT ", expected %s", TEXT_ARGS(got), bytes);
    wire_clear(wire());
}

static inline void log_in(void)
{
    server_got(PING NAME);
    server_says("+PONG\r\n+OK\r\n");
    ck_assert_int_eq(redis_state(redis), REDIS_UP);
}

static inline void begin_up(void)
{
    begin();
    log_in();
    ck_assert_str_eq(states, "up.");
}

/* How long it takes until the next attempt. */
static inline usec_t await_dial(void)
{
    usec_t began = fake_now();
    for (unsigned before = server.dials; server.dials == before;)
        fake_run(MS);
    return fake_now() - began;
}

static inline void ask(struct note *n, usec_t patience) { ck_assert(send_words(n, "GET x", fake_now() + patience)); }

static inline void tell(void) { ck_assert(redis_tell(redis, (struct text[]){TEXT("GET"), TEXT("x")}, 2)); }

#endif
