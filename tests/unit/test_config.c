#include "config_test.h"

/* ---- defaults ---- */

static void check_default_upstream(const struct conf_upstream *u)
{
    ck_assert_str_eq(u->name, "deepseek");
    ck_assert_str_eq(u->base_url, "https://api.deepseek.com");
    ck_assert_ptr_null(u->api_key);
    ck_assert_ptr_null(u->account);
    ck_assert_str_eq(u->auth_header, "authorization");
    ck_assert_uint_eq(u->weight, 1);
    ck_assert_uint_eq(u->cap_count, 0);
    ck_assert_str_eq(u->health.path, "/models");
    ck_assert_int_eq(u->health.interval, 10 * USEC_PER_SEC);
    ck_assert_int_eq(u->health.timeout, 5 * USEC_PER_SEC);
    ck_assert_uint_eq(u->health.down_after, 3);
    ck_assert_uint_eq(u->health.up_after, 2);
    ck_assert(!u->tls.insecure);
}

static void check_default_limits(const struct conf_limits *l)
{
    ck_assert_uint_eq(l->body, 10 << 20);
    ck_assert_uint_eq(l->headers, 32 << 10);
    ck_assert_uint_eq(l->header_count, 100);
    ck_assert_uint_eq(l->connections, 20000);
    ck_assert_uint_eq(l->answer_hold, 1 << 20);
    ck_assert_uint_eq(l->event, 4 << 20);
}

static void check_default_timeouts(const struct conf_timeouts *t)
{
    ck_assert_int_eq(t->connect, 5 * USEC_PER_SEC);
    ck_assert_int_eq(t->first_byte, 60 * USEC_PER_SEC);
    ck_assert_int_eq(t->first_token, 60 * USEC_PER_SEC);
    ck_assert_int_eq(t->idle, 60 * USEC_PER_SEC);
    ck_assert_int_eq(t->total, 600 * USEC_PER_SEC);
    ck_assert_int_eq(t->commit, 15 * USEC_PER_SEC);
    ck_assert_int_eq(t->request_head, 10 * USEC_PER_SEC);
    ck_assert_int_eq(t->request_body, 60 * USEC_PER_SEC);
    ck_assert_int_eq(t->keep_alive, 75 * USEC_PER_SEC);
    ck_assert_int_eq(t->write, 60 * USEC_PER_SEC);
    ck_assert_int_eq(t->drain, 30 * USEC_PER_SEC);
}

static const char *const empty[] = {
    "",
    "{}",
    "# nothing\n",
    "---\n...\n",
    "limits:\ntimeouts: ~\nupstreams: null\n",
    "\xef\xbb\xbf",
    "\xef\xbb\xbf{}\n",
};

START_TEST(test_defaults)
{
    struct config *c = config_of(empty[_i]);
    ck_assert_str_eq(c->source, "f");
    ck_assert_uint_eq(c->listen_count, 1);
    ck_assert_str_eq(c->listens[0].address, "127.0.0.1:8585");
    ck_assert_uint_eq(c->admin.listen_count, 1);
    ck_assert_str_eq(c->admin.listens[0].address, "127.0.0.1:8586");
    ck_assert_uint_eq(c->workers, 0);
    ck_assert_str_eq(c->log.access, "stdout");
    ck_assert_str_eq(c->log.level, "info");
    ck_assert_str_eq(c->log.format, "text");
    ck_assert_uint_eq(c->upstream_count, 1);
    check_default_upstream(&c->upstreams[0]);
    check_default_limits(&c->limits);
    check_default_timeouts(&c->timeouts);
    config_unref(c);
}
END_TEST

/* ---- values ---- */

START_TEST(test_scalars)
{
    struct config *c = config_of("workers: 4\n"
                                 "limits: {body: 1KB, headers: 64kib, event: 1GiB, answer_hold: 8192}\n"
                                 "timeouts: {connect: 250ms, total: 1h, drain: 0, keep_alive: 2m}\n"
                                 "log: {access: /var/log/dsgate.log, level: 'debug', format: \"json\"}\n");
    ck_assert_uint_eq(c->workers, 4);
    ck_assert_uint_eq(c->limits.body, 1024);
    ck_assert_uint_eq(c->limits.headers, 65536);
    ck_assert_uint_eq(c->limits.event, 1 << 30);
    ck_assert_uint_eq(c->limits.answer_hold, 8192);
    ck_assert_int_eq(c->timeouts.connect, 250 * USEC_PER_MS);
    ck_assert_int_eq(c->timeouts.total, 3600 * USEC_PER_SEC);
    ck_assert_int_eq(c->timeouts.drain, 0);
    ck_assert_int_eq(c->timeouts.keep_alive, 120 * USEC_PER_SEC);
    ck_assert_str_eq(c->log.access, "/var/log/dsgate.log");
    ck_assert_str_eq(c->log.level, "debug");
    ck_assert_str_eq(c->log.format, "json");
    config_unref(c);
}
END_TEST

static const struct {
    const char *yaml, *addresses;
    unsigned mode;
} listens[] = {
    {"listen: 0.0.0.0:80", "0.0.0.0:80 ", 0660},
    {"listen: [':1', '[::1]:2', 'unix:/run/x.sock']", ":1 [::1]:2 unix:/run/x.sock ", 0660},
    {"listen: {address: 'unix:/x', mode: 0600}", "unix:/x ", 0600},
    {"listen: [{address: 'unix:/x', mode: 777}, 127.0.0.1:0]", "unix:/x 127.0.0.1:0 ", 0777},
    {"listen: [127.0.0.1:0, 127.0.0.1:0]", "127.0.0.1:0 127.0.0.1:0 ", 0660},
};

START_TEST(test_listens)
{
    struct config *c = config_of(listens[_i].yaml);
    char all[200] = "";
    for (size_t i = 0; i < c->listen_count; i++)
        strcat(strcat(all, c->listens[i].address), " ");
    ck_assert_str_eq(all, listens[_i].addresses);
    ck_assert_uint_eq(c->listens[0].mode, listens[_i].mode);
    ck_assert_ptr_null(c->listens[0].tls.cert_file);
    config_unref(c);
}
END_TEST

START_TEST(test_listen_tls_and_admin_off)
{
    static const char *const off[] = {"off", "[]"};
    for (int i = 0; i < 2; i++) {
        char yaml[200];
        snprintf(yaml, sizeof yaml,
                 "admin: {listen: %s}\n"
                 "listen:\n- address: :443\n  tls: {cert_file: c.pem, key_file: k.pem, client_ca_file: a.pem}\n",
                 off[i]);
        struct config *c = config_of(yaml);
        ck_assert_uint_eq(c->admin.listen_count, 0);
        ck_assert_str_eq(c->listens[0].tls.cert_file, "c.pem");
        ck_assert_str_eq(c->listens[0].tls.key_file, "k.pem");
        ck_assert_str_eq(c->listens[0].tls.client_ca_file, "a.pem");
        config_unref(c);
    }
}
END_TEST

static const char two_upstreams[] =
    "timeouts: {connect: 1s, idle: 7s, total: 9m}\n"
    "upstreams:\n"
    "- name: a.b-c_1\n"
    "  base_url: HTTP://[2001:DB8::7]:8000/v1/\n"
    "  dialect: vllm\n"
    "  auth_header: x-api-key\n"
    "  api_key: k-1\n"
    "  weight: 1000\n"
    "  max_concurrency: 64\n"
    "  account: main\n"
    "  beta_path: /b/eta\n"
    "  resolve: 192.0.2.7\n"
    "  headers: {X-Title: my app, x-team: '7'}\n"
    "  timeouts: {idle: 8s}\n"
    "  health: {path: /health, interval: 1s, timeout: 500ms, down_after: 1, up_after: 9}\n"
    "- name: b\n"
    "  base_url: https://Host.Example\n"
    "  resolve: ['192.0.2.7:8443', '[::1]', 'unix:/x']\n"
    "  tls: {ca_file: ca, cert_file: c, key_file: k, server_name: other.example, insecure: true}\n";

START_TEST(test_upstream_addresses)
{
    struct config *c = config_of(two_upstreams);
    const struct conf_upstream *a = &c->upstreams[0], *b = &c->upstreams[1];
    ck_assert_uint_eq(c->upstream_count, 2);
    ck_assert_str_eq(a->base_url, "HTTP://[2001:DB8::7]:8000/v1/");
    ck_assert(!a->https && b->https);
    ck_assert_str_eq(a->host, "2001:db8::7");
    ck_assert_str_eq(b->host, "host.example");
    ck_assert_uint_eq(a->port, 8000);
    ck_assert_uint_eq(b->port, 443);
    ck_assert_str_eq(a->base_path, "/v1");
    ck_assert_str_eq(b->base_path, "");
    ck_assert_str_eq(a->beta_path, "/b/eta");
    ck_assert_ptr_null(a->anthropic_path);
    ck_assert_uint_eq(a->resolve_count, 1);
    ck_assert_str_eq(a->resolve[0], "192.0.2.7");
    ck_assert_uint_eq(b->resolve_count, 3);
    ck_assert_str_eq(b->resolve[2], "unix:/x");
    config_unref(c);
}
END_TEST

START_TEST(test_upstream_requests)
{
    struct config *c = config_of(two_upstreams);
    const struct conf_upstream *a = &c->upstreams[0], *b = &c->upstreams[1];
    ck_assert_str_eq(a->name, "a.b-c_1");
    ck_assert_int_eq(a->dialect, DIALECT_VLLM);
    ck_assert_str_eq(a->auth_header, "x-api-key");
    ck_assert_str_eq(a->api_key, "k-1");
    ck_assert_uint_eq(a->header_count, 2);
    ck_assert_str_eq(a->headers[0].name, "X-Title");
    ck_assert_str_eq(a->headers[0].value, "my app");
    ck_assert_str_eq(a->headers[1].value, "7");
    ck_assert_str_eq(b->tls.ca_file, "ca");
    ck_assert_str_eq(b->tls.cert_file, "c");
    ck_assert_str_eq(b->tls.key_file, "k");
    ck_assert_str_eq(b->tls.server_name, "other.example");
    ck_assert(b->tls.insecure);
    config_unref(c);
}
END_TEST

START_TEST(test_upstream_numbers)
{
    struct config *c = config_of(two_upstreams);
    const struct conf_upstream *a = &c->upstreams[0], *b = &c->upstreams[1];
    ck_assert_uint_eq(a->weight, 1000);
    ck_assert_uint_eq(a->cap_count, 1);
    ck_assert_uint_eq(a->caps[0].limit, 64);
    ck_assert_str_eq(a->account, "main");
    ck_assert_int_eq(a->timeouts.connect, USEC_PER_SEC);
    ck_assert_int_eq(a->timeouts.idle, 8 * USEC_PER_SEC);
    ck_assert_int_eq(b->timeouts.idle, 7 * USEC_PER_SEC);
    ck_assert_int_eq(b->timeouts.total, 540 * USEC_PER_SEC);
    ck_assert_str_eq(a->health.path, "/health");
    ck_assert_int_eq(a->health.interval, USEC_PER_SEC);
    ck_assert_int_eq(a->health.timeout, 500 * USEC_PER_MS);
    ck_assert_uint_eq(a->health.down_after, 1);
    ck_assert_uint_eq(a->health.up_after, 9);
    config_unref(c);
}
END_TEST

static const char *const no_tls[] = {"{insecure: false}", "{}", "{ca_file: , insecure: false}", "{ca_file: ''}"};

START_TEST(test_tls_that_asks_for_nothing_fits_http)
{
    char yaml[200];
    snprintf(yaml, sizeof yaml, "upstreams: [{name: a, base_url: 'http://h', tls: %s}]", no_tls[_i]);
    struct config *c = config_of(yaml);
    ck_assert(!c->upstreams[0].https && !c->upstreams[0].tls.insecure);
    config_unref(c);
}
END_TEST

START_TEST(test_models)
{
    struct config *c = config_of(
        "upstreams:\n"
        "- name: a\n"
        "  base_url: http://h\n"
        "  models:\n"
        "    deepseek-chat: deepseek-ai/DeepSeek-V4-Flash\n"
        "    same:\n"
        "    priced: {name: p, thinking: enabled, price: {cache_hit: 0.003, cache_miss: 12, output: 1.980000001}}\n"
        "    \"*\": \"*\"\n");
    const struct conf_upstream *u = &c->upstreams[0];
    ck_assert_uint_eq(u->model_count, 4);
    ck_assert_str_eq(u->models[0].client_name, "deepseek-chat");
    ck_assert_str_eq(u->models[0].name, "deepseek-ai/DeepSeek-V4-Flash");
    ck_assert_ptr_null(u->models[0].thinking);
    ck_assert_str_eq(u->models[1].name, "same");
    ck_assert_str_eq(u->models[2].name, "p");
    ck_assert_str_eq(u->models[2].thinking, "enabled");
    ck_assert(u->models[2].price.cache_hit == 0.003);
    ck_assert(u->models[2].price.cache_miss == 12.0);
    ck_assert(u->models[2].price.output == 1.980000001);
    ck_assert(u->models[2].peak_price.output == 0.0);
    ck_assert_str_eq(u->models[3].client_name, "*");
    ck_assert_str_eq(u->models[3].name, "*");
    config_unref(c);
}
END_TEST

/* ---- the environment and secrets ---- */

START_TEST(test_environment_only)
{
    struct config_errors errors = {0};
    setenv("DEEPSEEK_API_KEY", "sk-e", 1);
    setenv("DEEPSEEK_BASE_URL", "http://127.0.0.1:8600/v1", 1);
    setenv("DSGATE_LISTEN", "unix:/run/d.sock", 1);
    setenv("DSGATE_ADMIN", "127.0.0.1:1", 1);
    struct config *c = config_from_environment(&errors);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->source, "environment");
    ck_assert_str_eq(c->listens[0].address, "unix:/run/d.sock");
    ck_assert_str_eq(c->admin.listens[0].address, "127.0.0.1:1");
    ck_assert_uint_eq(c->upstream_count, 1);
    ck_assert_str_eq(c->upstreams[0].name, "deepseek");
    ck_assert_str_eq(c->upstreams[0].api_key, "sk-e");
    ck_assert_str_eq(c->upstreams[0].host, "127.0.0.1");
    ck_assert_str_eq(c->upstreams[0].beta_path, "/beta");
    ck_assert_int_eq(c->upstreams[0].dialect, DIALECT_DEEPSEEK);
    config_unref(c);
}
END_TEST

START_TEST(test_environment_default)
{
    struct config_errors errors = {0};
    struct config *c = config_from_environment(&errors);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(c->listens[0].address, "127.0.0.1:8585");
    check_default_upstream(&c->upstreams[0]);
    config_unref(c);
}
END_TEST

START_TEST(test_environment_mistakes)
{
    struct config_errors errors = {0};
    setenv("DEEPSEEK_API_KEY", "sk-with space", 1);
    setenv("DEEPSEEK_BASE_URL", "https://me:secret@h", 1);
    ck_assert_ptr_null(config_from_environment(&errors));
    ck_assert_uint_eq(errors.count, 2);
    ck_assert(text_is(
        buf_text(&errors.text),
        "environment: base_url: the URL in ${DEEPSEEK_BASE_URL} has a user name or password; expected the key in "
        "api_key\n"
        "environment: api_key: the value (not shown) would break a header; expected at most 8192 visible ASCII "
        "characters without spaces\n"));
    config_errors_free(&errors);
}
END_TEST

START_TEST(test_file_without_upstreams_takes_the_environment)
{
    setenv("DEEPSEEK_API_KEY", "sk-e", 1);
    struct config *c = config_of("listen: :1");
    ck_assert_str_eq(c->upstreams[0].api_key, "sk-e");
    config_unref(c);
}
END_TEST

static const struct {
    const char *written, *variable, *value;
} expansions[] = {
    {"${DSGATE_TEST}", "v", "v"},
    {"${DSGATE_TEST:-d}", NULL, "d"},
    {"${DSGATE_TEST:-d}", "", "d"},
    {"${DSGATE_TEST:-d}", "v", "v"},
    {"a${DSGATE_TEST}b${DSGATE_TEST}c", "v", "avbvc"},
    {"a$$b", NULL, "a$b"},
    {"$${DSGATE_TEST}", "v", "${DSGATE_TEST}"},
    {"$", NULL, "$"},
    {"a$", NULL, "a$"},
    {"$$", NULL, "$"},
    {"$x", NULL, "$x"},
    {"${DSGATE_TEST:-}x", NULL, "x"},
    {"${DSGATE_TEST:-:-}", NULL, ":-"},
    {"${DSGATE_TEST}", "${HOME}", "${HOME}"},
    {"${DSGATE_TEST:-$x}", NULL, "$x"},
    {"$$$$", NULL, "$$"},
};

START_TEST(test_expansion)
{
    char yaml[200];
    if (expansions[_i].variable) setenv("DSGATE_TEST", expansions[_i].variable, 1);
    snprintf(yaml, sizeof yaml, "upstreams: [{preset: deepseek, api_key: '%s'}]", expansions[_i].written);
    struct config *c = config_of(yaml);
    ck_assert_str_eq(c->upstreams[0].api_key, expansions[_i].value);
    config_unref(c);
}
END_TEST

START_TEST(test_expansion_is_not_read_as_yaml)
{
    setenv("DSGATE_TEST", "debug", 1);
    struct config *c = config_of("log: {level: '${DSGATE_TEST}', access: '/x/${DSGATE_TEST}'}\n");
    ck_assert_str_eq(c->log.level, "debug");
    ck_assert_str_eq(c->log.access, "/x/debug");
    config_unref(c);
    setenv("DSGATE_TEST", "[a, b]", 1);
    c = config_of("log: {access: '${DSGATE_TEST}'}");
    ck_assert_str_eq(c->log.access, "[a, b]");
    config_unref(c);
}
END_TEST

static const struct {
    const char *content, *key;
} secret_files[] = {{"sk-f\n", "sk-f"}, {"sk-f", "sk-f"}, {"sk-f\r\n", "sk-f"}};

START_TEST(test_secret_file)
{
    char yaml[200], *path = file_with(secret_files[_i].content, strlen(secret_files[_i].content));
    snprintf(yaml, sizeof yaml, "upstreams: [{preset: deepseek, api_key_file: %s}]", path);
    struct config *c = config_of(yaml);
    ck_assert_str_eq(c->upstreams[0].api_key, secret_files[_i].key);
    config_unref(c);
    setenv("CREDENTIALS_DIRECTORY", P_tmpdir, 1);
    snprintf(yaml, sizeof yaml, "upstreams: [{preset: deepseek, api_key_credential: %s}]", path + strlen(P_tmpdir "/"));
    c = config_of(yaml);
    ck_assert_str_eq(c->upstreams[0].api_key, secret_files[_i].key);
    config_unref(c);
    remove_file(path);
}
END_TEST

/* ---- files and snapshots ---- */

START_TEST(test_load)
{
    static const char yaml[] = "{\"workers\": 3, \"log\": {\"level\": \"warn\"}}\n"; /* JSON is YAML */
    struct config_errors errors = {0};
    char *path = file_with(yaml, strlen(yaml));
    struct config *c = config_load(path, &errors);
    ck_assert_ptr_nonnull(c);
    ck_assert_uint_eq(c->workers, 3);
    ck_assert_str_eq(c->source, path);
    ck_assert_uint_eq(atomic_load(&c->refs), 1);
    ck_assert_ptr_eq(config_ref(c), c);
    ck_assert_uint_eq(atomic_load(&c->refs), 2);
    config_unref(c);
    ck_assert_uint_eq(atomic_load(&c->refs), 1);
    config_unref(c);
    config_unref(NULL);
    remove_file(path);
}
END_TEST

START_TEST(test_shipped_file)
{
    struct config_errors errors = {0};
    struct config *c = config_load("conf/dsgate.yaml", &errors);
    ck_assert_msg(c != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&errors.text)));
    ck_assert_uint_eq(c->upstream_count, 1);
    ck_assert_str_eq(c->upstreams[0].name, "deepseek");
    ck_assert_ptr_null(c->upstreams[0].api_key);
    config_unref(c);
}
END_TEST

/* The image uses it, and people say with variables where the image is to listen. */
START_TEST(test_shipped_file_takes_the_environment)
{
    struct config_errors errors = {0};
    setenv("DEEPSEEK_API_KEY", "sk-e", 1);
    setenv("DEEPSEEK_BASE_URL", "http://h", 1);
    setenv("DSGATE_LISTEN", "0.0.0.0:8585", 1);
    setenv("DSGATE_ADMIN", "127.0.0.1:1", 1);
    struct config *c = config_load("conf/dsgate.yaml", &errors);
    ck_assert_msg(c != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&errors.text)));
    ck_assert_str_eq(c->listens[0].address, "0.0.0.0:8585");
    ck_assert_str_eq(c->admin.listens[0].address, "127.0.0.1:1");
    ck_assert_str_eq(c->upstreams[0].base_url, "http://h");
    ck_assert_str_eq(c->upstreams[0].api_key, "sk-e");
    config_unref(c);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_loop_test(tests, test_defaults, 0, COUNT(empty));
    tcase_add_test(tests, test_scalars);
    tcase_add_loop_test(tests, test_listens, 0, COUNT(listens));
    tcase_add_test(tests, test_listen_tls_and_admin_off);
    tcase_add_test(tests, test_upstream_addresses);
    tcase_add_test(tests, test_upstream_requests);
    tcase_add_test(tests, test_upstream_numbers);
    tcase_add_loop_test(tests, test_tls_that_asks_for_nothing_fits_http, 0, COUNT(no_tls));
    tcase_add_test(tests, test_models);
    tcase_add_test(tests, test_environment_only);
    tcase_add_test(tests, test_environment_default);
    tcase_add_test(tests, test_environment_mistakes);
    tcase_add_test(tests, test_file_without_upstreams_takes_the_environment);
    tcase_add_loop_test(tests, test_expansion, 0, COUNT(expansions));
    tcase_add_test(tests, test_expansion_is_not_read_as_yaml);
    tcase_add_loop_test(tests, test_secret_file, 0, COUNT(secret_files));
    tcase_add_test(tests, test_load);
    tcase_add_test(tests, test_shipped_file);
    tcase_add_test(tests, test_shipped_file_takes_the_environment);
}

TEST_MAIN_ADDING("config", add_tests)
