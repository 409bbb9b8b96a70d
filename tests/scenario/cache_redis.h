/* cache_redis.h - the cache's Redis level, played by hand: the test takes commands from the wire and answers them. */
#ifndef DSGATE_TESTS_SCENARIO_CACHE_REDIS_H
#define DSGATE_TESTS_SCENARIO_CACHE_REDIS_H

#include "cache.h"

#define REDIS            "cache: {redis: {url: 'redis://redis.test:6379'}}\n"
#define SHARED_BY(rules) REDIS CACHE(rules) ALONE
#define WITH_REDIS       SHARED_BY("mode: always")
#define PATIENCE         (50 * MS) /* with an answer of Redis */

static struct fake_upstream redis;
static struct buf kept; /* the value that Redis was last given */

/* ---- the server ---- */

static inline struct wire *link_wire(void) { return fake_newest_wire(&redis); }

static inline void redis_says(const char *bytes)
{
    wire_send(link_wire(), text_of(bytes));
    fake_settle();
}

#define redis_knows_nothing() redis_says("$-1\r\n")

static inline void redis_gives(struct text value)
{
    char *size = mem_printf("$%zu\r\n", value.n);
    wire_send(link_wire(), text_of(size));
    mem_free(size);
    wire_send(link_wire(), value);
    redis_says("\r\n");
}

#define redis_gives_kept() redis_gives(buf_text(&kept))

/* What "*3\r\n" and "$12\r\n" say. */
static inline size_t cut_size(struct text *rest, char kind)
{
    struct text line;
    uint64_t size = 0;
    ck_assert_msg(text_cut(rest, '\n', &line) && line.n > 2 && line.p[0] == kind, "Redis was not asked");
    ck_assert(text_to_u64(text_make(line.p + 1, line.n - 2), &size));
    return size;
}

/* The next command's words, of which `n` there must be; good until the next call. */
static inline const struct text *take_command(const char *word, unsigned n)
{
    static struct buf command;
    static struct text words[8];
    buf_clear(&command);
    buf_add(&command, wire_received(link_wire()));
    struct text rest = buf_text(&command);
    ck_assert_uint_eq(cut_size(&rest, '*'), n);
    for (unsigned i = 0; i < n; i++) {
        size_t size = cut_size(&rest, '$');
        words[i] = text_make(rest.p, size);
        rest = text_from(rest, size + 2);
    }
    ck_assert_msg(text_is(words[0], word), "asked to " TEXT_FORMAT, TEXT_ARGS(words[0]));
    wire_clear(link_wire());
    wire_give_back(link_wire(), rest);
    return words;
}

#define ck_redis_is_left_alone() ck_assert_uint_eq(wire_received(link_wire()).n, 0)

/* ---- what the gateway does ---- */

static inline void log_in(void)
{
    take_command("PING", 1);
    take_command("CLIENT", 3);
    redis_says("+PONG\r\n+OK\r\n");
}

/* Connected, and content with how the server is set up. */
static inline void begin_redis(const char *yaml)
{
    redis = (struct fake_upstream){.host = "redis.test", .port = 6379};
    begin(yaml);
    fake_upstream_add(&redis);
    fake_settle();
    log_in();
    take_command("CONFIG", 3);
    redis_says("*4\r\n$9\r\nmaxmemory\r\n$3\r\n100\r\n$16\r\nmaxmemory-policy\r\n$11\r\nallkeys-lfu\r\n");
    ck_redis_is_left_alone();
}

static inline void end_redis(void)
{
    gateway_end();
    buf_free(&kept);
}

/* Redis is asked for an answer, and nobody else is yet. */
static inline void ck_asks_redis(void)
{
    take_command("GET", 2);
    ck_redis_is_left_alone();
    ck_assert_msg(!busy_wire(&a), "a was asked, too");
}

/* It is given one to keep, for so many seconds. */
static inline void ck_writes(const char *seconds)
{
    const struct text *words = take_command("SET", 5);
    ck_assert(text_is(words[3], "EX"));
    ck_assert_msg(text_is(words[4], seconds), "for " TEXT_FORMAT " s", TEXT_ARGS(words[4]));
    buf_clear(&kept);
    buf_add(&kept, words[2]);
    redis_says("+OK\r\n");
}

/* A plain call that neither level knows, and Redis keeps; memory does not. */
static inline void keep_in_redis(const char *said, const char *seconds)
{
    struct wire *client = chat("", "");
    ck_asks_redis();
    redis_knows_nothing();
    answer(&a, 200, said);
    ck_given(client, "miss", said);
    ck_writes(seconds);
    gateway_purge(&(struct cache_selection){0});
}

/* The client's answer, out of Redis. */
#define ck_redis_hit(client, body) \
    do { \
        ck_given(client, "hit-redis", body); \
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "0"); \
    } while (0)

#endif
