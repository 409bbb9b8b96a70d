/* resume.h - what the scenarios of streams that are gone on with share. */
#ifndef DSGATE_TESTS_RESUME_H
#define DSGATE_TESTS_RESUME_H

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
static inline const char *finish_of(const char *id, int prompt, int completion)
{
    static char event[512];
    snprintf(event, sizeof event,
             "data: {\"id\":\"%s\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{"
             "\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":%d,"
             "\"completion_tokens\":%d,\"total_tokens\":%d}}\n\n",
             id, prompt, completion, prompt + completion);
    return event;
}

static inline void end_stream(struct wire *w, const char *id, int prompt, int completion)
{
    upstream_chunk(w, finish_of(id, prompt, completion));
    upstream_chunk(w, done_event);
    upstream_stream_end(w);
}

/* A way to break, beside those of the connection. */
static inline void break_by_error(struct wire *w) { upstream_chunk(w, "data: {\"error\":{\"message\":\"no\"}}\n\n"); }

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

#endif
