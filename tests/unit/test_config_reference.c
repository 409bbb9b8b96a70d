/* The generated reference is a valid file that says what the program does without it, and names every option. */
#include "../../src/config/option.h"
#include "config_test.h"

static char *written(void (*write)(FILE *))
{
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    write(out);
    fclose(out);
    return text;
}

static void expect_same_requests(const struct conf_upstream *a, const struct conf_upstream *b)
{
    ck_assert_str_eq(a->name, b->name);
    ck_assert_pstr_eq(a->preset, b->preset);
    ck_assert_int_eq(a->dialect, b->dialect);
    ck_assert_str_eq(a->base_url, b->base_url);
    ck_assert_pstr_eq(a->beta_path, b->beta_path);
    ck_assert_pstr_eq(a->anthropic_path, b->anthropic_path);
    ck_assert_pstr_eq(a->balance_path, b->balance_path);
    ck_assert_str_eq(a->auth_header, b->auth_header);
    ck_assert_pstr_eq(a->api_key, b->api_key);
    ck_assert_pstr_eq(a->account, b->account);
    ck_assert_uint_eq(a->weight, b->weight);
    ck_assert_uint_eq(a->cap_count + a->api_key_count, b->cap_count + b->api_key_count);
    ck_assert_uint_eq(a->resolve_count + a->header_count, b->resolve_count + b->header_count);
    ck_assert_mem_eq(&a->tls, &b->tls, sizeof a->tls);
    ck_assert_mem_eq(&a->timeouts, &b->timeouts, sizeof a->timeouts);
    ck_assert_int_eq(a->health.when, b->health.when);
    ck_assert_str_eq(a->health.path, b->health.path);
    ck_assert_int_eq(a->health.interval, b->health.interval);
    ck_assert_int_eq(a->health.timeout, b->health.timeout);
    ck_assert_uint_eq(a->health.down_after, b->health.down_after);
    ck_assert_uint_eq(a->health.up_after, b->health.up_after);
}

static void expect_same_share(const struct conf_upstream *a, const struct conf_upstream *b)
{
    ck_assert_int_eq(a->adaptive, b->adaptive);
    ck_assert_int_eq(a->tier, b->tier);
    ck_assert_uint_eq(a->activate.queue, b->activate.queue);
    ck_assert_pstr_eq(a->zone, b->zone);
    ck_assert_uint_eq(a->canary, b->canary);
    ck_assert_int_eq(a->slow_start, b->slow_start);
    ck_assert_mem_eq(&a->quota, &b->quota, offsetof(struct conf_quota, zone));
    ck_assert_str_eq(a->quota.zone, b->quota.zone);
    ck_assert_uint_eq(a->peak_count, b->peak_count);
    ck_assert_mem_eq(&a->breaker, &b->breaker, sizeof a->breaker);
    ck_assert_mem_eq(&a->discover, &b->discover, sizeof a->discover);
}

static void expect_same_models(const struct conf_upstream *a, const struct conf_upstream *b)
{
    ck_assert_uint_eq(a->model_count, b->model_count);
    for (size_t i = 0; i < a->model_count; i++) {
        ck_assert_str_eq(a->models[i].client_name, b->models[i].client_name);
        ck_assert_str_eq(a->models[i].name, b->models[i].name);
        ck_assert_pstr_eq(a->models[i].thinking, b->models[i].thinking);
        ck_assert_mem_eq(&a->models[i].price, &b->models[i].price, sizeof a->models[i].price);
    }
}

/* Whoever serves it as it is gets what the program does without a file. */
START_TEST(test_reference_is_valid)
{
    char *reference = written(config_write_reference);
    struct config *c = config_of(reference), *defaults = config_of("");
    ck_assert_str_eq(c->listens[0].address, defaults->listens[0].address);
    ck_assert_uint_eq(c->listens[0].mode, defaults->listens[0].mode);
    ck_assert_str_eq(c->admin.listens[0].address, defaults->admin.listens[0].address);
    ck_assert_uint_eq(c->workers, defaults->workers);
    ck_assert_mem_eq(&c->limits, &defaults->limits, sizeof c->limits);
    ck_assert_mem_eq(&c->timeouts, &defaults->timeouts, sizeof c->timeouts);
    ck_assert_pstr_eq(c->zone, defaults->zone);
    ck_assert_pstr_eq(c->state.file, defaults->state.file);
    ck_assert_mem_eq(&c->queue, &defaults->queue, sizeof c->queue);
    ck_assert_uint_eq(c->cache.memory, defaults->cache.memory);
    ck_assert_uint_eq(c->cache.entry, defaults->cache.entry);
    ck_assert_pstr_eq(c->cache.redis.url, defaults->cache.redis.url);
    ck_assert_mem_eq(&c->retries, &defaults->retries, sizeof c->retries);
    ck_assert_uint_eq(c->caller_count + c->route_count, defaults->caller_count + defaults->route_count);
    ck_assert_uint_eq(c->upstream_count, defaults->upstream_count);
    expect_same_requests(&c->upstreams[0], &defaults->upstreams[0]);
    expect_same_share(&c->upstreams[0], &defaults->upstreams[0]);
    expect_same_models(&c->upstreams[0], &defaults->upstreams[0]);
    config_unref(c);
    config_unref(defaults);
    free(reference);
}
END_TEST

/* "  #key: value" to "  key: value"; explanations have a space behind the #. */
static void uncomment(char *text)
{
    for (char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
        char *mark = line + strspn(line, " ");
        if (mark[0] != '#' || mark[1] == ' ') continue;
        memmove(mark, mark + 1, strlen(mark));
    }
}

/* The lists that stand there in comments are examples that work. */
START_TEST(test_examples_of_lists)
{
    char *reference = written(config_write_reference);
    size_t from = text_find(text_of(reference), TEXT("\n#callers:"));
    size_t to = text_find(text_of(reference), TEXT("\nupstreams:"));
    ck_assert_uint_lt(from, to);
    reference[to] = '\0';
    uncomment(reference + from);
    struct config *c = config_of(reference + from);
    ck_assert_uint_eq(c->caller_count, 1);
    ck_assert_str_eq(c->callers[0].name, "chat-app");
    ck_assert_uint_eq(c->route_count, 1);
    ck_assert_str_eq(c->routes[0].models[0], "deepseek-*");
    ck_assert_mem_eq(&c->routes[0].retry, &c->other.retry, sizeof c->other.retry);
    ck_assert_mem_eq(&c->routes[0].hedge, &c->other.hedge, sizeof c->other.hedge);
    ck_assert(c->routes[0].continues && c->routes[0].plain_streams);
    ck_assert_mem_eq(&c->routes[0].cache, &c->other.cache, offsetof(struct conf_cache_route, stale));
    ck_assert_int_eq(c->routes[0].cache.stale, 3600 * USEC_PER_SEC);
    ck_assert_uint_eq(c->routes[0].fallback_count, 3);
    config_unref(c);
    free(reference);
}
END_TEST

START_TEST(test_reference_takes_the_environment)
{
    char *reference = written(config_write_reference);
    setenv("DEEPSEEK_API_KEY", "sk-e", 1);
    setenv("DEEPSEEK_BASE_URL", "http://127.0.0.1:8600/v1", 1);
    struct config *c = config_of(reference), *defaults = config_of("");
    expect_same_requests(&c->upstreams[0], &defaults->upstreams[0]);
    expect_same_models(&c->upstreams[0], &defaults->upstreams[0]);
    config_unref(c);
    config_unref(defaults);
    free(reference);
}
END_TEST

/* Whether a line is "key: …", at any depth, perhaps commented out as "#key: …". */
static bool line_has_key(const char *line, const char *key)
{
    line += strspn(line, " ");
    line += *line == '#';
    size_t n = strlen(key);
    return !strncmp(line, key, n) && line[n] == ':';
}

static const char *next_line(const char *line)
{
    line += strcspn(line, "\n");
    return *line ? line + 1 : line;
}

/* From `*at` on, each key of the table must have its line, in the table's order. */
static void expect_keys(const char **at, const struct option_table *t, bool top)
{
    for (unsigned i = 0; i < t->count; i++) {
        const struct option *o = &t->rows[i];
        if (!o->doc) continue;
        ck_assert_str_ne(o->doc, "");
        ck_assert_msg(o->fallback || o->example || o->table, "%s has neither a default nor an example", o->key);
        while (**at && !line_has_key(*at, o->key))
            *at = next_line(*at);
        ck_assert_msg(**at, "%s is not in the reference", o->key);
        *at = next_line(*at);
        if (o->table && (top || o->type != OPTION_LIST)) expect_keys(at, o->table, false);
    }
}

START_TEST(test_reference_is_complete)
{
    char *reference = written(config_write_reference);
    const char *at = reference;
    expect_keys(&at, &config_table, true);
    for (const char *line = reference; *line;) {
        size_t n = strcspn(line, "\n");
        ck_assert_msg(n <= 110, "%.*s", (int)n, line);
        line += n + (line[n] != '\0');
    }
    free(reference);
}
END_TEST

START_TEST(test_shipped_reference_is_current)
{
    char *reference = written(config_write_reference), shipped[65536];
    FILE *in = fopen("conf/dsgate.reference.yaml", "r");
    ck_assert_ptr_nonnull(in);
    size_t n = fread(shipped, 1, sizeof shipped, in);
    fclose(in);
    ck_assert_msg(text_is(text_make(shipped, n), reference), "run `make conf/dsgate.reference.yaml`");
    free(reference);
}
END_TEST

START_TEST(test_manual)
{
    char *manual = written(config_write_manual);
    static const char *const items[] = {
        ".It Ic listen Ar list\n",
        ".It Ic listen[].tls.client_ca_file Ar text\n",
        ".It Ic admin.listen Ar list\n",
        "\nLargest request body; a larger one is answered with 413.\nDefault: 10MB.\nValues: 1KB to 1GB.\n",
        ".It Ic upstreams[].timeouts.total Ar time\n",
        ".It Ic upstreams[].models.NAME.peak_price.output Ar price\n",
        ".It Ic upstreams[].headers Ar mapping\n",
        ".It Ic upstreams[].api_key Ar secret\n",
        ".It Ic upstreams[].api_keys Ar list\n",
        ".It Ic upstreams[].max_concurrency Ar number or mapping\n",
        ".It Ic upstreams[].quota.tokens_per_day Ar number\n",
        ".It Ic queue.classes.P3.start_below Ar percentage\n",
        ".It Ic callers[].key_sha256 Ar secret\n",
        ".It Ic cache.redis.url Ar URL\n",
        ".It Ic cache.redis.password_file Ar file\n",
        ".It Ic cache.redis.tls.ca_file Ar text\n",
        "\nDefault: 256MB.\nValues: 0 or 1MB to 1024GB.\n",
        ".It Ic routes[].cache.stale_if_error Ar time\n",
        ".It Ic routes[].match.models Ar list\n",
        ".It Ic routes[].retry.factor Ar number\n",
        ".It Ic routes[].hedge.after Ar time\n",
        "\nDefault: p95.\nValues: p95, off or 1ms to 24h.\n",
        ".It Ic routes[].plain Ar word\n",
        ".It Ic routes[].fallback Ar list\n",
        ".It Ic retries.floor Ar number\n",
        "\nDefault: P2.\nValues: P0 (urgent), P1 (high), P2 (normal) or P3 (low).\n",
    };
    for (int i = 0; i < COUNT(items); i++)
        ck_assert_msg(strstr(manual, items[i]) != NULL, "%s", items[i]);
    ck_assert_ptr_null(strstr(manual, "admin.listen[]"));
    ck_assert_ptr_null(strstr(manual, "headers.NAME"));
    ck_assert_ptr_null(strstr(manual, "fallback[]"));
    ck_assert_ptr_null(strstr(manual, "max_concurrency.NAME"));
    ck_assert_ptr_null(strstr(manual, "P0.max_wait "));
    free(manual);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_checked_fixture(tests, clean_environment, clean_environment);
    tcase_add_test(tests, test_reference_is_valid);
    tcase_add_test(tests, test_examples_of_lists);
    tcase_add_test(tests, test_reference_takes_the_environment);
    tcase_add_test(tests, test_reference_is_complete);
    tcase_add_test(tests, test_shipped_reference_is_current);
    tcase_add_test(tests, test_manual);
}

TEST_MAIN_ADDING("config reference", add_tests)
