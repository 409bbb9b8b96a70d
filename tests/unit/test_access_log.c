#include "dsgate/base/log.h"
#include "dsgate/llm/json.h"
#include "dsgate/meter/access_log.h"
#include "net_test.h"
#include <stdio.h>
#include <sys/stat.h>

static struct loop *loop;
static char folder[64], path[96], moved[96];

static void set_up(void)
{
    log_set_level(LOG_ERROR);
    loop = loop_new();
    snprintf(folder, sizeof folder, "%s/dsgate-test-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir);
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/access.log", folder);
    snprintf(moved, sizeof moved, "%s/access.log.1", folder);
}

static void tear_down(void)
{
    loop_free(loop);
    unlink(path);
    unlink(moved);
    rmdir(folder);
}

static struct access_file *open_file(const char *target)
{
    struct buf error = {0};
    struct access_file *f = access_file_open(target, &error);
    ck_assert_msg(f != NULL, TEXT_FORMAT, TEXT_ARGS(buf_text(&error)));
    return f;
}

/* Everything that can be read from the descriptor now. */
static void read_into(int fd, struct buf *out)
{
    ssize_t n;
    while ((n = read(fd, buf_reserve(out, 65536), 65536)) > 0)
        buf_commit(out, (size_t)n);
}

static void read_file(const char *name, struct buf *out)
{
    int fd = open(name, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    read_into(fd, out);
    close(fd);
}

/* What one entry looks like in the file. */
static void written(const struct access_entry *e, struct buf *out)
{
    struct access_file *f = open_file(path);
    struct access_log *l = access_log_new(f, loop);
    access_log_add(l, e);
    access_log_free(l);
    access_file_close(f);
    read_file(path, out);
    ck_assert_int_eq(unlink(path), 0);
}

static void must_be(struct buf *have, const char *wanted)
{
    buf_add_byte(have, '\0');
    ck_assert_str_eq(have->data, wanted);
    buf_free(have);
}

/* ---- the line ---- */

#define WALL (INT64_C(1795247541) * USEC_PER_SEC + 123456) /* 2026-11-21T07:52:21.123Z */

START_TEST(test_a_line_with_everything)
{
    static const struct access_step steps[] = {{"admit", 20}, {"queue", 1000}, {"dispatch", 1234567}};
    struct access_entry e = {.wall = WALL,
                             .request_id = TEXT("r-1"),
                             .trace_id = TEXT("4bf92f3577b34da6a3ce929d0e0e4736"),
                             .peer = TEXT("127.0.0.1:40412"),
                             .method = TEXT("POST"),
                             .path = TEXT("/v1/chat/completions?key=secret"),
                             .model = TEXT("deepseek-flash"),
                             .endpoint = "chat",
                             .status = 200,
                             .error = "upstream_cut",
                             .upstream = "ark",
                             .upstream_trace = TEXT("tr-9"),
                             .attempts = 3,
                             .streamed = true,
                             .client_gone = true,
                             .cut = true,
                             .bytes_in = 1024,
                             .bytes_out = UINT64_MAX,
                             .duration = 1234567,
                             .first_token = 9,
                             .steps = steps,
                             .step_count = 3,
                             .usage = {true, 18, 345, 0, 315},
                             .finish = FINISH_STOP,
                             .reasons = "busy,connect"};
    struct buf line = {0};
    written(&e, &line);
    must_be(&line,
            "{\"time\":\"2026-11-21T07:52:21.123Z\",\"request_id\":\"r-1\","
            "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"peer\":\"127.0.0.1:40412\",\"method\":\"POST\","
            "\"path\":\"/v1/chat/completions\",\"endpoint\":\"chat\",\"model\":\"deepseek-flash\",\"status\":200,"
            "\"error\":\"upstream_cut\",\"upstream\":\"ark\",\"upstream_trace\":\"tr-9\",\"attempts\":3,"
            "\"reasons\":\"busy,connect\",\"stream\":true,\"client_gone\":true,\"cut\":true,\"bytes_in\":1024,"
            "\"bytes_out\":18446744073709551615,\"duration_ms\":1234.567,\"first_token_ms\":0.009,"
            "\"steps\":{\"admit\":0.020,\"queue\":1.000,\"dispatch\":1234.567},"
            "\"tokens\":{\"prompt\":18,\"completion\":345,\"cached\":0,\"reasoning\":315},\"finish\":\"stop\"}\n");
}
END_TEST

START_TEST(test_a_line_with_next_to_nothing)
{
    struct access_entry e = {.wall = WALL, .endpoint = "unknown", .method = TEXT("GET"), .path = TEXT("/")};
    struct buf line = {0};
    written(&e, &line);
    must_be(&line, "{\"time\":\"2026-11-21T07:52:21.123Z\",\"method\":\"GET\",\"path\":\"/\",\"endpoint\":\"unknown\","
                   "\"bytes_in\":0,\"bytes_out\":0,\"duration_ms\":0.000}\n");
}
END_TEST

static const struct text wanted[] = {TEXT("path"), TEXT("model"), TEXT("request_id")};

static void must_be_json(struct text line, struct json_member members[3])
{
    struct json_result r = json_scan(line, wanted, 3, members, JSON_DEPTH);
    ck_assert_msg(r.error == JSON_FINE, "%s at %zu: " TEXT_FORMAT, json_error_text(r.error), r.position,
                  TEXT_ARGS(line));
}

START_TEST(test_hostile_strings)
{
    static const struct {
        struct text raw;
        const char *json;
    } rows[] = {{TEXT("a\"b\\c"), "\"a\\\"b\\\\c\""},
                {TEXT("new\r\nline\ttab"), "\"new\\r\\nline\\ttab\""},
                {TEXT("nul\0esc\x1b"), "\"nul\\u0000esc\\u001b\""},
                {TEXT("\xe6\x96\x87"), "\"\xe6\x96\x87\""},
                {TEXT("\xff\xc3"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
                {TEXT("\"}\n{\"forged\":1"), "\"\\\"}\\n{\\\"forged\\\":1\""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct access_entry e = {
            .path = TEXT("/"), .model = rows[i].raw, .peer = rows[i].raw, .upstream_trace = rows[i].raw};
        struct json_member members[3];
        struct buf line = {0};
        written(&e, &line);
        must_be_json(buf_text(&line), members);
        ck_assert_uint_eq(text_find_byte(buf_text(&line), '\n'), buf_len(&line) - 1);
        ck_assert(text_is(members[1].value, rows[i].json));
        buf_free(&line);
    }
}
END_TEST

/* Every byte everywhere: still one line of valid JSON. */
START_TEST(test_all_bytes)
{
    char bytes[256];
    for (int i = 0; i < 256; i++)
        bytes[i] = (char)i;
    struct text all = text_make(bytes, sizeof bytes);
    struct access_entry e = {.request_id = all,
                             .trace_id = all,
                             .peer = all,
                             .method = all,
                             .path = all,
                             .model = all,
                             .upstream_trace = all};
    struct json_member members[3];
    struct buf line = {0};
    written(&e, &line);
    must_be_json(buf_text(&line), members);
    ck_assert_uint_eq(text_find_byte(buf_text(&line), '\n'), buf_len(&line) - 1);
    buf_free(&line);
}
END_TEST

START_TEST(test_long_strings_are_cut_between_characters)
{
    char text[1000];
    struct json_member members[3];
    for (size_t lead = 0; lead < 3; lead++) {
        struct buf line = {0};
        memset(text, 'x', lead);
        for (size_t i = lead; i + 3 <= sizeof text; i += 3)
            memcpy(text + i, "\xe6\x96\x87", 3);
        struct access_entry e = {.path = TEXT("/"), .model = text_make(text, 900 + lead)};
        written(&e, &line);
        must_be_json(buf_text(&line), members);
        size_t whole = lead + (256 - lead) / 3 * 3;
        ck_assert_uint_eq(members[1].value.n, whole + 2);
        ck_assert(!memcmp(members[1].value.p + 1, text, whole));
        buf_free(&line);
    }
}
END_TEST

/* ---- the file ---- */

static size_t size_of(const char *name)
{
    struct stat st;
    ck_assert_int_eq(stat(name, &st), 0);
    return (size_t)st.st_size;
}

static const struct access_entry simple = {
    .wall = WALL, .method = TEXT("GET"), .path = TEXT("/"), .endpoint = "unknown"};

START_TEST(test_lines_are_gathered)
{
    struct access_file *f = open_file(path);
    struct access_log *l = access_log_new(f, loop);
    struct stat st;
    size_t lines = 0;
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 0777 & ~0640u, 0);
    do {
        access_log_add(l, &simple);
        lines++;
    } while (size_of(path) == 0 && lines < 10000);
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
    for (int i = 0; i < 3; i++) {
        access_log_add(l, &simple);
        access_log_free(l);
        l = access_log_new(f, loop);
        if (i == 0) ck_assert_int_eq(rename(path, moved), 0);
        if (i == 1) ck_assert(access_file_reopen(f, &error));
    }
    ck_assert_uint_eq(size_of(moved), 2 * size_of(path));
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0700), 0); /* can't be opened: the old one stays */
    ck_assert(!access_file_reopen(f, &error));
    ck_assert_uint_lt(text_find(buf_text(&error), text_of(path)), buf_len(&error));
    ck_assert_int_eq(rmdir(path), 0);
    access_log_free(l);
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

TEST_MAIN_WITH("access_log", set_up, tear_down, test_a_line_with_everything, test_a_line_with_next_to_nothing,
               test_hostile_strings, test_all_bytes, test_long_strings_are_cut_between_characters,
               test_lines_are_gathered, test_reopening, test_files_that_cannot_be_opened, test_off,
               test_a_full_disk_loses_lines_beyond_the_backlog, test_the_timer_writes,
               test_a_full_pipe_loses_lines_and_counts_them, test_torn_lines_are_completed_first,
               test_a_reader_that_left)
