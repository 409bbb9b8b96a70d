/* Streams that break after their first token: another upstream goes on, and the client sees one. */
#include "resume.h"

/* ---- the ways to break ---- */

static void break_by_reset(struct wire *w)
{
    wire_reset(w);
    fake_settle();
}

static void break_in_mid_event(struct wire *w)
{
    upstream_chunk(w, "data: {\"id\":\"A\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"ne");
    upstream_close(w);
}

static void break_by_silence(struct wire *w) { fake_run(60 * USEC_PER_SEC); }

static void break_by_finish(struct wire *w, const char *reason)
{
    char *event = mem_printf("data: {\"id\":\"A\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},"
                             "\"finish_reason\":\"%s\"}]}\n\n",
                             reason);
    upstream_chunk(w, event);
    mem_free(event);
}

static void break_by_exhaustion(struct wire *w) { break_by_finish(w, "insufficient_system_resource"); }
static void break_by_abortion(struct wire *w) { break_by_finish(w, "aborted"); }
static void break_by_garbage(struct wire *w) { upstream_chunk(w, "data: {\"id\":\"A\",\"choices\":[{\n\n"); }

static const struct breaking {
    void (*breaks)(struct wire *w);
    const char *reason, *outcome;
} breakings[] = {
    {upstream_close, "cut", "fault"},
    {break_by_reset, "cut", "fault"},
    {upstream_stream_end, "cut", "fault"},
    {break_in_mid_event, "cut", "fault"},
    {break_by_silence, "idle_timeout", "fault"},
    {break_by_error, "error_event", "fault"},
    {break_by_exhaustion, "exhausted", "busy"},
    {break_by_abortion, "aborted", "fault"},
    {break_by_garbage, "bad_event", "fault"},
};

/* ---- one stream ---- */

/* However it breaks: the next one is given the text, and the client sees one id, one role, each character once, one
 * end, and what it has to pay for. */
START_TEST(a_stream_that_breaks_is_gone_on_with)
{
    for (int i = 0; i < COUNT(breakings); i++) {
        begin(RULES TWO);
        struct wire *client = ask_stream("");
        struct wire *first = begin_stream(&a, "A", "Hel");
        breakings[i].breaks(first);
        ck_assert_uint_eq(gateway_in_flight("a"), 0);
        struct wire *second = begin_stream(&b, "B", "lo");
        ck_assert_str_eq(taken_path, "/beta/chat/completions");
        ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"Hel\""));
        end_stream(second, "B", 9, 4);
        ck_seamless(client, "Hel", "lo", 8, 5); /* b has counted "Hel", one token, as a part of the question */
        ck_assert_str_eq(client_field("x-dsgate-upstream"), "a");
        ck_assert_str_eq(client_field("x-dsgate-attempts"), "1");
        ck_assert_uint_eq(gateway_attempts("a", breakings[i].outcome), 1);
        ck_assert_uint_eq(gateway_attempts("b", "success"), 1);
        ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"continued\"}"), 1);
        ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"failed\"}"), 0);
        ck_assert_uint_eq(gateway_metric("dsgate_wasted_tokens_total"), 0);
        ck_assert_uint_eq(gateway_metric("dsgate_streams_cut_total"), 0);
        char *sample = mem_printf("dsgate_attempt_failures_total{reason=\"%s\"}", breakings[i].reason);
        ck_assert_uint_eq(gateway_metric(sample), 1);
        mem_free(sample);
        gateway_end();
    }
}
END_TEST

/* Signs of life after the first token are passed on, but they are no progress. */
START_TEST(signs_of_life_do_not_keep_it)
{
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    struct wire *first = begin_stream(&a, "A", "Hel");
    for (int i = 0; i < 59; i++) {
        fake_run(USEC_PER_SEC);
        upstream_chunk(first, ": keep-alive\n\n");
    }
    ck_assert(!wire_program_closed(first));
    fake_run(USEC_PER_SEC);
    ck_assert(wire_program_closed(first));
    end_stream(begin_stream(&b, "B", "lo"), "B", 9, 4);
    ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"Hel\""));
    ck_assert(has_received(client, finish_of("A", 8, 5)));
    gateway_end();
}
END_TEST

/* Texts go on as they came, escapes and all. */
START_TEST(escapes_are_kept)
{
#define ODD "\\\"1\\\\2\\n\\u00e4\xe2\x82\xac\\ud83d\\ude00"
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", ODD));
    struct wire *second = begin_stream(&b, "B", "lo");
    ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"" ODD "\""));
    end_stream(second, "B", 9, 4);
    ck_seamless(client, ODD, "lo", 8, 5);
    gateway_end();
}
END_TEST

/* What may still be generated is what is left of it. */
START_TEST(the_limit_of_tokens_is_lowered)
{
    begin(RULES TWO);
    struct wire *client = gateway_connect();
    client_post_chat(client, ",\"max_tokens\":100,\"stream\":true");
    struct wire *first = begin_stream(&a, "A", "H");
    upstream_chunk(first, delta_text("A", "e"));
    upstream_chunk(first, delta_text("A", "l"));
    upstream_close(first);
    struct wire *second = begin_stream(&b, "B", "lo");
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"messages\":[" QUESTION
                                 ",{\"role\":\"assistant\",\"content\":\"Hel\",\"prefix\":true}],"
                                 "\"max_tokens\":97,\"stream\":true}");
    end_stream(second, "B", 9, 4);
    ck_assert(has_received(client, finish_of("A", 6, 7)));
    gateway_end();
}
END_TEST

/* Reasoning that was cut goes on, too. */
START_TEST(reasoning_is_gone_on_with)
{
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    struct wire *first = begin_stream(&a, "A", "");
    upstream_chunk(first, delta_of("A", "{\"content\":null,\"reasoning_content\":\"I thi\"}"));
    upstream_close(first);
    struct wire *second = begin_stream(&b, "B", "");
    ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"\",\"reasoning_content\":\"I thi\""));
    upstream_chunk(second, delta_of("B", "{\"content\":null,\"reasoning_content\":\"nk\"}"));
    upstream_close(second);
    struct wire *third = begin_stream(&a, "C", "so");
    ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"\",\"reasoning_content\":\"I think\""));
    end_stream(third, "C", 9, 4);
    char *expected =
        mem_printf("%s%s%s", delta_of("A", ROLE), delta_of("A", "{\"content\":null,\"reasoning_content\":\"I thi\"}"),
                   delta_of("A", "{\"content\":null,\"reasoning_content\":\"nk\"}"));
    char *whole = mem_printf("%s%s%s%s", expected, delta_text("A", "so"), finish_of("A", 7, 6), done_event);
    ck_answer(client, 200, whole);
    mem_free(expected);
    mem_free(whole);
    gateway_end();
}
END_TEST

/* Both have broken once; what has been given since is progress. */
START_TEST(it_is_gone_on_with_twice)
{
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    upstream_close(begin_stream(&b, "B", "lo"));
    struct wire *third = begin_stream(&a, "C", "!");
    ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"Hello\""));
    end_stream(third, "C", 10, 3);
    char *expected = mem_printf("%s%s%s", delta_of("A", ROLE), delta_text("A", "Hel"), delta_text("A", "lo"));
    char *whole = mem_printf("%s%s%s%s", expected, delta_text("A", "!"), finish_of("A", 8, 5), done_event);
    ck_answer(client, 200, whole);
    mem_free(expected);
    mem_free(whole);
    ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"continued\"}"), 2);
    gateway_end();
}
END_TEST

/* Nothing was left to say but that it is all. */
START_TEST(a_cut_after_the_last_token_is_ended)
{
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hello"));
    struct wire *second = begin_stream(&b, "B", "");
    end_stream(second, "B", 9, 0);
    char *expected =
        mem_printf("%s%s%s%s", delta_of("A", ROLE), delta_text("A", "Hello"), finish_of("A", 8, 1), done_event);
    ck_answer(client, 200, expected);
    mem_free(expected);
    ck_assert_uint_eq(gateway_attempts("b", "success"), 1);
    gateway_end();
}
END_TEST

/* ---- who goes on ---- */

/* With nobody else it is the same one, after a while. */
START_TEST(a_lone_upstream_goes_on_itself)
{
    begin(RULES ALONE);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    fake_run(500 * MS - 1);
    ck_assert_ptr_null(busy_wire(&a));
    fake_run(1);
    end_stream(begin_stream(&a, "B", "lo"), "B", 9, 4);
    ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"Hel\""));
    ck_seamless(client, "Hel", "lo", 8, 5);
    gateway_end();
}
END_TEST

/* Who can't go on is passed over, though its turn it would be. */
START_TEST(who_cannot_go_on_is_not_asked)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 900") UPSTREAM(b, ", weight: 90") DEEPSEEK(c, ""));
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    end_stream(begin_stream(&c, "C", "lo"), "C", 9, 4);
    ck_seamless(client, "Hel", "lo", 8, 5);
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

START_TEST(with_nobody_who_can_it_is_told)
{
    begin(RULES A_THEN_B);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    ck_broken(client, "Hel", "upstream_cut");
    ck_assert_uint_eq(b.dials, 0);
    ck_assert_uint_eq(gateway_metric("dsgate_continuations_total{result=\"failed\"}"), 1);
    ck_assert_uint_eq(gateway_metric("dsgate_streams_cut_total"), 1);
    gateway_end();
}
END_TEST

/* The one that was to go on fails before it has said anything: the next one is asked the same. */
/* What it has cost is told once, as the upstream has counted it. */
START_TEST(what_is_not_gone_on_with_counts_once)
{
    begin(RULES A_THEN_B);
    struct wire *client = ask_stream("");
    struct wire *w = begin_stream(&a, "A", "Hel");
    upstream_chunk(w, "data: {\"id\":\"A\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
                      "\"insufficient_system_resource\"}],\"usage\":{\"prompt_tokens\":8,\"completion_tokens\":1,"
                      "\"total_tokens\":9}}\n\n");
    ck_broken(client, "Hel", "upstream_cut");
    ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"prompt\"}"), 8);
    ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"completion\"}"), 1);
    gateway_end();
}
END_TEST

START_TEST(a_third_one_helps)
{
    for (int how = 0; how < 4; how++) {
        begin(RULES THREE);
        struct wire *client = ask_stream("");
        upstream_close(begin_stream(&a, "A", "Hel"));
        struct wire *second = upstream_take(busy_wire(&b));
        if (how == 0) upstream_json(second, 503, "{}");
        if (how == 1) break_by_reset(second);
        if (how == 2) upstream_json(second, 400, "{}"); /* it is our request, not the client's, that it refuses */
        if (how == 3) upstream_json(second, 200, "{\"choices\":[]}");
        struct wire *third = begin_stream(&c, "C", "lo");
        ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"Hel\""));
        end_stream(third, "C", 9, 4);
        ck_seamless(client, "Hel", "lo", 8, 5);
        gateway_end();
    }
}
END_TEST

/* Attempts are counted together. */
START_TEST(it_has_an_end)
{
    begin(QUIET ROUTE("hedge: off, retry: {attempts: 2}") THREE);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    struct wire *second = begin_stream(&b, "B", "");
    upstream_close(second);
    ck_broken(client, "Hel", "upstream_cut");
    ck_assert_uint_eq(c.dials, 0);
    gateway_end();
}
END_TEST

START_TEST(it_can_be_turned_off)
{
    begin(QUIET ROUTE("continue: false") TWO);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    ck_broken(client, "Hel", "upstream_cut");
    ck_assert_uint_eq(b.dials, 0);
    gateway_end();
}
END_TEST

/* ---- other ways to go on ---- */

/* vLLM is told by flags, takes no reasoning back, and calls it by another name, which the client does not see. */
START_TEST(vllm_goes_on_in_its_own_way)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9") UPSTREAM(b, ", dialect: vllm"));
    struct wire *client = ask_stream("");
    struct wire *first = begin_stream(&a, "A", "");
    upstream_chunk(first, delta_of("A", "{\"content\":null,\"reasoning_content\":\"hm\"}"));
    upstream_chunk(first, delta_text("A", "Hel"));
    upstream_close(first);
    struct wire *second = upstream_take(busy_wire(&b));
    ck_assert_str_eq(taken_path, "/v1/chat/completions");
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"continue_final_message\":true,\"add_generation_prompt\":false,"
                                 "\"messages\":[" QUESTION ",{\"role\":\"assistant\",\"content\":\"Hel\"}],"
                                 "\"stream\":true}");
    upstream_stream_head(second);
    upstream_chunk(second, delta_of("B", "{\"reasoning\":\"well\"}"));
    upstream_chunk(second, delta_text("B", "lo"));
    end_stream(second, "B", 9, 4);
    char *expected =
        mem_printf("%s%s%s", delta_of("A", ROLE), delta_of("A", "{\"content\":null,\"reasoning_content\":\"hm\"}"),
                   delta_text("A", "Hel"));
    char *whole = mem_printf("%s%s%s%s%s", expected, delta_of("A", "{\"reasoning_content\":\"well\"}"),
                             delta_text("A", "lo"), finish_of("A", 8, 6), done_event);
    ck_answer(client, 200, whole);
    mem_free(expected);
    mem_free(whole);
    ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"prompt\"}"), 8);
    ck_assert_uint_eq(gateway_metric("dsgate_tokens_total{model=\"other\",kind=\"completion\"}"), 6);
    gateway_end();
}
END_TEST

/* Reasoning alone is nothing that it could go on from. */
START_TEST(vllm_is_not_asked_to_go_on_with_reasoning_alone)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9") UPSTREAM(b, ", dialect: vllm"));
    struct wire *client = ask_stream("");
    struct wire *first = begin_stream(&a, "A", "");
    upstream_chunk(first, delta_of("A", "{\"content\":null,\"reasoning_content\":\"hm\"}"));
    upstream_close(first);
    fake_run(500 * MS);
    ck_assert_uint_eq(b.dials, 0);
    struct wire *second = begin_stream(&a, "B", "lo");
    ck_assert_str_eq(taken_body, GOING_ON("\"content\":\"\",\"reasoning_content\":\"hm\""));
    end_stream(second, "B", 9, 4);
    ck_assert(has_received(client, done_event));
    gateway_end();
}
END_TEST

static const char *piece(const char *id, const char *text, const char *finish)
{
    static char events[4][256];
    static unsigned next;
    char *event = events[next++ % 4];
    snprintf(event, sizeof events[0],
             "data: {\"id\":\"%s\",\"object\":\"text_completion\",\"choices\":[{\"index\":0,\"text\":\"%s\","
             "\"finish_reason\":%s}]}\n\n",
             id, text, finish);
    return event;
}

/* A prompt is gone on from by whoever completes prompts. */
START_TEST(legacy_completions_are_gone_on_with_anywhere)
{
    begin(RULES A_THEN_B);
    struct wire *client = gateway_connect();
    client_post(client, "/v1/completions", "", "{\"model\":\"m\",\"prompt\":\"Say hello: \",\"stream\":true}");
    struct wire *first = upstream_take(busy_wire(&a));
    upstream_stream_head(first);
    upstream_chunk(first, piece("A", "Hel", "null"));
    upstream_close(first);
    struct wire *second = upstream_take(busy_wire(&b));
    ck_assert_str_eq(taken_path, "/v1/completions");
    ck_assert_str_eq(taken_body, "{\"model\":\"m\",\"prompt\":\"Say hello: Hel\",\"stream\":true}");
    upstream_stream_head(second);
    upstream_chunk(second, piece("B", "lo", "null"));
    upstream_chunk(second, piece("B", "", "\"stop\""));
    upstream_chunk(second, done_event);
    upstream_stream_end(second);
    char *expected = mem_printf("%s%s%s%s", piece("A", "Hel", "null"), piece("A", "lo", "null"),
                                piece("A", "", "\"stop\""), done_event);
    ck_answer(client, 200, expected);
    mem_free(expected);
    gateway_end();
}
END_TEST

TEST_MAIN("resume", a_stream_that_breaks_is_gone_on_with, signs_of_life_do_not_keep_it, escapes_are_kept,
          the_limit_of_tokens_is_lowered, reasoning_is_gone_on_with, it_is_gone_on_with_twice,
          a_cut_after_the_last_token_is_ended, a_lone_upstream_goes_on_itself, who_cannot_go_on_is_not_asked,
          with_nobody_who_can_it_is_told, what_is_not_gone_on_with_counts_once, a_third_one_helps, it_has_an_end,
          it_can_be_turned_off, vllm_goes_on_in_its_own_way, vllm_is_not_asked_to_go_on_with_reasoning_alone,
          legacy_completions_are_gone_on_with_anywhere)
