/* Specs: what each part sets, and how mistakes are told. */
#include "../../../src/tools/sim/errors.h"
#include "../../../src/tools/sim/near.h"
#include "../../../src/tools/sim/scenario_table.h"
#include "../../suite.h"
#include "dsgate/base/mem.h"

static struct scenario parse(const char *spec)
{
    struct scenario s;
    struct buf error = {0};
    bool fine = scenario_parse_one(text_of(spec), &s, &error);
    ck_assert_msg(fine, "%s: " TEXT_FORMAT, spec, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    return s;
}

/* ---- faults and their positions ---- */

static const struct {
    const char *spec;
    enum fault fault;
    enum position at;
    uint32_t event, value, keep_alives;
} faults[] = {
    {"eof", FAULT_EOF, AT_MID_CONTENT, 0, 0, 0},
    {"eof@before-headers", FAULT_EOF, AT_BEFORE_HEADERS, 0, 0, 0},
    {"reset@during-headers", FAULT_RESET, AT_DURING_HEADERS, 0, 0, 0},
    {" end@before-done ", FAULT_END, AT_BEFORE_DONE, 0, 0, 0},
    {"half-event@mid-tool-call", FAULT_HALF_EVENT, AT_MID_TOOL_CALL, 0, 0, 0},
    {"bad-json@event-0", FAULT_BAD_JSON, AT_EVENT, 0, 0, 0},
    {"bad-chunk@event-4294967295", FAULT_BAD_CHUNK, AT_EVENT, UINT32_MAX, 0, 0},
    {"stall", FAULT_STALL, AT_MID_REASONING, 0, 0, 0},
    {"stall=250@last-chunk", FAULT_STALL, AT_LAST_CHUNK, 0, 250, 0},
    {"stall-with-comments=1@first-event", FAULT_STALL_COMMENTS, AT_FIRST_EVENT, 0, 1, 0},
    {"hang", FAULT_STALL, AT_BEFORE_HEADERS, 0, 0, 0},
    {"error-first-event", FAULT_ERROR, AT_AFTER_HEADERS, 0, 0, 0},
    {"error-mid-stream@mid-reasoning", FAULT_ERROR, AT_MID_REASONING, 0, 0, 0},
    {"error-then-done", FAULT_ERROR_DONE, AT_MID_CONTENT, 0, 0, 0},
    {"keepalive-then-close=3", FAULT_EOF, AT_AFTER_HEADERS, 0, 0, 3},
    {"whitespace-only", FAULT_END, AT_AFTER_HEADERS, 0, 0, 5},
    {"eof+reset@first-event", FAULT_RESET, AT_FIRST_EVENT, 0, 0, 0},
    {"keepalive-then-answer=2+eof@mid-content", FAULT_EOF, AT_MID_CONTENT, 0, 0, 2},
    {"eof@random", FAULT_EOF, AT_RANDOM, 0, 0, 0},
    {"bad-utf8@first-event", FAULT_BAD_UTF8, AT_FIRST_EVENT, 0, 0, 0},
    {"huge-event=7", FAULT_HUGE_EVENT, AT_MID_CONTENT, 0, 0, 0},
    {"endless-blank", FAULT_BLANK, AT_AFTER_HEADERS, 0, 0, 0},
};

START_TEST(faults_strike_where_they_are_told)
{
    struct scenario s = parse(faults[_i].spec);
    ck_assert_int_eq(s.fault, faults[_i].fault);
    ck_assert_int_eq(s.at, faults[_i].at);
    ck_assert_uint_eq(s.event, faults[_i].event);
    ck_assert_uint_eq(s.fault_value, faults[_i].value);
    ck_assert_uint_eq(s.keep_alives, faults[_i].keep_alives);
    ck_assert(!scenario_refuses(&s));
}
END_TEST

START_TEST(every_position_has_a_name_that_is_understood)
{
    for (int p = 0; p < POSITIONS; p++) {
        if (p == AT_EVENT) continue; /* has a number */
        char *spec = mem_printf("eof@%s", position_name((enum position)p));
        ck_assert_int_eq(parse(spec).at, p);
        mem_free(spec);
    }
}
END_TEST

/* ---- errors and conditions ---- */

static const struct {
    const char *spec, *error;
    uint32_t status, retry_after, fail_first, ratio;
} refusals[] = {
    {"busy", "busy", 0, 0, 0, 0},
    {"418", NULL, 418, 0, 0, 0},
    {"busy+500", NULL, 500, 0, 0, 0},
    {"500+busy", "busy", 0, 0, 0, 0},
    {"retry-after=9", "rate-limit", 0, 9, 0, 0},
    {"busy+retry-after", "busy", 0, 1, 0, 0},
    {"503+retry-after=2", NULL, 503, 2, 0, 0},
    {"fail-first=3", "busy", 0, 0, 3, 0},
    {"fail-first+tpm-limit", "tpm-limit", 0, 0, 1, 0},
    {"ratio=0.25", "busy", 0, 0, 0, 250001},
    {"ratio=1+502", NULL, 502, 0, 0, 1000001},
    {"ratio=0+busy", "busy", 0, 0, 0, 1},
    {"fail-first=2+retry-after=5", "rate-limit", 0, 5, 2, 0},
};

START_TEST(errors_and_conditions)
{
    struct scenario s = parse(refusals[_i].spec);
    ck_assert(scenario_refuses(&s));
    ck_assert_ptr_eq(s.error, refusals[_i].error ? error_find(text_of(refusals[_i].error)) : NULL);
    ck_assert_uint_eq(s.status, refusals[_i].status);
    ck_assert_uint_eq(s.retry_after, refusals[_i].retry_after);
    ck_assert_uint_eq(s.fail_first, refusals[_i].fail_first);
    ck_assert_uint_eq(s.ratio, refusals[_i].ratio);
}
END_TEST

START_TEST(a_condition_on_a_fault_is_no_error)
{
    struct scenario s = parse("ratio=0.5+eof@mid-content");
    ck_assert(!scenario_refuses(&s));
    ck_assert_int_eq(s.fault, FAULT_EOF);
}
END_TEST

START_TEST(nothing_is_the_normal_answer)
{
    static const char *const specs[] = {"", "none", "  ", "none+none"};
    for (size_t i = 0; i < sizeof specs / sizeof *specs; i++) {
        struct scenario s = parse(specs[i]);
        ck_assert(!s.spoils && !s.fault && !scenario_refuses(&s) && !s.keep_alives);
    }
}
END_TEST

START_TEST(shapes)
{
    struct scenario s = parse("usage-separate+reasoning-field+tool-call=2+huge=3+drip=9+slow-headers=7+exhausted");
    ck_assert_uint_eq(s.usage_separate, 1);
    ck_assert_uint_eq(s.reasoning_field, 1);
    ck_assert_uint_eq(s.usage_none, 0);
    ck_assert_uint_eq(s.tool_calls, 2);
    ck_assert_uint_eq(s.huge_mb, 3);
    ck_assert_uint_eq(s.drip, 9);
    ck_assert_uint_eq(s.slow_head_ms, 7);
    ck_assert_int_eq(s.head, HEAD_SLOW);
    ck_assert_str_eq(s.finish, "insufficient_system_resource");
    ck_assert(s.cut_short);
    s = parse("continue-100=0+usage-negative+two-done+changing-ids+wrong-type+huge-event=9");
    ck_assert_int_eq(s.head, HEAD_INTERIM);
    ck_assert_uint_eq(s.interims, 0);
    ck_assert(s.usage_negative && s.two_done && s.changing_ids && s.wrong_type);
    ck_assert_uint_eq(s.event_mb, 9);
    s = parse("short-length=4");
    ck_assert_uint_eq(s.length_short, 4);
    ck_assert_uint_eq(s.length_error, 0);
    s = parse("finish=eos");
    ck_assert_str_eq(s.finish, "eos");
    ck_assert(!s.cut_short);
}
END_TEST

/* ---- mistakes ---- */

static const struct {
    const char *spec, *complaint;
} mistakes[] = {
    {"bussy", "there is no scenario 'bussy' (dsgate-sim --list-scenarios prints them all); did you mean 'busy'?"},
    {"xyzzyxyzzy", "there is no scenario 'xyzzyxyzzy' (dsgate-sim --list-scenarios prints them all)"},
    {"eof@mid-contend", "there is no position 'mid-contend'; did you mean 'mid-content'?"},
    {"eof@event-", "there is no position 'event-'"},
    {"eof@event-4294967296", "there is no position 'event-4294967296'"},
    {"eof@", "there is no position ''"},
    {"busy=3", "'busy' takes no value and no position"},
    {"busy@mid-content", "'busy' takes no value and no position"},
    {"usage-none=1", "'usage-none' takes no value"},
    {"usage-none@mid-content", "'usage-none' takes no position"},
    {"eof=1", "'eof' takes no value"},
    {"drip=0", "'drip' takes a number from 1 to 1000000, not '0'"},
    {"drip=", "'drip' takes a number from 1 to 1000000, not ''"},
    {"drip=-1", "'drip' takes a number from 1 to 1000000, not '-1'"},
    {"huge=65", "'huge' takes a number from 1 to 64, not '65'"},
    {"huge=99999999999999999999", "'huge' takes a number from 1 to 64, not '99999999999999999999'"},
    {"ratio=1.01", "'ratio' takes a share from 0 to 1, not '1.01'"},
    {"ratio=-0.1", "'ratio' takes a share from 0 to 1, not '-0.1'"},
    {"ratio=nan", "'ratio' takes a share from 0 to 1, not 'nan'"},
    {"ratio=0.1.2", "'ratio' takes a share from 0 to 1, not '0.1.2'"},
    {"finish", "'finish' takes a word of 1 to 31 letters, digits, '_' and '-'"},
    {"finish=a\"b", "'finish' takes a word of 1 to 31 letters, digits, '_' and '-'"},
    {"finish=abcdefghijabcdefghijabcdefghijab", "'finish' takes a word of 1 to 31 letters, digits, '_' and '-'"},
    {"399", "an error's status is a number from 400 to 599"},
    {"600", "an error's status is a number from 400 to 599"},
    {"busy+", NULL}, /* a trailing '+' is harmless */
};

START_TEST(mistakes_are_told)
{
    struct scenario s = {.keep_alives = 77};
    struct buf error = {0};
    bool fine = scenario_parse_one(text_of(mistakes[_i].spec), &s, &error);
    buf_add_byte(&error, '\0');
    ck_assert_int_eq(fine, mistakes[_i].complaint == NULL);
    ck_assert_str_eq(error.data, fine ? "" : mistakes[_i].complaint);
    if (!fine) ck_assert_uint_eq(s.keep_alives, 77); /* untouched */
    buf_free(&error);
}
END_TEST

/* ---- several with '|' ---- */

START_TEST(parts_of_a_mix_are_read_one_by_one)
{
    struct scenario_mix mix;
    struct buf error = {0};
    ck_assert(scenario_parse(TEXT("ratio=0.05+eof@random|ratio=0.03+stall=9|fail-first=2|502"), &mix, &error));
    ck_assert_uint_eq(mix.count, 4);
    ck_assert_uint_eq(mix.parts[0].ratio, 50001);
    ck_assert_int_eq(mix.parts[0].at, AT_RANDOM);
    ck_assert_uint_eq(mix.parts[1].fault_value, 9);
    ck_assert_uint_eq(mix.parts[2].fail_first, 2);
    ck_assert_uint_eq(mix.parts[3].status, 502);
    ck_assert(mix.parts[0].id != mix.parts[1].id);
    ck_assert(scenario_parse(TEXT(""), &mix, &error));
    ck_assert_uint_eq(mix.count, 1);
    ck_assert(!mix.parts[0].spoils);
}
END_TEST

static const struct {
    const char *spec, *complaint;
} mixes[] = {
    {"ratio=0.1|bussy",
     "there is no scenario 'bussy' (dsgate-sim --list-scenarios prints them all); did you mean 'busy'?"},
    {"busy|ratio=0.1+eof", "what follows part 1 of the scenario is never met: that part has no condition"},
    {"ratio=0.6|ratio=0.5+eof", "the shares of a scenario add up to more than 1"},
    {"ratio=0.1|ratio=0.1|ratio=0.1|ratio=0.1|ratio=0.1|ratio=0.1|ratio=0.1|ratio=0.1|ratio=0.1",
     "a scenario has at most 8 parts with '|' between them"},
    {"ratio=0.4|ratio=0.6+eof", NULL},
};

START_TEST(mistakes_in_a_mix_are_told)
{
    struct scenario_mix mix = {.count = 77};
    struct buf error = {0};
    bool fine = scenario_parse(text_of(mixes[_i].spec), &mix, &error);
    buf_add_byte(&error, '\0');
    ck_assert_str_eq(error.data, fine ? "" : mixes[_i].complaint);
    ck_assert_int_eq(fine, mixes[_i].complaint == NULL);
    if (!fine) ck_assert_uint_eq(mix.count, 77); /* untouched */
    buf_free(&error);
}
END_TEST

START_TEST(near_words_come_nearest_first)
{
    struct near near = near_start(TEXT("reset"));
    struct buf out = {0};
    static const char *const names[] = {"resets", "preset", "far-away", "reset", "rest"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        near_try(&near, names[i]);
    near_finish(&near, &out);
    ck_assert(text_is(buf_text(&out), "; did you mean 'reset', 'resets' or 'preset'?"));
    buf_free(&out);
}
END_TEST

/* ---- the list ---- */

START_TEST(the_list_names_every_scenario)
{
    struct buf list = {0};
    size_t rows, errors;
    const struct scenario_row *row = scenario_rows(&rows);
    const struct error_row *error = error_rows(&errors);
    scenario_list(&list);
    for (size_t i = 0; i < rows; i++)
        ck_assert_msg(text_find(buf_text(&list), text_of(row[i].name)) < buf_len(&list), "%s", row[i].name);
    for (size_t i = 0; i < errors; i++)
        ck_assert_msg(text_find(buf_text(&list), text_of(error[i].summary)) < buf_len(&list), "%s", error[i].name);
    buf_free(&list);
}
END_TEST

static void add_tests(TCase *tests)
{
    tcase_add_loop_test(tests, faults_strike_where_they_are_told, 0, COUNT(faults));
    tcase_add_test(tests, every_position_has_a_name_that_is_understood);
    tcase_add_loop_test(tests, errors_and_conditions, 0, COUNT(refusals));
    tcase_add_test(tests, a_condition_on_a_fault_is_no_error);
    tcase_add_test(tests, nothing_is_the_normal_answer);
    tcase_add_test(tests, shapes);
    tcase_add_loop_test(tests, mistakes_are_told, 0, COUNT(mistakes));
    tcase_add_test(tests, parts_of_a_mix_are_read_one_by_one);
    tcase_add_loop_test(tests, mistakes_in_a_mix_are_told, 0, COUNT(mixes));
    tcase_add_test(tests, near_words_come_nearest_first);
    tcase_add_test(tests, the_list_names_every_scenario);
}

TEST_MAIN_ADDING("sim_scenario", add_tests)
