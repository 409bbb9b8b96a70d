/* What of an answer is shown, and when: tables of answers, each fed whole, byte by byte, and cut at every place. */
#include "../suite.h"
#include "dsgate/relay/reading.h"
#include "dsgate/relay/retry.h"

#define DELTA   "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"},\"finish_reason\":null}]}\n\n"
#define ROLE    "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n"
#define STOP    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define DONE    "data: [DONE]\n\n"
#define ERROR   "data: {\"error\":{\"message\":\"overloaded\"}}\n\n"
#define COMMENT ": keep-alive\n\n"

static const struct answer {
    unsigned status;
    const char *type, *bytes, *shown, *reason; /* reason NULL: passed */
} answers[] = {
    {200, "text/event-stream", ROLE DELTA STOP DONE, ROLE DELTA STOP DONE, NULL},
    {200, "text/event-stream; charset=utf-8", COMMENT COMMENT DELTA DONE, COMMENT COMMENT DELTA DONE, NULL},
    {200, "text/event-stream", DELTA STOP, DELTA STOP, NULL}, /* said its end, if not [DONE] */
    {200, "text/event-stream", DELTA STOP "data: [DONE]", DELTA STOP "data: [DONE]", NULL},
    {200, "text/event-stream", ROLE STOP DONE, ROLE STOP DONE, NULL}, /* empty, but whole */
    {200, "text/event-stream", DELTA, DELTA, "cut"},
    {200, "text/event-stream", DELTA "data: {\"ha", DELTA, "cut"}, /* half an event is not shown */
    {200, "text/event-stream", DELTA ERROR, DELTA ERROR, NULL},    /* told by the upstream itself */
    {200, "text/event-stream", ERROR, "", "error_event"},
    {200, "text/event-stream", COMMENT ROLE ERROR, "", "error_event"},
    {200, "text/event-stream", ROLE, "", "empty_stream"},
    {200, "text/event-stream", "", "", "empty_stream"},
    {200, "application/json", "{\"a\":1}", "{\"a\":1}", NULL},
    {200, "application/json", "\n\n \n{\"a\":1}", "\n\n \n{\"a\":1}", NULL},
    {200, "application/json", "\n\n", "", "empty_answer"},
    {200, "application/json", "", "", "empty_answer"},
    {200, "application/json", "{\"a\":", "", "bad_json"},
    {200, "text/html", "<html></html>", "", "bad_json"},
    {200, "application/json", "{\"error\":{\"message\":\"x\"}}", "", "error_200"},
    {200, "application/json", "\"Unauthorized\"", "", "error_200"},
    {503, "application/json", "{\"error\":{}}", "", "error_status"},
    {429, "text/plain", "slow down", "", "error_status"},
    {400, "application/json", "{\"error\":{}}", "{\"error\":{}}", NULL},
    {401, "text/plain", "no key", "no key", NULL},
    {201, "application/json", "not looked into", "not looked into", NULL},
};

static const char *feed(struct reading *r, struct buf *shown, struct text bytes, bool end)
{
    struct reading_step step = reading_feed(r, bytes, end);
    if (step.verdict == READING_REFUSE) return reading_reason_name(step.reason);
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
    reading_init(&r, FAMILY_CHAT, a->status, text_of(a->type), TEXT_NONE, 1 << 20, 1 << 16);
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
    reading_init(&r, FAMILY_CHAT, 200, TEXT("text/event-stream"), TEXT_NONE, 1 << 20, 0);
    ck_assert_int_eq(reading_feed(&r, TEXT(COMMENT), false).verdict, READING_HOLD);
    ck_assert_int_eq(reading_feed(&r, TEXT(ROLE), false).verdict, READING_HOLD);
    ck_assert(!r.committed);
    struct reading_step step = reading_feed(&r, TEXT(DELTA), false);
    ck_assert_int_eq(step.verdict, READING_PASS);
    ck_assert_int_eq(step.n, 2);
    ck_assert(text_is(text_make(step.out[0].iov_base, step.out[0].iov_len), COMMENT ROLE));
    reading_free(&r);
}
END_TEST

START_TEST(what_is_held_is_bounded)
{
    struct reading r;
    unsigned held = 0;
    reading_init(&r, FAMILY_CHAT, 200, TEXT("text/event-stream"), TEXT_NONE, 1000, 0);
    while (reading_feed(&r, TEXT(COMMENT), false).verdict == READING_HOLD)
        ck_assert_uint_lt(++held, 1000);
    ck_assert_uint_eq(held, 1000 / (sizeof COMMENT - 1));
    reading_free(&r);
    reading_init(&r, FAMILY_CHAT, 200, TEXT("application/json"), TEXT_NONE, 10, 0);
    ck_assert_int_eq(reading_feed(&r, TEXT("{\"a\":"), false).verdict, READING_HOLD);
    ck_assert_int_eq(reading_feed(&r, TEXT("[1,2,3"), false).verdict, READING_PASS);
    ck_assert_int_eq(reading_feed(&r, TEXT("]}"), true).verdict, READING_PASS);
    reading_free(&r);
    reading_init(&r, FAMILY_CHAT, 200, TEXT("text/event-stream"), TEXT_NONE, 1 << 20, 64);
    char long_event[200];
    memset(long_event, 'x', sizeof long_event);
    struct reading_step step = reading_feed(&r, text_make(long_event, sizeof long_event), false);
    ck_assert_int_eq(step.verdict, READING_REFUSE);
    ck_assert_int_eq(step.reason, READING_EVENT_TOO_LARGE);
    reading_free(&r);
}
END_TEST

START_TEST(encoded_answers_are_not_looked_into)
{
    struct reading r;
    reading_init(&r, FAMILY_CHAT, 200, TEXT("application/json"), TEXT("gzip"), 1 << 20, 0);
    ck_assert_int_eq(r.mode, READ_OPAQUE);
    ck_assert_int_eq(reading_feed(&r, TEXT("\x1f\x8b"), false).verdict, READING_PASS);
    reading_free(&r);
    reading_init(&r, FAMILY_CHAT, 200, TEXT("application/json"), TEXT("identity"), 1 << 20, 0);
    ck_assert_int_eq(r.mode, READ_PLAIN);
    reading_free(&r);
}
END_TEST

START_TEST(retries_have_bounds)
{
    struct attempt_failure busy = {.verdict = VERDICT_BUSY, .may_replay = true};
    ck_assert(retry_allowed(&busy, 1, 10, 20));
    ck_assert(retry_allowed(&busy, RETRY_ATTEMPTS - 1, 10, 20));
    ck_assert(!retry_allowed(&busy, RETRY_ATTEMPTS, 10, 20));
    ck_assert(!retry_allowed(&busy, 1, 20, 20));
    ck_assert(!retry_allowed(&(struct attempt_failure){.verdict = VERDICT_FAULT, .may_replay = true, .committed = true},
                             1, 10, 20));
    ck_assert(!retry_allowed(&(struct attempt_failure){.verdict = VERDICT_FAULT}, 1, 10, 20));
    ck_assert(
        !retry_allowed(&(struct attempt_failure){.verdict = VERDICT_NONE, .may_replay = true}, 1, 10, 20));
}
END_TEST

TEST_MAIN("reading", cuts_do_not_change_what_is_shown, nothing_is_shown_before_a_token, what_is_held_is_bounded,
          encoded_answers_are_not_looked_into, retries_have_bounds)
