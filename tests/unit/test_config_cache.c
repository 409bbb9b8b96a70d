/* The response cache: where answers are kept, in Redis too, and by a route which of them. */
#include "config_test.h"

#define S USEC_PER_SEC

/* ---- without a word ---- */

START_TEST(test_defaults)
{
    static const char *const files[] = {"",
                                        "cache: {}",
                                        "cache: {redis: {}}",
                                        "cache: {redis: {url: }}",
                                        "cache: {redis: ''}",
                                        "cache: {redis: '${DSGATE_TEST:-}'}",
                                        "cache: {redis: {url: '', timeout: 50ms, tls: {ca_file: /x}}}"};
    for (int i = 0; i < COUNT(files); i++) {
        struct config *c = config_of(files[i]);
        ck_assert_uint_eq(c->cache.memory, 256 << 20);
        ck_assert_uint_eq(c->cache.entry, 1 << 20);
        ck_assert_ptr_null(c->cache.redis.url);
        ck_assert_int_eq(c->cache.redis.timeout, 50 * USEC_PER_MS);
        ck_assert_str_eq(c->cache.redis.prefix, "dsgate");
        config_unref(c);
    }
}
END_TEST

static void expect_route(const struct conf_cache_route *r, usec_t stale)
{
    ck_assert_int_eq(r->mode, CACHE_DETERMINISTIC);
    ck_assert(!r->shared);
    ck_assert_int_eq(r->ttl, 300 * S);
    ck_assert_int_eq(r->revalidate, 0);
    ck_assert_int_eq(r->stale, stale);
    ck_assert_int_eq(r->negative, 0);
    ck_assert_uint_eq(r->pace, 0);
}

/* What is stale is kept for whose fallback gives it. */
START_TEST(test_defaults_of_routes)
{
    struct config *c = config_of("routes:\n- match: {models: a}\n- {match: {models: b}, cache: {}, fallback: stale}\n"
                                 "- {match: {models: c}, fallback: [{answer: x}]}\n");
    expect_route(&c->other.cache, 0);
    expect_route(&c->routes[0].cache, 0);
    expect_route(&c->routes[1].cache, 3600 * S);
    expect_route(&c->routes[2].cache, 0);
    config_unref(c);
}
END_TEST

/* ---- with many ---- */

START_TEST(test_everything)
{
    char *file = file_with("p: w\n", 5), yaml[800];
    snprintf(yaml, sizeof yaml,
             "cache:\n"
             "  memory: 1024GB\n"
             "  entry: 256MB\n"
             "  redis: {url: 'rediss://me@Cache.Example.com/3', password_file: %s, timeout: 10s, prefix: 'a:{b}',\n"
             "          tls: {ca_file: /ca, cert_file: /c, key_file: /k, server_name: r, insecure: true}}\n"
             "routes:\n"
             "- match: {models: a}\n"
             "  cache: {mode: always, scope: shared, ttl: 1s, stale_while_revalidate: 30d, stale_if_error: 2h,\n"
             "          negative: 5s, pace: 50}\n"
             "  fallback: [stale]\n"
             "- {match: {models: b}, cache: off}\n"
             "- {match: {models: c}, cache: {mode: off, stale_if_error: 0s}}\n",
             file);
    struct config *c = config_of(yaml);
    const struct conf_redis *r = &c->cache.redis;
    ck_assert_uint_eq(c->cache.memory, (uint64_t)1 << 40);
    ck_assert_uint_eq(c->cache.entry, 256 << 20);
    ck_assert_str_eq(r->host, "cache.example.com");
    ck_assert_str_eq(r->user, "me");
    ck_assert_str_eq(r->password, "p: w");
    ck_assert_int_eq(r->timeout, 10 * S);
    ck_assert_str_eq(r->prefix, "a:{b}");
    ck_assert_str_eq(r->tls.ca_file, "/ca");
    ck_assert_str_eq(r->tls.cert_file, "/c");
    ck_assert_str_eq(r->tls.key_file, "/k");
    ck_assert_str_eq(r->tls.server_name, "r");
    ck_assert(r->uses_tls && r->tls.insecure);
    const struct conf_cache_route *route = &c->routes[0].cache;
    ck_assert_int_eq(route->mode, CACHE_ALWAYS);
    ck_assert(route->shared);
    ck_assert_int_eq(route->ttl, S);
    ck_assert_int_eq(route->revalidate, 30 * 86400 * S);
    ck_assert_int_eq(route->stale, 7200 * S);
    ck_assert_int_eq(route->negative, 5 * S);
    ck_assert_uint_eq(route->pace, 50);
    ck_assert_int_eq(c->routes[1].cache.mode, CACHE_OFF);
    ck_assert_int_eq(c->routes[2].cache.mode, CACHE_OFF);
    config_unref(c);
    remove_file(file);
}
END_TEST

/* What is not said about single answers follows what is said about all. */
static const struct {
    const char *yaml;
    uint64_t memory, entry;
} sizes[] = {
    {"cache: {memory: 0}", 0, 1 << 20},
    {"cache: {memory: 0, entry: 256MB}", 0, 256 << 20},
    {"cache: {memory: 1MB}", 1 << 20, 64 << 10},
    {"cache: {memory: 16MB}", 16 << 20, 1 << 20},
    {"cache: {memory: 8MB, entry: 512KB}", 8 << 20, 512 << 10},
    {"cache: {entry: 16MB}", 256 << 20, 16 << 20},
};

START_TEST(test_sizes)
{
    struct config *c = config_of(sizes[_i].yaml);
    ck_assert_uint_eq(c->cache.memory, sizes[_i].memory);
    ck_assert_uint_eq(c->cache.entry, sizes[_i].entry);
    config_unref(c);
}
END_TEST

/* ---- URLs ---- */

static const struct {
    const char *url, *shown; /* NULL: as written */
    bool tls;
    const char *host, *path;
    unsigned port, database;
    const char *user, *password;
} urls[] = {
    {"redis://127.0.0.1", NULL, false, "127.0.0.1", NULL, 6379, 0, NULL, NULL},
    {"redis://localhost:6380/", NULL, false, "localhost", NULL, 6380, 0, NULL, NULL},
    {"REDIS://Cache.Example.COM/15", NULL, false, "cache.example.com", NULL, 6379, 15, NULL, NULL},
    {"redis://h:1?db=2", NULL, false, "h", NULL, 1, 2, NULL, NULL},
    {"redis://h/?db=65535", NULL, false, "h", NULL, 6379, 65535, NULL, NULL},
    {"rediss://[2001:DB8::7]:65535/1", NULL, true, "2001:db8::7", NULL, 65535, 1, NULL, NULL},
    {"redis://[::1]", NULL, false, "::1", NULL, 6379, 0, NULL, NULL},
    {"redis://:pass@h", "redis://:***@h", false, "h", NULL, 6379, 0, NULL, "pass"},
    {"rediss://me:pass@h:1/2", "rediss://me:***@h:1/2", true, "h", NULL, 1, 2, "me", "pass"},
    {"redis://m%65:p%40%3a%2F%23%25%20%c3%a9:@h", "redis://m%65:***@h", false, "h", NULL, 6379, 0, "me",
     "p@:/#% \xc3\xa9:"},
    {"redis://:@h", NULL, false, "h", NULL, 6379, 0, NULL, NULL},
    {"redis://@h", NULL, false, "h", NULL, 6379, 0, NULL, NULL},
    {"unix:/run/redis.sock", NULL, false, NULL, "/run/redis.sock", 0, 0, NULL, NULL},
    {"unix:///run/redis.sock?db=3", NULL, false, NULL, "/run/redis.sock", 0, 3, NULL, NULL},
    {"redis+unix:///run/r%40dis?db=0", NULL, false, NULL, "/run/r@dis", 0, 0, NULL, NULL},
    {"unix://me:pass@/run/r", "unix://me:***@/run/r", false, NULL, "/run/r", 0, 0, "me", "pass"},
};

START_TEST(test_urls)
{
    char yaml[200];
    snprintf(yaml, sizeof yaml, _i % 2 ? "cache: {redis: '%s'}" : "cache: {redis: {url: '%s'}}", urls[_i].url);
    struct config *c = config_of(yaml);
    const struct conf_redis *r = &c->cache.redis;
    ck_assert_str_eq(r->url, urls[_i].shown ? urls[_i].shown : urls[_i].url);
    ck_assert(r->uses_tls == urls[_i].tls);
    ck_assert_pstr_eq(r->host, urls[_i].host);
    ck_assert_pstr_eq(r->path, urls[_i].path);
    ck_assert_uint_eq(r->port, urls[_i].port);
    ck_assert_uint_eq(r->database, urls[_i].database);
    ck_assert_pstr_eq(r->user, urls[_i].user);
    ck_assert_pstr_eq(r->password, urls[_i].password);
    config_unref(c);
}
END_TEST

/* ---- mistakes ---- */

#define REDIS(rest) "cache: {redis: {" rest "}}\n" /* the rest begins at 1:17 */
#define URL(url)    REDIS("url: '" url "'")
#define BAD_URL     "f:1:22: url: the URL has "
#define MISPLACED \
    BAD_URL "a '/', '?', '#' or '@' where none can be; expected them as %2F, %3F, %23 or %40 in a user or " \
            "password\n"
#define NO_SCHEME BAD_URL "no scheme of Redis; expected redis:// or rediss:// and a host, or unix:/ and a path\n"
#define NO_HOST   BAD_URL "a host that is neither a name nor an IP address; expected one such as llm.example.com\n"
#define NO_NUMBER BAD_URL "no number for its database; expected 0 to 65535\n"
#define NO_QUERY  BAD_URL "a query; expected none, or ?db=NUMBER\n"
#define NO_PATH   BAD_URL "no path that a socket can have; expected an absolute one of at most 107 bytes\n"
#define NO_HEX    BAD_URL "a '%' without two hexadecimal digits; expected %25 for a percent sign\n"
#define TEN       "/234567890"
#define HUNDRED   TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static const struct mistake url_mistakes[] = {
    {URL("127.0.0.1:6379"), NO_SCHEME},
    {URL("http://h"), NO_SCHEME},
    {URL("/run/redis.sock"), NO_SCHEME},
    {URL("redis:h"), NO_SCHEME},
    {URL("redis://"), BAD_URL "no host; expected one behind its ://\n"},
    {URL("redis:///1"), BAD_URL "no host; expected one behind its ://\n"},
    {URL("redis://:6379"), BAD_URL "no host; expected one behind its ://\n"},
    {URL("redis://h:"), BAD_URL "no port after its host's ':'; expected 1 to 65535\n"},
    {URL("redis://h:0"), BAD_URL "a port out of range; expected 1 to 65535\n"},
    {URL("redis://h:65536"), BAD_URL "a port out of range; expected 1 to 65535\n"},
    {URL("redis://h:x"), BAD_URL "a port out of range; expected 1 to 65535\n"},
    {URL("redis://10.0.0.256"), NO_HOST},
    {URL("redis://h_!"), NO_HOST},
    {URL("redis://::1"), BAD_URL "no host; expected one behind its ://\n"},
    {URL("redis://[h]"), NO_HOST},
    {URL("redis://[::1"), BAD_URL "a '[' without its ']'; expected ://[ADDRESS]:PORT\n"},
    {URL("redis://h/x"), NO_NUMBER},
    {URL("redis://h/1/"), NO_NUMBER},
    {URL("redis://h/-1"), NO_NUMBER},
    {URL("redis://h/65536"), NO_NUMBER},
    {URL("redis://h?db="), NO_NUMBER},
    {URL("redis://h?db=1&x=2"), NO_NUMBER},
    {URL("unix:/r?db=x"), NO_NUMBER},
    {URL("redis://h?protocol=3"), NO_QUERY},
    {URL("redis://h/1?db=1"), BAD_URL "a database in its path and in its query; expected one of them\n"},
    {URL("redis://:pass/word@h"), MISPLACED},
    {URL("redis://:pass?word@h"), MISPLACED},
    {URL("redis://:pass#word@h"), MISPLACED},
    {URL("redis://:pass@word@h"), MISPLACED},
    {URL("redis://h/1#x"), MISPLACED},
    {URL("unix:/r@h"), MISPLACED},
    {URL("redis://:pass%@h"), NO_HEX},
    {URL("redis://:pass%4@h"), NO_HEX},
    {URL("redis://us%er:pass@h"), NO_HEX},
    {URL("unix:/r%g0"), NO_HEX},
    {URL("redis://:pa%00ss@h"), BAD_URL "an escape for a control character; expected none\n"},
    {URL("redis://:pa%0ass@h"), BAD_URL "an escape for a control character; expected none\n"},
    {URL("redis://:pass word@h"), BAD_URL "a space, a control character or one outside ASCII; expected them as %XX\n"},
    {URL("redis://:p\xc3\xa9@h"), BAD_URL "a space, a control character or one outside ASCII; expected them as %XX\n"},
    {URL("unix:redis.sock"), BAD_URL "a host before its path; expected unix:/ and the path of a socket\n"},
    {URL("unix://h/redis.sock"), BAD_URL "a host before its path; expected unix:/ and the path of a socket\n"},
    {URL("unix:"), NO_PATH},
    {URL("unix:/"), NO_PATH},
    {URL("unix:" HUNDRED "/2345678"), NO_PATH},
    {"cache: {redis: 'http://:pass@h'}\n", "f:1:16: url: the URL has no scheme of Redis; expected redis:// or "
                                           "rediss:// and a host, or unix:/ and a path\n"},
    {"cache: {redis: [redis://h]}\n", "f:1:16: redis: found a list; expected text or a mapping such as "
                                      "redis://127.0.0.1:6379/0\n"},
    {REDIS("url: [redis://h]"), "f:1:22: url: found a list; expected a URL such as redis://127.0.0.1:6379/0\n"},
};

static const struct mistake redis_mistakes[] = {
    {REDIS("timeout: 50ms"), "f:1:16: url is missing; expected a URL such as redis://127.0.0.1:6379/0\n"},
    {REDIS("uri: redis://h"), "f:1:17: unknown key 'uri'; did you mean 'url'?\n"},
    {REDIS("url: redis://me@h"), "f:1:22: url: it has a user without a password; expected both, or password_file\n"},
    {REDIS("url: redis://h, timeout: 0s"), "f:1:42: timeout: '0s' is out of range; expected 1ms to 10s\n"},
    {REDIS("url: redis://h, timeout: 50"), "f:1:42: timeout: '50' has no unit; did you mean '50s'?\n"},
    {REDIS("url: redis://h, prefix: ''"), "f:1:41: prefix: empty; expected text\n"},
    {REDIS("url: redis://h, prefix: 'a b'"),
     "f:1:41: prefix: 'a b' is not the beginning of a name; expected 1 to 64 of A-Z a-z 0-9 . _ - : / { }\n"},
    {REDIS("url: redis://h, prefix: 'a*'"),
     "f:1:41: prefix: 'a*' is not the beginning of a name; expected 1 to 64 of A-Z a-z 0-9 . _ - : / { }\n"},
    {REDIS("url: redis://h, prefix: " TEN TEN TEN TEN TEN TEN "12345"),
     "f:1:41: prefix: '" TEN TEN TEN TEN TEN TEN "1234…' is not the beginning of a name; expected 1 to 64 of A-Z a-z "
     "0-9 . _ - : / { }\n"},
    {REDIS("url: redis://h, tls: {ca_file: /x}"), "f:1:38: tls: url is not rediss; expected rediss, or no tls\n"},
    {REDIS("url: 'unix:/r', tls: {insecure: true}"), "f:1:38: tls: url is not rediss; expected rediss, or no tls\n"},
    {REDIS("url: rediss://h, tls: {cert_file: /x}"), "f:1:51: cert_file: key_file is missing; expected both\n"},
    {REDIS("url: redis://h, password_file: hunter2"),
     "f:1:48: password_file: the value (not shown) cannot be read: No such file or directory\n"},
    {REDIS("url: redis://:pass@h, password_file: /dev/null"),
     "f:1:54: password_file: '/dev/null' cannot be read: not a regular file\n"},
};

static const struct mistake size_mistakes[] = {
    {"cache: 1GB\n", "f:1:8: cache: found text; expected a mapping\n"},
    {"cache: {memory: off}\n",
     "f:1:17: memory: 'off' is not a size such as 512KB, 10MB or 1GiB; expected 0 or 1MB to 1024GB\n"},
    {"cache: {memory: 1023KB}\n", "f:1:17: memory: '1023KB' is out of range; expected 0 or 1MB to 1024GB\n"},
    {"cache: {memory: 1025GB}\n", "f:1:17: memory: '1025GB' is out of range; expected 0 or 1MB to 1024GB\n"},
    {"cache: {entry: 0}\n", "f:1:16: entry: '0' is out of range; expected 1KB to 256MB\n"},
    {"cache: {entry: 17MB}\n", "f:1:16: entry: it is more than a sixteenth of memory; expected at most 16384KB\n"},
    {"cache: {memory: 8MB, entry: 1MB}\n",
     "f:1:29: entry: it is more than a sixteenth of memory; expected at most 512KB\n"},
    {"cache: {memory: x, entry: 17MB}\n",
     "f:1:17: memory: 'x' is not a size such as 512KB, 10MB or 1GiB; expected 0 or 1MB to 1024GB\n"},
    {"cache: {size: 1GB}\n", "f:1:9: unknown key 'size'; expected memory, entry or redis\n"},
};

#define ROUTE(rest) "routes: {match: {models: a}, cache: " rest "}\n" /* the rest begins at 1:37 */
#define NOWHERE     "there is nothing to keep answers in; expected memory or redis in the top level's cache\n"

static const struct mistake route_mistakes[] = {
    {ROUTE("on"), "f:1:37: mode: 'on' is unknown; expected deterministic, always or off\n"},
    {ROUTE("[always]"), "f:1:37: cache: found a list; expected text or a mapping such as {mode: deterministic}\n"},
    {ROUTE("{mode: allways}"), "f:1:44: mode: 'allways' is unknown; did you mean 'always'?\n"},
    {ROUTE("{scope: global}"), "f:1:45: scope: 'global' is unknown; expected shared or tenant\n"},
    {ROUTE("{ttl: 300}"), "f:1:43: ttl: '300' has no unit; did you mean '300s'?\n"},
    {ROUTE("{ttl: 0s}"), "f:1:43: ttl: '0s' is out of range; expected 1s to 30d\n"},
    {ROUTE("{ttl: 31d}"), "f:1:43: ttl: '31d' is out of range; expected 1s to 30d\n"},
    {ROUTE("{stale_while_revalidate: 31d}"),
     "f:1:62: stale_while_revalidate: '31d' is out of range; expected 0s to 30d\n"},
    {ROUTE("{negative: 2h}"), "f:1:48: negative: '2h' is out of range; expected 0s to 1h\n"},
    {ROUTE("{pace: 10001}"), "f:1:44: pace: '10001' is out of range; expected 0 to 10000\n"},
    {ROUTE("{redis: x}"), "f:1:38: unknown key 'redis'; expected mode, scope, ttl, stale_while_revalidate, "
                          "stale_if_error, negative or pace\n"},
    {ROUTE("{stale_if_error: 31d}"), "f:1:54: stale_if_error: '31d' is out of range; expected 0s to 30d\n"},
    /* stale here, but not there */
    {ROUTE("{stale_if_error: 1h}"),
     "f:1:54: stale_if_error: it counts for a fallback only that says stale; expected stale there\n"},
    {ROUTE("{stale_if_error: 1h}, fallback: {answer: x}"),
     "f:1:54: stale_if_error: it counts for a fallback only that says stale; expected stale there\n"},
    {ROUTE("{stale_if_error: 0s}, fallback: stale"),
     "f:1:54: stale_if_error: the fallback says stale; expected more than 0s\n"},
    {ROUTE("off, fallback: [{answer: x}, stale]"),
     "f:1:66: fallback: an earlier answer is always given; expected nothing after it\n"},
    {ROUTE("off, fallback: [stale]"),
     "f:1:53: stale: the route's cache is off; expected mode deterministic or always\n"},
    /* there is nothing behind it */
    {"cache: {memory: 0}\nroutes: {match: {models: a}, cache: {negative: 1s}}\n", "f:2:37: cache: " NOWHERE},
    {"cache: {memory: 0}\nroutes:\n- {match: {models: a}, cache: off}\n- {match: {models: b}, fallback: [stale]}\n",
     "f:4:35: stale: " NOWHERE},
    {"cache: {memory: 0, redis: ''}\nroutes: {match: {models: a}, cache: always, fallback: stale}\n",
     "f:2:37: cache: " NOWHERE "f:2:55: stale: " NOWHERE},
};

MISTAKE_TEST(url_mistakes)
MISTAKE_TEST(redis_mistakes)
MISTAKE_TEST(size_mistakes)
MISTAKE_TEST(route_mistakes)

START_TEST(test_redis_alone_is_enough)
{
    config_unref(config_of("cache: {memory: 0, redis: redis://h}\n"
                           "routes: {match: {models: a}, cache: always, fallback: stale}\n"));
}
END_TEST

/* ---- secrets ---- */

/* In a file, in the URL, or in a variable: in one of them, and told by none. */
START_TEST(test_two_passwords)
{
    char *file = file_with("secret\n", 7), yaml[200], expected[300];
    snprintf(yaml, sizeof yaml, REDIS("password_file: %s, url: 'redis://:hidden@h'"), file);
    snprintf(expected, sizeof expected, "f:1:32: password_file: the URL has a password too; expected one of them\n");
    expect_errors(text_of(yaml), expected);
    remove_file(file);
}
END_TEST

START_TEST(test_passwords_with_control_characters)
{
    char *file = file_with("sec\tret\n", 8), yaml[200], expected[300];
    snprintf(yaml, sizeof yaml, REDIS("url: redis://h, password_file: %s"), file);
    snprintf(expected, sizeof expected,
             "f:1:48: password_file: '%s' holds what has a control character; expected one line of text\n", file);
    expect_errors(text_of(yaml), expected);
    remove_file(file);
}
END_TEST

START_TEST(test_variables)
{
    setenv("DSGATE_TEST", "redis://:hid/den@h", 1);
    expect_errors(text_of(URL("${DSGATE_TEST}")),
                  "f:1:22: url: the URL in ${DSGATE_TEST} has a '/', '?', '#' or '@' where none can be; expected them "
                  "as %2F, %3F, %23 or %40 in a user or password\n");
    setenv("DSGATE_TEST", "hidden", 1);
    struct config *c = config_of(URL("redis://:${DSGATE_TEST}@h"));
    ck_assert_str_eq(c->cache.redis.password, "hidden");
    ck_assert_str_eq(c->cache.redis.url, "redis://:***@h");
    config_unref(c);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_test(tests, test_defaults);
    tcase_add_test(tests, test_defaults_of_routes);
    tcase_add_test(tests, test_everything);
    tcase_add_loop_test(tests, test_sizes, 0, COUNT(sizes));
    tcase_add_loop_test(tests, test_urls, 0, COUNT(urls));
    tcase_add_loop_test(tests, test_url_mistakes, 0, COUNT(url_mistakes));
    tcase_add_loop_test(tests, test_redis_mistakes, 0, COUNT(redis_mistakes));
    tcase_add_loop_test(tests, test_size_mistakes, 0, COUNT(size_mistakes));
    tcase_add_loop_test(tests, test_route_mistakes, 0, COUNT(route_mistakes));
    tcase_add_test(tests, test_redis_alone_is_enough);
    tcase_add_test(tests, test_two_passwords);
    tcase_add_test(tests, test_passwords_with_control_characters);
    tcase_add_test(tests, test_variables);
}

TEST_MAIN_ADDING("config cache", add_tests)
