/* flight_fixture.h - flights on one loop, told as scripts: a letter for each thing that is done, and for what comes of
 * it. */
#ifndef DSGATE_TESTS_FLIGHT_FIXTURE_H
#define DSGATE_TESTS_FLIGHT_FIXTURE_H

#include "dsgate/cache/flight.h"
#include "net_test.h"

enum { FOLLOWERS = 8, LIMIT = 4 * 1024 * 1024 };

static struct flights *flights;
static struct loop *loop;
static struct flight_inbox inbox;
static struct flight_lead lead;
static struct follower who[FOLLOWERS];
static const struct flight_terms usual = {.key = {{1, 2, 3}}, .priority = PRIORITY_P2, .patience = 60 * USEC_PER_SEC};
static const struct flight_head head = {.status = 200, .stream = true, .type = "text/event-stream"};
static struct buf told; /* what has come of it all */

static inline void set_up(void)
{
    flights = flights_new(LIMIT);
    loop = loop_new();
    flight_inbox_open(flights, &inbox, loop);
    lead = (struct flight_lead){0};
    memset(who, 0, sizeof who);
}

static inline void leave_all(void)
{
    flight_crash(&lead, "", 0);
    for (int i = 0; i < FOLLOWERS; i++)
        flight_leave(&who[i]);
}

static inline struct flights_stats stats_now(void)
{
    struct flights_stats stats;
    flights_read_stats(flights, &stats);
    return stats;
}

static inline void tear_down(void)
{
    leave_all();
    ck_assert_uint_eq(stats_now().flights, 0);
    ck_assert_uint_eq(stats_now().followers, 0);
    flight_inbox_close(&inbox);
    loop_free(loop);
    flights_free(flights);
    buf_free(&told);
}

static inline bool write_text(struct text bytes)
{
    struct iovec piece = iov_of(bytes);
    return flight_write(&lead, &head, &piece, 1);
}

/* Made an entry where it can be. */
static inline void land(void)
{
    struct cache_entry *e = flight_entry(&lead, &(struct cache_facts){.key = usual.key, .status = 200});
    flight_land(&lead, e);
    cache_entry_unref(e);
}

/* ---- what becomes of them ---- */

static inline void on_news(struct follower *f) { BUF_ADD(&told, "n"); }
static inline void on_deserted(struct flight_lead *l) { BUF_ADD(&told, "d"); }

static const char state_letters[] = {
    [FLIGHT_WAIT] = '~', [FLIGHT_BYTES] = '+', [FLIGHT_END] = '.', [FLIGHT_FAILED] = '!', [FLIGHT_LOST] = '?'};

static inline enum flight_state read_some(struct follower *f)
{
    struct text bytes;
    enum flight_state state = flight_read(f, &bytes);
    if (state == FLIGHT_BYTES) buf_add(&told, bytes);
    return state;
}

/* All there is, and why there is no more. */
static inline void read_all(struct follower *f)
{
    enum flight_state state;
    while ((state = read_some(f)) == FLIGHT_BYTES)
        continue;
    buf_add_byte(&told, state_letters[state]);
}

static inline bool follow(struct follower *f) { return flight_follow(flights, f, &inbox, &usual, on_news); }

static inline void begin(void)
{
    lead.deserted = on_deserted;
    flight_begin(flights, &lead, &inbox, &usual);
}

/* B begin  W watch  w write "ab"  L land  l land without an entry  C crash
 * c close  F the next one follows ("-": it may not)  X the first one leaves  s the latest reads once  r it reads all
 * t a turn of the loop; news: "n", and "d" for a lead that was deserted. "0": nobody wants more; "c": it is closed. */
static inline void play_step(char step, int *followers)
{
    struct follower *latest = &who[*followers > 0 ? *followers - 1 : 0];
    switch (step) {
    case 'B': begin(); break;
    case 'W': flight_watch(&lead); break;
    case 'w':
        if (!write_text(TEXT("ab"))) BUF_ADD(&told, "0");
        break;
    case 'L': land(); break;
    case 'c':
        if (flight_close(&lead)) BUF_ADD(&told, "c");
        break;
    case 'l': flight_land(&lead, NULL); break;
    case 'C': flight_crash(&lead, "no", 2); break;
    case 'F':
        if (!follow(&who[(*followers)++])) BUF_ADD(&told, "-");
        break;
    case 'X': flight_leave(&who[0]); break;
    case 's': read_some(latest); break;
    case 'r': read_all(latest); break;
    case 't': run_turns(loop, 2); break;
    default: ck_abort_msg("%c is no step", step);
    }
}

struct play {
    const char *script, *told;
};

static inline void run_plays(const struct play *rows, int n)
{
    for (int i = 0; i < n; i++) {
        int followers = 0;
        for (const char *step = rows[i].script; *step; step++)
            play_step(*step, &followers);
        ck_assert_msg(text_is(buf_text(&told), rows[i].told), "%s: " TEXT_FORMAT, rows[i].script,
                      TEXT_ARGS(buf_text(&told)));
        leave_all();
        run_turns(loop, 2);
        buf_clear(&told);
    }
}
#define RUN_PLAYS(rows) run_plays(rows, COUNT(rows))

#endif
