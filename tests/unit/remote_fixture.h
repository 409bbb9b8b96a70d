/* remote_fixture.h - the Redis level on a fake: connections that do what the test says, virtual time, and a log that
 * can be read. These symbols win over the library's. Each thread has its own loop and its own newest connection. */
#ifndef DSGATE_TESTS_REMOTE_FIXTURE_H
#define DSGATE_TESTS_REMOTE_FIXTURE_H

#include "../../src/cache/envelope_private.h"
#include "../../src/cache/remote_name.h"
#include "../suite.h"
#include "dsgate/base/log.h"
#include "dsgate/cache/remote.h"
#include <pthread.h>
#include <stdarg.h>

/* ---- time ---- */

struct loop {
    usec_t now, wall;
};
static _Thread_local struct loop fake_loop = {1000 * USEC_PER_SEC, 2000 * USEC_PER_SEC};

usec_t loop_now(const struct loop *loop) { return loop->now; }
usec_t loop_clock(const struct loop *loop) { return loop->now; }
usec_t loop_wall(const struct loop *loop) { return loop->wall; }

/* ---- the log ---- */

static pthread_mutex_t log_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct buf log_text;
static unsigned log_lines;

void log_line(enum log_level level, const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    pthread_mutex_lock(&log_mutex);
    buf_printf(&log_text, "%s %s\n", level == LOG_INFO ? "info" : "warn", line);
    log_lines++;
    pthread_mutex_unlock(&log_mutex);
}

/* Exactly these lines since the last look. */
static inline void expect_log(const char *lines)
{
    struct text got = buf_text(&log_text);
    ck_assert_msg(text_is(got, lines), "logged: " TEXT_FORMAT, TEXT_ARGS(got));
    buf_clear(&log_text);
}

/* ---- connections ---- */

enum { SENT_MAX = 16 };
struct redis {
    struct redis_options options;
    enum redis_state state;
    bool full; /* it takes no command */
    uint64_t errors;
    struct sent {
        struct redis_call *call; /* NULL: redis_tell(), or nobody waits any more */
        bool told;
        struct buf words; /* with a blank between each two */
    } sent[SENT_MAX];
    unsigned count;
};
static _Thread_local struct redis *fake_redis;
static _Thread_local struct buf sent_words; /* of the command that was answered last */

struct redis *redis_new(struct loop *loop, struct dns *dns, const struct redis_options *o)
{
    fake_redis = MEM_NEW(struct redis);
    fake_redis->options = *o;
    return fake_redis;
}

void redis_free(struct redis *r)
{
    for (unsigned i = 0; i < r->count; i++) {
        if (r->sent[i].call) r->sent[i].call->redis = NULL;
        buf_free(&r->sent[i].words);
    }
    mem_free(r);
}

enum redis_state redis_state(const struct redis *r) { return r->state; }
uint64_t redis_errors(const struct redis *r) { return r->errors; }

static bool take_command(struct redis *r, struct redis_call *call, const struct text *argv, size_t argc)
{
    if (r->state != REDIS_UP || r->full) return false;
    ck_assert_uint_lt(r->count, SENT_MAX);
    struct sent *s = &r->sent[r->count++];
    *s = (struct sent){.call = call, .told = !call};
    for (size_t i = 0; i < argc; i++) {
        if (i) buf_add_byte(&s->words, ' ');
        buf_add(&s->words, argv[i]);
    }
    return true;
}

bool redis_send(struct redis *r, struct redis_call *call, const struct text *argv, size_t argc, usec_t deadline,
                void (*replied)(struct redis_call *call, const struct redis_reply *reply),
                void (*failed)(struct redis_call *call, enum redis_failure why))
{
    ck_assert_ptr_null(call->redis);
    if (!take_command(r, call, argv, argc)) return false;
    *call = (struct redis_call){.deadline = deadline, .redis = r, .replied = replied, .failed = failed};
    return true;
}

bool redis_tell(struct redis *r, const struct text *argv, size_t argc) { return take_command(r, NULL, argv, argc); }

void redis_forget(struct redis_call *call)
{
    for (unsigned i = 0; call->redis && i < call->redis->count; i++)
        if (call->redis->sent[i].call == call) call->redis->sent[i].call = NULL;
    call->redis = NULL;
}

/* ---- what the server does ---- */

static inline struct sent fake_pop(struct redis *r)
{
    ck_assert_uint_gt(r->count, 0);
    struct sent first = r->sent[0];
    memmove(&r->sent[0], &r->sent[1], --r->count * sizeof first);
    if (first.call) first.call->redis = NULL;
    buf_free(&sent_words);
    sent_words = first.words;
    return first;
}

/* Answers the oldest command. */
static inline void fake_reply(struct redis *r, struct redis_reply reply)
{
    struct sent s = fake_pop(r);
    if (s.told && reply.type == REDIS_ERROR) r->errors++;
    if (s.call) s.call->replied(s.call, &reply);
}

static inline void fake_says(struct redis *r, enum redis_type type, struct text text)
{
    fake_reply(r, (struct redis_reply){.type = type, .text = text});
}

/* The oldest command fails. */
static inline void fake_fail(struct redis *r, enum redis_failure why)
{
    struct sent s = fake_pop(r);
    if (s.call) s.call->failed(s.call, why);
}

static inline void fake_connect(struct redis *r)
{
    r->state = REDIS_UP;
    r->options.changed(r->options.arg, REDIS_UP, "");
}

static inline void fake_disconnect(struct redis *r, const char *why)
{
    r->state = REDIS_DOWN;
    while (r->count > 0)
        fake_fail(r, REDIS_LOST);
    r->options.changed(r->options.arg, REDIS_DOWN, why);
}

static inline void expect_sent(const char *words)
{
    struct text got = buf_text(&sent_words);
    ck_assert_msg(text_is(got, words), "sent: " TEXT_FORMAT, TEXT_ARGS(got));
}

/* ---- a gateway ---- */

static struct remote_shared *shared;

static inline struct conf_redis redis_config(void)
{
    static char url[] = "redis://cache.test:6379/2", host[] = "cache.test", user[] = "dsgate",
                password[] = "top secret", prefix[] = "ds";
    return (struct conf_redis){.url = url,
                               .host = host,
                               .port = 6379,
                               .database = 2,
                               .user = user,
                               .password = password,
                               .timeout = 50 * USEC_PER_MS,
                               .prefix = prefix};
}

/* A worker; *redis: its connection. The question about the server's settings is answered when it is connected. */
static inline struct remote *new_worker(struct redis **redis)
{
    struct remote *r = remote_new(shared, &fake_loop, NULL);
    *redis = fake_redis;
    return r;
}

static inline struct remote *connected_worker(struct redis **redis)
{
    struct remote *r = new_worker(redis);
    fake_connect(*redis);
    if ((*redis)->count > 0) fake_says(*redis, REDIS_ERROR, TEXT("NOPERM"));
    return r;
}

static inline void begin_gateway(void)
{
    struct buf error = {0};
    struct conf_redis conf = redis_config();
    fake_loop = (struct loop){1000 * USEC_PER_SEC, 2000 * USEC_PER_SEC};
    shared = remote_shared_new(&conf, &error);
    ck_assert_ptr_nonnull(shared);
    ck_assert_uint_eq(buf_len(&error), 0);
}

static inline void end_gateway(void)
{
    remote_shared_free(shared);
    buf_free(&log_text);
    buf_free(&sent_words);
}

static inline struct remote_stats stats_of(void)
{
    struct remote_stats stats;
    remote_read_stats(shared, &stats);
    return stats;
}

#endif
