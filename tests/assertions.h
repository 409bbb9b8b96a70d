/* assertions.h - Check's assertions, which cost nothing while they hold.
 *
 * Check notes the place of each one in a file, to tell how far a test had come that then crashed. Most tests would spend
 * most of their time with that; and since they run without a fork, a sanitizer or a core dump tells it better.
 */
#ifndef DSGATE_TESTS_ASSERTIONS_H
#define DSGATE_TESTS_ASSERTIONS_H

#include <check.h>

#define _mark_point(file, line) ((void)0)

#endif
