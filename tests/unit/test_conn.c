#include "dsgate/base/random.h"
#include "dsgate/net/conn.h"
#include "net_test.h"
#include <errno.h>

/* An owner that notes what it is told in a line of letters: R readable, W writable, L lost, E expired. */
struct owner {
    struct conn conn;
    char calls[64];
    struct buf got;
    ssize_t last_read;
    enum net_error why;
    bool read_at_once, close_in_callback, stop_loop;
};

static struct loop *loop;
static int peer;

static void told(struct conn *c, const char *letter)
{
    struct owner *o = CONTAINER_OF(c, struct owner, conn);
    strncat(o->calls, letter, sizeof o->calls - strlen(o->calls) - 1);
    if (o->stop_loop) loop_stop(loop);
    if (!o->close_in_callback) return;
    conn_close(c);
    mem_free(o);
}

static void read_some(struct owner *o)
{
    char *block = loop_scratch(loop);
    o->last_read = conn_read(&o->conn, block, LOOP_SCRATCH);
    if (o->last_read > 0) buf_append(&o->got, block, (size_t)o->last_read);
}

static void on_readable(struct conn *c)
{
    struct owner *o = CONTAINER_OF(c, struct owner, conn);
    if (o->read_at_once) read_some(o);
    told(c, "R");
}

static void on_writable(struct conn *c) { told(c, "W"); }
static void on_expired(struct conn *c) { told(c, "E"); }
static void on_ready(struct conn *c) { told(c, "?"); }

static void on_lost(struct conn *c, enum net_error why, const char *detail)
{
    struct owner *o = CONTAINER_OF(c, struct owner, conn);
    ck_assert_ptr_nonnull(detail);
    o->why = why;
    told(c, "L");
}

static const struct conn_ops ops = {on_ready, on_readable, on_writable, on_lost, on_expired};

static struct owner *open_over(void (*make)(int fd[2]))
{
    int fd[2];
    loop = loop_new();
    make(fd);
    peer = fd[1];
    struct owner *o = MEM_NEW(struct owner);
    o->read_at_once = true;
    conn_open(&o->conn, loop, fd[0], NULL, &ops);
    return o;
}

static struct owner *open_pair(void) { return open_over(make_pair); }
static struct owner *open_tcp(void) { return open_over(make_tcp_pair); }

static void finish(struct owner *o)
{
    conn_close(&o->conn);
    conn_close(&o->conn);
    if (peer >= 0) close(peer);
    buf_free(&o->got);
    mem_free(o);
    loop_free(loop);
}

static void peer_sends(const char *words) { ck_assert_int_eq(write(peer, words, strlen(words)), strlen(words)); }

static void run_until_told(struct owner *o)
{
    o->stop_loop = true;
    loop_run(loop);
    o->stop_loop = false;
}

static bool write_text(struct owner *o, const char *words)
{
    struct iovec iov = {(char *)words, strlen(words)};
    return conn_write(&o->conn, &iov, 1);
}

/* More than the buffers of a socket pair take. */
enum { LARGE = 4 << 20 };

static char *make_large(void)
{
    static char large[LARGE];
    struct random_source random;
    random_seed(&random, 1);
    for (size_t i = 0; i < LARGE; i += 8) {
        uint64_t word = random_next(&random);
        memcpy(large + i, &word, 8);
    }
    return large;
}

static size_t drain_peer(struct buf *to)
{
    size_t all = 0;
    for (ssize_t n; (n = read(peer, buf_reserve(to, 65536), 65536)) > 0; all += (size_t)n)
        buf_commit(to, (size_t)n);
    return all;
}

/* Turns and reads at the peer's end until it has n bytes. */
static void drain_until(struct buf *to, size_t n)
{
    while (buf_len(to) < n) {
        drain_peer(to);
        run_turns(loop, 1);
    }
}

/* ---- reading ---- */

START_TEST(test_reading_to_a_clean_end)
{
    struct owner *o = open_tcp();
    peer_sends("hello");
    run_until_told(o);
    ck_assert(text_is(buf_text(&o->got), "hello"));
    read_some(o);
    ck_assert_int_eq(o->last_read, CONN_AGAIN);
    close(peer);
    peer = -1;
    run_until_told(o);
    ck_assert_int_eq(o->last_read, 0);
    ck_assert_str_eq(o->calls, "RR");
    finish(o);
}
END_TEST

START_TEST(test_a_reset_is_no_clean_end)
{
    struct owner *o = open_tcp();
    reset_and_close(peer);
    peer = -1;
    run_until_told(o);
    ck_assert_int_eq(o->last_read, CONN_FAILED);
    read_some(o);
    ck_assert_int_eq(o->last_read, CONN_FAILED);
    finish(o);
}
END_TEST

START_TEST(test_a_block_of_no_size_is_no_end)
{
    struct owner *o = open_pair();
    ck_assert_int_eq(conn_read(&o->conn, loop_scratch(loop), 0), CONN_AGAIN);
    finish(o);
}
END_TEST

START_TEST(test_readable_comes_again_for_what_was_left)
{
    struct owner *o = open_pair();
    char two[2];
    o->read_at_once = false;
    peer_sends("abc");
    run_until_told(o);
    ck_assert_int_eq(conn_read(&o->conn, two, 2), 2);
    run_until_told(o);
    ck_assert_int_eq(conn_read(&o->conn, two, 2), 1);
    ck_assert_int_eq(two[0], 'c');
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "RR");
    finish(o);
}
END_TEST

/* ---- writing ---- */

START_TEST(test_small_writes_go_at_once)
{
    struct owner *o = open_pair();
    struct iovec iov[] = {{(char *)"he", 2}, {NULL, 0}, {(char *)"llo", 3}};
    char bytes[16];
    ck_assert(conn_write(&o->conn, iov, 3));
    ck_assert_uint_eq(conn_unsent(&o->conn), 0);
    ck_assert_int_eq(read(peer, bytes, sizeof bytes), 5);
    ck_assert_mem_eq(bytes, "hello", 5);
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "");
    finish(o);
}
END_TEST

START_TEST(test_what_the_socket_refuses_is_kept_and_sent)
{
    struct owner *o = open_pair();
    char *large = make_large();
    struct iovec iov[] = {{large, 1000}, {large + 1000, LARGE - 1000}};
    struct buf got = {0};
    ck_assert(conn_write(&o->conn, iov, 2));
    ck_assert_uint_gt(conn_unsent(&o->conn), 0);
    ck_assert_uint_lt(conn_unsent(&o->conn), LARGE);
    ck_assert(write_text(o, "end"));
    drain_until(&got, LARGE + 3);
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "W");
    ck_assert_uint_eq(o->conn.unsent.capacity, 0);
    ck_assert_uint_eq(buf_len(&got), LARGE + 3);
    ck_assert_int_eq(memcmp(got.data + got.head, large, LARGE), 0);
    ck_assert_int_eq(memcmp(got.data + got.head + LARGE, "end", 3), 0);
    buf_free(&got);
    finish(o);
}
END_TEST

START_TEST(test_more_pieces_than_one_call_takes)
{
    enum { PIECES = 3000 };
    static struct iovec iov[PIECES];
    static char bytes[PIECES];
    struct owner *o = open_pair();
    struct buf got = {0};
    for (int i = 0; i < PIECES; i++) {
        bytes[i] = (char)(i * 7);
        iov[i] = (struct iovec){&bytes[i], 1};
    }
    ck_assert(conn_write(&o->conn, iov, PIECES));
    drain_until(&got, PIECES);
    ck_assert_mem_eq(got.data, bytes, PIECES);
    buf_free(&got);
    finish(o);
}
END_TEST

START_TEST(test_write_some_keeps_nothing)
{
    struct owner *o = open_pair();
    char *large = make_large();
    struct buf got = {0};
    size_t sent = 0;
    for (int rounds = 0; sent < LARGE; rounds++) {
        struct iovec iov = {large + sent, LARGE - sent};
        ssize_t n = conn_write_some(&o->conn, &iov, 1);
        ck_assert_int_ge(n, 0);
        ck_assert_uint_eq(conn_unsent(&o->conn), 0);
        sent += (size_t)n;
        ck_assert_uint_eq(strlen(o->calls), rounds);
        if (sent == LARGE) break;
        drain_peer(&got);
        run_until_told(o);
    }
    drain_until(&got, LARGE);
    run_turns(loop, 3);
    ck_assert_int_gt(strlen(o->calls), 1);
    ck_assert_int_eq(strspn(o->calls, "W"), strlen(o->calls));
    ck_assert_int_eq(memcmp(got.data + got.head, large, LARGE), 0);
    buf_free(&got);
    finish(o);
}
END_TEST

START_TEST(test_writing_to_a_broken_connection)
{
    struct owner *o = open_tcp();
    struct iovec iov = {(char *)"x", 1};
    reset_and_close(peer);
    peer = -1;
    ck_assert(!write_text(o, "x"));
    ck_assert_str_eq(o->calls, "");
    ck_assert(!write_text(o, "x"));
    ck_assert_int_eq(conn_write_some(&o->conn, &iov, 1), CONN_FAILED);
    read_some(o);
    ck_assert_int_eq(o->last_read, CONN_FAILED);
    finish(o);
}
END_TEST

/* A server that refuses a large request answers, then closes with our bytes unread, which is a reset. */
START_TEST(test_an_early_answer_is_read_before_the_failure)
{
    struct owner *o = open_tcp();
    struct iovec iov = {make_large(), LARGE};
    o->read_at_once = false;
    conn_pause_read(&o->conn);
    ck_assert(conn_write(&o->conn, &iov, 1));
    ck_assert_uint_gt(conn_unsent(&o->conn), 0);
    peer_sends("413");
    conn_resume_read(&o->conn);
    close(peer);
    peer = -1;
    do {
        run_until_told(o);
        read_some(o);
    } while (o->last_read > 0);
    ck_assert_int_eq(o->last_read, CONN_FAILED);
    ck_assert(text_is(buf_text(&o->got), "413"));
    ck_assert_ptr_null(strchr(o->calls, 'L'));
    finish(o);
}
END_TEST

/* ---- pausing ---- */

START_TEST(test_pausing_holds_bytes_back)
{
    struct owner *o = open_pair();
    conn_pause_read(&o->conn);
    peer_sends("later");
    run_turns(loop, 5);
    ck_assert_str_eq(o->calls, "");
    conn_resume_read(&o->conn);
    conn_resume_read(&o->conn);
    run_until_told(o);
    ck_assert(text_is(buf_text(&o->got), "later"));
    finish(o);
}
END_TEST

static void check_leaving_while_paused(void (*leave)(int fd), bool bytes_wait)
{
    struct owner *o = open_tcp();
    conn_pause_read(&o->conn);
    if (bytes_wait) peer_sends("unread");
    run_turns(loop, 5);
    ck_assert_str_eq(o->calls, "");
    leave(peer);
    peer = -1;
    run_until_told(o);
    run_turns(loop, 5);
    ck_assert_str_eq(o->calls, "L");
    ck_assert_int_eq(o->why, NET_CUT);
    finish(o);
}

static void close_fd(int fd) { close(fd); }

START_TEST(test_leaving_is_told_while_paused) { check_leaving_while_paused(close_fd, false); }
END_TEST
START_TEST(test_leaving_behind_unread_bytes_is_told) { check_leaving_while_paused(close_fd, true); }
END_TEST
START_TEST(test_a_reset_is_told_while_paused) { check_leaving_while_paused(reset_and_close, false); }
END_TEST
START_TEST(test_a_reset_behind_unread_bytes_is_told) { check_leaving_while_paused(reset_and_close, true); }
END_TEST

START_TEST(test_kept_bytes_that_cannot_go_are_told_while_paused)
{
    struct owner *o = open_tcp();
    struct iovec iov = {make_large(), LARGE};
    conn_pause_read(&o->conn);
    ck_assert(conn_write(&o->conn, &iov, 1));
    reset_and_close(peer);
    peer = -1;
    run_until_told(o);
    run_turns(loop, 5);
    ck_assert_str_eq(o->calls, "L");
    finish(o);
}
END_TEST

static void check_leaving_while_held(void (*leave)(int fd), ssize_t told_at_the_end)
{
    struct owner *o = open_tcp();
    conn_hold_read(&o->conn);
    peer_sends("unread");
    leave(peer);
    peer = -1;
    run_turns(loop, 5);
    ck_assert_str_eq(o->calls, "");
    conn_resume_read(&o->conn);
    do {
        run_until_told(o);
    } while (o->last_read > 0);
    ck_assert_int_eq(o->last_read, told_at_the_end);
    ck_assert(text_is(buf_text(&o->got), "unread"));
    finish(o);
}

START_TEST(test_leaving_waits_behind_held_bytes) { check_leaving_while_held(close_fd, 0); }
END_TEST
START_TEST(test_a_reset_waits_behind_held_bytes) { check_leaving_while_held(reset_and_close, CONN_FAILED); }
END_TEST

START_TEST(test_kept_bytes_that_cannot_go_are_not_told_while_held)
{
    struct owner *o = open_tcp();
    struct iovec iov = {make_large(), LARGE};
    conn_hold_read(&o->conn);
    ck_assert(conn_write(&o->conn, &iov, 1));
    peer_sends("why");
    reset_and_close(peer);
    peer = -1;
    run_turns(loop, 5);
    ck_assert_str_eq(o->calls, "");
    conn_resume_read(&o->conn);
    do {
        run_until_told(o);
    } while (o->last_read > 0);
    ck_assert_int_eq(o->last_read, CONN_FAILED);
    ck_assert(text_is(buf_text(&o->got), "why"));
    finish(o);
}
END_TEST

/* ---- ends of one side ---- */

START_TEST(test_the_end_is_told_once_and_writing_goes_on)
{
    struct owner *o = open_tcp();
    struct iovec iov = {make_large(), LARGE};
    struct buf got = {0};
    shutdown(peer, SHUT_WR);
    run_until_told(o);
    ck_assert_int_eq(o->last_read, 0);
    conn_pause_read(&o->conn);
    ck_assert(conn_write(&o->conn, &iov, 1));
    drain_until(&got, LARGE);
    run_turns(loop, 3);
    conn_resume_read(&o->conn);
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "RW");
    buf_free(&got);
    finish(o);
}
END_TEST

START_TEST(test_finishing_sends_the_kept_bytes_and_reads_on)
{
    struct owner *o = open_tcp();
    struct iovec iov = {make_large(), LARGE};
    struct buf got = {0};
    char byte;
    ck_assert(conn_write(&o->conn, &iov, 1));
    conn_finish(&o->conn);
    conn_finish(&o->conn);
    ck_assert(!write_text(o, "x"));
    ck_assert_int_eq(conn_write_some(&o->conn, &iov, 1), CONN_FAILED);
    drain_until(&got, LARGE);
    run_turns(loop, 3);
    ck_assert_uint_eq(buf_len(&got), LARGE);
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    peer_sends("late");
    run_until_told(o);
    ck_assert(text_is(buf_text(&o->got), "late"));
    ck_assert_str_eq(o->calls, "WR");
    buf_free(&got);
    finish(o);
}
END_TEST

START_TEST(test_finishing_with_nothing_kept)
{
    struct owner *o = open_tcp();
    char byte;
    conn_finish(&o->conn);
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "");
    finish(o);
}
END_TEST

/* ---- deadlines ---- */

START_TEST(test_the_deadline_passes_once)
{
    struct owner *o = open_pair();
    conn_set_deadline(&o->conn, 1);
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "E");
    finish(o);
}
END_TEST

START_TEST(test_the_deadline_moves)
{
    struct owner *o = open_pair();
    conn_set_deadline(&o->conn, 1);
    conn_set_deadline(&o->conn, loop_now(loop) + 3600 * USEC_PER_SEC);
    run_turns(loop, 3);
    conn_set_deadline(&o->conn, USEC_NEVER);
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "");
    finish(o);
}
END_TEST

START_TEST(test_bytes_in_time_beat_the_deadline)
{
    struct owner *o = open_pair();
    peer_sends("x");
    conn_set_deadline(&o->conn, 1);
    run_turns(loop, 1);
    ck_assert_str_eq(o->calls, "RE");
    finish(o);
}
END_TEST

/* ---- closing ---- */

START_TEST(test_owners_may_go_in_any_callback)
{
    static const char *const callbacks[] = {"readable", "writable", "lost", "expired"};
    for (size_t i = 0; i < 4; i++) {
        struct owner *o = open_tcp();
        struct iovec iov = {make_large(), LARGE};
        o->close_in_callback = o->stop_loop = true;
        o->read_at_once = false;
        if (i == 0) peer_sends("x");
        if (i == 1) ck_assert_int_gt(conn_write_some(&o->conn, &iov, 1), 0);
        if (i == 2) conn_pause_read(&o->conn);
        if (i == 3) conn_set_deadline(&o->conn, 1);
        struct buf got = {0};
        if (i == 1) drain_peer(&got);
        if (i == 2) shutdown(peer, SHUT_WR);
        loop_run(loop);
        buf_free(&got);
        run_turns(loop, 3);
        ck_assert_msg(read(peer, &(char){0}, 1) <= 0 || i == 1, "%s", callbacks[i]);
        close(peer);
        loop_free(loop);
    }
}
END_TEST

START_TEST(test_nothing_comes_after_close)
{
    struct owner *o = open_pair();
    peer_sends("x");
    conn_set_deadline(&o->conn, 1);
    conn_close(&o->conn);
    run_turns(loop, 3);
    ck_assert_str_eq(o->calls, "");
    ck_assert(!write_text(o, "x"));
    ck_assert_int_eq(conn_read(&o->conn, loop_scratch(loop), 1), CONN_FAILED);
    ck_assert_int_eq(read(peer, &(char){0}, 1), -1);
    ck_assert_int_eq(errno, ECONNRESET); /* a Unix socket's way to say that a byte was left unread */
    finish(o);
}
END_TEST

START_TEST(test_close_is_a_clean_end_and_reset_is_not)
{
    char byte;
    struct owner *o = open_tcp();
    conn_close(&o->conn);
    ck_assert_int_eq(read(peer, &byte, 1), 0);
    finish(o);
    o = open_tcp();
    conn_reset(&o->conn);
    ck_assert_int_eq(read(peer, &byte, 1), -1);
    ck_assert_int_eq(errno, ECONNRESET);
    finish(o);
}
END_TEST

START_TEST(test_zeroed_connections_can_be_closed)
{
    struct conn c = {0};
    conn_close(&c);
    conn_reset(&c);
    conn_finish(&c);
    conn_resume_read(&c);
    conn_set_deadline(&c, 1);
    ck_assert(!c.open);
}
END_TEST

TEST_MAIN("conn", test_reading_to_a_clean_end, test_a_reset_is_no_clean_end, test_a_block_of_no_size_is_no_end,
          test_readable_comes_again_for_what_was_left, test_small_writes_go_at_once,
          test_what_the_socket_refuses_is_kept_and_sent, test_more_pieces_than_one_call_takes,
          test_write_some_keeps_nothing, test_writing_to_a_broken_connection,
          test_an_early_answer_is_read_before_the_failure, test_pausing_holds_bytes_back,
          test_leaving_is_told_while_paused, test_leaving_behind_unread_bytes_is_told,
          test_a_reset_is_told_while_paused, test_a_reset_behind_unread_bytes_is_told,
          test_kept_bytes_that_cannot_go_are_told_while_paused,
          test_leaving_waits_behind_held_bytes, test_a_reset_waits_behind_held_bytes,
          test_kept_bytes_that_cannot_go_are_not_told_while_held, test_the_end_is_told_once_and_writing_goes_on,
          test_finishing_sends_the_kept_bytes_and_reads_on, test_finishing_with_nothing_kept,
          test_the_deadline_passes_once, test_the_deadline_moves, test_bytes_in_time_beat_the_deadline,
          test_owners_may_go_in_any_callback, test_nothing_comes_after_close,
          test_close_is_a_clean_end_and_reset_is_not, test_zeroed_connections_can_be_closed)
