/* suite.h - how a test program runs: one suite, in this process, so that sanitizers see all of it.
 *
 * A test that waits for something which never comes would hang; an alarm ends the program instead. A failure is told
 * before the next test begins, since what the failed one left behind may keep that one from ending.
 */
#ifndef DSGATE_TESTS_SUITE_H
#define DSGATE_TESTS_SUITE_H

#include "assertions.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static SRunner *suite_runner;
static int suite_failures_told;

static inline void suite_before_test(void)
{
    enum { SECONDS_MAX = 120 };
    int failed = srunner_ntests_failed(suite_runner);
    TestResult **failures = srunner_failures(suite_runner);
    for (; suite_failures_told < failed; suite_failures_told++) {
        TestResult *failure = failures[suite_failures_told];
        fprintf(stderr, "%s:%d: %s\n", tr_lfile(failure), tr_lno(failure), tr_msg(failure));
    }
    free(failures);
    alarm(SECONDS_MAX);
}

static inline int suite_run(const char *name, void (*add_tests)(TCase *tests))
{
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    tcase_add_checked_fixture(tests, suite_before_test, NULL);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    suite_runner = srunner_create(suite);
    srunner_set_fork_status(suite_runner, CK_NOFORK);
    signal(SIGPIPE, SIG_IGN);
    srunner_run_all(suite_runner, CK_NORMAL);
    int failed = srunner_ntests_failed(suite_runner);
    srunner_free(suite_runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* TEST_MAIN("loop", test_a, test_b, …) runs these tests; TEST_MAIN_WITH() puts a fixture around each of them. Tests
 * that loop over a table are added by a function of their file, named in TEST_MAIN_ADDING(). */
#define TEST_MAIN(name, ...) TEST_MAIN_WITH(name, NULL, NULL, __VA_ARGS__)
#define TEST_MAIN_WITH(name, set_up, tear_down, ...) \
    static void add_all_tests(TCase *tests) \
    { \
        const TTest *const all[] = {__VA_ARGS__}; \
        tcase_add_checked_fixture(tests, set_up, tear_down); \
        for (int i = 0; i < COUNT(all); i++) \
            tcase_add_test(tests, all[i]); \
    } \
    TEST_MAIN_ADDING(name, add_all_tests)
#define TEST_MAIN_ADDING(name, add_tests) \
    int main(void) { return suite_run(name, add_tests); }

#endif
