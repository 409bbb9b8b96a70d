/* The door to Redis on the fake network: logging in, commands and their replies, deadlines to the microsecond. */
#include "redis.h"

/* ---- logging in ---- */

START_TEST(a_login_says_what_is_needed)
{
    static const struct {
        const char *user, *password;
        unsigned database;
        const char *words;
    } rows[] = {
        {NULL, NULL, 0, PING NAME},
        {NULL, "sesame", 0, "*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n" PING NAME},
        {"ali", "a b", 0, "*3\r\n$4\r\nAUTH\r\n$3\r\nali\r\n$3\r\na b\r\n" PING NAME},
        {NULL, NULL, 15, "*2\r\n$6\r\nSELECT\r\n$2\r\n15\r\n" PING NAME},
        {NULL, "sesame", 1, "*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n" PING NAME},
    };
    for (int i = 0; i < COUNT(rows); i++) {
        options.user = rows[i].user;
        options.password = rows[i].password;
        options.database = rows[i].database;
        begin();
        server_got(rows[i].words);
        if (rows[i].password) server_says("+OK\r\n");
        if (rows[i].database) server_says("+OK\r\n");
        server_says("+PONG\r\n");
        ck_assert_int_eq(redis_state(redis), REDIS_CONNECTING);
        server_says("-ERR unknown subcommand\r\n"); /* a name is no must */
        ck_assert_int_eq(redis_state(redis), REDIS_UP);
        redis_free(redis);
    }
    redis = NULL;
}
END_TEST

START_TEST(refused_logins_are_told_in_words)
{
    static const struct {
        const char *replies, *why;
    } rows[] = {
        {"-WRONGPASS invalid username-password pair\r\n", "wrong password: WRONGPASS invalid username-password pair"},
        {"-ERR invalid password\r\n", "wrong password: ERR invalid password"},
        {"-ERR AUTH <password> called without any password configured\r\n",
         "refused: ERR AUTH <password> called without any password configured"},
        {"-ERR unknown command `AUTH`, with args beginning with: `open`\r\n", "it refuses the login"},
        {"-ERR what is open sesame?\r\n", "it refuses the login"},
        {"+OK\r\n-ERR DB index is out of range\r\n", "no such database: ERR DB index is out of range"},
        {"+OK\r\n-ERR SELECT is not allowed in cluster mode\r\n",
         "no such database: ERR SELECT is not allowed in cluster mode"},
        {"+OK\r\n-NOPERM this user may not select\r\n", "not allowed: NOPERM this user may not select"},
        {"+OK\r\n+OK\r\n-LOADING Redis is loading\r\n", "it is still loading its data: LOADING Redis is loading"},
        {"+OK\r\n+OK\r\n-NOAUTH Authentication required.\r\n", "a password is needed: NOAUTH Authentication required."},
        {"-ERR max number of clients reached\r\n", "refused: ERR max number of clients reached"},
        {":1\r\n", "it does not answer as a Redis server"},
        {"+OK\r\n+OK\r\n$4\r\nPONG\r\n", "it does not answer as a Redis server"},
        {"SSH-2.0-OpenSSH\r\n", "cannot read its replies: Protocol error, got \"S\" as reply type byte"},
        {"+OK\r\n+OK\r\n+PONG\r\n+OK\r\n+OK\r\n", NULL},
    };
    options.password = "open sesame";
    options.database = 3;
    for (int i = 0; i < COUNT(rows); i++) {
        states[0] = '\0';
        begin();
        server_says(rows[i].replies);
        ck_assert_int_eq(redis_state(redis), REDIS_DOWN);
        ck_assert(wire_program_closed(wire()));
        char *expected =
            rows[i].why ? mem_printf("down: %s.", rows[i].why) : mem_strdup("up. down: a reply that nobody asked for.");
        ck_assert_str_eq(states, expected);
        mem_free(expected);
        redis_free(redis);
    }
    redis = NULL;
}
END_TEST

/* Who may read need not be allowed to ping. */
START_TEST(a_ping_that_is_not_allowed_is_good_enough)
{
    static const char *const replies[] = {"-NOPERM no permissions to run the 'ping' command\r\n+OK\r\n",
                                          "-MISCONF errors writing to disk\r\n-NOPERM no\r\n"};
    for (int i = 0; i < COUNT(replies); i++) {
        begin();
        server_says(replies[i]);
        ck_assert_int_eq(redis_state(redis), REDIS_UP);
        redis_free(redis);
    }
    redis = NULL;
}
END_TEST

START_TEST(connecting_has_an_end)
{
    server.hangs = true;
    begin();
    fake_run(SEC - 1);
    ck_assert_str_eq(states, "");
    fake_run(1);
    ck_assert_str_eq(states, "down: no connection within the connect time.");
    server.hangs = false;
    await_dial();
    server_got(PING NAME);
    server_says("+PONG\r\n");
    fake_run(SEC);
    ck_assert_str_eq(states, "down: no connection within the connect time. down: no login within the connect time.");
    ck_assert(wire_program_closed(wire()));
}
END_TEST

/* ---- commands and replies ---- */

START_TEST(replies_come_in_order_to_who_asked)
{
    begin_up();
    ask(&a, SEC);
    tell();
    ck_assert(send_words(&b, "MGET x y", fake_now() + SEC));
    ck_assert(send_words(&c, "SET x", fake_now() + SEC));
    ck_assert_uint_eq(wire_received(wire()).n, 0); /* before the turn ends */
    server_got(GET_X GET_X "*3\r\n$4\r\nMGET\r\n$1\r\nx\r\n$1\r\ny\r\n*2\r\n$3\r\nSET\r\n$1\r\nx\r\n");
    server_says("$3\r\none\r\n-ERR two\r\n*2\r\n$1\r\n3\r\n$-1\r\n");
    ck_heard(&a, "$one");
    ck_heard(&b, "[$3,_]");
    ck_heard(&c, "");
    server_says("-MOVED 3999 127.0.0.1:6381\r\n");
    ck_heard(&c, "-MOVED 3999 127.0.0.1:6381");
    ck_assert_uint_eq(redis_errors(redis), 1);
    ck_assert_str_eq(states, "up.");
}
END_TEST

START_TEST(replies_may_come_in_any_pieces)
{
    static const char replies[] = "$7\r\na\r\nb\r\nc\r\n*2\r\n:1\r\n*1\r\n+x\r\n-ERR end\r\n";
    begin_up();
    for (size_t piece = 1; piece < sizeof replies; piece++) {
        ask(&a, SEC);
        ask(&b, SEC);
        ask(&c, SEC);
        server_got(GET_X GET_X GET_X);
        wire_send_pieces(wire(), text_of(replies), piece);
        fake_settle();
        ck_heard(&a, "$a\r\nb\r\nc");
        ck_heard(&b, "[:1,[+x]]");
        ck_heard(&c, "-ERR end");
    }
}
END_TEST

START_TEST(late_replies_go_to_nobody)
{
    begin_up();
    ask(&a, 50 * MS);
    ask(&b, 100 * MS);
    ask(&c, 30 * MS);
    fake_run(30 * MS - 1);
    ck_heard(&c, "");
    fake_run(1);
    ck_heard(&c, "timeout");
    fake_run(20 * MS);
    ck_heard(&a, "timeout");
    ck_heard(&b, "");
    ask(&c, 50 * MS);
    server_says("-ERR a\r\n$1\r\nb\r\n$5\r\nlate!\r\n");
    ck_heard(&b, "$b");
    ck_heard(&c, "");
    server_says("$1\r\nc\r\n");
    ck_heard(&c, "$c");
    ck_heard(&a, "timeout");
    ck_assert_uint_eq(redis_errors(redis), 0);
    ck_assert_str_eq(states, "up.");
}
END_TEST

START_TEST(forgotten_calls_hear_nothing)
{
    begin_up();
    redis_forget(&a.call); /* harmless */
    ask(&a, SEC);
    ask(&b, SEC);
    redis_forget(&a.call);
    redis_forget(&a.call);
    server_got(GET_X GET_X); /* what was asked is asked */
    ask(&c, 10 * MS);
    redis_forget(&c.call);
    fake_run(20 * MS);
    server_says("$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n");
    ck_heard(&a, "");
    ck_heard(&b, "$b");
    ck_heard(&c, "");
    ask(&a, SEC);
    server_says("$5\r\nagain\r\n");
    ck_heard(&a, "$again");
}
END_TEST

static void forget_b(void) { redis_forget(&b.call); }
static void ask_c(void) { ask(&c, 10 * MS); }

START_TEST(calls_are_forgotten_and_made_in_callbacks)
{
    begin_up();
    ask(&a, SEC);
    ask(&b, SEC);
    redis_then = forget_b;
    server_says("$1\r\na\r\n$1\r\nb\r\n"); /* in one read */
    ck_heard(&a, "$a");
    ck_heard(&b, "");
    ask(&a, 10 * MS);
    ask(&b, 10 * MS);
    redis_then = forget_b;
    fake_run(10 * MS); /* at one time */
    ck_heard(&a, "timeout");
    ck_heard(&b, "");
    ask(&a, 10 * MS);
    redis_then = ask_c;
    fake_run(15 * MS);
    ck_heard(&a, "timeout");
    ck_heard(&c, "");
    fake_run(5 * MS);
    ck_heard(&c, "timeout");
    ask(&a, SEC);
    ask(&b, SEC);
    redis_then = forget_b;
    wire_close(wire());
    fake_settle();
    ck_heard(&a, "lost");
    ck_heard(&b, "");
}
END_TEST

START_TEST(too_much_unsent_is_refused)
{
    server.window = strlen(PING NAME) + 100;
    options.unsent_max = 300;
    begin_up();
    char words[512] = "SET x ";
    memset(words + 6, 'v', 200);
    words[206] = '\0';
    ck_assert(send_words(&a, words, fake_now() + SEC)); /* 237 bytes */
    ck_assert(!send_words(&b, words, fake_now() + SEC));
    fake_settle(); /* 137 are left */
    ck_assert(!send_words(&b, words, fake_now() + SEC));
    ask(&c, SEC);
    wire_window(wire(), SIZE_MAX);
    fake_settle();
    ck_assert(send_words(&b, words, fake_now() + SEC));
    memset(words + 6, 'v', 400);
    words[406] = '\0';
    ck_assert(!send_words(&(struct note){0}, words, fake_now() + SEC));
    server_says("+a\r\n+c\r\n+b\r\n");
    ck_heard(&a, "+a");
    ck_heard(&b, "+b");
    ck_heard(&c, "+c");
}
END_TEST

TEST_MAIN_WITH("redis", set_up, tear_down, a_login_says_what_is_needed, refused_logins_are_told_in_words,
               a_ping_that_is_not_allowed_is_good_enough, connecting_has_an_end, replies_come_in_order_to_who_asked,
               replies_may_come_in_any_pieces, late_replies_go_to_nobody, forgotten_calls_hear_nothing,
               calls_are_forgotten_and_made_in_callbacks, too_much_unsent_is_refused)
