/* Entries are asked for and written, and what comes of a server that does not answer as it should. */
#include "dsgate/base/mem.h"
#include "remote_fixture.h"

#define NAME "ds:1:f4142d8ba8e8e822:e53a3396f1ccdc77:0102030000000000000000000000000000000000000000000000000000000000"
#define AWAY "warn Redis redis://cache.test:6379/2 does not answer within 50 ms: the cache goes on without it\n"

static const struct cache_key key = {{1, 2, 3}};
static const struct text tenant = TEXT("shared"), model = TEXT("m");

/* ---- questions ---- */

struct question {
    struct remote_call call;
    unsigned done;
    struct cache_entry *entry;
};

static void on_done(struct remote_call *call, struct cache_entry *e)
{
    struct question *q = CONTAINER_OF(call, struct question, call);
    q->done++;
    q->entry = e;
}

static bool ask(struct remote *r, struct question *q)
{
    *q = (struct question){0};
    return remote_get(r, &q->call, &key, tenant, model, on_done);
}

/* Asked and answered; true: there was an entry. */
static bool ask_and_hear(struct remote *r, struct redis *redis, enum redis_type type, struct text text)
{
    struct question q;
    ck_assert(ask(r, &q));
    ck_assert_uint_eq(q.done, 0);
    fake_says(redis, type, text);
    ck_assert_uint_eq(q.done, 1);
    cache_entry_unref(q.entry);
    return q.entry != NULL;
}

static void time_out(struct remote *r, struct redis *redis, unsigned times)
{
    while (times-- > 0) {
        struct question q;
        ck_assert(ask(r, &q));
        fake_loop.now += 50 * USEC_PER_MS;
        fake_fail(redis, REDIS_TIMEOUT);
        ck_assert(q.done == 1 && !q.entry);
    }
}

static struct cache_entry *new_entry(usec_t fresh, usec_t stale)
{
    struct cache_facts facts = {.key = key,
                                .status = 200,
                                .created = 2000 * USEC_PER_SEC,
                                .fresh = fresh,
                                .stale = stale,
                                .tenant = TEXT("shared"),
                                .model = TEXT("m"),
                                .type = TEXT("text/plain")};
    struct iovec body = iov_of(TEXT("answer"));
    return cache_entry_new(&facts, &body, 1);
}

static struct buf envelope_of(const struct cache_entry *e)
{
    struct buf value = {0};
    envelope_write(e, &value);
    return value;
}

static struct redis *redis; /* of the one worker of most tests */
static struct remote *worker;

static void set_up(void)
{
    begin_gateway();
    worker = connected_worker(&redis);
    expect_log("info Redis redis://cache.test:6379/2 answers: it keeps what is cached, too\n");
}

static void tear_down(void)
{
    remote_free(worker);
    end_gateway();
}

START_TEST(a_hit)
{
    struct cache_entry *e = new_entry(USEC_PER_SEC, 0);
    struct buf value = envelope_of(e);
    struct question q;
    ck_assert(ask(worker, &q));
    ck_assert_int_eq(q.call.call.deadline, fake_loop.now + 50 * USEC_PER_MS);
    fake_says(redis, REDIS_STRING, buf_text(&value));
    expect_sent("GET " NAME);
    ck_assert(text_is(q.entry->body, "answer"));
    ck_assert(cache_key_same(&q.entry->facts.key, &key));
    ck_assert_uint_eq(stats_of().hits, 1);
    cache_entry_unref(q.entry);
    cache_entry_unref(e);
    buf_free(&value);
}
END_TEST

static void change_key(struct buf *value)
{
    value->data[ENVELOPE_REST_AT] ^= 1;
    envelope_seal(value->data, buf_len(value));
}
static void change_body(struct buf *value) { value->data[buf_len(value) - 1] ^= 1; }
static void change_version(struct buf *value) { value->data[ENVELOPE_VERSION_AT]++; }
static void change_magic(struct buf *value) { value->data[0]++; }

/* They are counted and ignored; the answer that is fetched instead is written over them. */
START_TEST(values_that_are_none_of_ours)
{
    static const struct {
        void (*change)(struct buf *value);
        enum envelope_fault fault;
    } rows[] = {{change_key, ENVELOPE_MISPLACED},
                {change_body, ENVELOPE_DAMAGED},
                {change_version, ENVELOPE_VERSION_UNKNOWN},
                {change_magic, ENVELOPE_FOREIGN}};
    struct cache_entry *e = new_entry(USEC_PER_SEC, 0);
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf value = envelope_of(e);
        rows[i].change(&value);
        ck_assert(!ask_and_hear(worker, redis, REDIS_STRING, buf_text(&value)));
        ck_assert_uint_eq(stats_of().ignored[rows[i].fault], 1);
        buf_free(&value);
    }
    ck_assert(!ask_and_hear(worker, redis, REDIS_ERROR, TEXT("WRONGTYPE Operation against a key")));
    ck_assert(!ask_and_hear(worker, redis, REDIS_INTEGER, TEXT_NONE));
    ck_assert_uint_eq(stats_of().ignored[ENVELOPE_FOREIGN], 3);
    ck_assert_uint_eq(stats_of().hits + stats_of().misses + stats_of().errors, 0);
    remote_put(worker, e);
    ck_assert_uint_eq(redis->count, 1);
    cache_entry_unref(e);
    expect_log("");
}
END_TEST

START_TEST(misses)
{
    struct cache_entry *e = new_entry(3, 4);
    struct buf value = envelope_of(e);
    ck_assert(!ask_and_hear(worker, redis, REDIS_NIL, TEXT_NONE));
    fake_loop.wall += 6;
    ck_assert(ask_and_hear(worker, redis, REDIS_STRING, buf_text(&value)));
    fake_loop.wall += 1; /* dead by now */
    ck_assert(!ask_and_hear(worker, redis, REDIS_STRING, buf_text(&value)));
    ck_assert_uint_eq(stats_of().misses, 2);
    cache_entry_unref(e);
    buf_free(&value);
}
END_TEST

START_TEST(nobody_waits_any_more)
{
    struct question q;
    ck_assert(ask(worker, &q));
    remote_forget(&q.call);
    remote_forget(&q.call);
    fake_says(redis, REDIS_NIL, TEXT_NONE);
    ck_assert_uint_eq(q.done, 0);
    ck_assert(ask(worker, &q)); /* ends with the worker */
}
END_TEST

/* ---- writing ---- */

static void expect_set(const struct cache_entry *e, const char *seconds)
{
    struct buf expected = {0}, value = envelope_of(e);
    buf_printf(&expected, "SET %s ", NAME);
    buf_add(&expected, buf_text(&value));
    buf_printf(&expected, " EX %s", seconds);
    ck_assert(text_eq(buf_text(&sent_words), buf_text(&expected)));
    buf_free(&expected);
    buf_free(&value);
}

START_TEST(entries_live_as_long_as_they_are_of_use)
{
    static const struct {
        usec_t fresh, stale;
        const char *seconds;
    } rows[] = {{300 * USEC_PER_SEC, 0, "300"},
                {300 * USEC_PER_SEC, 3600 * USEC_PER_SEC, "3900"},
                {1500000, 0, "2"},
                {600000, 400001, "2"},
                {600000, 400000, "1"},
                {1, 0, "1"},
                {0, 0, "1"},
                {INT64_MAX / 4, INT64_MAX / 4, "4611686018428"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct cache_entry *e = new_entry(rows[i].fresh, rows[i].stale);
        remote_put(worker, e);
        fake_says(redis, REDIS_STATUS, TEXT("OK"));
        expect_set(e, rows[i].seconds);
        ck_assert_uint_eq(atomic_load(&e->refs), 1);
        cache_entry_unref(e);
    }
    ck_assert_uint_eq(stats_of().stored, COUNT(rows));
}
END_TEST

static void put(struct remote *r, unsigned times)
{
    struct cache_entry *e = new_entry(USEC_PER_SEC, 0);
    while (times-- > 0)
        remote_put(r, e);
    cache_entry_unref(e);
}

START_TEST(what_cannot_be_written_is_dropped)
{
    redis->full = true;
    put(worker, 2);
    ck_assert_uint_eq(stats_of().dropped, 2);
    redis->full = false;
    put(worker, 1);
    fake_disconnect(redis, "gone");
    put(worker, 3);
    ck_assert_uint_eq(stats_of().dropped, 5);
    ck_assert_uint_eq(stats_of().stored, 1);
    fake_connect(redis);
    time_out(worker, redis, 5);
    put(worker, 1);
    ck_assert_uint_eq(stats_of().dropped, 6);
    ck_assert_uint_eq(redis->count, 0);
}
END_TEST

/* Of several writes at once one is looked at, the others are only counted. */
START_TEST(refused_writes_are_told_once)
{
    static const struct text oom = TEXT("OOM command not allowed when used memory > 'maxmemory'.");
    for (int round = 0; round < 3; round++) {
        put(worker, 3);
        ck_assert(!redis->sent[0].told && redis->sent[1].told && redis->sent[2].told);
        while (redis->count > 0)
            fake_says(redis, REDIS_ERROR, oom);
    }
    expect_log("warn Redis redis://cache.test:6379/2 refuses commands of the cache: "
               "OOM command not allowed when used memory > 'maxmemory'.\n");
    put(worker, 1);
    ck_assert_uint_eq(stats_of().errors, 9);
    ck_assert_uint_eq(stats_of().stored, 10);
    fake_loop.now += 60 * USEC_PER_SEC;
    fake_says(redis, REDIS_STATUS, TEXT("OK"));
    expect_log("info Redis redis://cache.test:6379/2 refuses no commands any more\n");
}
END_TEST

/* Nobody waits for their replies: they are seen with what is asked or written next. */
START_TEST(refused_writes_are_counted)
{
    struct question q;
    for (uint64_t round = 1; round <= 2; round++) {
        put(worker, 3);
        fake_says(redis, REDIS_STATUS, TEXT("OK"));
        fake_says(redis, REDIS_ERROR, TEXT("OOM"));
        fake_says(redis, REDIS_ERROR, TEXT("OOM"));
        ck_assert(ask(worker, &q));
        fake_says(redis, REDIS_NIL, TEXT_NONE);
        ck_assert_uint_eq(stats_of().errors, 2 * round);
    }
}
END_TEST

START_TEST(refused_questions_are_told_once)
{
    for (int i = 0; i < 8; i++)
        ck_assert(!ask_and_hear(worker, redis, REDIS_ERROR, TEXT("NOPERM no 'get' for you")));
    expect_log("warn Redis redis://cache.test:6379/2 refuses commands of the cache: NOPERM no 'get' for you\n");
    ck_assert_uint_eq(stats_of().errors, 8);
    fake_loop.now += 60 * USEC_PER_SEC;
    ask_and_hear(worker, redis, REDIS_NIL, TEXT_NONE);
    expect_log("info Redis redis://cache.test:6379/2 refuses no commands any more\n");
}
END_TEST

/* ---- slow and away ---- */

START_TEST(a_slow_server_is_left_alone)
{
    struct question q;
    usec_t began = fake_loop.now;
    time_out(worker, redis, 5);
    expect_log(AWAY);
    ck_assert(!stats_of().up);
    for (int i = 0; i < 100; i++)
        ck_assert(!ask(worker, &q));
    ck_assert_uint_eq(stats_of().skipped, 100);
    fake_loop.now += USEC_PER_SEC;
    time_out(worker, redis, 1);
    ck_assert(!ask(worker, &q));
    expect_log("");
    fake_loop.now = began + 31 * USEC_PER_SEC + 250 * USEC_PER_MS;
    ask_and_hear(worker, redis, REDIS_NIL, TEXT_NONE);
    expect_log("info Redis redis://cache.test:6379/2 answers again after 31.0 s\n");
    ck_assert(ask(worker, &q));
    ck_assert(stats_of().up);
    ck_assert_uint_eq(stats_of().timeouts, 6);
}
END_TEST

START_TEST(all_workers_know)
{
    enum { OTHERS = 4 };
    struct remote *others[OTHERS];
    struct redis *theirs[OTHERS];
    struct question q;
    for (int i = 0; i < OTHERS; i++) {
        others[i] = connected_worker(&theirs[i]);
        time_out(others[i], theirs[i], 1);
    }
    expect_log("");
    time_out(worker, redis, 1);
    expect_log(AWAY);
    for (int i = 0; i < OTHERS; i++)
        ck_assert(!ask(others[i], &q));
    fake_loop.now += USEC_PER_SEC;
    ask_and_hear(others[0], theirs[0], REDIS_NIL, TEXT_NONE);
    expect_log("info Redis redis://cache.test:6379/2 answers again after 1.0 s\n");
    for (int i = 0; i < OTHERS; i++)
        fake_disconnect(theirs[i], "the server closed the connection");
    fake_disconnect(redis, "the server closed the connection");
    expect_log("");
    for (int i = 0; i < OTHERS; i++)
        fake_disconnect(theirs[i], "10.0.0.9:6379: connection refused");
    expect_log("warn Redis redis://cache.test:6379/2 cannot be used (10.0.0.9:6379: connection refused): "
               "the cache goes on without it\n");
    fake_loop.now += 3 * USEC_PER_SEC;
    fake_connect(theirs[0]);
    fake_connect(redis);
    expect_log("info Redis redis://cache.test:6379/2 answers again after 3.0 s\n");
    for (int i = 0; i < OTHERS; i++)
        remote_free(others[i]);
}
END_TEST

/* It may be down for the same reason as before, which the connection does not tell again. */
START_TEST(no_connection_for_a_while_is_told_when_somebody_asks)
{
    struct question q;
    ck_assert(ask(worker, &q));
    fake_disconnect(redis, "the server closed the connection");
    ck_assert(q.done == 1 && !q.entry);
    ck_assert_uint_eq(stats_of().errors, 1);
    ck_assert(!ask(worker, &q));
    expect_log("");
    fake_loop.now += USEC_PER_SEC;
    ck_assert(!ask(worker, &q) && !ask(worker, &q));
    expect_log("warn Redis redis://cache.test:6379/2 cannot be used (the server closed the connection): "
               "the cache goes on without it\n");
    ck_assert_uint_eq(stats_of().skipped, 3);
}
END_TEST

START_TEST(a_worker_that_ends_leaves_nothing_behind)
{
    struct redis *other_redis;
    struct remote *other = connected_worker(&other_redis);
    put(other, 2);
    fake_says(other_redis, REDIS_STATUS, TEXT("OK"));
    fake_says(other_redis, REDIS_ERROR, TEXT("OOM"));
    remote_free(other);
    ck_assert_uint_eq(stats_of().errors, 1);
    fake_disconnect(redis, "closed");
    fake_disconnect(redis, "refused"); /* it was the last one */
    expect_log("warn Redis redis://cache.test:6379/2 cannot be used (refused): the cache goes on without it\n");
    remote_free(NULL);
}
END_TEST

START_TEST(more_than_the_server_takes_is_not_asked)
{
    struct question q;
    redis->full = true;
    ck_assert(!ask(worker, &q));
    ck_assert_uint_eq(stats_of().skipped, 1);
}
END_TEST

TEST_MAIN_WITH("remote", set_up, tear_down, a_hit, values_that_are_none_of_ours, misses, nobody_waits_any_more,
               entries_live_as_long_as_they_are_of_use, what_cannot_be_written_is_dropped, refused_writes_are_told_once,
               refused_writes_are_counted, refused_questions_are_told_once, a_slow_server_is_left_alone,
               all_workers_know, no_connection_for_a_while_is_told_when_somebody_asks,
               a_worker_that_ends_leaves_nothing_behind, more_than_the_server_takes_is_not_asked)
