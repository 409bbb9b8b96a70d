/* suite.h - how a test program runs: one suite, in this process, so that sanitizers see all of it.
 *
 * A test that waits for something which never comes would hang; an alarm ends the program instead.
 */
#ifndef DSGATE_TESTS_SUITE_H
#define DSGATE_TESTS_SUITE_H

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(table) ((int)(sizeof(table) / sizeof *(table)))

static inline int suite_run(const char *name, void (*add_tests)(TCase *tests))
{
    enum { SECONDS_MAX = 600 };
    Suite *suite = suite_create(name);
    TCase *tests = tcase_create(name);
    add_tests(tests);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    signal(SIGPIPE, SIG_IGN);
    alarm(SECONDS_MAX);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
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
        for (int i = 0; i < COUNT(all); i++) tcase_add_test(tests, all[i]); \
    } \
    TEST_MAIN_ADDING(name, add_all_tests)
#define TEST_MAIN_ADDING(name, add_tests) \
    int main(void) { return suite_run(name, add_tests); }

#endif
