/* Where the server is, what its settings mean, and what entries are called there. */
#include "remote_fixture.h"
#include <sys/un.h>

/* ---- the config ---- */

START_TEST(without_a_server)
{
    struct conf_redis conf = {0};
    struct buf error = {0};
    ck_assert_ptr_null(remote_shared_new(&conf, &error));
    ck_assert_uint_eq(buf_len(&error), 0);
    remote_shared_free(NULL);
}
END_TEST

START_TEST(what_cannot_be_used)
{
    static char missing[] = "/nonexistent/redis.pem", path[200], host[] = "cache.test", url[] = "redis://cache.test";
    memset(path, 'p', sizeof path - 1);
    path[0] = '/';
    const struct {
        struct conf_redis conf;
        const char *error;
    } rows[] = {{{.url = url, .uses_tls = true, .host = host, .tls.ca_file = missing},
                 "'/nonexistent/redis.pem': No such file"},
                {{.url = url, .uses_tls = true, .host = host, .tls.cert_file = missing, .tls.key_file = missing},
                 "'/nonexistent/redis.pem': No such file"},
                {{.url = url, .path = path}, "unix:/ppp"}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf error = {0};
        ck_assert_ptr_null(remote_shared_new(&rows[i].conf, &error));
        struct text text = buf_text(&error);
        ck_assert_msg(text_find(text, text_of(rows[i].error)) < text.n, "row %d: " TEXT_FORMAT, i, TEXT_ARGS(text));
        buf_free(&error);
    }
}
END_TEST

/* A worker of a gateway with that config; *redis keeps what its connection was told. */
static struct remote *worker_of(const struct conf_redis *conf, struct redis **redis)
{
    struct buf error = {0};
    shared = remote_shared_new(conf, &error);
    ck_assert_uint_eq(buf_len(&error), 0);
    return new_worker(redis);
}

START_TEST(a_host)
{
    struct conf_redis conf = redis_config();
    struct redis *redis;
    struct remote *r = worker_of(&conf, &redis);
    const struct redis_options *o = &redis->options;
    ck_assert_str_eq(o->origin->host, "cache.test");
    ck_assert_uint_eq(o->origin->port, 6379);
    ck_assert_ptr_null(o->origin->tls);
    ck_assert_uint_eq(o->origin->pins.count, 0);
    ck_assert_str_eq(o->user, "dsgate");
    ck_assert_str_eq(o->password, "top secret");
    ck_assert_uint_eq(o->database, 2);
    remote_free(r);
    end_gateway();
}
END_TEST

START_TEST(tls)
{
    static char name[] = "redis.internal";
    struct conf_redis conf = redis_config();
    struct redis *redis;
    conf.uses_tls = conf.tls.insecure = true;
    conf.tls.server_name = name;
    struct remote *r = worker_of(&conf, &redis);
    ck_assert_ptr_nonnull(redis->options.origin->tls);
    ck_assert_str_eq(redis->options.origin->server_name, "redis.internal");
    remote_free(r);
    end_gateway();
}
END_TEST

START_TEST(a_unix_socket)
{
    static char path[] = "/run/redis/redis.sock";
    struct conf_redis conf = redis_config();
    struct redis *redis;
    conf.host = NULL;
    conf.path = path;
    struct remote *r = worker_of(&conf, &redis);
    const struct address_list *pins = &redis->options.origin->pins;
    ck_assert_uint_eq(pins->count, 1);
    ck_assert_str_eq(((const struct sockaddr_un *)&pins->at[0].sa)->sun_path, "/run/redis/redis.sock");
    remote_free(r);
    end_gateway();
}
END_TEST

/* ---- the server's settings ---- */

START_TEST(policies)
{
    static const struct {
        struct text policy;
        uint64_t maxmemory;
        const char *begins; /* NULL: there is nothing to say */
    } rows[] = {{TEXT("allkeys-lfu"), 1, NULL},
                {TEXT("volatile-lfu"), 1, NULL},
                {TEXT("allkeys-lru"), 1, NULL},
                {TEXT("volatile-lru"), 0, NULL},
                {TEXT("noeviction"), 0, NULL},
                {TEXT(""), 1, NULL},
                {TEXT("noeviction"), 1, "refuses new answers once its memory is full (maxmemory-policy noeviction): "},
                {TEXT("volatile-ttl"), 1, "drops answers whether they are asked for or not (maxmemory-policy vol"},
                {TEXT("allkeys-random"), 0, "drops answers whether they are asked for or not (maxmemory-policy all"},
                {TEXT("volatile-random"), 9, "drops answers "},
                {TEXT("something-new"), 9, "drops answers "}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct buf advice = {0};
        bool told = remote_policy_advice(rows[i].policy, rows[i].maxmemory, &advice);
        struct text text = buf_text(&advice), begins = text_of(rows[i].begins);
        ck_assert_msg(told == (begins.n > 0) && told == (text.n > 0), "row %d", i);
        ck_assert_msg(text_starts(text, begins), "row %d: " TEXT_FORMAT, i, TEXT_ARGS(text));
        ck_assert(!told || text_find(text, TEXT("set maxmemory-policy to allkeys-lfu")) < text.n);
        buf_free(&advice);
    }
}
END_TEST

static void say_settings(struct redis *redis, struct text policy)
{
    const struct redis_reply items[] = {
        {.type = REDIS_STRING, .text = TEXT("maxmemory-samples")}, {.type = REDIS_STRING, .text = TEXT("5")},
        {.type = REDIS_STRING, .text = TEXT("maxmemory-policy")},  {.type = REDIS_STRING, .text = policy},
        {.type = REDIS_STRING, .text = TEXT("maxmemory")},         {.type = REDIS_STRING, .text = TEXT("1048576")},
        {.type = REDIS_STRING, .text = TEXT("without a value")}};
    fake_reply(redis, (struct redis_reply){.type = REDIS_ARRAY, .count = COUNT(items), .items = items});
    expect_sent("CONFIG GET maxmemory*");
}

#define ANSWERS "info Redis redis://cache.test:6379/2 answers: it keeps what is cached, too\n"

START_TEST(settings_are_looked_at_once)
{
    struct redis *first, *second;
    begin_gateway();
    struct remote *a = new_worker(&first), *b = new_worker(&second);
    fake_connect(first);
    fake_connect(second);
    ck_assert_uint_eq(first->count, 1);
    ck_assert_uint_eq(second->count, 0);
    say_settings(first, TEXT("noeviction"));
    expect_log(ANSWERS "warn Redis redis://cache.test:6379/2 refuses new answers once its memory is full "
                       "(maxmemory-policy noeviction): set maxmemory-policy to allkeys-lfu, or to volatile-lfu where "
                       "it keeps other data, too\n");
    fake_disconnect(first, "closed");
    fake_connect(first);
    ck_assert_uint_eq(first->count, 0);
    remote_free(a);
    remote_free(b);
    end_gateway();
}
END_TEST

START_TEST(another_connection_asks_where_the_first_was_lost)
{
    struct redis *first, *second, *third;
    begin_gateway();
    struct remote *a = new_worker(&first), *b = new_worker(&second), *c = new_worker(&third);
    first->full = true;
    fake_connect(first);
    fake_connect(second);
    ck_assert_uint_eq(second->count, 1);
    fake_disconnect(second, "closed");
    fake_connect(second);
    ck_assert_uint_eq(second->count, 1);
    remote_free(b); /* with the question under way */
    fake_connect(third);
    say_settings(third, TEXT("allkeys-lfu"));
    expect_log(ANSWERS);
    remote_free(a);
    remote_free(c);
    end_gateway();
}
END_TEST

/* Many a hosted Redis knows no CONFIG. */
START_TEST(no_settings_are_no_error)
{
    static const struct redis_reply replies[] = {{.type = REDIS_ERROR, .text = TEXT("ERR unknown command 'CONFIG'")},
                                                 {.type = REDIS_ARRAY},
                                                 {.type = REDIS_NIL}};
    for (int i = 0; i < COUNT(replies); i++) {
        struct redis *redis;
        begin_gateway();
        struct remote *r = new_worker(&redis);
        fake_connect(redis);
        fake_reply(redis, replies[i]);
        expect_log(ANSWERS);
        ck_assert_uint_eq(stats_of().errors, 0);
        remote_free(r);
        end_gateway();
    }
}
END_TEST

/* ---- names ---- */

static const struct cache_key key = {{0xAB, 1}};
#define KEY "ab01000000000000000000000000000000000000000000000000000000000000"

/* Every replica, newer and older ones too, has to find them. */
START_TEST(names_and_patterns)
{
    static const struct {
        const char *prefix, *tenant, *model;
        const struct cache_key *key;
        const char *name, *pattern; /* name: where all is given */
    } rows[] = {{"ds", "shared", "m", &key, "ds:1:f4142d8ba8e8e822:e53a3396f1ccdc77:" KEY,
                 "ds:1:f4142d8ba8e8e822:e53a3396f1ccdc77:" KEY},
                {"a:b*[x]?\\", "key-1", "m", &key, "a:b*[x]?\\:1:eb1a8481b12f2655:e53a3396f1ccdc77:" KEY,
                 "a:b\\*\\[x\\]\\?\\\\:1:eb1a8481b12f2655:e53a3396f1ccdc77:" KEY},
                {"ds", NULL, NULL, NULL, NULL, "ds:1:*:*:*"},
                {"ds", NULL, "m", NULL, NULL, "ds:1:*:e53a3396f1ccdc77:*"},
                {"ds", "shared", NULL, NULL, NULL, "ds:1:f4142d8ba8e8e822:*:*"},
                {"", NULL, NULL, &key, NULL, ":1:*:*:" KEY}};
    for (int i = 0; i < COUNT(rows); i++) {
        struct text tenant = text_of(rows[i].tenant), model = text_of(rows[i].model);
        struct buf name = {0}, pattern = {0};
        if (rows[i].name) remote_name(&name, rows[i].prefix, tenant, model, rows[i].key);
        remote_name_pattern(&pattern, rows[i].prefix, tenant, model, rows[i].key);
        ck_assert_msg(text_eq(buf_text(&name), text_of(rows[i].name)), "row %d", i);
        ck_assert_msg(text_is(buf_text(&pattern), rows[i].pattern), "row %d", i);
        buf_free(&name);
        buf_free(&pattern);
    }
}
END_TEST

TEST_MAIN("remote_setup", without_a_server, what_cannot_be_used, a_host, tls, a_unix_socket, policies,
          settings_are_looked_at_once, another_connection_asks_where_the_first_was_lost, no_settings_are_no_error,
          names_and_patterns)
