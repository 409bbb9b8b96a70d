/* Streams that break and can't be gone on with: what the client is told. */
#include "resume.h"

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

TEST_MAIN("resume_refused", some_requests_are_not_gone_on_with, tool_calls_are_not_gone_on_with,
          what_has_ended_is_not_gone_on_with, what_falls_silent_after_its_end_is_whole,
          the_clients_own_fault_is_not_gone_on_with, the_upstreams_own_words_are_passed_on)
