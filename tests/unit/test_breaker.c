#include "../suite.h"
#include "dsgate/base/random.h"
#include "dsgate/sched/breaker.h"

enum { SECOND = USEC_PER_SEC };

static enum outcome outcome_of(char c)
{
    static const char letters[OUTCOME_COUNT + 1] = "sfbkn";
    return (enum outcome)(strchr(letters, c) - letters);
}

/* One step of a story: '+' lets a second pass, a letter is a call with that outcome, which begins and ends now. Gives
 * what has changed ('O' opened, 'H' half open, 'C' closed again), '.' nothing, '!' the call was not let through. */
static char step(struct breaker *b, const struct conf_breaker *rules, char what, usec_t *now)
{
    static const char changes[] = ".OHC";
    if (what == '+') return changes[breaker_tick(b, *now += SECOND)];
    if (!breaker_admits(b, rules)) return '!';
    bool trial = breaker_begin(b);
    return changes[breaker_note(b, rules, outcome_of(what), trial, *now, *now, 0)];
}

static void tell(const struct conf_breaker *rules, const char *story, const char *changes)
{
    struct breaker b = {0};
    usec_t now = 7 * SECOND;
    ck_assert_uint_eq(strlen(story), strlen(changes));
    for (size_t i = 0; story[i]; i++) {
        char change = step(&b, rules, story[i], &now);
        ck_assert_msg(change == changes[i], "%s, at %zu: %c instead of %c", story, i, change, changes[i]);
    }
}

START_TEST(test_failures_in_a_row)
{
    static const struct {
        unsigned trials;
        const char *story, *changes;
    } rows[] = {
        {1, "fff", "..O"},
        {1, "ffsfff", ".....O"},
        {1, "fbfknf", ".....O"}, /* what does not count neither adds nor interrupts */
        {1, "bbbbkkkknnnn", "............"},
        {1, "fff+s+s", "..O.!HC"},
        {1, "fff++f++++", "..O.HO...H"},             /* twice the time */
        {1, "fff++f++++f+++++", "..O.HO...HO....H"}, /* but not more than the most */
        {1, "fff++f++++f+++++f+++++", "..O.HO...HO....HO....H"},
        {1, "fff++sfff++", "..O.HC..O.H"}, /* closed, it begins with the short time again */
        {1, "fff++sff", "..O.HC.."},
        {1, "fff++nbks", "..O.H...C"}, /* a place that is given back */
        {2, "fff++ss", "..O.H.C"},
        {2, "fff++snbks", "..O.H....C"},
        {2, "fff++sfs", "..O.H.O!"},
        {2, "fff++sf++++s", "..O.H.O...H."}, /* the success of the first time is forgotten */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conf_breaker rules = {.failures = 3, .window = 10 * SECOND, .open = 2 * SECOND, .open_max = 5 * SECOND};
        rules.trials = rows[i].trials;
        tell(&rules, rows[i].story, rows[i].changes);
    }
}
END_TEST

START_TEST(test_share_of_failures)
{
    static const struct {
        unsigned rate, volume;
        const char *story, *changes;
    } rows[] = {
        {50, 4, "sfsf", "...O"},
        {50, 4, "ssffs", "...O!"},
        {50, 5, "sfsff", "....O"},
        {50, 4, "sssfffs", ".....O!"},
        {51, 4, "sfsf", "...."},
        {51, 4, "sfsff", "....O"},
        {50, 4, "fff", "..."},
        {50, 4, "fbknbknff", "........."},
        {50, 4, "fbknbknfff", ".........O"},
        {50, 4, "fff+++++++++f", "............O"},   /* still in the window */
        {50, 4, "fff++++++++++f", ".............."}, /* no longer */
        {50, 4, "ff+++++ff", "........O"},
        {50, 4, "ff+++++f+++++f", ".............."},
        {50, 4, "ff++++++++++++++++++++++++++++++++ff", "...................................."},
        {50, 4, "ffff++sfff", "...O.HC..."}, /* closed again, with an empty window */
        {100, 3, "sfff", "...."},
        {0, 1, "ffffffff", "........"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct conf_breaker rules = {.failure_rate = rows[i].rate, .volume = rows[i].volume, .trials = 1};
        rules.window = 10 * SECOND, rules.open = rules.open_max = 2 * SECOND;
        tell(&rules, rows[i].story, rows[i].changes);
    }
}
END_TEST

static const struct conf_breaker usual = {
    .failures = 2, .window = 10 * SECOND, .open = 30 * SECOND, .open_max = 600 * SECOND, .half_open = 10, .trials = 2};

static enum breaker_change note_fault(struct breaker *b, bool trial, usec_t began, usec_t now, uint64_t random)
{
    return breaker_note(b, &usual, OUTCOME_FAULT, trial, began, now, random);
}

static struct breaker opened_at(usec_t now, uint64_t random)
{
    struct breaker b = {0};
    ck_assert_int_eq(note_fault(&b, false, now, now, random), BREAKER_SAME);
    ck_assert_int_eq(note_fault(&b, false, now, now, random), BREAKER_OPENED);
    return b;
}

START_TEST(test_jitter_only_adds)
{
    struct breaker b = opened_at(100, 0);
    ck_assert_int_eq(breaker_due(&b), 100 + usual.open);
    b = opened_at(100, UINT64_MAX);
    ck_assert_int_eq(breaker_due(&b), 100 + usual.open * 6 / 5);
    b = opened_at(100, UINT64_MAX / 2);
    ck_assert_int_eq(breaker_due(&b), 100 + usual.open * 11 / 10);
}
END_TEST

START_TEST(test_it_is_due_when_it_is_open)
{
    struct breaker b = opened_at(0, 0);
    ck_assert(!breaker_admits(&b, &usual));
    ck_assert_int_eq(breaker_tick(&b, usual.open - 1), BREAKER_SAME);
    ck_assert(!breaker_admits(&b, &usual));
    ck_assert_int_eq(breaker_tick(&b, usual.open), BREAKER_HALF_OPENED);
    ck_assert_int_eq(breaker_due(&b), USEC_NEVER);
    ck_assert_int_eq(breaker_tick(&b, usual.open + 1), BREAKER_SAME);
    b = (struct breaker){0};
    ck_assert_int_eq(breaker_due(&b), USEC_NEVER);
}
END_TEST

START_TEST(test_late_failures_change_nothing)
{
    struct breaker b = opened_at(100, 0);
    usec_t due = breaker_due(&b);
    ck_assert_int_eq(note_fault(&b, false, 50, 200, UINT64_MAX), BREAKER_SAME);
    ck_assert_int_eq(breaker_due(&b), due);
    breaker_tick(&b, due);
    ck_assert_int_eq(note_fault(&b, false, 60, due + 1, 0), BREAKER_SAME);
    ck_assert_int_eq(breaker_note(&b, &usual, OUTCOME_SUCCESS, false, 60, due + 2, 0), BREAKER_SAME);
    ck_assert_int_eq(b.state, BREAKER_HALF_OPEN);
    ck_assert_uint_eq(b.successes, 0);
    for (int i = 0; i < 2; i++)
        breaker_note(&b, &usual, OUTCOME_SUCCESS, breaker_begin(&b), due + 3, due + 4, 0);
    ck_assert_int_eq(b.state, BREAKER_CLOSED);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(note_fault(&b, false, 70 + i, due + 5, 0), BREAKER_SAME);
    ck_assert_uint_eq(b.failures, 0);
    note_fault(&b, false, due + 4, due + 6, 0);
    ck_assert_int_eq(note_fault(&b, false, due + 4, due + 6, 0), BREAKER_OPENED);
}
END_TEST

/* What an earlier half-open time has left still loads the upstream, but says nothing about it any more. */
START_TEST(test_trials_of_an_earlier_time)
{
    struct breaker b = opened_at(0, 0);
    usec_t first = breaker_due(&b);
    breaker_tick(&b, first);
    ck_assert(breaker_begin(&b) && breaker_begin(&b));
    ck_assert(!breaker_admits(&b, &usual));
    ck_assert_int_eq(note_fault(&b, true, first, first + 1, 0), BREAKER_OPENED);
    usec_t second = breaker_due(&b);
    ck_assert_int_eq(second, first + 1 + 2 * usual.open);
    breaker_tick(&b, second);
    ck_assert(breaker_admits(&b, &usual));
    ck_assert(breaker_begin(&b));
    ck_assert(!breaker_admits(&b, &usual));
    ck_assert_int_eq(note_fault(&b, true, first, second + 1, 0), BREAKER_SAME);
    ck_assert_int_eq(b.state, BREAKER_HALF_OPEN);
    ck_assert(breaker_admits(&b, &usual));
    ck_assert_uint_eq(b.trials, 1);
}
END_TEST

START_TEST(test_recovery_by_probes)
{
    struct breaker b = opened_at(0, 0);
    for (int i = 0; i < 5; i++) {
        usec_t due = breaker_due(&b);
        breaker_tick(&b, due);
        note_fault(&b, breaker_begin(&b), due, due, 0);
    }
    usec_t now = breaker_due(&b) - SECOND;
    ck_assert_int_eq(breaker_recover(&b, now), BREAKER_HALF_OPENED);
    ck_assert_int_eq(breaker_recover(&b, now), BREAKER_SAME);
    ck_assert(breaker_admits(&b, &usual));
    ck_assert_int_eq(note_fault(&b, breaker_begin(&b), now, now, 0), BREAKER_OPENED);
    ck_assert_int_eq(breaker_due(&b), now + usual.open);
}
END_TEST

/* It went down before its breaker opened. */
START_TEST(test_recovery_by_probes_while_closed)
{
    const usec_t now = 100 * SECOND, slow = 100 * SECOND;
    struct breaker b = {0};
    for (unsigned i = 1; i < usual.failures; i++)
        note_fault(&b, false, SECOND, SECOND, 0);
    ck_assert_int_eq(breaker_recover(&b, now), BREAKER_SAME);
    ck_assert_int_eq(b.state, BREAKER_CLOSED);
    ck_assert_uint_eq(breaker_share(&b, &usual, slow, now), 100);
    ck_assert_uint_eq(breaker_share(&b, &usual, slow, now + slow / 2), 550);
    ck_assert_uint_eq(breaker_share(&b, &usual, slow, now + slow), 1000);
    for (int i = 0; i < 9; i++)
        ck_assert_int_eq(note_fault(&b, false, now - 1, now + 1, 0), BREAKER_SAME);
    for (unsigned i = 1; i < usual.failures; i++)
        ck_assert_int_eq(note_fault(&b, false, now, now + 1, 0), BREAKER_SAME);
    ck_assert_int_eq(note_fault(&b, false, now, now + 1, 0), BREAKER_OPENED);
}
END_TEST

START_TEST(test_share_of_its_weight)
{
    const usec_t slow = 100 * SECOND;
    struct breaker b = {0};
    ck_assert_uint_eq(breaker_share(&b, &usual, slow, 5), 1000);
    b = opened_at(0, 0);
    ck_assert_uint_eq(breaker_share(&b, &usual, slow, 5), 100);
    usec_t due = breaker_due(&b);
    breaker_tick(&b, due);
    ck_assert_uint_eq(breaker_share(&b, &usual, slow, due), 100);
    for (int i = 0; i < 2; i++)
        breaker_note(&b, &usual, OUTCOME_SUCCESS, breaker_begin(&b), due, due, 0);
    static const unsigned shares[] = {100, 325, 550, 775, 1000, 1000};
    for (int i = 0; i < COUNT(shares); i++)
        ck_assert_uint_eq(breaker_share(&b, &usual, slow, due + i * slow / 4), shares[i]);
    ck_assert_uint_eq(breaker_share(&b, &usual, slow, due - 1), 100);
    ck_assert_uint_eq(breaker_share(&b, &usual, 0, due), 1000);
    struct conf_breaker none = usual;
    none.half_open = 0;
    ck_assert_uint_eq(breaker_share(&b, &none, slow, due), 1);
}
END_TEST

/* ---- any sequence of events ---- */

struct call {
    bool trial;
    usec_t began;
};

struct world {
    struct breaker breaker;
    struct conf_breaker rules;
    struct call calls[64];
    size_t calls_n, trials;
    usec_t now;
    struct random_source random;
};

static void begin_one(struct world *w)
{
    bool admits = breaker_admits(&w->breaker, &w->rules);
    if (w->breaker.state == BREAKER_CLOSED) ck_assert(admits);
    if (w->breaker.state == BREAKER_OPEN) ck_assert(!admits);
    if (w->breaker.state == BREAKER_HALF_OPEN) ck_assert_int_eq(admits, w->trials < w->rules.trials);
    if (!admits || w->calls_n == COUNT(w->calls)) return;
    bool trial = breaker_begin(&w->breaker);
    ck_assert_int_eq(trial, w->breaker.state == BREAKER_HALF_OPEN);
    w->calls[w->calls_n++] = (struct call){trial, w->now};
    w->trials += trial;
}

static void end_one(struct world *w)
{
    if (w->calls_n == 0) return;
    size_t at = random_below(&w->random, w->calls_n);
    struct call call = w->calls[at];
    w->calls[at] = w->calls[--w->calls_n];
    w->trials -= call.trial;
    struct breaker before = w->breaker;
    enum outcome o = (enum outcome)random_below(&w->random, OUTCOME_COUNT);
    enum breaker_change change =
        breaker_note(&w->breaker, &w->rules, o, call.trial, call.began, w->now, random_next(&w->random));
    if (change == BREAKER_OPENED) {
        ck_assert(before.state != BREAKER_OPEN && o == OUTCOME_FAULT);
        unsigned doublings = before.opened < 20 ? before.opened : 20;
        usec_t time = usec_earlier(w->rules.open << doublings, w->rules.open_max);
        ck_assert_int_ge(breaker_due(&w->breaker), w->now + time);
        ck_assert_int_le(breaker_due(&w->breaker), w->now + time * 6 / 5);
    } else if (before.state == BREAKER_OPEN) {
        ck_assert_int_eq(change, BREAKER_SAME);
        ck_assert_int_eq(breaker_due(&w->breaker), breaker_due(&before));
    }
    if (change == BREAKER_CLOSED_AGAIN) ck_assert(before.state == BREAKER_HALF_OPEN && call.trial);
    if (o != OUTCOME_SUCCESS && o != OUTCOME_FAULT) ck_assert_int_eq(change, BREAKER_SAME);
}

static void pass_time(struct world *w)
{
    w->now += (usec_t)random_below(&w->random, 3 * SECOND);
    bool due = breaker_due(&w->breaker) <= w->now;
    ck_assert_int_eq(breaker_tick(&w->breaker, w->now), due ? BREAKER_HALF_OPENED : BREAKER_SAME);
}

static void check_window(const struct breaker *b)
{
    unsigned good = 0, bad = 0;
    for (size_t i = 0; i < BREAKER_BUCKETS; i++) {
        good += b->window.slices[i].good;
        bad += b->window.slices[i].bad;
    }
    ck_assert_uint_eq(good, b->window.good);
    ck_assert_uint_eq(bad, b->window.bad);
}

START_TEST(test_any_sequence)
{
    for (unsigned seed = 0; seed < 30; seed++) {
        struct world w = {.now = 1};
        random_seed(&w.random, seed);
        w.rules =
            (struct conf_breaker){.failures = seed % 5, .failure_rate = seed % 3 * 30, .volume = 4, .half_open = 10};
        w.rules.window = 5 * SECOND, w.rules.open = SECOND, w.rules.open_max = 20 * (usec_t)SECOND;
        w.rules.trials = 1 + seed % 4;
        for (int i = 0; i < 2000; i++) {
            uint64_t what = random_below(&w.random, 10);
            what < 4 ? begin_one(&w) : what < 8 ? end_one(&w) : pass_time(&w);
            ck_assert_uint_eq(w.breaker.trials, w.trials);
            ck_assert_uint_le(w.breaker.trials, w.rules.trials);
            if (w.breaker.state == BREAKER_CLOSED) ck_assert_uint_eq(w.breaker.opened, 0);
            check_window(&w.breaker);
        }
    }
}
END_TEST

START_TEST(test_names)
{
    ck_assert_str_eq(breaker_state_name(BREAKER_CLOSED), "closed");
    ck_assert_str_eq(breaker_state_name(BREAKER_OPEN), "open");
    ck_assert_str_eq(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
    static const char *const outcomes[] = {"success", "fault", "busy", "key", "neutral"};
    for (int i = 0; i < OUTCOME_COUNT; i++)
        ck_assert_str_eq(outcome_name((enum outcome)i), outcomes[i]);
}
END_TEST

TEST_MAIN("breaker", test_failures_in_a_row, test_share_of_failures, test_jitter_only_adds,
          test_it_is_due_when_it_is_open, test_late_failures_change_nothing, test_trials_of_an_earlier_time,
          test_recovery_by_probes, test_recovery_by_probes_while_closed, test_share_of_its_weight,
          test_any_sequence, test_names)
