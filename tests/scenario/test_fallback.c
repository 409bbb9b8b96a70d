/* The ladder of what is done when nothing else helps: other models, a fixed answer, and then the error. */
#include "retry.h"

/* Each model has one upstream: m is the clients', spare and large are what it falls back to. */
#define LADDER(rungs) \
    QUIET ROUTE("hedge: off, retry: {attempts: 2, jitter: 0%}, fallback: [" rungs \
                "]") "upstreams:\n" UPSTREAM(a, ", models: {m: m-at-a}") UPSTREAM(b, ", models: {spare: spare-at-b}") \
        UPSTREAM(c, ", models: {large: large-at-c}")

#define LATER "{answer: \"Please try again later.\"}"

static const char too_long[] = "{\"error\":{\"message\":\"This model's maximum context length is 9 tokens.\",\"code\":"
                               "\"context_length_exceeded\"}}";

/* a fails as often as it may be asked. */
static void use_up(unsigned status)
{
    answer(&a, status, busy);
    fake_run(500 * MS);
    answer(&a, status, busy);
}

#define ck_fallback(told) ck_assert_str_eq(client_field("x-dsgate-fallback"), told)

/* ---- models ---- */

START_TEST(another_model_answers)
{
    begin(LADDER("{model: spare}"));
    struct wire *client = ask("");
    use_up(503);
    struct wire *w = upstream_take(busy_wire(&b));
    ck_assert_str_eq(taken_body, "{\"model\":\"spare-at-b\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    upstream_json(w, 200, good);
    ck_answer(client, 200, good);
    ck_fallback("model:spare");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "b");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "3");
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "busy,busy");
    ck_assert_uint_eq(gateway_metric("dsgate_fallbacks_total{kind=\"model\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_fallbacks_total{kind=\"answer\"}"), 0);
    gateway_end();
}
END_TEST

START_TEST(another_model_streams)
{
    begin(LADDER("{model: spare}"));
    struct wire *client = ask_stream("");
    use_up(503);
    struct wire *w = upstream_take(busy_wire(&b));
    upstream_stream_head(w);
    upstream_chunk(w, delta("x"));
    upstream_stream_finish(w);
    char *expected = mem_printf("%s%s%s", delta("x"), finish_event, done_event);
    ck_answer(client, 200, expected);
    ck_fallback("model:spare");
    mem_free(expected);
    gateway_end();
}
END_TEST

/* Who answers at once has not fallen back. */
START_TEST(it_is_told_only_when_it_happened)
{
    begin(LADDER("{model: spare}, " LATER));
    struct wire *client = ask("");
    answer(&a, 200, good);
    ck_answer(client, 200, good);
    ck_fallback("");
    gateway_end();
}
END_TEST

/* Each model has attempts of its own, and each rung its turn. */
START_TEST(rungs_are_climbed_in_order)
{
    begin(LADDER("{model: spare}, {model: large}"));
    struct wire *client = ask("");
    use_up(503);
    answer(&b, 503, busy);
    fake_run(500 * MS);
    answer(&b, 500, busy);
    answer(&c, 200, good);
    ck_answer(client, 200, good);
    ck_fallback("model:large");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "5");
    ck_assert_str_eq(client_field("x-dsgate-reasons"), "busy,busy,busy,error");
    gateway_end();
}
END_TEST

START_TEST(with_nothing_left_the_last_error_is_passed_on)
{
    begin(LADDER("{model: spare}"));
    struct wire *client = ask("");
    use_up(503);
    answer(&b, 503, busy);
    fake_run(500 * MS);
    answer(&b, 500, "{\"error\":{\"message\":\"the very last\"}}");
    ck_answer(client, 500, "{\"error\":{\"message\":\"the very last\"}}");
    ck_fallback("model:spare");
    gateway_end();
}
END_TEST

/* Who has failed at one model may be good at another one. */
START_TEST(who_has_failed_may_be_asked_for_another_model)
{
    begin(QUIET ROUTE("retry: {attempts: 1}, fallback: [{model: spare}]") "upstreams:\n" UPSTREAM(
        a, ", models: {m: m, spare: spare-at-a}"));
    struct wire *client = ask("");
    answer(&a, 503, busy);
    struct wire *w = upstream_take(busy_wire(&a));
    ck_assert_ptr_nonnull(strstr(taken_body, "\"model\":\"spare-at-a\""));
    upstream_json(w, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* A model that nobody knows is no mistake of the client's. */
START_TEST(what_nobody_knows_leads_to_another_model)
{
    begin(LADDER("{model: spare}"));
    struct wire *client = ask("");
    answer(&a, 404, "{\"error\":{\"message\":\"no such model\"}}");
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_fallback("model:spare");
    gateway_end();
}
END_TEST

/* Of what is asked of one model nothing is asked of the next. */
START_TEST(each_model_has_its_own_rest)
{
    begin(QUIET ROUTE("retry: {attempts: 2, jitter: 0%}, fallback: [{model: spare}]") "upstreams:\n" UPSTREAM(
        a, ", models: {m: m}") UPSTREAM(b, ", models: {spare: s}, adaptive: false"));
    struct wire *client = ask("");
    use_up(503);
    struct wire *w = upstream_take(busy_wire(&b));
    wire_send(w, TEXT("HTTP/1.1 503 X\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\n{}"));
    fake_run(3000 * MS - 1);
    ck_assert_ptr_null(busy_wire(&b));
    fake_run(1);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    gateway_end();
}
END_TEST

/* Whoever waits for another model waits for that one, also when the config has been read again. */
START_TEST(a_reload_does_not_lead_back)
{
    static const char yaml[] =
        QUIET ROUTE("retry: {attempts: 1}, fallback: [{model: spare}]") "upstreams:\n" UPSTREAM(a, ", models: {m: m}")
            UPSTREAM(b, ", models: {spare: s}, max_concurrency: 1");
    begin(yaml);
    struct wire *first = ask("");
    answer(&a, 503, busy);
    struct wire *at_b = upstream_take(busy_wire(&b));
    struct wire *second = ask("");
    gateway_reload(yaml);
    answer(&a, 503, busy);
    ck_assert_ptr_null(busy_wire(&a));
    upstream_json(at_b, 200, good);
    ck_answer(first, 200, good);
    answer(&b, 200, good);
    ck_answer(second, 200, good);
    gateway_end();
}
END_TEST

/* A model that nobody can be asked for in time is no reason to stop climbing. */
START_TEST(a_rung_that_is_full_is_passed)
{
    begin(QUIET "queue: {classes: {P2: {timeout: 0s}}}\n" ROUTE(
        "retry: {attempts: 1}, fallback: [{model: spare}, " LATER "]") "upstreams:\n" UPSTREAM(a, ", models: {m: m}")
              UPSTREAM(b, ", models: {spare: s}, max_concurrency: 1"));
    struct wire *first = ask("");
    answer(&a, 503, busy);
    struct wire *at_b = upstream_take(busy_wire(&b));
    struct wire *second = ask("");
    answer(&a, 503, busy);
    struct client_answer got = client_read(second);
    ck_assert_uint_eq(got.status, 200);
    ck_fallback("answer");
    mem_free(got.body);
    upstream_json(at_b, 200, good);
    ck_answer(first, 200, good);
    gateway_end();
}
END_TEST

/* ---- the fixed answer ---- */

#define FIXED_REQUEST "X-Request-Id: seven\r\n"

START_TEST(a_fixed_answer_is_given)
{
    begin(LADDER(LATER));
    struct wire *client = ask(FIXED_REQUEST);
    use_up(503);
    char *expected =
        mem_printf("{\"id\":\"seven\",\"object\":\"chat.completion\",\"created\":%lld,\"model\":\"m\","
                   "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Please try "
                   "again later.\"},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":{"
                   "\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}",
                   (long long)(loop_wall(fake_loop()) / USEC_PER_SEC));
    ck_answer(client, 200, expected);
    mem_free(expected);
    ck_fallback("answer");
    ck_assert_str_eq(client_field("content-type"), "application/json");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "2");
    ck_assert_uint_eq(gateway_metric("dsgate_fallbacks_total{kind=\"answer\"}"), 1);
    ck_assert_uint_eq(gateway_attempts("a", "busy"), 2);
    ck_assert_uint_eq(gateway_attempts("a", "success"), 0);
    gateway_end();
}
END_TEST

/* The stream's text, whole, and its one end. */
static void check_fixed_stream(const char *body)
{
    const char *text = strstr(body, "\"content\":\"Please try again later.\"");
    ck_assert_msg(text != NULL, "%s", body);
    const char *finish = strstr(text, "\"finish_reason\":\"stop\"");
    ck_assert_ptr_nonnull(finish);
    const char *done = strstr(finish, "data: [DONE]\n\n");
    ck_assert_ptr_nonnull(done);
    ck_assert_str_eq(done, "data: [DONE]\n\n");
    ck_assert_ptr_null(strstr(finish, "Please"));
}

START_TEST(a_fixed_answer_is_streamed)
{
    begin(LADDER(LATER));
    struct wire *client = ask_stream(FIXED_REQUEST);
    use_up(503);
    struct client_answer got = client_read(client);
    ck_assert_uint_eq(got.status, 200);
    ck_assert(got.complete);
    ck_assert_str_eq(client_field("content-type"), "text/event-stream");
    ck_fallback("answer");
    check_fixed_stream(got.body);
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* Signs of life are no answer yet. */
START_TEST(a_fixed_answer_may_follow_signs_of_life)
{
    begin(QUIET "timeouts: {first_token: 20s}\n" ROUTE("retry: {attempts: 1}, fallback: [" LATER
                                                       "]") "upstreams:\n" UPSTREAM(a, ""));
    struct wire *client = ask_stream("");
    fake_run(20 * USEC_PER_SEC);
    struct client_answer got = client_read(client);
    ck_assert(got.complete);
    ck_assert(!strncmp(got.body, ": keep-alive\n\ndata: {", 21));
    check_fixed_stream(got.body);
    mem_free(got.body);
    gateway_end();
}
END_TEST

/* Also when the time is over: there is nothing to wait for. */
START_TEST(a_fixed_answer_is_given_at_the_deadline)
{
    begin(LADDER("{model: spare}, " LATER));
    struct wire *client = ask("X-Dsgate-Timeout: 1s\r\n");
    fake_run(1000 * MS);
    struct client_answer got = client_read(client);
    ck_assert_uint_eq(got.status, 200);
    ck_fallback("answer");
    ck_assert_uint_eq(b.dials, 0);
    mem_free(got.body);
    gateway_end();
}
END_TEST

START_TEST(a_full_queue_leads_to_it)
{
    begin(QUIET "queue: {max_waiting: 1}\n" ROUTE("fallback: [" LATER
                                                  "]") "upstreams:\n" UPSTREAM(a, ", max_concurrency: 1"));
    struct wire *clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = ask("");
    struct client_answer got = client_read(clients[2]);
    ck_assert_uint_eq(got.status, 200);
    ck_fallback("answer");
    ck_assert_str_eq(client_field("x-dsgate-attempts"), "0");
    mem_free(got.body);
    for (int i = 0; i < 2; i++) {
        answer(&a, 200, good);
        ck_answer(clients[i], 200, good);
        ck_fallback("");
    }
    gateway_end();
}
END_TEST

/* ---- what is too long ---- */

START_TEST(what_is_too_long_goes_to_a_model_that_takes_more)
{
    begin(LADDER("{model: spare}, {model: large, on: context_length}, " LATER));
    struct wire *client = ask("");
    answer(&a, 400, too_long);
    ck_assert_uint_eq(b.dials, 0);
    struct wire *w = upstream_take(busy_wire(&c));
    ck_assert_str_eq(taken_body, "{\"model\":\"large-at-c\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}");
    upstream_json(w, 200, good);
    ck_answer(client, 200, good);
    ck_fallback("model:large");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "c");
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* The other rungs are for what is no fault of the request. */
START_TEST(mistakes_climb_no_other_rung)
{
    begin(LADDER("{model: spare}, " LATER));
    struct wire *client = ask("");
    answer(&a, 400, too_long);
    ck_answer(client, 400, too_long);
    ck_fallback("");
    client = ask("");
    answer(&a, 400, busy);
    ck_answer(client, 400, busy);
    ck_fallback("");
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

START_TEST(what_is_not_too_long_does_not_go_there)
{
    begin(LADDER("{model: large, on: context_length}"));
    struct wire *client = ask("");
    use_up(503);
    ck_answer(client, 503, busy);
    ck_fallback("");
    ck_assert_uint_eq(c.dials, 0);
    gateway_end();
}
END_TEST

/* It is too long for that one as well: then this is what the client hears. */
START_TEST(what_is_too_long_for_all_is_told)
{
    begin(LADDER("{model: large, on: context_length}, " LATER));
    struct wire *client = ask("");
    answer(&a, 400, too_long);
    answer(&c, 400, too_long);
    ck_answer(client, 400, too_long);
    ck_fallback("model:large");
    ck_assert_str_eq(client_field("x-dsgate-upstream"), "c");
    gateway_end();
}
END_TEST

/* A rung that was not for it at first may be for what the next model says. */
START_TEST(what_is_too_long_for_the_next_one_goes_on)
{
    begin(LADDER("{model: large, on: context_length}, {model: spare}, {model: large}, " LATER));
    struct wire *client = ask("");
    use_up(503);
    answer(&b, 400, too_long);
    answer(&c, 200, good);
    ck_answer(client, 200, good);
    ck_fallback("model:large");
    gateway_end();
}
END_TEST

/* ---- where there is none ---- */

/* What has been shown can't be taken back. */
START_TEST(after_a_token_there_is_none)
{
    begin(LADDER("{model: spare}, " LATER));
    struct wire *client = ask_stream("");
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    upstream_chunk(w, delta("x"));
    upstream_close(w);
    struct client_answer got = client_read(client);
    ck_assert(!got.complete);
    ck_assert_ptr_nonnull(strstr(got.body, "\"code\":\"upstream_cut\""));
    ck_assert_ptr_null(strstr(got.body, "Please"));
    mem_free(got.body);
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

/* A plain answer of which a part has come is not shown yet: it may be given up. */
START_TEST(a_part_that_nobody_has_seen_is_given_up)
{
    begin(QUIET ROUTE("retry: {attempts: 1}, fallback: [{model: spare}]") "upstreams:\n" UPSTREAM(
        a, ", models: {m: m}, dialect: deepseek") UPSTREAM(b, ", models: {spare: s}"));
    struct wire *client = ask("");
    struct wire *w = upstream_take(busy_wire(&a));
    upstream_stream_head(w);
    upstream_chunk(w, delta("x"));
    upstream_close(w);
    answer(&b, 200, good);
    ck_answer(client, 200, good);
    ck_fallback("model:spare");
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 1);
    gateway_end();
}
END_TEST

/* Also when somebody was to go on with it: another model begins anew. */
START_TEST(another_model_does_not_go_on)
{
    begin(QUIET ROUTE("hedge: off, retry: {attempts: 2}, fallback: [{model: spare}]") "upstreams:\n" DEEPSEEK(
        a, ", models: {m: m}, weight: 9") DEEPSEEK(b, ", models: {m: m}") DEEPSEEK(c, ", models: {spare: s}"));
    struct wire *client = ask("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    answer(&b, 503, busy);
    struct wire *w = begin_stream(&c, "C", "Hello");
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    ck_assert_ptr_null(strstr(taken_body, "\"prefix\""));
    upstream_stream_finish(w);
    ck_assert(has_received(client, "\"id\":\"C\"") && has_received(client, "\"content\":\"Hello\""));
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 1);
    gateway_end();
}
END_TEST

/* What an answer has cost that nobody has got is waste, and no part of what clients got. */
START_TEST(tokens_that_nobody_got_are_waste)
{
    begin(QUIET ROUTE("retry: {attempts: 1}, fallback: [{answer: later}]") "upstreams:\n" DEEPSEEK(a, ""));
    struct wire *client = ask("");
    struct wire *w = begin_stream(&a, "A", "Hel");
    upstream_chunk(w, "data: {\"id\":\"A\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
                      "\"insufficient_system_resource\"}],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":1,"
                      "\"total_tokens\":9}}\n\n");
    struct client_answer got = client_read(client);
    ck_assert_ptr_nonnull(strstr(got.body, "\"content\":\"later\""));
    mem_free(got.body);
    ask("");
    upstream_stream_finish(begin_stream(&a, "1", "Hello"));
    ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"prompt\"}"), 3);
    ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"completion\"}"), 2);
    ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 1);
    gateway_end();
}
END_TEST

/* Embeddings of a text are not those of another model, and no text stands for them. */
START_TEST(embeddings_climb_nothing)
{
    begin(LADDER("{model: spare}, " LATER));
    struct wire *client = gateway_connect();
    client_post(client, "/v1/embeddings", "", "{\"model\":\"m\",\"input\":\"hi\"}");
    use_up(503);
    ck_answer(client, 503, busy);
    ck_fallback("");
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

/* Nor does a message count a request's tokens. */
START_TEST(a_count_of_tokens_is_no_fixed_answer)
{
    begin(QUIET ROUTE("fallback: [" LATER
                      "], retry: {attempts: 1}") "upstreams:\n" UPSTREAM(a, ", anthropic_path: /anthropic"));
    struct wire *client = gateway_connect();
    client_post(client, "/v1/messages/count_tokens", "", "{\"model\":\"m\",\"messages\":[" QUESTION "]}");
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_fallback("");
    gateway_end();
}
END_TEST

/* What names no model has no other one. */
START_TEST(files_have_no_other_model)
{
    begin(QUIET ROUTE("retry: {attempts: 1}, fallback: [{model: spare}]") "upstreams:\n" UPSTREAM(
        a, ", models: {m: m, spare: s}"));
    struct wire *client = gateway_connect();
    wire_send(client, TEXT("GET /v1/files HTTP/1.1\r\nHost: x\r\n\r\n"));
    fake_settle();
    answer(&a, 503, busy);
    ck_answer(client, 503, busy);
    ck_fallback("");
    ck_assert_ptr_null(busy_wire(&a));
    gateway_end();
}
END_TEST

START_TEST(a_client_that_leaves_climbs_no_further)
{
    begin(LADDER("{model: spare}, " LATER));
    struct wire *client = ask("");
    use_up(503);
    struct wire *w = upstream_take(busy_wire(&b));
    wire_close(client);
    fake_settle();
    ck_assert(wire_program_closed(w));
    ck_assert_uint_eq(gateway_metric("dsgate_fallbacks_total{kind=\"answer\"}"), 0);
    gateway_end();
}
END_TEST

TEST_MAIN("fallback", another_model_answers, another_model_streams, it_is_told_only_when_it_happened,
          rungs_are_climbed_in_order, with_nothing_left_the_last_error_is_passed_on,
          who_has_failed_may_be_asked_for_another_model, what_nobody_knows_leads_to_another_model,
          each_model_has_its_own_rest, a_reload_does_not_lead_back, a_rung_that_is_full_is_passed,
          a_fixed_answer_is_given, a_fixed_answer_is_streamed, a_fixed_answer_may_follow_signs_of_life,
          a_fixed_answer_is_given_at_the_deadline, a_full_queue_leads_to_it,
          what_is_too_long_goes_to_a_model_that_takes_more, mistakes_climb_no_other_rung,
          what_is_not_too_long_does_not_go_there, what_is_too_long_for_the_next_one_goes_on,
          what_is_too_long_for_all_is_told, after_a_token_there_is_none, a_part_that_nobody_has_seen_is_given_up,
          another_model_does_not_go_on, tokens_that_nobody_got_are_waste, embeddings_climb_nothing,
          a_count_of_tokens_is_no_fixed_answer, files_have_no_other_model, a_client_that_leaves_climbs_no_further)
