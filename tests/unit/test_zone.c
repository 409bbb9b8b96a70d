/* Time zones: the machine's database against its own C library, and files made by hand. */
#include "../../src/base/tzif.h"
#include "dsgate/base/mem.h"
#include "dsgate/base/random.h"
#include "zone_test.h"
#include <fcntl.h>
#include <sys/stat.h>

/* ---- names ---- */

START_TEST(test_offsets_need_no_files)
{
    static const struct {
        const char *name;
        int32_t offset;
    } rows[] = {{"UTC", 0},        {"+08:00", 28800}, {"-03:30", -12600}, {"+00:00", 0},
                {"-00:30", -1800}, {"+14:00", 50400}, {"-14:00", -50400}, {"+05:45", 20700}};
    setenv("TZDIR", "/nowhere", 1);
    for (int i = 0; i < COUNT(rows); i++) {
        struct zone *z = open_zone(rows[i].name);
        ck_assert_int_eq(zone_offset(z, 0), rows[i].offset);
        ck_assert_int_eq(zone_offset(z, INT64_MAX), rows[i].offset);
        ck_assert_int_eq(zone_offset(z, INT64_MIN), rows[i].offset);
        zone_close(z);
    }
    unsetenv("TZDIR");
    zone_close(NULL);
}
END_TEST

static void expect_error(const char *name, const char *expected)
{
    struct buf error = {0};
    ck_assert_msg(!zone_open(text_of(name), &error), "%s", name);
    ck_assert_msg(text_is(buf_text(&error), expected), "%s: " TEXT_FORMAT, name, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
}

START_TEST(test_what_is_no_name)
{
    static const char *const names[] = {"",
                                        "/etc/passwd",
                                        "../UTC",
                                        "Asia/../UTC",
                                        "Asia//Shanghai",
                                        "Asia/",
                                        "Asia/Shang hai",
                                        ".",
                                        "a.b",
                                        "\xC3\xA9",
                                        "+8:00",
                                        "+08:60",
                                        "+14:01",
                                        "-15:00",
                                        "08:00",
                                        "+08:00 ",
                                        "+0800",
                                        "+08:0x",
                                        "-Asia",
                                        "+24:00",
                                        "a\nb",
                                        "a%s",
                                        "+08-00",
                                        "--:00:",
                                        "Asia\\x",
                                        "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (int i = 0; i < COUNT(names); i++) {
        char *expected =
            mem_printf("'%s' is no time zone; expected UTC, an offset from -14:00 to +14:00, or a name like "
                       "Asia/Shanghai",
                       names[i]);
        expect_error(names[i], expected);
        mem_free(expected);
    }
}
END_TEST

/* ---- a database made by hand ---- */

static char folder[] = "/tmp/dsgate-test-XXXXXX";

static void write_zone(const char *name, struct text bytes)
{
    char *path = mem_printf("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
    close(fd);
    mem_free(path);
}

static void remove_zone(const char *name)
{
    char *path = mem_printf("%s/%s", folder, name);
    ck_assert_int_eq(remove(path), 0);
    mem_free(path);
}

static void put_number(struct buf *b, int64_t value, unsigned bytes)
{
    while (bytes-- > 0)
        buf_add_byte(b, (char)(unsigned char)((uint64_t)value >> 8 * bytes));
}

static void put_header(struct buf *b, char version, const uint32_t counts[6])
{
    BUF_ADD(b, "TZif");
    buf_add_byte(b, version);
    for (int i = 0; i < 15; i++)
        buf_add_byte(b, '\0');
    for (int i = 0; i < 6; i++)
        put_number(b, counts[i], 4);
}

/* Two types: 0 = +1 h, 1 = +2 h. `at` in seconds; types alternate, from 1 on. */
static void put_block(struct buf *b, char version, unsigned time_size, const int64_t *at, unsigned n)
{
    const uint32_t counts[6] = {0, 0, 0, n, 2, 4};
    put_header(b, version, counts);
    for (unsigned i = 0; i < n; i++)
        put_number(b, at[i], time_size);
    for (unsigned i = 0; i < n; i++)
        buf_add_byte(b, (char)(1 - i % 2));
    put_number(b, 3600, 4), put_number(b, 0, 2);
    put_number(b, 7200, 4), put_number(b, 256, 2);
    buf_append(b, "ABC", 4);
}

/* A slim file: the first block is empty. */
static struct buf make_file(char version, const int64_t *at, unsigned n, const char *footer)
{
    struct buf b = {0};
    put_block(&b, version, 4, NULL, 0);
    put_block(&b, version, 8, at, n);
    buf_printf(&b, "\n%s\n", footer);
    return b;
}

static void set_up_folder(void)
{
    strcpy(folder, "/tmp/dsgate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    setenv("TZDIR", folder, 1);
}

static void tear_down_folder(void)
{
    unsetenv("TZDIR");
    ck_assert_int_eq(rmdir(folder), 0);
}

START_TEST(test_the_database_and_its_absence)
{
    set_up_folder();
    char *absent = mem_printf("time zone 'Asia/Shanghai' needs the time zone database, which is not in %s; install the "
                              "package tzdata, or write an offset like +08:00",
                              folder);
    char *unknown = mem_printf("there is no time zone 'Asia/Shanghai' in %s; expected UTC, an offset like +08:00, or a "
                               "name like Asia/Shanghai",
                               folder);
    char *empty = mem_printf(
        "time zone 'UTC0': %s/UTC0 cannot be used: it does not begin as a TZif file does (RFC 9636)", folder);
    char *no_file = mem_printf("time zone 'Asia': %s/Asia cannot be used: not a regular file", folder);
    char *path = mem_printf("%s/Asia", folder);
    expect_error("Asia/Shanghai", absent);
    write_zone("UTC", TEXT(""));
    expect_error("Asia/Shanghai", unknown);
    write_zone("Asia", TEXT(""));
    expect_error("Asia/Shanghai", unknown);
    remove_zone("Asia");
    ck_assert_int_eq(mkdir(path, 0700), 0);
    expect_error("Asia", no_file);
    write_zone("UTC0", TEXT("TZif2"));
    expect_error("UTC0", empty);
    remove_zone("UTC0");
    remove_zone("UTC");
    remove_zone("Asia");
    tear_down_folder();
    mem_free(absent), mem_free(unknown), mem_free(empty), mem_free(no_file), mem_free(path);
}
END_TEST

START_TEST(test_a_file_from_the_folder)
{
    static const int64_t at[] = {1000, 2000};
    set_up_folder();
    struct buf file = make_file('2', at, 2, "XXX-1");
    write_zone("X_y-Z+1", buf_text(&file));
    struct zone *z = open_zone("X_y-Z+1");
    ck_assert_int_eq(zone_offset(z, 1000 * USEC_PER_SEC - 1), 3600);
    ck_assert_int_eq(zone_offset(z, 1000 * USEC_PER_SEC), 7200);
    ck_assert_int_eq(zone_offset(z, 2000 * USEC_PER_SEC), 3600);
    zone_close(z);
    while (buf_len(&file) <= 65536)
        BUF_ADD(&file, "                                                                ");
    write_zone("X_y-Z+1", buf_text(&file));
    char *large = mem_printf("time zone 'X_y-Z+1': %s/X_y-Z+1 cannot be used: too large", folder);
    expect_error("X_y-Z+1", large);
    mem_free(large);
    remove_zone("X_y-Z+1");
    buf_free(&file);
    tear_down_folder();
}
END_TEST

/* ---- files as bytes ---- */

static struct tzif parsed(struct buf *file)
{
    struct tzif z;
    const char *wrong = tzif_parse(buf_text(file), &z);
    ck_assert_msg(!wrong, "%s", wrong);
    buf_free(file);
    return z;
}

static void expect_offset(const struct tzif *z, int64_t second, int32_t offset, int64_t until)
{
    int64_t got_until;
    int32_t got = tzif_offset(z, second, &got_until);
    ck_assert_msg(got == offset && got_until == until, "at %lld: %d until %lld", (long long)second, (int)got,
                  (long long)got_until);
}

START_TEST(test_a_table_and_what_comes_after)
{
    static const int64_t at[] = {-5000000000, 0, 4000000000};
    struct buf file = make_file('3', at, 3, "");
    struct tzif z = parsed(&file);
    expect_offset(&z, INT64_MIN, 3600, at[0]);
    expect_offset(&z, at[0] - 1, 3600, at[0]);
    expect_offset(&z, at[0], 7200, 0);
    expect_offset(&z, -1, 7200, 0);
    expect_offset(&z, 0, 3600, at[2]);
    expect_offset(&z, at[2], 7200, INT64_MAX);
    expect_offset(&z, INT64_MAX, 7200, INT64_MAX);
    tzif_free(&z);
    file = make_file('2', NULL, 0, "EST5");
    z = parsed(&file);
    expect_offset(&z, 0, -18000, INT64_MAX);
    tzif_free(&z);
    file = make_file('4', NULL, 0, "");
    z = parsed(&file);
    expect_offset(&z, 0, 3600, INT64_MAX);
    tzif_free(&z);
}
END_TEST

START_TEST(test_version_one)
{
    static const int64_t at[] = {INT32_MIN, -1, INT32_MAX};
    struct buf file = {0};
    put_block(&file, '\0', 4, at, 3);
    struct tzif z = parsed(&file);
    expect_offset(&z, (int64_t)INT32_MIN - 1, 3600, INT32_MIN);
    expect_offset(&z, INT32_MIN, 7200, -1);
    expect_offset(&z, -1, 3600, INT32_MAX);
    expect_offset(&z, INT32_MAX, 7200, INT64_MAX);
    tzif_free(&z);
}
END_TEST

/* One byte of a good file changed, and what is said of it. Places are those of make_file() with three transitions: the
 * first block is 0 … 59, the second header 60 … 103, times from 104, indexes from 128, types from 131. */
START_TEST(test_broken_files)
{
    static const struct {
        size_t place;
        char byte;
        const char *wrong;
    } rows[] = {
        {0, 't', "it does not begin as a TZif file does (RFC 9636)"},
        {4, '1', "its version is none of 1 to 4"},
        {4, '5', "its version is none of 1 to 4"},
        {35, 1, "its second header is missing"},
        {32, 127, "it is cut short"},
        {60, 'X', "its second header is missing"},
        {60 + 23, 2, "its last line is missing"},
        {60 + 31, 1, "it is cut short"},
        {60 + 32, '\xFF', "it is cut short"},
        {60 + 39, 0, "it has not between 1 and 256 types of local time"},
        {60 + 42, 1, "it is cut short"},
        {128, 2, "a transition has a type that it does not define"},
        {104, 1, "its transitions do not ascend"},
        {119, 10, "its transitions do not ascend"},
        {131, 1, "an offset is larger than a day"},
        {131, '\xFF', "an offset is larger than a day"},
        {147, ' ', "its last line is missing"},
        {148, '5', "its last line is not a TZ string of POSIX"},
    };
    static const int64_t at[] = {10, 20, 30};
    for (int i = 0; i < COUNT(rows); i++) {
        struct tzif z;
        struct buf file = make_file('2', at, 3, "ABC-1");
        file.data[file.head + rows[i].place] = rows[i].byte;
        const char *wrong = tzif_parse(buf_text(&file), &z);
        ck_assert_msg(wrong && !strcmp(wrong, rows[i].wrong), "row %d: %s", i, wrong ? wrong : "fine");
        ck_assert_ptr_null(z.transitions);
        buf_free(&file);
    }
}
END_TEST

START_TEST(test_leap_seconds_are_refused)
{
    const uint32_t counts[6] = {0, 0, 1, 0, 1, 4};
    struct buf file = {0};
    struct tzif z;
    put_header(&file, '\0', counts);
    put_number(&file, 3600, 4), put_number(&file, 0, 2);
    buf_append(&file, "ABC", 4);
    put_number(&file, 78796800, 4), put_number(&file, 1, 4);
    const char *wrong = tzif_parse(buf_text(&file), &z);
    ck_assert_str_eq(wrong, "it counts leap seconds, which the time of this machine does not");
    buf_free(&file);
}
END_TEST

/* Each beginning of a file, alone in memory, so that a sanitizer sees a byte too many. */
static void cut(struct buf *file)
{
    struct tzif z;
    for (size_t n = 0; n < buf_len(file); n++) {
        char *alone = mem_dup(file->data + file->head, n);
        ck_assert_msg(tzif_parse(text_make(alone, n), &z) != NULL, "%zu bytes", n);
        mem_free(alone);
    }
    z = parsed(file);
    tzif_free(&z);
}

START_TEST(test_cut_files)
{
    static const int64_t at[] = {10, 20, 30};
    struct buf new = make_file('2', at, 3, "ABC-1DEF,M3.2.0,M11.1.0"), old = {0};
    put_block(&old, '\0', 4, at, 3);
    cut(&new);
    cut(&old);
}
END_TEST

/* ---- the rule in the last line ---- */

START_TEST(test_rules)
{
    static const struct {
        const char *rule, *change; /* the last second before it */
        int32_t before, after;
    } rows[] = {
        {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08 06:59:59", -18000, -14400},
        {"EST5EDT,M3.2.0,M11.1.0", "2026-11-01 05:59:59", -14400, -18000},
        {"EST5EDT,M3.2.0,M11.1.0", "2426-11-01 05:59:59", -14400, -18000},
        {"GMT0BST,M3.5.0/1,M10.5.0", "2026-10-25 00:59:59", 3600, 0},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-04-04 14:59:59", 39600, 37800},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", "2026-10-03 15:29:59", 37800, 39600},
        {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-10-25 00:59:59", 3600, 0},
        {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-03-29 00:59:59", -7200, -3600},
        {"EET-2EEST,M3.4.4/50,M10.4.4/50", "2026-03-27 23:59:59", 7200, 10800},
        {"AAA3BBB,J60/0,J300/0", "2028-03-01 02:59:59", -10800, -7200}, /* 29 February does not count */
        {"AAA3BBB,59/0,J300/0", "2028-02-29 02:59:59", -10800, -7200},  /* and here it does */
        {"AAA3BBB,59/0,J300/0", "2027-03-01 02:59:59", -10800, -7200},
        {"AAA3BBB,J59/0,J300/0", "2028-02-28 02:59:59", -10800, -7200},
        {"AAA3BBB,J1/-167,J300/0", "2027-12-25 03:59:59", -10800, -7200},
        {"AAA3BBB,J100/0,J365/+167:59:59", "2027-01-07 01:59:58", -7200, -10800},
        {"AAA3BBB,J365/167,J360/167", "2027-01-02 00:59:59", -7200, -10800}, /* since a rule of 2025 */
        {"AAA0BBB,M2.5.2/0,M9.1.1/0", "2028-02-28 23:59:59", 0, 3600},       /* 29 February is a Tuesday */
        {"AAA24BBB23:00:01,M6.1.1/0,M9.1.1/0", "2026-06-01 23:59:59", -86400, -82801},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        struct posix_tz rule;
        int64_t until, second = utc(rows[i].change) / USEC_PER_SEC;
        ck_assert_msg(posix_tz_parse(text_of(rows[i].rule), &rule), "%s", rows[i].rule);
        int32_t before = posix_tz_offset(&rule, second, &until);
        ck_assert_msg(before == rows[i].before && until == second + 1, "%s before %s: %d, %lld", rows[i].rule,
                      rows[i].change, (int)before, (long long)(until - second));
        int32_t after = posix_tz_offset(&rule, second + 1, &until);
        ck_assert_msg(after == rows[i].after && until > second + 1, "%s after %s: %d", rows[i].rule, rows[i].change,
                      (int)after);
    }
}
END_TEST

/* RFC 9636 section 3.3.2: daylight saving time that ends as it begins anew. */
START_TEST(test_daylight_saving_time_all_year)
{
    static const char *const rules[] = {"XXX3EDT4,0/0,J365/23", "EST5EDT,0/0,J365/25"};
    for (int i = 0; i < COUNT(rules); i++) {
        struct posix_tz rule;
        int64_t until;
        ck_assert(posix_tz_parse(text_of(rules[i]), &rule));
        for (int64_t t = 1700000000; t < 1900000000; t += 3571)
            ck_assert_int_eq(posix_tz_offset(&rule, t, &until), -14400);
        for (int64_t t = utc("2027-12-31 00:00:00") / USEC_PER_SEC, end = t + 2 * 86400; t < end; t += 60)
            ck_assert_int_eq(posix_tz_offset(&rule, t, &until), -14400);
    }
}
END_TEST

START_TEST(test_what_is_no_rule)
{
    static const char *const bad[] = {"",
                                      "5",
                                      "EST",
                                      "ES5",
                                      "EST25",
                                      "EST5:60",
                                      "EST5x",
                                      "<+1>5",
                                      "<EST5",
                                      "EST5EDT",
                                      "EST5EDT4",
                                      "EST5ED,0,1",
                                      "EST5EDT,0",
                                      "EST5EDT,0,",
                                      "EST5EDT,0,366",
                                      "EST5EDT,J0,J1",
                                      "EST5EDT,J1,J366",
                                      "EST5EDT,M0.1.0,M1.1.0",
                                      "EST5EDT,M13.1.0,M1.1.0",
                                      "EST5EDT,M1.0.0,M2.1.0",
                                      "EST5EDT,M1.6.0,M2.1.0",
                                      "EST5EDT,M1.1.7,M2.1.0",
                                      "EST5EDT,M1.1,M2.1.0",
                                      "EST5EDT,0/168,1",
                                      "EST5EDT,0/,1",
                                      "EST5EDT,0,1 ",
                                      "EST5EDT,0,1,2",
                                      "EST5EDT,99999999999999999999,1",
                                      "EST--5",
                                      "EST5:",
                                      "EST5EDT25,0,1",
                                      "EST5EDT,-1,1"};
    for (int i = 0; i < COUNT(bad); i++) {
        struct posix_tz rule;
        ck_assert_msg(!posix_tz_parse(text_of(bad[i]), &rule), "%s", bad[i]);
    }
}
END_TEST

/* ---- the machine's database ---- */

START_TEST(test_well_known_zones)
{
    static const struct {
        const char *zone, *at;
        int32_t offset;
    } rows[] = {
        {"Asia/Shanghai", "2026-07-01 00:00:00", 28800},       {"Asia/Shanghai", "1988-07-01 00:00:00", 32400},
        {"Asia/Shanghai", "2999-07-01 00:00:00", 28800},       {"America/New_York", "2026-03-08 06:59:59", -18000},
        {"America/New_York", "2026-03-08 07:00:00", -14400},   {"America/New_York", "2026-11-01 05:59:59", -14400},
        {"America/New_York", "2026-11-01 06:00:00", -18000},   {"America/New_York", "2500-07-01 00:00:00", -14400},
        {"America/New_York", "2500-12-01 00:00:00", -18000},   {"Europe/London", "2026-03-29 00:59:59", 0},
        {"Europe/London", "2026-03-29 01:00:00", 3600},        {"Europe/London", "1970-01-01 00:00:00", 3600},
        {"Australia/Lord_Howe", "2026-04-04 14:59:59", 39600}, {"Australia/Lord_Howe", "2026-04-04 15:00:00", 37800},
        {"Australia/Lord_Howe", "2126-10-05 15:30:00", 39600}, {"Australia/Lord_Howe", "2126-10-05 15:29:59", 37800},
        {"Europe/Dublin", "2026-01-01 00:00:00", 0},
    };
    for (int i = 0; has_database() && i < COUNT(rows); i++) {
        struct zone *z = open_zone(rows[i].zone);
        int32_t offset = zone_offset(z, utc(rows[i].at));
        ck_assert_msg(offset == rows[i].offset, "%s at %s: %d", rows[i].zone, rows[i].at, (int)offset);
        zone_close(z);
    }
}
END_TEST

static void compare(const struct zone *z, const char *name, int64_t second)
{
    struct tm tm;
    time_t t = (time_t)second;
    localtime_r(&t, &tm);
    int32_t offset = zone_offset(z, second * USEC_PER_SEC);
    ck_assert_msg(offset == tm.tm_gmtoff, "%s at %lld: %d instead of %ld", name, (long long)second, (int)offset,
                  tm.tm_gmtoff);
    tm.tm_gmtoff = 0;
    int64_t day = floor_div(timegm(&tm), 86400);
    ck_assert_msg(zone_day(z, second * USEC_PER_SEC + 999999) == day, "%s at %lld: day", name, (long long)second);
}

/* The C library's clock is told of each zone by TZ. */
START_TEST(test_zones_against_the_c_library)
{
    static const char *const names[] = {
        "Asia/Shanghai",     "America/New_York",  "Europe/London", "Australia/Lord_Howe", "Europe/Dublin",
        "Africa/Casablanca", "America/Sao_Paulo", "Asia/Gaza",     "Asia/Kathmandu",      "Pacific/Apia",
        "America/St_Johns",  "America/Nuuk",      "Asia/Tehran",   "Antarctica/Troll",    "Pacific/Chatham",
        "America/Havana",    "Asia/Jerusalem",    "Africa/Cairo",  "Etc/GMT+5",           "Pacific/Kiritimati"};
    struct random_source random;
    random_seed(&random, 20261126);
    for (int i = 0; has_database() && i < COUNT(names); i++) {
        struct zone *z = open_zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (unsigned k = 0; k < 3000; k++) /* from 1902 to 2536 */
            compare(z, names[i], (int64_t)random_below(&random, 20000000000) - INT64_C(2145916800));
        for (int64_t t = 1767225600, end = t + 366 * 86400; t < end; t += 1800)
            compare(z, names[i], t);
        for (int64_t t = 4102444800, end = t + 366 * 86400; t < end; t += 3600)
            compare(z, names[i], t - 1);
        zone_close(z);
    }
    unsetenv("TZ");
    tzset();
}
END_TEST

/* ---- days ---- */

START_TEST(test_next_days)
{
    static const struct {
        const char *zone, *wall, *next;
    } rows[] = {
        {"UTC", "2026-11-26 00:00:00", "2026-11-27 00:00:00"},
        {"UTC", "2026-11-26 23:59:59", "2026-11-27 00:00:00"},
        {"+08:00", "2026-11-26 15:59:59", "2026-11-26 16:00:00"},
        {"+08:00", "2026-11-26 16:00:00", "2026-11-27 16:00:00"},
        {"-03:30", "1969-12-31 03:29:59", "1969-12-31 03:30:00"},
        {"Asia/Shanghai", "2026-11-26 01:00:00", "2026-11-26 16:00:00"},
        {"America/New_York", "2026-03-08 05:00:00", "2026-03-09 04:00:00"}, /* 23 hours */
        {"America/New_York", "2026-11-01 04:00:00", "2026-11-02 05:00:00"}, /* 25 hours */
        {"America/New_York", "2426-11-01 04:00:00", "2426-11-02 05:00:00"},
        {"America/Sao_Paulo", "2018-11-03 12:00:00", "2018-11-04 03:00:00"}, /* midnight is left out */
        {"America/Sao_Paulo", "2018-02-17 12:00:00", "2018-02-18 03:00:00"}, /* 23:00 comes twice */
        {"America/Sao_Paulo", "2018-02-18 02:30:00", "2018-02-18 03:00:00"},
        {"Pacific/Apia", "2011-12-29 12:00:00", "2011-12-30 10:00:00"},     /* a day is left out */
        {"America/St_Johns", "2005-10-30 02:20:00", "2005-10-30 02:30:00"}, /* 00:01 becomes 23:01 */
        {"America/St_Johns", "2005-10-30 02:30:30", "2005-10-31 03:30:00"},
        {"America/St_Johns", "2005-10-30 02:31:00", "2005-10-30 03:30:00"},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        if (strchr(rows[i].zone, '/') && !has_database()) continue;
        struct zone *z = open_zone(rows[i].zone);
        usec_t wall = utc(rows[i].wall), next = zone_next_day(z, wall);
        ck_assert_msg(next == utc(rows[i].next), "%s at %s: %lld s later", rows[i].zone, rows[i].wall,
                      (long long)((next - wall) / USEC_PER_SEC));
        ck_assert_int_gt(zone_day(z, next), zone_day(z, wall));
        ck_assert_int_le(zone_day(z, next - 1), zone_day(z, wall));
        zone_close(z);
    }
}
END_TEST

START_TEST(test_the_ends_of_time)
{
    struct zone *z = open_zone("-14:00");
    ck_assert_int_eq(zone_next_day(z, INT64_MAX), USEC_NEVER);
    ck_assert_int_eq(zone_day(z, -1), -1);
    ck_assert_int_eq(zone_day(z, INT64_MIN), -106751992);
    ck_assert_int_eq(zone_local(z, -1), -50401);
    zone_close(z);
    z = has_database() ? open_zone("America/New_York") : NULL;
    if (!z) return;
    ck_assert_int_eq(zone_next_day(z, INT64_MAX), USEC_NEVER);
    ck_assert_int_gt(zone_next_day(z, INT64_MIN), INT64_MIN);
    zone_close(z);
}
END_TEST

TEST_MAIN("zone", test_offsets_need_no_files, test_what_is_no_name, test_the_database_and_its_absence,
          test_a_file_from_the_folder, test_a_table_and_what_comes_after, test_version_one, test_broken_files,
          test_leap_seconds_are_refused, test_cut_files, test_rules, test_daylight_saving_time_all_year,
          test_what_is_no_rule, test_well_known_zones, test_zones_against_the_c_library, test_next_days,
          test_the_ends_of_time)
