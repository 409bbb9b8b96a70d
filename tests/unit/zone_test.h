/* What tests of time zones share: times written for people, and a check of the machine for a database. */
#ifndef DSGATE_TESTS_UNIT_ZONE_TEST_H
#define DSGATE_TESTS_UNIT_ZONE_TEST_H

#include "../suite.h"
#include "dsgate/base/zone.h"
#include <time.h>

/* "2026-03-08 07:00:00" in UTC. */
static inline usec_t utc(const char *written)
{
    struct tm tm = {0};
    const char *end = strptime(written, "%Y-%m-%d %H:%M:%S", &tm);
    ck_assert_msg(end && !*end, "%s", written);
    return (usec_t)timegm(&tm) * USEC_PER_SEC;
}

static inline struct zone *open_zone(const char *name)
{
    struct buf error = {0};
    struct zone *z = zone_open(text_of(name), &error);
    ck_assert_msg(z != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return z;
}

/* A TZDIR of whoever runs the tests leads elsewhere. */
static inline bool has_database(void)
{
    return !getenv("TZDIR") && access("/usr/share/zoneinfo/Asia/Shanghai", R_OK) == 0;
}

#endif
