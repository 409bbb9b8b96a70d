#include "sched_test.h"

/* The row's upstreams and what each is asked for: "a=x b=*", where * is the client's own name. */
static void describe(const struct model_row *row, char out[static 256])
{
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; row && i < row->n; i++) {
        const struct candidate *c = &row->candidates[i];
        n += (size_t)snprintf(out + n, 256 - n, "%s%s=%s", i ? " " : "", c->upstream->conf->name,
                              c->model ? c->model->name : "*");
    }
}

START_TEST(test_model_rows)
{
    struct pool *p =
        make_pool("- {name: a, base_url: 'http://127.0.0.1:1', weight: 5, models: {chat: flash, pro: big}}\n"
                  "- {name: b, base_url: 'http://127.0.0.1:2'}\n"
                  "- {name: c, base_url: 'http://127.0.0.1:3', models: {chat: other, '*': '*'}}\n"
                  "- {name: d, base_url: 'http://127.0.0.1:4', models: {'*': everything}}\n",
                  NULL);
    static const struct {
        const char *model, *row;
    } rows[] = {{"chat", "a=flash b=* c=other d=everything"},
                {"pro", "a=big b=* c=* d=everything"},
                {"unheard-of", "b=* c=* d=everything"},
                {"*", "b=* c=* d=everything"},
                {"", "b=* c=* d=everything"},
                {"Chat", "b=* c=* d=everything"}};
    char row[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        describe(pool_find_model(p, text_of(rows[i].model)), row);
        ck_assert_str_eq(row, rows[i].row);
    }
    describe(&p->all, row);
    ck_assert_str_eq(row, "a=* b=* c=* d=*");
    ck_assert_uint_eq(p->row_count, 2);
    ck_assert_str_eq(p->rows[0].name, "chat");
    ck_assert_str_eq(p->rows[1].name, "pro");
    ck_assert_uint_eq(p->rows[0].candidates[0].upstream->weight, 5);
    ck_assert_uint_eq(p->rows[0].candidates[1].upstream->weight, 1);
    pool_unref(p);
}
END_TEST

START_TEST(test_unknown_model_when_every_upstream_has_a_list)
{
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', models: {chat: flash}}\n", NULL);
    ck_assert_ptr_null(pool_find_model(p, TEXT("cha")));
    ck_assert_ptr_null(pool_find_model(p, TEXT("chat\0")));
    ck_assert_ptr_null(pool_find_model(p, TEXT("chats")));
    ck_assert_ptr_null(pool_find_model(p, TEXT("")));
    ck_assert_ptr_nonnull(pool_find_model(p, TEXT("chat")));
    ck_assert_uint_eq(p->any.n, 0);
    pool_unref(p);
}
END_TEST

START_TEST(test_a_star_that_sets_thinking_is_a_row_of_the_map)
{
    struct pool *p = make_pool(
        "- name: a\n  base_url: http://127.0.0.1:1\n  models: {'*': {name: '*', thinking: disabled}}\n", NULL);
    struct model_row *row = pool_find_model(p, TEXT("whatever"));
    ck_assert_ptr_nonnull(row->candidates[0].model);
    ck_assert_str_eq(row->candidates[0].model->name, "*");
    ck_assert_str_eq(row->candidates[0].model->thinking, "disabled");
    pool_unref(p);
}
END_TEST

/* Each model has a route: the first that matches, or the defaults. */
START_TEST(test_routes)
{
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', models: {chat: x, chat-big: x, pro: x}}\n"
                               "- {name: b, base_url: 'http://127.0.0.1:2'}\n"
                               "routes: [{match: {models: 'chat*'}, policy: latency}, "
                               "{match: {models: [chat, new]}}]\n",
                               NULL);
    const struct conf_route *routes = p->config->routes, *other = &p->config->other;
    ck_assert_ptr_eq(pool_find_model(p, TEXT("chat"))->route, &routes[0]);
    ck_assert_ptr_eq(pool_find_model(p, TEXT("chat-big"))->route, &routes[0]);
    ck_assert_ptr_eq(pool_find_model(p, TEXT("pro"))->route, other);
    ck_assert_ptr_eq(p->any.route, other);
    ck_assert_ptr_eq(p->all.route, other);
    ck_assert_ptr_eq(pool_route(p, "new"), &routes[1]);
    ck_assert_ptr_eq(pool_route(p, "chatter"), &routes[0]);
    ck_assert_ptr_eq(pool_route(p, "unheard-of"), other);
    ck_assert_ptr_eq(pool_route(p, ""), other);
    pool_unref(p);
}
END_TEST

START_TEST(test_near_names)
{
    struct pool *p =
        make_pool("- name: a\n  base_url: http://127.0.0.1:1\n"
                  "  models: {deepseek-flash: x, deepseek-v4-flash: x, deepseek-v4-pro: x, gpt-4o: x, \"it's\": x}\n",
                  NULL);
    static const struct {
        const char *model, *near;
    } rows[] = {{"deepseek-flas", "'deepseek-flash', 'deepseek-v4-flash', 'deepseek-v4-pro'"},
                {"deepseek-v4-por", "'deepseek-v4-pro', 'deepseek-v4-flash', 'deepseek-flash'"},
                {"GPT-4O", "'gpt-4o'"},
                {"its", "'it's'"},
                {"completely-different-name", ""},
                {"", ""},
                {"x", ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf near = {0};
        pool_near_models(p, text_of(rows[i].model), &near);
        buf_add_byte(&near, '\0');
        ck_assert_str_eq(near.data, rows[i].near);
        buf_free(&near);
    }
    pool_unref(p);
}
END_TEST

static char long_name[5000];

START_TEST(test_near_names_of_junk)
{
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', models: {chat: x}}\n", NULL);
    struct buf near = {0};
    memset(long_name, 'c', sizeof long_name);
    pool_near_models(p, text_make(long_name, sizeof long_name), &near);
    ck_assert_uint_eq(buf_len(&near), 0);
    pool_unref(p);
}
END_TEST

START_TEST(test_states_outlive_a_reload)
{
    struct pool *old = make_pool("- {name: a, base_url: 'http://127.0.0.1:1'}\n"
                                 "- {name: b, base_url: 'http://127.0.0.1:2'}\n"
                                 "- {name: c, base_url: 'http://127.0.0.1:3'}\n",
                                 NULL);
    struct pool *p = make_pool("- {name: c, base_url: 'http://127.0.0.1:3', weight: 9}\n"
                               "- {name: a, base_url: 'http://127.0.0.1:9'}\n" /* moved: another upstream */
                               "- {name: x, base_url: 'http://127.0.0.1:2'}\n" /* renamed: another upstream */
                               "- {name: c2, base_url: 'http://127.0.0.1:3'}\n",
                               old);
    ck_assert_ptr_eq(p->upstreams[0].state, old->upstreams[2].state);
    ck_assert_ptr_eq(p->upstreams[0].account, old->upstreams[2].account);
    ck_assert_uint_eq(p->upstreams[0].index, 0);
    ck_assert_ptr_ne(p->upstreams[1].state, old->upstreams[0].state);
    ck_assert_ptr_ne(p->upstreams[1].account, old->upstreams[0].account);
    ck_assert_ptr_ne(p->upstreams[2].state, old->upstreams[1].state);
    ck_assert_ptr_ne(p->upstreams[3].state, p->upstreams[0].state);
    pool_unref(old);
    ck_assert_str_eq(p->upstreams[0].state->name, "c");
    pool_unref(p);
}
END_TEST

START_TEST(test_origins_outlive_a_reload)
{
    struct pool *old = make_pool("- {name: a, base_url: 'http://127.0.0.1:1/v1'}\n"
                                 "- {name: b, base_url: 'http://127.0.0.1:2'}\n"
                                 "- {name: c, base_url: 'http://127.0.0.1:1/v2'}\n"
                                 "- {name: s, base_url: 'https://127.0.0.1:3'}\n"
                                 "- {name: t, base_url: 'https://127.0.0.1:4'}\n"
                                 "- {name: u, base_url: 'https://127.0.0.1:4', tls: {insecure: true}}\n",
                                 NULL);
    ck_assert_ptr_eq(old->upstreams[0].origin, old->upstreams[2].origin);
    ck_assert_ptr_null(old->upstreams[0].origin->tls);
    ck_assert_ptr_nonnull(old->upstreams[3].origin->tls);
    ck_assert_ptr_eq(old->upstreams[3].origin->tls, old->upstreams[4].origin->tls);
    ck_assert_ptr_ne(old->upstreams[4].origin->tls, old->upstreams[5].origin->tls);
    ck_assert_ptr_ne(old->upstreams[4].origin, old->upstreams[5].origin);
    struct pool *p = make_pool("- {name: q, base_url: 'http://127.0.0.1:1'}\n"
                               "- {name: b, base_url: 'http://127.0.0.1:2', resolve: [127.0.0.1]}\n"
                               "- {name: s, base_url: 'https://127.0.0.1:3'}\n"
                               "- {name: t, base_url: 'https://127.0.0.1:4', tls: {server_name: example.org}}\n",
                               old);
    ck_assert_ptr_eq(p->upstreams[0].origin, old->upstreams[0].origin);
    ck_assert_ptr_ne(p->upstreams[1].origin, old->upstreams[1].origin);
    ck_assert_ptr_eq(p->upstreams[2].origin, old->upstreams[3].origin);
    ck_assert_ptr_ne(p->upstreams[3].origin, old->upstreams[4].origin);
    ck_assert_ptr_eq(p->upstreams[3].origin->tls, old->upstreams[4].origin->tls);
    pool_unref(old);
    pool_unref(p);
}
END_TEST

START_TEST(test_accounts)
{
    struct pool *old = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', account: main, max_concurrency: 3}\n"
                                 "- {name: b, base_url: 'http://127.0.0.1:2', account: main, max_concurrency: 7}\n"
                                 "- {name: main, base_url: 'http://127.0.0.1:3', max_concurrency: 2}\n"
                                 "- {name: d, base_url: 'http://127.0.0.1:4', account: main}\n",
                                 NULL);
    const struct upstream *u = old->upstreams;
    ck_assert_ptr_eq(u[0].account, u[1].account);
    ck_assert_ptr_eq(u[0].account, u[3].account);
    ck_assert_ptr_ne(u[0].account, u[2].account);
    ck_assert_uint_eq(u[0].cap, 7);
    ck_assert_uint_eq(u[3].cap, 7);
    ck_assert_uint_eq(u[2].cap, 2);
    struct pool *p = make_pool("- {name: a, base_url: 'http://127.0.0.1:1', max_concurrency: 3}\n"
                               "- {name: z, base_url: 'http://127.0.0.1:9', account: main}\n"
                               "- {name: main, base_url: 'http://127.0.0.1:3', account: other}\n",
                               old);
    ck_assert_ptr_eq(p->upstreams[0].state, old->upstreams[0].state);
    ck_assert_ptr_ne(p->upstreams[0].account, old->upstreams[0].account); /* it left the account */
    ck_assert_ptr_eq(p->upstreams[1].account, old->upstreams[0].account); /* joined by another */
    ck_assert_ptr_ne(p->upstreams[2].account, old->upstreams[2].account);
    ck_assert_uint_eq(p->upstreams[0].cap, 3);
    ck_assert_uint_eq(p->upstreams[1].cap, 0);
    pool_unref(old);
    pool_unref(p);
}
END_TEST

START_TEST(test_pins)
{
    struct pool *p = make_pool(
        "- {name: a, base_url: 'http://example.invalid:81', resolve: [127.0.0.1, '[::1]:8443', 'unix:/x.sock']}\n",
        NULL);
    const struct address_list *pins = &p->upstreams[0].origin->pins;
    struct buf out = {0};
    for (unsigned i = 0; i < pins->count; i++) {
        address_format(&pins->at[i], &out);
        BUF_ADD(&out, " ");
    }
    ck_assert(text_eq(buf_text(&out), TEXT("127.0.0.1:81 [::1]:8443 unix:/x.sock ")));
    buf_free(&out);
    pool_unref(p);
}
END_TEST

START_TEST(test_bad_files_are_all_told)
{
    struct buf error = {0};
    struct config *config =
        make_config("- {name: a, base_url: 'https://127.0.0.1:1', tls: {ca_file: /nonexistent/a.pem}}\n"
                    "- {name: b, base_url: 'http://127.0.0.1:2'}\n"
                    "- {name: c, base_url: 'https://127.0.0.1:3', tls: {ca_file: /nonexistent/c.pem}}\n");
    ck_assert_ptr_null(pool_new(config, NULL, NULL, 0, &error));
    struct text rest = buf_text(&error), line;
    ck_assert(text_cut(&rest, '\n', &line));
    ck_assert(text_starts(line, TEXT("upstream 'a': ")));
    ck_assert_uint_lt(text_find(line, TEXT("/nonexistent/a.pem")), line.n);
    ck_assert(text_cut(&rest, '\n', &line));
    ck_assert(text_starts(line, TEXT("upstream 'c': ")));
    ck_assert_uint_eq(rest.n, 0);
    ck_assert_uint_eq(atomic_load(&config->refs), 1);
    config_unref(config);
    buf_free(&error);
}
END_TEST

START_TEST(test_too_many_upstreams)
{
    struct buf error = {0};
    struct conf_upstream many[POOL_UPSTREAMS_MAX + 1] = {0};
    struct config config = {.upstreams = many, .upstream_count = POOL_UPSTREAMS_MAX + 1};
    ck_assert_ptr_null(pool_new(&config, NULL, NULL, 0, &error));
    ck_assert_uint_gt(buf_len(&error), 0);
    buf_free(&error);
}
END_TEST

START_TEST(test_which_upstream_serves_which_root)
{
    struct pool *p =
        make_pool("- {name: plain, base_url: 'http://127.0.0.1:1'}\n"
                  "- {name: rich, base_url: 'http://127.0.0.1:2', beta_path: /beta, anthropic_path: /anthropic/v1, "
                  "balance_path: /user/balance}\n",
                  NULL);
    static const char *const paths[] = {"/v1/chat/completions", "/beta/completions", "/anthropic/v1/messages",
                                        "/user/balance"};
    for (size_t i = 0; i < 4; i++) {
        const struct endpoint *e = endpoint_find(text_of(paths[i]));
        ck_assert_ptr_nonnull(e);
        ck_assert_int_eq(upstream_serves(&p->upstreams[0], e), i == 0);
        ck_assert(upstream_serves(&p->upstreams[1], e));
    }
    pool_unref(p);
}
END_TEST

TEST_MAIN("pool", test_model_rows, test_unknown_model_when_every_upstream_has_a_list,
          test_a_star_that_sets_thinking_is_a_row_of_the_map, test_routes, test_near_names, test_near_names_of_junk,
          test_states_outlive_a_reload, test_origins_outlive_a_reload, test_accounts, test_pins,
          test_bad_files_are_all_told, test_too_many_upstreams, test_which_upstream_serves_which_root)
