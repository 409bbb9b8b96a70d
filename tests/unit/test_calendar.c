/* Hours of the week. */
#include "dsgate/base/calendar.h"
#include "dsgate/base/mem.h"
#include "zone_test.h"

static struct window parsed(const char *written)
{
    struct window w;
    struct buf error = {0};
    ck_assert_msg(window_parse(text_of(written), &w, &error), TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return w;
}

START_TEST(test_what_windows_say)
{
    enum { H = 60, ALL = 127 };
    static const struct {
        const char *written;
        unsigned days, from, to;
        int32_t offset;
    } rows[] = {
        {"01:00-04:00", ALL, 1 * H, 4 * H, 0},
        {"Mon-Fri 01:00-04:00", 31, 1 * H, 4 * H, 0},
        {"Sat,Sun 00:00-24:00", 96, 0, 24 * H, 0},
        {"22:00-06:00 +08:00", ALL, 22 * H, 6 * H, 8 * 3600},
        {"Fri-Mon 10:30-10:30 -03:30", 16 + 32 + 64 + 1, 630, 630, -12600},
        {"mon,WED-thu,Sun 23:59-00:00 UTC", 1 + 4 + 8 + 64, 1439, 0, 0},
        {"  Tue   00:00-00:01   +00:00  ", 2, 0, 1, 0},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct window w = parsed(rows[i].written);
        ck_assert_msg(w.days == rows[i].days, "%s: days %u", rows[i].written, w.days);
        ck_assert_msg(w.from == rows[i].from && w.to == rows[i].to, "%s: %u to %u", rows[i].written, w.from, w.to);
        ck_assert_int_eq(zone_offset(w.zone, 0), rows[i].offset);
        window_free(&w);
        ck_assert_ptr_null(w.zone);
    }
}
END_TEST

#define LIKE  ", like 'Mon-Fri 01:00-04:00' or 'Sat,Sun 00:00-24:00 Asia/Shanghai'"
#define DAYS  "is no window of the week; expected days (Mon Tue Wed Thu Fri Sat Sun), or hours as HH:MM-HH:MM" LIKE
#define HOURS "is no window of the week; expected HH:MM-HH:MM" LIKE
#define ZONE  "is no time zone; expected UTC, an offset from -14:00 to +14:00, or a name like Asia/Shanghai"

START_TEST(test_what_is_no_window)
{
    static const char *const rows[][3] = {
        {"", "''", DAYS},
        {"   ", "'   '", DAYS},
        {"Monday 01:00-02:00", "'Monday 01:00-02:00'", DAYS},
        {"Mon- 01:00-02:00", "'Mon- 01:00-02:00'", DAYS},
        {"Mon, 01:00-02:00", "'Mon, 01:00-02:00'", DAYS},
        {"Mon,,Tue 01:00-02:00", "'Mon,,Tue 01:00-02:00'", DAYS},
        {"Mon-Tue-Wed 01:00-02:00", "'Mon-Tue-Wed 01:00-02:00'", DAYS},
        {"-02:00", "'-02:00'", DAYS},
        {"Mon", "'Mon'", HOURS},
        {"Mon Tue 01:00-02:00", "'Mon Tue 01:00-02:00'", HOURS},
        {"01:00", "'01:00'", HOURS},
        {"01:00-", "'01:00-'", HOURS},
        {"1:00-2:00", "'1:00-2:00'", HOURS},
        {"01:00 - 02:00", "'01:00 - 02:00'", HOURS},
        {"01:60-02:00", "'01:60-02:00'", HOURS},
        {"24:00-02:00", "'24:00-02:00'", HOURS},
        {"01:00-24:01", "'01:00-24:01'", HOURS},
        {"01:00-25:00", "'01:00-25:00'", HOURS},
        {"+1:00-02:00", "'+1:00-02:00'", DAYS},
        {"01:00-02:00 Mon Tue", "'Mon Tue'", ZONE},
        {"01:00-02:00 +15:00", "'+15:00'", ZONE},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct window w;
        struct buf error = {0};
        ck_assert_msg(!window_parse(text_of(rows[i][0]), &w, &error), "%s", rows[i][0]);
        char *expected = mem_printf("%s %s", rows[i][1], rows[i][2]);
        ck_assert_msg(text_is(buf_text(&error), expected), "%s: " TEXT_FORMAT, rows[i][0], TEXT_ARGS(buf_text(&error)));
        mem_free(expected);
        window_free(&w);
        buf_free(&error);
    }
}
END_TEST

/* Where each window opens and closes: a microsecond before it is not yet so. 2026-11-02 is a Monday. */
static void expect_edges(const char *written, const char *opens, const char *closes)
{
    struct window w = parsed(written);
    usec_t from = utc(opens), to = utc(closes);
    ck_assert_msg(!window_is_open(&w, from - 1) && window_is_open(&w, from), "%s opens at %s", written, opens);
    ck_assert_msg(window_is_open(&w, to - 1) && !window_is_open(&w, to), "%s closes at %s", written, closes);
    for (usec_t t = from; t < to; t += 30 * USEC_PER_SEC)
        ck_assert_msg(window_is_open(&w, t), "%s is open between", written);
    window_free(&w);
}

START_TEST(test_edges)
{
    static const char *const rows[][3] = {
        {"01:00-04:00", "2026-11-02 01:00:00", "2026-11-02 04:00:00"},
        {"Mon-Fri 01:00-04:00", "2026-11-06 01:00:00", "2026-11-06 04:00:00"},
        {"Sat,Sun 00:00-24:00", "2026-11-07 00:00:00", "2026-11-09 00:00:00"},
        {"Sun 22:00-06:00", "2026-11-08 22:00:00", "2026-11-09 06:00:00"},
        {"22:00-06:00 +08:00", "2026-11-02 14:00:00", "2026-11-02 22:00:00"},
        {"Mon 00:00-01:00 +14:00", "2026-11-01 10:00:00", "2026-11-01 11:00:00"},
        {"Mon 23:00-24:00 -11:30", "2026-11-03 10:30:00", "2026-11-03 11:30:00"},
        {"Wed 10:00-10:00", "2026-11-04 10:00:00", "2026-11-05 10:00:00"},
        {"Wed 23:59-00:00", "2026-11-04 23:59:00", "2026-11-05 00:00:00"},
        {"Wed 12:00-13:00", "1969-12-31 12:00:00", "1969-12-31 13:00:00"},
        {"Thu 00:00-00:01", "1900-03-01 00:00:00", "1900-03-01 00:01:00"},
    };
    for (int i = 0; i < COUNT(rows); i++)
        expect_edges(rows[i][0], rows[i][1], rows[i][2]);
}
END_TEST

START_TEST(test_days_that_are_not_named)
{
    struct window w = parsed("Mon-Fri 22:00-02:00");
    ck_assert(window_is_open(&w, utc("2026-11-07 01:59:59"))); /* Saturday: of Friday */
    ck_assert(!window_is_open(&w, utc("2026-11-07 22:30:00")));
    ck_assert(!window_is_open(&w, utc("2026-11-08 01:00:00")));
    ck_assert(!window_is_open(&w, utc("2026-11-08 22:30:00")));
    ck_assert(!window_is_open(&w, utc("2026-11-09 01:00:00"))); /* Monday: of Sunday */
    ck_assert(window_is_open(&w, utc("2026-11-09 22:00:00")));
    window_free(&w);
}
END_TEST

/* New York: on 2026-03-08 02:00 EST becomes 03:00 EDT (07:00 UTC), on 2026-11-01 02:00 EDT becomes 01:00 EST (06:00
 * UTC). */
START_TEST(test_clocks_that_are_set)
{
    static const char *const rows[][3] = {
        {"02:30-04:00 America/New_York", "2026-03-08 07:00:00", "2026-03-08 08:00:00"},
        {"01:00-02:30 America/New_York", "2026-03-08 06:00:00", "2026-03-08 07:00:00"},
        {"Sat 22:00-03:30 America/New_York", "2026-03-08 03:00:00", "2026-03-08 07:30:00"},
        {"Sun 01:00-02:00 America/New_York", "2026-11-01 05:00:00", "2026-11-01 07:00:00"},
        {"Sun 01:30-02:00 America/New_York", "2026-11-01 05:30:00", "2026-11-01 06:00:00"},
        {"Sun 01:30-02:00 America/New_York", "2026-11-01 06:30:00", "2026-11-01 07:00:00"},
        {"Sun 00:30-01:30 America/New_York", "2026-11-01 04:30:00", "2026-11-01 05:30:00"},
        {"Sun 00:30-01:30 America/New_York", "2026-11-01 06:00:00", "2026-11-01 06:30:00"},
        {"Mon 09:00-17:00 America/New_York", "2026-03-09 13:00:00", "2026-03-09 21:00:00"},
        {"Mon 09:00-17:00 America/New_York", "2026-11-02 14:00:00", "2026-11-02 22:00:00"},
        {"Mon 09:00-17:00 Asia/Shanghai", "2026-11-02 01:00:00", "2026-11-02 09:00:00"},
    };
    for (int i = 0; has_database() && i < COUNT(rows); i++)
        expect_edges(rows[i][0], rows[i][1], rows[i][2]);
    struct window w = {0};
    if (has_database()) w = parsed("Sun 02:10-02:50 America/New_York");
    for (usec_t t = utc("2026-03-08 00:00:00"); w.zone && t < utc("2026-03-09 06:00:00"); t += 30 * USEC_PER_SEC)
        ck_assert(!window_is_open(&w, t)); /* an hour that is left out */
    window_free(&w);
}
END_TEST

TEST_MAIN("calendar", test_what_windows_say, test_what_is_no_window, test_edges, test_days_that_are_not_named,
          test_clocks_that_are_set)
