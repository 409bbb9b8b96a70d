/* Streams that break when all tokens that the client allows have come, and only the end is missing: another upstream
 * tells the end, and not a token more. */
#include "scenario.h"

#define GOES_ON(name, more) \
    "  - {name: " name ", base_url: 'http://" name ".test:80/v1', dialect: deepseek, beta_path: /beta" more "}\n"
#define RULES(attempts) \
    QUIET "routes: [{match: {models: ['*']}, hedge: off, retry: {attempts: " #attempts ", jitter: 0%}}]\n" \
          "upstreams:\n" GOES_ON("a", ", weight: 9") GOES_ON("b", "")

/* What a stream with this id sends. */
#define CHUNK(id, said)  "data: {\"id\":\"" id "\",\"choices\":[{\"index\":0," said ",\"finish_reason\":null}]}\n\n"
#define SAYS(id, text)   CHUNK(id, "\"delta\":{\"content\":\"" text "\"}")
#define WRITES(id, text) CHUNK(id, "\"text\":\"" text "\"")
#define ENDS(id, said, why, prompt, completion, total) \
    "data: {\"id\":\"" id "\",\"choices\":[{\"index\":0," said ",\"finish_reason\":\"" why \
    "\"}]," USAGE(prompt, completion, total) "}\n\ndata: [DONE]\n\n"
#define USAGE(prompt, completion, total) \
    "\"usage\":{\"prompt_tokens\":" #prompt ",\"completion_tokens\":" #completion ",\"total_tokens\":" #total "}"
#define NO_MORE "\"delta\":{\"content\":\"\"}"

static struct wire *ask_for(const char *path, const char *members)
{
    struct wire *client = gateway_connect();
    char *body = mem_printf("{\"model\":\"m\",%s}", members);
    client_post(client, path, "", body);
    mem_free(body);
    return client;
}

static struct wire *ask_chat(const char *more)
{
    char *members = mem_printf("\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],%s", more);
    struct wire *client = ask_for("/v1/chat/completions", members);
    mem_free(members);
    return client;
}

/* The upstream has been asked for `asked`, and sends these events. */
static struct wire *stream(struct fake_upstream *u, const char *asked, const char *events)
{
    struct wire *w = busy_wire(u);
    ck_assert_ptr_nonnull(w);
    ck_assert_msg(has_received(w, asked), TEXT_FORMAT, TEXT_ARGS(wire_received(w)));
    struct text request = wire_received(w);
    ck_assert_msg(text_find(request, text_of(asked)) < request.n, TEXT_FORMAT, TEXT_ARGS(request));
    wire_clear(w);
    upstream_stream_head(w);
    upstream_chunk(w, events);
    return w;
}

static void break_off(struct wire *w)
{
    wire_close(w);
    fake_settle();
}

/* With 2 tokens sent. */
static const struct {
    const char *asked, *lowered;
} limits[] = {
    {"\"max_tokens\":2", "\"max_tokens\":1"},
    {"\"max_completion_tokens\":2", "\"max_completion_tokens\":1"},
    {"\"max_tokens\":100,\"max_completion_tokens\":2", "\"max_tokens\":98,\"max_completion_tokens\":1"},
};

/* Whatever the one who goes on generates: the token that it is asked for, none, or many. */
static const char *const surpluses[] = {
    SAYS("B", "z"),
    SAYS("B", ""),
    SAYS("B", "z") ": keep-alive\n\n" SAYS("B", "z") SAYS("B", "z"),
};

START_TEST(a_stream_ends_at_its_limit)
{
    for (int i = 0; i < COUNT(limits) * COUNT(surpluses); i++) {
        int limit = i % COUNT(limits);
        begin(RULES(2));
        char *more = mem_printf("%s,\"stream\":true", limits[limit].asked);
        struct wire *client = ask_chat(more);
        break_off(stream(&a, more, SAYS("A", "x") SAYS("A", "y")));
        struct wire *w = stream(&b, limits[limit].lowered, surpluses[i / COUNT(limits)]);
        upstream_chunk(w, ENDS("B", NO_MORE, "stop", 5, 1, 6));
        upstream_stream_end(w);
        ck_answer(client, 200, SAYS("A", "x") SAYS("A", "y") ENDS("A", "\"delta\":{}", "length", 3, 2, 5));
        ck_assert_uint_eq(gateway_attempts("b", "success"), 1);
        ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"prompt\"}"), 3);
        ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"completion\"}"), 2);
        ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 1);
        gateway_end();
        mem_free(more);
    }
}
END_TEST

/* A token less, and all is as ever. */
START_TEST(what_is_left_of_a_limit_is_given)
{
    begin(RULES(2));
    struct wire *client = ask_chat("\"max_tokens\":3,\"stream\":true");
    break_off(stream(&a, "\"max_tokens\":3", SAYS("A", "x") SAYS("A", "y")));
    struct wire *w = stream(&b, "\"max_tokens\":1", SAYS("B", "z") ENDS("B", NO_MORE, "stop", 5, 1, 6));
    upstream_stream_end(w);
    ck_answer(client, 200, SAYS("A", "x") SAYS("A", "y") SAYS("A", "z") ENDS("A", NO_MORE, "stop", 3, 3, 6));
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 0);
    gateway_end();
}
END_TEST

START_TEST(a_plain_answer_ends_at_its_limit)
{
    begin(RULES(2));
    struct wire *client = ask_chat("\"max_tokens\":2");
    break_off(stream(&a, "\"max_tokens\":2", SAYS("A", "x") SAYS("A", "y")));
    struct wire *w = stream(&b, "\"max_tokens\":1", SAYS("B", "z") ENDS("B", NO_MORE, "stop", 5, 1, 6));
    upstream_stream_end(w);
    struct client_answer got = client_read(client);
    ck_assert_uint_eq(got.status, 200);
    ck_assert_msg(strstr(got.body, "\"content\":\"xy\"") != NULL, "%s", got.body);
    ck_assert_msg(strstr(got.body, "\"finish_reason\":\"length\"") != NULL, "%s", got.body);
    ck_assert_msg(strstr(got.body, USAGE(3, 2, 5)) != NULL, "%s", got.body);
    mem_free(got.body);
    gateway_end();
}
END_TEST

START_TEST(a_legacy_completion_ends_at_its_limit)
{
    begin(RULES(2));
    struct wire *client = ask_for("/beta/completions", "\"prompt\":\"p\",\"max_tokens\":2,\"stream\":true");
    break_off(stream(&a, "\"max_tokens\":2", WRITES("A", "x") WRITES("A", "y")));
    struct wire *w = stream(&b, "\"prompt\":\"pxy\",\"max_tokens\":1",
                            WRITES("B", "z") ENDS("B", "\"text\":\"z\"", "stop", 5, 2, 7));
    upstream_stream_end(w);
    ck_answer(client, 200, WRITES("A", "x") WRITES("A", "y") ENDS("A", "\"text\":\"\"", "length", 3, 2, 5));
    gateway_end();
}
END_TEST

/* Who was to tell the end, and breaks before it, has changed nothing: the next one is asked for the same. */
START_TEST(the_end_is_asked_for_again)
{
    static const char *const calls[] = {"\"max_tokens\":2,\"stream\":true", "\"max_tokens\":2"};
    for (int plain = 0; plain < 2; plain++) {
        begin(RULES(3));
        struct wire *client = ask_chat(calls[plain]);
        break_off(stream(&a, "\"max_tokens\":2", SAYS("A", "x") SAYS("A", "y")));
        break_off(stream(&b, "\"content\":\"xy\"", SAYS("B", "z")));
        fake_run(30 * USEC_PER_SEC);
        struct fake_upstream *last = busy_wire(&a) ? &a : &b;
        struct wire *w = stream(last, "\"content\":\"xy\"", SAYS("C", "z") ENDS("C", NO_MORE, "length", 5, 1, 6));
        ck_assert_uint_eq(a.dials + b.dials, 3);
        upstream_stream_end(w);
        struct client_answer got = client_read(client);
        ck_assert_uint_eq(got.status, 200);
        ck_assert(got.complete);
        ck_assert_msg(strstr(got.body, USAGE(3, 2, 5)) != NULL, "%s", got.body);
        ck_assert_ptr_null(strchr(got.body, 'z'));
        ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"continued\"}"), 1);
        ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"failed\"}"), 0);
        mem_free(got.body);
        gateway_end();
    }
}
END_TEST

TEST_MAIN("resume_limits", a_stream_ends_at_its_limit, what_is_left_of_a_limit_is_given,
          a_plain_answer_ends_at_its_limit, a_legacy_completion_ends_at_its_limit, the_end_is_asked_for_again)
