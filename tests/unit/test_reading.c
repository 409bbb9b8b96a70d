/* What of an answer is shown, and when: tables of answers, each fed whole, byte by byte, and cut at every place. */
#include "../suite.h"
#include "dsgate/relay/attempt.h"

#define DELTA       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n"
#define ROLE        "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
#define STOP        END("stop")
#define DONE        "data: [DONE]\n\n"
#define ERROR       "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"
#define COMMENT     ": keep-alive\n\n"
#define MISTAKE     "data: {\"error\":{\"message\":\"no such role\",\"code\":400}}\n\n"
#define END(reason) "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define LENGTH      END("length")
#define EXHAUSTED   END("insufficient_system_resource")
#define ABORTED     END("aborted")
#define BROKEN      "data: {\"choices\":[{\"index\":0,\"del\n\n"
#define WHOLE(content, finish) \
    "{\"choices\":[{\"message\":{\"content\":" content "},\"finish_reason\":\"" finish "\"}]}"

static const struct answer {
    unsigned status;
    const char *type, *bytes, *shown, *reason; /* reason NULL: passed */
} answers[] = {
    {200, "text/event-stream", ROLE DELTA STOP DONE, ROLE DELTA STOP DONE, NULL},
    {200, "text/event-stream; charset=utf-8", COMMENT COMMENT DELTA COMMENT DONE, DELTA COMMENT DONE, NULL},
    {200, "text/event-stream", ROLE COMMENT DELTA DONE, ROLE DELTA DONE, NULL},
    {200, "text/event-stream", DELTA STOP, DELTA STOP, NULL}, /* said its end, if not [DONE] */
    {200, "text/event-stream", DELTA STOP "data: [DONE]", DELTA STOP "data: [DONE]", NULL},
    {200, "text/event-stream", DELTA STOP DONE DELTA DONE, DELTA STOP DONE, NULL}, /* what follows the end is not its */
    {200, "text/event-stream", ROLE STOP DONE, "", "empty_content"},
    {200, "text/event-stream", DONE, "", "empty_content"},
    {200, "text/event-stream", ROLE LENGTH DONE, ROLE LENGTH DONE, NULL}, /* it was not allowed to say more */
    {200, "text/event-stream", DELTA EXHAUSTED DONE, DELTA, "exhausted"},
    {200, "text/event-stream", DELTA ABORTED DONE, DELTA, "aborted"},
    {200, "text/event-stream", DELTA BROKEN DELTA DONE, DELTA, "bad_event"},
    {200, "text/event-stream", DELTA "data: ping\n\n" STOP DONE, DELTA "data: ping\n\n" STOP DONE, NULL},
    {200, "text/event-stream", DELTA, DELTA, "cut"},
    {200, "text/event-stream", DELTA "data: {\"ha", DELTA, "cut"}, /* half an event is not shown */
    {200, "text/event-stream", DELTA ERROR DONE, DELTA, "error_event"},
    {200, "text/event-stream", MISTAKE, MISTAKE, NULL}, /* the client's to read */
    {200, "text/event-stream", ERROR, "", "error_event"},
    {200, "text/event-stream", COMMENT ROLE ERROR, "", "error_event"},
    {200, "text/event-stream", ROLE, "", "empty_stream"},
    {200, "text/event-stream", "", "", "empty_stream"},
    {200, "application/json", "{\"a\":1}", "{\"a\":1}", NULL},
    {200, "application/json", "\n\n \n{\"a\":1}", "{\"a\":1}", NULL},
    {200, "application/json", "\n\n", "", "empty_answer"},
    {200, "application/json", "", "", "empty_answer"},
    {200, "application/json", "{\"a\":", "", "bad_json"},
    {200, "text/html", "<html></html>", "", "html"},
    {200, "application/json", WHOLE("\"\"", "stop"), "", "empty_content"},
    {200, "application/json", WHOLE("\"hi\"", "stop"), WHOLE("\"hi\"", "stop"), NULL},
    {200, "application/json", WHOLE("\"\"", "content_filter"), WHOLE("\"\"", "content_filter"), NULL},
    {200, "application/json", WHOLE("\"h\"", "insufficient_system_resource"), "", "exhausted"},
    {200, "application/json", "{\"error\":{\"message\":\"x\"}}", "", "error_200"},
    {200, "application/json", "\"Unauthorized\"", "", "error_200"},
    {503, "application/json", "{\"error\":{}}", "", "error_status"},
    {429, "text/plain", "slow down", "", "error_status"},
    {400, "application/json", "{\"error\":{}}", "{\"error\":{}}", NULL},
    {401, "text/plain", "no key", "no key", NULL},
    {201, "application/json", "not looked into", "not looked into", NULL},
};

static const struct reading_options chat = {
    .family = FAMILY_CHAT, .hold_limit = 1 << 20, .event_limit = 1 << 16, .transcript_limit = 1 << 16};

static void reading_open(struct reading *r, const struct reading_options *o, unsigned status, struct text type,
                         struct text encoding)
{
    *r = (struct reading){.o = *o};
    reading_begin(r, status, type, encoding);
}

static const char *feed(struct reading *r, struct buf *shown, struct text bytes, bool end)
{
    struct reading_step step = reading_feed(r, bytes, end);
    if (step.verdict == READING_REFUSE) {
        if (r->committed) buf_add(shown, reading_unshown(r));
        return reading_reason_name(step.reason);
    }
    for (int i = 0; i < step.n; i++)
        buf_append(shown, step.out[i].iov_base, step.out[i].iov_len);
    return NULL;
}

/* Feeds the answer with cuts after `first` bytes and then every `piece` bytes; a fresh copy of each piece, so that
 * reads beyond it are seen. */
static void play(const struct answer *a, size_t first, size_t piece)
{
    struct reading r;
    struct buf shown = {0};
    const char *reason = NULL;
    struct text rest = text_of(a->bytes);
    reading_open(&r, &chat, a->status, text_of(a->type), TEXT_NONE);
    for (size_t n = first; !reason; n = piece) {
        if (n > rest.n) n = rest.n;
        char *copy = malloc(n + 1);
        memcpy(copy, rest.p, n);
        rest = text_from(rest, n);
        reason = feed(&r, &shown, text_make(copy, n), rest.n == 0);
        free(copy);
        if (rest.n == 0) break;
    }
    size_t row = (size_t)(a - answers);
    if (a->reason)
        ck_assert_msg(reason && !strcmp(reason, a->reason), "row %zu, cut %zu/%zu: %s", row, first, piece,
                      reason ? reason : "passed");
    else
        ck_assert_msg(!reason, "row %zu, cut %zu/%zu: %s", row, first, piece, reason);
    /* A stream whose break comes with its first token has shown nothing yet, and may be tried elsewhere. */
    const char *expected = r.committed ? a->shown : "";
    ck_assert_msg(text_is(buf_text(&shown), expected), "row %zu, cut %zu/%zu: " TEXT_FORMAT, row, first, piece,
                  TEXT_ARGS(buf_text(&shown)));
    buf_free(&shown);
    reading_free(&r);
}

START_TEST(cuts_do_not_change_what_is_shown)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t n = strlen(answers[i].bytes);
        play(&answers[i], n, n);
        play(&answers[i], 1, 1);
        for (size_t cut = 0; cut <= n; cut++)
            play(&answers[i], cut, n + 1);
    }
}
END_TEST

START_TEST(nothing_is_shown_before_a_token)
{
    struct reading r;
    reading_open(&r, &chat, 200, TEXT("text/event-stream"), TEXT_NONE);
    ck_assert_int_eq(reading_feed(&r, TEXT(COMMENT), false).verdict, READING_HOLD);
    ck_assert_int_eq(reading_feed(&r, TEXT(ROLE), false).verdict, READING_HOLD);
    ck_assert(!r.committed);
    struct reading_step step = reading_feed(&r, TEXT(DELTA), false);
    ck_assert_int_eq(step.verdict, READING_PASS);
    ck_assert_int_eq(step.n, 2);
    ck_assert(text_is(text_make(step.out[0].iov_base, step.out[0].iov_len), ROLE));
    reading_free(&r);
}
END_TEST

START_TEST(what_is_held_is_bounded)
{
    struct reading r;
    struct reading_options o = chat;
    unsigned held = 0;
    o.hold_limit = 1000;
    reading_open(&r, &o, 200, TEXT("text/event-stream"), TEXT_NONE);
    while (reading_feed(&r, TEXT(ROLE), false).verdict == READING_HOLD)
        ck_assert_uint_lt(++held, 1000);
    ck_assert_uint_eq(held, 1000 / (sizeof ROLE - 1));
    reading_free(&r);
    o.hold_limit = 10;
    reading_open(&r, &o, 200, TEXT("application/json"), TEXT_NONE);
    ck_assert_int_eq(reading_feed(&r, TEXT("{\"a\":"), false).verdict, READING_HOLD);
    ck_assert_int_eq(reading_feed(&r, TEXT("[1,2,"), false).verdict, READING_HOLD); /* exactly as much as may be */
    ck_assert_int_eq(reading_feed(&r, TEXT("3"), false).verdict, READING_PASS);
    ck_assert_int_eq(reading_feed(&r, TEXT("]}"), true).verdict, READING_PASS);
    reading_free(&r);
    o.event_limit = 64;
    reading_open(&r, &o, 200, TEXT("text/event-stream"), TEXT_NONE);
    char long_event[200];
    memset(long_event, 'x', sizeof long_event);
    struct reading_step step = reading_feed(&r, text_make(long_event, sizeof long_event), false);
    ck_assert_int_eq(step.verdict, READING_REFUSE);
    ck_assert_int_eq(step.reason, READING_EVENT_TOO_LARGE);
    reading_free(&r);
}
END_TEST

/* Signs of life have no end, and are not held. */
START_TEST(blank_bytes_and_comments_are_not_held)
{
    struct reading r;
    reading_open(&r, &chat, 200, TEXT("text/event-stream"), TEXT_NONE);
    for (unsigned i = 0; i < 100000; i++)
        ck_assert_int_eq(reading_feed(&r, TEXT(COMMENT), false).verdict, READING_HOLD);
    ck_assert_uint_eq(buf_len(&r.held), 0);
    reading_free(&r);
    struct reading_options o = chat;
    o.assembles = true; /* nor behind a token, where nobody gets them */
    reading_open(&r, &o, 200, TEXT("text/event-stream"), TEXT_NONE);
    ck_assert_int_eq(reading_feed(&r, TEXT(DELTA COMMENT), false).verdict, READING_HOLD);
    ck_assert_uint_eq(buf_len(&r.held), 0);
    reading_free(&r);
    reading_open(&r, &chat, 200, TEXT("application/json"), TEXT_NONE);
    for (unsigned i = 0; i < 100000; i++)
        ck_assert_int_eq(reading_feed(&r, TEXT(" \r\n\t"), false).verdict, READING_HOLD);
    ck_assert_uint_eq(buf_len(&r.held), 0);
    reading_free(&r);
}
END_TEST

/* Nothing that comes behind its end is told of an answer. */
START_TEST(an_answer_that_has_ended_is_not_spoilt)
{
    struct reading r;
    reading_open(&r, &chat, 200, TEXT("text/event-stream"), TEXT_NONE);
    ck_assert_int_eq(reading_feed(&r, TEXT(DELTA STOP ERROR DELTA), true).verdict, READING_PASS);
    ck_assert(r.facts.done && !r.facts.error && r.ended_twice);
    ck_assert_uint_eq(buf_len(&r.offence), 0);
    ck_assert_ptr_null(r.complaint.reason);
    reading_free(&r);
}
END_TEST

START_TEST(encoded_answers_are_not_looked_into)
{
    struct reading r;
    reading_open(&r, &chat, 200, TEXT("application/json"), TEXT("gzip"));
    ck_assert_int_eq(r.mode, READ_OPAQUE);
    ck_assert_int_eq(reading_feed(&r, TEXT("\x1f\x8b"), false).verdict, READING_PASS);
    reading_free(&r);
    reading_open(&r, &chat, 200, TEXT("application/json"), TEXT("identity"));
    ck_assert_int_eq(r.mode, READ_PLAIN);
    reading_free(&r);
}
END_TEST

/* Its text is not shown, commits nothing, and is nothing to go on from: it may break, and be asked for once more. */
START_TEST(what_only_tells_the_end_is_shown_at_its_end)
{
    struct reading r;
    struct transcript sent;
    struct reading_options o = chat;
    transcript_begin(&sent, FAMILY_CHAT, 100);
    transcript_note(&sent, TEXT("{\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}"));
    o.sent = &sent;
    o.spent = true;
    for (int whole = 0; whole < 2; whole++) {
        reading_open(&r, &o, 200, TEXT("text/event-stream"), TEXT_NONE);
        for (int i = 0; i < 3; i++)
            ck_assert_int_eq(reading_feed(&r, TEXT(ROLE DELTA), false).verdict, READING_HOLD);
        ck_assert(!r.facts.token && !r.committed && !transcript_is_open(&r.transcript));
        ck_assert_uint_eq(reading_unshown(&r).n, 0);
        struct reading_step step = reading_feed(&r, whole ? TEXT(STOP DONE) : TEXT_NONE, true);
        ck_assert_int_eq(step.verdict, whole ? READING_PASS : READING_REFUSE);
        ck_assert(r.committed == whole);
        if (whole) ck_assert(text_is(text_make(step.out[0].iov_base, step.out[0].iov_len), LENGTH DONE));
        reading_free(&r);
    }
    transcript_free(&sent);
}
END_TEST

static bool is_listed(const char *reason)
{
    const char *reasons[ATTEMPT_REASONS];
    attempt_list_reasons(reasons);
    for (unsigned i = 0; reasons[i]; i++)
        if (!strcmp(reasons[i], reason)) return true;
    return false;
}

/* Errors as a whole are told by what they complain of: labels of their own would stay 0 for ever. */
START_TEST(reasons_are_those_that_attempts_have)
{
    for (int r = 0; r < READING_REASON_COUNT; r++) {
        bool is_error = r == READING_ERROR_STATUS || r == READING_ERROR_UNDER_200;
        ck_assert_int_eq(is_listed(reading_reason_name((enum reading_reason)r)), !is_error);
    }
}
END_TEST

TEST_MAIN("reading", cuts_do_not_change_what_is_shown, nothing_is_shown_before_a_token, what_is_held_is_bounded,
          blank_bytes_and_comments_are_not_held, an_answer_that_has_ended_is_not_spoilt,
          encoded_answers_are_not_looked_into, what_only_tells_the_end_is_shown_at_its_end,
          reasons_are_those_that_attempts_have)
