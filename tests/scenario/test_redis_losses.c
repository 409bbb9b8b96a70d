/* The door to Redis on the fake network: lost connections, hostile servers, trying again; freed at any time. */
#include "redis.h"

/* ---- losses ---- */

static void ask_c_in_vain(void) { ck_assert(!send_words(&c, "GET x", USEC_NEVER)); }

START_TEST(a_lost_connection_comes_back)
{
    options.password = "sesame";
    begin();
    server_says("+OK\r\n+PONG\r\n+OK\r\n");
    ask(&a, SEC);
    ask(&b, SEC);
    tell();
    server_says("+a\r\n$100\r\nhalf a rep");
    ck_heard(&a, "+a");
    redis_then = ask_c_in_vain;
    wire_close(wire());
    fake_settle();
    ck_heard(&b, "lost");
    ck_assert_str_eq(states, "up. down: the server closed the connection.");
    ck_assert(!redis_tell(redis, &(struct text){"PING", 4}, 1));
    ck_assert_int_le(await_dial(), 201 * MS);
    server_got("*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n" PING NAME);
    server_says("+OK\r\n+PONG\r\n+OK\r\n");
    ask(&b, SEC);
    server_got(GET_X);
    server_says("$3\r\nnew\r\n");
    ck_heard(&b, "$new");
    wire_reset(wire());
    ask(&a, SEC);
    fake_settle();
    ck_heard(&a, "lost");
    ck_assert_msg(!strncmp(states, "up. down: the server closed the connection. up. down: the ", 56), "%s", states);
}
END_TEST

START_TEST(a_silent_server_is_given_up)
{
    begin_up();
    fake_run(3600 * SEC); /* nothing was asked */
    ask(&a, 50 * MS);
    fake_run(SEC);
    tell();
    ask(&b, 6 * SEC);
    fake_run(3 * SEC);
    server_says("$1\r\na\r\n"); /* it lives: now the second is the oldest */
    fake_run(2 * SEC - 1);
    ck_assert_str_eq(states, "up.");
    fake_run(1);
    ck_heard(&a, "timeout");
    ck_heard(&b, "lost");
    ck_assert_str_eq(states, "up. down: no answer for 5 s.");
    await_dial();
    log_in();
}
END_TEST

START_TEST(hostile_replies_end_the_connection)
{
    static const char *const rows[] = {"garbage\r\n", "*1000000000\r\n", "$3\r\nabcdef\r\n", "+a\r\n+b\r\n+c\r\n",
                                       "*1\r\n*1\r\n*1\r\n+x\r\n"};
    for (int i = 0; i < COUNT(rows); i++) {
        begin_up();
        ask(&a, SEC);
        ask(&b, SEC);
        server_says(rows[i]);
        ck_heard(&b, i == 3 ? "+b" : "lost");
        ck_assert_int_eq(redis_state(redis), REDIS_DOWN);
        ck_assert(wire_program_closed(wire()));
        redis_free(redis);
        states[0] = '\0';
    }
    redis = NULL;
}
END_TEST

START_TEST(a_long_reply_ends_the_connection)
{
    char value[1100];
    begin_up();
    ask(&a, SEC);
    snprintf(value, sizeof value, "$991\r\n%0991d\r\n", 1);
    server_says(value); /* 999 bytes */
    ck_assert_uint_eq(buf_len(&a.heard), 992);
    ask(&a, SEC);
    snprintf(value, sizeof value, "$993\r\n%0993d\r\n", 1);
    server_says(value);
    ck_heard(&a, "lost");
    ck_assert_str_eq(states, "up. down: cannot read its replies: a reply that is too long.");
}
END_TEST

/* ---- trying again ---- */

START_TEST(waits_grow_and_differ)
{
    for (unsigned failures = 1; failures < 40; failures++) {
        usec_t longest = failures < 7 ? 100 * MS << failures : 10 * SEC;
        ck_assert_int_eq(redis_backoff(failures, 0), longest / 2);
        ck_assert_int_eq(redis_backoff(failures, UINT64_MAX), longest);
    }
}
END_TEST

START_TEST(a_reason_is_told_once)
{
    server.refuses = NET_CONNECT;
    begin();
    fake_run(60 * SEC);
    ck_assert_uint_ge(server.dials, 10); /* 0.2 + 0.4 + … 6.4, then 10 s each at the longest */
    ck_assert_uint_le(server.dials, 18);
    ck_assert_str_eq(states, "down: no address accepted a connection.");
    server.refuses = NET_RESOLVE;
    fake_run(20 * SEC);
    ck_assert_str_eq(states, "down: no address accepted a connection. down: the name has no address.");
    server.refuses = NET_OK;
    await_dial();
    log_in();
}
END_TEST

/* Comes up and goes at once, so that each time costs a login. */
START_TEST(a_server_that_comes_and_goes_is_asked_less_and_less)
{
    begin();
    for (int i = 0; i < 9; i++) {
        log_in();
        wire_close(wire());
        usec_t longest = i < 6 ? 200 * MS << i : 10 * SEC, waited = await_dial();
        ck_assert(waited >= longest / 2 && waited <= longest + MS);
    }
    log_in();
    fake_run(10 * SEC); /* stays for a while */
    wire_close(wire());
    ck_assert_int_le(await_dial(), 201 * MS);
}
END_TEST

/* ---- freeing ---- */

static void free_it(void)
{
    redis_free(redis);
    redis = NULL;
}

static void let_up(void) { server_says("+PONG\r\n+OK\r\n"); }
static void let_reply(void) { server_says("$1\r\na\r\n$1\r\nb\r\n"); }
static void let_time_out(void) { fake_run(50 * MS); }
static void let_give_up(void) { fake_run(10 * SEC); }
static void let_close(void)
{
    wire_close(wire());
    fake_settle();
}
static void let_lose_in_sending(void)
{
    wire_reset(wire());
    ask(&c, SEC);
    fake_settle();
}

START_TEST(it_may_be_freed_in_callbacks)
{
    static const struct {
        void (*happens)(void);
        const char *first_heard;
    } rows[] = {{let_reply, "$a"}, {let_time_out, "timeout"}, {let_close, "lost"}, {let_lose_in_sending, "lost"}};
    for (int i = 0; i < COUNT(rows); i++) {
        begin();
        log_in();
        ask(&a, 50 * MS);
        ask(&b, 50 * MS);
        fake_settle();
        redis_then = free_it;
        rows[i].happens();
        ck_assert_ptr_null(redis);
        ck_heard(&a, rows[i].first_heard);
        ck_heard(&b, "");
        ck_assert_ptr_null(b.call.redis);
        redis_forget(&b.call);
        ck_assert(wire_program_closed(wire()));
    }
}
END_TEST

START_TEST(it_may_be_freed_when_its_state_changes)
{
    static void (*const happens[])(void) = {let_up, let_close, let_give_up};
    for (int i = 0; i < COUNT(happens); i++) {
        begin();
        redis_then = free_it;
        happens[i]();
        ck_assert_ptr_null(redis);
        ck_assert(wire_program_closed(wire()));
    }
}
END_TEST

/* In each state, from outside: nobody is told anything. */
START_TEST(it_may_be_freed_at_any_time)
{
    for (int stage = 0; stage < 5; stage++) {
        states[0] = '\0';
        server.hangs = stage == 1;
        redis = redis_new(fake_loop(), NULL, &options);
        if (stage > 0) fake_settle();
        if (stage > 2) log_in();
        if (stage > 2) ask(&a, SEC);
        if (stage > 3) let_close();
        size_t told = strlen(states);
        free_it();
        fake_run(20 * SEC);
        ck_assert_uint_eq(strlen(states), told);
        if (stage == 3) ck_heard(&a, "");
    }
    redis_free(NULL);
}
END_TEST

/* ---- anything ---- */

enum { CALLS = 200 };

struct played {
    struct note note;
    unsigned number;
    bool sent, forgotten;
};

static struct played calls[CALLS];

/* Commands say which number they are, and good replies repeat it. */
static void answer_all(struct random_source *random)
{
    struct buf got = {0};
    buf_add(&got, wire_received(wire()));
    wire_clear(wire());
    for (struct text rest = buf_text(&got), head = TEXT("*2\r\n$4\r\nECHO\r\n"); rest.n;) {
        ck_assert(text_starts(rest, head));
        rest = text_from(rest, head.n);
        size_t length = text_find_byte(rest, '\n') + 1, value = text_find_byte(text_from(rest, length), '\n') + 1;
        wire_send_pieces(wire(), text_make(rest.p, length + value), 1 + random_below(random, 8));
        rest = text_from(rest, length + value);
    }
    buf_free(&got);
}

enum outcome { NOTHING, OWN_REPLY, TIMEOUT, LOST, OUTCOMES };

static enum outcome outcome_of(const struct played *p)
{
    char own[16];
    snprintf(own, sizeof own, "$%u", p->number);
    const char *const words[] = {"", own, "timeout", "lost"};
    enum outcome o = NOTHING;
    while (o < OUTCOMES && !text_eq(buf_text(&p->note.heard), text_of(words[o])))
        o++;
    ck_assert_int_lt(o, OUTCOMES);
    ck_assert_int_eq(o == NOTHING, !p->sent || p->forgotten);
    return o;
}

static void play_step(struct random_source *random, struct played *p)
{
    char words[32];
    snprintf(words, sizeof words, "ECHO %u", p->number);
    p->sent = send_words(&p->note, words, fake_now() + (usec_t)random_below(random, 60) * MS + 1);
    struct played *recent = p - random_below(random, p - calls < 4 ? 1 : 4);
    if (recent->note.call.redis && random_below(random, 8) == 0) {
        recent->forgotten = true;
        redis_forget(&recent->note.call);
    }
    if (random_below(random, 3) == 0) fake_run((usec_t)random_below(random, 30) * MS);
    fake_settle();
    if (redis_state(redis) == REDIS_UP && random_below(random, 4) == 0) answer_all(random);
    if (redis_state(redis) == REDIS_UP && random_below(random, 10) == 0) wire_close(wire());
}

/* Whatever happens, each call hears its own reply or a failure, and once. */
START_TEST(any_sequence)
{
    struct random_source random;
    unsigned times[OUTCOMES] = {0};
    random_seed(&random, 7);
    begin();
    for (int round = 0; round < 50; round++) {
        for (unsigned i = 0; i < CALLS; i++) {
            calls[i] = (struct played){.number = (unsigned)round * CALLS + i};
            if (redis_state(redis) == REDIS_DOWN) await_dial();
            if (redis_state(redis) != REDIS_UP) log_in();
            play_step(&random, &calls[i]);
            states[0] = '\0';
        }
        fake_run(100 * MS);
        for (unsigned i = 0; i < CALLS; i++) {
            times[outcome_of(&calls[i])]++;
            buf_free(&calls[i].note.heard);
        }
    }
    for (int o = 0; o < OUTCOMES; o++)
        ck_assert_msg(times[o] >= 100, "outcome %d: %u", o, times[o]);
}
END_TEST

TEST_MAIN_WITH("redis_losses", set_up, tear_down, a_lost_connection_comes_back, a_silent_server_is_given_up,
               hostile_replies_end_the_connection, a_long_reply_ends_the_connection, waits_grow_and_differ,
               a_reason_is_told_once, a_server_that_comes_and_goes_is_asked_less_and_less, it_may_be_freed_in_callbacks,
               it_may_be_freed_when_its_state_changes, it_may_be_freed_at_any_time, any_sequence)
