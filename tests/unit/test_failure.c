#include "../suite.h"
#include "dsgate/llm/failure.h"
#include <ctype.h>
#include <string.h>

START_TEST(every_row_is_sane)
{
    const struct failure_row *row = failure_row((enum failure)_i);
    ck_assert_uint_ge(row->status, 400);
    ck_assert_uint_le(row->status, 599);
    ck_assert_uint_le(row->retry_after, 59); /* SDKs ignore longer waits */
    ck_assert(row->advice == ADVISE_NOTHING || row->advice == ADVISE_RETRY || row->advice == ADVISE_NO_RETRY);
    ck_assert(row->advice != ADVISE_RETRY || row->retry_after > 0);
    ck_assert(strcmp(row->type, "invalid_request_error") != 0 || row->retry_after == 0);
    ck_assert(strlen(row->text) > 10 && row->text[strlen(row->text) - 1] == '.');
    for (const char *c = row->code; *c; c++)
        ck_assert(islower((unsigned char)*c) || isdigit((unsigned char)*c) || *c == '_');
    for (int other = FAIL_NONE + 1; other < FAILURE_COUNT; other++)
        ck_assert(other == _i || strcmp(row->code, failure_row((enum failure)other)->code) != 0);
}
END_TEST

START_TEST(known_rows)
{
    ck_assert_uint_eq(failure_row(FAIL_MODEL_NOT_FOUND)->status, 404);
    ck_assert_str_eq(failure_row(FAIL_MODEL_NOT_FOUND)->code, "model_not_found");
    ck_assert_str_eq(failure_row(FAIL_MODEL_NOT_FOUND)->type, "invalid_request_error");
    ck_assert_uint_eq(failure_row(FAIL_QUEUE_FULL)->status, 503);
    ck_assert_uint_eq(failure_row(FAIL_QUEUE_FULL)->retry_after, 5);
    ck_assert_int_eq(failure_row(FAIL_QUEUE_FULL)->advice, ADVISE_RETRY);
    ck_assert_uint_eq(failure_row(FAIL_QUEUE_LATE)->status, 503);
    ck_assert_str_eq(failure_row(FAIL_QUEUE_LATE)->code, "gateway_deadline_unreachable");
    ck_assert_int_eq(failure_row(FAIL_QUEUE_LATE)->advice, ADVISE_RETRY); /* nothing was tried yet */
    ck_assert_uint_eq(failure_row(FAIL_UPSTREAMS_CLOSED)->status, 503);
    ck_assert_str_eq(failure_row(FAIL_UPSTREAMS_CLOSED)->type, "upstream_error");
    ck_assert_str_eq(failure_row(FAIL_UPSTREAMS_CLOSED)->code, "upstreams_unavailable");
    ck_assert_uint_eq(failure_row(FAIL_UPSTREAM_CUT)->status, 502);
    ck_assert_uint_eq(failure_row(FAIL_VERSION)->status, 505);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, every_row_is_sane, FAIL_NONE + 1, FAILURE_COUNT);
    tcase_add_test(tests, known_rows);
}

TEST_MAIN_ADDING("failure", add_tests)
