#include "access_fixture.h"
#include <sys/stat.h>

/* ---- files ---- */

static size_t size_of(const char *name)
{
    struct stat st;
    ck_assert_int_eq(stat(name, &st), 0);
    return (size_t)st.st_size;
}

/* Adds lines until there are enough to be written; returns how many it took. */
static size_t add_until_written(struct access_log *l, const char *name)
{
    size_t lines = 0, before = size_of(name);
    do {
        access_log_add(l, &simple);
        lines++;
    } while (size_of(name) == before && lines < 10000);
    ck_assert_uint_gt(size_of(name), before);
    return lines;
}

START_TEST(test_lines_are_gathered)
{
    struct access_file *f = open_file(path);
    struct access_log *l = access_log_new(f, loop);
    struct stat st;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777 & ~0640u, 0);
    size_t lines = add_until_written(l, path);
    size_t line = size_of(path) / lines;
    ck_assert_uint_ge(size_of(path), 32 * 1024);
    ck_assert_uint_lt(size_of(path), 32 * 1024 + line);
    access_log_add(l, &simple);
    ck_assert_uint_eq(size_of(path), lines * line);
    access_log_free(l);
    ck_assert_uint_eq(size_of(path), (lines + 1) * line);
    access_file_close(f);
}
END_TEST

START_TEST(test_reopening)
{
    struct buf error = {0};
    struct access_file *f = open_file(path);
    struct access_log *l = access_log_new(f, loop);
    add_until_written(l, path);
    ck_assert_int_eq(rename(path, moved), 0);
    add_until_written(l, moved); /* nobody has been told yet */
    ck_assert(access_file_reopen(f, &error));
    ck_assert_uint_eq(size_of(path), 0);
    add_until_written(l, path);
    access_log_free(l);
    access_file_close(f);
}
END_TEST

/* Neither when the reload sees it, nor when only a worker does. */
START_TEST(test_a_file_that_cannot_be_reopened)
{
    struct buf error = {0};
    struct access_file *f = open_file(path);
    struct access_log *l = access_log_new(f, loop);
    add_until_written(l, path);
    ck_assert_int_eq(rename(path, moved), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert(!access_file_reopen(f, &error));
    ck_assert_uint_lt(text_find(buf_text(&error), text_of(path)), buf_len(&error));
    add_until_written(l, moved);
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert(access_file_reopen(f, &error));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    add_until_written(l, moved);
    ck_assert_int_eq(rmdir(path), 0);
    access_log_add(l, &simple);
    access_log_free(l);
    ck_assert_uint_gt(size_of(path), 0); /* it is tried again with every write */
    access_file_close(f);
    buf_free(&error);
}
END_TEST

START_TEST(test_files_that_cannot_be_opened)
{
    struct buf error = {0};
    ck_assert_ptr_null(access_file_open("/nonexistent/access.log", &error));
    ck_assert_uint_lt(text_find(buf_text(&error), TEXT("/nonexistent/access.log")), buf_len(&error));
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* nobody reads: an error, not a wait */
    ck_assert_ptr_null(access_file_open(path, &error));
    buf_free(&error);
}
END_TEST

START_TEST(test_off)
{
    struct access_file *f = open_file("off");
    struct access_log *l = access_log_new(f, loop);
    for (int i = 0; i < 100000; i++)
        access_log_add(l, &simple);
    ck_assert_uint_eq(access_log_lost(l), 0);
    ck_assert(access_file_reopen(f, NULL));
    access_log_free(l);
    access_file_close(f);
}
END_TEST

START_TEST(test_a_full_disk_loses_lines_beyond_the_backlog)
{
    struct access_file *f = open_file("/dev/full");
    struct access_log *l = access_log_new(f, loop);
    size_t added = 0;
    while (access_log_lost(l) == 0 && added < 1000000) {
        access_log_add(l, &simple);
        added++;
    }
    size_t line =
        sizeof "{\"time\":\"2026-11-21T07:52:21.123Z\",\"method\":\"GET\",\"path\":\"/\",\"endpoint\":\"unknown\","
               "\"bytes_in\":0,\"bytes_out\":0,\"duration_ms\":0.000}"; /* its NUL stands for the newline */
    ck_assert_uint_eq(added - 1, (1024 * 1024 + line - 1) / line);
    access_log_add(l, &simple);
    ck_assert_uint_eq(access_log_lost(l), 2);
    access_log_free(l);
    access_file_close(f);
}
END_TEST

/* ---- pipes ---- */

/* Standard output is a pipe of that size while a test runs; pipe_end gets the end to read from. */
static int real_stdout, pipe_end;

static void stdout_to_pipe(int size)
{
    int ends[2];
    fflush(stdout);
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    ck_assert_int_ge(fcntl(ends[1], F_SETPIPE_SZ, size), size);
    make_nonblocking(ends[0]);
    real_stdout = dup(STDOUT_FILENO);
    ck_assert_int_eq(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
    close(ends[1]);
    pipe_end = ends[0];
}

static void stdout_back(void)
{
    dup2(real_stdout, STDOUT_FILENO);
    close(real_stdout);
    close(pipe_end);
}

static void add_numbered(struct access_log *l, const char *who, unsigned number)
{
    char id[32], padding[200];
    memset(padding, 'p', sizeof padding);
    snprintf(id, sizeof id, "%s%u", who, number);
    struct access_entry e = simple;
    e.request_id = text_of(id);
    e.model = e.path = text_make(padding, sizeof padding);
    access_log_add(l, &e);
}

static struct buf received;
static size_t received_lines;

static void on_readable(struct loop_io *io, int what)
{
    read_into(io->fd, &received);
    received_lines = 0;
    for (size_t i = 0; i < buf_len(&received); i++)
        received_lines += received.data[received.head + i] == '\n';
    if (buf_len(&received) && received.data[received.tail - 1] == '\n') loop_stop(io->loop);
}

/* Reads until so many lines have come. A larger pipe, where it is to be had, spares rounds of the timer. */
static void drain(size_t lines)
{
    struct loop_io io = {0};
    fcntl(STDOUT_FILENO, F_SETPIPE_SZ, 1024 * 1024);
    loop_io_start(loop, &io, pipe_end, LOOP_READ, on_readable);
    do {
        loop_run(loop);
    } while (received_lines < lines);
    loop_io_stop(&io);
}

/* All received lines are whole and in order; returns how many. */
static size_t check_received(const char *who)
{
    size_t n = 0;
    struct json_member members[3];
    struct text line;
    for (struct text rest = buf_text(&received); text_cut(&rest, '\n', &line);) {
        char id[32];
        must_be_json(line, members);
        if (!text_starts(text_from(members[2].value, 1), text_of(who))) continue;
        snprintf(id, sizeof id, "\"%s%zu\"", who, n++);
        ck_assert(text_is(members[2].value, id));
    }
    return n;
}

START_TEST(test_the_timer_writes)
{
    stdout_to_pipe(65536);
    struct access_file *f = open_file("stdout");
    struct access_log *l = access_log_new(f, loop);
    buf_clear(&received);
    add_numbered(l, "a", 0);
    add_numbered(l, "a", 1);
    read_into(pipe_end, &received);
    ck_assert_uint_eq(buf_len(&received), 0);
    drain(2);
    stdout_back();
    ck_assert_uint_eq(check_received("a"), 2);
    access_log_free(l);
    access_file_close(f);
    buf_free(&received);
}
END_TEST

START_TEST(test_a_full_pipe_loses_lines_and_counts_them)
{
    enum { LINES = 5000 };
    stdout_to_pipe(65536);
    struct access_file *f = open_file("stdout");
    struct access_log *l = access_log_new(f, loop);
    buf_clear(&received);
    for (unsigned i = 0; i < LINES; i++)
        add_numbered(l, "a", i);
    uint64_t lost = access_log_lost(l);
    drain(LINES - lost);
    access_log_free(l);
    access_file_close(f);
    stdout_back();
    ck_assert_uint_gt(lost, 0);
    ck_assert_uint_gt(buf_len(&received), 1024 * 1024);
    ck_assert_uint_lt(buf_len(&received), 1024 * 1024 + 2 * 65536);
    ck_assert_uint_eq(check_received("a"), LINES - lost);
    buf_free(&received);
}
END_TEST

/* A page is all that the pipe holds, so that lines are torn; no line of the one log gets into a line of the other. */
START_TEST(test_torn_lines_are_completed_first)
{
    enum { LINES = 200 };
    stdout_to_pipe(4096);
    struct access_file *f = open_file("stdout");
    struct access_log *a = access_log_new(f, loop), *b = access_log_new(f, loop);
    buf_clear(&received);
    for (unsigned i = 0; i < LINES; i++) {
        add_numbered(a, "a", i);
        add_numbered(b, "b", i);
        if (i % 3 == 0) read_into(pipe_end, &received);
    }
    ck_assert_uint_gt(buf_len(&received), 4096);
    drain(2 * LINES);
    stdout_back();
    ck_assert_uint_eq(check_received("a"), LINES);
    ck_assert_uint_eq(check_received("b"), LINES);
    ck_assert_uint_eq(access_log_lost(a) + access_log_lost(b), 0);
    access_log_free(a);
    access_log_free(b);
    access_file_close(f);
    buf_free(&received);
}
END_TEST

START_TEST(test_a_reader_that_left)
{
    stdout_to_pipe(65536);
    struct access_file *f = open_file("stdout");
    struct access_log *l = access_log_new(f, loop);
    close(pipe_end);
    for (unsigned i = 0; i < 5000; i++)
        add_numbered(l, "a", i);
    uint64_t lost = access_log_lost(l);
    access_log_free(l);
    access_file_close(f);
    pipe_end = -1;
    stdout_back();
    ck_assert_uint_gt(lost, 0);
}
END_TEST

TEST_MAIN_WITH("access_file", set_up, tear_down, test_lines_are_gathered, test_reopening,
               test_a_file_that_cannot_be_reopened, test_files_that_cannot_be_opened, test_off,
               test_a_full_disk_loses_lines_beyond_the_backlog, test_the_timer_writes,
               test_a_full_pipe_loses_lines_and_counts_them, test_torn_lines_are_completed_first,
               test_a_reader_that_left)
