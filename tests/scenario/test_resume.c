/* Streams that break after their first token: another upstream goes on, and the client sees one. */
#include "scenario.h"

#define MS USEC_PER_MS

#define RULES QUIET ROUTE("hedge: off, retry: {jitter: 0%}")
#define TWO   "upstreams:\n" DEEPSEEK(a, ", weight: 9") DEEPSEEK(b, "")
#define THREE "upstreams:\n" DEEPSEEK(a, ", weight: 90") DEEPSEEK(b, ", weight: 9") DEEPSEEK(c, "")
#define ALONE "upstreams:\n" DEEPSEEK(a, "")

/* What the second upstream is asked when `sent` (members of a message) is to be gone on from. */
#define GOING_ON(sent) \
    "{\"model\":\"m\",\"messages\":[" QUESTION ",{\"role\":\"assistant\"," sent ",\"prefix\":true}],\"stream\":true}"

/* The end of the stream with this id, and its usage. */
static const char *finish_of(const char *id, int prompt, int completion)
{
    static char event[512];
    snprintf(event, sizeof event,
             "data: {\"id\":\"%s\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{"
             "\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%d,"
             "\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n",
             id, prompt, completion, prompt + completion);
    return event;
}

static void end_stream(struct wire *w, const char *id, int prompt, int completion)
{
    upstream_chunk(w, finish_of(id, prompt, completion));
    upstream_chunk(w, done_event);
    upstream_stream_end(w);
}

/* The client got one whole stream of A with these two pieces of text, and this usage. */
#define ck_seamless(client, first, second, prompt, completion) \
    do { \
        char *expected_ = mem_printf("%s%s%s%s%s", delta_of("A", ROLE), delta_text("A", first), \
                                     delta_text("A", second), finish_of("A", prompt, completion), done_event); \
        ck_answer(client, 200, expected_); \
        mem_free(expected_); \
    } while (0)

/* The client got text of A, then an error event with this code, and no proper end. */
#define ck_broken(client, text, error_code) \
    do { \
        char *expected_ = mem_printf("%s%sdata: {\"error\":{", delta_of("A", ROLE), delta_text("A", text)); \
        struct client_answer got_ = client_read(client); \
        ck_assert(!got_.complete); \
        ck_assert_msg(!strncmp(got_.body, expected_, strlen(expected_)), "%s", got_.body); \
        ck_assert_msg(strstr(got_.body, "\"code\":\"" error_code "\"") != NULL, "%s", got_.body); \
        ck_assert_ptr_null(strstr(got_.body, "[DONE]")); \
        ck_assert(wire_program_finished(client) || wire_program_closed(client)); \
        mem_free(got_.body); \
        mem_free(expected_); \
    } while (0)

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

static void break_by_error(struct wire *w) { upstream_chunk(w, "data: {\"error\":{\"message\":\"no\"}}\n\n"); }

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

/* ---- what can't be gone on with ---- */

/* Requests whose answers nobody could take up again. */
START_TEST(some_requests_are_not_gone_on_with)
{
    static const char *const extras[] = {",\"n\":2,\"stream\":true", ",\"logprobs\":true,\"stream\":true",
                                         ",\"response_format\":{\"type\":\"json_object\"},\"stream\":true"};
    for (int i = 0; i < COUNT(extras); i++) {
        begin(RULES TWO);
        struct wire *client = gateway_connect();
        client_post_chat(client, extras[i]);
        upstream_close(begin_stream(&a, "A", "Hel"));
        ck_broken(client, "Hel", "upstream_cut");
        ck_assert_uint_eq(b.dials, 0);
        gateway_end();
    }
}
END_TEST

/* Half a call of a tool is nothing to go on from, whatever text was before it. */
START_TEST(tool_calls_are_not_gone_on_with)
{
    static const char call[] =
        "{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":"
        "\"f\",\"arguments\":\"{\\\"x\"}}]}";
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    struct wire *first = begin_stream(&a, "A", "Hel");
    upstream_chunk(first, delta_of("A", call));
    upstream_close(first);
    struct client_answer answer = client_read(client);
    char *expected =
        mem_printf("%s%s%sdata: {\"error\":{", delta_of("A", ROLE), delta_text("A", "Hel"), delta_of("A", call));
    ck_assert(!answer.complete);
    ck_assert_msg(!strncmp(answer.body, expected, strlen(expected)), "%s", answer.body);
    ck_assert_uint_eq(b.dials, 0);
    mem_free(expected);
    mem_free(answer.body);
    gateway_end();
}
END_TEST

/* What has said its end is whole, whatever comes behind it: whoever went on would add to it, and end it a second
 * time. */
START_TEST(what_has_ended_is_not_gone_on_with)
{
    static const char *const afterwards[] = {"data: {\"error\":{\"message\":\"no\"}}\n\n", "data: {\"broken\n\n"};
    for (int i = 0; i < COUNT(afterwards); i++) {
        begin(RULES TWO);
        struct wire *client = ask_stream("");
        struct wire *first = begin_stream(&a, "A", "Hello");
        upstream_chunk(first, finish_of("A", 3, 1));
        upstream_chunk(first, afterwards[i]);
        fake_run(2 * USEC_PER_SEC);
        ck_assert_uint_eq(b.dials, 0);
        char *expected = mem_printf("%s%s%s", delta_of("A", ROLE), delta_text("A", "Hello"), finish_of("A", 3, 1));
        ck_answer(client, 200, expected);
        mem_free(expected);
        gateway_end();
    }
}
END_TEST

/* Where it falls silent after its end, or the connection breaks, nothing is missing. */
START_TEST(what_falls_silent_after_its_end_is_whole)
{
    for (int silent = 0; silent < 2; silent++) {
        begin(RULES TWO);
        struct wire *client = ask_stream("");
        struct wire *first = begin_stream(&a, "A", "Hello");
        fake_run(MS);
        upstream_chunk(first, finish_of("A", 3, 1));
        if (silent)
            fake_run(60 * USEC_PER_SEC);
        else
            upstream_close(first);
        char *expected = mem_printf("%s%s%s", delta_of("A", ROLE), delta_text("A", "Hello"), finish_of("A", 3, 1));
        ck_answer(client, 200, expected);
        mem_free(expected);
        ck_assert_uint_eq(b.dials, 0);
        ck_assert_uint_eq(gateway_attempts("a", "success"), 1);
        gateway_end();
    }
}
END_TEST

/* What the client is to blame for nobody else can mend: it reads why. */
START_TEST(the_clients_own_fault_is_not_gone_on_with)
{
    static const char words[] = "data: {\"error\":{\"message\":\"no\",\"code\":\"content_filter\"}}\n\n";
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    upstream_chunk(begin_stream(&a, "A", "Hel"), words);
    char *expected = mem_printf("%s%s%s", delta_of("A", ROLE), delta_text("A", "Hel"), words);
    ck_cut(client, 200, expected);
    mem_free(expected);
    ck_assert_uint_eq(b.dials, 0);
    ck_assert_uint_eq(gateway_attempts("a", "neutral"), 1);
    gateway_end();
}
END_TEST

/* An upstream that has said why it breaks off is quoted. */
START_TEST(the_upstreams_own_words_are_passed_on)
{
    static const char words[] = "data: {\"error\":{\"message\":\"The GPU is on fire.\",\"code\":500}}\n\n";
    begin(QUIET ROUTE("continue: false") TWO);
    struct wire *client = ask_stream("");
    struct wire *first = begin_stream(&a, "A", "Hel");
    upstream_chunk(first, words);
    char *expected = mem_printf("%s%s%s", delta_of("A", ROLE), delta_text("A", "Hel"), words);
    ck_cut(client, 200, expected);
    mem_free(expected);
    ck_assert(wire_program_closed(first));
    gateway_end();
}
END_TEST

/* ---- in the meantime ---- */

START_TEST(a_client_that_leaves_ends_it)
{
    for (int waiting = 0; waiting < 2; waiting++) {
        begin(waiting ? RULES ALONE : RULES TWO);
        struct wire *client = ask_stream("");
        upstream_close(begin_stream(&a, "A", "Hel"));
        struct wire *second = waiting ? NULL : upstream_take(busy_wire(&b));
        wire_close(client);
        fake_settle();
        if (second) ck_assert(wire_program_closed(second));
        fake_run(20 * USEC_PER_SEC);
        ck_assert_ptr_null(busy_wire(&a));
        ck_assert_uint_eq(gateway_metric("dsgate_clients_gone_total"), 1);
        gateway_end();
    }
}
END_TEST

/* Sends texts until the program wants no more for now; so many. */
static unsigned send_until_paused(struct wire *w, const char *id)
{
    unsigned sent = 0;
    for (; sent < 10000 && !wire_reading_paused(w); sent++)
        upstream_chunk(w, delta_text(id, "x"));
    ck_assert(wire_reading_paused(w));
    return sent;
}

/* What a slow client has not taken yet is not lost, and whoever goes on is held back as the first one was. */
START_TEST(a_slow_client_gets_it_all)
{
    struct buf expected = {0};
    begin(RULES TWO);
    struct wire *client = ask_stream("");
    wire_window(client, 1000);
    struct wire *first = begin_stream(&a, "A", "");
    unsigned sent = send_until_paused(first, "A");
    upstream_close(first);
    ck_assert_ptr_null(busy_wire(&b)); /* its end comes after what it has sent */
    wire_window(client, 100 * 1000);
    fake_settle();
    wire_window(client, 1000);
    struct wire *second = begin_stream(&b, "B", "");
    sent += send_until_paused(second, "B");
    fake_run(30 * USEC_PER_SEC);
    wire_window(client, SIZE_MAX);
    fake_settle();
    end_stream(second, "B", 100000, 0);
    buf_add(&expected, text_of(delta_of("A", ROLE)));
    for (unsigned i = 0; i < sent; i++)
        buf_add(&expected, text_of(delta_text("A", "x")));
    struct client_answer answer = client_read(client);
    ck_assert(answer.complete);
    ck_assert(text_starts(text_of(answer.body), buf_text(&expected)));
    ck_assert(text_starts(text_from(text_of(answer.body), buf_len(&expected)), TEXT("data: {\"id\":\"A\"")));
    ck_assert(text_ends(text_of(answer.body), TEXT("\n\ndata: [DONE]\n\n")));
    mem_free(answer.body);
    buf_free(&expected);
    gateway_end();
}
END_TEST

/* Also when the first one failed while it was held back. */
START_TEST(who_goes_on_for_a_slow_client_is_held_back_too)
{
    begin(RULES "upstreams:\n" DEEPSEEK(a, ", weight: 9, timeouts: {total: 5s}") DEEPSEEK(b, ""));
    struct wire *client = ask_stream("");
    wire_window(client, 1000);
    send_until_paused(begin_stream(&a, "A", ""), "A");
    fake_run(5000 * MS);
    send_until_paused(begin_stream(&b, "B", ""), "B");
    gateway_end();
}
END_TEST

/* What an upstream has said before is not what the gateway itself has come to. */
static void (*const with_and_without_words[])(struct wire *w) = {upstream_close, break_by_error};

/* The deadline counts in all of it: when nobody can go on in time, that is told at once, and so is its passing. */
START_TEST(the_deadline_ends_it)
{
    begin(RULES ALONE);
    struct wire *client = ask_stream("X-Dsgate-Timeout: 3s\r\n");
    struct wire *first = begin_stream(&a, "A", "Hel");
    fake_run(2600 * MS);
    upstream_close(first);
    ck_broken(client, "Hel", "upstream_cut");
    gateway_end();
    for (int i = 0; i < COUNT(with_and_without_words); i++) {
        begin(RULES TWO);
        client = ask_stream("X-Dsgate-Timeout: 3s\r\n");
        first = begin_stream(&a, "A", "Hel");
        fake_run(2600 * MS);
        with_and_without_words[i](first);
        struct wire *second = upstream_take(busy_wire(&b));
        fake_run(400 * MS);
        ck_assert(wire_program_closed(second));
        ck_broken(client, "Hel", "deadline_exceeded");
        ck_assert_uint_eq(gateway_attempts("b", "neutral"), 1);
        gateway_end();
    }
}
END_TEST

START_TEST(a_shutdown_in_the_middle_is_told)
{
    for (int i = 0; i < COUNT(with_and_without_words); i++) {
        begin(RULES TWO);
        struct wire *client = ask_stream("");
        with_and_without_words[i](begin_stream(&a, "A", "Hel"));
        struct wire *second = upstream_take(busy_wire(&b));
        gateway_stop();
        ck_broken(client, "Hel", "gateway_shutting_down");
        ck_assert(wire_program_closed(second));
        gateway_end();
    }
}
END_TEST

START_TEST(a_reload_in_the_middle_changes_nothing)
{
    begin(RULES ALONE);
    struct wire *client = ask_stream("");
    upstream_close(begin_stream(&a, "A", "Hel"));
    gateway_reload(RULES "upstreams:\n" DEEPSEEK(b, ""));
    fake_run(500 * MS);
    end_stream(begin_stream(&a, "B", "lo"), "B", 9, 4);
    ck_seamless(client, "Hel", "lo", 8, 5);
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
          it_can_be_turned_off, some_requests_are_not_gone_on_with, tool_calls_are_not_gone_on_with,
          what_has_ended_is_not_gone_on_with, what_falls_silent_after_its_end_is_whole,
          the_clients_own_fault_is_not_gone_on_with, the_upstreams_own_words_are_passed_on,
          a_client_that_leaves_ends_it, a_slow_client_gets_it_all, who_goes_on_for_a_slow_client_is_held_back_too,
          the_deadline_ends_it, a_shutdown_in_the_middle_is_told, a_reload_in_the_middle_changes_nothing,
          vllm_goes_on_in_its_own_way, vllm_is_not_asked_to_go_on_with_reasoning_alone,
          legacy_completions_are_gone_on_with_anywhere)
