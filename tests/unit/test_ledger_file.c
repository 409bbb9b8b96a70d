/* The state file: rows in, rows out, and what is said of files that can't be used. */
#include "../../src/gate/ledger_file.h"
#include "../suite.h"
#include "dsgate/base/mem.h"
#include "dsgate/gate/ledger.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char folder[] = "/tmp/dsgate-test-XXXXXX", path[64];

static void set_up(void)
{
    strcpy(folder, "/tmp/dsgate-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/state.db", folder);
}

/* Nothing is left beside the file once it is closed. */
static void tear_down(void)
{
    unlink(path);
    ck_assert_msg(rmdir(folder) == 0, "%s: %s", folder, strerror(errno));
}

static struct ledger_file *open_file(void)
{
    struct buf error = {0};
    struct ledger_file *f = ledger_file_open(path, &error);
    ck_assert_msg(f != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return f;
}

static void expect_refused(const char *file, const char *expected)
{
    struct buf error = {0};
    ck_assert_msg(!ledger_file_open(file, &error), "%s", file);
    ck_assert_msg(text_is(buf_text(&error), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
}

/* Opening and looking say the same. */
static void expect_refused_by_both(const char *format)
{
    struct buf error = {0};
    char *expected = mem_printf(
        "cannot use the state file '%s': %s; expected one of dsgate's own, or a path that is free", path, format);
    expect_refused(path, expected);
    ck_assert(!ledger_check(path, &error));
    ck_assert_msg(text_is(buf_text(&error), expected), TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    mem_free(expected);
}

/* ---- rows ---- */

static void describe(void *arg, const struct ledger_row *row)
{
    buf_printf(arg, "%s %lld %llu %llu %g\n", row->upstream, (long long)row->used.day,
               (unsigned long long)row->used.requests, (unsigned long long)row->used.tokens, row->used.cost);
}

static void expect_rows(struct ledger_file *f, const char *expected)
{
    struct buf rows = {0}, error = {0};
    ck_assert(ledger_file_read(f, describe, &rows, &error));
    BUF_ADD(&rows, "");
    ck_assert_msg(text_is(buf_text(&rows), expected) || (!*expected && !buf_len(&rows)), TEXT_FORMAT,
                  TEXT_ARGS(buf_text(&rows)));
    buf_free(&rows);
}

START_TEST(test_rows_survive)
{
    static const struct ledger_row rows[] = {
        {"b", {20000, 1, 2, 0.5}}, {"a@[::1]:80", {-1, 0, 0, 0}}, {"c", {20001, UINT64_MAX, UINT64_MAX, INFINITY}}};
    static const struct ledger_row later[] = {{"b", {20002, 3, 4, 1.25}}, {"it's; DROP TABLE quota", {20002, 1, 1, 1}}};
    struct ledger_file *f = open_file();
    expect_rows(f, "");
    ck_assert_ptr_null(ledger_file_write(f, rows, 3));
    expect_rows(f, "a@[::1]:80 -1 0 0 0\nb 20000 1 2 0.5\nc 20001 9223372036854775807 9223372036854775807 inf\n");
    ck_assert_ptr_null(ledger_file_write(f, later, 2));
    ledger_file_close(f);
    f = open_file();
    expect_rows(f, "b 20002 3 4 1.25\nc 20001 9223372036854775807 9223372036854775807 inf\n"
                   "it's; DROP TABLE quota 20002 1 1 1\n");
    ledger_file_close(f);
    ledger_file_close(NULL);
}
END_TEST

START_TEST(test_a_month_is_enough)
{
    static const struct ledger_row rows[] = {{"a", {20031, 1, 1, 1}}, {"b", {20000, 1, 1, 1}}, {"c", {19999, 1, 1, 1}}};
    struct ledger_file *f = open_file();
    ck_assert_ptr_null(ledger_file_write(f, rows, 3));
    ledger_file_close(f);
    f = open_file();
    expect_rows(f, "a 20031 1 1 1\nb 20000 1 1 1\n");
    ledger_file_close(f);
}
END_TEST

START_TEST(test_nobody_else_may_read_it)
{
    struct stat st;
    static const struct ledger_row row = {"a", {20000, 1, 1, 1}};
    mode_t mask = umask(0);
    struct ledger_file *f = open_file();
    ck_assert_ptr_null(ledger_file_write(f, &row, 1));
    umask(mask);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    char *log = mem_printf("%s-wal", path);
    ck_assert_int_eq(stat(log, &st), 0);
    ck_assert_uint_eq(st.st_mode, S_IFREG | 0600);
    mem_free(log);
    ledger_file_close(f);
}
END_TEST

/* Names that mean something to SQLite are names of files here. */
START_TEST(test_names_are_names)
{
    static const char *const names[] = {":memory:", "file:x?mode=memory", "state.db"};
    static const struct ledger_row row = {"a", {20000, 1, 1, 1}};
    char *before = getcwd(NULL, 0);
    ck_assert_int_eq(chdir(folder), 0);
    for (int i = 0; i < COUNT(names); i++) {
        struct buf error = {0};
        struct ledger_file *f = ledger_file_open(names[i], &error);
        ck_assert_msg(f != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
        ck_assert_ptr_null(ledger_file_write(f, &row, 1));
        ledger_file_close(f);
        ck_assert(ledger_check(names[i], &error));
        f = ledger_file_open(names[i], &error);
        expect_rows(f, "a 20000 1 1 1\n");
        ledger_file_close(f);
        ck_assert_int_eq(unlink(names[i]), 0);
    }
    ck_assert_int_eq(chdir(before), 0);
    free(before);
}
END_TEST

/* ---- trouble ---- */

/* What the body does in a process of its own, which is killed at the end of it. */
static pid_t in_other_process(void (*body)(void))
{
    int ready[2];
    char c;
    ck_assert_int_eq(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        body();
        if (write(ready[1], "x", 1) == 1) pause();
        _exit(1);
    }
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &c, 1), 1);
    close(ready[0]);
    return child;
}

static void kill_process(pid_t child)
{
    int status;
    kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void write_and_stay(void)
{
    static const struct ledger_row row = {"a", {20000, 5, 6, 7}};
    struct buf error = {0};
    struct ledger_file *f = ledger_file_open(path, &error);
    if (!f || ledger_file_write(f, &row, 1)) _exit(1);
}

START_TEST(test_one_gateway_a_file_and_kill)
{
    struct buf error = {0};
    pid_t child = in_other_process(write_and_stay);
    char *expected =
        mem_printf("cannot use the state file '%s': it is in use by another process; expected a file of its "
                   "own for each gateway",
                   path);
    expect_refused(path, expected);
    ck_assert(ledger_check(path, &error));
    mem_free(expected);
    kill_process(child);
    struct ledger_file *f = open_file();
    expect_rows(f, "a 20000 5 6 7\n");
    ledger_file_close(f);
}
END_TEST

static void begin_and_stay(void)
{
    sqlite3 *db = NULL;
    if (sqlite3_open(path, &db) != SQLITE_OK) _exit(1);
    if (sqlite3_exec(db,
                     "BEGIN; REPLACE INTO quota VALUES ('a', 30000, 9, 9, 9); DELETE FROM quota WHERE upstream = 'b'",
                     NULL, NULL, NULL) != SQLITE_OK)
        _exit(1);
}

START_TEST(test_killed_in_the_middle)
{
    static const struct ledger_row rows[] = {{"a", {20000, 1, 1, 1}}, {"b", {20000, 2, 2, 2}}};
    struct ledger_file *f = open_file();
    ck_assert_ptr_null(ledger_file_write(f, rows, 2));
    ledger_file_close(f);
    kill_process(in_other_process(begin_and_stay));
    f = open_file();
    expect_rows(f, "a 20000 1 1 1\nb 20000 2 2 2\n");
    ledger_file_close(f);
    char *index = mem_printf("%s-shm", path); /* of that process: the ledger needs none */
    unlink(index);
    mem_free(index);
}
END_TEST

static void put_file(struct text bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes.p, bytes.n), (ssize_t)bytes.n);
    close(fd);
}

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char *wrong = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, &wrong) == SQLITE_OK, "%s", wrong);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(test_files_of_others)
{
    put_file(TEXT("upstreams: []\n"));
    expect_refused_by_both("it is no database");
    unlink(path);
    char text[4096];
    memset(text, 'x', sizeof text);
    put_file(text_make(text, sizeof text));
    expect_refused_by_both("it is no database");
    unlink(path);
    run_sql("CREATE TABLE bookmarks (url TEXT)");
    expect_refused_by_both("it is a database of another program");
    unlink(path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    char *expected =
        mem_printf("cannot open the state file '%s': Is a directory; expected a file that the gateway's user "
                   "may write, in a folder that exists",
                   path);
    expect_refused(path, expected);
    mem_free(expected);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    expect_refused_by_both("it is no regular file");
}
END_TEST

START_TEST(test_a_newer_version)
{
    ledger_file_close(open_file());
    run_sql("PRAGMA user_version = 2");
    expect_refused_by_both("it was written by a newer dsgate");
    run_sql("PRAGMA user_version = 1");
    ledger_file_close(open_file());
}
END_TEST

START_TEST(test_an_empty_file_is_fine)
{
    struct buf error = {0};
    put_file(TEXT(""));
    ck_assert(ledger_check(path, &error));
    struct ledger_file *f = open_file();
    expect_rows(f, "");
    ledger_file_close(f);
}
END_TEST

START_TEST(test_a_damaged_file)
{
    char zeros[8192] = {0};
    ledger_file_close(open_file());
    int fd = open(path, O_WRONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, zeros, sizeof zeros, 100), (ssize_t)sizeof zeros);
    close(fd);
    char *expected =
        mem_printf("cannot use the state file '%s': it is damaged; move it away, and quotas begin anew", path);
    expect_refused(path, expected);
    mem_free(expected);
}
END_TEST

START_TEST(test_no_folder)
{
    struct buf error = {0};
    expect_refused("/nowhere/state.db",
                   "cannot open the state file '/nowhere/state.db': No such file or directory; expected "
                   "a file that the gateway's user may write, in a folder that exists");
    ck_assert(ledger_check("/nowhere/state.db", &error));
    ck_assert_int_eq(access(path, F_OK), -1);
    ck_assert(ledger_check(path, &error));
    ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

/* As a full disk: no file may grow beyond so many bytes; 0 = no limit. Check's own file is one, too, so that nothing
 * may be asserted meanwhile. */
static void limit_files(rlim_t most)
{
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = most ? most : limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static const char *write_without_room(struct ledger_file *f, const struct ledger_row *row)
{
    limit_files(100);
    const char *wrong = ledger_file_write(f, row, 1);
    limit_files(0);
    return wrong;
}

START_TEST(test_no_room_for_a_new_file)
{
    struct buf error = {0};
    limit_files(100);
    struct ledger_file *f = ledger_file_open(path, &error);
    limit_files(0);
    ck_assert_ptr_null(f);
    ck_assert_msg(text_starts(buf_text(&error), TEXT("cannot use the state file '")) &&
                      (text_ends(buf_text(&error), TEXT(": database or disk is full")) ||
                       text_ends(buf_text(&error), TEXT(": disk I/O error"))),
                  TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    buf_free(&error);
    ledger_file_close(open_file());
}
END_TEST

START_TEST(test_no_room_later)
{
    static const struct ledger_row row = {"a", {20000, 1, 1, 1}}, more = {"b", {20000, 2, 2, 2}};
    struct ledger_file *f = open_file();
    ck_assert_ptr_null(ledger_file_write(f, &row, 1));
    ck_assert_ptr_nonnull(write_without_room(f, &more));
    ck_assert_ptr_nonnull(write_without_room(f, &more));
    expect_rows(f, "a 20000 1 1 1\n");
    ck_assert_ptr_null(ledger_file_write(f, &more, 1));
    expect_rows(f, "a 20000 1 1 1\nb 20000 2 2 2\n");
    ledger_file_close(f);
}
END_TEST

/* The log beside the file is written back now and then, so that it stays small. */
START_TEST(test_the_log_stays_small)
{
    struct stat st;
    struct ledger_file *f = open_file();
    for (unsigned i = 0; i < 5000; i++) {
        struct ledger_row row = {"a", {20000, i, i, i}};
        ck_assert_ptr_null(ledger_file_write(f, &row, 1));
    }
    char *log = mem_printf("%s-wal", path);
    ck_assert_int_eq(stat(log, &st), 0);
    ck_assert_int_lt(st.st_size, 1024 * 1024);
    mem_free(log);
    ledger_file_close(f);
}
END_TEST

TEST_MAIN_WITH("ledger_file", set_up, tear_down, test_rows_survive, test_a_month_is_enough,
               test_nobody_else_may_read_it, test_names_are_names, test_one_gateway_a_file_and_kill,
               test_killed_in_the_middle, test_files_of_others, test_a_newer_version, test_an_empty_file_is_fine,
               test_a_damaged_file, test_no_folder, test_no_room_for_a_new_file, test_no_room_later,
               test_the_log_stays_small)
